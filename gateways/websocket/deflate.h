/*
 * permessage-deflate (RFC 7692): messages packed and unpacked, and what of it is agreed on. The one door to zlib here.
 *
 * Never with context takeover: each message stands for itself, so one packed message is the same for all clients that
 * agreed, and a connection needs no memory for it. All memory is taken when packer and unpacker are made.
 */
#ifndef TICKWIRE_GATEWAYS_WEBSOCKET_DEFLATE_H
#define TICKWIRE_GATEWAYS_WEBSOCKET_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The packer's window is 2^12 bytes: few messages are longer, and its tables are cleared for each. */
#define WS_WINDOW_BITS 12

/* ---- packing ---- */

typedef struct ws_packer ws_packer;

ws_packer *ws_packer_alloc(int level);  /* 1 fast to 9 small; NULL: no memory */
void ws_packer_free(ws_packer *packer); /* NULL is fine */

/* Packs a message. Returns the bytes written to `out`, 0 if they do not fit. */
size_t ws_pack(ws_packer *packer, const uint8_t *bytes, size_t length, uint8_t *out, size_t capacity);
/* The same for the first part of one, which ws_pack_rest completes: what is different for each client. */
size_t ws_pack_start(ws_packer *packer, const uint8_t *bytes, size_t length, uint8_t *out, size_t capacity);

#define WS_REST_BYTES 6u /* what the rest needs beyond its bytes, at most 65535 */
size_t ws_pack_rest(const uint8_t *bytes, size_t length, uint8_t *out);

/* ---- unpacking ---- */

typedef struct ws_unpacker ws_unpacker;
typedef enum ws_unpacked { WS_UNPACKED, WS_UNPACKED_TOO_LONG, WS_UNPACKED_BROKEN } ws_unpacked;

ws_unpacker *ws_unpacker_alloc(size_t most_bytes); /* of a message, unpacked; NULL: no memory */
void ws_unpacker_free(ws_unpacker *unpacker);      /* NULL is fine */

/* `*out` is borrowed until the next call. A message that unpacks to more is given up as soon as it does. */
ws_unpacked ws_unpack(ws_unpacker *unpacker, const uint8_t *bytes, size_t length, const uint8_t **out,
                      size_t *out_length);

/* ---- agreeing ---- */

#define WS_AGREEMENT_BYTES 160u
/* Chooses among a client's offers, the value of Sec-WebSocket-Extensions, the first that can be kept (section 7.1), and
 * writes what to answer. False: there is none. */
bool ws_agree_on_deflate(const char *offers, char answer[WS_AGREEMENT_BYTES]);

#endif
