/* The forms in which a snapshot is kept: see chunk.h. */
#include "matcher/snapshots/chunk.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/text.h"

#define MAGIC       UINT64_C(0x31504E53454E5654) /* "TVENSNP1" */
#define NUMBER_AT   MS_ENVELOPE_BYTES
#define PART_AT     (MS_ENVELOPE_BYTES + 16u)
#define CRC_BYTES   4u
#define CHECKSUM_AT 72u
#define OWN_CRC_AT  76u
#define EXCHANGE_AT 16u
#define NUMBERS_AT  24u
#define NUMBERS     6u

static void store_le32(uint8_t *p, uint32_t v) {
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

uint32_t ms_chunk_count(uint64_t bytes) {
    return bytes == 0 ? 1 : (uint32_t)((bytes + MS_CHUNK_BYTES - 1) / MS_CHUNK_BYTES);
}

void ms_envelope_write(uint8_t *target, const ms_envelope *e) {
    const uint64_t numbers[NUMBERS] = {
        e->seq, (uint64_t)e->event_ns, (uint64_t)e->stream_created_ns, (uint64_t)e->taken_ns, e->writer, e->bytes};
    memset(target, 0, MS_ENVELOPE_BYTES);
    tw_store_le64(target, MAGIC);
    store_le32(target + 8, MS_VERSION);
    store_le32(target + 12, e->shard);
    memcpy(target + EXCHANGE_AT, e->exchange, strlen(e->exchange));
    for (size_t i = 0; i < NUMBERS; i++)
        tw_store_le64(target + NUMBERS_AT + 8 * i, numbers[i]);
    store_le32(target + CHECKSUM_AT, e->checksum);
    store_le32(target + OWN_CRC_AT, tw_crc32c(0, target, OWN_CRC_AT));
}

static void take_envelope(const uint8_t *bytes, ms_envelope *e) {
    uint64_t numbers[NUMBERS];
    for (size_t i = 0; i < NUMBERS; i++)
        numbers[i] = tw_load_le64(bytes + NUMBERS_AT + 8 * i);
    *e = (ms_envelope){.shard = tw_load_le32(bytes + 12),
                       .seq = numbers[0],
                       .event_ns = (int64_t)numbers[1],
                       .stream_created_ns = (int64_t)numbers[2],
                       .taken_ns = (int64_t)numbers[3],
                       .writer = numbers[4],
                       .bytes = numbers[5],
                       .checksum = tw_load_le32(bytes + CHECKSUM_AT)};
    memcpy(e->exchange, bytes + EXCHANGE_AT, TW_MIC_BYTES - 1);
}

tw_code ms_envelope_read(const uint8_t *bytes, size_t length, ms_envelope *envelope, tw_error *error) {
    *envelope = (ms_envelope){.shard = 0};
    if (length < MS_ENVELOPE_BYTES)
        return tw_error_set(error, TW_TRUNCATED, "it has %zu bytes, less than the head of a snapshot", length);
    if (tw_load_le64(bytes) != MAGIC) return tw_error_set(error, TW_MALFORMED, "it is no snapshot of a matcher");
    if (tw_load_le32(bytes + 8) != MS_VERSION)
        return tw_error_set(error, TW_UNSUPPORTED, "it is of version %" PRIu32 ", this program reads %d",
                            tw_load_le32(bytes + 8), MS_VERSION);
    if (tw_load_le32(bytes + OWN_CRC_AT) != tw_crc32c(0, bytes, OWN_CRC_AT))
        return tw_error_set(error, TW_MALFORMED, "its head is damaged: the checksum does not fit");
    take_envelope(bytes, envelope);
    if (envelope->bytes > MS_MOST_BYTES)
        return tw_error_set(error, TW_MALFORMED, "it says that it has %" PRIu64 " bytes", envelope->bytes);
    return TW_OK;
}

bool ms_envelope_same(const ms_envelope *a, const ms_envelope *b) {
    return a->writer == b->writer && a->seq == b->seq && a->taken_ns == b->taken_ns && a->bytes == b->bytes &&
           a->checksum == b->checksum && a->shard == b->shard && a->event_ns == b->event_ns &&
           a->stream_created_ns == b->stream_created_ns && strcmp(a->exchange, b->exchange) == 0;
}

tw_code ms_envelope_check(const ms_envelope *envelope, const uint8_t *bytes, tw_error *error) {
    if (tw_crc32c(0, bytes, envelope->bytes) == envelope->checksum) return TW_OK;
    return tw_error_set(error, TW_MALFORMED, "its bytes are damaged: the checksum does not fit");
}

/* ---- chunks ---- */

static size_t part_length(const ms_envelope *envelope, uint32_t number) {
    uint64_t from = (uint64_t)number * MS_CHUNK_BYTES;
    return envelope->bytes - from < MS_CHUNK_BYTES ? (size_t)(envelope->bytes - from) : MS_CHUNK_BYTES;
}

size_t ms_chunk_write(uint8_t *target, const ms_envelope *envelope, const uint8_t *bytes, uint32_t number,
                      uint64_t first_seq) {
    size_t length = part_length(envelope, number);
    ms_envelope_write(target, envelope);
    store_le32(target + NUMBER_AT, number);
    store_le32(target + NUMBER_AT + 4, ms_chunk_count(envelope->bytes));
    tw_store_le64(target + NUMBER_AT + 8, first_seq);
    if (length > 0) memcpy(target + PART_AT, bytes + (size_t)number * MS_CHUNK_BYTES, length);
    store_le32(target + PART_AT + length, tw_crc32c(0, target, PART_AT + length));
    return PART_AT + length + CRC_BYTES;
}

static bool fits(const ms_chunk *chunk) {
    const ms_envelope *e = &chunk->envelope;
    return chunk->count == ms_chunk_count(e->bytes) && chunk->number < chunk->count &&
           chunk->length == part_length(e, chunk->number) && (chunk->number == 0) == (chunk->first_seq == 0);
}

tw_code ms_chunk_read(const uint8_t *bytes, size_t length, ms_chunk *chunk, tw_error *error) {
    *chunk = (ms_chunk){.bytes = NULL};
    tw_code code = ms_envelope_read(bytes, length, &chunk->envelope, error);
    if (code != TW_OK) return code;
    if (length < PART_AT + CRC_BYTES) return tw_error_set(error, TW_TRUNCATED, "the chunk is cut short");
    size_t body = length - CRC_BYTES;
    if (tw_load_le32(bytes + body) != tw_crc32c(0, bytes, body))
        return tw_error_set(error, TW_MALFORMED, "the chunk is damaged: the checksum does not fit");
    chunk->number = tw_load_le32(bytes + NUMBER_AT);
    chunk->count = tw_load_le32(bytes + NUMBER_AT + 4);
    chunk->first_seq = tw_load_le64(bytes + NUMBER_AT + 8);
    chunk->bytes = bytes + PART_AT;
    chunk->length = body - PART_AT;
    if (!fits(chunk))
        return tw_error_set(error, TW_MALFORMED, "chunk %" PRIu32 " of %" PRIu32 " with %zu bytes makes no sense",
                            chunk->number, chunk->count, chunk->length);
    return TW_OK;
}
