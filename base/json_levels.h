/* Price levels in JSON, as everything that prints books shows them: [price, quantity, orders], the first two as decimal strings. */
#ifndef TICKWIRE_BASE_JSON_LEVELS_H
#define TICKWIRE_BASE_JSON_LEVELS_H

#include "base/json.h"
#include "base/market.h"

/* `name` is NULL within an array, as in json.h. */
void json_level(json_writer *writer, const char *name, const tw_level *level, int32_t price_exponent,
                int32_t quantity_exponent);
/* One side, an array of them. */
void json_levels(json_writer *writer, const char *name, const tw_level *levels, uint32_t count,
                 int32_t price_exponent, int32_t quantity_exponent);

#endif
