/*
 * The unit tests' few words: TEST and EXPECT_*. They sit on Criterion, or on plain_runner.c where Criterion
 * does not start (thread sanitizer). A failed expectation ends the test and prints both values by name.
 */
#ifndef TICKWIRE_TESTS_UNIT_H
#define TICKWIRE_TESTS_UNIT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef TICKWIRE_PLAIN_RUNNER
typedef struct unit_test {
    const char *suite;
    const char *name;
    void (*run)(void);
    struct unit_test *next;
} unit_test;
void unit_register(unit_test *test);
void unit_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4), noreturn));
void unit_skip(const char *reason) __attribute__((noreturn));
#define TEST(suite_name, test_name)                                                                                \
    static void test_##suite_name##_##test_name(void);                                                             \
    static unit_test entry_##suite_name##_##test_name = {#suite_name, #test_name, test_##suite_name##_##test_name, \
                                                         NULL};                                                    \
    __attribute__((constructor)) static void add_##suite_name##_##test_name(void) {                                \
        unit_register(&entry_##suite_name##_##test_name);                                                          \
    }                                                                                                              \
    static void test_##suite_name##_##test_name(void)
#define SKIP(reason) unit_skip(reason)
#else
#include <criterion/criterion.h>
#define TEST(suite_name, test_name) Test(suite_name, test_name)
#define unit_fail(file, line, ...)  cr_assert(false, __VA_ARGS__)
#define SKIP(reason)                                                                                               \
    do {                                                                                                           \
        fprintf(stderr, "SKIPPED: %s\n", (reason));                                                                \
        cr_skip_test("%s", (reason));                                                                              \
    } while (0)
#endif

/* Expectations: the first argument is what came, the second what was expected. */
#define EXPECT(condition)                                                                                          \
    do {                                                                                                           \
        if (!(condition)) unit_fail(__FILE__, __LINE__, "expected: %s", #condition);                               \
    } while (0)
#define EXPECT_MSG(condition, ...)                                                                                 \
    do {                                                                                                           \
        if (!(condition)) unit_fail(__FILE__, __LINE__, __VA_ARGS__);                                              \
    } while (0)
#define EXPECT_I64(actual, expected)                                                                               \
    do {                                                                                                           \
        int64_t actual_ = (int64_t)(actual), expected_ = (int64_t)(expected);                                      \
        if (actual_ != expected_)                                                                                  \
            unit_fail(__FILE__, __LINE__, "%s is %" PRId64 ", expected %" PRId64, #actual, actual_, expected_);    \
    } while (0)
#define EXPECT_U64(actual, expected)                                                                               \
    do {                                                                                                           \
        uint64_t actual_ = (uint64_t)(actual), expected_ = (uint64_t)(expected);                                   \
        if (actual_ != expected_)                                                                                  \
            unit_fail(__FILE__, __LINE__, "%s is %" PRIu64 ", expected %" PRIu64, #actual, actual_, expected_);    \
    } while (0)
#define EXPECT_STR(actual, expected)                                                                               \
    do {                                                                                                           \
        const char *actual_ = (actual), *expected_ = (expected);                                                   \
        if (strcmp(actual_, expected_) != 0)                                                                       \
            unit_fail(__FILE__, __LINE__, "%s is \"%s\", expected \"%s\"", #actual, actual_, expected_);           \
    } while (0)
#define EXPECT_CONTAINS(actual, part)                                                                              \
    do {                                                                                                           \
        const char *actual_ = (actual), *part_ = (part);                                                           \
        if (strstr(actual_, part_) == NULL)                                                                        \
            unit_fail(__FILE__, __LINE__, "%s is \"%s\", expected to contain \"%s\"", #actual, actual_, part_);    \
    } while (0)
#define EXPECT_BYTES(actual, expected, length)                                                                     \
    do {                                                                                                           \
        if (memcmp((actual), (expected), (length)) != 0)                                                           \
            unit_fail(__FILE__, __LINE__, "%s differs from %s within %zu bytes", #actual, #expected,               \
                      (size_t)(length));                                                                           \
    } while (0)

/* Where real recordings are: TICKWIRE_TEST_DATA, else data/ in the folder `shared` beside the checkout. Returns a path
 * in static memory, or NULL if the file is not there (then SKIP, saying so). */
static inline const char *unit_recording(const char *name) {
    static char path[1024];
    const char *folder = getenv("TICKWIRE_TEST_DATA");
    snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : TICKWIRE_SOURCE_DIR "/../shared/data", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) return NULL;
    fclose(file);
    return path;
}

#endif
