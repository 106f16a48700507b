#include "client/feed_watch.h"
#include "tests/unit.h"

#define SECOND INT64_C(1000000000)

static feed_entry *hear(feed_watch *watch, tw_book_state state, tw_state_cause cause, int64_t now_ns) {
    feed_entry *entry = feed_watch_entry(watch, "XNAS", 1, now_ns, NULL);
    wire_feed_status status = {.partition = 1, .term = 1, .state = state, .cause = cause};
    EXPECT(feed_watch_hear(watch, entry, &status, now_ns));
    return entry;
}

TEST(feed_watch, a_feed_whose_status_stops_is_stale_until_it_is_heard_again) {
    feed_watch watch;
    feed_watch_init(&watch, SECOND);
    feed_entry *entry = hear(&watch, TW_BOOK_OK, TW_CAUSE_NONE, 0);
    EXPECT_I64(entry->state, TW_BOOK_OK);
    feed_watch_check(&watch, SECOND + 1);
    EXPECT_I64(entry->state, TW_BOOK_STALE);
    EXPECT_I64(entry->cause, TW_CAUSE_FEED_SILENT);
    EXPECT(feed_watch_fell_silent(entry));
    hear(&watch, TW_BOOK_OK, TW_CAUSE_NONE, SECOND + 2);
    EXPECT_I64(entry->state, TW_BOOK_OK);
    EXPECT(!feed_watch_fell_silent(entry));
    feed_watch_fini(&watch);
}

TEST(feed_watch, silence_after_the_end_of_a_session_is_no_fault) {
    feed_watch watch;
    feed_watch_init(&watch, SECOND);
    feed_entry *entry = hear(&watch, TW_BOOK_CLOSED, TW_CAUSE_END_OF_SESSION, 0);
    feed_watch_check(&watch, 3600 * SECOND);
    EXPECT_I64(entry->state, TW_BOOK_CLOSED);
    EXPECT(!feed_watch_fell_silent(entry));
    feed_watch_bus(&watch, true, 3601 * SECOND); /* who is not connected can't know that a new day has begun */
    EXPECT_I64(entry->cause, TW_CAUSE_BUS_AWAY);
    feed_watch_fini(&watch);
}

TEST(feed_watch, a_feed_that_was_never_heard_is_stale_but_did_not_fall_silent) {
    feed_watch watch;
    feed_watch_init(&watch, SECOND);
    feed_entry *entry = feed_watch_entry(&watch, "XNAS", 1, 0, NULL);
    EXPECT_I64(entry->cause, TW_CAUSE_STARTING);
    feed_watch_check(&watch, 2 * SECOND);
    EXPECT_I64(entry->cause, TW_CAUSE_FEED_SILENT);
    EXPECT(!feed_watch_fell_silent(entry));
    feed_watch_fini(&watch);
}
