/* Who of an exchange's partitions has answered: when more is not to come, when that is all, and who is missing. */
#include <string.h>

#include "gateways/roll_call.h"
#include "tests/unit.h"

static const partition_set nobody;

static partition_set only(uint32_t partition) {
    partition_set set = {0};
    partition_set_add(&set, partition);
    return set;
}

static const char *missing(const roll_call *call) {
    static char text[32];
    roll_call_write_missing(call, text, sizeof text);
    return text;
}

TEST(roll_call, all_have_answered_when_each_has_of_those_that_one_of_them_knows_of) {
    roll_call call = {0};
    EXPECT(!roll_call_is_over(&call, &nobody));
    EXPECT(!roll_call_is_complete(&call));
    roll_call_expect_all(&call, 3);
    roll_call_answer(&call, 2);
    roll_call_answer(&call, 3);
    EXPECT(!roll_call_is_over(&call, &nobody));
    EXPECT_STR(missing(&call), "1");
    roll_call_answer(&call, 1);
    EXPECT(roll_call_is_over(&call, &nobody));
    EXPECT(roll_call_is_complete(&call));
    EXPECT_STR(missing(&call), "");
}

TEST(roll_call, one_that_is_not_heard_is_missing_but_not_waited_for) {
    roll_call call = {0};
    partition_set silent = only(2);
    roll_call_expect(&call, 1);
    roll_call_expect(&call, 2);
    EXPECT(!roll_call_is_over(&call, &silent)); /* the first may answer yet */
    roll_call_answer(&call, 1);
    EXPECT(roll_call_is_over(&call, &silent));
    EXPECT(!roll_call_is_over(&call, &nobody));
    EXPECT(!roll_call_is_complete(&call));
    EXPECT_STR(missing(&call), "2");
    roll_call_answer(&call, 2); /* it was there after all */
    EXPECT(roll_call_is_complete(&call));
}

TEST(roll_call, one_that_has_begun_is_waited_for_although_its_feed_is_not_heard) {
    roll_call call = {0};
    partition_set silent = only(2);
    roll_call_hear(&call, 2);
    roll_call_answer(&call, 1);
    EXPECT(!roll_call_is_over(&call, &silent));
    roll_call_answer(&call, 2);
    EXPECT(roll_call_is_over(&call, &silent));
}

TEST(roll_call, one_that_declines_is_missing_and_nothing_is_complete_where_all_are_silent) {
    roll_call call = {0};
    partition_set silent;
    partition_set_fill(&silent);
    roll_call_expect_all(&call, 2);
    EXPECT(!roll_call_is_over(&call, &silent)); /* whoever is there may still speak */
    roll_call_decline(&call, 2);
    partition_set_remove(&silent, 1);
    EXPECT(!roll_call_is_over(&call, &silent));
    roll_call_answer(&call, 1);
    EXPECT(roll_call_is_over(&call, &silent));
    EXPECT(roll_call_any_declined(&call));
    EXPECT(!roll_call_is_complete(&call));
    EXPECT_STR(missing(&call), "2");
}

TEST(roll_call, who_tells_no_number_is_the_only_one) {
    roll_call call = {0};
    roll_call_answer(&call, 0);
    EXPECT(roll_call_has_answered(&call, 1));
    EXPECT(roll_call_is_complete(&call));
}

TEST(roll_call, more_partitions_than_are_kept_are_never_taken_for_all) {
    roll_call call = {0};
    partition_set silent;
    partition_set_fill(&silent);
    roll_call_expect_all(&call, ROLL_CALL_MOST + 1);
    for (uint32_t one = 1; one <= ROLL_CALL_MOST + 1; one++)
        roll_call_answer(&call, one);
    EXPECT(!roll_call_is_over(&call, &silent));
    EXPECT(!roll_call_is_complete(&call));
}

TEST(roll_call, a_list_that_does_not_fit_says_so) {
    roll_call call = {0};
    roll_call_expect_all(&call, ROLL_CALL_MOST);
    size_t length = strlen(missing(&call));
    EXPECT(length < 32);
    EXPECT_STR(missing(&call) + length - 5, ", ...");
    for (uint32_t one = 3; one <= ROLL_CALL_MOST; one++)
        roll_call_answer(&call, one);
    EXPECT_STR(missing(&call), "1, 2");
}
