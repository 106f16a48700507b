#include "base/json.h"

#include <math.h>

#include "base/market.h"
#include "tests/unit.h"

static void write_all(json_writer *w) {
    json_open_object(w, NULL);
    json_u64(w, "seq", UINT64_MAX);
    json_i64(w, "least", INT64_MIN);
    json_i64_string(w, "event_ns", -5);
    json_u64_string(w, "id", 7);
    json_decimal(w, "price", 1891200, -4);
    json_decimal(w, "none", TW_PRICE_ABSENT, -4);
    json_decimal_u64(w, "quantity", 300, 0);
    json_open_array(w, "bids");
    json_open_array(w, NULL);
    json_string(w, NULL, "a");
    json_bool(w, NULL, true);
    json_close_array(w);
    json_f64(w, NULL, 0.25);
    json_f64(w, NULL, NAN);
    json_close_array(w);
    json_open_object(w, "empty");
    json_close_object(w);
    json_raw(w, "raw", "[1]");
    json_null(w, "last");
    json_close_object(w);
}

static const char all[] =
    "{\"seq\":18446744073709551615,\"least\":-9223372036854775808,\"event_ns\":\"-5\",\"id\":\"7\","
    "\"price\":\"189.1200\",\"none\":null,\"quantity\":\"300\",\"bids\":[[\"a\",true],0.25,null],\"empty\":{},"
    "\"raw\":[1],\"last\":null}";

TEST(json, commas_names_and_values_come_out_as_rfc_8259_wants_them) {
    char text[512];
    json_writer w;
    json_start(&w, text, sizeof text);
    write_all(&w);
    EXPECT(json_finish(&w));
    EXPECT_STR(text, all);
}

TEST(json, a_buffer_of_any_smaller_size_is_not_overrun_and_the_need_is_told) {
    char text[sizeof all + 1];
    for (size_t capacity = 0; capacity < sizeof all; capacity++) {
        json_writer w;
        memset(text, '#', sizeof text);
        json_start(&w, text, capacity);
        write_all(&w);
        EXPECT(!json_finish(&w));
        EXPECT_U64(json_needed(&w), sizeof all);
        EXPECT_I64(text[capacity], '#');
        if (capacity > 0) EXPECT_BYTES(text, all, capacity - 1);
    }
}

TEST(json, strings_are_escaped_and_bytes_that_are_not_utf8_become_codes) {
    static const struct {
        const char *bytes, *json;
    } rows[] = {
        {"a\"b\\c\n\t\r\x01", "\"a\\\"b\\\\c\\n\\t\\r\\u0001\""},
        {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x92\xb9", "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x92\xb9\""},
        {"\xff\xc3", "\"\\u00ff\\u00c3\""},                       /* never, and cut short */
        {"\xc0\xaf", "\"\\u00c0\\u00af\""},                       /* overlong */
        {"\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\""},            /* surrogate */
        {"\xf4\x90\x80\x80", "\"\\u00f4\\u0090\\u0080\\u0080\""}, /* beyond U+10FFFF */
        {"\x7f", "\"\\u007f\""},
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        char text[128];
        json_writer w;
        json_start(&w, text, sizeof text);
        json_string(&w, NULL, rows[k].bytes);
        EXPECT(json_finish(&w));
        EXPECT_STR(text, rows[k].json);
    }
}
