/*
 * Names that nobody has: an account or an instrument that was never defined here. The engine knows numbers only, and has none for them; who is refused
 * for such a name, or beside it, has nothing but the name to find the refusal by. So the record of the refusal keeps it.
 *
 * A refusal without a number carries the command's name, unless a number stands for that name after the command: then it is about something else.
 */
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "matcher/replica/replica_internal.h"
#include "matcher/wire/translate.h"

/* A subject may have bytes that no message may repeat. */
static void take(char *to, size_t capacity, const char *name) {
    if (!tw_utf8_good(name, strlen(name)) || !tw_text_copy(to, capacity, name)) to[0] = '\0';
}

void strangers_ask(mr_replica *self, const char *account, const char *symbol) {
    self->current.strange = true;
    take(self->asked.account, sizeof self->asked.account, account);
    take(self->asked.symbol, sizeof self->asked.symbol, symbol);
}

static bool is_refusal(const mx_report *report) {
    return report->kind == MX_REJECTED || report->kind == MX_CANCEL_REJECTED ||
           report->kind == MX_REPLACE_REJECTED || report->kind == MX_REFUSED;
}

const mr_asked *strangers_of(const mr_replica *self, const mx_report *report, mr_asked *names) {
    const mr_asked *asked = &self->asked;
    if (!is_refusal(report)) return NULL;
    bool account = report->account == MX_UNKNOWN && mx_account_find(self->engine, asked->account) == MX_UNKNOWN;
    bool symbol = report->instrument == MX_UNKNOWN && mx_instrument_find(self->engine, asked->symbol) == MX_UNKNOWN;
    tw_text_copy(names->account, sizeof names->account, account ? asked->account : "");
    tw_text_copy(names->symbol, sizeof names->symbol, symbol ? asked->symbol : "");
    return names->account[0] != '\0' || names->symbol[0] != '\0' ? names : NULL;
}

/* ---- in records ---- */

static uint32_t with_end(size_t length) {
    return length > 0 ? (uint32_t)length + 1 : 0;
}

uint32_t strangers_bytes(const mr_asked *names) {
    return with_end(strlen(names->account)) + with_end(strlen(names->symbol));
}

void strangers_put(mr_record *record, const mr_asked *names, char *at) {
    record->account_bytes = (uint8_t)strlen(names->account);
    record->symbol_bytes = (uint8_t)strlen(names->symbol);
    memcpy(at, names->account, with_end(record->account_bytes));
    memcpy(at + with_end(record->account_bytes), names->symbol, with_end(record->symbol_bytes));
}

void mr_tell(const mr_record *record, bool for_audit, wire_report *to) {
    mw_report(&record->report, record->correlation, mr_order_correlation(record), for_audit, to);
    if (__builtin_expect(record->account_bytes + record->symbol_bytes == 0, 1)) return;
    tw_text_copy(to->account_name, sizeof to->account_name, mr_asked_account(record));
    tw_text_copy(to->symbol, sizeof to->symbol, mr_asked_symbol(record));
}
