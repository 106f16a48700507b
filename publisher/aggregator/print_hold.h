/*
 * The newest prints of all instruments together, each instrument's in the order in which they came: what a break is looked
 * up in. A ring: when it is full the oldest goes. Private to candles.c. Pure; memory is taken at init.
 */
#ifndef TICKWIRE_AGGREGATOR_PRINT_HOLD_H
#define TICKWIRE_AGGREGATOR_PRINT_HOLD_H

#include "publisher/aggregator/candle.h"

#define PRINT_NONE UINT32_MAX

/* One instrument's. */
typedef struct print_line {
    uint32_t first, last;
} print_line;

typedef struct held_print {
    candle_print print;
    uint64_t match_id;
    int64_t day_ns; /* start of its day's candle */
    print_line *line;
    uint32_t next;
    bool valid; /* false: broken */
} held_print;

typedef struct print_hold {
    held_print *ring;
    uint32_t capacity, count, next;
} print_hold;

bool print_hold_init(print_hold *hold, uint32_t capacity); /* false: no memory */
void print_hold_fini(print_hold *hold);
void print_line_init(print_line *line);
void print_hold_add(print_hold *hold, print_line *line, const candle_print *print, uint64_t match_id,
                    int64_t day_ns);
/* The newest valid one of that match id; NULL: it is not kept. */
held_print *print_hold_find(const print_hold *hold, const print_line *line, uint64_t match_id);

#endif
