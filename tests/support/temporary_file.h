/* Files that a test writes and removes. */
#ifndef TICKWIRE_TESTS_SUPPORT_TEMPORARY_FILE_H
#define TICKWIRE_TESTS_SUPPORT_TEMPORARY_FILE_H

#include <stdio.h>
#include <unistd.h>

#include "tests/unit.h"

typedef struct temporary_file {
    char path[256];
} temporary_file;

/* `ending` becomes the end of the name: ".csv". */
static inline temporary_file temporary_file_write(const char *ending, const void *bytes, size_t length) {
    temporary_file file;
    const char *folder = getenv("TMPDIR");
    snprintf(file.path, sizeof file.path, "%s/tickwire-test-XXXXXX%s", folder != NULL ? folder : "/tmp", ending);
    int fd = mkstemps(file.path, (int)strlen(ending));
    EXPECT_MSG(fd >= 0, "no temporary file %s", file.path);
    EXPECT(write(fd, bytes, length) == (ssize_t)length);
    close(fd);
    return file;
}

static inline void temporary_file_remove(const temporary_file *file) {
    unlink(file->path);
}

#endif
