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
    b->chunks = ob_pages_alloc_small((size_t)b->chunk_count * sizeof *b->chunks);
    b->line = ob_pages_alloc_small((size_t)b->chunk_count * sizeof *b->line);
    if (b->chunks == NULL || b->line == NULL) return false;
    shelf_clear(b);
    return true;
}

void shelf_fini(shelf *b) {
    ob_pages_free(b->chunks, (size_t)b->chunk_count * sizeof *b->chunks);
    ob_pages_free(b->line, (size_t)b->chunk_count * sizeof *b->line);
    b->chunks = NULL;
    b->line = NULL;
}

void shelf_clear(shelf *b) {
    *b = (shelf){.chunks = b->chunks,
                 .line = b->line,
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

static uint32_t in_line(const shelf *b, uint32_t place) {
    return b->line[((uint64_t)b->line_first + place) % b->chunk_count];
}

static bool add_chunk(shelf *b) {
    uint32_t chunk = take_chunk(b);
    if (chunk == SHELF_NO_CHUNK) return false;
    if (b->newest != SHELF_NO_CHUNK) b->chunks[b->newest].next = chunk;
    if (b->oldest == SHELF_NO_CHUNK) b->oldest = chunk;
    if (b->mark.chunk == SHELF_NO_CHUNK) b->mark = (shelf_cursor){chunk, 0};
    b->newest = chunk;
    b->line[((uint64_t)b->line_first + b->line_count++) % b->chunk_count] = chunk;
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

static bool begins_after(const shelf *b, uint32_t chunk, uint64_t seq, uint32_t n) {
    return b->chunks[chunk].used == 0 || shelf_is_after((const mr_record *)b->chunks[chunk].records, seq, n);
}

shelf_cursor shelf_find(const shelf *b, uint64_t seq, uint32_t n) {
    uint32_t low = 0, high = b->line_count; /* all before `low` don't begin after it, those from `high` on do */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (begins_after(b, in_line(b, middle), seq, n))
            high = middle;
        else
            low = middle + 1;
    }
    return low == 0 ? shelf_begin(b) : (shelf_cursor){in_line(b, low - 1), 0};
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

static void forget_records(const shelf_chunk *chunk, void (*forget)(void *context, const mr_record *record),
                           void *context) {
    for (uint32_t at = 0; at < chunk->used;) {
        const mr_record *record = (const mr_record *)(chunk->records + at);
        forget(context, record);
        at += record->bytes;
    }
}

bool shelf_release(shelf *b, void (*forget)(void *context, const mr_record *record), void *context) {
    if (!may_go(b)) return false;
    uint32_t number = b->oldest;
    shelf_chunk *chunk = &b->chunks[number];
    forget_records(chunk, forget, context);
    b->bytes -= chunk->used;
    b->oldest = chunk->next;
    b->line_first = (b->line_first + 1) % b->chunk_count;
    b->line_count--;
    chunk->next = b->free;
    b->free = number;
    return true;
}

void shelf_drop(shelf *b, void (*forget)(void *context, const mr_record *record), void *context) {
    shelf_pass(b, shelf_end(b), b->waiting, b->waiting_count);
    while (shelf_release(b, forget, context))
        ;
    if (b->newest == SHELF_NO_CHUNK) return;
    forget_records(&b->chunks[b->newest], forget, context);
    b->bytes = b->chunks[b->newest].used = 0;
    b->mark = (shelf_cursor){b->newest, 0};
}
