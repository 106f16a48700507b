/* Which messages hold after which statuses. */
#include "base/text.h"
#include "client/feed_vouch.h"
#include "tests/unit.h"

static bool hear(feed_vouch *vouch, const char *epoch, uint64_t term, uint64_t continues_term) {
    wire_feed_status status = {.term = term, .continues_term = continues_term};
    tw_text_copy(status.epoch, sizeof status.epoch, epoch);
    return feed_vouch_take(vouch, &status);
}

TEST(feed_vouch, nothing_speaks_against_a_message_before_the_first_status) {
    feed_vouch vouch = {.heard = false};
    EXPECT(feed_vouch_covers(&vouch, "A", 1));
    EXPECT(hear(&vouch, "A", 5, 0));
    EXPECT(feed_vouch_covers(&vouch, "A", 5) && feed_vouch_covers(&vouch, "A", 6));
    EXPECT(!feed_vouch_covers(&vouch, "A", 4));
}

TEST(feed_vouch, a_leader_that_goes_on_from_the_one_before_stands_by_its_messages) {
    feed_vouch vouch = {.heard = false};
    hear(&vouch, "A", 1, 0);
    EXPECT(!hear(&vouch, "A", 1, 0));
    EXPECT(!hear(&vouch, "A", 2, 1));
    EXPECT(!hear(&vouch, "A", 9, 2));
    EXPECT(feed_vouch_covers(&vouch, "A", 1));
}

TEST(feed_vouch, one_that_goes_on_from_nobody_or_from_another_does_not) {
    static const uint64_t from[] = {0, 2, 7};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        feed_vouch vouch = {.heard = false};
        hear(&vouch, "A", 3, 0);
        EXPECT_MSG(hear(&vouch, "A", 8, from[i]), "continues %llu", (unsigned long long)from[i]);
        EXPECT(!feed_vouch_covers(&vouch, "A", 3) && feed_vouch_covers(&vouch, "A", 8));
        EXPECT(!hear(&vouch, "A", 9, 8)); /* its own successor stands by its messages, not by those before */
        EXPECT(!feed_vouch_covers(&vouch, "A", 3) && feed_vouch_covers(&vouch, "A", 8));
    }
}

TEST(feed_vouch, a_session_that_has_ended_holds_no_more_whoever_leads) {
    feed_vouch vouch = {.heard = false};
    hear(&vouch, "A", 1, 0);
    EXPECT(hear(&vouch, "B", 1, 0)); /* a new day of the same process */
    EXPECT(!feed_vouch_covers(&vouch, "A", 1) && feed_vouch_covers(&vouch, "B", 1));
    EXPECT(hear(&vouch, "C", 2, 1)); /* of its standby */
    EXPECT(!feed_vouch_covers(&vouch, "B", 2) && feed_vouch_covers(&vouch, "C", 2));
}
