/*
 * Requests: taken apart when they come, refused at once or queued. serve.c answers the queue.
 *
 * A refusal is answered at once if the sink can take it, and waits in the queue otherwise. Only when the sink is
 * away and the queue is full does a requester hear nothing; then its own timeout tells it to ask again.
 *
 * Where an exchange's feed has several partitions each hears all requests, and none knows the others' symbols: what is
 * asked of an unknown one is not answered here, for "not found" could reach the requester before the answer does. Who asks
 * for that answer (tell_unknown) knows what it is worth: one partition's word.
 */
#include <string.h>

#include "base/text.h"
#include "publisher/internal.h"

void pub_request_list_push(publisher *p, tw_list *list, uint32_t request) {
    p->requests[request].next = PUB_NONE;
    if (list->last != PUB_NONE) p->requests[list->last].next = request;
    if (list->first == PUB_NONE) list->first = request;
    list->last = request;
}

uint32_t pub_request_list_pop(publisher *p, tw_list *list) {
    uint32_t request = list->first;
    if (request == PUB_NONE) return PUB_NONE;
    list->first = p->requests[request].next;
    if (list->first == PUB_NONE) list->last = PUB_NONE;
    return request;
}

void pub_requests_reset(publisher *p) {
    tw_pool_clear(&p->request_places);
    tw_list_init(&p->request_queue);
    for (uint32_t i = 0; i < PUB_CYCLES; i++) {
        tw_list_init(&p->cycles[i].now);
        tw_list_init(&p->cycles[i].later);
        p->cycles[i].cursor = p->cycles[i].span = 0;
    }
}

void pub_requests_forget(publisher *p) {
    pub_requests_reset(p);
    memset(p->payload_used, 0, sizeof p->payload_used);
    p->stats.requests_waiting = 0;
    p->bulk_starved = false;
}

void pub_request_release(publisher *p, uint32_t request) {
    pub_request *gone = &p->requests[request];
    if (gone->kind == PUB_REQUEST_DIRECTORY) p->payload_used[gone->payload] = false;
    tw_pool_give(&p->request_places, request);
    p->stats.requests_waiting--;
}

size_t pub_refusal_encode(publisher *p, const pub_request *request) {
    uint32_t retry_after_ms = request->code == WIRE_REPLY_BUSY ? PUB_BUSY_RETRY_MS : 0;
    if (request->directory) {
        wire_instrument_list list;
        pub_directory_list(p, &list);
        tw_text_copy(list.detail, sizeof list.detail, request->text);
        list.code = request->code;
        list.retry_after_ms = retry_after_ms;
        list.last = true;
        return wire_instrument_list_encode(&list, p->buffer, WIRE_MAX_BYTES);
    }
    wire_snapshot_reply reply;
    pub_snapshot_envelope(p, request->channel, &reply);
    tw_text_copy(reply.detail, sizeof reply.detail, request->text);
    reply.code = request->code;
    reply.retry_after_ms = retry_after_ms;
    reply.last = true;
    return wire_snapshot_reply_encode(&reply, p->buffer, WIRE_MAX_BYTES);
}

static void refuse(pub_request *request, wire_reply_code code, const char *what, const char *name) {
    request->kind = PUB_REQUEST_REFUSED;
    request->code = code;
    tw_text_format(request->text, sizeof request->text, "%s%s", what, name);
}

static void count_refusal(publisher *p, const pub_request *request) {
    if (request->code == WIRE_REPLY_BUSY) p->stats.requests_busy++;
    if (request->code == WIRE_REPLY_BAD_REQUEST) p->stats.requests_bad++;
}

/* The rest of `subject` behind "{prefix}.{MIC}", without its dot ("" if nothing follows); NULL if it is about
 * something else or another exchange. */
static const char *rest_of(const publisher *p, const char *subject, const char *prefix) {
    size_t prefix_length = strlen(prefix), mic_length = strlen(p->exchange);
    if (strncmp(subject, prefix, prefix_length) != 0 || subject[prefix_length] != '.') return NULL;
    const char *mic = subject + prefix_length + 1;
    if (strncmp(mic, p->exchange, mic_length) != 0) return NULL;
    if (mic[mic_length] == '\0') return mic + mic_length;
    return mic[mic_length] == '.' ? mic + mic_length + 1 : NULL;
}

static void parse_channel(const publisher *p, const char *name, pub_request *request) {
    if (!subject_channel_parse(name, &request->channel)) {
        request->channel = SUBJECT_CHANNELS;
        refuse(request, WIRE_REPLY_NOT_FOUND, "no such channel: ", name);
    } else if (!pub_has_snapshot(p, request->channel)) {
        refuse(request, WIRE_REPLY_NOT_FOUND, "no snapshots of this channel here: ", name);
    }
}

static bool is_elsewhere(const publisher *p, const char *symbol) {
    return p->options.partitions > 1 && pub_lookup(p, symbol) == PUB_NONE;
}

/* Bytes that are no request are none: they never were looked at. */
static bool wants_unknown_told(publisher *p, const uint8_t *payload, size_t length) {
    wire_snapshot_request wanted;
    return wire_snapshot_request_decode(&p->arena, payload, length, &wanted) == WIRE_OK && wanted.tell_unknown;
}

/* {SYMBOL}.{channel}. False: for another partition. */
static bool parse_snapshot(publisher *p, const char *rest, const uint8_t *payload, size_t length,
                           pub_request *request) {
    const char *dot = strchr(rest, '.');
    char symbol[TW_SYMBOL_BYTES];
    request->kind = PUB_REQUEST_SNAPSHOT;
    if (dot == NULL || !subject_unescape(symbol, rest, (size_t)(dot - rest))) {
        refuse(request, WIRE_REPLY_BAD_REQUEST, "not snapshot.{MIC}.{SYMBOL}.{channel}: ", rest);
        return true;
    }
    if (is_elsewhere(p, symbol) && !wants_unknown_told(p, payload, length)) return false;
    tw_text_copy(request->text, sizeof request->text, symbol);
    parse_channel(p, dot + 1, request);
    if (request->kind == PUB_REQUEST_SNAPSHOT && pub_lookup(p, symbol) == PUB_NONE) {
        refuse(request, WIRE_REPLY_NOT_FOUND, "no such symbol: ", symbol);
    }
    return true;
}

static uint32_t free_payload(const publisher *p) {
    for (uint32_t i = 0; i < PUB_PAYLOAD_SLOTS; i++) {
        if (!p->payload_used[i]) return i;
    }
    return PUB_NONE;
}

static bool all_elsewhere(const publisher *p, const wire_instrument_request *wanted) {
    for (uint32_t i = 0; i < wanted->symbol_count; i++) {
        if (!is_elsewhere(p, wanted->symbols[i])) return false;
    }
    return true;
}

/* Decides what a directory request is. Its payload is copied only when it is queued. False: for other partitions. */
static bool parse_directory(publisher *p, const char *rest, const uint8_t *payload, size_t length,
                            pub_request *request) {
    wire_instrument_request wanted;
    request->directory = true;
    request->kind = PUB_REQUEST_BULK;
    if (*rest != '\0') {
        refuse(request, WIRE_REPLY_BAD_REQUEST, "not instruments.{MIC}: ", rest);
    } else if (length > PUB_PAYLOAD_BYTES) {
        refuse(request, WIRE_REPLY_BAD_REQUEST, "more than 16 KiB of symbols: ask for all", "");
    } else if (wire_instrument_request_decode(&p->arena, payload, length, &wanted) != WIRE_OK) {
        refuse(request, WIRE_REPLY_BAD_REQUEST, "not an InstrumentRequest", "");
    } else if (wanted.symbol_count > 0 && all_elsewhere(p, &wanted)) {
        return false;
    } else if (wanted.symbol_count > 0) {
        request->kind = PUB_REQUEST_DIRECTORY;
        request->payload = free_payload(p);
        request->payload_length = (uint32_t)length;
        if (request->payload == PUB_NONE) refuse(request, WIRE_REPLY_BUSY, "too many directory requests wait", "");
    }
    return true;
}

/* False: not for this publisher. */
static bool parse(publisher *p, const char *subject, const uint8_t *payload, size_t length, pub_request *request) {
    const char *rest;
    request->channel = SUBJECT_CHANNELS;
    if ((rest = rest_of(p, subject, "snapshot")) != NULL) {
        return parse_snapshot(p, rest, payload, length, request);
    } else if ((rest = rest_of(p, subject, "snapshots")) != NULL) {
        request->kind = PUB_REQUEST_BULK;
        parse_channel(p, rest, request);
    } else if ((rest = rest_of(p, subject, "instruments")) != NULL && strcmp(rest, "changes") != 0) {
        return parse_directory(p, rest, payload, length, request);
    } else {
        return false;
    }
    return true;
}

static bool refuse_now(publisher *p, const pub_request *request) {
    if (!p->sink.ready(p->sink.context)) return false;
    pub_emit_reply(p, request->reply, p->buffer, pub_refusal_encode(p, request));
    return true;
}

static void enqueue(publisher *p, const pub_request *request, const uint8_t *payload) {
    uint32_t slot = tw_pool_take(&p->request_places);
    p->requests[slot] = *request;
    p->stats.requests_waiting++;
    if (request->kind == PUB_REQUEST_DIRECTORY) {
        p->payload_used[request->payload] = true;
        memcpy(p->payloads + (size_t)request->payload * PUB_PAYLOAD_BYTES, payload, request->payload_length);
    }
    if (request->kind == PUB_REQUEST_BULK) {
        pub_bulk_join(p, request->directory ? PUB_CYCLE_DIRECTORY : (uint32_t)request->channel, slot);
    } else {
        pub_request_list_push(p, &p->request_queue, slot);
    }
}

void publisher_request(publisher *p, const char *subject, const char *reply, const uint8_t *payload, size_t length,
                       int64_t now_ns) {
    (void)now_ns;
    pub_request request;
    if (!p->leads) return; /* who leads answers */
    memset(&request, 0, sizeof request);
    if (!parse(p, subject, payload, length, &request)) return;
    if (reply == NULL || reply[0] == '\0' || !tw_text_copy(request.reply, sizeof request.reply, reply)) {
        p->stats.requests_bad++; /* nobody to answer */
        return;
    }
    bool full = tw_pool_full(&p->request_places);
    if (full && request.kind != PUB_REQUEST_REFUSED)
        refuse(&request, WIRE_REPLY_BUSY, "too many requests wait", "");
    if (request.kind == PUB_REQUEST_REFUSED) {
        count_refusal(p, &request);
        if (refuse_now(p, &request)) return;
    }
    if (!full) enqueue(p, &request, payload);
}
