/* Commands and reports between the wire's structs and the engine's. Pure. Who has a whole message uses input.h. */
#ifndef TICKWIRE_MATCHER_WIRE_TRANSLATE_H
#define TICKWIRE_MATCHER_WIRE_TRANSLATE_H

#include "matcher/core/engine.h"
#include "proto/venue.h"

/* The command must be without a fault and of a known kind. */
void mw_order_command(const mx_engine *engine, const mx_input *input, const wire_order_command *from,
                      mx_command *to);
/* True: the order command names an account or an instrument that nobody has defined. */
bool mw_is_strange(const mx_command *order);
/* One of an unknown kind becomes a command that the engine refuses. */
void mw_control_command(const mx_engine *engine, const wire_control_command *from, mx_command *to);

/* `correlation_id` may be NULL. Names that nobody has are not in the engine's report: the caller writes them in. What is for audit only (the other side of a fill) goes into execlog's reports, not into an account's:
 * `for_audit`. */
void mw_report(const mx_report *from, const char *correlation_id, const char *order_correlation_id, bool for_audit,
               wire_report *to);

/* What the engine knows, for QueryReply and for the names in ExecutionBatch. */
void mw_order_view(const mx_order_view *from, wire_order_view *to);
void mw_position_view(const mx_position_view *from, wire_position_view *to);
void mw_account_view(const mx_account_view *from, wire_account_view *to);
/* The command that makes the same instrument at another shard, with the reference price of now. Its state is not in it. */
void mw_definition(const mx_instrument_view *from, wire_control_command *to);
/* False if there is no such number. */
bool mw_named_instrument(const mx_engine *engine, uint32_t instrument, wire_named_instrument *to);
bool mw_named_account(const mx_engine *engine, uint32_t account, wire_named_account *to);

void mw_client_id_text(const mx_client_id *id, char text[WIRE_CLIENT_ID_BYTES]);

#endif
