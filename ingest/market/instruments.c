/* Symbol and locate tables of one trading day. What an instrument's book does is the market's business. */
#include "ingest/market/instruments.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"

static uint32_t hash_symbol(const char *symbol) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const unsigned char *c = (const unsigned char *)symbol; *c != 0; c++)
        hash = (hash ^ *c) * 16777619u;
    return hash;
}

static uint32_t slots_for(uint32_t capacity) {
    uint32_t slots = 16;
    while (slots < capacity * 2u)
        slots *= 2;
    return slots;
}

tw_code instruments_init(instruments *set, uint32_t capacity, tw_error *error) {
    *set = (instruments){0};
    if (capacity == 0 || capacity > (1u << 20))
        return tw_error_set(error, TW_INVALID, "instruments: the limit is %u, it must be 1 to %u", capacity,
                            1u << 20);
    uint32_t slots = slots_for(capacity);
    set->capacity = capacity;
    set->slot_mask = slots - 1;
    set->entries = calloc(capacity, sizeof *set->entries);
    set->slots = calloc(slots, sizeof *set->slots);
    set->by_locate = malloc(INSTRUMENT_LOCATES * sizeof *set->by_locate);
    if (set->entries == NULL || set->slots == NULL || set->by_locate == NULL) {
        instruments_fini(set);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for %u instruments", capacity);
    }
    instruments_clear(set);
    return TW_OK;
}

void instruments_fini(instruments *set) {
    free(set->entries);
    free(set->slots);
    free(set->by_locate);
    *set = (instruments){0};
}

void instruments_clear(instruments *set) {
    set->count = 0;
    memset(set->slots, 0, (set->slot_mask + 1u) * sizeof *set->slots);
    for (uint32_t i = 0; i < INSTRUMENT_LOCATES; i++)
        set->by_locate[i] = INSTRUMENT_NONE;
}

/* The slot of a symbol, or the empty one where it would stand. Half of the slots are always empty. */
static uint32_t *slot_of(const instruments *set, const char *symbol) {
    uint32_t at = hash_symbol(symbol) & set->slot_mask;
    while (set->slots[at] != 0 && strcmp(set->entries[set->slots[at] - 1].symbol, symbol) != 0)
        at = (at + 1) & set->slot_mask;
    return &set->slots[at];
}

uint32_t instruments_find(const instruments *set, const char *symbol) {
    uint32_t number = *slot_of(set, symbol);
    return number == 0 ? INSTRUMENT_NONE : number - 1;
}

uint32_t instruments_take(instruments *set, const char *symbol, int32_t price_exponent, bool *added) {
    *added = false;
    if (symbol[0] == '\0' || strlen(symbol) >= TW_SYMBOL_BYTES) return INSTRUMENT_NONE;
    uint32_t *slot = slot_of(set, symbol);
    if (*slot != 0) return *slot - 1;
    if (set->count == set->capacity) {
        set->refused++;
        return INSTRUMENT_NONE;
    }
    tw_instrument *entry = &set->entries[set->count];
    *entry = (tw_instrument){.price_exponent = price_exponent};
    tw_text_copy(entry->symbol, sizeof entry->symbol, symbol);
    *slot = ++set->count;
    *added = true;
    return set->count - 1;
}

void instruments_bind_locate(instruments *set, uint16_t locate, uint32_t instrument) {
    TW_ASSERT(instrument < set->count);
    set->by_locate[locate] = instrument;
    set->entries[instrument].locate = locate;
}
