/* The prices that collars are around, for who has to begin somewhere: from the last statuses of all instruments. */
#include <string.h>

#include "runtime/clock.h"
#include "tools/venue/directory.h"

#define ARENA_BYTES (8u << 20)

typedef struct reference_search {
    venue_directory *directory;
    wire_arena arena;
    uint32_t running, done; /* shards */
    bool nobody;
} reference_search;

static void take(venue_directory *directory, const wire_status *status) {
    for (size_t i = 0; i < directory->count; i++) {
        venue_entry *entry = &directory->entries[i];
        if (entry->shard == status->header.partition && strcmp(entry->symbol, status->header.symbol) == 0)
            entry->reference = status->collar_reference;
    }
}

static void on_reply(void *context, const bus_message *message) {
    reference_search *self = context;
    wire_snapshot_reply reply;
    if (message->status != 0) self->nobody = true;
    if (message->status != 0 ||
        wire_snapshot_reply_decode(&self->arena, message->bytes, message->length, &reply) != WIRE_OK)
        return;
    for (uint32_t i = 0; i < reply.status_count; i++)
        take(self->directory, &reply.statuses[i]);
    self->done += reply.last;
}

static bool all_told(void *context) {
    const reference_search *self = context;
    return self->nobody || self->done >= self->running;
}

tw_code venue_directory_references(venue_link *link, const char *mic, const venue_shards *shards,
                                   int64_t timeout_ns, venue_directory *directory, tw_error *error) {
    reference_search self = {.directory = directory};
    char subject[SUBJECT_BYTES];
    venue_request request;
    if (!wire_arena_init(&self.arena, ARENA_BYTES))
        return tw_error_set(error, TW_NO_MEMORY, "no memory for statuses");
    for (uint32_t i = 0; i < shards->count; i++)
        self.running += shards->list[i].runs;
    subject_snapshots(subject, sizeof subject, mic, SUBJECT_STATUS);
    tw_code code = venue_request_start(&request, link, subject, NULL, 0, on_reply, &self, error);
    if (code == TW_OK) {
        venue_link_wait(link, all_told, &self, rt_clock_monotonic_ns() + timeout_ns);
        venue_request_end(&request);
    }
    wire_arena_fini(&self.arena);
    return code;
}
