/*
 * A replica of one shard: the engine and what belongs to it without deciding anything. Pure, like the engine: leader, standby,
 * restart, `tickwire journal` and the simulation are the same code with other doors.
 *
 *   order stream ── mr_take ──> engine ──> records ──> listener          live: exec, fills, market data
 *                                             │
 *                                          backlog ── mr_journal_next ──> execlog      the leader writes,
 *                                             ^                              │
 *                                             └────── mr_journal_found ──────┘         every replica reads and compares
 *
 * Execlog. What is not known to be in it waits in the backlog: the reports of the inputs behind mr_journaled. A range of inputs
 * [first_seq, last_seq] is cut into parts of at most WIRE_EXECUTION_BYTES. How a range is cut depends on nothing but its reports: every
 * replica makes the same bytes of the same range, so what it reads is compared byte for byte (by length and a 64-bit hash) with what it would have
 * written, and a new leader can finish the range that the old one began. A leader's ranges are as many whole inputs as fit one part, or
 * one input whose reports don't.
 *
 * A difference is a fault: it says what was found where, nothing can be done with the replica any more, and whoever publishes stops.
 *
 * Correlation ids. An order's own is kept while it is open, and is in all its reports. The answer to another command (a cancel's CANCELLED, a
 * replace's REPLACED, refusals, a duplicate's answer) carries that command's, if it has one, and the order's own beside it.
 *
 * Names that nobody has. A report that refuses a command carries what that called its account and its instrument, where no number stands for it:
 * so who asked finds it by his name, live, in answers and in execlog.
 *
 * Memory is taken in mr_alloc and not touched before it is needed.
 *
 * Not thread safe: one thread owns it.
 */
#ifndef TICKWIRE_MATCHER_REPLICA_REPLICA_H
#define TICKWIRE_MATCHER_REPLICA_REPLICA_H

#include "matcher/core/engine.h"
#include "matcher/core/snapshot.h"
#include "matcher/wire/input.h"
#include "proto/venue.h"

typedef struct mr_replica mr_replica;

typedef struct mr_options {
    const char *exchange;   /* a MIC; copied */
    mx_bounds bounds;       /* memory for so much, see engine.h; the shard is in there */
    uint64_t backlog_bytes; /* mr_room is false above it; 0 for 64 MiB */
    uint64_t input_bytes;   /* for one input's reports beyond that; 0 for mr_input_bytes(&bounds) */
    uint64_t
        recent_bytes; /* of reports in execlog that are kept for QUERY_EXECUTIONS, over all accounts; 0 for 64 MiB */
    uint32_t found;   /* execlog messages that may be ahead of the inputs taken; 0 for 4,096 */
    uint64_t salt;    /* mx_engine_salt */
} mr_options;

/* What the reports of one input need at most, with the longest correlation ids and names. Address space: it is used only as reports come. */
uint64_t mr_input_bytes(const mx_bounds *bounds);

/* Returns TW_OK; TW_INVALID for bounds, exchange, shard, or input_bytes below mr_input_bytes; TW_NO_MEMORY. */
tw_code mr_alloc(mr_replica **replica, const mr_options *options, tw_error *error);
void mr_free(mr_replica *replica); /* NULL is fine */

/* For queries and market data only: whatever is applied goes through mr_take. */
const mx_engine *mr_engine(const mr_replica *replica);
const char *mr_exchange(const mr_replica *replica);
uint32_t mr_shard(const mr_replica *replica);

uint64_t mr_seq(const mr_replica *replica); /* the last input taken; 0: none. The next to be read is one more */
uint64_t mr_journaled(const mr_replica *replica); /* all reports of inputs up to here are in execlog */
uint64_t mr_reports(const mr_replica *replica);   /* made since the journal began */
uint64_t mr_hash(const mr_replica *replica);      /* mx_state_hash: walks the whole state */
/* "" if all is well. Else a sentence, and every call below does nothing. */
const char *mr_fault(const mr_replica *replica);
/* The fault is that this process has less memory than the bounds in force need: nothing is known to be wrong with anything else. */
bool mr_is_short(const mr_replica *replica);

/* ---- inputs ---- */

/* One report with what goes with it. It stays where it is until it is known to be in execlog, and at least until the next call of mr_take,
 * mr_journal_stored, mr_journal_found or mr_snapshot_read. */
typedef struct mr_record {
    mx_report report;
    struct mr_record *link;                    /* the listener's: for lists of its own */
    struct mr_record *next_same;               /* the replica's: of the same account, or of one that nobody knows */
    uint32_t bytes;                            /* of the whole record */
    int16_t price_exponent, quantity_exponent; /* of its instrument, then; 0 if it has none */
    uint8_t correlation_bytes;
    uint8_t order_correlation_bytes;
    uint8_t account_bytes, symbol_bytes; /* of names that nobody has */
    char correlation
        []; /* NUL terminated; "" if there is none. Other texts are behind it: mr_order_correlation, mr_asked_account, mr_asked_symbol */
} mr_record;

/* The correlation id of the report's order itself, where the report answers another command and carries that one's; else "". */
static inline const char *mr_order_correlation(const mr_record *record) {
    return record->correlation + record->correlation_bytes + (record->order_correlation_bytes > 0 ? 1 : 0);
}

/* What the refused command called its account, if nobody is called so; else "". */
static inline const char *mr_asked_account(const mr_record *record) {
    return record->account_bytes == 0 ? "" : mr_order_correlation(record) + record->order_correlation_bytes + 1;
}

/* Likewise its instrument. */
static inline const char *mr_asked_symbol(const mr_record *record) {
    const char *behind = mr_order_correlation(record) + record->order_correlation_bytes + 1;
    if (record->symbol_bytes == 0) return "";
    return behind + record->account_bytes + (record->account_bytes > 0 ? 1 : 0);
}

/* The record as the wire has it. What is for audit only is left out unless `for_audit`: see mw_report. */
void mr_tell(const mr_record *record, bool for_audit, wire_report *to);

typedef struct mr_listener {
    void (*on_record)(void *context, mr_record *record); /* in order; the replica may not be changed from here */
    void *context;
} mr_listener;

/* Applies one message of the order stream; its seq is mr_seq + 1: another one is a programmer's mistake, the reader watches for gaps.
 * `listener` may be NULL. False: the replica has a fault. (Bad input is no fault: it is refused with a report.) */
bool mr_take(mr_replica *replica, const mw_message *message, const mr_listener *listener, mw_applied *applied);

/* A hint: this message will be the second to be taken from now on. Its bytes stay where they are until then; if they have moved, or another one is taken,
 * nothing is lost but the hint. */
void mr_foresee(mr_replica *replica, const mw_message *after_next);

/* The records that are not known to be in execlog, oldest first: what a new leader has to say. A place among them is good until execlog
 * has passed it. NULL: no more for now; later ones are found from the same place. */
typedef struct mr_place {
    uint32_t chunk, offset;
} mr_place;
mr_place mr_backlog_begin(const mr_replica *replica);
mr_record *mr_backlog_next(const mr_replica *replica, mr_place *at);

/* False: the backlog is full; take no more before some of it is in execlog. What one takes nevertheless may be a fault. */
bool mr_room(const mr_replica *replica);
uint64_t mr_backlog_bytes(const mr_replica *replica);
uint64_t mr_backlog_reports(const mr_replica *replica);

/* ---- execlog ---- */

typedef struct mr_part {
    const uint8_t *bytes; /* an ExecutionBatch; until the next call that is not a plain question */
    size_t length;
    uint64_t first_seq, last_seq;
    uint32_t part, parts; /* part counts from 1 */
} mr_part;

/* What execlog has to get next. False: nothing. Gives the same bytes again until mr_journal_stored or mr_journal_found has moved on,
 * however much has been taken meanwhile. */
bool mr_journal_next(mr_replica *replica, mr_part *part);
/* The part of the last mr_journal_next is in execlog now. */
void mr_journal_stored(mr_replica *replica);

/* Lets all reports go, also those that are not known to be in execlog, as if they were: for who replays inputs only to have the state, and has no
 * execlog beside it. No message of execlog may wait for its inputs. Their memory is used again at once: called every few, it stays in a core's
 * cache. */
void mr_backlog_drop(mr_replica *replica);

typedef enum mr_found {
    MR_FOUND_NEW = 0, /* the position has moved (or will, when the inputs have been taken) */
    MR_FOUND_KNOWN,   /* nothing new: such as an own write that comes by the reader, too */
    MR_FOUND_FULL,    /* too far ahead of the inputs: give it again later */
    MR_FOUND_FAULT    /* it is not what this replica makes of the same inputs, or can't be read: mr_fault */
} mr_found;

/* A message of execlog, in the order of that stream. One whose inputs have not been taken is kept (length and hash) and compared as soon
 * as they are. A range that mr_journal_next had given, and of which nothing is in execlog, is taken back. */
mr_found mr_journal_found(mr_replica *replica, const uint8_t *bytes, size_t length);
/* False: so many wait for their inputs that reading execlog should pause. */
bool mr_found_room(const mr_replica *replica);
uint32_t mr_found_waiting(const mr_replica *replica);

/* ---- questions ---- */

#define MR_REPLY_BYTES (64u * 1024u) /* the least room for a reply */

/* The answer to a Query's bytes, in `buffer` of at least MR_REPLY_BYTES; it begins somewhere in there, its length is in `length`. What
 * makes no sense is answered with BAD_REQUEST. An order that has ended is answered from the recent reports as long as they reach back.
 * `only` is the account that the question's subject names: nothing is told of another, and nothing that is not of an account. NULL: anything
 * may be asked.
 *
 * However much is kept, one answer looks at 65,536 records at most. Executions go on from there, also where there was none yet (`more`); of an order that had
 * more reports of its account between its first one and its last, nothing is known here. */
const uint8_t *mr_answer(mr_replica *replica, const char *only, const uint8_t *query, size_t query_length,
                         uint8_t *buffer, size_t capacity, size_t *length);
uint64_t mr_looked(const mr_replica *replica); /* records, for all answers so far: what they have cost */
/* Likewise, but that it is not answered: BUSY, or what else is wrong. The query is looked at for its correlation id only. */
const uint8_t *mr_answer_not(const mr_replica *replica, wire_reply_code code, const char *detail,
                             const uint8_t *query, size_t query_length, uint8_t *buffer, size_t capacity,
                             size_t *length);

/* ---- snapshots ---- */

/* Which streams a snapshot belongs to, and how far into execlog: the daemon's, kept with the snapshot. */
typedef struct mr_origin {
    int64_t orders_created_ns; /* of the order stream, as bus_stream_info has it; 0: not known */
    int64_t execlog_created_ns;
    uint64_t execlog_seq; /* of the last message of execlog that was found or stored; reading goes on behind it */
} mr_origin;

#define MR_SNAPSHOT_VERSION 3

/*
 * Everything but the recent reports and execlog messages whose inputs are to come: with those waiting (mr_found_waiting) none can be
 * written, TW_FULL. The backlog is in it: a replica that starts with it can still write what was not in execlog.
 *
 *   magic 8 | version 4 | shard 4 | exchange, origin, position | engine's snapshot | correlation ids | backlog | length 8 | CRC-32C 4 | 0 4
 */
tw_code mr_snapshot_write(const mr_replica *replica, const mr_origin *origin, mx_write write, void *context,
                          tw_error *error);
/* As mx_snapshot_read; also TW_INVALID for another exchange. With less memory than the bounds that were set in it, the replica has a fault afterwards.
 * Unless TW_OK the replica is empty, as after mr_alloc. */
tw_code mr_snapshot_read(mr_replica *replica, mr_origin *origin, mx_read read, void *context, tw_error *error);

#endif
