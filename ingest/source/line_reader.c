/* A buffer that slides over the unpacked bytes; a line is whole in it or is too long. */
#include "ingest/source/line_reader.h"

#include <stdlib.h>
#include <string.h>

#include "ingest/source/file_source.h"

struct line_reader {
    file_source *file;
    size_t from, to; /* unread bytes */
    size_t given;    /* bytes of the last line, line feed included: to give it again */
    bool ended;
    uint64_t number;
    tw_error damage; /* told once all good lines are given */
    char bytes[LINE_READER_MAX_BYTES];
};

tw_code line_reader_open(line_reader **out, const char *path, tw_error *error) {
    *out = NULL;
    line_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to read %s", path);
    tw_code code = file_source_open(&reader->file, path, error);
    if (code != TW_OK) {
        free(reader);
        return code;
    }
    *out = reader;
    return TW_OK;
}

void line_reader_close(line_reader *reader) {
    if (reader == NULL) return;
    file_source_close(reader->file);
    free(reader);
}

static void refill(line_reader *reader) {
    memmove(reader->bytes, reader->bytes + reader->from, reader->to - reader->from);
    reader->to -= reader->from;
    reader->from = 0;
    size_t count = 0;
    tw_code code = file_source_read(reader->file, (uint8_t *)reader->bytes + reader->to,
                                    sizeof reader->bytes - reader->to, &count, &reader->damage);
    reader->to += count;
    if (code != TW_OK || count == 0) reader->ended = true;
}

static tw_code give(line_reader *reader, size_t length, bool feed, const char **line, size_t *out) {
    *line = reader->bytes + reader->from;
    *out = length;
    reader->given = length + feed;
    reader->from += reader->given;
    reader->number++;
    return TW_OK;
}

tw_code line_reader_next(line_reader *reader, const char **line, size_t *length, bool *more, tw_error *error) {
    *more = true;
    for (;;) {
        size_t unread = reader->to - reader->from;
        const char *feed = memchr(reader->bytes + reader->from, '\n', unread);
        if (feed != NULL) return give(reader, (size_t)(feed - reader->bytes) - reader->from, true, line, length);
        if (reader->ended && reader->damage.code == TW_OK && unread > 0)
            return give(reader, unread, false, line, length);
        if (reader->ended) break;
        if (unread == sizeof reader->bytes)
            return tw_error_set(error, TW_MALFORMED, "line %llu is longer than %u bytes",
                                (unsigned long long)reader->number + 1, LINE_READER_MAX_BYTES);
        refill(reader);
    }
    *more = false;
    if (reader->damage.code == TW_OK) return TW_OK;
    return tw_error_set(error, reader->damage.code, "%s", reader->damage.text);
}

void line_reader_unread(line_reader *reader) {
    reader->from -= reader->given;
    reader->given = 0;
    reader->number--;
}

uint64_t line_reader_number(const line_reader *reader) {
    return reader->number;
}
