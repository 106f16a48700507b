/*
 * Writes to a JetStream stream from the loop, many messages at a time, and tells what became of each: its sequence, or that it
 * was refused, or that nobody knows.
 *
 * A write is a plain publish with a reply subject; the acknowledgement is read in place when it comes. Nothing here waits, and
 * nothing is sent again: only the caller knows whether a second message would be harm. The three answers are:
 *
 *   certain, stored       BUS_WRITE_STORED, with the sequence
 *   certain, not stored   BUS_WRITE_WRONG_LAST, BUS_WRITE_REFUSED, BUS_WRITE_NO_STREAM
 *   not known             BUS_WRITE_UNKNOWN: the connection broke or the time ran out between publish and acknowledgement
 *
 * What to do with a write that is not known, when it was fenced (`expected_last_seq`): write the same bytes with the same expectation again.
 * STORED: it is there now, once, because both can't pass the fence. WRONG_LAST: read the message at expected + 1
 * (bus_streams_get). If it is the same bytes, the first one had arrived, or the second and its acknowledgement was lost; if not, another writer is
 * there, and this one must stop.
 *
 * Writes are sent in the order of the calls, and a stream takes them in that order. Fenced ones go one at a time (TW_FULL while one is
 * outstanding): a second one that expects the number of the first would pass if the first failed and a rival has just written exactly one
 * message. So gather what is to be written while one is on its way, and write it as one message.
 *
 * Results come as the server answers, on the loop, each exactly once, also after the connection broke. The bus wants
 * `no_responders`, or a missing stream is only seen by time.
 */
#ifndef TICKWIRE_RUNTIME_BUS_WRITER_H
#define TICKWIRE_RUNTIME_BUS_WRITER_H

#include "runtime/bus.h"

typedef struct bus_writer bus_writer;

#define BUS_ANY_LAST_SEQ UINT64_MAX /* no fence */

typedef enum bus_write_outcome {
    BUS_WRITE_STORED = 0,
    BUS_WRITE_WRONG_LAST, /* the stream's last sequence is `last_seq` (0 if the server did not say) */
    BUS_WRITE_REFUSED,    /* `reason` in the server's words: too large, stream full, no quorum */
    BUS_WRITE_NO_STREAM,  /* no stream takes this subject, or JetStream is off */
    BUS_WRITE_UNKNOWN
} bus_write_outcome;

typedef struct bus_write_result {
    uint64_t token; /* the caller's */
    bus_write_outcome outcome;
    uint64_t seq;      /* STORED */
    bool duplicate;    /* STORED by an earlier write with the same message id; this one was not */
    uint64_t last_seq; /* WRONG_LAST */
    int64_t took_ns;   /* from the call to the answer */
    char reason[200];  /* "" if STORED */
} bus_write_result;

typedef void (*bus_on_write)(void *context, const bus_write_result *result);

typedef struct bus_writer_options {
    uint32_t max_outstanding; /* writes without an answer; 0 for 1,024 */
    int64_t timeout_ns;       /* 0 for 5 s: a cluster that elects a leader does not answer for so long */
    bus_on_write on_result;
    void *context;
} bus_writer_options;

typedef struct bus_writer_stats {
    uint64_t stored, wrong_last, refused, no_stream, unknown;
    uint64_t late; /* answers to writes that had been given up */
} bus_writer_stats;

/* TW_NO_MEMORY; TW_AWAY if the bus can't subscribe. The bus must outlive the writer. */
tw_code bus_writer_open(bus_writer **writer, bus *over, uv_loop_t *loop, const bus_writer_options *options,
                        tw_error *error);
/* What has no answer yet is not told any more. The memory goes when the loop next runs. NULL is fine. May be called from the callback. */
void bus_writer_close(bus_writer *writer);

/* Copies the bytes. TW_OK: there will be a result, later. TW_FULL: as many outstanding as may be, or a fenced one and this is fenced
 * too; wait for results. TW_AWAY: not connected. TW_INVALID: subject or size. Without TW_OK nothing was sent and nothing will be told. */
tw_code bus_writer_write(bus_writer *writer, const char *subject, const uint8_t *bytes, size_t length,
                         uint64_t expected_last_seq, uint64_t token);

uint32_t bus_writer_outstanding(const bus_writer *writer);
uint32_t bus_writer_room(const bus_writer *writer);   /* unfenced writes that would not be TW_FULL */
bool bus_writer_fence_free(const bus_writer *writer); /* no fenced write is outstanding */
bus_writer_stats bus_writer_read_stats(const bus_writer *writer);

#endif
