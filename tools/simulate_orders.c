/*
 * `tickwire simulate --orders`: the crowd of tools/crowd sent to a venue, at a rate, with its acknowledgements counted.
 *
 * A venue without instruments is set up first: by a venue file, or with instruments and accounts of the crowd's own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/histogram.h"
#include "base/json.h"
#include "base/text.h"
#include "matcher/core/reason.h"
#include "matcher/core/report.h"
#include "runtime/bus_writer.h"
#include "runtime/clock.h"
#include "runtime/settings.h"
#include "tools/command.h"
#include "tools/crowd/crowd.h"
#include "tools/interrupt.h"
#include "tools/simulate/pacing.h"
#include "tools/venue/tasks.h"

#define EXIT_USAGE    2
#define TURN_NS       INT64_C(1000000)
#define BATCH_WAIT_NS INT64_C(20000000) /* a batch that does not fill goes after this */
#define OUTSTANDING   8192u
#define BATCH_BYTES   (512u << 10)
#define MOST_BATCH    4000
#define SETTLE_NS     (10 * TW_NS_PER_SECOND)
#define LINE_BYTES    512u

typedef struct crowd_settings {
    venue_link_settings link;
    const char *tag;
    uint64_t seed, rate, commands, symbols, accounts, batch;
    int64_t duration_ns;
    bool orders, setup;
} crowd_settings;

#define AT(field) offsetof(crowd_settings, field)
static const setting table[] = {
    VENUE_LINK_ROWS(crowd_settings),
    {.name = "orders",
     .type = SETTING_FLAG,
     .offset = AT(orders),
     .default_text = "true",
     .help = "trade on the venue; without it: an ITCH day, see tickwire simulate --help"},
    {.name = "seed",
     .type = SETTING_COUNT,
     .offset = AT(seed),
     .default_text = "1",
     .value_name = "N",
     .help = "the same seed, tag, accounts and instruments send the same commands, whatever the venue answers"},
    {.name = "rate",
     .type = SETTING_COUNT,
     .offset = AT(rate),
     .default_text = "200",
     .value_name = "N",
     .help = "commands a second; 0: as fast as they are acknowledged",
     .minimum = 0,
     .maximum = 10000000},
    {.name = "commands",
     .type = SETTING_COUNT,
     .offset = AT(commands),
     .default_text = "0",
     .value_name = "N",
     .help = "end after so many; 0 for no limit"},
    {.name = "for",
     .type = SETTING_DURATION,
     .offset = AT(duration_ns),
     .default_text = "0s",
     .value_name = "TIME",
     .help = "end after this time; 0s for no limit"},
    {.name = "symbols",
     .type = SETTING_COUNT,
     .offset = AT(symbols),
     .default_text = "10",
     .value_name = "N",
     .help = "instruments it trades in: of the venue's the first ones by name",
     .minimum = 1,
     .maximum = VENUE_CROWD_MAX_SYMBOLS},
    {.name = "accounts",
     .type = SETTING_COUNT,
     .offset = AT(accounts),
     .default_text = "20",
     .value_name = "N",
     .help = "crowd-1 to crowd-N; a quarter of them makes the market",
     .minimum = 2,
     .maximum = VENUE_CROWD_MAX_ACCOUNTS},
    {.name = "batch",
     .type = SETTING_COUNT,
     .offset = AT(batch),
     .default_text = "0",
     .value_name = "N",
     .help = "up to N commands in one message on orderbatch.{MIC}.{SHARD}; 0: each alone on its account's subject",
     .minimum = 0,
     .maximum = MOST_BATCH},
    {.name = "tag",
     .type = SETTING_TEXT,
     .offset = AT(tag),
     .default_text = "",
     .value_name = "TEXT",
     .help = "begins client order ids; once in a trading day; by the clock if not given"},
    {.name = "setup",
     .type = SETTING_FLAG,
     .offset = AT(setup),
     .default_text = "false",
     .help = "give the crowd its accounts, limits and today's day also where instruments are defined"},
    {.name = NULL},
};

static const settings_program program = {
    .name = "tickwire simulate --orders",
    .summary = "A seeded crowd trades on the venue: makers, takers, icebergs, stops, cancels, replaces.",
    .usage = "[settings]",
    .environment = "TICKWIRE_SIMULATE",
    .epilogue = "A venue without instruments is set up first, with instruments and accounts of the crowd's own.\n"
                "Examples:\n"
                "  tickwire simulate --orders --rate 500 --symbols 20\n"
                "  tickwire simulate --orders --rate 0 --batch 500 --for 10s --json\n",
    .table = table,
};

/* What goes to one shard as batches. */
typedef struct lane {
    uint32_t shard;
    wire_parts parts;
    uint8_t *buffer;
    int64_t since_ns; /* of its first command */
    uint64_t last_stored, last_reported;
    bus_subscription *log;
    struct run *run;
} lane;

typedef struct run {
    crowd_settings settings;
    venue_link link;
    venue_shards shards;
    venue_directory directory;
    venue_crowd *crowd;
    uint32_t *lane_of; /* by the crowd's instruments */
    size_t listed;     /* these */
    lane lanes[VENUE_MAX_SHARDS];
    bus_writer *writer;
    sim_pacing pacing;
    char tag[VENUE_CROWD_TAG_BYTES];
    wire_order_command held; /* drawn, and there was no room for it */
    uint32_t held_number;
    bool holds, away;
    uint64_t sent, messages, acknowledged, refused, unknown;
    char trouble[200];
    tw_histogram waits;
    uint64_t kinds[MX_REPORT_KINDS];
    int64_t start_ns, end_ns;
} run;

/* ---- setting the venue up ---- */

typedef struct text {
    char *bytes;
    size_t used, capacity;
    bool whole;
} text;

static void add_line(text *to, const char *line) {
    size_t length = strlen(line);
    if (to->used + length + 1 > to->capacity) {
        to->whole = false;
        return;
    }
    memcpy(to->bytes + to->used, line, length + 1);
    to->used += length;
}

static void write_instruments(const run *self, text *to) {
    char line[LINE_BYTES], symbol[TW_SYMBOL_BYTES], price[TW_DECIMAL_BYTES];
    for (uint32_t i = 0; i < self->settings.symbols; i++) {
        venue_crowd_symbol_name(symbol, i);
        tw_decimal_format(price, sizeof price, venue_crowd_cents_of(symbol), -2);
        tw_text_format(line, sizeof line, "instrument %s tick=0.01 collar=10%% protection=5%% reference=%s\n",
                       symbol, price);
        add_line(to, line);
    }
    add_line(to, "fees 0 maker=-10ppm taker=30ppm\n");
}

static void write_accounts(const run *self, text *to) {
    char line[LINE_BYTES], name[WIRE_ACCOUNT_BYTES];
    for (uint32_t i = 0; i < self->settings.accounts; i++) {
        venue_crowd_account_name(name, i);
        tw_text_format(
            line, sizeof line,
            "account %s\nlimits %s funds=unlimited exposure=unlimited order-quantity=1M "
            "order-notional=unlimited position=unlimited open-orders=unlimited concentration=unlimited\n",
            name, name);
        add_line(to, line);
    }
}

/* The day ends tomorrow at midnight, so that it does not end on somebody who began in the evening. */
static void write_day(text *to) {
    char line[LINE_BYTES], end[TW_DATE_BYTES];
    int64_t days = rt_clock_utc_ns() / TW_NS_PER_DAY;
    tw_date_format(end, tw_date_from_days(days + 1));
    tw_text_format(line, sizeof line, "day today end=%sT24:00Z\n", end);
    add_line(to, line);
}

static tw_code judge_setup(const venue_tasks *tasks, const char *trouble, tw_error *error) {
    for (uint32_t i = 0; i < tasks->days_left_count; i++)
        if (tasks->days_left[i].end_ns == TW_TIME_ABSENT)
            return tw_error_set(error, TW_UNSUPPORTED,
                                "setting up the venue: today's trading day has ended at shard %" PRIu32
                                ", and a date begins only once: nothing can trade before a later day begins",
                                tasks->days_left[i].shard);
    for (size_t i = 0; i < tasks->count; i++) {
        const venue_task *task = &tasks->list[i];
        char what[VENUE_ORDER_TEXT_BYTES];
        if (task->outcome == VENUE_DONE) continue;
        venue_order_text(what, &task->command);
        return tw_error_set(error, TW_UNSUPPORTED, "setting up the venue: shard %" PRIu32 ": %s: %s %s%s",
                            task->shard, what, venue_outcome_name(task->outcome),
                            task->outcome == VENUE_REFUSED ? mx_reason_text(task->reason) : "", trouble);
    }
    return TW_OK;
}

static tw_code apply_text(run *self, char *lines, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    const venue_ground ground = {.mic = s->exchange, .shards = &self->shards, .directory = &self->directory};
    venue_file file;
    venue_tasks tasks = {0};
    char trouble[256];
    tw_code code =
        venue_file_parse(&file, lines, s->exchange, tw_date_from_days(rt_clock_utc_ns() / TW_NS_PER_DAY), error);
    if (code == TW_OK) code = venue_tasks_make(&tasks, &ground, file.orders, file.count, error);
    if (code == TW_OK)
        code = venue_desk_send(&self->link, s->exchange, tasks.list, tasks.count, s->timeout_ns, trouble, error);
    if (code == TW_OK) code = judge_setup(&tasks, trouble, error);
    venue_tasks_fini(&tasks);
    venue_file_fini(&file);
    return code;
}

static tw_code set_up(run *self, tw_error *error) {
    bool empty = self->directory.count == 0;
    size_t lines = 16 + 2 * self->settings.symbols + 2 * self->settings.accounts;
    text to = {.bytes = malloc(lines * LINE_BYTES), .capacity = lines * LINE_BYTES, .whole = true};
    if (to.bytes == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to set the venue up");
    to.bytes[0] = '\0';
    if (empty) write_instruments(self, &to);
    write_accounts(self, &to);
    write_day(&to);
    if (empty) add_line(&to, "open all\n");
    tw_code code =
        to.whole ? apply_text(self, to.bytes, error) : tw_error_set(error, TW_FULL, "the setup is too long");
    free(to.bytes);
    return code;
}

/* The directory may be a moment behind what the engine has done. */
static tw_code read_directory(run *self, size_t expected, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    int64_t end_ns = rt_clock_monotonic_ns() + s->timeout_ns;
    for (;;) {
        venue_directory_fini(&self->directory);
        tw_code code =
            venue_directory_read(&self->link, s->exchange, &self->shards, s->timeout_ns, &self->directory, error);
        if (code != TW_OK || self->directory.count >= expected) return code;
        if (rt_clock_monotonic_ns() > end_ns || interrupt_wanted())
            return tw_error_set(error, TW_AWAY, "the directory of %s has %zu instruments, %zu were defined",
                                s->exchange, self->directory.count, expected);
        venue_link_wait(&self->link, NULL, NULL, rt_clock_monotonic_ns() + TW_NS_PER_SECOND / 20);
    }
}

/* Every shard has to run: what is sent to one that does not is answered by nobody. */
static tw_code find_venue(run *self, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    tw_code code = venue_shards_find(&self->link, s->exchange, true, &self->shards, error);
    if (code != TW_OK) return code;
    for (uint32_t i = 0; i < self->shards.count; i++)
        if (!self->shards.list[i].runs)
            return tw_error_set(error, TW_AWAY, "shard %" PRIu32 " of %s does not run", self->shards.list[i].number,
                                s->exchange);
    code = venue_shards_days(&self->link, s->exchange, s->timeout_ns, &self->shards, error);
    if (code == TW_OK) code = read_directory(self, 0, error);
    if (code != TW_OK) return code;
    bool empty = self->directory.count == 0;
    if (!empty && !self->settings.setup) return TW_OK;
    code = set_up(self, error);
    return code == TW_OK ? read_directory(self, empty ? self->settings.symbols : 1, error) : code;
}

/* ---- the crowd in this venue ---- */

/* In the scale of the instrument, on its tick: near the reference price if there is one. */
static int64_t price_of(const venue_entry *entry) {
    int64_t price = venue_crowd_cents_of(entry->symbol), tick = entry->tick > 0 ? entry->tick : 1;
    if (entry->reference != TW_PRICE_ABSENT && entry->reference > tick)
        return entry->reference - entry->reference % tick;
    for (int32_t i = -2; i > entry->price_exponent; i--)
        price *= 10;
    for (int32_t i = -2; i < entry->price_exponent; i++)
        price /= 10;
    price -= price % tick;
    return price < 100 * tick ? 100 * tick : price;
}

static tw_code gather(run *self, tw_error *error) {
    size_t count = self->directory.count < self->settings.symbols ? self->directory.count : self->settings.symbols;
    self->listed = count;
    venue_crowd_instrument *listed = calloc(count, sizeof *listed);
    self->lane_of = calloc(count, sizeof *self->lane_of);
    if (listed == NULL || self->lane_of == NULL) {
        free(listed);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for the crowd");
    }
    for (size_t i = 0; i < count; i++) {
        const venue_entry *entry = &self->directory.entries[i];
        listed[i] = (venue_crowd_instrument){.price = price_of(entry),
                                             .tick = entry->tick > 0 ? entry->tick : 1,
                                             .lot = entry->lot > 0 ? entry->lot : 1};
        tw_text_copy(listed[i].symbol, sizeof listed[i].symbol, entry->symbol);
        while (self->lane_of[i] + 1 < self->shards.count &&
               self->shards.list[self->lane_of[i]].number != entry->shard)
            self->lane_of[i]++;
    }
    if (self->settings.tag[0] == '\0')
        tw_text_format(self->tag, sizeof self->tag, "%" PRIx64, (uint64_t)(rt_clock_utc_ns() / 1000000));
    const venue_crowd_options options = {.seed = self->settings.seed,
                                         .accounts = (uint32_t)self->settings.accounts,
                                         .tag = self->settings.tag[0] != '\0' ? self->settings.tag : self->tag,
                                         .instruments = listed,
                                         .instrument_count = (uint32_t)count};
    tw_code code = venue_crowd_alloc(&self->crowd, &options, error);
    free(listed);
    return code;
}

/* ---- acknowledgements and reports ---- */

static void on_write(void *context, const bus_write_result *result) {
    run *self = context;
    uint64_t commands = result->token >> 16;
    lane *to = &self->lanes[result->token & UINT16_MAX];
    if (result->outcome == BUS_WRITE_STORED) {
        self->acknowledged += commands;
        tw_histogram_record(&self->waits, result->took_ns);
        if (result->seq > to->last_stored) to->last_stored = result->seq;
        return;
    }
    *(result->outcome == BUS_WRITE_UNKNOWN ? &self->unknown : &self->refused) += commands;
    tw_text_copy(self->trouble, sizeof self->trouble,
                 result->outcome == BUS_WRITE_NO_STREAM ? "no stream takes it" : result->reason);
}

static void on_log(void *context, const bus_message *message) {
    lane *from = context;
    wire_executions batch;
    wire_part part;
    if (wire_executions_open(&batch, message->bytes, message->length) != WIRE_OK) return;
    while (wire_executions_next(&batch, &part))
        if (part.kind == WIRE_PART_REPORT && part.report.kind < MX_REPORT_KINDS)
            from->run->kinds[part.report.kind]++;
    if (batch.header.part == batch.header.parts && batch.header.last_seq > from->last_reported)
        from->last_reported = batch.header.last_seq;
}

static tw_code open_lanes(run *self, tw_error *error) {
    const bus_writer_options options = {.max_outstanding = OUTSTANDING,
                                        .timeout_ns = self->settings.link.timeout_ns,
                                        .on_result = on_write,
                                        .context = self};
    tw_code code = bus_writer_open(&self->writer, self->link.bus, &self->link.loop, &options, error);
    for (uint32_t i = 0; code == TW_OK && i < self->shards.count; i++) {
        char subject[SUBJECT_BYTES];
        lane *one = &self->lanes[i];
        *one = (lane){.shard = self->shards.list[i].number, .run = self, .buffer = malloc(BATCH_BYTES)};
        if (one->buffer == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for batches");
        wire_parts_start(&one->parts, one->buffer, BATCH_BYTES);
        subject_shard(subject, sizeof subject, SUBJECT_KIND_EXECUTION_LOG, self->settings.link.exchange,
                      one->shard);
        code = bus_subscribe(self->link.bus, subject, on_log, one, &one->log, error);
    }
    return code;
}

/* ---- sending ---- */

/* Sends what a lane has gathered. False: not now. */
static bool flush(run *self, lane *to, const char *subject) {
    const wire_batch_header header = {.sender = "tickwire simulate", .sent_ns = rt_clock_utc_ns()};
    size_t length;
    uint32_t count = to->parts.count;
    if (count == 0) return true;
    if (bus_writer_room(self->writer) == 0) return false;
    const uint8_t *bytes = wire_orders_finish(&to->parts, &header, &length);
    uint64_t token = (uint64_t)count << 16 | (uint64_t)(to - self->lanes);
    tw_code code = bus_writer_write(self->writer, subject, bytes, length, BUS_ANY_LAST_SEQ, token);
    if (code == TW_FULL) return false;
    wire_parts_start(&to->parts, to->buffer, BATCH_BYTES);
    if (code != TW_OK) { /* away: these were not sent */
        self->refused += count;
        tw_text_copy(self->trouble, sizeof self->trouble, "the server is away");
        return true;
    }
    self->sent += count;
    self->messages++;
    return true;
}

static bool flush_batch(run *self, lane *to) {
    char subject[SUBJECT_BYTES];
    subject_shard(subject, sizeof subject, SUBJECT_KIND_ORDER_BATCH, self->settings.link.exchange, to->shard);
    return flush(self, to, subject);
}

/* False: no room, the command is held. */
static bool send_one(run *self) {
    if (!self->holds) self->held_number = venue_crowd_next(self->crowd, &self->held);
    self->holds = true;
    lane *to = &self->lanes[self->lane_of[self->held_number]];
    if (self->settings.batch == 0) {
        char subject[SUBJECT_BYTES];
        subject_orders(subject, sizeof subject, self->settings.link.exchange, to->shard, self->held.account,
                       self->held.symbol);
        if (bus_writer_room(self->writer) == 0) return false;
        wire_order_command_add(&to->parts, &self->held);
        flush(self, to, subject);
    } else {
        if (to->parts.count >= self->settings.batch && !flush_batch(self, to)) return false;
        if (to->parts.count == 0) to->since_ns = rt_clock_monotonic_ns();
        wire_order_command_add(&to->parts, &self->held);
    }
    self->holds = false;
    return true;
}

static void flush_old(run *self, int64_t now_ns) {
    for (uint32_t i = 0; self->settings.batch > 0 && i < self->shards.count; i++) {
        lane *one = &self->lanes[i];
        if (one->parts.count >= self->settings.batch || now_ns - one->since_ns > BATCH_WAIT_NS)
            flush_batch(self, one);
    }
}

static uint64_t waiting(const run *self) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < self->shards.count; i++)
        count += self->lanes[i].parts.count;
    return count;
}

static bool enough(const run *self, int64_t now_ns) {
    uint64_t begun = self->sent + self->refused + waiting(self);
    return interrupt_wanted() || (self->settings.commands > 0 && begun >= self->settings.commands) ||
           (self->settings.duration_ns > 0 && now_ns - self->start_ns >= self->settings.duration_ns);
}

/* What is due now, or what there is room for. */
static void turn(run *self, int64_t now_ns) {
    uint64_t due = self->settings.rate > 0 ? sim_pacing_turn(&self->pacing, now_ns) : OUTSTANDING * 4;
    uint64_t begun = self->sent + self->refused + waiting(self);
    if (self->settings.commands > 0 && due > self->settings.commands - begun) due = self->settings.commands - begun;
    while (due-- > 0)
        if (!send_one(self)) break;
    flush_old(self, now_ns);
}

static void trade(run *self) {
    self->start_ns = rt_clock_monotonic_ns();
    if (self->settings.rate > 0) sim_pacing_start(&self->pacing, self->settings.rate, self->start_ns);
    for (int64_t now_ns = self->start_ns; !enough(self, now_ns); now_ns = rt_clock_monotonic_ns()) {
        turn(self, now_ns);
        venue_link_wait(&self->link, NULL, NULL, now_ns + TURN_NS);
    }
    for (uint32_t i = 0; i < self->shards.count; i++)
        flush_batch(self, &self->lanes[i]);
    self->end_ns = rt_clock_monotonic_ns();
}

static bool all_known(void *context) {
    const run *self = context;
    return bus_writer_outstanding(self->writer) == 0;
}

static bool all_reported(void *context) {
    const run *self = context;
    for (uint32_t i = 0; i < self->shards.count; i++)
        if (self->lanes[i].last_reported < self->lanes[i].last_stored) return false;
    return true;
}

/* ---- the end ---- */

static void tell_json(const run *self, bool reported) {
    char line[2048];
    json_writer w;
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    json_u64(&w, "commands", self->sent);
    json_u64(&w, "messages", self->messages);
    json_u64(&w, "acknowledged", self->acknowledged);
    json_u64(&w, "refused_by_stream", self->refused);
    json_u64(&w, "not_known", self->unknown);
    json_u64(&w, "span_ms", (uint64_t)(self->end_ns - self->start_ns) / 1000000);
    json_u64(&w, "acknowledged_p50_us", tw_histogram_quantile(&self->waits, 500) / 1000);
    json_u64(&w, "acknowledged_p99_us", tw_histogram_quantile(&self->waits, 990) / 1000);
    json_bool(&w, "all_reported", reported);
    json_open_object(&w, "reports");
    for (unsigned kind = 0; kind < MX_REPORT_KINDS; kind++)
        if (self->kinds[kind] > 0) json_u64(&w, mx_report_kind_name((mx_report_kind)kind), self->kinds[kind]);
    json_close_object(&w);
    if (self->trouble[0] != '\0') json_string(&w, "trouble", self->trouble);
    json_close_object(&w);
    if (json_finish(&w)) puts(line);
}

static void tell_text(const run *self, bool reported) {
    uint64_t span_ns = (uint64_t)(self->end_ns - self->start_ns);
    printf("sent %" PRIu64 " commands in %" PRIu64 " messages in %" PRIu64 ".%03" PRIu64 " s: %" PRIu64
           " acknowledged (p50 %" PRIu64 " us, p99 %" PRIu64 " us), %" PRIu64 " not stored, %" PRIu64
           " not known\n",
           self->sent, self->messages, span_ns / TW_NS_PER_SECOND, span_ns % TW_NS_PER_SECOND / 1000000,
           self->acknowledged, tw_histogram_quantile(&self->waits, 500) / 1000,
           tw_histogram_quantile(&self->waits, 990) / 1000, self->refused, self->unknown);
    printf("the venue reported meanwhile:");
    for (unsigned kind = 0; kind < MX_REPORT_KINDS; kind++)
        if (self->kinds[kind] > 0)
            printf(" %" PRIu64 " %s", self->kinds[kind], mx_report_kind_name((mx_report_kind)kind));
    printf("%s\n", reported ? "" : "; not everything that was stored has been reported");
    if (self->trouble[0] != '\0') fprintf(stderr, "tickwire simulate: %s\n", self->trouble);
}

/* Everything that the crowd sent was refused: its accounts, or their limits, are not there, or nothing is open. */
static bool nothing_taken(const run *self) {
    static const mx_report_kind taken[] = {MX_ACCEPTED, MX_FILL, MX_CANCELLED, MX_REPLACED, MX_MASS_CANCELLED};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (self->kinds[taken[i]] > 0) return false;
    return self->kinds[MX_REJECTED] > 0;
}

/* Who ends the crowd ends its trading: what it sent last is still waited for. */
static int finish(run *self) {
    interrupt_heard();
    venue_link_wait(&self->link, all_known, self, rt_clock_monotonic_ns() + SETTLE_NS);
    bool reported =
        venue_link_wait(&self->link, all_reported, self, rt_clock_monotonic_ns() + SETTLE_NS) == VENUE_CAME;
    if (self->settings.link.json)
        tell_json(self, reported);
    else
        tell_text(self, reported);
    fflush(stdout);
    bool useless = nothing_taken(self);
    if (useless)
        fprintf(stderr,
                "tickwire simulate --orders: the venue refused every order: --setup defines the crowd's accounts, "
                "gives them limits and opens the instruments; without it they must be there "
                "('tickwire journal show' tells each refusal)\n");
    return self->acknowledged == self->sent && self->refused == 0 && reported && !useless ? 0 : 1;
}

static int play(run *self, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    tw_code code = find_venue(self, error);
    int result = 1;
    if (code == TW_OK)
        code = venue_directory_references(&self->link, s->exchange, &self->shards, s->timeout_ns, &self->directory,
                                          error);
    if (code == TW_OK) code = gather(self, error);
    if (code == TW_OK) code = open_lanes(self, error);
    if (code == TW_OK) {
        fprintf(stderr, "tickwire simulate: the crowd trades in %zu instruments of %s\n", self->listed,
                s->exchange);
        trade(self);
        result = finish(self);
    }
    bus_writer_close(self->writer);
    for (uint32_t i = 0; i < self->shards.count; i++) {
        bus_unsubscribe(self->lanes[i].log);
        free(self->lanes[i].buffer);
    }
    venue_crowd_free(self->crowd);
    venue_directory_fini(&self->directory);
    free(self->lane_of);
    return result;
}

int command_simulate_orders(int argc, char **argv) {
    run *self = calloc(1, sizeof *self);
    tw_error error = {0};
    settings *owner = NULL;
    size_t words = 0;
    int result = 1;
    if (self == NULL) return result;
    switch (settings_read(&owner, &program, argc, argv, &self->settings, NULL, 0, &words, &error)) {
    case SETTINGS_HELP:
    case SETTINGS_VERSION:
        result = 0;
        break;
    case SETTINGS_ERROR:
        result = EXIT_USAGE;
        break;
    case SETTINGS_RUN:
        interrupt_watch();
        if (venue_link_open(&self->link, &self->settings.link, "tickwire simulate --orders", &error) == TW_OK) {
            result = play(self, &error);
            venue_link_close(&self->link);
        }
        break;
    }
    if (error.code != TW_OK) fprintf(stderr, "tickwire simulate --orders: %s\n", error.text);
    settings_free(owner);
    free(self);
    return result;
}
