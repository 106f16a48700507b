/*
 * The matching engine behind the C interface of the public "Matching Engine Algorithm Performance Challenge" (GitHub:
 * flash1-dev/matching-engine-benchmark), whose harness loads this as a shared library. Built where CMake's TICKWIRE_MEB_DIR names a
 * checkout of it; nothing of it is kept here.
 *
 * It is the whole engine, with all of its checks: an instrument with a tick of 1, an account with limits (each rule is evaluated,
 * none is reached) whose orders may trade with each other, a trading day. Reports are translated one by one.
 *
 * Two conventions of the benchmark: a modify's quantity is what shall still be executed, and one message has one sequence number,
 * which is the engine's input sequence.
 */
#include "matching_engine_api.h"

#include <stdlib.h>

#include "base/assert.h"
#include "matcher/core/engine.h"
#include "meb_ring.h"

#define EXPORT  __attribute__((visibility("default")))
#define REPORTS 64

/* The interface has no handle to pass along: one engine a process. */
static struct {
    mx_engine *engine;
    const me_transport_t *transport;
    void *queue;
    meb_ring *ring; /* the queue, if it is ours */
    mx_sink sink;
    mx_report reports[REPORTS];
    mx_command order, cancel, replace;
    uint64_t seq;
} meb;

/* Into the harness's own queue, or (TICKWIRE_MEB_RING) straight into ours. */
static me_report_t *place(me_report_t *spare) {
    return meb.ring != NULL ? meb_ring_place(meb.ring) : spare;
}

static void written(const me_report_t *report) {
    if (meb.ring != NULL) {
        meb_ring_written(meb.ring);
        return;
    }
    while (!meb.transport->push(meb.queue, report)) {
    }
}

/* The benchmark's word for a report, NO_WORD if it has none: it does not know of new orders that are refused. */
#define NO_WORD UINT8_MAX
static const uint8_t words[MX_REPORT_KINDS] = {
    [MX_ACCEPTED] = ME_ORDER_ACK,
    [MX_REJECTED] = NO_WORD,
    [MX_FILL] = ME_TRADE,
    [MX_CANCELLED] = ME_CANCEL_ACK,
    [MX_EXPIRED] = NO_WORD,
    [MX_REPLACED] = ME_MODIFY_ACK,
    [MX_TRIGGERED] = NO_WORD,
    [MX_RESTATED] = NO_WORD,
    [MX_CANCEL_REJECTED] = ME_CANCEL_REJECT,
    [MX_REPLACE_REJECTED] = ME_MODIFY_REJECT,
    [MX_MASS_CANCELLED] = NO_WORD,
    [MX_STATE_CHANGED] = NO_WORD,
    [MX_DONE] = NO_WORD,
    [MX_REFUSED] = NO_WORD,
    [MX_SESSION_ENDED] = NO_WORD,
    [MX_DAY_ENDED] = NO_WORD,
};

/* A trade is reported once, by its aggressor. */
static void deliver(mx_sink *sink, void *context) {
    (void)context;
    for (uint32_t i = 0; i < sink->count; i++) {
        const mx_report *from = &sink->reports[i];
        if (words[from->kind] == NO_WORD || from->liquidity == MX_MAKER) continue;
        bool trade = from->kind == MX_FILL;
        me_report_t spare, *to = place(&spare);
        *to = (me_report_t){.type = words[from->kind],
                            .side = from->side,
                            .sequence_number = meb.seq,
                            .order_id = from->order_id,
                            .price_ticks = trade ? from->last_price : from->price,
                            .quantity = (uint32_t)(trade ? from->last_quantity : from->leaves),
                            .maker_order_id = trade ? from->counter_id : 0,
                            .taker_order_id = trade ? from->order_id : 0};
        written(to);
    }
    sink->count = 0;
}

static void apply(uint64_t seq, const mx_command *command) {
    meb.seq = seq;
    mx_input input = {.seq = seq, .stream_ns = 1};
    mx_apply(meb.engine, &input, command, &meb.sink);
    deliver(&meb.sink, NULL);
}

/* A command of the operator, before the first message. */
static void prepare(const mx_command *command) {
    mx_input input = {.seq = 0, .stream_ns = 1};
    mx_apply(meb.engine, &input, command, &meb.sink);
    TW_ASSERT(meb.sink.count == 1 && meb.reports[0].kind != MX_REFUSED);
    meb.sink.count = 0;
}

static void prepare_account(void) {
    prepare(&(mx_command){.kind = MX_DEFINE_ACCOUNT, .define_account = {.name = "ALL"}});
    prepare(&(mx_command){.kind = MX_SET_LIMITS,
                          .limits = {.order_quantity = MX_QUANTITY_MAX,
                                     .order_notional = MX_MONEY_MAX,
                                     .funds = MX_MONEY_MAX,
                                     .exposure = MX_MONEY_MAX,
                                     .position = MX_POSITION_MAX,
                                     .concentration_ppm = MX_PPM + 1,
                                     .open_orders = UINT32_MAX}});
}

EXPORT void engine_init(uint64_t seed, const me_transport_t *transport, void *report_sink) {
    (void)seed;
    meb.transport = transport;
    meb.queue = report_sink;
    meb.ring = transport == &meb_ring_transport ? report_sink : NULL;
    meb.sink = (mx_sink){.reports = meb.reports, .capacity = REPORTS, .full = deliver};
    mx_bounds bounds = {.max_instruments = 1,
                        .max_accounts = 1,
                        .max_positions = 1,
                        .max_orders = 1u << 20,
                        .max_pages = 1u << 14,
                        .max_client_ids = 1,
                        .max_sessions = 1,
                        .max_reports = 1u << 28};
    tw_error error;
    TW_ASSERT(mx_engine_alloc(&meb.engine, &bounds, &error) == TW_OK);
    mx_command define = {
        .kind = MX_DEFINE_INSTRUMENT,
        .define_instrument = {
            .symbol = "X", .tick_bands = 1, .ticks = {{0, 1}}, .lot = 1, .reference_price = TW_PRICE_ABSENT}};
    prepare(&define);
    prepare_account();
    prepare(&(mx_command){.kind = MX_BEGIN_DAY, .begin_day = {.date = 20260102, .end_ns = INT64_C(1) << 60}});
    prepare(&(mx_command){.kind = MX_SET_STATE, .set_state = {.state = MX_CONTINUOUS}});
    meb.order = (mx_command){.kind = MX_NEW_ORDER, .order = {.stop_price = TW_PRICE_ABSENT}};
    meb.cancel = (mx_command){.kind = MX_CANCEL};
    meb.replace = (mx_command){.kind = MX_REPLACE,
                               .replace = {.open_only = true, .stop_price = TW_PRICE_ABSENT, .display = MX_SAME}};
}

EXPORT void engine_shutdown(void) {
    mx_engine_free(meb.engine);
    meb.engine = NULL;
}

EXPORT void engine_on_new_order(const new_order_t *order) {
    mx_new_order *to = &meb.order.order;
    to->order_id = order->order_id;
    to->side = order->side;
    to->tif = order->ioc ? MX_IOC : MX_GTC;
    to->price = order->price_ticks;
    to->quantity = order->quantity;
    apply(order->sequence_number, &meb.order);
}

EXPORT void engine_on_cancel(const cancel_t *cancel) {
    meb.cancel.cancel.target.order_id = cancel->order_id;
    apply(cancel->sequence_number, &meb.cancel);
}

EXPORT void engine_on_modify(const modify_t *modify) {
    mx_replace *to = &meb.replace.replace;
    to->target.order_id = modify->order_id;
    to->price = modify->new_price_ticks;
    to->quantity = modify->new_quantity;
    apply(modify->sequence_number, &meb.replace);
}

EXPORT void engine_flush(void) {}

static int64_t best(tw_side side, int64_t none) {
    tw_level level;
    return mx_book_top(meb.engine, 0, side, &level, 1) == 1 ? level.price : none;
}

EXPORT int64_t engine_query_best_bid(void) {
    return best(TW_BID, INT64_MIN);
}

EXPORT int64_t engine_query_best_ask(void) {
    return best(TW_ASK, INT64_MAX);
}

EXPORT uint64_t engine_query_depth_at(int64_t price_ticks, uint8_t side) {
    uint64_t shown, total;
    mx_book_level(meb.engine, 0, side == 0 ? TW_BID : TW_ASK, price_ticks, &shown, &total);
    return total;
}

#ifdef TICKWIRE_MEB_RING
EXPORT const me_transport_t *engine_get_transport(void) {
    return &meb_ring_transport;
}
#endif
