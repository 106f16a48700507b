/*
 * A day's totals in a snapshot: the engine does not know them, and a venue that restarts in the middle of a day must still tell its volume.
 *
 *   magic 8 | version 8 | instruments 8 | seq 8 | date 8 | per instrument 8 words       little endian
 *
 * Whoever keeps it checks that its bytes are whole. It goes into the publisher as what a leader's totals would be that had told
 * everything up to here.
 */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "matcher/market/internal.h"

#define MAGIC          UINT64_C(0x544B5241574B5754) /* "TWKWARKT" */
#define VERSION        1
#define WORDS          8
#define HEADER_BYTES   40
#define PER_INSTRUMENT (WORDS * 8)

/* The quantities by name; `index` and the aggressor share a word. */
static void put_total(uint8_t *target, const mk_total *t) {
    uint64_t words[WORDS] = {t->volume,
                             t->prints,
                             t->last.seq,
                             (uint64_t)t->last.index << 8 | (uint8_t)t->last.aggressor,
                             (uint64_t)t->last.price,
                             t->last.quantity,
                             t->last.match_id,
                             (uint64_t)t->last.event_ns};
    for (size_t i = 0; i < WORDS; i++)
        tw_store_le64(target + 8 * i, words[i]);
}

static bool get_total(const uint8_t *source, mk_total *t) {
    uint64_t words[WORDS];
    for (size_t i = 0; i < WORDS; i++)
        words[i] = tw_load_le64(source + 8 * i);
    *t = (mk_total){.volume = words[0], .prints = words[1]};
    t->last = (tw_print){.seq = words[2],
                         .index = (uint32_t)(words[3] >> 8),
                         .aggressor = (tw_aggressor)(words[3] & 0xff),
                         .price = (int64_t)words[4],
                         .quantity = words[5],
                         .match_id = words[6],
                         .event_ns = (int64_t)words[7]};
    t->receive_ns = t->last.event_ns;
    return (words[3] & 0xff) <= TW_AGGRESSOR_SELL && words[3] >> 40 == 0;
}

tw_code mk_write(const mk_market *self, mx_write write, void *context, tw_error *error) {
    uint32_t count = mx_instruments(self->engine);
    uint8_t bytes[HEADER_BYTES > PER_INSTRUMENT ? HEADER_BYTES : PER_INSTRUMENT];
    const uint64_t header[] = {MAGIC, VERSION, count, mx_seq(self->engine), self->date};
    for (size_t i = 0; i < HEADER_BYTES / 8; i++)
        tw_store_le64(bytes + 8 * i, header[i]);
    bool ok = write(context, bytes, HEADER_BYTES);
    for (uint32_t i = 0; ok && i < count; i++) {
        put_total(bytes, &self->totals[i]);
        ok = write(context, bytes, PER_INSTRUMENT);
    }
    return ok ? TW_OK : tw_error_set(error, TW_IO, "the day's totals could not be written");
}

/* As if the leader had told it. */
static void adopt(mk_market *self, uint32_t instrument) {
    const mk_total *t = &self->totals[instrument];
    mx_instrument_view view;
    if (!mx_instrument_get(self->engine, instrument, &view)) return;
    wire_trades told = {.volume = t->volume, .prints_total = t->prints, .prints = &t->last};
    told.print_count = t->prints > 0;
    told.header.snapshot = true;
    told.header.seq = t->last.seq;
    told.header.event_ns = told.header.receive_ns = t->prints > 0 ? t->last.event_ns : TW_TIME_ABSENT;
    tw_text_copy(told.header.symbol, sizeof told.header.symbol, view.definition.symbol);
    tw_text_copy(told.header.epoch, sizeof told.header.epoch, self->epoch);
    publisher_adopt_trades(self->publisher, &told, mx_seq(self->engine));
}

static tw_code read_header(const mk_market *self, mx_read read, void *context, tw_error *error) {
    uint8_t bytes[HEADER_BYTES];
    if (!read(context, bytes, sizeof bytes))
        return tw_error_set(error, TW_TRUNCATED, "the day's totals are not there");
    if (tw_load_le64(bytes) != MAGIC) return tw_error_set(error, TW_MALFORMED, "these are not the day's totals");
    uint64_t version = tw_load_le64(bytes + 8), count = tw_load_le64(bytes + 16);
    uint64_t seq = tw_load_le64(bytes + 24), date = tw_load_le64(bytes + 32);
    if (version != VERSION)
        return tw_error_set(error, TW_UNSUPPORTED, "the day's totals have version %" PRIu64 ", this reads %d",
                            version, VERSION);
    if (count == mx_instruments(self->engine) && seq == mx_seq(self->engine) && date == self->date) return TW_OK;
    return tw_error_set(error, TW_INVALID,
                        "the day's totals are of %" PRIu64 " instruments after input %" PRIu64 " on %" PRIu64
                        ", the engine has %" PRIu32 " after %" PRIu64 " on %" PRIu32,
                        count, seq, date, mx_instruments(self->engine), mx_seq(self->engine), self->date);
}

static tw_code read_totals(mk_market *self, mx_read read, void *context, tw_error *error) {
    uint8_t bytes[PER_INSTRUMENT];
    for (uint32_t i = 0; i < mx_instruments(self->engine) && i < self->max_instruments; i++) {
        if (!read(context, bytes, sizeof bytes))
            return tw_error_set(error, TW_TRUNCATED, "the day's totals are cut short");
        if (!get_total(bytes, &self->totals[i]))
            return tw_error_set(error, TW_MALFORMED, "the totals of instrument %" PRIu32 " make no sense", i);
    }
    return TW_OK;
}

tw_code mk_read(mk_market *self, mx_read read, void *context, tw_error *error) {
    tw_code code = read_header(self, read, context, error);
    if (code == TW_OK) code = read_totals(self, read, context, error);
    if (code != TW_OK) {
        mk_totals_lost(self);
        return code;
    }
    for (uint32_t i = 0; i < mx_instruments(self->engine); i++)
        adopt(self, i);
    publisher_adopted_all(self->publisher);
    return TW_OK;
}
