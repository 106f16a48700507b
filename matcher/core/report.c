/* Names for logs, JSON and tests. */
#include "matcher/core/report.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define NAME_OF(names, value) ((size_t)(value) < sizeof(names) / sizeof *(names) ? (names)[value] : "?")

const char *mx_report_kind_name(mx_report_kind kind) {
    static const char *const names[] = {
        "ACCEPTED",       "REJECTED",      "FILL",     "CANCELLED",       "EXPIRED",
        "REPLACED",       "TRIGGERED",     "RESTATED", "CANCEL_REJECTED", "REPLACE_REJECTED",
        "MASS_CANCELLED", "STATE_CHANGED", "DONE",     "REFUSED",         "SESSION_ENDED",
        "DAY_ENDED"};
    _Static_assert(sizeof names / sizeof *names == MX_REPORT_KINDS, "every kind has a name");
    return NAME_OF(names, kind);
}

const char *mx_order_status_name(mx_order_status status) {
    static const char *const names[] = {"NONE", "WAITING", "OPEN", "FILLED", "CANCELLED"};
    return NAME_OF(names, status);
}

const char *mx_state_name(mx_state state) {
    static const char *const names[] = {"PRE_OPEN", "CONTINUOUS", "HALTED", "CLOSED", "MOVED"};
    _Static_assert(sizeof names / sizeof *names == MX_STATES, "every state has a name");
    return NAME_OF(names, state);
}

const char *mx_type_name(mx_type type) {
    static const char *const names[] = {"LIMIT", "MARKET", "STOP", "STOP_LIMIT"};
    _Static_assert(sizeof names / sizeof *names == MX_TYPES, "every type has a name");
    return NAME_OF(names, type);
}

const char *mx_tif_name(mx_tif tif) {
    static const char *const names[] = {"GTC", "DAY", "GTD", "IOC", "FOK"};
    _Static_assert(sizeof names / sizeof *names == MX_TIFS, "every time in force has a name");
    return NAME_OF(names, tif);
}

const char *mx_stp_name(mx_stp stp) {
    static const char *const names[] = {"NONE", "NEWEST", "OLDEST", "BOTH", "DECREMENT"};
    _Static_assert(sizeof names / sizeof *names == MX_STPS, "every self-trade mode has a name");
    return NAME_OF(names, stp);
}

void mx_execution_id(char *target, size_t capacity, uint32_t shard, const mx_report *report) {
    tw_text_format(target, capacity, "%" PRIu32 "-%" PRIu64 "-%" PRIu32, shard, report->seq, report->n);
}

mx_client_id mx_client_id_of(const char *text) {
    mx_client_id id = {{0}};
    size_t length = strlen(text);
    memcpy(id.words, text, length < sizeof id.words ? length : sizeof id.words);
    return id;
}

bool mx_client_id_none(const mx_client_id *id) {
    return (id->words[0] | id->words[1] | id->words[2] | id->words[3] | id->words[4]) == 0;
}
