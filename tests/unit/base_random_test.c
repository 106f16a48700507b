#include "base/random.h"
#include "tests/unit.h"

/* Worked out by hand from the published algorithms: splitmix64 of seed 0 fills the state, whose first output is
 * rotl(s1 * 5, 7) * 9. */
TEST(random, the_same_seed_gives_the_same_sequence_everywhere) {
    tw_random random;
    tw_random_seed(&random, 0);
    EXPECT_U64(random.state[0], UINT64_C(0xe220a8397b1dcdaf));
    EXPECT_U64(random.state[1], UINT64_C(0x6e789e6aa1b965f4));
    EXPECT_U64(tw_random_u64(&random), UINT64_C(0x99ec5f36cb75f2b4));
    EXPECT_U64(tw_random_u64(&random), UINT64_C(0xbf6e1f784956452a));
}

TEST(random, below_reaches_every_value_about_equally_often_and_no_other) {
    tw_random random;
    unsigned hits[6] = {0};
    tw_random_seed(&random, 3);
    for (int i = 0; i < 60000; i++)
        hits[tw_random_below(&random, 6)]++;
    for (int i = 0; i < 6; i++)
        EXPECT_MSG(hits[i] > 9500 && hits[i] < 10500, "%d came %u times of 60000", i, hits[i]);
    EXPECT_U64(tw_random_below(&random, 1), 0);
}

TEST(random, chance_keeps_its_odds) {
    tw_random random;
    int yes = 0;
    tw_random_seed(&random, 4);
    for (int i = 0; i < 10000; i++)
        yes += tw_random_chance(&random, 1, 4);
    EXPECT_MSG(yes > 2300 && yes < 2700, "1 in 4 came %d times of 10000", yes);
    EXPECT(!tw_random_chance(&random, 0, 4));
    EXPECT(tw_random_chance(&random, 4, 4));
}
