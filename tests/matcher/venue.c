/* The two engines behind one struct of functions. */
#include "tests/matcher/venue.h"

#include <stdlib.h>

const mx_bounds venue_bounds = {.shard = 7,
                                .max_instruments = 8,
                                .max_accounts = 32,
                                .max_positions = 256,
                                .max_orders = 4096,
                                .max_pages = 4096,
                                .max_client_ids = 65536,
                                .max_sessions = 32,
                                .max_reports = 1u << 20};

static void real_apply(void *engine, const mx_input *input, const mx_command *command, mx_sink *sink) {
    mx_apply(engine, input, command, sink);
}
static uint32_t real_book_top(const void *engine, uint32_t instrument, tw_side side, tw_level *levels,
                              uint32_t depth) {
    return mx_book_top(engine, instrument, side, levels, depth);
}
static bool real_position(const void *engine, uint32_t account, uint32_t instrument, mx_position_view *view) {
    if (mx_position_find(engine, account, instrument, view)) return true;
    *view = (mx_position_view){.account = account, .instrument = instrument, .average_price = TW_PRICE_ABSENT};
    return true;
}
static void real_money(const void *engine, uint32_t account, mx_money *spent, mx_money *fees, mx_money *reserved) {
    mx_account_view view;
    if (!mx_account_get(engine, account, &view)) abort();
    *spent = view.spent;
    *fees = view.fees;
    *reserved = view.reserved;
}
static void real_close(void *engine) {
    mx_engine_free(engine);
}

venue venue_real(void) {
    mx_engine *engine;
    tw_error error;
    if (mx_engine_alloc(&engine, &venue_bounds, &error) != TW_OK) abort();
    return (venue){engine, real_apply, real_book_top, real_position, real_money, real_close};
}

static void plain_apply(void *engine, const mx_input *input, const mx_command *command, mx_sink *sink) {
    naive_apply(engine, input, command, sink);
}
static uint32_t plain_book_top(const void *engine, uint32_t instrument, tw_side side, tw_level *levels,
                               uint32_t depth) {
    return naive_public_book(engine, instrument, side, levels, depth);
}
static bool plain_position(const void *engine, uint32_t account, uint32_t instrument, mx_position_view *view) {
    return naive_position(engine, account, instrument, view);
}
static void plain_money(const void *engine, uint32_t account, mx_money *spent, mx_money *fees, mx_money *reserved) {
    naive_money(engine, account, spent, fees, reserved);
}
static void plain_close(void *engine) {
    naive_free(engine);
}

venue venue_naive(void) {
    naive_engine *engine = naive_alloc();
    if (engine == NULL) abort();
    return (venue){engine, plain_apply, plain_book_top, plain_position, plain_money, plain_close};
}
