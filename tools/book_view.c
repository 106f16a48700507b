/* The best levels of one book, as people and programs read them; see book_view.h. */
#include "tools/book_view.h"

#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/civil.h"
#include "base/json.h"
#include "base/text.h"

/* A level takes at most two numbers of TW_DECIMAL_BYTES, a count and a few quotes and commas. */
#define LEVEL_TEXT_BYTES (2 * TW_DECIMAL_BYTES + 24)
#define LINE_BYTES       (256 + 2 * TW_MAX_DEPTH * LEVEL_TEXT_BYTES)

void book_view_init(book_view *view, uint32_t depth, int32_t price_exponent) {
    TW_ASSERT(depth >= 1 && depth <= TW_MAX_DEPTH);
    *view = (book_view){.depth = depth, .price_exponent = price_exponent};
}

static bool side_update(book_view *view, const ob_books *books, uint32_t instrument, tw_side side) {
    tw_level levels[TW_MAX_DEPTH];
    uint32_t count = ob_book_top(books, instrument, side, levels, view->depth);
    bool same = count == view->count[side];
    for (uint32_t i = 0; same && i < count; i++) {
        const tw_level *old = &view->levels[side][i];
        same =
            old->price == levels[i].price && old->quantity == levels[i].quantity && old->orders == levels[i].orders;
    }
    if (same) return false;
    memcpy(view->levels[side], levels, count * sizeof *levels);
    view->count[side] = count;
    return true;
}

bool book_view_update(book_view *view, const ob_books *books, uint32_t instrument, const tw_stamp *stamp) {
    bool bids = side_update(view, books, instrument, TW_BID);
    bool asks = side_update(view, books, instrument, TW_ASK);
    if (!bids && !asks) return false;
    view->seq = stamp->seq;
    view->event_ns = stamp->event_ns;
    return true;
}

static void json_side(json_writer *writer, const book_view *view, tw_side side, const char *name) {
    json_open_array(writer, name);
    for (uint32_t i = 0; i < view->count[side]; i++) {
        const tw_level *level = &view->levels[side][i];
        json_open_array(writer, NULL);
        json_decimal(writer, NULL, level->price, view->price_exponent);
        json_u64_string(writer, NULL, level->quantity);
        json_u64(writer, NULL, level->orders);
        json_close_array(writer);
    }
    json_close_array(writer);
}

void book_view_print_json(const book_view *view, FILE *stream) {
    char line[LINE_BYTES];
    json_writer writer;
    json_start(&writer, line, sizeof line);
    json_open_object(&writer, NULL);
    json_u64(&writer, "seq", view->seq);
    json_i64_string(&writer, "event_ns", view->event_ns);
    json_side(&writer, view, TW_BID, "bids");
    json_side(&writer, view, TW_ASK, "asks");
    json_close_object(&writer);
    TW_ASSERT(json_finish(&writer));
    fputs(line, stream);
    fputc('\n', stream);
}

static void print_levels(const book_view *view, tw_side side, FILE *stream) {
    for (uint32_t i = 0; i < view->count[side]; i++) {
        char price[TW_DECIMAL_BYTES];
        tw_decimal_format(price, sizeof price, view->levels[side][i].price, view->price_exponent);
        fprintf(stream, " %s x %" PRIu64, price, view->levels[side][i].quantity);
    }
}

void book_view_print_line(const book_view *view, FILE *stream) {
    char when[TW_INSTANT_BYTES];
    tw_instant_format(when, view->event_ns);
    fprintf(stream, "%" PRIu64 " %s", view->seq, when);
    print_levels(view, TW_BID, stream);
    fputs(" |", stream);
    print_levels(view, TW_ASK, stream);
    fputc('\n', stream);
}

static void ladder_row(const book_view *view, tw_side side, uint32_t rank, FILE *stream) {
    const tw_level *level = &view->levels[side][rank];
    char price[TW_DECIMAL_BYTES], bid[32] = "", ask[32] = "";
    tw_decimal_format(price, sizeof price, level->price, view->price_exponent);
    tw_text_format(side == TW_BID ? bid : ask, 32, "%" PRIu64, level->quantity);
    fprintf(stream, "%14s  %14s  %-14s  %" PRIu32 " order%s\n", bid, price, ask, level->orders,
            level->orders == 1 ? "" : "s");
}

void book_view_print_ladder(const book_view *view, const char *symbol, FILE *stream) {
    char when[TW_INSTANT_BYTES];
    tw_instant_format(when, view->event_ns);
    fprintf(stream, "%s after message %" PRIu64 ", %s\n\n%14s  %14s  %-14s\n", symbol, view->seq, when, "bid",
            "price", "ask");
    for (uint32_t i = view->count[TW_ASK]; i-- > 0;)
        ladder_row(view, TW_ASK, i, stream);
    fprintf(stream, "%14s  %14s\n", "", "----");
    for (uint32_t i = 0; i < view->count[TW_BID]; i++)
        ladder_row(view, TW_BID, i, stream);
}
