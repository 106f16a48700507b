/*
 * SoupBinTCP: packets in a TCP byte stream, for both ends.
 *
 * Source: "SoupBinTCP" specification 3.00 (and 4.00, which adds one field to the login request).
 *   1.1   a packet: 2 byte big endian length of what follows it, 1 byte type, payload. So the length is at least 1
 *   1.2   the first sequenced message of a session is number 1; numbers are not sent but counted
 *   1.3   heartbeats: either side sends one when it sent nothing for 1 s; 15 s without anything: the link is dead
 *   2.1   '+' debug                                                     any text, either side
 *   2.2   server: 'A' login accepted, 'J' login rejected, 'S' sequenced data, 'H' heartbeat, 'Z' end of session
 *   2.3   client: 'L' login request, 'U' unsequenced data, 'R' heartbeat, 'O' logout request
 *
 * Texts in packets are ASCII. User name and password stand on the left and are padded with blanks on the right;
 * session names and numbers stand on the right and are padded with blanks on the left. Reading takes either padding,
 * because servers differ; writing does as the specification says.
 *
 * Pure. Two layers: soup_parse finds packets in bytes, soup_read_* finds fields in packets.
 */
#ifndef TICKWIRE_INGEST_FRAMING_SOUPBINTCP_H
#define TICKWIRE_INGEST_FRAMING_SOUPBINTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOUP_HEADER_BYTES      3 /* length and type */
#define SOUP_MAX_PAYLOAD_BYTES 65534
#define SOUP_MAX_PACKET_BYTES  (SOUP_HEADER_BYTES + SOUP_MAX_PAYLOAD_BYTES)

#define SOUP_USERNAME_BYTES 7  /* six characters and NUL */
#define SOUP_PASSWORD_BYTES 11 /* ten and NUL */
#define SOUP_SESSION_BYTES  11 /* ten and NUL */

/* Packets of fixed size, header included. */
#define SOUP_EMPTY_BYTES         3  /* H Z R O */
#define SOUP_LOGIN_BYTES         49 /* L of version 3.00 */
#define SOUP_LOGIN_TIMEOUT_BYTES 54 /* L of version 4.00 */
#define SOUP_ACCEPTED_BYTES      33
#define SOUP_REJECTED_BYTES      4

typedef enum soup_type {
    SOUP_DEBUG = '+',
    SOUP_LOGIN_ACCEPTED = 'A',
    SOUP_LOGIN_REJECTED = 'J',
    SOUP_SEQUENCED = 'S',
    SOUP_SERVER_HEARTBEAT = 'H',
    SOUP_END_OF_SESSION = 'Z',
    SOUP_LOGIN_REQUEST = 'L',
    SOUP_UNSEQUENCED = 'U',
    SOUP_CLIENT_HEARTBEAT = 'R',
    SOUP_LOGOUT = 'O'
} soup_type;

/* Why a login was rejected (2.2.2), as on the wire. */
#define SOUP_NOT_AUTHORISED        'A' /* user name and password are not right */
#define SOUP_SESSION_NOT_AVAILABLE 'S' /* the requested session is not to be had */

typedef struct soup_packet {
    char type;
    uint16_t length;        /* of the payload */
    const uint8_t *payload; /* borrowed */
} soup_packet;

typedef enum soup_result {
    SOUP_CONSUMED,  /* a packet; `consumed` bytes are done with */
    SOUP_UNKNOWN,   /* a whole packet of a type the specification does not have: pass over `consumed` bytes */
    SOUP_NEED_MORE, /* the bytes end inside a packet */
    SOUP_MALFORMED /* length 0, longer than the bound, or not the length its type must have. The stream has lost its
                       frame and is not to be read on. Said as early as the bytes allow */
} soup_result;

/* Looks at the packet at the start of `bytes`. `max_payload_bytes` is the caller's bound. `packet` is set on CONSUMED
 * and UNKNOWN, `consumed` always (0 on NEED_MORE and MALFORMED). */
soup_result soup_parse(const uint8_t *bytes, size_t available, size_t max_payload_bytes, soup_packet *packet,
                       size_t *consumed);

/* ---- fields ---- */

typedef struct soup_login {
    char username[SOUP_USERNAME_BYTES]; /* the specification takes no notice of case in both; see soup_same_text */
    char password[SOUP_PASSWORD_BYTES];
    char session[SOUP_SESSION_BYTES]; /* "": the one that is active now */
    uint64_t sequence;                /* the next message wanted; 0: from the next that is generated on */
    uint32_t timeout_ms;              /* version 4.00: how long a silence the client wants borne; 0: not sent */
} soup_login;

typedef struct soup_accepted {
    char session[SOUP_SESSION_BYTES];
    uint64_t sequence; /* of the next sequenced message */
} soup_accepted;

/* Fields of a packet that soup_parse gave. False if the type is another, a text has bytes that are no printable
 * ASCII, or a number is none or does not fit. Texts lose their padding. */
bool soup_read_login(const soup_packet *packet, soup_login *login);
bool soup_read_accepted(const soup_packet *packet, soup_accepted *accepted);
bool soup_read_rejected(const soup_packet *packet, char *reason);

/* Equal but for the case of ASCII letters. */
bool soup_same_text(const char *a, const char *b);

/* Numbers in ASCII, `width` characters with blanks on the left. Writing a number that is too wide returns false. */
bool soup_read_number(const uint8_t *field, size_t width, uint64_t *number);
bool soup_write_number(uint8_t *field, size_t width, uint64_t number);

/* ---- writing: the bytes written, 0 if they do not fit into `capacity` or a field does not fit its width ---- */

/* '+', 'S' or 'U' with its payload; the others of variable length have functions of their own below. */
size_t soup_write_data(uint8_t *target, size_t capacity, soup_type type, const uint8_t *payload, size_t length);
/* 'H', 'Z', 'R' or 'O'. */
size_t soup_write_empty(uint8_t *target, size_t capacity, soup_type type);
size_t soup_write_login(uint8_t *target, size_t capacity, const soup_login *login);
size_t soup_write_accepted(uint8_t *target, size_t capacity, const soup_accepted *accepted);
size_t soup_write_rejected(uint8_t *target, size_t capacity, char reason);

/* ---- a stream that comes in pieces ---- */

/* Keeps the piece of a packet that has come so far. */
typedef struct soup_reader {
    uint8_t *carry; /* room for SOUP_HEADER_BYTES + max_payload_bytes, the owner's */
    size_t carried;
    size_t max_payload_bytes;
} soup_reader;

void soup_reader_init(soup_reader *reader, uint8_t *carry, size_t max_payload_bytes);
void soup_reader_reset(soup_reader *reader); /* another connection: what was kept is no longer wanted */

/* The next packet of the stream: takes it from what was kept and from `*bytes`, which moves on. Call until NEED_MORE
 * (then all bytes are taken) or MALFORMED. The payload is borrowed from the bytes; only if something had been carried
 * before the call, from the reader, and then until the next call. */
soup_result soup_reader_next(soup_reader *reader, const uint8_t **bytes, size_t *length, soup_packet *packet);

#endif
