/* One question, and the answer of whichever aggregator knows first. */
#include "gateways/candle_pages.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "gateways/caller.h"
#include "gateways/http.h"
#include "gateways/pipeline.h"
#include "proto/codec.h"
#include "proto/subject.h"

#define DEFAULT_LIMIT 500u
#define CANDLE_BYTES  512u /* of JSON: nine numbers of at most 45 bytes with their names */
#define REQUEST_BYTES 64u

typedef struct candle_question {
    http_asked asked;
    bool busy;         /* an aggregator has said that it is; another one may answer yet */
    uint32_t interval; /* index */
    wire_candle_request request;
    char mic[TW_MIC_BYTES], symbol[TW_SYMBOL_BYTES];
} candle_question;

/* ---- answering ---- */

static void put_candle(json_writer *w, const wire_candle *m) {
    int32_t exponent = m->header.price_exponent;
    json_open_object(w, NULL);
    json_i64_string(w, "start_ns", m->start_ns);
    json_decimal(w, "open", m->open, exponent);
    json_decimal(w, "high", m->high, exponent);
    json_decimal(w, "low", m->low, exponent);
    json_decimal(w, "close", m->close, exponent);
    json_decimal_u64(w, "volume", m->volume, m->header.quantity_exponent);
    json_decimal(w, "vwap", m->vwap, exponent);
    json_u64(w, "count", m->count);
    if (m->final) json_bool(w, "final", true);
    if (m->incomplete) json_bool(w, "incomplete", true);
    json_u64(w, "revision", m->revision);
    json_close_object(w);
}

/* Of what the candles are made of; of those over all exchanges nobody says one. True: what is shown is live. */
static bool put_state(gateway *self, const candle_question *q, json_writer *w) {
    tw_book_state state = TW_BOOK_OK;
    tw_state_cause cause = TW_CAUSE_NONE;
    if (strcmp(q->mic, SUBJECT_AGGREGATE) == 0) return true;
    source_judge_instrument(self->source, q->mic, q->symbol, &state, &cause);
    json_string(w, "state", tw_book_state_name(state));
    if (cause != TW_CAUSE_NONE) json_string(w, "cause", tw_state_cause_name(cause));
    return state == TW_BOOK_OK;
}

static void answer(gateway *self, const candle_question *q, const wire_candle_list *list) {
    char subject[SUBJECT_BYTES];
    size_t capacity = (size_t)(list->candle_count + 1) * CANDLE_BYTES;
    char *text = malloc(capacity);
    json_writer w;
    if (text == NULL) {
        http_answer_error(self, &q->asked, HTTP_NOT_READY, "NO_MEMORY", "no memory for the candles");
        return;
    }
    subject_instrument(subject, sizeof subject, q->mic, q->symbol, SUBJECT_CANDLE_1S + q->interval);
    json_start(&w, text, capacity);
    json_open_object(&w, NULL);
    json_string(&w, "subject", subject);
    json_u64(&w, "interval_ms", list->interval_ms);
    bool live = put_state(self, q, &w);
    if (list->more) json_bool(&w, "more", true);
    json_open_array(&w, "candles");
    for (uint32_t i = 0; i < list->candle_count; i++)
        put_candle(&w, &list->candles[i]);
    json_close_array(&w);
    json_close_object(&w);
    if (!json_finish(&w))
        http_answer_error(self, &q->asked, HTTP_BAD_GATEWAY, "TOO_LARGE", "the candles do not fit an answer");
    else if (http_answer(self, &q->asked, HTTP_OK, "application/json", live ? "private, max-age=1" : "no-store",
                         text, w.length))
        http_count(self, &q->asked, subject, w.length);
    free(text);
}

/* False: another one's answer may be better. */
static bool take_reply(gateway *self, candle_question *q, const bus_message *message) {
    wire_candle_list list;
    if (wire_candle_list_decode(&self->arena, message->bytes, message->length, &list) != WIRE_OK)
        http_answer_error(self, &q->asked, HTTP_BAD_GATEWAY, "MALFORMED",
                          "the bus gave a reply that can't be read");
    else if (list.code == WIRE_REPLY_NOT_FOUND)
        http_answer_error(self, &q->asked, HTTP_NOT_FOUND, "NOT_FOUND", "there is no instrument of this symbol");
    else if (list.code == WIRE_REPLY_OK)
        answer(self, q, &list);
    else if (list.code == WIRE_REPLY_BUSY)
        q->busy = true;
    else
        http_answer_error(self, &q->asked, HTTP_BAD_GATEWAY, "REFUSED", list.detail);
    return list.code != WIRE_REPLY_BUSY;
}

static bool on_reply(void *context, void *asked, ask_end end, const bus_message *message) {
    gateway *self = context;
    candle_question *q = asked;
    if (end == ASK_MORE && !take_reply(self, q, message)) return false;
    if (end == ASK_CLOSING)
        http_answer_error(self, &q->asked, HTTP_NOT_READY, "CLOSING", "the gateway stops: come back later");
    else if (end == ASK_NOBODY)
        http_answer_error(self, &q->asked, HTTP_NOT_READY, "NOBODY", "no aggregator makes candles now");
    else if (end == ASK_TIMEOUT && q->busy)
        http_answer_error(self, &q->asked, HTTP_NOT_READY, "BUSY",
                          "the aggregator is still learning what there is: come back later");
    else if (end == ASK_TIMEOUT)
        http_answer_error(self, &q->asked, HTTP_NOT_READY, "TIMEOUT",
                          "no aggregator that knows it answered in time");
    free(q);
    return true;
}

static void ask(gateway *self, const candle_question *asked) {
    char subject[SUBJECT_BYTES];
    uint8_t bytes[REQUEST_BYTES];
    size_t length = wire_candle_request_encode(&asked->request, bytes, sizeof bytes);
    ask_result result = ASK_AWAY;
    http_fault fault = {0};
    candle_question *q = malloc(sizeof *q);
    if (q != NULL) *q = *asked;
    if (q != NULL && subject_candles(subject, sizeof subject, q->mic, q->symbol))
        result = asker_ask_with(self->asker, &q->asked.caller, subject, bytes, length, on_reply, q);
    if (result == ASK_ASKED) return;
    free(q);
    http_fault_set_not_asked(&fault, result);
    http_answer_fault(self, &asked->asked, &fault);
}

/* ---- requests ---- */

/* "/v1/candles/XNAS/AAPL"; the symbol is not escaped. */
static bool parse_path(const char *path, candle_question *q) {
    const char *mic = path + strlen("/v1/candles/"), *slash = strchr(mic, '/');
    if (slash == NULL || slash[1] == '\0' || (size_t)(slash - mic) >= TW_MIC_BYTES) return false;
    memcpy(q->mic, mic, (size_t)(slash - mic));
    return tw_text_copy(q->symbol, sizeof q->symbol, slash + 1);
}

static bool parse_interval(const socket_request *request, candle_question *q) {
    const char *text = http_argument(request, "interval");
    if (text[0] == '\0') text = "1m";
    while (q->interval < SUBJECT_CANDLES && strcmp(subject_candle_name(q->interval), text) != 0)
        q->interval++;
    q->request.interval_ms = subject_candle_ms(q->interval);
    return q->interval < SUBJECT_CANDLES;
}

static bool parse_bounds(const socket_request *request, candle_question *q) {
    uint64_t limit = DEFAULT_LIMIT;
    const char *text = http_argument(request, "limit"), *before = http_argument(request, "before");
    q->request.before_ns = TW_TIME_ABSENT;
    if (text[0] != '\0' && (!tw_text_to_u64(text, &limit) || limit == 0)) return false;
    q->request.limit = limit < WIRE_MAX_CANDLES ? (uint32_t)limit : WIRE_MAX_CANDLES;
    return before[0] == '\0' || (tw_text_to_i64(before, &q->request.before_ns) && q->request.before_ns > 0);
}

void candles_take(gateway *self, const socket_request *request) {
    candle_question q = {.asked = http_remember(self, request)};
    char subject[SUBJECT_BYTES];
    if (!parse_path(request->path, &q) || !parse_interval(request, &q) || !parse_bounds(request, &q) ||
        !subject_instrument(subject, sizeof subject, q.mic, q.symbol, SUBJECT_CANDLE_1S + q.interval)) {
        http_answer_error(
            self, &q.asked, HTTP_BAD_REQUEST, "BAD_REQUEST",
            "candles are /v1/candles/{MIC}/{SYMBOL}, with ?interval=1s, 1m, 5m, 1h or 1d, &limit=N from 1 "
            "on, &before=nanoseconds");
        return;
    }
    if (!caller_may_read(self, request, &q.asked, subject, "these candles")) return;
    bool aggregate = strcmp(q.mic, SUBJECT_AGGREGATE) == 0;
    if (!aggregate && source_partitions(self->source, q.mic) == 0) {
        http_answer_error(self, &q.asked, HTTP_NOT_FOUND, "NOT_FOUND", "no feed of this exchange is known");
        return;
    }
    ask(self, &q);
}
