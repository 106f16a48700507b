/* The pair of files on one side, the market on the other; rows and windows are decode/lobster.h's. */
#include "ingest/line/lobster_feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "ingest/decode/lobster.h"
#include "ingest/source/line_reader.h"

#define MAX_ORDERS (1u << 20) /* of one instrument, inside the window */

/* One of the two files. */
typedef struct csv_file {
    char path[1024];
    line_reader *reader; /* NULL: there is no such file */
} csv_file;

struct lobster_feed {
    struct market *market;
    lobster_feed_options options;
    char symbol[TW_SYMBOL_BYTES];
    uint32_t instrument;
    int64_t midnight_ns;
    csv_file messages, books;
    uint32_t levels;
    lobster_window *window;
    bool peeked;     /* `message` and `book` are the next row */
    bool ended;      /* nothing more is read: the end, or the damage */
    tw_error damage; /* given again by each later look */
    lobster_message message;
    lobster_book book;
    uint64_t inconsistent;
    tw_stamp last;
    lobster_operation operations[LOBSTER_OPERATIONS_MAX];
};

/* ---- opening ---- */

static tw_code find_symbol(lobster_feed *feed, const char *path, tw_error *error) {
    lobster_name name;
    const char *symbol = feed->options.symbol;
    if (symbol == NULL && lobster_parse_name(path, &name)) symbol = name.symbol;
    if (symbol != NULL && tw_text_copy(feed->symbol, sizeof feed->symbol, symbol)) return TW_OK;
    return tw_error_set(error, TW_INVALID,
                        "%s is not named like a LOBSTER file (SYMBOL_YYYY-MM-DD_START_END_message_N.csv): "
                        "the symbol must be given",
                        path);
}

/* The order book file is found by its name, packed in any of the ways files are; without it the feed goes on. One
 * that is there and cannot be read is an error: the day would look whole and not be. */
static tw_code open_books(lobster_feed *feed, tw_error *error) {
    static const char *const packings[] = {"", ".gz", ".zst"};
    char whole[sizeof feed->books.path];
    if (!lobster_pair_path(feed->messages.path, whole, sizeof whole)) return TW_OK;
    tw_code code = line_reader_open(&feed->books.reader, whole, error);
    tw_text_copy(feed->books.path, sizeof feed->books.path, whole);
    char *ending = strstr(whole, ".csv");
    for (size_t i = 0; code == TW_NOT_FOUND && ending != NULL && i < sizeof packings / sizeof *packings; i++) {
        ending[4] = '\0';
        tw_text_format(feed->books.path, sizeof feed->books.path, "%s%s", whole, packings[i]);
        code = line_reader_open(&feed->books.reader, feed->books.path, error);
    }
    return code == TW_NOT_FOUND ? TW_OK : code;
}

static tw_code open_window(lobster_feed *feed, tw_error *error) {
    const char *line;
    size_t length;
    bool more;
    if (feed->books.reader == NULL) return TW_OK;
    tw_code code = line_reader_next(feed->books.reader, &line, &length, &more, error);
    if (code != TW_OK) return tw_error_wrap(error, "%s", feed->books.path);
    feed->levels = more ? lobster_count_levels(line, length) : 1;
    if (feed->levels == 0)
        return tw_error_set(error, TW_MALFORMED, "%s, line 1: no order book row (four columns a level)",
                            feed->books.path);
    if (more) line_reader_unread(feed->books.reader);
    return lobster_window_alloc(&feed->window, feed->levels, MAX_ORDERS, error);
}

tw_code lobster_feed_alloc(lobster_feed **out, struct market *into, const char *message_path,
                           const lobster_feed_options *options, tw_error *error) {
    *out = NULL;
    lobster_feed *feed = calloc(1, sizeof *feed);
    if (feed == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for %s", message_path);
    feed->market = into;
    feed->options = *options;
    feed->instrument = INSTRUMENT_NONE;
    feed->last = (tw_stamp){.event_ns = TW_TIME_ABSENT, .receive_ns = TW_TIME_ABSENT};
    tw_text_copy(feed->messages.path, sizeof feed->messages.path, message_path);
    tw_code code = line_reader_open(&feed->messages.reader, message_path, error);
    if (code == TW_OK) code = find_symbol(feed, message_path, error);
    if (code == TW_OK) code = open_books(feed, error);
    if (code == TW_OK) code = open_window(feed, error);
    if (code != TW_OK) {
        lobster_feed_free(feed);
        return code;
    }
    *out = feed;
    return TW_OK;
}

void lobster_feed_free(lobster_feed *feed) {
    if (feed == NULL) return;
    line_reader_close(feed->messages.reader);
    line_reader_close(feed->books.reader);
    lobster_window_free(feed->window);
    free(feed);
}

void lobster_feed_start_day(lobster_feed *feed, int64_t midnight_ns) {
    feed->midnight_ns = midnight_ns;
    feed->instrument = INSTRUMENT_NONE;
    if (feed->window == NULL) market_set_incomplete(feed->market); /* what rests at 09:30 is not told */
}

/* ---- reading ---- */

static tw_code malformed(const csv_file *file, const lobster_fault *fault, tw_error *error) {
    return tw_error_set(error, TW_MALFORMED, "%s, line %llu, column %u: %s", file->path,
                        (unsigned long long)line_reader_number(file->reader), fault->column, fault->reason);
}

/* The next line with something on it. *more false with TW_OK: the end. */
static tw_code next_line(csv_file *file, const char **line, size_t *length, bool *more, tw_error *error) {
    do {
        if (line_reader_next(file->reader, line, length, more, error) != TW_OK)
            return tw_error_wrap(error, "%s, after line %llu", file->path,
                                 (unsigned long long)line_reader_number(file->reader));
    } while (*more && (*length == 0 || (*length == 1 && **line == '\r')));
    return TW_OK;
}

static tw_code read_message(lobster_feed *feed, bool *more, tw_error *error) {
    const char *line;
    size_t length;
    lobster_fault fault;
    tw_code code = next_line(&feed->messages, &line, &length, more, error);
    if (code != TW_OK || !*more) return code;
    if (lobster_parse_message(line, length, &feed->message, &fault) == LOBSTER_ROW) return TW_OK;
    return malformed(&feed->messages, &fault, error);
}

static tw_code read_book(lobster_feed *feed, tw_error *error) {
    const char *line;
    size_t length;
    bool more;
    lobster_fault fault;
    tw_code code = next_line(&feed->books, &line, &length, &more, error);
    if (code != TW_OK) return code;
    if (!more)
        return tw_error_set(error, TW_TRUNCATED, "%s ends after line %llu, before its message file",
                            feed->books.path, (unsigned long long)line_reader_number(feed->books.reader));
    if (lobster_parse_book(line, length, feed->levels, &feed->book, &fault) == LOBSTER_ROW) return TW_OK;
    return malformed(&feed->books, &fault, error);
}

/* The message file has ended: so must the other. */
static tw_code expect_books_ended(lobster_feed *feed, tw_error *error) {
    const char *line;
    size_t length;
    bool more;
    tw_code code = next_line(&feed->books, &line, &length, &more, error);
    if (code != TW_OK || !more) return code;
    return tw_error_set(error, TW_MALFORMED, "%s, line %llu: the message file has no such row", feed->books.path,
                        (unsigned long long)line_reader_number(feed->books.reader));
}

static void read_row(lobster_feed *feed) {
    bool more = false;
    tw_code code = read_message(feed, &more, &feed->damage);
    if (code == TW_OK && feed->window != NULL)
        code = more ? read_book(feed, &feed->damage) : expect_books_ended(feed, &feed->damage);
    feed->ended = code != TW_OK || !more;
    feed->peeked = !feed->ended;
}

lobster_feed_row lobster_feed_peek(lobster_feed *feed, int64_t *event_ns, tw_error *error) {
    if (!feed->peeked && !feed->ended) read_row(feed);
    if (feed->peeked) {
        *event_ns = feed->midnight_ns + feed->message.time_ns;
        return LOBSTER_FEED_ROW;
    }
    if (feed->damage.code == TW_OK) return LOBSTER_FEED_END;
    if (error != NULL) *error = feed->damage;
    return LOBSTER_FEED_DAMAGED;
}

/* ---- applying ---- */

static void apply_print(lobster_feed *feed, const lobster_operation *op, tw_print_kind kind, tw_aggressor aggressor,
                        const tw_stamp *stamp) {
    tw_print print = {.seq = stamp->seq,
                      .kind = kind,
                      .aggressor = aggressor,
                      .price = op->price,
                      .quantity = op->quantity,
                      .event_ns = stamp->event_ns};
    market_print(feed->market, feed->instrument, &print, stamp);
}

static void apply(lobster_feed *feed, const lobster_operation *op, const tw_stamp *stamp) {
    uint32_t instrument = feed->instrument;
    switch (op->kind) {
    case LOBSTER_OP_ADD:
        market_add(feed->market, instrument, op->order_id, op->side, op->price, op->quantity, "", stamp);
        break;
    case LOBSTER_OP_REDUCE:
        market_reduce(feed->market, instrument, op->order_id, op->quantity, stamp);
        break;
    case LOBSTER_OP_DELETE:
        market_delete(feed->market, instrument, op->order_id, stamp);
        break;
    case LOBSTER_OP_EXECUTE:
        market_execute(feed->market, instrument, op->order_id, op->quantity, TW_PRICE_ABSENT, 0, true, stamp);
        break;
    case LOBSTER_OP_LEVEL_CLEAR:
        market_level_clear(feed->market, instrument, op->side, op->price, stamp);
        break;
    case LOBSTER_OP_HIDDEN_TRADE:
        apply_print(feed, op, TW_PRINT_HIDDEN, op->side == TW_BID ? TW_AGGRESSOR_SELL : TW_AGGRESSOR_BUY, stamp);
        break;
    case LOBSTER_OP_CROSS:
        apply_print(feed, op, TW_PRINT_CROSS, TW_AGGRESSOR_UNKNOWN, stamp);
        break;
    case LOBSTER_OP_HALT:
        market_trading_state(feed->market, instrument, op->state, "", stamp);
        break;
    }
}

static size_t operations_of_row(lobster_feed *feed, const tw_stamp *stamp) {
    size_t count = 1;
    if (feed->window == NULL) {
        lobster_operation_of(&feed->message, feed->operations);
        return count;
    }
    lobster_outcome outcome =
        lobster_window_step(feed->window, &feed->message, &feed->book, feed->operations, &count);
    if (outcome == LOBSTER_INCONSISTENT) {
        feed->inconsistent++;
        market_contradiction(feed->market, feed->instrument, stamp);
    }
    if (outcome != LOBSTER_FULL) return count;
    market_give_up(feed->market, feed->instrument, stamp);
    return 0;
}

void lobster_feed_step(lobster_feed *feed) {
    TW_ASSERT(feed->peeked); /* a row is looked at before it is applied */
    tw_stamp stamp = {.seq = feed->last.seq + 1, .event_ns = feed->midnight_ns + feed->message.time_ns};
    stamp.receive_ns = stamp.event_ns;
    feed->last = stamp;
    feed->peeked = false;
    if (feed->instrument == INSTRUMENT_NONE)
        feed->instrument = market_instrument(feed->market, feed->symbol, LOBSTER_PRICE_EXPONENT, &stamp);
    size_t count = operations_of_row(feed, &stamp);
    for (size_t i = 0; i < count; i++)
        apply(feed, &feed->operations[i], &stamp);
    if (feed->options.on_applied != NULL) feed->options.on_applied(feed->options.context, &stamp);
}

bool lobster_feed_has_books(const lobster_feed *feed) {
    return feed->window != NULL;
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
