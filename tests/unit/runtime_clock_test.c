#include "base/civil.h"
#include "runtime/clock.h"
#include "tests/unit.h"
#include <time.h>

TEST(clock, utc_is_the_time_of_day_and_monotonic_does_not_go_back) {
    int64_t now_ns = rt_clock_utc_ns(), difference_ns = now_ns - (int64_t)time(NULL) * TW_NS_PER_SECOND;
    EXPECT(difference_ns > -TW_NS_PER_SECOND && difference_ns < 2 * TW_NS_PER_SECOND);
    int64_t last_ns = rt_clock_monotonic_ns();
    for (int i = 0; i < 1000; i++) {
        int64_t next_ns = rt_clock_monotonic_ns();
        EXPECT(next_ns >= last_ns);
        last_ns = next_ns;
    }
}
