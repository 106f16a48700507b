/* Subjects: any text taken apart. What is a subject here is written again as the same; patterns match without end. */
#include "proto/subject.h"

#include "tests/fuzz/fuzz.h"

static void check_parts(const char *text) {
    subject_parts parts = {0}, again = {0};
    char subject[SUBJECT_BYTES];
    bool written;
    switch (subject_parse(text, &parts)) {
    case SUBJECT_KIND_INSTRUMENT:
        written = subject_instrument(subject, sizeof subject, parts.mic, parts.symbol, parts.channel);
        break;
    case SUBJECT_KIND_FEED_STATUS:
        written = subject_feed_status(subject, sizeof subject, parts.mic, parts.partition);
        break;
    case SUBJECT_KIND_SNAPSHOT:
        written = subject_snapshot(subject, sizeof subject, parts.mic, parts.symbol, parts.channel);
        break;
    case SUBJECT_KIND_SNAPSHOTS:
        written = subject_snapshots(subject, sizeof subject, parts.mic, parts.channel);
        break;
    case SUBJECT_KIND_INSTRUMENTS:
        written = subject_instruments(subject, sizeof subject, parts.mic);
        break;
    case SUBJECT_KIND_INSTRUMENT_CHANGES:
        written = subject_instrument_changes(subject, sizeof subject, parts.mic);
        break;
    default:
        return;
    }
    FUZZ_CHECK(written);
    FUZZ_CHECK(subject_parse(subject, &again) == parts.kind);
    FUZZ_CHECK(strcmp(again.mic, parts.mic) == 0 && strcmp(again.symbol, parts.symbol) == 0);
    FUZZ_CHECK(again.channel == parts.channel && again.partition == parts.partition);
    FUZZ_CHECK(subject_matches(subject, subject) && subject_matches(">", subject));
}

/* A symbol has one token: what unescapes, escapes to the same. */
static void check_token(const char *text) {
    char symbol[TW_SYMBOL_BYTES], token[SUBJECT_BYTES];
    size_t length = strlen(text);
    if (subject_unescape(symbol, text, length)) {
        FUZZ_CHECK(subject_escape(token, sizeof token, symbol));
        FUZZ_CHECK(strcmp(token, text) == 0);
    }
    if (subject_escape(token, sizeof token, text)) {
        FUZZ_CHECK(subject_unescape(symbol, token, strlen(token)));
        FUZZ_CHECK(strcmp(symbol, text) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    char *text = fuzz_line(&input), *pattern = fuzz_line(&input);
    check_parts(text);
    check_token(text);
    subject_matches(pattern, text);
    subject_channel channel;
    if (subject_channel_parse(pattern, &channel)) FUZZ_CHECK(strcmp(subject_channel_name(channel), pattern) == 0);
    free(pattern);
    free(text);
    return 0;
}
