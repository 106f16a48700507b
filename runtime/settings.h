/*
 * Settings of a program: one table, three places to set them, one --help made from it.
 *
 * Precedence: flag (--burst 64, --burst=64), then environment (PREFIX_BURST: upper case, '-' as '_'), then
 * file (--config FILE: `burst = 64` a line, '#' comments), then the default. Unknown names and bad values are
 * errors that name the setting, the place, and the nearest valid one. (A variable with the prefix that is not even
 * near a setting's name is left alone: it may belong to a program whose prefix is longer.)
 */
#ifndef TICKWIRE_RUNTIME_SETTINGS_H
#define TICKWIRE_RUNTIME_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum setting_type {
    SETTING_TEXT,     /* const char *: points into memory of the `settings` object */
    SETTING_FLAG,     /* bool: --name or --name=false, --no-name */
    SETTING_COUNT,    /* uint64_t: decimal, with optional k, M, G (powers of 1000) or Ki, Mi, Gi */
    SETTING_NUMBER,   /* int64_t */
    SETTING_DURATION, /* int64_t nanoseconds: 250ms, 5s, 2m, 1h, 10us, 100ns */
    SETTING_CHOICE    /* const char *: one of `choices` */
} setting_type;

typedef struct setting {
    const char *name; /* "session-date"; NULL ends the table */
    setting_type type;
    size_t offset;            /* of the field in the program's struct */
    const char *default_text; /* as a person would write it; NULL: required */
    const char *value_name;   /* for help: "PORT"; NULL for flags */
    const char *help;         /* one sentence */
    const char *choices;      /* "max|recorded": for SETTING_CHOICE */
    int64_t minimum, maximum; /* for COUNT, NUMBER, DURATION when maximum > minimum */
} setting;

typedef struct settings_program {
    const char *name;        /* "tickwire-ingest" */
    const char *summary;     /* one line */
    const char *usage;       /* what follows the name: "[settings]" or "SUBJECT... [settings]" */
    const char *environment; /* prefix: "TICKWIRE_INGEST"; NULL: no environment, no file */
    const char *epilogue;    /* printed after the table: examples; NULL for none */
    const setting *table;
    const char *const
        *foreign; /* names that programs of the same prefix know, NULL at the end: passed over in the environment */
} settings_program;

typedef enum settings_outcome { SETTINGS_RUN, SETTINGS_HELP, SETTINGS_VERSION, SETTINGS_ERROR } settings_outcome;

typedef struct settings settings; /* owns the text values */

/* Fills `target` from `argv` (argv[0] is passed over), the environment and a file. Words that are no flags go to
 * `words` (at most `max_words`, borrowed from argv); "--" ends flags. SETTINGS_HELP and _VERSION: the text
 * was printed to standard output, exit 0. SETTINGS_ERROR: `error` says it; exit 2. */
settings_outcome settings_read(settings **owner, const settings_program *program, int argc, char **argv,
                               void *target, const char **words, size_t max_words, size_t *word_count,
                               tw_error *error);
void settings_free(settings *owner);

/* The help text; for tests and for the docs. Returns the length it has or would have. */
size_t settings_help(const settings_program *program, char *text, size_t capacity);

#endif
