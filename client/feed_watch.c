/* Feed states as a receiver sees them. */
#include "client/feed_watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void feed_watch_init(feed_watch *watch, int64_t silence_ns) {
    *watch = (feed_watch){.silence_ns = silence_ns};
}

void feed_watch_fini(feed_watch *watch) {
    for (size_t i = 0; i < watch->count; i++)
        free(watch->entries[i]);
    watch->count = 0;
}

static void show(feed_entry *entry, tw_book_state state, tw_state_cause cause) {
    if (entry->state == state && entry->cause == cause) return;
    entry->state = state;
    entry->cause = cause;
    entry->changed = true;
}

/* After the end of a session nothing more has to come: the last state is right and stays. */
static bool is_final(const feed_entry *entry) {
    return entry->heard && entry->told_state == TW_BOOK_CLOSED;
}

static void judge(const feed_watch *watch, feed_entry *entry, int64_t now_ns) {
    if (watch->bus_away)
        show(entry, TW_BOOK_STALE, TW_CAUSE_BUS_AWAY);
    else if (now_ns - entry->heard_ns > watch->silence_ns && !is_final(entry))
        show(entry, TW_BOOK_STALE, TW_CAUSE_FEED_SILENT);
    else if (!entry->heard)
        show(entry, TW_BOOK_RECOVERING, TW_CAUSE_STARTING);
    else
        show(entry, entry->told_state, entry->told_cause);
}

feed_entry *feed_watch_entry(feed_watch *watch, const char *exchange, uint32_t partition, int64_t now_ns,
                             bool *is_new) {
    if (is_new != NULL) *is_new = false;
    for (size_t i = 0; i < watch->count; i++) {
        feed_entry *entry = watch->entries[i];
        if (entry->partition == partition && strcmp(entry->exchange, exchange) == 0) return entry;
    }
    if (watch->count == FEED_WATCH_MAX) return NULL;
    feed_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) return NULL;
    tw_text_copy(entry->exchange, sizeof entry->exchange, exchange);
    entry->partition = partition;
    entry->heard_ns = now_ns;
    watch->entries[watch->count++] = entry;
    judge(watch, entry, now_ns);
    entry->changed = false;
    if (is_new != NULL) *is_new = true;
    return entry;
}

bool feed_watch_knows(const feed_watch *watch, const char *exchange) {
    for (size_t i = 0; i < watch->count; i++)
        if (strcmp(watch->entries[i]->exchange, exchange) == 0) return true;
    return false;
}

bool feed_watch_believes(const feed_watch *watch, uint64_t term) {
    return watch->most_term == 0 || term <= watch->most_term;
}

bool feed_watch_accept(const feed_watch *watch, feed_entry *entry, uint64_t term) {
    if (!feed_watch_believes(watch, term)) return false;
    if (entry->term_known && term < entry->term) return false;
    entry->takeovers += entry->term_known && term > entry->term;
    entry->term_known = true;
    entry->term = term;
    return true;
}

bool feed_watch_hear(feed_watch *watch, feed_entry *entry, const wire_feed_status *status, int64_t now_ns) {
    if (!feed_watch_accept(watch, entry, status->term)) return false;
    entry->broke |= feed_vouch_take(&entry->vouch, status);
    entry->heard = true;
    entry->heard_ns = now_ns;
    entry->told_state = status->state;
    entry->told_cause = status->cause;
    judge(watch, entry, now_ns);
    return true;
}

void feed_watch_bus(feed_watch *watch, bool away, int64_t now_ns) {
    watch->bus_away = away;
    for (size_t i = 0; i < watch->count; i++)
        watch->entries[i]->awaited = true;
    feed_watch_check(watch, now_ns);
}

bool feed_watch_take_return(feed_entry *entry) {
    bool awaited = entry->awaited;
    entry->awaited = false;
    return awaited;
}

bool feed_watch_take_break(feed_entry *entry) {
    bool broke = entry->broke;
    entry->broke = false;
    return broke;
}

bool feed_watch_stands_by(const feed_entry *entry, const char *epoch, uint64_t term) {
    return entry->state <= TW_BOOK_CLOSED && feed_vouch_covers(&entry->vouch, epoch, term);
}

void feed_watch_check(feed_watch *watch, int64_t now_ns) {
    for (size_t i = 0; i < watch->count; i++)
        judge(watch, watch->entries[i], now_ns);
}

bool feed_watch_take_changed(feed_entry *entry) {
    bool changed = entry->changed;
    entry->changed = false;
    return changed;
}

bool feed_watch_fell_silent(const feed_entry *entry) {
    return entry->heard && (entry->cause == TW_CAUSE_FEED_SILENT || entry->cause == TW_CAUSE_BUS_AWAY);
}
