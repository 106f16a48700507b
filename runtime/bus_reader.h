/*
 * Reads a JetStream stream in order, from a sequence that the caller names, without a hole: each message once, or it stops and says
 * what is missing. It never skips.
 *
 *   opening ──> STARTING ──> READING <──> AWAY          AWAY: the server, or JetStream, or the consumer is gone; tried again by itself
 *                   │           │
 *                   └────> HALTED <┘                     what was expected is not in the stream; only closing is left
 *
 * It makes an ephemeral consumer (no acknowledgements, in memory, gone half a minute after its reader) that starts at the next sequence it needs, and
 * asks for messages in bounded pulls, all by plain publishes; or, with `push`, lets the server send on its own. Whatever goes wrong on the way (connection lost, server restarted,
 * consumer deleted, messages lost between server and here) is answered the same way: a new consumer at the next sequence that has
 * not been delivered. So after AWAY nothing is delivered twice and nothing is left out.
 *
 * HALTED, when the stream itself does not have what comes next:
 *   BUS_HALT_GAP      messages `expected_seq` to `found_seq - 1` were deleted or lost by the server
 *   BUS_HALT_REWOUND  the stream ends before `expected_seq - 1`: it was wiped, restored from an older copy, or is another one
 * A stream that was wiped and has grown beyond the position since can't be told by sequences: compare its creation time (bus_streams).
 *
 * Flow. At most about `max_bytes` and one and a half times `batch` messages are on their way; the rest waits in the stream. Pausing
 * stops asking: what is on its way still comes.
 *
 * Pushed, a message costs the server a third less, and nobody asks: for whoever reads much at once and is not in a hurry to stop. The
 * server's flow control then bounds what is on its way: 2 MiB at first, twice as much each time that it hears that all was taken, 32 MiB in
 * the end. It hears so when all of it was handed on and the reader is not paused; so that much still comes after a pause. A server whose
 * max_pending is less than 32 MiB (64 MiB if nobody changed it) closes the connection of a reader that does not run its loop; then it is
 * AWAY for a moment and goes on.
 *
 * Runs on the loop; callbacks may close, pause and resume the reader. The bus should have `no_responders`.
 */
#ifndef TICKWIRE_RUNTIME_BUS_READER_H
#define TICKWIRE_RUNTIME_BUS_READER_H

#include "runtime/bus.h"

typedef struct bus_reader bus_reader;

/* Borrowed until the callback returns. */
typedef struct bus_stream_message {
    const char *subject;
    const uint8_t *bytes;
    size_t length;
    uint64_t seq;      /* one more than the last message's */
    int64_t stream_ns; /* when the server stored it, by its clock */
    uint64_t pending;  /* behind this one in the stream, when the server sent it */
} bus_stream_message;

typedef enum bus_reader_state {
    BUS_READER_STARTING = 0,
    BUS_READER_READING,
    BUS_READER_AWAY,
    BUS_READER_HALTED
} bus_reader_state;

typedef enum bus_halt { BUS_HALT_NONE = 0, BUS_HALT_GAP, BUS_HALT_REWOUND } bus_halt;

typedef struct bus_reader_status {
    bus_reader_state state;
    bus_halt halt;
    uint64_t expected_seq; /* the next to be delivered */
    uint64_t found_seq;    /* GAP: the first one that is there; REWOUND: the stream's last */
    uint64_t pending;      /* STARTING to READING: messages waiting at that moment */
    char reason[240];      /* AWAY, HALTED: a sentence */
} bus_reader_status;

typedef void (*bus_on_stream_message)(void *context, const bus_stream_message *message);
/* On each change of state, and again in AWAY when the reason is another. */
typedef void (*bus_on_reader_status)(void *context, const bus_reader_status *status);

typedef struct bus_reader_options {
    const char *stream;
    uint64_t start_seq; /* 1 or more */
    bool push;          /* batch and max_bytes mean nothing then */
    uint32_t batch;     /* messages in a pull; 0 for 512 */
    size_t max_bytes;   /* on their way; 0 for 8 MiB; at least twice what the server takes as one payload */
    int64_t
        heartbeat_ns; /* the server is heard at least so often, three times as long without is AWAY; 0 for 500 ms */
    int64_t timeout_ns; /* of a request, which a cluster that elects a leader does not answer; 0 for 1 s */
    bus_on_stream_message on_message;
    bus_on_reader_status on_status; /* may be NULL */
    void *context;
} bus_reader_options;

typedef struct bus_reader_stats {
    uint64_t messages, bytes, pulls;
    uint64_t windows;   /* pushed: times that the server was told that all was taken */
    uint64_t consumers; /* made: 1 if nothing ever went wrong */
    uint64_t lost;      /* times that messages were lost on the way, and read again */
    uint64_t ignored;   /* messages that were none of the consumer's */
} bus_reader_stats;

/* TW_INVALID: a stream's name that NATS does not allow, start_seq 0. TW_NO_MEMORY, TW_AWAY. The bus must outlive the reader. */
tw_code bus_reader_open(bus_reader **reader, bus *over, uv_loop_t *loop, const bus_reader_options *options,
                        tw_error *error);
/* The memory goes when the loop next runs. NULL is fine. */
void bus_reader_close(bus_reader *reader);

void bus_reader_pause(bus_reader *reader);
void bus_reader_resume(bus_reader *reader);

uint64_t bus_reader_next_seq(const bus_reader *reader);
const bus_reader_status *bus_reader_read_status(const bus_reader *reader);
bus_reader_stats bus_reader_read_stats(const bus_reader *reader);

#endif
