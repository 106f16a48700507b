/*
 * From a request and what the directory says of its symbol to the command that travels. Decimals become integers scaled by the
 * instrument's exponents, exactly: what does not fit is refused with the field's name. Pure.
 */
#ifndef TICKWIRE_GATEWAYS_ORDERS_COMMAND_H
#define TICKWIRE_GATEWAYS_ORDERS_COMMAND_H

#include "gateways/orders/directory.h"
#include "gateways/orders/request.h"

/* `where` is the symbol's place; NULL only for a mass cancel of all symbols. `client_order_id` and `correlation_id` must be set in new
 * orders. The session is the caller's to set. False: the fault names the field. */
bool order_command_make(wire_order_command *command, const order_request *request, const order_place *where,
                        const char *mic, order_fault *fault);

#endif
