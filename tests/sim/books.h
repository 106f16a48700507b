/*
 * The venue's books, kept once more from execlog alone: who has what, who may trade, how many orders are open. What the engine says of it must be the
 * same; and what no engine may do must not be in execlog.
 */
#ifndef TICKWIRE_TESTS_SIM_BOOKS_H
#define TICKWIRE_TESTS_SIM_BOOKS_H

#include "matcher/core/engine.h"
#include "tests/sim/checks.h"

/* A trade has two sides that fit; all positions of an instrument sum to nothing, what accounts have spent to the fees; and the engine has the same
 * positions and money of each account. */
bool check_money(const execlog_list *log, const mx_engine *engine, checks_counts *counts, tw_error *error);
/* After an account's kill none of its orders is accepted, nor is one open at the end, until it is lifted. */
bool check_kills(const server_stream *orders, const execlog_list *log, const mx_engine *engine,
                 checks_counts *counts, tw_error *error);
/* No order is accepted of an account that has as many open as its limits in this shard allow. */
bool check_limits(const server_stream *orders, const execlog_list *log, tw_error *error);

#endif
