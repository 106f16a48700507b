/*
 * The records of a replica, oldest first, in chunks of one large piece of memory:
 *
 *   oldest ......... mark .................. newest
 *   | in execlog    | not known to be in it |          free chunks are taken last given back first
 *
 * Records never move. Those before the mark may be released, oldest chunk first.
 */
#ifndef TICKWIRE_MATCHER_REPLICA_SHELF_H
#define TICKWIRE_MATCHER_REPLICA_SHELF_H

#include "matcher/replica/replica.h"

#define SHELF_CHUNK_BYTES (256u * 1024u)
#define SHELF_NO_CHUNK    UINT32_MAX

typedef struct shelf_chunk {
    uint32_t next; /* towards the newest; free: the next free one */
    uint32_t used; /* bytes of `records` */
    uint64_t unused;
    uint8_t records[SHELF_CHUNK_BYTES - 16];
} shelf_chunk;

/* A place between records. At a chunk's end it is the same place as the next chunk's beginning. */
typedef struct shelf_cursor {
    uint32_t chunk, offset;
} shelf_cursor;

typedef struct shelf {
    shelf_chunk *chunks;
    uint32_t chunk_count, touched, free;
    uint32_t oldest, newest;
    uint32_t *line; /* a ring: the chunks in use, oldest first; for finding one */
    uint32_t line_first, line_count;
    shelf_cursor mark;
    uint64_t bytes;   /* of all records */
    uint64_t waiting; /* of those behind the mark */
    uint64_t waiting_count;
} shelf;

bool shelf_init(shelf *records, uint64_t bytes); /* for records of so many; false: no memory */
void shelf_fini(shelf *records);
void shelf_clear(shelf *records);

/* Room for a record with so much text behind it, NUL included. NULL: there is none. The caller fills it in, but for `bytes`. */
mr_record *shelf_add(shelf *records, uint32_t text_bytes);

/* The record at a place, NULL at the end; `at` moves behind it. */
mr_record *shelf_next(const shelf *records, shelf_cursor *at);
shelf_cursor shelf_begin(const shelf *records); /* before the oldest */
shelf_cursor shelf_end(const shelf *records);   /* behind the newest */
/* Before the first record of the last chunk that does not begin behind report n of input seq; before the oldest where all do. Whatever lies before
 * that is no later than that report. */
shelf_cursor shelf_find(const shelf *records, uint64_t seq, uint32_t n);
static inline bool shelf_is_after(const mr_record *record, uint64_t seq, uint32_t n) {
    return record->report.seq > seq || (record->report.seq == seq && record->report.n > n);
}

/* Moves the mark; `bytes` and `count` lie between the old place and the new one. */
void shelf_pass(shelf *records, shelf_cursor to, uint64_t bytes, uint64_t count);

/* Gives the oldest chunk back if nothing in it is behind the mark. `forget` is told each of its records first. */
bool shelf_release(shelf *records, void (*forget)(void *context, const mr_record *record), void *context);
/* Lets all of them go, whatever the mark says; the next one stands where the newest chunk begins. `forget` as above. */
void shelf_drop(shelf *records, void (*forget)(void *context, const mr_record *record), void *context);

#endif
