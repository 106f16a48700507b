/* What there is of snapshots, on a disk and in a stream, by looking at all of it: the plain way, to compare the daemon's search with. */
#ifndef TICKWIRE_TESTS_SIM_KEPT_H
#define TICKWIRE_TESTS_SIM_KEPT_H

#include "tests/sim/disk.h"
#include "tests/sim/server.h"

/* The greatest seq, up to `most_seq`, of a whole snapshot in either. 0: none. `stream` may be NULL. */
uint64_t kept_newest(const disk *disk, const server_stream *stream, const char *exchange, uint32_t shard,
                     uint64_t most_seq);
/* A file that is there under its own name and is not whole although nobody harmed it; NULL: none. */
const char *kept_not_whole(const disk *disk);
bool kept_half_written(const disk *disk); /* something that a writer had not finished */

#endif
