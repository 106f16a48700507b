#include "runtime/bus_refusals.h"

#include "tests/unit.h"

static const struct {
    const char *words, *subject; /* NULL: none */
    bool publish;
} rows[] = {
    {"Permissions Violation for Subscription to \"XNAS.*.quote\"", "XNAS.*.quote", false},
    {"Permissions Violation for Publish to \"usage.XNAS\"", "usage.XNAS", true},
    {"permissions violation for publish to \"usage.xnas\"", "usage.xnas", true},
    {"Permissions Violation for Subscription to \"a.b\" using queue \"q\"", "a.b", false},
    {"Permissions Violation", NULL, false},
    {"Permissions Violation for Publish to \"\"", NULL, true},
    {"Permissions Violation for Publish to \"cut off", NULL, true},
    {"", NULL, false},
};

TEST(bus_refusals, the_servers_words_name_a_subject_and_what_may_not_be_done_with_it) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bus_refusal refusal;
        EXPECT_MSG(bus_refusal_read(rows[i].words, &refusal) == (rows[i].subject != NULL), "%s", rows[i].words);
        EXPECT_STR(refusal.subject, rows[i].subject != NULL ? rows[i].subject : "");
        EXPECT(refusal.publish == rows[i].publish);
    }
}

TEST(bus_refusals, each_is_new_once_and_again_on_another_connection) {
    bus_refusals all = {0};
    EXPECT(bus_refusals_take(&all, rows[0].words));
    EXPECT(!bus_refusals_take(&all, rows[0].words));
    EXPECT(bus_refusals_take(&all, rows[1].words));
    EXPECT_U64(all.count, 2);
    EXPECT(!bus_refusals_event(&all, BUS_RECONNECTED, "again"));
    EXPECT_U64(all.count, 0);
    EXPECT(bus_refusals_event(&all, BUS_NOT_PERMITTED, rows[0].words));
    EXPECT_U64(all.count, 1);
    EXPECT_U64(all.told, 3);
}

TEST(bus_refusals, beyond_what_is_remembered_they_are_counted) {
    bus_refusals all = {0};
    char words[96];
    for (unsigned i = 0; i < BUS_REFUSALS_MOST + 5; i++) {
        snprintf(words, sizeof words, "Permissions Violation for Publish to \"a.%u\"", i);
        EXPECT(bus_refusals_take(&all, words) == (i < BUS_REFUSALS_MOST));
    }
    EXPECT_U64(all.count, BUS_REFUSALS_MOST);
    EXPECT_U64(all.told, BUS_REFUSALS_MOST + 5);
}
