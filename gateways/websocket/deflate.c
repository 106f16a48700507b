#include "gateways/websocket/deflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MEMORY_LEVEL 5 /* of zlib: 2^12 hash chains, as the window */

/* An empty stored block, which ends a flushed message on a byte and is left out on the wire (7.2.1). */
static const uint8_t flush_end[4] = {0x00, 0x00, 0xff, 0xff};

struct ws_packer {
    z_stream zlib;
};

struct ws_unpacker {
    z_stream zlib;
    size_t most_bytes;
    uint8_t bytes[];
};

/* ---- packing ---- */

ws_packer *ws_packer_alloc(int level) {
    ws_packer *packer = calloc(1, sizeof *packer);
    if (packer == NULL) return NULL;
    if (deflateInit2(&packer->zlib, level, Z_DEFLATED, -WS_WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK)
        return packer;
    free(packer);
    return NULL;
}

void ws_packer_free(ws_packer *packer) {
    if (packer == NULL) return;
    deflateEnd(&packer->zlib);
    free(packer);
}

size_t ws_pack_start(ws_packer *packer, const uint8_t *bytes, size_t length, uint8_t *out, size_t capacity) {
    z_stream *z = &packer->zlib;
    if (length > UINT32_MAX || capacity > UINT32_MAX) return 0;
    deflateReset(z);
    z->next_in = (z_const Bytef *)(uintptr_t)bytes;
    z->avail_in = (uInt)length;
    z->next_out = out;
    z->avail_out = (uInt)capacity;
    if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in > 0 || z->avail_out == 0) return 0;
    return capacity - z->avail_out;
}

size_t ws_pack(ws_packer *packer, const uint8_t *bytes, size_t length, uint8_t *out, size_t capacity) {
    size_t packed = ws_pack_start(packer, bytes, length, out, capacity);
    return packed < sizeof flush_end ? 0 : packed - sizeof flush_end;
}

/* A stored block (RFC 1951, 3.2.4), and the first byte of the empty one whose other four are left out. */
size_t ws_pack_rest(const uint8_t *bytes, size_t length, uint8_t *out) {
    uint16_t count = (uint16_t)length, complement = (uint16_t)~count;
    out[0] = 0;
    out[1] = (uint8_t)count;
    out[2] = (uint8_t)(count >> 8);
    out[3] = (uint8_t)complement;
    out[4] = (uint8_t)(complement >> 8);
    memcpy(out + 5, bytes, length);
    out[5 + length] = 0;
    return length + WS_REST_BYTES;
}

/* ---- unpacking ---- */

ws_unpacker *ws_unpacker_alloc(size_t most_bytes) {
    static const uint8_t nothing[] = {0x02, 0x00}; /* a block without a byte in it */
    ws_unpacker *unpacker = calloc(1, sizeof *unpacker + most_bytes + 1);
    if (unpacker == NULL) return NULL;
    unpacker->most_bytes = most_bytes;
    if (inflateInit2(&unpacker->zlib, -MAX_WBITS) != Z_OK) {
        free(unpacker);
        return NULL;
    }
    const uint8_t *out;
    size_t length;
    ws_unpack(unpacker, nothing, sizeof nothing, &out, &length); /* has zlib take its memory */
    return unpacker;
}

void ws_unpacker_free(ws_unpacker *unpacker) {
    if (unpacker == NULL) return;
    inflateEnd(&unpacker->zlib);
    free(unpacker);
}

/* One piece of input. A message may hold a block that says it is the last (7.2.3.4): another stream goes on behind it. */
static ws_unpacked unpack_piece(z_stream *z, const uint8_t *bytes, size_t length) {
    z->next_in = (z_const Bytef *)(uintptr_t)bytes;
    z->avail_in = (uInt)length;
    while (z->avail_in > 0) {
        int result = inflate(z, Z_SYNC_FLUSH);
        if (z->avail_out == 0) return WS_UNPACKED_TOO_LONG;
        if (result == Z_STREAM_END)
            inflateReset(z);
        else if (result != Z_OK)
            return WS_UNPACKED_BROKEN;
    }
    return WS_UNPACKED;
}

ws_unpacked ws_unpack(ws_unpacker *unpacker, const uint8_t *bytes, size_t length, const uint8_t **out,
                      size_t *out_length) {
    z_stream *z = &unpacker->zlib;
    *out = unpacker->bytes;
    *out_length = 0;
    if (length > UINT32_MAX) return WS_UNPACKED_TOO_LONG;
    inflateReset(z);
    z->next_out = unpacker->bytes;
    z->avail_out = (uInt)unpacker->most_bytes + 1; /* full means too long */
    ws_unpacked result = unpack_piece(z, bytes, length);
    if (result == WS_UNPACKED) result = unpack_piece(z, flush_end, sizeof flush_end);
    if (result == WS_UNPACKED) *out_length = unpacker->most_bytes + 1 - z->avail_out;
    return result;
}
