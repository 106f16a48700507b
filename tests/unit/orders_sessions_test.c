/* Cancel on disconnect: one session a client and shard, beaten while the client is there, closed with it, lost by silence. */
#include "gateways/orders/sessions.h"
#include "tests/unit.h"

#define SECOND 1000

static uint32_t count_due(const order_sessions *s, bool closing) {
    session_due due;
    uint32_t cursor = SESSION_NONE, count = 0;
    while (sessions_next(s, &cursor, &due))
        count += due.closing == closing;
    return count;
}

TEST(orders_sessions, a_client_has_one_in_each_shard_until_it_leaves) {
    order_sessions *s = sessions_alloc(4, 8, 5 * SECOND);
    session_due due;
    uint32_t a = sessions_enter(s, 1, 1, 100, 0), b = sessions_enter(s, 1, 2, 200, 0);
    EXPECT(sessions_find(s, 1, 1) == a && sessions_find(s, 1, 2) == b && sessions_find(s, 2, 1) == SESSION_NONE);
    EXPECT_U64(sessions_id(s, b), 200);
    EXPECT_U64(count_due(s, false), 2);
    sessions_leave(s, 1);
    EXPECT(sessions_find(s, 1, 1) == SESSION_NONE); /* the number may be another client's now */
    EXPECT_U64(count_due(s, true), 2);
    uint32_t other = sessions_enter(s, 1, 1, 300, 0);
    for (uint32_t cursor = SESSION_NONE; sessions_next(s, &cursor, &due);)
        if (due.closing) sessions_forget(s, due.session);
    EXPECT(sessions_find(s, 1, 1) == other);
    EXPECT_U64(sessions_count(s), 1);
    sessions_free(s);
}

TEST(orders_sessions, one_that_the_stream_has_nothing_of_for_the_timeout_is_lost_and_the_next_order_gets_another) {
    order_sessions *s = sessions_alloc(4, 8, 5 * SECOND);
    uint32_t shard, a = sessions_enter(s, 3, 2, 100, 0);
    sessions_heard(s, a, 100, 3 * SECOND);
    sessions_heard(s, a, 100, 1 * SECOND); /* an older answer */
    sessions_heard(s, a, 999, 9 * SECOND); /* of another one in this place */
    EXPECT_U64(sessions_take_lost(s, 8 * SECOND - 1, &shard), 0);
    EXPECT_U64(sessions_take_lost(s, 8 * SECOND, &shard), 4); /* client 3 */
    EXPECT_U64(shard, 2);
    EXPECT(sessions_find(s, 3, 2) == SESSION_NONE);
    sessions_free(s);
}

TEST(orders_sessions, one_whose_opening_was_not_stored_was_never_there) {
    order_sessions *s = sessions_alloc(4, 1, 5 * SECOND);
    uint32_t a = sessions_enter(s, 0, 1, 100, 0);
    EXPECT(sessions_enter(s, 1, 1, 200, 0) == SESSION_NONE); /* no room */
    sessions_fail(s, a, 200);
    EXPECT_U64(sessions_count(s), 1);
    sessions_fail(s, a, 100);
    EXPECT_U64(sessions_count(s), 0);
    EXPECT(sessions_enter(s, 1, 1, 300, 0) != SESSION_NONE);
    sessions_free(s);
}

TEST(orders_sessions, one_whose_opening_nobody_knows_of_is_opened_again_until_it_is_stored_or_lost) {
    order_sessions *s = sessions_alloc(4, 8, 5 * SECOND);
    session_due due;
    uint32_t shard, cursor = SESSION_NONE, a = sessions_enter(s, 0, 1, 100, 0);
    EXPECT(!sessions_doubtful(s, a));
    sessions_doubt(s, a, 999); /* another one in this place */
    EXPECT(!sessions_doubtful(s, a));
    sessions_doubt(s, a, 100);
    EXPECT(sessions_doubtful(s, a) && sessions_next(s, &cursor, &due) && due.doubtful && !due.closing);
    sessions_fail(s, a, 100); /* the second opening was not stored: the first one may have been */
    EXPECT(sessions_find(s, 0, 1) == a && sessions_doubtful(s, a));
    sessions_heard(s, a, 100, 1 * SECOND); /* a beat that left earlier */
    EXPECT(sessions_doubtful(s, a));
    sessions_opened(s, a, 100);
    EXPECT(!sessions_doubtful(s, a));
    cursor = SESSION_NONE;
    EXPECT(sessions_next(s, &cursor, &due) && !due.doubtful);
    sessions_doubt(s, a, 100); /* an answer to an opening too many that came late */
    EXPECT_U64(sessions_take_lost(s, 6 * SECOND, &shard), 1);
    EXPECT_U64(sessions_count(s), 0);
    sessions_free(s);
}
