/* Which shards a command reaches, and what each gets. */
#include "tools/venue/spread.h"

#include "matcher/core/types.h"
#include "tools/venue/value.h"

bool venue_reaches_all(const venue_order *order) {
    const wire_control_command *c = &order->command;
    switch (c->kind) {
    case WIRE_DEFINE_INSTRUMENT:
    case WIRE_SET_REFERENCE:
        return false;
    case WIRE_SET_STATE:
    case WIRE_SET_BLOCK:
    case WIRE_CONTROL_MASS_CANCEL:
        return c->all_symbols;
    default:
        return true;
    }
}

static wire_money money_share(wire_money whole, uint32_t shards, uint32_t index) {
    return whole >= MX_MONEY_MAX ? whole : venue_share_money(whole, shards, index);
}

static uint32_t rate_share(uint32_t whole, uint32_t shards, uint32_t index) {
    uint32_t share = (uint32_t)venue_share(whole, shards, index);
    return whole > 0 && share == 0 ? 1 : share;
}

void venue_spread(const venue_order *order, uint32_t shards, uint32_t index, wire_control_command *command) {
    *command = order->command;
    if (command->kind != WIRE_SET_LIMITS || order->shard != 0) return;
    command->funds = money_share(command->funds, shards, index);
    command->exposure = money_share(command->exposure, shards, index);
    if (command->open_orders != UINT32_MAX)
        command->open_orders = (uint32_t)venue_share(command->open_orders, shards, index);
    command->rate_per_second = rate_share(command->rate_per_second, shards, index);
    command->rate_burst = rate_share(command->rate_burst, shards, index);
}

#define KEEP(bit, field, value)                                                                                    \
    if ((order->given & 1u << (bit)) == 0) command->field = (value)

void venue_limits_merge(wire_control_command *command, const venue_order *order, const wire_account_view *known) {
    KEEP(VENUE_LIMIT_FUNDS, funds, known->funds);
    KEEP(VENUE_LIMIT_EXPOSURE, exposure, known->exposure);
    KEEP(VENUE_LIMIT_ORDER_QUANTITY, order_quantity, known->order_quantity);
    KEEP(VENUE_LIMIT_ORDER_NOTIONAL, order_notional, known->order_notional);
    KEEP(VENUE_LIMIT_POSITION, position, known->position);
    KEEP(VENUE_LIMIT_OPEN_ORDERS, open_orders, known->open_orders_limit);
    KEEP(VENUE_LIMIT_CONCENTRATION, concentration_ppm, known->concentration_ppm);
    KEEP(VENUE_LIMIT_COLLAR, collar_ppm, known->collar_ppm);
    KEEP(VENUE_LIMIT_RATE, rate_per_second, known->rate_per_second);
    KEEP(VENUE_LIMIT_BURST, rate_burst, known->rate_burst);
    KEEP(VENUE_LIMIT_DUPLICATE, duplicate_ns, known->duplicate_ns);
}
