/* Answers to questions, from the engine's state and the records that are kept. */
#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "matcher/replica/replica_internal.h"
#include "matcher/wire/translate.h"

#define VIEWS       64u
#define MOST_NAMES  256u /* instruments in one reply */
#define NAMES_ROOM  (64u * MOST_NAMES)
#define MOST_LOOKED (1u << 16) /* records looked at for one reply */
#define MOST_ITEMS  4096u

/* One answer on its way. */
typedef struct answer {
    const mr_replica *self;
    const wire_query *query;
    wire_query_reply_header header;
    wire_parts parts;
    uint32_t account, instrument; /* MX_UNKNOWN: the query names none */
    uint32_t items, most;
    uint32_t named[MOST_NAMES];
    uint32_t named_count;
} answer;

static void refuse(answer *a, wire_reply_code code, const char *detail) {
    a->header.code = (uint8_t)code;
    tw_text_copy(a->header.detail, sizeof a->header.detail, detail);
}

/* Names come behind the items; there is always room for as many as may be used. */
static bool name(answer *a, uint32_t instrument) {
    if (instrument >= mx_instruments(a->self->engine)) return true;
    for (uint32_t i = 0; i < a->named_count; i++)
        if (a->named[i] == instrument) return true;
    if (a->named_count == MOST_NAMES) return false;
    a->named[a->named_count++] = instrument;
    return true;
}

static bool has_room(const answer *a) {
    return a->items < a->most && a->parts.capacity - a->parts.used >= NAMES_ROOM + 2 * WIRE_PART_ROOM;
}

static void add_names(answer *a) {
    wire_named_instrument named;
    for (uint32_t i = 0; i < a->named_count; i++)
        if (mw_named_instrument(a->self->engine, a->named[i], &named))
            (void)wire_reply_instrument_add(&a->parts, &named);
}

static void goes_on(answer *a, uint64_t next, uint32_t next_n) {
    a->header.more = true;
    a->header.next = next;
    a->header.next_n = next_n;
}

static bool wanted(const answer *a, uint32_t instrument) {
    return a->instrument == MX_UNKNOWN || a->instrument == instrument;
}

/* ---- orders ---- */

static void add_order(answer *a, const mx_order_view *view) {
    wire_order_view out;
    const correlation_row *row = correlations_find(&a->self->correlations, view->order_id);
    mw_order_view(view, &out);
    if (row != NULL) tw_text_copy(out.correlation_id, sizeof out.correlation_id, row->text);
    (void)wire_reply_order_add(&a->parts, &out);
    a->items++;
}

/* Oldest first is by rising order id. The order that the last page ended with may be gone: then from the first with a higher id. */
static void answer_orders(answer *a) {
    mx_order_view views[VIEWS];
    mx_order_walk walk;
    uint64_t last = a->query->after;
    mx_orders_walk(a->self->engine, a->account, a->instrument == MX_UNKNOWN ? MX_EVERY : a->instrument, last,
                   &walk);
    for (;;) {
        uint32_t count = mx_orders_next(a->self->engine, &walk, views, VIEWS);
        for (uint32_t i = 0; i < count; i++) {
            if (views[i].order_id <= a->query->after) continue;
            if (!has_room(a) || !name(a, views[i].instrument)) {
                goes_on(a, last, 0);
                return;
            }
            add_order(a, &views[i]);
            last = views[i].order_id;
        }
        if (count < VIEWS) return;
    }
}

/* The last record of an order that has ended. */
static const mr_record *last_of(const answer *a, uint32_t account, uint64_t order_id) {
    const mr_record *last = NULL;
    if (account >= a->self->bounds.max_accounts) return NULL;
    for (const mr_record *at = a->self->first_same[account]; at != NULL; at = at->next_same)
        if (at->report.order_id == order_id && !at->report.duplicate && at->report.kind != MX_CANCEL_REJECTED &&
            at->report.kind != MX_REPLACE_REJECTED)
            last = at;
    return last;
}

/* The order's own, by its last report. One that answers a cancel has the cancel's, and the order's beside it if it has one. */
static const char *own_correlation(const mr_record *record) {
    bool answers_cancel = record->report.kind == MX_CANCELLED && record->report.reason == MXR_REQUESTED;
    return answers_cancel || record->order_correlation_bytes > 0 ? mr_order_correlation(record)
                                                                 : record->correlation;
}

static void add_ended(answer *a, const mr_record *record) {
    const mx_report *report = &record->report;
    wire_order_view out = wire_order_view_empty;
    out.order_id = report->order_id;
    out.instrument = report->instrument;
    out.side = report->side;
    out.type = report->type;
    out.tif = report->tif;
    out.status = report->status;
    out.price = report->price;
    out.stop_price = report->stop_price;
    out.quantity = report->quantity;
    out.leaves = report->leaves;
    out.executed = report->executed;
    out.executed_notional = report->executed_notional;
    out.session = report->session;
    out.reason = report->reason;
    out.rejected = report->kind == MX_REJECTED;
    out.expired = report->kind == MX_EXPIRED;
    mw_client_id_text(&report->client_id, out.client_order_id);
    tw_text_copy(out.correlation_id, sizeof out.correlation_id, own_correlation(record));
    (void)name(a, report->instrument);
    (void)wire_reply_order_add(&a->parts, &out);
    a->items++;
    if (report->kind == MX_REJECTED)
        tw_text_copy(a->header.detail, sizeof a->header.detail, mx_reason_text((mx_reason)report->reason));
}

static uint64_t asked_order(const answer *a) {
    uint64_t id = a->query->order_id;
    const mx_client_id client = mx_client_id_of(a->query->client_order_id);
    if (id == 0 && a->account != MX_UNKNOWN && a->instrument != MX_UNKNOWN)
        (void)mx_client_find(a->self->engine, a->account, a->instrument, &client, &id);
    return id;
}

static void answer_order(answer *a) {
    mx_order_view view;
    uint64_t id = asked_order(a);
    bool open = id != 0 && mx_order_find(a->self->engine, id, &view);
    if (open && (a->account == MX_UNKNOWN || view.account == a->account)) {
        (void)name(a, view.instrument);
        add_order(a, &view);
        return;
    }
    const mr_record *ended = open || id == 0 ? NULL : last_of(a, a->account, id);
    if (ended != NULL)
        add_ended(a, ended);
    else
        refuse(a, WIRE_REPLY_NOT_FOUND,
               "no such open order; of orders that have ended only the latest are known here: see execlog");
}

/* ---- positions, account ---- */

/* Whose it is, where the question has left it open. */
static void name_owner(const answer *a, const mx_position_view *view, wire_position_view *out) {
    mx_account_view owner;
    if (a->account == MX_UNKNOWN && mx_account_get(a->self->engine, view->account, &owner))
        tw_text_copy(out->account, sizeof out->account, owner.name);
}

/* `after` is one more than the place of the last one in the table of positions. */
static void answer_positions(answer *a) {
    const mx_engine *engine = a->self->engine;
    uint32_t count = mx_positions(engine);
    bool own = a->account != MX_UNKNOWN;
    uint32_t i = a->query->after < count ? (uint32_t)a->query->after : count;
    for (; i < count; i++) {
        mx_position_view view;
        wire_position_view out;
        if (own) i = mx_account_position(engine, a->account, i);
        if (i == count) return;
        mx_position_at(engine, i, &view);
        if (!wanted(a, view.instrument)) continue;
        if (!has_room(a) || !name(a, view.instrument)) {
            goes_on(a, i, 0);
            return;
        }
        mw_position_view(&view, &out);
        name_owner(a, &view, &out);
        (void)wire_reply_position_add(&a->parts, &out);
        a->items++;
    }
}

static void answer_account(answer *a) {
    mx_account_view view;
    wire_account_view out;
    if (!mx_account_get(a->self->engine, a->account, &view)) return;
    mw_account_view(&view, &out);
    (void)wire_reply_account_add(&a->parts, &out);
    a->items++;
}

/* ---- an instrument ---- */

/* How it is defined, and whether it is blocked for everybody: as the commands that would make it so. */
static void answer_instrument(answer *a) {
    mx_instrument_view view;
    wire_control_command command;
    if (!mx_instrument_get(a->self->engine, a->instrument, &view)) return;
    (void)name(a, a->instrument);
    mw_definition(&view, &command);
    (void)wire_reply_definition_add(&a->parts, &command);
    if (!view.blocked) return;
    command = wire_control_command_empty;
    command.kind = WIRE_SET_BLOCK;
    command.all_accounts = command.on = true;
    tw_text_copy(command.symbol, sizeof command.symbol, view.definition.symbol);
    (void)wire_reply_definition_add(&a->parts, &command);
}

/* ---- executions ---- */

static bool is_after(const mr_record *record, uint64_t seq, uint32_t n) {
    return record->report.seq > seq || (record->report.seq == seq && record->report.n > n);
}

/* The account's first record behind (seq, n): from the chunk that it would be in on, and from there by the account's own list. */
static const mr_record *first_after(const answer *a, uint64_t seq, uint32_t n) {
    const shelf *b = &a->self->records;
    uint32_t start = b->oldest;
    for (uint32_t at = start; at != SHELF_NO_CHUNK && b->chunks[at].used > 0; at = b->chunks[at].next) {
        if (is_after((const mr_record *)b->chunks[at].records, seq, n)) break;
        start = at;
    }
    const mr_record *record = start == b->oldest ? a->self->first_same[a->account] : NULL;
    for (shelf_cursor at = {start, 0}; record == NULL;) {
        record = shelf_next(b, &at);
        if (record == NULL) return NULL;
        if (record->report.account != a->account) record = NULL;
    }
    while (record != NULL && !is_after(record, seq, n))
        record = record->next_same;
    return record;
}

/* What is kept may begin behind what was asked for. Said exactly then: who reads what lacks in execlog has to know when it has all of it. */
static void tell_beginning(answer *a) {
    const mr_replica *self = a->self;
    uint64_t after = a->query->after;
    bool reaches = after > self->gone_seq || (after == self->gone_seq && a->query->after_n >= self->gone_n);
    if (reaches) return;
    tw_text_format(a->header.detail, sizeof a->header.detail,
                   "kept here behind input %" PRIu64 ": older ones are in execlog", self->gone_seq);
}

static void answer_executions(answer *a) {
    uint32_t looked = 0;
    const mr_record *record = first_after(a, a->query->after, a->query->after == 0 ? 0 : a->query->after_n);
    tell_beginning(a);
    a->header.next = a->query->after;
    a->header.next_n = a->query->after_n;
    for (; record != NULL; record = record->next_same) {
        wire_report out;
        const mx_report *report = &record->report;
        bool shown = wanted(a, report->instrument);
        if (++looked > MOST_LOOKED || (shown && (!has_room(a) || !name(a, report->instrument)))) {
            a->header.more = true;
            return;
        }
        a->header.next = report->seq;
        a->header.next_n = report->n;
        if (!shown) continue;
        mw_report(report, record->correlation, mr_order_correlation(record), false, &out);
        (void)wire_reply_report_add(&a->parts, &out);
        a->items++;
    }
}

/* ---- the question ---- */

/* An order by its id, what is of an instrument, and the day need no account. */
static bool lacks_account(const wire_query *query) {
    if (query->account[0] != '\0' || query->kind == WIRE_QUERY_DAY) return false;
    if (query->kind == WIRE_QUERY_ORDER) return query->order_id == 0;
    return query->symbol[0] == '\0' ||
           (query->kind != WIRE_QUERY_POSITIONS && query->kind != WIRE_QUERY_INSTRUMENT);
}

/* A question that came on an account's own subject is about that account: it is written into it, or named already. */
static bool narrow(answer *a, wire_query *query, const char *only) {
    if (only == NULL) return true;
    if (query->kind == WIRE_QUERY_INSTRUMENT)
        refuse(a, WIRE_REPLY_BAD_REQUEST, "how an instrument is defined is not asked on an account's subject");
    else if (query->account[0] != '\0' && strcmp(query->account, only) != 0)
        refuse(a, WIRE_REPLY_BAD_REQUEST, "the query names another account than its subject");
    else if (!tw_text_copy(query->account, sizeof query->account, only))
        refuse(a, WIRE_REPLY_NOT_FOUND, "no such account at this shard");
    return a->header.code == WIRE_REPLY_OK;
}

static bool find_names(answer *a) {
    const wire_query *query = a->query;
    const mx_engine *engine = a->self->engine;
    a->account = query->account[0] == '\0' ? MX_UNKNOWN : mx_account_find(engine, query->account);
    a->instrument = query->symbol[0] == '\0' ? MX_UNKNOWN : mx_instrument_find(engine, query->symbol);
    if (query->kind == WIRE_QUERY_INSTRUMENT && query->symbol[0] == '\0')
        refuse(a, WIRE_REPLY_BAD_REQUEST, "the query names no instrument");
    else if (lacks_account(query))
        refuse(a, WIRE_REPLY_BAD_REQUEST, "the query names no account");
    else if (query->account[0] != '\0' && a->account == MX_UNKNOWN)
        refuse(a, WIRE_REPLY_NOT_FOUND, "no such account at this shard");
    else if (query->symbol[0] != '\0' && a->instrument == MX_UNKNOWN)
        refuse(a, WIRE_REPLY_NOT_FOUND, "no such instrument at this shard");
    return a->header.code == WIRE_REPLY_OK;
}

static void answer_query(answer *a) {
    if (!find_names(a)) return;
    switch (a->query->kind) {
    case WIRE_QUERY_ACCOUNT:
        answer_account(a);
        break;
    case WIRE_QUERY_ORDERS:
        answer_orders(a);
        break;
    case WIRE_QUERY_ORDER:
        answer_order(a);
        break;
    case WIRE_QUERY_POSITIONS:
        answer_positions(a);
        break;
    case WIRE_QUERY_EXECUTIONS:
        answer_executions(a);
        break;
    case WIRE_QUERY_INSTRUMENT:
        answer_instrument(a);
        break;
    case WIRE_QUERY_DAY: /* the header has it */
        break;
    default:
        refuse(a, WIRE_REPLY_BAD_REQUEST, "the query's kind is not known");
        break;
    }
}

/* As of now, with nothing in it yet. False: the query can't be read. */
static bool begin_answer(answer *a, wire_query *query, const uint8_t *bytes, size_t bytes_length, uint8_t *buffer,
                         size_t capacity) {
    const mr_replica *self = a->self;
    TW_ASSERT(capacity >= MR_REPLY_BYTES);
    bool read = wire_query_decode(bytes, bytes_length, query) == WIRE_OK;
    a->query = query;
    a->header.shard = self->shard;
    a->header.seq = self->seq;
    a->header.event_ns = mx_now(self->engine);
    a->header.date = mx_date(self->engine);
    a->header.day_end_ns = mx_day_end(self->engine);
    a->most = query->limit == 0 || query->limit > MOST_ITEMS ? MOST_ITEMS : query->limit;
    tw_text_copy(a->header.exchange, sizeof a->header.exchange, self->exchange);
    wire_parts_start(&a->parts, buffer, capacity);
    return read;
}

static void name_question(answer *a) {
    tw_text_copy(a->header.account, sizeof a->header.account, a->query->account);
    tw_text_copy(a->header.correlation_id, sizeof a->header.correlation_id, a->query->correlation_id);
}

const uint8_t *mr_answer(const mr_replica *self, const char *only, const uint8_t *bytes, size_t bytes_length,
                         uint8_t *buffer, size_t capacity, size_t *length) {
    wire_query query = {0};
    answer a = {.self = self};
    bool read = begin_answer(&a, &query, bytes, bytes_length, buffer, capacity);
    if (!read) refuse(&a, WIRE_REPLY_BAD_REQUEST, "the query can't be read");
    if (read && narrow(&a, &query, only)) {
        name_question(&a);
        answer_query(&a);
    }
    add_names(&a);
    return wire_query_reply_finish(&a.parts, &a.header, length);
}

const uint8_t *mr_answer_not(const mr_replica *self, wire_reply_code code, const char *detail, const uint8_t *bytes,
                             size_t bytes_length, uint8_t *buffer, size_t capacity, size_t *length) {
    wire_query query = {0};
    answer a = {.self = self};
    if (begin_answer(&a, &query, bytes, bytes_length, buffer, capacity)) name_question(&a);
    refuse(&a, code, detail);
    return wire_query_reply_finish(&a.parts, &a.header, length);
}
