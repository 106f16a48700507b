/*
 * Best bid and offer of each symbol over all exchanges. A pure core: decoded quotes and feed states in, messages out, each
 * symbol's at most once a round. Memory is taken at alloc.
 *
 * An exchange counts while its feed and its own quote are OK. One whose quote can't be trusted (STALE, RECOVERING, its
 * status does not come, or nothing has come of a new session yet) is left out and named in stale_venues. One
 * that has closed is left out, too. Of a quote of an instrument that is halted nothing more is known than what it says.
 *
 * The quantity is that of all exchanges at the best price together; they are named, the largest first, then by name. Prices
 * and quantities are compared and added at the finest scale of the exchanges that count, exactly; a quote whose numbers no
 * 64 bits hold at that scale is left out as stale.
 *
 * seq is the sum of the exchanges' last seq (of the session each is in), so it rises whoever quotes; a change of states alone
 * keeps it.
 */
#ifndef TICKWIRE_AGGREGATOR_NBBO_H
#define TICKWIRE_AGGREGATOR_NBBO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "proto/codec.h"

typedef struct nbbo nbbo;

typedef struct nbbo_options {
    uint32_t max_quotes; /* (exchange, symbol) */
    int64_t refresh_ns;  /* one that does not change is told again so often; 0: never */
} nbbo_options;

tw_code nbbo_alloc(nbbo **nbbo, const nbbo_options *options, tw_error *error);
void nbbo_free(nbbo *nbbo); /* NULL is fine */

/* A live quote or a part of a snapshot. False: seen already, of a deposed leader, or no room (counted). */
bool nbbo_quote(nbbo *nbbo, const wire_quote *quote, int64_t now_ns);
/* A feed's leader and session, by its status: a deposed one's late quotes are refused before the new one has quoted. */
void nbbo_lead(nbbo *nbbo, const char *exchange, uint32_t partition, uint64_t term, const char *epoch);
/* A feed's state as the caller judges it. */
void nbbo_feed(nbbo *nbbo, const char *exchange, uint32_t partition, tw_book_state state, int64_t now_ns);
/* The feed's leader stands by quotes of this epoch and term, and of higher terms: others do not count until they are told again. */
void nbbo_vouched(nbbo *nbbo, const char *exchange, uint32_t partition, const char *epoch, uint64_t since_term);
/* Quotes may have been lost without a trace: none counts until it is told again. */
void nbbo_doubt(nbbo *nbbo, int64_t now_ns);
/* True if a quote of the exchange's present session does not count because nobody has told it again. */
bool nbbo_doubts(const nbbo *nbbo, const char *exchange);

/* The next one that is not as it was published, whole but for publish_ns; it counts as published. False: none now. */
bool nbbo_next(nbbo *nbbo, int64_t now_ns, wire_nbbo *message);

typedef struct nbbo_stats {
    uint64_t quotes, published, refused;
    uint32_t symbols, waiting;
} nbbo_stats;
nbbo_stats nbbo_read_stats(const nbbo *nbbo);

#endif
