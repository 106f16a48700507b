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

_Static_assert(MOST_LOOKED / 2 * offsetof(mr_record, correlation) > SHELF_CHUNK_BYTES,
               "a page that finds nothing gets behind the chunk that it begins in");

static const char NO_SUCH_ACCOUNT[] = "no such account at this shard";

/* One answer on its way. */
typedef struct answer {
    const mr_replica *self;
    const wire_query *query;
    wire_query_reply_header header;
    wire_parts parts;
    uint32_t account, instrument; /* MX_UNKNOWN: the query names none, or a stranger */
    bool stranger;                /* nobody has the account's name */
    uint32_t items, most;
    uint32_t looked; /* at records */
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

/* At one more record. False: this reply has cost enough. */
static bool look(answer *a) {
    if (a->looked == MOST_LOOKED) return false;
    a->looked++;
    return true;
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

/* ---- lists ---- */

/* A place in time: report n of input seq. */
typedef struct place {
    uint64_t seq;
    uint32_t n;
} place;

static const place EVER = {UINT64_MAX, UINT32_MAX};

static bool is_after(const mr_record *record, place at) {
    return shelf_is_after(record, at.seq, at.n);
}

static place before_input(uint64_t seq) {
    return (place){seq - 1, UINT32_MAX};
}

static place place_of(const mr_record *record) {
    return (place){record->report.seq, record->report.n};
}

typedef struct search {
    const mr_record *found; /* NULL: there is none, or it is not known yet */
    bool spent;             /* it is not: there is none up to `reached` */
    place reached;
} search;

/* A list's first record behind `after`; behind `until` it is not looked for, but may be found. In a long list the next record is near on the shelf, and a short
 * one is soon walked through: both are tried, a step each. */
static search first_after(answer *a, uint32_t list, place after, place until) {
    const mr_replica *self = a->self;
    const mr_record *listed = self->first_same[list], *shelved;
    if (listed == NULL || !is_after(self->last_same[list], after)) return (search){0};
    if (is_after(listed, after)) return (search){.found = listed};
    search s = {.reached = after};
    shelf_cursor at = shelf_find(&self->records, after.seq, after.n);
    while (look(a) && look(a)) {
        listed = listed->next_same;
        if (is_after(listed, after)) return (search){.found = listed};
        shelved = shelf_next(&self->records, &at);
        if (shelved == NULL || is_after(shelved, until)) return (search){0};
        if (records_list(self, shelved) == list && is_after(shelved, after)) return (search){.found = shelved};
        s.reached = place_of(shelved);
    }
    s.spent = true;
    return s;
}

/* ---- strangers ---- */

static uint32_t strangers_list(const answer *a) {
    return a->self->bounds.max_accounts;
}

static bool is_stranger(const answer *a, const mr_record *record) {
    return records_list(a->self, record) == strangers_list(a);
}

/* The definition of an account that is kept. NULL: nothing of before it is kept. */
static const mr_record *definition_of(const answer *a) {
    const mr_record *first = a->account == MX_UNKNOWN ? NULL : a->self->first_same[a->account];
    return first != NULL && first->report.command == MX_DEFINE_ACCOUNT ? first : NULL;
}

/* Is anything of when nobody knew it behind that? Records go in order: without its definition there is none before it. */
static bool was_stranger(const answer *a, place after) {
    const mr_record *definition = definition_of(a);
    return a->stranger || (definition != NULL && is_after(definition, after));
}

/* An order that was refused because nobody knew its account. That happened with the order's own input, so no later one is looked at. */
static const mr_record *refused_stranger(answer *a, uint64_t order_id) {
    const uint64_t seq = order_id >> 16;
    if (seq == 0 || !was_stranger(a, (place){seq, 0})) return NULL;
    const mr_record *at = first_after(a, strangers_list(a), before_input(seq), (place){seq, UINT32_MAX}).found;
    for (; at != NULL && at->report.seq == seq && look(a); at = at->next_same)
        if (at->report.order_id == order_id && at->report.kind == MX_REJECTED &&
            strcmp(mr_asked_account(at), a->query->account) == 0)
            return at;
    return NULL;
}

/* ---- an order ---- */

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
    tw_text_copy(out.symbol, sizeof out.symbol, mr_asked_symbol(record));
    (void)name(a, report->instrument);
    (void)wire_reply_order_add(&a->parts, &out);
    a->items++;
    if (report->kind == MX_REJECTED)
        tw_text_copy(a->header.detail, sizeof a->header.detail, mx_reason_text((mx_reason)report->reason));
}

static bool is_of(const mx_report *report, uint64_t order_id) {
    return report->order_id == order_id && !report->duplicate && report->kind != MX_CANCEL_REJECTED &&
           report->kind != MX_REPLACE_REJECTED;
}

static bool has_ended(const mx_report *report) {
    return report->kind == MX_REJECTED || report->status == MX_STATUS_FILLED ||
           report->status == MX_STATUS_CANCELLED;
}

/* The last record of an order that has ended; nothing comes behind it. An order's first one is its own input's: where that is kept, none of it there is none
 * at all. */
static const mr_record *last_of(answer *a, uint64_t order_id) {
    const uint64_t seq = order_id >> 16;
    const bool whole = seq > a->self->gone_seq;
    if (a->account == MX_UNKNOWN || seq == 0) return NULL;
    const place until = whole ? (place){seq, UINT32_MAX} : EVER;
    const mr_record *at = first_after(a, a->account, before_input(seq), until).found, *last = NULL;
    for (; at != NULL; at = at->next_same) {
        if (!look(a) || (whole && last == NULL && at->report.seq > seq)) return NULL;
        if (!is_of(&at->report, order_id)) continue;
        last = at;
        if (has_ended(&at->report)) break;
    }
    return last;
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
    bool open = id != 0 && !a->stranger && mx_order_find(a->self->engine, id, &view);
    if (open && (a->account == MX_UNKNOWN || view.account == a->account)) {
        (void)name(a, view.instrument);
        add_order(a, &view);
        return;
    }
    const mr_record *ended = open || id == 0 ? NULL : last_of(a, id);
    if (ended == NULL && !open) ended = refused_stranger(a, id);
    if (ended != NULL)
        add_ended(a, ended);
    else if (a->stranger)
        refuse(a, WIRE_REPLY_NOT_FOUND, NO_SUCH_ACCOUNT);
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

/* ---- instruments ---- */

/* What lives on another shard is in no directory of this one: each as the command by which it moved. */
static void answer_moved(answer *a) {
    uint32_t count = mx_instruments(a->self->engine);
    uint32_t i = a->query->after < count ? (uint32_t)a->query->after : count;
    for (; i < count; i++) {
        mx_instrument_view view;
        wire_control_command command = wire_control_command_empty;
        if (!mx_instrument_get(a->self->engine, i, &view) || view.state != MX_MOVED) continue;
        if (!has_room(a)) {
            goes_on(a, i, 0);
            return;
        }
        command.kind = WIRE_SET_STATE;
        command.state = MX_MOVED;
        tw_text_copy(command.symbol, sizeof command.symbol, view.definition.symbol);
        (void)wire_reply_definition_add(&a->parts, &command);
        a->items++;
    }
}

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

/* An account's records in the order of time. While nobody knew it, its refusals were strangers'; then its own come, the first of which is its definition. */
typedef struct story {
    const mr_record *strange; /* the strangers' next, whoever it is; NULL: no more of this account */
    const mr_record *own;
} story;

/* What is behind `after`. False: this reply only says how far it is known that there is nothing. An account's own records begin with its definition where
 * strangers' are looked for: then they are not searched. */
static bool story_after(answer *a, place after, story *of) {
    search strange = {0}, own = {0};
    const mr_record *definition = definition_of(a);
    if (was_stranger(a, after))
        strange = first_after(a, strangers_list(a), after, definition != NULL ? place_of(definition) : EVER);
    if (!a->stranger) own = first_after(a, a->account, after, EVER);
    *of = (story){.strange = strange.found, .own = own.found};
    if (strange.spent || own.spent) {
        const place reached = strange.spent ? strange.reached : own.reached;
        goes_on(a, reached.seq, reached.n);
    }
    return !strange.spent && !own.spent;
}

/* NULL: no more. A stranger's may be another one's. */
static const mr_record *story_next(story *of) {
    const mr_record *next = of->strange;
    if (next != NULL && of->own != NULL && is_after(next, place_of(of->own))) next = NULL;
    of->strange = next != NULL ? next->next_same : NULL;
    if (next != NULL) return next;
    next = of->own;
    if (next != NULL) of->own = next->next_same;
    return next;
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

static bool is_shown(const answer *a, const mr_record *record) {
    if (is_stranger(a, record) && strcmp(mr_asked_account(record), a->query->account) != 0) return false;
    return wanted(a, record->report.instrument);
}

/* Nobody has the name and nothing of it is kept. Where something has been let go, that may have been of it. */
static void refuse_unheard(answer *a) {
    char older[WIRE_DETAIL_BYTES], detail[WIRE_DETAIL_BYTES];
    tw_text_copy(older, sizeof older, a->header.detail);
    tw_text_format(detail, sizeof detail, "%s%s%s", NO_SUCH_ACCOUNT, older[0] != '\0' ? "; " : "", older);
    refuse(a, WIRE_REPLY_NOT_FOUND, detail);
}

static void answer_executions(answer *a) {
    const wire_query *q = a->query;
    story of;
    tell_beginning(a);
    if (!story_after(a, (place){q->after, q->after == 0 ? 0 : q->after_n}, &of)) return;
    a->header.next = q->after;
    a->header.next_n = q->after_n;
    for (const mr_record *record; (record = story_next(&of)) != NULL;) {
        wire_report out;
        bool shown = is_shown(a, record);
        if (!look(a) || (shown && (!has_room(a) || !name(a, record->report.instrument)))) {
            a->header.more = true;
            return;
        }
        a->header.next = record->report.seq;
        a->header.next_n = record->report.n;
        if (!shown) continue;
        mr_tell(record, false, &out);
        (void)wire_reply_report_add(&a->parts, &out);
        a->items++;
    }
    if (a->stranger && a->items == 0 && q->after == 0) refuse_unheard(a);
}

/* ---- the question ---- */

/* An order by its id, what is of an instrument or of the shard, and the day need no account. */
static bool lacks_account(const wire_query *query) {
    if (query->account[0] != '\0' || query->kind == WIRE_QUERY_DAY || query->kind == WIRE_QUERY_MOVED) return false;
    if (query->kind == WIRE_QUERY_ORDER) return query->order_id == 0;
    return query->symbol[0] == '\0' ||
           (query->kind != WIRE_QUERY_POSITIONS && query->kind != WIRE_QUERY_INSTRUMENT);
}

/* A question that came on an account's own subject is about that account: it is written into it, or named already. */
static bool narrow(answer *a, wire_query *query, const char *only) {
    if (only == NULL) return true;
    if (query->kind == WIRE_QUERY_INSTRUMENT || query->kind == WIRE_QUERY_MOVED)
        refuse(a, WIRE_REPLY_BAD_REQUEST, "what instruments are is not asked on an account's subject");
    else if (query->account[0] != '\0' && strcmp(query->account, only) != 0)
        refuse(a, WIRE_REPLY_BAD_REQUEST, "the query names another account than its subject");
    else if (!tw_text_copy(query->account, sizeof query->account, only))
        refuse(a, WIRE_REPLY_NOT_FOUND, NO_SUCH_ACCOUNT);
    return a->header.code == WIRE_REPLY_OK;
}

/* Of whom nobody knows there are refusals at most. */
static bool may_ask_of_stranger(const wire_query *query) {
    return query->kind == WIRE_QUERY_EXECUTIONS || (query->kind == WIRE_QUERY_ORDER && query->order_id != 0);
}

static bool find_names(answer *a) {
    const wire_query *query = a->query;
    const mx_engine *engine = a->self->engine;
    a->account = query->account[0] == '\0' ? MX_UNKNOWN : mx_account_find(engine, query->account);
    a->stranger = query->account[0] != '\0' && a->account == MX_UNKNOWN;
    a->instrument = query->symbol[0] == '\0' ? MX_UNKNOWN : mx_instrument_find(engine, query->symbol);
    if (query->kind == WIRE_QUERY_INSTRUMENT && query->symbol[0] == '\0')
        refuse(a, WIRE_REPLY_BAD_REQUEST, "the query names no instrument");
    else if (lacks_account(query))
        refuse(a, WIRE_REPLY_BAD_REQUEST, "the query names no account");
    else if (a->stranger && !may_ask_of_stranger(query))
        refuse(a, WIRE_REPLY_NOT_FOUND, NO_SUCH_ACCOUNT);
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
    case WIRE_QUERY_MOVED:
        answer_moved(a);
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

const uint8_t *mr_answer(mr_replica *self, const char *only, const uint8_t *bytes, size_t bytes_length,
                         uint8_t *buffer, size_t capacity, size_t *length) {
    wire_query query = {0};
    answer a = {.self = self};
    bool read = begin_answer(&a, &query, bytes, bytes_length, buffer, capacity);
    if (!read) refuse(&a, WIRE_REPLY_BAD_REQUEST, "the query can't be read");
    if (read && narrow(&a, &query, only)) {
        name_question(&a);
        answer_query(&a);
    }
    self->looked += a.looked;
    add_names(&a);
    return wire_query_reply_finish(&a.parts, &a.header, length);
}

uint64_t mr_looked(const mr_replica *self) {
    return self->looked;
}

const uint8_t *mr_answer_not(const mr_replica *self, wire_reply_code code, const char *detail, const uint8_t *bytes,
                             size_t bytes_length, uint8_t *buffer, size_t capacity, size_t *length) {
    wire_query query = {0};
    answer a = {.self = self};
    if (begin_answer(&a, &query, bytes, bytes_length, buffer, capacity)) name_question(&a);
    refuse(&a, code, detail);
    return wire_query_reply_finish(&a.parts, &a.header, length);
}
