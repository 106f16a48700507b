/*
 * What an ITCH message costs from its bytes to the visible top 10: decode, book, top 10 kept.
 *
 *   bench_path [--json] [--messages N] [--runs N] [--recording FILE]
 *
 * Input: a simulated day of 100, 1,000 and 8,000 symbols, made beforehand and held in memory as frames; with
 * --recording, a BinaryFILE recording looped as one day after another. Steps, each timed over the whole input, median of
 * the runs:
 *   decode      framing and itch50_decode alone: the part that touches no book
 *   book        framing, decode and books, orders fetched ahead of use: what the ingest does. The best ten of a side are
 *               the last ten entries of its sorted levels, so they are current after every message
 *   top 10      the same, and after every message that changed a visible level both sides' best ten are also copied
 *               out. This is the figure the target of 100 ns is held against: it is the strictest reading, for the
 *               publisher reads a book once a burst
 *   cold        as "top 10", without fetching ahead: what prefetching brings
 * and on their own: the checksum of a published update (ten levels a side); the memory of the process with 10,000
 * instruments and 2 million resting orders under the limits tickwire-ingest has by default, and what it takes to start
 * a new day then, and with 60,000 orders left.
 *
 * Conditions: one thread, everything in memory, first run not counted (it faults the tables' memory in). Starting a day
 * is not part of a message's figure; what it leaves behind (cold caches, memory given back) is. Sums over the results
 * are compared between runs, so that nothing measured can be left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "ingest/framing/binaryfile.h"
#include "ingest/market/itch50_feed.h"
#include "proto/codec.h"
#include "tools/simulate/session.h"

#define MAX_RUNS 15
#define BATCH    256
#define DEPTH    10

typedef struct frames {
    uint8_t *bytes;
    size_t length;
    uint64_t messages;
} frames;

typedef enum step { STEP_DECODE, STEP_BOOK, STEP_TOP, STEP_COLD, STEPS } step;
static const char *const step_names[STEPS] = {"decode", "book", "top 10", "cold"};

/* What the listener does with the books, and a sum that proves it did. */
typedef struct watcher {
    market *market;
    bool copies_top;
    uint64_t visible, sum;
} watcher;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void on_book(void *context, uint32_t instrument, tw_sides sides, uint32_t rank, const tw_stamp *stamp) {
    (void)sides, (void)stamp;
    watcher *self = context;
    if (rank >= DEPTH) return;
    self->visible++;
    if (!self->copies_top) return;
    tw_level bids[DEPTH], asks[DEPTH];
    const ob_books *books = market_books(self->market);
    uint32_t bid_count = ob_book_top(books, instrument, TW_BID, bids, DEPTH);
    uint32_t ask_count = ob_book_top(books, instrument, TW_ASK, asks, DEPTH);
    if (bid_count > 0) self->sum += bids[bid_count - 1].quantity;
    if (ask_count > 0) self->sum += asks[0].quantity;
}
static void on_print(void *context, uint32_t instrument, const tw_print *print, const tw_stamp *stamp) {
    (void)instrument, (void)stamp;
    ((watcher *)context)->sum += print->quantity;
}
static void on_book_state(void *context, uint32_t instrument, tw_book_state state, tw_state_cause cause,
                          const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)stamp;
    fprintf(stderr, "bench_path: a book became %s (%s)\n", tw_book_state_name(state), tw_state_cause_name(cause));
    exit(1);
}

static void fail(const char *what) {
    fprintf(stderr, "bench_path: %s\n", what);
    exit(1);
}

static frames simulate(uint32_t symbols, uint64_t messages) {
    sim_session *session = NULL;
    tw_error error;
    if (sim_session_alloc(&session, &(sim_options){.seed = 1, .symbols = symbols, .messages = messages}, &error) !=
        TW_OK)
        fail(error.text);
    frames day = {.bytes = malloc(messages * (ITCH50_MAX_MESSAGE_BYTES + 2)), .messages = messages};
    if (day.bytes == NULL) fail("no memory for the input");
    itch50_message message;
    uint8_t encoded[ITCH50_MAX_MESSAGE_BYTES];
    while (sim_next(session, &message)) {
        size_t length = itch50_encode(&message, encoded);
        day.length +=
            binaryfile_write(day.bytes + day.length, ITCH50_MAX_MESSAGE_BYTES + 2, encoded, (uint16_t)length);
    }
    sim_session_free(session);
    return day;
}

static frames read_recording(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail("the recording can't be read");
    frames day = {.bytes = malloc(64u << 20)};
    day.length = fread(day.bytes, 1, 64u << 20, file);
    fclose(file);
    const uint8_t *message;
    uint16_t length;
    for (size_t at = 0, consumed;
         binaryfile_next(day.bytes + at, day.length - at, &message, &length, &consumed) == BINARYFILE_MESSAGE;
         at += consumed)
        day.messages++;
    return day;
}

static size_t next_batch(const frames *day, size_t *at, uint64_t *seq, feed_message messages[BATCH]) {
    size_t count = 0, consumed;
    const uint8_t *bytes;
    uint16_t length;
    while (count < BATCH &&
           binaryfile_next(day->bytes + *at, day->length - *at, &bytes, &length, &consumed) == BINARYFILE_MESSAGE) {
        messages[count++] = (feed_message){bytes, length, ++*seq, TW_TIME_ABSENT};
        *at += consumed;
    }
    return count;
}

static uint64_t decode_all(const frames *day) {
    feed_message messages[BATCH];
    size_t at = 0, count;
    uint64_t seq = 0, sum = 0;
    while ((count = next_batch(day, &at, &seq, messages)) > 0) {
        for (size_t i = 0; i < count; i++) {
            itch50_message decoded;
            if (itch50_decode(messages[i].bytes, messages[i].length, &decoded) == ITCH50_OK)
                sum += decoded.timestamp_ns;
        }
    }
    return sum;
}

static uint64_t apply_all(const frames *day, market *market_, watcher *watcher_, bool prefetch) {
    itch50_feed feed;
    itch50_feed_init(&feed, market_, &(itch50_feed_options){.prefetch = prefetch});
    itch50_feed_start_day(&feed, 0);
    feed_message messages[BATCH];
    size_t at = 0, count;
    uint64_t seq = 0;
    while ((count = next_batch(day, &at, &seq, messages)) > 0)
        itch50_feed_apply(&feed, messages, count);
    return watcher_->sum + watcher_->visible;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Median ns a message over `runs`; `loops` plays the input that often as days one after another. */
static double measure(const frames *day, step what, market *market_, watcher *watcher_, unsigned runs,
                      unsigned loops) {
    double figures[MAX_RUNS];
    uint64_t expected = 0;
    for (unsigned run = 0; run <= runs; run++) {
        uint64_t spent = 0, result = 0;
        for (unsigned loop = 0; loop < loops; loop++) {
            market_start_day(market_);
            *watcher_ = (watcher){.market = market_, .copies_top = what == STEP_TOP || what == STEP_COLD};
            uint64_t start = now_ns();
            result = what == STEP_DECODE ? decode_all(day) : apply_all(day, market_, watcher_, what != STEP_COLD);
            spent += now_ns() - start;
        }
        if (run == 0) expected = result;
        if (result != expected) fail("two runs over the same input differ");
        if (run > 0) figures[run - 1] = (double)spent / ((double)day->messages * loops);
    }
    qsort(figures, runs, sizeof *figures, compare);
    return figures[runs / 2];
}

static double measure_checksum(unsigned runs) {
    tw_level bids[DEPTH], asks[DEPTH];
    for (int i = 0; i < DEPTH; i++) {
        bids[i] = (tw_level){1000000 - i * 100, 100u * (unsigned)(i + 1), 1};
        asks[i] = (tw_level){1000100 + i * 100, 100u * (unsigned)(i + 1), 1};
    }
    double figures[MAX_RUNS];
    uint32_t sum = 0;
    for (unsigned run = 0; run <= runs; run++) {
        uint64_t start = now_ns();
        for (int i = 0; i < 1000000; i++) {
            bids[0].quantity = (uint64_t)i;
            sum ^= wire_book_checksum(bids, DEPTH, asks, DEPTH, DEPTH);
        }
        if (run > 0) figures[run - 1] = (double)(now_ns() - start) / 1e6;
    }
    volatile uint32_t kept = sum; /* or the compiler leaves all of it out */
    (void)kept;
    qsort(figures, runs, sizeof *figures, compare);
    return figures[runs / 2];
}

typedef struct report {
    bool json;
    json_writer writer;
    char text[8192];
} report;

static market *make_market(watcher *watcher_) {
    /* tickwire-ingest's defaults */
    market_limits limits = {.max_instruments = 16384, .max_orders = 4000000, .max_levels = 4000000};
    market_listener listener = {
        .context = watcher_, .on_book = on_book, .on_print = on_print, .on_book_state = on_book_state};
    market *made = NULL;
    tw_error error;
    if (market_alloc(&made, &limits, &listener, &error) != TW_OK) fail(error.text);
    return made;
}

static uint64_t resident_bytes(void) {
    char line[256];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL) fail("/proc/self/status can't be read");
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0) kib = strtoull(line + 6, NULL, 10);
    fclose(file);
    return kib * 1024;
}

/* Every book gets 200 orders at about 100 prices a side, in turns, as they would come over a day. */
static void fill_books(market *market_, uint32_t books, uint32_t orders) {
    tw_stamp stamp = {0};
    tw_random random;
    tw_random_seed(&random, 1);
    for (uint32_t i = 0; i < orders; i++) {
        char symbol[16];
        if (i < books) {
            tw_text_format(symbol, sizeof symbol, "S%u", i);
            market_instrument(market_, symbol, ITCH50_PRICE_EXPONENT, &stamp);
        }
        tw_side side = (tw_side)(i / books % 2);
        int64_t away = 100 * (int64_t)(1 + tw_random_below(&random, 100));
        market_add(market_, i % books, i + UINT64_C(1), side, 1000000 + (side == TW_BID ? -away : away), 100, "",
                   &stamp);
    }
    if (ob_books_orders(market_books(market_)) != orders) fail("an order of the memory figure was refused");
}

static double start_day_ms(market *market_) {
    uint64_t start = now_ns();
    market_start_day(market_);
    return (double)(now_ns() - start) / 1e6;
}

static void measure_memory(report *out) {
    watcher watcher_ = {0};
    market *market_ = make_market(&watcher_);
    watcher_.market = market_;
    fill_books(market_, 10000, 2000000);
    double resident_mib = (double)resident_bytes() / 1048576.0;
    double many_ms = start_day_ms(market_);
    fill_books(market_, 10000, 60000);
    double few_ms = start_day_ms(market_);
    json_f64(&out->writer, "resident_mib", resident_mib);
    json_f64(&out->writer, "start_day_2000000_left_ms", many_ms);
    json_f64(&out->writer, "start_day_60000_left_ms", few_ms);
    if (!out->json)
        printf("10,000 instruments, 2 million live orders: %.0f MiB resident in all\n"
               "a new day: %.1f ms with 2 million orders left, %.1f ms with 60,000\n",
               resident_mib, many_ms, few_ms);
    market_free(market_);
}

static void measure_day(report *out, const char *name, const frames *day, unsigned runs, unsigned loops) {
    watcher watcher_ = {0};
    market *market_ = make_market(&watcher_);
    json_open_object(&out->writer, NULL);
    json_string(&out->writer, "input", name);
    json_u64(&out->writer, "messages", day->messages);
    if (!out->json) printf("%-16s", name);
    for (int what = 0; what < STEPS; what++) {
        double ns = measure(day, (step)what, market_, &watcher_, runs, loops);
        json_f64(&out->writer, step_names[what], ns);
        if (!out->json) printf(" %9.1f", ns);
    }
    if (!out->json) printf("   %4.1f %% visible\n", 100.0 * (double)watcher_.visible / (double)day->messages);
    json_f64(&out->writer, "visible", (double)watcher_.visible / (double)day->messages);
    json_close_object(&out->writer);
    market_free(market_);
}

int main(int argc, char **argv) {
    report *out = calloc(1, sizeof *out);
    uint64_t messages = 10000000, runs = 5;
    const char *recording = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            out->json = true;
        else if (strcmp(argv[i], "--messages") == 0 && i + 1 < argc && tw_text_to_u64(argv[i + 1], &messages))
            i++;
        else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc && tw_text_to_u64(argv[i + 1], &runs))
            i++;
        else if (strcmp(argv[i], "--recording") == 0 && i + 1 < argc)
            recording = argv[++i];
        else
            fail("usage: bench_path [--json] [--messages N] [--runs N] [--recording FILE]");
    }
    if (runs < 1 || runs > MAX_RUNS) fail("--runs is 1 to 15");
    json_start(&out->writer, out->text, sizeof out->text);
    json_open_object(&out->writer, NULL);
    json_open_array(&out->writer, "ns_per_message");
    if (!out->json) printf("ns per message      decode      book    top 10      cold\n");
    static const uint32_t symbols[] = {100, 1000, 8000};
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        char name[32];
        tw_text_format(name, sizeof name, "%u symbols", symbols[i]);
        frames day = simulate(symbols[i], messages);
        measure_day(out, name, &day, (unsigned)runs, 1);
        free(day.bytes);
    }
    if (recording != NULL) {
        frames day = read_recording(recording);
        measure_day(out, "recording", &day, (unsigned)runs, 100);
        free(day.bytes);
    }
    json_close_array(&out->writer);
    double checksum = measure_checksum((unsigned)runs);
    json_f64(&out->writer, "checksum_ns_per_update", checksum);
    if (!out->json) printf("checksum of an update, ten levels a side: %.1f ns\n", checksum);
    measure_memory(out);
    json_close_object(&out->writer);
    json_finish(&out->writer);
    if (out->json) puts(out->text);
    free(out);
    return 0;
}
