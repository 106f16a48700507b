/* Which channels a subscription's subject covers: what a late joiner has to ask snapshots for. Pure. */
#ifndef TICKWIRE_CLIENT_JOIN_H
#define TICKWIRE_CLIENT_JOIN_H

#include <stdbool.h>

#include "base/market.h"
#include "proto/subject.h"

typedef struct join_plan {
    char exchange[TW_MIC_BYTES];     /* "": a wildcard, every exchange */
    char symbol[TW_SYMBOL_BYTES];    /* "": a wildcard, every instrument; else unescaped */
    bool channels[SUBJECT_CHANNELS]; /* covered; those without snapshots (order events, candles) never */
} join_plan;

/* A channel that carries BookUpdate. */
bool join_is_book_channel(subject_channel channel);

/* False: the subject covers no order book; it may cover other channels. */
bool join_plan_make(join_plan *plan, const char *subject);

/* A subject NATS would accept in a subscription: tokens not empty, no spaces, '>' only as the last token, '*'
 * only alone. False: *why (static) says what is wrong. */
bool join_subject_valid(const char *subject, const char **why);

#endif
