/*
 * What changes in the directory is told on instruments.{MIC}.changes: at most one message at each flush, of at most
 * PUB_LIST_ENTRIES entries. What does not fit, or comes while the sink is not ready, waits for a later flush.
 *
 * Entries wait in the order of their last change. One that changes again moves to the end, so a message tells of the
 * versions (prev_version, version] of the directory and of nothing later:
 *
 *   told       [ entry: version, entry: version, ... ]  directory_version
 *    |                               |
 *    +-- prev_version                +-- version, if this is the last one of the message
 *
 * Who has the directory at any version from prev_version on has it at `version` after applying the message. An entry
 * that leaves the directory is not named: the chain is broken on purpose behind it, and receivers ask again. No feed
 * served here takes an instrument away during a day.
 *
 * Two publishers of one source count the same versions. What waits when one takes over from the other counts as told:
 * FeedStatus names the version, and who missed what the other did not tell any more asks.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "publisher/internal.h"

struct pub_change {
    uint64_t version; /* of the directory, at the entry's last change */
    uint32_t before, after;
    bool waiting;
};

bool pub_changes_alloc(publisher *p) {
    pub_changes *changes = &p->changes;
    changes->entries = calloc(p->options.max_instruments, sizeof *changes->entries);
    return changes->entries != NULL;
}

void pub_changes_free(publisher *p) {
    free(p->changes.entries);
}

void pub_changes_reset(publisher *p) {
    pub_changes *changes = &p->changes;
    for (uint32_t i = 0; i < p->options.max_instruments; i++)
        changes->entries[i].waiting = false;
    changes->first = changes->last = PUB_NONE;
    changes->told = changes->broken_at = 0;
}

void pub_changes_settle(publisher *p) {
    uint64_t version = p->directory_version;
    pub_changes_reset(p);
    p->changes.told = version;
}

static void take_out(pub_changes *changes, uint32_t instrument) {
    struct pub_change *gone = &changes->entries[instrument];
    if (!gone->waiting) return;
    *(gone->before == PUB_NONE ? &changes->first : &changes->entries[gone->before].after) = gone->after;
    *(gone->after == PUB_NONE ? &changes->last : &changes->entries[gone->after].before) = gone->before;
    gone->waiting = false;
}

void pub_changes_add(publisher *p, uint32_t instrument) {
    pub_changes *changes = &p->changes;
    take_out(changes, instrument);
    changes->entries[instrument] = (struct pub_change){
        .version = p->directory_version, .before = changes->last, .after = PUB_NONE, .waiting = true};
    *(changes->last == PUB_NONE ? &changes->first : &changes->entries[changes->last].after) = instrument;
    changes->last = instrument;
}

void pub_changes_left(publisher *p, uint32_t instrument) {
    take_out(&p->changes, instrument);
    p->changes.broken_at = p->directory_version;
}

bool pub_changes_waiting(const publisher *p) {
    return p->changes.told != p->directory_version;
}

/* Takes the next entries into the list. Returns the version that it brings its reader to. */
static uint64_t gather(publisher *p, wire_instrument_list *list) {
    pub_changes *changes = &p->changes;
    uint64_t version = changes->told;
    while (changes->first != PUB_NONE && list->instrument_count < PUB_LIST_ENTRIES) {
        uint32_t instrument = changes->first;
        version = changes->entries[instrument].version;
        pub_directory_entry(p, instrument, &p->list_entries[list->instrument_count++]);
        take_out(changes, instrument);
    }
    list->instruments = p->list_entries;
    return changes->first == PUB_NONE ? p->directory_version : version;
}

void pub_changes_publish(publisher *p, int64_t now_ns) {
    pub_changes *changes = &p->changes;
    wire_instrument_list list;
    pub_directory_list(p, &list);
    list.version = gather(p, &list);
    bool breaks = changes->broken_at > changes->told && changes->broken_at <= list.version;
    list.prev_version = breaks ? changes->broken_at : changes->told;
    list.publish_ns = now_ns;
    list.last = changes->first == PUB_NONE;
    changes->told = list.version;
    size_t length = wire_instrument_list_encode(&list, p->buffer, WIRE_MAX_BYTES);
    TW_ASSERT(length > 0); /* PUB_LIST_ENTRIES at their worst fit */
    pub_emit_directory(p, changes->subject, length);
}
