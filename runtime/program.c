/* Parse, open, run, close. */
#include "runtime/program.h"

#include <stdio.h>

#include "base/secret.h"

static settings_outcome read_words(const rt_program *program, settings **owner, int argc, char **argv,
                                   tw_error *error) {
    const char *word = NULL;
    size_t words = 0;
    settings_outcome outcome =
        settings_read(owner, program->settings, argc, argv, program->target, &word, 1, &words, error);
    if (outcome != SETTINGS_RUN || words == 0) return outcome;
    tw_error_set(error, TW_INVALID, "'%s' is not a setting; settings start with --", word);
    return SETTINGS_ERROR;
}

static int live(const rt_program *program) {
    tw_error error = {0};
    int exit_code = 1;
    if (program->open(program->self, &error) == TW_OK) {
        exit_code = program->run(program->self);
    } else {
        fprintf(stderr, "%s: %s\n", program->settings->name, error.text);
        exit_code = error.code == TW_INVALID ? 2 : 1;
    }
    program->close(program->self);
    return exit_code;
}

int rt_program_main(const rt_program *program, int argc, char **argv) {
    void (*hide)(char *) = program->hide != NULL ? program->hide : tw_secret_hide;
    settings *owner = NULL;
    tw_error error = {0};
    int exit_code = 0;
    settings_outcome outcome = read_words(program, &owner, argc, argv, &error);
    if (outcome == SETTINGS_ERROR) {
        hide(error.text);
        fprintf(stderr, "%s: %s\nTry: %s --help\n", program->settings->name, error.text, program->settings->name);
        exit_code = 2;
    } else if (outcome == SETTINGS_RUN) {
        for (int i = 1; i < argc; i++)
            hide(argv[i]); /* what `ps` shows; the settings have copies */
        exit_code = live(program);
    }
    settings_free(owner);
    return exit_code;
}
