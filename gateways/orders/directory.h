/*
 * Where symbols of one venue live: which shard, and how many decimals. Filled from the lists of instruments.{MIC} and
 * instruments.{MIC}.changes. Pure; grows with what there is, up to `max_instruments`.
 */
#ifndef TICKWIRE_GATEWAYS_ORDERS_DIRECTORY_H
#define TICKWIRE_GATEWAYS_ORDERS_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "proto/codec.h"

#define ORDER_MOST_SHARDS 64u

typedef struct order_place {
    char symbol[TW_SYMBOL_BYTES];
    uint32_t shard;
    int32_t price_exponent, quantity_exponent;
} order_place;

typedef struct order_directory order_directory;

/* NULL: no memory. */
order_directory *order_directory_alloc(uint32_t max_instruments);
void order_directory_free(order_directory *directory); /* NULL is fine */

/* A reply to a question, or a message about changes. Entries of a shard beyond ORDER_MOST_SHARDS, and those that there is no room for, are
 * counted and left out. */
void order_directory_take(order_directory *directory, const wire_instrument_list *list);
/* NULL: not there. Borrowed until the next take. */
const order_place *order_directory_find(const order_directory *directory, const char *symbol);

/* All of a shard was read since the last change that did not fit to the one before. */
bool order_directory_is_whole(const order_directory *directory, uint32_t shard);
/* The greatest shard that anything was heard of, also by what another shard says of their number; 0: none. */
uint32_t order_directory_shards(const order_directory *directory);

typedef struct order_directory_stats {
    uint32_t instruments;
    uint64_t left_out;
} order_directory_stats;
order_directory_stats order_directory_read_stats(const order_directory *directory);

#endif
