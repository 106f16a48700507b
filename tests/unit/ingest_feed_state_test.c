#include "ingest/state/feed_state.h"
#include "tests/unit.h"

#define SECOND INT64_C(1000000000)

TEST(feed_state, the_worst_thing_known_decides) {
    static const struct {
        const char *what;
        feed_facts facts;
        tw_book_state state;
        tw_state_cause cause;
        const char *detail;
    } rows[] = {
        {"nothing came yet", {0}, TW_BOOK_RECOVERING, TW_CAUSE_STARTING, "nothing received"},
        {"from the first message on", {.started = true, .first_seq = 1}, TW_BOOK_OK, TW_CAUSE_NONE, ""},
        {"joined late",
         {.started = true, .first_seq = 900},
         TW_BOOK_RECOVERING,
         TW_CAUSE_MID_SESSION,
         "message 900"},
        {"a gap is open",
         {.started = true, .first_seq = 1, .gap_open = true, .gap_from = 7, .gap_to = 9},
         TW_BOOK_RECOVERING,
         TW_CAUSE_GAP,
         "7 to 9"},
        {"took over before it had what the last leader had",
         {.started = true, .first_seq = 1, .behind_seq = 90, .took_over_seq = 85},
         TW_BOOK_RECOVERING,
         TW_CAUSE_GAP,
         "had message 90, this one took over at 85"},
        {"a gap was given up",
         {.started = true, .first_seq = 1, .lost = 3, .lost_from = 7},
         TW_BOOK_STALE,
         TW_CAUSE_GAP_NOT_FILLED,
         "3 messages lost, the first is 7"},
        {"given up, then the session ended",
         {.started = true, .first_seq = 1, .lost = 3, .lost_from = 7, .ended = true},
         TW_BOOK_STALE,
         TW_CAUSE_GAP_NOT_FILLED,
         "3 messages"},
        {"ended whole",
         {.started = true, .first_seq = 1, .ended = true},
         TW_BOOK_CLOSED,
         TW_CAUSE_END_OF_SESSION,
         ""},
        {"joined late, then ended",
         {.started = true, .first_seq = 5, .ended = true},
         TW_BOOK_RECOVERING,
         TW_CAUSE_MID_SESSION,
         ""},
        {"silent for longer than the limit",
         {.started = true, .first_seq = 1, .silence_ns = 3 * SECOND, .last_heard_ns = 96 * SECOND},
         TW_BOOK_STALE,
         TW_CAUSE_LINE_SILENT,
         "3000 ms"},
        {"quiet within the limit",
         {.started = true, .first_seq = 1, .silence_ns = 3 * SECOND, .last_heard_ns = 98 * SECOND},
         TW_BOOK_OK,
         TW_CAUSE_NONE,
         ""},
        {"silent after the end is no fault",
         {.started = true, .first_seq = 1, .silence_ns = 3 * SECOND, .last_heard_ns = 1, .ended = true},
         TW_BOOK_CLOSED,
         TW_CAUSE_END_OF_SESSION,
         ""},
        {"the source failed",
         {.started = true, .first_seq = 1, .down = true, .down_reason = "cut at offset 12"},
         TW_BOOK_STALE,
         TW_CAUSE_LINE_DOWN,
         "cut at offset 12"},
        {"no sequence numbers",
         {.started = true, .first_seq = 1, .unsequenced = true},
         TW_BOOK_RECOVERING,
         TW_CAUSE_UNSEQUENCED,
         "loss can't be seen"},
        {"a message of no known instrument could not be read",
         {.started = true, .first_seq = 1, .unreadable = 1},
         TW_BOOK_STALE,
         TW_CAUSE_MALFORMED,
         "1 messages"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        feed_verdict verdict = feed_state_judge(&rows[i].facts, 100 * SECOND);
        EXPECT_MSG(verdict.state == rows[i].state && verdict.cause == rows[i].cause, "%s: %s %s", rows[i].what,
                   tw_book_state_name(verdict.state), tw_state_cause_name(verdict.cause));
        EXPECT_CONTAINS(verdict.detail, rows[i].detail);
    }
}
