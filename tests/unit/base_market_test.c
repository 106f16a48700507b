#include "base/market.h"
#include "tests/unit.h"

TEST(market, every_state_and_cause_has_a_name_and_a_value_out_of_range_does_not) {
    EXPECT_STR(tw_book_state_name(TW_BOOK_STALE), "STALE");
    EXPECT_STR(tw_state_cause_name(TW_CAUSE_CHECKSUM), "CHECKSUM");
    EXPECT_STR(tw_state_cause_name((tw_state_cause)99), "?");
}

TEST(market, the_worse_of_two_states_is_the_one_that_is_trusted_less) {
    EXPECT_I64(tw_book_state_worse(TW_BOOK_OK, TW_BOOK_RECOVERING), TW_BOOK_RECOVERING);
    EXPECT_I64(tw_book_state_worse(TW_BOOK_STALE, TW_BOOK_CLOSED), TW_BOOK_STALE);
}
