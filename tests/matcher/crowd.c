/* The seeded crowd: see crowd.h. */
#include "tests/matcher/crowd.h"

#include <string.h>

#include "base/text.h"

#define SECOND INT64_C(1000000000)

void crowd_init(crowd *c, uint64_t seed) {
    memset(c, 0, sizeof *c);
    tw_random_seed(&c->random, seed);
    c->now_ns = SECOND;
    c->date = 20260101;
}

static uint64_t below(crowd *c, uint64_t bound) {
    return tw_random_below(&c->random, bound);
}

static bool chance(crowd *c, uint32_t percent) {
    return tw_random_chance(&c->random, percent, 100);
}

/* Instrument 0 has one tick, 1 has bands, 2 has a lot and a collar. */
static void define_instrument(crowd *c, mx_command *command, uint32_t number) {
    mx_define_instrument *d = &command->define_instrument;
    command->kind = MX_DEFINE_INSTRUMENT;
    *d = (mx_define_instrument){.instrument = number,
                                .symbol = {(char)('A' + number)},
                                .price_exponent = -2,
                                .tick_bands = 1,
                                .ticks = {{0, 5}},
                                .lot = 1,
                                .protection_ppm = 30000,
                                .reference_price = TW_PRICE_ABSENT};
    if (number == 1) {
        d->tick_bands = 3;
        d->ticks[0].tick = 1;
        d->ticks[1] = (mx_tick_band){1000, 5};
        d->ticks[2] = (mx_tick_band){1050, 25};
    }
    if (number == 2) {
        d->lot = 10;
        d->ticks[0].tick = 1;
        d->collar_ppm = 40000;
        d->reference_price = chance(c, 50) ? 1000 : TW_PRICE_ABSENT;
    }
}

static void set_limits(crowd *c, mx_command *command, uint32_t account) {
    command->kind = MX_SET_LIMITS;
    mx_limits *l = &command->limits;
    *l = (mx_limits){.account = account,
                     .order_quantity = MX_UNLIMITED,
                     .order_notional = MX_MONEY_MAX,
                     .funds = MX_MONEY_MAX,
                     .exposure = MX_MONEY_MAX,
                     .position = MX_UNLIMITED,
                     .concentration_ppm = MX_PPM + 1,
                     .open_orders = UINT32_MAX};
    if (chance(c, 70)) return;
    if (chance(c, 20)) l->order_quantity = 50 + below(c, 100);
    if (chance(c, 20)) l->order_notional = (mx_money)(5000 + below(c, 100000));
    if (chance(c, 20)) l->funds = (mx_money)(100000 + below(c, 1000000));
    if (chance(c, 20)) l->exposure = (mx_money)(20000 + below(c, 500000));
    if (chance(c, 20)) l->position = 50 + below(c, 500);
    if (chance(c, 20)) l->concentration_ppm = (uint32_t)below(c, 500000);
    if (chance(c, 20)) l->collar_ppm = (uint32_t)below(c, 30000);
    if (chance(c, 20)) l->open_orders = (uint32_t)below(c, 20);
    if (chance(c, 20)) l->duplicate_ns = (int64_t)below(c, 3) * SECOND / 100;
    if (chance(c, 20)) l->rate_per_second = 1 + (uint32_t)below(c, 500);
    l->rate_burst = (uint32_t)below(c, 5);
}

static void begin_day(crowd *c, mx_command *command) {
    command->kind = MX_BEGIN_DAY;
    command->begin_day =
        (mx_begin_day){.date = ++c->date, .end_ns = c->now_ns + (int64_t)(1 + below(c, 40)) * SECOND};
    if (chance(c, 5)) command->begin_day.date -= 1;
}

/* A price near 1000, on a tick of every instrument more often than not. */
static int64_t price(crowd *c) {
    int64_t value = 960 + (int64_t)below(c, 17) * 5;
    if (chance(c, 10)) value += (int64_t)below(c, 5);
    if (chance(c, 2)) value += (int64_t)below(c, 400) * 5;
    return chance(c, 1) && chance(c, 30) ? (int64_t)below(c, 3) - 1 : value;
}

static uint64_t quantity(crowd *c, uint32_t instrument) {
    uint64_t lots = 1 + below(c, 9);
    if (chance(c, 1)) return below(c, 15);
    return instrument == 2 ? lots * 10 : lots * (1 + below(c, 3));
}

static mx_client_id name(crowd *c) {
    char text[41];
    if (chance(c, 40)) return (mx_client_id){{0}};
    uint64_t number =
        chance(c, 3) && c->names > 0 ? c->names - below(c, c->names < 50 ? c->names : 50) : ++c->names;
    (void)tw_text_format(text, sizeof text, "%s%lu", chance(c, 20) ? "a-name-as-long-as-a-uuid-can-be-" : "n",
                         (unsigned long)number);
    return mx_client_id_of(text);
}

static void order_type(crowd *c, mx_new_order *o) {
    if (chance(c, 75)) return;
    o->type = (uint8_t)below(c, MX_TYPES);
    if (o->type == MX_MARKET) o->tif = chance(c, 95) ? (uint8_t)(MX_IOC + below(c, 2)) : o->tif;
    if (o->type == MX_STOP || o->type == MX_STOP_LIMIT) {
        o->stop_price = price(c);
        if (chance(c, 95)) o->tif = (uint8_t)below(c, 3);
    }
    if ((o->type == MX_MARKET || o->type == MX_STOP) && chance(c, 97)) o->price = TW_PRICE_ABSENT;
}

static void new_order(crowd *c, mx_command *command) {
    mx_new_order *o = &command->order;
    command->kind = MX_NEW_ORDER;
    *o = (mx_new_order){.order_id = MX_ORDER_ID(c->seq, c->index),
                        .account = (uint32_t)below(c, CROWD_ACCOUNTS),
                        .instrument = (uint32_t)below(c, CROWD_INSTRUMENTS),
                        .side = (uint8_t)below(c, 2),
                        .tif = chance(c, 60) ? MX_GTC : (uint8_t)below(c, MX_TIFS),
                        .stp = chance(c, 50) ? MX_STP_NONE : (uint8_t)below(c, MX_STPS),
                        .price = price(c),
                        .stop_price = TW_PRICE_ABSENT,
                        .client_id = name(c)};
    o->quantity = quantity(c, o->instrument);
    order_type(c, o);
    if (o->side == TW_ASK && o->price > 0 && chance(c, 4))
        o->price = 5 + (int64_t)below(c, 50) * 5; /* at any price */
    if (chance(c, 12)) o->display = chance(c, 10) ? quantity(c, o->instrument) : o->quantity >= 20 ? 10 : 1;
    if (chance(c, 4)) o->minimum = quantity(c, o->instrument);
    if (chance(c, 5)) o->post_only = true;
    if (chance(c, 8)) o->session = 1 + below(c, 5);
    if (o->tif == MX_GTD) /* often the same moment as others' */
        o->expire_ns = chance(c, 10) ? c->now_ns + (int64_t)below(c, 3)
                                     : (c->now_ns / SECOND + 1 + (int64_t)below(c, 3)) * SECOND;
    if (chance(c, 1)) {
        uint8_t *bytes = (uint8_t *)&o->side;
        bytes[below(c, 4)] = (uint8_t)below(c, 8);
        if (chance(c, 20)) o->account = MX_UNKNOWN;
        if (chance(c, 20)) o->instrument = MX_UNKNOWN;
    }
    c->recent[c->recent_count++ % CROWD_RECENT] = (mx_target){o->order_id, o->client_id, o->account, o->instrument};
}

static mx_target target(crowd *c) {
    if (c->recent_count == 0) return (mx_target){.order_id = 1};
    uint32_t known = c->recent_count < CROWD_RECENT ? c->recent_count : CROWD_RECENT;
    mx_target one = c->recent[below(c, known)];
    if (chance(c, 30)) one.order_id = 0;
    if (chance(c, 2)) one.account = (uint32_t)below(c, CROWD_ACCOUNTS + 1);
    return one;
}

static void replace(crowd *c, mx_command *command) {
    command->kind = MX_REPLACE;
    mx_replace *r = &command->replace;
    *r = (mx_replace){.target = target(c),
                      .quantity = MX_SAME,
                      .price = TW_PRICE_ABSENT,
                      .stop_price = TW_PRICE_ABSENT,
                      .display = MX_SAME};
    if (chance(c, 60)) r->quantity = quantity(c, r->target.instrument);
    if (chance(c, 40)) r->price = price(c);
    if (chance(c, 5)) r->stop_price = price(c);
    if (chance(c, 8)) r->display = chance(c, 30) ? 0 : quantity(c, r->target.instrument);
    r->open_only = chance(c, 30);
}

static void session(crowd *c, mx_command *command) {
    command->kind = (uint8_t)(chance(c, 40) ? MX_SESSION_OPEN : chance(c, 80) ? MX_SESSION_BEAT : MX_SESSION_CLOSE);
    command->session = (mx_session){.session = below(c, 5) + (chance(c, 97) ? 1 : 0),
                                    .timeout_ns = (int64_t)below(c, 300) * SECOND / 100};
}

static void control(crowd *c, mx_command *command) {
    uint32_t account = chance(c, 90) ? (uint32_t)below(c, CROWD_ACCOUNTS) : MX_EVERY;
    uint32_t instrument = chance(c, 90) ? (uint32_t)below(c, CROWD_INSTRUMENTS) : MX_EVERY;
    switch (below(c, 12)) {
    case 0:
    case 1: /* mostly open */
        command->kind = MX_SET_STATE;
        command->set_state =
            (mx_set_state){instrument, (uint8_t)(chance(c, 85) ? MX_CONTINUOUS : below(c, MX_STATES + 1))};
        break;
    case 2:
    case 3:
        set_limits(c, command, account == MX_EVERY ? 0 : account);
        break;
    case 4:
        command->kind = MX_SET_FEES;
        command->fees = (mx_fees){(uint8_t)below(c, 2), (int32_t)below(c, 2000) - 1000, (int32_t)below(c, 3000),
                                  (int64_t)below(c, 3) - 1, 0};
        break;
    case 5:
        command->kind = MX_SET_REFERENCE;
        command->set_reference =
            (mx_set_reference){(uint32_t)below(c, CROWD_INSTRUMENTS), 980 + (int64_t)below(c, 40)};
        break;
    case 6:
        begin_day(c, command);
        break;
    case 7: /* off more often than on */
        command->kind = MX_SET_BLOCK;
        command->block =
            (mx_block){chance(c, 60) ? account : MX_EVERY, chance(c, 60) ? instrument : MX_EVERY, chance(c, 15)};
        break;
    case 8:
        command->kind = MX_SET_KILL;
        command->kill = (mx_kill){account, chance(c, account == MX_EVERY ? 25 : 12)};
        if (chance(c, 20)) *command = (mx_command){.kind = MX_SET_STORAGE, .storage.low = chance(c, 25)};
        break;
    case 9:
        command->kind = MX_MASS_CANCEL;
        command->mass_cancel = (mx_mass_cancel){account, instrument, (uint8_t)below(c, 5)};
        break;
    default:
        session(c, command);
        break;
    }
}

/* Bounds of what comes and goes, near what there is. */
static void set_bounds(crowd *c, mx_command *command) {
    mx_bounds *b = &command->bounds;
    command->kind = MX_SET_BOUNDS;
    *b = (mx_bounds){.max_reports = chance(c, 60) ? 4 + (uint32_t)below(c, 10) : 0,
                     .max_steps = chance(c, 60) ? 1 + (uint32_t)below(c, chance(c, 50) ? 12 : 120) : 0,
                     .max_orders = chance(c, 20) ? 1 + (uint32_t)below(c, 60) : 4096,
                     .max_positions = chance(c, 20) ? 1 + (uint32_t)below(c, 18) : 256,
                     .max_client_ids = chance(c, 20) ? 1 + (uint32_t)below(c, 300) : 65536,
                     .max_sessions = chance(c, 20) ? 1 + (uint32_t)below(c, 4) : 32};
    if (chance(c, 5)) b->max_orders = (1u << 24) + 1;
    if (chance(c, 5)) b->max_reports = 3;
}

/* What must be there before anything can trade. */
static bool opening(crowd *c, mx_command *command) {
    unsigned step = c->opening++;
    if (step < CROWD_INSTRUMENTS) {
        define_instrument(c, command, step);
    } else if (step < CROWD_INSTRUMENTS + CROWD_ACCOUNTS) {
        uint32_t account = step - CROWD_INSTRUMENTS;
        command->kind = MX_DEFINE_ACCOUNT;
        command->define_account = (mx_define_account){account, {(char)('a' + account)}, (uint8_t)(account % 2)};
    } else if (step < CROWD_INSTRUMENTS + 2 * CROWD_ACCOUNTS - 1) { /* the last one has no limits for a while */
        set_limits(c, command, step - CROWD_INSTRUMENTS - CROWD_ACCOUNTS);
    } else if (step == CROWD_INSTRUMENTS + 2 * CROWD_ACCOUNTS) {
        begin_day(c, command);
    } else if (step == CROWD_INSTRUMENTS + 2 * CROWD_ACCOUNTS + 1) {
        command->kind = MX_SET_STATE;
        command->set_state = (mx_set_state){MX_EVERY, MX_CONTINUOUS};
    } else {
        return false;
    }
    return true;
}

void crowd_next(crowd *c, mx_input *input, mx_command *command) {
    if (c->seq > 0 && chance(c, 30) && c->index < 20) {
        c->index++; /* one batch */
    } else {
        c->seq += 1 + (chance(c, 5) ? below(c, 3) : 0);
        c->index = 0;
        c->now_ns += chance(c, 2) ? (int64_t)below(c, 100) * SECOND / 100 : (int64_t)below(c, 3) * 1000000;
    }
    *input = (mx_input){.seq = c->seq, .index = c->index, .stream_ns = c->now_ns - (chance(c, 3) ? 1000000 : 0)};
    memset(command, 0, sizeof *command);
    if (c->bounds != 0 && !c->bounds_said) {
        c->bounds_said = true;
        *command = (mx_command){.kind = MX_SET_BOUNDS,
                                .bounds = {.max_reports = c->bounds, .max_steps = 6, .max_positions = 6}};
        return;
    }
    if (opening(c, command)) return;
    if (c->bounds != 0 && below(c, 1000) < 4) {
        set_bounds(c, command);
        return;
    }
    uint64_t dice = below(c, 1000);
    if (dice < 600) {
        new_order(c, command);
    } else if (dice < 790) {
        command->kind = MX_CANCEL;
        command->cancel.target = target(c);
    } else if (dice < 980) {
        replace(c, command);
    } else {
        control(c, command);
    }
}
