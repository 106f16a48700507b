/* Names of the vocabulary, for logs, JSON and tests. */
#include "base/market.h"

#include <stddef.h>

#define NAME_OF(table, value) ((size_t)(value) < sizeof(table) / sizeof(*(table)) ? (table)[(size_t)(value)] : "?")

const char *tw_book_state_name(tw_book_state state) {
    static const char *const names[] = {"OK", "CLOSED", "RECOVERING", "STALE"};
    return NAME_OF(names, state);
}

const char *tw_state_cause_name(tw_state_cause cause) {
    static const char *const names[] = {
        "NONE",           "STARTING",  "MID_SESSION",   "GAP",          "GAP_NOT_FILLED", "LINE_SILENT",
        "LINE_DOWN",      "MALFORMED", "UNKNOWN_ORDER", "INCONSISTENT", "CAPACITY",       "UNSEQUENCED",
        "END_OF_SESSION", "BUS_AWAY",  "FEED_SILENT",   "CHAIN_BROKEN", "CHECKSUM"};
    return NAME_OF(names, cause);
}

const char *tw_trading_state_name(tw_trading_state state) {
    static const char *const names[] = {"UNKNOWN", "PRE_OPEN", "OPEN",  "QUOTATION_ONLY",
                                        "PAUSED",  "HALTED",   "CLOSED"};
    return NAME_OF(names, state);
}

const char *tw_short_sale_name(tw_short_sale restriction) {
    static const char *const names[] = {"UNKNOWN", "NONE", "INTRADAY", "CARRIED"};
    return NAME_OF(names, restriction);
}

const char *tw_print_kind_name(tw_print_kind kind) {
    static const char *const names[] = {"TRADE", "HIDDEN", "CROSS", "BREAK"};
    return NAME_OF(names, kind);
}

const char *tw_cross_kind_name(tw_cross_kind kind) {
    static const char *const names[] = {"NONE", "OPENING", "CLOSING", "HALT_IPO", "INTRADAY", "EXTENDED"};
    return NAME_OF(names, kind);
}

const char *tw_aggressor_name(tw_aggressor aggressor) {
    static const char *const names[] = {"UNKNOWN", "BUY", "SELL"};
    return NAME_OF(names, aggressor);
}

const char *tw_imbalance_direction_name(tw_imbalance_direction direction) {
    static const char *const names[] = {"NONE", "BUY", "SELL", "INSUFFICIENT", "PAUSED"};
    return NAME_OF(names, direction);
}
