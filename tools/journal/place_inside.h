/* What the two kinds of place have in common, for place.c, place_bus.c and place_file.c alone. */
#ifndef TICKWIRE_TOOLS_JOURNAL_PLACE_INSIDE_H
#define TICKWIRE_TOOLS_JOURNAL_PLACE_INSIDE_H

#include "tools/journal/place.h"

#define JOURNAL_NAME_BYTES 1100

/* Meanings as those of place.h. */
typedef struct journal_kind {
    void (*close)(journal *self);
    void (*name)(journal *self, journal_stream stream, uint32_t shard, char *text, size_t capacity);
    tw_code (*look)(journal *self, journal_stream stream, uint32_t shard, journal_info *info, tw_error *error);
    tw_code (*get)(journal *self, journal_stream stream, uint64_t seq, mw_message *message, tw_error *error);
    tw_code (*purge)(journal *self, journal_stream stream, uint64_t first_kept, tw_error *error); /* or NULL */
    tw_code (*read)(journal *self, journal_stream stream, uint64_t from, uint64_t to, journal_cursor **cursor,
                    tw_error *error);
    tw_code (*next)(journal_cursor *cursor, mw_message *message, tw_error *error);
    bool (*peek)(const journal_cursor *cursor, mw_message *message); /* NULL: it never knows */
    void (*stop)(journal_cursor *cursor);
} journal_kind;

/* The first member of both kinds. */
struct journal {
    const journal_kind *kind;
    char exchange[TW_MIC_BYTES];
    uint32_t shard;
    char name[JOURNAL_NAME_BYTES];
};

struct journal_cursor {
    journal *owner;
    journal_stream stream;
    uint64_t next, last;
};

tw_code journal_bus_open(journal **opened, const journal_options *options, tw_error *error);
tw_code journal_file_open(journal **opened, const journal_options *options, tw_error *error);

#endif
