/*
 * A request is a question with an item for each symbol; an item goes from Redis to memory to the bus until one of them has
 * it. The answer is made when the last item is settled.
 */
#include "gateways/last_pages.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "gateways/caller.h"
#include "gateways/http.h"
#include "gateways/pipeline.h"
#include "gateways/symbol_question.h"
#include "proto/codec.h"
#include "proto/subject.h"
#include "runtime/clock.h"

#define MOST_BEHIND_NS INT64_C(500000000) /* of a row, in the exchange's time; the aggregator needs some 10 ms */
#define ITEM_BYTES     1024u              /* of JSON: a symbol of 32 bytes, escaped, and all fields */

typedef struct last_question last_question;

typedef enum last_part_kind { PART_QUOTE, PART_PRINT, PARTS } last_part_kind;

typedef struct last_item {
    last_question *owner;
    char symbol[TW_SYMBOL_BYTES];
    bool wanted[PARTS]; /* what of it may be read */
    struct last_part {
        struct last_item *item;
        last_part_kind kind;
        symbol_question where;
    } parts[PARTS]; /* what the bus is asked for */
    uint32_t parts_left;
    size_t bytes;       /* of its JSON among several */
    const char *source; /* "redis", "memory", "bus"; NULL: an error */
    last_shown shown;
    http_fault fault;
} last_item;

struct last_question {
    http_asked asked;
    bool several;
    char mic[TW_MIC_BYTES];
    uint32_t count, left; /* items; of them not settled, and one while items are being made */
    last_item items[];
};

/* ---- answering ---- */

static void write_item(json_writer *w, const last_item *item, const char *mic) {
    json_open_object(w, NULL);
    if (mic != NULL) json_string(w, "exchange", mic);
    json_string(w, "symbol", item->symbol);
    if (item->source != NULL) {
        last_shown_write(&item->shown, item->source, w);
    } else {
        json_open_object(w, "error");
        json_string(w, "code", item->fault.code);
        json_string(w, "message", item->fault.message);
        json_close_object(w);
    }
    json_close_object(w);
}

/* "XNAS.AAPL.last" is no subject of the bus: a line of the ledger of its own, as it is neither all quotes nor all trades. */
static void count(gateway *self, const last_question *q, const last_item *item, size_t bytes) {
    char token[SUBJECT_BYTES], subject[SUBJECT_BYTES];
    if (item->source != NULL && subject_escape(token, sizeof token, item->symbol) &&
        tw_text_format(subject, sizeof subject, "%s.%s.last", q->mic, token))
        http_count(self, &q->asked, subject, bytes);
}

static void answer_one(gateway *self, const last_question *q) {
    const last_item *item = &q->items[0];
    char text[ITEM_BYTES];
    json_writer w;
    if (item->source == NULL) {
        http_answer_fault(self, &q->asked, &item->fault);
        return;
    }
    json_start(&w, text, sizeof text);
    write_item(&w, item, q->mic);
    json_finish(&w);
    if (http_answer(self, &q->asked, HTTP_OK, "application/json", "no-store", text, w.length))
        count(self, q, item, w.length);
}

static void answer_several(gateway *self, last_question *q) {
    size_t capacity = (size_t)(q->count + 1) * ITEM_BYTES;
    char *text = malloc(capacity);
    json_writer w;
    if (text == NULL) {
        http_answer_error(self, &q->asked, HTTP_NOT_READY, "NO_MEMORY", "no memory for the values");
        return;
    }
    json_start(&w, text, capacity);
    json_open_object(&w, NULL);
    json_string(&w, "exchange", q->mic);
    json_open_array(&w, "values");
    for (uint32_t i = 0; i < q->count; i++) {
        size_t before = w.length;
        write_item(&w, &q->items[i], NULL);
        q->items[i].bytes = w.length - before;
    }
    json_close_array(&w);
    json_close_object(&w);
    json_finish(&w);
    bool out = http_answer(self, &q->asked, HTTP_OK, "application/json", "no-store", text, w.length);
    for (uint32_t i = 0; out && i < q->count; i++)
        count(self, q, &q->items[i], q->items[i].bytes);
    free(text);
}

static void settle_one(gateway *self, last_question *q) {
    if (--q->left > 0) return;
    if (q->several)
        answer_several(self, q);
    else
        answer_one(self, q);
    free(q);
}

static void settle(gateway *self, last_item *item, const char *from) {
    item->source = from;
    settle_one(self, item->owner);
}

static void refuse(gateway *self, last_item *item, const http_status *status, const char *code, const char *words) {
    http_fault_set(&item->fault, status, code, "%s", words);
    settle(self, item, NULL);
}

/* ---- the bus ---- */

static void part_done(gateway *self, last_item *item) {
    if (--item->parts_left == 0) settle(self, item, item->fault.status == NULL ? "bus" : NULL);
}

static void take_quote(gateway *self, last_item *item, const wire_quote *quote) {
    tw_book_state state = quote->header.state;
    tw_state_cause cause = quote->header.cause;
    source_judge(self->source, &quote->header, &state, &cause);
    last_shown_take_quote(&item->shown, quote, state, cause);
}

static void take_trades(gateway *self, last_item *item, const wire_trades *trades) {
    tw_book_state state = TW_BOOK_OK; /* not carried: it is the feed's */
    tw_state_cause cause = TW_CAUSE_NONE;
    source_judge(self->source, &trades->header, &state, &cause);
    last_shown_worsen(&item->shown, state, cause);
    last_shown_take_print(&item->shown, &trades->header,
                          trades->print_count == 0 ? NULL : &trades->prints[trades->print_count - 1]);
}

/* False: another partition may know it. */
static bool take_reply(gateway *self, struct last_part *part, const bus_message *message) {
    wire_snapshot_reply reply;
    last_item *item = part->item;
    if (wire_snapshot_reply_decode(&self->arena, message->bytes, message->length, &reply) != WIRE_OK)
        http_fault_set(&item->fault, &HTTP_BAD_GATEWAY, "MALFORMED", "the bus gave a reply that can't be read");
    else if (part->kind == PART_QUOTE && reply.code == WIRE_REPLY_OK && reply.quote_count == 1)
        take_quote(self, item, &reply.quotes[0]);
    else if (part->kind == PART_PRINT && reply.code == WIRE_REPLY_OK && reply.trades_count == 1)
        take_trades(self, item, &reply.trades[0]);
    else
        return symbol_question_refused(&part->where, self, item->owner->mic, &reply, &item->fault);
    return true;
}

static bool on_part_reply(void *context, void *asked, ask_end end, const bus_message *message) {
    gateway *self = context;
    struct last_part *part = asked;
    if (end == ASK_MORE && !take_reply(self, part, message)) return false;
    if (end != ASK_MORE) symbol_question_end(&part->where, self, part->item->owner->mic, end, &part->item->fault);
    part_done(self, part->item);
    return true;
}

static ask_result ask_part(gateway *self, const last_item *item, struct last_part *part) {
    subject_channel channel = part->kind == PART_QUOTE ? SUBJECT_QUOTE : SUBJECT_TRADE;
    return symbol_question_ask(self, &item->owner->asked, item->owner->mic, item->symbol, channel, on_part_reply,
                               part);
}

static void ask_bus(gateway *self, last_item *item) {
    last_shown_start(&item->shown, rt_clock_utc_ns());
    item->parts_left = 1; /* while parts are being asked for */
    for (int kind = 0; kind < PARTS; kind++) {
        item->parts[kind] = (struct last_part){.item = item, .kind = (last_part_kind)kind};
        if (!item->wanted[kind]) continue;
        ask_result result = ask_part(self, item, &item->parts[kind]);
        if (result == ASK_ASKED)
            item->parts_left++;
        else
            http_fault_set_not_asked(&item->fault, result);
    }
    part_done(self, item);
}

/* ---- memory ---- */

static bool take_kept_quote(gateway *self, last_item *item, wire_quote *quote) {
    tw_book_state state = TW_BOOK_OK;
    tw_state_cause cause = TW_CAUSE_NONE;
    if (!source_read_quote(self->source, item->owner->mic, item->symbol, quote, &state, &cause)) return false;
    last_shown_take_quote(&item->shown, quote, state, cause);
    return true;
}

static bool take_kept_print(gateway *self, last_item *item, const char *epoch) {
    wire_header header;
    tw_print print;
    tw_book_state state = TW_BOOK_OK;
    tw_state_cause cause = TW_CAUSE_NONE;
    bool any = false;
    if (!source_read_print(self->source, item->owner->mic, item->symbol, &header, &print, &any)) return false;
    if (epoch[0] != '\0' && strcmp(header.epoch, epoch) != 0) return false; /* of another day */
    header.term = UINT64_MAX; /* a print of this session stays one, whoever leads */
    source_judge(self->source, &header, &state, &cause);
    last_shown_worsen(&item->shown, state, cause);
    last_shown_take_print(&item->shown, &header, any ? &print : NULL);
    return true;
}

static void look_elsewhere(gateway *self, last_item *item) {
    wire_quote quote = {0};
    last_shown_start(&item->shown, rt_clock_utc_ns());
    bool kept = source_quote_holds(self->source, item->owner->mic, item->symbol) &&
                (!item->wanted[PART_QUOTE] || take_kept_quote(self, item, &quote)) &&
                (!item->wanted[PART_PRINT] || take_kept_print(self, item, quote.header.epoch));
    if (kept)
        settle(self, item, "memory");
    else if (self->phase == GATEWAY_DONE)
        refuse(self, item, &HTTP_NOT_READY, "CLOSING", "the gateway stops: come back later");
    else
        ask_bus(self, item);
}

/* ---- Redis ---- */

/* The aggregator marks a row within moments and lets it run out within its expiry. Where this gateway knows better already,
 * it does not ask; of an exchange whose feeds it does not hear, the aggregator knows more. */
static bool redis_is_worth_asking(const gateway *self, const char *mic) {
    return source_partitions(self->source, mic) == 0 || source_exchange_is_good(self->source, mic);
}

/* A row's seq, time and state are of quotes and trades together: who may read only one of them would learn from it when
 * the other moved. */
static bool may_have_row(const last_item *item) {
    return item->wanted[PART_QUOTE] && item->wanted[PART_PRINT];
}

/* What the gateway follows itself may be newer than the row; by far, where the aggregator stands still. Then it is shown
 * instead. Where only quotes or only trades are followed, the row still serves for the others, if it is not far behind. */
static const char *choose(gateway *self, last_item *item, const last_shown *row) {
    last_item kept = *item;
    wire_quote quote = {0};
    last_shown_start(&kept.shown, row->read_ns);
    bool has_quote = item->wanted[PART_QUOTE] && take_kept_quote(self, &kept, &quote);
    bool has_print = item->wanted[PART_PRINT] && take_kept_print(self, &kept, quote.header.epoch);
    item->shown = *row;
    /* What is kept and doubted here casts doubt on a row that knows no more. */
    if ((has_quote || has_print) && !last_shown_is_newer(row, &kept.shown))
        last_shown_worsen(&item->shown, kept.shown.state, kept.shown.cause);
    if ((!has_quote && !has_print) || !last_shown_is_newer(&kept.shown, row)) return "redis";
    if (has_quote == item->wanted[PART_QUOTE] && has_print == item->wanted[PART_PRINT])
        item->shown = kept.shown;
    else if (kept.shown.event_ns - row->event_ns > MOST_BEHIND_NS)
        return NULL;
    else if (has_quote)
        take_kept_quote(self, item, &quote);
    else
        take_kept_print(self, item, "");
    return "memory";
}

void last_take_row(void *context, void *question, const last_shown *row) {
    gateway *self = context;
    last_item *item = question;
    const char *from = NULL;
    if (row != NULL && redis_is_worth_asking(self, item->owner->mic)) from = choose(self, item, row);
    if (from != NULL)
        settle(self, item, from);
    else
        look_elsewhere(self, item);
}

/* ---- requests ---- */

static bool may_read(const gateway *self, const identity *who, const last_item *item, subject_channel channel) {
    char subject[SUBJECT_BYTES];
    return subject_instrument(subject, sizeof subject, item->owner->mic, item->symbol, channel) &&
           doorman_allows(self->doorman, who, subject);
}

static void start_item(gateway *self, const identity *who, last_item *item) {
    char subject[SUBJECT_BYTES];
    if (!subject_instrument(subject, sizeof subject, item->owner->mic, item->symbol, SUBJECT_QUOTE)) {
        refuse(self, item, &HTTP_BAD_REQUEST, "BAD_REQUEST", "a symbol has 1 to 32 bytes");
        return;
    }
    item->wanted[PART_QUOTE] = may_read(self, who, item, SUBJECT_QUOTE);
    item->wanted[PART_PRINT] = may_read(self, who, item, SUBJECT_TRADE);
    if (!item->wanted[PART_QUOTE] && !item->wanted[PART_PRINT])
        refuse(self, item, &HTTP_FORBIDDEN, "FORBIDDEN",
               "you may read neither quotes nor trades of this instrument");
    else if (!may_have_row(item) || !redis_is_worth_asking(self, item->owner->mic) ||
             !last_store_ask(self->last_store, item->owner->mic, item->symbol, item))
        look_elsewhere(self, item);
}

static uint32_t count_symbols(const char *list) {
    uint32_t count = 1;
    for (const char *at = list; *at != '\0'; at++)
        count += *at == ',';
    return count;
}

/* The next of the list, cut to what has no subject if it is too long. */
static const char *take_symbol(last_item *item, const char *at, bool several) {
    size_t length = several ? strcspn(at, ",") : strlen(at);
    if (length < sizeof item->symbol) memcpy(item->symbol, at, length); /* else it stays "", which is none */
    return at + length + (several && at[length] == ',');
}

static void ask_all(gateway *self, const identity *who, const http_asked *asked, const char *mic, const char *list,
                    bool several) {
    uint32_t count = several ? count_symbols(list) : 1;
    last_question *q = calloc(1, sizeof *q + count * sizeof q->items[0]);
    if (q == NULL) {
        http_answer_error(self, asked, HTTP_NOT_READY, "NO_MEMORY", "no memory for the question");
        return;
    }
    *q = (last_question){.asked = *asked, .several = several, .count = count, .left = count + 1};
    memcpy(q->mic, mic, TW_MIC_BYTES - 1);
    for (uint32_t i = 0; i < count; i++) {
        q->items[i].owner = q;
        list = take_symbol(&q->items[i], list, several);
        start_item(self, who, &q->items[i]);
    }
    last_store_flush(self->last_store);
    settle_one(self, q);
}

/* May who asks read anything of it? Else it was answered. `symbol`: "" for several; one that is none is told later. */
static bool may_ask(gateway *self, const socket_request *request, http_asked *asked, const char *mic,
                    const char *symbol) {
    char subject[SUBJECT_BYTES], channel[SUBJECT_BYTES];
    if (symbol[0] == '\0') {
        tw_text_format(subject, sizeof subject, "%.4s.>", mic);
        return caller_may_read(self, request, asked, subject, "anything of this exchange");
    }
    char exchange[TW_MIC_BYTES] = "";
    memcpy(exchange, mic, TW_MIC_BYTES - 1);
    if (!subject_instrument(subject, sizeof subject, exchange, symbol, SUBJECT_QUOTE) ||
        !subject_instrument(channel, sizeof channel, exchange, symbol, SUBJECT_TRADE))
        return true;
    return doorman_allows(self->doorman, request->caller, subject) ||
           caller_may_read(self, request, asked, channel, "quotes or trades of this instrument");
}

void last_take(gateway *self, const socket_request *request) {
    http_asked asked = http_remember(self, request);
    const char *mic = request->path + strlen("/v1/last/");
    size_t length = strcspn(mic, "/");
    bool several = mic[length] == '\0';
    const char *list = several ? http_argument(request, "symbols") : mic + length + 1;
    if (!http_is_mic(mic, length) || list[0] == '\0')
        http_answer_error(self, &asked, HTTP_BAD_REQUEST, "BAD_REQUEST",
                          "last values are /v1/last/{MIC}/{SYMBOL} or /v1/last/{MIC}?symbols=A,B");
    else if (several && count_symbols(list) > LAST_PAGES_SYMBOLS)
        http_answer_error(self, &asked, HTTP_BAD_REQUEST, "TOO_MANY", "at most 100 symbols in one request");
    else if (may_ask(self, request, &asked, mic, several ? "" : list))
        ask_all(self, request->caller, &asked, mic, list, several);
}
