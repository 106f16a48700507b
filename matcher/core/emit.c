/* Reports: the next place in the caller's memory, filled from the input and, where there is one, the order. */
#include <string.h>

#include "matcher/core/engine_internal.h"

static mx_report *next_place(mx_engine *engine) {
    mx_sink *sink = engine->sink;
    if (sink->count == sink->capacity) sink->full(sink, sink->context);
    return &sink->reports[sink->count++];
}

/* What every report says; the rest of it is the caller's to fill. */
static void begin(mx_engine *engine, mx_report *report, mx_report_kind kind, mx_reason reason) {
    report->seq = engine->seq;
    report->index = engine->input->index;
    report->n = engine->next_n++;
    report->event_ns = engine->now_ns;
    report->stream_ns = engine->input->stream_ns;
    report->kind = (uint8_t)kind;
    report->command = engine->command;
    report->reason = (uint16_t)reason;
}

mx_report *emit(mx_engine *engine, mx_report_kind kind, mx_reason reason) {
    mx_report *report = next_place(engine);
    *report = (mx_report){.account = MX_UNKNOWN,
                          .instrument = MX_UNKNOWN,
                          .price = TW_PRICE_ABSENT,
                          .stop_price = TW_PRICE_ABSENT,
                          .average_price = TW_PRICE_ABSENT,
                          .last_price = TW_PRICE_ABSENT};
    begin(engine, report, kind, reason);
    return report;
}

static uint8_t status_of(const order *one) {
    if (one->leaves == 0) return MX_STATUS_FILLED;
    bool stop = one->type == MX_STOP || one->type == MX_STOP_LIMIT;
    return stop && !one->triggered ? MX_STATUS_WAITING : MX_STATUS_OPEN;
}

static int64_t average(mx_money notional, uint64_t quantity) {
    if (notional >> 63 == 0) return (int64_t)(((uint64_t)notional + quantity / 2) / quantity);
    return (int64_t)((notional + quantity / 2) / quantity);
}

/* Every field by itself: it is the hottest thing that the engine writes, and clearing it first would cost as much again. */
mx_report *emit_order(mx_engine *engine, mx_report_kind kind, mx_reason reason, uint32_t row) {
    const order *one = &engine->orders[row];
    const order_rest *rest = &engine->rests[row];
    const position *whose = &engine->positions[one->position];
    bool ended = kind == MX_CANCELLED || kind == MX_EXPIRED;
    mx_report *report = next_place(engine);
    begin(engine, report, kind, reason);
    report->status = ended ? MX_STATUS_CANCELLED : status_of(one);
    report->side = one->side;
    report->type = one->type;
    report->tif = one->tif;
    report->liquidity = MX_LIQUIDITY_NONE;
    report->state = 0;
    report->duplicate = false;
    memset(report->unused, 0, sizeof report->unused);
    report->account = whose->account;
    report->instrument = whose->instrument;
    report->order_id = one->id;
    report->counter_id = 0;
    report->session = rest->session == NO_ROW ? 0 : engine->sessions[rest->session].id;
    report->price = one->price;
    report->stop_price = rest->stop_price;
    report->quantity = order_quantity(one);
    report->leaves = ended ? 0 : one->leaves;
    report->shown = ended ? 0 : one->shown;
    report->executed = one->executed;
    report->average_price = one->executed > 0 ? average(rest->notional, one->executed) : TW_PRICE_ABSENT;
    report->last_price = TW_PRICE_ABSENT;
    report->last_quantity = 0;
    report->client_id = rest->client_id;
    report->executed_notional = rest->notional;
    report->fee = 0;
    return report;
}
