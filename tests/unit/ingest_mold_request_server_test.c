/* Requests as bytes, answers as bytes: what is answered, in part, and what is refused. */
#include "ingest/line/mold_request_server.h"
#include "tests/unit.h"

static const uint8_t *stored(void *context, uint64_t sequence, uint16_t *length) {
    (void)context;
    *length = 4;
    return sequence < 3 ? NULL : (const uint8_t *)"abcd";
}

TEST(mold_request_server, answers_whole_messages_that_fit_and_refuses_nonsense) {
    static const struct {
        const char *session;
        uint64_t first;
        uint16_t count;
        size_t length;
        mold_request_result result;
        uint16_t answered;
    } rows[] = {{"S", 5, 2, 20, MOLD_REQUEST_ANSWERED, 2},       {"S", 5, 5, 20, MOLD_REQUEST_ANSWERED, 3},
                {"S", 9, 5, 20, MOLD_REQUEST_ANSWERED, 1},       {"S", 10, 1, 20, MOLD_REQUEST_BEYOND, 0},
                {"T", 5, 1, 20, MOLD_REQUEST_SESSION, 0},        {"S", 5, 0, 20, MOLD_REQUEST_COUNT, 0},
                {"S", 5, 65535, 20, MOLD_REQUEST_COUNT, 0},      {"S", 0, 1, 20, MOLD_REQUEST_ZERO, 0},
                {"S", 2, 5, 20, MOLD_REQUEST_NOT_STORED, 0},     {"S", 5, 1, 19, MOLD_REQUEST_NO_REQUEST, 0},
                {"S", UINT64_MAX, 9, 20, MOLD_REQUEST_BEYOND, 0}};
    mold_request_server server;
    mold_request_server_init(&server, "S", stored, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t request[20], answer[20 + 3 * 6 + 5];
        size_t bytes;
        moldudp64_write_header(request, rows[i].session, rows[i].first, rows[i].count);
        mold_request_result result =
            mold_request_answer(&server, request, rows[i].length, 10, answer, sizeof answer, &bytes);
        EXPECT_MSG(result == rows[i].result, "row %zu: %s", i, mold_request_result_text(result));
        EXPECT_MSG(bytes == (rows[i].answered > 0 ? 20u + rows[i].answered * 6u : 0u), "row %zu: %zu bytes", i,
                   bytes);
        if (bytes > 0) EXPECT_U64(answer[19], rows[i].answered);
    }
}

/* Message N has N bytes. */
static const uint8_t *growing(void *context, uint64_t sequence, uint16_t *length) {
    (void)context;
    static const uint8_t bytes[64];
    *length = (uint16_t)sequence;
    return bytes;
}

TEST(mold_request_server, a_message_larger_than_a_packet_is_refused_alone_and_ends_an_answer_before_it) {
    static const struct {
        uint64_t first;
        uint16_t count;
        size_t room; /* behind the header */
        mold_request_result result;
        uint16_t answered;
    } rows[] = {{5, 1, 7, MOLD_REQUEST_ANSWERED, 1},    {5, 1, 6, MOLD_REQUEST_TOO_LARGE, 0},
                {5, 2, 14, MOLD_REQUEST_ANSWERED, 1},   {5, 2, 15, MOLD_REQUEST_ANSWERED, 2},
                {40, 9, 41, MOLD_REQUEST_TOO_LARGE, 0}, {40, 9, 42, MOLD_REQUEST_ANSWERED, 1}};
    mold_request_server server;
    mold_request_server_init(&server, "S", growing, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t request[20], answer[20 + 64];
        size_t bytes = 99;
        moldudp64_write_header(request, "S", rows[i].first, rows[i].count);
        mold_request_result result =
            mold_request_answer(&server, request, sizeof request, 60, answer, 20 + rows[i].room, &bytes);
        EXPECT_MSG(result == rows[i].result, "row %zu: %s", i, mold_request_result_text(result));
        EXPECT_MSG((bytes == 0) == (rows[i].answered == 0), "row %zu: %zu bytes", i, bytes);
        if (bytes > 0) EXPECT_U64(answer[19], rows[i].answered);
    }
    uint8_t request[20], none[19];
    size_t bytes;
    moldudp64_write_header(request, "S", 5, 1);
    EXPECT_I64(mold_request_answer(&server, request, sizeof request, 60, none, sizeof none, &bytes),
               MOLD_REQUEST_TOO_LARGE); /* not even a header fits */
    EXPECT_U64(server.results[MOLD_REQUEST_TOO_LARGE], 3);
    EXPECT_U64(server.results[MOLD_REQUEST_ANSWERED], 4);
    EXPECT_U64(server.messages, 5);
    EXPECT_CONTAINS(mold_request_result_text(MOLD_REQUEST_TOO_LARGE), "larger than a packet");
}
