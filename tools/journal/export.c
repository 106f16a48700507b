/* `tickwire journal export`: a copy to keep. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/text.h"
#include "tools/journal/executions.h"
#include "tools/journal/export_file.h"
#include "tools/journal/options.h"

#define PATH_BYTES 1024
#define LINE_BYTES 1024

typedef struct exported {
    uint64_t first_seq, last_seq, messages, bytes;
} exported;

static tw_code copy_stream(journal *held, journal_stream stream, uint64_t last, const char *path,
                           const journal_info *info, exported *done, tw_error *error) {
    journal_cursor *cursor = NULL;
    export_writer *writer = NULL;
    mw_message message;
    bool more = info->first_seq <= last;
    export_head head = {.kind = (uint32_t)stream,
                        .shard = journal_shard(held),
                        .first_seq = info->first_seq,
                        .created_ns = info->created_ns};
    tw_text_copy(head.exchange, sizeof head.exchange, journal_exchange(held));
    *done = (exported){.first_seq = info->first_seq, .last_seq = last};
    tw_code code = export_writer_open(&writer, path, &head, error);
    if (code == TW_OK && more) code = journal_read(held, stream, info->first_seq, last, &cursor, error);
    while (code == TW_OK && more) {
        code = journal_next(cursor, &message, &more, error);
        if (code != TW_OK || !more) break;
        code = export_writer_add(writer, &message, error);
        done->messages++;
        done->bytes += message.length;
    }
    journal_stop(cursor);
    if (code == TW_OK) return export_writer_finish(writer, error);
    export_writer_abandon(writer);
    return code;
}

static tw_code whole(journal *held, journal_stream stream, const journal_info *info, tw_error *error) {
    if (info->deleted == 0) return TW_OK;
    return tw_error_set(error, TW_MALFORMED, "%s has holes: %" PRIu64 " messages are gone",
                        journal_name(held, stream), info->deleted);
}

/* Execlog's messages whose inputs are all among the first `to`; with 0 all of them. */
static tw_code last_of_execlog(journal *held, uint64_t to, const journal_info *info, uint64_t *last,
                               tw_error *error) {
    *last = info->last_seq;
    if (to == 0 || info->messages == 0) return TW_OK;
    uint64_t behind;
    tw_code code = executions_find(held, to + 1, &behind, error);
    *last = behind - 1;
    return code;
}

static void say(const journal_settings *asked, const char *path, const char *word, const exported *done) {
    fprintf(stderr,
            "tickwire journal: %s: %" PRIu64 " messages (%" PRIu64 " to %" PRIu64 ", %" PRIu64 " bytes) to %s\n",
            word, done->messages, done->first_seq, done->last_seq, done->bytes, path);
    (void)asked;
}

/* What was kept before is not written over. */
static tw_code absent(const char *path, tw_error *error) {
    struct stat there;
    if (lstat(path, &there) == 0)
        return tw_error_set(error, TW_INVALID,
                            "%s is there already, and an export is not written over: another --out, or remove it",
                            path);
    return errno == ENOENT ? TW_OK : tw_error_set_errno(error, errno, "%s", path);
}

static tw_code none_there(const char *folder, tw_error *error) {
    char path[PATH_BYTES];
    tw_code code = TW_OK;
    for (journal_stream stream = JOURNAL_ORDERS; code == TW_OK && stream <= JOURNAL_EXECLOG; stream++) {
        if (!tw_text_format(path, sizeof path, "%s/%s" EXPORT_FILE_ENDING, folder, journal_stream_word(stream)))
            return tw_error_set(error, TW_INVALID, "the path %s is too long", folder);
        code = absent(path, error);
    }
    return code;
}

static tw_code export_streams(journal *held, const journal_settings *asked, tw_error *error) {
    if (mkdir(asked->out, 0777) != 0 && errno != EEXIST)
        return tw_error_set_errno(error, errno, "making the folder %s", asked->out);
    tw_code code = none_there(asked->out, error);
    for (journal_stream stream = JOURNAL_ORDERS; code == TW_OK && stream <= JOURNAL_EXECLOG; stream++) {
        char path[PATH_BYTES];
        journal_info info;
        exported done;
        if (!tw_text_format(path, sizeof path, "%s/%s" EXPORT_FILE_ENDING, asked->out, journal_stream_word(stream)))
            return tw_error_set(error, TW_INVALID, "the path %s is too long", asked->out);
        code = journal_look(held, stream, &info, error);
        if (code == TW_OK) code = whole(held, stream, &info, error);
        uint64_t last = info.last_seq;
        if (code == TW_OK && stream == JOURNAL_ORDERS && asked->to != 0) {
            if (asked->to > last)
                code = tw_error_set(error, TW_NOT_FOUND, "--to %" PRIu64 ": %s ends at %" PRIu64, asked->to,
                                    journal_name(held, stream), last);
            last = asked->to;
        }
        if (code == TW_OK && stream == JOURNAL_EXECLOG)
            code = last_of_execlog(held, asked->to, &info, &last, error);
        if (code == TW_OK) code = copy_stream(held, stream, last, path, &info, &done, error);
        if (code == TW_OK) say(asked, path, journal_stream_word(stream), &done);
    }
    return code;
}

static tw_code export_lines(journal *held, const journal_settings *asked, tw_error *error) {
    char aside[PATH_BYTES];
    if (!tw_text_format(aside, sizeof aside, "%s.part", asked->out))
        return tw_error_set(error, TW_INVALID, "the path %s is too long", asked->out);
    if (absent(asked->out, error) != TW_OK) return error->code;
    FILE *file = fopen(aside, "w");
    if (file == NULL) return tw_error_set_errno(error, errno, "writing %s", aside);
    tw_code code = journal_write_lines(held, asked, file, error);
    bool written = ferror(file) == 0;
    if (fclose(file) != 0) written = false;
    if (code == TW_OK && (!written || rename(aside, asked->out) != 0))
        code = tw_error_set_errno(error, errno, "writing %s", asked->out);
    if (code != TW_OK) remove(aside);
    return code;
}

int journal_export(const journal_settings *asked) {
    tw_error error = {0};
    if (asked->out[0] == '\0') {
        fprintf(stderr, "tickwire journal export: --out is missing: a folder, or with --json a file\n");
        return JOURNAL_EXIT_USAGE;
    }
    journal *held = journal_open_or_say(asked);
    if (held == NULL) return JOURNAL_EXIT_FAULT;
    tw_code code = asked->json ? export_lines(held, asked, &error) : export_streams(held, asked, &error);
    journal_close(held);
    return code == TW_OK ? 0 : journal_say(&error);
}
