/*
 * What the fuzz targets share: a check that stops the fuzzer, and a way to cut its input into pieces.
 *
 * A target's statics live as long as the process: memory that a daemon takes once is taken once here too, or a run
 * would cost more than what it tests.
 */
#ifndef TICKWIRE_TESTS_FUZZ_H
#define TICKWIRE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A broken promise ends the process; libFuzzer keeps the input. */
#define FUZZ_CHECK(condition)                                                                                      \
    do {                                                                                                           \
        if (!(condition)) {                                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                         \
            abort();                                                                                               \
        }                                                                                                          \
    } while (0)

typedef struct fuzz_input {
    const uint8_t *bytes;
    size_t left;
} fuzz_input;

/* 0 once the input has ended. */
static inline uint8_t fuzz_u8(fuzz_input *input) {
    if (input->left == 0) return 0;
    input->left--;
    return *input->bytes++;
}

static inline uint16_t fuzz_u16(fuzz_input *input) {
    uint16_t high = fuzz_u8(input);
    return (uint16_t)(high << 8 | fuzz_u8(input));
}

/* A copy of the next `wanted` bytes, or of what is left, in a block of exactly that size, so that a read beyond its
 * end is seen. NUL terminated if `as_text`. The caller frees it. */
static inline uint8_t *fuzz_piece(fuzz_input *input, size_t wanted, size_t *length, int as_text) {
    *length = wanted < input->left ? wanted : input->left;
    uint8_t *piece = malloc(*length + (as_text != 0));
    FUZZ_CHECK(piece != NULL || *length == 0);
    if (*length > 0) memcpy(piece, input->bytes, *length);
    if (as_text) piece[*length] = '\0';
    input->bytes += *length;
    input->left -= *length;
    return piece;
}

/* The next line without its line feed, NUL terminated (a NUL inside ends it earlier). The caller frees it. */
static inline char *fuzz_line(fuzz_input *input) {
    const uint8_t *end = input->left > 0 ? memchr(input->bytes, '\n', input->left) : NULL;
    size_t length;
    char *line = (char *)fuzz_piece(input, end != NULL ? (size_t)(end - input->bytes) : input->left, &length, 1);
    if (end != NULL) fuzz_u8(input);
    return line;
}

/* A file in memory that holds the bytes, and its path. Returns its descriptor, for the caller to close. */
static inline int fuzz_file(const uint8_t *bytes, size_t length, char path[40]) {
    int file = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(file >= 0);
    for (size_t done = 0; done < length;) {
        ssize_t count = write(file, bytes + done, length - done);
        FUZZ_CHECK(count > 0);
        done += (size_t)count;
    }
    FUZZ_CHECK(tw_text_format(path, 40, "/proc/self/fd/%d", file));
    return file;
}

#endif
