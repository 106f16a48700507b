/* Candles that were, over HTTP: asked of an aggregator over the bus. */
#ifndef TICKWIRE_GATEWAYS_CANDLE_PAGES_H
#define TICKWIRE_GATEWAYS_CANDLE_PAGES_H

#include "gateways/socket.h"

typedef struct gateway gateway;

/* GET /v1/candles/{MIC}/{SYMBOL}?interval=1m&limit=500&before={ns}: oldest first; MIC may be "agg". */
void candles_take(gateway *self, const socket_request *request);

#endif
