/* Records in chunks: added at one end, released at the other. */
#include "matcher/replica/shelf.h"

#include <string.h>

#include "base/assert.h"
#include "orderbook/pages.h"

_Static_assert(offsetof(shelf_chunk, records) % _Alignof(mr_record) == 0, "records are aligned");

/* The end of a chunk that has no room for another record stays unused, and so may most of the oldest and the newest one. */
bool shelf_init(shelf *b, uint64_t bytes) {
    enum { LARGEST = 512, ENDS = 4 };
    *b = (shelf){.chunk_count = (uint32_t)(bytes / (sizeof b->chunks->records - LARGEST)) + ENDS};
    b->chunks = ob_pages_alloc((size_t)b->chunk_count * sizeof *b->chunks);
    if (b->chunks == NULL) return false;
    shelf_clear(b);
    return true;
}

void shelf_fini(shelf *b) {
    ob_pages_free(b->chunks, (size_t)b->chunk_count * sizeof *b->chunks);
    b->chunks = NULL;
}

void shelf_clear(shelf *b) {
    *b = (shelf){.chunks = b->chunks,
                 .chunk_count = b->chunk_count,
                 .free = SHELF_NO_CHUNK,
                 .oldest = SHELF_NO_CHUNK,
                 .newest = SHELF_NO_CHUNK,
                 .mark = {SHELF_NO_CHUNK, 0}};
}

/* What was used last is given out first: memory that nobody needed yet stays untouched. */
static uint32_t take_chunk(shelf *b) {
    uint32_t chunk = b->free;
    if (chunk != SHELF_NO_CHUNK) {
        b->free = b->chunks[chunk].next;
    } else {
        if (b->touched == b->chunk_count) return SHELF_NO_CHUNK;
        chunk = b->touched++;
    }
    b->chunks[chunk].next = SHELF_NO_CHUNK;
    b->chunks[chunk].used = 0;
    return chunk;
}

static bool add_chunk(shelf *b) {
    uint32_t chunk = take_chunk(b);
    if (chunk == SHELF_NO_CHUNK) return false;
    if (b->newest != SHELF_NO_CHUNK) b->chunks[b->newest].next = chunk;
    if (b->oldest == SHELF_NO_CHUNK) b->oldest = chunk;
    if (b->mark.chunk == SHELF_NO_CHUNK) b->mark = (shelf_cursor){chunk, 0};
    b->newest = chunk;
    return true;
}

mr_record *shelf_add(shelf *b, uint32_t text_bytes) {
    uint32_t bytes = (uint32_t)(offsetof(mr_record, correlation) + text_bytes + 15) & ~15u;
    bool fits = b->newest != SHELF_NO_CHUNK && sizeof b->chunks->records - b->chunks[b->newest].used >= bytes;
    if (!fits && !add_chunk(b)) return NULL;
    shelf_chunk *chunk = &b->chunks[b->newest];
    mr_record *record = (mr_record *)(chunk->records + chunk->used);
    record->bytes = bytes;
    chunk->used += bytes;
    b->bytes += bytes;
    b->waiting += bytes;
    b->waiting_count++;
    return record;
}

mr_record *shelf_next(const shelf *b, shelf_cursor *at) {
    if (at->chunk == SHELF_NO_CHUNK) return NULL;
    if (at->offset == b->chunks[at->chunk].used) {
        if (b->chunks[at->chunk].next == SHELF_NO_CHUNK) return NULL;
        *at = (shelf_cursor){b->chunks[at->chunk].next, 0};
    }
    mr_record *record = (mr_record *)(b->chunks[at->chunk].records + at->offset);
    at->offset += record->bytes;
    return record;
}

shelf_cursor shelf_begin(const shelf *b) {
    return (shelf_cursor){b->oldest, 0};
}

shelf_cursor shelf_end(const shelf *b) {
    return (shelf_cursor){b->newest, b->newest == SHELF_NO_CHUNK ? 0 : b->chunks[b->newest].used};
}

void shelf_pass(shelf *b, shelf_cursor to, uint64_t bytes, uint64_t count) {
    TW_ASSERT(bytes <= b->waiting && count <= b->waiting_count);
    b->mark = to;
    b->waiting -= bytes;
    b->waiting_count -= count;
}

/* The mark may stand at the chunk's very end; then it moves to the next one's beginning. */
static bool may_go(shelf *b) {
    uint32_t chunk = b->oldest;
    if (chunk == SHELF_NO_CHUNK || chunk == b->newest) return false;
    if (b->mark.chunk != chunk) return true;
    if (b->mark.offset != b->chunks[chunk].used) return false;
    b->mark = (shelf_cursor){b->chunks[chunk].next, 0};
    return true;
}

bool shelf_release(shelf *b, void (*forget)(void *context, const mr_record *record), void *context) {
    if (!may_go(b)) return false;
    uint32_t number = b->oldest;
    shelf_chunk *chunk = &b->chunks[number];
    for (uint32_t at = 0; at < chunk->used;) {
        const mr_record *record = (const mr_record *)(chunk->records + at);
        forget(context, record);
        at += record->bytes;
    }
    b->bytes -= chunk->used;
    b->oldest = chunk->next;
    chunk->next = b->free;
    b->free = number;
    return true;
}
