/* The seeded crowd: see crowd.h. */
#include "tests/matcher/crowd.h"

#include <string.h>

#include "base/text.h"

#define SECOND      INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)

const crowd_manner crowd_usual = {.accounts = CROWD_ACCOUNTS,
                                  .instruments = CROWD_INSTRUMENTS,
                                  .prices = 17,
                                  .scale = 1,
                                  .unit = 1,
                                  .news = 600,
                                  .cancels = 120,
                                  .controls = 20,
                                  .recent = 64,
                                  .good_till_cancelled = 60,
                                  .self_trading = 50,
                                  .others = 25,
                                  .icebergs = 12,
                                  .minimums = 4,
                                  .post_only = 5,
                                  .in_sessions = 8,
                                  .named = 60,
                                  .dumping = 4,
                                  .tight = 30,
                                  .batched = 30,
                                  .open = 85,
                                  .jumps = 2};

static uint32_t one_of(tw_random *random, const uint32_t *choices, uint32_t count) {
    return choices[tw_random_below(random, count)];
}

#define ONE_OF(...)                                                                                                \
    one_of(&random, (const uint32_t[]){__VA_ARGS__},                                                               \
           (uint32_t)(sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)))

crowd_manner crowd_manner_of(uint64_t seed) {
    tw_random random;
    tw_random_seed(&random, ~seed);
    crowd_manner m = crowd_usual;
    m.accounts = ONE_OF(2, 3, 4, 6, 6);
    m.instruments = ONE_OF(1, 2, 3);
    m.prices = ONE_OF(1, 2, 4, 8, 17, 17, 40);
    m.news = ONE_OF(450, 600, 700, 800);
    m.cancels = (1000 - m.news) * ONE_OF(15, 35, 60) / 100;
    m.controls = ONE_OF(2, 10, 20, 40);
    m.recent = ONE_OF(8, 64, 64, 200);
    m.good_till_cancelled = ONE_OF(5, 40, 60, 80);
    m.self_trading = ONE_OF(10, 50, 90);
    m.others = ONE_OF(5, 25, 25, 60);
    m.icebergs = ONE_OF(2, 12, 40);
    m.minimums = ONE_OF(2, 4, 25);
    m.post_only = ONE_OF(1, 5, 20);
    m.in_sessions = ONE_OF(2, 8, 40);
    m.named = ONE_OF(20, 60, 95);
    m.dumping = ONE_OF(0, 4, 10);
    m.tight = ONE_OF(5, 30, 80);
    m.batched = ONE_OF(0, 30, 30, 80);
    m.open = ONE_OF(50, 85, 85, 95);
    m.jumps = ONE_OF(0, 2, 2, 10);
    if (tw_random_chance(&random, 12, 100)) m.scale = INT64_C(600000000000); /* near MX_PRICE_MAX */
    if (tw_random_chance(&random, 12, 100)) m.unit = UINT64_C(10000000000);  /* near MX_QUANTITY_MAX */
    return m;
}

void crowd_init(crowd *c, uint64_t seed) {
    crowd_init_as(c, seed, &crowd_usual);
}

void crowd_init_as(crowd *c, uint64_t seed, const crowd_manner *manner) {
    memset(c, 0, sizeof *c);
    c->manner = *manner;
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
    int64_t scale = c->manner.scale;
    mx_define_instrument *d = &command->define_instrument;
    command->kind = MX_DEFINE_INSTRUMENT;
    *d = (mx_define_instrument){.instrument = number,
                                .symbol = {(char)('A' + number)},
                                .price_exponent = -2,
                                .tick_bands = 1,
                                .ticks = {{0, 5 * scale}},
                                .lot = 1,
                                .protection_ppm = 30000,
                                .reference_price = TW_PRICE_ABSENT};
    if (number == 1) {
        d->tick_bands = 3;
        d->ticks[0].tick = scale;
        d->ticks[1] = (mx_tick_band){1000 * scale, 5 * scale};
        d->ticks[2] = (mx_tick_band){1050 * scale, 25 * scale};
    }
    if (number == 2) {
        d->lot = 10;
        d->ticks[0].tick = scale;
        d->collar_ppm = 40000;
        d->reference_price = chance(c, 50) ? 1000 * scale : TW_PRICE_ABSENT;
    }
}

/* An instrument again, or one that nobody asked for: mostly the same, or with something of it changed, or with nonsense. */
static void define_again(crowd *c, mx_command *command) {
    define_instrument(c, command, (uint32_t)below(c, c->manner.instruments));
    mx_define_instrument *d = &command->define_instrument;
    switch (below(c, 10)) {
    case 0:
        d->ticks[0].tick = c->manner.scale; /* finer */
        break;
    case 1:
        d->lot = 1 + below(c, 3);
        break;
    case 2:
        d->collar_ppm = (uint32_t)below(c, 60000);
        break;
    case 3:
        d->protection_ppm = (uint32_t)below(c, 60000);
        break;
    case 4:
        d->symbol[0] = (char)('A' + below(c, CROWD_INSTRUMENTS + 1));
        break;
    case 5:
        d->instrument = (uint32_t)below(c, CROWD_INSTRUMENTS + 2);
        break;
    case 6:
        d->ticks[0].from = 1;
        break;
    default:
        break;
    }
}

/* Mostly the same, or of another fee class. */
static void define_account(mx_command *command, uint32_t account) {
    command->kind = MX_DEFINE_ACCOUNT;
    command->define_account = (mx_define_account){account, {(char)('a' + account)}, (uint8_t)(account % 2)};
}

static void account_again(crowd *c, mx_command *command) {
    define_account(command, (uint32_t)below(c, c->manner.accounts));
    mx_define_account *d = &command->define_account;
    uint64_t what = below(c, 6);
    if (what == 0) d->account = (uint32_t)below(c, CROWD_ACCOUNTS + 2);
    if (what == 1) d->name[0] = (char)('a' + below(c, CROWD_ACCOUNTS + 1));
    if (what == 2) d->fee_class = (uint8_t)below(c, MX_FEE_CLASSES + 1);
    if (what == 3) d->fee_class = (uint8_t)below(c, 2);
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
    if (!chance(c, c->manner.tight)) return;
    mx_money each = (mx_money)c->manner.scale * (mx_money)c->manner.unit;
    if (chance(c, 20))
        l->order_quantity = 10 * (1 + below(c, 12)) * c->manner.unit; /* round, so that they are met exactly */
    if (chance(c, 20)) l->order_notional = (mx_money)(5 + below(c, 100)) * 1000 * each;
    if (chance(c, 20)) l->funds = (mx_money)(20 + below(c, chance(c, 50) ? 100 : 1000)) * 1000 * each;
    if (chance(c, 20)) l->exposure = (mx_money)(20 + below(c, 500)) * 1000 * each;
    if (chance(c, 20)) l->position = (5 + below(c, 50)) * 10 * c->manner.unit;
    if (chance(c, 20)) l->concentration_ppm = chance(c, 30) ? 0 : (uint32_t)below(c, 50) * 10000;
    if (chance(c, 20)) l->collar_ppm = (uint32_t)below(c, 7) * 5000;
    if (chance(c, 20)) l->open_orders = (uint32_t)below(c, 20);
    if (chance(c, 20)) l->duplicate_ns = (int64_t)below(c, 3) * MILLISECOND * (chance(c, 50) ? 1 : 10);
    if (chance(c, 20)) l->rate_per_second = 1 + (uint32_t)below(c, 500);
    l->rate_burst = (uint32_t)below(c, 5);
    if (chance(c, 2)) l->funds = -1;
    if (chance(c, 2)) l->duplicate_ns = -1;
}

static void set_fees(crowd *c, mx_command *command) {
    command->kind = MX_SET_FEES;
    command->fees = (mx_fees){(uint8_t)below(c, 2), (int32_t)below(c, 2000) - 1000, (int32_t)below(c, 3000),
                              (int64_t)below(c, 3) - 1, (int64_t)below(c, 3) - 1};
    if (c->manner.prices == 1 || chance(c, 30))
        command->fees = (mx_fees){.fee_class = command->fees.fee_class}; /* free */
    if (chance(c, 10)) command->fees.fee_class = (uint8_t)(14 + below(c, 4));
    if (chance(c, 3)) command->fees.maker_ppm = MX_PPM * (chance(c, 50) ? 1 : -1) + (int32_t)below(c, 3) - 1;
}

static void begin_day(crowd *c, mx_command *command) {
    command->kind = MX_BEGIN_DAY;
    command->begin_day =
        (mx_begin_day){.date = ++c->date, .end_ns = c->now_ns + (int64_t)(1 + below(c, 40)) * SECOND};
    c->day_end_ns = command->begin_day.end_ns;
    if (chance(c, 5)) command->begin_day.date -= 1;
}

/* A price near 1000, on a tick of every instrument more often than not. */
static int64_t price(crowd *c) { /* of those with one price all sums are round, and limits are met exactly */
    uint32_t width = c->manner.prices;
    if (width == 1) return 1000 * c->manner.scale;
    int64_t value = 1000 - (int64_t)(width / 2) * 5 + (int64_t)below(c, width) * 5;
    if (chance(c, 5)) value += (int64_t)below(c, 5);
    if (chance(c, 2)) value += (int64_t)below(c, 100) * 5;
    return chance(c, 1) && chance(c, 30) ? (int64_t)below(c, 3) - 1 : value * c->manner.scale;
}

static uint64_t quantity(crowd *c, uint32_t instrument) {
    uint64_t lots = 1 + below(c, 9);
    if (chance(c, 1)) return below(c, 15) * c->manner.unit;
    return (instrument == 2 ? lots * 10 : lots * (1 + below(c, 3))) * c->manner.unit;
}

static mx_client_id name(crowd *c) {
    char text[41];
    if (!chance(c, c->manner.named)) return (mx_client_id){{0}};
    uint64_t number =
        chance(c, 3) && c->names > 0 ? c->names - below(c, c->names < 50 ? c->names : 50) : ++c->names;
    (void)tw_text_format(text, sizeof text, "%s%lu", chance(c, 20) ? "a-name-as-long-as-a-uuid-can-be-" : "n",
                         (unsigned long)number);
    return mx_client_id_of(text);
}

/* Mostly one that it has opened. */
static uint64_t session_of(crowd *c) {
    uint64_t number = 1 + below(c, CROWD_SESSIONS);
    for (unsigned i = 0; i < CROWD_SESSIONS && (c->sessions >> number & 1) == 0 && !chance(c, 10); i++)
        number = number % CROWD_SESSIONS + 1;
    return number;
}

/* As the last one, but for its names. */
static void again(const crowd *c, mx_new_order *o) {
    if (c->last.quantity == 0) return;
    uint64_t order_id = o->order_id;
    mx_client_id client_id = o->client_id;
    *o = c->last;
    o->order_id = order_id;
    o->client_id = client_id;
}

static void order_type(crowd *c, mx_new_order *o) {
    if (!chance(c, c->manner.others)) return;
    o->type = (uint8_t)below(c, MX_TYPES);
    if (o->type == MX_MARKET) o->tif = chance(c, 95) ? (uint8_t)(MX_IOC + below(c, 2)) : o->tif;
    if (o->type == MX_STOP || o->type == MX_STOP_LIMIT) {
        o->stop_price = price(c);
        if (chance(c, 95)) o->tif = (uint8_t)below(c, 3);
    }
    if ((o->type == MX_MARKET || o->type == MX_STOP) && chance(c, 97)) o->price = TW_PRICE_ABSENT;
}

static mx_target target(crowd *c) {
    if (c->recent_count == 0) return (mx_target){.order_id = 1};
    uint32_t known = c->recent_count < c->manner.recent ? c->recent_count : c->manner.recent;
    mx_target one = c->recent[below(c, known)];
    if (c->alive_count > 0 && chance(c, 65)) one = c->alive[below(c, c->alive_count)];
    if (chance(c, 30)) one.order_id = 0;
    if (chance(c, 2)) one.account = (uint32_t)below(c, c->manner.accounts + 1);
    if (chance(c, 1) && chance(c, 20)) one.instrument = (uint32_t)below(c, c->manner.instruments + 1);
    return one;
}

static void new_order(crowd *c, mx_command *command) {
    const crowd_manner *m = &c->manner;
    mx_new_order *o = &command->order;
    command->kind = MX_NEW_ORDER;
    *o = (mx_new_order){.order_id = MX_ORDER_ID(c->seq, c->index),
                        .account = (uint32_t)below(c, m->accounts),
                        .instrument = (uint32_t)below(c, m->instruments),
                        .side = (uint8_t)below(c, 2),
                        .tif = chance(c, m->good_till_cancelled) ? MX_GTC : (uint8_t)below(c, MX_TIFS),
                        .stp = chance(c, m->self_trading) ? MX_STP_NONE : (uint8_t)below(c, MX_STPS),
                        .price = price(c),
                        .stop_price = TW_PRICE_ABSENT,
                        .client_id = name(c)};
    o->quantity = quantity(c, o->instrument);
    order_type(c, o);
    if (o->side == TW_ASK && o->price > 0 && m->prices > 1 && chance(c, m->dumping))
        o->price = (5 + (int64_t)below(c, 50) * 5) * m->scale; /* at any price */
    bool rests = o->tif <= MX_GTD, stop = o->type == MX_STOP || o->type == MX_STOP_LIMIT;
    uint64_t lot = (o->instrument == 2 ? 10 : 1) * m->unit;
    if (chance(c, m->icebergs) && ((rests && o->price != TW_PRICE_ABSENT) || chance(c, 3)))
        o->display = chance(c, 10) ? quantity(c, o->instrument) : lot * (1 + below(c, 2));
    if (chance(c, m->minimums) && (!stop || chance(c, 3)))
        o->minimum = chance(c, 95) ? lot * (1 + below(c, o->quantity / lot + 1)) : quantity(c, o->instrument);
    if (chance(c, m->post_only) && ((rests && o->type == MX_LIMIT && o->minimum == 0) || chance(c, 3)))
        o->post_only = true;
    if (chance(c, m->in_sessions)) o->session = session_of(c);
    if (chance(c, 2)) again(c, o);
    if (o->tif == MX_GTD) /* often the same moment as others' */
        o->expire_ns = chance(c, 10) ? c->now_ns + (int64_t)below(c, 3)
                                     : (c->now_ns / SECOND + 1 + (int64_t)below(c, 3)) * SECOND;
    if (chance(c, 1)) {
        uint8_t *bytes = (uint8_t *)&o->side;
        bytes[below(c, 4)] = (uint8_t)below(c, 8);
        if (chance(c, 20)) o->account = MX_UNKNOWN;
        if (chance(c, 20)) o->instrument = MX_UNKNOWN;
    }
    if (chance(c, 1) && chance(c, 20)) o->order_id = target(c).order_id;
    c->last = *o;
    c->recent[c->recent_count++ % m->recent] = (mx_target){o->order_id, o->client_id, o->account, o->instrument};
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
    mx_session *s = &command->session;
    command->kind = (uint8_t)(chance(c, 40) ? MX_SESSION_OPEN : chance(c, 70) ? MX_SESSION_BEAT : MX_SESSION_CLOSE);
    s->session = command->kind == MX_SESSION_OPEN ? 1 + below(c, CROWD_SESSIONS) : session_of(c);
    s->timeout_ns = (int64_t)below(c, 500) * SECOND / 100;
    if (chance(c, 30)) s->timeout_ns += (int64_t)below(c, 3);
    if (chance(c, 3)) s->session = 0;
    if (command->kind == MX_SESSION_OPEN) c->sessions |= 1u << s->session;
    if (command->kind == MX_SESSION_CLOSE) c->sessions &= ~(1u << s->session);
}

/* What stops trade does not stay: its remedy comes a while later. */
static void remember(crowd *c, const mx_command *command) {
    mx_command remedy = *command;
    switch (command->kind) {
    case MX_SET_STATE:
        if (command->set_state.state == MX_CONTINUOUS) return;
        if (command->set_state.state == MX_MOVED) /* the only way back; what opens it comes later still */
            remedy.set_state.state = MX_CLOSED;
        else
            remedy.set_state.state =
                command->set_state.state != MX_PRE_OPEN && chance(c, 50) ? MX_PRE_OPEN : MX_CONTINUOUS;
        break;
    case MX_SET_BLOCK:
        if (!command->block.on) return;
        remedy.block.on = false;
        break;
    case MX_SET_KILL:
        if (!command->kill.on) return;
        remedy.kill.on = false;
        break;
    case MX_SET_STORAGE:
        remedy.storage.low = false;
        break;
    default:
        return;
    }
    c->remedies[c->remedy_count++ % CROWD_REMEDIES] = remedy;
}

static bool remedied(crowd *c, mx_command *command) {
    if (c->day_end_ns <= c->now_ns && chance(c, 5)) {
        begin_day(c, command);
        return true;
    }
    if (c->remedy_count == 0 || !chance(c, 2)) return false;
    if (c->remedy_count > CROWD_REMEDIES) c->remedy_count = CROWD_REMEDIES;
    *command = c->remedies[--c->remedy_count];
    remember(c, command);
    return true;
}

static void rarer(crowd *c, mx_command *command) {
    switch (below(c, 8)) {
    case 0:
    case 1:
        command->kind = MX_CLOCK;
        break;
    case 2:
    case 3:
    case 4:
        define_again(c, command);
        break;
    case 5:
    case 6:
        account_again(c, command);
        break;
    default:
        command->kind = (uint8_t)(MX_COMMANDS + below(c, 3)); /* no such command */
        break;
    }
}

static void control(crowd *c, mx_command *command) {
    if (chance(c, c->manner.in_sessions)) {
        session(c, command);
        return;
    }
    uint32_t account = chance(c, 90) ? (uint32_t)below(c, c->manner.accounts) : MX_EVERY;
    uint32_t instrument = chance(c, 90) ? (uint32_t)below(c, c->manner.instruments) : MX_EVERY;
    if (chance(c, 1)) account = c->manner.accounts + (uint32_t)below(c, 3);
    if (chance(c, 1)) instrument = c->manner.instruments + (uint32_t)below(c, 3);
    switch (below(c, 13)) {
    case 0:
    case 1: /* mostly open */
        command->kind = MX_SET_STATE;
        command->set_state = (mx_set_state){
            instrument, (uint8_t)(chance(c, c->manner.open) ? MX_CONTINUOUS : below(c, MX_STATES + 1))};
        break;
    case 2:
    case 3:
        set_limits(c, command, account == MX_EVERY ? 0 : account);
        break;
    case 4:
        set_fees(c, command);
        break;
    case 5:
        command->kind = MX_SET_REFERENCE;
        command->set_reference = (mx_set_reference){instrument, (980 + (int64_t)below(c, 40)) * c->manner.scale};
        if (chance(c, 3)) command->set_reference.price = (int64_t)below(c, 2) - 1;
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
        if (chance(c, 20)) account = MX_EVERY;
        command->kill = (mx_kill){account, chance(c, account == MX_EVERY ? 25 : 12)};
        if (chance(c, 20)) *command = (mx_command){.kind = MX_SET_STORAGE, .storage.low = chance(c, 25)};
        break;
    case 9:
        command->kind = MX_MASS_CANCEL;
        command->mass_cancel = (mx_mass_cancel){account, instrument, (uint8_t)below(c, 5)};
        break;
    case 10:
        rarer(c, command);
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
                     .max_sessions = chance(c, 60) ? 1 + (uint32_t)below(c, 3) : 32};
    if (chance(c, 5)) b->max_orders = (1u << 24) + 1;
    if (chance(c, 5)) b->max_reports = 3;
}

/* What must be there before anything can trade. */
static bool opening(crowd *c, mx_command *command) {
    unsigned step = c->opening++, accounts = c->manner.accounts, instruments = c->manner.instruments;
    if (step < instruments) {
        define_instrument(c, command, step);
    } else if (step < instruments + accounts) {
        define_account(command, step - instruments);
    } else if (step < instruments + 2 * accounts - 1) { /* the last one has no limits for a while */
        set_limits(c, command, step - instruments - accounts);
    } else if (step == instruments + 2 * accounts) {
        begin_day(c, command);
    } else if (step == instruments + 2 * accounts + 1) {
        command->kind = MX_SET_STATE;
        command->set_state = (mx_set_state){MX_EVERY, MX_CONTINUOUS};
    } else {
        return false;
    }
    return true;
}

/* By whole milliseconds, and now and then a moment more: things are due at, before and behind one. */
static void pass(crowd *c) {
    c->now_ns +=
        chance(c, c->manner.jumps) ? (int64_t)below(c, 100) * SECOND / 100 : (int64_t)below(c, 3) * MILLISECOND;
    c->now_ns -= c->now_ns % MILLISECOND;
    if (chance(c, 20)) c->now_ns += (int64_t)below(c, 3);
}

void crowd_next(crowd *c, mx_input *input, mx_command *command) {
    if (c->seq > 0 && chance(c, c->manner.batched) && c->index < 20) {
        c->index++; /* one batch */
    } else {
        c->seq += 1 + (chance(c, 5) ? below(c, 3) : 0);
        c->index = 0;
        pass(c);
    }
    *input = (mx_input){.seq = c->seq, .index = c->index, .stream_ns = c->now_ns - (chance(c, 3) ? 1000000 : 0)};
    memset(command, 0, sizeof *command);
    const crowd_manner *m = &c->manner;
    if ((m->bounds != 0 || m->pages != 0) && !c->bounds_said) {
        c->bounds_said = true;
        *command = (mx_command){.kind = MX_SET_BOUNDS,
                                .bounds = {.max_reports = m->bounds,
                                           .max_positions = m->bounds != 0 ? 6 : 0,
                                           .max_steps = m->bounds != 0 ? 6 : 0,
                                           .max_sessions = m->bounds != 0 ? 1 : 0,
                                           .max_pages = m->pages}};
        return;
    }
    if (opening(c, command)) return;
    if (m->bounds != 0 && below(c, 1000) < 4) {
        set_bounds(c, command);
        return;
    }
    if (remedied(c, command)) return;
    uint64_t dice = below(c, 1000);
    if (dice < m->news) {
        new_order(c, command);
    } else if (dice < m->news + m->cancels) {
        command->kind = MX_CANCEL;
        command->cancel.target = target(c);
    } else if (dice < 1000 - m->controls) {
        replace(c, command);
    } else {
        control(c, command);
        remember(c, command);
    }
}

static void forget(crowd *c, uint64_t order_id) {
    for (uint32_t i = 0; i < c->alive_count; i++) {
        if (c->alive[i].order_id != order_id) continue;
        c->alive[i] = c->alive[--c->alive_count];
        return;
    }
}

void crowd_hear(crowd *c, const mx_report *reports, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const mx_report *r = &reports[i];
        if (r->kind == MX_ACCEPTED && !r->duplicate && c->alive_count < CROWD_RECENT)
            c->alive[c->alive_count++] = (mx_target){r->order_id, r->client_id, r->account, r->instrument};
        if (r->status == MX_STATUS_FILLED || r->status == MX_STATUS_CANCELLED) forget(c, r->order_id);
    }
}
