/* From libtickwire's structs to the stream's. */
#include "gateways/handoff.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "runtime/clock.h"

_Static_assert(sizeof(tickwire_level) == sizeof(tw_level) &&
                   offsetof(tickwire_level, orders) == offsetof(tw_level, orders),
               "levels are handed on without a copy");

int64_t handoff_ns(int64_t ns) {
    return ns == 0 ? TW_TIME_ABSENT : ns;
}

tw_state_cause handoff_cause(const char *name) {
    for (int i = 0; i <= (int)TW_CAUSE_CHECKSUM; i++) {
        const char *known = tw_state_cause_name((tw_state_cause)i);
        if (known == name || strcmp(known, name) == 0) return (tw_state_cause)i;
    }
    return TW_CAUSE_NONE;
}

wire_header handoff_header(const tickwire_header *header) {
    wire_header inner = {.partition = header->partition,
                         .term = header->term,
                         .prev_seq = header->prev_seq,
                         .seq = header->seq,
                         .snapshot = header->snapshot,
                         .price_exponent = header->price_exponent,
                         .quantity_exponent = header->quantity_exponent,
                         .event_ns = handoff_ns(header->event_ns),
                         .receive_ns = handoff_ns(header->receive_ns),
                         .publish_ns = handoff_ns(header->publish_ns)};
    tw_text_copy(inner.exchange, sizeof inner.exchange, header->exchange);
    tw_text_copy(inner.symbol, sizeof inner.symbol, header->symbol);
    tw_text_copy(inner.epoch, sizeof inner.epoch, header->epoch);
    return inner;
}

stream_book handoff_view(const tickwire_book *book, wire_header *header) {
    *header = handoff_header(&book->header);
    return (stream_book){.header = header,
                         .state = (tw_book_state)book->state,
                         .cause = handoff_cause(book->cause),
                         .depth = book->depth,
                         .bid_count = book->bid_count,
                         .ask_count = book->ask_count,
                         .bids = (const tw_level *)(const void *)book->bids,
                         .asks = (const tw_level *)(const void *)book->asks,
                         .checksum = book->checksum};
}

void handoff_book(stream *core, tickwire_client *client, const tickwire_book *book, const tickwire_change *change) {
    wire_header header;
    stream_book inner = handoff_view(book, &header);
    /* A book that is OK is in sync: its checksum has been verified, and its state is the message's own. */
    inner.checked = book->state == TICKWIRE_BOOK_OK;
    if (inner.checked && change->kind == TICKWIRE_CHANGE_DELTA && change->bid_count + change->ask_count > 0) {
        inner.message = change->bytes;
        inner.message_length = change->length;
    }
    inner.subject = book->header.subject;
    inner.place = (uint32_t)(uintptr_t)book->user;
    /* Other changes may be of a book that came long ago. */
    int64_t now_ns = change->kind == TICKWIRE_CHANGE_DELTA ? book->header.arrival_ns : rt_clock_utc_ns();
    uint32_t place = stream_take_book(core, &inner, now_ns);
    if (place != inner.place) tickwire_book_set_user(client, book, (void *)(uintptr_t)place);
}
