/* `tickwire venue`: an operator's commands to the venue, from a file or from the words given. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "matcher/core/reason.h"
#include "matcher/core/types.h"
#include "runtime/clock.h"
#include "runtime/settings.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/venue/ask.h"
#include "tools/venue/name.h"
#include "tools/venue/show.h"
#include "tools/venue/spread.h"
#include "tools/venue/tasks.h"
#include "tools/venue/value.h"

#define EXIT_REFUSED      1
#define EXIT_USAGE        2
#define EXIT_NO_ANSWER    3 /* stored, or perhaps stored, and nobody has answered */
#define MOST_FILE         (64u << 20)
#define MOST_HOLDERS_TOLD 5u
#define MOST_LINES_TOLD   20u                             /* of one command; then they are counted */
#define LOOK_AGAIN_NS     (200 * TW_NS_PER_SECOND / 1000) /* for a venue that is being started */

typedef struct venue_settings {
    venue_link_settings link;
    const char *end, *file;
    uint64_t to;
    bool verbose, leave_positions;
} venue_settings;

#define AT(field) offsetof(venue_settings, field)
static const setting table[] = {
    VENUE_LINK_ROWS(venue_settings),
    {.name = "end",
     .type = SETTING_TEXT,
     .offset = AT(end),
     .default_text = "",
     .value_name = "TIME",
     .help = "day: when it ends, such as 21:00 (UTC); the same as end=TIME"},
    {.name = "to",
     .type = SETTING_COUNT,
     .offset = AT(to),
     .default_text = "0",
     .value_name = "SHARD",
     .help = "move: the shard that shall have the instrument",
     .minimum = 0,
     .maximum = UINT32_MAX},
    {.name = "file",
     .type = SETTING_TEXT,
     .offset = AT(file),
     .default_text = "",
     .value_name = "FILE",
     .help = "move: the venue file with a new definition; without it the instrument's own moves along"},
    {.name = "leave-positions",
     .type = SETTING_FLAG,
     .offset = AT(leave_positions),
     .default_text = "false",
     .help = "move: also while accounts hold the instrument; their positions stay on the old shard"},
    {.name = "verbose",
     .type = SETTING_FLAG,
     .offset = AT(verbose),
     .default_text = "false",
     .help = "apply: print the answer to every command"},
    {.name = NULL},
};

static const settings_program program = {
    .name = "tickwire venue",
    .summary = "Sets the venue up and runs it: instruments, accounts, limits, trading days, states, kill switch.",
    .usage = "COMMAND... [settings]",
    .environment = "TICKWIRE",
    .foreign = command_settings,
    .epilogue =
        "Commands (docs/venue-file.md has them all):\n"
        "  apply FILE                                every line of a venue file; waits for a venue that starts\n"
        "  show [ACCOUNT]                            shards and instruments, or an account's limits and money\n"
        "  instrument AAPL tick=0.01 ...             account ann    fees 0 taker=30ppm    limits ann funds=10M "
        "...\n"
        "  day 2026-11-21 --end 21:00                reference AAPL 187.20\n"
        "  pre-open|open|halt|close TWEX.AAPL|all    block|unblock ann|all [AAPL]\n"
        "  kill|unkill ann|all                       cancel ann|all [AAPL] [side=buy]\n"
        "  move AAPL --to 2                          to another shard (docs/venue-shards.md)\n"
        "Exit: 0 done, 1 something was refused, 2 not understood, 3 stored but not answered, not known, or (show) "
        "a "
        "shard that does not serve.\n",
    .table = table,
};

typedef struct run {
    venue_settings settings;
    venue_link link;
    venue_shards shards;
    venue_directory directory;
    venue_tasks tasks;
    char exchange[TW_MIC_BYTES]; /* where a word or a file named it */
    char trouble[256];
    int code;  /* the exit code so far */
    bool told; /* why shards are silent, where some are */
} run;

static void use_exchange(run *self, const char *mic) {
    tw_text_copy(self->exchange, sizeof self->exchange, mic);
    self->settings.link.exchange = self->exchange;
}

static tw_date today(void) {
    return tw_date_from_days(rt_clock_utc_ns() / TW_NS_PER_DAY);
}

/* ---- answers ---- */

/* What a shard's part of an account's limits is. */
static void print_limits(const wire_control_command *c) {
    char funds[VENUE_MONEY_BYTES], exposure[VENUE_MONEY_BYTES];
    int32_t exponent = c->price_exponent + c->quantity_exponent;
    venue_money_format(funds, c->funds, exponent);
    venue_money_format(exposure, c->exposure, exponent);
    printf(" (funds %s, exposure %s", c->funds >= MX_MONEY_MAX ? "unlimited" : funds,
           c->exposure >= MX_MONEY_MAX ? "unlimited" : exposure);
    if (c->open_orders == UINT32_MAX)
        printf(", open orders unlimited");
    else
        printf(", open orders %" PRIu32, c->open_orders);
    if (c->rate_per_second > 0) printf(", rate %" PRIu32 " burst %" PRIu32, c->rate_per_second, c->rate_burst);
    printf(")");
}

/* Why a day can't begin: the engine has one reason for both. */
static void print_bad_day(const wire_control_command *c) {
    char end[TW_INSTANT_BYTES];
    tw_instant_format(end, c->end_ns);
    if (c->end_ns <= rt_clock_utc_ns())
        printf(" (its end, %.19sZ, has passed)", end);
    else
        printf(" (a later day has begun there: 'tickwire venue show')");
}

static void print_task(const venue_task *task) {
    char text[VENUE_ORDER_TEXT_BYTES];
    venue_order_text(text, &task->command);
    if (task->number > 0) printf("line %" PRIu32 ": ", task->number);
    printf("shard %" PRIu32 ": %s: ", task->shard, text);
    switch (task->outcome) {
    case VENUE_DONE:
        printf("done");
        if (task->quantity > 0)
            printf(", %" PRIu64 " order%s cancelled", task->quantity, task->quantity == 1 ? "" : "s");
        if (task->command.kind == WIRE_SET_LIMITS) print_limits(&task->command);
        break;
    case VENUE_REFUSED:
        printf("REFUSED, %s: %s", mx_reason_name(task->reason), mx_reason_text(task->reason));
        if (task->reason == MXR_BAD_DAY) print_bad_day(&task->command);
        if (task->reason == MXR_INSTRUMENT_BLOCKED && task->command.kind == WIRE_SET_STATE)
            printf(
                " (closed and blocked for everybody there, as what has moved to another shard is: 'tickwire venue "
                "unblock all %s shard=%" PRIu32 "' takes it back)",
                task->command.symbol, task->shard);
        break;
    case VENUE_NO_ANSWER:
        printf("stored as input %" PRIu64 ", but nobody has answered: it will happen when its matcher serves",
               task->seq);
        break;
    case VENUE_NOT_KNOWN:
        printf("no acknowledgement: it may happen");
        break;
    default:
        printf("not stored, nothing happened");
        break;
    }
    printf("\n");
}

static void print_task_json(const venue_task *task) {
    char text[VENUE_ORDER_TEXT_BYTES], line[1024];
    json_writer w;
    venue_order_text(text, &task->command);
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    if (task->number > 0) json_u64(&w, "line", task->number);
    json_u64(&w, "shard", task->shard);
    json_string(&w, "command", text);
    json_string(&w, "outcome", venue_outcome_name(task->outcome));
    if (task->seq > 0) json_u64_string(&w, "seq", task->seq);
    if (task->outcome == VENUE_REFUSED) {
        json_string(&w, "reason", mx_reason_name(task->reason));
        json_string(&w, "message", mx_reason_text(task->reason));
    }
    if (task->quantity > 0) json_u64(&w, "orders", task->quantity);
    json_close_object(&w);
    if (json_finish(&w)) puts(line);
}

static int exit_of(venue_outcome outcome) {
    if (outcome == VENUE_DONE) return 0;
    return outcome == VENUE_REFUSED || outcome == VENUE_NOT_STORED ? EXIT_REFUSED : EXIT_NO_ANSWER;
}

/* ---- days ---- */

static void day_text(char text[TW_DATE_BYTES], uint32_t date) {
    tw_date_format(text, (tw_date){(int16_t)(date / 10000), (uint8_t)(date / 100 % 100), (uint8_t)(date % 100)});
}

/* A day that the shard has begun before: one that is open is what was wanted, one that has ended can't begin again. */
static void tell_day_left(run *self, const venue_day_left *left) {
    char date[TW_DATE_BYTES], end[TW_INSTANT_BYTES], message[160], line[512];
    bool open = left->end_ns != TW_TIME_ABSENT;
    day_text(date, left->date);
    tw_instant_format(end, open ? left->end_ns : 0);
    if (open)
        tw_text_format(message, sizeof message,
                       "nothing to do, that day has begun already and is open until %.19sZ", end);
    else
        tw_text_format(
            message, sizeof message,
            "NOT BEGUN, that day has ended already, and a date begins only once: nothing trades before a "
            "later one begins");
    if (!open && self->code < EXIT_REFUSED) self->code = EXIT_REFUSED;
    if (!self->settings.link.json) {
        if (left->number > 0) printf("line %" PRIu32 ": ", left->number);
        printf("shard %" PRIu32 ": day %s: %s\n", left->shard, date, message);
        return;
    }
    json_writer w;
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    if (left->number > 0) json_u64(&w, "line", left->number);
    json_u64(&w, "shard", left->shard);
    json_string(&w, "outcome", open ? "OPEN_ALREADY" : "ENDED_ALREADY");
    json_string(&w, "date", date);
    json_string(&w, "message", message);
    json_close_object(&w);
    if (json_finish(&w)) puts(line);
}

static bool was_done(const run *self, uint32_t shard, uint8_t kind) {
    for (size_t i = 0; i < self->tasks.count; i++) {
        const venue_task *task = &self->tasks.list[i];
        if (task->shard == shard && task->command.kind == kind && task->outcome == VENUE_DONE) return true;
    }
    return false;
}

/* States can be set without a trading day, but nothing comes of it. */
static void warn_of_no_day(const run *self) {
    for (uint32_t i = 0; i < self->shards.count; i++) {
        const venue_shard *shard = &self->shards.list[i];
        char date[TW_DATE_BYTES], ended[64] = "none was ever begun";
        if (!shard->day_known || shard->day_end_ns != TW_TIME_ABSENT) continue;
        if (!was_done(self, shard->number, WIRE_SET_STATE) || was_done(self, shard->number, WIRE_BEGIN_DAY))
            continue;
        day_text(date, shard->date);
        if (shard->date != 0) tw_text_format(ended, sizeof ended, "%s has ended", date);
        fprintf(stderr,
                "tickwire venue: shard %" PRIu32 " has no trading day open (%s): orders are refused there until "
                "'tickwire venue day today --end 21:00'\n",
                shard->number, ended);
    }
}

/* `brief`: what was done is counted, what was not is printed. */
static void tell(run *self, bool brief) {
    uint64_t counts[VENUE_NO_ANSWER + 1] = {0};
    for (size_t i = 0; i < self->tasks.count; i++) {
        const venue_task *task = &self->tasks.list[i];
        counts[task->outcome]++;
        int code = exit_of(task->outcome);
        if (code > self->code) self->code = code;
        if (brief && task->outcome == VENUE_DONE) continue;
        if (self->settings.link.json)
            print_task_json(task);
        else
            print_task(task);
    }
    if (self->tasks.count == 0 && self->tasks.days_left_count == 0 && !self->settings.link.json)
        printf("nothing to do: no instrument lives at the shards of %s\n", self->settings.link.exchange);
    for (uint32_t i = 0; i < self->tasks.days_left_count; i++)
        tell_day_left(self, &self->tasks.days_left[i]);
    warn_of_no_day(self);
    if (self->trouble[0] != '\0') fprintf(stderr, "tickwire venue: %s\n", self->trouble);
    if (!brief || self->settings.link.json) return;
    printf("%s: %" PRIu64 " commands done at %" PRIu32 " shard%s, %" PRIu64 " refused, %" PRIu64
           " not stored, %" PRIu64 " not answered\n",
           self->settings.link.exchange, counts[VENUE_DONE], self->shards.count, self->shards.count == 1 ? "" : "s",
           counts[VENUE_REFUSED], counts[VENUE_NOT_STORED], counts[VENUE_NOT_KNOWN] + counts[VENUE_NO_ANSWER]);
}

/* ---- commands ---- */

typedef struct look_for {
    bool directory, days;
    bool starting; /* the venue may only be starting: it is waited for, as the server is */
} look_for;

/* A first matcher makes its streams a moment after it was started: who sets a venue up from a script is there before it. */
static tw_code find_venue(run *self, bool starting, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    int64_t until_ns = rt_clock_monotonic_ns() + s->server.connect_timeout_ns;
    tw_code code = venue_shards_find(&self->link, s->exchange, true, &self->shards, error);
    for (bool first = true; starting && code == TW_NOT_FOUND; first = false) {
        int64_t again_ns = rt_clock_monotonic_ns() + LOOK_AGAIN_NS;
        if (again_ns > until_ns) break;
        if (first)
            fprintf(stderr,
                    "tickwire venue: there is no venue %s here yet: waits up to %" PRId64
                    " s for it (--connect-timeout)\n",
                    s->exchange, s->server.connect_timeout_ns / TW_NS_PER_SECOND);
        if (venue_link_wait(&self->link, NULL, NULL, again_ns) == VENUE_INTERRUPTED) break;
        *error = (tw_error){0};
        code = venue_shards_find(&self->link, s->exchange, true, &self->shards, error);
    }
    return code;
}

static tw_code look(run *self, look_for wanted, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    tw_code code = find_venue(self, wanted.starting, error);
    if (code == TW_OK && !self->shards.complete)
        fprintf(stderr,
                "tickwire venue: JetStream does not say which shards there are (is it allowed to?): only those "
                "that are heard are reached\n");
    if (code == TW_OK && wanted.days)
        code = venue_shards_days(&self->link, s->exchange, s->timeout_ns, &self->shards, error);
    if (code != TW_OK || !wanted.directory) return code;
    return venue_directory_read(&self->link, s->exchange, &self->shards, s->timeout_ns, &self->directory, error);
}

static tw_code send_orders(run *self, const venue_order *orders, size_t count, uint32_t spread_over,
                           tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    const venue_ground ground = {
        .mic = s->exchange, .shards = &self->shards, .directory = &self->directory, .spread_over = spread_over};
    tw_code code = venue_tasks_make(&self->tasks, &ground, orders, count, error);
    if (code != TW_OK) return code;
    return venue_desk_send(&self->link, s->exchange, self->tasks.list, self->tasks.count, s->timeout_ns,
                           self->trouble, error);
}

/* The text of a file, NUL terminated; NULL with the error. */
static char *read_text(const char *path, tw_error *error) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    size_t capacity = 1u << 16, length = 0;
    char *text = NULL;
    if (file == NULL) return tw_error_set_errno(error, errno, "%s", path), NULL;
    for (bool more = true; more && capacity <= MOST_FILE; capacity *= 2) {
        char *grown = realloc(text, capacity);
        if (grown == NULL) break;
        text = grown;
        length += fread(text + length, 1, capacity - 1 - length, file);
        text[length] = '\0';
        more = length == capacity - 1;
        if (!more && !ferror(file)) goto whole;
    }
    tw_error_set(error, TW_IO, "%s can't be read, or has more than 64 MiB", path);
    free(text);
    text = NULL;
whole:
    if (file != stdin) fclose(file);
    if (text != NULL && strlen(text) != length) {
        tw_error_set(error, TW_MALFORMED, "%s is no text: it has a NUL in it", path);
        free(text);
        text = NULL;
    }
    return text;
}

static tw_code read_file(const run *self, const char *path, venue_file *file, tw_error *error) {
    char *text = read_text(path, error);
    *file = (venue_file){0};
    if (text == NULL) return error->code;
    tw_code code = venue_file_parse(file, text, self->settings.link.exchange, today(), error);
    free(text);
    return code == TW_OK ? TW_OK : tw_error_wrap(error, "%s", path);
}

static tw_code apply(run *self, const char *path, tw_error *error) {
    venue_file file;
    tw_code code = read_file(self, path, &file, error);
    if (code == TW_OK && file.count == 0)
        code =
            tw_error_set(error, TW_INVALID,
                         "%s has no command in it, nothing was sent: every line is empty, a comment, or one that "
                         "only says how to read commands (exchange, decimals, shards)",
                         path);
    if (code == TW_OK) {
        const look_for wanted = {.directory = venue_tasks_need_directory(file.orders, file.count),
                                 .days = venue_tasks_need_days(file.orders, file.count),
                                 .starting = true};
        use_exchange(self, file.mic);
        code = look(self, wanted, error);
        if (code == TW_OK) code = send_orders(self, file.orders, file.count, file.shards, error);
        if (code == TW_OK) tell(self, !self->settings.verbose);
    }
    venue_file_fini(&file);
    return code;
}

static tw_code show(run *self, const char *account, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    tw_code code = look(self, (look_for){.directory = true, .days = account == NULL}, error);
    if (code != TW_OK) return code;
    if (account != NULL)
        return venue_show_account(&self->link, s->exchange, &self->shards, &self->directory, account, s->timeout_ns,
                                  s->json, error);
    venue_show(s->exchange, &self->shards, &self->directory, s->json);
    if (!venue_shards_all_run(&self->shards)) self->code = EXIT_NO_ANSWER;
    self->told = true;
    return TW_OK;
}

/* ---- limits of which only some are named ---- */

static void on_account(void *context, const venue_page *page, const wire_part *item) {
    wire_account_view *known = context;
    (void)page;
    if (item->kind == WIRE_PART_ACCOUNT_VIEW) *known = item->account_view;
}

static tw_code complete_limits(run *self, const venue_order *order, venue_task *task, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    wire_query query = {.kind = WIRE_QUERY_ACCOUNT};
    wire_account_view known = {0};
    venue_asked asked;
    tw_text_copy(query.account, sizeof query.account, order->command.account);
    tw_code code = venue_ask(&self->link, s->exchange, task->shard, &query, 1, s->timeout_ns, on_account, &known,
                             &asked, error);
    if (code != TW_OK) return tw_error_wrap(error, "what the other limits are");
    for (uint32_t i = 0; !known.limits_known && i < VENUE_LIMITS_NEEDED; i++)
        if ((order->given & 1u << i) == 0)
            return tw_error_set(error, TW_INVALID,
                                "%s has no limits at shard %" PRIu32 " yet: say %s= too (or unlimited)",
                                order->command.account, task->shard, venue_limit_name(i));
    venue_limits_merge(&task->command, order, &known);
    return TW_OK;
}

static tw_code send_limits(run *self, const venue_order *order, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    const venue_ground ground = {.mic = s->exchange, .shards = &self->shards, .directory = &self->directory};
    tw_code code = venue_tasks_make(&self->tasks, &ground, order, 1, error);
    for (size_t i = 0; code == TW_OK && i < self->tasks.count; i++)
        code = complete_limits(self, order, &self->tasks.list[i], error);
    if (code != TW_OK) return code;
    return venue_desk_send(&self->link, s->exchange, self->tasks.list, self->tasks.count, s->timeout_ns,
                           self->trouble, error);
}

/* ---- moving an instrument ---- */

/* Sends one step and keeps its answers for the end. False: something was not done. */
static bool step(run *self, const wire_control_command *commands, size_t count, uint32_t shard, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    venue_tasks_fini(&self->tasks);
    for (size_t i = 0; i < count; i++)
        if (venue_tasks_add(&self->tasks, shard, 0, &commands[i], error) != TW_OK) return false;
    if (venue_desk_send(&self->link, s->exchange, self->tasks.list, count, s->timeout_ns, self->trouble, error) !=
        TW_OK)
        return false;
    tell(self, false);
    return self->code == 0;
}

/* What has to be known of the instrument before it moves. */
typedef struct moving {
    const char *symbol;
    uint32_t from, to;
    venue_order definition;
    bool blocked;      /* for everybody */
    venue_tasks after; /* accounts' blocks in it, for the new shard */
    size_t holders;
    char who[160]; /* the first of them */
    tw_error *error;
} moving;

/* Words as of a line in a venue file: move AAPL tick=0.01 … */
static tw_code definition_of_words(const run *self, const char *const *words, size_t count, venue_order *found,
                                   tw_error *error) {
    venue_context context;
    const char *line[VENUE_LINE_WORDS];
    if (count > VENUE_LINE_WORDS) return tw_error_set(error, TW_INVALID, "too many words");
    for (size_t i = 0; i < count; i++)
        line[i] = i == 0 ? "instrument" : words[i];
    venue_context_init(&context, self->settings.link.exchange, today());
    if (venue_line_parse(&context, line, count, found, error) != VENUE_LINE_ORDER) return error->code;
    return venue_redefinition_check(found, error);
}

static tw_code definition_of_file(const run *self, const char *symbol, venue_order *found, tw_error *error) {
    venue_file file;
    tw_code code = read_file(self, self->settings.file, &file, error);
    bool seen = false;
    for (size_t i = 0; code == TW_OK && i < file.count; i++) {
        const wire_control_command *c = &file.orders[i].command;
        if (c->kind != WIRE_DEFINE_INSTRUMENT || strcmp(c->symbol, symbol) != 0) continue;
        *found = file.orders[i];
        seen = true;
    }
    venue_file_fini(&file);
    if (code == TW_OK && !seen)
        return tw_error_set(error, TW_NOT_FOUND, "%s does not define %s", self->settings.file, symbol);
    return code;
}

static void on_definition(void *context, const venue_page *page, const wire_part *item) {
    moving *self = context;
    (void)page;
    if (item->kind != WIRE_PART_DEFINITION) return;
    if (item->definition.kind == WIRE_DEFINE_INSTRUMENT) self->definition.command = item->definition;
    if (item->definition.kind == WIRE_SET_BLOCK && item->definition.on) self->blocked = true;
}

static tw_code ask_instrument(run *self, uint8_t kind, moving *about, venue_on_item on_item, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    wire_query query = {.kind = kind};
    venue_asked asked;
    tw_text_copy(query.symbol, sizeof query.symbol, about->symbol);
    tw_code code =
        venue_ask(&self->link, s->exchange, about->from, &query, 0, s->timeout_ns, on_item, about, &asked, error);
    if (code == TW_OK && asked.code != WIRE_REPLY_OK)
        code = tw_error_set(error, TW_UNSUPPORTED, "shard %" PRIu32 " does not tell about %s: %s", about->from,
                            about->symbol, asked.detail);
    return code;
}

/* The old shard's own word, with what was said here in place of it. */
static tw_code find_definition(run *self, const char *const *words, size_t count, moving *about, tw_error *error) {
    tw_code code = ask_instrument(self, WIRE_QUERY_INSTRUMENT, about, on_definition, error);
    if (code != TW_OK) return code;
    if (about->blocked)
        return tw_error_set(
            error, TW_UNSUPPORTED,
            "%s is blocked for everybody, which is how a shard knows that it has left: 'tickwire venue "
            "unblock all %s' first, and close it if nobody shall trade",
            about->symbol, about->symbol);
    if (count > 2) return definition_of_words(self, words, count, &about->definition, error);
    if (self->settings.file[0] != '\0') return definition_of_file(self, about->symbol, &about->definition, error);
    return TW_OK;
}

static void on_holder(void *context, const venue_page *page, const wire_part *item) {
    moving *self = context;
    const wire_position_view *p = &item->position;
    char quantity[TW_DECIMAL_BYTES];
    if (item->kind != WIRE_PART_POSITION_VIEW) return;
    if (p->blocked) {
        wire_control_command block = wire_control_command_empty;
        block.kind = WIRE_SET_BLOCK;
        block.on = true;
        tw_text_copy(block.account, sizeof block.account, p->account);
        tw_text_copy(block.symbol, sizeof block.symbol, self->symbol);
        if (venue_tasks_add(&self->after, self->to, 0, &block, self->error) != TW_OK) return;
    }
    if (p->quantity == 0) return;
    const wire_named_instrument *i = venue_page_instrument(page, p->instrument);
    tw_decimal_format(quantity, sizeof quantity, p->quantity, i != NULL ? i->quantity_exponent : 0);
    size_t used = strlen(self->who);
    if (self->holders++ < MOST_HOLDERS_TOLD)
        tw_text_format(self->who + used, sizeof self->who - used, "%s%s %s", used > 0 ? ", " : "", p->account,
                       quantity);
}

/* Positions are an engine's own and can't be given to another one; `done` says what has happened already. */
static tw_code find_holders(run *self, moving *about, const char *done, tw_error *error) {
    about->holders = 0;
    about->who[0] = '\0';
    about->error = error;
    venue_tasks_fini(&about->after);
    tw_code code = ask_instrument(self, WIRE_QUERY_POSITIONS, about, on_holder, error);
    if (code == TW_OK) code = error->code;
    if (code != TW_OK || about->holders == 0 || self->settings.leave_positions) return code;
    return tw_error_set(
        error, TW_UNSUPPORTED,
        "%zu account%s with a position in %s (%s%s), and positions don't move: they would stay on shard "
        "%" PRIu32 ", where they can't be traded any more. Have them closed first, or say "
        "--leave-positions if clearing adds both shards up (docs/venue-shards.md). %s",
        about->holders, about->holders == 1 ? "" : "s", about->symbol, about->who,
        about->holders > MOST_HOLDERS_TOLD ? ", ..." : "", about->from, done);
}

static wire_control_command about_symbol(uint8_t kind, const char *symbol) {
    wire_control_command command = wire_control_command_empty;
    command.kind = kind;
    tw_text_copy(command.symbol, sizeof command.symbol, symbol);
    return command;
}

static bool leave_old(run *self, const moving *about, tw_error *error) {
    wire_control_command halt = about_symbol(WIRE_SET_STATE, about->symbol),
                         cancel = about_symbol(WIRE_CONTROL_MASS_CANCEL, about->symbol);
    halt.state = MX_HALTED;
    cancel.all_accounts = true;
    const wire_control_command both[] = {halt, cancel};
    return step(self, both, 2, about->from, error);
}

static bool make_new(run *self, moving *about, tw_error *error) {
    if (!step(self, &about->definition.command, 1, about->to, error)) return false;
    for (size_t i = 0; i < about->after.count; i++)
        if (!step(self, &about->after.list[i].command, 1, about->to, error)) return false;
    return true;
}

/* The old shard speaks of it a last time; the new one may have been the old one of another move, and then hears that it has it again. */
static bool change_over(run *self, const moving *about, tw_error *error) {
    wire_control_command close = about_symbol(WIRE_SET_STATE, about->symbol),
                         block = about_symbol(WIRE_SET_BLOCK, about->symbol);
    close.state = MX_CLOSED;
    block.all_accounts = block.on = true;
    const wire_control_command gone[] = {close, block};
    if (!step(self, gone, 2, about->from, error)) return false;
    block.on = false;
    return step(self, &block, 1, about->to, error);
}

static tw_code move_steps(run *self, moving *about, tw_error *error) {
    *error = (tw_error){0};
    bool done = leave_old(self, about, error);
    if (done && find_holders(self, about,
                             "It was traded just before: it is halted now, and 'tickwire venue open' lets "
                             "it trade on",
                             error) != TW_OK)
        return error->code;
    done = done && make_new(self, about, error) && change_over(self, about, error);
    if (!done && error->code == TW_OK)
        return tw_error_set(error, TW_UNSUPPORTED,
                            "the move stopped there; what was done stays, and the same move may be said again");
    if (!done) return error->code;
    if (self->settings.link.json) return TW_OK;
    printf("%s lives on shard %" PRIu32
           " now, closed: 'tickwire venue open %s' when its accounts have limits there\n",
           about->symbol, about->to, about->symbol);
    if (about->holders > 0)
        printf("left on shard %" PRIu32 ": the positions of %zu account%s (%s%s)\n", about->from, about->holders,
               about->holders == 1 ? "" : "s", about->who, about->holders > MOST_HOLDERS_TOLD ? ", ..." : "");
    return TW_OK;
}

/* Between which shards, and may it be now? */
static tw_code find_shards(run *self, const char *mic, moving *about, tw_error *error) {
    const venue_entry *entry = venue_directory_find(&self->directory, about->symbol);
    const venue_shard *target = venue_shards_get(&self->shards, about->to);
    if (entry == NULL) return tw_error_set(error, TW_NOT_FOUND, "%s has no instrument %s", mic, about->symbol);
    if (entry->shard == about->to)
        return tw_error_set(error, TW_INVALID, "%s lives on shard %" PRIu32 " already", about->symbol, about->to);
    if (target == NULL || !target->runs)
        return tw_error_set(error, TW_NOT_FOUND, "shard %" PRIu32 " does not run: start its matcher first",
                            about->to);
    const venue_shard *source = venue_shards_get(&self->shards, entry->shard);
    if (source == NULL || target->term <= source->term)
        return tw_error_set(error, TW_UNSUPPORTED,
                            "the leader of shard %" PRIu32 " is older than that of shard %" PRIu32
                            ": subscribers would take its books for those of a deposed one. Restart shard %" PRIu32
                            "'s matcher (or hand over) first",
                            about->to, entry->shard, about->to);
    about->from = entry->shard;
    bool open = source->day_known && source->day_end_ns != TW_TIME_ABSENT;
    if (open && (target->day_end_ns == TW_TIME_ABSENT || target->date != source->date))
        return tw_error_set(error, TW_UNSUPPORTED,
                            "shard %" PRIu32 " has not begun the trading day that is open at shard %" PRIu32
                            ": apply the venue file first, so that it has the accounts, their limits and the day",
                            about->to, about->from);
    return TW_OK;
}

static tw_code move(run *self, const char *const *words, size_t count, tw_error *error) {
    moving about = {.to = (uint32_t)self->settings.to};
    venue_name name;
    if (count < 2 || about.to == 0)
        return tw_error_set(error, TW_INVALID, "move what, and where? move AAPL --to 2");
    tw_code code = venue_name_parse(words[1], self->settings.link.exchange, &name, error);
    if (code != TW_OK) return code;
    use_exchange(self, name.mic);
    about.symbol = name.symbol;
    code = look(self, (look_for){.directory = true, .days = true}, error);
    if (code == TW_OK) code = find_shards(self, name.mic, &about, error);
    for (uint32_t i = 0; i < self->shards.count; i++)
        self->shards.list[i].day_known = false; /* looked at: a move at the day's end is as it should be */
    if (code == TW_OK) code = find_definition(self, words, count, &about, error);
    if (code == TW_OK) code = find_holders(self, &about, "Nothing was done", error);
    if (code == TW_OK) code = move_steps(self, &about, error);
    venue_tasks_fini(&about.after);
    return code;
}

/* ---- */

static bool is_limits(const venue_order *order) {
    return order->command.kind == WIRE_SET_LIMITS;
}

/* The words are a line. Where the venue has instruments, their decimals are those of the amounts. */
static tw_code say(run *self, const char *const *words, size_t count, tw_error *error) {
    const char *line[VENUE_LINE_WORDS];
    char end[64];
    venue_context context;
    venue_order order;
    venue_name name;
    if (count + 1 > VENUE_LINE_WORDS) return tw_error_set(error, TW_INVALID, "too many words");
    memcpy(line, words, count * sizeof *line);
    if (self->settings.end[0] != '\0') {
        if (!tw_text_format(end, sizeof end, "end=%s", self->settings.end))
            return tw_error_set(error, TW_INVALID, "--end '%s' is no time", self->settings.end);
        line[count++] = end;
    }
    /* TWEX.AAPL says which venue */
    for (size_t i = 1; i < count && i <= 2; i++)
        if (venue_name_parse(line[i], self->settings.link.exchange, &name, NULL) == TW_OK)
            use_exchange(self, name.mic);
    venue_context_init(&context, self->settings.link.exchange, today());
    context.limits_partly = true;
    venue_line_kind kind = venue_line_parse(&context, line, count, &order, error);
    if (kind == VENUE_LINE_BAD) return error->code;
    if (kind != VENUE_LINE_ORDER)
        return tw_error_set(error, TW_INVALID, "'%s' belongs into a venue file", words[0]);
    bool amounts = is_limits(&order) || order.command.kind == WIRE_SET_FEES;
    const look_for wanted = {.directory = amounts || venue_tasks_need_directory(&order, 1),
                             .days = venue_tasks_need_days(&order, 1)};
    tw_code code = look(self, wanted, error);
    if (code != TW_OK) return code;
    if (self->directory.count > 0) {
        context.price_exponent = self->directory.entries[0].price_exponent;
        context.quantity_exponent = self->directory.entries[0].quantity_exponent;
        if (venue_line_parse(&context, line, count, &order, error) != VENUE_LINE_ORDER) return error->code;
    }
    if (order.command.kind == WIRE_DEFINE_INSTRUMENT &&
        venue_directory_find(&self->directory, order.command.symbol) != NULL &&
        venue_redefinition_check(&order, error) != TW_OK)
        return error->code;
    code = is_limits(&order) ? send_limits(self, &order, error) : send_orders(self, &order, 1, 0, error);
    if (code == TW_OK) tell(self, self->tasks.count > MOST_LINES_TOLD);
    return code;
}

/* Somebody has not answered. Who ran when the command began may have halted by it, so all are looked at once more. */
static void explain_silence(run *self) {
    tw_error error = {0};
    if (self->told || self->shards.count == 0) return;
    if (venue_shards_all_run(&self->shards) && find_venue(self, false, &error) != TW_OK) return;
    venue_show_silent(stderr, self->settings.link.exchange, &self->shards);
}

static tw_code dispatch(run *self, const char *const *words, size_t count, tw_error *error) {
    if (strcmp(words[0], "apply") == 0) {
        if (count != 2)
            return tw_error_set(error, TW_INVALID, "apply which file? apply venue.txt, or - for standard input");
        return apply(self, words[1], error);
    }
    if (strcmp(words[0], "show") == 0) return show(self, count > 1 ? words[1] : NULL, error);
    if (strcmp(words[0], "move") == 0) return move(self, words, count, error);
    return say(self, words, count, error);
}

static int exit_for(const run *self, tw_code code) {
    if (code == TW_OK) return self->code;
    return code == TW_INVALID ? EXIT_USAGE : EXIT_REFUSED;
}

int command_venue(int argc, char **argv) {
    run *self = calloc(1, sizeof *self);
    tw_error error = {0};
    settings *owner = NULL;
    const char *words[VENUE_LINE_WORDS];
    size_t count = 0;
    if (self == NULL) return EXIT_REFUSED;
    int result = 0;
    tw_code code = TW_OK;
    settings_outcome outcome =
        settings_read(&owner, &program, argc, argv, &self->settings, words, VENUE_LINE_WORDS, &count, &error);
    if (outcome == SETTINGS_RUN && count == 0)
        tw_error_set(&error, TW_INVALID, "say what to do: show, apply FILE, open all, ...");
    if (outcome == SETTINGS_RUN && error.code == TW_OK) {
        interrupt_watch();
        code = venue_link_open(&self->link, &self->settings.link, "tickwire venue", &error);
        if (code == TW_OK) {
            code = dispatch(self, words, count, &error);
            if (code == TW_AWAY || self->code == EXIT_NO_ANSWER) explain_silence(self);
            venue_directory_fini(&self->directory);
            venue_tasks_fini(&self->tasks);
            venue_link_close(&self->link);
        }
        result = exit_for(self, code);
    } else if (outcome != SETTINGS_HELP && outcome != SETTINGS_VERSION) {
        result = EXIT_USAGE;
    }
    if (result != 0 && error.code != TW_OK) fprintf(stderr, "tickwire venue: %s\n", error.text);
    fflush(stdout);
    settings_free(owner);
    free(self);
    return result;
}
