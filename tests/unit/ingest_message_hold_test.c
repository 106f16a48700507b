/* Messages held in order: against a plain array, with every size and at every bound. */
#include "ingest/gap/message_hold.h"

#include "base/random.h"
#include "tests/unit.h"

static feed_message message(uint64_t seq, uint8_t *bytes) {
    feed_message made = {
        .bytes = bytes, .length = (uint16_t)(seq * 7919 % 97), .seq = seq, .receive_ns = -(int64_t)seq};
    memset(bytes, (int)(seq % 251), made.length);
    return made;
}

static void expect_oldest(message_hold *hold, uint64_t seq) {
    uint8_t bytes[128];
    feed_message want = message(seq, bytes), got;
    EXPECT(message_hold_peek(hold, &got));
    EXPECT_U64(got.seq, want.seq);
    EXPECT_I64(got.receive_ns, want.receive_ns);
    EXPECT_U64(got.length, want.length);
    EXPECT_BYTES(got.bytes, want.bytes, want.length);
}

TEST(message_hold, random_pushes_and_pops_keep_the_order_whatever_the_bound) {
    for (size_t capacity = 100; capacity < 1500; capacity += 37) {
        message_hold hold;
        tw_error error;
        tw_random random;
        uint64_t oldest = 1, next = 1;
        tw_random_seed(&random, capacity);
        EXPECT_I64(message_hold_init(&hold, capacity, &error), TW_OK);
        for (int i = 0; i < 5000; i++) {
            uint8_t bytes[128];
            feed_message made = message(next, bytes);
            bool wanted = tw_random_chance(&random, i % 1000 < 500 ? 2 : 1, 3);
            if (wanted && message_hold_push(&hold, &made)) next++;
            if (!wanted && oldest < next) {
                expect_oldest(&hold, oldest++);
                message_hold_pop(&hold);
            }
            EXPECT_U64(hold.count, next - oldest);
        }
        while (oldest < next) {
            expect_oldest(&hold, oldest++);
            message_hold_pop(&hold);
        }
        feed_message none;
        EXPECT(!message_hold_peek(&hold, &none));
        message_hold_fini(&hold);
    }
}

TEST(message_hold, full_is_said_and_nothing_is_dropped) {
    message_hold hold;
    tw_error error;
    uint8_t bytes[100] = {0};
    feed_message large = {.bytes = bytes, .length = 100, .seq = 1}, small = {.bytes = bytes, .length = 2, .seq = 2};
    EXPECT_I64(message_hold_init(&hold, 3 * (MESSAGE_HOLD_OVERHEAD + 2), &error), TW_OK);
    EXPECT(!message_hold_push(&hold, &large));
    for (int i = 0; i < 3; i++)
        EXPECT(message_hold_push(&hold, &small));
    EXPECT(!message_hold_push(&hold, &small));
    EXPECT_U64(hold.count, 3);
    message_hold_pop(&hold);
    EXPECT(message_hold_push(&hold, &small));
    EXPECT(!message_hold_push(&hold, &small));
    message_hold_clear(&hold);
    EXPECT(message_hold_push(&hold, &small));
    message_hold_fini(&hold);
}
