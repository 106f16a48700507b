/* A day's life: memory, the clock of the model, segment after segment; see session.h and model.h. */
#include "tools/simulate/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tools/simulate/model.h"

#define MOST_LIVE_ORDERS 50000000u

uint64_t sim_day_seed(uint64_t seed, uint64_t day) {
    return seed + day * UINT64_C(0x9E3779B97F4A7C15);
}

static tw_code check_options(const sim_options *options, tw_error *error) {
    if (options->symbols == 0 || options->symbols > SIM_MAX_SYMBOLS)
        return tw_error_set(error, TW_INVALID, "symbols is %" PRIu32 ", must be from 1 to %d", options->symbols,
                            SIM_MAX_SYMBOLS);
    uint64_t minimum = sim_minimum_messages(options->symbols);
    if (options->messages < minimum)
        return tw_error_set(error, TW_INVALID,
                            "messages is %" PRIu64 ", a day of %" PRIu32 " symbols has at least %" PRIu64,
                            options->messages, options->symbols, minimum);
    if (options->live_orders > MOST_LIVE_ORDERS)
        return tw_error_set(error, TW_INVALID, "live orders is %" PRIu32 ", at most %u are possible",
                            options->live_orders, MOST_LIVE_ORDERS);
    return TW_OK;
}

/* Half of the resting orders lie by activity, half evenly: a quiet stock has a book too. */
static void share_orders(sim_session *session, uint64_t live) {
    uint32_t count = session->options.symbols;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t busy = live / 2 * session->zipf.weight[i] / session->zipf.weight_sum;
        session->symbols[i].orders_goal = (uint32_t)(busy + live / 2 / count) + 4;
    }
}

static uint64_t live_orders_of(const sim_options *options) {
    if (options->live_orders != 0) return options->live_orders;
    uint64_t live = options->messages / 20;
    return live > 4000000 ? 4000000 : live;
}

tw_code sim_session_alloc(sim_session **out, const sim_options *options, tw_error *error) {
    *out = NULL;
    tw_code code = check_options(options, error);
    if (code != TW_OK) return code;
    sim_session *session = calloc(1, sizeof *session);
    if (session == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a session");
    session->options = *options;
    tw_random_seed(&session->random, options->seed);
    uint64_t live = live_orders_of(options);
    session->symbols = calloc(options->symbols, sizeof *session->symbols);
    if (session->symbols == NULL || !sim_zipf_init(&session->zipf, options->symbols) ||
        !sim_books_init(&session->books, options->symbols, (uint32_t)(live + live / 4 + 16u * options->symbols)) ||
        !sim_symbols_make(session->symbols, options->symbols, &session->random)) {
        sim_session_free(session);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for %" PRIu32 " symbols and %" PRIu64 " resting orders",
                            options->symbols, live);
    }
    share_orders(session, live);
    sim_plan_make(session);
    session->segment_left = session->segments[0].messages;
    session->now_ns = session->segments[0].start_ns;
    *out = session;
    return TW_OK;
}

void sim_session_free(sim_session *session) {
    if (session == NULL) return;
    sim_books_fini(&session->books);
    sim_zipf_fini(&session->zipf);
    free(session->symbols);
    free(session);
}

/* Messages come in bursts: a few within microseconds, then a pause, about exponential, that keeps the segment's
 * messages spread over its time. */
static void clock_advance(sim_session *session) {
    uint64_t end = session->segments[session->segment].end_ns;
    if (session->now_ns >= end) {
        if (session->burst_left > 0)
            session->burst_left--;
        else
            session->burst_left = 3;
        return;
    }
    uint64_t bits = tw_random_u64(&session->random);
    if (session->burst_left > 0) {
        session->burst_left--;
        session->now_ns += draw_scale((uint32_t)bits, session->burst_step_ns);
    } else {
        uint64_t average = (end - session->now_ns) / session->segment_left;
        uint32_t length =
            1 + draw_scale((uint32_t)(bits >> 20), 3) + 3 * draw_halving((uint32_t)(bits >> 40) | 1u << 10);
        session->burst_left = length;
        session->burst_step_ns = average / 4 > 20000 ? 20000 : (uint32_t)(average / 4) + 1;
        session->now_ns += average * (length + 1) / 1024 * draw_exponential_1024(bits);
        session->burst_symbol = SIM_NO_SYMBOL;
    }
    if (session->now_ns > end) session->now_ns = end;
}

itch50_message *sim_put(sim_session *session, char type, uint32_t symbol) {
    TW_ASSERT(session->segment_left > 0 && session->out_count < SIM_STEP_MESSAGES);
    clock_advance(session);
    session->segment_left--;
    itch50_message *message = &session->out[session->out_count++];
    message->type = type;
    message->locate = symbol == SIM_NO_SYMBOL ? 0 : session->symbols[symbol].locate;
    message->tracking = (uint16_t)(session->stats.messages & 1 ? 2 : 0);
    message->timestamp_ns = session->now_ns;
    session->stats.messages++;
    session->stats.by_type[type & 127]++;
    return message;
}

uint64_t sim_new_match(sim_session *session, uint32_t symbol) {
    session->match_id += 1 + (session->order_id & 1);
    uint32_t slot = session->match_count++ % SIM_RECENT_MATCHES;
    session->matches[slot].id = session->match_id;
    session->matches[slot].symbol = symbol;
    return session->match_id;
}

/* Goes to the segment at work; false at the end of the day. */
static bool segment_reach(sim_session *session) {
    while (session->segment_left == 0) {
        if (session->segment + 1 >= session->segment_count) return false;
        const sim_segment *next = &session->segments[++session->segment];
        session->segment_left = next->messages;
        session->cursor = 0;
        session->burst_left = 0;
        session->burst_symbol = SIM_NO_SYMBOL;
        if (next->start_ns > session->now_ns) session->now_ns = next->start_ns;
    }
    return true;
}

bool sim_next(sim_session *session, itch50_message *message) {
    if (session->out_taken == session->out_count) {
        session->out_taken = session->out_count = 0;
        if (!segment_reach(session)) return false;
        const sim_segment *segment = &session->segments[session->segment];
        if (!sim_script_step(session, segment)) sim_flow_step(session, segment->kind, segment->code);
        TW_ASSERT(session->out_count > 0);
    }
    *message = session->out[session->out_taken++];
    return true;
}

sim_stats sim_session_stats(const sim_session *session) {
    sim_stats stats = session->stats;
    stats.live_orders = session->books.live;
    stats.most_live_orders = session->books.most_live;
    return stats;
}
