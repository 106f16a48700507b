/*
 * What a NATS server sends to a client, one operation after another: text lines that end in CR LF, after some of them a payload.
 *
 *   MSG subject sid [reply] length          a message; then its payload and CR LF
 *   HMSG subject sid [reply] headers length the same with headers: `headers` bytes of them, `length` of both
 *   PING, PONG, +OK, -ERR 'words', INFO {…}
 *
 * Pure, without copies: an operation points into the bytes it was read from, which are changed for it: texts are NUL terminated
 * there, and so is a payload. Bytes that are not an operation yet are left as they are.
 *
 * Source: NATS client protocol (docs.nats.io, Reference, NATS Protocols, Client Protocol); headers: ADR-4.
 */
#ifndef TICKWIRE_RUNTIME_BUS_PROTOCOL_H
#define TICKWIRE_RUNTIME_BUS_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#define BUS_PROTOCOL_LINE_BYTES    ((size_t)64 * 1024) /* at most; INFO of a large cluster is the longest */
#define BUS_PROTOCOL_PAYLOAD_BYTES ((size_t)INT32_MAX) /* at most, with headers: what a server can be set to */

typedef enum bus_operation_kind {
    BUS_OPERATION_PART,   /* not whole yet */
    BUS_OPERATION_BROKEN, /* no server sends this: nothing after it can be understood */
    BUS_OPERATION_MESSAGE,
    BUS_OPERATION_PING,
    BUS_OPERATION_ERROR,
    BUS_OPERATION_INFO,
    BUS_OPERATION_OTHER /* PONG, +OK: nothing to be done */
} bus_operation_kind;

typedef struct bus_operation {
    bus_operation_kind kind;
    size_t size; /* of the whole operation in bytes; of a PART: what it will have at least, as far as can be told */

    /* MESSAGE; borrowed from the bytes */
    uint64_t sid;
    const char *subject;
    const char *reply; /* NULL: none */
    char *headers;     /* for bus_protocol_header; NULL: none */
    size_t headers_length;
    const uint8_t *payload; /* NUL terminated */
    size_t payload_length;

    /* ERROR: the server's words without quotes; INFO: its JSON */
    const char *text;
} bus_operation;

/* Reads the first operation of `length` bytes. */
bus_operation bus_protocol_read(char *bytes, size_t length);

/* The first value of a header of `length` bytes, NUL terminated in place; NULL if there is none of this name, which is told
 * from others by case. "Status" and "Description" are what a server says in the first line ("503" and "No Responders"). */
const char *bus_protocol_header(char *headers, size_t length, const char *name);

#endif
