/* tickwire-ingest: parse, build, run, clean up. */
#include <stdio.h>

#include "ingest/pipeline.h"

int main(int argc, char **argv) {
    static ingest self; /* large; one per process */
    tw_error error = {0};
    settings *owner = NULL;
    const char *word = NULL;
    size_t words = 0;
    int exit_code = 2;

    settings_outcome outcome =
        settings_read(&owner, &ingest_program, argc, argv, &self.settings, &word, 1, &words, &error);
    if (outcome == SETTINGS_HELP || outcome == SETTINGS_VERSION) exit_code = 0;
    if (outcome == SETTINGS_RUN && words > 0) {
        outcome = SETTINGS_ERROR;
        tw_error_set(&error, TW_INVALID, "'%s' is not a setting; settings start with --", word);
    }
    if (outcome == SETTINGS_ERROR) {
        location_hide(error.text); /* a word that is no setting may be a source */
        fprintf(stderr, "tickwire-ingest: %s\nTry: tickwire-ingest --help\n", error.text);
        goto cleanup;
    }
    if (outcome != SETTINGS_RUN) goto cleanup;
    for (int i = 1; i < argc; i++)
        location_hide(argv[i]); /* what `ps` shows; the settings have copies */
    if (ingest_open(&self, &error) != TW_OK) {
        fprintf(stderr, "tickwire-ingest: %s\n", error.text);
        exit_code = error.code == TW_INVALID ? 2 : 1;
    } else {
        exit_code = ingest_run(&self);
    }
    ingest_close(&self);
cleanup:
    settings_free(owner);
    return exit_code;
}
