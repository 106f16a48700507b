/* Snapshots in their stream. Chunks of one snapshot follow each other unless two writers wrote at once; then both are read by number. */
#include "tools/journal/snapshots.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* False: the message is there and no chunk. */
static tw_code chunk_at(journal *held, uint64_t seq, ms_chunk *chunk, bool *is_chunk, tw_error *error) {
    mw_message message;
    tw_error fault = {0};
    *is_chunk = false;
    tw_code code = journal_get(held, JOURNAL_SNAPSHOTS, seq, &message, error);
    if (code != TW_OK) return code;
    *is_chunk = ms_chunk_read(message.bytes, message.length, chunk, &fault) == TW_OK;
    return TW_OK;
}

/* True if the chunk that should be the last one is. */
static tw_code look_for_end(journal *held, journal_snapshot *self, uint64_t last_seq, tw_error *error) {
    ms_chunk chunk;
    bool is_chunk = false;
    uint64_t end = self->first_seq + self->count - 1;
    self->whole = false;
    tw_code code = end <= last_seq ? chunk_at(held, end, &chunk, &is_chunk, error) : TW_OK;
    if (is_chunk)
        self->whole = ms_envelope_same(&chunk.envelope, &self->envelope) && chunk.number + 1 == chunk.count;
    return code;
}

tw_code journal_snapshots_walk(journal *held, journal_on_snapshot on_snapshot, void *context, tw_error *error) {
    journal_info info;
    tw_code code = journal_look(held, JOURNAL_SNAPSHOTS, &info, error);
    uint64_t seq = info.first_seq;
    while (code == TW_OK && info.messages > 0 && seq <= info.last_seq) {
        ms_chunk chunk;
        bool is_chunk;
        code = chunk_at(held, seq, &chunk, &is_chunk, error);
        if (code != TW_OK) break;
        journal_snapshot found = {.first_seq = seq++};
        if (!is_chunk || chunk.number != 0) continue;
        found.envelope = chunk.envelope;
        found.count = chunk.count;
        code = look_for_end(held, &found, info.last_seq, error);
        if (code != TW_OK) break;
        on_snapshot(context, &found);
        if (found.whole) seq = found.first_seq + found.count;
    }
    return code;
}

/* ---- one of them ---- */

typedef struct assembled {
    uint8_t *bytes;
    size_t length, at;
} assembled;

static bool read_assembled(void *context, void *to, size_t length) {
    assembled *from = context;
    if (from->length - from->at < length) return false;
    memcpy(to, from->bytes + from->at, length);
    from->at += length;
    return true;
}

static tw_code assemble(journal_cursor *cursor, const journal_snapshot *snapshot, assembled *to, tw_error *error) {
    tw_error fault = {0};
    for (uint32_t i = 0; i < snapshot->count; i++) {
        mw_message message;
        ms_chunk chunk;
        bool more;
        tw_code code = journal_next(cursor, &message, &more, error);
        if (code != TW_OK) return code;
        if (!more || ms_chunk_read(message.bytes, message.length, &chunk, &fault) != TW_OK || chunk.number != i ||
            !ms_envelope_same(&chunk.envelope, &snapshot->envelope) || chunk.length > to->length - to->at)
            return tw_error_set(error, TW_MALFORMED,
                                "the snapshot after input %" PRIu64 " is damaged or not whole: its message %" PRIu32
                                " of %" PRIu32 " %s",
                                snapshot->envelope.seq, i + 1, snapshot->count,
                                fault.text[0] != '\0' ? fault.text : "is not where it should be");
        memcpy(to->bytes + to->at, chunk.bytes, chunk.length);
        to->at += chunk.length;
    }
    return TW_OK;
}

tw_code journal_snapshot_load(journal *held, const journal_snapshot *snapshot, mr_replica *replica,
                              mr_origin *origin, tw_error *error) {
    assembled bytes = {.bytes = malloc(snapshot->envelope.bytes + 1), .length = snapshot->envelope.bytes};
    journal_cursor *cursor = NULL;
    if (bytes.bytes == NULL)
        return tw_error_set(error, TW_NO_MEMORY, "no memory for a snapshot of %" PRIu64 " bytes",
                            snapshot->envelope.bytes);
    tw_code code = journal_read(held, JOURNAL_SNAPSHOTS, snapshot->first_seq,
                                snapshot->first_seq + snapshot->count - 1, &cursor, error);
    if (code == TW_OK) code = assemble(cursor, snapshot, &bytes, error);
    journal_stop(cursor);
    bytes.at = 0;
    if (code == TW_OK) {
        code = mr_snapshot_read(replica, origin, read_assembled, &bytes, error);
        if (code != TW_OK) tw_error_wrap(error, "the snapshot after input %" PRIu64, snapshot->envelope.seq);
    }
    free(bytes.bytes);
    return code;
}

typedef struct snapshot_search {
    uint64_t least, most;
    int64_t created_ns; /* of the order stream */
    bool oldest, found;
    journal_snapshot *best;
} snapshot_search;

static void on_candidate(void *context, const journal_snapshot *snapshot) {
    snapshot_search *self = context;
    const ms_envelope *e = &snapshot->envelope;
    bool ours = e->stream_created_ns == 0 || self->created_ns == 0 || e->stream_created_ns == self->created_ns;
    if (!snapshot->whole || !ours || e->seq < self->least || e->seq > self->most) return;
    if (self->found && (self->oldest ? e->seq >= self->best->envelope.seq : e->seq < self->best->envelope.seq))
        return;
    *self->best = *snapshot;
    self->found = true;
}

static tw_code search(journal *held, uint64_t most, bool oldest, journal_snapshot *best, tw_error *error) {
    journal_info orders;
    tw_code code = journal_look(held, JOURNAL_ORDERS, &orders, error);
    if (code != TW_OK) return code;
    snapshot_search self = {.least = orders.first_seq - 1,
                            .most = most,
                            .created_ns = orders.created_ns,
                            .oldest = oldest,
                            .best = best};
    code = journal_snapshots_walk(held, on_candidate, &self, error);
    if (code == TW_OK && !self.found)
        code = tw_error_set(
            error, TW_NOT_FOUND, "%s has no whole snapshot of this journal up to input %" PRIu64 "%s",
            journal_name(held, JOURNAL_SNAPSHOTS), most, orders.first_seq == 1 ? ": replay from 1" : "");
    return code;
}

tw_code journal_snapshot_newest(journal *held, uint64_t most, journal_snapshot *newest, tw_error *error) {
    return search(held, most, false, newest, error);
}

tw_code journal_snapshot_oldest(journal *held, uint64_t most, journal_snapshot *oldest, tw_error *error) {
    return search(held, most, true, oldest, error);
}
