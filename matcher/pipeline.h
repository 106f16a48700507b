/*
 * The matcher daemon's path, wired:
 *
 *   {MIC}-orders-{SHARD} ──inputs.c──> replica ──records──> live.c ──> exec.… fills.…
 *                                         │                   ├──────> market ──> order books, quotes, trades, status
 *                                         │                   └──────> order_log.c: lines with correlation ids
 *                                         ├──execlog.c──> {MIC}-execlog-{SHARD}      the leader writes, others read and compare
 *                                         ├──queries.c──> answers
 *                                         ├──hashes.c───> hash.…, compared with other replicas'
 *                                         └──keeping.c──> snapshots
 *   storage.c watches what the streams may still hold, and has new orders refused before a cancel would be.
 *   leading.c says who publishes and writes; places.c makes the streams, finds a snapshot and begins.
 *
 * A burst in, a burst out: what one read of the socket brought is taken, then live reports and market data leave, then execlog gets
 * one message, all with one write to the socket.
 *
 * One loop, one thread. `matcher` is the daemon's whole state; main.c owns it.
 */
#ifndef TICKWIRE_MATCHER_PIPELINE_H
#define TICKWIRE_MATCHER_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "base/histogram.h"
#include "matcher/lead/lead.h"
#include "matcher/market/market.h"
#include "matcher/replica/replica.h"
#include "matcher/settings.h"
#include "matcher/wire/places.h"
#include "proto/venue.h"
#include "runtime/bus.h"
#include "runtime/bus_reader.h"
#include "runtime/bus_refusals.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/ticker.h"

typedef struct places places;   /* places.c */
typedef struct inputs inputs;   /* inputs.c */
typedef struct execlog execlog; /* execlog.c */
typedef struct live live;       /* live.c */
typedef struct order_log order_log;
typedef struct queries queries; /* queries.c */
typedef struct hashes hashes;   /* hashes.c */
typedef struct keeping keeping; /* keeping.c */
typedef struct leading leading; /* leading.c */
typedef struct storage storage; /* storage.c */

typedef enum matcher_state {
    MATCHER_STARTING = 0, /* streams are made, a snapshot is looked for */
    MATCHER_RUNNING,
    MATCHER_HALTED /* something is wrong that time does not heal: publishes nothing more, stays to be looked at */
} matcher_state;

#define MATCHER_REASON_BYTES 800u
/* Behind a MISMATCH of states or reports: what makes one, and what to do. */
#define MATCHER_MISMATCH_HINT                                                                                      \
    "; usual causes: another version of tickwire-matcher, other bounds (--max-...), an order stream that was "     \
    "wiped or "                                                                                                    \
    "restored. 'tickwire journal verify' tells which side is right (docs/venue.md, When it says HALTED)"

/* Counters that the parts keep, for metrics. */
typedef struct matcher_counts {
    uint64_t inputs, commands, refused, input_bytes;
    uint64_t bursts;
    uint64_t live_messages, live_bytes, fills_messages;
    uint64_t log_messages, log_bytes, log_found, log_unknown, log_refused, log_fenced;
    uint64_t queries, queries_busy, queries_passed_over;
    uint64_t hashes, hashes_alike, hashes_different;
    uint64_t clocks;
    uint64_t snapshots, snapshots_failed, snapshot_bytes;
    uint64_t takeovers, steps_back, offers, lease_failures;
    uint64_t pauses; /* of reading, because something was full */
} matcher_counts;

/* Numbers that only metrics read; refreshed before each rendering. */
typedef struct matcher_observed {
    publisher_stats publisher;
    bus_stats bus;
    int64_t state, role, leads, term, seq, journaled, backlog_bytes, backlog_reports, waiting_inputs, found_waiting;
    int64_t storage_low, orders_left, execlog_left, queries_waiting;
    int64_t ready, open_orders, instruments, accounts, positions, bus_buffered, snapshot_seq, snapshot_age_ns;
    uint64_t reports, inputs_consumers, log_consumers;
} matcher_observed;

typedef struct matcher {
    matcher_settings settings;
    char name[ML_NAME_BYTES]; /* of this instance, unique */
    uv_loop_t loop;
    rt_log *log;
    metrics *metrics;
    metrics_server *metrics_server;
    bus *bus;
    bus_refusals refusals;
    mr_replica *replica;
    mk_market *market;
    places *places;
    inputs *inputs;
    execlog *execlog;
    live *live;
    order_log *order_log;
    queries *queries;
    hashes *hashes;
    keeping *keeping;
    leading *leading;
    storage *storage;

    bus_subscription *standing; /* standing.c */

    matcher_state state;
    int64_t state_ns; /* of the wall clock: since when */
    char halted[MATCHER_REASON_BYTES];
    uint64_t orders_last;                 /* the order stream's last message at the start */
    uint64_t orders_first, execlog_first; /* what was trimmed is before; 1: nothing */
    mr_origin origin;                     /* of the streams, as they are */
    int64_t burst_ns;                     /* the wall clock at the burst's beginning */
    bool burst_open;                      /* something was taken that has not left */
    int64_t breathed_ns;
    bool stopping;
    int exit_code;
    uv_check_t check;
    ticker *ticker;
    uv_signal_t signals[3];
    rt_log_site halted_site;
    matcher_counts counts;
    matcher_observed observed;
    tw_histogram input_to_live; /* the server's stamp of an input to its reports' leaving */
    tw_histogram live_to_log;   /* a write to execlog to its acknowledgement */
    tw_histogram standstill;    /* the loop's: hashes and snapshots */
} matcher;

tw_code matcher_open(matcher *self, tw_error *error);
int matcher_run(matcher *self);
void matcher_close(matcher *self);
void matcher_stop(matcher *self, int exit_code);

/* The streams are there, the replica is what the snapshot says: reading begins. For places.c. */
void matcher_begin(matcher *self);
/* Something that time does not heal. Publishing and writing stop at once; the process stays and says why. */
void matcher_halt(matcher *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Within long work: who leads is looked at, heartbeats leave. `now_ns` is monotonic. */
void matcher_breathe(matcher *self, int64_t now_ns);
/* What was taken leaves now: live reports, market data, execlog, one write. */
void matcher_end_of_burst(matcher *self);
/* For the reports of more inputs. */
bool matcher_has_room(const matcher *self);
/* Reads on, or pauses, as there is room. */
void matcher_flow(matcher *self);

/* places.c */
tw_code places_open(places **places, matcher *matcher, tw_error *error);
void places_close(places *places);
void places_tick(places *places, int64_t now_ns);
/* Were the streams made anew since? Asked after trouble; then matcher_halt, or inputs_verified. */
void places_verify(places *places);

/* inputs.c */
tw_code inputs_open(inputs **inputs, matcher *matcher, tw_error *error);
void inputs_close(inputs *inputs);
tw_code inputs_begin(inputs *inputs, tw_error *error); /* from the replica's seq on */
void inputs_end(inputs *inputs);                       /* no more */
void inputs_flow(inputs *inputs, bool room);
void inputs_verified(inputs *inputs);
/* Has been read to its end, or as far as there is room for what is not in execlog; and can be read. */
bool inputs_ready(const inputs *inputs);
bool inputs_readable(const inputs *inputs);
int64_t inputs_idle_ns(const inputs *inputs, int64_t now_ns);
uint64_t inputs_waiting(const inputs *inputs); /* in the stream, as last heard */
uint64_t inputs_consumers(const inputs *inputs);

/* execlog.c */
tw_code execlog_open(execlog **execlog, matcher *matcher, tw_error *error);
void execlog_close(execlog *execlog);
void execlog_begin(execlog *execlog); /* from origin.execlog_seq on */
void execlog_end(execlog *execlog);
void execlog_lead(execlog *execlog);   /* writes from now on */
void execlog_drain(execlog *execlog);  /* begins no write */
void execlog_follow(execlog *execlog); /* reads from now on */
void execlog_write(execlog *execlog);  /* what there is, if nothing is on its way */
void execlog_tick(execlog *execlog, int64_t now_ns);
bool execlog_ready(const execlog *execlog);
bool execlog_drained(const execlog *execlog);
const char *execlog_refused(const execlog *execlog); /* why the last write was not taken; "" if it was */
uint64_t execlog_consumers(const execlog *execlog);

/* live.c */
tw_code live_open(live **live, matcher *matcher, tw_error *error);
void live_close(live *live);
const mr_listener *live_listener(const live *live); /* for mr_take */
/* Tells what execlog lacks, and everything from now on; `again`: also what has left before. A large backlog leaves in parts, one a flush. */
void live_lead(live *live, bool again);
void live_hold(live *live);
void live_flush(live *live);
bool live_is_full(const live *live);      /* as many as --burst have gathered */
bool live_has_told_all(const live *live); /* nothing waits to leave */

/* order_log.c */
tw_code order_log_open(order_log **log, matcher *matcher, tw_error *error);
void order_log_close(order_log *log);
void order_log_input(order_log *log); /* the records of another input begin */
void order_log_hear(order_log *log, const mr_record *record);
/* The correlation id of the input's first command that could not be read or may not travel there; "" if it has none. */
const char *order_log_unreadable(const order_log *log);

/* queries.c */
tw_code queries_open(queries **queries, matcher *matcher, tw_error *error);
void queries_close(queries *queries);
uint32_t queries_waiting(const queries *queries);

/* hashes.c */
tw_code hashes_open(hashes **hashes, matcher *matcher, tw_error *error);
void hashes_close(hashes *hashes);
/* After each input; the engine's time before it, and how many more are in the stream. */
void hashes_taken(hashes *hashes, int64_t before_ns, uint64_t waiting);
bool hashes_standby_heard(const hashes *hashes, int64_t now_ns); /* another replica that does not lead */

/* keeping.c */
tw_code keeping_open(keeping **keeping, matcher *matcher, tw_error *error);
void keeping_close(keeping *keeping);
void keeping_bound(keeping *keeping, uint64_t bytes); /* what the stream may hold; 0: no bound */
void keeping_find(keeping *keeping);                  /* then matcher_begin */
void keeping_tick(keeping *keeping, int64_t now_ns);
void keeping_last(keeping *keeping); /* before the process ends */
uint64_t keeping_seq(const keeping *keeping);
int64_t keeping_age_ns(const keeping *keeping, int64_t now_ns);

/* leading.c */
tw_code leading_open(leading **leading, matcher *matcher, tw_error *error);
void leading_close(leading *leading);
void leading_step(leading *leading, int64_t now_ns);
void leading_before_publishing(leading *leading);
void leading_bus(leading *leading, bus_event event);
void leading_fenced(leading *leading); /* another one has written execlog */
void leading_halt(leading *leading);   /* never again */
bool leading_serves(const leading *leading);
bool leading_speaks(const leading *leading);
bool leading_may_send(const leading *leading);
void leading_hand_over(leading *leading);
bool leading_leave(leading *leading);                                        /* true: matcher_stop follows */
void leading_command(leading *leading, const wire_control_command *command); /* into the order stream */
uint64_t leading_term(const leading *leading);
int leading_role(const leading *leading);
const char *leading_leader(const leading *leading); /* as heard */

/* storage.c */
tw_code storage_open(storage **storage, matcher *matcher, tw_error *error);
void storage_close(storage *storage);
void storage_tick(storage *storage, int64_t now_ns);
/* What the stream can still take, by its own bound or its account's; -1: no bound is known. Orders or execlog. */
int64_t storage_left_bytes(const storage *storage, mw_stream stream);

/* observe.c */
tw_code observe_open(matcher *self, tw_error *error);
void observe_close(matcher *self);
/* Why it does not serve as it should; "": it does, as far as it knows. */
void observe_why(const matcher *self, char *text, size_t capacity);

/* standing.c */
tw_code standing_open(matcher *self, tw_error *error);
void standing_close(matcher *self);

#endif
