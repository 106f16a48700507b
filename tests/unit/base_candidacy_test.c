/* Terms, and the lease as one candidate knows it. */
#include "base/lead/candidacy.h"

#include "base/market.h"
#include "tests/unit.h"

#define MS     INT64_C(1000000)
#define UTC_NS (INT64_C(1700000000) * 1000 * MS)
#define CLOCK  (uint64_t)(UTC_NS / MS) /* the term that the clock gives */

static candidacy begin(void) {
    candidacy it;
    candidacy_init(&it, "me", UTC_NS);
    return it;
}

TEST(candidacy, the_next_term_is_above_all_that_was_seen_and_not_below_the_clock) {
    static const struct {
        uint64_t heard, next;
    } rows[] = {{0, CLOCK}, {CLOCK - 1, CLOCK}, {CLOCK, CLOCK + 1}, {CLOCK + 5000, CLOCK + 5001}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        candidacy it = begin();
        candidacy_note(&it, rows[i].heard);
        candidacy_note(&it, 1);
        EXPECT_U64(candidacy_next_term(&it, UTC_NS), rows[i].next);
    }
}

TEST(candidacy, a_term_ten_years_ahead_of_the_clock_is_nobodys) {
    candidacy it = begin();
    EXPECT(candidacy_believes(&it, tw_term_most(UTC_NS)));
    EXPECT(!candidacy_believes(&it, tw_term_most(UTC_NS) + 1));
    candidacy_clock(&it, UTC_NS + MS);
    EXPECT(candidacy_believes(&it, tw_term_most(UTC_NS) + 1));
    candidacy_lease lease = candidacy_read(&it, true, UINT64_MAX, 8);
    EXPECT(lease.fresh && !lease.held && !lease.news);
    EXPECT_U64(it.lease_revision, 8); /* it is claimed at this one all the same */
    EXPECT_U64(candidacy_seen(&it, UINT64_MAX), 0);
    EXPECT_U64(it.disbelieved, 3);
    EXPECT_U64(candidacy_next_term(&it, UTC_NS), CLOCK);
}

TEST(candidacy, claims_are_for_a_term_that_rises_at_the_revision_that_was_read) {
    candidacy it = begin();
    candidacy_lease lease = candidacy_read(&it, true, CLOCK + 7, 3);
    EXPECT(lease.fresh && lease.held && lease.news);
    lease = candidacy_read(&it, true, CLOCK + 7, 3);
    EXPECT(lease.held && !lease.news);
    candidacy_prepare(&it, UTC_NS);
    EXPECT_U64(it.claim_term, CLOCK + 8);
    EXPECT_U64(it.claim_revision, 3);
    candidacy_prepare(&it, UTC_NS);
    EXPECT_U64(it.claim_term, CLOCK + 9); /* what became of the one before is not known */
    EXPECT(candidacy_claimed(&it, true, 4));
    EXPECT(it.lease_known && !it.wants_read);
    EXPECT_U64(it.lease_term, CLOCK + 9);
    EXPECT_U64(it.lease_revision, 4);
}

TEST(candidacy, a_claim_that_was_lost_or_seen_makes_the_lease_to_be_read) {
    candidacy it = begin();
    candidacy_read(&it, false, 0, 0);
    candidacy_claimed(&it, false, 0);
    EXPECT(!it.lease_known && it.wants_read);
    EXPECT(candidacy_starts_read(&it));
    EXPECT(!candidacy_starts_read(&it)); /* one at a time */
    EXPECT(!it.wants_read);
    EXPECT_U64(candidacy_seen(&it, CLOCK + 4), CLOCK + 4);
    EXPECT_U64(it.lease_term, CLOCK + 4);
    EXPECT(!candidacy_read(&it, false, 0, 5).fresh); /* it may have been answered before that claim */
    EXPECT(it.wants_read && !it.lease_known);
    EXPECT(candidacy_starts_read(&it));
    EXPECT(candidacy_read(&it, true, CLOCK + 4, 6).fresh);
    EXPECT(it.lease_known);
}

TEST(candidacy, what_was_asked_before_a_stop_proves_nothing) {
    candidacy it = begin();
    candidacy_distrust(&it); /* nothing is under way */
    it.call = CANDIDACY_ASKING;
    candidacy_prepare(&it, UTC_NS);
    candidacy_distrust(&it);
    EXPECT(!candidacy_claimed(&it, true, 2));
    EXPECT(candidacy_read(&it, true, it.claim_term, 2).fresh);
}

TEST(candidacy, a_lease_that_can_not_be_read_is_left_alone_for_a_while_unless_there_is_need_of_it) {
    candidacy it = begin();
    EXPECT(candidacy_can_read(&it, 0));
    it.wants_read = true;
    EXPECT(candidacy_starts_read(&it));
    EXPECT(!candidacy_can_read(&it, 0));
    candidacy_away(&it, 1000, CANDIDACY_QUICK_NS);
    EXPECT(!candidacy_can_read(&it, 1000 + CANDIDACY_QUICK_NS - 1));
    EXPECT(candidacy_can_read(&it, 1000 + CANDIDACY_QUICK_NS));
    candidacy_may_read(&it);
    EXPECT(candidacy_can_read(&it, 1000));
}

TEST(candidacy, a_claim_whose_answer_was_lost_is_found_in_the_lease_if_nobody_was_seen_since) {
    static const struct {
        uint64_t heard, held;
        const char *holder;
        uint64_t led;
        bool won;
    } rows[] = {
        {0, CLOCK, "me", 0, true},          {0, CLOCK, "other", 0, false},
        {0, CLOCK - 1, "me", 0, false},     /* an older one's */
        {0, CLOCK, "me", CLOCK, false},     /* it has led with that already */
        {CLOCK + 1, CLOCK, "me", 0, false}, /* somebody came after it */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        candidacy it = begin();
        candidacy_prepare(&it, UTC_NS);
        candidacy_note(&it, rows[i].heard);
        EXPECT_MSG(candidacy_is_lost_win(&it, rows[i].held, rows[i].holder, rows[i].led) == rows[i].won, "row %zu",
                   i);
    }
}
