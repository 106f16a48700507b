/* The tables of the venue's messages: the schema's field numbers beside the structs of venue.h. */
#include "proto/venue_tables.h"

const wire_order_command wire_order_command_empty = {.price = TW_PRICE_ABSENT,
                                                     .stop_price = TW_PRICE_ABSENT,
                                                     .quantity = WIRE_QUANTITY_ABSENT,
                                                     .display = WIRE_QUANTITY_ABSENT,
                                                     .expire_ns = TW_TIME_ABSENT};
const wire_control_command wire_control_command_empty = {.price = TW_PRICE_ABSENT, .end_ns = TW_TIME_ABSENT};
const wire_report wire_report_empty = {.account = WIRE_NUMBER_ABSENT,
                                       .instrument = WIRE_NUMBER_ABSENT,
                                       .stream_ns = TW_TIME_ABSENT,
                                       .event_ns = TW_TIME_ABSENT,
                                       .price = TW_PRICE_ABSENT,
                                       .stop_price = TW_PRICE_ABSENT,
                                       .average_price = TW_PRICE_ABSENT,
                                       .last_price = TW_PRICE_ABSENT};
const wire_order_view wire_order_view_empty = {.instrument = WIRE_NUMBER_ABSENT,
                                               .price = TW_PRICE_ABSENT,
                                               .stop_price = TW_PRICE_ABSENT,
                                               .expire_ns = TW_TIME_ABSENT};
const wire_position_view wire_position_view_empty = {.instrument = WIRE_NUMBER_ABSENT,
                                                     .average_price = TW_PRICE_ABSENT};
static const wire_named_instrument named_instrument_empty = {.number = WIRE_NUMBER_ABSENT};
static const wire_named_account named_account_empty = {.number = WIRE_NUMBER_ABSENT};
static const wire_batch_header batch_header_empty = {.sent_ns = TW_TIME_ABSENT};
static const wire_execution_header execution_header_empty = {.publish_ns = TW_TIME_ABSENT};
static const wire_query_reply_header query_reply_header_empty = {.event_ns = TW_TIME_ABSENT,
                                                                 .day_end_ns = TW_TIME_ABSENT};
static const wire_matcher matcher_empty = {.since_ns = TW_TIME_ABSENT};
static const wire_state_hash state_hash_empty = {.event_ns = TW_TIME_ABSENT, .publish_ns = TW_TIME_ABSENT};

static const wire_row order_command_rows[] = {
    [1] = CODE_ROW(wire_order_command, kind, 6),
    [2] = TEXT_ROW(wire_order_command, account),
    [3] = TEXT_ROW(wire_order_command, symbol),
    [4] = TEXT_ROW(wire_order_command, client_order_id),
    [5] = CODE_ROW(wire_order_command, side, 1),
    [6] = CODE_ROW(wire_order_command, type, 3),
    [7] = CODE_ROW(wire_order_command, tif, 4),
    [8] = ROW(wire_order_command, price, ROW_PRICE),
    [9] = ROW(wire_order_command, quantity, ROW_QUANTITY),
    [10] = TEXT_ROW(wire_order_command, correlation_id),
    [11] = ROW(wire_order_command, session, ROW_U64),
    [12] = ROW(wire_order_command, order_id, ROW_U64),
    [13] = ROW(wire_order_command, stop_price, ROW_PRICE),
    [14] = CODE_ROW(wire_order_command, stp, 4),
    [15] = ROW(wire_order_command, post_only, ROW_BOOL),
    [16] = ROW(wire_order_command, display, ROW_QUANTITY),
    [17] = ROW(wire_order_command, minimum, ROW_U64),
    [18] = ROW(wire_order_command, expire_ns, ROW_TIME),
    [19] = ROW(wire_order_command, open_only, ROW_BOOL),
    [20] = ROW(wire_order_command, all_symbols, ROW_BOOL),
    [21] = ROW(wire_order_command, sides, ROW_U32),
    [22] = ROW(wire_order_command, timeout_ns, ROW_U64),
};
const wire_table wire_table_order_command =
    TABLE(order_command_rows, wire_order_command, &wire_order_command_empty);

static const wire_row control_command_rows[] = {
    [1] = CODE_ROW(wire_control_command, kind, 12),
    [2] = TEXT_ROW(wire_control_command, account),
    [3] = TEXT_ROW(wire_control_command, symbol),
    [4] = TEXT_ROW(wire_control_command, correlation_id),
    [5] = ROW(wire_control_command, all_accounts, ROW_BOOL),
    [6] = ROW(wire_control_command, all_symbols, ROW_BOOL),
    [7] = ROW(wire_control_command, on, ROW_BOOL),
    [8] = CODE_ROW(wire_control_command, state, 4),
    [9] = ROW(wire_control_command, price, ROW_PRICE),
    [10] = ROW(wire_control_command, date, ROW_U32),
    [11] = ROW(wire_control_command, end_ns, ROW_TIME),
    [12] = ROW(wire_control_command, sides, ROW_U32),
    [20] = ROW(wire_control_command, price_exponent, ROW_S32),
    [21] = ROW(wire_control_command, quantity_exponent, ROW_S32),
    [22] = ROW(wire_control_command, tick_from, ROW_TICKS),
    [23] = ROW(wire_control_command, tick, ROW_TICKS),
    [24] = ROW(wire_control_command, lot, ROW_U64),
    [25] = ROW(wire_control_command, collar_ppm, ROW_U32),
    [26] = ROW(wire_control_command, protection_ppm, ROW_U32),
    [27] = ROW(wire_control_command, fee_class, ROW_U32),
    [30] = ROW(wire_control_command, order_quantity, ROW_U64),
    [31] = ROW(wire_control_command, order_notional, ROW_MONEY),
    [32] = ROW(wire_control_command, order_notional, ROW_MONEY_LOW),
    [33] = ROW(wire_control_command, funds, ROW_MONEY),
    [34] = ROW(wire_control_command, funds, ROW_MONEY_LOW),
    [35] = ROW(wire_control_command, exposure, ROW_MONEY),
    [36] = ROW(wire_control_command, exposure, ROW_MONEY_LOW),
    [37] = ROW(wire_control_command, position, ROW_U64),
    [38] = ROW(wire_control_command, concentration_ppm, ROW_U32),
    [39] = ROW(wire_control_command, open_orders, ROW_U32),
    [40] = ROW(wire_control_command, rate_per_second, ROW_U32),
    [41] = ROW(wire_control_command, rate_burst, ROW_U32),
    [42] = ROW(wire_control_command, duplicate_ns, ROW_S64),
    [50] = ROW(wire_control_command, maker_ppm, ROW_S32),
    [51] = ROW(wire_control_command, taker_ppm, ROW_S32),
    [52] = ROW(wire_control_command, maker_per_unit, ROW_S64),
    [53] = ROW(wire_control_command, taker_per_unit, ROW_S64),
    [60] = ROW(wire_control_command, max_instruments, ROW_U32),
    [61] = ROW(wire_control_command, max_accounts, ROW_U32),
    [62] = ROW(wire_control_command, max_positions, ROW_U32),
    [63] = ROW(wire_control_command, max_orders, ROW_U32),
    [64] = ROW(wire_control_command, max_pages, ROW_U32),
    [65] = ROW(wire_control_command, max_client_ids, ROW_U32),
    [66] = ROW(wire_control_command, max_sessions, ROW_U32),
    [67] = ROW(wire_control_command, max_reports, ROW_U32),
    [68] = ROW(wire_control_command, max_steps, ROW_U32),
};
const wire_table wire_table_control_command =
    TABLE(control_command_rows, wire_control_command, &wire_control_command_empty);

static const wire_row report_rows[] = {
    [1] = ROW(wire_report, seq, ROW_U64),
    [2] = ROW(wire_report, index, ROW_U32),
    [3] = ROW(wire_report, n, ROW_U32),
    [4] = CODE_ROW(wire_report, kind, 15),
    [5] = ROW(wire_report, reason, ROW_U32),
    [6] = ROW(wire_report, account, ROW_NUMBER),
    [7] = ROW(wire_report, instrument, ROW_NUMBER),
    [8] = ROW(wire_report, order_id, ROW_U64),
    [9] = TEXT_ROW(wire_report, client_order_id),
    [10] = ROW(wire_report, price, ROW_PRICE),
    [11] = ROW(wire_report, quantity, ROW_U64),
    [12] = ROW(wire_report, leaves, ROW_U64),
    [13] = ROW(wire_report, executed, ROW_U64),
    [14] = ROW(wire_report, last_price, ROW_PRICE),
    [15] = ROW(wire_report, last_quantity, ROW_U64),
    [16] = ROW(wire_report, stream_ns, ROW_TIME),
    [17] = ROW(wire_report, event_ns, ROW_TIME),
    [18] = CODE_ROW(wire_report, command, WIRE_UNKNOWN - 1),
    [19] = CODE_ROW(wire_report, status, 4),
    [20] = CODE_ROW(wire_report, side, 1),
    [21] = CODE_ROW(wire_report, type, 3),
    [22] = CODE_ROW(wire_report, tif, 4),
    [23] = CODE_ROW(wire_report, liquidity, 2),
    [24] = CODE_ROW(wire_report, state, 4),
    [25] = ROW(wire_report, duplicate, ROW_BOOL),
    [26] = ROW(wire_report, counter_id, ROW_U64),
    [27] = ROW(wire_report, session, ROW_U64),
    [28] = ROW(wire_report, stop_price, ROW_PRICE),
    [29] = ROW(wire_report, shown, ROW_U64),
    [30] = ROW(wire_report, average_price, ROW_PRICE),
    [31] = ROW(wire_report, executed_notional, ROW_MONEY),
    [32] = ROW(wire_report, executed_notional, ROW_MONEY_LOW),
    [33] = ROW(wire_report, fee, ROW_MONEY),
    [34] = ROW(wire_report, fee, ROW_MONEY_LOW),
    [35] = TEXT_ROW(wire_report, correlation_id),
    [36] = TEXT_ROW(wire_report, order_correlation_id),
    [37] = TEXT_ROW(wire_report, account_name),
    [38] = TEXT_ROW(wire_report, symbol),
};
const wire_table wire_table_report = TABLE(report_rows, wire_report, &wire_report_empty);

static const wire_row named_instrument_rows[] = {
    [1] = ROW(wire_named_instrument, number, ROW_NUMBER),
    [2] = TEXT_ROW(wire_named_instrument, symbol),
    [3] = ROW(wire_named_instrument, price_exponent, ROW_S32),
    [4] = ROW(wire_named_instrument, quantity_exponent, ROW_S32),
};
const wire_table wire_table_named_instrument =
    TABLE(named_instrument_rows, wire_named_instrument, &named_instrument_empty);

static const wire_row named_account_rows[] = {
    [1] = ROW(wire_named_account, number, ROW_NUMBER),
    [2] = TEXT_ROW(wire_named_account, name),
};
const wire_table wire_table_named_account = TABLE(named_account_rows, wire_named_account, &named_account_empty);

static const wire_row order_view_rows[] = {
    [1] = ROW(wire_order_view, order_id, ROW_U64),
    [2] = ROW(wire_order_view, instrument, ROW_NUMBER),
    [3] = CODE_ROW(wire_order_view, side, 1),
    [4] = CODE_ROW(wire_order_view, type, 3),
    [5] = CODE_ROW(wire_order_view, tif, 4),
    [6] = CODE_ROW(wire_order_view, status, 4),
    [7] = ROW(wire_order_view, price, ROW_PRICE),
    [8] = ROW(wire_order_view, stop_price, ROW_PRICE),
    [9] = ROW(wire_order_view, quantity, ROW_U64),
    [10] = ROW(wire_order_view, leaves, ROW_U64),
    [11] = ROW(wire_order_view, shown, ROW_U64),
    [12] = ROW(wire_order_view, executed, ROW_U64),
    [13] = ROW(wire_order_view, display, ROW_U64),
    [14] = ROW(wire_order_view, executed_notional, ROW_MONEY),
    [15] = ROW(wire_order_view, executed_notional, ROW_MONEY_LOW),
    [16] = ROW(wire_order_view, expire_ns, ROW_TIME),
    [17] = ROW(wire_order_view, session, ROW_U64),
    [18] = TEXT_ROW(wire_order_view, client_order_id),
    [19] = TEXT_ROW(wire_order_view, correlation_id),
    [20] = ROW(wire_order_view, reason, ROW_U32),
    [21] = ROW(wire_order_view, rejected, ROW_BOOL),
    [22] = ROW(wire_order_view, expired, ROW_BOOL),
    [23] = TEXT_ROW(wire_order_view, symbol),
};
const wire_table wire_table_order_view = TABLE(order_view_rows, wire_order_view, &wire_order_view_empty);

static const wire_row position_view_rows[] = {
    [1] = ROW(wire_position_view, instrument, ROW_NUMBER),   [2] = ROW(wire_position_view, quantity, ROW_S64),
    [3] = ROW(wire_position_view, average_price, ROW_PRICE), [4] = ROW(wire_position_view, cost, ROW_MONEY),
    [5] = ROW(wire_position_view, cost, ROW_MONEY_LOW),      [6] = ROW(wire_position_view, realised, ROW_MONEY),
    [7] = ROW(wire_position_view, realised, ROW_MONEY_LOW),  [8] = ROW(wire_position_view, open_buys, ROW_U64),
    [9] = ROW(wire_position_view, open_sells, ROW_U64),      [10] = TEXT_ROW(wire_position_view, account),
    [11] = ROW(wire_position_view, blocked, ROW_BOOL),
};
const wire_table wire_table_position_view =
    TABLE(position_view_rows, wire_position_view, &wire_position_view_empty);

static const wire_row account_view_rows[] = {
    [1] = ROW(wire_account_view, fee_class, ROW_U32),
    [2] = ROW(wire_account_view, limits_known, ROW_BOOL),
    [3] = ROW(wire_account_view, blocked, ROW_BOOL),
    [4] = ROW(wire_account_view, killed, ROW_BOOL),
    [5] = ROW(wire_account_view, open_orders, ROW_U32),
    [6] = ROW(wire_account_view, spent, ROW_MONEY),
    [7] = ROW(wire_account_view, spent, ROW_MONEY_LOW),
    [8] = ROW(wire_account_view, fees, ROW_MONEY),
    [9] = ROW(wire_account_view, fees, ROW_MONEY_LOW),
    [10] = ROW(wire_account_view, reserved, ROW_MONEY),
    [11] = ROW(wire_account_view, reserved, ROW_MONEY_LOW),
    [12] = ROW(wire_account_view, available, ROW_MONEY),
    [13] = ROW(wire_account_view, available, ROW_MONEY_LOW),
    [14] = ROW(wire_account_view, funds, ROW_MONEY),
    [15] = ROW(wire_account_view, funds, ROW_MONEY_LOW),
    [16] = ROW(wire_account_view, exposure, ROW_MONEY),
    [17] = ROW(wire_account_view, exposure, ROW_MONEY_LOW),
    [18] = ROW(wire_account_view, order_notional, ROW_MONEY),
    [19] = ROW(wire_account_view, order_notional, ROW_MONEY_LOW),
    [20] = ROW(wire_account_view, order_quantity, ROW_U64),
    [21] = ROW(wire_account_view, position, ROW_U64),
    [22] = ROW(wire_account_view, concentration_ppm, ROW_U32),
    [23] = ROW(wire_account_view, collar_ppm, ROW_U32),
    [24] = ROW(wire_account_view, open_orders_limit, ROW_U32),
    [25] = ROW(wire_account_view, rate_per_second, ROW_U32),
    [26] = ROW(wire_account_view, rate_burst, ROW_U32),
    [27] = ROW(wire_account_view, duplicate_ns, ROW_S64),
};
const wire_table wire_table_account_view = TABLE(account_view_rows, wire_account_view, NULL);

static const wire_row batch_header_rows[] = {
    [1] = TEXT_ROW(wire_batch_header, sender),
    [2] = ROW(wire_batch_header, sent_ns, ROW_TIME),
};
const wire_table wire_table_batch_header = TABLE(batch_header_rows, wire_batch_header, &batch_header_empty);

static const wire_row execution_header_rows[] = {
    [1] = TEXT_ROW(wire_execution_header, exchange),        [2] = ROW(wire_execution_header, shard, ROW_U32),
    [3] = ROW(wire_execution_header, first_seq, ROW_U64),   [4] = ROW(wire_execution_header, last_seq, ROW_U64),
    [5] = ROW(wire_execution_header, part, ROW_U32),        [6] = ROW(wire_execution_header, parts, ROW_U32),
    [7] = TEXT_ROW(wire_execution_header, account),         [8] = ROW(wire_execution_header, term, ROW_U64),
    [9] = ROW(wire_execution_header, publish_ns, ROW_TIME),
};
const wire_table wire_table_execution_header =
    TABLE(execution_header_rows, wire_execution_header, &execution_header_empty);

static const wire_row query_reply_header_rows[] = {
    [1] = TEXT_ROW(wire_query_reply_header, exchange),
    [2] = ROW(wire_query_reply_header, shard, ROW_U32),
    [3] = CODE_ROW(wire_query_reply_header, code, 3),
    [4] = TEXT_ROW(wire_query_reply_header, detail),
    [5] = ROW(wire_query_reply_header, seq, ROW_U64),
    [6] = ROW(wire_query_reply_header, event_ns, ROW_TIME),
    [7] = TEXT_ROW(wire_query_reply_header, account),
    [8] = TEXT_ROW(wire_query_reply_header, correlation_id),
    [9] = ROW(wire_query_reply_header, more, ROW_BOOL),
    [10] = ROW(wire_query_reply_header, next, ROW_U64),
    [11] = ROW(wire_query_reply_header, next_n, ROW_U32),
    [12] = ROW(wire_query_reply_header, date, ROW_U32),
    [13] = ROW(wire_query_reply_header, day_end_ns, ROW_TIME),
};
const wire_table wire_table_query_reply_header =
    TABLE(query_reply_header_rows, wire_query_reply_header, &query_reply_header_empty);

static const wire_row query_rows[] = {
    [1] = CODE_ROW(wire_query, kind, 7),         [2] = TEXT_ROW(wire_query, account),
    [3] = TEXT_ROW(wire_query, symbol),          [4] = ROW(wire_query, order_id, ROW_U64),
    [5] = TEXT_ROW(wire_query, client_order_id), [6] = ROW(wire_query, after, ROW_U64),
    [7] = ROW(wire_query, after_n, ROW_U32),     [8] = ROW(wire_query, limit, ROW_U32),
    [9] = TEXT_ROW(wire_query, correlation_id),
};
const wire_table wire_table_query = TABLE(query_rows, wire_query, NULL);

static const wire_row state_hash_rows[] = {
    [1] = TEXT_ROW(wire_state_hash, exchange),      [2] = ROW(wire_state_hash, shard, ROW_U32),
    [3] = ROW(wire_state_hash, seq, ROW_U64),       [4] = ROW(wire_state_hash, hash, ROW_FIXED64),
    [5] = ROW(wire_state_hash, event_ns, ROW_TIME), [6] = ROW(wire_state_hash, reports, ROW_U64),
    [7] = ROW(wire_state_hash, leader, ROW_BOOL),   [8] = ROW(wire_state_hash, term, ROW_U64),
    [9] = TEXT_ROW(wire_state_hash, instance),      [10] = ROW(wire_state_hash, publish_ns, ROW_TIME),
};
const wire_table wire_table_state_hash = TABLE(state_hash_rows, wire_state_hash, &state_hash_empty);

static const wire_row matcher_rows[] = {
    [1] = TEXT_ROW(wire_matcher, exchange), [2] = ROW(wire_matcher, shard, ROW_U32),
    [3] = TEXT_ROW(wire_matcher, instance), [4] = CODE_ROW(wire_matcher, standing, 3),
    [5] = TEXT_ROW(wire_matcher, reason),   [6] = ROW(wire_matcher, since_ns, ROW_TIME),
    [7] = ROW(wire_matcher, seq, ROW_U64),  [8] = ROW(wire_matcher, journaled, ROW_U64),
};
const wire_table wire_table_matcher = TABLE(matcher_rows, wire_matcher, &matcher_empty);
