/* From the engine's reports to records: with the correlation id that belongs to each, in the order of their coming, and findable by account. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "matcher/replica/replica_internal.h"
#include "orderbook/pages.h"

#define BACKLOG_BYTES (UINT64_C(64) << 20)
#define RECENT_BYTES  (UINT64_C(64) << 20)

static uint64_t or_default(uint64_t value, uint64_t fallback) {
    return value != 0 ? value : fallback;
}

uint64_t mr_input_bytes(const mx_bounds *bounds) {
    const uint64_t record = (offsetof(mr_record, correlation) + 2 * WIRE_CORRELATION_BYTES + 15) / 16 * 16;
    const uint64_t names = (sizeof(mr_asked) + 15) / 16 * 16; /* a command is refused once */
    return mx_most_reports(bounds) * record + WIRE_MAX_PARTS * names;
}

static size_t lists_bytes(const mx_bounds *bounds) {
    return ((size_t)bounds->max_accounts + 1) * sizeof(mr_record *); /* and that of strangers */
}

bool records_init(mr_replica *self, const mr_options *options) {
    const mx_bounds *bounds = &options->bounds;
    self->backlog_bytes = or_default(options->backlog_bytes, BACKLOG_BYTES);
    self->recent_bytes = or_default(options->recent_bytes, RECENT_BYTES);
    uint64_t input_bytes = or_default(options->input_bytes, mr_input_bytes(bounds));
    self->first_same = ob_pages_alloc(lists_bytes(bounds));
    self->last_same = ob_pages_alloc(lists_bytes(bounds));
    self->exponents = ob_pages_alloc(bounds->max_instruments * sizeof *self->exponents);
    return self->first_same != NULL && self->last_same != NULL && self->exponents != NULL &&
           correlations_init(&self->correlations, bounds->max_orders) &&
           shelf_init(&self->records, self->backlog_bytes + input_bytes + self->recent_bytes);
}

void records_fini(mr_replica *self) {
    const mx_bounds *bounds = &self->bounds;
    shelf_fini(&self->records);
    correlations_fini(&self->correlations);
    ob_pages_free(self->first_same, lists_bytes(bounds));
    ob_pages_free(self->last_same, lists_bytes(bounds));
    ob_pages_free(self->exponents, bounds->max_instruments * sizeof *self->exponents);
}

void records_clear(mr_replica *self) {
    const mx_bounds *bounds = &self->bounds;
    shelf_clear(&self->records);
    self->gone_seq = self->gone_n = 0;
    correlations_clear(&self->correlations);
    ob_pages_zero(self->first_same, lists_bytes(bounds));
    ob_pages_zero(self->last_same, lists_bytes(bounds));
}

/* ---- by account ---- */

uint32_t records_list(const mr_replica *self, const mr_record *record) {
    uint32_t account = record->report.account;
    if (account < self->bounds.max_accounts) return account;
    return record->account_bytes > 0 ? self->bounds.max_accounts : RECORDS_NO_LIST;
}

/* The oldest of its list: lists are in the order of time. */
static void forget(void *context, const mr_record *record) {
    mr_replica *self = context;
    uint32_t list = records_list(self, record);
    self->gone_seq = record->report.seq;
    self->gone_n = record->report.n;
    if (list == RECORDS_NO_LIST) return;
    self->first_same[list] = record->next_same;
    if (record->next_same == NULL) self->last_same[list] = NULL;
}

void records_keep(mr_replica *self, mr_record *record) {
    uint32_t list = records_list(self, record);
    record->next_same = NULL;
    record->link = NULL;
    if (list == RECORDS_NO_LIST) return;
    if (self->last_same[list] != NULL)
        self->last_same[list]->next_same = record;
    else
        self->first_same[list] = record;
    self->last_same[list] = record;
}

void records_release(mr_replica *self) {
    const shelf *b = &self->records;
    while (b->bytes - b->waiting > self->recent_bytes && shelf_release(&self->records, forget, self))
        ;
}

void records_drop(mr_replica *self) {
    shelf_drop(&self->records, forget, self);
}

/* ---- making them ---- */

mr_record *records_add(mr_replica *self, const mr_ids *ids) {
    const uint32_t own_bytes =
        (uint32_t)(ids->length + 1 + (ids->of_order_length > 0 ? ids->of_order_length + 1 : 0));
    const uint32_t text_bytes = own_bytes + (ids->asked != NULL ? strangers_bytes(ids->asked) : 0);
    mr_record *record = shelf_add(&self->records, text_bytes);
    while (record == NULL && shelf_release(&self->records, forget, self))
        record = shelf_add(&self->records, text_bytes);
    if (record == NULL) {
        replica_fault(
            self,
            "one input makes more reports than its bounds allow: a fault of this program (%llu reports are not "
            "in execlog yet)",
            (unsigned long long)self->records.waiting_count);
        return NULL;
    }
    record->correlation_bytes = (uint8_t)ids->length;
    record->order_correlation_bytes = (uint8_t)ids->of_order_length;
    memcpy(record->correlation, ids->text, ids->length);
    if (ids->of_order_length > 0) {
        record->correlation[ids->length] = '\0';
        memcpy(record->correlation + ids->length + 1, ids->of_order, ids->of_order_length);
    }
    record->correlation[own_bytes - 1] = '\0';
    record->account_bytes = record->symbol_bytes = 0;
    if (ids->asked != NULL) strangers_put(record, ids->asked, record->correlation + own_bytes);
    return record;
}

void records_exponents(mr_replica *self, uint32_t instrument) {
    mx_instrument_view view;
    if (!mx_instrument_get(self->engine, instrument, &view)) return;
    self->exponents[instrument] =
        (exponents){(int16_t)view.definition.price_exponent, (int16_t)view.definition.quantity_exponent};
}

/* Does it answer the command itself? Others tell what became of orders. */
static bool is_answer(const mx_report *report) {
    switch (report->kind) {
    case MX_CANCELLED:
        return report->reason == MXR_REQUESTED;
    case MX_FILL:
    case MX_EXPIRED:
    case MX_TRIGGERED:
    case MX_RESTATED:
    case MX_DAY_ENDED:
        return false;
    case MX_SESSION_ENDED:
        return report->reason != MXR_SESSION_LOST;
    default:
        return true;
    }
}

/* The number that was refused may be that of somebody else's order. */
static bool is_of_no_order(const mx_report *report) {
    return (report->kind == MX_CANCEL_REJECTED || report->kind == MX_REPLACE_REJECTED) &&
           report->status == MX_STATUS_NONE;
}

static mr_ids ids_of(const mr_replica *self, const mx_report *report) {
    const mr_current *current = &self->current;
    bool own = current->order_id != 0 && report->order_id == current->order_id;
    const correlation_row *row =
        own || is_of_no_order(report) ? NULL : correlations_find(&self->correlations, report->order_id);
    bool command = own || (current->text[0] != '\0' && is_answer(report));
    mr_ids ids = {.text = "", .of_order = ""};
    if (command) {
        ids.text = current->text;
        ids.length = strlen(current->text);
    } else if (row != NULL) {
        ids.text = row->text;
        ids.length = row->length;
    }
    if (command && row != NULL) {
        ids.of_order = row->text;
        ids.of_order_length = row->length;
    }
    return ids;
}

/* An order that has ended is not asked for its correlation id any more. */
static void follow(mr_replica *self, const mx_report *report) {
    bool ended = report->status == MX_STATUS_FILLED || report->status == MX_STATUS_CANCELLED;
    bool open = report->status == MX_STATUS_OPEN || report->status == MX_STATUS_WAITING;
    if (report->kind == MX_DONE && report->command == MX_DEFINE_INSTRUMENT)
        records_exponents(self, report->instrument);
    if (report->order_id == 0 || report->duplicate) return;
    if (report->order_id == self->current.order_id)
        self->current.open = open;
    else if (ended)
        correlations_remove(&self->correlations, report->order_id);
}

static void make_record(mr_replica *self, const mx_report *report) {
    mr_asked names;
    mr_ids ids = ids_of(self, report);
    if (__builtin_expect(self->current.strange, 0)) ids.asked = strangers_of(self, report, &names);
    mr_record *record = records_add(self, &ids);
    if (record == NULL) return;
    bool placed = report->instrument < self->bounds.max_instruments;
    follow(self, report);
    exponents of = placed ? self->exponents[report->instrument] : (exponents){0};
    record->report = *report;
    record->price_exponent = of.price;
    record->quantity_exponent = of.quantity;
    records_keep(self, record);
    self->reports++;
    if (self->listener != NULL) self->listener->on_record(self->listener->context, record);
}

static void say_short(mr_replica *self, const mx_shortage *list, uint32_t count) {
    char all[MR_FAULT_BYTES - 96] = "";
    for (uint32_t i = 0; i < count; i++) {
        size_t used = strlen(all);
        (void)tw_text_format(all + used, sizeof all - used, "%s--%s %" PRIu32 " (this process has %" PRIu32 ")",
                             i == 0 ? "" : ", ", list[i].setting, list[i].needs, list[i].has);
    }
    if (self->fault[0] == '\0') self->is_short = true;
    replica_fault(self, "the bounds in force need %s: start it again with at least that much", all);
}

/* Before any of its reports gets out: what too little memory decided is not what others decide. */
bool records_short(mr_replica *self) {
    mx_shortage list[MX_SHORTAGES];
    uint32_t count = mx_short(self->engine, list);
    if (count > 0) say_short(self, list, count);
    return count > 0;
}

void records_drain(mr_replica *self) {
    (void)records_short(self);
    for (uint32_t i = 0; i < self->sink.count && self->fault[0] == '\0'; i++)
        make_record(self, &self->sunk[i]);
    self->sink.count = 0;
}

void records_command_ends(mr_replica *self) {
    mr_current *current = &self->current;
    if (current->open && current->text[0] != '\0')
        (void)correlations_add(&self->correlations, current->order_id, current->text); /* as many as open orders */
    current->open = false;
}

void records_command(mr_replica *self, const mx_input *input, uint8_t kind, const char *correlation_id) {
    records_drain(self);
    records_command_ends(self);
    self->current.strange = false;
    self->current.order_id = kind == WIRE_NEW_ORDER ? MX_ORDER_ID(input->seq, input->index) : 0;
    tw_text_copy(self->current.text, sizeof self->current.text, correlation_id);
}
