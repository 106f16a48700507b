/* Random messages that respect the codec's bounds: short and long texts, extreme numbers, absent prices and times.
 * Arrays point into the storage that is passed with them. */
#ifndef TICKWIRE_TESTS_RANDOM_MESSAGES_H
#define TICKWIRE_TESTS_RANDOM_MESSAGES_H

#include <string.h>

#include "base/random.h"
#include "proto/codec.h"

typedef struct random_storage {
    tw_level bids[2 * TW_MAX_DEPTH];
    tw_level asks[2 * TW_MAX_DEPTH];
    tw_print prints[WIRE_MAX_PRINTS];
    wire_order_event events[WIRE_MAX_ORDER_EVENTS];
} random_storage;

/* Every length of varint is as likely as any other; 0 and the largest come up often. */
static inline uint64_t random_u64(tw_random *random) {
    uint64_t bits = tw_random_below(random, 66);
    if (bits == 0) return 0;
    return bits == 65 ? UINT64_MAX : tw_random_u64(random) >> (64 - bits);
}

static inline uint32_t random_u32(tw_random *random) {
    uint64_t bits = tw_random_below(random, 33);
    return bits == 0 ? 0 : (uint32_t)tw_random_u64(random) >> (32 - bits);
}

static inline int32_t random_s32(tw_random *random) {
    return (int32_t)random_u32(random);
}

static inline int64_t random_price(tw_random *random) {
    int64_t price = (int64_t)random_u64(random);
    return price == TW_PRICE_ABSENT ? 0 : price;
}

static inline int64_t random_price_if_any(tw_random *random) {
    return tw_random_chance(random, 1, 4) ? TW_PRICE_ABSENT : random_price(random);
}

static inline int64_t random_time(tw_random *random) {
    int64_t time_ns = (int64_t)random_u64(random);
    return time_ns == 0 ? TW_TIME_ABSENT : time_ns;
}

static inline void random_text(tw_random *random, char *text, size_t capacity) {
    size_t length = (size_t)tw_random_below(random, capacity);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)(' ' + tw_random_below(random, 95));
    text[length] = '\0';
}

static inline wire_header random_header(tw_random *random) {
    wire_header h = {.partition = random_u32(random),
                     .term = random_u64(random),
                     .prev_seq = random_u64(random),
                     .seq = random_u64(random),
                     .snapshot = tw_random_chance(random, 1, 2),
                     .state = (tw_book_state)tw_random_below(random, 4),
                     .cause = (tw_state_cause)tw_random_below(random, TW_CAUSE_END_OF_SESSION + 1),
                     .price_exponent = random_s32(random),
                     .quantity_exponent = random_s32(random),
                     .event_ns = random_time(random),
                     .receive_ns = random_time(random),
                     .publish_ns = random_time(random)};
    random_text(random, h.exchange, sizeof h.exchange);
    random_text(random, h.symbol, sizeof h.symbol);
    random_text(random, h.epoch, sizeof h.epoch);
    return h;
}

/* Mostly few, sometimes as many as allowed. */
static inline uint32_t random_count(tw_random *random, uint32_t most) {
    return (uint32_t)tw_random_below(random, tw_random_chance(random, 1, 4) ? most + 1 : 4);
}

static inline uint32_t random_levels(tw_random *random, tw_level *levels) {
    uint32_t count = random_count(random, 2 * TW_MAX_DEPTH);
    for (uint32_t i = 0; i < count; i++)
        levels[i] = (tw_level){random_price(random), random_u64(random), random_u32(random)};
    return count;
}

static inline wire_book_update random_book_update(tw_random *random, random_storage *storage) {
    return (wire_book_update){.header = random_header(random),
                              .depth = (uint32_t)tw_random_below(random, TW_MAX_DEPTH + 1),
                              .merged = random_u32(random),
                              .checksum = random_u32(random),
                              .bid_count = random_levels(random, storage->bids),
                              .ask_count = random_levels(random, storage->asks),
                              .bids = storage->bids,
                              .asks = storage->asks};
}

static inline wire_quote random_quote(tw_random *random) {
    return (wire_quote){.header = random_header(random),
                        .bid = {random_price_if_any(random), random_u64(random), random_u32(random)},
                        .ask = {random_price_if_any(random), random_u64(random), random_u32(random)}};
}

static inline wire_trades random_trades(tw_random *random, random_storage *storage) {
    wire_trades m = {.header = random_header(random),
                     .print_count = random_count(random, WIRE_MAX_PRINTS),
                     .prints = storage->prints,
                     .volume = random_u64(random),
                     .prints_total = random_u64(random),
                     .counted_from_seq = random_u64(random)};
    for (uint32_t i = 0; i < m.print_count; i++)
        storage->prints[i] = (tw_print){.seq = random_u64(random),
                                        .index = random_u32(random),
                                        .kind = (tw_print_kind)tw_random_below(random, 4),
                                        .cross = (tw_cross_kind)tw_random_below(random, 6),
                                        .aggressor = (tw_aggressor)tw_random_below(random, 3),
                                        .price = random_price_if_any(random),
                                        .quantity = random_u64(random),
                                        .match_id = random_u64(random),
                                        .order_id = random_u64(random),
                                        .event_ns = random_time(random)};
    return m;
}

static inline wire_status random_status(tw_random *random) {
    wire_status m = {.header = random_header(random),
                     .trading = (tw_trading_state)tw_random_below(random, 7),
                     .short_sale = (tw_short_sale)tw_random_below(random, 4),
                     .collar_upper = random_price_if_any(random),
                     .collar_lower = random_price_if_any(random),
                     .collar_reference = random_price_if_any(random)};
    random_text(random, m.reason, sizeof m.reason);
    return m;
}

static inline wire_imbalance random_imbalance(tw_random *random) {
    return (wire_imbalance){.header = random_header(random),
                            .imbalance = {.cross = (tw_cross_kind)tw_random_below(random, 6),
                                          .direction = (tw_imbalance_direction)tw_random_below(random, 5),
                                          .paired_quantity = random_u64(random),
                                          .imbalance_quantity = random_u64(random),
                                          .far_price = random_price_if_any(random),
                                          .near_price = random_price_if_any(random),
                                          .reference_price = random_price_if_any(random),
                                          .variation = tw_random_chance(random, 1, 2) ? 'L' : '\0'}};
}

static inline wire_order_events random_order_events(tw_random *random, random_storage *storage) {
    wire_order_events m = {.header = random_header(random),
                           .event_count = random_count(random, WIRE_MAX_ORDER_EVENTS),
                           .events = storage->events};
    for (uint32_t i = 0; i < m.event_count; i++) {
        wire_order_event *event = &storage->events[i];
        *event = (wire_order_event){.seq = random_u64(random),
                                    .kind = (wire_order_kind)tw_random_below(random, 5),
                                    .side = (tw_side)tw_random_below(random, 2),
                                    .order_id = random_u64(random),
                                    .new_order_id = random_u64(random),
                                    .price = random_price(random),
                                    .quantity = random_u64(random),
                                    .remaining = random_u64(random),
                                    .event_ns = random_time(random)};
        random_text(random, event->attribution, sizeof event->attribution);
    }
    return m;
}

static inline wire_candle random_candle(tw_random *random) {
    return (wire_candle){.header = random_header(random),
                         .interval_ms = random_u32(random),
                         .start_ns = random_time(random),
                         .open = random_price_if_any(random),
                         .high = random_price_if_any(random),
                         .low = random_price_if_any(random),
                         .close = random_price_if_any(random),
                         .volume = random_u64(random),
                         .turnover_high = (int64_t)random_u64(random),
                         .turnover_low = random_u64(random),
                         .vwap = random_price_if_any(random),
                         .count = random_u64(random),
                         .revision = random_u64(random),
                         .final = tw_random_chance(random, 1, 2),
                         .incomplete = tw_random_chance(random, 1, 2)};
}

static inline wire_venues random_venues(tw_random *random) {
    wire_venues venues = {.count = (uint32_t)tw_random_below(random, WIRE_MAX_VENUES + 1)};
    for (uint32_t i = 0; i < venues.count; i++)
        random_text(random, venues.mics[i], TW_MIC_BYTES);
    return venues;
}

static inline wire_nbbo random_nbbo(tw_random *random) {
    return (wire_nbbo){.header = random_header(random),
                       .bid = {random_price_if_any(random), random_u64(random), 0},
                       .ask = {random_price_if_any(random), random_u64(random), 0},
                       .bid_venues = random_venues(random),
                       .ask_venues = random_venues(random),
                       .stale_venues = random_venues(random),
                       .locked = tw_random_chance(random, 1, 2),
                       .crossed = tw_random_chance(random, 1, 2),
                       .venue_count = random_u32(random),
                       .refresh_ms = random_u32(random)};
}

#endif
