/* The way out: headers, chains, counting, and asking the sink whether it can take more. */
#include <string.h>

#include "base/assert.h"
#include "publisher/internal.h"

bool pub_sink_ready(publisher *p) {
    p->since_ready = 0;
    if (p->sink.ready(p->sink.context)) return true;
    p->stats.held_back++;
    return false;
}

bool pub_may_emit(publisher *p) {
    return p->since_ready < PUB_READY_EVERY || pub_sink_ready(p);
}

static void count_out(publisher *p, size_t length) {
    p->since_ready++;
    p->stats.bytes += length;
}

void pub_emit(publisher *p, uint32_t instrument, subject_channel channel, size_t length) {
    size_t slot = (size_t)instrument * p->subject_slots + (size_t)p->subject_slot[channel];
    TW_ASSERT(length > 0); /* WIRE_MAX_BYTES suffices for all that is written here */
    p->sink.emit(p->sink.context, p->subjects + slot * PUB_SUBJECT_BYTES, p->buffer, length);
    count_out(p, length);
    p->stats.emitted[channel]++;
    p->updates++;
}

void pub_emit_directory(publisher *p, const char *subject, size_t length) {
    p->sink.emit(p->sink.context, subject, p->buffer, length);
    count_out(p, length);
    p->stats.directory_changes++;
}

void pub_emit_reply(publisher *p, const char *reply, const uint8_t *payload, size_t length) {
    TW_ASSERT(length > 0);
    p->sink.answer(p->sink.context, reply, payload, length);
    count_out(p, length);
    p->stats.snapshots_served++;
}

static void put_names(const publisher *p, const pub_instrument *instrument, wire_header *header) {
    memcpy(header->exchange, p->exchange, sizeof header->exchange);
    memcpy(header->symbol, instrument->entry.symbol, sizeof header->symbol);
    memcpy(header->epoch, p->epoch, sizeof header->epoch);
    header->partition = p->options.partition;
    header->term = p->options.term;
}

void pub_identity(const publisher *p, pub_instrument *instrument) {
    wire_header header;
    memset(&header, 0, sizeof header);
    put_names(p, instrument, &header);
    wire_identity_encode(&instrument->identity, &header);
}

void pub_message_header(const pub_instrument *instrument, const pub_chain *chain, uint64_t prev_seq, int64_t now_ns,
                        wire_header *header) {
    header->identity = &instrument->identity; /* in place of the names */
    header->exchange[0] = header->symbol[0] = header->epoch[0] = '\0';
    header->partition = 0;
    header->term = 0;
    header->prev_seq = prev_seq;
    header->seq = chain->seq;
    header->snapshot = false;
    header->state = chain->state;
    header->cause = chain->cause;
    header->price_exponent = instrument->entry.price_exponent;
    header->quantity_exponent = instrument->entry.quantity_exponent;
    header->event_ns = chain->event_ns;
    header->receive_ns = chain->receive_ns;
    header->publish_ns = now_ns;
}

void pub_header(const publisher *p, const pub_instrument *instrument, const pub_chain *chain, wire_header *header) {
    pub_message_header(instrument, chain, chain->seq, 0, header);
    header->identity = NULL;
    put_names(p, instrument, header);
    header->snapshot = true;
}

void pub_chain_advance(const pub_instrument *instrument, pub_chain *chain, const pub_pending *pending, bool changed,
                       int64_t now_ns, wire_header *header) {
    if (chain->goes_on != PUB_CHAINED) {
        pub_chain_begin(instrument, chain, pending, now_ns, header);
        return;
    }
    uint64_t prev_seq = chain->seq;
    *chain = (pub_chain){.seq = changed ? pending->seq : prev_seq,
                         .told_seq = pending->seq,
                         .event_ns = pending->event_ns,
                         .receive_ns = pending->receive_ns,
                         .state = instrument->state,
                         .cause = instrument->cause,
                         .state_alone = !changed};
    pub_message_header(instrument, chain, prev_seq, now_ns, header);
}
