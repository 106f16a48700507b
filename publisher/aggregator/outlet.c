/* Sends and answers. */
#include "publisher/aggregator/outlet.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "proto/codec.h"
#include "proto/subject.h"
#include "publisher/aggregator/refill.h"
#include "runtime/clock.h"

#define MOST_A_ROUND 512u
#define ARENA_BYTES  4096u
#define RETRY_MS     500u
#define MINUTE_MS    60000u

struct outlet {
    outlet_options options;
    bus_subscription *requests;
    refill *refill; /* NULL where no candles are made */
    wire_arena arena;
    char name[WIRE_LEADER_BYTES];
    outlet_stats stats;
    wire_candle found[WIRE_MAX_CANDLES];
    uint8_t buffer[WIRE_MAX_BYTES];
};

/* ---- what is due ---- */

static bool send_as(outlet *self, const char *subject, size_t length) {
    return length > 0 && bus_publish_trusted(self->options.to, subject, self->buffer, length) == TW_OK;
}

static void send_candle(outlet *self, wire_candle *m) {
    char subject[SUBJECT_BYTES];
    uint32_t index = 0;
    const char *mic = m->header.exchange[0] != '\0' ? m->header.exchange : SUBJECT_AGGREGATE;
    m->header.publish_ns = rt_clock_utc_ns();
    subject_candle_index(m->interval_ms, &index);
    if (subject_instrument(subject, sizeof subject, mic, m->header.symbol, SUBJECT_CANDLE_1S + index) &&
        send_as(self, subject, wire_candle_encode(m, self->buffer, sizeof self->buffer)))
        self->stats.candles++;
}

static void send_nbbo(outlet *self, wire_nbbo *m) {
    char subject[SUBJECT_BYTES];
    m->header.publish_ns = rt_clock_utc_ns();
    if (subject_instrument(subject, sizeof subject, SUBJECT_AGGREGATE, m->header.symbol, SUBJECT_NBBO) &&
        send_as(self, subject, wire_nbbo_encode(m, self->buffer, sizeof self->buffer)))
        self->stats.nbbos++;
}

static bool send_one(outlet *self, int64_t now_ns) {
    union {
        wire_candle candle;
        wire_nbbo nbbo;
    } m;
    if (self->options.nbbo != NULL && nbbo_next(self->options.nbbo, now_ns, &m.nbbo)) {
        send_nbbo(self, &m.nbbo);
        return true;
    }
    bool quiet = self->options.candles == NULL || !refill_is_over(self->refill);
    if (quiet || !candles_next(self->options.candles, now_ns, &m.candle)) return false;
    send_candle(self, &m.candle);
    return true;
}

bool outlet_round(outlet *self, int64_t now_ns) {
    uint32_t sent = 0;
    while (sent < MOST_A_ROUND && bus_ready(self->options.to) && send_one(self, now_ns))
        sent++;
    if (sent > 0) bus_flush(self->options.to);
    return sent == MOST_A_ROUND;
}

/* ---- requests ---- */

static void answer(outlet *self, const char *reply, wire_candle_list *list) {
    tw_text_copy(list->source, sizeof list->source, self->name);
    size_t length = wire_candle_list_encode(list, self->buffer, sizeof self->buffer);
    if (length > 0) bus_publish(self->options.to, reply, self->buffer, length);
    bus_flush(self->options.to);
    self->stats.requests_refused += list->code != WIRE_REPLY_OK;
}

static void refuse(outlet *self, const char *reply, wire_candle_list *list, wire_reply_code code, const char *why) {
    list->code = code;
    list->retry_after_ms = code == WIRE_REPLY_BUSY ? RETRY_MS : 0;
    tw_text_copy(list->detail, sizeof list->detail, why);
    answer(self, reply, list);
}

/* What is not known may be on its way still. */
static bool is_learning(const outlet *self, const char *mic) {
    return strcmp(mic, SUBJECT_AGGREGATE) != 0 && last_values_wants(self->options.values, mic, LAST_TRADE);
}

static void answer_history(outlet *self, const char *reply, const wire_candle_request *request, uint32_t interval,
                           wire_candle_list *list) {
    uint32_t limit = request->limit == 0 || request->limit > WIRE_MAX_CANDLES ? WIRE_MAX_CANDLES : request->limit;
    candles_known known = candles_history(self->options.candles, list->exchange, list->symbol, interval,
                                          request->before_ns, limit, self->found, &list->candle_count, &list->more);
    list->candles = self->found;
    if (known == CANDLES_UNKNOWN_EXCHANGE) return; /* another aggregator may follow it */
    if (known == CANDLES_KNOWN)
        answer(self, reply, list);
    else if (is_learning(self, list->exchange))
        refuse(self, reply, list, WIRE_REPLY_BUSY, "the exchange's instruments are not all known yet");
    else
        refuse(self, reply, list, WIRE_REPLY_NOT_FOUND, "no instrument of this symbol");
}

static void on_request(void *context, const bus_message *message) {
    outlet *self = context;
    wire_candle_request request;
    wire_candle_list list = {0};
    subject_parts parts;
    uint32_t interval;
    if (!bus_may_answer(message) || subject_parse(message->subject, &parts) != SUBJECT_KIND_CANDLES) return;
    self->stats.requests++;
    tw_text_copy(list.exchange, sizeof list.exchange, parts.mic);
    tw_text_copy(list.symbol, sizeof list.symbol, parts.symbol);
    if (!refill_is_over(self->refill)) { /* who else runs knows more */
        refuse(self, message->reply, &list, WIRE_REPLY_BUSY, "it has just started");
        return;
    }
    if (wire_candle_request_decode(&self->arena, message->bytes, message->length, &request) != WIRE_OK) {
        refuse(self, message->reply, &list, WIRE_REPLY_BAD_REQUEST, "not a CandleRequest");
        return;
    }
    list.interval_ms = request.interval_ms == 0 ? MINUTE_MS : request.interval_ms;
    if (subject_candle_index(list.interval_ms, &interval))
        answer_history(self, message->reply, &request, interval, &list);
    else
        refuse(self, message->reply, &list, WIRE_REPLY_BAD_REQUEST,
               "interval_ms is 1000, 60000, 300000, 3600000 or 86400000");
}

/* ---- open and close ---- */

static void name_self(outlet *self) {
    char host[WIRE_LEADER_BYTES / 2] = "";
    gethostname(host, sizeof host - 1);
    tw_text_format(self->name, sizeof self->name, "%s:%ld", host[0] != '\0' ? host : "aggregator", (long)getpid());
}

tw_code outlet_open(outlet **opened, const outlet_options *options, tw_error *error) {
    *opened = NULL;
    outlet *self = calloc(1, sizeof *self);
    if (self == NULL || !wire_arena_init(&self->arena, ARENA_BYTES)) {
        free(self);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for candles to be sent");
    }
    self->options = *options;
    name_self(self);
    tw_code code = TW_OK;
    if (options->candles != NULL)
        code = bus_subscribe(options->to, "candles.*.*", on_request, self, &self->requests, error);
    if (code == TW_OK && options->candles != NULL)
        code = refill_open(&self->refill, options->to, options->candles, self->name, options->log, error);
    if (code != TW_OK) {
        outlet_close(self);
        return code;
    }
    *opened = self;
    return TW_OK;
}

void outlet_close(outlet *self) {
    if (self == NULL) return;
    bus_unsubscribe(self->requests);
    refill_close(self->refill);
    wire_arena_fini(&self->arena);
    free(self);
}

void outlet_tick(outlet *self, bool ready, int64_t now_ns) {
    if (self->refill != NULL) refill_tick(self->refill, ready, now_ns);
}

outlet_stats outlet_read_stats(const outlet *self) {
    return self->stats;
}
