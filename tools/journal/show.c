/* `tickwire journal show`: the order stream and execlog side by side, as an audit reads them. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "tools/journal/audit.h"
#include "tools/journal/executions.h"
#include "tools/journal/options.h"

/* Execlog as one sequence of reports. */
typedef struct logged {
    journal_cursor *cursor; /* NULL: there is nothing to read */
    journal_kept kept;
    wire_executions open;
    wire_part part;
    bool waiting;     /* `part` is a report that was not taken yet */
    uint64_t covered; /* all reports up to this input have been seen, or wait */
} logged;

typedef struct show {
    journal *held;
    audit_filter filter;
    bool json;
    FILE *to;
    journal_names names;
    logged log;
    journal_kept input;
    bool pending; /* `command` waits for a report that is wanted */
    char command[AUDIT_LINE_BYTES], line[AUDIT_LINE_BYTES];
} show;

/* ---- execlog ---- */

static tw_code load_next(show *self, bool *more, tw_error *error) {
    logged *log = &self->log;
    mw_message message;
    *more = false;
    if (log->cursor == NULL) return TW_OK;
    tw_code code = journal_next(log->cursor, &message, more, error);
    if (code != TW_OK || !*more) return code;
    if (!journal_keep(&log->kept, &message)) return tw_error_set(error, TW_NO_MEMORY, "no memory for a message");
    code = executions_open(self->held, &log->kept.message, &log->open, error);
    if (code != TW_OK) return code;
    log->covered = log->open.header.last_seq;
    if (!journal_names_take_all(&self->names, log->open))
        return tw_error_set(error, TW_NO_MEMORY, "no memory for names, or message %" PRIu64 " has wrong numbers",
                            message.seq);
    return TW_OK;
}

/* The next report, not taken yet: log.waiting says whether there is one. */
static tw_code peek(show *self, tw_error *error) {
    logged *log = &self->log;
    while (!log->waiting) {
        if (log->kept.memory != NULL && wire_executions_next(&log->open, &log->part)) {
            log->waiting = log->part.kind == WIRE_PART_REPORT;
            continue;
        }
        bool more;
        tw_code code = load_next(self, &more, error);
        if (code != TW_OK || !more) return code;
    }
    return TW_OK;
}

static tw_code pass_over_before(show *self, uint64_t seq, tw_error *error) {
    tw_code code = peek(self, error);
    while (code == TW_OK && self->log.waiting && self->log.part.report.seq < seq) {
        self->log.waiting = false;
        code = peek(self, error);
    }
    return code;
}

static void print(show *self, const char *line) {
    fputs(line, self->to);
    fputc('\n', self->to);
}

/* Reports of input `seq` up to those of command `index`. */
static tw_code reports(show *self, uint64_t seq, uint32_t index, tw_error *error) {
    logged *log = &self->log;
    tw_code code = peek(self, error);
    while (code == TW_OK && log->waiting && log->part.report.seq == seq && log->part.report.index <= index) {
        log->waiting = false;
        if (audit_wants_report(&self->filter, &self->names, &log->part.report)) {
            if (self->pending) print(self, self->command);
            self->pending = false;
            audit_report(self->json, &self->names, journal_shard(self->held), &log->part.report, self->line);
            print(self, self->line);
        }
        code = peek(self, error);
    }
    return code;
}

/* ---- the order stream ---- */

/* `command` has been made: it is printed now if it is wanted, or later with a report that is. */
static tw_code tell_command(show *self, const audit_place *place, bool wanted, tw_error *error) {
    self->pending = !wanted;
    if (wanted) print(self, self->command);
    return reports(self, place->seq, place->index, error);
}

static tw_code tell_message(show *self, const audit_place *place, const char *what, tw_error *error) {
    audit_message(self->json, place, what, self->command);
    tw_code code = tell_command(self, place, audit_wants_everything(&self->filter), error);
    return code == TW_OK ? reports(self, place->seq, UINT32_MAX, error) : code;
}

static tw_code orders(show *self, audit_place place, const subject_parts *subject, tw_error *error) {
    wire_orders batch;
    wire_order_command command;
    const mw_message *message = &self->input.message;
    if (wire_orders_open(&batch, message->bytes, message->length) != WIRE_OK)
        return tell_message(self, &place, "can't be read: no protobuf, or cut short", error);
    place.batch = &batch.header;
    if (batch.rest.count == 0)
        return tell_message(self, &place, "a batch without commands: a clock command", error);
    tw_code code = TW_OK;
    for (; code == TW_OK && wire_orders_next(&batch, &command); place.index++) {
        wire_order_command_admit(&command, subject);
        audit_order_command(self->json, &self->names, &place, &command, self->command);
        code = tell_command(self, &place, audit_wants_order_command(&self->filter, &place, &command), error);
    }
    return code;
}

static tw_code controls(show *self, audit_place place, tw_error *error) {
    wire_controls batch;
    wire_control_command command;
    const mw_message *message = &self->input.message;
    if (wire_controls_open(&batch, message->bytes, message->length) != WIRE_OK)
        return tell_message(self, &place, "can't be read: no protobuf, or cut short", error);
    place.batch = &batch.header;
    if (batch.rest.count == 0)
        return tell_message(self, &place, "a batch without commands: a clock command", error);
    tw_code code = TW_OK;
    for (; code == TW_OK && wire_controls_next(&batch, &command); place.index++) {
        audit_control_command(self->json, &self->names, &place, &command, self->command);
        code = tell_command(self, &place, audit_wants_control_command(&self->filter, &command), error);
    }
    return code;
}

static tw_code tell_input(show *self, tw_error *error) {
    const mw_message *message = &self->input.message;
    audit_place place = {.shard = journal_shard(self->held),
                         .seq = message->seq,
                         .stream_ns = message->stream_ns,
                         .subject = message->subject};
    subject_parts subject;
    tw_code code = pass_over_before(self, message->seq, error);
    if (code != TW_OK) return code;
    switch (subject_parse(message->subject, &subject)) {
    case SUBJECT_KIND_ORDERS:
    case SUBJECT_KIND_ORDER_BATCH:
        code = orders(self, place, &subject, error);
        break;
    case SUBJECT_KIND_CONTROL:
        code = controls(self, place, error);
        break;
    default:
        code = tell_message(self, &place, "on a subject that takes no commands", error);
        break;
    }
    return code == TW_OK ? reports(self, message->seq, UINT32_MAX, error) : code;
}

static tw_code open_log(show *self, uint64_t first, tw_error *error) {
    journal_info info;
    uint64_t from;
    tw_code code = journal_look(self->held, JOURNAL_EXECLOG, &info, error);
    if (code == TW_NOT_FOUND) { /* nothing was ever matched: the commands alone */
        *error = (tw_error){0};
        return TW_OK;
    }
    if (code == TW_OK) code = executions_find(self->held, first, &from, error);
    if (code != TW_OK || from > info.last_seq) return code;
    return journal_read(self->held, JOURNAL_EXECLOG, from, info.last_seq, &self->log.cursor, error);
}

static tw_code walk(show *self, uint64_t first, uint64_t last, tw_error *error) {
    journal_cursor *cursor = NULL;
    mw_message message;
    bool more = true;
    tw_code code = open_log(self, first, error);
    if (code == TW_OK) code = journal_read(self->held, JOURNAL_ORDERS, first, last, &cursor, error);
    while (code == TW_OK && ferror(self->to) == 0) {
        code = journal_next(cursor, &message, &more, error);
        if (code != TW_OK || !more) break;
        if (!journal_keep(&self->input, &message))
            code = tw_error_set(error, TW_NO_MEMORY, "no memory for a message");
        else
            code = tell_input(self, error);
    }
    journal_stop(cursor);
    return code;
}

tw_code journal_write_lines(journal *held, const journal_settings *asked, FILE *to, tw_error *error) {
    uint64_t first, last;
    bool from_snapshot;
    show *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory");
    *self = (show){.held = held,
                   .json = asked->json,
                   .to = to,
                   .filter = {.account = asked->account != NULL ? asked->account : "",
                              .symbol = asked->symbol != NULL ? asked->symbol : "",
                              .correlation_id = asked->correlation != NULL ? asked->correlation : ""}};
    tw_code code = TW_OK;
    if (asked->order != NULL && asked->order[0] != '\0' &&
        !audit_order_id_parse(asked->order, journal_shard(held), &self->filter.order_id))
        code = tw_error_set(error, TW_INVALID, "--order \"%s\" is no order of shard %" PRIu32 ": SHARD-SEQ-INDEX",
                            asked->order, journal_shard(held));
    if (code == TW_OK) code = journal_range(held, asked, &first, &last, &from_snapshot, error);
    if (code == TW_OK && from_snapshot) code = tw_error_set(error, TW_INVALID, "--from takes a sequence here");
    if (code == TW_OK && first <= last) code = walk(self, first, last, error);
    if (code == TW_OK && first <= last && self->log.covered < last)
        fprintf(stderr,
                "tickwire journal: execlog has the reports of inputs up to %" PRIu64 ": %" PRIu64 " are behind\n",
                self->log.covered, last - (self->log.covered > first - 1 ? self->log.covered : first - 1));
    journal_stop(self->log.cursor);
    journal_kept_fini(&self->log.kept);
    journal_kept_fini(&self->input);
    journal_names_fini(&self->names);
    free(self);
    return code;
}

int journal_show(const journal_settings *asked) {
    tw_error error = {0};
    journal *held = journal_open_or_say(asked);
    if (held == NULL) return JOURNAL_EXIT_FAULT;
    tw_code code = journal_write_lines(held, asked, stdout, &error);
    fflush(stdout);
    journal_close(held);
    if (code == TW_OK) return 0;
    journal_say(&error);
    return code == TW_INVALID ? JOURNAL_EXIT_USAGE : JOURNAL_EXIT_FAULT;
}
