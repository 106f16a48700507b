/* `tickwire journal replay`: what a matcher's restart does, without a server to answer for. */
#include "tools/journal/replay.h"

#include <inttypes.h>
#include <string.h>

#include "runtime/clock.h"
#include "tools/journal/options.h"
#include "tools/journal/snapshots.h"

#define DROP_BYTES (16u << 10) /* a backlog above it is let go: so much stays in a core's first cache */

static void on_record(void *context, mr_record *record) {
    journal_work_count(context, &record->report);
}

tw_code journal_take(mr_replica *replica, const mw_message *message, journal_work *work, tw_error *error) {
    const mr_listener listener = {.on_record = on_record, .context = work};
    mw_applied applied = {0};
    if (!mr_take(replica, message, &listener, &applied))
        return tw_error_set(error, TW_MALFORMED, "input %" PRIu64 ": %s", message->seq, mr_fault(replica));
    work->inputs++;
    work->bytes += message->length;
    work->commands += applied.commands;
    work->refused_unread += applied.refused;
    return TW_OK;
}

tw_code journal_start(const journal_settings *asked, journal *held, uint64_t last, mr_replica *replica,
                      mr_origin *origin, tw_error *error) {
    journal_snapshot found;
    bool oldest = strcmp(asked->from, JOURNAL_FROM_OLDEST) == 0;
    tw_code code = oldest ? journal_snapshot_oldest(held, last, &found, error)
                          : journal_snapshot_newest(held, last, &found, error);
    if (code == TW_OK) code = journal_snapshot_load(held, &found, replica, origin, error);
    if (code == TW_OK && !asked->json)
        fprintf(stderr, "tickwire journal: begins with the snapshot after input %" PRIu64 "\n", found.envelope.seq);
    return code;
}

static void look_ahead(const journal_cursor *cursor, mr_replica *replica) {
    mw_message after_next;
    if (journal_peek(cursor, &after_next)) mr_foresee(replica, &after_next);
}

static tw_code replay(journal *held, mr_replica *replica, uint64_t last, journal_work *work, tw_error *error) {
    journal_cursor *cursor = NULL;
    mw_message message;
    bool more = true;
    if (mr_seq(replica) >= last) return TW_OK;
    tw_code code = journal_read(held, JOURNAL_ORDERS, mr_seq(replica) + 1, last, &cursor, error);
    int64_t begin_ns = rt_clock_monotonic_ns();
    while (code == TW_OK) {
        code = journal_next(cursor, &message, &more, error);
        if (code != TW_OK || !more) break;
        look_ahead(cursor, replica);
        code = journal_take(replica, &message, work, error);
        if (mr_backlog_bytes(replica) > DROP_BYTES) mr_backlog_drop(replica); /* nobody reads or writes execlog */
    }
    work->took_ns = rt_clock_monotonic_ns() - begin_ns;
    journal_stop(cursor);
    return code;
}

int journal_replay(const journal_settings *asked) {
    tw_error error = {0};
    mr_replica *replica = NULL;
    mr_origin origin;
    journal_work work = {0};
    uint64_t first, last;
    bool from_snapshot;
    journal *held = journal_open_or_say(asked);
    if (held == NULL) return JOURNAL_EXIT_FAULT;
    tw_code code = journal_range(held, asked, &first, &last, &from_snapshot, &error);
    if (code == TW_OK && first != 1)
        code =
            tw_error_set(&error, TW_INVALID, "--from takes 1, snapshot or oldest: a state has no other beginnings");
    if (code == TW_OK) code = journal_replica(asked, held, &replica, &error);
    if (code == TW_OK && from_snapshot) code = journal_start(asked, held, last, replica, &origin, &error);
    if (code == TW_OK) code = replay(held, replica, last, &work, &error);
    if (code == TW_OK) journal_print_state(replica, &work, asked->json, asked->show, stdout);
    mr_free(replica);
    journal_close(held);
    if (code == TW_OK) return 0;
    journal_say(&error);
    return code == TW_INVALID ? JOURNAL_EXIT_USAGE : JOURNAL_EXIT_FAULT;
}
