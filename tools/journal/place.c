/* The common door to both kinds of place. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/journal/place_inside.h"

const char *journal_stream_word(journal_stream stream) {
    static const char *const words[JOURNAL_STREAMS] = {"orders", "execlog", "snapshots"};
    return (unsigned)stream < JOURNAL_STREAMS ? words[stream] : "?";
}

tw_code journal_open(journal **opened, const journal_options *options, tw_error *error) {
    *opened = NULL;
    return options->folder != NULL ? journal_file_open(opened, options, error)
                                   : journal_bus_open(opened, options, error);
}

void journal_close(journal *self) {
    if (self != NULL) self->kind->close(self);
}

const char *journal_exchange(const journal *self) {
    return self->exchange;
}

uint32_t journal_shard(const journal *self) {
    return self->shard;
}

const char *journal_name(journal *self, journal_stream stream) {
    self->kind->name(self, stream, self->shard, self->name, sizeof self->name);
    return self->name;
}

tw_code journal_look(journal *self, journal_stream stream, journal_info *info, tw_error *error) {
    return self->kind->look(self, stream, self->shard, info, error);
}

tw_code journal_look_at(journal *self, journal_stream stream, uint32_t shard, journal_info *info, tw_error *error) {
    return self->kind->look(self, stream, shard, info, error);
}

tw_code journal_get(journal *self, journal_stream stream, uint64_t seq, mw_message *message, tw_error *error) {
    return self->kind->get(self, stream, seq, message, error);
}

tw_code journal_purge(journal *self, journal_stream stream, uint64_t first_kept, tw_error *error) {
    if (self->kind->purge != NULL) return self->kind->purge(self, stream, first_kept, error);
    return tw_error_set(error, TW_UNSUPPORTED, "%s: nothing is removed from an export", journal_name(self, stream));
}

tw_code journal_read(journal *self, journal_stream stream, uint64_t from, uint64_t to, journal_cursor **cursor,
                     tw_error *error) {
    *cursor = NULL;
    tw_code code = self->kind->read(self, stream, from, to, cursor, error);
    if (code != TW_OK) return code;
    (*cursor)->owner = self;
    (*cursor)->stream = stream;
    (*cursor)->next = from;
    (*cursor)->last = to;
    return TW_OK;
}

void journal_stop(journal_cursor *cursor) {
    if (cursor != NULL) cursor->owner->kind->stop(cursor);
}

tw_code journal_next(journal_cursor *cursor, mw_message *message, bool *more, tw_error *error) {
    *more = false;
    if (cursor->next > cursor->last) return TW_OK;
    tw_code code = cursor->owner->kind->next(cursor, message, error);
    if (code != TW_OK) return code;
    if (message->seq != cursor->next)
        return tw_error_set(error, TW_MALFORMED, "%s: message %" PRIu64 " was expected and %" PRIu64 " came",
                            journal_name(cursor->owner, cursor->stream), cursor->next, message->seq);
    cursor->next++;
    *more = true;
    return TW_OK;
}

bool journal_peek(const journal_cursor *cursor, mw_message *message) {
    const journal_kind *kind = cursor->owner->kind;
    return cursor->next <= cursor->last && kind->peek != NULL && kind->peek(cursor, message);
}

bool journal_keep(journal_kept *self, const mw_message *message) {
    size_t subject = strlen(message->subject) + 1, wanted = subject + message->length;
    if (wanted > self->capacity) {
        uint8_t *memory = realloc(self->memory, wanted * 2);
        if (memory == NULL) return false;
        self->memory = memory;
        self->capacity = wanted * 2;
    }
    memcpy(self->memory, message->subject, subject);
    if (message->length > 0) memcpy(self->memory + subject, message->bytes, message->length);
    self->message = *message;
    self->message.subject = (const char *)self->memory;
    self->message.bytes = self->memory + subject;
    return true;
}

void journal_kept_fini(journal_kept *self) {
    free(self->memory);
    *self = (journal_kept){0};
}
