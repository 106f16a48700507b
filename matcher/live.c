/*
 * Live reports: exec.{ACCOUNT} for each account that a burst concerns, fills.{MIC}.{SYMBOL} for each instrument that traded in it. And
 * the market and the log hear every record, whoever leads.
 *
 * Who asked under a name that nobody has hears of his refusal on exec.{that name}.
 *
 * Nothing is copied before it is encoded: an account's records of a burst are linked through themselves, and so are, by name, those of whom nobody knows. They stay where they are until they
 * are known to be in execlog, which a leader hears only after it has sent them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "matcher/pipeline.h"
#include "matcher/wire/translate.h"
#include "runtime/clock.h"

#define EXEC_BYTES  WIRE_EXECUTION_BYTES
#define FILLS_BYTES (64u * 1024u)
#define MOST_FILLS  16384u
#define NEEDS       2u   /* parts that one report can bring */
#define STRANGERS   256u /* lists: by the highest byte of a hash, as that depends on all of a name */

/* Of whom nobody knows, by a hash of his name: those of one name are in one list, and seldom another's among them. */
typedef struct strange_list {
    mr_record *first, *last;
} strange_list;

typedef struct fill_row {
    wire_fill fill;
    int64_t stream_ns;
    uint32_t next;
} fill_row;

typedef struct fill_list {
    uint32_t head, tail; /* rows; 0: none */
    uint64_t prev_seq;
    uint64_t term;
} fill_list;

struct live {
    matcher *matcher;
    mr_listener listener;
    bool on;
    bool catching_up; /* tells the backlog, from `at` on; what comes meanwhile is told in its turn */
    mr_place at;
    uint64_t told_seq; /* the last record that has left */
    uint32_t told_n;
    /* by account */
    mr_record **first, **last;
    uint32_t *accounts; /* those with records, in the order of their first */
    uint32_t account_count;
    strange_list strange[STRANGERS]; /* of all whose account has a name that nobody has */
    bool any_strange;
    uint32_t gathered;
    uint64_t message; /* counts messages: which names are in this one */
    uint64_t *named;  /* by instrument */
    int32_t *named_exponents;
    uint8_t *exec;
    /* by instrument */
    fill_list *fills;
    fill_row *rows; /* from 1 */
    uint32_t row_count;
    uint32_t *instruments;
    uint32_t instrument_count;
    wire_fill batch[WIRE_MAX_FILLS];
    uint8_t fills_bytes[FILLS_BYTES];
    char epoch[TW_EPOCH_BYTES];
    int64_t newest_ns; /* of the records gathered */
    uint64_t newest_seq;
    uint32_t newest_n;
};

/* ---- gathering ---- */

static void gather_stranger(live *self, mr_record *record) {
    if (record->account_bytes == 0) return;
    strange_list *list = &self->strange[tw_hash_text(mr_asked_account(record), record->account_bytes) >> 56];
    record->link = NULL;
    if (list->first != NULL)
        list->last->link = record;
    else
        list->first = record;
    list->last = record;
    self->any_strange = true;
    self->gathered++;
}

static void gather_report(live *self, mr_record *record) {
    uint32_t account = record->report.account;
    self->newest_ns = record->report.stream_ns;
    self->newest_seq = record->report.seq;
    self->newest_n = record->report.n;
    if (account >= self->matcher->settings.max_accounts) {
        gather_stranger(self, record);
        return;
    }
    record->link = NULL;
    if (self->first[account] != NULL) {
        self->last[account]->link = record;
    } else {
        self->first[account] = record;
        self->accounts[self->account_count++] = account;
    }
    self->last[account] = record;
    self->gathered++;
}

static void send_fills(live *self);

static void gather_fill(live *self, const mr_record *record) {
    const mx_report *report = &record->report;
    if (report->kind != MX_FILL || report->liquidity != MX_TAKER) return;
    if (self->row_count == MOST_FILLS) send_fills(self);
    fill_list *list = &self->fills[report->instrument];
    uint32_t row = ++self->row_count;
    self->rows[row] =
        (fill_row){.fill = {.seq = report->seq,
                            .n = report->n,
                            .price = report->last_price,
                            .quantity = report->last_quantity,
                            .aggressor = report->side == TW_BID ? TW_AGGRESSOR_BUY : TW_AGGRESSOR_SELL,
                            .event_ns = report->event_ns},
                   .stream_ns = report->stream_ns};
    if (list->head == 0) {
        list->head = row;
        self->instruments[self->instrument_count++] = report->instrument;
    } else {
        self->rows[list->tail].next = row;
    }
    list->tail = row;
}

static void on_record(void *context, mr_record *record) {
    live *self = context;
    matcher *m = self->matcher;
    mk_take(m->market, &record->report, m->burst_ns);
    order_log_hear(m->order_log, record);
    if (!self->on || self->catching_up) return;
    gather_report(self, record);
    gather_fill(self, record);
}

/* A part of the backlog, so that the process does not stand still however large it is. */
static void gather_backlog(live *self) {
    while (!live_is_full(self)) {
        mr_record *record = mr_backlog_next(self->matcher->replica, &self->at);
        self->catching_up = record != NULL;
        if (record == NULL) return;
        const mx_report *report = &record->report;
        if (report->seq < self->told_seq || (report->seq == self->told_seq && report->n <= self->told_n)) continue;
        gather_report(self, record);
        gather_fill(self, record);
    }
}

/* ---- reports ---- */

static void begin_message(live *self, wire_parts *parts) {
    wire_parts_start(parts, self->exec, EXEC_BYTES);
    self->message++;
}

static void name_instrument(live *self, wire_parts *parts, const mr_record *record) {
    uint32_t number = record->report.instrument;
    wire_named_instrument named;
    if (number >= self->matcher->settings.max_instruments) return;
    int32_t exponents = record->price_exponent * 65536 + record->quantity_exponent;
    if (self->named[number] == self->message && self->named_exponents[number] == exponents) return;
    if (!mw_named_instrument(mr_engine(self->matcher->replica), number, &named)) return;
    named.price_exponent = record->price_exponent;
    named.quantity_exponent = record->quantity_exponent;
    self->named[number] = self->message;
    self->named_exponents[number] = exponents;
    (void)wire_named_instrument_add(parts, &named);
}

static void send_message(live *self, wire_parts *parts, const char *subject, const char *account,
                         const mr_record *first, const mr_record *last) {
    matcher *m = self->matcher;
    size_t length;
    wire_execution_header header = {.shard = (uint32_t)m->settings.shard,
                                    .first_seq = first->report.seq,
                                    .last_seq = last->report.seq,
                                    .term = leading_term(m->leading),
                                    .publish_ns = rt_clock_utc_ns()};
    tw_text_copy(header.exchange, sizeof header.exchange, m->settings.exchange);
    tw_text_copy(header.account, sizeof header.account, account);
    const uint8_t *bytes = wire_execution_reports_finish(parts, &header, &length);
    bus_publish_trusted(m->bus, subject, bytes, length);
    m->counts.live_messages++;
    m->counts.live_bytes += length;
}

static bool has_room(const wire_parts *parts) {
    return parts->capacity - parts->used >= (size_t)NEEDS * WIRE_PART_ROOM &&
           parts->count + NEEDS <= WIRE_MAX_PARTS;
}

/* Records of one account, in as many messages as they need: all from `first` on, of strangers those that follow each other. Returns the first that
 * is not told. */
static const mr_record *send_records(live *self, const char *account, const mr_record *first, bool strangers) {
    char subject[SUBJECT_BYTES];
    wire_parts parts;
    wire_report out;
    const mr_record *at = first, *before = first;
    bool named = subject_executions(subject, sizeof subject, account);
    begin_message(self, &parts);
    for (; at != NULL; before = at, at = at->link) {
        __builtin_prefetch(at->link);
        if (strangers && strcmp(mr_asked_account(at), account) != 0) break;
        if (!has_room(&parts)) {
            if (named) send_message(self, &parts, subject, account, first, before);
            begin_message(self, &parts);
            first = at;
        }
        name_instrument(self, &parts, at);
        mr_tell(at, false, &out);
        (void)wire_report_add(&parts, &out);
    }
    if (named) send_message(self, &parts, subject, account, first, before);
    return at;
}

static void send_account(live *self, uint32_t account) {
    mx_account_view view;
    const mr_record *first = self->first[account];
    self->first[account] = self->last[account] = NULL;
    if (first != NULL && mx_account_get(mr_engine(self->matcher->replica), account, &view))
        (void)send_records(self, view.name, first, false);
}

static void forget_strangers(live *self) {
    if (self->any_strange) memset(self->strange, 0, sizeof self->strange);
    self->any_strange = false;
}

/* Before the accounts: one that was defined in this burst was a stranger before. */
static void send_strangers(live *self) {
    for (uint32_t i = 0; self->any_strange && i < STRANGERS; i++)
        for (const mr_record *at = self->strange[i].first; at != NULL;)
            at = send_records(self, mr_asked_account(at), at, true);
    forget_strangers(self);
}

/* ---- fills ---- */

static void send_batch(live *self, uint32_t instrument, uint32_t count, int64_t receive_ns) {
    matcher *m = self->matcher;
    fill_list *list = &self->fills[instrument];
    char subject[SUBJECT_BYTES];
    mx_instrument_view view;
    uint64_t term = leading_term(m->leading);
    if (!mx_instrument_get(mr_engine(m->replica), instrument, &view)) return;
    if (!subject_fills(subject, sizeof subject, m->settings.exchange, view.definition.symbol)) return;
    const wire_fill *last = &self->batch[count - 1];
    wire_fills fills = {.header = {.partition = (uint32_t)m->settings.shard,
                                   .term = term,
                                   .prev_seq = list->term == term ? list->prev_seq : 0,
                                   .seq = last->seq,
                                   .price_exponent = view.definition.price_exponent,
                                   .quantity_exponent = view.definition.quantity_exponent,
                                   .event_ns = last->event_ns,
                                   .receive_ns = receive_ns,
                                   .publish_ns = rt_clock_utc_ns()},
                        .fill_count = count,
                        .fills = self->batch};
    tw_text_copy(fills.header.exchange, sizeof fills.header.exchange, m->settings.exchange);
    tw_text_copy(fills.header.symbol, sizeof fills.header.symbol, view.definition.symbol);
    tw_text_copy(fills.header.epoch, sizeof fills.header.epoch, self->epoch);
    list->term = term;
    list->prev_seq = last->seq;
    size_t length = wire_fills_encode(&fills, self->fills_bytes, sizeof self->fills_bytes);
    bus_publish_trusted(m->bus, subject, self->fills_bytes, length);
    m->counts.fills_messages++;
}

static void send_instrument(live *self, uint32_t instrument) {
    fill_list *list = &self->fills[instrument];
    uint32_t count = 0, row = list->head;
    for (; row != 0; row = self->rows[row].next) {
        self->batch[count++] = self->rows[row].fill;
        if (count < WIRE_MAX_FILLS && self->rows[row].next != 0) continue;
        send_batch(self, instrument, count, self->rows[row].stream_ns);
        count = 0;
    }
    list->head = list->tail = 0;
}

/* Chains of an epoch begin at 0. */
static void follow_epoch(live *self) {
    const char *epoch = mk_epoch(self->matcher->market);
    if (strcmp(self->epoch, epoch) == 0) return;
    tw_text_copy(self->epoch, sizeof self->epoch, epoch);
    for (uint32_t i = 0; i < mx_instruments(mr_engine(self->matcher->replica)); i++)
        self->fills[i].prev_seq = 0;
}

static void send_fills(live *self) {
    follow_epoch(self);
    for (uint32_t i = 0; i < self->instrument_count; i++)
        send_instrument(self, self->instruments[i]);
    self->instrument_count = self->row_count = 0;
}

/* ---- bursts ---- */

static void forget(live *self) {
    forget_strangers(self);
    for (uint32_t i = 0; i < self->account_count; i++)
        self->first[self->accounts[i]] = self->last[self->accounts[i]] = NULL;
    for (uint32_t i = 0; i < self->instrument_count; i++)
        self->fills[self->instruments[i]].head = self->fills[self->instruments[i]].tail = 0;
    self->account_count = self->gathered = self->instrument_count = self->row_count = 0;
}

void live_flush(live *self) {
    if (self->catching_up) gather_backlog(self);
    if (self->gathered > 0) tw_histogram_record(&self->matcher->input_to_live, rt_clock_utc_ns() - self->newest_ns);
    send_strangers(self);
    for (uint32_t i = 0; i < self->account_count; i++)
        send_account(self, self->accounts[i]);
    self->account_count = self->gathered = 0;
    send_fills(self);
    if (self->newest_seq == 0) return;
    self->told_seq = self->newest_seq;
    self->told_n = self->newest_n;
}

bool live_has_told_all(const live *self) {
    return !self->catching_up && self->gathered == 0;
}

bool live_is_full(const live *self) {
    return self->gathered >= self->matcher->settings.burst;
}

const mr_listener *live_listener(const live *self) {
    return &self->listener;
}

void live_lead(live *self, bool again) {
    forget(self);
    if (again) self->told_seq = self->newest_seq = 0;
    self->on = self->catching_up = true;
    self->at = mr_backlog_begin(self->matcher->replica);
    live_flush(self);
}

void live_hold(live *self) {
    forget(self);
    self->on = self->catching_up = false;
    self->newest_seq = self->told_seq;
    self->newest_n = self->told_n;
}

/* ---- life ---- */

static bool take_memory(live *self, size_t accounts, size_t instruments) {
    self->first = calloc(accounts, sizeof(mr_record *));
    self->last = calloc(accounts, sizeof(mr_record *));
    self->accounts = calloc(accounts, sizeof *self->accounts);
    self->named = calloc(instruments, sizeof *self->named);
    self->named_exponents = calloc(instruments, sizeof *self->named_exponents);
    self->fills = calloc(instruments, sizeof *self->fills);
    self->instruments = calloc(instruments, sizeof *self->instruments);
    self->rows = calloc(MOST_FILLS + 1, sizeof *self->rows);
    self->exec = malloc(EXEC_BYTES);
    return self->first != NULL && self->last != NULL && self->accounts != NULL && self->named != NULL &&
           self->named_exponents != NULL && self->fills != NULL && self->instruments != NULL &&
           self->rows != NULL && self->exec != NULL;
}

tw_code live_open(live **opened, matcher *m, tw_error *error) {
    live *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL || !take_memory(self, m->settings.max_accounts, m->settings.max_instruments))
        return tw_error_set(error, TW_NO_MEMORY, "no memory for live reports");
    self->matcher = m;
    self->listener = (mr_listener){on_record, self};
    return TW_OK;
}

void live_close(live *self) {
    if (self == NULL) return;
    free(self->first);
    free(self->last);
    free(self->accounts);
    free(self->named);
    free(self->named_exponents);
    free(self->fills);
    free(self->instruments);
    free(self->rows);
    free(self->exec);
    free(self);
}
