/* One level, and a side of them. */
#include "base/json_levels.h"

void json_level(json_writer *writer, const char *name, const tw_level *level, int32_t price_exponent,
                int32_t quantity_exponent) {
    json_open_array(writer, name);
    json_decimal(writer, NULL, level->price, price_exponent);
    json_decimal_u64(writer, NULL, level->quantity, quantity_exponent);
    json_u64(writer, NULL, level->orders);
    json_close_array(writer);
}

void json_levels(json_writer *writer, const char *name, const tw_level *levels, uint32_t count,
                 int32_t price_exponent, int32_t quantity_exponent) {
    json_open_array(writer, name);
    for (uint32_t i = 0; i < count; i++)
        json_level(writer, NULL, &levels[i], price_exponent, quantity_exponent);
    json_close_array(writer);
}
