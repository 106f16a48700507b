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
                             mx_sink *sink) {
    const mx_input input = {.seq = message->seq, .stream_ns = message->stream_ns};
    const refusal why = {.kind = MX_REFUSED,
                         .command = MX_COMMANDS,
                         .reason = MXR_UNREADABLE,
                         .account = mx_account_find(engine, subject->account),
                         .instrument = mx_instrument_find(engine, subject->symbol)};
    refuse(engine, &input, &why, sink);
    return (mw_applied){.refused = 1};
}

static void apply_clock(mx_engine *engine, const mx_input *input, mx_sink *sink) {
    const mx_command clock = {.kind = MX_CLOCK};
    mx_apply(engine, input, &clock, sink);
}

static mw_applied apply_orders(mx_engine *engine, const mw_message *message, const subject_parts *subject,
                               const mw_listener *listener, mx_sink *sink) {
    wire_orders batch;
    wire_order_command from;
    mx_command to;
    mw_applied applied = {0};
    mx_input input = {.seq = message->seq, .stream_ns = message->stream_ns};
    if (wire_orders_open(&batch, message->bytes, message->length) != WIRE_OK)
        return refuse_all(engine, message, subject, sink);
    for (; wire_orders_next(&batch, &from); input.index = ++applied.commands) {
        wire_fault_kind fault = wire_order_command_admit(&from, subject);
        if (listener != NULL && listener->on_command != NULL)
            listener->on_command(listener->context, &input, &from);
        if (fault != WIRE_FAULT_NONE || from.kind == WIRE_UNKNOWN) {
            refusal why = refusal_of(engine, &from);
            refuse(engine, &input, &why, sink);
            applied.refused++;
            continue;
        }
        mw_order_command(engine, &input, &from, &to);
        mx_apply(engine, &input, &to, sink);
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
        return refuse_all(engine, message, subject, sink);
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

mw_applied mw_apply(mx_engine *engine, const mw_message *message, const mw_listener *listener, mx_sink *sink) {
    subject_parts subject;
    switch (subject_parse(message->subject, &subject)) {
    case SUBJECT_KIND_ORDERS:
    case SUBJECT_KIND_ORDER_BATCH:
        return apply_orders(engine, message, &subject, listener, sink);
    case SUBJECT_KIND_CONTROL:
        return apply_controls(engine, message, &subject, listener, sink);
    default:
        subject = (subject_parts){0};
        return refuse_all(engine, message, &subject, sink);
    }
}
