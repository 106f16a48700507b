/* Answers to retransmission requests. */
#include "ingest/line/mold_request_server.h"

#include <string.h>

#include "base/bytes.h"

#define SESSION_CHARACTERS (MOLDUDP64_SESSION_BYTES - 1)

void mold_request_server_init(mold_request_server *server, const char *session, mold_request_message message,
                              void *context) {
    *server = (mold_request_server){.message = message, .context = context};
    uint8_t header[MOLDUDP64_HEADER_BYTES];
    moldudp64_write_header(header, session, 0, 0);
    memcpy(server->session, header, SESSION_CHARACTERS);
}

static mold_request_result check(const mold_request_server *server, const uint8_t *request, size_t length,
                                 uint64_t next) {
    if (length != MOLDUDP64_HEADER_BYTES) return MOLD_REQUEST_NO_REQUEST;
    if (memcmp(request, server->session, SESSION_CHARACTERS) != 0) return MOLD_REQUEST_SESSION;
    uint64_t first = tw_load_be64(request + 10);
    uint16_t count = tw_load_be16(request + 18);
    if (count == 0 || count == MOLDUDP64_END_OF_SESSION) return MOLD_REQUEST_COUNT;
    if (first == 0) return MOLD_REQUEST_ZERO;
    return first >= next ? MOLD_REQUEST_BEYOND : MOLD_REQUEST_ANSWERED;
}

/* Appends messages until one does not fit, is not stored, or all are there. Returns how many; `result` tells why none. */
static uint16_t append(const mold_request_server *server, uint64_t first, uint64_t end, uint8_t *answer,
                       size_t capacity, size_t *bytes, mold_request_result *result) {
    uint16_t count = 0;
    for (uint64_t number = first; number < end; number++, count++) {
        uint16_t length;
        const uint8_t *message = server->message(server->context, number, &length);
        size_t added =
            message == NULL ? 0 : moldudp64_write_block(answer + *bytes, capacity - *bytes, message, length);
        if (added == 0) {
            if (count == 0) *result = message == NULL ? MOLD_REQUEST_NOT_STORED : MOLD_REQUEST_TOO_LARGE;
            break;
        }
        *bytes += added;
    }
    return count;
}

static mold_request_result respond(mold_request_server *server, const uint8_t *request, size_t length,
                                   uint64_t next, uint8_t *answer, size_t capacity, size_t *answer_bytes) {
    mold_request_result result = check(server, request, length, next);
    if (result != MOLD_REQUEST_ANSWERED) return result;
    if (capacity < MOLDUDP64_HEADER_BYTES) return MOLD_REQUEST_TOO_LARGE;
    uint64_t first = tw_load_be64(request + 10), asked = tw_load_be16(request + 18);
    uint64_t end = asked < next - first ? first + asked : next;
    size_t bytes = MOLDUDP64_HEADER_BYTES;
    uint16_t count = append(server, first, end, answer, capacity, &bytes, &result);
    if (count == 0) return result;
    moldudp64_write_header(answer, server->session, first, count);
    server->messages += count;
    *answer_bytes = bytes;
    return MOLD_REQUEST_ANSWERED;
}

mold_request_result mold_request_answer(mold_request_server *server, const uint8_t *request, size_t length,
                                        uint64_t next, uint8_t *answer, size_t capacity, size_t *answer_bytes) {
    *answer_bytes = 0;
    mold_request_result result = respond(server, request, length, next, answer, capacity, answer_bytes);
    server->results[result]++;
    return result;
}

const char *mold_request_result_text(mold_request_result result) {
    static const char *const texts[MOLD_REQUEST_RESULTS] = {
        [MOLD_REQUEST_ANSWERED] = "answered",       [MOLD_REQUEST_NO_REQUEST] = "not 20 bytes long",
        [MOLD_REQUEST_SESSION] = "another session", [MOLD_REQUEST_COUNT] = "count 0 or 65535",
        [MOLD_REQUEST_ZERO] = "sequence number 0",  [MOLD_REQUEST_BEYOND] = "beyond the last message",
        [MOLD_REQUEST_NOT_STORED] = "not stored",   [MOLD_REQUEST_TOO_LARGE] = "a message larger than a packet",
    };
    return (unsigned)result < MOLD_REQUEST_RESULTS ? texts[result] : "?";
}
