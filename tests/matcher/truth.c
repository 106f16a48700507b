/* The naive engine behind the order stream's bytes, and its reports as execlog's bytes. */
#include "tests/matcher/truth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "base/utf8.h"

enum { MOST_NAMES = 64, AT_ONCE = 64 };

typedef struct name {
    char text[TW_SYMBOL_BYTES];
    int32_t price_exponent, quantity_exponent;
} name;

/* One report that execlog must have, with its instrument's exponents of then. */
typedef struct expected {
    wire_report report;
    int32_t price_exponent, quantity_exponent;
} expected;

typedef struct open_order {
    uint64_t id;
    char correlation[WIRE_CORRELATION_BYTES];
} open_order;

/* The command under way. */
typedef struct at_work {
    uint64_t order_id; /* a new order's */
    char correlation[WIRE_CORRELATION_BYTES];
    char account[TW_SYMBOL_BYTES], symbol[TW_SYMBOL_BYTES]; /* as it calls them */
    const wire_control_command *control;
} at_work;

struct truth {
    char exchange[TW_MIC_BYTES];
    uint32_t shard;
    naive_engine *engine;
    name instruments[MOST_NAMES], accounts[MOST_NAMES];
    uint32_t instrument_count, account_count;
    open_order *open;
    size_t open_count, open_room;
    at_work work;
    mx_report sunk[AT_ONCE];
    mx_sink sink;
    expected *reports; /* a queue: first to last */
    size_t first, last, room;
    uint64_t seq, journaled, made;
    uint64_t range_first, range_last; /* the range that is open, 0: none */
    uint32_t part, parts;             /* the last one that was seen of it */
    uint8_t *buffer;
};

static void sink_full(mx_sink *sink, void *context);

truth *truth_alloc(const char *exchange, uint32_t shard) {
    truth *t = calloc(1, sizeof *t);
    TW_ASSERT(t != NULL);
    (void)tw_text_copy(t->exchange, sizeof t->exchange, exchange);
    t->shard = shard;
    t->engine = naive_alloc();
    t->buffer = malloc(WIRE_EXECUTION_BYTES);
    TW_ASSERT(t->engine != NULL && t->buffer != NULL);
    t->sink = (mx_sink){.reports = t->sunk, .capacity = AT_ONCE, .full = sink_full, .context = t};
    return t;
}

void truth_free(truth *t) {
    if (t == NULL) return;
    naive_free(t->engine);
    free(t->open);
    free(t->reports);
    free(t->buffer);
    free(t);
}

/* ---- names ---- */

static uint32_t find(const name *names, uint32_t count, const char *text) {
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i].text, text) == 0) return i;
    return MX_UNKNOWN;
}

static uint32_t account_of(const truth *t, const char *text) {
    return find(t->accounts, t->account_count, text);
}

static uint32_t instrument_of(const truth *t, const char *text) {
    return find(t->instruments, t->instrument_count, text);
}

static void definition_holds(truth *t, const mx_report *r) {
    const wire_control_command *c = t->work.control;
    if (r->command == MX_DEFINE_ACCOUNT && r->account == t->account_count) {
        TW_ASSERT(t->account_count < MOST_NAMES);
        (void)tw_text_copy(t->accounts[t->account_count++].text, TW_SYMBOL_BYTES, c->account);
    }
    if (r->command != MX_DEFINE_INSTRUMENT) return;
    TW_ASSERT(r->instrument < MOST_NAMES);
    name *n = &t->instruments[r->instrument];
    if (r->instrument == t->instrument_count) t->instrument_count++;
    (void)tw_text_copy(n->text, sizeof n->text, c->symbol);
    n->price_exponent = c->price_exponent;
    n->quantity_exponent = c->quantity_exponent;
}

/* ---- correlation ids ---- */

static open_order *open_find(const truth *t, uint64_t id) {
    for (size_t i = t->open_count; id != 0 && i > 0; i--)
        if (t->open[i - 1].id == id) return &t->open[i - 1];
    return NULL;
}

static void open_add(truth *t, uint64_t id, const char *correlation) {
    if (t->open_count == t->open_room) {
        t->open_room = t->open_room == 0 ? 64 : t->open_room * 2;
        t->open = realloc(t->open, t->open_room * sizeof *t->open);
        TW_ASSERT(t->open != NULL);
    }
    t->open[t->open_count].id = id;
    (void)tw_text_copy(t->open[t->open_count++].correlation, WIRE_CORRELATION_BYTES, correlation);
}

/* Said to whoever sent the command, about the command; other reports say what became of an order. */
static bool answers(const mx_report *r) {
    switch (r->kind) {
    case MX_FILL:
    case MX_EXPIRED:
    case MX_TRIGGERED:
    case MX_RESTATED:
    case MX_DAY_ENDED:
        return false;
    case MX_CANCELLED:
        return r->reason == MXR_REQUESTED;
    case MX_SESSION_ENDED:
        return r->reason == MXR_SESSION_CLOSED;
    default:
        return true;
    }
}

static void correlate(const truth *t, const mx_report *r, wire_report *to) {
    const open_order *open = open_find(t, r->order_id);
    bool in_vain = (r->kind == MX_CANCEL_REJECTED || r->kind == MX_REPLACE_REJECTED) && r->status == 0;
    if (in_vain) open = NULL; /* it may be another account's */
    bool of_command = answers(r) && t->work.correlation[0] != '\0';
    const char *text = of_command ? t->work.correlation : open != NULL ? open->correlation : "";
    bool others = of_command && open != NULL && strcmp(open->correlation, text) != 0;
    (void)tw_text_copy(to->correlation_id, sizeof to->correlation_id, text);
    (void)tw_text_copy(to->order_correlation_id, sizeof to->order_correlation_id, others ? open->correlation : "");
}

static void follow(truth *t, const mx_report *r) {
    bool ended = r->status == MX_STATUS_FILLED || r->status == MX_STATUS_CANCELLED;
    open_order *open = r->duplicate ? NULL : open_find(t, r->order_id);
    if (open != NULL && ended) *open = t->open[--t->open_count];
}

/* ---- reports ---- */

static expected *add_report(truth *t) {
    if (t->last == t->room && t->first > t->room / 2) {
        memmove(t->reports, t->reports + t->first, (t->last - t->first) * sizeof *t->reports);
        t->last -= t->first;
        t->first = 0;
    }
    if (t->last == t->room) {
        t->room = t->room == 0 ? 256 : t->room * 2;
        t->reports = realloc(t->reports, t->room * sizeof *t->reports);
        TW_ASSERT(t->reports != NULL);
    }
    t->made++;
    return &t->reports[t->last++];
}

static void copy_report(const mx_report *from, wire_report *to) {
    *to = (wire_report){.seq = from->seq,
                        .index = from->index,
                        .n = from->n,
                        .kind = from->kind,
                        .command = from->command,
                        .status = from->status,
                        .side = from->side,
                        .type = from->type,
                        .tif = from->tif,
                        .liquidity = from->liquidity,
                        .state = from->state,
                        .duplicate = from->duplicate,
                        .reason = from->reason,
                        .account = from->account,
                        .instrument = from->instrument,
                        .order_id = from->order_id,
                        .counter_id = from->counter_id,
                        .session = from->session,
                        .stream_ns = from->stream_ns,
                        .event_ns = from->event_ns,
                        .price = from->price,
                        .stop_price = from->stop_price,
                        .average_price = from->average_price,
                        .last_price = from->last_price,
                        .quantity = from->quantity,
                        .leaves = from->leaves,
                        .shown = from->shown,
                        .executed = from->executed,
                        .last_quantity = from->last_quantity,
                        .executed_notional = from->executed_notional,
                        .fee = from->fee};
    memcpy(to->client_order_id, from->client_id.words, sizeof from->client_id.words);
}

/* Whom a refusal names, where there is nobody. */
static void name_strangers(const truth *t, wire_report *to) {
    const at_work *work = &t->work;
    if (to->kind != MX_REJECTED && to->kind != MX_CANCEL_REJECTED && to->kind != MX_REPLACE_REJECTED &&
        to->kind != MX_REFUSED)
        return;
    if (to->account == MX_UNKNOWN && account_of(t, work->account) == MX_UNKNOWN)
        (void)tw_text_copy(to->account_name, sizeof to->account_name, work->account);
    if (to->instrument == MX_UNKNOWN && instrument_of(t, work->symbol) == MX_UNKNOWN)
        (void)tw_text_copy(to->symbol, sizeof to->symbol, work->symbol);
}

static void drain(truth *t) {
    for (uint32_t i = 0; i < t->sink.count; i++) {
        const mx_report *r = &t->sunk[i];
        if (r->kind == MX_DONE && t->work.control != NULL) definition_holds(t, r);
        if (r->kind == MX_ACCEPTED && !r->duplicate) open_add(t, r->order_id, t->work.correlation);
        expected *to = add_report(t);
        copy_report(r, &to->report);
        correlate(t, r, &to->report);
        name_strangers(t, &to->report);
        follow(t, r);
        to->price_exponent = to->quantity_exponent = 0;
        if (r->instrument >= t->instrument_count) continue;
        to->price_exponent = t->instruments[r->instrument].price_exponent;
        to->quantity_exponent = t->instruments[r->instrument].quantity_exponent;
    }
    t->sink.count = 0;
}

static void sink_full(mx_sink *sink, void *context) {
    (void)sink;
    drain(context);
}

/* ---- commands ---- */

static void apply(truth *t, const mx_input *input, const mx_command *command) {
    naive_apply(t->engine, input, command, &t->sink);
}

static void clock_command(truth *t, const mx_input *input) {
    apply(t, input, &(mx_command){.kind = MX_CLOCK});
}

/* Whatever is due by then happens, and the answer to nothing becomes the refusal. */
static mx_report *refuse(truth *t, const mx_input *input, mx_report_kind kind, mx_command_kind command,
                         mx_reason reason) {
    clock_command(t, input);
    mx_report *r = &t->sunk[t->sink.count - 1];
    r->kind = (uint8_t)kind;
    r->command = (uint8_t)command;
    r->reason = (uint16_t)reason;
    return r;
}

static void refuse_order_command(truth *t, const mx_input *input, const wire_order_command *c) {
    mx_report_kind kind = MX_REFUSED;
    mx_command_kind command = MX_COMMANDS;
    switch (c->kind) {
    case WIRE_NEW_ORDER:
        kind = MX_REJECTED;
        command = MX_NEW_ORDER;
        break;
    case WIRE_CANCEL:
        kind = MX_CANCEL_REJECTED;
        command = MX_CANCEL;
        break;
    case WIRE_REPLACE:
        kind = MX_REPLACE_REJECTED;
        command = MX_REPLACE;
        break;
    case WIRE_MASS_CANCEL:
        kind = MX_CANCEL_REJECTED;
        command = MX_MASS_CANCEL;
        break;
    case WIRE_SESSION_OPEN:
        command = MX_SESSION_OPEN;
        break;
    case WIRE_SESSION_BEAT:
        command = MX_SESSION_BEAT;
        break;
    case WIRE_SESSION_CLOSE:
        command = MX_SESSION_CLOSE;
        break;
    default:
        break;
    }
    bool unreadable = c->kind == WIRE_UNKNOWN
                          ? c->fault.kind <= WIRE_FAULT_RANGE
                          : c->fault.kind == WIRE_FAULT_MALFORMED || c->fault.kind == WIRE_FAULT_RANGE;
    mx_report *r = refuse(t, input, kind, command, unreadable ? MXR_UNREADABLE : MXR_NOT_ALLOWED_HERE);
    r->account = account_of(t, c->account);
    r->instrument = instrument_of(t, c->symbol);
    r->order_id = c->order_id;
    r->client_id = mx_client_id_of(c->client_order_id);
}

static uint64_t or_zero(uint64_t quantity) {
    return quantity == WIRE_QUANTITY_ABSENT ? 0 : quantity;
}

static mx_target target_of(const truth *t, const wire_order_command *c) {
    return (mx_target){c->order_id, mx_client_id_of(c->client_order_id), account_of(t, c->account),
                       instrument_of(t, c->symbol)};
}

static uint8_t sides_of(uint32_t sides) {
    return sides == 0 ? 3 : sides <= 3 ? (uint8_t)sides : UINT8_MAX;
}

static void new_order(const truth *t, const mx_input *input, const wire_order_command *c, mx_command *to) {
    to->kind = MX_NEW_ORDER;
    to->order = (mx_new_order){.order_id = input->seq << 16 | input->index,
                               .account = account_of(t, c->account),
                               .instrument = instrument_of(t, c->symbol),
                               .side = c->side,
                               .type = c->type,
                               .tif = c->tif,
                               .stp = c->stp,
                               .post_only = c->post_only,
                               .price = c->price,
                               .stop_price = c->stop_price,
                               .quantity = or_zero(c->quantity),
                               .display = or_zero(c->display),
                               .minimum = c->minimum,
                               .expire_ns = c->expire_ns == TW_TIME_ABSENT ? 0 : c->expire_ns,
                               .session = c->session,
                               .client_id = mx_client_id_of(c->client_order_id)};
}

static void order_command(truth *t, const mx_input *input, const wire_order_command *c) {
    mx_command to = {0};
    switch (c->kind) {
    case WIRE_NEW_ORDER:
        new_order(t, input, c, &to);
        break;
    case WIRE_CANCEL:
        to.kind = MX_CANCEL;
        to.cancel.target = target_of(t, c);
        break;
    case WIRE_REPLACE:
        to.kind = MX_REPLACE;
        to.replace = (mx_replace){.target = target_of(t, c),
                                  .quantity = c->quantity,
                                  .open_only = c->open_only,
                                  .price = c->price,
                                  .stop_price = c->stop_price,
                                  .display = c->display};
        break;
    case WIRE_MASS_CANCEL:
        to.kind = MX_MASS_CANCEL;
        to.mass_cancel = (mx_mass_cancel){
            account_of(t, c->account), c->all_symbols ? MX_EVERY : instrument_of(t, c->symbol), sides_of(c->sides)};
        break;
    default:
        to.kind = (uint8_t)(MX_SESSION_OPEN + (c->kind - WIRE_SESSION_OPEN));
        to.session = (mx_session){c->session, c->timeout_ns <= INT64_MAX ? (int64_t)c->timeout_ns : INT64_MAX};
        break;
    }
    apply(t, input, &to);
}

static void define_instrument(const truth *t, const wire_control_command *c, mx_define_instrument *to) {
    uint32_t known = instrument_of(t, c->symbol);
    to->instrument = known != MX_UNKNOWN ? known : t->instrument_count;
    (void)tw_text_copy(to->symbol, sizeof to->symbol, c->symbol);
    to->price_exponent = c->price_exponent;
    to->quantity_exponent = c->quantity_exponent;
    to->tick_bands = c->tick.count == c->tick_from.count ? c->tick.count : 0;
    for (uint32_t i = 0; i < to->tick_bands; i++)
        to->ticks[i] = (mx_tick_band){c->tick_from.values[i], c->tick.values[i]};
    to->lot = c->lot;
    to->collar_ppm = c->collar_ppm;
    to->protection_ppm = c->protection_ppm;
    to->reference_price = c->price;
}

static void define_account(const truth *t, const wire_control_command *c, mx_define_account *to) {
    uint32_t known = account_of(t, c->account);
    to->account = known != MX_UNKNOWN ? known : t->account_count;
    (void)tw_text_copy(to->name, sizeof to->name, c->account);
    to->fee_class = c->fee_class < MX_FEE_CLASSES ? (uint8_t)c->fee_class : UINT8_MAX;
}

static void set_limits(const truth *t, const wire_control_command *c, mx_limits *to) {
    *to = (mx_limits){.account = account_of(t, c->account),
                      .order_quantity = c->order_quantity,
                      .order_notional = c->order_notional,
                      .funds = c->funds,
                      .exposure = c->exposure,
                      .position = c->position,
                      .concentration_ppm = c->concentration_ppm,
                      .collar_ppm = c->collar_ppm,
                      .open_orders = c->open_orders,
                      .rate_per_second = c->rate_per_second,
                      .rate_burst = c->rate_burst,
                      .duplicate_ns = c->duplicate_ns};
}

static void control_command(truth *t, const mx_input *input, const wire_control_command *c) {
    mx_command to = {0};
    uint32_t account = c->all_accounts ? MX_EVERY : account_of(t, c->account);
    uint32_t instrument = c->all_symbols ? MX_EVERY : instrument_of(t, c->symbol);
    uint8_t fee_class = c->fee_class < MX_FEE_CLASSES ? (uint8_t)c->fee_class : UINT8_MAX;
    switch (c->kind) {
    case WIRE_CONTROL_CLOCK:
        to.kind = MX_CLOCK;
        break;
    case WIRE_DEFINE_INSTRUMENT:
        to.kind = MX_DEFINE_INSTRUMENT;
        define_instrument(t, c, &to.define_instrument);
        break;
    case WIRE_DEFINE_ACCOUNT:
        to.kind = MX_DEFINE_ACCOUNT;
        define_account(t, c, &to.define_account);
        break;
    case WIRE_SET_LIMITS:
        to.kind = MX_SET_LIMITS;
        set_limits(t, c, &to.limits);
        break;
    case WIRE_SET_FEES:
        to.kind = MX_SET_FEES;
        to.fees = (mx_fees){fee_class, c->maker_ppm, c->taker_ppm, c->maker_per_unit, c->taker_per_unit};
        break;
    case WIRE_SET_STATE:
        to.kind = MX_SET_STATE;
        to.set_state = (mx_set_state){instrument, c->state};
        break;
    case WIRE_SET_REFERENCE:
        to.kind = MX_SET_REFERENCE;
        to.set_reference = (mx_set_reference){instrument, c->price};
        break;
    case WIRE_BEGIN_DAY:
        to.kind = MX_BEGIN_DAY;
        to.begin_day = (mx_begin_day){c->date, c->end_ns == TW_TIME_ABSENT ? 0 : c->end_ns};
        break;
    case WIRE_SET_BLOCK:
        to.kind = MX_SET_BLOCK;
        to.block = (mx_block){account, instrument, c->on};
        break;
    case WIRE_SET_KILL:
        to.kind = MX_SET_KILL;
        to.kill = (mx_kill){account, c->on};
        break;
    case WIRE_SET_BOUNDS:
        to.kind = MX_SET_BOUNDS;
        to.bounds = (mx_bounds){.max_instruments = c->max_instruments,
                                .max_accounts = c->max_accounts,
                                .max_positions = c->max_positions,
                                .max_orders = c->max_orders,
                                .max_pages = c->max_pages,
                                .max_client_ids = c->max_client_ids,
                                .max_sessions = c->max_sessions,
                                .max_reports = c->max_reports,
                                .max_steps = c->max_steps};
        break;
    case WIRE_SET_STORAGE:
        to.kind = MX_SET_STORAGE;
        to.storage.low = c->on;
        break;
    default:
        to.kind = MX_MASS_CANCEL;
        to.mass_cancel = (mx_mass_cancel){account, instrument, sides_of(c->sides)};
        break;
    }
    apply(t, input, &to);
}

/* ---- messages ---- */

static void begin_command(truth *t, uint64_t order_id, const char *correlation,
                          const wire_control_command *control) {
    drain(t);
    t->work = (at_work){.order_id = order_id, .control = control};
    (void)tw_text_copy(t->work.correlation, sizeof t->work.correlation, correlation);
}

/* Bytes that are no UTF-8 are in no message; only a subject can have such. */
static void call_them(truth *t, const char *account, const char *symbol) {
    bool good = tw_utf8_good(account, strlen(account)), listed = tw_utf8_good(symbol, strlen(symbol));
    (void)tw_text_copy(t->work.account, sizeof t->work.account, good ? account : "");
    (void)tw_text_copy(t->work.symbol, sizeof t->work.symbol, listed ? symbol : "");
}

static bool take_orders(truth *t, const mw_message *m, const subject_parts *subject) {
    wire_orders batch;
    wire_order_command c;
    mx_input input = {.seq = m->seq, .stream_ns = m->stream_ns};
    if (wire_orders_open(&batch, m->bytes, m->length) != WIRE_OK) return false;
    for (; wire_orders_next(&batch, &c); input.index++) {
        wire_fault_kind fault = wire_order_command_admit(&c, subject);
        begin_command(t, c.kind == WIRE_NEW_ORDER ? input.seq << 16 | input.index : 0, c.correlation_id, NULL);
        bool every = c.kind == WIRE_MASS_CANCEL && c.all_symbols;
        bool refused = fault != WIRE_FAULT_NONE || c.kind == WIRE_UNKNOWN;
        if (refused || c.kind <= WIRE_MASS_CANCEL) call_them(t, c.account, every ? "" : c.symbol);
        if (refused)
            refuse_order_command(t, &input, &c);
        else
            order_command(t, &input, &c);
    }
    if (input.index == 0) clock_command(t, &input);
    return true;
}

static bool take_controls(truth *t, const mw_message *m) {
    wire_controls batch;
    wire_control_command c;
    mx_input input = {.seq = m->seq, .stream_ns = m->stream_ns};
    if (wire_controls_open(&batch, m->bytes, m->length) != WIRE_OK) return false;
    for (; wire_controls_next(&batch, &c); input.index++) {
        begin_command(t, 0, c.correlation_id, &c);
        call_them(t, c.all_accounts ? "" : c.account, c.all_symbols ? "" : c.symbol);
        if (c.fault.kind == WIRE_FAULT_NONE && c.kind != WIRE_UNKNOWN) {
            control_command(t, &input, &c);
        } else {
            mx_report *r = refuse(t, &input, MX_REFUSED, MX_COMMANDS, MXR_UNREADABLE);
            r->account = account_of(t, c.account);
            r->instrument = instrument_of(t, c.symbol);
        }
        drain(t);
    }
    if (input.index == 0) clock_command(t, &input);
    return true;
}

void truth_take(truth *t, const mw_message *m) {
    subject_parts subject;
    bool read = false;
    TW_ASSERT(m->seq == t->seq + 1);
    t->seq = m->seq;
    t->work = (at_work){0};
    switch (subject_parse(m->subject, &subject)) {
    case SUBJECT_KIND_ORDERS:
    case SUBJECT_KIND_ORDER_BATCH:
        read = take_orders(t, m, &subject);
        break;
    case SUBJECT_KIND_CONTROL:
        read = take_controls(t, m);
        break;
    default:
        subject = (subject_parts){0};
        break;
    }
    if (!read) {
        const mx_input input = {.seq = m->seq, .stream_ns = m->stream_ns};
        call_them(t, subject.account, subject.symbol);
        mx_report *r = refuse(t, &input, MX_REFUSED, MX_COMMANDS, MXR_UNREADABLE);
        r->account = account_of(t, subject.account);
        r->instrument = instrument_of(t, subject.symbol);
    }
    drain(t);
}

uint64_t truth_seq(const truth *t) {
    return t->seq;
}

/* ---- comparing ---- */

/* What a part has named so far. */
typedef struct named {
    bool instruments[MOST_NAMES], accounts[MOST_NAMES];
    int32_t price_exponents[MOST_NAMES], quantity_exponents[MOST_NAMES];
} named;

static void name_them(const truth *t, wire_parts *parts, named *said, const expected *e) {
    uint32_t i = e->report.instrument, a = e->report.account;
    if (i < t->instrument_count && !(said->instruments[i] && said->price_exponents[i] == e->price_exponent &&
                                     said->quantity_exponents[i] == e->quantity_exponent)) {
        wire_named_instrument n = {
            .number = i, .price_exponent = e->price_exponent, .quantity_exponent = e->quantity_exponent};
        (void)tw_text_copy(n.symbol, sizeof n.symbol, t->instruments[i].text);
        (void)wire_named_instrument_add(parts, &n);
        said->instruments[i] = true;
        said->price_exponents[i] = e->price_exponent;
        said->quantity_exponents[i] = e->quantity_exponent;
    }
    if (a < t->account_count && !said->accounts[a]) {
        wire_named_account n = {.number = a};
        (void)tw_text_copy(n.name, sizeof n.name, t->accounts[a].text);
        (void)wire_named_account_add(parts, &n);
        said->accounts[a] = true;
    }
}

/* As many reports of the range as go into one part. Two names and a report always find room, or the part is full. */
static size_t cut(const truth *t, wire_parts *parts, uint64_t last_seq) {
    named said = {0};
    size_t at = t->first;
    wire_parts_start(parts, t->buffer, WIRE_EXECUTION_BYTES);
    while (at < t->last && t->reports[at].report.seq <= last_seq) {
        if (parts->capacity - parts->used < (size_t)3 * WIRE_PART_ROOM || parts->count + 3 > WIRE_MAX_PARTS) break;
        name_them(t, parts, &said, &t->reports[at]);
        (void)wire_report_add(parts, &t->reports[at].report);
        at++;
    }
    return at;
}

static bool header_follows(const truth *t, const wire_execution_header *h, tw_error *error) {
    const char *wrong = NULL;
    if (strcmp(h->exchange, t->exchange) != 0 || h->shard != t->shard) wrong = "of another shard";
    if (h->last_seq < h->first_seq || h->last_seq > t->seq) wrong = "a range of inputs that are not there";
    if (h->part < 1 || h->part > h->parts) wrong = "a part beyond its parts";
    if (t->parts == 0 && (h->first_seq != t->journaled + 1 || h->part != 1)) wrong = "not what comes next";
    if (t->parts != 0 && (h->first_seq != t->range_first || h->last_seq != t->range_last || h->parts != t->parts ||
                          h->part != t->part + 1))
        wrong = "not the next part of the range";
    if (wrong == NULL) return true;
    (void)tw_error_set(error, TW_MALFORMED,
                       "inputs %" PRIu64 " to %" PRIu64 ", part %" PRIu32 " of %" PRIu32
                       ": %s (after input %" PRIu64 ")",
                       h->first_seq, h->last_seq, h->part, h->parts, wrong, t->journaled);
    return false;
}

/* Which report is another one, for the person who looks. */
static void explain(const truth *t, wire_executions *batch, tw_error *error) {
    wire_part part;
    size_t at = t->first;
    while (wire_executions_next(batch, &part)) {
        if (part.kind != WIRE_PART_REPORT) continue;
        const wire_report *is = &part.report;
        if (at == t->last) break;
        const wire_report *must = &t->reports[at++].report;
        if (part.fault.kind == WIRE_FAULT_NONE && is->seq == must->seq && is->n == must->n &&
            is->kind == must->kind && is->reason == must->reason && is->order_id == must->order_id &&
            is->leaves == must->leaves && is->executed == must->executed && is->account == must->account &&
            is->instrument == must->instrument && strcmp(is->correlation_id, must->correlation_id) == 0 &&
            strcmp(is->order_correlation_id, must->order_correlation_id) == 0 &&
            strcmp(is->account_name, must->account_name) == 0 && strcmp(is->symbol, must->symbol) == 0)
            continue;
        (void)tw_error_set(error, TW_MALFORMED,
                           "report %" PRIu64 "-%" PRIu32 " %s %s order %" PRIu64 " leaves %" PRIu64
                           " '%s' of '%s' in '%s', where it should be %" PRIu64 "-%" PRIu32 " %s %s order %" PRIu64
                           " leaves %" PRIu64 " '%s' of '%s' in '%s'",
                           is->seq, is->n, mx_report_kind_name(is->kind), mx_reason_name((mx_reason)is->reason),
                           is->order_id, is->leaves, is->correlation_id, is->account_name, is->symbol, must->seq,
                           must->n, mx_report_kind_name(must->kind), mx_reason_name((mx_reason)must->reason),
                           must->order_id, must->leaves, must->correlation_id, must->account_name, must->symbol);
        return;
    }
    (void)tw_error_set(error, TW_MALFORMED, "the reports are the same, other bytes are not");
}

static void pass(truth *t, const wire_execution_header *h, size_t to) {
    t->first = to;
    if (t->first == t->last) t->first = t->last = 0;
    bool over = h->part == h->parts;
    if (over) t->journaled = h->last_seq;
    t->range_first = over ? 0 : h->first_seq;
    t->range_last = over ? 0 : h->last_seq;
    t->part = over ? 0 : h->part;
    t->parts = over ? 0 : h->parts;
}

bool truth_compare(truth *t, const uint8_t *bytes, size_t length, tw_error *error) {
    wire_executions batch;
    wire_parts parts;
    size_t must_length;
    if (wire_executions_open(&batch, bytes, length) != WIRE_OK) {
        (void)tw_error_set(error, TW_MALFORMED, "no ExecutionBatch after input %" PRIu64, t->journaled);
        return false;
    }
    const wire_execution_header h = batch.header;
    if (!header_follows(t, &h, error)) return false;
    size_t to = cut(t, &parts, h.last_seq);
    const uint8_t *must = wire_execution_batch_finish(&parts, &h, &must_length);
    bool whole = to == t->last || t->reports[to].report.seq > h.last_seq;
    if (must_length != length || memcmp(must, bytes, length) != 0 || whole != (h.part == h.parts)) {
        explain(t, &batch, error);
        (void)tw_error_wrap(error, "inputs %" PRIu64 " to %" PRIu64 ", part %" PRIu32 " of %" PRIu32, h.first_seq,
                            h.last_seq, h.part, h.parts);
        return false;
    }
    pass(t, &h, to);
    return true;
}

uint64_t truth_journaled(const truth *t) {
    return t->journaled;
}
bool truth_midway(const truth *t) {
    return t->parts != 0;
}
uint64_t truth_reports(const truth *t) {
    return t->made;
}
const naive_engine *truth_engine(const truth *t) {
    return t->engine;
}
