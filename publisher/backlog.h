/*
 * Records waiting to leave: first in, first out for each instrument, one bound over all of them.
 *
 * Besides its instrument's line, each record stands in a list by age over all instruments, so that the oldest
 * can be given up when the backlog is full. The oldest of all is always the first of its instrument's line.
 *
 *   by age:   A1 - B1 - A2 - A3 - B2      (doubly linked: any instrument's first may leave)
 *   line A:   A1 ------- A2 - A3
 *   line B:        B1 ------------- B2
 */
#ifndef TICKWIRE_PUBLISHER_BACKLOG_H
#define TICKWIRE_PUBLISHER_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BACKLOG_NONE UINT32_MAX

typedef struct backlog_item {
    uint64_t seq; /* source message the record came with */
    int64_t receive_ns;
    uint32_t instrument;
    uint32_t next;  /* of this instrument; of the free list when free */
    uint32_t older; /* over all instruments */
    uint32_t newer;
} backlog_item;

/* One instrument's line. {0} is not empty: use backlog_line_init. */
typedef struct backlog_line {
    uint32_t first, last;
} backlog_line;

typedef struct backlog {
    backlog_item *items;
    uint8_t *records;
    size_t record_bytes;
    uint32_t capacity;
    uint32_t free;
    uint32_t oldest, newest;
} backlog;

bool backlog_init(backlog *b, uint32_t capacity, size_t record_bytes); /* false: no memory */
void backlog_fini(backlog *b);
void backlog_clear(backlog *b); /* lines are the caller's to init again */

static inline void backlog_line_init(backlog_line *line) {
    line->first = line->last = BACKLOG_NONE;
}
static inline bool backlog_line_empty(const backlog_line *line) {
    return line->first == BACKLOG_NONE;
}
static inline bool backlog_full(const backlog *b) {
    return b->free == BACKLOG_NONE;
}
static inline const void *backlog_record(const backlog *b, uint32_t item) {
    return b->records + (size_t)item * b->record_bytes;
}

/* Copies the record to the end of the line. The backlog may not be full. */
void backlog_push(backlog *b, backlog_line *line, uint32_t instrument, const void *record, uint64_t seq,
                  int64_t receive_ns);
/* Drops the first of a line, which may not be empty. */
void backlog_pop(backlog *b, backlog_line *line);
/* How many records at the front of a line fit in one message of at most `limit`: whole source messages only,
 * but for a source message that alone has more than `limit` records. At least 1. */
uint32_t backlog_batch(const backlog *b, const backlog_line *line, uint32_t limit);
/* How many records the first source message of a line has, at most `limit`. At least 1. */
uint32_t backlog_single(const backlog *b, const backlog_line *line, uint32_t limit);

#endif
