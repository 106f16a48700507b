/*
 * Snapshots as files: {folder}/{MIC}-{SHARD}-{seq, 20 digits}.snapshot. Calls wait for the disk: for a worker thread, or for the start.
 */
#ifndef TICKWIRE_MATCHER_SNAPSHOTS_FILE_H
#define TICKWIRE_MATCHER_SNAPSHOTS_FILE_H

#include "matcher/snapshots/chunk.h"

#define MS_PATH_BYTES 512u
#define MS_FILES      64u /* at most so many are looked at, the newest */

/* Makes the folder if it is not there, removes what a writer that ended has left half-written. TW_OK; TW_INVALID: the path is too long; TW_IO. */
tw_code ms_file_prepare(const char *folder, const char *exchange, uint32_t shard, tw_error *error);

/* Written aside, synced, renamed. `path` of MS_PATH_BYTES. TW_OK, TW_IO. */
tw_code ms_file_write(const char *folder, const ms_envelope *envelope, const uint8_t *bytes, char *path,
                      tw_error *error);
/* Removes all but the `keep` that were written last. */
void ms_file_prune(const char *folder, const char *exchange, uint32_t shard, uint32_t keep);

typedef struct ms_files {
    uint32_t count;
    uint64_t seqs[MS_FILES]; /* newest first */
} ms_files;

/* A folder that is not there has none. */
void ms_file_list(const char *folder, const char *exchange, uint32_t shard, ms_files *files);
void ms_file_path(char *path, const char *folder, const char *exchange, uint32_t shard, uint64_t seq);

/* `bytes` is malloc'ed for the caller. TW_OK; TW_IO; TW_NO_MEMORY; TW_TRUNCATED, TW_MALFORMED, TW_UNSUPPORTED: not whole. */
tw_code ms_file_read(const char *path, ms_envelope *envelope, uint8_t **bytes, tw_error *error);

#endif
