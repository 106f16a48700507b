/* One message of the order stream, into the engine. */
#include "matcher/wire/input.h"

#include "base/text.h"
#include "matcher/wire/translate.h"

/* What the engine is never asked about. */
typedef struct refusal {
    uint8_t kind;    /* mx_report_kind */
    uint8_t command; /* mx_command_kind, MX_COMMANDS if that could not be read */
    mx_reason reason;
    uint32_t account, instrument;
    uint64_t order_id;
    mx_client_id client_id;
} refusal;

/* The engine lets its time go on with a clock command; the last report that it makes is the answer to that, and becomes the refusal. */
static void refuse(mx_engine *engine, const mx_input *input, const refusal *why, mx_sink *sink) {
    const mx_command clock = {.kind = MX_CLOCK};
    mx_apply(engine, input, &clock, sink);
    mx_report *report = &sink->reports[sink->count - 1];
    report->kind = why->kind;
    report->command = why->command;
    report->reason = (uint16_t)why->reason;
    report->account = why->account;
    report->instrument = why->instrument;
    report->order_id = why->order_id;
    report->client_id = why->client_id;
}

static refusal refusal_of(const mx_engine *engine, const wire_order_command *command) {
    static const struct {
        uint8_t kind, command;
    } answers[] = {{MX_REJECTED, MX_NEW_ORDER},       {MX_CANCEL_REJECTED, MX_CANCEL},
                   {MX_REPLACE_REJECTED, MX_REPLACE}, {MX_CANCEL_REJECTED, MX_MASS_CANCEL},
                   {MX_REFUSED, MX_SESSION_OPEN},     {MX_REFUSED, MX_SESSION_BEAT},
                   {MX_REFUSED, MX_SESSION_CLOSE}};
    bool known = command->kind < sizeof answers / sizeof *answers;
    bool unreadable = command->fault.kind <= WIRE_FAULT_RANGE; /* or of a kind that is not known */
    return (refusal){.kind = known ? answers[command->kind].kind : MX_REFUSED,
                     .command = known ? answers[command->kind].command : MX_COMMANDS,
                     .reason = unreadable ? MXR_UNREADABLE : MXR_NOT_ALLOWED_HERE,
                     .account = mx_account_find(engine, command->account),
                     .instrument = mx_instrument_find(engine, command->symbol),
                     .order_id = command->order_id,
                     .client_id = mx_client_id_of(command->client_order_id)};
}

static mw_applied refuse_all(mx_engine *engine, const mw_message *message, const subject_parts *subject,
                             const mw_listener *listener, mx_sink *sink) {
    const mx_input input = {.seq = message->seq, .stream_ns = message->stream_ns};
    const refusal why = {.kind = MX_REFUSED,
                         .command = MX_COMMANDS,
                         .reason = MXR_UNREADABLE,
                         .account = mx_account_find(engine, subject->account),
                         .instrument = mx_instrument_find(engine, subject->symbol)};
    if (listener != NULL && listener->on_unreadable != NULL)
        listener->on_unreadable(listener->context, &input, subject);
    refuse(engine, &input, &why, sink);
    return (mw_applied){.refused = 1};
}

static void apply_clock(mx_engine *engine, const mx_input *input, mx_sink *sink) {
    const mx_command clock = {.kind = MX_CLOCK};
    mx_apply(engine, input, &clock, sink);
}

/* The batch's next command. Orders define no names, so what was found for one before the last was applied is still right. */
static bool read_order(const mx_engine *engine, const mx_input *input, const subject_parts *subject,
                       wire_orders *batch, mw_order *order) {
    if (!wire_orders_next(batch, &order->from)) return false;
    order->refused =
        wire_order_command_admit(&order->from, subject) != WIRE_FAULT_NONE || order->from.kind == WIRE_UNKNOWN;
    order->strange = order->refused;
    if (order->refused) return true;
    mw_order_command(engine, input, &order->from, &order->to);
    order->strange = mw_is_strange(&order->to);
    mx_foresee(engine, &order->to);
    return true;
}

static void apply_order(mx_engine *engine, const mx_input *input, const mw_order *order,
                        const mw_listener *listener, mx_sink *sink) {
    if (listener != NULL && listener->on_command != NULL) listener->on_command(listener->context, input, order);
    if (order->refused) {
        refusal why = refusal_of(engine, &order->from);
        refuse(engine, input, &why, sink);
    } else {
        mx_apply(engine, input, &order->to, sink);
    }
}

/* Each command is read before the one in front of it is applied, so that memory has that long to bring what it needs. */
static mw_applied apply_orders(mx_engine *engine, const mw_message *message, mw_ahead *begun,
                               const mw_listener *listener, mx_sink *sink) {
    mw_order second, *now = &begun->first, *next = &second;
    mw_applied applied = {0};
    mx_input input = {.seq = message->seq, .stream_ns = message->stream_ns};
    for (bool more = begun->more; more; input.index = applied.commands) {
        const mx_input following = {.seq = input.seq, .index = input.index + 1, .stream_ns = input.stream_ns};
        more = read_order(engine, &following, &begun->subject, &begun->batch, next);
        apply_order(engine, &input, now, listener, sink);
        applied.commands++;
        applied.refused += now->refused;
        mw_order *done = now;
        now = next;
        next = done;
    }
    if (applied.commands == 0) apply_clock(engine, &input, sink);
    return applied;
}

static mw_applied apply_controls(mx_engine *engine, const mw_message *message, const subject_parts *subject,
                                 const mw_listener *listener, mx_sink *sink) {
    wire_controls batch;
    wire_control_command from;
    mx_command to;
    mw_applied applied = {0};
    mx_input input = {.seq = message->seq, .stream_ns = message->stream_ns};
    if (wire_controls_open(&batch, message->bytes, message->length) != WIRE_OK)
        return refuse_all(engine, message, subject, listener, sink);
    for (; wire_controls_next(&batch, &from); input.index = ++applied.commands) {
        if (listener != NULL && listener->on_control != NULL)
            listener->on_control(listener->context, &input, &from);
        if (from.fault.kind != WIRE_FAULT_NONE || from.kind == WIRE_UNKNOWN) {
            const refusal why = {.kind = MX_REFUSED,
                                 .command = MX_COMMANDS,
                                 .reason = MXR_UNREADABLE,
                                 .account = mx_account_find(engine, from.account),
                                 .instrument = mx_instrument_find(engine, from.symbol)};
            refuse(engine, &input, &why, sink);
            applied.refused++;
            continue;
        }
        mw_control_command(engine, &from, &to);
        mx_apply(engine, &input, &to, sink);
    }
    if (applied.commands == 0) apply_clock(engine, &input, sink);
    return applied;
}

static bool is_orders(subject_kind kind) {
    return kind == SUBJECT_KIND_ORDERS || kind == SUBJECT_KIND_ORDER_BATCH;
}

/* False: the payload can't be read. */
static bool begin_orders(const mx_engine *engine, const mw_message *message, mw_ahead *begun) {
    const mx_input input = {.seq = message->seq, .stream_ns = message->stream_ns};
    if (wire_orders_open(&begun->batch, message->bytes, message->length) != WIRE_OK) return false;
    begun->more = read_order(engine, &input, &begun->subject, &begun->batch, &begun->first);
    return true;
}

void mw_look_ahead(const mx_engine *engine, const mw_message *message, mw_ahead *ahead) {
    ahead->bytes = NULL;
    if (!is_orders(subject_parse(message->subject, &ahead->subject)) || !begin_orders(engine, message, ahead))
        return;
    ahead->bytes = message->bytes;
    ahead->seq = message->seq;
    ahead->accounts = mx_accounts(engine);
    ahead->instruments = mx_instruments(engine);
}

static bool still_right(const mx_engine *engine, const mw_message *message, const mw_ahead *ahead) {
    return ahead->bytes != NULL && ahead->bytes == message->bytes && ahead->seq == message->seq &&
           ahead->accounts == mx_accounts(engine) && ahead->instruments == mx_instruments(engine);
}

mw_applied mw_apply_ahead(mx_engine *engine, const mw_message *message, mw_ahead *ahead,
                          const mw_listener *listener, mx_sink *sink) {
    if (ahead == NULL || !still_right(engine, message, ahead)) return mw_apply(engine, message, listener, sink);
    ahead->bytes = NULL; /* its cursor moves on */
    return apply_orders(engine, message, ahead, listener, sink);
}

mw_applied mw_apply(mx_engine *engine, const mw_message *message, const mw_listener *listener, mx_sink *sink) {
    mw_ahead begun;
    subject_kind kind = subject_parse(message->subject, &begun.subject);
    if (kind == SUBJECT_KIND_CONTROL) return apply_controls(engine, message, &begun.subject, listener, sink);
    if (!is_orders(kind))
        begun.subject = (subject_parts){0};
    else if (begin_orders(engine, message, &begun))
        return apply_orders(engine, message, &begun, listener, sink);
    return refuse_all(engine, message, &begun.subject, listener, sink);
}
