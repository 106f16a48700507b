/*
 * An operator's calendar, dates in file names, decimal numbers: any lines. However many days are closed, there is a
 * next session, and it is one.
 */
#include "ingest/day/calendar.h"

#include "ingest/day/file_date.h"
#include "tests/fuzz/fuzz.h"

static void check_session(const calendar *days, tw_date date) {
    tw_date session = calendar_session_on_or_after(days, date), next = calendar_next_session(days, session);
    calendar_day kind = calendar_day_of(days, session);
    FUZZ_CHECK(kind == CALENDAR_SESSION || kind == CALENDAR_EARLY_CLOSE);
    FUZZ_CHECK(tw_date_compare(session, date) >= 0 && tw_date_compare(next, session) > 0);
    int32_t close_seconds = calendar_close_seconds(days, session);
    FUZZ_CHECK(close_seconds > 0 && close_seconds <= 86400);
}

static void check_date(const char *text) {
    tw_date date;
    char again[TW_DATE_BYTES];
    if (file_date(text, &date)) FUZZ_CHECK(date.year >= 1990 && date.year <= 2089 && date.month <= 12);
    if (!tw_date_parse(text, &date)) return;
    tw_date_format(again, date);
    FUZZ_CHECK(strcmp(again, text) == 0);
    FUZZ_CHECK(tw_date_compare(tw_date_from_days(tw_date_to_days(date)), date) == 0);
}

static void check_decimal(const char *text) {
    char again[TW_DECIMAL_BYTES];
    int64_t value, back;
    if (!tw_decimal_parse(text, -4, &value)) return;
    tw_decimal_format(again, sizeof again, value, -4);
    FUZZ_CHECK(value == INT64_MIN || (tw_decimal_parse(again, -4, &back) && back == value));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static calendar days;
    fuzz_input input = {bytes, length};
    FUZZ_CHECK(calendar_builtin((fuzz_u8(&input) & 1) ? "TWEX" : "XNAS", &days, NULL) == TW_OK);
    tw_date start = tw_date_from_days(7300 + fuzz_u16(&input) % 36500);
    while (input.left > 0) {
        char *line = fuzz_line(&input);
        tw_error error = {0};
        tw_code code = calendar_add_line(&days, line, &error);
        FUZZ_CHECK(code == TW_OK || error.text[0] != '\0');
        FUZZ_CHECK(days.exception_count <= CALENDAR_MAX_EXCEPTIONS);
        check_date(line);
        check_decimal(line);
        free(line);
    }
    check_session(&days, start);
    for (uint32_t i = 0; i < days.exception_count && i < 8; i++)
        check_session(&days, days.exceptions[i].date);
    return 0;
}
