/* What has moved away from each shard, as its engine says. */
#include "tools/venue/moved.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "matcher/core/types.h"
#include "tools/venue/ask.h"

typedef struct moved_search {
    venue_moved *moved;
    uint32_t shard;
    bool no_memory;
} moved_search;

static bool add(venue_moved *moved, const char *symbol, uint32_t shard) {
    if (moved->count == moved->capacity) {
        size_t wanted = moved->capacity == 0 ? 16 : moved->capacity * 2;
        venue_left *grown = realloc(moved->list, wanted * sizeof *grown);
        if (grown == NULL) return false;
        moved->list = grown;
        moved->capacity = wanted;
    }
    venue_left *left = &moved->list[moved->count++];
    left->shard = shard;
    tw_text_copy(left->symbol, sizeof left->symbol, symbol);
    return true;
}

static void on_moved(void *context, const venue_page *page, const wire_part *item) {
    moved_search *self = context;
    (void)page;
    if (item->kind != WIRE_PART_DEFINITION || item->definition.kind != WIRE_SET_STATE) return;
    if (item->definition.state != MX_MOVED) return;
    if (!add(self->moved, item->definition.symbol, self->shard)) self->no_memory = true;
}

static tw_code ask_shard(moved_search *self, venue_link *link, const char *mic, int64_t timeout_ns,
                         tw_error *error) {
    const wire_query query = {.kind = WIRE_QUERY_MOVED};
    tw_error silent = {0};
    venue_asked asked;
    tw_code code = venue_ask(link, mic, self->shard, &query, 0, timeout_ns, on_moved, self, &asked, &silent);
    if (code == TW_OK && asked.code == WIRE_REPLY_OK)
        return self->no_memory ? tw_error_set(error, TW_NO_MEMORY, "no memory for instruments") : TW_OK;
    if (code != TW_OK && code != TW_AWAY) return tw_error_set(error, code, "%s", silent.text);
    self->moved->partial = true;
    if (code == TW_AWAY)
        fprintf(stderr, "tickwire venue: %s\n", silent.text);
    else if (asked.code == WIRE_REPLY_BAD_REQUEST) /* it reads the question as another one */
        fprintf(stderr,
                "tickwire venue: shard %" PRIu32
                " of %s does not tell what has moved away from it: its matcher does "
                "not know the question, as one of an older version (it says: %s)\n",
                self->shard, mic, asked.detail);
    else
        fprintf(stderr, "tickwire venue: shard %" PRIu32 " of %s does not tell what has moved away from it: %s\n",
                self->shard, mic, asked.detail);
    return TW_OK;
}

static int by_symbol(const void *a, const void *b) {
    const venue_left *left = a, *right = b;
    int order = strcmp(left->symbol, right->symbol);
    if (order != 0) return order;
    return left->shard < right->shard ? -1 : left->shard > right->shard;
}

tw_code venue_moved_read(venue_link *link, const char *mic, const venue_shards *shards, int64_t timeout_ns,
                         venue_moved *moved, tw_error *error) {
    moved_search self = {.moved = moved};
    tw_code code = TW_OK;
    *moved = (venue_moved){0};
    for (uint32_t i = 0; code == TW_OK && i < shards->count; i++) {
        self.shard = shards->list[i].number;
        if (shards->list[i].runs) code = ask_shard(&self, link, mic, timeout_ns, error);
    }
    if (moved->count > 0) qsort(moved->list, moved->count, sizeof *moved->list, by_symbol);
    return code;
}

void venue_moved_fini(venue_moved *moved) {
    free(moved->list);
    *moved = (venue_moved){0};
}
