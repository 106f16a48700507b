#include "gateways/request_line.h"

#include "tests/unit.h"

#define PATH_BYTES 32

static struct {
    const char *line, *path; /* NULL: it is none */
} rows[] = {
    {"TRACE /v1/book/XNAS/A HTTP/1.1", "/v1/book/XNAS/A"},
    {"FOO /healthz?x=1&y HTTP/1.1", "/healthz"},
    {"FOO / HTTP/1.0", "/"},
    {"x-y! /a%20b HTTP/1.1", "/a%20b"},
    {"TRACE http://host:1/readyz?x HTTP/1.1", "/readyz"},
    {"TRACE HTTPS://host/readyz HTTP/1.1", "/readyz"},
    {"TRACE http://host HTTP/1.1", "/"},
    {"TRACE http://host?x HTTP/1.1", "/"},
    {"FOO * HTTP/1.1", "*"},
    {"CONNECT host:443 HTTP/1.1", "*"},
    {"FOO ?x HTTP/1.1", "*"},
    {"FOO /01234567890123456789012345678 HTTP/1.1", "/01234567890123456789012345678"},
    {"FOO /0123456789012345678901234567890 HTTP/1.1", NULL},
    {"", NULL},
    {" ", NULL},
    {"FOO", NULL},
    {"FOO /", NULL},
    {"FOO / ", NULL},
    {"FOO / HTTP/2.0", NULL},
    {"FOO / HTTP/1.1x", NULL},
    {"FOO / HTTP/1.", NULL},
    {"FOO / http/1.1", NULL},
    {"FOO  / HTTP/1.1", NULL},
    {" / HTTP/1.1", NULL},
    {"FOO  HTTP/1.1", NULL},
    {"F(O / HTTP/1.1", NULL},
    {"FOO /a\tb HTTP/1.1", NULL},
    {"FOO /\xff HTTP/1.1", NULL},
    {"GET /a b HTTP/1.1", NULL},
    {"\x16\x03\x01\x02", NULL},
};

TEST(request_line, what_is_asked_for_is_known_and_what_is_no_request_is_none) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[PATH_BYTES] = "";
        bool read = request_line_read(rows[i].line, strlen(rows[i].line), path, sizeof path);
        EXPECT_MSG(read == (rows[i].path != NULL), "\"%s\"", rows[i].line);
        if (read) EXPECT_STR(path, rows[i].path);
    }
}

TEST(request_line, nothing_behind_its_length_is_looked_at) {
    char path[PATH_BYTES];
    EXPECT(!request_line_read("FOO / HTTP/1.1", 13, path, sizeof path));
    EXPECT(!request_line_read("F\0O / HTTP/1.1", 14, path, sizeof path));
    EXPECT(request_line_read("FOO / HTTP/1.12", 14, path, sizeof path));
}
