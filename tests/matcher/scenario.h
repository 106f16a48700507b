/*
 * Scenarios: what a trader would write on a napkin, orders in on the left, reports out on the right.
 *
 *     # A level is executed first come, first served.
 *     ann buys 100 @ 10.00 as a1      | ann a1 ACCEPTED 100 @ 10.00
 *     cat sells 120 @ 10.00 as c1     | cat c1 ACCEPTED 120 @ 10.00
 *                                     | cat c1 FILL 100 @ 10.00 left 20
 *                                     | ann a1 FILL 100 @ 10.00 left 0
 *     book                            | sell 20 @ 10.00
 *
 * Every report must be there, in order, and no other. A line without a command goes on with the reports of the one above it; a command
 * whose right side is `...` is not looked at. `#` begins a comment. Spaces do not matter.
 *
 * There are an instrument X (tick 0.01, protection band 5 %, continuous trading), accounts ann, bob, cat and dan with ample limits, and a
 * trading day of 8 hours; the clock stands at 0 until `time` moves it.
 *
 * Commands
 *     ann buys|sells QUANTITY [@ PRICE] [at market] [stop PRICE] as NAME [day|ioc|fok|until TIME] [post-only] [show Q] [min Q]
 *         [stp newest|oldest|both|decrement] [session N] [in INSTRUMENT]        a market order is ioc unless it says fok
 *     ann cancels NAME [in INSTRUMENT]
 *     ann cancels all|buys|sells [in INSTRUMENT]         `everybody cancels …`: the operator
 *     ann replaces NAME [to Q | open Q] [@ PRICE] [stop PRICE] [show Q] [in INSTRUMENT]
 *     time 1500ms|10s|8h            the clock reaches so much after the start
 *     instrument Y tick 0.05 [above PRICE tick T]… [lot N] [collar P%] [band P%] [reference PRICE]      a new one is closed
 *     account eve [class N]         without limits
 *     limits ann [order Q] [notional M] [funds M] [exposure M] [position Q] [concentration P%] [collar P%] [orders N]
 *         [rate N] [burst N] [repeat TIME]                what is not named is ample
 *     fees class N maker PPM taker PPM [each M M]
 *     state X|every pre_open|continuous|halted|closed
 *     reference X PRICE
 *     day DATE until TIME
 *     block|unblock ann|X|ann in X
 *     kill|revive everybody|ann
 *     session N open TIME, session N beat, session N close
 *     also COMMAND                  in the same message as the command above
 *     bounds [reports N] [orders N] [positions N] [client-ids N] [sessions N] [instruments N] [accounts N] [pages N]
 *     book [X]                      | buy 30 @ 10.00       best first, bids before asks, what is shown
 *     position ann [in X]           | long 100 @ 10.00     or short, or flat; realised M if there is any
 *     money ann                     | spent M reserved M fees M
 */
#ifndef TICKWIRE_TESTS_MATCHER_SCENARIO_H
#define TICKWIRE_TESTS_MATCHER_SCENARIO_H

#include "tests/matcher/venue.h"

/* Runs a file against an engine. False, with the place and what was expected and what came, in `fault`. */
bool scenario_run(const char *path, venue asked, char *fault, size_t fault_bytes);

#endif
