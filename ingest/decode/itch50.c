/*
 * TotalView-ITCH 5.0 codec. Offsets are those of the specification's tables, section 1; each decode_ function
 * stands beside the encode_ function that mirrors it, so that a table of the specification is read once.
 * Lengths are checked once, by type, before any field is touched.
 */
#include "ingest/decode/itch50.h"

#include "base/assert.h"
#include "base/bytes.h"

/* The specification's length by type; 0 where it has no such type. */
static const uint8_t message_lengths[256] = {
    ['S'] = 12, ['R'] = 39, ['H'] = 25, ['Y'] = 20, ['L'] = 26, ['V'] = 35, ['W'] = 12, ['K'] = 28,
    ['J'] = 35, ['h'] = 21, ['A'] = 36, ['F'] = 40, ['E'] = 31, ['C'] = 36, ['X'] = 23, ['D'] = 19,
    ['U'] = 35, ['P'] = 44, ['Q'] = 40, ['B'] = 19, ['I'] = 50, ['N'] = 20, ['O'] = 48,
};

size_t itch50_length(char type) {
    return message_lengths[(uint8_t)type];
}

/* Eight characters at once: adds carry too much of the load for a loop over bytes. `differs` has a non-zero byte
 * where the text has something else than a blank; the last of those ends the text. */
static inline void load_text8(char target[9], const uint8_t *bytes) {
    uint64_t text = tw_load_le64(bytes);
    uint64_t differs = text ^ UINT64_C(0x2020202020202020);
    uint64_t kept = differs == 0 ? 0 : UINT64_MAX >> (__builtin_clzll(differs) & ~7);
    tw_store_le64((uint8_t *)target, text & kept);
    target[8] = '\0';
}

static inline void load_text(char *target, const uint8_t *bytes, size_t width) {
    size_t end = width;
    while (end > 0 && bytes[end - 1] == ' ')
        end--;
    for (size_t i = 0; i <= width; i++)
        target[i] = i < end ? (char)bytes[i] : '\0';
}

static inline void store_text(uint8_t *bytes, const char *text, size_t width) {
    size_t i = 0;
    for (; i < width && text[i] != '\0'; i++)
        bytes[i] = (uint8_t)text[i];
    for (; i < width; i++)
        bytes[i] = ' ';
}

/* Both compared at once: which side it is can't be predicted, that it is one can. */
static inline itch50_result check_side(char side) {
    return ((side == 'B') | (side == 'S')) ? ITCH50_OK : ITCH50_BAD_FIELD;
}

/* ---- 1.2 stock related messages ---- */

static void decode_directory(const uint8_t *b, itch50_message *m) {
    load_text8(m->u.directory.stock, b + 11);
    m->u.directory.market_category = (char)b[19];
    m->u.directory.financial_status = (char)b[20];
    m->u.directory.round_lot = tw_load_be32(b + 21);
    m->u.directory.round_lots_only = (char)b[25];
    m->u.directory.classification = (char)b[26];
    load_text(m->u.directory.sub_type, b + 27, 2);
    m->u.directory.authenticity = (char)b[29];
    m->u.directory.short_sale_threshold = (char)b[30];
    m->u.directory.ipo_flag = (char)b[31];
    m->u.directory.luld_tier = (char)b[32];
    m->u.directory.etp_flag = (char)b[33];
    m->u.directory.etp_leverage = tw_load_be32(b + 34);
    m->u.directory.inverse = (char)b[38];
}

static void encode_directory(const itch50_message *m, uint8_t *b) {
    store_text(b + 11, m->u.directory.stock, 8);
    b[19] = (uint8_t)m->u.directory.market_category;
    b[20] = (uint8_t)m->u.directory.financial_status;
    tw_store_be32(b + 21, m->u.directory.round_lot);
    b[25] = (uint8_t)m->u.directory.round_lots_only;
    b[26] = (uint8_t)m->u.directory.classification;
    store_text(b + 27, m->u.directory.sub_type, 2);
    b[29] = (uint8_t)m->u.directory.authenticity;
    b[30] = (uint8_t)m->u.directory.short_sale_threshold;
    b[31] = (uint8_t)m->u.directory.ipo_flag;
    b[32] = (uint8_t)m->u.directory.luld_tier;
    b[33] = (uint8_t)m->u.directory.etp_flag;
    tw_store_be32(b + 34, m->u.directory.etp_leverage);
    b[38] = (uint8_t)m->u.directory.inverse;
}

static void decode_trading_action(const uint8_t *b, itch50_message *m) {
    load_text8(m->u.trading_action.stock, b + 11);
    m->u.trading_action.state = (char)b[19];
    m->u.trading_action.reserved = (char)b[20];
    load_text(m->u.trading_action.reason, b + 21, 4);
}

static void encode_trading_action(const itch50_message *m, uint8_t *b) {
    store_text(b + 11, m->u.trading_action.stock, 8);
    b[19] = (uint8_t)m->u.trading_action.state;
    b[20] = (uint8_t)m->u.trading_action.reserved;
    store_text(b + 21, m->u.trading_action.reason, 4);
}

static void decode_participant(const uint8_t *b, itch50_message *m) {
    load_text(m->u.participant.mpid, b + 11, 4);
    load_text8(m->u.participant.stock, b + 15);
    m->u.participant.primary = (char)b[23];
    m->u.participant.mode = (char)b[24];
    m->u.participant.state = (char)b[25];
}

static void encode_participant(const itch50_message *m, uint8_t *b) {
    store_text(b + 11, m->u.participant.mpid, 4);
    store_text(b + 15, m->u.participant.stock, 8);
    b[23] = (uint8_t)m->u.participant.primary;
    b[24] = (uint8_t)m->u.participant.mode;
    b[25] = (uint8_t)m->u.participant.state;
}

static void decode_mwcb_levels(const uint8_t *b, itch50_message *m) {
    m->u.mwcb_levels.level1 = tw_load_be64(b + 11);
    m->u.mwcb_levels.level2 = tw_load_be64(b + 19);
    m->u.mwcb_levels.level3 = tw_load_be64(b + 27);
}

static void encode_mwcb_levels(const itch50_message *m, uint8_t *b) {
    tw_store_be64(b + 11, m->u.mwcb_levels.level1);
    tw_store_be64(b + 19, m->u.mwcb_levels.level2);
    tw_store_be64(b + 27, m->u.mwcb_levels.level3);
}

static void decode_ipo_quoting(const uint8_t *b, itch50_message *m) {
    load_text8(m->u.ipo_quoting.stock, b + 11);
    m->u.ipo_quoting.release_seconds = tw_load_be32(b + 19);
    m->u.ipo_quoting.qualifier = (char)b[23];
    m->u.ipo_quoting.price = tw_load_be32(b + 24);
}

static void encode_ipo_quoting(const itch50_message *m, uint8_t *b) {
    store_text(b + 11, m->u.ipo_quoting.stock, 8);
    tw_store_be32(b + 19, m->u.ipo_quoting.release_seconds);
    b[23] = (uint8_t)m->u.ipo_quoting.qualifier;
    tw_store_be32(b + 24, m->u.ipo_quoting.price);
}

static void decode_luld_collar(const uint8_t *b, itch50_message *m) {
    load_text8(m->u.luld_collar.stock, b + 11);
    m->u.luld_collar.reference = tw_load_be32(b + 19);
    m->u.luld_collar.upper = tw_load_be32(b + 23);
    m->u.luld_collar.lower = tw_load_be32(b + 27);
    m->u.luld_collar.extension = tw_load_be32(b + 31);
}

static void encode_luld_collar(const itch50_message *m, uint8_t *b) {
    store_text(b + 11, m->u.luld_collar.stock, 8);
    tw_store_be32(b + 19, m->u.luld_collar.reference);
    tw_store_be32(b + 23, m->u.luld_collar.upper);
    tw_store_be32(b + 27, m->u.luld_collar.lower);
    tw_store_be32(b + 31, m->u.luld_collar.extension);
}

static void decode_operational_halt(const uint8_t *b, itch50_message *m) {
    load_text8(m->u.operational_halt.stock, b + 11);
    m->u.operational_halt.market = (char)b[19];
    m->u.operational_halt.action = (char)b[20];
}

static void encode_operational_halt(const itch50_message *m, uint8_t *b) {
    store_text(b + 11, m->u.operational_halt.stock, 8);
    b[19] = (uint8_t)m->u.operational_halt.market;
    b[20] = (uint8_t)m->u.operational_halt.action;
}

/* ---- 1.3 add order, 1.4 modify order ---- */

static inline itch50_result decode_add(const uint8_t *b, itch50_message *m) {
    m->u.add.order_id = tw_load_be64(b + 11);
    m->u.add.side = (char)b[19];
    m->u.add.shares = tw_load_be32(b + 20);
    load_text8(m->u.add.stock, b + 24);
    m->u.add.price = tw_load_be32(b + 32);
    m->u.add.mpid[0] = '\0';
    if (m->u.add.shares == 0) return ITCH50_BAD_FIELD;
    return check_side(m->u.add.side);
}

static inline itch50_result decode_add_mpid(const uint8_t *b, itch50_message *m) {
    itch50_result result = decode_add(b, m);
    load_text(m->u.add.mpid, b + 36, 4);
    return result;
}

static void encode_add(const itch50_message *m, uint8_t *b) {
    tw_store_be64(b + 11, m->u.add.order_id);
    b[19] = (uint8_t)m->u.add.side;
    tw_store_be32(b + 20, m->u.add.shares);
    store_text(b + 24, m->u.add.stock, 8);
    tw_store_be32(b + 32, m->u.add.price);
    if (m->type == ITCH50_ADD_ORDER_MPID) store_text(b + 36, m->u.add.mpid, 4);
}

static inline void decode_executed(const uint8_t *b, itch50_message *m) {
    m->u.executed.order_id = tw_load_be64(b + 11);
    m->u.executed.shares = tw_load_be32(b + 19);
    m->u.executed.match_id = tw_load_be64(b + 23);
    m->u.executed.printable = 'Y';
    m->u.executed.price = 0;
}

static inline void decode_executed_price(const uint8_t *b, itch50_message *m) {
    decode_executed(b, m);
    m->u.executed.printable = (char)b[31];
    m->u.executed.price = tw_load_be32(b + 32);
}

static void encode_executed(const itch50_message *m, uint8_t *b) {
    tw_store_be64(b + 11, m->u.executed.order_id);
    tw_store_be32(b + 19, m->u.executed.shares);
    tw_store_be64(b + 23, m->u.executed.match_id);
    if (m->type == ITCH50_ORDER_EXECUTED) return;
    b[31] = (uint8_t)m->u.executed.printable;
    tw_store_be32(b + 32, m->u.executed.price);
}

static inline void decode_cancel(const uint8_t *b, itch50_message *m) {
    m->u.cancel.order_id = tw_load_be64(b + 11);
    m->u.cancel.shares = tw_load_be32(b + 19);
}

static void encode_cancel(const itch50_message *m, uint8_t *b) {
    tw_store_be64(b + 11, m->u.cancel.order_id);
    tw_store_be32(b + 19, m->u.cancel.shares);
}

static inline itch50_result decode_replace(const uint8_t *b, itch50_message *m) {
    m->u.replace.old_order_id = tw_load_be64(b + 11);
    m->u.replace.new_order_id = tw_load_be64(b + 19);
    m->u.replace.shares = tw_load_be32(b + 27);
    m->u.replace.price = tw_load_be32(b + 31);
    return m->u.replace.shares == 0 ? ITCH50_BAD_FIELD : ITCH50_OK;
}

static void encode_replace(const itch50_message *m, uint8_t *b) {
    tw_store_be64(b + 11, m->u.replace.old_order_id);
    tw_store_be64(b + 19, m->u.replace.new_order_id);
    tw_store_be32(b + 27, m->u.replace.shares);
    tw_store_be32(b + 31, m->u.replace.price);
}

/* ---- 1.5 trades, 1.6 imbalance, 1.7 retail interest, 1.8 direct listing ---- */

static itch50_result decode_trade(const uint8_t *b, itch50_message *m) {
    m->u.trade.order_id = tw_load_be64(b + 11);
    m->u.trade.side = (char)b[19];
    m->u.trade.shares = tw_load_be32(b + 20);
    load_text8(m->u.trade.stock, b + 24);
    m->u.trade.price = tw_load_be32(b + 32);
    m->u.trade.match_id = tw_load_be64(b + 36);
    return check_side(m->u.trade.side);
}

static void encode_trade(const itch50_message *m, uint8_t *b) {
    tw_store_be64(b + 11, m->u.trade.order_id);
    b[19] = (uint8_t)m->u.trade.side;
    tw_store_be32(b + 20, m->u.trade.shares);
    store_text(b + 24, m->u.trade.stock, 8);
    tw_store_be32(b + 32, m->u.trade.price);
    tw_store_be64(b + 36, m->u.trade.match_id);
}

static void decode_cross(const uint8_t *b, itch50_message *m) {
    m->u.cross.shares = tw_load_be64(b + 11);
    load_text8(m->u.cross.stock, b + 19);
    m->u.cross.price = tw_load_be32(b + 27);
    m->u.cross.match_id = tw_load_be64(b + 31);
    m->u.cross.cross = (char)b[39];
}

static void encode_cross(const itch50_message *m, uint8_t *b) {
    tw_store_be64(b + 11, m->u.cross.shares);
    store_text(b + 19, m->u.cross.stock, 8);
    tw_store_be32(b + 27, m->u.cross.price);
    tw_store_be64(b + 31, m->u.cross.match_id);
    b[39] = (uint8_t)m->u.cross.cross;
}

static void decode_noii(const uint8_t *b, itch50_message *m) {
    m->u.noii.paired = tw_load_be64(b + 11);
    m->u.noii.imbalance = tw_load_be64(b + 19);
    m->u.noii.direction = (char)b[27];
    load_text8(m->u.noii.stock, b + 28);
    m->u.noii.far = tw_load_be32(b + 36);
    m->u.noii.near = tw_load_be32(b + 40);
    m->u.noii.reference = tw_load_be32(b + 44);
    m->u.noii.cross = (char)b[48];
    m->u.noii.variation = (char)b[49];
}

static void encode_noii(const itch50_message *m, uint8_t *b) {
    tw_store_be64(b + 11, m->u.noii.paired);
    tw_store_be64(b + 19, m->u.noii.imbalance);
    b[27] = (uint8_t)m->u.noii.direction;
    store_text(b + 28, m->u.noii.stock, 8);
    tw_store_be32(b + 36, m->u.noii.far);
    tw_store_be32(b + 40, m->u.noii.near);
    tw_store_be32(b + 44, m->u.noii.reference);
    b[48] = (uint8_t)m->u.noii.cross;
    b[49] = (uint8_t)m->u.noii.variation;
}

static void decode_direct_listing(const uint8_t *b, itch50_message *m) {
    load_text8(m->u.direct_listing.stock, b + 11);
    m->u.direct_listing.open_eligibility = (char)b[19];
    m->u.direct_listing.minimum = tw_load_be32(b + 20);
    m->u.direct_listing.maximum = tw_load_be32(b + 24);
    m->u.direct_listing.near = tw_load_be32(b + 28);
    m->u.direct_listing.near_time_ns = tw_load_be64(b + 32);
    m->u.direct_listing.lower_collar = tw_load_be32(b + 40);
    m->u.direct_listing.upper_collar = tw_load_be32(b + 44);
}

static void encode_direct_listing(const itch50_message *m, uint8_t *b) {
    store_text(b + 11, m->u.direct_listing.stock, 8);
    b[19] = (uint8_t)m->u.direct_listing.open_eligibility;
    tw_store_be32(b + 20, m->u.direct_listing.minimum);
    tw_store_be32(b + 24, m->u.direct_listing.maximum);
    tw_store_be32(b + 28, m->u.direct_listing.near);
    tw_store_be64(b + 32, m->u.direct_listing.near_time_ns);
    tw_store_be32(b + 40, m->u.direct_listing.lower_collar);
    tw_store_be32(b + 44, m->u.direct_listing.upper_collar);
}

/* ---- by type ---- */

/* Everything but the order and trade messages: rare, so they stay out of the hot switch. */
static void decode_rare(const uint8_t *b, itch50_message *m) {
    switch (m->type) {
    case ITCH50_SYSTEM_EVENT:
        m->u.system_event.code = (char)b[11];
        break;
    case ITCH50_STOCK_DIRECTORY:
        decode_directory(b, m);
        break;
    case ITCH50_TRADING_ACTION:
        decode_trading_action(b, m);
        break;
    case ITCH50_REG_SHO:
        load_text8(m->u.reg_sho.stock, b + 11);
        m->u.reg_sho.action = (char)b[19];
        break;
    case ITCH50_PARTICIPANT_POSITION:
        decode_participant(b, m);
        break;
    case ITCH50_MWCB_LEVELS:
        decode_mwcb_levels(b, m);
        break;
    case ITCH50_MWCB_STATUS:
        m->u.mwcb_status.level = (char)b[11];
        break;
    case ITCH50_IPO_QUOTING:
        decode_ipo_quoting(b, m);
        break;
    case ITCH50_LULD_COLLAR:
        decode_luld_collar(b, m);
        break;
    case ITCH50_OPERATIONAL_HALT:
        decode_operational_halt(b, m);
        break;
    case ITCH50_CROSS_TRADE:
        decode_cross(b, m);
        break;
    case ITCH50_BROKEN_TRADE:
        m->u.broken.match_id = tw_load_be64(b + 11);
        break;
    case ITCH50_NOII:
        decode_noii(b, m);
        break;
    case ITCH50_RPII:
        load_text8(m->u.rpii.stock, b + 11);
        m->u.rpii.interest = (char)b[19];
        break;
    case ITCH50_DIRECT_LISTING:
        decode_direct_listing(b, m);
        break;
    default:
        TW_ASSERT(itch50_length(m->type) == 0); /* a type with a length has a decoder */
    }
}

itch50_result itch50_decode(const uint8_t *bytes, size_t length, itch50_message *message) {
    message->type = '\0';
    if (length == 0) return ITCH50_WRONG_LENGTH;
    message->type = (char)bytes[0];
    size_t expected = message_lengths[bytes[0]];
    if (expected == 0) return ITCH50_UNKNOWN_TYPE;
    if (expected != length) return ITCH50_WRONG_LENGTH;

    message->locate = tw_load_be16(bytes + 1);
    message->tracking = tw_load_be16(bytes + 3);
    message->timestamp_ns = tw_load_be48(bytes + 5);
    switch (message->type) {
    case ITCH50_ADD_ORDER:
        return decode_add(bytes, message);
    case ITCH50_ADD_ORDER_MPID:
        return decode_add_mpid(bytes, message);
    case ITCH50_ORDER_EXECUTED:
        decode_executed(bytes, message);
        return ITCH50_OK;
    case ITCH50_ORDER_EXECUTED_PRICE:
        decode_executed_price(bytes, message);
        return ITCH50_OK;
    case ITCH50_ORDER_CANCEL:
        decode_cancel(bytes, message);
        return ITCH50_OK;
    case ITCH50_ORDER_DELETE:
        message->u.deleted.order_id = tw_load_be64(bytes + 11);
        return ITCH50_OK;
    case ITCH50_ORDER_REPLACE:
        return decode_replace(bytes, message);
    case ITCH50_TRADE:
        return decode_trade(bytes, message);
    default:
        decode_rare(bytes, message);
        return ITCH50_OK;
    }
}

/* What is said of instruments and of the market as a whole: rare. */
static void encode_rare(const itch50_message *m, uint8_t *b) {
    switch ((itch50_type)m->type) {
    case ITCH50_SYSTEM_EVENT:
        b[11] = (uint8_t)m->u.system_event.code;
        break;
    case ITCH50_STOCK_DIRECTORY:
        encode_directory(m, b);
        break;
    case ITCH50_TRADING_ACTION:
        encode_trading_action(m, b);
        break;
    case ITCH50_REG_SHO:
        store_text(b + 11, m->u.reg_sho.stock, 8);
        b[19] = (uint8_t)m->u.reg_sho.action;
        break;
    case ITCH50_PARTICIPANT_POSITION:
        encode_participant(m, b);
        break;
    case ITCH50_MWCB_LEVELS:
        encode_mwcb_levels(m, b);
        break;
    case ITCH50_MWCB_STATUS:
        b[11] = (uint8_t)m->u.mwcb_status.level;
        break;
    case ITCH50_IPO_QUOTING:
        encode_ipo_quoting(m, b);
        break;
    case ITCH50_LULD_COLLAR:
        encode_luld_collar(m, b);
        break;
    case ITCH50_OPERATIONAL_HALT:
        encode_operational_halt(m, b);
        break;
    case ITCH50_NOII:
        encode_noii(m, b);
        break;
    case ITCH50_RPII:
        store_text(b + 11, m->u.rpii.stock, 8);
        b[19] = (uint8_t)m->u.rpii.interest;
        break;
    case ITCH50_DIRECT_LISTING:
        encode_direct_listing(m, b);
        break;
    default:
        break;
    }
}

static void encode_body(const itch50_message *m, uint8_t *b) {
    switch ((itch50_type)m->type) {
    case ITCH50_ADD_ORDER:
    case ITCH50_ADD_ORDER_MPID:
        encode_add(m, b);
        break;
    case ITCH50_ORDER_EXECUTED:
    case ITCH50_ORDER_EXECUTED_PRICE:
        encode_executed(m, b);
        break;
    case ITCH50_ORDER_CANCEL:
        encode_cancel(m, b);
        break;
    case ITCH50_ORDER_DELETE:
        tw_store_be64(b + 11, m->u.deleted.order_id);
        break;
    case ITCH50_ORDER_REPLACE:
        encode_replace(m, b);
        break;
    case ITCH50_TRADE:
        encode_trade(m, b);
        break;
    case ITCH50_CROSS_TRADE:
        encode_cross(m, b);
        break;
    case ITCH50_BROKEN_TRADE:
        tw_store_be64(b + 11, m->u.broken.match_id);
        break;
    default:
        encode_rare(m, b);
        break;
    }
}

size_t itch50_encode(const itch50_message *message, uint8_t *bytes) {
    size_t length = itch50_length(message->type);
    if (length == 0) return 0;
    bytes[0] = (uint8_t)message->type;
    tw_store_be16(bytes + 1, message->locate);
    tw_store_be16(bytes + 3, message->tracking);
    tw_store_be48(bytes + 5, message->timestamp_ns);
    encode_body(message, bytes);
    return length;
}

const char *itch50_stock(const itch50_message *message) {
    switch (message->type) {
    case ITCH50_STOCK_DIRECTORY:
        return message->u.directory.stock;
    case ITCH50_TRADING_ACTION:
        return message->u.trading_action.stock;
    case ITCH50_REG_SHO:
        return message->u.reg_sho.stock;
    case ITCH50_PARTICIPANT_POSITION:
        return message->u.participant.stock;
    case ITCH50_IPO_QUOTING:
        return message->u.ipo_quoting.stock;
    case ITCH50_LULD_COLLAR:
        return message->u.luld_collar.stock;
    case ITCH50_OPERATIONAL_HALT:
        return message->u.operational_halt.stock;
    case ITCH50_ADD_ORDER:
    case ITCH50_ADD_ORDER_MPID:
        return message->u.add.stock;
    case ITCH50_TRADE:
        return message->u.trade.stock;
    case ITCH50_CROSS_TRADE:
        return message->u.cross.stock;
    case ITCH50_NOII:
        return message->u.noii.stock;
    case ITCH50_RPII:
        return message->u.rpii.stock;
    case ITCH50_DIRECT_LISTING:
        return message->u.direct_listing.stock;
    default:
        return NULL;
    }
}
