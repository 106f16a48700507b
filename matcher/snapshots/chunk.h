/*
 * A snapshot as it is kept: an envelope and the bytes, in a file as a whole, in a stream in chunks. Pure.
 *
 *   file       envelope | bytes
 *   chunk      envelope | number 4 | count 4 | first 8 | part of the bytes | CRC-32C of all before 4
 *   envelope   magic 8 | version 4 | shard 4 | exchange 8 | seq 8 | event 8 | stream's creation 8 | taken 8 | writer 8 | bytes 8 |
 *              CRC-32C of the bytes 4 | CRC-32C of all before 4        little endian
 *
 * Every chunk of a snapshot has the same envelope. `first` is the stream's sequence of the snapshot's chunk 0 (0 in that chunk itself), so that
 * the last one leads to all. Two writers may write at the same time: their chunks are told apart by the envelope.
 */
#ifndef TICKWIRE_MATCHER_SNAPSHOTS_CHUNK_H
#define TICKWIRE_MATCHER_SNAPSHOTS_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/market.h"

#define MS_VERSION        1
#define MS_ENVELOPE_BYTES 80u
#ifndef MS_CHUNK_BYTES                /* a test may want many small ones */
#define MS_CHUNK_BYTES (128u * 1024u) /* of the snapshot's bytes, in one message */
#endif
#define MS_MESSAGE_BYTES (MS_ENVELOPE_BYTES + 16u + MS_CHUNK_BYTES + 4u)
#define MS_MOST_BYTES    (UINT64_C(16) << 30) /* no snapshot is larger */

typedef struct ms_envelope {
    char exchange[TW_MIC_BYTES];
    uint32_t shard;
    uint64_t seq;     /* of the order stream: what it is the state after */
    int64_t event_ns; /* the engine's time there */
    int64_t
        stream_created_ns; /* of the order stream: one that was made anew has other messages under these numbers */
    int64_t taken_ns;      /* by the writer's clock, UTC */
    uint64_t writer;       /* any number of the writer's own, so that two of one state differ */
    uint64_t bytes;
    uint32_t checksum; /* CRC-32C of the bytes */
} ms_envelope;

typedef struct ms_chunk {
    ms_envelope envelope;
    uint32_t number, count;
    uint64_t first_seq;
    const uint8_t *bytes; /* borrowed */
    size_t length;
} ms_chunk;

uint32_t ms_chunk_count(uint64_t bytes); /* at least 1 */

/* Writes MS_ENVELOPE_BYTES. */
void ms_envelope_write(uint8_t *target, const ms_envelope *envelope);
/* TW_OK; TW_TRUNCATED; TW_MALFORMED: none of ours, or damaged; TW_UNSUPPORTED: another version. */
tw_code ms_envelope_read(const uint8_t *bytes, size_t length, ms_envelope *envelope, tw_error *error);
bool ms_envelope_same(const ms_envelope *a, const ms_envelope *b);
/* TW_OK; TW_MALFORMED if the bytes are not those of the envelope. */
tw_code ms_envelope_check(const ms_envelope *envelope, const uint8_t *bytes, tw_error *error);

/* Writes chunk `number` of `bytes` (the whole snapshot) into `target` of MS_MESSAGE_BYTES. Returns its length. */
size_t ms_chunk_write(uint8_t *target, const ms_envelope *envelope, const uint8_t *bytes, uint32_t number,
                      uint64_t first_seq);
/* As ms_envelope_read; TW_MALFORMED also for a number beyond the count, or a length that is not the chunk's. */
tw_code ms_chunk_read(const uint8_t *bytes, size_t length, ms_chunk *chunk, tw_error *error);

#endif
