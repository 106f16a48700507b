/* Cancels, of one order or of many. They are allowed always: in every state, blocked, killed, without limits, at any rate. */
#include "matcher/core/engine_internal.h"
#include "matcher/core/risk.h"

mx_reason target_find(mx_engine *engine, const mx_target *target, uint32_t *row) {
    *row = NO_ROW;
    if (target->account >= engine->account_count) return MXR_UNKNOWN_ACCOUNT;
    if (target->instrument >= engine->instrument_count) return MXR_UNKNOWN_INSTRUMENT;
    uint64_t id = target->order_id;
    if (id == 0 && !mx_client_id_none(&target->client_id)) {
        uint32_t client =
            client_find(engine, client_hash(engine, target->account, target->instrument, &target->client_id),
                        target->account, target->instrument, &target->client_id);
        if (client != NO_ROW && engine->client_rows[client].reason == MXR_OK)
            id = engine->client_rows[client].order_id;
    }
    uint32_t found = id != 0 ? id_map_find(&engine->order_ids, engine->orders, sizeof(order), id) : NO_ROW;
    if (found == NO_ROW) return MXR_UNKNOWN_ORDER;
    const position *whose = &engine->positions[engine->orders[found].position];
    if (whose->account != target->account || whose->instrument != target->instrument) return MXR_UNKNOWN_ORDER;
    *row = found;
    return MXR_OK;
}

void target_refuse(mx_engine *engine, mx_report_kind kind, mx_reason reason, const mx_target *target,
                   uint32_t row) {
    if (row != NO_ROW) {
        emit_order(engine, kind, reason, row);
        return;
    }
    mx_report *report = emit(engine, kind, reason);
    report->account = target->account;
    report->instrument = target->instrument;
    report->order_id = target->order_id;
    report->client_id = target->client_id;
}

void order_cancel(mx_engine *engine, const mx_cancel *command) {
    const mx_target *target = &command->target;
    if (target->account < engine->account_count) (void)risk_rate(engine, &engine->accounts[target->account]);
    uint32_t row;
    mx_reason reason = target_find(engine, target, &row);
    if (reason != MXR_OK) {
        target_refuse(engine, MX_CANCEL_REJECTED, reason, target, row);
        return;
    }
    order_end(engine, row, MX_CANCELLED, MXR_REQUESTED);
}

static uint32_t oldest(const mx_engine *engine, const row_list lists[2], unsigned sides) {
    uint32_t bid = (sides & TW_SIDES_BID) != 0 ? lists[TW_BID].head : NO_ROW;
    uint32_t ask = (sides & TW_SIDES_ASK) != 0 ? lists[TW_ASK].head : NO_ROW;
    if (bid == NO_ROW || ask == NO_ROW) return bid == NO_ROW ? ask : bid;
    return engine->rests[bid].entry < engine->rests[ask].entry ? bid : ask;
}

/* Looks at what it cancels, and at nothing else. */
uint32_t cancel_account(mx_engine *engine, uint32_t number, uint32_t where, unsigned sides, mx_reason reason) {
    const row_list *lists = engine->accounts[number].orders;
    if (where != MX_EVERY) {
        uint32_t held = position_find(engine, number, where);
        if (held == NO_ROW) return 0;
        lists = engine->positions[held].orders;
    }
    uint32_t count = 0;
    for (uint32_t row; (row = oldest(engine, lists, sides)) != NO_ROW; count++)
        order_end(engine, row, MX_CANCELLED, reason);
    return count;
}

/* One account's can't be refused for want of steps, and needs none. */
static mx_reason mass_check(mx_engine *engine, const mx_mass_cancel *command) {
    if (command->account != MX_EVERY && command->account >= engine->account_count) return MXR_UNKNOWN_ACCOUNT;
    if (command->instrument != MX_EVERY && command->instrument >= engine->instrument_count)
        return MXR_UNKNOWN_INSTRUMENT;
    if (command->sides < TW_SIDES_BID || command->sides > TW_SIDES_BOTH) return MXR_BAD_FIELD;
    bool refused = command->account == MX_EVERY && !steps_take(engine, engine->account_count);
    return refused ? MXR_INPUT_FULL : MXR_OK;
}

void mass_cancel(mx_engine *engine, const mx_mass_cancel *command) {
    mx_reason reason = mass_check(engine, command);
    uint32_t count = 0;
    if (reason == MXR_OK && command->account != MX_EVERY) {
        (void)risk_rate(engine, &engine->accounts[command->account]);
        count = cancel_account(engine, command->account, command->instrument, command->sides, MXR_MASS_CANCEL);
    } else if (reason == MXR_OK) {
        for (uint32_t i = 0; i < engine->account_count; i++)
            count += cancel_account(engine, i, command->instrument, command->sides, MXR_MASS_CANCEL);
    }
    mx_report *report = emit(engine, reason == MXR_OK ? MX_MASS_CANCELLED : MX_CANCEL_REJECTED, reason);
    report->account = command->account == MX_EVERY ? MX_UNKNOWN : command->account;
    report->instrument = command->instrument == MX_EVERY ? MX_UNKNOWN : command->instrument;
    report->quantity = count;
}
