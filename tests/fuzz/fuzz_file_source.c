/* Recordings: any bytes as a file, plain, gzip or zstd. Read as bytes and as lines, both end and agree. */
#include "ingest/source/file_source.h"

#include "ingest/source/line_reader.h"
#include "tests/fuzz/fuzz.h"

#define MOST_BYTES (1u << 20) /* archives unpack to as much as they like */

static tw_code read_bytes(const char *path, size_t capacity, size_t *total, uint64_t *feeds, uint8_t *last) {
    file_source *source = NULL;
    tw_error error;
    size_t count = 1;
    tw_code code = file_source_open(&source, path, &error);
    uint8_t *buffer = malloc(capacity);
    FUZZ_CHECK(buffer != NULL);
    while (code == TW_OK && count > 0 && *total < MOST_BYTES) {
        code = file_source_read(source, buffer, capacity, &count, &error);
        FUZZ_CHECK(count <= capacity);
        for (size_t i = 0; i < count; i++)
            *feeds += buffer[i] == '\n';
        if (count > 0) *last = buffer[count - 1];
        *total += count;
    }
    FUZZ_CHECK(code == TW_OK || code == TW_MALFORMED || code == TW_TRUNCATED);
    FUZZ_CHECK(code == TW_OK || error.text[0] != '\0');
    free(buffer);
    file_source_close(source);
    return code;
}

static void check_lines(const char *path, size_t total, uint64_t feeds, uint8_t last) {
    line_reader *reader = NULL;
    tw_error error;
    bool more = true;
    uint64_t lines = 0;
    size_t characters = 0;
    tw_code code = line_reader_open(&reader, path, &error);
    while (code == TW_OK) {
        const char *line = NULL;
        size_t length = 0;
        code = line_reader_next(reader, &line, &length, &more, &error);
        if (code != TW_OK || !more) break;
        FUZZ_CHECK(length == 0 || memchr(line, '\n', length) == NULL);
        characters += length;
        FUZZ_CHECK(line_reader_number(reader) == ++lines);
    }
    line_reader_close(reader);
    if (code != TW_OK) return; /* a line may be too long */
    FUZZ_CHECK(characters + feeds == total);
    FUZZ_CHECK(lines == feeds + (total > 0 && last != '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    size_t capacity = (fuzz_u8(&input) + 1u) * 64u, total = 0;
    char path[40];
    uint64_t feeds = 0;
    uint8_t last = 0;
    int file = fuzz_file(input.bytes, input.left, path);
    if (read_bytes(path, capacity, &total, &feeds, &last) == TW_OK && total < MOST_BYTES)
        check_lines(path, total, feeds, last);
    close(file);
    return 0;
}
