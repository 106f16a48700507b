/*
 * What the parts of the model share: the session's state, and how a message is put out.
 *
 * The day is a plan of segments (plan.c), each with a span of time and an exact number of messages. A segment's
 * own generator (script.c, auction.c) puts out what it has; the ordinary flow of orders (flow.c) fills the rest.
 * One step of any generator puts out at most SIM_STEP_MESSAGES and never more than the segment has room for.
 */
#ifndef TICKWIRE_TOOLS_SIMULATE_MODEL_H
#define TICKWIRE_TOOLS_SIMULATE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "tools/simulate/books.h"
#include "tools/simulate/draw.h"
#include "tools/simulate/session.h"
#include "tools/simulate/symbols.h"

#define SIM_STEP_MESSAGES  32
#define SIM_MAX_SEGMENTS   64
#define SIM_RECENT_MATCHES 64
#define SIM_NO_SYMBOL      UINT32_MAX

typedef enum sim_kind {
    SIM_FLOW,           /* orders, executions, hidden prints */
    SIM_FLOW_QUIET,     /* the same before and after the market's hours: fewer executions */
    SIM_FLOW_IMBALANCE, /* the same with NOII of the coming opening or closing cross */
    SIM_SWEEP,          /* orders are taken out at the end of the day */
    SIM_SYSTEM,         /* one S, `code` */
    SIM_DIRECTORY,      /* R for every symbol */
    SIM_TRADING_ACTIONS,
    SIM_REG_SHO,
    SIM_PARTICIPANTS,
    SIM_MWCB_LEVELS,
    SIM_CROSS_OPEN,
    SIM_CROSS_CLOSE,
    SIM_SHO_CHANGE,
    SIM_IPO_ANNOUNCE, /* K, direct listing O */
    SIM_IPO_QUOTE,
    SIM_IPO_RELEASE,
    SIM_HALT,
    SIM_HALT_QUOTE,
    SIM_HALT_RESUME,
    SIM_LULD_PAUSE,
    SIM_LULD_EXTEND,
    SIM_LULD_RESUME,
    SIM_OPERATIONAL_HALT,
    SIM_OPERATIONAL_RESUME,
    SIM_MWCB_BREACH, /* W and H for every symbol */
    SIM_MWCB_RESUME,
    SIM_RPII
} sim_kind;

typedef struct sim_segment {
    sim_kind kind;
    char code; /* SIM_SYSTEM: the event; SIM_FLOW_IMBALANCE: the cross */
    uint64_t start_ns, end_ns;
    uint64_t messages;
} sim_segment;

/* The actors of the day's events; SIM_NO_SYMBOL where the day is too small for one. */
typedef struct sim_cast {
    uint32_t halted, paused, operational, sho, ipo, listing;
} sim_cast;

struct sim_session {
    sim_options options;
    tw_random random;
    sim_symbol *symbols;
    sim_zipf zipf;
    sim_books books;
    sim_cast cast;

    sim_segment segments[SIM_MAX_SEGMENTS];
    uint32_t segment_count, segment; /* how many; the one at work */
    uint64_t segment_left;           /* messages it still has to put out */
    uint64_t cursor;                 /* of the segment's generator, 0 at its start */

    uint64_t now_ns;
    uint32_t burst_left; /* messages of the burst at work */
    uint32_t burst_step_ns;
    uint32_t burst_symbol;
    uint64_t order_id, match_id;
    struct {
        uint64_t id;
        uint32_t symbol;
    } matches[SIM_RECENT_MATCHES];
    uint32_t match_count;

    itch50_message out[SIM_STEP_MESSAGES];
    uint32_t out_count, out_taken;
    sim_stats stats;
};

/* plan.c: the day's segments for the session's options. */
void sim_plan_make(sim_session *session);

/* session.c: the next place in the output, header filled; `symbol` may be SIM_NO_SYMBOL. */
itch50_message *sim_put(sim_session *session, char type, uint32_t symbol);
/* How many messages may still be put out in this step. */
static inline uint32_t sim_room(const sim_session *session) {
    uint32_t room = SIM_STEP_MESSAGES - session->out_count;
    return session->segment_left < room ? (uint32_t)session->segment_left : room;
}
uint64_t sim_new_match(sim_session *session, uint32_t symbol);

/* flow.c */
void sim_flow_step(sim_session *session, sim_kind kind, char cross);
/* Executes the best resting order of a side for at most `shares` by E; the number executed. */
uint32_t sim_execute_best(sim_session *session, uint32_t symbol, sim_side side, uint32_t shares);
uint32_t sim_fair_price(const sim_symbol *symbol);

/* auction.c: one symbol's cross of `type` (O, C, H); needs room for one message, uses at most `room`. False: there
 * is nothing to cross with, nothing was put out. */
bool sim_cross(sim_session *session, uint32_t symbol, char type, uint32_t room);
void sim_put_imbalance(sim_session *session, uint32_t symbol, char cross);

/* script.c: one step of a segment's own generator; false: it has nothing more, the flow fills the segment. */
bool sim_script_step(sim_session *session, const sim_segment *segment);

#endif
