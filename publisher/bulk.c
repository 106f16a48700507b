/*
 * Bulk replies: all instruments of a channel, or the whole directory, in chunks, for many requesters at once.
 *
 * Requests for the same channel share a cycle over the instruments. A chunk's parts are encoded once and sent to
 * everybody who waits for it; only the envelope (chunk number, last) is each one's own. Who joins while a chunk
 * is on its way starts with the next one, so no part is ever older than the request it answers, and leaves after
 * a full turn. A thousand late joiners cost one encoding pass.
 *
 *   instruments  0 ......... cursor [ chunk: span ] ........... max
 *                            members of `now` get it; those served and new ones wait in `later`
 */
#include <string.h>

#include "base/assert.h"
#include "publisher/internal.h"

void pub_bulk_join(publisher *p, uint32_t cycle, uint32_t request) {
    p->requests[request].chunk = 0;
    p->requests[request].remaining = p->options.max_instruments;
    pub_request_list_push(p, &p->cycles[cycle].later, request);
}

bool pub_bulk_waiting(const publisher *p) {
    for (uint32_t i = 0; i < PUB_CYCLES; i++) {
        const pub_cycle *cycle = &p->cycles[i];
        if (cycle->now.first != PUB_NONE || cycle->later.first != PUB_NONE) return true;
    }
    return false;
}

static void begin_again(publisher *p, uint32_t at) {
    pub_cycle *cycle = &p->cycles[at];
    tw_list served = cycle->later;
    tw_list_init(&cycle->later);
    cycle->cursor = cycle->span = 0;
    uint32_t request;
    while ((request = pub_request_list_pop(p, &cycle->now)) != PUB_NONE) {
        pub_bulk_join(p, at, request);
    }
    while ((request = pub_request_list_pop(p, &served)) != PUB_NONE) {
        pub_bulk_join(p, at, request);
    }
}

void pub_bulk_restart(publisher *p) {
    for (uint32_t i = 0; i < PUB_CYCLES; i++)
        begin_again(p, i);
}

/* The shortest rest of a turn among those who will get the next chunk: it may not go further. */
static uint32_t shortest_turn(const publisher *p, const pub_cycle *cycle) {
    uint32_t shortest = p->options.max_instruments;
    for (uint32_t r = cycle->now.first; r != PUB_NONE; r = p->requests[r].next) {
        if (p->requests[r].remaining < shortest) shortest = p->requests[r].remaining;
    }
    return shortest;
}

/* The next defined instrument within `limit` numbers from the cursor, from `span` on, going round; `limit` if
 * there is none. */
static uint32_t next_defined(const publisher *p, const pub_cycle *cycle, uint32_t span, uint32_t limit) {
    uint32_t max = p->options.max_instruments;
    while (span < limit) {
        uint32_t instrument = (cycle->cursor + span) % max;
        if (instrument >= p->instrument_top) {
            span += max - instrument; /* nothing up there: on to number 0 */
        } else if (p->instruments[instrument].defined) {
            return span;
        } else {
            span++;
        }
    }
    return limit;
}

static size_t append_snapshot(publisher *p, subject_channel channel, uint32_t instrument, uint8_t *body,
                              size_t used, size_t capacity, int64_t now_ns) {
    size_t length = pub_snapshot_encode(p, instrument, channel, now_ns);
    TW_ASSERT(length > 0);
    return wire_snapshot_part_append(pub_snapshot_part(channel), p->buffer, length, body + used, capacity - used);
}

static void encode_snapshots(publisher *p, subject_channel channel, pub_cycle *cycle, uint32_t limit,
                             int64_t now_ns) {
    uint8_t *body = cycle->body + PUB_ENVELOPE_BYTES;
    size_t capacity = WIRE_MAX_BYTES - PUB_ENVELOPE_BYTES;
    uint32_t span = next_defined(p, cycle, 0, limit);
    while (span < limit) {
        uint32_t instrument = (cycle->cursor + span) % p->options.max_instruments;
        size_t added = append_snapshot(p, channel, instrument, body, cycle->body_bytes, capacity, now_ns);
        if (added == 0) break; /* full: it is the first of the next chunk */
        cycle->body_bytes += added;
        span = next_defined(p, cycle, span + 1, limit);
    }
    cycle->span = span;
}

static void encode_directory(publisher *p, pub_cycle *cycle, uint32_t limit) {
    wire_instrument_list list;
    memset(&list, 0, sizeof list); /* only the entries: the envelope joins them when it is sent */
    uint32_t span = next_defined(p, cycle, 0, limit);
    while (span < limit && list.instrument_count < PUB_LIST_ENTRIES) {
        uint32_t instrument = (cycle->cursor + span) % p->options.max_instruments;
        pub_directory_entry(p, instrument, &p->list_entries[list.instrument_count++]);
        span = next_defined(p, cycle, span + 1, limit);
    }
    list.instruments = p->list_entries;
    cycle->span = span;
    if (list.instrument_count == 0) return;
    cycle->body_bytes =
        wire_instrument_list_encode(&list, cycle->body + PUB_ENVELOPE_BYTES, WIRE_MAX_BYTES - PUB_ENVELOPE_BYTES);
    TW_ASSERT(cycle->body_bytes > 0);
}

/* Everybody has the last chunk: those still in the cycle wait for the next one, which is encoded now. */
static void encode_next(publisher *p, uint32_t at, int64_t now_ns) {
    pub_cycle *cycle = &p->cycles[at];
    cycle->cursor = (cycle->cursor + cycle->span) % p->options.max_instruments;
    cycle->now = cycle->later;
    tw_list_init(&cycle->later);
    cycle->body_bytes = 0;
    uint32_t limit = shortest_turn(p, cycle);
    if (at == PUB_CYCLE_DIRECTORY) {
        encode_directory(p, cycle, limit);
    } else {
        encode_snapshots(p, (subject_channel)at, cycle, limit, now_ns);
    }
}

static size_t encode_envelope(const publisher *p, uint32_t at, uint32_t chunk, bool last, uint8_t *target) {
    if (at == PUB_CYCLE_DIRECTORY) {
        wire_instrument_list list;
        pub_directory_list(p, &list);
        list.chunk = chunk;
        list.last = last;
        return wire_instrument_list_encode(&list, target, PUB_ENVELOPE_BYTES);
    }
    wire_snapshot_reply reply;
    pub_snapshot_envelope(p, (subject_channel)at, &reply);
    reply.chunk = chunk;
    reply.last = last;
    return wire_snapshot_reply_encode(&reply, target, PUB_ENVELOPE_BYTES);
}

/* The first of `now` gets the chunk: its envelope goes right in front of the shared body. */
static size_t send_chunk(publisher *p, uint32_t at, size_t budget) {
    pub_cycle *cycle = &p->cycles[at];
    pub_request *request = &p->requests[cycle->now.first];
    bool last = request->remaining <= cycle->span;
    uint8_t envelope[PUB_ENVELOPE_BYTES];
    size_t envelope_bytes = encode_envelope(p, at, request->chunk, last, envelope);
    TW_ASSERT(envelope_bytes > 0);
    size_t length = envelope_bytes + cycle->body_bytes;
    if (length > budget) return 0;
    uint8_t *start = cycle->body + PUB_ENVELOPE_BYTES - envelope_bytes;
    memcpy(start, envelope, envelope_bytes);
    pub_emit_reply(p, request->reply, start, length);

    uint32_t served = pub_request_list_pop(p, &cycle->now);
    request->chunk++;
    request->remaining -= last ? request->remaining : cycle->span;
    if (last) {
        pub_request_release(p, served);
    } else {
        pub_request_list_push(p, &cycle->later, served);
    }
    return length;
}

size_t pub_bulk_serve(publisher *p, size_t budget, int64_t now_ns) {
    for (uint32_t i = 0; i < PUB_CYCLES; i++) {
        uint32_t at = (p->cycle_turn + i) % PUB_CYCLES;
        pub_cycle *cycle = &p->cycles[at];
        if (cycle->now.first == PUB_NONE) {
            if (cycle->later.first == PUB_NONE) continue;
            encode_next(p, at, now_ns);
        }
        size_t sent = send_chunk(p, at, budget);
        if (sent > 0) p->cycle_turn = (at + 1) % PUB_CYCLES;
        return sent;
    }
    return 0;
}
