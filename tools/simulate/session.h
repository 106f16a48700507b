/*
 * A synthetic trading day of NASDAQ TotalView-ITCH 5.0, message by message.
 *
 * Options in, messages out: the same options give the same messages on every machine. Nothing here reads a
 * clock or floating point; time stamps come from the model. All memory is taken by sim_session_alloc.
 *
 * What a reader of the messages may rely on:
 *   - exactly `messages` messages, first S 'O', last S 'C'; time stamps never step back;
 *   - order ids and match ids rise and are used once a day;
 *   - E, C, X, D and U name an order that rests, and never take more than rests;
 *   - executions follow price-time priority; nothing is executed while an instrument is not trading, but in
 *     its cross;
 *   - a book is never locked or crossed, not in pre-market and halts either (interest in the crosses beyond
 *     the resting orders is not displayed);
 *   - in a cross the resting orders leave by C, not printable, at the cross price, and one Q prints it all.
 *
 * Source of the formats: "NASDAQ TotalView-ITCH 5.0", section 1.
 */
#ifndef TICKWIRE_TOOLS_SIMULATE_SESSION_H
#define TICKWIRE_TOOLS_SIMULATE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/decode/itch50.h"

#define SIM_MAX_SYMBOLS 10000

typedef struct sim_session sim_session;

typedef struct sim_options {
    uint64_t seed;
    uint32_t symbols;     /* 1 to SIM_MAX_SYMBOLS */
    uint64_t messages;    /* of the whole day; at least sim_minimum_messages */
    uint32_t live_orders; /* resting at once, about; 0: a twentieth of the messages */
} sim_options;

typedef struct sim_stats {
    uint64_t messages;
    uint64_t by_type[128];    /* index: the type's character */
    uint64_t inconsistencies; /* times that the model caught itself about to break a promise above; 0 */
    uint32_t live_orders, most_live_orders;
} sim_stats;

/* The fewest messages a day of so many symbols has: its system events and its directory. */
uint64_t sim_minimum_messages(uint32_t symbols);

/* TW_INVALID names the option and its bounds; TW_NO_MEMORY. Free with sim_session_free. */
tw_code sim_session_alloc(sim_session **session, const sim_options *options, tw_error *error);
void sim_session_free(sim_session *session); /* NULL is fine */

/* The next message of the day; false after the last. */
bool sim_next(sim_session *session, itch50_message *message);

sim_stats sim_session_stats(const sim_session *session);

/* A seed for day `day` (from 0) of a run of days that starts with `seed`; day 0 has `seed` itself. */
uint64_t sim_day_seed(uint64_t seed, uint64_t day);

#endif
