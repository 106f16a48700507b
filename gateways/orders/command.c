/* Decimals to scaled integers, and the fields of each kind of command. */
#include "gateways/orders/command.h"

#include <inttypes.h>
#include <string.h>

typedef struct making {
    const order_request *request;
    const char *mic;
    order_fault *fault;
} making;

static int places_of(const char *text) {
    const char *point = strchr(text, '.');
    return point == NULL ? 0 : (int)strlen(point + 1);
}

/* `text` is a decimal by its form. */
static bool scale(const making *m, const char *field, const char *text, int32_t exponent, int64_t *value) {
    int places = places_of(text), kept = exponent < 0 ? -exponent : 0;
    if (places > kept)
        return order_fault_set(m->fault, "BAD_FIELD", field, "%s %s has %d decimals: %s.%s has %d", field, text,
                               places, m->mic, m->request->symbol, kept);
    if (tw_decimal_parse(text, exponent, value)) return true;
    if (exponent > 0)
        return order_fault_set(m->fault, "BAD_FIELD", field,
                               "%s %s does not fit: %s.%s counts in units of 10^%" PRId32, field, text, m->mic,
                               m->request->symbol, exponent);
    return order_fault_set(m->fault, "BAD_FIELD", field, "%s %s is too large", field, text);
}

/* Absent stays absent. */
static bool take_price(const making *m, const char *field, const char *text, int32_t exponent, int64_t *price) {
    *price = TW_PRICE_ABSENT;
    if (text[0] == '\0') return true;
    if (!scale(m, field, text, exponent, price)) return false;
    return *price > 0 || order_fault_set(m->fault, "BAD_FIELD", field, "%s is not above 0", field);
}

static bool take_quantity(const making *m, const char *field, const char *text, int32_t exponent, int64_t least,
                          uint64_t *quantity) {
    int64_t value = 0;
    if (text[0] == '\0') return true;
    if (!scale(m, field, text, exponent, &value)) return false;
    if (value < least) return order_fault_set(m->fault, "BAD_FIELD", field, "%s is not above 0", field);
    *quantity = (uint64_t)value;
    return true;
}

static bool take_decimals(const making *m, wire_order_command *c, const order_place *where) {
    const order_request *r = m->request;
    int32_t price = where->price_exponent, quantity = where->quantity_exponent;
    return take_quantity(m, "quantity", r->quantity, quantity, 1, &c->quantity) &&
           take_price(m, "price", r->price, price, &c->price) &&
           take_price(m, "stop_price", r->stop_price, price, &c->stop_price) &&
           take_quantity(m, "display", r->display, quantity, 0, &c->display) &&
           take_quantity(m, "minimum", r->minimum, quantity, 0, &c->minimum);
}

static const uint8_t kinds[ORDER_OPS] = {WIRE_NEW_ORDER, WIRE_CANCEL, WIRE_REPLACE, WIRE_MASS_CANCEL};

bool order_command_make(wire_order_command *c, const order_request *r, const order_place *where, const char *mic,
                        order_fault *fault) {
    *c = (wire_order_command){.kind = kinds[r->op],
                              .price = TW_PRICE_ABSENT,
                              .stop_price = TW_PRICE_ABSENT,
                              .quantity = WIRE_QUANTITY_ABSENT,
                              .display = WIRE_QUANTITY_ABSENT,
                              .expire_ns = r->expire_ns,
                              .order_id = r->order_id,
                              .post_only = r->post_only,
                              .open_only = r->open_only,
                              .all_symbols = where == NULL};
    if (r->side != WIRE_UNKNOWN) {
        c->side = r->side;
        c->sides = 1u << r->side;
    }
    if (r->op == ORDER_NEW) {
        c->type = r->type;
        c->tif = r->tif;
        c->stp = r->stp;
    }
    tw_text_copy(c->account, sizeof c->account, r->account);
    tw_text_copy(c->symbol, sizeof c->symbol, r->symbol);
    tw_text_copy(c->client_order_id, sizeof c->client_order_id, r->client_order_id);
    tw_text_copy(c->correlation_id, sizeof c->correlation_id, r->correlation_id);
    making m = {.request = r, .mic = mic, .fault = fault};
    return where == NULL || take_decimals(&m, c, where);
}
