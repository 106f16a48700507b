/* Books and the directory of instruments over HTTP: from memory where the stream keeps them, else asked of the bus. */
#ifndef TICKWIRE_GATEWAYS_MARKET_PAGES_H
#define TICKWIRE_GATEWAYS_MARKET_PAGES_H

#include "gateways/ask.h"
#include "gateways/socket.h"

typedef struct gateway gateway;

/* GET /v1/book/{MIC}/{SYMBOL}?depth=N: the book as it now is, with its state. */
void market_take_book(gateway *self, const socket_request *request);
/* GET /v1/instruments?exchange={MIC}: the directory, of all partitions. Those that did not tell theirs are named, and
 * not waited for where their feeds are not heard. */
void market_take_instruments(gateway *self, const socket_request *request);

/* The asker's on_reply; its context is the gateway. */
bool market_take_reply(void *context, void *question, ask_end end, const bus_message *message);

#endif
