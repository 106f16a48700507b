/*
 * libtickwire seen from outside: subscribes as any program would and writes down, one JSON object a line, when what it
 * knows of its books changes. For tests in which servers die, stall and come back: how long it took is told by the times.
 *
 *   client_watch URL SUBJECT...
 *
 *   {"ms":…,"books":N,"out_of_sync":N,"not_ok":N,"reconnects":N,"takeovers":N}   whenever one of them changed
 *   {"ms":…,"fault":"text","subject":"…"}
 *   {"ms":…,"trades":"subject","seqs":[…],"missed":N,"total":N,"snapshot":bool}  every message told
 *   {"ms":…,"quote":"subject","seq":N,"snapshot":bool}                           every quote told
 *   {"book":"symbol","seq":N,"state":N,"bids":["price quantity orders",…],"asks":[…]}   each, at SIGUSR1 and SIGTERM
 *   {"told":N}                                                                   how many they were, behind them
 *
 * "ms" are milliseconds since 1970. Exit status 0 after SIGTERM, 1 if the server can't be reached.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/text.h"
#include "client/tickwire.h"
#include "runtime/clock.h"

#define NS_PER_MS  INT64_C(1000000)
#define LINE_BYTES 16384
#define MOST_BOOKS 4096

typedef struct watch {
    tickwire_client *client;
    tickwire_stats last;
    struct {
        char exchange[8], symbol[40], channel[24];
    } books[MOST_BOOKS]; /* seen so far */
    size_t book_count;
    json_writer writer;
    char line[LINE_BYTES];
} watch;

static volatile sig_atomic_t end_wanted, books_wanted;

static void on_signal(int number) {
    if (number == SIGTERM)
        end_wanted = 1;
    else
        books_wanted = 1;
}

static json_writer *begin(watch *w) {
    json_start(&w->writer, w->line, sizeof w->line);
    json_open_object(&w->writer, NULL);
    return &w->writer;
}

static json_writer *begin_now(watch *w) {
    json_writer *json = begin(w);
    json_i64(json, "ms", rt_clock_utc_ns() / NS_PER_MS);
    return json;
}

static void end(watch *w) {
    json_close_object(&w->writer);
    json_finish(&w->writer);
    puts(w->line);
    fflush(stdout);
}

static void on_book(void *context, const tickwire_book *book, const tickwire_change *change) {
    watch *w = context;
    (void)change;
    if (book->user != NULL || w->book_count == MOST_BOOKS) return;
    tickwire_book_set_user(w->client, book, w);
    tw_text_copy(w->books[w->book_count].exchange, sizeof w->books[0].exchange, book->header.exchange);
    tw_text_copy(w->books[w->book_count].symbol, sizeof w->books[0].symbol, book->header.symbol);
    tw_text_copy(w->books[w->book_count].channel, sizeof w->books[0].channel, book->header.channel);
    w->book_count++;
}

static void on_trades(void *context, const tickwire_trades *trades) {
    watch *w = context;
    json_writer *json = begin_now(w);
    json_string(json, "trades", trades->header.subject);
    json_open_array(json, "seqs");
    for (uint32_t i = 0; i < trades->print_count; i++)
        json_u64(json, NULL, trades->prints[i].seq);
    json_close_array(json);
    json_u64(json, "missed", trades->missed_before);
    json_u64(json, "total", trades->prints_total);
    json_bool(json, "snapshot", trades->header.snapshot);
    end(w);
}

static void on_quote(void *context, const tickwire_quote *quote) {
    watch *w = context;
    json_writer *json = begin_now(w);
    json_string(json, "quote", quote->header.subject);
    json_u64(json, "seq", quote->header.seq);
    json_bool(json, "snapshot", quote->header.snapshot);
    end(w);
}

static void on_fault(void *context, const tickwire_fault *fault) {
    watch *w = context;
    json_writer *json = begin_now(w);
    json_string(json, "fault", fault->text);
    json_string(json, "subject", fault->subject);
    end(w);
}

static void tell_changes(watch *w) {
    tickwire_stats s = tickwire_read_stats(w->client), *last = &w->last;
    if (s.books == last->books && s.books_not_synced == last->books_not_synced &&
        s.books_not_ok == last->books_not_ok && s.reconnects == last->reconnects && s.takeovers == last->takeovers)
        return;
    w->last = s;
    json_writer *json = begin_now(w);
    json_u64(json, "books", s.books);
    json_u64(json, "out_of_sync", s.books_not_synced);
    json_u64(json, "not_ok", s.books_not_ok);
    json_u64(json, "reconnects", s.reconnects);
    json_u64(json, "takeovers", s.takeovers);
    end(w);
}

static void write_side(json_writer *json, const char *name, const tickwire_level *levels, uint32_t count) {
    json_open_array(json, name);
    for (uint32_t i = 0; i < count; i++) {
        char text[96];
        tw_text_format(text, sizeof text, "%lld %llu %u", (long long)levels[i].price,
                       (unsigned long long)levels[i].quantity, levels[i].orders);
        json_string(json, NULL, text);
    }
    json_close_array(json);
}

static void write_books(watch *w) {
    for (size_t i = 0; i < w->book_count; i++) {
        const tickwire_book *book =
            tickwire_find_book(w->client, w->books[i].exchange, w->books[i].symbol, w->books[i].channel);
        if (book == NULL) continue;
        json_writer *json = begin(w);
        json_string(json, "book", book->header.symbol);
        json_u64(json, "seq", book->header.seq);
        json_u64(json, "state", (uint64_t)book->state);
        write_side(json, "bids", book->bids, book->bid_count);
        write_side(json, "asks", book->asks, book->ask_count);
        end(w);
    }
    json_u64(begin(w), "told", w->book_count);
    end(w);
}

int main(int argc, char **argv) {
    static watch w;
    char error[TICKWIRE_ERROR_BYTES] = "usage: client_watch URL SUBJECT...";
    tickwire_options options = {
        .url = argc > 1 ? argv[1] : NULL, .name = "client watch", .connect_ns = INT64_C(10000000000)};
    tickwire_handlers handlers = {
        .on_book = on_book, .on_trades = on_trades, .on_quote = on_quote, .on_fault = on_fault};
    bool ready = argc > 2 && tickwire_open(&w.client, &options, error) == TICKWIRE_OK;
    for (int i = 2; i < argc && ready; i++)
        ready = tickwire_subscribe(w.client, argv[i], &handlers, &w, NULL, error) == TICKWIRE_OK;
    signal(SIGTERM, on_signal);
    signal(SIGUSR1, on_signal);
    while (ready && !end_wanted) {
        tickwire_run(w.client, 5 * NS_PER_MS);
        tell_changes(&w);
        if (!books_wanted) continue;
        books_wanted = 0;
        write_books(&w);
    }
    if (ready)
        write_books(&w);
    else
        fprintf(stderr, "client_watch: %s\n", error);
    tickwire_close(w.client);
    return ready ? 0 : 1;
}
