/* A recording as a stream of bytes: plain, gzip (also concatenated members) or zstd (also concatenated frames),
 * told apart by the first bytes, not the name. "-" reads standard input. */
#ifndef TICKWIRE_INGEST_SOURCE_FILE_SOURCE_H
#define TICKWIRE_INGEST_SOURCE_FILE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct file_source file_source;

tw_code file_source_open(file_source **source, const char *path, tw_error *error);
void file_source_close(file_source *source); /* NULL is fine */

/* Reads up to `capacity` unpacked bytes. *count 0 with TW_OK is the end. On TW_MALFORMED or TW_TRUNCATED (a
 * damaged or cut archive) *count bytes are good all the same; the error names the offset. */
tw_code file_source_read(file_source *source, uint8_t *bytes, size_t capacity, size_t *count, tw_error *error);

#endif
