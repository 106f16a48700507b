/* /v1/orders, /v1/positions, /v1/accounts: see docs/orders.md. */
#ifndef TICKWIRE_GATEWAYS_ORDER_PAGES_H
#define TICKWIRE_GATEWAYS_ORDER_PAGES_H

#include "gateways/http.h"

void orders_take(gateway *self, const socket_request *request);     /* /v1/orders: GET, POST, DELETE */
void orders_take_one(gateway *self, const socket_request *request); /* /v1/orders/{id}: GET, DELETE */
void positions_take(gateway *self, const socket_request *request);  /* /v1/positions */
void accounts_take(gateway *self, const socket_request *request);   /* /v1/accounts */

#endif
