/* Recordings as bytes: plain and packed, whole, cut and damaged. */
#include <sys/wait.h>
#include <zlib.h>
#include <zstd.h>

#include "ingest/source/file_source.h"
#include "ingest/source/line_reader.h"
#include "tests/support/temporary_file.h"
#include "tests/unit.h"

#define CONTENT_BYTES 1000000u

typedef struct buffer {
    uint8_t *bytes;
    size_t length;
} buffer;

/* Bytes that pack by about a half: digits in no order, the same for every run. */
static buffer content(uint32_t seed) {
    buffer made = {malloc(CONTENT_BYTES), CONTENT_BYTES};
    for (size_t i = 0; i < made.length; i++) {
        seed = seed * 1664525u + 1013904223u;
        made.bytes[i] = (uint8_t)('0' + (seed >> 24) % 10);
    }
    return made;
}

/* Powers of two: many small pieces are not copied at each. */
static size_t room_for(size_t length) {
    size_t room = 64;
    while (room < length)
        room *= 2;
    return room;
}

static void append(buffer *target, const void *bytes, size_t length) {
    size_t room = room_for(target->length + length);
    if (target->bytes == NULL || room != room_for(target->length)) target->bytes = realloc(target->bytes, room);
    memcpy(target->bytes + target->length, bytes, length);
    target->length += length;
}

static void append_gzip(buffer *target, const void *bytes, size_t length) {
    z_stream stream = {0};
    EXPECT_I64(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&stream, length);
    uint8_t *packed = malloc(bound);
    stream.next_in = (Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)length;
    stream.next_out = packed;
    stream.avail_out = (uInt)bound;
    EXPECT_I64(deflate(&stream, Z_FINISH), Z_STREAM_END);
    append(target, packed, stream.total_out);
    deflateEnd(&stream);
    free(packed);
}

static void append_zstd(buffer *target, const void *bytes, size_t length) {
    size_t bound = ZSTD_compressBound(length);
    uint8_t *packed = malloc(bound);
    size_t used = ZSTD_compress(packed, bound, bytes, length, 3);
    EXPECT(!ZSTD_isError(used));
    append(target, packed, used);
    free(packed);
}

typedef void (*packer)(buffer *target, const void *bytes, size_t length);
static const struct {
    const char *name;
    packer append;
} packers[] = {{"plain", append}, {"gzip", append_gzip}, {"zstd", append_zstd}};

/* Reads to the end or the first error, in pieces of `piece`. The error, if any, must be given again by the next read. */
static buffer read_path(const char *path, size_t piece, tw_error *error) {
    file_source *source;
    buffer read = {NULL, 0};
    uint8_t *chunk = malloc(piece);
    *error = (tw_error){0};
    if (file_source_open(&source, path, error) == TW_OK) {
        size_t count = 1;
        tw_code code = TW_OK;
        while (code == TW_OK && count > 0) {
            code = file_source_read(source, chunk, piece, &count, error);
            append(&read, chunk, count);
        }
        tw_error again = {0};
        EXPECT_I64(file_source_read(source, chunk, piece, &count, &again), code);
        EXPECT_U64(count, 0);
        EXPECT_STR(again.text, error->text);
        file_source_close(source);
    }
    free(chunk);
    return read;
}

static buffer read_bytes(const buffer *file, size_t piece, tw_error *error) {
    temporary_file at = temporary_file_write("", file->bytes, file->length);
    buffer read = read_path(at.path, piece, error);
    temporary_file_remove(&at);
    return read;
}

TEST(file_source, plain_gzip_and_zstd_give_the_same_bytes_whatever_the_size_of_a_read) {
    static const size_t pieces[] = {1000, 65536, 4096 + 1, 3 * CONTENT_BYTES};
    buffer whole = content(1);
    for (size_t p = 0; p < 3; p++) {
        buffer file = {NULL, 0};
        packers[p].append(&file, whole.bytes, whole.length);
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            tw_error error;
            buffer read = read_bytes(&file, pieces[i], &error);
            EXPECT_MSG(error.code == TW_OK, "%s: %s", packers[p].name, error.text);
            EXPECT_U64(read.length, whole.length);
            EXPECT_BYTES(read.bytes, whole.bytes, whole.length);
            free(read.bytes);
        }
        free(file.bytes);
    }
    free(whole.bytes);
}

TEST(file_source, members_frames_and_skippable_frames_are_joined) {
    static const uint8_t skippable[] = {0x53, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'};
    static const uint8_t zeros[512] = {0};
    buffer gzip = {NULL, 0}, zstd = {NULL, 0};
    tw_error error;
    append_gzip(&gzip, "one ", 4);
    append_gzip(&gzip, "", 0);
    append_gzip(&gzip, "two", 3);
    append(&gzip, zeros, sizeof zeros); /* as tape blocks are padded */
    append(&zstd, skippable, sizeof skippable);
    append_zstd(&zstd, "one ", 4);
    append(&zstd, skippable, sizeof skippable);
    append_zstd(&zstd, "two", 3);
    append(&zstd, skippable, sizeof skippable);

    for (size_t piece = 1; piece < 9; piece++) {
        buffer from_gzip = read_bytes(&gzip, piece, &error);
        EXPECT_MSG(error.code == TW_OK, "%s", error.text);
        EXPECT_U64(from_gzip.length, 7);
        EXPECT_BYTES(from_gzip.bytes, "one two", 7);
        buffer from_zstd = read_bytes(&zstd, piece, &error);
        EXPECT_MSG(error.code == TW_OK, "%s", error.text);
        EXPECT_U64(from_zstd.length, 7);
        EXPECT_BYTES(from_zstd.bytes, "one two", 7);
        free(from_gzip.bytes);
        free(from_zstd.bytes);
    }
    free(gzip.bytes);
    free(zstd.bytes);
}

TEST(file_source, a_small_archive_cut_at_any_byte_gives_a_prefix_and_says_where_it_ends) {
    char text[300];
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i * i % 23);
    for (size_t p = 1; p < 3; p++) {
        buffer file = {NULL, 0};
        packers[p].append(&file, text, sizeof text);
        for (size_t cut = 4; cut < file.length; cut++) {
            buffer part = {file.bytes, cut};
            tw_error error;
            char offset[64];
            buffer read = read_bytes(&part, 64, &error);
            snprintf(offset, sizeof offset, "%s data, after %zu bytes", packers[p].name, cut);
            EXPECT_MSG(error.code == TW_TRUNCATED, "%s cut at %zu: %s", packers[p].name, cut, error.text);
            EXPECT_CONTAINS(error.text, offset);
            EXPECT(read.length <= sizeof text);
            EXPECT_BYTES(read.bytes, text, read.length);
            free(read.bytes);
        }
        free(file.bytes);
    }
}

TEST(file_source, a_large_archive_that_is_cut_gives_nearly_all_that_was_kept) {
    buffer whole = content(2);
    for (size_t p = 1; p < 3; p++) {
        buffer file = {NULL, 0};
        tw_error error;
        packers[p].append(&file, whole.bytes, whole.length);
        buffer half = {file.bytes, file.length / 2};
        buffer read = read_bytes(&half, 10000, &error);
        EXPECT_I64(error.code, TW_TRUNCATED);
        EXPECT_MSG(read.length > whole.length / 4 && read.length < whole.length, "%s: %zu bytes", packers[p].name,
                   read.length);
        EXPECT_BYTES(read.bytes, whole.bytes, read.length);
        free(read.bytes);
        free(file.bytes);
    }
    free(whole.bytes);
}

TEST(file_source, a_damaged_archive_is_malformed_and_names_an_offset_near_the_damage) {
    buffer whole = content(3);
    for (size_t p = 1; p < 3; p++) {
        buffer file = {NULL, 0};
        tw_error error;
        packers[p].append(&file, whole.bytes, whole.length);
        if (p == 2) file.bytes[1000] ^= 0x5A;
        file.bytes[file.length - (p == 1 ? 6 : 1)] ^= 1; /* gzip: the check sum in its trailer */
        buffer read = read_bytes(&file, 10000, &error);
        EXPECT_MSG(error.code == TW_MALFORMED, "%s: %s", packers[p].name, error.text);
        EXPECT_CONTAINS(error.text, "is damaged");
        EXPECT_CONTAINS(error.text, "at offset ");
        if (p == 1) EXPECT_U64(read.length, whole.length);
        free(read.bytes);
        free(file.bytes);
    }
    free(whole.bytes);
}

TEST(file_source, what_follows_an_archive_and_is_none_is_damage_with_its_offset) {
    for (size_t p = 1; p < 3; p++) {
        buffer file = {NULL, 0};
        tw_error error;
        char offset[64];
        packers[p].append(&file, "good", 4);
        snprintf(offset, sizeof offset, "at offset %zu (no archive starts here)", file.length);
        append(&file, "garbage", 7);
        buffer read = read_bytes(&file, 100, &error);
        EXPECT_I64(error.code, TW_MALFORMED);
        EXPECT_CONTAINS(error.text, offset);
        EXPECT_U64(read.length, 4);
        EXPECT_BYTES(read.bytes, "good", 4);
        free(read.bytes);
        free(file.bytes);
    }
}

TEST(file_source, every_flipped_byte_of_an_archive_gives_an_end_or_an_error) {
    buffer whole = content(4);
    for (size_t p = 1; p < 3; p++) {
        buffer file = {NULL, 0};
        packers[p].append(&file, whole.bytes, 500);
        for (size_t i = 0; i < file.length; i++) {
            tw_error error;
            file.bytes[i] ^= 0xFF;
            buffer read = read_bytes(&file, 128, &error);
            EXPECT(error.code == TW_OK || error.code == TW_MALFORMED || error.code == TW_TRUNCATED);
            file.bytes[i] ^= 0xFF;
            free(read.bytes);
        }
        free(file.bytes);
    }
    free(whole.bytes);
}

TEST(file_source, short_and_empty_files_are_plain) {
    static const char *const texts[] = {"", "a", "ab", "abc", "\x1F", "\x28\xB5\x2F"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buffer file = {(uint8_t *)(uintptr_t)texts[i], strlen(texts[i])};
        tw_error error;
        buffer read = read_bytes(&file, 10, &error);
        EXPECT_MSG(error.code == TW_OK, "%s", error.text);
        EXPECT_U64(read.length, file.length);
        EXPECT_BYTES(read.bytes, file.bytes, file.length);
        free(read.bytes);
    }
}

TEST(file_source, what_cannot_be_opened_says_why) {
    tw_error error = {0};
    file_source *source;
    EXPECT_I64(file_source_open(&source, "/nonexistent/day.gz", &error), TW_NOT_FOUND);
    EXPECT(source == NULL);
    EXPECT_CONTAINS(error.text, "/nonexistent/day.gz");
    EXPECT_CONTAINS(error.text, "No such file or directory");
    EXPECT_I64(file_source_open(&source, "/", &error), TW_IO);
    EXPECT_CONTAINS(error.text, "Is a directory");
    EXPECT_I64(file_source_open(&source, "/dev/null/x", &error), TW_IO);
    EXPECT_CONTAINS(error.text, "Not a directory");
    file_source_close(NULL);
}

TEST(file_source, a_dash_reads_standard_input_also_where_a_pipe_gives_little_at_a_time) {
    buffer file = {NULL, 0};
    int ends[2];
    tw_error error;
    append_gzip(&file, "through a pipe", 14);
    EXPECT_I64(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < file.length; i++) {
            if (write(ends[1], file.bytes + i, 1) != 1) _exit(1);
            if (i < 6) usleep(1000);
        }
        _exit(0);
    }
    close(ends[1]);
    int kept = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    buffer read = read_path("-", 100, &error);
    dup2(kept, STDIN_FILENO);
    close(kept);
    close(ends[0]);
    waitpid(child, NULL, 0);
    EXPECT_MSG(error.code == TW_OK, "%s", error.text);
    EXPECT_U64(read.length, 14);
    EXPECT_BYTES(read.bytes, "through a pipe", 14);
    free(read.bytes);
    free(file.bytes);
}

TEST(line_reader, of_a_cut_archive_the_whole_lines_are_given_and_the_torn_one_is_not) {
    buffer file = {NULL, 0}, packed = {NULL, 0};
    for (int i = 0; i < 50000; i++) {
        char row[32];
        int length = snprintf(row, sizeof row, "%d,%u\n", i, (unsigned)i * 2654435761u);
        append(&file, row, (size_t)length);
    }
    append_gzip(&packed, file.bytes, file.length);
    temporary_file at = temporary_file_write("", packed.bytes, packed.length / 2);
    line_reader *reader;
    const char *next;
    size_t next_length;
    bool more;
    tw_error error = {0};
    tw_code code;
    uint64_t lines = 0;
    EXPECT_I64(line_reader_open(&reader, at.path, &error), TW_OK);
    while ((code = line_reader_next(reader, &next, &next_length, &more, &error)) == TW_OK && more) {
        char row[32];
        int length = snprintf(row, sizeof row, "%d,%u", (int)lines, (unsigned)lines * 2654435761u);
        EXPECT_U64(next_length, length);
        EXPECT_BYTES(next, row, next_length);
        lines++;
    }
    EXPECT_I64(code, TW_TRUNCATED);
    EXPECT(lines > 10000 && lines < 50000);
    line_reader_close(reader);
    temporary_file_remove(&at);
    free(file.bytes);
    free(packed.bytes);
}
