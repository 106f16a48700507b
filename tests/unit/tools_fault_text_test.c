/* What a person writes after --loss and its like, and what lines become of it. */
#include "tests/unit.h"
#include "tools/serve/fault_text.h"

static bool parse(fault_kind kind, const char *text, faults_options lines[FAULT_LINES]) {
    tw_error error = {0};
    memset(lines, 0, FAULT_LINES * sizeof *lines);
    return fault_text_parse(kind, text, lines, &error) == TW_OK;
}

TEST(fault_text, a_value_is_for_both_lines_or_for_the_one_it_names) {
    faults_options lines[FAULT_LINES];
    EXPECT(parse(FAULT_LOSS, "5%", lines));
    EXPECT_U64(lines[0].loss, 50000);
    EXPECT_U64(lines[1].loss, 50000);
    EXPECT(parse(FAULT_LOSS, "B:0.25%", lines));
    EXPECT_U64(lines[0].loss, 0);
    EXPECT_U64(lines[1].loss, 2500);
    EXPECT(parse(FAULT_DUPLICATE, "A:100%,B:0.0001%", lines));
    EXPECT_U64(lines[0].duplicate, 1000000);
    EXPECT_U64(lines[1].duplicate, 1);
    EXPECT(parse(FAULT_CORRUPT, "", lines));
    EXPECT_U64(lines[0].corrupt, 0);
}

TEST(fault_text, second_values_say_how_long_and_how_far) {
    faults_options lines[FAULT_LINES];
    EXPECT(parse(FAULT_BURST_LOSS, "0.1%/20", lines));
    EXPECT_U64(lines[0].burst_enter, 1000);
    EXPECT_U64(lines[0].burst_leave, 50000);
    EXPECT_U64(lines[0].burst_loss, 1000000);
    EXPECT(parse(FAULT_REORDER, "A:2%/8,B:1%", lines));
    EXPECT_U64(lines[0].reorder, 20000);
    EXPECT_U64(lines[0].reorder_displacement, 8);
    EXPECT_U64(lines[1].reorder, 10000);
    EXPECT(parse(FAULT_SILENCE, "A:10s/500ms", lines));
    EXPECT_I64(lines[0].silence_every_ns, INT64_C(10000000000));
    EXPECT_I64(lines[0].silence_for_ns, INT64_C(500000000));
    EXPECT_I64(lines[1].silence_every_ns, 0);
    EXPECT(parse(FAULT_REGROUP, "4", lines));
    EXPECT_U64(lines[1].regroup_messages, 4);
}

TEST(fault_text, what_is_no_fault_is_refused) {
    static const struct {
        fault_kind kind;
        const char *text;
    } cases[] = {{FAULT_LOSS, "5"},          {FAULT_LOSS, "%"},         {FAULT_LOSS, "101%"},
                 {FAULT_LOSS, "-1%"},        {FAULT_LOSS, "C:5%"},      {FAULT_LOSS, "A:5%,"},
                 {FAULT_LOSS, "A:"},         {FAULT_LOSS, "0.00001%"},  {FAULT_BURST_LOSS, "1%/0"},
                 {FAULT_REORDER, "1%/1025"}, {FAULT_REGROUP, "0"},      {FAULT_REGROUP, "65535"},
                 {FAULT_SILENCE, "10s"},     {FAULT_SILENCE, "0s/1ms"}, {FAULT_SILENCE, "1s/2h"},
                 {FAULT_SILENCE, "s/ms"},    {FAULT_SILENCE, "ms/ms"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        faults_options lines[FAULT_LINES];
        EXPECT_MSG(!parse(cases[i].kind, cases[i].text, lines), "%s", cases[i].text);
    }
}
