/* The rules of a receiver, the plain way. */
#include "benchmarks/gateway/check_books.h"

#include <string.h>

static bool is_before(tw_side side, int64_t a, int64_t b) {
    return side == TW_BID ? a > b : a < b;
}

/* Sets one level; quantity 0 removes it. */
static void set_level(checked_book *book, tw_side side, const tw_level *level) {
    tw_level *levels = book->sides[side];
    uint32_t at = 0, count = book->counts[side];
    while (at < count && is_before(side, levels[at].price, level->price))
        at++;
    bool there = at < count && levels[at].price == level->price;
    if (there && level->quantity > 0) {
        levels[at] = *level;
    } else if (there) {
        memmove(levels + at, levels + at + 1, (count - at - 1) * sizeof *levels);
        book->counts[side]--;
    } else if (level->quantity > 0 && at < TW_MAX_DEPTH) {
        uint32_t kept = count < TW_MAX_DEPTH ? count : TW_MAX_DEPTH - 1;
        memmove(levels + at + 1, levels + at, (kept - at) * sizeof *levels);
        levels[at] = *level;
        book->counts[side] = kept + 1;
    }
}

const char *check_book(checked_book *book, wire_arena *arena, const wire_stream_frame *frame) {
    wire_book_update update;
    if (wire_book_update_decode(arena, frame->bytes, frame->length, &update) != WIRE_OK) return "not decodable";
    const wire_header *header = &update.header;
    bool chains = book->known && header->term == book->header.term && header->prev_seq == book->header.seq &&
                  strcmp(header->epoch, book->header.epoch) == 0;
    if (!header->snapshot && !chains) return "does not chain on";
    if (header->snapshot) book->counts[TW_BID] = book->counts[TW_ASK] = 0;
    book->known = true;
    book->header = *header;
    for (uint32_t i = 0; i < update.bid_count; i++)
        set_level(book, TW_BID, &update.bids[i]);
    for (uint32_t i = 0; i < update.ask_count; i++)
        set_level(book, TW_ASK, &update.asks[i]);
    for (int side = 0; side < 2; side++)
        if (book->counts[side] > update.depth) book->counts[side] = update.depth;
    uint32_t checksum = wire_book_checksum(book->sides[TW_BID], book->counts[TW_BID], book->sides[TW_ASK],
                                           book->counts[TW_ASK], update.depth);
    return checksum == update.checksum ? NULL : "has another checksum";
}
