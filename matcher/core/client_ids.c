/*
 * What clients called their orders today, and what was answered: rows in the order of their coming, found through a hash table. Nothing
 * is forgotten before the next trading day begins: when there is no more room, orders with a new name are refused, for one that was
 * forgotten could be executed twice.
 *
 * The table grows with the day, as the one of order ids does, and for the same reason: nearly every name is looked for in vain. Half a
 * hash in each slot spares that look the rows.
 */
#include "matcher/core/engine_internal.h"

/* Clients choose their names: with a salt that they don't know they can't choose many that are looked for at one place. */
uint32_t client_hash(const mx_engine *engine, uint32_t number, uint32_t where, const mx_client_id *id) {
    uint64_t mixed = engine->client_salt[0] ^ ((uint64_t)number << 32 | where);
    for (size_t i = 0; i < sizeof id->words / sizeof *id->words; i++) {
        unsigned __int128 product = (unsigned __int128)(mixed ^ id->words[i]) * engine->client_salt[1];
        mixed = (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    return (uint32_t)(mixed * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

void mx_engine_salt(mx_engine *engine, uint64_t salt) {
    TW_ASSERT(engine->client_count == 0);
    engine->client_salt[0] = salt;
    engine->client_salt[1] = state_mix(UINT64_C(0xD6E8FEB86659FD93), salt) | 1;
}

static bool same(const client_row *row, uint32_t number, uint32_t where, const mx_client_id *id) {
    uint64_t differs = (row->account ^ number) | (row->instrument ^ where);
    for (size_t i = 0; i < sizeof id->words / sizeof *id->words; i++)
        differs |= row->id.words[i] ^ id->words[i];
    return differs == 0;
}

static uint32_t find_in(const id_table *table, const client_row *rows, uint32_t hash, uint32_t number,
                        uint32_t where, const mx_client_id *id) {
    for (uint32_t at = hash & table->mask; table->slots[at].row != 0; at = (at + 1) & table->mask) {
        id_slot slot = table->slots[at];
        if (slot.hash == hash && same(&rows[slot.row], number, where, id)) return slot.row;
    }
    return NO_ROW;
}

uint32_t client_find(const mx_engine *engine, uint32_t hash, uint32_t number, uint32_t where,
                     const mx_client_id *id) {
    const id_map *map = &engine->client_index;
    uint32_t row = find_in(&map->now, engine->client_rows, hash, number, where, id);
    if (row != NO_ROW || __builtin_expect(map->old.slots == NULL, 1)) return row;
    return find_in(&map->old, engine->client_rows, hash, number, where, id);
}

void client_foresee(const mx_engine *engine, uint32_t number, uint32_t where, const mx_client_id *id) {
    if (!mx_client_id_none(id)) id_map_foresee(&engine->client_index, client_hash(engine, number, where, id));
}

void client_index_add(mx_engine *engine, uint32_t hash, uint32_t row) {
    const client_row *one = &engine->client_rows[row];
    id_map_add_hash(&engine->client_index, hash, row);
    uint64_t state = engine->client_hash;
    for (size_t i = 0; i < sizeof one->id.words / sizeof *one->id.words; i++)
        state = state_mix(state, one->id.words[i]);
    state = state_mix(state, one->order_id);
    state = state_mix(state, (uint64_t)one->account << 32 | one->instrument);
    engine->client_hash = state_mix(state, one->reason);
}

void client_remember(mx_engine *engine, uint32_t hash, const mx_new_order *c, mx_reason reason) {
    uint32_t row = ++engine->client_count;
    engine->client_rows[row] = (client_row){.id = c->client_id,
                                            .order_id = c->order_id,
                                            .account = c->account,
                                            .instrument = c->instrument,
                                            .reason = (uint16_t)reason};
    client_index_add(engine, hash, row);
}

void client_forget(mx_engine *engine) {
    if (engine->client_count == 0) return;
    engine->client_count = 0;
    engine->client_hash = 0;
    id_map_clear(&engine->client_index);
}
