/* Who sends what next: a draw of an instrument, of a role, of one of its places. */
#include "tools/crowd/crowd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "matcher/core/types.h"

#define QUOTES        40u /* places of makers in one instrument: levels of both sides */
#define RESTS         24u /* places of the others' resting orders */
#define FARTHEST_PPM  30000
#define STOP_DISTANCE 12
#define LEVELS        6u

/* Where an order of the crowd may rest. */
typedef struct place {
    bool taken, stop;
    uint8_t side, level;
    uint32_t account;
    uint64_t number; /* of its client order id */
} place;

typedef struct walk {
    venue_crowd_instrument instrument;
    int64_t price;
    place quotes[QUOTES], rests[RESTS];
} walk;

struct venue_crowd {
    tw_random random;
    char tag[VENUE_CROWD_TAG_BYTES];
    uint32_t accounts, makers, count;
    uint64_t numbers;
    walk *walks;
};

void venue_crowd_account_name(char name[WIRE_ACCOUNT_BYTES], uint32_t number) {
    tw_text_format(name, WIRE_ACCOUNT_BYTES, "crowd-%" PRIu32, number + 1);
}

void venue_crowd_symbol_name(char symbol[TW_SYMBOL_BYTES], uint32_t number) {
    static const char *const known[] = {"AAPL", "NVDA", "MSFT", "TSLA", "AMZN", "META", "GOOGL", "AMD",
                                        "INTC", "SPY",  "QQQ",  "NFLX", "CSCO", "MU",   "BRK.B", "GOOG",
                                        "F",    "T",    "IWM",  "C",    "BF.B", "JPM",  "COST",  "IBM"};
    const uint32_t count = sizeof known / sizeof *known;
    if (number < count)
        tw_text_copy(symbol, TW_SYMBOL_BYTES, known[number]);
    else
        tw_text_format(symbol, TW_SYMBOL_BYTES, "S%04" PRIu32, number + 1);
}

int64_t venue_crowd_cents_of(const char *symbol) {
    tw_random random;
    uint64_t seed = 0;
    for (const char *at = symbol; *at != '\0'; at++)
        seed = seed * 257 + (unsigned char)*at;
    tw_random_seed(&random, seed);
    return 1000 + (int64_t)tw_random_below(&random, 49001);
}

static uint32_t below(venue_crowd *self, uint32_t bound) {
    return (uint32_t)tw_random_below(&self->random, bound);
}

/* Makers share an instrument's quotes; which account has a place is drawn once. */
static void seat(venue_crowd *self, walk *at) {
    for (uint32_t i = 0; i < QUOTES; i++)
        at->quotes[i] = (place){
            .side = (uint8_t)(i & 1), .level = (uint8_t)(i / 2 % LEVELS), .account = below(self, self->makers)};
    for (uint32_t i = 0; i < RESTS; i++)
        at->rests[i] = (place){.account = self->makers + below(self, self->accounts - self->makers)};
}

tw_code venue_crowd_alloc(venue_crowd **made, const venue_crowd_options *options, tw_error *error) {
    *made = NULL;
    if (options->accounts < 2 || options->accounts > VENUE_CROWD_MAX_ACCOUNTS || options->instrument_count < 1 ||
        options->instrument_count > VENUE_CROWD_MAX_SYMBOLS)
        return tw_error_set(error, TW_INVALID, "a crowd has 2 to %u accounts and 1 to %u instruments",
                            VENUE_CROWD_MAX_ACCOUNTS, VENUE_CROWD_MAX_SYMBOLS);
    if (options->tag[0] == '\0' || strlen(options->tag) >= VENUE_CROWD_TAG_BYTES)
        return tw_error_set(error, TW_INVALID, "a crowd's tag has 1 to %d bytes", VENUE_CROWD_TAG_BYTES - 1);
    venue_crowd *self = calloc(1, sizeof *self);
    if (self != NULL) self->walks = calloc(options->instrument_count, sizeof *self->walks);
    if (self == NULL || self->walks == NULL) {
        free(self);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for a crowd");
    }
    tw_random_seed(&self->random, options->seed);
    tw_text_copy(self->tag, sizeof self->tag, options->tag);
    self->accounts = options->accounts;
    self->makers = options->accounts / 4 > 0 ? options->accounts / 4 : 1;
    self->count = options->instrument_count;
    for (uint32_t i = 0; i < self->count; i++) {
        self->walks[i].instrument = options->instruments[i];
        self->walks[i].price = options->instruments[i].price;
        seat(self, &self->walks[i]);
    }
    *made = self;
    return TW_OK;
}

void venue_crowd_free(venue_crowd *self) {
    if (self == NULL) return;
    free(self->walks);
    free(self);
}

/* A tick up or down now and then; the farther from where it began, the likelier back. */
static void step(venue_crowd *self, walk *at) {
    if (!tw_random_chance(&self->random, 1, 6)) return;
    int64_t away = at->price - at->instrument.price;
    int64_t farthest =
        at->instrument.price / 1000000 * FARTHEST_PPM + at->instrument.price % 1000000 * FARTHEST_PPM / 1000000;
    if (farthest < 20 * at->instrument.tick) farthest = 20 * at->instrument.tick;
    int64_t pull = away * 100 / farthest; /* -100 to 100: always back at the edge */
    bool up = (int64_t)below(self, 200) >= 100 + pull;
    at->price += up ? at->instrument.tick : -at->instrument.tick;
    if (at->price < at->instrument.tick) at->price = at->instrument.tick;
}

/* `ticks` behind the walking price on the order's own side; before it if negative. */
static int64_t price_at(const walk *at, uint8_t side, int64_t ticks) {
    int64_t price = at->price + (side == TW_BID ? -ticks : ticks) * at->instrument.tick;
    return price < at->instrument.tick ? at->instrument.tick : price;
}

static void name_order(const venue_crowd *self, uint64_t number, wire_order_command *c) {
    tw_text_format(c->client_order_id, sizeof c->client_order_id, "%s-%" PRIu64, self->tag, number);
}

static void start(const walk *at, uint32_t account, uint8_t side, uint8_t kind, wire_order_command *c) {
    *c = wire_order_command_empty;
    c->kind = kind;
    c->side = side;
    c->stp = MX_STP_NEWEST;
    venue_crowd_account_name(c->account, account);
    tw_text_copy(c->symbol, sizeof c->symbol, at->instrument.symbol);
}

static void enter(venue_crowd *self, place *where, wire_order_command *c) {
    where->taken = true;
    where->number = ++self->numbers;
    where->stop = c->type == MX_STOP || c->type == MX_STOP_LIMIT;
    name_order(self, where->number, c);
}

static uint64_t lots(venue_crowd *self, const walk *at, uint32_t most) {
    return at->instrument.lot * (1 + below(self, most));
}

/* A maker's place: quoted, moved with the price, or left. */
static void quote(venue_crowd *self, walk *at, wire_order_command *c) {
    place *where = &at->quotes[below(self, QUOTES)];
    int64_t ticks = 1 + where->level + below(self, 2);
    if (!where->taken) {
        start(at, where->account, where->side, WIRE_NEW_ORDER, c);
        c->type = MX_LIMIT;
        c->tif = MX_DAY;
        c->post_only = true;
        c->price = price_at(at, where->side, ticks);
        c->quantity = 100 * lots(self, at, 10);
        enter(self, where, c);
    } else if (tw_random_chance(&self->random, 3, 5)) {
        start(at, where->account, where->side, WIRE_REPLACE, c);
        c->price = price_at(at, where->side, ticks);
        name_order(self, where->number, c);
    } else {
        start(at, where->account, where->side, WIRE_CANCEL, c);
        name_order(self, where->number, c);
        where->taken = false;
    }
}

/* Crosses the spread and is gone. */
static void take(venue_crowd *self, walk *at, wire_order_command *c) {
    uint8_t side = (uint8_t)below(self, 2);
    uint32_t account = self->makers + below(self, self->accounts - self->makers);
    start(at, account, side, WIRE_NEW_ORDER, c);
    c->type = tw_random_chance(&self->random, 1, 10) ? MX_MARKET : MX_LIMIT;
    c->tif = MX_IOC;
    c->quantity = 50 * lots(self, at, 12);
    int64_t ticks = 1 + below(self, 6);
    if (c->type == MX_LIMIT) c->price = price_at(at, side, -ticks);
}

static void rest_new(venue_crowd *self, walk *at, place *where, wire_order_command *c) {
    uint32_t kind = below(self, 10);
    int64_t ticks = 2 + below(self, 8);
    where->side = (uint8_t)below(self, 2);
    start(at, where->account, where->side, WIRE_NEW_ORDER, c);
    c->type = MX_LIMIT;
    c->tif = kind < 3 ? MX_GTC : MX_DAY;
    c->quantity = 100 * lots(self, at, 8);
    c->price = price_at(at, where->side, ticks);
    if (kind >= 8) { /* a stop waits on the far side of the price: a buy above it */
        c->type = kind == 8 ? MX_STOP : MX_STOP_LIMIT;
        c->stop_price = price_at(at, where->side, -STOP_DISTANCE - ticks);
        c->price = kind == 8 ? TW_PRICE_ABSENT : price_at(at, where->side, -STOP_DISTANCE - ticks - 5);
    } else if (kind >= 5) { /* an iceberg */
        c->display = c->quantity;
        c->quantity *= 10;
    }
    enter(self, where, c);
}

static void rest_change(venue_crowd *self, walk *at, place *where, wire_order_command *c) {
    bool replace = !where->stop && tw_random_chance(&self->random, 1, 2);
    start(at, where->account, where->side, replace ? WIRE_REPLACE : WIRE_CANCEL, c);
    name_order(self, where->number, c);
    if (replace)
        c->price = price_at(at, where->side, 2 + below(self, 8));
    else
        where->taken = false;
}

uint32_t venue_crowd_next(venue_crowd *self, wire_order_command *command) {
    uint32_t first = below(self, self->count), second = below(self, self->count);
    uint32_t number = first < second ? first : second; /* the first ones are the busy ones */
    walk *at = &self->walks[number];
    step(self, at);
    uint32_t role = below(self, 100);
    if (role < 55) {
        quote(self, at, command);
    } else if (role < 85) {
        take(self, at, command);
    } else {
        place *where = &at->rests[below(self, RESTS)];
        if (where->taken)
            rest_change(self, at, where, command);
        else
            rest_new(self, at, where, command);
    }
    return number;
}
