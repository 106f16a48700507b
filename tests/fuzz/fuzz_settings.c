/* Settings of the ingest: the lines up to an empty one are words of the command line, the rest is a file. */
#include "ingest/settings.h"

#include "tests/fuzz/fuzz.h"

#define MOST_WORDS 24

/* Help and version print, and another file is not this target's to read. */
static int is_passed_over(const char *word) {
    static const char *const others[] = {"--help", "-h", "--version", "-V"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(word, others[i]) == 0) return 1;
    }
    return strncmp(word, "--config", 8) == 0 || word[0] == '\0';
}

static void check_values(const ingest_settings *values) {
    FUZZ_CHECK(values->source != NULL && values->exchange != NULL && values->nats != NULL);
    FUZZ_CHECK(strcmp(values->feed, "itch50") == 0 || strcmp(values->feed, "lobster") == 0);
    FUZZ_CHECK(values->depth >= 1 && values->depth <= 64);
    FUZZ_CHECK(values->partition >= 1 && values->partition <= 65535);
    FUZZ_CHECK(values->max_instruments >= 1 && values->max_instruments <= 65536);
    FUZZ_CHECK(values->reorder_window_ns >= 0 && values->gap_deadline_ns >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    char program[] = "tickwire-ingest", flag[] = "--config", path[40];
    char *words[MOST_WORDS + 4] = {program, flag, path};
    int count = 3;
    while (input.left > 0 && count < MOST_WORDS + 3) {
        char *line = fuzz_line(&input);
        if (line[0] == '\0') {
            free(line);
            break;
        }
        if (is_passed_over(line))
            free(line);
        else
            words[count++] = line;
    }
    int file = fuzz_file(input.bytes, input.left, path);
    settings *owner = NULL;
    ingest_settings values = {0};
    const char *others[4];
    size_t other_count = 0;
    tw_error error = {0};
    settings_outcome outcome =
        settings_read(&owner, &ingest_program, count, words, &values, others, 4, &other_count, &error);
    FUZZ_CHECK(outcome == SETTINGS_RUN || (outcome == SETTINGS_ERROR && error.text[0] != '\0'));
    FUZZ_CHECK(other_count <= 4);
    if (outcome == SETTINGS_RUN) check_values(&values);
    settings_free(owner);
    close(file);
    while (count > 3)
        free(words[--count]);
    return 0;
}
