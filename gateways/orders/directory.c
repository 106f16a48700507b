/* Symbols in a map; per shard, whether their list is whole and which version it is of. */
#include "gateways/orders/directory.h"

#include <stdlib.h>

#include "base/text.h"

typedef struct shard_list {
    uint64_t version; /* of what is known */
    uint64_t reading; /* of the list that is being read, in chunks */
    bool whole;
} shard_list;

struct order_directory {
    order_place *places;
    uint32_t count, capacity;
    tw_map by_symbol;
    shard_list shards[ORDER_MOST_SHARDS + 1]; /* from 1 */
    uint32_t greatest;
    uint64_t left_out;
};

static const char *symbol_of(const void *context, uint32_t number) {
    return ((const order_directory *)context)->places[number].symbol;
}

order_directory *order_directory_alloc(uint32_t max_instruments) {
    order_directory *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->capacity = max_instruments;
    self->places = calloc(max_instruments, sizeof *self->places);
    if (self->places != NULL && tw_map_init(&self->by_symbol, max_instruments, symbol_of, self)) return self;
    order_directory_free(self);
    return NULL;
}

void order_directory_free(order_directory *self) {
    if (self == NULL) return;
    tw_map_fini(&self->by_symbol);
    free(self->places);
    free(self);
}

static void take_one(order_directory *self, const wire_instrument *one, uint32_t partition) {
    uint32_t shard = one->shard != 0 ? one->shard : partition;
    uint32_t number = tw_map_find(&self->by_symbol, one->instrument.symbol);
    if (shard == 0 || shard > ORDER_MOST_SHARDS || (number == TW_MAP_NONE && self->count == self->capacity)) {
        self->left_out++;
        return;
    }
    if (shard > self->greatest) self->greatest = shard;
    bool is_new = number == TW_MAP_NONE;
    if (is_new) number = self->count++;
    order_place *place = &self->places[number];
    if (is_new) tw_text_copy(place->symbol, sizeof place->symbol, one->instrument.symbol);
    place->shard = shard;
    place->price_exponent = one->instrument.price_exponent;
    place->quantity_exponent = one->instrument.quantity_exponent;
    if (is_new) tw_map_add(&self->by_symbol, number);
}

/* Whether the list of its publisher is whole after this message. */
static void follow(shard_list *shard, const wire_instrument_list *list) {
    bool is_change = list->publish_ns != TW_TIME_ABSENT;
    if (is_change) {
        if (shard->whole && list->prev_version == shard->version)
            shard->version = list->version;
        else if (list->version != shard->version)
            shard->whole = false;
        return;
    }
    if (list->chunk == 0 || shard->reading != list->version) {
        shard->reading = list->version;
        shard->whole = list->chunk == 0 && list->last;
    } else if (list->last) {
        shard->whole = true;
    }
    if (shard->whole) shard->version = list->version;
}

void order_directory_take(order_directory *self, const wire_instrument_list *list) {
    if (list->code != WIRE_REPLY_OK) return;
    for (uint32_t i = 0; i < list->instrument_count; i++)
        take_one(self, &list->instruments[i], list->partition);
    if (list->partition == 0 || list->partition > ORDER_MOST_SHARDS || list->not_found_count > 0) return;
    if (list->partition > self->greatest) self->greatest = list->partition;
    if (list->partitions > self->greatest && list->partitions <= ORDER_MOST_SHARDS)
        self->greatest = list->partitions;
    follow(&self->shards[list->partition], list);
}

const order_place *order_directory_find(const order_directory *self, const char *symbol) {
    uint32_t number = tw_map_find(&self->by_symbol, symbol);
    return number == TW_MAP_NONE ? NULL : &self->places[number];
}

bool order_directory_is_whole(const order_directory *self, uint32_t shard) {
    return shard > 0 && shard <= ORDER_MOST_SHARDS && self->shards[shard].whole;
}

uint32_t order_directory_shards(const order_directory *self) {
    return self->greatest;
}

order_directory_stats order_directory_read_stats(const order_directory *self) {
    return (order_directory_stats){.instruments = self->count, .left_out = self->left_out};
}
