/* tickwire-aggregator: parse, build, run, clean up. */
#include <stdio.h>

#include "publisher/aggregator/pipeline.h"

int main(int argc, char **argv) {
    static aggregator self; /* one per process */
    tw_error error = {0};
    settings *owner = NULL;
    const char *word = NULL;
    size_t words = 0;
    int exit_code = 2;

    settings_outcome outcome =
        settings_read(&owner, &aggregator_program, argc, argv, &self.settings, &word, 1, &words, &error);
    if (outcome == SETTINGS_HELP || outcome == SETTINGS_VERSION) exit_code = 0;
    if (outcome == SETTINGS_RUN && words > 0) {
        outcome = SETTINGS_ERROR;
        tw_error_set(&error, TW_INVALID, "'%s' is not a setting; settings start with --", word);
    }
    if (outcome == SETTINGS_ERROR) {
        fprintf(stderr, "tickwire-aggregator: %s\nTry: tickwire-aggregator --help\n", error.text);
        goto cleanup;
    }
    if (outcome != SETTINGS_RUN) goto cleanup;
    if (aggregator_open(&self, &error) != TW_OK) {
        fprintf(stderr, "tickwire-aggregator: %s\n", error.text);
        exit_code = error.code == TW_INVALID ? 2 : 1;
    } else {
        exit_code = aggregator_run(&self);
    }
    aggregator_close(&self);
cleanup:
    settings_free(owner);
    return exit_code;
}
