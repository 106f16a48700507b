/* The lines of a text file (plain, .gz or .zst), one at a time, out of one buffer. */
#ifndef TICKWIRE_INGEST_SOURCE_LINE_READER_H
#define TICKWIRE_INGEST_SOURCE_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct line_reader line_reader;

#define LINE_READER_MAX_BYTES 65536u /* of one line */

typedef struct line {
    const char *text; /* not NUL terminated, without its line feed; borrowed until the next call */
    size_t length;
    uint64_t number; /* from 1 */
} line;

tw_code line_reader_open(line_reader **reader, const char *path, tw_error *error); /* as file_source_open */
void line_reader_close(line_reader *reader);                                       /* NULL is fine */

/* *more false with TW_OK is the end; a last line without a line feed is a line. TW_MALFORMED for one that is longer
 * than LINE_READER_MAX_BYTES; otherwise as file_source_read: whole lines before the damage are given first. The text
 * names file and line. */
tw_code line_reader_next(line_reader *reader, line *out, bool *more, tw_error *error);

#endif
