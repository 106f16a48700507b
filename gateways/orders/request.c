/* Requests about orders: one table of fields, which requests have them, and how each is read. */
#include "gateways/orders/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gateways/auth/json_node.h"
#include "proto/account_name.h"

#define ALL      0xfu
#define NEW      (1u << ORDER_NEW)
#define CANCEL   (1u << ORDER_CANCEL)
#define REPLACE  (1u << ORDER_REPLACE)
#define MASS     (1u << ORDER_MASS_CANCEL)
#define MOST_SEQ ((UINT64_C(1) << 48) - 1)

static const char *const op_names[ORDER_OPS] = {"order.new", "order.cancel", "order.replace", "order.mass_cancel"};

const char *order_op_name(order_op op) {
    return op < ORDER_OPS ? op_names[op] : "";
}

bool order_fault_set(order_fault *fault, const char *code, const char *field, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);
    fault->code = code;
    tw_text_copy(fault->field, sizeof fault->field, field);
    return false;
}

/* ---- texts ---- */

bool order_text_is_plain(const char *text, size_t capacity) {
    size_t length = strlen(text);
    if (length == 0 || length >= capacity) return false;
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~') return false;
    return true;
}

void order_id_format(char text[ORDER_ID_BYTES], uint32_t shard, uint64_t order_id) {
    tw_text_format(text, ORDER_ID_BYTES, "%u-%llu-%u", shard, (unsigned long long)(order_id >> 16),
                   (unsigned)(order_id & 0xffffu));
}

bool order_id_parse(const char *text, uint32_t *shard, uint64_t *order_id) {
    char copy[ORDER_ID_BYTES], *parts[3] = {copy};
    uint64_t numbers[3];
    int count = 1;
    if (!tw_text_copy(copy, sizeof copy, text)) return false;
    for (char *at = copy; *at != '\0'; at++) {
        if (*at != '-') continue;
        if (count == 3) return false;
        *at = '\0';
        parts[count++] = at + 1;
    }
    if (count != 3) return false;
    for (int i = 0; i < 3; i++)
        if (!tw_text_to_u64(parts[i], &numbers[i])) return false;
    if (numbers[0] == 0 || numbers[0] > UINT32_MAX || numbers[1] == 0 || numbers[1] > MOST_SEQ ||
        numbers[2] > 0xffff)
        return false;
    *shard = (uint32_t)numbers[0];
    *order_id = numbers[1] << 16 | numbers[2];
    return true;
}

/* ---- fields ---- */

typedef enum field_kind {
    FIELD_TEXT,
    FIELD_DECIMAL,
    FIELD_WORD,
    FIELD_FLAG,
    FIELD_ID,
    FIELD_TIME,
    FIELD_ACCOUNT
} field_kind;

static const char *const sides[] = {"buy", "sell", NULL};
static const char *const types[] = {"limit", "market", "stop", "stop_limit", NULL};
static const char *const times[] = {"gtc", "day", "gtd", "ioc", "fok", NULL};
static const char *const self_trades[] = {"none", "newest", "oldest", "both", "decrement", NULL};

#define AT(member) offsetof(order_request, member), sizeof(((order_request *)0)->member)
static const struct field {
    const char *name;
    field_kind kind;
    unsigned ops; /* that have it */
    size_t offset, bytes;
    const char *const *words;
} fields[] = {
    {"exchange", FIELD_TEXT, ALL, AT(exchange), NULL},
    {"symbol", FIELD_TEXT, ALL, AT(symbol), NULL},
    {"account", FIELD_ACCOUNT, ALL, AT(account), NULL},
    {"correlation_id", FIELD_TEXT, ALL, AT(correlation_id), NULL},
    {"client_order_id", FIELD_TEXT, NEW | CANCEL | REPLACE, AT(client_order_id), NULL},
    {"order_id", FIELD_ID, CANCEL | REPLACE, AT(order_id), NULL},
    {"side", FIELD_WORD, NEW | MASS, AT(side), sides},
    {"type", FIELD_WORD, NEW, AT(type), types},
    {"time_in_force", FIELD_WORD, NEW, AT(tif), times},
    {"self_trade", FIELD_WORD, NEW, AT(stp), self_trades},
    {"quantity", FIELD_DECIMAL, NEW | REPLACE, AT(quantity), NULL},
    {"price", FIELD_DECIMAL, NEW | REPLACE, AT(price), NULL},
    {"stop_price", FIELD_DECIMAL, NEW | REPLACE, AT(stop_price), NULL},
    {"display", FIELD_DECIMAL, NEW | REPLACE, AT(display), NULL},
    {"minimum", FIELD_DECIMAL, NEW, AT(minimum), NULL},
    {"expire_ns", FIELD_TIME, NEW, AT(expire_ns), NULL},
    {"post_only", FIELD_FLAG, NEW, AT(post_only), NULL},
    {"cancel_on_disconnect", FIELD_FLAG, NEW, AT(cancel_on_disconnect), NULL},
    {"open_only", FIELD_FLAG, REPLACE, AT(open_only), NULL},
};

#define BAD "BAD_FIELD"

static bool take_word(uint8_t *value, order_fault *fault, const struct field *field, const char *text) {
    char offered[ORDER_MESSAGE_BYTES / 2] = "";
    for (uint8_t i = 0; field->words[i] != NULL; i++) {
        if (strcmp(field->words[i], text) == 0) {
            *value = i;
            return true;
        }
        size_t used = strlen(offered);
        tw_text_format(offered + used, sizeof offered - used, "%s%s", i == 0 ? "" : ", ", field->words[i]);
    }
    return order_fault_set(fault, BAD, field->name, "%s '%.20s' is not one of %s", field->name, text, offered);
}

/* Digits with at most one point between them; how many of them may stand behind it is not known yet. */
static bool is_decimal(const char *text) {
    size_t whole = strspn(text, "0123456789");
    if (whole == 0) return false;
    if (text[whole] == '\0') return true;
    size_t places = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
    return places > 0 && text[whole + 1 + places] == '\0';
}

static bool take_field(order_request *request, order_fault *fault, const struct field *field, const char *text) {
    char *at = (char *)request + field->offset;
    const char *name = field->name;
    switch (field->kind) {
    case FIELD_TEXT:
        if (order_text_is_plain(text, field->bytes)) return tw_text_copy(at, field->bytes, text);
        return order_fault_set(fault, BAD, name, "%s is 1 to %zu bytes of printable ASCII", name, field->bytes - 1);
    case FIELD_ACCOUNT:
        if (account_name_is_good(text, strlen(text))) return tw_text_copy(at, field->bytes, text);
        return order_fault_set(fault, BAD, name, "%s is " ACCOUNT_NAME_RULE, name);
    case FIELD_DECIMAL:
        if (is_decimal(text) && tw_text_copy(at, field->bytes, text)) return true;
        at[0] = '\0';
        return order_fault_set(fault, BAD, name, "%s '%.40s' is no decimal number such as \"187.20\", not below 0",
                               name, text);
    case FIELD_WORD:
        return take_word((uint8_t *)at, fault, field, text);
    case FIELD_FLAG:
        *(bool *)at = strcmp(text, "true") == 0;
        return *(bool *)at || strcmp(text, "false") == 0 ||
               order_fault_set(fault, BAD, name, "%s is true or false", name);
    case FIELD_ID:
        return order_id_parse(text, &request->shard, &request->order_id) ||
               order_fault_set(fault, BAD, name, "%s '%.40s' is no order id such as \"1-123-0\"", name, text);
    default:
        return (tw_text_to_i64(text, &request->expire_ns) && request->expire_ns > 0) ||
               order_fault_set(fault, BAD, name, "%s '%.40s' is no time in nanoseconds since 1970", name, text);
    }
}

static const struct field *find_field(const char *name) {
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(fields[i].name, name) == 0) return &fields[i];
    return NULL;
}

/* NULL: the fault says why. */
static const struct field *field_of(const order_request *request, order_fault *fault, const char *name) {
    const struct field *field = find_field(name);
    char shown[ORDER_FIELD_BYTES];
    tw_text_copy(shown, sizeof shown, name);
    if (field == NULL) {
        order_fault_set(fault, BAD, shown, "there is no field '%s'", shown);
        return NULL;
    }
    if ((field->ops & (1u << request->op)) != 0) return field;
    order_fault_set(fault, BAD, shown, "%s has no %s", order_op_name(request->op), shown);
    return NULL;
}

void order_request_init(order_request *request, order_op op) {
    *request = (order_request){.op = op,
                               .side = WIRE_UNKNOWN,
                               .type = WIRE_UNKNOWN,
                               .tif = WIRE_UNKNOWN,
                               .stp = WIRE_UNKNOWN,
                               .expire_ns = TW_TIME_ABSENT};
}

bool order_request_take(order_request *request, order_fault *fault, const char *name, const char *text) {
    const struct field *field = field_of(request, fault, name);
    return field != NULL && take_field(request, fault, field, text);
}

/* ---- does it fit together? ---- */

static bool need(order_fault *fault, bool there, const char *field, const char *who) {
    return there || order_fault_set(fault, BAD, field, "%s is missing: %s", field, who);
}

static bool refuse_if(order_fault *fault, bool there, const char *field, const char *who) {
    return !there || order_fault_set(fault, BAD, field, "%s may not be given: %s", field, who);
}

static bool check_new(order_request *r, order_fault *fault) {
    enum { LIMIT, MARKET, STOP, STOP_LIMIT };
    enum { GTC, DAY, GTD, IOC, FOK };
    if (r->type == WIRE_UNKNOWN) r->type = LIMIT;
    if (r->tif == WIRE_UNKNOWN) r->tif = r->type == MARKET ? IOC : DAY;
    if (r->stp == WIRE_UNKNOWN) r->stp = 1;
    bool has_price = r->type == LIMIT || r->type == STOP_LIMIT, is_stop = r->type >= STOP;
    if (!need(fault, r->symbol[0] != '\0', "symbol", "which instrument") ||
        !need(fault, r->side != WIRE_UNKNOWN, "side", "buy or sell") ||
        !need(fault, r->quantity[0] != '\0', "quantity", "how much"))
        return false;
    if (has_price ? !need(fault, r->price[0] != '\0', "price", "limit and stop_limit orders have one")
                  : !refuse_if(fault, r->price[0] != '\0', "price", "market and stop orders have none"))
        return false;
    if (is_stop
            ? !need(fault, r->stop_price[0] != '\0', "stop_price", "stop and stop_limit orders have one")
            : !refuse_if(fault, r->stop_price[0] != '\0', "stop_price", "only stop and stop_limit orders have one"))
        return false;
    bool timed = r->expire_ns != TW_TIME_ABSENT;
    return r->tif == GTD ? need(fault, timed, "expire_ns", "gtd orders have one")
                         : refuse_if(fault, timed, "expire_ns", "only gtd orders have one");
}

static bool check_target(const order_request *r, order_fault *fault) {
    if (r->shard == 0 && r->client_order_id[0] == '\0')
        return order_fault_set(fault, BAD, "order_id",
                               "order_id is missing: which order; or symbol and client_order_id");
    if (!refuse_if(fault, r->shard != 0 && r->client_order_id[0] != '\0', "client_order_id",
                   "order_id says already which order"))
        return false;
    return r->shard != 0 || need(fault, r->symbol[0] != '\0', "symbol", "client_order_id is one of an instrument");
}

static bool check_replace(const order_request *r, order_fault *fault) {
    bool changes =
        r->quantity[0] != '\0' || r->price[0] != '\0' || r->stop_price[0] != '\0' || r->display[0] != '\0';
    if (!check_target(r, fault)) return false;
    if (r->open_only && !need(fault, r->quantity[0] != '\0', "quantity", "open_only says what it means"))
        return false;
    return changes ||
           order_fault_set(fault, BAD, "quantity", "one of quantity, price, stop_price, display says what changes");
}

bool order_request_check(order_request *request, order_fault *fault) {
    switch (request->op) {
    case ORDER_NEW:
        return check_new(request, fault);
    case ORDER_CANCEL:
        return check_target(request, fault);
    case ORDER_REPLACE:
        return check_replace(request, fault);
    default:
        return true;
    }
}

/* ---- JSON ---- */

typedef struct reading {
    order_request *request;
    order_fault *fault;
    bool enveloped; /* `op` and `id` are somebody else's */
} reading;

/* The value as text, which is how an address would say it. False: it is of another kind. */
static bool text_of(const struct field *field, json_node *value, char *text, size_t capacity) {
    const char *given = json_node_text(value);
    int64_t whole;
    bool flag;
    if (field->kind == FIELD_FLAG)
        return json_node_is_true_or_false(value, &flag) && tw_text_copy(text, capacity, flag ? "true" : "false");
    if (given != NULL) return tw_text_copy(text, capacity, given);
    bool numeric = field->kind == FIELD_DECIMAL || field->kind == FIELD_TIME;
    return numeric && json_node_whole(value, &whole) && tw_text_format(text, capacity, "%lld", (long long)whole);
}

static bool take_member(void *context, const char *name, json_node *value) {
    reading *r = context;
    char text[128];
    if (r->enveloped && (strcmp(name, "op") == 0 || strcmp(name, "id") == 0)) return true;
    const struct field *field = field_of(r->request, r->fault, name);
    if (field == NULL) return false;
    if (value == NULL) return true; /* null is as if it were absent */
    if (!text_of(field, value, text, sizeof text)) {
        static const char *const kinds[] = {"a text",
                                            "a decimal number as a text, such as \"187.20\"",
                                            "a text",
                                            "true or false",
                                            "a text such as \"1-123-0\"",
                                            "nanoseconds since 1970 as a text",
                                            "a text"};
        return order_fault_set(r->fault, BAD, field->name, "%s is %s of bounded length", field->name,
                               kinds[field->kind]);
    }
    return take_field(r->request, r->fault, field, text);
}

static order_op op_of(json_node *object) {
    const char *name = json_node_text(json_node_member(object, "op"));
    order_op op = ORDER_NEW;
    while (op < ORDER_OPS && (name == NULL || strcmp(name, op_names[op]) != 0))
        op++;
    return op;
}

/* First of all, so that whatever is wrong with the rest is told with it. */
static void take_correlation(order_request *request, json_node *object) {
    const char *text = json_node_text(json_node_member(object, "correlation_id"));
    if (text != NULL && order_text_is_plain(text, sizeof request->correlation_id))
        tw_text_copy(request->correlation_id, sizeof request->correlation_id, text);
}

/* The parser keeps the last of two prices, and nobody knows which of them was meant. */
static bool is_said_once(order_fault *fault, json_node *object, const uint8_t *bytes, size_t length) {
    char name[ORDER_FIELD_BYTES];
    return !json_node_repeats(object, bytes, length, name, sizeof name) ||
           order_fault_set(fault, "BAD_REQUEST", name, "'%s' is said more than once", name);
}

bool order_request_parse(order_request *request, order_fault *fault, const uint8_t *bytes, size_t length,
                         order_op op) {
    size_t at;
    order_request_init(request, op);
    json_node *object = json_node_parse_at(bytes, length, &at);
    if (object == NULL)
        return order_fault_set(fault, "BAD_JSON", "", "it is not one JSON object: see byte %zu", at);
    reading r = {.request = request, .fault = fault, .enveloped = op == ORDER_OPS};
    if (r.enveloped) request->op = op_of(object);
    take_correlation(request, object);
    bool good = is_said_once(fault, object, bytes, length);
    if (good)
        good = request->op != ORDER_OPS
                   ? json_node_each(object, take_member, &r) && order_request_check(request, fault)
                   : order_fault_set(fault, "UNKNOWN_OP", "op",
                                     "op is not one of order.new, order.cancel, order.replace, order.mass_cancel");
    json_node_free(object);
    return good;
}
