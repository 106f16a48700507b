/* Answers what requests.c queued, within a budget of bytes: single requests oldest first, then bulk chunks. When
 * single requests use up a whole budget, the next one starts with bulk. */
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "publisher/internal.h"

/* A snapshot of one instrument, into p->buffer; NOT_FOUND if an epoch began since it was asked for (of several partitions
 * BUSY: the symbol may be another's now). */
static size_t encode_single(publisher *p, pub_request *request, uint8_t *target, int64_t now_ns) {
    uint32_t instrument = pub_lookup(p, request->text);
    wire_snapshot_reply reply;
    pub_snapshot_envelope(p, request->channel, &reply);
    reply.last = true;
    if (instrument == PUB_NONE) {
        bool elsewhere = p->options.partitions > 1;
        reply.code = elsewhere ? WIRE_REPLY_BUSY : WIRE_REPLY_NOT_FOUND;
        reply.retry_after_ms = elsewhere ? PUB_BUSY_RETRY_MS : 0;
        tw_text_format(reply.detail, sizeof reply.detail, "no such symbol: %s", request->text);
        return wire_snapshot_reply_encode(&reply, target, WIRE_MAX_BYTES);
    }
    size_t part = pub_snapshot_encode(p, instrument, request->channel, now_ns);
    size_t used = wire_snapshot_reply_encode(&reply, target, WIRE_MAX_BYTES);
    TW_ASSERT(part > 0 && used > 0);
    return used + wire_snapshot_part_append(pub_snapshot_part(request->channel), p->buffer, part, target + used,
                                            WIRE_MAX_BYTES - used);
}

/* The next named entries. `answered` is how many symbols of the request this reply covers. */
static size_t encode_named(publisher *p, const pub_request *request, uint8_t *target, uint32_t *answered,
                           bool *last) {
    wire_instrument_request wanted;
    const uint8_t *payload = p->payloads + (size_t)request->payload * PUB_PAYLOAD_BYTES;
    wire_result result = wire_instrument_request_decode(&p->arena, payload, request->payload_length, &wanted);
    TW_ASSERT(result == WIRE_OK); /* it was, when it was queued */
    wire_instrument_list list;
    pub_directory_list(p, &list);
    *answered = 0;
    for (uint32_t i = request->symbol; i < wanted.symbol_count && *answered < PUB_LIST_ENTRIES; i++) {
        uint32_t instrument = pub_lookup(p, wanted.symbols[i]);
        if (instrument == PUB_NONE && p->options.partitions <= 1) {
            p->list_missing[list.not_found_count++] = wanted.symbols[i];
        } else if (instrument != PUB_NONE) {
            pub_directory_entry(p, instrument, &p->list_entries[list.instrument_count++]);
        }
        (*answered)++;
    }
    *last = request->symbol + *answered == wanted.symbol_count;
    list.instruments = p->list_entries;
    list.not_found = p->list_missing;
    list.chunk = request->chunk;
    list.last = *last;
    return wire_instrument_list_encode(&list, target, WIRE_MAX_BYTES);
}

/* Sends one reply of the oldest queued request if it fits. Returns its bytes, 0 for none. */
static size_t serve_queued(publisher *p, size_t budget, int64_t now_ns) {
    uint32_t at = p->request_queue.first;
    if (at == PUB_NONE) return 0;
    pub_request *request = &p->requests[at];
    uint8_t *target = p->reply;
    uint32_t answered = 0;
    bool last = true;
    size_t length;
    if (request->kind == PUB_REQUEST_SNAPSHOT) {
        length = encode_single(p, request, target, now_ns);
    } else if (request->kind == PUB_REQUEST_DIRECTORY) {
        length = encode_named(p, request, target, &answered, &last);
    } else {
        length = pub_refusal_encode(p, request);
        target = p->buffer;
    }
    if (length > budget) return 0;
    pub_emit_reply(p, request->reply, target, length);
    request->symbol += answered;
    request->chunk++;
    pub_request_list_pop(p, &p->request_queue);
    if (last) {
        pub_request_release(p, at);
    } else {
        pub_request_list_push(p, &p->request_queue, at); /* taking turns */
    }
    return length;
}

bool publisher_serve(publisher *p, int64_t now_ns) {
    if (!p->leads || p->stats.requests_waiting == 0) return false;
    if (!pub_sink_ready(p)) return true;
    size_t sent = 0, bytes = 0, bulk = 0;
    const size_t budget = p->options.serve_bytes;
    if (p->bulk_starved) bulk = sent = pub_bulk_serve(p, SIZE_MAX, now_ns);
    /* The first reply always fits: there is progress with any budget. */
    while (sent < budget && pub_may_emit(p) &&
           (bytes = serve_queued(p, sent == 0 ? SIZE_MAX : budget - sent, now_ns)) > 0) {
        sent += bytes;
    }
    bool queue_done = p->request_queue.first == PUB_NONE;
    while (queue_done && sent < budget && pub_may_emit(p) &&
           (bytes = pub_bulk_serve(p, sent == 0 ? SIZE_MAX : budget - sent, now_ns)) > 0) {
        sent += bytes;
        bulk += bytes;
    }
    p->bulk_starved = bulk == 0 && pub_bulk_waiting(p);
    return p->stats.requests_waiting > 0;
}
