/*
 * The ingest daemon's path, wired:
 *
 *   live.c -> arbiter (lines A and B) --\
 *   soup.c ---------------------------------\
 *   replay.c -> mold_line -----------------> itch50_feed / lobster_feed -> market -> publisher -> bus
 *                                                                requests.c <-> bus
 *
 * One loop, one thread. `ingest` is the daemon's whole state; main.c owns it.
 */
#ifndef TICKWIRE_INGEST_PIPELINE_H
#define TICKWIRE_INGEST_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "base/histogram.h"
#include "ingest/day/calendar.h"
#include "ingest/day/trading_day.h"
#include "ingest/line/arbiter.h"
#include "ingest/line/lobster_feed.h"
#include "ingest/line/mold_line.h"
#include "ingest/line/soup_client.h"
#include "ingest/market/itch50_feed.h"
#include "ingest/market/market.h"
#include "ingest/settings.h"
#include "ingest/source/location.h"
#include "ingest/source/pace.h"
#include "ingest/state/burst_limit.h"
#include "ingest/state/feed_state.h"
#include "ingest/state/hop_times.h"
#include "publisher/publisher.h"
#include "runtime/bus.h"
#include "runtime/bus_refusals.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/ticker.h"
#include "runtime/time_zone.h"

typedef struct lead lead;         /* lead.c: who publishes */
typedef struct adopt adopt;       /* adopt.c: a follower's trade totals, from its leader */
typedef struct live live;         /* live.c: the lines of a network feed */
typedef struct recovery recovery; /* recovery.c: refill by request servers */
typedef struct replay replay;     /* replay.c: a recording */
typedef struct soup soup;         /* soup.c: a SoupBinTCP server */
typedef struct glimpse glimpse;   /* glimpse.c: snapshots that make books whole again */

#define INGEST_LINES 3u /* A, B, and R: what request servers brought */

/* One line, as metrics and LineStatus show it. */
typedef struct ingest_line {
    char name[8]; /* "A", "B", "R"; "" where there is none */
    line_counts counts;
    uint64_t kernel_drops;
    int64_t buffer_bytes; /* of its socket, as granted */
    uint64_t buffer_changes;
    int64_t skew_ns; /* median lag behind the other line, negative ahead; 0 if there is nothing to compare */
    tw_book_state state;
    tw_state_cause cause;
    int64_t state_number; /* state again, as a gauge has it */
} ingest_line;

/* What refill did, as metrics show it. */
typedef struct ingest_recovery {
    uint64_t requests;
    uint64_t failures; /* requests that brought nothing in their time */
    uint64_t expired;  /* gaps that were not asked for any more at their deadline */
    uint64_t refilled; /* messages */
    uint64_t strangers;
} ingest_recovery;

#define INGEST_ROLES      6  /* as leadership.h has them */
#define INGEST_NAME_BYTES 64 /* of an instance */

/* Who leads, as metrics show it. */
typedef struct ingest_leading {
    uint64_t takeovers;          /* times this instance began to lead */
    uint64_t steps_back;         /* times it left the lead to another */
    uint64_t offers;             /* of its place, to a standby */
    uint64_t heartbeats;         /* heard of other leaders */
    uint64_t disbelieved;        /* heard or read: terms too far ahead of the clock to be anybody's */
    uint64_t lease_failures;     /* calls that JetStream did not answer */
    int64_t roles[INGEST_ROLES]; /* 1 for the present one */
    int64_t term;                /* of the leader: this instance or the one that it hears */
    int64_t lease_held, behind, catching_up;
    int64_t epochs_differ; /* this standby and its leader give one session two dates */
} ingest_leading;

/* What happened to a SoupBinTCP link, as metrics show it. */
typedef struct ingest_soup {
    uint64_t logins; /* accepted */
    uint64_t rejections;
    uint64_t failures; /* connections that were not made, or broke */
} ingest_soup;

/* Snapshots, as metrics show them. */
typedef struct ingest_glimpse {
    uint64_t attempts, failures, rebuilds;
    int64_t state; /* rejoin_state */
    int64_t held;  /* live messages */
} ingest_glimpse;

/* Numbers that only metrics read; refreshed before each rendering. */
typedef struct ingest_observed {
    publisher_stats publisher;
    market_stats market;
    arbiter_status line;
    ingest_line lines[INGEST_LINES];
    ingest_recovery recovery;
    ingest_leading leading;
    ingest_soup soup;
    ingest_glimpse glimpse;
    bus_stats bus;
    uint64_t instruments_refused;
    uint64_t kernel_drops;
    int64_t feed_state, feed_cause;
    int64_t instruments, instruments_not_ok, live_orders, level_slots, requests_waiting, bus_buffered;
    int64_t burst_limit;
    int64_t totals_whole;
} ingest_observed;

typedef struct ingest {
    ingest_settings settings;
    location where;
    location where_b;             /* of --source-b */
    char name[INGEST_NAME_BYTES]; /* of this instance, unique */
    bool leased;                  /* a lease says who leads; false: this instance does, by its own word */
    uint64_t term;                /* of its leadership; 0 before */
    uv_loop_t loop;
    rt_log *log;
    metrics *metrics;
    metrics_server *metrics_server;
    bus *bus;
    bus_refusals refusals;
    time_zone *zone;
    calendar calendar;
    trading_day day;
    market *market;
    publisher *publisher;
    itch50_feed itch50;
    lobster_feed *lobster; /* NULL for itch50 */
    mold_line *line;       /* a capture's; NULL for all else */
    arbiter *arbiter;      /* of the lines of a network feed; NULL for all else */
    lead *lead;
    adopt *adopt; /* NULL where no lease says who leads */
    live *live;   /* exactly one of live, soup and replay */
    soup *soup;
    replay *replay;
    recovery *recovery; /* NULL without --recovery */
    glimpse *glimpse;   /* NULL without --glimpse */

    feed_facts facts;
    feed_verdict verdict;    /* as last told to the publisher */
    uint64_t messages;       /* source messages applied in this epoch */
    uint64_t messages_total; /* since start: for metrics */
    uint64_t pending;        /* messages applied since the last flush */
    burst_limit burst;       /* how many there may be; fixed for recordings */
    uint32_t flushes_in_burst;
    int64_t flush_ns; /* the clock as last read for a flush */
    bool stopping;
    int64_t lines_told_ns; /* when LineStatus was published last */

    ticker *ticker;
    uv_timer_t serve_timer;
    bool serving;
    bus_subscription *requests[3];
    uv_signal_t signals[3];

    tw_histogram receive_to_publish; /* packet arrival to the end of its burst's publishing */
    hop_times hops;                  /* the same path and the write, hop by hop; of a network feed */
    ingest_observed observed;
    uint64_t stray_ends_told, impossible_told; /* of the lines' packets, in the log */
    rt_log_site malformed_site, unknown_site, lost_site, stray_end_site, impossible_site;
} ingest;

/* Builds everything from `settings`, connects, opens the source. On failure the chain says why; then and after
 * the loop has run, ingest_close frees what there is. */
tw_code ingest_open(ingest *ingest, tw_error *error);
void ingest_close(ingest *ingest);
/* Runs until a signal, or the end of the recording with --exit-at-end. Returns the process's exit code. */
int ingest_run(ingest *ingest);

/* For the sources. */
/* A session begins: a new epoch, empty books. False: its date can't be known (told in the log; the ingest stops). */
bool ingest_start_session(ingest *ingest, const char *session, uint64_t first_seq, int64_t receive_ns);
void ingest_messages(ingest *ingest, const feed_message *messages, size_t count);
/* The same, past the way back from STALE: for glimpse.c. */
void ingest_apply(ingest *ingest, const feed_message *messages, size_t count);
/* `count` messages from `from` on will not come. */
void ingest_messages_lost(ingest *ingest, uint64_t from, uint64_t count);
/* Everything the source had has been taken: publish what is marked, write to the bus once. */
void ingest_end_of_burst(ingest *ingest);
/* The facts have changed: what is the feed worth now? Told with the next flush. */
void ingest_judge(ingest *ingest);
/* The source is at its end (reason NULL: as it should be) or broken. */
void ingest_source_ended(ingest *ingest, const char *reason);
void ingest_stop(ingest *ingest);
/* What the capture's line or the network's lines have come to; false for other sources. */
bool ingest_line_status(const ingest *ingest, arbiter_status *status);
/* Line `index`, 0 to INGEST_LINES - 1, of a source that has lines; false if there is no such line. */
bool ingest_read_line(const ingest *ingest, uint32_t index, int64_t now_ns, ingest_line *line);
/* What the settings say of SoupBinTCP links. */
soup_client_options ingest_soup_options(const ingest *ingest);
/* The listener that a MoldUDP64 line tells. */
mold_line_listener ingest_line_listener(ingest *ingest);

/* The last message applied. */
tw_stamp ingest_last(const ingest *ingest);
/* Publishes what is marked and has been held back, as far as the bus is ready. */
void ingest_publish_all(ingest *ingest);

/* lead.c */
tw_code lead_open(lead **lead, ingest *ingest, tw_error *error);
void lead_close(lead *lead);
/* For a standby: listens until it has heard a leader, at most for the lease's time, running the loop. So it knows by which
 * date the session goes before its first packet. */
void lead_await(lead *lead);
/* Of another instance that leads; "" if none is heard. */
const char *lead_epoch(const lead *lead);
bool lead_is_empty(const lead *lead); /* it has had no message in that epoch */
/* For a recording: listens for a quarter of a second, running the loop. TW_FULL: somebody publishes this feed now. */
tw_code lead_check_free(lead *lead, tw_error *error);
/* Looks who leads and does what follows; at each tick. */
void lead_step(lead *lead, int64_t now_ns);
/* Before anything is published: if the process stood still, it may not lead any more. */
void lead_before_publishing(lead *lead);
void lead_bus(lead *lead, bus_event event);
bool lead_may_send(const lead *lead); /* false while that is being verified */
bool lead_leads(const lead *lead);
bool lead_offers(const lead *lead);
/* Offers the place to a standby; goes on leading if nobody takes it. */
void lead_hand_over(lead *lead);
/* The same before the process ends: true if an offer was made. ingest_stop is called when it has been taken, or when
 * its time is over. */
bool lead_leave(lead *lead);
/* The leader that a follower hears. */
typedef struct lead_word {
    uint64_t term;
    uint64_t published_seq; /* all up to it has left */
    char name[INGEST_NAME_BYTES];
    char epoch[TW_EPOCH_BYTES];
} lead_word;
bool lead_follows(const lead *lead);
/* False: this instance does not follow, or has not heard its leader for as long as a lease. */
bool lead_hears(const lead *lead, lead_word *word);
void lead_read(const lead *lead, ingest_leading *seen);
const char *lead_role_name(int role);
/* adopt.c */
tw_code adopt_open(adopt **adopt, ingest *ingest, tw_error *error);
void adopt_close(adopt *adopt);
void adopt_tick(adopt *adopt, int64_t now_ns);
bool adopt_asking(const adopt *adopt); /* an answer is under way: prints that wait must stay */
/* live.c */
tw_code live_open(live **live, ingest *ingest, tw_error *error);
void live_close(live *live);
/* Line `index`, 0 to INGEST_LINES - 1; false if there is no such line. */
bool live_read_line(const live *live, uint32_t index, int64_t now_ns, ingest_line *line);
uint64_t live_kernel_drops(const live *live); /* of all lines */
/* As time passes: looks at the sockets' queues, tells drops, lets buffers grow. */
void live_step(live *live);
/* For --busy-poll: asks every line, a bounded number of times, until one had something. */
void live_spin(live *live);
/* soup.c */
tw_code soup_open(soup **soup, ingest *ingest, tw_error *error);
void soup_start(soup *soup);
void soup_close(soup *soup);
void soup_tell_facts(const soup *soup, feed_facts *facts);
arbiter_status soup_read_status(const soup *soup); /* as much of it as a TCP feed has */
bool soup_read_line(const soup *soup, uint32_t index, int64_t now_ns, ingest_line *line);
void soup_read_link(const soup *soup, ingest_soup *seen);
/* glimpse.c */
tw_code glimpse_open(glimpse **glimpse, ingest *ingest, tw_error *error);
void glimpse_close(glimpse *glimpse);
void glimpse_tick(glimpse *glimpse, int64_t now_ns);
void glimpse_messages(glimpse *glimpse, const feed_message *messages, size_t count);
void glimpse_lost(glimpse *glimpse, uint64_t from, uint64_t count);
void glimpse_settle(glimpse *glimpse); /* before the session, or the ingest, ends: what is held is applied */
void glimpse_finish(glimpse *glimpse); /* a rebuild under way, at once */
void glimpse_session(glimpse *glimpse, uint64_t first);
bool glimpse_rebuilding(const glimpse *glimpse); /* the books are half-built: nothing of them may leave */
void glimpse_read(const glimpse *glimpse, ingest_glimpse *seen);
/* line_report.c: publishes LineStatus of every line, once a second. */
void line_report(ingest *ingest);
/* recovery.c */
tw_code recovery_open(recovery **recovery, ingest *ingest, tw_error *error);
void recovery_close(recovery *recovery);
/* Looks whether something is to be asked for: after packets of the lines, and as time passes. */
void recovery_step(recovery *recovery, int64_t now_ns);
void recovery_read(const recovery *recovery, ingest_recovery *seen);
/* replay.c */
tw_code replay_open(replay **replay, ingest *ingest, tw_error *error);
void replay_start(replay *replay);
void replay_close(replay *replay);
/* settings_check.c: what is wrong with the settings, their sources being parsed. TW_INVALID. */
tw_code ingest_check_settings(const ingest *ingest, tw_error *error);
/* requests.c */
tw_code requests_open(ingest *ingest, tw_error *error);
void requests_close(ingest *ingest);
/* observe.c */
tw_code observe_open(ingest *ingest, tw_error *error);
void observe_close(ingest *ingest);

#endif
