/*
 * What a client asks of the venue, read strictly (docs/orders.md): a field that is not known, or does not belong to this kind of
 * request, is refused by name, because an order with a misspelt field is not the order that was meant; and so is one that is said twice. Pure.
 *
 * Decimals stay texts here: how many digits they may have is the instrument's to say (command.h).
 */
#ifndef TICKWIRE_GATEWAYS_ORDERS_REQUEST_H
#define TICKWIRE_GATEWAYS_ORDERS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/market.h"
#include "base/text.h"
#include "proto/venue.h"

typedef enum order_op { ORDER_NEW = 0, ORDER_CANCEL, ORDER_REPLACE, ORDER_MASS_CANCEL, ORDER_OPS } order_op;
const char *order_op_name(order_op op); /* "order.new", … */

typedef struct order_request {
    order_op op;
    char exchange[TW_MIC_BYTES]; /* texts: "" if absent */
    char symbol[TW_SYMBOL_BYTES];
    char account[WIRE_ACCOUNT_BYTES];
    char client_order_id[WIRE_CLIENT_ID_BYTES];
    char correlation_id[WIRE_CORRELATION_BYTES];
    uint32_t shard;               /* of the order_id; 0: the order is not named by its id */
    uint64_t order_id;            /* the engine's */
    uint8_t side, type, tif, stp; /* as wire_order_command; WIRE_UNKNOWN: not said */
    bool post_only, open_only, cancel_on_disconnect;
    char quantity[TW_DECIMAL_BYTES], price[TW_DECIMAL_BYTES], stop_price[TW_DECIMAL_BYTES];
    char display[TW_DECIMAL_BYTES], minimum[TW_DECIMAL_BYTES];
    int64_t expire_ns; /* TW_TIME_ABSENT */
} order_request;

#define ORDER_FIELD_BYTES   32u
#define ORDER_MESSAGE_BYTES 256u
/* Why not: `code` of docs/orders.md, static; `field` is "" where it is none's fault. */
typedef struct order_fault {
    const char *code;
    char field[ORDER_FIELD_BYTES];
    char message[ORDER_MESSAGE_BYTES]; /* for people */
} order_fault;
/* Fills it; returns false, always. */
bool order_fault_set(order_fault *fault, const char *code, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Everything absent. */
void order_request_init(order_request *request, order_op op);
/* One field from text, as of an address: "symbol", "AAPL". Flags are "true" and "false". */
bool order_request_take(order_request *request, order_fault *fault, const char *name, const char *text);
/* Is it all there, and does it fit together? Sets what has a default. */
bool order_request_check(order_request *request, order_fault *fault);

/* A whole request: take each field of a JSON object, then check. `ORDER_OPS`: the object says it itself in `op`, and may have an `id`
 * (a WebSocket). What could be read of the correlation id is there whatever comes back. */
bool order_request_parse(order_request *request, order_fault *fault, const uint8_t *bytes, size_t length,
                         order_op op);

/* At most `capacity` - 1 printable ASCII bytes, at least one? */
bool order_text_is_plain(const char *text, size_t capacity);

/* "{shard}-{seq}-{index}" and back; false if it is none. */
#define ORDER_ID_BYTES 48u
void order_id_format(char text[ORDER_ID_BYTES], uint32_t shard, uint64_t order_id);
bool order_id_parse(const char *text, uint32_t *shard, uint64_t *order_id);

#endif
