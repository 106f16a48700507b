/* `tickwire top`: follows order books and trades and redraws a frame. The drawing itself is top_frame.c. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/market.h"
#include "base/secret.h"
#include "base/text.h"
#include "client/tickwire.h"
#include "runtime/clock.h"
#include "runtime/settings.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/server.h"
#include "tools/top_frame.h"

#define SLICE_NS       (TW_NS_PER_SECOND / 20)
#define PLAUSIBLE_NS   (3600 * TW_NS_PER_SECOND)
#define MAX_FEEDS      64
#define MAX_ROWS       1000
#define SERVERS_BYTES  256
#define FRAME_BYTES    (512u * 1024u)
#define WIDTH_OF_PLAIN 160

typedef struct top_settings {
    server_settings server;
    const char *exchange;
    int64_t every_ns;
    int64_t duration_ns;
    bool once;
    bool plain;
    uint64_t rows;
} top_settings;

#define AT(field) offsetof(top_settings, field)
static const setting table[] = {
    SERVER_ROWS(AT(server)),
    {.name = "exchange",
     .type = SETTING_TEXT,
     .offset = AT(exchange),
     .default_text = "*",
     .value_name = "MIC",
     .help = "one exchange, or * for all"},
    {.name = "every",
     .type = SETTING_DURATION,
     .offset = AT(every_ns),
     .default_text = "1s",
     .value_name = "TIME",
     .help = "time between frames",
     .minimum = TW_NS_PER_SECOND / 20,
     .maximum = 3600 * TW_NS_PER_SECOND},
    {.name = "for",
     .type = SETTING_DURATION,
     .offset = AT(duration_ns),
     .default_text = "0s",
     .value_name = "TIME",
     .help = "end after this time; 0s for no limit"},
    {.name = "once",
     .type = SETTING_FLAG,
     .offset = AT(once),
     .default_text = "false",
     .help = "one frame, then end"},
    {.name = "rows",
     .type = SETTING_COUNT,
     .offset = AT(rows),
     .default_text = "0",
     .value_name = "N",
     .help = "instruments shown; 0 for what the terminal has room for, 20 where there is none",
     .minimum = 0,
     .maximum = MAX_ROWS},
    {.name = "plain",
     .type = SETTING_FLAG,
     .offset = AT(plain),
     .default_text = "false",
     .help = "append frames without colours, as into a file"},
    SERVER_WAIT_ROW(AT(server)),
    {.name = NULL},
};

static const settings_program program = {
    .name = "tickwire top",
    .summary = "Live view: instruments by activity, best prices, last trades, latency per hop.",
    .usage = "[settings]",
    .environment = "TICKWIRE",
    .foreign = command_settings,
    .epilogue = "Examples:\n"
                "  tickwire top\n"
                "  tickwire top --exchange XNAS --for 20s --plain --every 5s\n",
    .table = table,
};

/* One instrument. Allocated at its first message, kept to the end. */
typedef struct instrument {
    char exchange[TW_MIC_BYTES];
    char symbol[TW_SYMBOL_BYTES];
    uint64_t updates, messages; /* since the last frame */
    int64_t last_price;
    uint64_t last_quantity;
    int32_t price_exponent, quantity_exponent;
    struct instrument *next; /* in its slot */
} instrument;

enum { HOP_EXCHANGE, HOP_INGEST, HOP_BUS, HOP_TOTAL, HOPS };
#define SLOTS 16384u

typedef struct top {
    top_settings settings;
    tickwire_client *client;
    instrument *slots[SLOTS];
    instrument **all;
    size_t count, capacity;
    top_feed feeds[MAX_FEEDS];
    char feed_names[MAX_FEEDS][TW_MIC_BYTES];
    size_t feed_count;
    tw_histogram hops[HOPS]; /* since the last frame */
    uint64_t updates;
    uint64_t messages_before;
    int64_t frame_ns; /* monotonic, of the last frame */
    top_row rows[MAX_ROWS];
    char *text;
    bool terminal;
    bool output_gone;
} top;

/* ---- what comes ---- */

static uint32_t slot_of(const char *exchange, const char *symbol) {
    uint32_t hash = 2166136261u;
    for (const char *p = exchange; *p != '\0'; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    for (const char *p = symbol; *p != '\0'; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    return hash % SLOTS;
}

/* NULL: no memory for another; it is not shown. */
static instrument *find_instrument(top *self, const tickwire_header *header) {
    instrument **slot = &self->slots[slot_of(header->exchange, header->symbol)];
    for (instrument *i = *slot; i != NULL; i = i->next)
        if (strcmp(i->symbol, header->symbol) == 0 && strcmp(i->exchange, header->exchange) == 0) return i;
    if (self->count == self->capacity) {
        size_t capacity = self->capacity == 0 ? 1024 : 2 * self->capacity;
        instrument **all = realloc(self->all, capacity * sizeof *all);
        if (all == NULL) return NULL;
        self->all = all;
        self->capacity = capacity;
    }
    instrument *i = calloc(1, sizeof *i);
    if (i == NULL) return NULL;
    tw_text_copy(i->exchange, sizeof i->exchange, header->exchange);
    tw_text_copy(i->symbol, sizeof i->symbol, header->symbol);
    i->last_price = TICKWIRE_PRICE_ABSENT;
    i->next = *slot;
    *slot = i;
    self->all[self->count++] = i;
    return i;
}

static void record_hop(top *self, int hop, int64_t from_ns, int64_t to_ns) {
    int64_t span_ns = to_ns - from_ns;
    if (from_ns > 0 && to_ns > 0 && span_ns >= 0 && span_ns <= PLAUSIBLE_NS)
        tw_histogram_record(&self->hops[hop], span_ns);
}

/* A recording's exchange times are of another day: then only the hops here are shown. */
static void record_hops(top *self, const tickwire_header *header) {
    if (header->snapshot) return; /* as old as its last change */
    /* A replayed file has no arrivals of its own: its receive time is the event's, and says nothing. */
    bool plausible = header->event_ns > 0 && header->receive_ns > header->event_ns &&
                     header->receive_ns - header->event_ns <= PLAUSIBLE_NS;
    if (plausible) record_hop(self, HOP_EXCHANGE, header->event_ns, header->receive_ns);
    record_hop(self, HOP_INGEST, header->receive_ns, header->publish_ns);
    record_hop(self, HOP_BUS, header->publish_ns, header->arrival_ns);
    record_hop(self, HOP_TOTAL, plausible ? header->event_ns : header->receive_ns, header->arrival_ns);
}

static instrument *note(top *self, const tickwire_header *header) {
    instrument *i = find_instrument(self, header);
    if (i == NULL) return NULL;
    i->messages++;
    i->price_exponent = header->price_exponent;
    i->quantity_exponent = header->quantity_exponent;
    return i;
}

static void on_book(void *context, const tickwire_book *book, const tickwire_change *change) {
    top *self = context;
    if (change->kind == TICKWIRE_CHANGE_STATE) { /* the frame looks the state up; it may be all there is yet */
        find_instrument(self, &book->header);
        return;
    }
    instrument *i = note(self, &book->header);
    if (i == NULL || change->kind != TICKWIRE_CHANGE_DELTA) return;
    i->updates++;
    self->updates++;
    record_hops(self, &book->header);
}

static void on_trades(void *context, const tickwire_trades *trades) {
    instrument *i = note(context, &trades->header);
    if (i == NULL) return;
    for (uint32_t p = 0; p < trades->print_count; p++) {
        if (trades->prints[p].price == TICKWIRE_PRICE_ABSENT) continue; /* a break */
        i->last_price = trades->prints[p].price;
        i->last_quantity = trades->prints[p].quantity;
    }
}

static void on_feed_status(void *context, const tickwire_feed_status *status) {
    top *self = context;
    size_t at = 0;
    while (at < self->feed_count && (self->feeds[at].partition != status->partition ||
                                     strcmp(self->feeds[at].exchange, status->exchange) != 0))
        at++;
    if (at == MAX_FEEDS) return;
    if (at == self->feed_count) {
        self->feed_count++;
        tw_text_copy(self->feed_names[at], TW_MIC_BYTES, status->exchange);
    }
    self->feeds[at] = (top_feed){
        .exchange = self->feed_names[at],
        .partition = status->partition,
        .state = status->state,
        .cause = status->cause,
        .seq = status->seq,
        .messages = status->messages,
        .lost = status->lost,
        .instruments = status->instruments,
        .instruments_not_ok = status->instruments_not_ok,
        .heard_ns = rt_clock_monotonic_ns(),
    };
}

/* ---- a frame ---- */

static int busier_first(const void *a, const void *b) {
    const instrument *x = *(instrument *const *)a, *y = *(instrument *const *)b;
    if (x->updates != y->updates) return x->updates > y->updates ? -1 : 1;
    if (x->messages != y->messages) return x->messages > y->messages ? -1 : 1;
    return strcmp(x->symbol, y->symbol);
}

static tickwire_level best(const tickwire_level *levels, uint32_t count) {
    return count > 0 ? levels[0] : (tickwire_level){.price = TICKWIRE_PRICE_ABSENT};
}

static void fill_row(top *self, const instrument *i, double seconds, top_row *row) {
    *row = (top_row){
        .exchange = i->exchange,
        .symbol = i->symbol,
        .updates = (double)i->updates / seconds,
        .messages = (double)i->messages / seconds,
        .bid = {.price = TICKWIRE_PRICE_ABSENT},
        .ask = {.price = TICKWIRE_PRICE_ABSENT},
        .last_price = i->last_price,
        .last_quantity = i->last_quantity,
        .price_exponent = i->price_exponent,
        .quantity_exponent = i->quantity_exponent,
        .state = TICKWIRE_BOOK_RECOVERING,
        .cause = "STARTING",
    };
    const tickwire_book *book = tickwire_find_book(self->client, i->exchange, i->symbol, "orderbook");
    if (book == NULL) return;
    row->bid = best(book->bids, book->bid_count);
    row->ask = best(book->asks, book->ask_count);
    row->state = book->state;
    row->cause = book->cause;
}

static void measure_terminal(const top *self, top_frame *frame) {
    struct winsize size;
    frame->width = WIDTH_OF_PLAIN;
    frame->height = 0;
    if (!self->terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return;
    frame->width = size.ws_col;
    frame->height = size.ws_row > 1 ? size.ws_row - 1u : 1u;
}

static size_t rows_wanted(const top *self, const top_frame *frame) {
    size_t rows = self->settings.rows > 0 ? self->settings.rows : frame->height > 0 ? frame->height : 20;
    if (rows > MAX_ROWS) rows = MAX_ROWS;
    return rows < self->count ? rows : self->count;
}

/* A feed that stopped telling is not what it last said. */
static void age_feeds(top *self, int64_t now_ns) {
    for (size_t i = 0; i < self->feed_count; i++) {
        if (now_ns - self->feeds[i].heard_ns <= TW_NS_PER_SECOND) continue;
        self->feeds[i].state = TICKWIRE_BOOK_STALE;
        self->feeds[i].cause = "FEED_SILENT";
    }
}

/* Home, the frame with each line cleared to its end, then everything below: no flicker. */
static void draw(top *self, const char *text) {
    if (!self->terminal) {
        self->output_gone |= fputs(text, stdout) == EOF || fputc('\n', stdout) == EOF;
    } else {
        fputs("\033[H", stdout);
        for (const char *line = text; *line != '\0';) {
            size_t length = strcspn(line, "\n");
            fwrite(line, 1, length, stdout);
            fputs("\033[K\n", stdout);
            line += length + (line[length] == '\n');
        }
        fputs("\033[J", stdout);
    }
    self->output_gone |= fflush(stdout) == EOF;
}

static void show_frame(top *self) {
    static const char *const names[HOPS] = {"exchange->kernel", "kernel->publish", "publish->here", "total"};
    char servers[SERVERS_BYTES];
    tw_secret_strip(self->settings.server.url, servers, sizeof servers);
    int64_t now_ns = rt_clock_monotonic_ns();
    double seconds = (double)(now_ns - self->frame_ns) / 1e9;
    tickwire_stats stats = tickwire_read_stats(self->client);
    top_hop hops[HOPS];
    for (size_t i = 0; i < HOPS; i++)
        hops[i] = (top_hop){names[i], &self->hops[i]};
    age_feeds(self, now_ns);
    if (seconds <= 0) seconds = 1e-3;
    top_frame frame = {
        .now_ns = rt_clock_utc_ns(),
        .url = servers,
        .messages = (double)(stats.messages - self->messages_before) / seconds,
        .updates = (double)self->updates / seconds,
        .feeds = self->feeds,
        .feed_count = self->feed_count,
        .hops = hops,
        .hop_count = HOPS,
        .rows = self->rows,
        .books = stats.books,
        .books_not_ok = stats.books_not_ok,
        .colour = self->terminal,
    };
    measure_terminal(self, &frame);
    if (self->count > 0) qsort(self->all, self->count, sizeof *self->all, busier_first);
    frame.row_count = rows_wanted(self, &frame);
    for (size_t i = 0; i < frame.row_count; i++)
        fill_row(self, self->all[i], seconds, &self->rows[i]);
    top_frame_render(&frame, self->text, FRAME_BYTES);
    draw(self, self->text);

    self->messages_before = stats.messages;
    self->updates = 0;
    self->frame_ns = now_ns;
    for (size_t i = 0; i < self->count; i++)
        self->all[i]->updates = self->all[i]->messages = 0;
    for (size_t i = 0; i < HOPS; i++)
        tw_histogram_reset(&self->hops[i]);
}

/* ---- the run ---- */

static void run(top *self) {
    int64_t start_ns = rt_clock_monotonic_ns(), due_ns = start_ns + self->settings.every_ns;
    self->frame_ns = start_ns;
    while (!self->output_gone && !interrupt_wanted()) {
        int64_t now_ns = rt_clock_monotonic_ns();
        bool over = self->settings.duration_ns > 0 && now_ns - start_ns >= self->settings.duration_ns;
        if (now_ns >= due_ns || over || (self->terminal && interrupt_resized())) {
            show_frame(self);
            while (due_ns <= now_ns)
                due_ns += self->settings.every_ns;
            if (over || self->settings.once) break;
        }
        int64_t left_ns = due_ns - now_ns;
        tickwire_run(self->client, left_ns < SLICE_NS ? left_ns : SLICE_NS);
    }
}

static bool subscribe(top *self, char *error) {
    const char *exchange = self->settings.exchange;
    const struct {
        const char *before, *after;
        tickwire_handlers handlers;
    } wanted[] = {{"", ".*.orderbook", {.on_book = on_book}},
                  {"", ".*.trade", {.on_trades = on_trades}},
                  {"feed.", ".*.status", {.on_feed_status = on_feed_status}}};
    for (size_t i = 0; i < 3; i++) {
        char subject[128];
        tw_text_format(subject, sizeof subject, "%s%s%s", wanted[i].before, exchange, wanted[i].after);
        if (tickwire_subscribe(self->client, subject, &wanted[i].handlers, self, NULL, error) != TICKWIRE_OK)
            return false;
    }
    return true;
}

static bool exchange_valid(const char *exchange) {
    if (strcmp(exchange, "*") == 0) return true;
    if (strlen(exchange) != TW_MIC_BYTES - 1) return false;
    return strspn(exchange, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == TW_MIC_BYTES - 1;
}

static int connect_and_run(top *self) {
    char error[TICKWIRE_ERROR_BYTES];
    tickwire_options options = {
        .url = self->settings.server.url,
        .name = "tickwire top",
        .credentials = server_credentials(&self->settings.server),
        .connect_ns = self->settings.server.connect_timeout_ns,
        .give_up = server_give_up,
    };
    int code = 0;
    if (tickwire_open(&self->client, &options, error) != TICKWIRE_OK || !subscribe(self, error)) {
        fprintf(stderr, "tickwire top: %s\n", error);
        code = 1;
    } else {
        /* the alternate screen, no cursor; both are given back whatever ends the run */
        if (self->terminal) fputs("\033[?1049h\033[?25l", stdout);
        run(self);
        if (self->terminal) {
            fputs("\033[?25h\033[?1049l", stdout);
            if (self->text[0] != '\0' && !self->output_gone) fputs(self->text, stdout); /* the last frame stays */
            fflush(stdout);
        }
    }
    tickwire_close(self->client);
    return code;
}

static void free_top(top *self) {
    for (size_t i = 0; i < self->count; i++)
        free(self->all[i]);
    free(self->all);
    free(self->text);
    free(self);
}

static int start(top *self) {
    if (!exchange_valid(self->settings.exchange)) {
        fprintf(stderr, "tickwire top: --exchange: \"%s\" is not a MIC of four characters, nor *\n",
                self->settings.exchange);
        return 2;
    }
    self->text = calloc(1, FRAME_BYTES);
    if (self->text == NULL) {
        fprintf(stderr, "tickwire top: no memory\n");
        return 1;
    }
    self->terminal = !self->settings.plain && !self->settings.once && isatty(STDOUT_FILENO);
    interrupt_watch();
    return connect_and_run(self);
}

int command_top(int argc, char **argv) {
    tw_error error = {0};
    settings *owner = NULL;
    size_t words = 0;
    int code = 0;
    top *self = calloc(1, sizeof *self);
    if (self == NULL) {
        fprintf(stderr, "tickwire top: no memory\n");
        return 1;
    }
    switch (settings_read(&owner, &program, argc, argv, &self->settings, NULL, 0, &words, &error)) {
    case SETTINGS_HELP:
    case SETTINGS_VERSION:
        break;
    case SETTINGS_ERROR:
        fprintf(stderr, "tickwire top: %s\nTry `tickwire top --help`.\n", error.text);
        code = 2;
        break;
    case SETTINGS_RUN:
        code = start(self);
        break;
    }
    free_top(self);
    settings_free(owner);
    return code;
}
