#include "base/market.h"
#include "base/text.h"
#include "tests/unit.h"

TEST(text, copying_and_formatting_never_write_past_the_end_and_say_when_they_cut) {
    char target[5] = "....";
    EXPECT(tw_text_copy(target, sizeof target, "abcd"));
    EXPECT_STR(target, "abcd");
    EXPECT(!tw_text_copy(target, sizeof target, "abcde"));
    EXPECT_STR(target, "abcd");
    EXPECT(!tw_text_format(target, sizeof target, "%d", 12345));
    EXPECT_STR(target, "1234");
    EXPECT(tw_text_format(target, sizeof target, "%d", -1));
    EXPECT_STR(target, "-1");
}

TEST(text, a_number_is_all_of_the_text_and_in_range_or_it_is_refused) {
    static const char *const refused[] = {"", "-", "+1", " 1", "1 ", "1.0", "0x10", "18446744073709551616", "-1"};
    uint64_t u = 7;
    int64_t i = 7;
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++)
        EXPECT_MSG(!tw_text_to_u64(refused[k], &u) && u == 7, "\"%s\" was taken for a number", refused[k]);
    EXPECT(tw_text_to_u64("18446744073709551615", &u));
    EXPECT_U64(u, UINT64_MAX);
    EXPECT(tw_text_to_i64("-9223372036854775808", &i));
    EXPECT_I64(i, INT64_MIN);
    EXPECT(!tw_text_to_i64("-9223372036854775809", &i));
    EXPECT(!tw_text_to_i64("9223372036854775808", &i));
    EXPECT(!tw_text_to_i64("--1", &i));
}

typedef struct decimal_row {
    int64_t value;
    int32_t exponent;
    const char *text;
} decimal_row;

static const decimal_row decimals[] = {
    {1891200, -4, "189.1200"},
    {-5, -2, "-0.05"},
    {-1, -4, "-0.0001"},
    {3, 0, "3"},
    {3, 2, "300"},
    {0, -4, "0.0000"},
    {0, 2, "0"},
    {INT64_MAX, -18, "9.223372036854775807"},
    {INT64_MIN + 1, 0, "-9223372036854775807"},
    {12, -20, "0.00000000000000000012"},
};

TEST(text, a_scaled_integer_prints_as_a_decimal_and_reads_back) {
    for (size_t k = 0; k < sizeof decimals / sizeof *decimals; k++) {
        const decimal_row *row = &decimals[k];
        char text[TW_DECIMAL_BYTES];
        int64_t back = 99;
        size_t length = tw_decimal_format(text, sizeof text, row->value, row->exponent);
        EXPECT_STR(text, row->text);
        EXPECT_U64(length, strlen(row->text));
        EXPECT_MSG(tw_decimal_parse(text, row->exponent, &back), "%s does not read back", text);
        EXPECT_I64(back, row->value);
    }
}

TEST(text, no_price_prints_as_nothing_and_nothing_reads_as_no_price) {
    char text[TW_DECIMAL_BYTES] = "x";
    int64_t value = 1;
    EXPECT_U64(tw_decimal_format(text, sizeof text, TW_PRICE_ABSENT, -4), 0);
    EXPECT_STR(text, "");
    EXPECT(!tw_decimal_parse("", -4, &value));
    EXPECT(!tw_decimal_parse("-9223372036854775808", 0, &value));
}

TEST(text, every_exponent_fits_the_stated_bytes) {
    char text[TW_DECIMAL_BYTES];
    for (int32_t exponent = -40; exponent <= 40; exponent++)
        EXPECT(tw_decimal_format(text, sizeof text, INT64_MIN + 1, exponent) < sizeof text - 1);
    EXPECT(tw_decimal_format_u64(text, sizeof text, UINT64_MAX, INT32_MIN) < sizeof text - 1);
    EXPECT_STR(text, "18446744073709551615e-2147483648");
}

TEST(text, a_decimal_that_is_cut_reports_what_was_written) {
    char text[5];
    EXPECT_U64(tw_decimal_format(text, sizeof text, 1891200, -4), 4);
    EXPECT_STR(text, "189.");
}

TEST(text, decimals_are_read_without_rounding) {
    static const char *const refused[] = {
        "189.12345", "1.", ".5", "1..2", "1.2.3", "1e3", "-", "+1", "1,5", "1 ", "922337203685477.5808"};
    int64_t value = 7;
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++)
        EXPECT_MSG(!tw_decimal_parse(refused[k], -4, &value) && value == 7, "\"%s\" was read", refused[k]);
    EXPECT(tw_decimal_parse("189.12", -4, &value));
    EXPECT_I64(value, 1891200);
    EXPECT(tw_decimal_parse("-0.5", -4, &value));
    EXPECT_I64(value, -5000);
    EXPECT(tw_decimal_parse("300", 2, &value));
    EXPECT_I64(value, 3);
    EXPECT(!tw_decimal_parse("301", 2, &value));
}

TEST(text, distance_counts_edits_up_to_a_limit) {
    EXPECT_U64(tw_text_distance("metrics", "metrics", 9), 0);
    EXPECT_U64(tw_text_distance("metrcs", "metrics", 9), 1);
    EXPECT_U64(tw_text_distance("kitten", "sitting", 9), 3);
    EXPECT_U64(tw_text_distance("", "abc", 9), 3);
    EXPECT_U64(tw_text_distance("abc", "xyz", 2), 2);
}
