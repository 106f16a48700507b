/* The ring of prints. */
#include "publisher/aggregator/print_hold.h"

#include <stdlib.h>

bool print_hold_init(print_hold *self, uint32_t capacity) {
    *self = (print_hold){.ring = calloc(capacity, sizeof *self->ring), .capacity = capacity};
    return self->ring != NULL;
}

void print_hold_fini(print_hold *self) {
    free(self->ring);
    *self = (print_hold){0};
}

void print_line_init(print_line *line) {
    line->first = line->last = PRINT_NONE;
}

/* The oldest of all is the oldest of its instrument. */
static void drop_oldest(print_hold *self) {
    held_print *oldest = &self->ring[self->next];
    oldest->line->first = oldest->next;
    if (oldest->next == PRINT_NONE) oldest->line->last = PRINT_NONE;
    self->count--;
}

void print_hold_add(print_hold *self, print_line *line, const candle_print *print, uint64_t match_id,
                    int64_t day_ns) {
    if (self->count == self->capacity) drop_oldest(self);
    uint32_t n = self->next;
    self->next = n + 1 == self->capacity ? 0 : n + 1;
    self->count++;
    self->ring[n] = (held_print){
        .print = *print, .match_id = match_id, .day_ns = day_ns, .line = line, .next = PRINT_NONE, .valid = true};
    if (line->last != PRINT_NONE)
        self->ring[line->last].next = n;
    else
        line->first = n;
    line->last = n;
}

held_print *print_hold_find(const print_hold *self, const print_line *line, uint64_t match_id) {
    held_print *found = NULL;
    for (uint32_t n = line->first; n != PRINT_NONE; n = self->ring[n].next)
        if (self->ring[n].valid && self->ring[n].match_id == match_id) found = &self->ring[n];
    return found;
}
