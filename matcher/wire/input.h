/*
 * From one message of the order stream to the engine: the one way in, for leader, standby, replay and verification, so that all of
 * them make the same of the same bytes. Pure, like the engine.
 *
 * Every input gives at least one report, whatever is in it:
 * - a payload that can't be read as a whole (no protobuf, cut short, too many commands, a subject that is none of the order
 *   stream's) is one REFUSED with UNREADABLE, to the subject's account if it has one;
 * - a command that can't be read is refused by itself, with UNREADABLE or NOT_ALLOWED_HERE: as REJECTED, CANCEL_REJECTED,
 *   REPLACE_REJECTED, or REFUSED for the other kinds, with its account, instrument, order id and client order id as far as they
 *   could be read. Nothing of it happens;
 * - names that nobody defined become MX_UNKNOWN, which the engine refuses;
 * - a batch without commands is a clock command.
 *
 * A new order's id is MX_ORDER_ID of its place. A definition's number is the name's, or the next one that is free.
 */
#ifndef TICKWIRE_MATCHER_WIRE_INPUT_H
#define TICKWIRE_MATCHER_WIRE_INPUT_H

#include "matcher/core/engine.h"
#include "proto/subject.h"
#include "proto/venue.h"

typedef struct mw_message {
    const char *subject;
    uint64_t seq;
    int64_t stream_ns;
    const uint8_t *bytes;
    size_t length;
} mw_message;

/* An order command, and what the engine is to make of it unless it is refused. */
typedef struct mw_order {
    wire_order_command from;
    mx_command to;
    bool refused;
    bool strange; /* it may name an account or an instrument that nobody knows */
} mw_order;

/* Told before each command is applied, in the order of `input->index`, faults included: for what the engine does not keep, such as
 * correlation ids and names that nobody has. Each may be NULL. All reports of the commands before are in the sink by then and may be taken
 * out. A payload that can't be read has no commands, and its subject is told, whose names are "" if it has none. */
typedef struct mw_listener {
    void (*on_command)(void *context, const mx_input *input, const mw_order *order);
    void (*on_control)(void *context, const mx_input *input, const wire_control_command *command);
    void (*on_unreadable)(void *context, const mx_input *input, const subject_parts *subject);
    void *context;
} mw_listener;

typedef struct mw_applied {
    uint32_t commands; /* in the message */
    uint32_t refused;  /* of them, unreadable or not allowed; 1 with `commands` 0: the payload as a whole */
} mw_applied;

/* A message of orders that was read up to its first command. Points into the message's bytes. */
typedef struct mw_ahead {
    const uint8_t *bytes; /* the message that it is of; NULL: of none */
    uint64_t seq;
    uint32_t accounts, instruments; /* that were defined then: with more, names may mean something else */
    subject_parts subject;
    wire_orders batch;
    mw_order first;
    bool more; /* there is a first one */
} mw_ahead;

/* Reads the message that will be applied after the one at hand, and lets the engine fetch what it will need: with a million names in its
 * tables, a look into memory takes longer than the rest of an order. A hint: messages that are no orders are left alone. */
void mw_look_ahead(const mx_engine *engine, const mw_message *message, mw_ahead *ahead);

/* Applies one message; its seq is above the last one's. `ahead` is of this message, whose bytes have not moved since, or is of another one and
 * not used, or NULL. `listener` may be NULL. */
mw_applied mw_apply_ahead(mx_engine *engine, const mw_message *message, mw_ahead *ahead,
                          const mw_listener *listener, mx_sink *sink);
mw_applied mw_apply(mx_engine *engine, const mw_message *message, const mw_listener *listener, mx_sink *sink);

#endif
