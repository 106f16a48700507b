/* Text of the live view. Escape sequences are added after a line was cut to the width, so that they never are. */
#include "tools/top_frame.h"

#include <string.h>

#include "base/civil.h"
#include "base/market.h"
#include "base/text.h"

#define LINE_BYTES 512
#define PLAIN      ""
#define BOLD       "\033[1m"
#define DIM        "\033[2m"
#define GREEN      "\033[32m"
#define YELLOW     "\033[33m"
#define RED        "\033[31m"
#define RESET      "\033[0m"

typedef struct frame_writer {
    const top_frame *frame;
    char *text;
    size_t capacity, length;
    uint32_t lines;
} frame_writer;

static void put_line(frame_writer *w, const char *style, const char *line) {
    const top_frame *frame = w->frame;
    if (frame->height > 0 && w->lines >= frame->height) return;
    bool styled = frame->colour && style[0] != '\0';
    size_t length = strlen(line);
    if (frame->width > 0 && length > frame->width) length = frame->width;
    size_t needed = length + 1 + (styled ? strlen(style) + strlen(RESET) : 0);
    if (w->length + needed >= w->capacity) return;
    tw_text_format(w->text + w->length, w->capacity - w->length, "%s%.*s%s\n", styled ? style : "", (int)length,
                   line, styled ? RESET : "");
    w->length += needed;
    w->lines++;
}

void top_format_ns(char *text, size_t capacity, uint64_t ns) {
    if (ns < 1000)
        tw_text_format(text, capacity, "%llu ns", (unsigned long long)ns);
    else if (ns < 10000)
        tw_text_format(text, capacity, "%.1f us", (double)ns / 1e3);
    else if (ns < 1000000)
        tw_text_format(text, capacity, "%.0f us", (double)ns / 1e3);
    else if (ns < 1000000000)
        tw_text_format(text, capacity, "%.1f ms", (double)ns / 1e6);
    else
        tw_text_format(text, capacity, "%.1f s", (double)ns / 1e9);
}

static const char *state_name(tickwire_state state) {
    return tw_book_state_name((tw_book_state)state);
}

static const char *state_style(tickwire_state state) {
    static const char *const styles[] = {PLAIN, DIM, YELLOW, RED};
    return (size_t)state < 4 ? styles[state] : RED;
}

static void put_header(frame_writer *w) {
    const top_frame *frame = w->frame;
    char line[LINE_BYTES], when[TW_INSTANT_BYTES];
    tw_instant_format(when, frame->now_ns);
    tw_text_format(line, sizeof line, "tickwire top  %.19sZ  %s  %.0f msg/s  %.0f updates/s  %u books, %u not ok",
                   when, frame->url, frame->messages, frame->updates, frame->books, frame->books_not_ok);
    put_line(w, BOLD, line);
}

static void put_feeds(frame_writer *w) {
    char line[LINE_BYTES];
    if (w->frame->feed_count == 0) put_line(w, YELLOW, "no feed status has come yet");
    for (size_t i = 0; i < w->frame->feed_count; i++) {
        const top_feed *feed = &w->frame->feeds[i];
        tw_text_format(
            line, sizeof line, "feed %s.%u %s%s%s  seq %llu  messages %llu  lost %llu  instruments %u (%u not ok)",
            feed->exchange, feed->partition, state_name(feed->state), feed->state != TICKWIRE_BOOK_OK ? " " : "",
            feed->state != TICKWIRE_BOOK_OK ? feed->cause : "", (unsigned long long)feed->seq,
            (unsigned long long)feed->messages, (unsigned long long)feed->lost, feed->instruments,
            feed->instruments_not_ok);
        put_line(w, feed->state == TICKWIRE_BOOK_OK ? GREEN : state_style(feed->state), line);
    }
}

static void put_hops(frame_writer *w) {
    char line[LINE_BYTES] = "latency p50/p99";
    for (size_t i = 0; i < w->frame->hop_count; i++) {
        const top_hop *hop = &w->frame->hops[i];
        char p50[24] = "-", p99[24] = "-";
        if (hop->latency->count > 0) {
            top_format_ns(p50, sizeof p50, tw_histogram_quantile(hop->latency, 500));
            top_format_ns(p99, sizeof p99, tw_histogram_quantile(hop->latency, 990));
        }
        size_t length = strlen(line);
        tw_text_format(line + length, sizeof line - length, "  %s %s/%s", hop->name, p50, p99);
    }
    put_line(w, PLAIN, line);
}

static void format_price(char *text, size_t capacity, int64_t price, int32_t exponent) {
    if (tw_decimal_format(text, capacity, price, exponent) == 0) tw_text_copy(text, capacity, "-");
}

static void put_row(frame_writer *w, const top_row *row) {
    char bid[TW_DECIMAL_BYTES], ask[TW_DECIMAL_BYTES], last[TW_DECIMAL_BYTES], spread[TW_DECIMAL_BYTES] = "-";
    char bid_quantity[TW_DECIMAL_BYTES] = "", ask_quantity[TW_DECIMAL_BYTES] = "", line[LINE_BYTES];
    bool has_bid = row->bid.price != TICKWIRE_PRICE_ABSENT, has_ask = row->ask.price != TICKWIRE_PRICE_ABSENT;
    int64_t width;
    format_price(bid, sizeof bid, row->bid.price, row->price_exponent);
    format_price(ask, sizeof ask, row->ask.price, row->price_exponent);
    format_price(last, sizeof last, row->last_price, row->price_exponent);
    if (has_bid)
        tw_decimal_format_u64(bid_quantity, sizeof bid_quantity, row->bid.quantity, row->quantity_exponent);
    if (has_ask)
        tw_decimal_format_u64(ask_quantity, sizeof ask_quantity, row->ask.quantity, row->quantity_exponent);
    if (has_bid && has_ask && !__builtin_sub_overflow(row->ask.price, row->bid.price, &width))
        format_price(spread, sizeof spread, width, row->price_exponent);
    /* A book that is not live is marked in words, whatever the terminal shows of colours; in front too,
     * where a narrow one does not cut it off. */
    tw_text_format(line, sizeof line, "%-4s%s%-10s %8.0f %8.0f %9s %11s | %-11s %-9s %9s %11s  %s%s%s",
                   row->exchange, row->state == TICKWIRE_BOOK_OK ? " " : "!", row->symbol, row->updates,
                   row->messages, bid_quantity, bid, ask, ask_quantity, spread, last, state_name(row->state),
                   row->state == TICKWIRE_BOOK_OK ? "" : " ", row->state == TICKWIRE_BOOK_OK ? "" : row->cause);
    put_line(w, state_style(row->state), line);
}

size_t top_frame_render(const top_frame *frame, char *text, size_t capacity) {
    frame_writer w = {.frame = frame, .text = text, .capacity = capacity};
    char titles[LINE_BYTES];
    text[0] = '\0';
    put_header(&w);
    put_feeds(&w);
    put_hops(&w);
    put_line(&w, PLAIN, "");
    tw_text_format(titles, sizeof titles, "%-4s %-10s %8s %8s %9s %11s | %-11s %-9s %9s %11s  %s", "MIC", "SYMBOL",
                   "UPD/S", "MSG/S", "SIZE", "BID", "ASK", "SIZE", "SPREAD", "LAST", "STATE");
    put_line(&w, BOLD, titles);
    for (size_t i = 0; i < frame->row_count; i++)
        put_row(&w, &frame->rows[i]);
    if (frame->row_count == 0) put_line(&w, DIM, "no instrument has been heard of yet");
    return w.length;
}
