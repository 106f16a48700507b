/* Questions of HTTP clients about the market. An answer is made when the last reply has come. */
#include "gateways/market_pages.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_levels.h"
#include "base/text.h"
#include "gateways/caller.h"
#include "gateways/http.h"
#include "gateways/pipeline.h"
#include "gateways/symbol_question.h"
#include "proto/codec.h"
#include "proto/subject.h"

#define BOOK_BYTES       16384u
#define INSTRUMENT_BYTES 1024u

/* A question under way. */
typedef struct question {
    enum { QUESTION_BOOK, QUESTION_INSTRUMENTS } kind;
    http_asked asked;
    uint32_t depth;        /* BOOK */
    symbol_question where; /* BOOK */
    roll_call call;        /* INSTRUMENTS: partitions whose last chunk has come */
    bool any;              /* INSTRUMENTS: a chunk has come */
    char mic[TW_MIC_BYTES], symbol[TW_SYMBOL_BYTES];
    identity *who; /* INSTRUMENTS: what it may read decides on each entry; NULL: nobody known */
    char *text;    /* INSTRUMENTS: entries so far */
    size_t length, capacity;
} question;

static void question_free(question *q) {
    identity_free(q->who);
    free(q->text);
    free(q);
}

/* ---- writing ---- */

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static void put_time(json_writer *w, const char *name, int64_t time_ns) {
    if (time_ns != TW_TIME_ABSENT) json_i64_string(w, name, time_ns);
}

static void answer_book(gateway *self, const http_asked *asked, const stream_book *book, uint32_t wanted) {
    char text[BOOK_BYTES];
    const wire_header *header = book->header;
    uint32_t depth = least(wanted, book->depth);
    uint32_t bids = least(depth, book->bid_count), asks = least(depth, book->ask_count);
    json_writer w;
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    json_string(&w, "exchange", header->exchange);
    json_string(&w, "symbol", header->symbol);
    json_string(&w, "epoch", header->epoch);
    json_u64_string(&w, "term", header->term);
    json_u64_string(&w, "seq", header->seq);
    json_string(&w, "state", tw_book_state_name(book->state));
    if (book->cause != TW_CAUSE_NONE) json_string(&w, "cause", tw_state_cause_name(book->cause));
    json_i64(&w, "price_exponent", header->price_exponent);
    json_i64(&w, "quantity_exponent", header->quantity_exponent);
    json_u64(&w, "depth", depth);
    json_levels(&w, "bids", book->bids, bids, header->price_exponent, header->quantity_exponent);
    json_levels(&w, "asks", book->asks, asks, header->price_exponent, header->quantity_exponent);
    json_u64(&w, "checksum", wire_book_checksum(book->bids, bids, book->asks, asks, depth));
    put_time(&w, "event_ns", header->event_ns);
    put_time(&w, "publish_ns", header->publish_ns);
    json_close_object(&w);
    char subject[SUBJECT_BYTES];
    if (!json_finish(&w))
        http_answer_error(self, asked, HTTP_BAD_GATEWAY, "TOO_LARGE", "the book does not fit an answer");
    else if (http_answer(self, asked, HTTP_OK, "application/json", "no-store", text, w.length) &&
             subject_instrument(subject, sizeof subject, header->exchange, header->symbol, SUBJECT_ORDERBOOK))
        http_count(self, asked, subject, w.length);
}

static bool question_append(question *q, const char *text, size_t length) {
    if (q->length + length > q->capacity) {
        size_t capacity = 2 * q->capacity + length + 4096;
        char *grown = realloc(q->text, capacity);
        if (grown == NULL) return false;
        q->text = grown;
        q->capacity = capacity;
    }
    memcpy(q->text + q->length, text, length);
    q->length += length;
    return true;
}

/* What of an instrument's directory entry may be shown: the entry itself to who may read anything of it, how it trades
 * and what its data is worth only to who may read a channel that says so. */
typedef struct visible {
    bool entry, trading, state;
} visible;

static bool may_see(const gateway *self, const question *q, const char *symbol, subject_channel channel) {
    char subject[SUBJECT_BYTES];
    return subject_instrument(subject, sizeof subject, q->mic, symbol, channel) &&
           doorman_allows(self->doorman, q->who, subject);
}

static visible look_at(const gateway *self, const question *q, const char *symbol) {
    char token[SUBJECT_BYTES], subject[SUBJECT_BYTES];
    visible seen = {0};
    seen.entry = subject_escape(token, sizeof token, symbol) &&
                 tw_text_format(subject, sizeof subject, "%s.%s.>", q->mic, token) &&
                 doorman_allows(self->doorman, q->who, subject);
    if (!seen.entry) return seen;
    seen.trading = may_see(self, q, symbol, SUBJECT_STATUS);
    seen.state =
        seen.trading || may_see(self, q, symbol, SUBJECT_ORDERBOOK) || may_see(self, q, symbol, SUBJECT_QUOTE);
    return seen;
}

/* False: no memory. */
static bool append_instrument(const gateway *self, question *q, const wire_instrument *entry) {
    char text[INSTRUMENT_BYTES];
    const tw_instrument *one = &entry->instrument;
    char market[2] = {one->market, '\0'};
    visible seen = look_at(self, q, one->symbol);
    if (!seen.entry) return true;
    json_writer w;
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    json_string(&w, "symbol", one->symbol);
    if (one->name[0] != '\0') json_string(&w, "name", one->name);
    json_i64(&w, "price_exponent", one->price_exponent);
    json_i64(&w, "quantity_exponent", one->quantity_exponent);
    if (one->tick != 0) json_decimal(&w, "tick", one->tick, one->price_exponent);
    if (one->round_lot != 0) json_decimal_u64(&w, "round_lot", one->round_lot, one->quantity_exponent);
    if (market[0] != '\0') json_string(&w, "market", market);
    if (one->test) json_bool(&w, "test", true);
    if (seen.trading) json_string(&w, "trading", tw_trading_state_name(entry->trading));
    if (seen.state) json_string(&w, "state", tw_book_state_name(entry->state));
    if (seen.state && entry->cause != TW_CAUSE_NONE) json_string(&w, "cause", tw_state_cause_name(entry->cause));
    json_close_object(&w);
    return json_finish(&w) && (q->length == 0 || question_append(q, ",", 1)) && question_append(q, text, w.length);
}

static bool append_text(question *q, const char *text) {
    return question_append(q, text, strlen(text));
}

static bool append_missing(question *q) {
    char number[16];
    bool good = append_text(q, ",\"missing_partitions\":[");
    uint32_t first = roll_call_next_missing(&q->call, 0);
    for (uint32_t one = first; one != 0 && good; one = roll_call_next_missing(&q->call, one)) {
        tw_text_format(number, sizeof number, "%s%u", one == first ? "" : ",", one);
        good = append_text(q, number);
    }
    return good && append_text(q, "]");
}

/* What is not whole is nobody's to keep. */
static void answer_instruments(gateway *self, question *q) {
    char head[128];
    tw_text_format(head, sizeof head, "{\"exchange\":\"%s\",\"instruments\":[", q->mic);
    size_t start = strlen(head);
    bool whole = roll_call_is_complete(&q->call);
    if (!append_text(q, "]") || (!whole && !append_missing(q)) || !append_text(q, "}") || !append_text(q, head)) {
        http_answer_error(self, &q->asked, HTTP_NOT_READY, "NO_MEMORY", "no memory for the directory");
        return;
    }
    memmove(q->text + start, q->text, q->length - start);
    memcpy(q->text, head, start);
    char subject[SUBJECT_BYTES];
    if (http_answer(self, &q->asked, HTTP_OK, "application/json", whole ? "private, max-age=5" : "no-store",
                    q->text, q->length) &&
        subject_instruments(subject, sizeof subject, q->mic))
        http_count(self, &q->asked, subject, q->length);
}

/* ---- replies ---- */

static void answer_snapshot(gateway *self, const question *q, const wire_book_update *m) {
    stream_book book = {.header = &m->header,
                        .state = m->header.state,
                        .cause = m->header.cause,
                        .depth = m->depth,
                        .bid_count = m->bid_count,
                        .ask_count = m->ask_count,
                        .bids = m->bids,
                        .asks = m->asks};
    source_judge(self->source, &m->header, &book.state, &book.cause);
    answer_book(self, &q->asked, &book, q->depth);
}

/* Each returns true when the question has been answered. */
static bool take_book_reply(gateway *self, question *q, const bus_message *message) {
    wire_snapshot_reply reply;
    http_fault fault = {0};
    if (wire_snapshot_reply_decode(&self->arena, message->bytes, message->length, &reply) != WIRE_OK) {
        http_answer_error(self, &q->asked, HTTP_BAD_GATEWAY, "MALFORMED",
                          "the bus gave a reply that can't be read");
    } else if (reply.code == WIRE_REPLY_OK && reply.book_count == 1) {
        answer_snapshot(self, q, &reply.books[0]);
    } else if (symbol_question_refused(&q->where, self, q->mic, &reply, &fault)) {
        http_answer_fault(self, &q->asked, &fault);
    } else {
        return false;
    }
    return true;
}

/* Nothing more comes. Only where nothing came at all there is no answer. */
static void end_instruments(gateway *self, question *q) {
    http_fault fault = {0};
    if (q->any) {
        answer_instruments(self, q);
        return;
    }
    if (roll_call_any_declined(&q->call))
        http_fault_set(&fault, &HTTP_NOT_READY, "BUSY", "the exchange's publisher is busy: come back later");
    symbol_question_set_unanswered(&fault, &q->call, q->mic);
    http_answer_fault(self, &q->asked, &fault);
}

/* Of a partition that has told all already (there were two leaders for a moment) nothing is taken. False: no memory. */
static bool take_list(const gateway *self, question *q, const wire_instrument_list *list) {
    bool told = roll_call_has_answered(&q->call, list->partition);
    q->any = true;
    roll_call_hear(&q->call, list->partition);
    for (uint32_t i = 0; i < list->instrument_count && !told; i++)
        if (!append_instrument(self, q, &list->instruments[i])) return false;
    if (list->last) roll_call_answer(&q->call, list->partition);
    return true;
}

static bool take_instruments_reply(gateway *self, question *q, const bus_message *message) {
    wire_instrument_list list;
    partition_set silent;
    if (wire_instrument_list_decode(&self->arena, message->bytes, message->length, &list) != WIRE_OK) {
        http_answer_error(self, &q->asked, HTTP_BAD_GATEWAY, "MALFORMED",
                          "the bus gave a reply that can't be read");
        return true;
    }
    roll_call_expect_all(&q->call, list.partitions);
    if (list.code != WIRE_REPLY_OK) {
        roll_call_decline(&q->call, list.partition);
    } else if (!take_list(self, q, &list)) {
        http_answer_error(self, &q->asked, HTTP_NOT_READY, "NO_MEMORY", "no memory for the directory");
        return true;
    }
    source_call_roll(self->source, q->mic, &q->call, &silent);
    if (!roll_call_is_over(&q->call, &silent)) return false;
    end_instruments(self, q);
    return true;
}

static void take_end(gateway *self, question *q, ask_end end) {
    http_fault fault = {0};
    partition_set silent;
    source_call_roll(self->source, q->mic, &q->call, &silent);
    if (q->kind == QUESTION_INSTRUMENTS && end == ASK_TIMEOUT) {
        end_instruments(self, q);
        return;
    }
    symbol_question_end(&q->where, self, q->mic, end, &fault);
    http_answer_fault(self, &q->asked, &fault);
}

bool market_take_reply(void *context, void *asked, ask_end end, const bus_message *message) {
    gateway *self = context;
    question *q = asked;
    bool over = true;
    if (end != ASK_MORE)
        take_end(self, q, end);
    else
        over =
            q->kind == QUESTION_BOOK ? take_book_reply(self, q, message) : take_instruments_reply(self, q, message);
    if (over) question_free(q);
    return over;
}

static ask_result put_question(gateway *self, question *q) {
    char subject[SUBJECT_BYTES];
    if (q->kind == QUESTION_BOOK)
        return symbol_question_ask(self, &q->asked, q->mic, q->symbol, SUBJECT_ORDERBOOK, market_take_reply, q);
    if (!subject_instruments(subject, sizeof subject, q->mic)) return ASK_AWAY;
    return asker_ask(self->asker, &q->asked.caller, subject, market_take_reply, q);
}

static void ask(gateway *self, const question *asked) {
    http_fault fault = {0};
    question *q = malloc(sizeof *q);
    if (q != NULL) *q = *asked;
    ask_result result = q != NULL ? put_question(self, q) : ASK_AWAY;
    if (result == ASK_ASKED) return;
    identity_free(asked->who);
    free(q);
    http_fault_set_not_asked(&fault, result);
    http_answer_fault(self, &asked->asked, &fault);
}

/* ---- requests ---- */

/* "/v1/book/XNAS/AAPL"; the symbol is not escaped. */
static bool parse_path(const char *path, question *q) {
    const char *mic = path + strlen("/v1/book/"), *slash = strchr(mic, '/');
    if (slash == NULL || !http_is_mic(mic, (size_t)(slash - mic))) return false;
    memcpy(q->mic, mic, TW_MIC_BYTES - 1);
    return slash[1] != '\0' && tw_text_copy(q->symbol, sizeof q->symbol, slash + 1);
}

static bool parse_depth(const socket_request *request, question *q) {
    uint64_t depth = TW_MAX_DEPTH;
    const char *text = http_argument(request, "depth");
    if (text[0] != '\0' && (!tw_text_to_u64(text, &depth) || depth == 0)) return false;
    q->depth = depth < TW_MAX_DEPTH ? (uint32_t)depth : TW_MAX_DEPTH;
    return true;
}

void market_take_book(gateway *self, const socket_request *request) {
    question q = {.kind = QUESTION_BOOK, .asked = http_remember(self, request)};
    char subject[SUBJECT_BYTES];
    if (!parse_path(request->path, &q) || !parse_depth(request, &q) ||
        !subject_instrument(subject, sizeof subject, q.mic, q.symbol, SUBJECT_ORDERBOOK)) {
        http_answer_error(self, &q.asked, HTTP_BAD_REQUEST, "BAD_REQUEST",
                          "a book is /v1/book/{MIC}/{SYMBOL}, with ?depth=N from 1 on");
        return;
    }
    if (!caller_may_read(self, request, &q.asked, subject, "this book")) return;
    wire_header header;
    stream_book book;
    if (source_read_book(self->source, q.mic, q.symbol, &header, &book)) {
        answer_book(self, &q.asked, &book, q.depth);
        return;
    }
    ask(self, &q);
}

void market_take_instruments(gateway *self, const socket_request *request) {
    question q = {.kind = QUESTION_INSTRUMENTS, .asked = http_remember(self, request)};
    const char *mic = http_argument(request, "exchange");
    char subject[SUBJECT_BYTES];
    if (!http_is_mic(mic, strlen(mic))) {
        http_answer_error(self, &q.asked, HTTP_BAD_REQUEST, "BAD_REQUEST", "?exchange={MIC} says which exchange's");
        return;
    }
    tw_text_copy(q.mic, sizeof q.mic, mic);
    tw_text_format(subject, sizeof subject, "%s.>", mic);
    if (!caller_may_read(self, request, &q.asked, subject, "anything of this exchange")) return;
    if (request->caller != NULL) q.who = identity_share(request->caller);
    ask(self, &q);
}
