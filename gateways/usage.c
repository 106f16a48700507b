/* Periods: from the ledger's lines to the file and to the bus. */
#include "gateways/usage.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "runtime/clock.h"

/* A message that waits for the bus. */
typedef struct waiting_message {
    struct waiting_message *next;
    char subject[SUBJECT_BYTES];
    uint32_t lines;
    size_t length;
    uint8_t bytes[];
} waiting_message;

struct usage {
    usage_options options;
    rt_log *log;
    rt_log_site bus_site, full_site;
    char name[WIRE_GATEWAY_BYTES], instance[WIRE_INSTANCE_BYTES];
    ledger *ledger;
    ledger_sheet sheet;
    usage_file *file;

    wire_usage message; /* being filled */
    wire_usage_line lines[WIRE_MAX_USAGE_LINES];
    char subjects[WIRE_MAX_USAGE_LINES][SUBJECT_BYTES]; /* a line's are gone after its call */
    uint8_t bytes[WIRE_MAX_BYTES];
    waiting_message *first, **last;
    usage_stats stats;
};

/* ---- the bus ---- */

static void let_wait(usage *self, const char *subject, const uint8_t *bytes, size_t length, uint32_t lines) {
    waiting_message *one = NULL;
    if (self->stats.bytes_unpublished + length <= self->options.most_bytes) one = malloc(sizeof *one + length);
    if (one == NULL) {
        self->stats.lines_unpublished += lines;
        rt_log_limited(self->log, &self->bus_site, RT_ERROR,
                       "lines of the usage ledger are lost for the bus: it is away for too long",
                       RT_U64("lines", self->stats.lines_unpublished));
        return;
    }
    *one = (waiting_message){.lines = lines, .length = length};
    tw_text_copy(one->subject, sizeof one->subject, subject);
    memcpy(one->bytes, bytes, length);
    *self->last = one;
    self->last = &one->next;
    self->stats.bytes_unpublished += length;
}

static void send_message(usage *self) {
    uint8_t *bytes = self->bytes;
    char subject[SUBJECT_BYTES];
    wire_usage *m = &self->message;
    if (m->line_count == 0) return;
    m->publish_ns = rt_clock_utc_ns();
    m->lines = self->lines;
    size_t length = wire_usage_encode(m, bytes, sizeof self->bytes);
    if (length > 0 && subject_usage(subject, sizeof subject, m->exchange))
        let_wait(self, subject, bytes, length, m->line_count);
    else
        self->stats.lines_unpublished += m->line_count;
    m->line_count = 0;
}

void usage_publish_waiting(usage *self) {
    if (self == NULL || self->first == NULL || !bus_ready(self->options.bus)) return;
    while (self->first != NULL) {
        waiting_message *one = self->first;
        if (bus_publish(self->options.bus, one->subject, one->bytes, one->length) != TW_OK) break;
        self->stats.lines_published += one->lines;
        self->stats.bytes_unpublished -= one->length;
        self->first = one->next;
        if (self->first == NULL) self->last = &self->first;
        free(one);
    }
    bus_flush(self->options.bus);
}

static void add_to_message(usage *self, const ledger_line *line) {
    wire_usage *m = &self->message;
    if (m->line_count == WIRE_MAX_USAGE_LINES || strcmp(m->exchange, line->exchange) != 0) send_message(self);
    if (m->line_count == 0) tw_text_copy(m->exchange, sizeof m->exchange, line->exchange);
    tw_text_copy(self->subjects[m->line_count], SUBJECT_BYTES, line->subject);
    self->lines[m->line_count] = (wire_usage_line){.number = line->number,
                                                   .user = line->user,
                                                   .subject = self->subjects[m->line_count],
                                                   .updates = line->updates,
                                                   .bytes = line->bytes,
                                                   .first_ns = line->first_ns,
                                                   .last_ns = line->last_ns};
    m->line_count++;
}

/* ---- lines ---- */

static void on_line(void *context, const ledger_line *line) {
    usage *self = context;
    self->stats.lines++;
    if (self->options.publish) add_to_message(self, line);
    if (self->file == NULL) return;
    char text[LEDGER_LINE_BYTES];
    size_t length = ledger_line_json(&self->sheet, line, text, sizeof text);
    usage_file_put(self->file, text, length);
}

static void write_lines(usage *self) {
    self->message.period_start_ns = self->sheet.period_start_ns;
    ledger_flush(self->ledger, on_line, self);
    send_message(self);
    usage_publish_waiting(self);
    if (self->file != NULL) usage_file_write(self->file);
}

void usage_add(usage *self, const ledger_use *use) {
    if (self == NULL || ledger_add(self->ledger, use)) return;
    self->stats.early_flushes++;
    rt_log_limited(self->log, &self->full_site, RT_WARN,
                   "more users and subjects in a period than --usage-lines: lines are written early",
                   RT_U64("lines", ledger_count(self->ledger)));
    write_lines(self);
    ledger_add(self->ledger, use);
}

/* A clock that was set back ends a period, too. */
bool usage_is_due(const usage *self, int64_t now_ns) {
    return self != NULL && ledger_period_start(now_ns, self->options.period_ns) != self->sheet.period_start_ns;
}

int64_t usage_due_ns(const usage *self) {
    return self == NULL ? INT64_MAX : self->sheet.period_start_ns + self->options.period_ns;
}

void usage_end_period(usage *self, int64_t now_ns) {
    if (self == NULL) return;
    write_lines(self);
    self->sheet.period_start_ns = ledger_period_start(now_ns, self->options.period_ns);
}

void usage_reopen(usage *self) {
    if (self != NULL && self->file != NULL) usage_file_reopen(self->file);
}

/* ---- opening and closing ---- */

static tw_code set_name(usage *self, tw_error *error) {
    const char *name = self->options.name;
    char host[WIRE_GATEWAY_BYTES - 24] = "host";
    if (name[0] == '\0') {
        gethostname(host, sizeof host);
        host[sizeof host - 1] = '\0';
        tw_text_format(self->name, sizeof self->name, "%s-%ld", host, (long)getpid());
        return TW_OK;
    }
    for (const char *at = name; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && strchr("._:-", *at) == NULL)
            return tw_error_set(error, TW_INVALID, "--name '%s': only letters, digits, '.', '_', ':', '-'", name);
    if (!tw_text_copy(self->name, sizeof self->name, name))
        return tw_error_set(error, TW_INVALID, "--name '%s': more than %u bytes", name, WIRE_GATEWAY_BYTES - 1);
    return TW_OK;
}

static void set_up(usage *self, int64_t now_ns) {
    tw_text_format(self->instance, sizeof self->instance, "%lld-%ld", (long long)(now_ns / 1000000),
                   (long)getpid());
    self->sheet = (ledger_sheet){.gateway = self->name,
                                 .instance = self->instance,
                                 .period_start_ns = ledger_period_start(now_ns, self->options.period_ns),
                                 .period_ns = self->options.period_ns};
    tw_text_copy(self->message.gateway, sizeof self->message.gateway, self->name);
    tw_text_copy(self->message.instance, sizeof self->message.instance, self->instance);
    self->message.period_ns = self->options.period_ns;
}

tw_code usage_open(usage **made, uv_loop_t *loop, const usage_options *options, int64_t now_ns, rt_log *log,
                   tw_error *error) {
    *made = NULL;
    if (options->file[0] == '\0' && !options->publish) return TW_OK;
    usage *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the usage ledger");
    self->options = *options;
    self->log = log;
    self->last = &self->first;
    tw_code code = set_name(self, error);
    if (code == TW_OK) code = ledger_alloc(&self->ledger, options->most_lines, error);
    if (code == TW_OK && options->file[0] != '\0') {
        code = usage_file_open(&self->file, loop, options->file, options->most_bytes, log, error);
        if (code != TW_OK) tw_error_wrap(error, "--usage");
    }
    if (code != TW_OK) {
        ledger_free(self->ledger);
        free(self);
        return code;
    }
    set_up(self, now_ns);
    *made = self;
    return TW_OK;
}

void usage_close(usage *self, int64_t wait_ns) {
    if (self == NULL) return;
    usage_file_close(self->file, wait_ns);
    for (waiting_message *one = self->first, *next; one != NULL; one = next) {
        next = one->next;
        self->stats.lines_unpublished += one->lines;
        free(one);
    }
    if (self->stats.lines_unpublished > 0)
        rt_log(self->log, RT_ERROR, "lines of the usage ledger are lost for the bus",
               RT_U64("lines", self->stats.lines_unpublished));
    ledger_free(self->ledger);
    free(self);
}

usage_stats usage_read_stats(const usage *self) {
    if (self == NULL) return (usage_stats){.file = {.good = true}};
    usage_stats stats = self->stats;
    stats.lines_open = ledger_count(self->ledger);
    stats.file = usage_file_read_stats(self->file);
    return stats;
}
