/*
 * The receiver's rules for channels that need no book: what a subscriber does with each message of trades, order
 * events, quotes, status and imbalances. One tw_chain per subscription, exchange, symbol and channel. A pure core: no
 * I/O, no clock, no log, no allocation.
 *
 * Two kinds of channel:
 *
 *   a state (quote, status, imbalance): every message is whole, so the newest is all that anyone needs
 *   a log (trades, order events): every record counts, once; what is lost does not come again
 *
 * "Mine" is the last message taken. The rules, first match wins:
 *
 *                                            a state                  a log
 *   seq below prev_seq                       REFUSED                  REFUSED
 *   lower term                               OLD_TERM                 OLD_TERM
 *   the first of all                         DELIVER                  DELIVER
 *   the epoch that was left, same term       DUPLICATE                DUPLICATE
 *   another epoch                            DELIVER                  DELIVER; missed, unless it is the epoch's first
 *   prev_seq is mine                         DELIVER                  DELIVER
 *   snapshot of the same seq                 DELIVER (state alone     TOTALS if they differ, else DUPLICATE
 *                                            may be new)
 *   higher term                              DELIVER                  as below
 *   seq not above mine                       DUPLICATE                DUPLICATE
 *   snapshot                                 DELIVER                  DELIVER; missed, unless the totals show that its
 *                                                                     one print is the only one that is new
 *   it contains mine (cut differently)       -                        DELIVER what is above mine
 *   anything else                            DELIVER, a break         DELIVER, missed
 *
 * A log keeps its place when a new leader says again what it had: a leader that takes over repeats what its
 * predecessor may not have sent, and the numbers are the source's. A message that is neither next nor overlaps comes
 * after a hole, also if it names an earlier prev_seq, or 0: its leader did not see all that this receiver did.
 *
 * Totals count missed prints only where both messages' are whole, or lack the same (one leader's word). Those of a leader
 * that joined late are smaller than its predecessor's; that alone is no loss.
 */
#ifndef TICKWIRE_CLIENT_CHAIN_RULE_H
#define TICKWIRE_CLIENT_CHAIN_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/market.h"
#include "proto/codec.h"

/* {0} before the first message. */
typedef struct tw_chain {
    bool heard;
    uint32_t partition; /* of the last message */
    uint64_t term;
    uint64_t seq;
    uint64_t prints_total; /* trades: of the epoch, as the last message told */
    uint64_t volume;
    uint64_t counted_from_seq; /* likewise; other than 0: they are not whole */
    char epoch[TW_EPOCH_BYTES];
    char left_epoch[TW_EPOCH_BYTES]; /* the one before, in this term; "" if none */
} tw_chain;

typedef enum chain_outcome {
    CHAIN_DELIVER = 0,
    CHAIN_TOTALS,    /* trades: the totals are new, the prints are not */
    CHAIN_DUPLICATE, /* known already */
    CHAIN_OLD_TERM,  /* of a deposed leader */
    CHAIN_REFUSED    /* makes no sense: seq below prev_seq */
} chain_outcome;
const char *chain_outcome_name(chain_outcome outcome);

typedef struct chain_verdict {
    chain_outcome outcome;
    uint32_t known;  /* so many of the first records were delivered before: the rest is new */
    uint64_t missed; /* records lost between mine and this: at least so many, 0 for none. A state: 1 for a break */
} chain_verdict;

chain_verdict chain_take_state(tw_chain *chain, const wire_header *header);
chain_verdict chain_take_trades(tw_chain *chain, const wire_trades *trades);
chain_verdict chain_take_orders(tw_chain *chain, const wire_order_events *orders);

#endif
