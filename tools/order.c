/* `tickwire order`: one command of an account to the venue, and what becomes of it. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "matcher/core/report.h"
#include "runtime/bus_writer.h"
#include "runtime/clock.h"
#include "runtime/settings.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/venue/ask.h"
#include "tools/venue/name.h"
#include "tools/venue/report.h"
#include "tools/venue/ticket.h"

#define EXIT_REFUSED   1
#define EXIT_USAGE     2
#define EXIT_NOT_KNOWN 3
#define MAX_WORDS      8
#define BATCH_BYTES    8192
#define MAX_HELD       256u

typedef struct order_settings {
    venue_link_settings link;
    ticket_options options;
    int64_t follow_ns;
    uint64_t attempts;
} order_settings;

#define AT(field) offsetof(order_settings, field)
#define TEXT_ROW(name_, field_, value_, help_)                                                                     \
    {                                                                                                              \
        .name = (name_), .type = SETTING_TEXT, .offset = AT(options.field_), .default_text = "",                   \
        .value_name = (value_), .help = (help_)                                                                    \
    }
static const setting table[] = {
    VENUE_LINK_ROWS(order_settings),
    TEXT_ROW("account", account, "NAME", "whose order it is"),
    TEXT_ROW("type", type, "TYPE", "limit, market, stop or stop-limit; by itself what price and --stop make it"),
    TEXT_ROW("tif", tif, "TIF", "gtc, day (the default), gtd, ioc (a market order's) or fok"),
    TEXT_ROW("stop", stop, "PRICE", "waits until the market trades there"),
    TEXT_ROW("display", display, "QUANTITY", "shows so much at a time"),
    TEXT_ROW("minimum", minimum, "QUANTITY", "executed at once, or nothing"),
    TEXT_ROW("expire", expire, "TIME", "good until 17:30 (UTC, today) or 2026-11-21T17:30:00Z"),
    TEXT_ROW("stp", stp, "MODE", "own orders don't trade: none, newest (the default), oldest, both, decrement"),
    TEXT_ROW("client-id", client_id, "ID", "your name for the order, once a day; made up if not given"),
    {.name = "post-only",
     .type = SETTING_FLAG,
     .offset = AT(options.post_only),
     .default_text = "false",
     .help = "refused if it would trade at once"},
    {.name = "open-only",
     .type = SETTING_FLAG,
     .offset = AT(options.open_only),
     .default_text = "false",
     .help = "replace: the quantity is what shall still be executed"},
    {.name = "for",
     .type = SETTING_DURATION,
     .offset = AT(follow_ns),
     .default_text = "0s",
     .value_name = "TIME",
     .help = "go on showing what becomes of it, until it has ended"},
    {.name = "attempts",
     .type = SETTING_COUNT,
     .offset = AT(attempts),
     .default_text = "3",
     .value_name = "N",
     .help = "send so many times at most if no acknowledgement comes",
     .minimum = 1,
     .maximum = 100},
    {.name = NULL},
};

static const settings_program program = {
    .name = "tickwire order",
    .summary = "Sends an order to the venue, or cancels or replaces one, and shows what becomes of it.",
    .usage = "buy|sell SYMBOL QUANTITY [@ PRICE] | cancel ID | replace ID [QUANTITY] [@ PRICE] [settings]",
    .environment = "TICKWIRE",
    .foreign = command_settings,
    .epilogue = "Examples:\n"
                "  tickwire order buy TWEX.AAPL 100 @ 187.20 --account ann\n"
                "  tickwire order sell TWEX.AAPL 50 --account ann            at the market\n"
                "  tickwire order sell TWEX.AAPL 50 @ 180 --stop 181 --tif gtc --account ann\n"
                "  tickwire order replace 1-123-0 200 @ 187.10 --account ann\n"
                "  tickwire order cancel 1-123-0 --account ann\n"
                "Exit: 0 taken, 1 refused, 2 not understood, 3 not known.\n",
    .table = table,
};

typedef struct held_report {
    wire_report report;
    wire_named_instrument instrument;
    char exchange[TW_MIC_BYTES];
    uint32_t shard;
} held_report;

typedef struct run {
    order_settings settings;
    venue_link link;
    ticket ticket;
    venue_shards shards;
    venue_directory directory;
    wire_order_command command;
    uint32_t shard;
    bus_writer *writer;
    char subject[SUBJECT_BYTES]; /* of the last write */
    bool answered;               /* the last write has a result */
    bus_write_result result;     /* which is this */
    uint64_t order_id;           /* what this is about, once known */
    bool stored, repeated;       /* sent more than once: which of them became the order is told by the report */
    held_report held[MAX_HELD];  /* reports that were faster than the acknowledgement */
    uint32_t held_count;
    bool heard, ended, refused;
} run;

/* ---- reports ---- */

static bool is_mine(const run *self, const wire_report *r) {
    if (r->correlation_id[0] != '\0' && strcmp(r->correlation_id, self->command.correlation_id) == 0) return true;
    if (self->order_id != 0 && r->order_id == self->order_id) return true;
    bool named = self->command.client_order_id[0] != '\0';
    return named && strcmp(r->client_order_id, self->command.client_order_id) == 0;
}

/* The engine answers for a client id that was used before with the order that has it: is that what is asked for now? */
static bool is_another(const run *self, const venue_report_frame *frame, const wire_report *r) {
    const wire_order_command *c = &self->command;
    if (c->kind != WIRE_NEW_ORDER || !r->duplicate || r->kind == MX_REJECTED) return false;
    if (frame->instrument != NULL && strcmp(frame->instrument->symbol, c->symbol) != 0) return true;
    return r->side != c->side || r->quantity != c->quantity ||
           (c->price != TW_PRICE_ABSENT && r->price != c->price);
}

static void tell_another(run *self) {
    char shown[WIRE_CLIENT_ID_BYTES];
    self->refused = self->ended = true;
    venue_text_printable(shown, sizeof shown, self->command.client_order_id);
    fprintf(stderr,
            "tickwire order: the client id %s was used before, for the order above, which is not the one asked for "
            "now: nothing new was placed. Give another --client-id, or none\n",
            shown);
}

static void tell_report(run *self, const venue_report_frame *frame, const wire_report *r) {
    self->heard = true;
    if (r->kind == MX_REJECTED || r->kind == MX_CANCEL_REJECTED || r->kind == MX_REPLACE_REJECTED ||
        r->kind == MX_REFUSED)
        self->refused = self->ended = true;
    if (r->status == MX_STATUS_FILLED || r->status == MX_STATUS_CANCELLED) self->ended = true;
    if (r->order_id != 0)
        self->order_id = r->order_id; /* also of an order that was sent before under the same name */
    if (self->settings.link.json)
        venue_report_json(stdout, frame, r);
    else
        venue_report_print(stdout, frame, r);
    fflush(stdout);
    if (is_another(self, frame, r)) tell_another(self);
}

static void on_report(void *context, const venue_report_frame *frame, const wire_report *r) {
    run *self = context;
    if (frame->shard != self->shard || !is_mine(self, r)) return;
    if (self->stored) {
        tell_report(self, frame, r);
        return;
    }
    if (self->held_count == MAX_HELD) return;
    held_report *held = &self->held[self->held_count++];
    *held = (held_report){.report = *r, .shard = frame->shard};
    tw_text_copy(held->exchange, sizeof held->exchange, frame->exchange);
    if (frame->instrument != NULL) held->instrument = *frame->instrument;
}

static void on_executions(void *context, const bus_message *message) {
    run *self = context;
    venue_reports_walk(message->bytes, message->length, on_report, self);
}

static void tell_held(run *self) {
    for (uint32_t i = 0; i < self->held_count; i++) {
        const held_report *held = &self->held[i];
        const venue_report_frame frame = {.exchange = held->exchange,
                                          .account = self->ticket.account,
                                          .shard = held->shard,
                                          .instrument =
                                              held->instrument.symbol[0] != '\0' ? &held->instrument : NULL};
        tell_report(self, &frame, &held->report);
    }
    self->held_count = 0;
}

/* ---- what it is about ---- */

static void on_order(void *context, const venue_page *page, const wire_part *item) {
    venue_name *name = context;
    if (item->kind != WIRE_PART_ORDER_VIEW) return;
    const wire_named_instrument *instrument = venue_page_instrument(page, item->order.instrument);
    if (instrument != NULL) tw_text_copy(name->symbol, sizeof name->symbol, instrument->symbol);
}

/* An order's id does not tell its instrument: the engine does. */
static tw_code find_order(run *self, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    char id[VENUE_ID_BYTES];
    wire_query query = {.kind = WIRE_QUERY_ORDER, .order_id = self->ticket.order_id};
    venue_asked asked;
    tw_text_copy(query.account, sizeof query.account, self->ticket.account);
    tw_text_copy(self->ticket.name.mic, sizeof self->ticket.name.mic, s->exchange);
    tw_code code = venue_ask(&self->link, s->exchange, self->ticket.shard, &query, 1, s->timeout_ns, on_order,
                             &self->ticket.name, &asked, error);
    if (code != TW_OK || self->ticket.name.symbol[0] != '\0') return code;
    venue_order_id_format(id, self->ticket.shard, self->ticket.order_id);
    return tw_error_set(error, TW_NOT_FOUND, "%s has no open order %s", self->ticket.account, id);
}

/* What a shard lists is known only while its matcher runs. */
static const venue_shard *silent_shard(const run *self) {
    for (uint32_t i = 0; i < self->shards.count; i++)
        if (!self->shards.list[i].runs) return &self->shards.list[i];
    return NULL;
}

static tw_code unknown_symbol(const run *self, tw_error *error) {
    const venue_name *name = &self->ticket.name;
    const venue_shard *silent = silent_shard(self);
    if (silent != NULL && self->directory.count == 0)
        return tw_error_set(error, TW_NOT_FOUND,
                            "shard %" PRIu32 " of %s does not answer, nothing was sent: is its matcher running?",
                            silent->number, name->mic);
    if (silent != NULL)
        return tw_error_set(error, TW_NOT_FOUND,
                            "no shard of %s that answers has %s, and shard %" PRIu32
                            " does not answer: is its matcher running?",
                            name->mic, name->symbol, silent->number);
    const char *nearest = venue_directory_nearest(&self->directory, name->symbol);
    if (nearest != NULL)
        return tw_error_set(error, TW_NOT_FOUND, "%s has no instrument %s: did you mean %s?", name->mic,
                            name->symbol, nearest);
    return tw_error_set(error, TW_NOT_FOUND, "%s has no instrument %s", name->mic, name->symbol);
}

static void no_items(void *context, const venue_page *page, const wire_part *item) {
    (void)context, (void)page, (void)item;
}

/* An account that nobody defined has no subject that the venue would answer on: then it is said here. */
static tw_code check_account(run *self, tw_error *error) {
    wire_query query = {.kind = WIRE_QUERY_ACCOUNT};
    venue_asked asked;
    tw_text_copy(query.account, sizeof query.account, self->ticket.account);
    tw_code code = venue_ask(&self->link, self->ticket.name.mic, self->shard, &query, 1,
                             self->settings.link.timeout_ns, no_items, NULL, &asked, NULL);
    if (code != TW_OK || asked.code != WIRE_REPLY_NOT_FOUND)
        return TW_OK; /* who may not ask learns it by the report */
    return tw_error_set(error, TW_NOT_FOUND, "%s has no account %s at shard %" PRIu32 ", where %s lives",
                        self->ticket.name.mic, self->ticket.account, self->shard, self->ticket.name.symbol);
}

static void make_ids(run *self) {
    wire_order_command *c = &self->command;
    char id[WIRE_CLIENT_ID_BYTES];
    tw_text_format(id, sizeof id, "cli-%" PRIx64 "-%x", (uint64_t)rt_clock_utc_ns(), (unsigned)getpid());
    if (c->kind == WIRE_NEW_ORDER && c->client_order_id[0] == '\0')
        tw_text_copy(c->client_order_id, sizeof c->client_order_id, id);
    tw_text_copy(c->correlation_id, sizeof c->correlation_id, id);
}

static tw_date today(void) {
    return tw_date_from_days(rt_clock_utc_ns() / TW_NS_PER_DAY);
}

static tw_code prepare(run *self, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    tw_code code = self->ticket.order_id != 0 ? find_order(self, error) : TW_OK;
    if (code == TW_OK) code = venue_shards_find(&self->link, self->ticket.name.mic, false, &self->shards, error);
    if (code == TW_OK)
        code = venue_directory_read(&self->link, self->ticket.name.mic, &self->shards, s->timeout_ns,
                                    &self->directory, error);
    if (code != TW_OK) return code;
    const venue_entry *entry = venue_directory_find(&self->directory, self->ticket.name.symbol);
    if (entry == NULL) return unknown_symbol(self, error);
    const ticket_ground ground = {.symbol = entry->symbol,
                                  .price_exponent = entry->price_exponent,
                                  .quantity_exponent = entry->quantity_exponent,
                                  .tick = entry->tick,
                                  .lot = entry->lot,
                                  .today = today()};
    self->shard = self->ticket.order_id != 0 ? self->ticket.shard : entry->shard;
    code = ticket_command(&self->ticket, &ground, &self->command, error);
    if (code == TW_OK) code = check_account(self, error);
    if (code == TW_OK) make_ids(self);
    return code;
}

/* ---- sending ---- */

static void on_write(void *context, const bus_write_result *result) {
    run *self = context;
    self->result = *result;
    self->answered = true;
}

static bool has_answer(void *context) {
    const run *self = context;
    return self->answered || venue_link_refusal(&self->link, self->subject) != NULL;
}

static tw_code publish(run *self, tw_error *error) {
    uint8_t buffer[BATCH_BYTES];
    wire_parts parts;
    size_t length;
    const wire_batch_header header = {.sender = "tickwire order", .sent_ns = rt_clock_utc_ns()};
    if (!subject_orders(self->subject, sizeof self->subject, self->ticket.name.mic, self->shard,
                        self->command.account, self->command.symbol))
        return tw_error_set(error, TW_INVALID, "account %s can't be part of a subject", self->command.account);
    wire_parts_start(&parts, buffer, sizeof buffer);
    wire_order_command_add(&parts, &self->command);
    const uint8_t *bytes = wire_orders_finish(&parts, &header, &length);
    self->answered = false;
    tw_code code = bus_writer_write(self->writer, self->subject, bytes, length, BUS_ANY_LAST_SEQ, 0);
    if (code == TW_AWAY) {
        self->result = (bus_write_result){.outcome = BUS_WRITE_UNKNOWN};
        self->answered = true;
        tw_text_copy(self->result.reason, sizeof self->result.reason, "the server is away");
        return TW_OK;
    }
    if (code != TW_OK) return tw_error_set(error, code, "%s could not be written", self->subject);
    venue_link_wait(&self->link, has_answer, self, rt_clock_monotonic_ns() + 2 * self->settings.link.timeout_ns);
    const char *refusal = venue_link_refusal(&self->link, self->subject);
    if (self->answered || refusal == NULL) return TW_OK;
    return tw_error_set(error, TW_UNSUPPORTED,
                        "nothing happened, the NATS server does not let this user do that: %s", refusal);
}

static tw_code not_stored(const run *self, tw_error *error) {
    const bus_write_result *r = &self->result;
    if (r->outcome == BUS_WRITE_NO_STREAM)
        return tw_error_set(error, TW_NOT_FOUND,
                            "no stream takes orders of %s shard %" PRIu32
                            ": its matcher has not made it, or JetStream is off",
                            self->ticket.name.mic, self->shard);
    return tw_error_set(error, TW_UNSUPPORTED, "the stream did not take it, nothing happened: %s", r->reason);
}

/* A resend of a new order is safe by its client id. A replace that names what is still open is not said twice. */
static bool may_repeat(const run *self) {
    return !(self->command.kind == WIRE_REPLACE && self->command.open_only);
}

static tw_code send_until_stored(run *self, tw_error *error) {
    uint64_t attempts = may_repeat(self) ? self->settings.attempts : 1;
    for (uint64_t attempt = 1; attempt <= attempts && !interrupt_wanted(); attempt++) {
        if (attempt > 1) {
            fprintf(stderr, "tickwire order: no acknowledgement (%s): sent again, %" PRIu64 " of %" PRIu64 "\n",
                    self->result.reason, attempt, attempts);
            self->repeated = true;
            if (!bus_connected(self->link.bus))
                venue_link_wait(&self->link, NULL, NULL, rt_clock_monotonic_ns() + TW_NS_PER_SECOND);
        }
        tw_code code = publish(self, error);
        if (code != TW_OK) return code;
        if (self->answered && self->result.outcome == BUS_WRITE_STORED) {
            self->stored = true;
            return TW_OK;
        }
        if (self->answered && self->result.outcome != BUS_WRITE_UNKNOWN) return not_stored(self, error);
    }
    char name[WIRE_CLIENT_ID_BYTES];
    venue_text_printable(name, sizeof name, self->command.client_order_id);
    if (self->command.kind == WIRE_NEW_ORDER)
        return tw_error_set(
            error, TW_AWAY,
            "no acknowledgement: whether it was taken is not known. The same again with --client-id %s is safe",
            name);
    return tw_error_set(error, TW_AWAY,
                        "no acknowledgement: whether it was taken is not known. See 'tickwire orders'");
}

/* ---- following ---- */

static void tell_stored(run *self) {
    char id[VENUE_ID_BYTES], name[WIRE_CLIENT_ID_BYTES];
    const wire_order_command *c = &self->command;
    bool fresh = c->kind == WIRE_NEW_ORDER;
    self->order_id = c->order_id;
    if (fresh && !self->repeated) self->order_id = self->result.seq << 16;
    venue_order_id_format(id, self->shard, self->order_id);
    venue_text_printable(name, sizeof name, c->client_order_id);
    if (self->settings.link.json) {
        char line[512];
        json_writer w;
        json_start(&w, line, sizeof line);
        json_open_object(&w, NULL);
        json_string(&w, "type", "order");
        json_string(&w, "state", "PENDING");
        if (id[0] != '\0') json_string(&w, "order_id", id);
        if (c->client_order_id[0] != '\0') json_string(&w, "client_order_id", c->client_order_id);
        json_string(&w, "correlation_id", c->correlation_id);
        json_close_object(&w);
        if (json_finish(&w)) puts(line);
    } else if (fresh) {
        printf("order %s, client id %s\n", id[0] != '\0' ? id : "sent again", name);
    } else {
        printf("%s of %s sent, input %" PRIu32 "-%" PRIu64 "\n", c->kind == WIRE_CANCEL ? "cancel" : "replace",
               id[0] != '\0' ? id : name, self->shard, self->result.seq);
    }
    fflush(stdout);
}

static bool has_ended(void *context) {
    const run *self = context;
    return self->ended;
}

static bool was_heard(void *context) {
    const run *self = context;
    return self->heard;
}

static tw_code follow(run *self, tw_error *error) {
    int64_t now_ns = rt_clock_monotonic_ns();
    tell_stored(self);
    tell_held(self);
    if (venue_link_wait(&self->link, was_heard, self, now_ns + self->settings.link.timeout_ns) != VENUE_CAME)
        return tw_error_set(error, TW_AWAY,
                            "stored, but no report came from shard %" PRIu32
                            " of %s: it will be dealt with when its matcher "
                            "runs; see 'tickwire orders'",
                            self->shard, self->ticket.name.mic);
    if (self->settings.follow_ns > 0)
        venue_link_wait(&self->link, has_ended, self, rt_clock_monotonic_ns() + self->settings.follow_ns);
    return TW_OK;
}

static tw_code order(run *self, tw_error *error) {
    char subject[SUBJECT_BYTES];
    bus_subscription *executions = NULL;
    const bus_writer_options options = {
        .timeout_ns = self->settings.link.timeout_ns, .on_result = on_write, .context = self};
    tw_code code = prepare(self, error);
    if (code != TW_OK) return code;
    if (!subject_executions(subject, sizeof subject, self->ticket.account))
        return tw_error_set(error, TW_INVALID, "account %s can't be part of a subject", self->ticket.account);
    code = bus_subscribe(self->link.bus, subject, on_executions, self, &executions, error);
    if (code == TW_OK) code = bus_writer_open(&self->writer, self->link.bus, &self->link.loop, &options, error);
    if (code == TW_OK) code = send_until_stored(self, error);
    if (code == TW_OK) code = follow(self, error);
    bus_unsubscribe(executions);
    bus_writer_close(self->writer);
    return code;
}

static int exit_for(const run *self, tw_code code) {
    if (code == TW_OK) return self->refused ? EXIT_REFUSED : 0;
    if (code == TW_INVALID) return EXIT_USAGE;
    return code == TW_AWAY ? EXIT_NOT_KNOWN : EXIT_REFUSED;
}

int command_order(int argc, char **argv) {
    run *self = calloc(1, sizeof *self);
    tw_error error = {0};
    settings *owner = NULL;
    const char *words[MAX_WORDS];
    size_t count = 0;
    int result = 0;
    if (self == NULL) return EXIT_REFUSED;
    settings_outcome outcome =
        settings_read(&owner, &program, argc, argv, &self->settings, words, MAX_WORDS, &count, &error);
    if (outcome == SETTINGS_RUN) {
        tw_code code =
            ticket_read(&self->ticket, words, count, self->settings.link.exchange, &self->settings.options, &error);
        if (code == TW_OK) code = ticket_check(&self->ticket, today(), &error);
        interrupt_watch();
        if (code == TW_OK) code = venue_link_open(&self->link, &self->settings.link, "tickwire order", &error);
        if (code == TW_OK) {
            code = order(self, &error);
            venue_directory_fini(&self->directory);
            venue_link_close(&self->link);
        } else if (code == TW_AWAY) {
            code = TW_IO; /* nothing was sent: that is known */
        }
        result = exit_for(self, code);
    } else if (outcome == SETTINGS_ERROR) {
        result = EXIT_USAGE;
    }
    if (result != 0 && error.code != TW_OK) fprintf(stderr, "tickwire order: %s\n", error.text);
    settings_free(owner);
    free(self);
    return result;
}
