/*
 * Snapshots: one instrument's state as last published on a channel, encoded as a part of a SnapshotReply.
 *
 * Encoded parts are not kept. One costs less than looking it up in memory that is cold by then, and for the crowd
 * at the open bulk.c encodes a chunk once for all who wait for it.
 */
#include <string.h>

#include "base/text.h"
#include "publisher/internal.h"

bool pub_has_snapshot(const publisher *p, subject_channel channel) {
    return channel < SUBJECT_ORDER && pub_channel_on(p, channel);
}

wire_snapshot_part pub_snapshot_part(subject_channel channel) {
    switch (channel) {
    case SUBJECT_QUOTE:
        return WIRE_PART_QUOTE;
    case SUBJECT_TRADE:
        return WIRE_PART_TRADES;
    case SUBJECT_STATUS:
        return WIRE_PART_STATUS;
    case SUBJECT_IMBALANCE:
        return WIRE_PART_IMBALANCE;
    default:
        return WIRE_PART_BOOK;
    }
}

size_t pub_snapshot_encode(publisher *p, uint32_t instrument, subject_channel channel, int64_t now_ns) {
    union {
        wire_book_update book;
        wire_quote quote;
        wire_trades trades;
        wire_status status;
        wire_imbalance imbalance;
    } m;
    uint8_t *buffer = p->buffer;
    switch (channel) {
    case SUBJECT_QUOTE:
        pub_quote_snapshot(p, instrument, now_ns, &m.quote);
        return wire_quote_encode(&m.quote, buffer, WIRE_MAX_BYTES);
    case SUBJECT_TRADE:
        pub_trades_snapshot(p, instrument, now_ns, &m.trades);
        return wire_trades_encode(&m.trades, buffer, WIRE_MAX_BYTES);
    case SUBJECT_STATUS:
        pub_status_snapshot(p, instrument, now_ns, &m.status);
        return wire_status_encode(&m.status, buffer, WIRE_MAX_BYTES);
    case SUBJECT_IMBALANCE:
        pub_imbalance_snapshot(p, instrument, now_ns, &m.imbalance);
        return wire_imbalance_encode(&m.imbalance, buffer, WIRE_MAX_BYTES);
    default:
        pub_book_snapshot(p, instrument, channel, now_ns, &m.book);
        return wire_book_update_encode(&m.book, buffer, WIRE_MAX_BYTES);
    }
}

void pub_snapshot_envelope(const publisher *p, subject_channel channel, wire_snapshot_reply *reply) {
    memset(reply, 0, sizeof *reply);
    memcpy(reply->exchange, p->exchange, sizeof reply->exchange);
    memcpy(reply->epoch, p->epoch, sizeof reply->epoch);
    if (channel < SUBJECT_CHANNELS) {
        tw_text_copy(reply->channel, sizeof reply->channel, subject_channel_name(channel));
    }
    reply->term = p->options.term;
    reply->partition = p->options.partition;
    reply->partitions = p->options.partitions;
}
