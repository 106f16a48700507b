/* Orders over HTTP: commands go to the desk; questions are asked of the shards one after the other, page by page. */
#include "gateways/order_pages.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/text.h"
#include "gateways/order_inside.h"

#define MOST_BYTES (8u * 1024u * 1024u) /* of one answer */
#define PATH       "/v1/orders/"

/* ---- what all of them do first ---- */

/* False: it was answered. Sets the correlation id, and the header that repeats it. */
static bool begin(gateway *self, const socket_request *request, http_asked *asked,
                  char correlation_id[WIRE_CORRELATION_BYTES]) {
    order_fault fault = {0};
    char line[WIRE_CORRELATION_BYTES + 32];
    const char *given = request->correlation_id;
    correlation_id[0] = '\0';
    if (self->orders == NULL)
        order_fault_set(&fault, "NO_VENUE", "", "this gateway takes no orders");
    else if (given[0] != '\0' && !order_text_is_plain(given, WIRE_CORRELATION_BYTES))
        order_fault_set(&fault, "BAD_FIELD", "correlation_id",
                        "X-Correlation-Id is 1 to %u bytes of printable ASCII", WIRE_CORRELATION_BYTES - 1);
    else
        tw_text_copy(correlation_id, WIRE_CORRELATION_BYTES, given);
    if (self->orders != NULL) order_desk_correlate(self->orders, correlation_id);
    tw_text_format(line, sizeof line, "X-Correlation-Id: %s\r\n", correlation_id);
    if (correlation_id[0] != '\0') http_add_header(asked, line);
    if (fault.code == NULL) return true;
    order_desk_answer_fault(self, asked, &fault, correlation_id);
    return false;
}

static bool say(gateway *self, const http_asked *asked, const order_fault *fault, const char *correlation_id) {
    order_desk_answer_fault(self, asked, fault, correlation_id);
    return false;
}

/* A page of another origin may send much without asking first; here it may not. */
static bool may_change(gateway *self, const socket_request *request, const http_asked *asked) {
    order_fault fault = {0};
    if (http_origin_is_allowed(self, request)) return true;
    order_fault_set(&fault, "FORBIDDEN", "", "pages of this origin may not send orders");
    return say(self, asked, &fault, "");
}

/* ---- commands ---- */

static bool is_json(const char *type) {
    static const char json[] = "application/json";
    size_t length = strcspn(type, "; \t");
    return length == sizeof json - 1 && strncasecmp(type, json, length) == 0;
}

/* False: it was answered. */
static bool body_is_fine(gateway *self, const socket_request *request, const http_asked *asked) {
    if (request->body_fault == SOCKET_BODY_NO_LENGTH)
        http_answer_error(self, asked, HTTP_NO_LENGTH, "NO_LENGTH", "an order has a Content-Length");
    else if (request->body_fault != SOCKET_BODY_KEPT)
        http_answer_error(self, asked, HTTP_TOO_LARGE, "TOO_LARGE", "the order is longer than --request-bytes");
    else if (!is_json(request->content_type))
        http_answer_error(self, asked, HTTP_MEDIA_TYPE, "BAD_TYPE", "an order is Content-Type: application/json");
    else
        return true;
    return false;
}

static void refuse_session(order_request *order, order_fault *fault, bool *good) {
    if (!*good || !order->cancel_on_disconnect) return;
    *good = order_fault_set(fault, "BAD_FIELD", "cancel_on_disconnect",
                            "a request over HTTP has no connection that could end: send it over the WebSocket");
}

static void take_new(gateway *self, const socket_request *request, http_asked *asked) {
    order_request order;
    order_fault fault = {0};
    char correlation_id[WIRE_CORRELATION_BYTES];
    if (!may_change(self, request, asked) || !body_is_fine(self, request, asked)) return;
    order_request_init(&order, ORDER_NEW);
    bool good =
        self->orders == NULL || order_request_parse(&order, &fault, request->body, request->body_length, ORDER_NEW);
    refuse_session(&order, &fault, &good);
    socket_request with = *request; /* the body's own id goes before the header's */
    if (order.correlation_id[0] != '\0') with.correlation_id = order.correlation_id;
    if (!begin(self, &with, asked, correlation_id)) return;
    tw_text_copy(order.correlation_id, sizeof order.correlation_id, correlation_id);
    if (good)
        order_desk_take(self->orders, &order, asked, request->caller);
    else
        say(self, asked, &fault, correlation_id);
}

/* Fields that an address may have. */
static bool take_arguments(const socket_request *request, order_request *order, order_fault *fault) {
    for (uint32_t i = 0; i < request->argument_count; i++) {
        const char *argument = request->arguments[i], *equals = strchr(argument, '=');
        char name[ORDER_FIELD_BYTES] = "";
        size_t length = equals == NULL ? strlen(argument) : (size_t)(equals - argument);
        if (length < sizeof name) {
            memcpy(name, argument, length);
            name[length] = '\0';
        }
        if (!order_request_take(order, fault, name, equals == NULL ? "" : equals + 1)) return false;
    }
    return order_request_check(order, fault);
}

static void take_cancel(gateway *self, const socket_request *request, http_asked *asked, order_op op) {
    order_request order;
    order_fault fault = {0};
    char correlation_id[WIRE_CORRELATION_BYTES];
    if (!may_change(self, request, asked) || !begin(self, request, asked, correlation_id)) return;
    order_request_init(&order, op);
    bool good =
        op == ORDER_MASS_CANCEL || order_request_take(&order, &fault, "order_id", request->path + strlen(PATH));
    good = good && take_arguments(request, &order, &fault);
    if (order.correlation_id[0] == '\0')
        tw_text_copy(order.correlation_id, sizeof order.correlation_id, correlation_id);
    if (good)
        order_desk_take(self->orders, &order, asked, request->caller);
    else
        say(self, asked, &fault, correlation_id);
}

/* ---- questions ---- */

typedef enum question_kind { QUESTION_ORDERS, QUESTION_ORDER, QUESTION_POSITIONS } question_kind;

typedef struct order_question {
    order_desk *desk;
    question_kind kind;
    http_asked asked;
    wire_query query;
    uint32_t shard, last_shard; /* the one that is asked, and the last to be */
    const char *silent_code;    /* NOBODY, TIMEOUT: the first's */
    char silent[160];           /* shards that did not answer: "2, 3"; "": all did */
    char correlation_id[WIRE_CORRELATION_BYTES];
    char *items, *places, *limits; /* elements of arrays, parted by commas */
    size_t items_length, places_length, limits_length;
    order_waiting waiting;
} order_question;

static void question_free(void *question) {
    order_question *q = question;
    free(q->items);
    free(q->places);
    free(q->limits);
    free(q);
}

/* False: no memory, or more than an answer may have. */
static bool append(char **list, size_t *length, const char *text, size_t more) {
    size_t needed = *length + more + 2;
    if (needed > MOST_BYTES) return false;
    char *grown = realloc(*list, needed);
    if (grown == NULL) return false;
    *list = grown;
    if (*length > 0) grown[(*length)++] = ',';
    memcpy(grown + *length, text, more);
    *length += more;
    grown[*length] = '\0';
    return true;
}

static void end_with(order_question *q, const char *code, const char *message) {
    order_fault fault = {0};
    order_fault_set(&fault, code, "", "%s", message);
    say(q->desk->owner, &q->asked, &fault, q->correlation_id);
    question_free(q);
}

/* A part must not be taken for the whole: there is no answer, but who is missing is said. */
static void end_silent(order_question *q) {
    char text[sizeof q->silent + 160];
    (void)tw_text_format(text, sizeof text,
                         "shard %s of %s does not answer now: come back later, or name a symbol of another shard",
                         q->silent, q->desk->venue);
    end_with(q, q->silent_code, text);
}

static void answer(order_question *q) {
    if (q->silent[0] != '\0') {
        end_silent(q);
        return;
    }
    size_t capacity = q->items_length + q->places_length + q->limits_length + 512;
    char *text = malloc(capacity);
    if (text == NULL) {
        end_with(q, "BUSY", "no memory for the answer: come back later");
        return;
    }
    bool positions = q->kind == QUESTION_POSITIONS;
    json_writer w;
    json_start(&w, text, capacity);
    json_open_object(&w, NULL);
    json_string(&w, "exchange", q->desk->venue);
    json_string(&w, "account", q->query.account);
    json_finish(&w);
    size_t used = w.length;
    tw_text_format(text + used, capacity - used, ",\"shards\":[%s],\"%s\":[%s]%s%s%s}",
                   q->places_length > 0 ? q->places : "", positions ? "positions" : "orders",
                   q->items_length > 0 ? q->items : "", positions ? ",\"limits\":[" : "",
                   positions && q->limits_length > 0 ? q->limits : "", positions ? "]" : "");
    http_answer(q->desk->owner, &q->asked, HTTP_OK, "application/json", "no-store", text, strlen(text));
    free(text);
    question_free(q);
}

static void ask(order_question *q);

static bool put_item(order_question *q, const wire_part *part) {
    char text[ORDER_JSON_BYTES];
    json_writer w;
    const wire_named_instrument *of = NULL;
    json_start(&w, text, sizeof text);
    if (part->kind == WIRE_PART_ACCOUNT_VIEW) {
        report_write_limits(&w, q->shard, &part->account_view);
        return json_finish(&w) && append(&q->limits, &q->limits_length, text, w.length);
    }
    if (part->kind == WIRE_PART_ORDER_VIEW) of = report_name_of(&q->desk->names, part->order.instrument);
    if (part->kind == WIRE_PART_POSITION_VIEW) of = report_name_of(&q->desk->names, part->position.instrument);
    bool refused = part->kind == WIRE_PART_ORDER_VIEW && part->order.rejected;
    if (of == NULL && !refused) return true;
    if (part->kind == WIRE_PART_ORDER_VIEW)
        report_write_order(&w, q->desk->venue, q->shard, &part->order, of);
    else
        report_write_position(&w, q->shard, &part->position, of);
    return json_finish(&w) && append(&q->items, &q->items_length, text, w.length);
}

static bool put_place(order_question *q, const wire_query_reply_header *header) {
    char text[160];
    json_writer w;
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    json_u64(&w, "shard", q->shard);
    json_u64_string(&w, "seq", header->seq);
    json_i64_string(&w, "event_ns", header->event_ns);
    json_close_object(&w);
    return json_finish(&w) && append(&q->places, &q->places_length, text, w.length);
}

/* One order: the object itself, and what it is true at. */
static void answer_order(order_question *q, const wire_query_reply_header *header) {
    char text[ORDER_JSON_BYTES + 160];
    if (q->items_length < 2) {
        end_with(q, "UNKNOWN_ORDER", "the account has no such order, or it ended too long ago");
        return;
    }
    tw_text_format(text, sizeof text, "%.*s,\"seq\":\"%llu\",\"event_ns\":\"%lld\"}", (int)q->items_length - 1,
                   q->items, (unsigned long long)header->seq, (long long)header->event_ns);
    http_answer(q->desk->owner, &q->asked, HTTP_OK, "application/json", "no-store", text, strlen(text));
    question_free(q);
}

/* What is to be asked next; false: nothing more. Of each shard the positions' pages come first, then the account. */
static bool go_on(order_question *q, const wire_query_reply_header *header) {
    if (header->more) {
        q->query.after = header->next;
        q->query.after_n = header->next_n;
        return true;
    }
    q->query.after = q->query.after_n = 0;
    if (q->query.kind == WIRE_QUERY_POSITIONS) {
        q->query.kind = WIRE_QUERY_ACCOUNT;
        return true;
    }
    if (q->query.kind == WIRE_QUERY_ACCOUNT) q->query.kind = WIRE_QUERY_POSITIONS;
    return q->shard++ < q->last_shard;
}

static void take_reply(order_question *q, const bus_message *message) {
    wire_query_reply reply;
    wire_part part;
    bool fits = true;
    if (!order_read_names(q->desk, message->bytes, message->length, &reply)) {
        end_with(q, "MALFORMED", "the venue gave a reply that can't be read");
        return;
    }
    const wire_query_reply_header *header = &reply.header;
    if (header->code == WIRE_REPLY_BUSY || header->code == WIRE_REPLY_BAD_REQUEST) {
        end_with(q, "BUSY", header->detail[0] != '\0' ? header->detail : "the venue is busy: come back later");
        return;
    }
    /* NOT_FOUND: the shard knows neither account nor symbol, so there is nothing */
    while (wire_query_reply_next(&reply, &part))
        fits = fits && put_item(q, &part);
    if (q->kind == QUESTION_ORDER) {
        answer_order(q, header);
        return;
    }
    if (!header->more && q->query.kind != WIRE_QUERY_ACCOUNT) fits = fits && put_place(q, header);
    if (!fits)
        end_with(q, "BUSY", "the answer is too long: ask for one symbol");
    else if (!go_on(q, header))
        answer(q);
    else
        ask(q);
}

/* The others are asked all the same, but after a silence that took long. */
static void take_silence(order_question *q, const char *code, bool go_on) {
    size_t used = strlen(q->silent);
    if (used == 0) q->silent_code = code;
    (void)tw_text_format(q->silent + used, sizeof q->silent - used, "%s%u", used > 0 ? ", " : "", q->shard);
    if (q->query.kind == WIRE_QUERY_ACCOUNT) q->query.kind = WIRE_QUERY_POSITIONS;
    q->query.after = q->query.after_n = 0;
    if (!go_on || q->shard++ >= q->last_shard)
        end_silent(q);
    else
        ask(q);
}

static bool on_reply(void *context, void *question, ask_end end, const bus_message *message) {
    (void)context;
    order_question *q = question;
    if (end == ASK_MORE)
        take_reply(q, message);
    else if (end == ASK_NOBODY)
        take_silence(q, "NOBODY", true);
    else if (end == ASK_TIMEOUT)
        take_silence(q, "TIMEOUT", false);
    else
        end_with(q, "AWAY", "the gateway stops: come back later");
    return true;
}

/* The question may be over with it. */
static void ask(order_question *q) {
    order_fault fault = {0};
    ask_result result = order_ask(q->desk, &q->asked.caller, q->shard, &q->query, on_reply, q);
    if (result == ASK_ASKED) return;
    order_fault_set_not_asked(&fault, result, "come back later");
    if (result != ASK_AWAY) http_add_header(&q->asked, "Retry-After: 1\r\n");
    end_with(q, fault.code, fault.message);
}

/* The order's shard, the symbol's, or all: which these are has to be known, or a part would be taken for the whole. */
static bool choose_shards(order_question *q, order_fault *fault) {
    if (!q->desk->directory_was_known && order_directory_shards(q->desk->directory) == 0)
        return order_fault_set(fault, "NO_DIRECTORY", "", "nobody says now which shards %s has: come back later",
                               q->desk->venue);
    uint32_t shards = order_desk_shards(q->desk);
    q->last_shard = q->kind == QUESTION_ORDER ? q->shard : shards;
    if (q->kind == QUESTION_ORDER)
        return q->shard <= shards ||
               order_fault_set(fault, "UNKNOWN_ORDER", "order_id", "%s has no shard %u", q->desk->venue, q->shard);
    q->shard = 1;
    if (q->query.symbol[0] == '\0') return true;
    const order_place *place = order_directory_find(q->desk->directory, q->query.symbol);
    if (place == NULL) return order_desk_no_symbol(q->desk, q->query.symbol, fault);
    q->shard = q->last_shard = place->shard;
    return true;
}

static bool read_question(order_question *q, const socket_request *request, order_fault *fault) {
    const char *symbol = http_argument(request, "symbol"), *exchange = http_argument(request, "exchange");
    if (exchange[0] != '\0' && strcmp(exchange, q->desk->venue) != 0)
        return order_fault_set(fault, "UNKNOWN_EXCHANGE", "exchange", "orders are taken here for %s",
                               q->desk->venue);
    if (!order_desk_account(q->desk, request->caller, http_argument(request, "account"), q->query.account, fault))
        return false;
    if (symbol[0] != '\0' && !order_text_is_plain(symbol, sizeof q->query.symbol))
        return order_fault_set(fault, "BAD_FIELD", "symbol", "symbol is 1 to %zu bytes",
                               sizeof q->query.symbol - 1);
    tw_text_copy(q->query.symbol, sizeof q->query.symbol, symbol);
    if (q->kind != QUESTION_ORDER) return true;
    if (!order_id_parse(request->path + strlen(PATH), &q->shard, &q->query.order_id))
        return order_fault_set(fault, "BAD_FIELD", "order_id", "an order id is such as 1-123-0");
    return true;
}

/* The directory is known, or was waited for long enough. */
static void ask_first(order_desk *desk, void *what) {
    order_question *q = what;
    order_fault fault = {0};
    if (!choose_shards(q, &fault)) {
        say(desk->owner, &q->asked, &fault, q->correlation_id);
        question_free(q);
    } else {
        ask(q);
    }
}

static void take_question(gateway *self, const socket_request *request, question_kind kind, wire_query_kind query) {
    http_asked asked = http_remember(self, request);
    order_fault fault = {0};
    char correlation_id[WIRE_CORRELATION_BYTES];
    if (!begin(self, request, &asked, correlation_id)) return;
    order_question *q = calloc(1, sizeof *q);
    if (q == NULL) {
        order_fault_set(&fault, "BUSY", "", "no memory for the question: come back later");
        say(self, &asked, &fault, correlation_id);
        return;
    }
    *q = (order_question){.desk = self->orders, .kind = kind, .asked = asked, .query = {.kind = (uint8_t)query}};
    tw_text_copy(q->correlation_id, sizeof q->correlation_id, correlation_id);
    tw_text_copy(q->query.correlation_id, sizeof q->query.correlation_id, correlation_id);
    if (!read_question(q, request, &fault)) {
        say(self, &asked, &fault, correlation_id);
        question_free(q);
    } else if (order_directory_is_awaited(self->orders)) {
        q->waiting = (order_waiting){.go_on = ask_first, .drop = question_free, .what = q};
        order_desk_await(self->orders, &q->waiting);
    } else {
        ask_first(self->orders, q);
    }
}

/* ---- routes ---- */

void orders_take(gateway *self, const socket_request *request) {
    http_asked asked = http_remember(self, request);
    if (request->method == SOCKET_POST)
        take_new(self, request, &asked);
    else if (request->method == SOCKET_DELETE)
        take_cancel(self, request, &asked, ORDER_MASS_CANCEL);
    else
        take_question(self, request, QUESTION_ORDERS, WIRE_QUERY_ORDERS);
}

void orders_take_one(gateway *self, const socket_request *request) {
    http_asked asked = http_remember(self, request);
    if (request->method == SOCKET_DELETE)
        take_cancel(self, request, &asked, ORDER_CANCEL);
    else
        take_question(self, request, QUESTION_ORDER, WIRE_QUERY_ORDER);
}

void positions_take(gateway *self, const socket_request *request) {
    take_question(self, request, QUESTION_POSITIONS, WIRE_QUERY_POSITIONS);
}

void accounts_take(gateway *self, const socket_request *request) {
    http_asked asked = http_remember(self, request);
    char correlation_id[WIRE_CORRELATION_BYTES],
        text[ORDER_JSON_BYTES + IDENTITY_ACCOUNTS * (WIRE_ACCOUNT_BYTES * 6 + 4)];
    if (!begin(self, request, &asked, correlation_id)) return;
    const text_list *accounts = order_desk_accounts(self->orders, request->caller);
    json_writer w;
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    json_string(&w, "exchange", self->orders->venue);
    json_open_array(&w, "accounts");
    for (const char *one = text_list_first(accounts); one != NULL; one = text_list_next(accounts, one))
        json_string(&w, NULL, one);
    json_close_array(&w);
    json_bool(&w, "anonymous", request->caller == NULL);
    json_close_object(&w);
    json_finish(&w);
    http_answer(self, &asked, HTTP_OK, "application/json", "no-store", text, w.length);
}
