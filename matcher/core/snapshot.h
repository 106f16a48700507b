/*
 * The engine's state as bytes, and as one number.
 *
 * Both come from one walk over everything that has an influence on what the engine will do, in an order that does not depend on where in
 * memory things lie: a restored engine goes on exactly like the one that was saved, with the same reports and the same hash.
 *
 *   magic 8 | version 4 | shard 4 | state, in 8-byte words | length of all before 8 | CRC-32C of all before 4 | 0 4       little endian
 *
 * The bounds in force are state; the memory that an engine was given is not: with less than is in force a snapshot may still be read if what is in it
 * fits, and the engine says that it is short (mx_short).
 */
#ifndef TICKWIRE_MATCHER_CORE_SNAPSHOT_H
#define TICKWIRE_MATCHER_CORE_SNAPSHOT_H

#include "matcher/core/engine.h"

#define MX_SNAPSHOT_VERSION 5

/* Takes `length` bytes (at most MX_SNAPSHOT_CHUNK at a time). False: they could not be written; the snapshot ends. */
typedef bool (*mx_write)(void *context, const void *bytes, size_t length);
/* Gives exactly `length` bytes. False: there are not so many. */
typedef bool (*mx_read)(void *context, void *bytes, size_t length);

#define MX_SNAPSHOT_CHUNK 65536

/* Returns TW_OK, or TW_IO if `write` could not. */
tw_code mx_snapshot_write(const mx_engine *engine, mx_write write, void *context, tw_error *error);

/* Replaces all that the engine knows. Returns TW_OK; TW_TRUNCATED; TW_MALFORMED for bytes that are no snapshot or were damaged;
 * TW_UNSUPPORTED for another version; TW_INVALID for another shard; TW_FULL if the engine's memory is too small. Unless it is TW_OK the
 * engine is empty afterwards, as after mx_engine_alloc. */
tw_code mx_snapshot_read(mx_engine *engine, mx_read read, void *context, tw_error *error);

/* Of the whole state, in one pass over it: with a million open orders a fraction of a second. */
uint64_t mx_state_hash(const mx_engine *engine);

#endif
