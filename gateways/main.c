/* tickwire-gateway: parse, build, run, clean up. */
#include <stdio.h>

#include "gateways/pipeline.h"

int main(int argc, char **argv) {
    static gateway self; /* one per process */
    tw_error error = {0};
    settings *owner = NULL;
    const char *word = NULL;
    size_t words = 0;
    int exit_code = 2;

    settings_outcome outcome =
        settings_read(&owner, &gateway_program, argc, argv, &self.settings, &word, 1, &words, &error);
    if (outcome == SETTINGS_HELP || outcome == SETTINGS_VERSION) exit_code = 0;
    if (outcome == SETTINGS_RUN && words > 0) {
        outcome = SETTINGS_ERROR;
        tw_error_set(&error, TW_INVALID, "'%s' is not a setting; settings start with --", word);
    }
    if (outcome == SETTINGS_ERROR)
        fprintf(stderr, "tickwire-gateway: %s\nTry: tickwire-gateway --help\n", error.text);
    if (outcome != SETTINGS_RUN) goto cleanup;
    if (gateway_open(&self, &error) != TW_OK) {
        fprintf(stderr, "tickwire-gateway: %s\n", error.text);
        exit_code = error.code == TW_INVALID ? 2 : 1;
    } else {
        exit_code = gateway_run(&self);
    }
    gateway_close(&self);
cleanup:
    settings_free(owner);
    return exit_code;
}
