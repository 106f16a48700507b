/* A journal in the files of an export: FOLDER/orders.twj and FOLDER/execlog.twj. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tools/interrupt.h"
#include "tools/journal/export_file.h"
#include "tools/journal/place_inside.h"

typedef struct file_place {
    journal base;
    char folder[1024];
    export_reader *files[JOURNAL_STREAMS]; /* for looking and single messages; NULL: not there */
} file_place;

typedef struct file_cursor {
    journal_cursor base;
    export_reader *reader;
} file_cursor;

static void path_of(const file_place *self, journal_stream stream, char *path, size_t capacity) {
    tw_text_format(path, capacity, "%s/%s" EXPORT_FILE_ENDING, self->folder, journal_stream_word(stream));
}

static void name(journal *base, journal_stream stream, uint32_t shard, char *text, size_t capacity) {
    (void)shard;
    path_of((file_place *)base, stream, text, capacity);
}

static tw_code missing(const file_place *self, journal_stream stream, tw_error *error) {
    return tw_error_set(error, TW_NOT_FOUND, "there is no %s" EXPORT_FILE_ENDING " in %s",
                        journal_stream_word(stream), self->folder);
}

static tw_code look(journal *base, journal_stream stream, uint32_t shard, journal_info *info, tw_error *error) {
    file_place *self = (file_place *)base;
    const export_reader *file = self->files[stream];
    if (file == NULL || shard != base->shard) return missing(self, stream, error);
    *info = (journal_info){.first_seq = export_reader_head(file)->first_seq,
                           .last_seq = export_reader_last_seq(file),
                           .messages = export_reader_messages(file),
                           .bytes = export_reader_bytes(file),
                           .created_ns = export_reader_head(file)->created_ns,
                           .last_ns = export_reader_last_ns(file)};
    return TW_OK;
}

static tw_code get(journal *base, journal_stream stream, uint64_t seq, mw_message *message, tw_error *error) {
    file_place *self = (file_place *)base;
    if (self->files[stream] == NULL) return missing(self, stream, error);
    tw_code code = export_reader_seek(self->files[stream], seq, error);
    return code != TW_OK ? code : export_reader_next(self->files[stream], message, error);
}

static void stop(journal_cursor *base) {
    file_cursor *self = (file_cursor *)base;
    export_reader_close(self->reader);
    free(self);
}

static tw_code read_file(journal *base, journal_stream stream, uint64_t from, uint64_t to, journal_cursor **cursor,
                         tw_error *error) {
    char path[JOURNAL_NAME_BYTES];
    (void)to;
    file_cursor *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to read a file");
    path_of((file_place *)base, stream, path, sizeof path);
    tw_code code = export_reader_open(&self->reader, path, error);
    if (code == TW_OK && from <= to) code = export_reader_seek(self->reader, from, error);
    if (code != TW_OK) {
        stop(&self->base);
        return code;
    }
    *cursor = &self->base;
    return TW_OK;
}

static tw_code next(journal_cursor *base, mw_message *message, tw_error *error) {
    if (interrupt_wanted()) return tw_error_set(error, TW_AWAY, "interrupted");
    return export_reader_next(((file_cursor *)base)->reader, message, error);
}

static void close_place(journal *base) {
    file_place *self = (file_place *)base;
    for (unsigned i = 0; i < JOURNAL_STREAMS; i++)
        export_reader_close(self->files[i]);
    free(self);
}

static const journal_kind kind = {close_place, name, look, get, NULL, read_file, next, NULL, stop};

/* Files of different shards in one folder are somebody's mistake. */
static tw_code check_head(file_place *self, journal_stream stream, tw_error *error) {
    const export_head *head = export_reader_head(self->files[stream]);
    char path[JOURNAL_NAME_BYTES];
    path_of(self, stream, path, sizeof path);
    if (head->kind != (uint32_t)stream)
        return tw_error_set(error, TW_INVALID, "%s holds another stream than its name says", path);
    if (self->base.exchange[0] == '\0') {
        tw_text_copy(self->base.exchange, sizeof self->base.exchange, head->exchange);
        self->base.shard = head->shard;
    }
    if (strcmp(self->base.exchange, head->exchange) != 0 || self->base.shard != head->shard)
        return tw_error_set(error, TW_INVALID, "%s is of %s shard %" PRIu32 ", not of %s shard %" PRIu32, path,
                            head->exchange, head->shard, self->base.exchange, self->base.shard);
    return TW_OK;
}

tw_code journal_file_open(journal **opened, const journal_options *options, tw_error *error) {
    file_place *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to read a journal");
    self->base.kind = &kind;
    tw_code code = TW_OK;
    if (!tw_text_copy(self->folder, sizeof self->folder, options->folder))
        code = tw_error_set(error, TW_INVALID, "the path %s is too long", options->folder);
    for (unsigned i = 0; code == TW_OK && i < JOURNAL_STREAMS; i++) {
        char path[JOURNAL_NAME_BYTES];
        path_of(self, i, path, sizeof path);
        code = export_reader_open(&self->files[i], path, error);
        if (code == TW_OK)
            code = check_head(self, i, error);
        else if (code == TW_NOT_FOUND)
            code = TW_OK;
    }
    if (code == TW_OK && self->files[JOURNAL_ORDERS] == NULL && self->files[JOURNAL_EXECLOG] == NULL)
        code = tw_error_set(error, TW_NOT_FOUND,
                            "%s holds no exported journal (orders.twj, execlog.twj): `tickwire journal export "
                            "--out FOLDER` makes one",
                            self->folder);
    if (code != TW_OK) {
        close_place(&self->base);
        return code;
    }
    *opened = &self->base;
    return TW_OK;
}
