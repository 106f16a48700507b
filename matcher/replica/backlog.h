/*
 * The records of a replica, oldest first, in chunks of one large piece of memory:
 *
 *   oldest ......... mark .................. newest
 *   | in execlog    | not known to be in it |          free chunks are taken last given back first
 *
 * Records never move. Those before the mark may be released, oldest chunk first.
 */
#ifndef TICKWIRE_MATCHER_REPLICA_BACKLOG_H
#define TICKWIRE_MATCHER_REPLICA_BACKLOG_H

#include "matcher/replica/replica.h"

#define BACKLOG_CHUNK_BYTES (256u * 1024u)
#define BACKLOG_NO_CHUNK    UINT32_MAX

typedef struct backlog_chunk {
    uint32_t next; /* towards the newest; free: the next free one */
    uint32_t used; /* bytes of `records` */
    uint64_t unused;
    uint8_t records[BACKLOG_CHUNK_BYTES - 16];
} backlog_chunk;

/* A place between records. At a chunk's end it is the same place as the next chunk's beginning. */
typedef struct backlog_cursor {
    uint32_t chunk, offset;
} backlog_cursor;

typedef struct backlog {
    backlog_chunk *chunks;
    uint32_t chunk_count, touched, free;
    uint32_t oldest, newest;
    backlog_cursor mark;
    uint64_t bytes;   /* of all records */
    uint64_t waiting; /* of those behind the mark */
    uint64_t waiting_count;
} backlog;

bool backlog_init(backlog *records, uint64_t bytes); /* false: no memory */
void backlog_fini(backlog *records);
void backlog_clear(backlog *records);

/* Room for a record with so much text behind it, NUL included. NULL: there is none. The caller fills it in, but for `bytes`. */
mr_record *backlog_add(backlog *records, uint32_t text_bytes);

/* The record at a place, NULL at the end; `at` moves behind it. */
mr_record *backlog_next(const backlog *records, backlog_cursor *at);
backlog_cursor backlog_begin(const backlog *records); /* before the oldest */

/* Moves the mark; `bytes` and `count` lie between the old place and the new one. */
void backlog_pass(backlog *records, backlog_cursor to, uint64_t bytes, uint64_t count);

/* Gives the oldest chunk back if nothing in it is behind the mark. `forget` is told each of its records first. */
bool backlog_release(backlog *records, void (*forget)(void *context, const mr_record *record), void *context);

#endif
