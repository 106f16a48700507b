/*
 * Which shards a command of the operator reaches, and what each of them gets. Pure.
 *
 * An instrument's commands go to the shard where it lives; those about accounts, all instruments or the day to every shard. Of an
 * account's limits those that add up over shards (funds, exposure, open orders, message rate) are divided among them: what is left
 * over goes to the first shards, one each, so the sum is what was asked for. A rate is at least 1 at each shard, because 0 would be no
 * limit. A limit of one order or of one instrument (which lives on one shard) is the same everywhere, and so are parts (ppm) and
 * `unlimited`.
 */
#ifndef TICKWIRE_TOOLS_VENUE_SPREAD_H
#define TICKWIRE_TOOLS_VENUE_SPREAD_H

#include "tools/venue/line.h"

/* Every shard gets it, as opposed to the one where its instrument lives. */
bool venue_reaches_all(const venue_order *order);

/* What shard number `index` (from 0) of `shards` gets. */
void venue_spread(const venue_order *order, uint32_t shards, uint32_t index, wire_control_command *command);

/* Limits as they are, with those that `order` names in place of theirs: for a change of some of them. */
void venue_limits_merge(wire_control_command *command, const venue_order *order, const wire_account_view *known);

#endif
