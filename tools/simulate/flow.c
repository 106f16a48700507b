/*
 * The ordinary flow: orders come, change, trade and go.
 *
 * Each step visits one symbol (the same one for most of a burst), lets its worth walk a little, and does one
 * thing. The book follows the worth: new orders are placed around it and resting ones on the wrong side of it are
 * traded against or taken back first. Which thing is drawn from a table of shares that leans towards adds while
 * fewer orders rest than should, and towards deletes while more do.
 */
#include <string.h>

#include "tools/simulate/model.h"

#define DEAREST 1999999900u /* $199,999.99, the dearest price an order may have */

typedef enum action { ADD, ADD_MPID, DELETE, REPLACE, EXECUTE, EXECUTE_PRICE, CANCEL, HIDDEN, RPII, BREAK } action;

/* Shares of 1024, in the order of `action`. An execution is about 1.6 messages. */
static const uint16_t shares_trading[] = {430, 14, 447, 67, 28, 2, 15, 16, 4, 1};
static const uint16_t shares_quiet[] = {448, 12, 456, 66, 14, 1, 13, 10, 3, 1};
static const uint16_t shares_halted[] = {470, 10, 470, 60, 0, 0, 10, 0, 4, 0};

static sim_side other_side(sim_side side) {
    return side == SIM_BID ? SIM_ASK : SIM_BID;
}

uint32_t sim_fair_price(const sim_symbol *symbol) {
    return (uint32_t)(symbol->fair_256ths >> 8) * symbol->tick;
}

/* A random walk whose step size comes in clusters: now and then it is drawn anew, with a few wild ones, and
 * otherwise it calms down. */
static void fair_walk(sim_symbol *symbol, uint64_t bits) {
    int64_t noise = (int64_t)(bits & 255) + (int64_t)(bits >> 8 & 255) - 255;
    symbol->fair_256ths += noise * symbol->volatility / 64;
    if ((bits >> 16 & 127) == 0) {
        uint32_t fresh = (bits >> 23 & 15) == 0 ? 160 + (bits >> 28 & 63) : 8 + (bits >> 28 & 31);
        symbol->volatility = (uint16_t)((symbol->volatility * 3u + fresh * 5u) / 8);
    }
    int64_t lowest = 64 * 256, highest = (int64_t)(DEAREST / symbol->tick) * 128;
    if (symbol->fair_256ths < lowest) symbol->fair_256ths = lowest + (lowest - symbol->fair_256ths) / 2;
    if (symbol->fair_256ths > highest) symbol->fair_256ths = highest;
}

/* How far behind the touch an order is placed, in ticks: half of them at or next to it, a long tail behind. */
static uint32_t distance_draw(uint64_t bits) {
    uint32_t near_or_far = (uint32_t)(bits & 15);
    if (near_or_far < 9) return draw_scale((uint32_t)(bits >> 32), 4);
    if (near_or_far < 14)
        return draw_halving((uint32_t)(bits >> 8) | 1u << 16) * 3 + draw_scale((uint32_t)(bits >> 32), 6);
    return draw_long_tail(bits >> 8, 11) + 8;
}

/* People like round prices: far orders are often at multiples of 5, 10, 25 or 100 ticks, away from the market. */
static int64_t round_price(int64_t ticks, sim_side side, uint64_t bits) {
    static const uint8_t steps[8] = {5, 5, 5, 10, 10, 25, 50, 100};
    int64_t step = steps[bits & 7], down = ticks / step * step;
    return side == SIM_BID || down == ticks ? down : down + step;
}

/* The price of a new order, on the right side of everything that rests opposite. */
static uint32_t price_draw(const sim_session *session, const sim_symbol *symbol, uint32_t index, sim_side side,
                           uint64_t bits, uint64_t more) {
    const sim_book_side *opposite = sim_side_of(&session->books, index, other_side(side));
    int64_t half = 1 + draw_scale((uint32_t)(more >> 32), symbol->spread_ticks);
    int64_t distance = half / 2 + (int64_t)distance_draw(bits), fair = symbol->fair_256ths >> 8;
    int64_t ticks = side == SIM_BID ? fair - distance : fair + 1 + distance;
    if (distance > 8 && (more & 1)) ticks = round_price(ticks, side, more >> 1);
    if ((more >> 8 & 4095) == 0) ticks = side == SIM_BID ? 1 : DEAREST / symbol->tick; /* a stub quote */
    if (opposite->count > 0) {
        int64_t touch = sim_level_price(opposite, other_side(side), 0) / symbol->tick;
        if (side == SIM_BID && ticks >= touch) ticks = touch - 1;
        if (side == SIM_ASK && ticks <= touch) ticks = touch + 1;
    }
    if (ticks < 1 || ticks > DEAREST / symbol->tick) return 0;
    return (uint32_t)ticks * symbol->tick;
}

/* Mostly one lot, then small multiples, odd lots, and a few large ones. */
static uint32_t shares_draw(const sim_symbol *symbol, uint64_t bits) {
    uint32_t kind = (uint32_t)(bits & 63), lot = symbol->lot;
    if (kind < 36) return lot;
    if (kind < 48) return lot * (2 + draw_scale((uint32_t)(bits >> 32), 4));
    if (kind < 60) return 1 + draw_scale((uint32_t)(bits >> 32), lot - 1);
    return lot * (5 + draw_long_tail(bits >> 6, 8));
}

/* A level to touch, as steps from the best: mostly one of the first, sometimes any. */
static uint32_t rank_draw(const sim_book_side *book, uint64_t bits) {
    uint32_t kind = (uint32_t)(bits & 7), scaled = (uint32_t)(bits >> 32), rank;
    if (kind < 5)
        rank = draw_halving((uint32_t)(bits >> 3) | 1u << 24);
    else if (kind < 7)
        rank = draw_scale(scaled, book->count / 4 + 1);
    else
        rank = draw_scale(scaled, book->count);
    return rank < book->count ? rank : book->count - 1;
}

/* The young leave first: mostly the last of the queue, sometimes the first. */
static uint32_t order_draw(const sim_book_side *book, uint32_t rank, uint64_t bits) {
    const sim_level *level = &book->levels[book->count - 1 - rank];
    return (bits & 7) == 0 ? level->oldest : level->youngest;
}

static sim_side side_with_orders(const sim_session *session, uint32_t index, sim_side wish) {
    return sim_side_of(&session->books, index, wish)->count > 0 ? wish : other_side(wish);
}

static uint32_t fit(const sim_session *session, uint32_t index, sim_side side, uint32_t price) {
    return sim_side_fit_price(sim_side_of(&session->books, index, side), side, price);
}

/* The promise that the price drawing keeps; counted where it would not be. */
static bool crosses(sim_session *session, uint32_t index, sim_side side, uint32_t price) {
    const sim_book_side *opposite = sim_side_of(&session->books, index, other_side(side));
    if (opposite->count == 0) return false;
    uint32_t touch = sim_level_price(opposite, other_side(side), 0);
    bool bad = side == SIM_BID ? price >= touch : price <= touch;
    session->stats.inconsistencies += bad;
    return bad;
}

static bool act_add(sim_session *session, uint32_t index, sim_side side, bool attributed, uint64_t bits) {
    static const char mpids[8][ITCH50_MPID_BYTES] = {"NITE", "CDRG", "GSCO", "MSCO",
                                                     "UBSS", "JPMS", "VIRT", "ETMM"};
    sim_symbol *symbol = &session->symbols[index];
    if (sim_books_full(&session->books)) return false;
    uint64_t more = tw_random_u64(&session->random);
    uint32_t price = price_draw(session, symbol, index, side, bits, more);
    if (price == 0) return false;
    price = fit(session, index, side, price);
    if (crosses(session, index, side, price)) return false;
    uint32_t shares = shares_draw(symbol, more >> 20 | more << 44);
    session->order_id += 1 + (more & 3);
    sim_order_add(&session->books, index, side, price, session->order_id, shares);
    symbol->orders++;
    itch50_message *message = sim_put(session, attributed ? ITCH50_ADD_ORDER_MPID : ITCH50_ADD_ORDER, index);
    message->u.add.order_id = session->order_id;
    message->u.add.shares = shares;
    message->u.add.price = price;
    message->u.add.side = side == SIM_BID ? 'B' : 'S';
    memcpy(message->u.add.stock, symbol->stock, sizeof symbol->stock);
    memcpy(message->u.add.mpid, attributed ? mpids[more >> 40 & 7] : "\0\0\0\0", ITCH50_MPID_BYTES);
    return true;
}

static bool delete_at(sim_session *session, uint32_t index, sim_side side, uint32_t rank, uint32_t order) {
    uint64_t id = session->books.orders[order].id;
    sim_order_remove(&session->books, index, side, rank, order);
    session->symbols[index].orders--;
    sim_put(session, ITCH50_ORDER_DELETE, index)->u.deleted.order_id = id;
    return true;
}

static bool act_delete(sim_session *session, uint32_t index, sim_side side, uint64_t bits) {
    const sim_book_side *book = sim_side_of(&session->books, index, side);
    if (book->count == 0) return false;
    uint32_t rank = rank_draw(book, bits);
    return delete_at(session, index, side, rank, order_draw(book, rank, bits >> 28));
}

static bool act_replace(sim_session *session, uint32_t index, sim_side side, uint64_t bits) {
    const sim_book_side *book = sim_side_of(&session->books, index, side);
    if (book->count == 0) return false;
    uint32_t rank = rank_draw(book, bits), order = order_draw(book, rank, bits >> 28);
    uint64_t more = tw_random_u64(&session->random), id = session->books.orders[order].id;
    uint32_t price = price_draw(session, &session->symbols[index], index, side, more, bits);
    if (price == 0 || crosses(session, index, side, price)) return false;
    uint32_t shares =
        (more & 3) == 0 ? shares_draw(&session->symbols[index], more >> 2) : session->books.orders[order].shares;
    sim_order_remove(&session->books, index, side, rank, order);
    price = fit(session, index, side, price);
    session->order_id += 1 + (more >> 60 & 3);
    sim_order_add(&session->books, index, side, price, session->order_id, shares);
    itch50_message *message = sim_put(session, ITCH50_ORDER_REPLACE, index);
    message->u.replace.old_order_id = id;
    message->u.replace.new_order_id = session->order_id;
    message->u.replace.shares = shares;
    message->u.replace.price = price;
    return true;
}

static bool act_cancel(sim_session *session, uint32_t index, sim_side side, uint64_t bits) {
    const sim_book_side *book = sim_side_of(&session->books, index, side);
    if (book->count == 0) return false;
    uint32_t rank = rank_draw(book, bits), at = order_draw(book, rank, bits >> 28);
    sim_order *order = &session->books.orders[at];
    if (order->shares < 2) return delete_at(session, index, side, rank, at);
    uint32_t shares = 1 + draw_scale((uint32_t)(bits >> 16), order->shares - 1);
    order->shares -= shares;
    itch50_message *message = sim_put(session, ITCH50_ORDER_CANCEL, index);
    message->u.cancel.order_id = order->id;
    message->u.cancel.shares = shares;
    return true;
}

/* Takes up to `shares` from the first order of the best level. */
static uint32_t best_reduce(sim_session *session, uint32_t index, sim_side side, uint32_t shares, uint64_t *id,
                            uint32_t *price) {
    const sim_book_side *book = sim_side_of(&session->books, index, side);
    uint32_t at = book->levels[book->count - 1].oldest;
    sim_order *order = &session->books.orders[at];
    uint32_t taken = order->shares < shares ? order->shares : shares;
    *id = order->id;
    *price = sim_level_price(book, side, 0);
    order->shares -= taken;
    if (order->shares == 0) {
        sim_order_remove(&session->books, index, side, 0, at);
        session->symbols[index].orders--;
    }
    return taken;
}

uint32_t sim_execute_best(sim_session *session, uint32_t index, sim_side side, uint32_t shares) {
    uint64_t id;
    uint32_t price, taken = best_reduce(session, index, side, shares, &id, &price);
    itch50_message *message = sim_put(session, ITCH50_ORDER_EXECUTED, index);
    message->u.executed.order_id = id;
    message->u.executed.match_id = sim_new_match(session, index);
    message->u.executed.shares = taken;
    message->u.executed.price = 0;
    message->u.executed.printable = 'Y';
    session->symbols[index].reference = price;
    return taken;
}

/* A marketable order that arrives: it takes the best orders one after the other, at most a few levels. */
static bool act_execute(sim_session *session, uint32_t index, sim_side side, uint64_t bits) {
    const sim_book_side *book = sim_side_of(&session->books, index, side);
    if (book->count == 0) return false;
    uint32_t shares = shares_draw(&session->symbols[index], bits), room = sim_room(session);
    if (room > 16) room = 16;
    while (shares > 0 && room-- > 0 && book->count > 0)
        shares -= sim_execute_best(session, index, side, shares);
    return true;
}

/* An execution at another price than the order's (price improvement), printable three times of four. */
static bool act_execute_price(sim_session *session, uint32_t index, sim_side side, uint64_t bits) {
    if (sim_side_of(&session->books, index, side)->count == 0) return false;
    uint64_t id;
    uint32_t price,
        taken = best_reduce(session, index, side, shares_draw(&session->symbols[index], bits), &id, &price);
    itch50_message *message = sim_put(session, ITCH50_ORDER_EXECUTED_PRICE, index);
    message->u.executed.order_id = id;
    message->u.executed.match_id = sim_new_match(session, index);
    message->u.executed.shares = taken;
    message->u.executed.price =
        side == SIM_BID ? price + session->symbols[index].tick : price - session->symbols[index].tick;
    if (message->u.executed.price == 0) message->u.executed.price = price;
    message->u.executed.printable = (bits >> 50 & 3) == 0 ? 'N' : 'Y';
    return true;
}

/* An order that was not displayed is executed, at the worth or half a tick beside it. Since 2014 such a message has
 * order id 0 and side B. */
static bool act_hidden(sim_session *session, uint32_t index, uint64_t bits) {
    const sim_symbol *symbol = &session->symbols[index];
    uint32_t price = sim_fair_price(symbol) + ((bits & 1) ? symbol->tick / 2u : 0);
    itch50_message *message = sim_put(session, ITCH50_TRADE, index);
    message->u.trade.order_id = 0;
    message->u.trade.match_id = sim_new_match(session, index);
    message->u.trade.shares = shares_draw(symbol, bits >> 4);
    message->u.trade.price = price;
    message->u.trade.side = 'B';
    memcpy(message->u.trade.stock, symbol->stock, sizeof symbol->stock);
    return true;
}

static bool act_rpii(sim_session *session, uint32_t index, uint64_t bits) {
    itch50_message *message = sim_put(session, ITCH50_RPII, index);
    memcpy(message->u.rpii.stock, session->symbols[index].stock, ITCH50_STOCK_BYTES);
    message->u.rpii.interest = "BSAN"[bits & 3];
    return true;
}

/* The oldest execution remembered is broken, once. */
static bool act_break(sim_session *session, uint64_t bits) {
    if ((bits & 15) != 0 || session->match_count <= SIM_RECENT_MATCHES) return false;
    uint32_t slot = session->match_count % SIM_RECENT_MATCHES;
    uint64_t match = session->matches[slot].id;
    if (match == 0) return false;
    session->matches[slot].id = 0;
    sim_put(session, ITCH50_BROKEN_TRADE, session->matches[slot].symbol)->u.broken.match_id = match;
    return true;
}

static action action_draw(const uint16_t *shares, uint32_t bits) {
    uint32_t at = bits & 1023, sum = 0;
    for (int i = ADD; i <= BREAK; i++) {
        sum += shares[i];
        if (at < sum) return (action)i;
    }
    return ADD;
}

/* Leans to adds while too few orders rest, to deletes while too many do. */
static action action_balance(const sim_symbol *symbol, action drawn, uint64_t bits) {
    uint32_t goal = symbol->orders_goal, eighths = (uint32_t)(bits & 7);
    if (drawn == DELETE && symbol->orders < goal) {
        bool few = symbol->orders < goal / 2;
        return eighths < (few ? 6 : symbol->orders < goal - goal / 8 ? 2 : 0) ? ADD : DELETE;
    }
    if (drawn == ADD && symbol->orders > goal + goal / 4) return eighths < 4 ? DELETE : ADD;
    return drawn;
}

static bool act(sim_session *session, uint32_t index, action what, sim_side side, uint64_t bits) {
    switch (what) {
    case ADD:
        return act_add(session, index, side, false, bits);
    case ADD_MPID:
        return act_add(session, index, side, true, bits);
    case DELETE:
        return act_delete(session, index, side_with_orders(session, index, side), bits);
    case REPLACE:
        return act_replace(session, index, side_with_orders(session, index, side), bits);
    case EXECUTE:
        return act_execute(session, index, side_with_orders(session, index, side), bits);
    case EXECUTE_PRICE:
        return act_execute_price(session, index, side_with_orders(session, index, side), bits);
    case CANCEL:
        return act_cancel(session, index, side_with_orders(session, index, side), bits);
    case HIDDEN:
        return act_hidden(session, index, bits);
    case RPII:
        return act_rpii(session, index, bits);
    case BREAK:
        return act_break(session, bits);
    }
    return false;
}

/* The side whose best order lies on the wrong side of the worth, if there is one. */
static bool stale_side(const sim_session *session, uint32_t index, sim_side *side) {
    const sim_book_side *bids = sim_side_of(&session->books, index, SIM_BID);
    const sim_book_side *asks = sim_side_of(&session->books, index, SIM_ASK);
    uint32_t fair = sim_fair_price(&session->symbols[index]);
    *side = SIM_BID;
    if (bids->count > 0 && sim_level_price(bids, SIM_BID, 0) > fair) return true;
    *side = SIM_ASK;
    return asks->count > 0 && sim_level_price(asks, SIM_ASK, 0) < fair;
}

/* Whose turn it is: mostly the burst's symbol; one halted from the start of the day never. */
static uint32_t symbol_draw(sim_session *session) {
    if (session->burst_symbol != SIM_NO_SYMBOL) return session->burst_symbol;
    uint32_t index = sim_zipf_draw(&session->zipf, tw_random_u64(&session->random));
    while (session->symbols[index].hard_halted || session->symbols[index].state == 'H') {
        /* towards the busy ones; symbol 0 is the last resort and takes orders while halted too */
        if (index == 0) break;
        index /= 2;
    }
    session->burst_symbol = index;
    return index;
}

static void flow_visit(sim_session *session, sim_kind kind, uint32_t index) {
    sim_symbol *symbol = &session->symbols[index];
    uint64_t bits = tw_random_u64(&session->random), more = tw_random_u64(&session->random);
    fair_walk(symbol, bits);
    bool trading = symbol->state == 'T';
    const uint16_t *shares = !trading ? shares_halted : kind == SIM_FLOW_QUIET ? shares_quiet : shares_trading;
    action what = action_balance(symbol, action_draw(shares, (uint32_t)(bits >> 40)), bits >> 50);
    sim_side side = (sim_side)(bits >> 60 & 1), stale;
    if ((what == DELETE || what == EXECUTE) && stale_side(session, index, &stale)) {
        side = stale;
        if (what == DELETE) { /* the stale quote itself */
            const sim_book_side *book = sim_side_of(&session->books, index, side);
            delete_at(session, index, side, 0, order_draw(book, 0, more));
            return;
        }
    }
    if (act(session, index, what, side, more)) return;
    if (act(session, index, ADD, side, more)) return;
    if (!act(session, index, DELETE, side, more)) act_rpii(session, index, more);
}

/* At the end of the day orders are taken back, wherever some rest. */
static void sweep_visit(sim_session *session) {
    uint32_t index = sim_zipf_draw(&session->zipf, tw_random_u64(&session->random));
    uint64_t bits = tw_random_u64(&session->random);
    for (uint32_t i = 0; i < 8 && session->symbols[index].orders == 0; i++)
        index = index / 2;
    if (act(session, index, DELETE, (sim_side)(bits & 1), bits >> 1)) return;
    flow_visit(session, SIM_FLOW_QUIET, symbol_draw(session));
}

void sim_flow_step(sim_session *session, sim_kind kind, char cross) {
    if (kind == SIM_SWEEP) {
        sweep_visit(session);
        return;
    }
    uint32_t index = symbol_draw(session);
    if (kind == SIM_FLOW_IMBALANCE && draw_below(&session->random, 48) == 0) {
        sim_put_imbalance(session, index, cross);
        return;
    }
    flow_visit(session, kind, index);
}
