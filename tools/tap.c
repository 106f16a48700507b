/* `tickwire tap`: prints what passes on subjects, or keeps the books of it and says whether they held. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "client/tickwire.h"
#include "proto/subject.h"
#include "runtime/clock.h"
#include "runtime/settings.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/server.h"
#include "tools/tap_print.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define SLICE_NS      (NS_PER_SECOND / 20)
#define SETTLE_NS     (3 * NS_PER_SECOND) /* for snapshots that are on their way at the end */
#define MAX_SUBJECTS  64

typedef struct tap_settings {
    server_settings server;
    bool json;
    bool verify;
    bool print;
    uint64_t count;
    int64_t duration_ns;
} tap_settings;

#define AT(field) offsetof(tap_settings, field)
static const setting table[] = {
    SERVER_ROWS(AT(server)),
    {.name = "json",
     .type = SETTING_FLAG,
     .offset = AT(json),
     .default_text = "false",
     .help = "one JSON object per line: subject, type and every field"},
    {.name = "verify",
     .type = SETTING_FLAG,
     .offset = AT(verify),
     .default_text = "false",
     .help = "keep the books, check all chains and checksums, print a summary; fail if a fault remained or prints "
             "are lost"},
    {.name = "print",
     .type = SETTING_FLAG,
     .offset = AT(print),
     .default_text = "false",
     .help = "print messages although --verify is given"},
    {.name = "count",
     .type = SETTING_COUNT,
     .offset = AT(count),
     .default_text = "0",
     .value_name = "N",
     .help = "end after so many messages; 0 for no limit"},
    {.name = "for",
     .type = SETTING_DURATION,
     .offset = AT(duration_ns),
     .default_text = "0s",
     .value_name = "TIME",
     .help = "end after this time, such as 5s; 0s for no limit"},
    SERVER_WAIT_ROW(AT(server)),
    {.name = NULL},
};

static const settings_program program = {
    .name = "tickwire tap",
    .summary = "Prints messages as they come, or verifies them.",
    .usage = "SUBJECT... [settings]",
    .environment = "TICKWIRE",
    .foreign = command_settings,
    .epilogue = "Examples:\n"
                "  tickwire tap 'XNAS.*.trade'\n"
                "  tickwire tap XNAS.AAPL.orderbook --json --count 5\n"
                "  tickwire tap 'XNAS.>' --verify --for 10s\n",
    .table = table,
};

typedef struct tap {
    tap_settings settings;
    tickwire_client *client;
    wire_arena arena;
    char *line;
    uint64_t messages;
    uint64_t undecodable;
    bool printing;
    bool output_gone; /* the reader of our output went away */
} tap;

/* ---- messages ---- */

static bool enough(const tap *self) {
    return self->output_gone || (self->settings.count > 0 && self->messages >= self->settings.count);
}

static void on_raw(void *context, const char *subject, const uint8_t *bytes, size_t length) {
    tap *self = context;
    if (enough(self)) return; /* what was read already when the last one came */
    self->messages++;
    if (self->printing) {
        if (!tap_print(self->settings.json, &self->arena, subject, bytes, length, self->line, TAP_LINE_BYTES))
            self->undecodable++;
        if (fputs(self->line, stdout) == EOF || fputc('\n', stdout) == EOF) self->output_gone = true;
    }
    if (enough(self)) tickwire_stop(self->client);
}

/* With a handler for each type the library decodes and checks everything. */
static void on_book(void *context, const tickwire_book *book, const tickwire_change *change) {
    (void)context, (void)book, (void)change;
}
static void on_quote(void *context, const tickwire_quote *quote) {
    (void)context, (void)quote;
}
static void on_trades(void *context, const tickwire_trades *trades) {
    (void)context, (void)trades;
}
static void on_status(void *context, const tickwire_instrument_status *status) {
    (void)context, (void)status;
}
static void on_imbalance(void *context, const tickwire_imbalance *imbalance) {
    (void)context, (void)imbalance;
}
static void on_fault(void *context, const tickwire_fault *fault) {
    (void)context;
    if (fault->kind == TICKWIRE_FAULT_OLD_TERM) return; /* dealt with; the summary counts them */
    fprintf(stderr, "tickwire tap: %s%s%s\n", fault->subject, fault->subject[0] != '\0' ? ": " : "", fault->text);
}

/* Of what is not verified: why nothing comes. */
static void on_refused(void *context, const tickwire_fault *fault) {
    if (fault->kind == TICKWIRE_FAULT_REFUSED) on_fault(context, fault);
}

static bool subscribe(tap *self, const char *const *subjects, size_t count, char *error) {
    tickwire_handlers handlers = {.on_raw = on_raw, .on_fault = on_refused};
    if (self->settings.verify) {
        handlers = (tickwire_handlers){.on_raw = on_raw,
                                       .on_book = on_book,
                                       .on_quote = on_quote,
                                       .on_trades = on_trades,
                                       .on_status = on_status,
                                       .on_imbalance = on_imbalance,
                                       .on_fault = on_fault};
    }
    for (size_t i = 0; i < count; i++)
        if (tickwire_subscribe(self->client, subjects[i], &handlers, self, NULL, error) != TICKWIRE_OK)
            return false;
    return true;
}

/* ---- the end ---- */

/* A book heals by a snapshot; a print or an order event that did not come never will. */
static bool lost_events(const tickwire_stats *s) {
    return s->missed_prints > 0 || s->missed_events > 0;
}

static bool verified(const tickwire_stats *s) {
    return s->messages > 0 && s->checksum_faults == 0 && s->malformed == 0 && s->books_not_synced == 0 &&
           s->books_silent == 0 && !lost_events(s);
}

static const char *verdict(const tickwire_stats *s) {
    if (verified(s)) return "OK";
    if (s->messages == 0) return "NOTHING RECEIVED";
    if (s->books_silent > 0) return "THE FEED FELL SILENT";
    bool books_hold = s->checksum_faults == 0 && s->malformed == 0 && s->books_not_synced == 0;
    if (!books_hold) return "FAULTS REMAIN";
    return s->missed_prints > 0 ? "PRINTS ARE LOST" : "ORDER EVENTS ARE LOST";
}

static void print_summary_line(const tickwire_stats *s) {
    printf("verified: %llu messages, %llu book updates, %u books, %llu chain faults, %llu checksum faults, "
           "%llu resyncs, %u books out of sync",
           (unsigned long long)s->messages, (unsigned long long)s->updates, s->books,
           (unsigned long long)s->chain_faults, (unsigned long long)s->checksum_faults,
           (unsigned long long)s->resyncs, s->books_not_synced);
    if (s->books_not_ok > 0) printf(", %u books not to be trusted (RECOVERING or STALE)", s->books_not_ok);
    if (s->malformed > 0) printf(", %llu malformed", (unsigned long long)s->malformed);
    if (s->missed_prints > 0) printf(", at least %llu prints lost", (unsigned long long)s->missed_prints);
    if (s->missed_events > 0) printf(", order events lost %llu times", (unsigned long long)s->missed_events);
    if (s->state_breaks > 0)
        printf(", %llu breaks of quotes, statuses or imbalances (each replaced by the next)",
               (unsigned long long)s->state_breaks);
    if (s->takeovers > 0) printf(", %llu takeovers", (unsigned long long)s->takeovers);
    if (s->reconnects > 0) printf(", %llu times away from the bus", (unsigned long long)s->reconnects);
    if (s->old_terms > 0) printf(", %llu of deposed leaders", (unsigned long long)s->old_terms);
    printf(": %s\n", verdict(s));
}

static void print_summary_json(const tickwire_stats *s) {
    char line[1024];
    json_writer w;
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    json_string(&w, "verified", verdict(s));
    json_bool(&w, "ok", verified(s));
    json_u64(&w, "messages", s->messages);
    json_u64(&w, "bytes", s->bytes);
    json_u64(&w, "book_updates", s->updates);
    json_u64(&w, "books", s->books);
    json_u64(&w, "chain_faults", s->chain_faults);
    json_u64(&w, "checksum_faults", s->checksum_faults);
    json_u64(&w, "malformed", s->malformed);
    json_u64(&w, "old_terms", s->old_terms);
    json_u64(&w, "duplicates", s->duplicates);
    json_u64(&w, "missed_prints", s->missed_prints);
    json_u64(&w, "missed_events", s->missed_events);
    json_u64(&w, "state_breaks", s->state_breaks);
    json_u64(&w, "takeovers", s->takeovers);
    json_u64(&w, "reconnects", s->reconnects);
    json_u64(&w, "snapshots_requested", s->snapshots_requested);
    json_u64(&w, "snapshots_applied", s->snapshots_applied);
    json_u64(&w, "resyncs", s->resyncs);
    json_u64(&w, "books_out_of_sync", s->books_not_synced);
    json_u64(&w, "books_not_ok", s->books_not_ok);
    json_close_object(&w);
    json_finish(&w);
    printf("%s\n", line);
}

static void run(tap *self) {
    int64_t end_ns = rt_clock_monotonic_ns() + self->settings.duration_ns;
    while (!enough(self) && !interrupt_wanted()) {
        int64_t left_ns = SLICE_NS;
        if (self->settings.duration_ns > 0) {
            left_ns = end_ns - rt_clock_monotonic_ns();
            if (left_ns <= 0) break;
        }
        tickwire_run(self->client, left_ns < SLICE_NS ? left_ns : SLICE_NS);
        if (fflush(stdout) == EOF) self->output_gone = true;
    }
}

/* A book may be waiting for a snapshot at the moment of the end: it is given the time to come. */
static void settle(tap *self) {
    int64_t end_ns = rt_clock_monotonic_ns() + SETTLE_NS;
    while (tickwire_read_stats(self->client).books_not_synced > 0 && rt_clock_monotonic_ns() < end_ns)
        tickwire_run(self->client, SLICE_NS);
}

static int finish(tap *self) {
    if (self->settings.verify) {
        settle(self);
        tickwire_stats stats = tickwire_read_stats(self->client);
        if (self->settings.json)
            print_summary_json(&stats);
        else
            print_summary_line(&stats);
        fflush(stdout);
        return verified(&stats) ? 0 : 1;
    }
    return self->undecodable > 0 ? 1 : 0;
}

static int connect_and_run(tap *self, const char *const *subjects, size_t count) {
    char error[TICKWIRE_ERROR_BYTES];
    int code = 1;
    tickwire_options options = {
        .url = self->settings.server.url,
        .name = "tickwire tap",
        .credentials = server_credentials(&self->settings.server),
        .connect_ns = self->settings.server.connect_timeout_ns,
        .give_up = server_give_up,
    };
    tickwire_status status = tickwire_open(&self->client, &options, error);
    if (status != TICKWIRE_OK || !subscribe(self, subjects, count, error)) {
        fprintf(stderr, "tickwire tap: %s\n", error);
        code = status == TICKWIRE_OK ? 2 : 1;
    } else {
        run(self);
        code = finish(self);
    }
    tickwire_close(self->client);
    return code;
}

int command_tap(int argc, char **argv) {
    tap self = {0};
    tw_error error = {0};
    settings *owner = NULL;
    const char *subjects[MAX_SUBJECTS];
    size_t count = 0;
    int code = 2;
    settings_outcome outcome =
        settings_read(&owner, &program, argc, argv, &self.settings, subjects, MAX_SUBJECTS, &count, &error);
    if (outcome == SETTINGS_HELP || outcome == SETTINGS_VERSION) {
        settings_free(owner);
        return 0;
    }
    if (outcome == SETTINGS_RUN && count == 0) tw_error_set(&error, TW_INVALID, "name a subject, such as 'XNAS.>'");
    for (size_t i = 0; outcome == SETTINGS_RUN && i < count; i++)
        if (!subject_is_pattern(subjects[i]))
            tw_error_set(&error, TW_INVALID, "'%s' is no subject: words between dots, such as 'XNAS.AAPL.>'",
                         subjects[i]);
    if (error.code != TW_OK) {
        fprintf(stderr, "tickwire tap: %s\nTry `tickwire tap --help`.\n", error.text);
        settings_free(owner);
        return code;
    }
    interrupt_watch();
    self.printing = !self.settings.verify || self.settings.print;
    self.line = malloc(TAP_LINE_BYTES);
    if (self.line == NULL || !wire_arena_init(&self.arena, 4u << 20))
        fprintf(stderr, "tickwire tap: no memory\n");
    else
        code = connect_and_run(&self, subjects, count);
    wire_arena_fini(&self.arena);
    free(self.line);
    settings_free(owner);
    return code;
}
