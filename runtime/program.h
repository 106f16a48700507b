/*
 * The life of a daemon, from its command line to its exit code: read settings, open, run, close.
 *
 * Exit codes: 0 the run ended well, --help or --version; 1 it could not start or did not end well; 2 the command line or
 * a setting makes no sense. Errors are one line on standard error.
 */
#ifndef TICKWIRE_RUNTIME_PROGRAM_H
#define TICKWIRE_RUNTIME_PROGRAM_H

#include "base/error.h"
#include "runtime/settings.h"

typedef struct rt_program {
    const settings_program *settings;
    void *self;   /* what open, run and close work on; zeroed */
    void *target; /* its settings */
    tw_code (*open)(void *self, tw_error *error);
    int (*run)(void *self);    /* only after open said TW_OK; the exit code */
    void (*close)(void *self); /* after open, whatever that said */
    /* Writes over secrets in a word of the command line and in errors that repeat one; NULL: tw_secret_hide. */
    void (*hide)(char *text);
} rt_program;

int rt_program_main(const rt_program *program, int argc, char **argv);

/* main() of a daemon: of one `type` that has `settings`, filled as `type`_program says, with `type`_open, _run and _close. */
#define RT_PROGRAM_MAIN(type, hide_words)                                                                          \
    static tw_code open_it(void *self, tw_error *error) {                                                          \
        return type##_open(self, error);                                                                           \
    }                                                                                                              \
    static int run_it(void *self) {                                                                                \
        return type##_run(self);                                                                                   \
    }                                                                                                              \
    static void close_it(void *self) {                                                                             \
        type##_close(self);                                                                                        \
    }                                                                                                              \
    int main(int argc, char **argv) {                                                                              \
        static type self;                                                                                          \
        const rt_program program = {                                                                               \
            &type##_program, &self, &self.settings, open_it, run_it, close_it, hide_words};                        \
        return rt_program_main(&program, argc, argv);                                                              \
    }

#endif
