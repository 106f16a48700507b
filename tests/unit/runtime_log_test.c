#include "runtime/log.h"

#include <unistd.h>

#include "tests/unit.h"

static int ends[2];
static rt_log *log_to;
static char got[8192];

static void open_log(const char *format, rt_level level) {
    EXPECT_I64(pipe(ends), 0);
    log_to = rt_log_alloc("tickwire-test", format, level, ends[1]);
}

/* Closes the log and reads all that it wrote. */
static void read_log(void) {
    rt_log_free(log_to);
    close(ends[1]);
    size_t length = 0;
    ssize_t n;
    while ((n = read(ends[0], got + length, sizeof got - 1 - length)) > 0)
        length += (size_t)n;
    got[length] = '\0';
    close(ends[0]);
}

TEST(log, a_line_for_people_has_time_level_message_and_fields) {
    open_log("human", RT_INFO);
    rt_log(log_to, RT_WARN, "gap declared", RT_STR("feed", "XNAS.1"), RT_U64("from", 1001), RT_I64("by", -2),
           RT_F64("rate", 0.5));
    read_log();
    EXPECT_I64(got[10], 'T');
    EXPECT_STR(got + 23, "Z WARN  gap declared feed=XNAS.1 from=1001 by=-2 rate=0.5\n");
}

TEST(log, text_of_others_can_neither_end_the_line_nor_reach_the_terminal_raw) {
    open_log("human", RT_INFO);
    rt_log(log_to, RT_INFO, "two\nlines\x1b[2J", RT_STR("a", "x y"), RT_STR("b", "\n\x1b"), RT_STR("c", ""),
           RT_STR("d", NULL));
    read_log();
    EXPECT_STR(got + 23, "Z INFO  two lines [2J a=\"x y\" b=\"\\n\\u001b\" c=\"\" d=null\n");
}

TEST(log, a_json_line_holds_the_same) {
    open_log("json", RT_INFO);
    rt_log(log_to, RT_ERROR, "bad \"quote\"", RT_STR("feed", "x"), RT_U64("n", 7));
    read_log();
    EXPECT_BYTES(got, "{\"time\":\"", 9);
    EXPECT_CONTAINS(got, "Z\",\"level\":\"error\",\"program\":\"tickwire-test\",\"message\":\"bad \\\"quote\\\"\","
                         "\"feed\":\"x\",\"n\":7}\n");
}

TEST(log, a_json_line_that_is_too_long_loses_fields_but_stays_json) {
    static char wide[5000];
    memset(wide, '\x01', sizeof wide - 1);
    open_log("json", RT_INFO);
    rt_log(log_to, RT_INFO, "m", RT_STR("small", "1"), RT_STR("wide", wide));
    rt_log(log_to, RT_INFO, wide);
    read_log();
    EXPECT_CONTAINS(got, "\"message\":\"m\",\"small\":\"1\",\"cut\":true}\n");
    EXPECT_STR(got + strlen(got) - 12, "\"cut\":true}\n");
    EXPECT(strchr(strchr(got, '\n') + 1, '\n') == got + strlen(got) - 1);
}

TEST(log, lines_below_the_level_are_not_written_and_no_log_is_fine) {
    open_log("human", RT_WARN);
    rt_log(log_to, RT_INFO, "no");
    rt_log(NULL, RT_ERROR, "no");
    rt_log(log_to, RT_ERROR, "yes");
    read_log();
    EXPECT_STR(got + 23, "Z ERROR yes\n");
}

TEST(log, what_repeats_is_told_once_and_then_with_a_count) {
    rt_log_site site = {0};
    open_log("human", RT_INFO);
    for (int i = 0; i < 5; i++)
        rt_log_limited(log_to, &site, RT_WARN, "again", RT_I64("i", i));
    site.last_ns -= INT64_C(2000000000);
    rt_log_limited(log_to, &site, RT_WARN, "again", RT_I64("i", 5));
    read_log();
    EXPECT_CONTAINS(got, "again i=0\n");
    EXPECT_CONTAINS(got, "again i=5 repeated=4\n");
    EXPECT(strstr(got, "i=1") == NULL);
}

TEST(log, who_asks_first_need_not_work_out_what_is_not_written) {
    rt_log_site site = {0};
    open_log("human", RT_WARN);
    EXPECT(!rt_log_writes(log_to, RT_INFO) && rt_log_writes(log_to, RT_WARN) && !rt_log_writes(NULL, RT_ERROR));
    EXPECT(!rt_log_site_rests(&site, 5));
    rt_log_limited(log_to, &site, RT_WARN, "again");
    EXPECT(rt_log_site_rests(&site, site.last_ns + 999999999));
    EXPECT(rt_log_site_rests(&site, site.last_ns));
    EXPECT(!rt_log_site_rests(&site, site.last_ns + 1000000000));
    site.last_ns -= INT64_C(2000000000);
    rt_log_limited(log_to, &site, RT_WARN, "again");
    read_log();
    EXPECT_CONTAINS(got, "again repeated=2\n");
}

TEST(log, levels_have_names) {
    rt_level level;
    EXPECT(rt_level_parse("debug", &level) && level == RT_DEBUG);
    EXPECT(rt_level_parse("error", &level) && level == RT_ERROR);
    EXPECT(!rt_level_parse("loud", &level));
}
