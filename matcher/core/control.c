/* Control commands: definitions, limits, states, blocks. Each is answered by DONE, or by REFUSED with nothing changed. */
#include <string.h>

#include "matcher/core/engine_internal.h"

/* A refused definition's number means nothing yet, and something else once another definition gets it: a report must not name it. */
static mx_report *answer(mx_engine *engine, mx_reason reason, uint32_t number, uint32_t where) {
    mx_report *report = emit(engine, reason == MXR_OK ? MX_DONE : MX_REFUSED, reason);
    report->account = number < engine->account_count ? number : MX_UNKNOWN;
    report->instrument = where < engine->instrument_count ? where : MX_UNKNOWN;
    return report;
}

static bool is_name(const char *name, size_t capacity) {
    return name[0] != '\0' && memchr(name, '\0', capacity) != NULL;
}

static bool ticks_fit(const mx_define_instrument *c) {
    if (c->tick_bands < 1 || c->tick_bands > MX_TICK_BANDS || c->ticks[0].from != 0) return false;
    for (uint32_t i = 0; i < c->tick_bands; i++) {
        const mx_tick_band *band = &c->ticks[i];
        if (band->tick < 1 || band->tick > MX_PRICE_MAX || band->tick % c->ticks[0].tick != 0) return false;
        if (i == 0) continue;
        if (band->from <= band[-1].from || band->from > MX_PRICE_MAX || band->tick < band[-1].tick) return false;
        if (band->from % band->tick != 0 || band->from % band[-1].tick != 0) return false;
    }
    return true;
}

static bool definition_fits(const mx_define_instrument *c) {
    bool price =
        c->reference_price == TW_PRICE_ABSENT || (c->reference_price > 0 && c->reference_price <= MX_PRICE_MAX);
    return is_name(c->symbol, sizeof c->symbol) && ticks_fit(c) && price && c->lot > 0 &&
           c->lot <= MX_QUANTITY_MAX && c->price_exponent >= -18 && c->price_exponent <= 18 &&
           c->quantity_exponent >= -18 && c->quantity_exponent <= 18 && c->protection_ppm <= MX_PPM;
}

/* Tick and lot are what open orders stand on. */
static bool may_become(const instrument *where, const mx_define_instrument *c) {
    const mx_define_instrument *old = &where->definition;
    if (strcmp(old->symbol, c->symbol) != 0) return false;
    bool same = old->lot == c->lot && old->tick_bands == c->tick_bands &&
                old->price_exponent == c->price_exponent && old->quantity_exponent == c->quantity_exponent;
    for (uint32_t i = 0; same && i < c->tick_bands; i++)
        same = old->ticks[i].from == c->ticks[i].from && old->ticks[i].tick == c->ticks[i].tick;
    return same || where->open_orders == 0;
}

static mx_reason instrument_check(mx_engine *engine, const mx_define_instrument *c) {
    if (c->instrument > engine->instrument_count) return MXR_UNKNOWN_INSTRUMENT;
    if (c->instrument == engine->instrument_count && c->instrument >= engine->most.max_instruments) {
        bounds_lack(engine, BOUND_INSTRUMENTS);
        return MXR_UNKNOWN_INSTRUMENT;
    }
    if (!definition_fits(c)) return MXR_BAD_DEFINITION;
    if (c->instrument < engine->instrument_count)
        return may_become(&engine->instruments[c->instrument], c) ? MXR_OK : MXR_ALREADY_DEFINED;
    return tw_map_find(&engine->instrument_names, c->symbol) == TW_MAP_NONE ? MXR_OK : MXR_ALREADY_DEFINED;
}

/* What is not used is zero, so that the same definition is the same state. */
static void definition_copy(mx_define_instrument *to, const mx_define_instrument *from) {
    *to = (mx_define_instrument){.instrument = from->instrument,
                                 .price_exponent = from->price_exponent,
                                 .quantity_exponent = from->quantity_exponent,
                                 .tick_bands = from->tick_bands,
                                 .lot = from->lot,
                                 .collar_ppm = from->collar_ppm,
                                 .protection_ppm = from->protection_ppm,
                                 .reference_price = TW_PRICE_ABSENT};
    memcpy(to->symbol, from->symbol, strlen(from->symbol));
    memcpy(to->ticks, from->ticks, from->tick_bands * sizeof *from->ticks);
}

void instrument_begin(mx_engine *engine, uint32_t number, const mx_define_instrument *c) {
    instrument *where = &engine->instruments[number];
    for (unsigned i = 0; i < LADDERS; i++)
        ladder_init(&where->ladders[i]);
    where->state = MX_CLOSED;
    where->reference_price = where->last_price = TW_PRICE_ABSENT;
    where->last_low = INT64_MAX;
    where->last_high = INT64_MIN;
    definition_copy(&where->definition, c);
    where->step = c->ticks[0].tick;
    engine->instrument_count++;
    tw_map_add(&engine->instrument_names, number);
}

static void define_instrument(mx_engine *engine, const mx_define_instrument *c) {
    mx_reason reason = instrument_check(engine, c);
    if (reason == MXR_OK) {
        instrument *where = &engine->instruments[c->instrument];
        if (c->instrument == engine->instrument_count) instrument_begin(engine, c->instrument, c);
        definition_copy(&where->definition, c);
        where->step = c->ticks[0].tick;
        if (c->reference_price != TW_PRICE_ABSENT) where->reference_price = c->reference_price;
    }
    answer(engine, reason, MX_UNKNOWN, c->instrument);
}

static mx_reason account_check(mx_engine *engine, const mx_define_account *c) {
    if (c->account > engine->account_count) return MXR_UNKNOWN_ACCOUNT;
    if (c->account == engine->account_count && c->account >= engine->most.max_accounts) {
        bounds_lack(engine, BOUND_ACCOUNTS);
        return MXR_UNKNOWN_ACCOUNT;
    }
    if (!is_name(c->name, sizeof c->name) || c->fee_class >= MX_FEE_CLASSES) return MXR_BAD_DEFINITION;
    if (c->account < engine->account_count)
        return strcmp(engine->accounts[c->account].name, c->name) == 0 ? MXR_OK : MXR_ALREADY_DEFINED;
    return tw_map_find(&engine->account_names, c->name) == TW_MAP_NONE ? MXR_OK : MXR_ALREADY_DEFINED;
}

static void define_account(mx_engine *engine, const mx_define_account *c) {
    mx_reason reason = account_check(engine, c);
    if (reason == MXR_OK) {
        account *owner = &engine->accounts[c->account];
        owner->fee_class = c->fee_class;
        if (c->account == engine->account_count) {
            memcpy(owner->name, c->name, strlen(c->name));
            engine->account_count++;
            tw_map_add(&engine->account_names, c->account);
        }
    }
    answer(engine, reason, c->account, MX_UNKNOWN);
}

static void set_limits(mx_engine *engine, const mx_limits *c) {
    mx_reason reason = c->account < engine->account_count ? MXR_OK : MXR_UNKNOWN_ACCOUNT;
    bool money = c->order_notional >= 0 && c->order_notional <= MX_MONEY_MAX && c->funds >= 0 &&
                 c->funds <= MX_MONEY_MAX && c->exposure >= 0 && c->exposure <= MX_MONEY_MAX;
    if (reason == MXR_OK && (!money || c->duplicate_ns < 0)) reason = MXR_BAD_DEFINITION;
    if (reason == MXR_OK) {
        engine->accounts[c->account].limits = *c;
        engine->accounts[c->account].limits_known = true;
    }
    answer(engine, reason, c->account, MX_UNKNOWN);
}

/* Fees and rebates of at most the whole notional. */
static void set_fees(mx_engine *engine, const mx_fees *c) {
    bool fits = c->fee_class < MX_FEE_CLASSES && c->maker_ppm >= -MX_PPM && c->maker_ppm <= MX_PPM &&
                c->taker_ppm >= -MX_PPM && c->taker_ppm <= MX_PPM && c->maker_per_unit >= -MX_PRICE_MAX &&
                c->maker_per_unit <= MX_PRICE_MAX && c->taker_per_unit >= -MX_PRICE_MAX &&
                c->taker_per_unit <= MX_PRICE_MAX;
    if (fits) {
        engine->fees[c->fee_class] =
            (fee_class){.ppm = {c->maker_ppm, c->taker_ppm}, .per_unit = {c->maker_per_unit, c->taker_per_unit}};
    }
    answer(engine, fits ? MXR_OK : MXR_BAD_DEFINITION, MX_UNKNOWN, MX_UNKNOWN);
}

static void end_ladder(mx_engine *engine, const instrument *where, unsigned which) {
    const ladder *side = &where->ladders[which];
    for (uint32_t number = side->best_level, worse; number != NO_LEVEL && where->day_orders > 0; number = worse) {
        worse = ladder_next(&engine->room, side, number);
        uint32_t row = ladder_at(&engine->room, number)->head;
        for (uint32_t next; row != NO_ROW && where->day_orders > 0; row = next) {
            next = engine->orders[row].next;
            if (engine->orders[row].tif == MX_DAY) order_end(engine, row, MX_EXPIRED, MXR_DAY_ENDED);
        }
    }
}

void end_day_orders(mx_engine *engine, uint32_t number) {
    uint32_t first = number == MX_EVERY ? 0 : number,
             end = number == MX_EVERY ? engine->instrument_count : number + 1;
    for (uint32_t at = first; at < end && engine->day_orders > 0; at++) {
        for (unsigned i = 0; i < LADDERS; i++)
            end_ladder(engine, &engine->instruments[at], i);
    }
}

static void change_state(mx_engine *engine, uint32_t number, uint8_t state) {
    instrument *where = &engine->instruments[number];
    where->state = state;
    mx_report *report = emit(engine, MX_STATE_CHANGED, MXR_OK);
    report->instrument = number;
    report->state = state;
    if (state >= MX_CLOSED) end_day_orders(engine, number);
    if (state != MX_CONTINUOUS) return;
    match_open(engine, number);
    stops_run(engine, number);
}

/* In a full input trading can be stopped, not begun: each instrument at most twice, from open to halted to closed. */
static bool may_stop(const instrument *where, uint8_t state) {
    return state >= MX_HALTED && state <= MX_CLOSED && state > where->state;
}

/* It is open on another shard: what opens, halts or closes everything does not reach it, and nothing but its own close brings it back. */
static bool stays_moved(const instrument *where, const mx_set_state *c) {
    bool brings_back = c->instrument != MX_EVERY && c->state >= MX_CLOSED;
    return where->state == MX_MOVED && !brings_back;
}

static mx_reason state_check(mx_engine *engine, const mx_set_state *c, bool full) {
    if (c->state >= MX_STATES || (c->state == MX_MOVED && c->instrument == MX_EVERY)) return MXR_NO_SUCH_STATE;
    if (c->instrument == MX_EVERY) {
        bool refused = (full && c->state < MX_HALTED) || !steps_take(engine, engine->instrument_count);
        return refused ? MXR_INPUT_FULL : MXR_OK;
    }
    if (c->instrument >= engine->instrument_count) return MXR_UNKNOWN_INSTRUMENT;
    const instrument *where = &engine->instruments[c->instrument];
    if (stays_moved(where, c)) return MXR_MOVED;
    return !full || may_stop(where, c->state) ? MXR_OK : MXR_INPUT_FULL;
}

static void set_state(mx_engine *engine, const mx_set_state *c) {
    bool full = input_full(engine); /* when it comes: an open that fills it is still an open of all of them */
    mx_reason reason = state_check(engine, c, full);
    if (full) bounds_lack(engine, BOUND_REPORTS);
    if (reason != MXR_OK || c->instrument == MX_EVERY) answer(engine, reason, MX_UNKNOWN, c->instrument);
    if (reason != MXR_OK) return;
    uint32_t first = c->instrument == MX_EVERY ? 0 : c->instrument;
    uint32_t end = c->instrument == MX_EVERY ? engine->instrument_count : c->instrument + 1;
    for (uint32_t number = first; number < end; number++) {
        const instrument *where = &engine->instruments[number];
        if (stays_moved(where, c) || (full && !may_stop(where, c->state))) continue;
        change_state(engine, number, c->state);
    }
}

static void set_reference(mx_engine *engine, const mx_set_reference *c) {
    mx_reason reason = c->instrument < engine->instrument_count ? MXR_OK : MXR_UNKNOWN_INSTRUMENT;
    if (reason == MXR_OK && (c->price <= 0 || c->price > MX_PRICE_MAX)) reason = MXR_BAD_PRICE;
    if (reason == MXR_OK) engine->instruments[c->instrument].reference_price = c->price;
    answer(engine, reason, MX_UNKNOWN, c->instrument);
}

static mx_reason block_check(const mx_engine *engine, const mx_block *c) {
    if (c->account != MX_EVERY && c->account >= engine->account_count) return MXR_UNKNOWN_ACCOUNT;
    if (c->instrument != MX_EVERY && c->instrument >= engine->instrument_count) return MXR_UNKNOWN_INSTRUMENT;
    return c->account == MX_EVERY && c->instrument == MX_EVERY ? MXR_BAD_DEFINITION : MXR_OK;
}

static mx_reason block_one(mx_engine *engine, const mx_block *c) {
    if (c->instrument == MX_EVERY) {
        engine->accounts[c->account].blocked = c->on;
    } else if (c->account == MX_EVERY) {
        engine->instruments[c->instrument].blocked = c->on;
    } else {
        uint32_t row = position_find(engine, c->account, c->instrument);
        if (row == NO_ROW) row = position_make(engine, c->account, c->instrument);
        if (row == NO_ROW) return MXR_POSITIONS_FULL;
        engine->positions[row].blocked = c->on;
    }
    return MXR_OK;
}

static void set_block(mx_engine *engine, const mx_block *c) {
    mx_reason reason = block_check(engine, c);
    if (reason == MXR_OK) reason = block_one(engine, c);
    answer(engine, reason, c->account, c->instrument);
}

static void set_kill(mx_engine *engine, const mx_kill *c) {
    bool every = c->account == MX_EVERY;
    mx_reason reason = every || c->account < engine->account_count ? MXR_OK : MXR_UNKNOWN_ACCOUNT;
    uint64_t count = 0;
    if (reason == MXR_OK) {
        *(every ? &engine->killed : &engine->accounts[c->account].killed) = c->on;
        uint32_t first = every ? 0 : c->account, end = every ? engine->account_count : c->account + 1;
        for (uint32_t number = first; c->on && number < end && engine->orders_live > 0; number++)
            count += cancel_account(engine, number, MX_EVERY, TW_SIDES_BOTH, MXR_KILLED);
    }
    answer(engine, reason, c->account, MX_UNKNOWN)->quantity = count;
}

void control(mx_engine *engine, const mx_command *c) {
    switch ((mx_command_kind)c->kind) {
    case MX_CLOCK:
        answer(engine, MXR_OK, MX_UNKNOWN, MX_UNKNOWN);
        break;
    case MX_DEFINE_INSTRUMENT:
        define_instrument(engine, &c->define_instrument);
        break;
    case MX_DEFINE_ACCOUNT:
        define_account(engine, &c->define_account);
        break;
    case MX_SET_LIMITS:
        set_limits(engine, &c->limits);
        break;
    case MX_SET_FEES:
        set_fees(engine, &c->fees);
        break;
    case MX_SET_STATE:
        set_state(engine, &c->set_state);
        break;
    case MX_SET_REFERENCE:
        set_reference(engine, &c->set_reference);
        break;
    case MX_BEGIN_DAY:
        day_begin(engine, &c->begin_day);
        break;
    case MX_SET_BLOCK:
        set_block(engine, &c->block);
        break;
    case MX_SET_KILL:
        set_kill(engine, &c->kill);
        break;
    case MX_SET_STORAGE:
        engine->storage_low = c->storage.low;
        answer(engine, MXR_OK, MX_UNKNOWN, MX_UNKNOWN);
        break;
    case MX_SESSION_OPEN:
        session_open(engine, &c->session);
        break;
    case MX_SESSION_BEAT:
        session_beat(engine, &c->session);
        break;
    case MX_SESSION_CLOSE:
        session_close(engine, &c->session);
        break;
    case MX_SET_BOUNDS:
        set_bounds(engine, &c->bounds);
        break;
    default:
        answer(engine, MXR_BAD_FIELD, MX_UNKNOWN, MX_UNKNOWN);
        break;
    }
}
