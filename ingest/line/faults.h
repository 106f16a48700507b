/*
 * A line gone bad, on purpose and by seed: MoldUDP64 payloads in, the same stream with faults out.
 *
 *      payload -> regroup -> silence -> loss, burst loss -> corrupt -> duplicate -> reorder -> out
 *
 * The same seed, options and payloads give the same faults. Give each line a seed of its own, or they fail together.
 * Pure but for the sink; memory is bounded and taken at alloc: one packet being regrouped, and the packets that are
 * moved back. When the stream pauses call faults_flush, or what is kept waits for the next payload.
 */
#ifndef TICKWIRE_INGEST_LINE_FAULTS_H
#define TICKWIRE_INGEST_LINE_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FAULTS_MILLION          1000000u
#define FAULTS_MAX_DISPLACEMENT 1024u

/* Chances are in millionths, of each packet unless said otherwise; all 0 is a perfect line. */
typedef struct faults_options {
    uint64_t seed;
    uint32_t payload_bytes; /* the largest payload, in and out; 20 to 65,535. Larger ones pass as they are */
    uint32_t loss;
    /* Burst loss, the Gilbert-Elliott model: a line is good or bad, and turns by chance at each packet. */
    uint32_t burst_enter; /* good to bad; 0: no bursts */
    uint32_t burst_leave; /* bad to good; the mean burst is 1,000,000 / burst_leave packets; above 0 with bursts */
    uint32_t burst_loss;  /* while bad */
    uint32_t duplicate;   /* sent twice; the second may be moved back on its own */
    uint32_t reorder;     /* moved back behind 1 to reorder_displacement later packets */
    uint32_t reorder_displacement;
    uint32_t regroup_messages; /* packets are cut anew into 1 to this many messages; 0: left as they are */
    uint32_t corrupt;          /* 1 to 4 bytes, anywhere in the payload, are changed */
    /* Silence: the line says nothing for silence_for_ns, again and again, silence_every_ns apart on average. */
    int64_t silence_every_ns; /* 0: never */
    int64_t silence_for_ns;
} faults_options;

typedef struct faults_stats {
    uint64_t in, out; /* packets */
    uint64_t lost, burst_lost, silenced, corrupted, duplicated, reordered;
} faults_stats;

/* Called with each payload that comes out, synchronously. Borrowed. */
typedef void (*faults_sink)(void *context, const uint8_t *payload, size_t length);

typedef struct faults faults;

tw_code faults_alloc(faults **faults, const faults_options *options, faults_sink sink, void *context,
                     tw_error *error);
void faults_free(faults *faults); /* NULL is fine */

/* One payload. What is not MoldUDP64 is not regrouped. `now_ns` is any clock that does not go back. */
void faults_packet(faults *faults, const uint8_t *payload, size_t length, int64_t now_ns);
/* Lets out whatever is kept: at a pause, and at the end. */
void faults_flush(faults *faults, int64_t now_ns);

faults_stats faults_read_stats(const faults *faults);

#endif
