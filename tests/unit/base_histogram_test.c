#include "base/histogram.h"
#include "base/random.h"
#include "tests/unit.h"

static tw_histogram histogram, other; /* 35 KB each */

TEST(histogram, nothing_recorded_is_0) {
    tw_histogram_reset(&histogram);
    EXPECT_U64(tw_histogram_quantile(&histogram, 500), 0);
}

TEST(histogram, quantiles_of_one_to_a_hundred) {
    tw_histogram_reset(&histogram);
    for (int64_t v = 1; v <= 100; v++)
        tw_histogram_record(&histogram, v);
    EXPECT_U64(tw_histogram_quantile(&histogram, 0), 1);
    EXPECT_U64(tw_histogram_quantile(&histogram, 500), 50);
    EXPECT_U64(tw_histogram_quantile(&histogram, 990), 99);
    EXPECT_U64(tw_histogram_quantile(&histogram, 999), 100);
    EXPECT_U64(tw_histogram_quantile(&histogram, 1000), 100);
    EXPECT_U64(histogram.sum, 5050);
}

TEST(histogram, an_answer_is_at_most_1_percent_too_high_and_never_too_low) {
    tw_random random;
    tw_random_seed(&random, 5);
    for (int i = 0; i < 20000; i++) {
        uint64_t v = tw_random_u64(&random) >> (24 + tw_random_below(&random, 40));
        tw_histogram_reset(&histogram);
        tw_histogram_record(&histogram, (int64_t)v);
        tw_histogram_record(&histogram, INT64_C(1) << 41);
        uint64_t answer = tw_histogram_quantile(&histogram, 500);
        EXPECT_MSG(answer >= v && answer - v <= v / 100, "%" PRIu64 " for %" PRIu64, answer, v);
    }
}

TEST(histogram, values_outside_its_range_count_at_the_ends) {
    tw_histogram_reset(&histogram);
    tw_histogram_record(&histogram, -5);
    tw_histogram_record(&histogram, INT64_MAX);
    EXPECT_U64(histogram.minimum, 0);
    EXPECT_U64(tw_histogram_quantile(&histogram, 500), 0);
    EXPECT_U64(tw_histogram_quantile(&histogram, 999), INT64_MAX);
}

TEST(histogram, merging_is_like_having_recorded_both) {
    tw_histogram_reset(&histogram);
    tw_histogram_reset(&other);
    tw_histogram_record(&histogram, 1000);
    tw_histogram_merge(&histogram, &other);
    EXPECT_U64(histogram.minimum, 1000);
    tw_histogram_record(&other, 10);
    tw_histogram_record(&other, 100000);
    tw_histogram_merge(&histogram, &other);
    EXPECT_U64(histogram.count, 3);
    EXPECT_U64(histogram.minimum, 10);
    EXPECT_U64(histogram.maximum, 100000);
    EXPECT_U64(histogram.sum, 101010);
    EXPECT_U64(tw_histogram_quantile(&histogram, 500), 1003);
}
