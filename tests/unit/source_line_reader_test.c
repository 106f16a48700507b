#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "ingest/source/line_reader.h"
#include "tests/unit.h"

static const char *file_with(const char *bytes, size_t length) {
    static char path[64];
    tw_text_copy(path, sizeof path, "/tmp/tickwire-lines-XXXXXX");
    int fd = mkstemp(path);
    EXPECT(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    close(fd);
    return path;
}

static line_reader *open_text(const char *text) {
    const char *path = file_with(text, strlen(text));
    line_reader *reader;
    tw_error error;
    EXPECT_MSG(line_reader_open(&reader, path, &error) == TW_OK, "%s", error.text);
    unlink(path);
    return reader;
}

TEST(line_reader, lines_come_in_order_with_their_numbers_and_the_last_may_lack_its_feed) {
    line_reader *reader = open_text("one\n\nthree");
    static const char *const expected[] = {"one", "", "three"};
    const char *line;
    size_t length;
    bool more;
    tw_error error;
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_I64(line_reader_next(reader, &line, &length, &more, &error), TW_OK);
        EXPECT(more);
        EXPECT_U64(length, strlen(expected[i]));
        EXPECT_BYTES(line, expected[i], length);
        EXPECT_U64(line_reader_number(reader), i + 1);
    }
    EXPECT_I64(line_reader_next(reader, &line, &length, &more, &error), TW_OK);
    EXPECT(!more);
    line_reader_close(reader);
}

TEST(line_reader, a_line_can_be_given_again) {
    line_reader *reader = open_text("one\ntwo\n");
    const char *line;
    size_t length;
    bool more;
    tw_error error;
    line_reader_next(reader, &line, &length, &more, &error);
    line_reader_unread(reader);
    line_reader_next(reader, &line, &length, &more, &error);
    EXPECT_BYTES(line, "one", 3);
    EXPECT_U64(line_reader_number(reader), 1);
    line_reader_next(reader, &line, &length, &more, &error);
    EXPECT_BYTES(line, "two", 3);
    line_reader_close(reader);
}

TEST(line_reader, a_line_beyond_the_bound_is_refused_with_its_number) {
    static char text[LINE_READER_MAX_BYTES + 16];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "ok\n", 3);
    line_reader *reader = open_text(text);
    const char *line;
    size_t length;
    bool more;
    tw_error error;
    EXPECT_I64(line_reader_next(reader, &line, &length, &more, &error), TW_OK);
    EXPECT_I64(line_reader_next(reader, &line, &length, &more, &error), TW_MALFORMED);
    EXPECT_CONTAINS(error.text, "line 2 is longer than");
    line_reader_close(reader);
}
