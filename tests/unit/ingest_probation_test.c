/* Books from a snapshot, and the live messages that prove or refute them. */
#include "ingest/gap/probation.h"
#include "tests/unit.h"

#define SECOND INT64_C(1000000000)

TEST(probation, what_comes_next_proves_or_refutes_the_books) {
    static const struct {
        const char *what;
        uint64_t contradictions, messages;
        bool holed;
        int64_t later_ns;
        probation_state state, then;
    } rows[] = {
        {"nothing yet", 0, 0, false, 0, PROBATION_WATCHED, PROBATION_WATCHED},
        {"a few messages that fit", 0, 999, false, 4 * SECOND, PROBATION_WATCHED, PROBATION_WATCHED},
        {"many that fit", 0, 1000, false, 0, PROBATION_PROVEN, PROBATION_PROVEN},
        {"few, for a while", 0, 1, false, 5 * SECOND, PROBATION_PROVEN, PROBATION_PROVEN},
        {"many, but soon", 0, 10000, false, 59 * SECOND, PROBATION_PROVEN, PROBATION_PROVEN},
        {"long, but few", 0, 9999, false, 600 * SECOND, PROBATION_PROVEN, PROBATION_PROVEN},
        {"many, and for long", 0, 10000, false, 60 * SECOND, PROBATION_OFF, PROBATION_OFF},
        {"the first contradicts", 1, 1, false, 0, PROBATION_REFUTED, PROBATION_OFF},
        {"the last contradicts", 1, 10000, false, 60 * SECOND, PROBATION_REFUTED, PROBATION_OFF},
        {"a hole explains it", 1, 1, true, 0, PROBATION_OFF, PROBATION_OFF},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        probation p;
        probation_begin(&p, 70, 5000, 9 * SECOND);
        probation_state state = probation_judge(&p, 70 + rows[i].contradictions, 5000 + rows[i].messages,
                                                rows[i].holed, 9 * SECOND + rows[i].later_ns);
        EXPECT_MSG(state == rows[i].state, "%s: %d", rows[i].what, (int)state);
        EXPECT_MSG(p.state == rows[i].then, "%s: then %d", rows[i].what, (int)p.state);
    }
}

TEST(probation, what_was_proven_can_still_be_refuted_and_what_is_over_cannot) {
    probation p;
    probation_begin(&p, 0, 0, 0);
    EXPECT_I64(probation_judge(&p, 0, 2000, false, SECOND), PROBATION_PROVEN);
    EXPECT_I64(probation_judge(&p, 1, 2001, false, SECOND), PROBATION_REFUTED);
    EXPECT_I64(probation_judge(&p, 2, 2002, false, SECOND), PROBATION_OFF);
    probation_begin(&p, 2, 2002, SECOND);
    probation_end(&p);
    EXPECT_I64(probation_judge(&p, 9, 2003, false, SECOND), PROBATION_OFF);
}
