/*
 * A file that lines are appended to, off the loop: libuv's workers write, the loop only hands over memory. A disk that is
 * full, slow or gone stops nothing but this file: lines wait, up to a bound, and what does not fit is lost and counted.
 *
 * Lines stay whole. What a write left of a line is written next to the same file. If the file is reopened in between, the
 * whole line goes to the new one, behind a line end: whoever reads the files passes over what is no JSON, and nothing is in
 * there twice as a whole. Each batch is made durable (fdatasync) before the next one is written.
 */
#ifndef TICKWIRE_GATEWAYS_USAGE_FILE_H
#define TICKWIRE_GATEWAYS_USAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "runtime/log.h"

typedef struct usage_file usage_file;

/* Opens (and creates: mode 0640) it, waiting for the disk: before the loop runs. TW_IO names the path and the reason.
 * `most_bytes`: of lines that wait. `path` and `log` are borrowed. */
tw_code usage_file_open(usage_file **file, uv_loop_t *loop, const char *path, size_t most_bytes, rt_log *log,
                        tw_error *error);
/* Runs the loop until all is written, the disk has said no twice, or `wait_ns` are over; what is left then is lost, counted and said. NULL is fine. */
void usage_file_close(usage_file *file, int64_t wait_ns);

/* Keeps a line (with its end) until it is written. False: lost, as too much waits. */
bool usage_file_put(usage_file *file, const char *line, size_t length);
void usage_file_write(usage_file *file); /* begins to write what waits */
/* The file may have been moved away: opens the path again. What waits goes to the new one. */
void usage_file_reopen(usage_file *file);

typedef struct usage_file_stats {
    uint64_t lines_written, lines_lost, bytes_written;
    uint64_t errors; /* writes, syncs and openings that failed */
    uint64_t lines_waiting;
    bool good; /* the last thing tried went well */
} usage_file_stats;
usage_file_stats usage_file_read_stats(const usage_file *file);

#endif
