/* SoupBinTCP packets and their fields. What they mean to a session is ingest/line/soup_client.c's and _server.c's. */
#include "ingest/framing/soupbintcp.h"

#include "base/assert.h"
#include "base/bytes.h"

#define LENGTH_BYTES   2u
#define USERNAME_WIDTH 6u
#define PASSWORD_WIDTH 10u
#define SESSION_WIDTH  10u
#define NUMBER_WIDTH   20u
#define TIMEOUT_WIDTH  5u

/* Where fields stand in the payload. */
#define LOGIN_PASSWORD   6u
#define LOGIN_SESSION    16u
#define LOGIN_NUMBER     26u
#define LOGIN_TIMEOUT    46u
#define ACCEPTED_NUMBER  10u
#define LOGIN_PAYLOAD    46u
#define LOGIN_PAYLOAD_4  51u
#define ACCEPTED_PAYLOAD 30u
#define REJECTED_PAYLOAD 1u

typedef enum shape { SHAPE_UNKNOWN, SHAPE_FITS, SHAPE_WRONG } shape;

static shape shape_if(bool fits) {
    return fits ? SHAPE_FITS : SHAPE_WRONG;
}

static shape shape_of(uint8_t type, size_t payload) {
    switch (type) {
    case SOUP_DEBUG:
    case SOUP_SEQUENCED:
    case SOUP_UNSEQUENCED:
        return SHAPE_FITS;
    case SOUP_SERVER_HEARTBEAT:
    case SOUP_END_OF_SESSION:
    case SOUP_CLIENT_HEARTBEAT:
    case SOUP_LOGOUT:
        return shape_if(payload == 0);
    case SOUP_LOGIN_REQUEST:
        return shape_if(payload == LOGIN_PAYLOAD || payload == LOGIN_PAYLOAD_4);
    case SOUP_LOGIN_ACCEPTED:
        return shape_if(payload == ACCEPTED_PAYLOAD);
    case SOUP_LOGIN_REJECTED:
        return shape_if(payload == REJECTED_PAYLOAD);
    default:
        return SHAPE_UNKNOWN;
    }
}

soup_result soup_parse(const uint8_t *bytes, size_t available, size_t max_payload_bytes, soup_packet *packet,
                       size_t *consumed) {
    *consumed = 0;
    if (available < LENGTH_BYTES) return SOUP_NEED_MORE;
    size_t length = tw_load_be16(bytes);
    if (length == 0 || length - 1 > max_payload_bytes) return SOUP_MALFORMED;
    if (available < SOUP_HEADER_BYTES) return SOUP_NEED_MORE;
    shape fit = shape_of(bytes[LENGTH_BYTES], length - 1);
    if (fit == SHAPE_WRONG) return SOUP_MALFORMED;
    if (available - LENGTH_BYTES < length) return SOUP_NEED_MORE;
    packet->type = (char)bytes[LENGTH_BYTES];
    packet->length = (uint16_t)(length - 1);
    packet->payload = bytes + SOUP_HEADER_BYTES;
    *consumed = LENGTH_BYTES + length;
    return fit == SHAPE_FITS ? SOUP_CONSUMED : SOUP_UNKNOWN;
}

/* ---- fields ---- */

/* Blanks around the text are padding, whichever side they are on; those within belong to it. */
static bool read_text(const uint8_t *field, size_t width, char *text) {
    size_t from = 0, to = width;
    while (from < to && field[from] == ' ')
        from++;
    while (to > from && field[to - 1] == ' ')
        to--;
    for (size_t i = from; i < to; i++) {
        if (field[i] < ' ' || field[i] > '~') return false;
        text[i - from] = (char)field[i];
    }
    text[to - from] = '\0';
    return true;
}

bool soup_read_number(const uint8_t *field, size_t width, uint64_t *number) {
    size_t from = 0, to = width;
    while (from < to && field[from] == ' ')
        from++;
    while (to > from && field[to - 1] == ' ')
        to--;
    if (from == to) return false;
    uint64_t value = 0;
    for (size_t i = from; i < to; i++) {
        if (field[i] < '0' || field[i] > '9') return false;
        if (__builtin_mul_overflow(value, 10u, &value)) return false;
        if (__builtin_add_overflow(value, (uint64_t)(field[i] - '0'), &value)) return false;
    }
    *number = value;
    return true;
}

bool soup_write_number(uint8_t *field, size_t width, uint64_t number) {
    memset(field, ' ', width);
    size_t at = width;
    do {
        if (at == 0) return false;
        field[--at] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return true;
}

typedef enum justify { JUSTIFY_LEFT, JUSTIFY_RIGHT } justify;

static bool write_text(uint8_t *field, size_t width, const char *text, justify side) {
    size_t length = strlen(text);
    if (length > width) return false;
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~') return false;
    memset(field, ' ', width);
    uint8_t *at = side == JUSTIFY_LEFT ? field : field + width - length;
    for (size_t i = 0; i < length; i++)
        at[i] = (uint8_t)text[i]; /* a field has no NUL behind it */
    return true;
}

bool soup_read_login(const soup_packet *packet, soup_login *login) {
    if (packet->type != SOUP_LOGIN_REQUEST) return false;
    const uint8_t *p = packet->payload;
    uint64_t timeout_ms = 0;
    *login = (soup_login){0};
    if (packet->length == LOGIN_PAYLOAD_4 && !soup_read_number(p + LOGIN_TIMEOUT, TIMEOUT_WIDTH, &timeout_ms))
        return false;
    login->timeout_ms = (uint32_t)timeout_ms; /* five digits */
    return read_text(p, USERNAME_WIDTH, login->username) &&
           read_text(p + LOGIN_PASSWORD, PASSWORD_WIDTH, login->password) &&
           read_text(p + LOGIN_SESSION, SESSION_WIDTH, login->session) &&
           soup_read_number(p + LOGIN_NUMBER, NUMBER_WIDTH, &login->sequence);
}

bool soup_read_accepted(const soup_packet *packet, soup_accepted *accepted) {
    return packet->type == SOUP_LOGIN_ACCEPTED && read_text(packet->payload, SESSION_WIDTH, accepted->session) &&
           soup_read_number(packet->payload + ACCEPTED_NUMBER, NUMBER_WIDTH, &accepted->sequence);
}

bool soup_read_rejected(const soup_packet *packet, char *reason) {
    if (packet->type != SOUP_LOGIN_REJECTED) return false;
    *reason = (char)packet->payload[0];
    return true;
}

static int lower(char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool soup_same_text(const char *a, const char *b) {
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return *a == '\0' && *b == '\0';
}

/* ---- writing ---- */

/* The header; the payload's place, or NULL if the packet does not fit. */
static uint8_t *begin(uint8_t *target, size_t capacity, soup_type type, size_t length) {
    if (length > SOUP_MAX_PAYLOAD_BYTES || capacity < SOUP_HEADER_BYTES || capacity - SOUP_HEADER_BYTES < length)
        return NULL;
    tw_store_be16(target, (uint16_t)(length + 1));
    target[LENGTH_BYTES] = (uint8_t)type;
    return target + SOUP_HEADER_BYTES;
}

size_t soup_write_data(uint8_t *target, size_t capacity, soup_type type, const uint8_t *payload, size_t length) {
    TW_ASSERT(type == SOUP_DEBUG || type == SOUP_SEQUENCED || type == SOUP_UNSEQUENCED);
    uint8_t *place = begin(target, capacity, type, length);
    if (place == NULL) return 0;
    if (length > 0) memcpy(place, payload, length);
    return SOUP_HEADER_BYTES + length;
}

size_t soup_write_empty(uint8_t *target, size_t capacity, soup_type type) {
    TW_ASSERT(type == SOUP_SERVER_HEARTBEAT || type == SOUP_END_OF_SESSION || type == SOUP_CLIENT_HEARTBEAT ||
              type == SOUP_LOGOUT);
    return begin(target, capacity, type, 0) == NULL ? 0 : SOUP_EMPTY_BYTES;
}

size_t soup_write_login(uint8_t *target, size_t capacity, const soup_login *login) {
    size_t length = login->timeout_ms > 0 ? LOGIN_PAYLOAD_4 : LOGIN_PAYLOAD;
    uint8_t *p = begin(target, capacity, SOUP_LOGIN_REQUEST, length);
    if (p == NULL) return 0;
    bool fits = write_text(p, USERNAME_WIDTH, login->username, JUSTIFY_LEFT) &&
                write_text(p + LOGIN_PASSWORD, PASSWORD_WIDTH, login->password, JUSTIFY_LEFT) &&
                write_text(p + LOGIN_SESSION, SESSION_WIDTH, login->session, JUSTIFY_RIGHT) &&
                soup_write_number(p + LOGIN_NUMBER, NUMBER_WIDTH, login->sequence);
    if (fits && login->timeout_ms > 0)
        fits = soup_write_number(p + LOGIN_TIMEOUT, TIMEOUT_WIDTH, login->timeout_ms);
    return fits ? SOUP_HEADER_BYTES + length : 0;
}

size_t soup_write_accepted(uint8_t *target, size_t capacity, const soup_accepted *accepted) {
    uint8_t *p = begin(target, capacity, SOUP_LOGIN_ACCEPTED, ACCEPTED_PAYLOAD);
    if (p == NULL || !write_text(p, SESSION_WIDTH, accepted->session, JUSTIFY_RIGHT)) return 0;
    (void)soup_write_number(p + ACCEPTED_NUMBER, NUMBER_WIDTH, accepted->sequence); /* 64 bits are 20 digits */
    return SOUP_ACCEPTED_BYTES;
}

size_t soup_write_rejected(uint8_t *target, size_t capacity, char reason) {
    uint8_t *p = begin(target, capacity, SOUP_LOGIN_REJECTED, REJECTED_PAYLOAD);
    if (p == NULL) return 0;
    p[0] = (uint8_t)reason;
    return SOUP_REJECTED_BYTES;
}

/* ---- a stream that comes in pieces ---- */

void soup_reader_init(soup_reader *reader, uint8_t *carry, size_t max_payload_bytes) {
    *reader = (soup_reader){.carry = carry, .max_payload_bytes = max_payload_bytes};
}

void soup_reader_reset(soup_reader *reader) {
    reader->carried = 0;
}

static void carry_on(soup_reader *reader, const uint8_t **bytes, size_t *length, size_t count) {
    if (count > *length) count = *length;
    if (count == 0) return;
    memcpy(reader->carry + reader->carried, *bytes, count);
    reader->carried += count;
    *bytes += count;
    *length -= count;
}

/* Completes the packet whose start was kept: its header first, then as much as that announces, never more. */
static soup_result complete(soup_reader *reader, const uint8_t **bytes, size_t *length, soup_packet *packet) {
    size_t consumed;
    if (reader->carried < SOUP_HEADER_BYTES) carry_on(reader, bytes, length, SOUP_HEADER_BYTES - reader->carried);
    soup_result result = soup_parse(reader->carry, reader->carried, reader->max_payload_bytes, packet, &consumed);
    if (result == SOUP_NEED_MORE && reader->carried >= SOUP_HEADER_BYTES) {
        carry_on(reader, bytes, length, LENGTH_BYTES + tw_load_be16(reader->carry) - reader->carried);
        result = soup_parse(reader->carry, reader->carried, reader->max_payload_bytes, packet, &consumed);
    }
    if (result == SOUP_CONSUMED || result == SOUP_UNKNOWN) reader->carried = 0;
    return result;
}

soup_result soup_reader_next(soup_reader *reader, const uint8_t **bytes, size_t *length, soup_packet *packet) {
    if (reader->carried > 0) return complete(reader, bytes, length, packet);
    size_t consumed;
    soup_result result = soup_parse(*bytes, *length, reader->max_payload_bytes, packet, &consumed);
    *bytes += consumed;
    *length -= consumed;
    if (result == SOUP_NEED_MORE) carry_on(reader, bytes, length, *length);
    return result;
}
