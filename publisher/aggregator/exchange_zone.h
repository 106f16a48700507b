/* Which time zone an exchange's days are in: what candles of a day start by. Known ones are built in, a setting adds to them
 * or says otherwise; all others are UTC. */
#ifndef TICKWIRE_AGGREGATOR_EXCHANGE_ZONE_H
#define TICKWIRE_AGGREGATOR_EXCHANGE_ZONE_H

#include "base/error.h"
#include "publisher/aggregator/candles.h"

typedef struct exchange_zones exchange_zones;

/* `list`: "XLON=Europe/London,XTKS=Asia/Tokyo" or "". TW_INVALID, TW_NOT_FOUND name what is wrong in it. */
tw_code exchange_zones_open(exchange_zones **zones, const char *list, tw_error *error);
void exchange_zones_close(exchange_zones *zones); /* NULL is fine */

/* As candles.h wants them; valid as long as `zones`. */
candles_zones exchange_zones_of(exchange_zones *zones);

#endif
