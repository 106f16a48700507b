/* What the sender of an order called it in his logs, while the order is open: from order ids to texts. As many as orders may be open. */
#ifndef TICKWIRE_MATCHER_REPLICA_CORRELATION_H
#define TICKWIRE_MATCHER_REPLICA_CORRELATION_H

#include "matcher/core/id_map.h"
#include "proto/venue.h"

typedef struct correlation_row {
    uint64_t order_id; /* 0 while free; first, for id_map */
    uint32_t next;     /* the next free row */
    uint8_t length;
    char text[WIRE_CORRELATION_BYTES];
} correlation_row;

typedef struct correlations {
    correlation_row *rows; /* from 1 */
    uint32_t capacity, used, free, count;
    id_map ids;
} correlations;

bool correlations_init(correlations *table, uint32_t capacity); /* false: no memory */
void correlations_fini(correlations *table);
void correlations_clear(correlations *table);

/* NULL: it has none. */
const correlation_row *correlations_find(const correlations *table, uint64_t order_id);
/* The order may not be in yet. False: full. */
bool correlations_add(correlations *table, uint64_t order_id, const char *text);
void correlations_remove(correlations *table, uint64_t order_id); /* nothing happens if it is not in */

#endif
