/*
 * What a message costs the order book: adds, executions, cancels, deletions and replaces over 100 to 8,000
 * instruments, one at a time and in bursts whose orders are prefetched; and the memory of 10,000 instruments
 * with 2 million live orders.
 *
 *   bench_orderbook [--json] [--messages N] [--runs N]
 *
 * The messages of a run are made beforehand (the model of the market is not measured): activity over
 * instruments follows Zipf's law, most orders live shortly near the best price, some rest long and deep, ids
 * rise over all instruments. A run replays all messages on empty books; the figure is the median of the runs.
 * The books' answers are added up and compared between the runs, so that nothing measured can be left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "orderbook/book.h"

#define BURST    32
#define MAX_RUNS 15

typedef enum message_kind { MESSAGE_ADD, MESSAGE_REDUCE, MESSAGE_DELETE, MESSAGE_REPLACE } message_kind;

typedef struct book_message {
    uint64_t order_id;
    uint64_t new_id;
    int64_t price;
    uint32_t quantity;
    uint32_t instrument : 24;
    uint32_t kind : 4;
    uint32_t side : 4;
} book_message;

typedef struct live_order {
    uint64_t order_id;
    int64_t price;
    uint32_t quantity;
    uint32_t instrument : 24;
    uint32_t side : 8;
} live_order;

typedef struct market_model {
    tw_random random;
    uint32_t instruments;
    double *share; /* cumulated activity, by instrument */
    int64_t *middle;
    live_order *live;
    uint32_t live_count;
    uint32_t live_capacity;
    uint32_t live_target;
    uint64_t next_id;
} market_model;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void *must(void *memory) {
    if (memory != NULL) return memory;
    fprintf(stderr, "bench_orderbook: no memory\n");
    exit(1);
}

static void market_init(market_model *market, uint32_t instruments, uint32_t live_target, uint64_t seed) {
    memset(market, 0, sizeof *market);
    tw_random_seed(&market->random, seed);
    market->instruments = instruments;
    market->share = must(malloc(instruments * sizeof *market->share));
    market->middle = must(malloc(instruments * sizeof *market->middle));
    double sum = 0;
    for (uint32_t i = 0; i < instruments; i++) {
        market->share[i] = sum += 1.0 / (i + 1.0);
        market->middle[i] = 100 * (int64_t)(2000 + tw_random_below(&market->random, 30000));
    }
    for (uint32_t i = 0; i < instruments; i++)
        market->share[i] /= sum;
    market->live_target = live_target;
    market->live_capacity = live_target + live_target / 4 + 1000;
    market->live = must(malloc(market->live_capacity * sizeof *market->live));
    market->next_id = 1000;
}

static void market_fini(market_model *market) {
    free(market->share);
    free(market->middle);
    free(market->live);
}

/* Zipf by the inverse of the cumulated shares. */
static uint32_t draw_instrument(market_model *market) {
    double at = (double)(tw_random_u64(&market->random) >> 11) * 0x1p-53;
    uint32_t low = 0, high = market->instruments - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (market->share[middle] < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Most near the best, a tail far away. */
static int64_t draw_price(market_model *market, uint32_t instrument, unsigned side) {
    int64_t ticks = 1;
    while (ticks < 60 && tw_random_chance(&market->random, 78, 100))
        ticks++;
    if (tw_random_chance(&market->random, 5, 100)) ticks += (int64_t)tw_random_below(&market->random, 200);
    return market->middle[instrument] + (side == TW_BID ? -ticks : ticks) * 100;
}

static book_message make_add(market_model *market) {
    uint32_t instrument = draw_instrument(market);
    if (tw_random_chance(&market->random, 1, 50))
        market->middle[instrument] += market->middle[instrument] / 100 % 2 == 0 ? 100 : -100;
    unsigned side = (unsigned)tw_random_below(&market->random, 2);
    market->next_id += 1 + tw_random_below(&market->random, 7); /* other partitions' and unseen ids lie between */
    book_message made = {.order_id = market->next_id,
                         .price = draw_price(market, instrument, side),
                         .quantity = 100 * (uint32_t)(1 + tw_random_below(&market->random, 10)),
                         .instrument = instrument,
                         .kind = MESSAGE_ADD,
                         .side = side};
    market->live[market->live_count++] = (live_order){made.order_id, made.price, made.quantity, instrument, side};
    return made;
}

/* The orders that are touched: nine in ten among the youngest thousands, the others of any age. */
static uint32_t draw_live(market_model *market) {
    uint32_t window = 4000;
    if (market->live_count <= window || tw_random_chance(&market->random, 1, 10))
        return (uint32_t)tw_random_below(&market->random, market->live_count);
    return market->live_count - 1 - (uint32_t)tw_random_below(&market->random, window);
}

static void forget(market_model *market, uint32_t at) {
    uint32_t last = --market->live_count;
    uint32_t recent =
        last > 2000 && at + 4000 < last ? last - (uint32_t)tw_random_below(&market->random, 2000) : last;
    market->live[at] = market->live[recent]; /* an order of the window grows old in the place of the old one */
    market->live[recent] = market->live[last];
}

static book_message make_change(market_model *market, uint32_t dice) {
    uint32_t at = draw_live(market);
    live_order *order = &market->live[at];
    book_message made = {.order_id = order->order_id, .instrument = order->instrument, .side = order->side};
    if (dice < 8 && order->quantity > 100) {
        made.kind = MESSAGE_REDUCE;
        made.quantity = 100;
        order->quantity -= 100;
    } else if (dice < 30) {
        made.kind = MESSAGE_REPLACE;
        made.new_id = market->next_id += 1 + tw_random_below(&market->random, 7);
        made.price = draw_price(market, order->instrument, order->side);
        made.quantity = order->quantity;
        order->order_id = made.new_id;
        order->price = made.price;
    } else {
        made.kind = MESSAGE_DELETE;
        forget(market, at);
    }
    return made;
}

/* ITCH's proportions: about 45 % adds, 45 % deletions and executions, 10 % replaces, once the day is under way. */
static book_message *make_messages(uint32_t instruments, uint32_t live_target, uint32_t count) {
    book_message *messages = must(malloc((size_t)count * sizeof *messages));
    market_model market;
    market_init(&market, instruments, live_target, 20200130);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t adds = market.live_count < market.live_target ? 55 : 38;
        if (market.live_count < 100 || tw_random_below(&market.random, 100) < adds) {
            messages[i] = make_add(&market);
        } else {
            messages[i] = make_change(&market, (uint32_t)tw_random_below(&market.random, 100));
        }
    }
    market_fini(&market);
    return messages;
}

static inline uint64_t apply(ob_books *books, const book_message *m) {
    ob_change change = {0};
    ob_result result = OB_OK;
    switch (m->kind) {
    case MESSAGE_ADD:
        result = ob_order_add(books, m->instrument, m->order_id, (tw_side)m->side, m->price, m->quantity, &change);
        break;
    case MESSAGE_REDUCE:
        result = ob_order_reduce(books, m->instrument, m->order_id, m->quantity, &change);
        break;
    case MESSAGE_DELETE:
        result = ob_order_delete(books, m->instrument, m->order_id, &change);
        break;
    case MESSAGE_REPLACE:
        result = ob_order_replace(books, m->instrument, m->order_id, m->new_id, m->price, m->quantity, &change);
        break;
    }
    return (uint64_t)result * 1000003 + change.rank + change.remaining;
}

static uint64_t replay(ob_books *books, const book_message *messages, uint32_t count, bool prefetch) {
    uint64_t sum = 0;
    for (uint32_t at = 0; at < count; at += BURST) {
        uint32_t end = at + BURST < count ? at + BURST : count;
        for (unsigned stage = 0; prefetch && stage < OB_PREFETCH_STAGES; stage++)
            for (uint32_t i = at; i < end; i++)
                ob_prefetch(books, stage, messages[i].instrument, messages[i].order_id);
        for (uint32_t i = at; i < end; i++)
            sum += apply(books, &messages[i]);
    }
    return sum;
}

static int by_value(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

typedef struct book_figures {
    uint32_t instruments;
    double plain_ns;
    double prefetched_ns;
    uint32_t live_orders;
    double levels_per_side;
    double clear_ms;
} book_figures;

static ob_books *make_books(uint32_t instruments) {
    ob_books *books;
    tw_error error;
    ob_limits limits = {.max_instruments = instruments, .max_orders = 2000000, .max_levels = 4000000};
    if (ob_books_alloc(&books, &limits, &error) == TW_OK) return books;
    fprintf(stderr, "bench_orderbook: %s\n", error.text);
    exit(1);
}

static double median_ns(ob_books *books, const book_message *messages, uint32_t count, uint32_t runs, bool prefetch,
                        uint64_t *sum) {
    double ns[MAX_RUNS];
    for (uint32_t run = 0; run <= runs; run++) { /* the first one warms up: pages are touched, books have grown */
        ob_books_clear(books);
        uint32_t warm = count / 2; /* the day's first half fills the books */
        uint64_t answers = replay(books, messages, warm, prefetch);
        uint64_t start = now_ns();
        answers += replay(books, messages + warm, count - warm, prefetch);
        if (run > 0) ns[run - 1] = (double)(now_ns() - start) / (count - warm);
        if (*sum != 0 && *sum != answers) {
            fprintf(stderr, "bench_orderbook: two runs of the same messages differ\n");
            exit(1);
        }
        *sum = answers;
    }
    qsort(ns, runs, sizeof *ns, by_value);
    return ns[runs / 2];
}

static book_figures measure(uint32_t instruments, uint32_t count, uint32_t runs) {
    uint32_t live = 100 * instruments > 800000 ? 800000 : 100 * instruments;
    book_message *messages = make_messages(instruments, live, count);
    ob_books *books = make_books(instruments);
    uint64_t sum = 0;
    book_figures found = {.instruments = instruments};
    found.plain_ns = median_ns(books, messages, count, runs, false, &sum);
    found.prefetched_ns = median_ns(books, messages, count, runs, true, &sum);
    found.live_orders = ob_books_orders(books);
    for (uint32_t i = 0; i < instruments; i++)
        found.levels_per_side += ob_book_levels(books, i, TW_BID) + ob_book_levels(books, i, TW_ASK);
    found.levels_per_side /= 2.0 * instruments;
    uint64_t start = now_ns();
    ob_books_clear(books);
    found.clear_ms = (double)(now_ns() - start) / 1e6;
    ob_books_free(books);
    free(messages);
    return found;
}

static uint64_t resident_kib(void) {
    char line[256];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL) return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0) kib = strtoull(line + 6, NULL, 10);
    fclose(file);
    return kib;
}

/* 2 million orders, 200 a book, over about 100 prices a side. */
static uint64_t measure_memory_kib(uint32_t *levels) {
    const uint32_t instruments = 10000, orders = 2000000;
    ob_books *books = make_books(instruments);
    tw_random random;
    tw_random_seed(&random, 1);
    uint64_t before = resident_kib();
    for (uint32_t i = 0; i < orders; i++) {
        ob_change change;
        tw_side side = (tw_side)(i / instruments % 2);
        int64_t ticks = 1 + (int64_t)tw_random_below(&random, 100);
        if (ob_order_add(books, i % instruments, i * UINT64_C(3), side,
                         1000000 + 100 * (side == TW_BID ? -ticks : ticks), 100, &change) != OB_OK) {
            fprintf(stderr, "bench_orderbook: order %u of 2 million was refused\n", i);
            exit(1);
        }
    }
    uint64_t after = resident_kib();
    *levels = ob_books_level_slots(books);
    ob_books_free(books);
    return after - before;
}

static void print_json(const book_figures *all, size_t count, uint64_t memory_kib) {
    char text[4096];
    json_writer w;
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    json_string(&w, "benchmark", "orderbook");
    json_open_array(&w, "runs");
    for (size_t i = 0; i < count; i++) {
        json_open_object(&w, NULL);
        json_u64(&w, "instruments", all[i].instruments);
        json_f64(&w, "ns_per_message", all[i].plain_ns);
        json_f64(&w, "ns_per_message_prefetched", all[i].prefetched_ns);
        json_u64(&w, "live_orders", all[i].live_orders);
        json_f64(&w, "levels_per_side", all[i].levels_per_side);
        json_f64(&w, "clear_all_ms", all[i].clear_ms);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_u64(&w, "memory_10000_instruments_2000000_orders_kib", memory_kib);
    json_close_object(&w);
    if (json_finish(&w)) puts(text);
}

int main(int argc, char **argv) {
    bool json = false;
    uint64_t messages = 10000000, runs = 5;
    for (int i = 1; i < argc; i++) {
        bool number = i + 1 < argc;
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (number && strcmp(argv[i], "--messages") == 0 && tw_text_to_u64(argv[i + 1], &messages)) {
            i++;
        } else if (number && strcmp(argv[i], "--runs") == 0 && tw_text_to_u64(argv[i + 1], &runs)) {
            i++;
        } else {
            fprintf(stderr, "usage: bench_orderbook [--json] [--messages N] [--runs N]\n");
            return 2;
        }
    }
    if (messages < 1000 || messages > 100000000 || runs < 1 || runs > MAX_RUNS) {
        fprintf(stderr, "bench_orderbook: --messages from 1,000 to 100,000,000, --runs from 1 to %d\n", MAX_RUNS);
        return 2;
    }
    uint32_t levels;
    uint64_t memory_kib = measure_memory_kib(&levels); /* first: nothing else is resident yet */
    static const uint32_t instruments[] = {100, 1000, 8000};
    book_figures all[3];
    for (size_t i = 0; i < 3; i++)
        all[i] = measure(instruments[i], (uint32_t)messages, (uint32_t)runs);
    if (json) {
        print_json(all, 3, memory_kib);
        return 0;
    }
    printf("order book, %u messages, the second half timed, median of %u runs\n", (unsigned)messages,
           (unsigned)runs);
    printf("%12s %12s %14s %18s %12s %12s\n", "instruments", "live orders", "levels a side", "ns one by one",
           "prefetched", "clear, ms");
    for (size_t i = 0; i < 3; i++)
        printf("%12u %12u %14.1f %18.1f %12.1f %12.2f\n", all[i].instruments, all[i].live_orders,
               all[i].levels_per_side, all[i].plain_ns, all[i].prefetched_ns, all[i].clear_ms);
    printf("10,000 instruments, 2,000,000 orders, %u level slots: %.1f MiB resident\n", levels,
           (double)memory_kib / 1024);
    return 0;
}
