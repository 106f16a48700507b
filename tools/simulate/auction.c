/* Crosses: the resting orders that take part leave by C at the cross price, one Q prints the whole cross. The other
 * side of the cross is interest that the feed does not display (orders on open, on close). */
#include <string.h>

#include "tools/simulate/model.h"

/* C for the oldest of the best orders. The same order may be filled in part: then it rests on. */
static uint32_t cross_best(sim_session *session, uint32_t symbol, sim_side side, uint32_t price, uint64_t match,
                           uint32_t shares) {
    const sim_book_side *book = sim_side_of(&session->books, symbol, side);
    uint32_t index = book->levels[book->count - 1].oldest;
    sim_order *order = &session->books.orders[index];
    uint32_t taken = order->shares < shares ? order->shares : shares;
    itch50_message *message = sim_put(session, ITCH50_ORDER_EXECUTED_PRICE, symbol);
    message->u.executed.order_id = order->id;
    message->u.executed.match_id = match;
    message->u.executed.shares = taken;
    message->u.executed.price = price;
    message->u.executed.printable = 'N';
    order->shares -= taken;
    if (order->shares == 0) {
        sim_order_remove(&session->books, symbol, side, 0, index);
        session->symbols[symbol].orders--;
    }
    return taken;
}

/* Orders of one side at `price` or better, best first, until the room or the wanted shares are used. */
static uint64_t cross_side(sim_session *session, uint32_t symbol, sim_side side, uint32_t price, uint64_t match,
                           uint32_t room) {
    const sim_book_side *book = sim_side_of(&session->books, symbol, side);
    uint32_t wanted = (uint32_t)session->symbols[symbol].lot * (1 + draw_below(&session->random, 40));
    uint64_t done = 0;
    while (room > 0 && done < wanted && book->count > 0 &&
           book->levels[book->count - 1].key >= sim_key(side, price)) {
        done += cross_best(session, symbol, side, price, match, wanted - (uint32_t)done);
        room--;
    }
    return done;
}

bool sim_cross(sim_session *session, uint32_t index, char type, uint32_t room) {
    sim_symbol *symbol = &session->symbols[index];
    sim_side side = (sim_side)(tw_random_u64(&session->random) & 1);
    if (sim_side_of(&session->books, index, side)->count == 0) side = side == SIM_BID ? SIM_ASK : SIM_BID;
    const sim_book_side *book = sim_side_of(&session->books, index, side);
    if (book->count == 0 || room == 0) return false;
    /* One or two levels deep: better orders are filled at the cross price, which is not theirs. */
    uint32_t depth = book->count > 1 ? draw_below(&session->random, 2) : 0;
    uint32_t price = sim_level_price(book, side, depth);
    uint64_t match = sim_new_match(session, index);
    uint32_t most = room - 1 < 10 ? room - 1 : 10;
    uint64_t displayed = cross_side(session, index, side, price, match, most);
    itch50_message *message = sim_put(session, ITCH50_CROSS_TRADE, index);
    memcpy(message->u.cross.stock, symbol->stock, sizeof symbol->stock);
    message->u.cross.shares = displayed + (uint64_t)symbol->lot * draw_below(&session->random, 200);
    message->u.cross.match_id = match;
    message->u.cross.price = price;
    message->u.cross.cross = type;
    symbol->reference = price;
    return true;
}

void sim_put_imbalance(sim_session *session, uint32_t index, char cross) {
    const sim_symbol *symbol = &session->symbols[index];
    uint64_t bits = tw_random_u64(&session->random);
    uint32_t fair = sim_fair_price(symbol), tick = symbol->tick;
    itch50_message *message = sim_put(session, ITCH50_NOII, index);
    uint64_t imbalance = (uint64_t)symbol->lot * (draw_long_tail(bits, 10) / 2);
    memcpy(message->u.noii.stock, symbol->stock, sizeof symbol->stock);
    message->u.noii.paired = (uint64_t)symbol->lot * draw_scale((uint32_t)(bits >> 32), 2000);
    message->u.noii.imbalance = imbalance;
    message->u.noii.direction = imbalance == 0 ? 'N' : (bits >> 20 & 1) ? 'B' : 'S';
    message->u.noii.far = fair + tick * (uint32_t)(bits >> 24 & 15);
    message->u.noii.near = fair + tick * (uint32_t)(bits >> 28 & 7);
    message->u.noii.reference = fair;
    message->u.noii.cross = cross;
    message->u.noii.variation = "LLLL1112"[bits >> 40 & 7];
}
