#include "ingest/state/hop_times.h"
#include "tests/unit.h"

static hop_times hops; /* large */

TEST(hop_times, each_hop_of_a_burst_is_the_time_between_two_readings) {
    memset(&hops, 0, sizeof hops);
    hop_times_begin(&hops, 1000, 1007);
    hop_times_begin(&hops, 1001, 1100); /* a later packet of the same burst */
    hop_times_flush(&hops, 1020);
    hop_times_flush(&hops, 1050); /* a second round of it */
    EXPECT(hop_times_wanted(&hops));
    hop_times_end(&hops, 1060, 1160);

    EXPECT_U64(hops.receive.maximum, 7);
    EXPECT_U64(hops.apply.maximum, 13);
    EXPECT_U64(hops.encode.maximum, 40);
    EXPECT_U64(hops.write.maximum, 100);
    EXPECT(!hop_times_wanted(&hops));
}

TEST(hop_times, a_burst_that_published_nothing_is_left_out_and_does_not_stretch_the_next) {
    memset(&hops, 0, sizeof hops);
    hop_times_begin(&hops, 1000, 1010);
    EXPECT(!hop_times_wanted(&hops));
    hop_times_drop(&hops);
    hop_times_flush(&hops, 2000); /* a timer's flush, outside any burst */
    EXPECT(!hop_times_wanted(&hops));
    hop_times_begin(&hops, 3000, 3002);
    hop_times_flush(&hops, 3003);
    EXPECT(hop_times_wanted(&hops));
    hop_times_end(&hops, 3004, 3005);
    EXPECT_U64(hops.receive.count, 1);
    EXPECT_U64(hops.receive.maximum, 2);
    EXPECT_U64(hops.apply.maximum, 1);
}
