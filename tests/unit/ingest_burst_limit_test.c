#include "ingest/state/burst_limit.h"
#include "tests/unit.h"

#define MS INT64_C(1000000)

TEST(burst_limit, it_grows_while_the_ingest_is_behind_and_shrinks_when_calm_returns) {
    static const struct {
        const char *what;
        int64_t at_ms;
        bool behind;
        uint32_t limit;
    } rows[] = {
        {"light load", 0, false, 8},
        {"still light", 50, false, 8},
        {"a full call", 100, true, 16},
        {"another, in the same millisecond", 100, true, 32},
        {"and on", 100, true, 64},
        {"the bound", 101, true, 100},
        {"stays there", 102, true, 100},
        {"a call that was not full, at once", 102, false, 100},
        {"calm for a millisecond", 103, false, 50},
        {"not yet two", 103, false, 50},
        {"behind again", 104, true, 100},
        {"calm for two milliseconds", 106, false, 25},
        {"quiet for long", 5000, false, 8},
        {"a day later", 86400000, false, 8},
        {"after a quiet time growth starts from below", 86400001, true, 16},
    };
    burst_limit limit;
    burst_limit_init(&limit, 8, 100);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        burst_limit_look(&limit, rows[i].behind, rows[i].at_ms * MS);
        EXPECT_MSG(limit.now == rows[i].limit, "%s: %u, not %u", rows[i].what, limit.now, rows[i].limit);
    }
}

TEST(burst_limit, equal_bounds_never_change) {
    burst_limit limit;
    burst_limit_init(&limit, 16, 1);
    EXPECT_U64(limit.least, 1);
    for (int64_t i = 0; i < 100; i++) {
        burst_limit_look(&limit, i % 3 == 0, i * MS);
        EXPECT_U64(limit.now, 1);
    }
    EXPECT_U64(limit.changes, 0);
}

TEST(burst_limit, whatever_comes_it_stays_within_its_bounds_and_counts_its_changes) {
    burst_limit limit;
    uint64_t changes = 0;
    int64_t now_ns = 0;
    burst_limit_init(&limit, 3, 65536);
    for (uint32_t i = 0, state = 12345; i < 100000; i++) {
        uint32_t before = limit.now;
        state = state * 1664525u + 1013904223u;
        now_ns += (state >> 8) % (3 * MS);
        burst_limit_look(&limit, (state >> 28) < 9, now_ns);
        changes += before != limit.now;
        EXPECT_MSG(limit.now >= 3 && limit.now <= 65536, "%u at step %u", limit.now, i);
    }
    EXPECT_U64(limit.changes, changes);
    EXPECT(changes > 1000);
}
