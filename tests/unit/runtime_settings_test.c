#include "runtime/settings.h"

#include <stddef.h>
#include <unistd.h>

#include "tests/unit.h"

typedef struct target {
    const char *source, *pace;
    bool metrics;
    uint64_t burst;
    int64_t depth, wait_ns;
} target;

static const setting table[] = {
    {"source", SETTING_TEXT, offsetof(target, source), NULL, "SOURCE", "Where the feed comes from.", NULL, 0, 0},
    {"pace", SETTING_CHOICE, offsetof(target, pace), "max", "PACE", "How fast.", "max|recorded", 0, 0},
    {"metrics", SETTING_FLAG, offsetof(target, metrics), "true", NULL, "Serve metrics.", NULL, 0, 0},
    {"burst", SETTING_COUNT, offsetof(target, burst), "64", "N", "Messages a burst.", NULL, 1, 1000000},
    {"depth", SETTING_NUMBER, offsetof(target, depth), "10", "N", "Levels a side.", NULL, -5, 64},
    {"wait", SETTING_DURATION, offsetof(target, wait_ns), "250ms", "TIME", "How long.", NULL, 0,
     INT64_C(10000000000)},
    {NULL, SETTING_TEXT, 0, NULL, NULL, NULL, NULL, 0, 0}};
static const char *const foreign[] = {"dept", NULL};
static const settings_program program = {
    "tickwire-test", "tests settings", "WORD... [settings]", "TWTEST", "Example: x\n", table, foreign};

static settings *owner;
static target got;
static const char *words[2];
static size_t word_count;
static tw_error error;

static settings_outcome read_words(const char *command) {
    static char copy[512];
    static char name[] = "tickwire-test";
    char *argv[16] = {name}, *rest = copy, *word;
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", command);
    while ((word = strsep(&rest, " ")) != NULL)
        if (*word != '\0') argv[argc++] = word;
    memset(&got, 0, sizeof got);
    settings_free(owner);
    return settings_read(&owner, &program, argc, argv, &got, words, 2, &word_count, &error);
}

static const char *write_file(const char *text) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/tickwire-settings-XXXXXX");
    int fd = mkstemp(path);
    EXPECT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    return path;
}

TEST(settings, what_nobody_sets_has_its_default) {
    EXPECT_I64(read_words("--source s"), SETTINGS_RUN);
    EXPECT_STR(got.source, "s");
    EXPECT_STR(got.pace, "max");
    EXPECT(got.metrics);
    EXPECT_U64(got.burst, 64);
    EXPECT_I64(got.depth, 10);
    EXPECT_I64(got.wait_ns, 250000000);
}

TEST(settings, a_flag_outweighs_the_environment_and_that_the_file) {
    char command[128];
    const char *path = write_file("# comment\n source = from file # here\nburst=1k\ndepth = 3\n\nwait = 2s\n");
    setenv("TWTEST_DEPTH", "4", 1);
    setenv("TWTEST_BURST", "2Ki", 1);
    snprintf(command, sizeof command, "--burst 7 --config %s", path);
    settings_outcome outcome = read_words(command);
    EXPECT_MSG(outcome == SETTINGS_RUN, "%s", error.text);
    EXPECT_STR(got.source, "from file");
    EXPECT_U64(got.burst, 7);
    EXPECT_I64(got.depth, 4);
    EXPECT_I64(got.wait_ns, INT64_C(2000000000));
    setenv("TWTEST_CONFIG", path, 1);
    EXPECT_I64(read_words(""), SETTINGS_RUN);
    EXPECT_STR(got.source, "from file");
    EXPECT_U64(got.burst, 2048);
    unlink(path);
    unsetenv("TWTEST_DEPTH");
    unsetenv("TWTEST_BURST");
    unsetenv("TWTEST_CONFIG");
}

TEST(settings, flags_are_written_in_several_ways_and_the_rest_are_words) {
    EXPECT_I64(read_words("one --source=s --no-metrics --depth -5 --pace=recorded -- --two"), SETTINGS_RUN);
    EXPECT(!got.metrics);
    EXPECT_I64(got.depth, -5);
    EXPECT_STR(got.pace, "recorded");
    EXPECT_U64(word_count, 2);
    EXPECT_STR(words[0], "one");
    EXPECT_STR(words[1], "--two");
    EXPECT_I64(read_words("--source=s --metrics=off"), SETTINGS_RUN);
    EXPECT(!got.metrics);
}

TEST(settings, what_makes_no_sense_is_an_error_that_names_it_and_the_nearest_right_one) {
    static const struct {
        const char *command, *says;
    } rows[] = {
        {"", "setting \"source\" is required"},
        {"--source s --brust 3", "unknown setting \"brust\" (did you mean \"burst\"?)"},
        {"--source s --nonsense 3", "unknown setting \"nonsense\" (see --help)"},
        {"--source s -x", "unknown flag \"-x\""},
        {"--source s --no-burst", "unknown setting \"no-burst\""},
        {"--source", "setting \"source\" needs a value"},
        {"--source s --burst 0", "\"burst\": \"0\" is not between 1 and 1000000"},
        {"--source s --burst 1e3", "is no count"},
        {"--source s --burst 99999999999999999999", "is no count"},
        {"--source s --depth 65", "is not between -5 and 64"},
        {"--source s --depth x", "is no whole number"},
        {"--source s --wait 5", "is no duration"},
        {"--source s --wait 36501d", "is no duration"},
        {"--source s --wait 18446744073709551615d", "is no duration"},
        {"--source s --wait 11s", "\"wait\": \"11s\" is not between 0ns and 10s"},
        {"--source s --pace recoded", "is none of max|recorded (did you mean recorded?)"},
        {"--source s --pace fast", "is none of max|recorded"},
        {"--source s --metrics=maybe", "is neither true nor false"},
        {"--source s a b c", "\"c\" is one word too many"},
        {"--source s --config /nowhere/x", "opening settings file /nowhere/x: No such file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        EXPECT_MSG(read_words(rows[i].command) == SETTINGS_ERROR, "\"%s\" was taken", rows[i].command);
        EXPECT_CONTAINS(error.text, rows[i].says);
        EXPECT(owner == NULL);
    }
}

TEST(settings, errors_in_a_file_name_file_and_line) {
    char command[128];
    const char *path = write_file("source = s\nburts = 3\n");
    snprintf(command, sizeof command, "--config=%s", path);
    EXPECT_I64(read_words(command), SETTINGS_ERROR);
    EXPECT_CONTAINS(error.text, path);
    EXPECT_CONTAINS(error.text, "line 2: unknown setting \"burts\" (did you mean \"burst\"?)");
    unlink(path);
}

TEST(settings, a_variable_is_only_taken_for_a_slip_if_it_is_near_a_setting) {
    setenv("TWTEST_INGEST_SOMETHING", "1", 1);
    EXPECT_I64(read_words("--source s"), SETTINGS_RUN);
    setenv("TWTEST_DEPT", "1", 1); /* near "depth", but another program's */
    EXPECT_I64(read_words("--source s"), SETTINGS_RUN);
    unsetenv("TWTEST_DEPT");
    setenv("TWTEST_DEPHT", "1", 1);
    EXPECT_I64(read_words("--source s"), SETTINGS_ERROR);
    EXPECT_CONTAINS(error.text, "TWTEST_DEPHT");
    unsetenv("TWTEST_DEPHT");
    unsetenv("TWTEST_INGEST_SOMETHING");
}

TEST(settings, the_help_shows_every_setting_with_its_default_and_fits_any_buffer) {
    char text[4096], small[10];
    size_t length = settings_help(&program, text, sizeof text);
    EXPECT_U64(length, strlen(text));
    EXPECT_CONTAINS(text, "Usage: tickwire-test WORD... [settings]");
    EXPECT_CONTAINS(text, "--source SOURCE");
    EXPECT_CONTAINS(text, "(required)");
    EXPECT_CONTAINS(text, "How fast. [max|recorded] (default max)");
    EXPECT_CONTAINS(text, "(on unless --no-metrics)");
    EXPECT_CONTAINS(text, "TWTEST_NAME");
    EXPECT_U64(settings_help(&program, small, sizeof small), length);
    EXPECT_STR(small, "tickwire-");
}
