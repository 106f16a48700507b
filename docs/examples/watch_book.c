/*
 * Watches one instrument's book and prints the best bid and offer whenever they change.
 *
 *   cc -o watch_book watch_book.c $(pkg-config --cflags --libs tickwire)
 *   ./watch_book XNAS AAPL [nats://127.0.0.1:4222] [seconds]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tickwire.h>

typedef struct watch {
    tickwire_level bid, ask; /* as last printed */
    tickwire_state state;
    unsigned long printed;
} watch;

static tickwire_level best(const tickwire_level *levels, uint32_t count) {
    tickwire_level none = {.price = TICKWIRE_PRICE_ABSENT};
    return count > 0 ? levels[0] : none;
}

static int same(tickwire_level a, tickwire_level b) {
    return a.price == b.price && a.quantity == b.quantity;
}

static void on_book(void *context, const tickwire_book *book, const tickwire_change *change) {
    static const char *const states[] = {"OK", "CLOSED", "RECOVERING", "STALE"};
    watch *w = context;
    tickwire_level bid = best(book->bids, book->bid_count), ask = best(book->asks, book->ask_count);
    (void)change;
    if (w->printed > 0 && same(bid, w->bid) && same(ask, w->ask) && book->state == w->state) return;
    char bid_text[48], ask_text[48];
    tickwire_format_decimal(bid_text, sizeof bid_text, bid.price, book->header.price_exponent);
    tickwire_format_decimal(ask_text, sizeof ask_text, ask.price, book->header.price_exponent);
    printf("%s %10llu %12s | %-12s %-10llu seq %llu %s", book->header.symbol, (unsigned long long)bid.quantity,
           bid_text, ask_text, (unsigned long long)ask.quantity, (unsigned long long)book->header.seq,
           states[book->state]);
    printf(book->state == TICKWIRE_BOOK_OK ? "\n" : ": %s\n", book->cause);
    *w = (watch){.bid = bid, .ask = ask, .state = book->state, .printed = w->printed + 1};
}

int main(int argc, char **argv) {
    if (argc < 3 || strcmp(argv[1], "--help") == 0) {
        printf("usage: watch_book EXCHANGE SYMBOL [URL] [SECONDS]    (libtickwire %s)\n", tickwire_version());
        return argc == 2 ? 0 : 2;
    }
    char error[TICKWIRE_ERROR_BYTES], subject[128];
    tickwire_options options = {.url = argc > 3 ? argv[3] : NULL, .name = "watch_book"};
    tickwire_client *client;
    if (tickwire_open(&client, &options, error) != TICKWIRE_OK) {
        fprintf(stderr, "watch_book: %s\n", error);
        return 1;
    }
    watch w = {0};
    tickwire_handlers handlers = {.on_book = on_book};
    snprintf(subject, sizeof subject, "%s.%s.orderbook", argv[1], argv[2]);
    if (tickwire_subscribe(client, subject, &handlers, &w, NULL, error) != TICKWIRE_OK) {
        fprintf(stderr, "watch_book: %s\n", error);
        tickwire_close(client);
        return 1;
    }
    tickwire_run(client, argc > 4 ? strtoll(argv[4], NULL, 10) * 1000000000LL : TICKWIRE_FOREVER);
    tickwire_close(client);
    return w.printed > 0 ? 0 : 1;
}
