/* Looking for whole snapshots: see kept.h. */
#include "tests/sim/kept.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "matcher/snapshots/chunk.h"

static bool is_part(const char *name) {
    return strstr(name, ".part") != NULL;
}

static bool read_file(const disk_file *file, ms_envelope *envelope) {
    return ms_envelope_read(file->bytes, file->length, envelope, NULL) == TW_OK &&
           file->length == MS_ENVELOPE_BYTES + envelope->bytes &&
           ms_envelope_check(envelope, file->bytes + MS_ENVELOPE_BYTES, NULL) == TW_OK;
}

const char *kept_not_whole(const disk *d) {
    ms_envelope envelope;
    for (uint32_t i = 0; i < d->state.now.count; i++) {
        const disk_entry *entry = &d->state.now.entries[i];
        if (!is_part(entry->name) && !entry->file->harmed && !read_file(entry->file, &envelope)) return entry->name;
    }
    return NULL;
}

bool kept_half_written(const disk *d) {
    for (uint32_t i = 0; i < d->state.now.count; i++)
        if (is_part(d->state.now.entries[i].name)) return true;
    return false;
}

static bool is_ours(const ms_envelope *e, const char *exchange, uint32_t shard, uint64_t most_seq) {
    return e->shard == shard && e->seq <= most_seq && strcmp(e->exchange, exchange) == 0;
}

static bool read_chunk(const server_stream *stream, uint64_t seq, ms_chunk *chunk) {
    const server_message *m = server_get(stream, seq);
    return m != NULL && ms_chunk_read(m->bytes, m->length, chunk, NULL) == TW_OK;
}

/* Are all chunks of the snapshot, whose last one is at `seq`, in front of it? */
static bool is_whole(const server_stream *stream, uint64_t seq, const ms_chunk *last) {
    uint8_t *bytes = malloc(last->envelope.bytes + 1);
    uint64_t have_bytes = 0;
    uint32_t have = 0;
    ms_chunk chunk;
    TW_ASSERT(bytes != NULL);
    for (uint64_t at = stream->first_seq; at <= seq && have < last->count; at++) {
        if (!read_chunk(stream, at, &chunk) || !ms_envelope_same(&chunk.envelope, &last->envelope)) continue;
        if (chunk.number != have) continue;
        memcpy(bytes + have_bytes, chunk.bytes, chunk.length);
        have_bytes += chunk.length;
        have++;
    }
    bool whole = have == last->count && ms_envelope_check(&last->envelope, bytes, NULL) == TW_OK;
    free(bytes);
    return whole;
}

uint64_t kept_newest(const disk *d, const server_stream *stream, const char *exchange, uint32_t shard,
                     uint64_t most_seq) {
    uint64_t newest = 0;
    ms_envelope envelope;
    ms_chunk chunk;
    for (uint32_t i = 0; i < d->state.now.count; i++) {
        const disk_entry *entry = &d->state.now.entries[i];
        if (!is_part(entry->name) && read_file(entry->file, &envelope) &&
            is_ours(&envelope, exchange, shard, most_seq) && envelope.seq > newest)
            newest = envelope.seq;
    }
    for (uint64_t seq = stream == NULL ? 0 : stream->last_seq; seq > 0 && seq >= stream->first_seq; seq--)
        if (read_chunk(stream, seq, &chunk) && chunk.number + 1 == chunk.count &&
            is_ours(&chunk.envelope, exchange, shard, most_seq) && chunk.envelope.seq > newest &&
            is_whole(stream, seq, &chunk))
            newest = chunk.envelope.seq;
    return newest;
}
