/*
 * What clients called their orders today, and what was answered: rows in the order of their coming, found through a hash table of
 * chains. Nothing is forgotten before the next trading day begins: when there is no more room, orders with a new name are refused, for
 * one that was forgotten could be executed twice.
 */
#include "matcher/core/engine_internal.h"
#include "orderbook/pages.h"

static uint32_t home_of(const mx_engine *engine, uint32_t number, uint32_t where, const mx_client_id *id) {
    uint64_t mixed = (uint64_t)number << 32 | where;
    for (size_t i = 0; i < sizeof id->words / sizeof *id->words; i++) {
        mixed = (mixed ^ id->words[i]) * UINT64_C(0xD6E8FEB86659FD93);
        mixed ^= mixed >> 32;
    }
    return (uint32_t)(mixed * UINT64_C(0x9E3779B97F4A7C15) >> 32) & engine->client_mask;
}

static bool same(const client_row *row, uint32_t number, uint32_t where, const mx_client_id *id) {
    uint64_t differs = (row->account ^ number) | (row->instrument ^ where);
    for (size_t i = 0; i < sizeof id->words / sizeof *id->words; i++)
        differs |= row->id.words[i] ^ id->words[i];
    return differs == 0;
}

uint32_t client_find(const mx_engine *engine, uint32_t number, uint32_t where, const mx_client_id *id) {
    uint32_t row = engine->client_index[home_of(engine, number, where, id)];
    while (row != NO_ROW && !same(&engine->client_rows[row], number, where, id))
        row = engine->client_rows[row].next_alike;
    return row;
}

void client_index_add(mx_engine *engine, uint32_t row) {
    client_row *one = &engine->client_rows[row];
    uint32_t home = home_of(engine, one->account, one->instrument, &one->id);
    one->next_alike = engine->client_index[home];
    engine->client_index[home] = row;
    uint64_t hash = engine->client_hash;
    for (size_t i = 0; i < sizeof one->id.words / sizeof *one->id.words; i++)
        hash = state_mix(hash, one->id.words[i]);
    hash = state_mix(hash, one->order_id);
    hash = state_mix(hash, (uint64_t)one->account << 32 | one->instrument);
    engine->client_hash = state_mix(hash, one->reason);
}

void client_remember(mx_engine *engine, const mx_new_order *c, mx_reason reason) {
    uint32_t row = ++engine->client_count;
    engine->client_rows[row] = (client_row){.id = c->client_id,
                                            .order_id = c->order_id,
                                            .account = c->account,
                                            .instrument = c->instrument,
                                            .reason = (uint16_t)reason};
    client_index_add(engine, row);
}

void client_forget(mx_engine *engine) {
    engine->client_count = 0;
    engine->client_hash = 0;
    ob_pages_zero(engine->client_index, ((size_t)engine->client_mask + 1) * sizeof *engine->client_index);
}
