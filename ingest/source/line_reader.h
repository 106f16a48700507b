/* Lines of text out of a recording (plain, .gz or .zst), one at a time, without copying. */
#ifndef TICKWIRE_INGEST_SOURCE_LINE_READER_H
#define TICKWIRE_INGEST_SOURCE_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LINE_READER_MAX_BYTES (256u * 1024u) /* a longer line is malformed */

typedef struct line_reader line_reader;

tw_code line_reader_open(line_reader **reader, const char *path, tw_error *error);
void line_reader_close(line_reader *reader); /* NULL is fine */

/* The next line without its line feed; the last one may lack it. Borrowed until the next call. *more false with TW_OK
 * is the end. TW_MALFORMED: the line is too long; TW_MALFORMED, TW_TRUNCATED, TW_IO: as file_source.h says. */
tw_code line_reader_next(line_reader *reader, const char **line, size_t *length, bool *more, tw_error *error);
/* The next call of line_reader_next gives the same line again. */
void line_reader_unread(line_reader *reader);
uint64_t line_reader_number(const line_reader *reader); /* of the last line given, from 1 */

#endif
