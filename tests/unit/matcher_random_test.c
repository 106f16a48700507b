/*
 * The engine and the naive one get the same seeded commands and must say the same, while an auditor judges each command by what was reported. Many worlds,
 * each of its own seed and manner, and in all of them everything that can be said must have been said often enough.
 *
 *     TICKWIRE_RANDOM_WORLDS=4000     so many worlds
 *     TICKWIRE_RANDOM_COMMANDS=20000  of so many commands each
 *     TICKWIRE_RANDOM_SEED=17         from this seed on; a seed that failed runs alone with TICKWIRE_RANDOM_WORLDS=1
 *     TICKWIRE_RANDOM_PRINT=1         what was met, and how often
 */
#include "tests/matcher/world.h"
#include "tests/unit.h"

/* Four million commands where the compiler does its work; a sanitizer looks at what the code does, not at how often. */
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
enum { WORLDS = 800 };
#else
enum { WORLDS = 30 };
#endif
enum { COMMANDS = 5000, ENOUGH = 400, LEAST = 100 };

static uint64_t from_environment(const char *variable, uint64_t otherwise) {
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

TEST(matcher_random, both_engines_say_the_same_to_seeded_crowds_and_nothing_is_lost) {
    static char fault[8192];
    uint64_t first = from_environment("TICKWIRE_RANDOM_SEED", 1),
             worlds = from_environment("TICKWIRE_RANDOM_WORLDS", WORLDS),
             commands = from_environment("TICKWIRE_RANDOM_COMMANDS", COMMANDS);
    tally met = {0};
    for (uint64_t seed = first; seed < first + worlds; seed++) {
        world one = world_of(seed, commands);
        EXPECT_MSG(world_run(&one, &met, fault, sizeof fault), "%s", fault);
    }
    if (getenv("TICKWIRE_RANDOM_PRINT") != NULL) tally_print(&met);
    if (worlds * commands >= (uint64_t)ENOUGH * COMMANDS)
        EXPECT_MSG(tally_suffices(&met, LEAST, fault, sizeof fault), "met too seldom: %s", fault);
}
