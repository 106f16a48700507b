/* See backlog.h. All links are indices into one array; freeing is pushing. */
#include "publisher/backlog.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

bool backlog_init(backlog *b, uint32_t capacity, size_t record_bytes) {
    b->items = calloc(capacity, sizeof *b->items);
    b->records = calloc(capacity, record_bytes);
    b->record_bytes = record_bytes;
    b->capacity = capacity;
    if (b->items == NULL || b->records == NULL) return false;
    backlog_clear(b);
    return true;
}

void backlog_fini(backlog *b) {
    free(b->items);
    free(b->records);
    *b = (struct backlog){.capacity = 0};
}

void backlog_clear(backlog *b) {
    for (uint32_t i = 0; i < b->capacity; i++) {
        b->items[i].next = i + 1 < b->capacity ? i + 1 : BACKLOG_NONE;
    }
    b->free = b->capacity > 0 ? 0 : BACKLOG_NONE;
    b->oldest = b->newest = BACKLOG_NONE;
}

void backlog_push(backlog *b, backlog_line *line, uint32_t instrument, const void *record, uint64_t seq,
                  int64_t receive_ns) {
    TW_ASSERT(!backlog_full(b));
    uint32_t item = b->free;
    b->free = b->items[item].next;
    b->items[item] = (backlog_item){.seq = seq,
                                    .receive_ns = receive_ns,
                                    .instrument = instrument,
                                    .next = BACKLOG_NONE,
                                    .older = b->newest,
                                    .newer = BACKLOG_NONE};
    memcpy(b->records + (size_t)item * b->record_bytes, record, b->record_bytes);
    if (b->newest != BACKLOG_NONE) b->items[b->newest].newer = item;
    if (b->oldest == BACKLOG_NONE) b->oldest = item;
    b->newest = item;
    if (line->last != BACKLOG_NONE) b->items[line->last].next = item;
    if (line->first == BACKLOG_NONE) line->first = item;
    line->last = item;
}

void backlog_pop(backlog *b, backlog_line *line) {
    TW_ASSERT(line->first != BACKLOG_NONE);
    uint32_t item = line->first;
    backlog_item *gone = &b->items[item];
    line->first = gone->next;
    if (line->first == BACKLOG_NONE) line->last = BACKLOG_NONE;
    if (gone->older != BACKLOG_NONE) b->items[gone->older].newer = gone->newer;
    if (gone->newer != BACKLOG_NONE) b->items[gone->newer].older = gone->older;
    if (b->oldest == item) b->oldest = gone->newer;
    if (b->newest == item) b->newest = gone->older;
    gone->next = b->free;
    b->free = item;
}

uint32_t backlog_batch(const backlog *b, const backlog_line *line, uint32_t limit) {
    uint32_t whole = 0, count = 0; /* records up to the last boundary between source messages */
    for (uint32_t i = line->first; i != BACKLOG_NONE; i = b->items[i].next) {
        if (count == limit) break;
        count++;
        uint32_t next = b->items[i].next;
        if (next == BACKLOG_NONE || b->items[next].seq != b->items[i].seq) whole = count;
    }
    return whole > 0 ? whole : count;
}

uint32_t backlog_single(const backlog *b, const backlog_line *line, uint32_t limit) {
    uint32_t count = 0;
    uint64_t seq = b->items[line->first].seq;
    for (uint32_t i = line->first; i != BACKLOG_NONE && b->items[i].seq == seq && count < limit;
         i = b->items[i].next)
        count++;
    return count;
}
