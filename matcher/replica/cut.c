/*
 * Cutting records into messages for execlog. A name is written before the first report of a part that uses its number; an
 * instrument's again when its exponents are others. What is in a part depends on its records alone.
 */
#include <string.h>

#include "base/bytes.h"
#include "matcher/replica/replica_internal.h"
#include "matcher/wire/translate.h"

#define NEEDS 3u /* parts that one record can bring: two names and the report */

static bool has_room(const wire_parts *parts) {
    return parts->capacity - parts->used >= (size_t)NEEDS * WIRE_PART_ROOM &&
           parts->count + NEEDS <= WIRE_MAX_PARTS;
}

static void name_instrument(mr_replica *self, wire_parts *parts, const mr_record *record) {
    uint32_t number = record->report.instrument;
    const exponents now = {record->price_exponent, record->quantity_exponent};
    wire_named_instrument named;
    if (number >= self->bounds.max_instruments) return;
    const exponents *said = &self->named_exponents[number];
    bool same = said->price == now.price && said->quantity == now.quantity;
    if (self->named_instruments[number] == self->cuts && same) return;
    if (!mw_named_instrument(self->engine, number, &named)) return;
    named.price_exponent = now.price;
    named.quantity_exponent = now.quantity;
    self->named_instruments[number] = self->cuts;
    self->named_exponents[number] = now;
    (void)wire_named_instrument_add(parts, &named);
}

static void name_account(mr_replica *self, wire_parts *parts, const mr_record *record) {
    uint32_t number = record->report.account;
    wire_named_account named;
    if (number >= self->bounds.max_accounts || self->named_accounts[number] == self->cuts) return;
    if (!mw_named_account(self->engine, number, &named)) return;
    self->named_accounts[number] = self->cuts;
    (void)wire_named_account_add(parts, &named);
}

static void add_record(mr_replica *self, wire_parts *parts, const mr_record *record) {
    wire_report report;
    name_instrument(self, parts, record);
    name_account(self, parts, record);
    mr_tell(record, true, &report);
    (void)wire_report_add(parts, &report);
}

cut cut_part(mr_replica *self, wire_parts *parts, uint8_t *buffer, shelf_cursor from, uint64_t last_seq,
             bool whole_inputs) {
    cut done = {.end = from}, whole = {0};
    wire_parts at_whole = {0};
    wire_parts_start(parts, buffer, WIRE_EXECUTION_BYTES);
    self->cuts++;
    for (shelf_cursor at = from;; done.end = at) {
        const mr_record *record = shelf_next(&self->records, &at);
        if (record == NULL || record->report.seq > last_seq) break;
        if (done.last_seq != 0 && record->report.seq != done.last_seq) {
            whole = done;
            at_whole = *parts;
        }
        done.full = !has_room(parts);
        if (done.full) break;
        add_record(self, parts, record);
        done.bytes += record->bytes;
        done.count++;
        done.last_seq = record->report.seq;
    }
    if (!done.full || !whole_inputs || whole.last_seq == 0) return done;
    *parts = at_whole;
    return whole;
}

const uint8_t *cut_finish(const mr_replica *self, wire_parts *parts, const journal_claim *range, size_t *length) {
    wire_execution_header header = {.shard = self->shard,
                                    .first_seq = range->first_seq,
                                    .last_seq = range->last_seq,
                                    .part = range->part,
                                    .parts = range->parts};
    memcpy(header.exchange, self->exchange, sizeof header.exchange);
    return wire_execution_batch_finish(parts, &header, length);
}

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

uint64_t cut_hash(const uint8_t *bytes, size_t length) {
    uint64_t hash = mix(UINT64_C(0x5449434B57495245), length);
    for (; length >= 8; bytes += 8, length -= 8)
        hash = mix(hash, tw_load_le64(bytes));
    uint8_t rest[8] = {0};
    memcpy(rest, bytes, length);
    return mix(hash, tw_load_le64(rest));
}
