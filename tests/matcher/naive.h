/*
 * The venue as one would explain it: a list of orders in the order of their coming, and every question answered by looking at all of
 * them. Slow, unbounded, obviously right. It shares no code with matcher/core, only its words: commands, reports, reasons.
 *
 * Bounds are rules to it, of things that it counts; only pages of prices mean nothing to it, so a test that reaches that bound does not ask it.
 */
#ifndef TICKWIRE_TESTS_MATCHER_NAIVE_H
#define TICKWIRE_TESTS_MATCHER_NAIVE_H

#include "matcher/core/engine.h"

typedef struct naive_engine naive_engine;

naive_engine *naive_alloc(void);
void naive_free(naive_engine *engine);
void naive_apply(naive_engine *engine, const mx_input *input, const mx_command *command, mx_sink *sink);

uint32_t naive_public_book(const naive_engine *engine, uint32_t instrument, tw_side side, tw_level *levels,
                           uint32_t depth);
bool naive_position(const naive_engine *engine, uint32_t account, uint32_t instrument, mx_position_view *view);
void naive_money(const naive_engine *engine, uint32_t account, mx_money *spent, mx_money *fees, mx_money *reserved);
uint32_t naive_open_orders(const naive_engine *engine);

/* Every rule that must hold after any command: nothing crossed while trading, positions and money that sum to nothing, no order with
 * more or less than it should have. Returns what is broken, NULL if all holds. */
const char *naive_broken(const naive_engine *engine);

#endif
