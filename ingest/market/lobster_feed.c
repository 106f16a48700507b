/* A LOBSTER day onto the market; see lobster_feed.h. Rows are lobster.c's job, the window's holes lobster_window.c's;
 * here the two files are kept in step and operations become market calls. */
#include "ingest/market/lobster_feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ingest/decode/lobster.h"
#include "ingest/source/line_reader.h"

#define MAX_ORDERS (1u << 18) /* inside the window at once; a busy day holds some hundreds */
#define PATH_BYTES 1024

typedef struct csv {
    line_reader *lines; /* NULL: there is no such file */
    char path[PATH_BYTES];
} csv;

struct lobster_feed {
    struct market *market;
    lobster_feed_options options;
    char symbol[TW_SYMBOL_BYTES];
    csv messages;
    csv books;
    uint32_t levels;
    line first_book; /* read ahead at the start, for its columns */
    bool first_book_held;
    lobster_window *window; /* NULL without an order book file */
    uint32_t instrument;
    int64_t midnight_ns;
    uint64_t inconsistent;
    bool waiting;             /* message and row are read and not applied */
    lobster_feed_row outcome; /* LOBSTER_FEED_ROW while there may be more */
    tw_error damage;
    tw_stamp last;
    lobster_message message;
    lobster_book row;
    lobster_operation operations[LOBSTER_OPERATIONS_MAX];
};

/* ---- opening ---- */

static tw_code open_csv(csv *file, const char *path, tw_error *error) {
    tw_text_copy(file->path, sizeof file->path, path);
    return line_reader_open(&file->lines, path, error);
}

/* The order book file may be packed otherwise than the message file. Not to have one is no error. */
static tw_code open_books(lobster_feed *feed, const char *message_path, tw_error *error) {
    static const char *const endings[] = {".gz", ".zst", ""};
    char pair[PATH_BYTES], candidate[PATH_BYTES];
    tw_error absent;
    if (!lobster_pair_path(message_path, pair, sizeof pair)) return TW_OK;
    tw_code code = open_csv(&feed->books, pair, &absent);
    size_t length = strlen(pair);
    for (size_t i = 0; i < 2; i++) {
        size_t ending = strlen(endings[i]);
        if (length > ending && strcmp(pair + length - ending, endings[i]) == 0) pair[length - ending] = '\0';
    }
    for (size_t i = 0; code == TW_NOT_FOUND && i < sizeof endings / sizeof *endings; i++) {
        if (!tw_text_format(candidate, sizeof candidate, "%s%s", pair, endings[i])) continue;
        code = open_csv(&feed->books, candidate, &absent);
    }
    if (code == TW_OK || code == TW_NOT_FOUND) return TW_OK;
    if (error != NULL) *error = absent;
    return code;
}

/* The first row tells how many levels the window has. */
static tw_code open_window(lobster_feed *feed, tw_error *error) {
    if (feed->books.lines == NULL) return TW_OK;
    tw_code code = line_reader_next(feed->books.lines, &feed->first_book, &feed->first_book_held, error);
    if (code != TW_OK) return code;
    feed->levels = 1; /* an empty file */
    if (feed->first_book_held) feed->levels = lobster_count_levels(feed->first_book.text, feed->first_book.length);
    if (feed->levels == 0)
        return tw_error_set(error, TW_MALFORMED, "%s: line 1 has not four columns for each of 1 to %u levels",
                            feed->books.path, (unsigned)LOBSTER_LEVELS_MAX);
    return lobster_window_alloc(&feed->window, feed->levels, MAX_ORDERS, error);
}

static tw_code name_symbol(lobster_feed *feed, const char *message_path, tw_error *error) {
    lobster_name name;
    const char *symbol = feed->options.symbol;
    if (symbol == NULL && lobster_parse_name(message_path, &name)) symbol = name.symbol;
    if (symbol == NULL)
        return tw_error_set(
            error, TW_INVALID,
            "%s does not name its symbol: expected SYMBOL_YYYY-MM-DD_..._message_LEVELS.csv, or a symbol",
            message_path);
    if (tw_text_copy(feed->symbol, sizeof feed->symbol, symbol) && symbol[0] != '\0') return TW_OK;
    return tw_error_set(error, TW_INVALID, "\"%s\" is not a symbol", symbol);
}

tw_code lobster_feed_alloc(lobster_feed **feed, struct market *into, const char *message_path,
                           const lobster_feed_options *options, tw_error *error) {
    *feed = NULL;
    lobster_feed *made = calloc(1, sizeof *made);
    if (made == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a LOBSTER feed");
    made->market = into;
    made->options = *options;
    made->instrument = INSTRUMENT_NONE;
    made->last = (tw_stamp){.event_ns = TW_TIME_ABSENT, .receive_ns = TW_TIME_ABSENT};
    tw_code code = name_symbol(made, message_path, error);
    if (code == TW_OK) code = open_csv(&made->messages, message_path, error);
    if (code == TW_OK) code = open_books(made, message_path, error);
    if (code == TW_OK) code = open_window(made, error);
    if (code != TW_OK) {
        lobster_feed_free(made);
        return code;
    }
    *feed = made;
    return TW_OK;
}

void lobster_feed_free(lobster_feed *feed) {
    if (feed == NULL) return;
    lobster_window_free(feed->window);
    line_reader_close(feed->messages.lines);
    line_reader_close(feed->books.lines);
    free(feed);
}

void lobster_feed_start_day(lobster_feed *feed, int64_t midnight_ns) {
    feed->midnight_ns = midnight_ns;
    feed->instrument = INSTRUMENT_NONE; /* the market has forgotten it */
    if (feed->window == NULL) market_set_incomplete(feed->market);
}

/* ---- reading ---- */

static lobster_feed_row damaged(lobster_feed *feed, const csv *file) {
    tw_error_wrap(&feed->damage, "%s", file->path);
    return LOBSTER_FEED_DAMAGED;
}

static lobster_feed_row bad_row(lobster_feed *feed, const csv *file, const line *at, const lobster_fault *fault) {
    tw_error_set(&feed->damage, TW_MALFORMED, "line %llu: column %u %s", (unsigned long long)at->number,
                 fault->column, fault->reason);
    return damaged(feed, file);
}

static lobster_feed_row next_line(lobster_feed *feed, const csv *file, line *out) {
    bool more;
    if (file == &feed->books && feed->first_book_held) {
        feed->first_book_held = false;
        *out = feed->first_book;
        return LOBSTER_FEED_ROW;
    }
    if (line_reader_next(file->lines, out, &more, &feed->damage) != TW_OK) return LOBSTER_FEED_DAMAGED;
    return more ? LOBSTER_FEED_ROW : LOBSTER_FEED_END;
}

/* The next line that says something. Empty ones are the end if nothing else follows them, otherwise damage. */
static lobster_feed_row read_line(lobster_feed *feed, const csv *file, line *out) {
    uint64_t empty = 0;
    for (;;) {
        lobster_feed_row outcome = next_line(feed, file, out);
        if (outcome != LOBSTER_FEED_ROW) return outcome;
        bool says = out->length > 1 || (out->length == 1 && out->text[0] != '\r');
        if (says && empty == 0) return outcome;
        if (says) break;
        if (empty == 0) empty = out->number;
    }
    tw_error_set(&feed->damage, TW_MALFORMED, "line %llu is empty", (unsigned long long)empty);
    return damaged(feed, file);
}

/* The order book row of the message at hand, or that there is none left when the messages have ended. */
static lobster_feed_row read_book(lobster_feed *feed, bool wanted, uint64_t message_line) {
    line at;
    lobster_fault fault = {0};
    lobster_feed_row outcome = read_line(feed, &feed->books, &at);
    if (outcome == LOBSTER_FEED_DAMAGED || (outcome == LOBSTER_FEED_END && !wanted)) return outcome;
    if (outcome == LOBSTER_FEED_END) {
        tw_error_set(&feed->damage, TW_TRUNCATED, "no row for line %llu of the message file",
                     (unsigned long long)message_line);
        return damaged(feed, &feed->books);
    }
    if (!wanted) {
        tw_error_set(&feed->damage, TW_MALFORMED, "line %llu: the message file has no such line",
                     (unsigned long long)at.number);
        return damaged(feed, &feed->books);
    }
    if (lobster_parse_book(at.text, at.length, feed->levels, &feed->row, &fault) == LOBSTER_ROW)
        return LOBSTER_FEED_ROW;
    return bad_row(feed, &feed->books, &at, &fault);
}

static lobster_feed_row read_pair(lobster_feed *feed) {
    line at;
    lobster_fault fault = {0};
    lobster_feed_row outcome = read_line(feed, &feed->messages, &at);
    if (outcome == LOBSTER_FEED_DAMAGED) return outcome;
    bool wanted = outcome == LOBSTER_FEED_ROW;
    if (wanted && lobster_parse_message(at.text, at.length, &feed->message, &fault) != LOBSTER_ROW)
        return bad_row(feed, &feed->messages, &at, &fault);
    if (feed->books.lines == NULL) return outcome;
    return read_book(feed, wanted, wanted ? at.number : 0);
}

lobster_feed_row lobster_feed_peek(lobster_feed *feed, int64_t *event_ns, tw_error *error) {
    if (!feed->waiting && feed->outcome == LOBSTER_FEED_ROW) {
        feed->outcome = read_pair(feed);
        feed->waiting = feed->outcome == LOBSTER_FEED_ROW;
    }
    if (feed->outcome == LOBSTER_FEED_ROW) *event_ns = feed->midnight_ns + feed->message.time_ns;
    if (feed->outcome == LOBSTER_FEED_DAMAGED && error != NULL) *error = feed->damage;
    return feed->outcome;
}

/* ---- applying ---- */

/* The side of a hidden order is told here, so who started the trade is known. */
static void print(lobster_feed *feed, const lobster_operation *o) {
    bool hidden = o->kind == LOBSTER_OP_HIDDEN_TRADE;
    tw_print printed = {.seq = feed->last.seq,
                        .kind = hidden ? TW_PRINT_HIDDEN : TW_PRINT_CROSS,
                        .aggressor = !hidden             ? TW_AGGRESSOR_UNKNOWN
                                     : o->side == TW_BID ? TW_AGGRESSOR_SELL
                                                         : TW_AGGRESSOR_BUY,
                        .price = o->price,
                        .quantity = o->quantity,
                        .event_ns = feed->last.event_ns};
    if (o->quantity > 0) market_print(feed->market, feed->instrument, &printed, &feed->last);
}

static void apply(lobster_feed *feed, const lobster_operation *o) {
    struct market *into = feed->market;
    uint32_t instrument = feed->instrument;
    switch (o->kind) {
    case LOBSTER_OP_ADD:
        market_add(into, instrument, o->order_id, o->side, o->price, o->quantity, "", &feed->last);
        break;
    case LOBSTER_OP_REDUCE:
        market_reduce(into, instrument, o->order_id, o->quantity, &feed->last);
        break;
    case LOBSTER_OP_DELETE:
        market_delete(into, instrument, o->order_id, &feed->last);
        break;
    case LOBSTER_OP_EXECUTE:
        market_execute(into, instrument, o->order_id, o->quantity, TW_PRICE_ABSENT, 0, true, &feed->last);
        break;
    case LOBSTER_OP_LEVEL_CLEAR:
        market_level_clear(into, instrument, o->side, o->price, &feed->last);
        break;
    case LOBSTER_OP_HIDDEN_TRADE:
    case LOBSTER_OP_CROSS:
        print(feed, o);
        break;
    case LOBSTER_OP_HALT:
        market_trading_state(into, instrument, o->state, "", &feed->last);
        break;
    }
}

/* The book can no longer be followed: it is marked so, and nothing more is read. */
static void give_up(lobster_feed *feed) {
    tw_error_set(&feed->damage, TW_FULL, "row %llu: more than %u orders rest inside the window",
                 (unsigned long long)feed->last.seq, MAX_ORDERS);
    feed->outcome = damaged(feed, &feed->messages);
    market_malformed(feed->market, feed->instrument, &feed->last);
}

void lobster_feed_step(lobster_feed *feed) {
    size_t count = 1;
    lobster_outcome outcome = LOBSTER_CONSISTENT;
    if (!feed->waiting) return;
    feed->waiting = false;
    feed->last.seq++;
    feed->last.event_ns = feed->last.receive_ns = feed->midnight_ns + feed->message.time_ns;
    if (feed->instrument == INSTRUMENT_NONE)
        feed->instrument = market_instrument(feed->market, feed->symbol, LOBSTER_PRICE_EXPONENT, &feed->last);
    if (feed->window == NULL)
        lobster_operation_of(&feed->message, &feed->operations[0]);
    else
        outcome = lobster_window_step(feed->window, &feed->message, &feed->row, feed->operations, &count);
    for (size_t i = 0; i < count; i++)
        apply(feed, &feed->operations[i]);
    if (outcome == LOBSTER_FULL) give_up(feed);
    feed->inconsistent += outcome == LOBSTER_INCONSISTENT;
    if (feed->options.on_applied != NULL) feed->options.on_applied(feed->options.context, &feed->last);
}

/* ---- what it says of itself ---- */

bool lobster_feed_has_books(const lobster_feed *feed) {
    return feed->books.lines != NULL;
}

const char *lobster_feed_symbol(const lobster_feed *feed) {
    return feed->symbol;
}

uint64_t lobster_feed_inconsistent(const lobster_feed *feed) {
    return feed->inconsistent;
}

tw_stamp lobster_feed_last(const lobster_feed *feed) {
    return feed->last;
}
