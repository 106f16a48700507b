/* What the files of matcher/market share. Nothing outside this folder includes it. */
#ifndef TICKWIRE_MATCHER_MARKET_INTERNAL_H
#define TICKWIRE_MATCHER_MARKET_INTERNAL_H

#include "matcher/market/market.h"

/* Of one instrument in the present epoch: what publisher.h counts as it sends, counted here as it happens. */
typedef struct mk_total {
    uint64_t volume;
    uint64_t prints;
    tw_print last; /* if prints > 0 */
    int64_t receive_ns;
} mk_total;

struct mk_market {
    publisher *publisher;
    const mx_engine *engine;
    uint32_t shard;
    uint32_t max_instruments;
    char exchange[TW_MIC_BYTES];
    char epoch[TW_EPOCH_BYTES];
    uint32_t date; /* of the epoch */
    mk_total *totals;
    bool *left;         /* instruments that have left this shard: nothing is said of them */
    uint64_t print_seq; /* of the last print, and how many this input has had */
    uint32_t print_index;
    publisher_feed feed;
    char detail[WIRE_DETAIL_BYTES];
};

/* market.c: totals begin anew; those of the publisher's count from the engine's next input on. */
void mk_totals_lost(mk_market *market);

#endif
