/*
 * The walk over the state, out and in. Sums (what is reserved, open, held) and everything that only finds things (indexes, lists,
 * heaps, ladders) are not written: reading makes them anew.
 */
#include "matcher/core/snapshot.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/text.h"
#include "matcher/core/engine_internal.h"
#include "matcher/core/eye.h"

static const char magic[8] = {'T', 'W', 'M', 'A', 'T', 'C', 'H', '1'};

enum { CHUNK_WORDS = MX_SNAPSHOT_CHUNK / 8, NAME_WORDS = 5, ORDER_WORDS = 20 };

/* ---- out ---- */

/* Collects words; full chunks go to `write`, or into the hash if that is NULL. */
typedef struct pen {
    uint64_t words[CHUNK_WORDS];
    size_t count;
    uint64_t hash;
    uint64_t length;
    uint32_t crc;
    mx_write write;
    void *context;
    bool broken;
} pen;

/* The words need no beginning. */
static void pen_init(pen *to, mx_write write, void *context) {
    to->count = 0;
    to->hash = UINT64_C(0x5449434B57495245);
    to->length = 0;
    to->crc = 0;
    to->write = write;
    to->context = context;
    to->broken = false;
}

static void pen_flush(pen *to) {
    size_t bytes = to->count * 8;
    if (to->write == NULL) {
        for (size_t i = 0; i < to->count; i++)
            to->hash = state_mix(to->hash, to->words[i]);
    } else if (!to->broken && bytes > 0) {
        for (size_t i = 0; i < to->count; i++)
            to->words[i] = htole64(to->words[i]);
        to->crc = tw_crc32c(to->crc, to->words, bytes);
        to->length += bytes;
        to->broken = !to->write(to->context, to->words, bytes);
    }
    to->count = 0;
}

static void put(pen *to, uint64_t word) {
    if (to->count == CHUNK_WORDS) pen_flush(to);
    to->words[to->count++] = word;
}

static void put_signed(pen *to, int64_t value) {
    put(to, (uint64_t)value);
}

static void put_money(pen *to, mx_money value) {
    put(to, (uint64_t)value);
    put(to, (uint64_t)((unsigned __int128)value >> 64));
}

static void put_name(pen *to, const char *name) {
    char padded[NAME_WORDS * 8] = {0};
    (void)tw_text_copy(padded, sizeof padded, name);
    for (size_t i = 0; i < NAME_WORDS; i++)
        put(to, tw_load_le64((const uint8_t *)padded + i * 8));
}

static void put_client_id(pen *to, const mx_client_id *id) {
    for (size_t i = 0; i < sizeof id->words / sizeof *id->words; i++)
        put(to, id->words[i]);
}

static void put_bounds(pen *to, const mx_engine *e) {
    const mx_bounds *b = &e->in_force;
    put(to, e->bounds_said);
    put(to, (uint64_t)b->max_instruments << 32 | b->max_accounts);
    put(to, (uint64_t)b->max_positions << 32 | b->max_orders);
    put(to, (uint64_t)b->max_pages << 32 | b->max_client_ids);
    put(to, (uint64_t)b->max_sessions << 32 | b->max_reports);
    put(to, b->max_steps);
}

static void put_engine(pen *to, const mx_engine *e) {
    put_bounds(to, e);
    put_signed(to, e->now_ns);
    put(to, e->seq);
    put(to, (uint64_t)e->steps << 32 | e->next_n);
    put(to, e->entries);
    put(to, e->joins);
    put(to, (uint64_t)e->day_date << 4 | (uint64_t)e->held << 3 | (uint64_t)e->storage_low << 2 |
                (uint64_t)e->day_open << 1 | (uint64_t)e->killed);
    put_signed(to, e->day_end_ns);
    for (size_t i = 0; i < MX_FEE_CLASSES; i++) {
        for (size_t which = 0; which < 2; which++) {
            put_signed(to, e->fees[i].ppm[which]);
            put_signed(to, e->fees[i].per_unit[which]);
        }
    }
    put(to, (uint64_t)e->instrument_count << 32 | e->account_count);
    put(to, (uint64_t)e->position_count << 32 | e->sessions_live);
    put(to, (uint64_t)e->client_count << 32 | e->orders_live);
}

static void put_instrument(pen *to, const instrument *where) {
    const mx_define_instrument *d = &where->definition;
    put_name(to, d->symbol);
    put(to, (uint64_t)(uint32_t)d->price_exponent << 32 | (uint32_t)d->quantity_exponent);
    put(to, d->tick_bands);
    for (uint32_t i = 0; i < d->tick_bands; i++) {
        put_signed(to, d->ticks[i].from);
        put_signed(to, d->ticks[i].tick);
    }
    put(to, d->lot);
    put(to, (uint64_t)d->collar_ppm << 32 | d->protection_ppm);
    put(to, (uint64_t)where->state << 1 | where->blocked);
    put_signed(to, where->reference_price);
    put_signed(to, where->last_price);
    put(to, where->last_quantity);
    put_signed(to, where->last_low);
    put_signed(to, where->last_high);
}

static void put_limits(pen *to, const mx_limits *l) {
    put(to, l->order_quantity);
    put_money(to, l->order_notional);
    put_money(to, l->funds);
    put_money(to, l->exposure);
    put(to, l->position);
    put(to, (uint64_t)l->concentration_ppm << 32 | l->collar_ppm);
    put(to, l->open_orders);
    put(to, (uint64_t)l->rate_per_second << 32 | l->rate_burst);
    put_signed(to, l->duplicate_ns);
}

static void put_account(pen *to, const account *owner) {
    put_name(to, owner->name);
    put(to, (uint64_t)owner->fee_class << 3 | (uint64_t)owner->limits_known << 2 | (uint64_t)owner->blocked << 1 |
                (uint64_t)owner->killed);
    put_money(to, owner->spent);
    put_money(to, owner->fees);
    put_signed(to, owner->rate_due_ns);
    put_signed(to, owner->last_ns);
    put_signed(to, owner->last_price);
    put(to, owner->last_quantity);
    put(to, (uint64_t)owner->last_instrument << 32 | (uint64_t)owner->last_side << 8 | owner->last_type);
    if (owner->limits_known) put_limits(to, &owner->limits);
}

static void put_position(pen *to, const position *held) {
    put(to, (uint64_t)held->account << 32 | held->instrument);
    put_signed(to, held->quantity);
    put_money(to, held->cost);
    put_money(to, held->realised);
    put(to, held->blocked);
}

static void put_client(pen *to, const client_row *row) {
    put_client_id(to, &row->id);
    put(to, row->order_id);
    put(to, (uint64_t)row->account << 32 | row->instrument);
    put(to, row->reason);
}

static void put_order(pen *to, const mx_engine *e, uint32_t row) {
    const order *one = &e->orders[row];
    const order_rest *rest = &e->rests[row];
    put(to, one->id);
    put_signed(to, one->price);
    put(to, one->leaves);
    put(to, one->shown);
    put(to, one->executed);
    put(to, (uint64_t)one->position << 32 | (uint64_t)one->side << 24 | (uint64_t)one->type << 20 |
                (uint64_t)one->tif << 16 | (uint64_t)one->stp << 12 | (uint64_t)one->place << 8 |
                (uint64_t)one->post_only << 1 | one->triggered);
    put_money(to, rest->notional);
    put(to, order_quantity(one));
    put(to, rest->display);
    put(to, rest->entry);
    put(to, rest->joined);
    put_signed(to, rest->stop_price);
    put_signed(to, rest->expire_ns);
    put(to, rest->session == NO_ROW ? 0 : e->sessions[rest->session].id);
    put_client_id(to, &rest->client_id);
}

/* Instrument by instrument, ladder by ladder, best price first, first come first: reading lets them join in this order. */
static void put_orders(pen *to, const mx_engine *e) {
    for (uint32_t number = 0; number < e->instrument_count; number++) {
        for (unsigned which = 0; which < LADDERS; which++) {
            const ladder *side = &e->instruments[number].ladders[which];
            for (uint32_t at = side->best_level; at != NO_LEVEL; at = ladder_next(&e->room, side, at))
                for (uint32_t row = ladder_at(&e->room, at)->head; row != NO_ROW; row = e->orders[row].next)
                    put_order(to, e, row);
        }
    }
}

static void put_state(pen *to, const mx_engine *e) {
    put_engine(to, e);
    for (uint32_t i = 0; i < e->instrument_count; i++)
        put_instrument(to, &e->instruments[i]);
    for (uint32_t i = 0; i < e->account_count; i++)
        put_account(to, &e->accounts[i]);
    for (uint32_t i = 1; i <= e->position_count; i++)
        put_position(to, &e->positions[i]);
    for (uint32_t row = e->sessions_open.head; row != NO_ROW; row = e->sessions[row].next) {
        put(to, e->sessions[row].id);
        put_signed(to, e->sessions[row].timeout_ns);
        put_signed(to, e->sessions[row].beat_ns);
    }
    if (to->write == NULL) put(to, e->client_hash);
    for (uint32_t i = 1; i <= e->client_count && to->write != NULL; i++)
        put_client(to, &e->client_rows[i]);
    put_orders(to, e);
    pen_flush(to);
}

uint64_t mx_state_hash(const mx_engine *engine) {
    pen to;
    pen_init(&to, NULL, NULL);
    put_state(&to, engine);
    return to.hash;
}

tw_code mx_snapshot_write(const mx_engine *engine, mx_write write, void *context, tw_error *error) {
    pen to;
    pen_init(&to, write, context);
    put(&to, tw_load_le64((const uint8_t *)magic));
    put(&to, (uint64_t)engine->memory.shard << 32 | MX_SNAPSHOT_VERSION);
    put_state(&to, engine);
    put(&to, to.length);
    pen_flush(&to);
    uint8_t end[8] = {0};
    uint64_t crc = htole64(to.crc);
    memcpy(end, &crc, sizeof crc);
    to.broken = to.broken || !write(context, end, sizeof end);
    return to.broken ? tw_error_set(error, TW_IO, "writing a snapshot of the matching engine") : TW_OK;
}

/* ---- in ---- */

static void get_words(eye *from, uint64_t *words, size_t count) {
    get_bytes(from, words, count * 8);
    for (size_t i = 0; i < count; i++)
        words[i] = le64toh(words[i]);
}

static int64_t get_signed(eye *from) {
    return (int64_t)get(from);
}

static mx_money get_money(eye *from) {
    uint64_t words[2];
    get_words(from, words, 2);
    return (mx_money)((unsigned __int128)words[1] << 64 | words[0]);
}

static void get_name(eye *from, char *name, size_t capacity) {
    uint64_t words[NAME_WORDS];
    char padded[NAME_WORDS * 8];
    get_words(from, words, NAME_WORDS);
    for (size_t i = 0; i < NAME_WORDS; i++)
        tw_store_le64((uint8_t *)padded + i * 8, words[i]);
    if (padded[capacity - 1] != '\0' || padded[0] == '\0') wrong(from, TW_MALFORMED, "a name is broken");
    padded[capacity - 1] = '\0';
    memcpy(name, padded, capacity);
}

static uint32_t count_of(eye *from, uint64_t value, uint32_t most, const char *setting) {
    if (value > most) wrong_room(from, setting, value, most);
    return from->code == TW_OK ? (uint32_t)value : 0;
}

typedef struct counts {
    uint32_t instruments, accounts, positions, sessions, clients, orders;
} counts;

/* What is in the snapshot may be more than is in force now: while it is read, the memory is what counts. */
static void get_bounds(eye *from, mx_engine *e) {
    mx_bounds *b = &e->in_force;
    e->bounds_said = (uint16_t)get(from);
    uint64_t words[5];
    for (size_t i = 0; i < 5; i++)
        words[i] = get(from);
    b->max_instruments = (uint32_t)(words[0] >> 32);
    b->max_accounts = (uint32_t)words[0];
    b->max_positions = (uint32_t)(words[1] >> 32);
    b->max_orders = (uint32_t)words[1];
    b->max_pages = (uint32_t)(words[2] >> 32);
    b->max_client_ids = (uint32_t)words[2];
    b->max_sessions = (uint32_t)(words[3] >> 32);
    b->max_reports = (uint32_t)words[3];
    b->max_steps = (uint32_t)words[4];
    if (!bounds_fit(b)) wrong(from, TW_MALFORMED, "its bounds are out of range");
    e->most = e->memory;
    e->room.limit = e->room.capacity;
}

static counts get_engine(eye *from, mx_engine *e) {
    get_bounds(from, e);
    e->now_ns = get_signed(from);
    e->seq = get(from);
    uint64_t done = get(from);
    e->steps = (uint32_t)(done >> 32);
    e->next_n = (uint32_t)done;
    e->entries = get(from);
    e->joins = get(from);
    uint64_t day = get(from);
    e->day_date = (uint32_t)(day >> 4);
    e->held = day >> 3 & 1;
    e->storage_low = day >> 2 & 1;
    e->day_open = day >> 1 & 1;
    e->killed = day & 1;
    e->day_end_ns = get_signed(from);
    for (size_t i = 0; i < MX_FEE_CLASSES; i++) {
        for (size_t which = 0; which < 2; which++) {
            e->fees[i].ppm[which] = get_signed(from);
            e->fees[i].per_unit[which] = get_signed(from);
        }
    }
    uint64_t first = get(from), second = get(from), third = get(from);
    const mx_bounds *b = &e->memory;
    return (counts){.instruments = count_of(from, first >> 32, b->max_instruments, "max-instruments"),
                    .accounts = count_of(from, (uint32_t)first, b->max_accounts, "max-accounts"),
                    .positions = count_of(from, second >> 32, b->max_positions, "max-positions"),
                    .sessions = count_of(from, (uint32_t)second, b->max_sessions, "max-sessions"),
                    .clients = count_of(from, third >> 32, b->max_client_ids, "max-client-ids"),
                    .orders = count_of(from, (uint32_t)third, b->max_orders, "max-orders")};
}

static void get_instrument(eye *from, mx_engine *e, uint32_t number) {
    mx_define_instrument d = {.instrument = number};
    get_name(from, d.symbol, sizeof d.symbol);
    uint64_t exponents = get(from);
    d.price_exponent = (int32_t)(exponents >> 32);
    d.quantity_exponent = (int32_t)exponents;
    uint64_t ticks = get(from);
    if (ticks > MX_TICK_BANDS) wrong(from, TW_MALFORMED, "an instrument has too many ticks");
    d.tick_bands = from->code == TW_OK ? (uint32_t)ticks : 0;
    for (uint32_t i = 0; i < d.tick_bands; i++) {
        d.ticks[i].from = get_signed(from);
        d.ticks[i].tick = get_signed(from);
    }
    d.lot = get(from);
    uint64_t bands = get(from), flags = get(from);
    d.collar_ppm = (uint32_t)(bands >> 32);
    d.protection_ppm = (uint32_t)bands;
    if (d.tick_bands == 0 || d.ticks[0].tick < 1 || d.lot == 0 || flags >> 1 >= MX_STATES ||
        tw_map_find(&e->instrument_names, d.symbol) != TW_MAP_NONE)
        wrong(from, TW_MALFORMED, "an instrument is broken");
    instrument *where = &e->instruments[number];
    if (from->code == TW_OK) instrument_begin(e, number, &d);
    where->state = (uint8_t)(flags >> 1);
    where->blocked = flags & 1;
    where->reference_price = get_signed(from);
    where->last_price = get_signed(from);
    where->last_quantity = get(from);
    where->last_low = get_signed(from);
    where->last_high = get_signed(from);
}

static void get_limits(eye *from, mx_limits *l) {
    l->order_quantity = get(from);
    l->order_notional = get_money(from);
    l->funds = get_money(from);
    l->exposure = get_money(from);
    l->position = get(from);
    uint64_t ppm = get(from);
    l->concentration_ppm = (uint32_t)(ppm >> 32);
    l->collar_ppm = (uint32_t)ppm;
    l->open_orders = (uint32_t)get(from);
    uint64_t rate = get(from);
    l->rate_per_second = (uint32_t)(rate >> 32);
    l->rate_burst = (uint32_t)rate;
    l->duplicate_ns = get_signed(from);
}

static void get_account(eye *from, mx_engine *e, uint32_t number) {
    account *owner = &e->accounts[number];
    get_name(from, owner->name, sizeof owner->name);
    uint64_t flags = get(from);
    if (flags >> 3 >= MX_FEE_CLASSES || tw_map_find(&e->account_names, owner->name) != TW_MAP_NONE)
        wrong(from, TW_MALFORMED, "an account is broken");
    owner->fee_class = (uint8_t)(flags >> 3 & (MX_FEE_CLASSES - 1));
    owner->limits_known = flags >> 2 & 1;
    owner->blocked = flags >> 1 & 1;
    owner->killed = flags & 1;
    owner->spent = get_money(from);
    owner->fees = get_money(from);
    owner->rate_due_ns = get_signed(from);
    owner->last_ns = get_signed(from);
    owner->last_price = get_signed(from);
    owner->last_quantity = get(from);
    uint64_t last = get(from);
    owner->last_instrument = (uint32_t)(last >> 32);
    owner->last_side = (uint8_t)(last >> 8);
    owner->last_type = (uint8_t)last;
    if (owner->limits_known) {
        get_limits(from, &owner->limits);
        owner->limits.account = number;
    }
    if (from->code != TW_OK) return;
    e->account_count++;
    tw_map_add(&e->account_names, number);
}

static void get_position(eye *from, mx_engine *e) {
    uint64_t whose = get(from);
    uint32_t number = (uint32_t)(whose >> 32), where = (uint32_t)whose;
    if (number >= e->account_count || where >= e->instrument_count)
        wrong(from, TW_MALFORMED, "a position is nobody's");
    if (from->code != TW_OK) return;
    position *held = &e->positions[position_make(e, number, where)];
    held->quantity = get_signed(from);
    held->cost = get_money(from);
    held->realised = get_money(from);
    held->blocked = get(from) & 1;
    e->accounts[number].held += held->cost;
}

static void get_session(eye *from, mx_engine *e) {
    session one = {.id = get(from)};
    one.timeout_ns = get_signed(from);
    one.beat_ns = get_signed(from);
    bool fits =
        one.timeout_ns >= 1 && one.timeout_ns <= MX_TIMEOUT_MAX_NS && one.beat_ns <= e->now_ns && one.id != 0;
    if (!fits || id_map_find(&e->session_ids, e->sessions, sizeof(session), one.id) != NO_ROW)
        wrong(from, TW_MALFORMED, "a session is broken");
    if (from->code != TW_OK) return;
    uint32_t row = ++e->sessions_used;
    e->sessions[row] = one;
    session_link(e, row);
}

static void get_client(eye *from, mx_engine *e) {
    uint32_t row = e->client_count + 1;
    client_row *one = &e->client_rows[row];
    get_words(from, one->id.words, sizeof one->id.words / sizeof *one->id.words);
    one->order_id = get(from);
    uint64_t whose = get(from);
    one->account = (uint32_t)(whose >> 32);
    one->instrument = (uint32_t)whose;
    one->reason = (uint16_t)get(from);
    if (from->code != TW_OK) return;
    e->client_count = row;
    client_index_add(e, client_hash(e, one->account, one->instrument, &one->id), row);
}

static bool order_fits(const mx_engine *e, const order *one, const order_rest *rest, uint64_t quantity) {
    bool fits = one->id != 0 && id_map_find(&e->order_ids, e->orders, sizeof(order), one->id) == NO_ROW &&
                one->position >= 1 && one->position <= e->position_count && one->side <= TW_ASK &&
                one->type < MX_TYPES && one->tif < MX_TIFS && one->stp < MX_STPS &&
                (one->place == PLACE_BOOK || one->place == PLACE_STOPS);
    if (!fits || one->leaves == 0 || order_quantity(one) != quantity || one->price < 1 || one->price > MX_PRICE_MAX)
        return false;
    const instrument *where = instrument_of(e, one);
    int64_t stands = one->place == PLACE_STOPS ? rest->stop_price : one->price;
    return stands >= 1 && stands <= MX_PRICE_MAX && stands % where->step == 0 &&
           (one->place == PLACE_STOPS ? one->shown == 0 : one->shown >= 1 && one->shown <= one->leaves);
}

static void get_order(eye *from, mx_engine *e) {
    uint64_t words[ORDER_WORDS];
    get_words(from, words, ORDER_WORDS);
    if (from->code != TW_OK) return;
    uint32_t row = order_take(e);
    order *one = &e->orders[row];
    order_rest *rest = &e->rests[row];
    *one = (order){.price = (int64_t)words[1],
                   .leaves = words[2],
                   .shown = words[3],
                   .executed = words[4],
                   .position = (uint32_t)(words[5] >> 32),
                   .side = words[5] >> 24 & 15,
                   .type = words[5] >> 20 & 15,
                   .tif = words[5] >> 16 & 15,
                   .stp = words[5] >> 12 & 15,
                   .place = words[5] >> 8 & 15,
                   .post_only = words[5] >> 1 & 1,
                   .triggered = words[5] & 1};
    *rest = (order_rest){.notional = (mx_money)((unsigned __int128)words[7] << 64 | words[6]),
                         .display = words[9],
                         .entry = words[10],
                         .joined = words[11],
                         .stop_price = (int64_t)words[12],
                         .expire_ns = (int64_t)words[13]};
    memcpy(rest->client_id.words, words + 15, sizeof rest->client_id.words);
    if (words[14] != 0) {
        rest->session = id_map_find(&e->session_ids, e->sessions, sizeof(session), words[14]);
        if (rest->session == NO_ROW) wrong(from, TW_MALFORMED, "an order's session is not open");
    }
    one->id = words[0];
    if (!order_fits(e, one, rest, words[8])) wrong(from, TW_MALFORMED, "an order is broken");
    if (from->code != TW_OK) return;
    if (!queue_restore(e, row)) {
        wrong_room(from, "max-pages", (uint64_t)e->memory.max_pages + 1, e->memory.max_pages);
        return;
    }
    id_map_add(&e->order_ids, one->id, row);
    order_reserve(e, one);
}

static bool entry_less(const mx_engine *e, uint32_t a, uint32_t b) {
    return e->rests[a].entry < e->rests[b].entry;
}

static void sift(const mx_engine *e, uint32_t *heap, uint32_t at, uint32_t count) {
    uint32_t row = heap[at];
    for (uint32_t child; (child = at * 2) <= count; at = child) {
        if (child < count && entry_less(e, heap[child], heap[child + 1])) child++;
        if (!entry_less(e, row, heap[child])) break;
        heap[at] = heap[child];
    }
    heap[at] = row;
}

/* Accounts, sessions and timers have their orders by age. The table of the timers holds the rows while they are sorted: linking the
 * order at place i fills at most the first i places of it. */
static void link_by_age(mx_engine *e) {
    uint32_t *rows = e->timers, count = e->orders_live;
    for (uint32_t i = 1; i <= count; i++)
        rows[i] = i;
    for (uint32_t i = count / 2; i >= 1; i--)
        sift(e, rows, i, count);
    for (uint32_t end = count; end > 1; end--) {
        uint32_t last = rows[end];
        rows[end] = rows[1];
        rows[1] = last;
        sift(e, rows, 1, end - 1);
    }
    for (uint32_t i = 1; i <= count; i++)
        order_link_lists(e, rows[i]);
}

static void get_state(eye *from, mx_engine *e) {
    counts count = get_engine(from, e);
    for (uint32_t i = 0; i < count.instruments && from->code == TW_OK; i++)
        get_instrument(from, e, i);
    for (uint32_t i = 0; i < count.accounts && from->code == TW_OK; i++)
        get_account(from, e, i);
    for (uint32_t i = 0; i < count.positions && from->code == TW_OK; i++)
        get_position(from, e);
    for (uint32_t i = 0; i < count.sessions && from->code == TW_OK; i++)
        get_session(from, e);
    for (uint32_t i = 0; i < count.clients && from->code == TW_OK; i++)
        get_client(from, e);
    for (uint32_t i = 0; i < count.orders && from->code == TW_OK; i++)
        get_order(from, e);
    if (from->code == TW_OK) link_by_age(e);
}

static void get_header(eye *from, const mx_engine *e) {
    if (get(from) != tw_load_le64((const uint8_t *)magic)) wrong(from, TW_MALFORMED, "it does not begin like one");
    uint64_t second = get(from);
    if ((uint32_t)second != MX_SNAPSHOT_VERSION)
        wrong_version(from, "its engine", (uint32_t)second, MX_SNAPSHOT_VERSION);
    if (second >> 32 != e->memory.shard) wrong(from, TW_INVALID, "it is of another shard");
}

static void get_end(eye *from) {
    uint64_t length = from->length;
    if (get(from) != length) wrong(from, TW_MALFORMED, "its length is not what it says");
    uint32_t crc = from->crc;
    if (get(from) != crc) wrong(from, TW_MALFORMED, "its checksum is wrong");
}

tw_code mx_snapshot_read(mx_engine *engine, mx_read read, void *context, tw_error *error) {
    eye from = {.read = read, .context = context};
    engine_clear(engine);
    get_header(&from, engine);
    if (from.code == TW_OK) get_state(&from, engine);
    get_end(&from);
    if (from.code == TW_OK) {
        bounds_apply(engine);
        return TW_OK;
    }
    engine_clear(engine);
    return tw_error_set(error, from.code, "reading a snapshot of the matching engine: %s", from.what);
}
