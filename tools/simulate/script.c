/* What a day has besides orders: system events, directory, halts and pauses, new listings, crosses in turn. */
#include <string.h>

#include "tools/simulate/model.h"

static void put_system(sim_session *session, char code) {
    sim_put(session, ITCH50_SYSTEM_EVENT, SIM_NO_SYMBOL)->u.system_event.code = code;
}

static void put_state(sim_session *session, uint32_t index, char state, const char reason[4]) {
    sim_symbol *symbol = &session->symbols[index];
    symbol->state = state;
    itch50_message *message = sim_put(session, ITCH50_TRADING_ACTION, index);
    memcpy(message->u.trading_action.stock, symbol->stock, sizeof symbol->stock);
    message->u.trading_action.state = state;
    message->u.trading_action.reserved = ' ';
    memcpy(message->u.trading_action.reason, reason, 4);
    message->u.trading_action.reason[4] = '\0';
}

static void put_reg_sho(sim_session *session, uint32_t index) {
    itch50_message *message = sim_put(session, ITCH50_REG_SHO, index);
    memcpy(message->u.reg_sho.stock, session->symbols[index].stock, ITCH50_STOCK_BYTES);
    message->u.reg_sho.action = session->symbols[index].sho;
}

static void put_directory(sim_session *session, uint32_t index) {
    bool listing = index == session->cast.ipo || index == session->cast.listing;
    itch50_message *message = sim_put(session, ITCH50_STOCK_DIRECTORY, index);
    sim_symbol_directory(&session->symbols[index], listing, tw_random_u64(&session->random), message);
}

static void put_first_state(sim_session *session, uint32_t index) {
    const sim_symbol *symbol = &session->symbols[index];
    bool listing = index == session->cast.ipo || index == session->cast.listing;
    put_state(session, index, symbol->state, symbol->state == 'T' ? "    " : listing ? "IPO1" : "D   ");
}

static void put_participant(sim_session *session, uint64_t turn) {
    static const char mpids[6][ITCH50_MPID_BYTES] = {"NITE", "CDRG", "GSCO", "UBSS", "VIRT", "ETMM"};
    uint32_t index = (uint32_t)(turn % session->options.symbols);
    itch50_message *message = sim_put(session, ITCH50_PARTICIPANT_POSITION, index);
    memcpy(message->u.participant.mpid, mpids[(turn / session->options.symbols + index) % 6], ITCH50_MPID_BYTES);
    memcpy(message->u.participant.stock, session->symbols[index].stock, ITCH50_STOCK_BYTES);
    message->u.participant.primary = (turn & 3) == 0 ? 'N' : 'Y';
    message->u.participant.mode = (turn & 31) == 7 ? 'P' : 'N';
    message->u.participant.state = (turn & 63) == 9 ? 'E' : 'A';
}

/* 7, 13 and 20 per cent below yesterday's close of an index, with 8 decimals. */
static void put_mwcb_levels(sim_session *session) {
    uint64_t close = (UINT64_C(400000) + draw_below(&session->random, 200000)) * 1000000u;
    itch50_message *message = sim_put(session, ITCH50_MWCB_LEVELS, SIM_NO_SYMBOL);
    message->u.mwcb_levels.level1 = close / 100 * 93;
    message->u.mwcb_levels.level2 = close / 100 * 87;
    message->u.mwcb_levels.level3 = close / 100 * 80;
}

static void put_operational(sim_session *session, uint32_t index, char action) {
    itch50_message *message = sim_put(session, ITCH50_OPERATIONAL_HALT, index);
    memcpy(message->u.operational_halt.stock, session->symbols[index].stock, ITCH50_STOCK_BYTES);
    message->u.operational_halt.market = 'Q';
    message->u.operational_halt.action = action;
}

static void put_collar(sim_session *session, uint32_t index, uint32_t extension) {
    const sim_symbol *symbol = &session->symbols[index];
    uint32_t reference = symbol->reference, width = reference / 20 * (1 + extension);
    itch50_message *message = sim_put(session, ITCH50_LULD_COLLAR, index);
    memcpy(message->u.luld_collar.stock, symbol->stock, sizeof symbol->stock);
    message->u.luld_collar.reference = reference;
    message->u.luld_collar.upper = reference + width;
    message->u.luld_collar.lower = reference - width;
    message->u.luld_collar.extension = extension;
}

static void put_ipo_quoting(sim_session *session, uint32_t index, uint32_t release_seconds) {
    const sim_symbol *symbol = &session->symbols[index];
    itch50_message *message = sim_put(session, ITCH50_IPO_QUOTING, index);
    memcpy(message->u.ipo_quoting.stock, symbol->stock, sizeof symbol->stock);
    message->u.ipo_quoting.release_seconds = release_seconds;
    message->u.ipo_quoting.qualifier = 'A';
    message->u.ipo_quoting.price = symbol->reference;
}

static void put_direct_listing(sim_session *session, uint32_t index) {
    const sim_symbol *symbol = &session->symbols[index];
    uint32_t reference = symbol->reference, fifth = reference / 5;
    itch50_message *message = sim_put(session, ITCH50_DIRECT_LISTING, index);
    memcpy(message->u.direct_listing.stock, symbol->stock, sizeof symbol->stock);
    message->u.direct_listing.open_eligibility = 'Y';
    message->u.direct_listing.minimum = reference - fifth;
    message->u.direct_listing.maximum = reference + 4 * fifth;
    message->u.direct_listing.near = sim_fair_price(symbol);
    message->u.direct_listing.near_time_ns = session->now_ns;
    message->u.direct_listing.lower_collar = reference - reference / 10;
    message->u.direct_listing.upper_collar = reference + reference / 10;
}

/* Trading starts again: a cross of what rests, then the state. */
static void resume(sim_session *session, uint32_t index, const char reason[4]) {
    uint32_t room = sim_room(session);
    if (room > 9) room = 9;
    sim_cross(session, index, 'H', room - 1);
    put_state(session, index, 'T', reason);
}

/* The stock falls, and the book with it: what rests above is stale when quoting goes on. */
static void fall(sim_session *session, uint32_t index, uint32_t percent) {
    sim_symbol *symbol = &session->symbols[index];
    symbol->fair_256ths -= symbol->fair_256ths / 100 * percent;
    symbol->volatility = 160;
}

/* One of the new listings at a time: the symbol whose turn it is, or none. */
static uint32_t listing_in_turn(const sim_session *session, uint64_t turn) {
    return turn == 0 ? session->cast.ipo : turn == 1 ? session->cast.listing : SIM_NO_SYMBOL;
}

static void ipo_announce(sim_session *session, uint64_t turn) {
    if (turn == 0)
        put_ipo_quoting(session, session->cast.ipo, 10 * 3600 + 30 * 60);
    else
        put_direct_listing(session, session->cast.listing);
}

/* Steps that go once per symbol, in the shuffled order of the symbols' names and locates. */
static bool per_symbol_step(sim_session *session, sim_kind kind, uint64_t turn) {
    if (turn >= session->options.symbols) return false;
    uint32_t index = (uint32_t)turn;
    switch (kind) {
    case SIM_DIRECTORY:
        put_directory(session, index);
        return true;
    case SIM_TRADING_ACTIONS:
        put_first_state(session, index);
        return true;
    case SIM_REG_SHO:
        put_reg_sho(session, index);
        return true;
    case SIM_RPII: {
        itch50_message *message = sim_put(session, ITCH50_RPII, index);
        memcpy(message->u.rpii.stock, session->symbols[index].stock, ITCH50_STOCK_BYTES);
        message->u.rpii.interest = "BSAN"[draw_below(&session->random, 4)];
        return true;
    }
    case SIM_MWCB_RESUME: {
        sim_symbol *symbol = &session->symbols[index];
        bool stays = symbol->hard_halted || symbol->state != 'H';
        put_state(session, index, stays ? symbol->state : 'T', stays ? "    " : "R4  ");
        return true;
    }
    default:
        return false;
    }
}

/* The opening or closing crosses, one symbol a step, the busy ones first; those without orders have none. */
static bool cross_step(sim_session *session, char type) {
    while (session->cursor < session->options.symbols) {
        uint32_t index = (uint32_t)session->cursor++;
        if (session->symbols[index].state != 'T') continue;
        if (sim_cross(session, index, type, sim_room(session))) return true;
    }
    return false;
}

static bool mwcb_breach_step(sim_session *session, uint64_t turn) {
    if (turn == 0) {
        sim_put(session, ITCH50_MWCB_STATUS, SIM_NO_SYMBOL)->u.mwcb_status.level = '1';
        return true;
    }
    if (turn > session->options.symbols) return false;
    put_state(session, (uint32_t)turn - 1, 'H', session->symbols[turn - 1].hard_halted ? "D   " : "MWC1");
    return true;
}

static bool listing_step(sim_session *session, sim_kind kind, uint64_t turn) {
    uint32_t index = listing_in_turn(session, turn);
    if (index == SIM_NO_SYMBOL) return false;
    switch (kind) {
    case SIM_IPO_ANNOUNCE:
        ipo_announce(session, turn);
        break;
    case SIM_IPO_QUOTE:
        put_state(session, index, 'Q', "IPOQ");
        session->burst_symbol = index;
        break;
    default:
        resume(session, index, "IPOE");
        break;
    }
    return true;
}

/* Events of one step. */
static bool event_step(sim_session *session, sim_kind kind) {
    const sim_cast *cast = &session->cast;
    switch (kind) {
    case SIM_MWCB_LEVELS:
        put_mwcb_levels(session);
        return true;
    case SIM_SHO_CHANGE:
        session->symbols[cast->sho].sho = '1';
        put_reg_sho(session, cast->sho);
        return true;
    case SIM_HALT:
        put_state(session, cast->halted, 'H', "T1  ");
        return true;
    case SIM_HALT_QUOTE:
        put_state(session, cast->halted, 'Q', "T3  ");
        fall(session, cast->halted, 3);
        for (int i = 0; i < 3; i++)
            sim_put_imbalance(session, cast->halted, 'H');
        return true;
    case SIM_HALT_RESUME:
        resume(session, cast->halted, "R4  ");
        return true;
    case SIM_LULD_PAUSE:
        put_state(session, cast->paused, 'P', "LUDP");
        put_collar(session, cast->paused, 0);
        fall(session, cast->paused, 6);
        return true;
    case SIM_LULD_EXTEND:
        put_collar(session, cast->paused, 1);
        sim_put_imbalance(session, cast->paused, 'H');
        return true;
    case SIM_LULD_RESUME:
        resume(session, cast->paused, "R4  ");
        return true;
    case SIM_OPERATIONAL_HALT:
        put_operational(session, cast->operational, 'H');
        return true;
    case SIM_OPERATIONAL_RESUME:
        put_operational(session, cast->operational, 'T');
        return true;
    default:
        return false;
    }
}

bool sim_script_step(sim_session *session, const sim_segment *segment) {
    uint64_t turn = session->cursor;
    switch (segment->kind) {
    case SIM_FLOW:
    case SIM_FLOW_QUIET:
    case SIM_FLOW_IMBALANCE:
    case SIM_SWEEP:
        return false;
    case SIM_SYSTEM:
        put_system(session, segment->code);
        return true;
    case SIM_PARTICIPANTS:
        put_participant(session, session->cursor++);
        return true;
    case SIM_CROSS_OPEN:
        return cross_step(session, 'O');
    case SIM_CROSS_CLOSE:
        return cross_step(session, 'C');
    case SIM_MWCB_BREACH:
        return mwcb_breach_step(session, session->cursor++);
    case SIM_IPO_ANNOUNCE:
    case SIM_IPO_QUOTE:
    case SIM_IPO_RELEASE:
        return listing_step(session, segment->kind, session->cursor++);
    case SIM_DIRECTORY:
    case SIM_TRADING_ACTIONS:
    case SIM_REG_SHO:
    case SIM_RPII:
    case SIM_MWCB_RESUME:
        return per_symbol_step(session, segment->kind, session->cursor++);
    default:
        session->cursor++;
        return turn == 0 && event_step(session, segment->kind);
    }
}
