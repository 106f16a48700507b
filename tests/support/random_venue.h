/* Random commands and reports within the venue codec's bounds; see random_messages.h. */
#ifndef TICKWIRE_TESTS_RANDOM_VENUE_H
#define TICKWIRE_TESTS_RANDOM_VENUE_H

#include "proto/venue.h"
#include "tests/support/random_messages.h"

static inline uint64_t random_quantity_if_any(tw_random *random) {
    return tw_random_chance(random, 1, 4) ? WIRE_QUANTITY_ABSENT : random_u64(random) / 2;
}

static inline wire_money random_money(tw_random *random) {
    return (wire_money)((unsigned __int128)random_u64(random) << 64 | random_u64(random));
}

static inline wire_order_command random_order_command(tw_random *random) {
    wire_order_command c = wire_order_command_empty;
    c.kind = (uint8_t)tw_random_below(random, WIRE_SESSION_CLOSE + 1);
    c.side = (uint8_t)tw_random_below(random, 2);
    c.type = (uint8_t)tw_random_below(random, 4);
    c.tif = (uint8_t)tw_random_below(random, 5);
    c.stp = (uint8_t)tw_random_below(random, 5);
    c.post_only = tw_random_chance(random, 1, 2);
    c.open_only = tw_random_chance(random, 1, 2);
    c.all_symbols = tw_random_chance(random, 1, 2);
    c.sides = random_u32(random);
    c.price = random_price_if_any(random);
    c.stop_price = random_price_if_any(random);
    c.quantity = random_quantity_if_any(random);
    c.display = random_quantity_if_any(random);
    c.minimum = random_u64(random);
    c.expire_ns = random_time(random);
    c.session = random_u64(random);
    c.order_id = random_u64(random);
    c.timeout_ns = random_u64(random);
    random_text(random, c.account, sizeof c.account);
    random_text(random, c.symbol, sizeof c.symbol);
    random_text(random, c.client_order_id, sizeof c.client_order_id);
    random_text(random, c.correlation_id, sizeof c.correlation_id);
    return c;
}

static inline wire_report random_report(tw_random *random) {
    wire_report r = wire_report_empty;
    r.seq = random_u64(random);
    r.index = random_u32(random);
    r.n = random_u32(random);
    r.kind = (uint8_t)tw_random_below(random, 16);
    r.command = (uint8_t)tw_random_below(random, 17);
    r.status = (uint8_t)tw_random_below(random, 5);
    r.side = (uint8_t)tw_random_below(random, 2);
    r.type = (uint8_t)tw_random_below(random, 4);
    r.tif = (uint8_t)tw_random_below(random, 5);
    r.liquidity = (uint8_t)tw_random_below(random, 3);
    r.state = (uint8_t)tw_random_below(random, 4);
    r.duplicate = tw_random_chance(random, 1, 2);
    r.reason = random_u32(random);
    r.account = random_u32(random);
    r.instrument = random_u32(random);
    r.order_id = random_u64(random);
    r.counter_id = random_u64(random);
    r.session = random_u64(random);
    r.stream_ns = random_time(random);
    r.event_ns = random_time(random);
    r.price = random_price_if_any(random);
    r.stop_price = random_price_if_any(random);
    r.average_price = random_price_if_any(random);
    r.last_price = random_price_if_any(random);
    r.quantity = random_u64(random);
    r.leaves = random_u64(random);
    r.shown = random_u64(random);
    r.executed = random_u64(random);
    r.last_quantity = random_u64(random);
    r.executed_notional = random_money(random);
    r.fee = random_money(random);
    random_text(random, r.client_order_id, sizeof r.client_order_id);
    random_text(random, r.correlation_id, sizeof r.correlation_id);
    random_text(random, r.order_correlation_id, sizeof r.order_correlation_id);
    random_text(random, r.account_name, sizeof r.account_name);
    random_text(random, r.symbol, sizeof r.symbol);
    return r;
}

#endif
