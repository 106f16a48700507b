/* The instruments of a simulated day: names, prices, listing attributes, how active each is. */
#ifndef TICKWIRE_TOOLS_SIMULATE_SYMBOLS_H
#define TICKWIRE_TOOLS_SIMULATE_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "ingest/decode/itch50.h"

/* What the flow needs of a symbol, within one cache line. */
typedef struct sim_symbol {
    int64_t fair_256ths;  /* what the stock is worth, in 1/256 of a tick */
    uint32_t orders;      /* resting now */
    uint32_t orders_goal; /* about as many as should rest */
    uint32_t reference;   /* last cross or yesterday's close, in price units (1/10000 dollar) */
    uint16_t locate;
    uint16_t tick;         /* in price units: 100, below a dollar 1 */
    uint16_t spread_ticks; /* that the spread comes back to */
    uint16_t volatility;   /* size of the steps of `fair`, calm 8 to wild 255 */
    uint16_t lot;          /* usual order size */
    char state;            /* trading action: T, H, Q, P */
    char sho;              /* Reg SHO action: 0, 1, 2 */
    bool test;             /* the exchange's test symbol */
    bool hard_halted;      /* halted from the start of the day until the end */
    char stock[ITCH50_STOCK_BYTES];
} sim_symbol;

/* Symbols by activity: draw gives symbol 0 most often, symbol k about 1/(k+1) as often (Zipf), in constant time
 * (alias method). */
typedef struct sim_zipf {
    uint32_t count;
    uint32_t *threshold; /* of 2^32: below it the slot itself, else its alias */
    uint16_t *alias;
    uint64_t *weight;
    uint64_t weight_sum;
} sim_zipf;

bool sim_zipf_init(sim_zipf *zipf, uint32_t count); /* false: no memory, nothing is held */
void sim_zipf_fini(sim_zipf *zipf);
uint32_t sim_zipf_draw(const sim_zipf *zipf, uint64_t bits);

/* Fills `count` symbols: unique names in order of activity, shuffled locates 1 to count. False: no memory. */
bool sim_symbols_make(sim_symbol *symbols, uint32_t count, tw_random *random);

/* The directory entry (type R), without header fields. Depends on the symbol and `bits` alone. */
void sim_symbol_directory(const sim_symbol *symbol, bool ipo, uint64_t bits, itch50_message *message);

#endif
