/* Clients: opening and closing, their requests, what only one of them gets, and the watch over silence. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "gateways/stream/group.h"

#define WATCHES_PER_PERIOD 8 /* how often in a heartbeat's time each client is looked at */
#define WATCH_SLICE        512u
#define LEAST_QUEUE        512u

/* ---- bytes that wait ---- */

bool byte_queue_put(byte_queue *queue, const uint8_t *bytes, size_t length) {
    uint32_t held = queue->end - queue->start;
    if (queue->start > 0 && queue->end + length > queue->capacity) {
        memmove(queue->bytes, queue->bytes + queue->start, held);
        queue->start = 0;
        queue->end = held;
    }
    if (queue->end + length > queue->capacity) {
        size_t capacity = queue->capacity == 0 ? LEAST_QUEUE : 2u * queue->capacity;
        while (capacity < queue->end + length)
            capacity *= 2;
        uint8_t *grown = capacity > UINT32_MAX ? NULL : realloc(queue->bytes, capacity);
        if (grown == NULL) return false;
        queue->bytes = grown;
        queue->capacity = (uint32_t)capacity;
    }
    memcpy(queue->bytes + queue->end, bytes, length);
    queue->end += (uint32_t)length;
    return true;
}

/* Nothing is kept for a client that is up to date: most are, most of the time. */
void byte_queue_took(byte_queue *queue, size_t length) {
    queue->start += (uint32_t)length;
    if (queue->start == queue->end) byte_queue_fini(queue);
}

void byte_queue_fini(byte_queue *queue) {
    free(queue->bytes);
    *queue = (byte_queue){0};
}

/* ---- who is ready ---- */

static ready_list *list_of(stream *s, client_place place) {
    return place == CLIENT_FIRST ? &s->first : place == CLIENT_READY ? &s->ready : &s->later;
}

void stream_ready_push(stream *s, uint32_t number, client_place place) {
    client *c = client_at(s, number);
    ready_list *list = list_of(s, place);
    c->place = place;
    c->next_ready = NONE;
    c->prev_ready = list->last;
    if (list->last != NONE)
        client_at(s, list->last)->next_ready = number;
    else
        list->first = number;
    list->last = number;
}

void stream_ready_remove(stream *s, uint32_t number) {
    client *c = client_at(s, number);
    if (c->place == CLIENT_IDLE) return;
    ready_list *list = list_of(s, c->place);
    if (c->prev_ready != NONE)
        client_at(s, c->prev_ready)->next_ready = c->next_ready;
    else
        list->first = c->next_ready;
    if (c->next_ready != NONE)
        client_at(s, c->next_ready)->prev_ready = c->prev_ready;
    else
        list->last = c->prev_ready;
    c->place = CLIENT_IDLE;
}

void stream_mark(stream *s, uint32_t number, client_place when) {
    const client *c = client_at(s, number);
    if (c->blocked || c->place >= when) return;
    stream_ready_remove(s, number);
    stream_ready_push(s, number, when);
}

/* ---- what only one gets ---- */

void stream_end_client(stream *s, uint32_t number, uint16_t code, const char *reason) {
    client *c = client_at(s, number);
    if (c->closing) return;
    c->closing = true;
    s->surroundings.close(s->surroundings.context, number, code, reason);
}

/* A comment (a heartbeat) is no answer to anybody and may wait like everything else. `unread` is why a client is closed that has no
 * room for it. */
static void tell_or_end(stream *s, uint32_t number, const char *json, size_t length, bool comment,
                        const char *unread) {
    client *c = client_at(s, number);
    if (c->closing) return;
    encoded frame = stream_encode_control(s->scratch, c->encoding, json, length, comment);
    bool fits = c->outbox.end - c->outbox.start + frame.length <= c->limits.waiting_bytes;
    if (frame.length > 0 && fits && byte_queue_put(&c->outbox, frame.bytes, frame.length)) {
        stream_mark(s, number, comment ? CLIENT_READY : CLIENT_FIRST);
        return;
    }
    s->stats.closed_policy++;
    stream_end_client(s, number, STREAM_CLOSE_POLICY, unread);
}

static void tell(stream *s, uint32_t number, const char *json, size_t length, bool comment) {
    tell_or_end(s, number, json, length, comment, "does not read its answers");
}

void stream_tell(stream *s, uint32_t number, const char *json, size_t length) {
    tell(s, number, json, length, false);
}

void stream_answer(stream *s, uint32_t number, const char *json, size_t length, int64_t now_ns) {
    s->now_ns = now_ns;
    tell(s, number, json, length, false);
}

void stream_report(stream *s, uint32_t number, const char *json, size_t length, int64_t now_ns) {
    s->now_ns = now_ns;
    tell_or_end(s, number, json, length, false, "does not read its execution reports");
}

size_t stream_room(const stream *s, uint32_t number, size_t *of) {
    const client *c = client_at(s, number);
    size_t waiting = c->outbox.end - c->outbox.start;
    *of = c->limits.waiting_bytes;
    return waiting < *of ? *of - waiting : 0;
}

void stream_start_answer(json_writer *w, const char *type, const char *id) {
    json_open_object(w, NULL);
    json_string(w, "type", type);
    if (id[0] != '\0') json_raw(w, "id", id);
}

void stream_tell_error(stream *s, uint32_t number, const char *id, const char *code, const char *format, ...) {
    char message[REQUEST_FAULT_BYTES], text[2 * REQUEST_FAULT_BYTES + REQUEST_ID_BYTES + 6 * REQUEST_FAULT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    s->stats.requests_refused++;
    json_writer w;
    json_start(&w, text, sizeof text);
    stream_start_answer(&w, "error", id);
    json_string(&w, "code", code);
    json_string(&w, "message", message);
    json_close_object(&w);
    if (json_finish(&w)) stream_tell(s, number, text, w.length);
}

static void tell_time(stream *s, uint32_t number, const char *type, const char *id, bool comment) {
    char text[256];
    json_writer w;
    json_start(&w, text, sizeof text);
    stream_start_answer(&w, type, id);
    json_i64_string(&w, "time_ns", s->now_ns);
    json_close_object(&w);
    if (json_finish(&w)) tell(s, number, text, w.length, comment);
}

static void greet(stream *s, uint32_t number) {
    char text[512];
    json_writer w;
    json_start(&w, text, sizeof text);
    stream_start_answer(&w, "hello", "");
    json_u64(&w, "version", 1);
    json_string(&w, "server", "tickwire-gateway");
    json_i64(&w, "heartbeat_ms", s->options.heartbeat_ns / MILLI_NS);
    json_i64(&w, "silence_ms", s->options.silence_ns / MILLI_NS);
    stream_put_limits(s, &w, &client_at(s, number)->limits);
    json_close_object(&w);
    if (json_finish(&w)) stream_tell(s, number, text, w.length);
}

/* ---- opening and closing ---- */

uint32_t stream_open(stream *s, stream_format format, stream_framing framing, int64_t now_ns) {
    s->now_ns = now_ns;
    uint32_t number = slab_take(&s->clients);
    if (number == NONE) return STREAM_NO_CLIENT;
    client *c = client_at(s, number);
    c->open = true;
    c->encoding = framing == STREAM_SSE       ? ENCODING_SSE
                  : format == STREAM_PROTOBUF ? ENCODING_PROTOBUF
                                              : ENCODING_JSON;
    c->deflates = framing == STREAM_WEBSOCKET_DEFLATE && s->packer != NULL;
    c->first_member = c->first_subscription = c->first_pending = c->last_pending = NONE;
    c->heard_ns = c->sent_ns = now_ns;
    c->allowance_ns = now_ns - SECOND_NS;
    c->limits = stream_limits_within(&s->options, &(stream_limits){0});
    greet(s, number);
    return number;
}

void stream_close(stream *s, uint32_t number) {
    client *c = client_at(s, number);
    TW_ASSERT(c->open);
    c->closing = true; /* nothing is told to it any more */
    stream_unsubscribe_all(s, number);
    stream_ready_remove(s, number);
    byte_queue_fini(&c->rest);
    byte_queue_fini(&c->outbox);
    if (s->gathering.client == number) s->gathering.client = STREAM_NO_CLIENT;
    *c = (client){0};
    slab_give(&s->clients, number);
}

/* ---- requests ---- */

#define TOPICS_PER_REQUEST 2000u

void stream_charge(stream *s, uint32_t number, uint32_t topics) {
    int64_t each_ns = SECOND_NS / client_at(s, number)->limits.requests_per_second;
    client_at(s, number)->allowance_ns += (int64_t)(topics / TOPICS_PER_REQUEST) * each_ns;
}

/* A bucket that fills with requests_per_second, kept as the time at which it was empty. */
static bool is_too_fast(const stream *s, client *c) {
    int64_t each_ns = SECOND_NS / c->limits.requests_per_second;
    if (c->allowance_ns < s->now_ns - SECOND_NS) c->allowance_ns = s->now_ns - SECOND_NS;
    bool allowed = c->allowance_ns + each_ns <= s->now_ns;
    if (allowed) c->allowance_ns += each_ns;
    c->refused_in_a_row = allowed ? 0 : c->refused_in_a_row + 1;
    return !allowed;
}

static void carry_out(stream *s, uint32_t number, const stream_request_text *request) {
    switch (request->op) {
    case REQUEST_SUBSCRIBE:
        stream_subscribe(s, number, request);
        break;
    case REQUEST_UNSUBSCRIBE:
        stream_unsubscribe(s, number, request);
        break;
    case REQUEST_PING:
        tell_time(s, number, "pong", request->id, false);
        break;
    case REQUEST_ORDER: /* stream_request has passed it on */
        break;
    default:
        stream_authenticate(s, number, request);
    }
}

static void refuse_haste(stream *s, uint32_t number) {
    uint32_t rate = client_at(s, number)->limits.requests_per_second;
    stream_tell_error(s, number, "", "TOO_FAST", "more than %" PRIu32 " requests a second", rate);
    if (client_at(s, number)->refused_in_a_row <= 4 * rate) return;
    s->stats.closed_policy++;
    stream_end_client(s, number, STREAM_CLOSE_POLICY, "too many requests");
}

/* How many of these a client may send is not the stream's to say: cancels in a hurry are no abuse. */
static void pass_on_order(stream *s, uint32_t number, const uint8_t *bytes, size_t length) {
    const stream_surroundings *around = &s->surroundings;
    if (around->order == NULL)
        stream_tell_error(s, number, s->request.id, "NO_VENUE", "this gateway takes no orders");
    else
        around->order(around->context, number, s->request.id, bytes, length);
}

/* Looked for before anything is parsed: who asks too fast shall cost nothing. */
static bool may_be_order(const uint8_t *bytes, size_t length) {
    return memmem(bytes, length, "\"order.", strlen("\"order.")) != NULL;
}

void stream_request(stream *s, uint32_t number, const uint8_t *bytes, size_t length, int64_t now_ns) {
    client *c = client_at(s, number);
    stream_heard(s, number, now_ns);
    if (c->closing) return;
    s->stats.requests++;
    bool fits = length <= s->options.request_bytes, parsed = fits && may_be_order(bytes, length);
    bool good = parsed && request_parse(&s->request, bytes, length);
    if (good && s->request.op == REQUEST_ORDER)
        pass_on_order(s, number, bytes, length);
    else if (is_too_fast(s, c))
        refuse_haste(s, number);
    else if (!fits)
        stream_tell_error(s, number, "", "TOO_LARGE", "a request of %zu bytes: at most %" PRIu32, length,
                          s->options.request_bytes);
    else if (good || (!parsed && request_parse(&s->request, bytes, length)))
        carry_out(s, number, &s->request);
    else
        stream_tell_error(s, number, s->request.id, s->request.fault_code, "%s", s->request.fault);
}

void stream_heard(stream *s, uint32_t number, int64_t now_ns) {
    TW_ASSERT(client_at(s, number)->open);
    s->now_ns = now_ns;
    client_at(s, number)->heard_ns = now_ns;
}

/* ---- the watch ---- */

static bool has_nothing_to_get(const client *c) {
    return !c->blocked && c->first_pending == NONE && c->outbox.end == c->outbox.start &&
           c->rest.end == c->rest.start;
}

static void watch_client(stream *s, uint32_t number) {
    const client *c = client_at(s, number);
    /* An event stream has no way back: its connection's end is all that is ever heard of it. */
    if (c->encoding != ENCODING_SSE && s->now_ns - c->heard_ns >= s->options.silence_ns) {
        s->stats.closed_silent++;
        stream_end_client(s, number, STREAM_CLOSE_SILENT, "nothing was heard for too long");
    } else if (s->now_ns - c->sent_ns >= s->options.heartbeat_ns && has_nothing_to_get(c)) {
        s->stats.heartbeats++;
        tell_time(s, number, "heartbeat", "", true);
    }
}

static void watch_slice(stream *s) {
    uint32_t end =
        s->watch_next + WATCH_SLICE < s->clients.reached ? s->watch_next + WATCH_SLICE : s->clients.reached;
    for (uint32_t n = s->watch_next; n < end; n++)
        if (client_at(s, n)->open && !client_at(s, n)->closing) watch_client(s, n);
    s->watch_next = end == s->clients.reached ? 0 : end;
}

/* A slice of the clients at a time, so that thousands of heartbeats do not leave at once. */
void stream_watch(stream *s) {
    if (s->now_ns < s->watch_due_ns) return;
    int64_t period =
        s->options.heartbeat_ns < s->options.silence_ns ? s->options.heartbeat_ns : s->options.silence_ns;
    int64_t slices = 1 + s->clients.reached / WATCH_SLICE, step = period / WATCHES_PER_PERIOD / slices + 1;
    int64_t missed = (s->now_ns - s->watch_due_ns) / step;
    s->watch_due_ns = s->now_ns + step;
    for (int64_t due = missed < slices ? missed + 1 : slices; due > 0; due--)
        watch_slice(s);
    stream_wants_forget(s);
    stream_groups_forget_empty(s);
}

/* ---- the end ---- */

void stream_say_goodbye(stream *s, const char *reason, int64_t earliest_ms, int64_t latest_ms) {
    tw_random random;
    tw_random_seed(&random, (uint64_t)s->now_ns);
    uint64_t span = latest_ms > earliest_ms ? (uint64_t)(latest_ms - earliest_ms) : 0;
    for (uint32_t n = 0; n < s->clients.reached; n++) {
        if (!client_at(s, n)->open) continue;
        char text[512];
        json_writer w;
        json_start(&w, text, sizeof text);
        stream_start_answer(&w, "closing", "");
        json_string(&w, "reason", reason);
        json_i64(&w, "reconnect_after_ms", earliest_ms + (int64_t)tw_random_below(&random, span + 1));
        json_close_object(&w);
        if (json_finish(&w)) stream_tell(s, n, text, w.length);
    }
}
