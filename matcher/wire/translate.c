/* Commands and reports between the wire's structs and the engine's. */
#include "matcher/wire/translate.h"

#include <string.h>

#include "base/text.h"

_Static_assert((int)WIRE_NEW_ORDER == MX_NEW_ORDER && (int)WIRE_MASS_CANCEL == MX_MASS_CANCEL, "the same numbers");
_Static_assert(WIRE_QUANTITY_ABSENT == MX_SAME && WIRE_NUMBER_ABSENT == MX_UNKNOWN, "the same words for absent");
_Static_assert(WIRE_CLIENT_ID_BYTES == sizeof(mx_client_id) + 1 && WIRE_ACCOUNT_BYTES == MX_ACCOUNT_BYTES,
               "names fit");
_Static_assert(WIRE_TICK_BANDS == MX_TICK_BANDS, "ticks fit");

static uint64_t or_none(uint64_t quantity) {
    return quantity == WIRE_QUANTITY_ABSENT ? 0 : quantity;
}

static int64_t time_or_0(int64_t time_ns) {
    return time_ns == TW_TIME_ABSENT ? 0 : time_ns;
}

/* 0 is both; what no set of sides has stays wrong, and is refused. */
static uint8_t sides_of(uint32_t sides) {
    if (sides == 0) return TW_SIDES_BOTH;
    return sides <= TW_SIDES_BOTH ? (uint8_t)sides : UINT8_MAX;
}

void mw_client_id_text(const mx_client_id *id, char text[WIRE_CLIENT_ID_BYTES]) {
    memcpy(text, id->words, sizeof id->words);
    text[sizeof id->words] = '\0';
}

/* ---- orders ---- */

static void new_order(const mx_engine *engine, const mx_input *input, const wire_order_command *from,
                      mx_new_order *to) {
    *to = (mx_new_order){.order_id = MX_ORDER_ID(input->seq, input->index),
                         .account = mx_account_find(engine, from->account),
                         .instrument = mx_instrument_find(engine, from->symbol),
                         .side = from->side,
                         .type = from->type,
                         .tif = from->tif,
                         .stp = from->stp,
                         .post_only = from->post_only,
                         .price = from->price,
                         .stop_price = from->stop_price,
                         .quantity = or_none(from->quantity),
                         .display = or_none(from->display),
                         .minimum = from->minimum,
                         .expire_ns = time_or_0(from->expire_ns),
                         .session = from->session,
                         .client_id = mx_client_id_of(from->client_order_id)};
}

static mx_target target_of(const mx_engine *engine, const wire_order_command *from) {
    return (mx_target){.order_id = from->order_id,
                       .client_id = mx_client_id_of(from->client_order_id),
                       .account = mx_account_find(engine, from->account),
                       .instrument = mx_instrument_find(engine, from->symbol)};
}

static void replace(const mx_engine *engine, const wire_order_command *from, mx_replace *to) {
    *to = (mx_replace){.target = target_of(engine, from),
                       .quantity = from->quantity,
                       .open_only = from->open_only,
                       .price = from->price,
                       .stop_price = from->stop_price,
                       .display = from->display};
}

static mx_session session_of(const wire_order_command *from) {
    bool fits = from->timeout_ns <= INT64_MAX;
    return (mx_session){.session = from->session, .timeout_ns = fits ? (int64_t)from->timeout_ns : INT64_MAX};
}

void mw_order_command(const mx_engine *engine, const mx_input *input, const wire_order_command *from,
                      mx_command *to) {
    static const uint8_t kinds[] = {MX_NEW_ORDER,    MX_CANCEL,       MX_REPLACE,      MX_MASS_CANCEL,
                                    MX_SESSION_OPEN, MX_SESSION_BEAT, MX_SESSION_CLOSE};
    to->kind = kinds[from->kind];
    switch (from->kind) {
    case WIRE_NEW_ORDER:
        new_order(engine, input, from, &to->order);
        break;
    case WIRE_CANCEL:
        to->cancel.target = target_of(engine, from);
        break;
    case WIRE_REPLACE:
        replace(engine, from, &to->replace);
        break;
    case WIRE_MASS_CANCEL:
        to->mass_cancel =
            (mx_mass_cancel){.account = mx_account_find(engine, from->account),
                             .instrument = from->all_symbols ? MX_EVERY : mx_instrument_find(engine, from->symbol),
                             .sides = sides_of(from->sides)};
        break;
    default:
        to->session = session_of(from);
        break;
    }
}

static bool is_strange(uint32_t account, uint32_t instrument) {
    return account == MX_UNKNOWN || instrument == MX_UNKNOWN;
}

bool mw_is_strange(const mx_command *order) {
    switch (order->kind) {
    case MX_NEW_ORDER:
        return is_strange(order->order.account, order->order.instrument);
    case MX_CANCEL:
        return is_strange(order->cancel.target.account, order->cancel.target.instrument);
    case MX_REPLACE:
        return is_strange(order->replace.target.account, order->replace.target.instrument);
    case MX_MASS_CANCEL:
        return is_strange(order->mass_cancel.account, order->mass_cancel.instrument);
    default: /* sessions are nobody's */
        return false;
    }
}

/* ---- control ---- */

static uint32_t account_of(const mx_engine *engine, const wire_control_command *from) {
    return from->all_accounts ? MX_EVERY : mx_account_find(engine, from->account);
}

static uint32_t instrument_of(const mx_engine *engine, const wire_control_command *from) {
    return from->all_symbols ? MX_EVERY : mx_instrument_find(engine, from->symbol);
}

/* Two lists of different length are no ticks. */
static void define_instrument(const mx_engine *engine, const wire_control_command *from, mx_define_instrument *to) {
    uint32_t known = mx_instrument_find(engine, from->symbol);
    *to = (mx_define_instrument){.instrument = known != MX_UNKNOWN ? known : mx_instruments(engine),
                                 .price_exponent = from->price_exponent,
                                 .quantity_exponent = from->quantity_exponent,
                                 .tick_bands = from->tick.count == from->tick_from.count ? from->tick.count : 0,
                                 .lot = from->lot,
                                 .collar_ppm = from->collar_ppm,
                                 .protection_ppm = from->protection_ppm,
                                 .reference_price = from->price};
    tw_text_copy(to->symbol, sizeof to->symbol, from->symbol);
    for (uint32_t i = 0; i < to->tick_bands; i++)
        to->ticks[i] = (mx_tick_band){from->tick_from.values[i], from->tick.values[i]};
}

static uint8_t fee_class_of(const wire_control_command *from) {
    return from->fee_class < MX_FEE_CLASSES ? (uint8_t)from->fee_class : UINT8_MAX;
}

static void define_account(const mx_engine *engine, const wire_control_command *from, mx_define_account *to) {
    uint32_t known = mx_account_find(engine, from->account);
    *to = (mx_define_account){.account = known != MX_UNKNOWN ? known : mx_accounts(engine),
                              .fee_class = fee_class_of(from)};
    tw_text_copy(to->name, sizeof to->name, from->account);
}

static void set_limits(const mx_engine *engine, const wire_control_command *from, mx_limits *to) {
    *to = (mx_limits){.account = mx_account_find(engine, from->account),
                      .order_quantity = from->order_quantity,
                      .order_notional = from->order_notional,
                      .funds = from->funds,
                      .exposure = from->exposure,
                      .position = from->position,
                      .concentration_ppm = from->concentration_ppm,
                      .collar_ppm = from->collar_ppm,
                      .open_orders = from->open_orders,
                      .rate_per_second = from->rate_per_second,
                      .rate_burst = from->rate_burst,
                      .duplicate_ns = from->duplicate_ns};
}

static mx_fees fees_of(const wire_control_command *from) {
    return (mx_fees){.fee_class = fee_class_of(from),
                     .maker_ppm = from->maker_ppm,
                     .taker_ppm = from->taker_ppm,
                     .maker_per_unit = from->maker_per_unit,
                     .taker_per_unit = from->taker_per_unit};
}

static mx_bounds bounds_of(const wire_control_command *from) {
    return (mx_bounds){.max_instruments = from->max_instruments,
                       .max_accounts = from->max_accounts,
                       .max_positions = from->max_positions,
                       .max_orders = from->max_orders,
                       .max_pages = from->max_pages,
                       .max_client_ids = from->max_client_ids,
                       .max_sessions = from->max_sessions,
                       .max_reports = from->max_reports,
                       .max_steps = from->max_steps};
}

/* The kinds that name accounts or instruments and little else. */
static void set_switch(const mx_engine *engine, const wire_control_command *from, mx_command *to) {
    uint32_t account = account_of(engine, from), instrument = instrument_of(engine, from);
    switch (to->kind) {
    case MX_SET_STATE:
        to->set_state = (mx_set_state){instrument, from->state};
        break;
    case MX_SET_REFERENCE:
        to->set_reference = (mx_set_reference){instrument, from->price};
        break;
    case MX_SET_BLOCK: /* "all" is said, never meant by leaving a name out */
        to->block = (mx_block){account, instrument, from->on};
        break;
    case MX_SET_KILL:
        to->kill = (mx_kill){account, from->on};
        break;
    case MX_SET_STORAGE:
        to->storage = (mx_storage){from->on};
        break;
    default:
        to->mass_cancel = (mx_mass_cancel){account, instrument, sides_of(from->sides)};
        break;
    }
}

void mw_control_command(const mx_engine *engine, const wire_control_command *from, mx_command *to) {
    static const uint8_t kinds[] = {MX_CLOCK,     MX_DEFINE_INSTRUMENT, MX_DEFINE_ACCOUNT, MX_SET_LIMITS,
                                    MX_SET_FEES,  MX_SET_STATE,         MX_SET_REFERENCE,  MX_BEGIN_DAY,
                                    MX_SET_BLOCK, MX_SET_KILL,          MX_MASS_CANCEL,    MX_SET_STORAGE,
                                    MX_SET_BOUNDS};
    to->kind = from->kind < sizeof kinds ? kinds[from->kind] : MX_COMMANDS;
    switch (to->kind) {
    case MX_CLOCK:
    case MX_COMMANDS:
        break;
    case MX_DEFINE_INSTRUMENT:
        define_instrument(engine, from, &to->define_instrument);
        break;
    case MX_DEFINE_ACCOUNT:
        define_account(engine, from, &to->define_account);
        break;
    case MX_SET_LIMITS:
        set_limits(engine, from, &to->limits);
        break;
    case MX_SET_FEES:
        to->fees = fees_of(from);
        break;
    case MX_SET_BOUNDS:
        to->bounds = bounds_of(from);
        break;
    case MX_BEGIN_DAY:
        to->begin_day = (mx_begin_day){from->date, time_or_0(from->end_ns)};
        break;
    default:
        set_switch(engine, from, to);
        break;
    }
}

/* ---- out ---- */

/* Every field by itself: clearing it first would cost as much again, and a busy venue does this a million times a second. */
void mw_report(const mx_report *from, const char *correlation_id, const char *order_correlation_id, bool for_audit,
               wire_report *to) {
    to->seq = from->seq;
    to->index = from->index;
    to->n = from->n;
    to->kind = from->kind;
    to->command = from->command;
    to->status = from->status;
    to->side = from->side;
    to->type = from->type;
    to->tif = from->tif;
    to->liquidity = from->liquidity;
    to->state = from->state;
    to->duplicate = from->duplicate;
    to->reason = from->reason;
    to->account = from->account;
    to->instrument = from->instrument;
    to->order_id = from->order_id;
    to->counter_id = for_audit ? from->counter_id : 0;
    to->session = from->session;
    to->stream_ns = from->stream_ns;
    to->event_ns = from->event_ns;
    to->price = from->price;
    to->stop_price = from->stop_price;
    to->average_price = from->average_price;
    to->last_price = from->last_price;
    to->quantity = from->quantity;
    to->leaves = from->leaves;
    to->shown = from->shown;
    to->executed = from->executed;
    to->last_quantity = from->last_quantity;
    to->executed_notional = from->executed_notional;
    to->fee = from->fee;
    mw_client_id_text(&from->client_id, to->client_order_id);
    to->correlation_id[0] = '\0';
    if (correlation_id != NULL && correlation_id[0] != '\0')
        tw_text_copy(to->correlation_id, sizeof to->correlation_id, correlation_id);
    to->order_correlation_id[0] = '\0';
    if (order_correlation_id != NULL && strcmp(order_correlation_id, to->correlation_id) != 0)
        tw_text_copy(to->order_correlation_id, sizeof to->order_correlation_id, order_correlation_id);
    to->account_name[0] = to->symbol[0] = '\0';
}

void mw_order_view(const mx_order_view *from, wire_order_view *to) {
    *to = (wire_order_view){.order_id = from->order_id,
                            .instrument = from->instrument,
                            .side = from->side,
                            .type = from->type,
                            .tif = from->tif,
                            .status = from->status,
                            .price = from->price,
                            .stop_price = from->stop_price,
                            .quantity = from->quantity,
                            .leaves = from->leaves,
                            .shown = from->shown,
                            .executed = from->executed,
                            .display = from->display,
                            .executed_notional = from->executed_notional,
                            .expire_ns = from->expire_ns == 0 ? TW_TIME_ABSENT : from->expire_ns,
                            .session = from->session};
    mw_client_id_text(&from->client_id, to->client_order_id);
}

void mw_position_view(const mx_position_view *from, wire_position_view *to) {
    *to = (wire_position_view){.instrument = from->instrument,
                               .quantity = from->quantity,
                               .average_price = from->average_price,
                               .cost = from->cost,
                               .realised = from->realised,
                               .open_buys = from->open_buys,
                               .open_sells = from->open_sells,
                               .blocked = from->blocked};
}

void mw_definition(const mx_instrument_view *from, wire_control_command *to) {
    const mx_define_instrument *known = &from->definition;
    *to = wire_control_command_empty;
    to->kind = WIRE_DEFINE_INSTRUMENT;
    to->price = from->reference_price;
    to->price_exponent = known->price_exponent;
    to->quantity_exponent = known->quantity_exponent;
    to->lot = known->lot;
    to->collar_ppm = known->collar_ppm;
    to->protection_ppm = known->protection_ppm;
    to->tick.count = to->tick_from.count = known->tick_bands;
    for (uint32_t i = 0; i < known->tick_bands; i++) {
        to->tick_from.values[i] = known->ticks[i].from;
        to->tick.values[i] = known->ticks[i].tick;
    }
    tw_text_copy(to->symbol, sizeof to->symbol, known->symbol);
}

void mw_account_view(const mx_account_view *from, wire_account_view *to) {
    *to = (wire_account_view){.fee_class = from->fee_class,
                              .open_orders = from->open_orders,
                              .limits_known = from->limits_known,
                              .blocked = from->blocked,
                              .killed = from->killed,
                              .spent = from->spent,
                              .fees = from->fees,
                              .reserved = from->reserved,
                              .available = from->available};
    if (!from->limits_known) return;
    to->funds = from->limits.funds;
    to->exposure = from->limits.exposure;
    to->order_notional = from->limits.order_notional;
    to->order_quantity = from->limits.order_quantity;
    to->position = from->limits.position;
    to->concentration_ppm = from->limits.concentration_ppm;
    to->collar_ppm = from->limits.collar_ppm;
    to->open_orders_limit = from->limits.open_orders;
    to->rate_per_second = from->limits.rate_per_second;
    to->rate_burst = from->limits.rate_burst;
    to->duplicate_ns = from->limits.duplicate_ns;
}

bool mw_named_instrument(const mx_engine *engine, uint32_t instrument, wire_named_instrument *to) {
    mx_instrument_view view;
    if (!mx_instrument_get(engine, instrument, &view)) return false;
    *to = (wire_named_instrument){.number = instrument,
                                  .price_exponent = view.definition.price_exponent,
                                  .quantity_exponent = view.definition.quantity_exponent};
    return tw_text_copy(to->symbol, sizeof to->symbol, view.definition.symbol);
}

bool mw_named_account(const mx_engine *engine, uint32_t account, wire_named_account *to) {
    mx_account_view view;
    if (!mx_account_get(engine, account, &view)) return false;
    *to = (wire_named_account){.number = account};
    return tw_text_copy(to->name, sizeof to->name, view.name);
}
