/*
 * The matching engine: any bytes as commands. Whatever they ask for, each is answered, the engine's tables stay whole, and what was saved
 * in the middle and restored goes on in the same way.
 */
#include "matcher/core/snapshot.h"

#include "tests/fuzz/fuzz.h"
#include "tests/support/shelf.h"

enum { REPORTS = 512 };

static const mx_bounds bounds = {.max_instruments = 3,
                                 .max_accounts = 3,
                                 .max_positions = 6,
                                 .max_orders = 24,
                                 .max_pages = 12,
                                 .max_client_ids = 32,
                                 .max_sessions = 3,
                                 .max_reports = 12};

static void overflow(mx_sink *sink, void *context) {
    (void)context;
    sink->count = 0;
}

/* Small values mostly, any value now and then. */
static uint64_t word(fuzz_input *in) {
    uint8_t first = fuzz_u8(in);
    if (first < 240) return first;
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | fuzz_u8(in);
    return first == 255 ? UINT64_MAX : value;
}

static int64_t price(fuzz_input *in) {
    uint64_t value = word(in);
    return value == 0 ? TW_PRICE_ABSENT : (int64_t)value;
}

static uint32_t number(fuzz_input *in) {
    uint8_t value = fuzz_u8(in);
    return value == 250 ? MX_EVERY : value == 251 ? MX_UNKNOWN : value % 4;
}

static mx_client_id name(fuzz_input *in) {
    return (mx_client_id){{fuzz_u8(in) % 16}};
}

static mx_target target(fuzz_input *in) {
    return (mx_target){
        .order_id = fuzz_u8(in) % 32, .client_id = name(in), .account = number(in), .instrument = number(in)};
}

static void new_order(fuzz_input *in, mx_new_order *o) {
    *o = (mx_new_order){.order_id = fuzz_u8(in) % 32, .account = number(in), .instrument = number(in)};
    o->side = fuzz_u8(in) % 3;
    o->type = fuzz_u8(in) % 5;
    o->tif = fuzz_u8(in) % 6;
    o->stp = fuzz_u8(in) % 6;
    o->post_only = fuzz_u8(in) == 1;
    o->price = price(in);
    o->stop_price = price(in);
    o->quantity = word(in);
    o->display = word(in);
    o->minimum = word(in);
    o->expire_ns = (int64_t)word(in);
    o->session = fuzz_u8(in) % 4;
    o->client_id = name(in);
}

static void define_instrument(fuzz_input *in, mx_define_instrument *d) {
    *d = (mx_define_instrument){.instrument = number(in), .symbol = {(char)fuzz_u8(in)}};
    d->tick_bands = fuzz_u8(in) % (MX_TICK_BANDS + 2);
    for (uint32_t i = 0; i < 3; i++)
        d->ticks[i] = (mx_tick_band){(int64_t)word(in), (int64_t)word(in)};
    d->lot = word(in);
    d->collar_ppm = (uint32_t)word(in) * 1000;
    d->protection_ppm = (uint32_t)word(in) * 1000;
    d->reference_price = price(in);
}

static void set_limits(fuzz_input *in, mx_limits *l) {
    *l = (mx_limits){.account = number(in),
                     .order_quantity = word(in),
                     .order_notional = (mx_money)word(in) * 1000,
                     .funds = (mx_money)word(in) * 1000,
                     .exposure = (mx_money)word(in) * 1000,
                     .position = word(in),
                     .concentration_ppm = (uint32_t)word(in) * 10000,
                     .collar_ppm = (uint32_t)word(in) * 1000,
                     .open_orders = (uint32_t)word(in),
                     .rate_per_second = (uint32_t)word(in),
                     .rate_burst = (uint32_t)word(in),
                     .duplicate_ns = (int64_t)word(in)};
}

static void control(fuzz_input *in, mx_command *c) {
    switch (c->kind) {
    case MX_DEFINE_INSTRUMENT:
        define_instrument(in, &c->define_instrument);
        break;
    case MX_DEFINE_ACCOUNT:
        c->define_account = (mx_define_account){number(in), {(char)fuzz_u8(in)}, fuzz_u8(in) % 20};
        break;
    case MX_SET_LIMITS:
        set_limits(in, &c->limits);
        break;
    case MX_SET_FEES:
        c->fees = (mx_fees){fuzz_u8(in) % 20, (int32_t)word(in), -(int32_t)fuzz_u8(in), (int64_t)word(in), 0};
        break;
    case MX_SET_STATE:
        c->set_state = (mx_set_state){number(in), fuzz_u8(in) % 6};
        break;
    case MX_SET_REFERENCE:
        c->set_reference = (mx_set_reference){number(in), (int64_t)word(in)};
        break;
    case MX_BEGIN_DAY:
        c->begin_day = (mx_begin_day){(uint32_t)word(in), (int64_t)word(in)};
        break;
    case MX_SET_BLOCK:
        c->block = (mx_block){number(in), number(in), fuzz_u8(in) == 1};
        break;
    case MX_SET_KILL:
        c->kill = (mx_kill){number(in), fuzz_u8(in) == 1};
        break;
    case MX_SET_STORAGE:
        c->storage.low = fuzz_u8(in) == 1;
        break;
    default:
        c->session = (mx_session){fuzz_u8(in) % 5, (int64_t)word(in)};
        break;
    }
}

static void command_of(fuzz_input *in, mx_command *c) {
    memset(c, 0, sizeof *c);
    uint8_t first = fuzz_u8(in);
    c->kind = first < 160 ? MX_NEW_ORDER : first % (MX_COMMANDS + 1);
    if (c->kind == MX_NEW_ORDER) {
        new_order(in, &c->order);
    } else if (c->kind == MX_CANCEL) {
        c->cancel.target = target(in);
    } else if (c->kind == MX_REPLACE) {
        c->replace = (mx_replace){.target = target(in), .quantity = word(in), .open_only = fuzz_u8(in) == 1};
        c->replace.price = price(in);
        c->replace.stop_price = price(in);
        c->replace.display = word(in);
    } else if (c->kind == MX_MASS_CANCEL) {
        c->mass_cancel = (mx_mass_cancel){number(in), number(in), fuzz_u8(in) % 5};
    } else {
        control(in, c);
    }
}

/* Something to trade with and on, so that not every input has to find it. */
static void set_scene(mx_engine *engine, mx_sink *sink, mx_input *input) {
    mx_command scene[] = {
        {.kind = MX_DEFINE_INSTRUMENT,
         .define_instrument = {.symbol = "A",
                               .tick_bands = 1,
                               .ticks = {{0, 1}},
                               .lot = 1,
                               .protection_ppm = 50000,
                               .reference_price = 100}},
        {.kind = MX_DEFINE_ACCOUNT, .define_account = {0, "a", 0}},
        {.kind = MX_DEFINE_ACCOUNT, .define_account = {1, "b", 1}},
        {.kind = MX_SET_LIMITS,
         .limits = {.account = 0, .concentration_ppm = MX_PPM + 1, .open_orders = 99, .funds = MX_MONEY_MAX}},
        {.kind = MX_SET_LIMITS,
         .limits = {.account = 1, .concentration_ppm = MX_PPM + 1, .open_orders = 99, .funds = MX_MONEY_MAX}},
        {.kind = MX_BEGIN_DAY, .begin_day = {1, 1 << 20}},
        {.kind = MX_SET_STATE, .set_state = {0, MX_CONTINUOUS}}};
    for (size_t i = 0; i < sizeof scene / sizeof *scene; i++) {
        mx_limits *l = &scene[i].limits;
        if (scene[i].kind == MX_SET_LIMITS) {
            l->order_quantity = l->position = MX_UNLIMITED;
            l->order_notional = l->exposure = MX_MONEY_MAX;
        }
        input->seq++;
        mx_apply(engine, input, &scene[i], sink);
    }
    sink->count = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static mx_engine *engine, *twin;
    static mx_report reports[REPORTS], others[REPORTS];
    static shelf saved, empty; /* kept for the next input */
    tw_error error;
    mx_sink sink = {.reports = reports, .capacity = REPORTS, .full = overflow}, other = sink;
    other.reports = others;
    if (engine == NULL) {
        FUZZ_CHECK(mx_engine_alloc(&engine, &bounds, &error) == TW_OK &&
                   mx_engine_alloc(&twin, &bounds, &error) == TW_OK);
        FUZZ_CHECK(mx_snapshot_write(engine, shelf_keep, &empty, &error) == TW_OK);
    }
    fuzz_input in = {bytes, length};
    mx_input input = {.seq = 0, .stream_ns = 0};
    empty.at = 0;
    FUZZ_CHECK(mx_snapshot_read(engine, shelf_fetch, &empty, &error) == TW_OK);
    set_scene(engine, &sink, &input);
    unsigned save_after = fuzz_u8(&in) % 32, done = 0;
    bool both = false;
    while (in.left > 0) {
        mx_command command;
        command_of(&in, &command);
        uint8_t step = fuzz_u8(&in);
        input.seq += step & 1;
        input.stream_ns =
            (int64_t)((uint64_t)input.stream_ns + (step > 250 ? UINT64_C(1) << 61 : step)); /* any number */
        sink.count = other.count = 0;
        mx_apply(engine, &input, &command, &sink);
        FUZZ_CHECK(sink.count > 0);
        if (both) {
            mx_apply(twin, &input, &command, &other);
            FUZZ_CHECK(other.count == sink.count && memcmp(reports, others, sink.count * sizeof *reports) == 0);
        }
        if (!mx_engine_check(engine, &error)) {
            fprintf(stderr, "%s\n", error.text);
            FUZZ_CHECK(!"the engine is whole");
        }
        if (done++ != save_after) continue;
        saved.length = saved.at = 0;
        FUZZ_CHECK(mx_snapshot_write(engine, shelf_keep, &saved, &error) == TW_OK);
        FUZZ_CHECK(mx_snapshot_read(twin, shelf_fetch, &saved, &error) == TW_OK);
        both = true;
    }
    if (both) FUZZ_CHECK(mx_state_hash(engine) == mx_state_hash(twin));
    return 0;
}
