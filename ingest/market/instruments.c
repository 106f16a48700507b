/* Symbol and locate tables of one trading day. What an instrument's book does is the market's business. */
#include "ingest/market/instruments.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"

static const char *symbol_of(const void *entries, uint32_t number) {
    return ((const tw_instrument *)entries)[number].symbol;
}

tw_code instruments_init(instruments *set, uint32_t capacity, tw_error *error) {
    *set = (instruments){0};
    if (capacity == 0 || capacity > (1u << 20))
        return tw_error_set(error, TW_INVALID, "instruments: the limit is %u, it must be 1 to %u", capacity,
                            1u << 20);
    set->capacity = capacity;
    set->entries = calloc(capacity, sizeof *set->entries);
    set->by_locate = malloc(INSTRUMENT_LOCATES * sizeof *set->by_locate);
    if (set->entries == NULL || set->by_locate == NULL ||
        !tw_map_init(&set->by_symbol, capacity, symbol_of, set->entries)) {
        instruments_fini(set);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for %u instruments", capacity);
    }
    instruments_clear(set);
    return TW_OK;
}

void instruments_fini(instruments *set) {
    free(set->entries);
    tw_map_fini(&set->by_symbol);
    free(set->by_locate);
    *set = (instruments){0};
}

void instruments_clear(instruments *set) {
    set->count = 0;
    tw_map_clear(&set->by_symbol);
    for (uint32_t i = 0; i < INSTRUMENT_LOCATES; i++)
        set->by_locate[i] = INSTRUMENT_NONE;
}

uint32_t instruments_find(const instruments *set, const char *symbol) {
    return tw_map_find(&set->by_symbol, symbol); /* both have the same word for none */
}

uint32_t instruments_take(instruments *set, const char *symbol, int32_t price_exponent, bool *added) {
    *added = false;
    if (symbol[0] == '\0' || strlen(symbol) >= TW_SYMBOL_BYTES) return INSTRUMENT_NONE;
    uint32_t known = tw_map_find(&set->by_symbol, symbol);
    if (known != TW_MAP_NONE) return known;
    if (set->count == set->capacity) {
        set->refused++;
        return INSTRUMENT_NONE;
    }
    tw_instrument *entry = &set->entries[set->count];
    *entry = (tw_instrument){.price_exponent = price_exponent};
    tw_text_copy(entry->symbol, sizeof entry->symbol, symbol);
    tw_map_add(&set->by_symbol, set->count);
    *added = true;
    return set->count++;
}

void instruments_bind_locate(instruments *set, uint16_t locate, uint32_t instrument) {
    TW_ASSERT(instrument < set->count);
    set->by_locate[locate] = instrument;
    set->entries[instrument].locate = locate;
}

_Static_assert(INSTRUMENT_NONE == TW_MAP_NONE, "a symbol that is not in the map is no instrument");
