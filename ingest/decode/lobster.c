/* Reads LOBSTER's rows and file names: text to plain values. What the values do to a book is lobster_window.c. */
#include "ingest/decode/lobster.h"

#include <string.h>

#include "base/text.h"

#define TIME_DECIMALS 9

/* ---- columns ---- */

/* The line that is left to read. `column` is the one read last. */
typedef struct reader {
    const char *at; /* NULL: behind the last column */
    const char *end;
    lobster_fault fault;
} reader;

static reader reader_of(const char *line, size_t length) {
    if (length > 0 && line[length - 1] == '\r') length--;
    return (reader){.at = length > 0 ? line : NULL, .end = line + length};
}

static bool fail(reader *r, const char *reason) {
    r->fault.reason = reason;
    return false;
}

static bool next_column(reader *r, const char **from, const char **to) {
    r->fault.column++;
    if (r->at == NULL) return fail(r, "is missing");
    const char *comma = memchr(r->at, ',', (size_t)(r->end - r->at));
    *from = r->at;
    *to = comma != NULL ? comma : r->end;
    r->at = comma != NULL ? comma + 1 : NULL;
    if (*from == *to) return fail(r, "is empty");
    return true;
}

/* Digits only, the whole of [from, to), at most INT64_MAX. */
static bool digits(reader *r, const char *from, const char *to, int64_t *value) {
    *value = 0;
    if (from == to) return fail(r, "has no digits");
    for (; from < to; from++) {
        if (*from < '0' || *from > '9') return fail(r, "is not a number");
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, *from - '0', value))
            return fail(r, "is too large");
    }
    return true;
}

static bool next_number(reader *r, int64_t *value) {
    const char *from, *to;
    if (!next_column(r, &from, &to)) return false;
    bool negative = *from == '-';
    if (!digits(r, from + negative, to, value)) return false;
    if (negative) *value = -*value;
    return true;
}

/* Seconds with any number of decimals, as nanoseconds. */
static bool next_time(reader *r, int64_t *time_ns) {
    const char *from, *to;
    int64_t seconds, fraction = 0;
    if (!next_column(r, &from, &to)) return false;
    const char *point = memchr(from, '.', (size_t)(to - from));
    if (!digits(r, from, point != NULL ? point : to, &seconds)) return false;
    if (seconds >= TW_NS_PER_DAY / TW_NS_PER_SECOND) return fail(r, "is not within a day");
    if (point != NULL) {
        int kept = 0;
        if (point + 1 == to) return fail(r, "has no digits behind the point");
        for (const char *at = point + 1; at < to; at++) {
            if (*at < '0' || *at > '9') return fail(r, "is not a number");
            if (kept < TIME_DECIMALS) fraction = fraction * 10 + (*at - '0'), kept++;
        }
        for (; kept < TIME_DECIMALS; kept++)
            fraction *= 10;
    }
    *time_ns = seconds * TW_NS_PER_SECOND + fraction;
    return true;
}

static bool at_end(reader *r) {
    if (r->at == NULL) return true;
    r->fault.column++;
    return fail(r, "is one too many");
}

/* ---- messages ---- */

static bool read_type(reader *r, lobster_message *out) {
    int64_t type;
    if (!next_number(r, &type)) return false;
    if (type < LOBSTER_ADD || type > LOBSTER_HALT) return fail(r, "is not a type from 1 to 7");
    out->type = (lobster_type)type;
    return true;
}

/* Only orders that rest in the book have to be known by a number. */
static bool read_order_id(reader *r, lobster_message *out) {
    int64_t id;
    if (!next_number(r, &id)) return false;
    if (out->type <= LOBSTER_EXECUTE && id <= 0) return fail(r, "is not an order's number");
    out->order_id = id > 0 ? (uint64_t)id : 0;
    return true;
}

static bool read_quantity(reader *r, lobster_message *out) {
    int64_t quantity;
    if (!next_number(r, &quantity)) return false;
    if (quantity < 0 || (quantity == 0 && out->type <= LOBSTER_HIDDEN)) return fail(r, "is not a size above 0");
    out->quantity = (uint64_t)quantity;
    return true;
}

static bool read_price(reader *r, lobster_message *out) {
    if (!next_number(r, &out->price)) return false;
    if (out->type == LOBSTER_HALT) {
        if (out->price < -1 || out->price > 1) return fail(r, "is not -1, 0 or 1, as a halt's has to be");
    } else if (out->price < 0 || (out->price == 0 && out->type != LOBSTER_CROSS)) {
        return fail(r, "is not a price above 0");
    } else if (out->price >= LOBSTER_NO_ASK) {
        return fail(r, "is too large for a price");
    }
    return true;
}

static bool read_side(reader *r, lobster_message *out) {
    int64_t direction;
    if (!next_number(r, &direction)) return false;
    if (direction != 1 && direction != -1) return fail(r, "is neither 1 (buy) nor -1 (sell)");
    out->side = direction == 1 ? TW_BID : TW_ASK;
    return true;
}

lobster_row lobster_parse_message(const char *line, size_t length, lobster_message *out, lobster_fault *fault) {
    reader r = reader_of(line, length);
    if (r.at == NULL) return LOBSTER_EMPTY;
    *out = (lobster_message){.type = LOBSTER_ADD};
    if (next_time(&r, &out->time_ns) && read_type(&r, out) && read_order_id(&r, out) && read_quantity(&r, out) &&
        read_price(&r, out) && read_side(&r, out) && at_end(&r))
        return LOBSTER_ROW;
    *fault = r.fault;
    return LOBSTER_MALFORMED;
}

/* ---- order book rows ---- */

static bool is_dummy(tw_side side, int64_t price, int64_t quantity) {
    return quantity == 0 && price == (side == TW_ASK ? LOBSTER_NO_ASK : LOBSTER_NO_BID);
}

static bool is_worse(tw_side side, int64_t price, int64_t than) {
    return side == TW_ASK ? price > than : price < than;
}

static bool read_level(reader *r, tw_side side, uint32_t index, lobster_book *out) {
    int64_t price, quantity;
    uint32_t count = out->counts[side];
    if (!next_number(r, &price) || !next_number(r, &quantity)) return false;
    if (is_dummy(side, price, quantity)) return true;
    if (quantity <= 0) return fail(r, "is not a size above 0");
    r->fault.column--; /* the rest is about the price */
    if (price <= LOBSTER_NO_BID || price >= LOBSTER_NO_ASK) return fail(r, "is too large for a price");
    if (count < index) return fail(r, "is a level behind an empty one");
    if (count > 0 && !is_worse(side, price, out->sides[side][count - 1].price))
        return fail(r, "is not worse than the level before");
    r->fault.column++;
    out->sides[side][out->counts[side]++] = (lobster_level){price, (uint64_t)quantity};
    return true;
}

lobster_row lobster_parse_book(const char *line, size_t length, uint32_t levels, lobster_book *out,
                               lobster_fault *fault) {
    reader r = reader_of(line, length);
    if (r.at == NULL) return LOBSTER_EMPTY;
    out->counts[TW_BID] = out->counts[TW_ASK] = 0;
    for (uint32_t i = 0; i < levels && i < LOBSTER_LEVELS_MAX; i++) {
        if (read_level(&r, TW_ASK, i, out) && read_level(&r, TW_BID, i, out)) continue;
        *fault = r.fault;
        return LOBSTER_MALFORMED;
    }
    if (at_end(&r)) return LOBSTER_ROW;
    *fault = r.fault;
    return LOBSTER_MALFORMED;
}

uint32_t lobster_count_levels(const char *line, size_t length) {
    size_t columns = length > 0;
    for (size_t i = 0; i < length; i++)
        columns += line[i] == ',';
    return columns % 4 == 0 && columns / 4 <= LOBSTER_LEVELS_MAX ? (uint32_t)(columns / 4) : 0;
}

/* ---- names ---- */

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

bool lobster_parse_name(const char *path, lobster_name *name) {
    const char *base = last_part(path);
    const char *symbol_end = strchr(base, '_');
    char date[TW_DATE_BYTES];
    if (symbol_end == NULL || symbol_end == base || strstr(symbol_end, "_message_") == NULL) return false;
    const char *date_end = strchr(symbol_end + 1, '_');
    size_t symbol_length = (size_t)(symbol_end - base);
    if (symbol_length >= sizeof name->symbol || date_end - symbol_end != TW_DATE_BYTES) return false;
    memcpy(date, symbol_end + 1, TW_DATE_BYTES - 1);
    date[TW_DATE_BYTES - 1] = '\0';
    memcpy(name->symbol, base, symbol_length);
    name->symbol[symbol_length] = '\0';
    return tw_date_parse(date, &name->date);
}

bool lobster_pair_path(const char *message_path, char *out, size_t capacity) {
    static const char part[] = "_message_";
    const char *found = NULL;
    for (const char *at = strstr(last_part(message_path), part); at != NULL; at = strstr(at + 1, part))
        found = at;
    if (found == NULL) return false;
    return tw_text_format(out, capacity, "%.*s_orderbook_%s", (int)(found - message_path), message_path,
                          found + sizeof part - 1);
}

/* ---- a message without a window ---- */

static tw_trading_state state_of(int64_t halt_price) {
    return halt_price < 0 ? TW_TRADING_HALTED : halt_price == 0 ? TW_TRADING_QUOTATION_ONLY : TW_TRADING_OPEN;
}

void lobster_operation_of(const lobster_message *message, lobster_operation *operation) {
    static const lobster_operation_kind kinds[] = {[LOBSTER_ADD] = LOBSTER_OP_ADD,
                                                   [LOBSTER_REDUCE] = LOBSTER_OP_REDUCE,
                                                   [LOBSTER_DELETE] = LOBSTER_OP_DELETE,
                                                   [LOBSTER_EXECUTE] = LOBSTER_OP_EXECUTE,
                                                   [LOBSTER_HIDDEN] = LOBSTER_OP_HIDDEN_TRADE,
                                                   [LOBSTER_CROSS] = LOBSTER_OP_CROSS,
                                                   [LOBSTER_HALT] = LOBSTER_OP_HALT};
    *operation = (lobster_operation){.kind = kinds[message->type],
                                     .order_id = message->order_id,
                                     .side = message->side,
                                     .price = message->price,
                                     .quantity = message->quantity};
    if (message->type == LOBSTER_HALT) operation->state = state_of(message->price);
}
