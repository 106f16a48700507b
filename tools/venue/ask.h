/*
 * Questions to the engines, all pages of a shard's answer, one after another: query.{MIC}.{SHARD}.{ACCOUNT}, and query.{MIC}.{SHARD} where the
 * question is about no account.
 */
#ifndef TICKWIRE_TOOLS_VENUE_ASK_H
#define TICKWIRE_TOOLS_VENUE_ASK_H

#include "proto/venue.h"
#include "tools/venue/link.h"

/* What the items of one page refer to. NULL: a number that the page does not name. */
typedef struct venue_page {
    const wire_query_reply_header *header;
    const wire_named_instrument *instruments;
    uint32_t instrument_count;
} venue_page;
const wire_named_instrument *venue_page_instrument(const venue_page *page, uint32_t number);

/* Called for each item but names, in the page's order. */
typedef void (*venue_on_item)(void *context, const venue_page *page, const wire_part *item);

typedef struct venue_asked {
    wire_reply_code code;           /* of the last page */
    uint64_t seq;                   /* the first page is true at */
    uint32_t date;                  /* of the trading day that began last; 0: none ever did */
    int64_t day_end_ns;             /* TW_TIME_ABSENT: no day is open */
    char detail[WIRE_DETAIL_BYTES]; /* of the last page that has one */
} venue_asked;

/* At most `most` items (0: all). TW_AWAY: the shard does not answer within the time, for one page, or is busy all that time. */
tw_code venue_ask(venue_link *link, const char *mic, uint32_t shard, const wire_query *query, uint64_t most,
                  int64_t timeout_ns, venue_on_item on_item, void *context, venue_asked *asked, tw_error *error);

#endif
