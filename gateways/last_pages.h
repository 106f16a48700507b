/*
 * Last values over HTTP: the best prices and the last print, with their state and age. From Redis, where that has them in
 * time and the gateway does not know newer ones itself; else from what the stream is following anyway; else asked of the bus. `source` says which.
 */
#ifndef TICKWIRE_GATEWAYS_LAST_PAGES_H
#define TICKWIRE_GATEWAYS_LAST_PAGES_H

#include "gateways/last_store.h"
#include "gateways/socket.h"

#define LAST_PAGES_SYMBOLS 100u /* of one request */

typedef struct gateway gateway;

/* GET /v1/last/{MIC}/{SYMBOL}, GET /v1/last/{MIC}?symbols=A,B,... */
void last_take(gateway *self, const socket_request *request);

/* The store's on_answer; its context is the gateway. */
void last_take_row(void *context, void *question, const last_shown *row);

#endif
