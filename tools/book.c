/*
 * tickwire book: one instrument's book out of a recording, without a network.
 *
 * Reading (files, captures, LOBSTER pairs) and meaning (ingest/market) are the ingest stages'; here they are put
 * together for one symbol, and what they find is told once at the end.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/text.h"
#include "ingest/day/file_date.h"
#include "ingest/framing/binaryfile.h"
#include "ingest/line/lobster_feed.h"
#include "ingest/line/mold_line.h"
#include "ingest/market/itch50_feed.h"
#include "ingest/market/market.h"
#include "ingest/source/file_source.h"
#include "ingest/source/location.h"
#include "ingest/source/pcap_source.h"
#include "runtime/settings.h"
#include "runtime/time_zone.h"
#include "tools/book_view.h"
#include "tools/command.h"

#define EXIT_NO_SYMBOL 1
#define EXIT_USAGE     2
#define EXIT_DAMAGED   3

#define ZONE            "America/New_York"
#define MAX_ORDERS      (1u << 20) /* of one instrument, live at once */
#define MAX_LEVELS      (1u << 18)
#define MAX_NAMES       65536u /* symbols remembered for "did you mean" */
#define CHUNK_BYTES     (1u << 20)
#define BATCH           1024u
#define NEAR_DISTANCE   3u /* letters that a near match may differ by, less one */
#define NEAR_MATCHES    3u
#define HOLD_PACKETS    1024u
#define HOLD_BYTES      9216u
#define REORDER_NS      INT64_C(100000000) /* a capture merges lines: this late is not lost yet */
#define GAP_DEADLINE_NS INT64_C(1000000000)

typedef struct book_settings {
    const char *feed, *source, *symbol, *session_date;
    uint64_t depth;
    bool every, json;
} book_settings;

#define AT(field) offsetof(book_settings, field)
static const setting table[] = {
    {.name = "feed",
     .type = SETTING_CHOICE,
     .offset = AT(feed),
     .default_text = "itch50",
     .value_name = "FEED",
     .help = "what the recording holds",
     .choices = "itch50|lobster"},
    {.name = "source",
     .type = SETTING_TEXT,
     .offset = AT(source),
     .value_name = "WHERE",
     .help = "file:PATH (BinaryFILE, or a LOBSTER message file; plain, gzip or zstd) or pcap:PATH (MoldUDP64)"},
    {.name = "symbol",
     .type = SETTING_TEXT,
     .offset = AT(symbol),
     .default_text = "",
     .value_name = "X",
     .help = "the instrument; for lobster by default the file name's"},
    {.name = "depth",
     .type = SETTING_COUNT,
     .offset = AT(depth),
     .default_text = "10",
     .value_name = "N",
     .help = "levels a side",
     .minimum = 1,
     .maximum = TW_MAX_DEPTH},
    {.name = "every",
     .type = SETTING_FLAG,
     .offset = AT(every),
     .default_text = "false",
     .help = "a line for each change of the levels shown, not only the final state"},
    {.name = "json", .type = SETTING_FLAG, .offset = AT(json), .default_text = "false", .help = "JSON lines"},
    {.name = "session-date",
     .type = SETTING_TEXT,
     .offset = AT(session_date),
     .default_text = "",
     .value_name = "YYYY-MM-DD",
     .help = "the trading day; by default the date in the file's name"},
    {.name = NULL},
};

static const settings_program program = {
    .name = "tickwire book",
    .summary = "Builds an instrument's order book from a recording and prints it.",
    .usage = "--source WHERE --symbol X [settings]",
    .environment = "TICKWIRE_BOOK",
    .epilogue = "Examples:\n"
                "  tickwire book --source file:01302019.NASDAQ_ITCH50.gz --symbol AAPL --depth 5\n"
                "  tickwire book --feed lobster --source file:AMZN_2012-06-21_34200000_57600000_message_5.csv "
                "--every --json\n"
                "Exit codes: 0 good, 1 the symbol never appears or the source cannot be opened, 2 usage,\n"
                "3 the recording is damaged (what was readable is printed).\n",
    .table = table,
};

typedef struct run {
    book_settings settings;
    location where;
    int64_t midnight_ns;
    market *market;
    itch50_feed itch50;
    lobster_feed *lobster;
    instruments names; /* seen while the symbol was not: for near matches */
    book_view view;
    bool touched;      /* the book changed during the message at work */
    uint64_t messages; /* of the recording */
    uint64_t changes;  /* of what is shown */
    uint64_t faults;   /* messages and packets that could not be read */
    uint64_t lost, duplicates, sessions;
    bool mid_session, unsequenced;
    uint64_t chunk_offset; /* in the unpacked file, of chunk[0]; BinaryFILE only */
    const uint8_t *chunk;
    char damage[TW_ERROR_TEXT_BYTES]; /* the first damage, "" if there is none */
} run;

static const char *shown_symbol(const run *self) {
    return self->lobster != NULL ? lobster_feed_symbol(self->lobster) : self->settings.symbol;
}

static uint32_t instrument_of(const run *self) {
    return instruments_find(market_instruments(self->market), shown_symbol(self));
}

static void damage(run *self, const char *text) {
    if (self->damage[0] == '\0') tw_text_copy(self->damage, sizeof self->damage, text);
}

/* ---- what the market tells: only that the book changed ---- */

static void on_book(void *context, uint32_t instrument, tw_sides sides, uint32_t rank, const tw_stamp *stamp) {
    (void)instrument, (void)sides, (void)stamp;
    run *self = context;
    if (rank < self->view.depth) self->touched = true;
}

/* After each source message. */
static void on_applied(void *context, const tw_stamp *stamp) {
    run *self = context;
    if (!self->touched) return;
    self->touched = false;
    if (!book_view_update(&self->view, market_books(self->market), instrument_of(self), stamp)) return;
    self->changes++;
    if (!self->settings.every) return;
    if (self->settings.json)
        book_view_print_json(&self->view, stdout);
    else
        book_view_print_line(&self->view, stdout);
}

/* ---- ITCH messages, from files and captures ---- */

static const char *itch50_result_words(itch50_result why) {
    return why == ITCH50_WRONG_LENGTH ? "of another length than its type's" : "with a field out of range";
}

static void on_malformed(void *context, itch50_result why, const feed_message *message) {
    run *self = context;
    self->faults++;
    char text[256], where[64] = "";
    if (self->chunk != NULL)
        tw_text_format(where, sizeof where, " at offset %" PRIu64,
                       self->chunk_offset + (uint64_t)(message->bytes - self->chunk));
    tw_text_format(text, sizeof text, "message %" PRIu64 "%s (type 0x%02x, %u bytes) is %s", message->seq, where,
                   message->length > 0 ? message->bytes[0] : 0, (unsigned)message->length,
                   itch50_result_words(why));
    damage(self, text);
}

/* Until the symbol is seen, all names are noted: its absence should be told with the nearest ones. */
static void note_names(run *self, const feed_message *messages, size_t count) {
    if (market_instruments(self->market)->count > 0) return;
    for (size_t i = 0; i < count; i++) {
        itch50_message message;
        if (itch50_decode(messages[i].bytes, messages[i].length, &message) != ITCH50_OK) continue;
        const char *stock = itch50_stock(&message);
        bool added;
        if (stock != NULL && stock[0] != '\0') instruments_take(&self->names, stock, ITCH50_PRICE_EXPONENT, &added);
    }
}

static void apply_messages(void *context, const feed_message *messages, size_t count) {
    run *self = context;
    note_names(self, messages, count);
    itch50_feed_apply(&self->itch50, messages, count);
    self->messages += count;
}

/* ---- BinaryFILE ---- */

typedef struct chunk_reader {
    file_source *source;
    uint8_t *bytes;
    size_t from, to;
    bool ended;
} chunk_reader;

/* More bytes behind those not yet used. False at the end, damaged or not. */
static bool chunk_refill(run *self, chunk_reader *chunk) {
    if (chunk->ended) return false;
    memmove(chunk->bytes, chunk->bytes + chunk->from, chunk->to - chunk->from);
    self->chunk_offset += chunk->from;
    chunk->to -= chunk->from;
    chunk->from = 0;
    size_t count = 0;
    tw_error error = {0};
    if (file_source_read(chunk->source, chunk->bytes + chunk->to, CHUNK_BYTES - chunk->to, &count, &error) !=
        TW_OK) {
        damage(self, error.text);
        chunk->ended = true;
    }
    if (count == 0) chunk->ended = true;
    chunk->to += count;
    return count > 0;
}

static void frame_cut(run *self, const chunk_reader *chunk) {
    char text[160];
    if (chunk->to == chunk->from) return;
    tw_text_format(text, sizeof text,
                   "the file ends inside a frame at offset %" PRIu64 " (%zu bytes of it are there)",
                   self->chunk_offset + chunk->from, chunk->to - chunk->from);
    damage(self, text);
}

/* The messages that the chunk holds, at most a batch. *end: the end mark. */
static size_t chunk_messages(run *self, chunk_reader *chunk, feed_message batch[BATCH], bool *end) {
    size_t count = 0;
    while (count < BATCH) {
        const uint8_t *message;
        uint16_t length;
        size_t consumed;
        binaryfile_result result =
            binaryfile_next(chunk->bytes + chunk->from, chunk->to - chunk->from, &message, &length, &consumed);
        if (result == BINARYFILE_NEED_MORE) break;
        chunk->from += consumed;
        if (result == BINARYFILE_END) {
            *end = true;
            break;
        }
        batch[count] = (feed_message){message, length, self->messages + count + 1, TW_TIME_ABSENT};
        count++;
    }
    return count;
}

static tw_code read_binaryfile(run *self, tw_error *error) {
    chunk_reader chunk = {0};
    tw_code code = file_source_open(&chunk.source, self->where.path, error);
    if (code != TW_OK) return code;
    chunk.bytes = malloc(CHUNK_BYTES);
    if (chunk.bytes == NULL) {
        file_source_close(chunk.source);
        return tw_error_set(error, TW_NO_MEMORY, "no memory to read the recording");
    }
    self->chunk = chunk.bytes;
    feed_message batch[BATCH];
    for (bool end = false; !end;) {
        size_t count = chunk_messages(self, &chunk, batch, &end);
        if (count > 0) apply_messages(self, batch, count);
        if (end || count == BATCH || chunk_refill(self, &chunk)) continue;
        frame_cut(self, &chunk);
        break;
    }
    self->chunk = NULL;
    free(chunk.bytes);
    file_source_close(chunk.source);
    return TW_OK;
}

/* ---- captures ---- */

static void on_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    (void)receive_ns;
    run *self = context;
    if (self->sessions++ > 0) {
        fprintf(stderr, "tickwire book: session '%s' begins: the books start afresh\n", session);
        market_start_day(self->market);
        itch50_feed_start_day(&self->itch50, self->midnight_ns);
    }
    if (first > 1) {
        self->mid_session = true;
        market_set_incomplete(self->market);
    }
}

static void on_lost(void *context, uint64_t from, uint64_t count) {
    run *self = context;
    fprintf(stderr, "tickwire book: messages %" PRIu64 " to %" PRIu64 " are missing\n", from, from + count - 1);
    self->lost += count;
    market_set_incomplete(self->market);
}

static void on_bad_packet(void *context, moldudp64_result why, size_t offset, size_t length) {
    run *self = context;
    self->faults++;
    char text[200];
    tw_text_format(text, sizeof text, "a packet of %zu bytes is not MoldUDP64: %s at offset %zu of it", length,
                   moldudp64_result_text(why), offset);
    damage(self, text);
}

static tw_code line_make(run *self, mold_line **line, tw_error *error) {
    const mold_line_options options = {.gap = {.reorder_window_ns = REORDER_NS,
                                               .deadline_ns = GAP_DEADLINE_NS,
                                               .hold_packets = HOLD_PACKETS,
                                               .hold_packet_bytes = HOLD_BYTES},
                                       .number_unsequenced = true};
    const mold_line_listener listener = {self, on_session, apply_messages, on_lost, on_bad_packet};
    return mold_line_alloc(line, &options, &listener, error);
}

static tw_code read_capture(run *self, tw_error *error) {
    pcap_source *source = NULL;
    mold_line *line = NULL;
    tw_code code = pcap_source_open(&source, &self->where, error);
    if (code == TW_OK) code = line_make(self, &line, error);
    pcap_packet packet;
    for (bool more = true; code == TW_OK && more;) {
        tw_error fault = {0};
        if (pcap_source_next(source, &packet, &more, &fault) != TW_OK) {
            damage(self, fault.text);
            break;
        }
        if (more) mold_line_packet(line, packet.payload, packet.length, packet.receive_ns, packet.receive_ns);
    }
    if (code == TW_OK) {
        mold_line_finish(line);
        mold_line_status status = mold_line_read_status(line);
        self->duplicates = status.gap.duplicates;
        self->unsequenced = status.unsequenced;
    }
    mold_line_free(line);
    pcap_source_close(source);
    return code;
}

/* ---- LOBSTER ---- */

/* The file's name tells the symbol; where it does not, the person's word is taken. */
static tw_code lobster_open(run *self, tw_error *error) {
    const char *symbol = self->settings.symbol;
    lobster_feed_options options = {.on_applied = on_applied, .context = self};
    tw_code code = lobster_feed_alloc(&self->lobster, self->market, self->where.path, &options, error);
    if (code == TW_INVALID && symbol[0] != '\0') {
        options.symbol = symbol;
        *error = (tw_error){0};
        code = lobster_feed_alloc(&self->lobster, self->market, self->where.path, &options, error);
    }
    if (code != TW_OK) return code;
    if (symbol[0] != '\0' && strcmp(symbol, lobster_feed_symbol(self->lobster)) != 0)
        return tw_error_set(error, TW_NOT_FOUND, "%s never appears: the day is of %s", symbol,
                            lobster_feed_symbol(self->lobster));
    return TW_OK;
}

static tw_code read_lobster(run *self, tw_error *error) {
    tw_code code = lobster_open(self, error);
    if (code != TW_OK) return code;
    lobster_feed_start_day(self->lobster, self->midnight_ns);
    if (!lobster_feed_has_books(self->lobster))
        fprintf(stderr, "tickwire book: no order book file beside it: the book starts empty\n");
    for (;;) {
        int64_t event_ns;
        tw_error fault = {0};
        lobster_feed_row row = lobster_feed_peek(self->lobster, &event_ns, &fault);
        if (row == LOBSTER_FEED_DAMAGED) damage(self, fault.text);
        if (row != LOBSTER_FEED_ROW) return TW_OK;
        lobster_feed_step(self->lobster);
        self->messages++;
    }
}

/* ---- putting it together ---- */

static tw_code midnight_find(run *self, tw_error *error) {
    tw_date date;
    const char *text = self->settings.session_date;
    if (text[0] != '\0' && !tw_date_parse(text, &date))
        return tw_error_set(error, TW_INVALID, "--session-date '%s' is not a date as YYYY-MM-DD", text);
    if (text[0] == '\0' && !file_date(self->where.path, &date)) {
        fprintf(stderr, "tickwire book: no --session-date and no date in the file's name: times count from "
                        "midnight\n");
        self->midnight_ns = 0;
        return TW_OK;
    }
    time_zone *zone;
    tw_code code = time_zone_open(&zone, ZONE, error);
    if (code != TW_OK) return code;
    bool found = time_zone_midnight(zone, date, &self->midnight_ns);
    time_zone_close(zone);
    if (found) return TW_OK;
    return tw_error_set(error, TW_INVALID, "--session-date %s: its times do not fit nanoseconds in 64 bits", text);
}

static tw_code check(run *self, tw_error *error) {
    const book_settings *s = &self->settings;
    if (location_parse(s->source, &self->where, error) != TW_OK) return tw_error_wrap(error, "--source");
    if (self->where.kind == LOCATION_UDP || self->where.kind == LOCATION_SOUP)
        return tw_error_set(error, TW_INVALID, "--source: a recording is read, file:PATH or pcap:PATH");
    bool lobster = strcmp(s->feed, "lobster") == 0;
    if (lobster && self->where.kind != LOCATION_FILE)
        return tw_error_set(error, TW_INVALID, "--source: a LOBSTER day is a file, file:PATH");
    if (!lobster && s->symbol[0] == '\0') return tw_error_set(error, TW_INVALID, "--symbol is needed");
    return midnight_find(self, error);
}

static tw_code prepare(run *self, tw_error *error) {
    const market_listener listener = {.context = self, .on_book = on_book};
    const market_limits limits = {.max_instruments = 1, .max_orders = MAX_ORDERS, .max_levels = MAX_LEVELS};
    const itch50_feed_options options = {.prefetch = true,
                                         .only = self->settings.symbol,
                                         .on_applied = on_applied,
                                         .on_malformed = on_malformed,
                                         .context = self};
    book_view_init(&self->view, (uint32_t)self->settings.depth, ITCH50_PRICE_EXPONENT);
    tw_code code = instruments_init(&self->names, MAX_NAMES, error);
    if (code != TW_OK) return code;
    code = market_alloc(&self->market, &limits, &listener, error);
    if (code != TW_OK) return code;
    market_start_day(self->market);
    itch50_feed_init(&self->itch50, self->market, &options);
    itch50_feed_start_day(&self->itch50, self->midnight_ns);
    return TW_OK;
}

/* The names nearest to the one that was not found, nearest first; none if all differ by much. */
static void tell_absent(const run *self) {
    const char *symbol = shown_symbol(self);
    fprintf(stderr, "tickwire book: %s never appears in %s", symbol, self->settings.source);
    uint32_t told = 0;
    for (size_t distance = 0; distance < NEAR_DISTANCE && told < NEAR_MATCHES; distance++)
        for (uint32_t i = 0; i < self->names.count && told < NEAR_MATCHES; i++) {
            const char *name = self->names.entries[i].symbol;
            if (tw_text_distance(symbol, name, NEAR_DISTANCE) != distance) continue;
            fprintf(stderr, "%s%s", told == 0 ? "; did you mean " : ", ", name);
            told++;
        }
    if (told == 0 && self->names.count > 0)
        fprintf(stderr, "; it has %" PRIu32 " symbols, %s the first", self->names.count,
                self->names.entries[0].symbol);
    fputs("\n", stderr);
}

/* One line of what a reader of the book should know. */
static void tell_summary(const run *self) {
    market_stats stats = market_read_stats(self->market);
    fprintf(stderr, "tickwire book: %" PRIu64 " messages read, %" PRIu64 " changes shown", self->messages,
            self->changes);
    const struct {
        const char *what;
        uint64_t count;
    } notes[] = {{"orders that were never seen", stats.unknown_orders},
                 {"contradictions", stats.inconsistent},
                 {"rows that contradict their order book row",
                  self->lobster == NULL ? 0 : lobster_feed_inconsistent(self->lobster)},
                 {"messages or packets that could not be read", self->faults},
                 {"messages of unknown types", self->itch50.unknown_types},
                 {"messages missing", self->lost},
                 {"duplicates", self->duplicates}};
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        if (notes[i].count > 0) fprintf(stderr, ", %s: %" PRIu64, notes[i].what, notes[i].count);
    if (self->mid_session) fputs(", the recording begins in the middle of a session", stderr);
    if (self->unsequenced) fputs(", warning: sequence numbers were removed, loss cannot be seen", stderr);
    if (stats.books_given_up > 0) fputs(", the book outgrew its memory and was given up", stderr);
    fputs("\n", stderr);
}

static void print_final(run *self) {
    const char *symbol = shown_symbol(self);
    if (self->changes == 0) { /* known, but nothing ever rested */
        tw_stamp last = self->lobster != NULL ? lobster_feed_last(self->lobster) : self->itch50.last;
        self->view.seq = last.seq;
        self->view.event_ns = last.event_ns;
    }
    if (self->settings.every) return; /* the last line is the final state */
    if (self->settings.json)
        book_view_print_json(&self->view, stdout);
    else
        book_view_print_ladder(&self->view, symbol, stdout);
}

static tw_code read_recording(run *self, tw_error *error) {
    if (strcmp(self->settings.feed, "lobster") == 0) return read_lobster(self, error);
    return self->where.kind == LOCATION_PCAP ? read_capture(self, error) : read_binaryfile(self, error);
}

static int finish(run *self) {
    int result = 0;
    if (instrument_of(self) == INSTRUMENT_NONE) {
        tell_absent(self);
        result = EXIT_NO_SYMBOL;
    } else {
        print_final(self);
    }
    tell_summary(self);
    if (self->damage[0] != '\0') {
        fprintf(stderr, "tickwire book: damaged recording: %s\n", self->damage);
        result = EXIT_DAMAGED;
    }
    if (market_read_stats(self->market).books_given_up > 0) result = EXIT_DAMAGED;
    if (fflush(stdout) != 0) result = EXIT_NO_SYMBOL;
    return result;
}

static int book(run *self, tw_error *error) {
    if (check(self, error) != TW_OK) return EXIT_USAGE;
    if (prepare(self, error) != TW_OK) return EXIT_NO_SYMBOL;
    tw_code code = read_recording(self, error);
    if (code == TW_OK) return finish(self);
    tw_error_wrap(error, "reading %s", self->settings.source);
    return code == TW_MALFORMED || code == TW_TRUNCATED ? EXIT_DAMAGED : EXIT_NO_SYMBOL;
}

int command_book(int argc, char **argv) {
    run *self = calloc(1, sizeof *self);
    if (self == NULL) return EXIT_NO_SYMBOL;
    tw_error error = {0};
    settings *owner = NULL;
    size_t words = 0;
    int result = 0;
    switch (settings_read(&owner, &program, argc, argv, &self->settings, NULL, 0, &words, &error)) {
    case SETTINGS_HELP:
    case SETTINGS_VERSION:
        break;
    case SETTINGS_ERROR:
        result = EXIT_USAGE;
        break;
    case SETTINGS_RUN:
        result = book(self, &error);
        break;
    }
    if (error.code != TW_OK) fprintf(stderr, "tickwire book: %s\n", error.text);
    lobster_feed_free(self->lobster);
    market_free(self->market);
    if (self->names.entries != NULL) instruments_fini(&self->names);
    free(self);
    settings_free(owner);
    return result;
}
