/* Runs TESTs one after another in this process: for builds in which Criterion does not start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/unit.h"

static unit_test *first_test;
static jmp_buf test_end;

void unit_register(unit_test *test) {
    test->next = first_test;
    first_test = test;
}

void unit_fail(const char *file, int line, const char *format, ...) {
    va_list arguments;
    fprintf(stderr, "%s:%d: ", file, line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    longjmp(test_end, 1);
}

void unit_skip(const char *reason) {
    fprintf(stderr, "SKIPPED: %s\n", reason);
    longjmp(test_end, 2);
}

int main(void) {
    volatile unsigned passed = 0, failed = 0, skipped = 0; /* they outlive a longjmp */
    for (unit_test *volatile test = first_test; test != NULL; test = test->next) {
        int outcome = setjmp(test_end);
        if (outcome == 0) {
            test->run();
            passed++;
        } else if (outcome == 2) {
            skipped++;
        } else {
            fprintf(stderr, "FAILED: %s::%s\n", test->suite, test->name);
            failed++;
        }
    }
    printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed != 0;
}
