/* `tickwire venue apply FILE`: every line of a venue file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/venue/run.h"

#define MOST_FILE (64u << 20)

/* The text of a file, NUL terminated; NULL with the error. */
static char *read_text(const char *path, tw_error *error) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    size_t capacity = 1u << 16, length = 0;
    char *text = NULL;
    if (file == NULL) return tw_error_set_errno(error, errno, "%s", path), NULL;
    for (bool more = true; more && capacity <= MOST_FILE; capacity *= 2) {
        char *grown = realloc(text, capacity);
        if (grown == NULL) break;
        text = grown;
        length += fread(text + length, 1, capacity - 1 - length, file);
        text[length] = '\0';
        more = length == capacity - 1;
        if (!more && !ferror(file)) goto whole;
    }
    tw_error_set(error, TW_IO, "%s can't be read, or has more than 64 MiB", path);
    free(text);
    text = NULL;
whole:
    if (file != stdin) fclose(file);
    if (text != NULL && strlen(text) != length) {
        tw_error_set(error, TW_MALFORMED, "%s is no text: it has a NUL in it", path);
        free(text);
        text = NULL;
    }
    return text;
}

tw_code venue_run_read_file(const venue_run *self, const char *path, venue_file *file, tw_error *error) {
    char *text = read_text(path, error);
    *file = (venue_file){0};
    if (text == NULL) return error->code;
    tw_code code = venue_file_parse(file, text, self->settings.link.exchange, venue_run_today(), error);
    free(text);
    return code == TW_OK ? TW_OK : tw_error_wrap(error, "%s", path);
}

tw_code venue_run_apply(venue_run *self, const char *path, tw_error *error) {
    venue_file file;
    tw_code code = venue_run_read_file(self, path, &file, error);
    if (code == TW_OK && file.count == 0)
        code =
            tw_error_set(error, TW_INVALID,
                         "%s has no command in it, nothing was sent: every line is empty, a comment, or one that "
                         "only says how to read commands (exchange, decimals, shards)",
                         path);
    if (code == TW_OK) {
        const venue_look_for wanted = {.directory = venue_tasks_need_directory(file.orders, file.count),
                                       .days = venue_tasks_need_days(file.orders, file.count),
                                       .starting = true};
        venue_run_use_exchange(self, file.mic);
        code = venue_run_look(self, wanted, error);
        if (code == TW_OK) code = venue_run_send(self, file.orders, file.count, file.shards, error);
        if (code == TW_OK) venue_run_tell(self, !self->settings.verbose);
    }
    venue_file_fini(&file);
    return code;
}
