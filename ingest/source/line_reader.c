/* See line_reader.h. The buffer holds more than one longest line, so a line is whole before it is handed out. */
#include "ingest/source/line_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ingest/source/file_source.h"

#define BUFFER_BYTES (4u * LINE_READER_MAX_BYTES)

struct line_reader {
    file_source *file;
    size_t from;
    size_t searched; /* no line feed before here */
    size_t to;
    uint64_t number;
    bool ended;       /* the file gives no more */
    tw_error failure; /* why, unless it was the end */
    char path[1024];
    char buffer[BUFFER_BYTES];
};

tw_code line_reader_open(line_reader **reader, const char *path, tw_error *error) {
    *reader = NULL;
    line_reader *opened = malloc(sizeof *opened);
    if (opened == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to read %s", path);
    memset(opened, 0, offsetof(line_reader, buffer));
    tw_text_copy(opened->path, sizeof opened->path, path);
    tw_code code = file_source_open(&opened->file, path, error);
    if (code != TW_OK) {
        free(opened);
        return code;
    }
    *reader = opened;
    return TW_OK;
}

void line_reader_close(line_reader *reader) {
    if (reader == NULL) return;
    file_source_close(reader->file);
    free(reader);
}

static void fill(line_reader *reader) {
    size_t held = reader->to - reader->from, count = 0;
    memmove(reader->buffer, reader->buffer + reader->from, held);
    reader->searched -= reader->from;
    reader->from = 0;
    reader->to = held;
    tw_code code = file_source_read(reader->file, (uint8_t *)reader->buffer + held, BUFFER_BYTES - held, &count,
                                    &reader->failure);
    reader->to += count;
    reader->ended = code != TW_OK || count == 0;
}

static tw_code hand_out(line_reader *reader, size_t end, line *out, bool *more) {
    *out = (line){reader->buffer + reader->from, end - reader->from, ++reader->number};
    *more = true;
    reader->from = end < reader->to ? end + 1 : end; /* behind the line feed */
    reader->searched = reader->from;
    return TW_OK;
}

/* What an archive's damage cut a line into is no line. */
static tw_code at_end(line_reader *reader, line *out, bool *more, tw_error *error) {
    if (reader->failure.code != TW_OK) {
        if (error != NULL) *error = reader->failure;
        tw_error_wrap(error, "line %llu", (unsigned long long)reader->number + 1);
        return reader->failure.code;
    }
    return reader->from < reader->to ? hand_out(reader, reader->to, out, more) : TW_OK;
}

tw_code line_reader_next(line_reader *reader, line *out, bool *more, tw_error *error) {
    *more = false;
    for (;;) {
        char *feed = memchr(reader->buffer + reader->searched, '\n', reader->to - reader->searched);
        size_t length = (feed != NULL ? (size_t)(feed - reader->buffer) : reader->to) - reader->from;
        if (length > LINE_READER_MAX_BYTES)
            return tw_error_set(error, TW_MALFORMED, "%s: line %llu is longer than %u bytes", reader->path,
                                (unsigned long long)reader->number + 1, LINE_READER_MAX_BYTES);
        if (feed != NULL) return hand_out(reader, (size_t)(feed - reader->buffer), out, more);
        if (reader->ended) return at_end(reader, out, more, error);
        reader->searched = reader->to;
        fill(reader);
    }
}
