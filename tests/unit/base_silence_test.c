/* Whether a leader is silent: lines of time and what happens, and how long it has been silent after each. */
#include "base/lead/silence.h"

#include "tests/unit.h"

#define MS       INT64_C(1000000)
#define START_NS (1000 * MS)

typedef enum happening { STEPS, PAUSE, HEARD, BUS_OFF, BUS_ON, ASKS, PROBED, PROBED_LATE } happening;

/* STEPS: time passes by steps of 5 ms up to `ms`. PAUSE: without one, then one. ASKS: whether the silence is certain; a probe that this
 * wants leaves at once. PROBED: the last one comes back, PROBED_LATE: the one before it. */
typedef struct row {
    int ms;
    happening happening;
    int quiet_ms; /* after it */
    bool yes;     /* PAUSE: the process stood still; ASKS: it is certain */
    uint64_t probe;
} row;

static void play(const row *rows, size_t count) {
    silence it;
    int64_t now_ns = START_NS;
    silence_init(&it, 300 * MS, 250 * MS, now_ns);
    for (size_t i = 0; i < count; i++) {
        const row *r = &rows[i];
        bool yes = false;
        int64_t until_ns = START_NS + r->ms * MS;
        while (r->happening != PAUSE && now_ns < until_ns) {
            now_ns = now_ns + 5 * MS < until_ns ? now_ns + 5 * MS : until_ns;
            EXPECT(!silence_step(&it, now_ns));
        }
        now_ns = until_ns;
        if (r->happening == PAUSE) yes = silence_step(&it, now_ns);
        if (r->happening == HEARD) silence_break(&it);
        if (r->happening == BUS_OFF || r->happening == BUS_ON) silence_bus(&it, r->happening == BUS_ON);
        if (r->happening == ASKS) yes = silence_is_certain(&it, now_ns);
        if (it.wants_probe) silence_probe_leaves(&it, now_ns);
        if (r->happening == PROBED) silence_probed(&it, it.probe, now_ns);
        if (r->happening == PROBED_LATE) silence_probed(&it, it.probe - 1, now_ns);
        EXPECT_MSG(it.quiet_ns == r->quiet_ms * MS && yes == r->yes && it.probe == r->probe,
                   "line %zu: quiet for %d ms, expected %d; %s, probe %" PRIu64 ", expected %" PRIu64, i,
                   (int)(it.quiet_ns / MS), r->quiet_ms, yes ? "yes" : "no", it.probe, r->probe);
    }
}
#define PLAY(...)                                                                                                  \
    do {                                                                                                           \
        static const row rows_[] = {__VA_ARGS__};                                                                  \
        play(rows_, sizeof rows_ / sizeof *rows_);                                                                 \
    } while (0)

TEST(silence, is_counted_from_the_last_word) {
    PLAY({100, STEPS, 100, false, 0}, {150, HEARD, 0, false, 0}, {400, STEPS, 250, false, 0});
}

TEST(silence, a_stop_of_the_process_counts_for_a_sixth_of_the_lease_and_is_told_from_the_whole_on) {
    PLAY({100, STEPS, 100, false, 0}, {399, PAUSE, 150, false, 0}, {699, PAUSE, 200, true, 0});
}

TEST(silence, time_off_the_bus_does_not_count_and_the_leader_has_its_time_to_come_back) {
    PLAY({100, STEPS, 100, false, 0}, {100, BUS_OFF, 0, false, 0}, {900, STEPS, 0, false, 0},
         {900, BUS_ON, -250, false, 0}, {1150, STEPS, 0, false, 0}, {1200, STEPS, 50, false, 0});
}

TEST(silence, is_certain_a_moment_after_a_probe_that_was_quick) {
    PLAY({300, ASKS, 300, false, 1}, {310, PROBED, 310, false, 1}, {325, ASKS, 325, false, 1},
         {330, ASKS, 330, true, 1}, {609, ASKS, 609, true, 1},
         {610, ASKS, 610, false, 2}); /* what it told is as old as the lease is long */
}

TEST(silence, a_probe_that_was_slow_makes_it_count_anew_but_only_once) {
    PLAY({300, ASKS, 300, false, 1}, {351, PROBED, 0, false, 1}, {651, ASKS, 300, false, 2},
         {751, PROBED, 400, false, 2}, {771, ASKS, 420, true, 2});
}

TEST(silence, a_probe_that_does_not_come_back_is_sent_again_and_is_late_from_the_first_on) {
    PLAY({300, ASKS, 300, false, 1}, {1299, ASKS, 1299, false, 1}, {1300, ASKS, 1300, false, 2},
         {1301, PROBED_LATE, 1301, false, 2}, {1302, PROBED, 0, false, 2});
}

TEST(silence, a_probe_of_a_silence_that_has_ended_says_nothing) {
    PLAY({300, ASKS, 300, false, 1}, {310, HEARD, 0, false, 1}, {315, PROBED, 5, false, 1},
         {610, ASKS, 300, false, 2}, {615, PROBED_LATE, 305, false, 2}, {640, ASKS, 330, false, 2});
}
