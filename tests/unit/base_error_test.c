#include "base/error.h"

#include <errno.h>

#include "tests/unit.h"

TEST(error, each_layer_adds_an_outer_cause_and_the_code_stays) {
    tw_error error;
    EXPECT_I64(tw_error_set(&error, TW_MALFORMED, "not in gzip format at offset %d", 0), TW_MALFORMED);
    EXPECT_I64(tw_error_wrap(&error, "opening source %s", "file:x.gz"), TW_MALFORMED);
    EXPECT_I64(tw_error_wrap(&error, "starting ingest"), TW_MALFORMED);
    EXPECT_STR(error.text, "starting ingest: opening source file:x.gz: not in gzip format at offset 0");
    EXPECT_I64(error.code, TW_MALFORMED);
}

TEST(error, the_operating_system_s_reason_ends_the_text) {
    tw_error error;
    EXPECT_I64(tw_error_set_errno(&error, ENOENT, "opening %s", "x"), TW_IO);
    EXPECT_STR(error.text, "opening x: No such file or directory");
}

TEST(error, a_chain_that_is_too_long_loses_its_inner_end_and_shows_it) {
    tw_error error;
    tw_error_set(&error, TW_IO, "%01000d", 7);
    tw_error_wrap(&error, "an outer cause of some %d characters", 40);
    EXPECT_U64(strlen(error.text), TW_ERROR_TEXT_BYTES - 1);
    EXPECT_CONTAINS(error.text, "an outer cause of some 40 characters: 000");
    EXPECT_STR(error.text + TW_ERROR_TEXT_BYTES - 4, "...");
    tw_error_set(&error, TW_IO, "%02000d", 7);
    EXPECT_STR(error.text + TW_ERROR_TEXT_BYTES - 4, "...");
}

TEST(error, a_cause_may_quote_the_error_it_replaces) {
    tw_error error;
    tw_error_set(&error, TW_AWAY, "refused");
    tw_error_set(&error, TW_INVALID, "after %s", error.text);
    EXPECT_STR(error.text, "after refused");
}

TEST(error, nobody_has_to_listen) {
    EXPECT_I64(tw_error_set(NULL, TW_FULL, "x"), TW_FULL);
    EXPECT_I64(tw_error_set_errno(NULL, ENOENT, "x"), TW_IO);
    tw_error_wrap(NULL, "x");
}

TEST(error, codes_have_names) {
    EXPECT_STR(tw_code_name(TW_OK), "TW_OK");
    EXPECT_STR(tw_code_name(TW_NO_MEMORY), "TW_NO_MEMORY");
    EXPECT_STR(tw_code_name((tw_code)77), "?");
}
