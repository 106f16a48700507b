/* Reports: the next place in the caller's memory, filled from the input and, where there is one, the order. */
#include "matcher/core/engine_internal.h"

mx_report *emit(mx_engine *engine, mx_report_kind kind, mx_reason reason) {
    mx_sink *sink = engine->sink;
    if (sink->count == sink->capacity) sink->full(sink, sink->context);
    mx_report *report = &sink->reports[sink->count++];
    *report = (mx_report){.seq = engine->input.seq,
                          .index = engine->input.index,
                          .n = engine->next_n++,
                          .event_ns = engine->now_ns,
                          .stream_ns = engine->input.stream_ns,
                          .kind = (uint8_t)kind,
                          .command = engine->command,
                          .reason = (uint16_t)reason,
                          .account = MX_UNKNOWN,
                          .instrument = MX_UNKNOWN,
                          .price = TW_PRICE_ABSENT,
                          .stop_price = TW_PRICE_ABSENT,
                          .average_price = TW_PRICE_ABSENT,
                          .last_price = TW_PRICE_ABSENT};
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

mx_report *emit_order(mx_engine *engine, mx_report_kind kind, mx_reason reason, uint32_t row) {
    const order *one = &engine->orders[row];
    const order_rest *rest = &engine->rests[row];
    const position *whose = &engine->positions[one->position];
    bool ended = kind == MX_CANCELLED || kind == MX_EXPIRED;
    mx_report *report = emit(engine, kind, reason);
    report->status = ended ? MX_STATUS_CANCELLED : status_of(one);
    report->side = one->side;
    report->type = one->type;
    report->tif = one->tif;
    report->account = whose->account;
    report->instrument = whose->instrument;
    report->order_id = one->id;
    report->session = rest->session == NO_ROW ? 0 : engine->sessions[rest->session].id;
    report->price = one->price;
    report->stop_price = rest->stop_price;
    report->quantity = rest->quantity;
    report->leaves = ended ? 0 : one->leaves;
    report->shown = ended ? 0 : one->shown;
    report->executed = one->executed;
    if (one->executed > 0) {
        report->average_price = average(rest->notional, one->executed);
        report->executed_notional = rest->notional;
    }
    report->client_id = rest->client_id;
    return report;
}
