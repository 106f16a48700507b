/*
 * One MoldUDP64 line, from UDP payloads to messages in order: framing and gap tracking put together.
 * Pure but for the listener's own doings. Used for the network and for packet captures alike.
 */
#ifndef TICKWIRE_INGEST_LINE_MOLD_LINE_H
#define TICKWIRE_INGEST_LINE_MOLD_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/framing/moldudp64.h"
#include "ingest/gap/gap.h"
#include "ingest/market/feed_message.h"

typedef struct mold_line mold_line;

/* Called synchronously, in the order of the source. All are required. */
typedef struct mold_line_listener {
    void *context;
    /* The first packet of a session: its name without padding, and the first sequence number seen. */
    void (*on_session)(void *context, const char *session, uint64_t first, int64_t receive_ns);
    /* The next messages; consecutive but for what on_lost told. */
    void (*on_messages)(void *context, const feed_message *messages, size_t count);
    /* `count` messages from `from` on were given up; what follows comes after them. */
    void (*on_lost)(void *context, uint64_t from, uint64_t count);
    /* A payload that is not MoldUDP64: passed over. `offset` is where in it the fault is. */
    void (*on_malformed)(void *context, moldudp64_result why, size_t offset, size_t length);
} mold_line_listener;

typedef struct mold_line_options {
    gap_options gap;
    bool number_unsequenced; /* captures whose sequence numbers were zeroed: number messages as they come */
} mold_line_options;

tw_code mold_line_alloc(mold_line **line, const mold_line_options *options, const mold_line_listener *listener,
                        tw_error *error);
void mold_line_free(mold_line *line);

/* One payload. `now_ns` is any monotonic clock, the same in all calls (a capture's own stamps will do). */
void mold_line_packet(mold_line *line, const uint8_t *payload, size_t length, int64_t receive_ns, int64_t now_ns);
/* Lets time pass: a gap whose deadline is over is given up. */
void mold_line_poll(mold_line *line, int64_t now_ns);
/* No more will come: whatever is held is released, what is missing is lost. */
void mold_line_finish(mold_line *line);

typedef struct mold_line_status {
    const char *session; /* without padding, "" before the first packet */
    uint64_t first;      /* sequence number the session was joined at, 0 before */
    uint64_t expected;
    bool gap_open;
    uint64_t gap_from, gap_to;
    bool ended;
    bool unsequenced;   /* a payload had sequence number 0 */
    uint64_t malformed; /* payloads */
    gap_stats gap;
} mold_line_status;
mold_line_status mold_line_read_status(const mold_line *line);

#endif
