/* Books to a GLIMPSE snapshot. Bytes are itch50.c's and glimpse.c's job. */
#include "ingest/market/glimpse_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ingest/decode/glimpse.h"
#include "ingest/decode/itch50.h"

typedef struct writer {
    const glimpse_input *input;
    glimpse_emit emit;
    void *context;
    tw_error *error;
    tw_level *levels; /* scratch: grows to the deepest side and the longest level */
    uint32_t levels_capacity;
    ob_order *orders;
    uint32_t orders_capacity;
} writer;

static tw_code put(writer *w, itch50_message *message) {
    uint8_t bytes[ITCH50_MAX_MESSAGE_BYTES];
    message->timestamp_ns = w->input->timestamp_ns;
    size_t length = itch50_encode(message, bytes);
    if (!w->emit(w->context, bytes, length)) return tw_error_set(w->error, TW_FULL, "no room for the snapshot");
    return TW_OK;
}

/* The memory, larger if need be; NULL if there is none (then it is as it was). */
static void *grow(writer *w, void *memory, uint32_t *capacity, uint32_t needed, size_t size) {
    if (needed <= *capacity) return memory;
    void *larger = realloc(memory, (size_t)needed * size);
    if (larger == NULL) {
        tw_error_set(w->error, TW_NO_MEMORY, "no memory for a snapshot's scratch");
        return NULL;
    }
    *capacity = needed;
    return larger;
}

/* ---- what is said of an instrument ---- */

static bool is_sayable(const tw_instrument *entry) {
    return strlen(entry->symbol) < ITCH50_STOCK_BYTES && entry->locate > 0 && entry->locate < INSTRUMENT_LOCATES &&
           entry->price_exponent == ITCH50_PRICE_EXPONENT && entry->round_lot <= UINT32_MAX;
}

static tw_code put_directory(writer *w, const tw_instrument *entry) {
    itch50_message m = {.type = ITCH50_STOCK_DIRECTORY, .locate = (uint16_t)entry->locate};
    tw_text_copy(m.u.directory.stock, sizeof m.u.directory.stock, entry->symbol);
    m.u.directory.market_category = entry->market != 0 ? entry->market : ' '; /* "not available" */
    m.u.directory.financial_status = ' ';
    m.u.directory.round_lot = (uint32_t)entry->round_lot;
    m.u.directory.round_lots_only = 'N';
    m.u.directory.classification = ' ';
    tw_text_copy(m.u.directory.sub_type, sizeof m.u.directory.sub_type, "Z"); /* "not applicable" */
    m.u.directory.authenticity = entry->test ? 'T' : 'P';
    m.u.directory.short_sale_threshold = ' ';
    m.u.directory.ipo_flag = ' ';
    m.u.directory.luld_tier = ' ';
    m.u.directory.etp_flag = ' ';
    m.u.directory.inverse = 'N';
    return put(w, &m);
}

static char trading_code(tw_trading_state state) {
    switch (state) {
    case TW_TRADING_OPEN:
        return 'T';
    case TW_TRADING_QUOTATION_ONLY:
        return 'Q';
    case TW_TRADING_PAUSED:
        return 'P';
    case TW_TRADING_HALTED:
        return 'H';
    default:
        return 0;
    }
}

static char short_sale_code(tw_short_sale restriction) {
    switch (restriction) {
    case TW_SHORT_SALE_NONE:
        return '0';
    case TW_SHORT_SALE_INTRADAY:
        return '1';
    case TW_SHORT_SALE_CARRIED:
        return '2';
    default:
        return 0;
    }
}

static tw_code put_operational_halt(writer *w, const tw_instrument *entry) {
    itch50_message m = {.type = ITCH50_OPERATIONAL_HALT, .locate = (uint16_t)entry->locate};
    tw_text_copy(m.u.operational_halt.stock, sizeof m.u.operational_halt.stock, entry->symbol);
    m.u.operational_halt.market = 'Q';
    m.u.operational_halt.action = 'H';
    return put(w, &m);
}

static tw_code put_trading_action(writer *w, const tw_instrument *entry, const glimpse_status *status) {
    itch50_message action = {.type = ITCH50_TRADING_ACTION, .locate = (uint16_t)entry->locate};
    action.u.trading_action.state = trading_code(status->trading);
    action.u.trading_action.reserved = ' ';
    tw_text_copy(action.u.trading_action.stock, sizeof action.u.trading_action.stock, entry->symbol);
    tw_text_copy(action.u.trading_action.reason, sizeof action.u.trading_action.reason, status->reason);
    return action.u.trading_action.state != 0 ? put(w, &action) : TW_OK;
}

static tw_code put_status(writer *w, const tw_instrument *entry, const glimpse_status *status) {
    tw_code code = status->operational_halt ? put_operational_halt(w, entry) : put_trading_action(w, entry, status);
    if (code != TW_OK) return code;
    itch50_message reg_sho = {.type = ITCH50_REG_SHO, .locate = (uint16_t)entry->locate};
    reg_sho.u.reg_sho.action = short_sale_code(status->short_sale);
    tw_text_copy(reg_sho.u.reg_sho.stock, sizeof reg_sho.u.reg_sho.stock, entry->symbol);
    return reg_sho.u.reg_sho.action != 0 ? put(w, &reg_sho) : TW_OK;
}

/* An instrument that ITCH can't name matters only if something rests in its book. */
static tw_code put_instrument(writer *w, uint32_t instrument) {
    const tw_instrument *entry = &w->input->instruments->entries[instrument];
    if (!is_sayable(entry)) {
        if (ob_book_orders(w->input->books, instrument) == 0) return TW_OK;
        return tw_error_set(w->error, TW_UNSUPPORTED,
                            "instrument \"%s\" (locate %u, price exponent %d) can't be said in ITCH 5.0",
                            entry->symbol, entry->locate, entry->price_exponent);
    }
    tw_code code = put_directory(w, entry);
    if (code != TW_OK || w->input->statuses == NULL) return code;
    return put_status(w, entry, &w->input->statuses[instrument]);
}

/* ---- orders ---- */

static tw_code put_order(writer *w, const tw_instrument *entry, const ob_order *order) {
    if (order->price < 0 || order->price > UINT32_MAX || order->quantity > UINT32_MAX)
        return tw_error_set(w->error, TW_UNSUPPORTED, "order %llu of %s does not fit an ITCH 5.0 message",
                            (unsigned long long)order->order_id, entry->symbol);
    itch50_message m = {.type = ITCH50_ADD_ORDER, .locate = (uint16_t)entry->locate};
    m.u.add.order_id = order->order_id;
    m.u.add.side = order->side == TW_BID ? 'B' : 'S';
    m.u.add.shares = (uint32_t)order->quantity;
    m.u.add.price = (uint32_t)order->price;
    tw_text_copy(m.u.add.stock, sizeof m.u.add.stock, entry->symbol);
    return put(w, &m);
}

static tw_code put_level(writer *w, uint32_t instrument, tw_side side, const tw_level *level) {
    ob_order *orders = grow(w, w->orders, &w->orders_capacity, level->orders, sizeof *orders);
    if (orders == NULL) return TW_NO_MEMORY;
    w->orders = orders;
    tw_code code = TW_OK;
    uint32_t count =
        ob_level_orders(w->input->books, instrument, side, level->price, w->orders, w->orders_capacity);
    for (uint32_t i = 0; i < count && code == TW_OK; i++)
        code = put_order(w, &w->input->instruments->entries[instrument], &w->orders[i]);
    return code;
}

static tw_code put_side(writer *w, uint32_t instrument, tw_side side) {
    uint32_t count = ob_book_levels(w->input->books, instrument, side);
    if (count == 0) return TW_OK;
    tw_level *levels = grow(w, w->levels, &w->levels_capacity, count, sizeof *levels);
    if (levels == NULL) return TW_NO_MEMORY;
    w->levels = levels;
    tw_code code = TW_OK;
    count = ob_book_top(w->input->books, instrument, side, w->levels, count);
    for (uint32_t i = 0; i < count && code == TW_OK; i++)
        code = put_level(w, instrument, side, &w->levels[i]);
    return code;
}

/* ---- the whole ---- */

static tw_code put_system_event(writer *w) {
    if (w->input->system_event == 0) return TW_OK;
    itch50_message m = {.type = ITCH50_SYSTEM_EVENT};
    m.u.system_event.code = w->input->system_event;
    return put(w, &m);
}

static tw_code put_end(writer *w) {
    uint8_t bytes[GLIMPSE_END_BYTES];
    size_t length = glimpse_encode_end(w->input->join, bytes);
    if (!w->emit(w->context, bytes, length)) return tw_error_set(w->error, TW_FULL, "no room for the snapshot");
    return TW_OK;
}

static tw_code put_all(writer *w) {
    tw_code code = put_system_event(w);
    uint32_t count = w->input->instruments->count;
    for (uint32_t i = 0; i < count && code == TW_OK; i++)
        code = put_instrument(w, i);
    for (uint32_t i = 0; i < count && code == TW_OK; i++) {
        code = put_side(w, i, TW_BID);
        if (code == TW_OK) code = put_side(w, i, TW_ASK);
    }
    return code == TW_OK ? put_end(w) : code;
}

tw_code glimpse_write(const glimpse_input *input, glimpse_emit emit, void *context, tw_error *error) {
    if (input->join == 0) return tw_error_set(error, TW_INVALID, "a snapshot can't be joined at message 0");
    writer w = {.input = input, .emit = emit, .context = context, .error = error};
    tw_code code = put_all(&w);
    free(w.levels);
    free(w.orders);
    return code;
}
