/* Reading what a NATS server sends. */
#include "runtime/bus_protocol.h"

#include <stdbool.h>
#include <string.h>

#define END_BYTES     2
#define MOST_WORDS    5 /* of HMSG, after its name */
#define MOST_DIGITS   15
#define STATUS_LINE   "NATS/1.0"
#define STATUS_LENGTH (sizeof STATUS_LINE - 1)

typedef struct word {
    char *at;
    size_t length;
} word;

static bus_operation broken(void) {
    return (bus_operation){.kind = BUS_OPERATION_BROKEN};
}

/* The words of a line, which ends in CR at `end`. Returns how many, MOST_WORDS + 1 if there are more. */
static unsigned split(char *at, const char *end, word words[MOST_WORDS]) {
    unsigned count = 0;
    for (;;) {
        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        if (at == end) return count;
        if (count == MOST_WORDS) return MOST_WORDS + 1;
        char *begin = at;
        while (at < end && *at != ' ' && *at != '\t')
            at++;
        words[count++] = (word){begin, (size_t)(at - begin)};
    }
}

static bool to_number(word text, uint64_t *number) {
    *number = 0;
    if (text.length == 0 || text.length > MOST_DIGITS) return false;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned char)text.at[i] - (unsigned)'0';
        if (digit > 9) return false;
        *number = *number * 10 + digit;
    }
    return true;
}

/* What the line of a message says. */
typedef struct announced {
    word subject, reply;
    uint64_t sid, headers, length;
} announced;

static bool understand(char *at, const char *end, bool with_headers, announced *message) {
    word words[MOST_WORDS];
    unsigned count = split(at, end, words), least = with_headers ? 4 : 3;
    bool replied = count == least + 1;
    if (count != least && !replied) return false;
    const word *numbers = words + (replied ? 3 : 2);
    *message = (announced){.subject = words[0], .reply = replied ? words[2] : (word){0}};
    if (!to_number(words[1], &message->sid)) return false;
    if (with_headers && !to_number(*numbers++, &message->headers)) return false;
    return to_number(*numbers, &message->length) && message->length <= BUS_PROTOCOL_PAYLOAD_BYTES &&
           message->headers <= message->length;
}

static const char *terminated(word text) {
    if (text.length == 0) return NULL;
    text.at[text.length] = '\0';
    return text.at;
}

/* `line` bytes with their end, of which `name` are the operation's name. */
static bus_operation read_message(char *bytes, size_t length, size_t line, size_t name, bool with_headers) {
    announced message;
    if (!understand(bytes + name, bytes + line - END_BYTES, with_headers, &message)) return broken();
    size_t whole = line + (size_t)message.length + END_BYTES;
    if (length < whole) return (bus_operation){.kind = BUS_OPERATION_PART, .size = whole};
    char *body = bytes + line, *end = body + message.length;
    if (end[0] != '\r' || end[1] != '\n') return broken();
    end[0] = '\0';
    return (bus_operation){.kind = BUS_OPERATION_MESSAGE,
                           .size = whole,
                           .sid = message.sid,
                           .subject = terminated(message.subject),
                           .reply = terminated(message.reply),
                           .headers = with_headers ? body : NULL,
                           .headers_length = (size_t)message.headers,
                           .payload = (const uint8_t *)body + message.headers,
                           .payload_length = (size_t)(message.length - message.headers)};
}

/* The rest of a line behind the operation's name, without blanks and quotes around it. */
static bus_operation read_text(bus_operation_kind kind, char *at, char *end, size_t line) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\''))
        at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\''))
        end--;
    *end = '\0';
    return (bus_operation){.kind = kind, .size = line, .text = at};
}

static bool is(const char *bytes, size_t line, const char *name, size_t name_length) {
    return line >= name_length + END_BYTES && memcmp(bytes, name, name_length) == 0;
}

#define IS(name) is(bytes, line, name, sizeof(name) - 1)

static bus_operation read_line(char *bytes, size_t length, size_t line) {
    if (IS("MSG ")) return read_message(bytes, length, line, 4, false);
    if (IS("HMSG ")) return read_message(bytes, length, line, 5, true);
    if (IS("PING")) return (bus_operation){.kind = BUS_OPERATION_PING, .size = line};
    if (IS("PONG") || IS("+OK")) return (bus_operation){.kind = BUS_OPERATION_OTHER, .size = line};
    if (IS("-ERR")) return read_text(BUS_OPERATION_ERROR, bytes + 4, bytes + line - END_BYTES, line);
    if (IS("INFO ")) return read_text(BUS_OPERATION_INFO, bytes + 5, bytes + line - END_BYTES, line);
    return broken();
}

bus_operation bus_protocol_read(char *bytes, size_t length) {
    size_t looked_at = length < BUS_PROTOCOL_LINE_BYTES ? length : BUS_PROTOCOL_LINE_BYTES;
    const char *end = looked_at > 0 ? memchr(bytes, '\n', looked_at) : NULL;
    if (end == NULL && looked_at == BUS_PROTOCOL_LINE_BYTES) return broken();
    if (end == NULL) return (bus_operation){.kind = BUS_OPERATION_PART, .size = length + 1};
    size_t line = (size_t)(end - bytes) + 1;
    if (line < END_BYTES || bytes[line - END_BYTES] != '\r') return broken();
    return read_line(bytes, length, line);
}

/* ---- headers ---- */

/* Up to the line's end, or to where an earlier look has put one. NULL: a line without end. */
static const char *value_at(char *at, char *end) {
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    char *after = at;
    while (after < end && *after != '\r' && *after != '\0')
        after++;
    if (after == end) return NULL;
    *after = '\0';
    return at;
}

/* "NATS/1.0 503 No Responders", of which an earlier look may have cut the number off. */
static const char *in_status_line(char *headers, char *end, bool description) {
    char *status = headers + STATUS_LENGTH + 1, *rest = status;
    while (rest < end && *rest >= '0' && *rest <= '9')
        rest++;
    if (rest == status || rest + 1 >= end) return NULL;
    if (description) return rest[1] != '\n' ? value_at(rest + 1, end) : NULL;
    *rest = '\0';
    return status;
}

const char *bus_protocol_header(char *headers, size_t length, const char *name) {
    char *end = headers + length;
    size_t name_length = strlen(name);
    if (length <= STATUS_LENGTH || memcmp(headers, STATUS_LINE, STATUS_LENGTH) != 0) return NULL;
    if (strcmp(name, "Status") == 0) return in_status_line(headers, end, false);
    if (strcmp(name, "Description") == 0) return in_status_line(headers, end, true);
    for (char *at = headers; (at = memchr(at, '\n', (size_t)(end - at))) != NULL;) {
        at++;
        if ((size_t)(end - at) > name_length && memcmp(at, name, name_length) == 0 && at[name_length] == ':')
            return value_at(at + name_length + 1, end);
    }
    return NULL;
}
