/*
 * Environment errors: a code for the program, a chain of causes for the person.
 *
 * Each layer that cannot go on adds what it was doing; the top prints the chain once:
 *   "starting ingest: opening source file:/data/x.gz: not in gzip format at offset 0"
 *
 * The struct is plain and lives with the caller, so reporting an error never allocates.
 * Malformed bytes and business refusals are not errors of this kind; they have enums of their own.
 */
#ifndef TICKWIRE_BASE_ERROR_H
#define TICKWIRE_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

typedef enum tw_code {
    TW_OK = 0,
    TW_INVALID,     /* the caller or a person gave something that makes no sense */
    TW_NOT_FOUND,   /* a named thing does not exist */
    TW_IO,          /* the operating system said no; the text carries its reason */
    TW_MALFORMED,   /* bytes that break their format; the text carries the offset */
    TW_TRUNCATED,   /* bytes that end in the middle of something */
    TW_FULL,        /* a stated bound was reached */
    TW_AWAY,        /* a peer is not there */
    TW_UNSUPPORTED, /* well formed, but not something this program does */
    TW_NO_MEMORY
} tw_code;

#define TW_ERROR_TEXT_BYTES 1024

typedef struct tw_error {
    tw_code code;
    char text[TW_ERROR_TEXT_BYTES]; /* outermost cause first, joined by ": "; always NUL terminated */
} tw_error;

/* Starts a chain. Overwrites what `error` held. `error` may be NULL: then only the code is returned.
 * Returns `code`, so that a function can `return tw_error_set(...)`. */
tw_code tw_error_set(tw_error *error, tw_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As tw_error_set, with ": " and the text of `saved_errno` at the end; the code is TW_IO. */
tw_code tw_error_set_errno(tw_error *error, int saved_errno, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds an outer cause in front of the chain and keeps the code. Text that does not fit is cut at the
 * inner end and marked with "...". Returns the code held. */
tw_code tw_error_wrap(tw_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Name of a code, for logs and tests: "TW_INVALID". Static storage. */
const char *tw_code_name(tw_code code);

#endif
