/*
 * One frame of `tickwire top`: a pure function from figures to text. It knows nothing of the bus or the terminal;
 * the caller redraws or appends what it wrote.
 */
#ifndef TICKWIRE_TOOLS_TOP_FRAME_H
#define TICKWIRE_TOOLS_TOP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "client/tickwire.h"

typedef struct top_row {
    const char *exchange;
    const char *symbol;
    double updates; /* per second */
    double messages;
    tickwire_level bid, ask; /* price TICKWIRE_PRICE_ABSENT: none */
    int64_t last_price;      /* TICKWIRE_PRICE_ABSENT: no trade yet */
    uint64_t last_quantity;
    int32_t price_exponent;
    int32_t quantity_exponent;
    tickwire_state state;
    const char *cause;
} top_row;

typedef struct top_feed {
    const char *exchange;
    uint32_t partition;
    tickwire_state state;
    const char *cause;
    uint64_t seq, messages, lost;
    uint32_t instruments, instruments_not_ok;
    int64_t heard_ns; /* monotonic; for the caller */
} top_feed;

typedef struct top_hop {
    const char *name;
    const tw_histogram *latency; /* ns; none recorded: shown as "-" */
} top_hop;

typedef struct top_frame {
    int64_t now_ns; /* UTC */
    const char *url;
    double messages; /* per second, all */
    double updates;
    const top_feed *feeds;
    size_t feed_count;
    const top_hop *hops;
    size_t hop_count;
    const top_row *rows; /* busiest first */
    size_t row_count;
    uint32_t books, books_not_ok;
    uint32_t width, height; /* in characters; height 0: as long as it takes */
    bool colour;
} top_frame;

/* Writes the frame, NUL terminated, each line ended by a line feed and not wider than `width` characters.
 * Returns its length without NUL; what does not fit is left out line by line. */
size_t top_frame_render(const top_frame *frame, char *text, size_t capacity);

/* "12 us", "1.4 ms", "2.0 s"; for tests too. */
void top_format_ns(char *text, size_t capacity, uint64_t ns);

#endif
