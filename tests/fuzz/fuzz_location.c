/* Where a feed comes from and how fast: any line. What is read is whole: terminated, in range, usable as it says. */
#include "ingest/source/location.h"

#include "ingest/source/pace.h"
#include "tests/fuzz/fuzz.h"

static void check_location(const char *text) {
    location where;
    tw_error error = {0};
    char shown[64];
    location_show(text, shown, sizeof shown);
    FUZZ_CHECK(memchr(shown, 0, sizeof shown) != NULL);
    if (location_parse(text, &where, &error) != TW_OK) {
        FUZZ_CHECK(error.code != TW_OK && error.text[0] != '\0');
        return;
    }
    FUZZ_CHECK(memchr(where.path, 0, sizeof where.path) != NULL);
    FUZZ_CHECK(memchr(where.host, 0, sizeof where.host) != NULL);
    FUZZ_CHECK(memchr(where.interface, 0, sizeof where.interface) != NULL);
    bool network = where.kind == LOCATION_UDP || where.kind == LOCATION_SOUP;
    FUZZ_CHECK((network ? where.host : where.path)[0] != '\0');
    FUZZ_CHECK(memchr(where.user, 0, sizeof where.user) != NULL);
    FUZZ_CHECK(memchr(where.password, 0, sizeof where.password) != NULL);
    FUZZ_CHECK(memchr(where.session, 0, sizeof where.session) != NULL);
}

static void check_pace(const char *text) {
    pace at;
    if (!pace_parse(text, &at)) return;
    FUZZ_CHECK(!at.limited || (at.numerator > 0 && at.denominator > 0));
    int64_t due = pace_due_ns(&at, 1000, 5);
    FUZZ_CHECK(due == 5 || !at.limited);
    FUZZ_CHECK(!at.limited || pace_due_ns(&at, INT64_C(86400000000000), 6) >= due);
    pace_due_ns(&at, INT64_MIN, INT64_MAX);
    pace_due_ns(&at, INT64_MAX, INT64_MIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    char *text = fuzz_line(&input), *speed = fuzz_line(&input);
    check_location(text);
    check_pace(speed);
    free(speed);
    free(text);
    return 0;
}
