/*
 * The plan of a day: which segments, when, how many messages each.
 *
 * Rows with a fixed number of messages come first off the day's total; the rest is shared by weight, so that the
 * sum is exact. A day too small for its events has only its directory, flow and system events.
 */
#include <string.h>

#include "base/assert.h"
#include "tools/simulate/model.h"

#define AT(hours, minutes, seconds)   (((hours)*3600u + (minutes)*60u + (seconds)) * UINT64_C(1000000000))
#define SMALLEST_WITH_EVENTS(symbols) (1000u + 8u * (symbols)) /* beyond the minimum */

typedef enum plan_need { ALWAYS, EVENTS, BREACH } plan_need;
typedef enum plan_size { ONE, PER_SYMBOL, PER_SYMBOL_AND_ONE, COUNT, WEIGHT } plan_size;

typedef struct plan_row {
    sim_kind kind;
    char code;
    uint64_t start_ns, end_ns;
    plan_need need;
    plan_size size;
    uint32_t amount; /* of COUNT and WEIGHT */
} plan_row;

static const plan_row day[] = {
    {SIM_SYSTEM, 'O', AT(3, 0, 0), AT(3, 0, 0), ALWAYS, ONE, 0},
    {SIM_DIRECTORY, 0, AT(3, 0, 5), AT(3, 2, 0), ALWAYS, PER_SYMBOL, 0},
    {SIM_TRADING_ACTIONS, 0, AT(3, 7, 0), AT(3, 7, 10), ALWAYS, PER_SYMBOL, 0},
    {SIM_REG_SHO, 0, AT(3, 7, 10), AT(3, 7, 20), ALWAYS, PER_SYMBOL, 0},
    {SIM_PARTICIPANTS, 0, AT(3, 8, 0), AT(3, 10, 0), EVENTS, WEIGHT, 2},
    {SIM_MWCB_LEVELS, 0, AT(3, 30, 0), AT(3, 30, 1), ALWAYS, ONE, 0},
    {SIM_SYSTEM, 'S', AT(4, 0, 0), AT(4, 0, 0), ALWAYS, ONE, 0},
    {SIM_FLOW_QUIET, 0, AT(4, 0, 0), AT(7, 0, 0), ALWAYS, WEIGHT, 15},
    {SIM_FLOW_QUIET, 0, AT(7, 0, 0), AT(9, 0, 0), ALWAYS, WEIGHT, 25},
    {SIM_FLOW_QUIET, 0, AT(9, 0, 0), AT(9, 25, 0), ALWAYS, WEIGHT, 30},
    {SIM_RPII, 0, AT(9, 25, 0), AT(9, 28, 0), EVENTS, WEIGHT, 2},
    {SIM_FLOW_IMBALANCE, 'O', AT(9, 28, 0), AT(9, 30, 0), EVENTS, WEIGHT, 15},
    {SIM_SYSTEM, 'Q', AT(9, 30, 0), AT(9, 30, 0), ALWAYS, ONE, 0},
    {SIM_CROSS_OPEN, 0, AT(9, 30, 0), AT(9, 30, 2), EVENTS, WEIGHT, 12},
    {SIM_FLOW, 0, AT(9, 30, 2), AT(9, 40, 0), ALWAYS, WEIGHT, 90},
    {SIM_IPO_ANNOUNCE, 0, AT(9, 40, 0), AT(9, 40, 1), EVENTS, COUNT, 4},
    {SIM_FLOW, 0, AT(9, 40, 1), AT(10, 0, 0), ALWAYS, WEIGHT, 90},
    {SIM_IPO_QUOTE, 0, AT(10, 0, 0), AT(10, 0, 1), EVENTS, COUNT, 40},
    {SIM_FLOW, 0, AT(10, 0, 1), AT(10, 12, 0), ALWAYS, WEIGHT, 40},
    {SIM_SHO_CHANGE, 0, AT(10, 12, 0), AT(10, 12, 1), EVENTS, COUNT, 1},
    {SIM_FLOW, 0, AT(10, 12, 1), AT(10, 30, 0), ALWAYS, WEIGHT, 45},
    {SIM_IPO_RELEASE, 0, AT(10, 30, 0), AT(10, 30, 1), EVENTS, COUNT, 24},
    {SIM_FLOW, 0, AT(10, 30, 1), AT(10, 47, 12), ALWAYS, WEIGHT, 40},
    {SIM_HALT, 0, AT(10, 47, 12), AT(10, 47, 12), EVENTS, COUNT, 1},
    {SIM_FLOW, 0, AT(10, 47, 12), AT(11, 10, 0), ALWAYS, WEIGHT, 35},
    {SIM_HALT_QUOTE, 0, AT(11, 10, 0), AT(11, 15, 0), EVENTS, COUNT, 16},
    {SIM_HALT_RESUME, 0, AT(11, 15, 0), AT(11, 15, 1), EVENTS, COUNT, 12},
    {SIM_FLOW, 0, AT(11, 15, 1), AT(12, 3, 40), ALWAYS, WEIGHT, 60},
    {SIM_LULD_PAUSE, 0, AT(12, 3, 40), AT(12, 3, 41), EVENTS, COUNT, 2},
    {SIM_FLOW, 0, AT(12, 3, 41), AT(12, 8, 40), ALWAYS, WEIGHT, 10},
    {SIM_LULD_EXTEND, 0, AT(12, 8, 40), AT(12, 10, 0), EVENTS, COUNT, 4},
    {SIM_FLOW, 0, AT(12, 10, 0), AT(12, 13, 40), ALWAYS, WEIGHT, 8},
    {SIM_LULD_RESUME, 0, AT(12, 13, 40), AT(12, 13, 41), EVENTS, COUNT, 12},
    {SIM_FLOW, 0, AT(12, 13, 41), AT(13, 5, 0), ALWAYS, WEIGHT, 50},
    {SIM_OPERATIONAL_HALT, 0, AT(13, 5, 0), AT(13, 5, 0), EVENTS, COUNT, 1},
    {SIM_FLOW, 0, AT(13, 5, 0), AT(13, 9, 30), ALWAYS, WEIGHT, 8},
    {SIM_OPERATIONAL_RESUME, 0, AT(13, 9, 30), AT(13, 9, 30), EVENTS, COUNT, 1},
    {SIM_FLOW, 0, AT(13, 9, 30), AT(14, 10, 0), ALWAYS, WEIGHT, 65},
    {SIM_MWCB_BREACH, 0, AT(14, 10, 0), AT(14, 10, 1), BREACH, PER_SYMBOL_AND_ONE, 0},
    {SIM_FLOW, 0, AT(14, 10, 1), AT(14, 25, 0), BREACH, WEIGHT, 4},
    {SIM_MWCB_RESUME, 0, AT(14, 25, 0), AT(14, 25, 2), BREACH, PER_SYMBOL, 0},
    {SIM_FLOW, 0, AT(14, 25, 2), AT(15, 30, 0), ALWAYS, WEIGHT, 105},
    {SIM_FLOW, 0, AT(15, 30, 0), AT(15, 50, 0), ALWAYS, WEIGHT, 80},
    {SIM_FLOW_IMBALANCE, 'C', AT(15, 50, 0), AT(16, 0, 0), ALWAYS, WEIGHT, 90},
    {SIM_SYSTEM, 'M', AT(16, 0, 0), AT(16, 0, 0), ALWAYS, ONE, 0},
    {SIM_CROSS_CLOSE, 0, AT(16, 0, 0), AT(16, 0, 4), EVENTS, WEIGHT, 12},
    {SIM_SWEEP, 0, AT(16, 0, 4), AT(16, 5, 0), ALWAYS, WEIGHT, 15},
    {SIM_FLOW_QUIET, 0, AT(16, 5, 0), AT(19, 59, 0), ALWAYS, WEIGHT, 20},
    {SIM_SWEEP, 0, AT(19, 59, 0), AT(20, 0, 0), ALWAYS, WEIGHT, 10},
    {SIM_SYSTEM, 'E', AT(20, 0, 0), AT(20, 0, 0), ALWAYS, ONE, 0},
    {SIM_SYSTEM, 'C', AT(20, 5, 0), AT(20, 5, 0), ALWAYS, ONE, 0},
};
#define DAY_ROWS (sizeof day / sizeof *day)
_Static_assert(DAY_ROWS <= SIM_MAX_SEGMENTS, "the plan has a place for every row");

static uint64_t fixed_messages(const plan_row *row, uint32_t symbols) {
    switch (row->size) {
    case ONE:
        return 1;
    case PER_SYMBOL:
        return symbols;
    case PER_SYMBOL_AND_ONE:
        return symbols + 1u;
    case COUNT:
        return row->amount;
    case WEIGHT:
        return 0;
    }
    return 0;
}

uint64_t sim_minimum_messages(uint32_t symbols) {
    uint64_t sum = 0;
    for (size_t i = 0; i < DAY_ROWS; i++)
        if (day[i].need == ALWAYS) sum += fixed_messages(&day[i], symbols);
    return sum;
}

/* Quiet symbols have the rarer roles, so that the busy ones stay lively; a day of a few symbols shares them. */
static void cast_make(sim_session *session, bool events) {
    uint32_t count = session->options.symbols;
    session->cast =
        (sim_cast){SIM_NO_SYMBOL, SIM_NO_SYMBOL, SIM_NO_SYMBOL, SIM_NO_SYMBOL, SIM_NO_SYMBOL, SIM_NO_SYMBOL};
    if (!events) return;
    session->cast.halted = 2 % count;
    session->cast.paused = 5 % count;
    session->cast.operational = 7 % count;
    session->cast.sho = 5 % count;
    if (count >= 8) session->cast.ipo = count / 2;
    if (count >= 16) session->cast.listing = count / 2 + 1;
}

/* At the start of the day most trade; new listings wait for their release, and a few stay halted all day. */
static void states_make(sim_session *session, bool events) {
    uint32_t count = session->options.symbols;
    for (uint32_t i = 16; events && count >= 64 && i < count; i += 1 + draw_below(&session->random, 256)) {
        session->symbols[i].state = 'H';
        session->symbols[i].hard_halted = true;
    }
    const uint32_t new_ones[] = {session->cast.ipo, session->cast.listing};
    for (size_t i = 0; i < 2; i++) {
        if (new_ones[i] == SIM_NO_SYMBOL) continue;
        session->symbols[new_ones[i]].state = 'H';
        session->symbols[new_ones[i]].hard_halted = false;
    }
}

static bool wanted(const plan_row *row, bool events, bool breach) {
    return row->need == ALWAYS || (row->need == EVENTS && events) || (row->need == BREACH && breach);
}

void sim_plan_make(sim_session *session) {
    uint32_t symbols = session->options.symbols;
    uint64_t left = session->options.messages - sim_minimum_messages(symbols);
    bool events = left >= SMALLEST_WITH_EVENTS(symbols);
    bool breach = events && left >= 50u * symbols && draw_below(&session->random, 16) == 7;
    cast_make(session, events);
    states_make(session, events);

    uint64_t weights = 0, shared = session->options.messages;
    for (size_t i = 0; i < DAY_ROWS; i++) {
        if (!wanted(&day[i], events, breach)) continue;
        if (day[i].size == WEIGHT) weights += day[i].amount;
        shared -= fixed_messages(&day[i], symbols);
    }
    uint64_t weights_done = 0;
    for (size_t i = 0; i < DAY_ROWS; i++) {
        if (!wanted(&day[i], events, breach)) continue;
        uint64_t messages = fixed_messages(&day[i], symbols);
        if (day[i].size == WEIGHT) { /* differences of running shares: they sum up exactly */
            uint64_t before = shared / weights * weights_done + shared % weights * weights_done / weights;
            weights_done += day[i].amount;
            messages = shared / weights * weights_done + shared % weights * weights_done / weights - before;
        }
        session->segments[session->segment_count++] =
            (sim_segment){day[i].kind, day[i].code, day[i].start_ns, day[i].end_ns, messages};
    }
}
