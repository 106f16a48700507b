/*
 * Where in execlog to begin to read: the first message that says anything of an input, by halving. Pure: which message to look at is given
 * out, what it says is given in.
 *
 *   log_search_begin ──► log_search_probe ──► log_search_take ──┐
 *                              ▲                                │      until there is nothing left to look at: `low`
 *                              └────────────────────────────────┘
 *
 * Inputs and times only grow along execlog, and each of its messages begins where the one before it ended. So 64 looks are enough for
 * any stream.
 */
#ifndef TICKWIRE_GATEWAYS_ORDERS_LOG_SEARCH_H
#define TICKWIRE_GATEWAYS_ORDERS_LOG_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct log_search {
    uint64_t input;      /* wanted: the first message whose last input is not before it ... */
    int64_t earliest_ns; /* ... and which was not stored before this */
    uint64_t low, high;
} log_search;

/* Among the messages first to last (none: first is last + 1). */
void log_search_begin(log_search *search, uint64_t first, uint64_t last, uint64_t input, int64_t earliest_ns);
/* The message to look at; 0: there is no need any more, it is `low`, or behind the last one. */
uint64_t log_search_probe(const log_search *search);
/* What the message to look at says. */
void log_search_take(log_search *search, uint64_t last_input, int64_t stored_ns);

#endif
