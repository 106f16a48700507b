/*
 * Keeps snapshots: each as a file in a folder and as chunks in a stream, so that a restart finds one here and a new machine finds one
 * there.
 *
 *   loop       ms_store_begin, the caller serialises into memory, ms_store_end          chunks to the stream, two at a time ──► on_stored
 *                                                                  │                       ▲
 *   a thread                                                       └─► checksum ───────────┴──► {folder}/….part, synced, renamed ──► on_stored
 *
 * All that the loop waits for is the serialising, which is the caller's. A leader that has a standby leaves snapshots to it.
 *
 * A file appears under its name only when it is whole and on disk; a process that ends before leaves a .part, which the next
 * ms_store_open removes. The stream may keep chunks of a snapshot that was never finished: nobody takes them for one (find.h).
 *
 * The stream is bounded by bytes, the oldest chunks go. A snapshot that would not fit twice is refused: a third one would take away
 * chunks of the only whole one.
 */
#ifndef TICKWIRE_MATCHER_SNAPSHOTS_STORE_H
#define TICKWIRE_MATCHER_SNAPSHOTS_STORE_H

#include <uv.h>

#include "matcher/snapshots/file.h"
#include "runtime/bus.h"

typedef struct ms_store ms_store;

/* One of the two places. */
typedef struct ms_place_result {
    bool wanted, done;
    char reason[256]; /* not done: why */
} ms_place_result;

typedef struct ms_stored {
    ms_envelope envelope;
    ms_place_result file, stream;
    char path[MS_PATH_BYTES];   /* of the file */
    int64_t file_ns, stream_ns; /* how long it took, from ms_store_end on */
} ms_stored;

/* Called on the loop when both places are done or have failed. The store takes no second try: the next snapshot is one. */
typedef void (*ms_on_stored)(void *context, const ms_stored *result);

typedef struct ms_store_options {
    const char *exchange;
    uint32_t shard;
    const char *folder;    /* NULL or "": no files. Made if it is not there */
    uint32_t keep;         /* files; 0 for 3 */
    bool stream;           /* chunks to venuesnapshot.{MIC}.{SHARD} */
    uint64_t stream_bytes; /* what the stream may hold, as its config says; 0: not known */
    ms_on_stored on_stored;
    void *context;
} ms_store_options;

/* TW_INVALID names what; TW_IO: the folder can't be made or written to. The bus must outlive the store; NULL without a stream. */
tw_code ms_store_open(ms_store **store, bus *over, uv_loop_t *loop, const ms_store_options *options,
                      tw_error *error);
/* Nothing is told any more; the rest of the chunks is not sent. The memory goes when the loop next runs, or when a file that is being written
 * is finished. NULL is fine. May be called from on_stored. */
void ms_store_close(ms_store *store);

/* What the stream may hold, as it is found; 0: no bound. */
void ms_store_bound(ms_store *store, uint64_t stream_bytes);

/* From ms_store_begin until on_stored. */
bool ms_store_busy(const ms_store *store);

/* Begins one: then ms_store_write takes its bytes (an mx_write: the context is the store), and ms_store_end lets it go. `expected_bytes` is a
 * guess for the memory (the last one's size; 0: none). The envelope is copied; writer, bytes and checksum are filled in. False: one is under way. */
bool ms_store_begin(ms_store *store, const ms_envelope *envelope, size_t expected_bytes);
bool ms_store_write(void *store, const void *bytes, size_t length); /* false: no memory, or too much */
/* TW_OK: on_stored will be called. TW_NO_MEMORY, TW_FULL: a write had failed; nothing is kept and nothing will be told. */
tw_code ms_store_end(ms_store *store, tw_error *error);
void ms_store_drop(ms_store *store); /* instead of end: the caller could not serialise */

#endif
