/* A replica's snapshot: a frame around the engine's own, with what belongs to it. */
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/text.h"
#include "matcher/core/eye.h"
#include "matcher/replica/replica_internal.h"

static const char magic[8] = {'T', 'W', 'R', 'E', 'P', 'L', 'I', '1'};

enum { TEXT_BYTES = 72, NAME_BYTES = 40 };

#define HAS_NAMES (UINT64_C(1) << 32) /* beside a record's exponents: names that nobody has follow its texts */

_Static_assert(WIRE_CORRELATION_BYTES <= TEXT_BYTES && TEXT_BYTES % 8 == 0, "texts are whole words");
_Static_assert(WIRE_ACCOUNT_BYTES <= NAME_BYTES && TW_SYMBOL_BYTES <= NAME_BYTES && NAME_BYTES % 8 == 0,
               "names are whole words");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "reports are written as they are in memory");

/* ---- out ---- */

typedef struct pen {
    mx_write write;
    void *context;
    uint64_t length;
    uint32_t crc;
    bool broken;
    size_t used;
    uint8_t bytes[MX_SNAPSHOT_CHUNK];
} pen;

static bool pass_on(void *context, const void *bytes, size_t length) {
    pen *to = context;
    to->crc = tw_crc32c(to->crc, bytes, length);
    to->length += length;
    to->broken = to->broken || !to->write(to->context, bytes, length);
    return !to->broken;
}

static void flush(pen *to) {
    if (to->used > 0) (void)pass_on(to, to->bytes, to->used);
    to->used = 0;
}

static void put_bytes(pen *to, const void *bytes, size_t length) {
    if (sizeof to->bytes - to->used < length) flush(to);
    memcpy(to->bytes + to->used, bytes, length);
    to->used += length;
}

static void put(pen *to, uint64_t word) {
    uint8_t bytes[8];
    tw_store_le64(bytes, word);
    put_bytes(to, bytes, sizeof bytes);
}

static void put_text(pen *to, const char *text, size_t bytes) {
    char padded[TEXT_BYTES] = {0};
    (void)tw_text_copy(padded, bytes, text);
    put_bytes(to, padded, bytes);
}

static void put_head(pen *to, const mr_replica *self, const mr_origin *origin) {
    const journal_place *place = &self->place;
    put_bytes(to, magic, sizeof magic);
    put(to, (uint64_t)self->shard << 32 | MR_SNAPSHOT_VERSION);
    put_text(to, self->exchange, 8);
    put(to, (uint64_t)origin->orders_created_ns);
    put(to, (uint64_t)origin->execlog_created_ns);
    put(to, origin->execlog_seq);
    put(to, self->seq);
    put(to, self->reports);
    put(to, place->journaled);
    put(to, place->first_seq);
    put(to, place->last_seq);
    put(to, (uint64_t)place->parts << 32 | place->part);
    put(to, self->correlations.count);
    put(to, self->records.waiting_count);
}

static void put_correlations(pen *to, const correlations *table) {
    for (uint32_t row = 1; row <= table->used; row++) {
        if (table->rows[row].order_id == 0) continue;
        put(to, table->rows[row].order_id);
        put_text(to, table->rows[row].text, TEXT_BYTES);
    }
}

static void put_backlog(pen *to, const shelf *records) {
    const mr_record *record;
    shelf_cursor at = records->mark;
    while ((record = shelf_next(records, &at)) != NULL) {
        put_bytes(to, &record->report, sizeof record->report);
        bool names = record->account_bytes > 0 || record->symbol_bytes > 0;
        put(to, (names ? HAS_NAMES : 0) | (uint64_t)(uint16_t)record->price_exponent << 16 |
                    (uint16_t)record->quantity_exponent);
        put_text(to, record->correlation, TEXT_BYTES);
        put_text(to, mr_order_correlation(record), TEXT_BYTES);
        if (!names) continue;
        put_text(to, mr_asked_account(record), NAME_BYTES);
        put_text(to, mr_asked_symbol(record), NAME_BYTES);
    }
}

static void put_end(pen *to) {
    uint8_t crc[8];
    put(to, to->length + to->used);
    flush(to);
    tw_store_le64(crc, to->crc);
    to->broken = to->broken || !to->write(to->context, crc, sizeof crc);
}

tw_code mr_snapshot_write(const mr_replica *self, const mr_origin *origin, mx_write write, void *context,
                          tw_error *error) {
    pen to;
    if (self->fault[0] != '\0') return tw_error_set(error, TW_INVALID, "%s", self->fault);
    if (self->claim_count > 0)
        return tw_error_set(error, TW_FULL, "execlog is ahead of the inputs that were taken: no snapshot now");
    to.write = write;
    to.context = context;
    to.length = to.used = 0;
    to.crc = 0;
    to.broken = false;
    put_head(&to, self, origin);
    flush(&to);
    tw_code code = mx_snapshot_write(self->engine, pass_on, &to, error);
    if (code != TW_OK) return code;
    put_correlations(&to, &self->correlations);
    put_backlog(&to, &self->records);
    put_end(&to);
    return to.broken ? tw_error_set(error, TW_IO, "writing a snapshot of a replica") : TW_OK;
}

/* ---- in ---- */

typedef struct head {
    uint64_t seq, reports, correlations, records;
    journal_place place;
} head;

static void get_identity(eye *from, const mr_replica *self) {
    char name[8], exchange[8];
    get_bytes(from, name, sizeof name);
    if (memcmp(name, magic, sizeof magic) != 0) wrong(from, TW_MALFORMED, "it is no snapshot of a replica");
    uint64_t version = get(from);
    get_bytes(from, exchange, sizeof exchange);
    if ((uint32_t)version != MR_SNAPSHOT_VERSION) wrong_version(from, "it", (uint32_t)version, MR_SNAPSHOT_VERSION);
    if (version >> 32 != self->shard) wrong(from, TW_INVALID, "it is of another shard");
    if (strncmp(exchange, self->exchange, sizeof exchange) != 0)
        wrong(from, TW_INVALID, "it is of another exchange");
}

static void get_head(eye *from, mr_replica *self, mr_origin *origin, head *to) {
    get_identity(from, self);
    *origin = (mr_origin){.orders_created_ns = (int64_t)get(from)};
    origin->execlog_created_ns = (int64_t)get(from);
    origin->execlog_seq = get(from);
    *to = (head){.seq = get(from)};
    to->reports = get(from);
    to->place.journaled = get(from);
    to->place.first_seq = get(from);
    to->place.last_seq = get(from);
    uint64_t part = get(from);
    to->place.parts = (uint32_t)(part >> 32);
    to->place.part = (uint32_t)part;
    to->correlations = get(from);
    to->records = get(from);
    if (to->place.journaled > to->seq || to->place.part > to->place.parts)
        wrong(from, TW_MALFORMED, "its head contradicts itself");
}

static void get_engine(eye *from, mr_replica *self, const head *about, tw_error *error) {
    if (from->code != TW_OK) return;
    tw_code code = mx_snapshot_read(self->engine, take_in, from, error);
    if (code != TW_OK) {
        from->code = code;
        from->what = NULL; /* the engine has said it */
    } else if (mx_seq(self->engine) != about->seq) {
        wrong(from, TW_MALFORMED, "its engine is not at its input");
    }
}

static void get_correlations(eye *from, mr_replica *self, uint64_t count) {
    char text[TEXT_BYTES];
    if (count > self->bounds.max_orders) wrong(from, TW_MALFORMED, "its head contradicts itself");
    for (uint64_t i = 0; i < count && from->code == TW_OK; i++) {
        uint64_t order_id = get(from);
        get_bytes(from, text, sizeof text);
        bool fits = order_id != 0 && memchr(text, '\0', WIRE_CORRELATION_BYTES) != NULL &&
                    correlations_find(&self->correlations, order_id) == NULL;
        if (!fits) wrong(from, TW_MALFORMED, "a correlation id is broken");
        if (from->code == TW_OK) (void)correlations_add(&self->correlations, order_id, text);
    }
}

/* False: no names, or broken ones. */
static bool get_names(eye *from, mr_asked *names) {
    char account[NAME_BYTES], symbol[NAME_BYTES];
    get_bytes(from, account, sizeof account);
    get_bytes(from, symbol, sizeof symbol);
    return memchr(account, '\0', WIRE_ACCOUNT_BYTES) != NULL && memchr(symbol, '\0', TW_SYMBOL_BYTES) != NULL &&
           tw_text_copy(names->account, sizeof names->account, account) &&
           tw_text_copy(names->symbol, sizeof names->symbol, symbol) && strangers_bytes(names) > 0;
}

static void get_record(eye *from, mr_replica *self, const head *about, uint64_t *last_seq) {
    mx_report report;
    mr_asked names;
    char text[TEXT_BYTES], of_order[TEXT_BYTES];
    get_bytes(from, &report, sizeof report);
    uint64_t numbers = get(from);
    get_bytes(from, text, sizeof text);
    get_bytes(from, of_order, sizeof of_order);
    bool named = (numbers & HAS_NAMES) != 0;
    if (named && !get_names(from, &names)) wrong(from, TW_MALFORMED, "a report's names are broken");
    bool fits = report.seq >= *last_seq && report.seq > about->place.journaled && report.seq <= about->seq &&
                memchr(text, '\0', WIRE_CORRELATION_BYTES) != NULL &&
                memchr(of_order, '\0', WIRE_CORRELATION_BYTES) != NULL;
    if (!fits) wrong(from, TW_MALFORMED, "a report is broken");
    if (from->code != TW_OK) return;
    const mr_ids ids = {.text = text,
                        .of_order = of_order,
                        .length = strlen(text),
                        .of_order_length = strlen(of_order),
                        .asked = named ? &names : NULL};
    mr_record *record = records_add(self, &ids);
    if (record == NULL) {
        wrong(from, TW_FULL,
              "it has more reports than --backlog and --input-memory leave room for: it needs more of both");
        return;
    }
    record->report = report;
    record->price_exponent = (int16_t)(uint16_t)(numbers >> 16);
    record->quantity_exponent = (int16_t)(uint16_t)numbers;
    records_keep(self, record);
    *last_seq = report.seq;
}

static void get_end(eye *from) {
    uint8_t crc[8];
    uint64_t before = from->length, length = get(from);
    uint64_t own = from->crc;
    if (length != before) wrong(from, TW_MALFORMED, "its length is not what it says");
    if (from->code == TW_OK && !from->read(from->context, crc, sizeof crc))
        wrong(from, TW_TRUNCATED, "it ends too early");
    if (from->code == TW_OK && tw_load_le64(crc) != own) wrong(from, TW_MALFORMED, "its checksum is not right");
}

tw_code mr_snapshot_read(mr_replica *self, mr_origin *origin, mx_read read, void *context, tw_error *error) {
    eye from = {.read = read, .context = context};
    head about;
    uint64_t last_seq = 0;
    replica_clear(self);
    get_head(&from, self, origin, &about);
    get_engine(&from, self, &about, error);
    get_correlations(&from, self, about.correlations);
    for (uint64_t i = 0; i < about.records && from.code == TW_OK; i++)
        get_record(&from, self, &about, &last_seq);
    get_end(&from);
    if (from.code != TW_OK) {
        replica_clear(self);
        *origin = (mr_origin){0};
        return from.what == NULL ? tw_error_wrap(error, "reading a replica's snapshot")
                                 : tw_error_set(error, from.code, "reading a replica's snapshot: %s", from.what);
    }
    self->seq = about.seq;
    self->reports = about.reports;
    self->place = self->ahead = about.place;
    /* Of a range that is in execlog in part, the snapshot has no more than the rest. */
    self->gone_seq = about.place.part > 0 ? about.place.last_seq : about.place.journaled;
    self->gone_n = UINT32_MAX;
    for (uint32_t i = 0; i < mx_instruments(self->engine); i++)
        records_exponents(self, i);
    (void)records_short(self);
    return TW_OK;
}
