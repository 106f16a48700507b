/*
 * The lines of one MoldUDP64 feed put together message by message: UDP payloads of every line in, each message once
 * and in order out. Packets may be grouped differently on each line; either line may die and return.
 *
 *      line A ----\
 *      line B -----+--> one gap tracker --> messages in order
 *      recovery --/     (what none of them brought is a gap, see ingest/gap/gap.h)
 *
 * Lines are numbered from 0. ARBITER_RECOVERY is the line of the request server's answers: it fills holes, but never
 * starts or changes a session, never tells of numbers no line has told of, and is not measured against the others.
 *
 * Two things are believed only when a second packet confirms them, for one damaged packet would end the feed:
 * another session, and a jump of more than `max_jump` numbers beyond what any line has told of. The first such packet
 * is kept; the packet that agrees releases it. A session that was left is not gone back to (the last four are
 * remembered): a line that lags behind in it is passed over. When the session changes, what is missing of the old one
 * is given up at once. Numbers that no session can have (from ARBITER_NO_NUMBER on, or ARBITER_FURTHEST beyond what
 * was told) are believed of nobody.
 *
 * Passed over are, too: an end of the session below what has come of it, and a session whose numbers begin again. The
 * latter is told (fell_back) when nothing at or beyond the next number has come for `fall_back_ns` and a line has since
 * repeated three packets below what it has carried itself. From then on nothing of the session is believed, for the
 * numbers that climb back to where it was may mean other messages; it ends with another session, or with a packet that
 * jumps back to where the lines were, further than the repeated numbers had come.
 *
 * Heard is what was accepted of the session that runs; what was passed over keeps neither a line nor the feed alive.
 *
 * Pure but for the listener's own doings; no allocation after alloc. Used for the network and for captures alike.
 */
#ifndef TICKWIRE_INGEST_LINE_ARBITER_H
#define TICKWIRE_INGEST_LINE_ARBITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/framing/moldudp64.h"
#include "ingest/gap/gap.h"
#include "ingest/line/line_stats.h"
#include "ingest/market/feed_message.h"

#define ARBITER_MAX_LINES 4u
#define ARBITER_RECOVERY  UINT32_MAX
#define ARBITER_NO_NUMBER (UINT64_C(1) << 63)
#define ARBITER_FURTHEST  (UINT64_C(1) << 34) /* more messages than a feed has in a day */

typedef struct arbiter arbiter;

/* Called synchronously, in the order of the source. All are required. */
typedef struct arbiter_listener {
    void *context;
    /* The first packet of a session: its name without padding, and the first sequence number seen. */
    void (*on_session)(void *context, const char *session, uint64_t first, int64_t receive_ns);
    /* The next messages; consecutive but for what on_lost told. */
    void (*on_messages)(void *context, const feed_message *messages, size_t count);
    /* `count` messages from `from` on were given up; what follows comes after them. */
    void (*on_lost)(void *context, uint64_t from, uint64_t count);
    /* A payload that is not MoldUDP64: passed over. `offset` is where in it the fault is. */
    void (*on_malformed)(void *context, moldudp64_result why, size_t offset, size_t length);
} arbiter_listener;

typedef struct arbiter_options {
    gap_options gap;         /* the reorder window is also the time a line may be late before it has lost */
    uint32_t lines;          /* 1 to ARBITER_MAX_LINES */
    uint64_t max_jump;       /* numbers beyond the highest told that a single packet is believed; 0: any */
    bool number_unsequenced; /* captures whose sequence numbers were zeroed: number messages as they come; one
                                line only */
    int64_t fall_back_ns;    /* without news, before repeated numbers are taken for a new beginning; 0: never */
} arbiter_options;

tw_code arbiter_alloc(arbiter **arbiter, const arbiter_options *options, const arbiter_listener *listener,
                      tw_error *error);
void arbiter_free(arbiter *arbiter); /* NULL is fine */

/* One payload of a line. `receive_ns` is its arrival (TW_TIME_ABSENT: not known); `now_ns` any monotonic clock, the
 * same in all calls (a capture's own stamps will do). */
void arbiter_packet(arbiter *arbiter, uint32_t line, const uint8_t *payload, size_t length, int64_t receive_ns,
                    int64_t now_ns);
/* Lets time pass: a gap whose deadline is over is given up. */
void arbiter_poll(arbiter *arbiter, int64_t now_ns);
/* When arbiter_poll has something to do next, INT64_MAX if nothing is pending. */
int64_t arbiter_next_deadline(const arbiter *arbiter);
/* No more will come: whatever is held is released, what is missing is lost. */
void arbiter_finish(arbiter *arbiter);

typedef struct arbiter_status {
    const char *session;        /* without padding, "" before the first packet */
    const char *session_padded; /* as sent, for requests */
    uint64_t first;             /* sequence number the session was joined at, 0 before */
    uint64_t expected;
    bool gap_open;
    uint64_t gap_from, gap_to;
    bool ended;
    bool unsequenced;   /* a payload had sequence number 0 */
    uint64_t malformed; /* payloads, of all lines */
    int64_t heard_ns;   /* when a line last carried or announced the next number or later ones; INT64_MIN: never */
    uint64_t stray_ends, stray_end;         /* ends of the session below what has come; the number of the last */
    uint64_t impossible, impossible_number; /* packets with numbers that can't be; the last such number */
    bool fell_back;                         /* the session's numbers began again: nothing of it is believed now */
    uint64_t fell_from, fell_to;            /* the number that was next; the one that the lines carry */
    gap_stats gap;
} arbiter_status;
arbiter_status arbiter_read_status(const arbiter *arbiter);

/* One line's record; borrowed, as of the last packet or poll. The wins of ARBITER_RECOVERY are the messages refilled. */
const line_stats *arbiter_line(const arbiter *arbiter, uint32_t line);

#endif
