/* A replica: its memory, and one input after the other. */
#include "matcher/replica/replica.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "matcher/replica/replica_internal.h"

/* ---- memory ---- */

static void sink_full(mx_sink *sink, void *context) {
    (void)sink;
    records_drain(context);
}

static tw_code check(const mr_options *options, tw_error *error) {
    char subject[SUBJECT_BYTES];
    if (!subject_shard(subject, sizeof subject, SUBJECT_KIND_CONTROL, options->exchange, options->bounds.shard))
        return tw_error_set(error, TW_INVALID, "'%s' is no exchange: four of A-Z and 0-9", options->exchange);
    uint64_t needed = mr_input_bytes(&options->bounds);
    if (options->input_bytes == 0 || options->input_bytes >= needed) return TW_OK;
    return tw_error_set(error, TW_INVALID,
                        "--input-memory is %" PRIu64 " bytes: with --max-reports and --max-orders as they are one "
                        "input may need %" PRIu64 " (0 takes what is needed)",
                        options->input_bytes, needed);
}

tw_code mr_alloc(mr_replica **replica, const mr_options *options, tw_error *error) {
    *replica = NULL;
    if (check(options, error) != TW_OK) return error->code;
    mr_replica *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a replica");
    self->shard = options->bounds.shard;
    self->bounds = options->bounds;
    tw_text_copy(self->exchange, sizeof self->exchange, options->exchange);
    tw_code code = mx_engine_alloc(&self->engine, &options->bounds, error);
    if (code == TW_OK) mx_engine_salt(self->engine, options->salt);
    if (code == TW_OK && (!records_init(self, options) || !journal_init(self, options)))
        code = tw_error_set(error, TW_NO_MEMORY, "no memory for a replica's reports");
    if (code != TW_OK) {
        mr_free(self);
        return code;
    }
    self->sink = (mx_sink){.reports = self->sunk, .capacity = MR_SINK_REPORTS, .full = sink_full, .context = self};
    *replica = self;
    return TW_OK;
}

void mr_free(mr_replica *self) {
    if (self == NULL) return;
    journal_fini(self);
    records_fini(self);
    mx_engine_free(self->engine);
    free(self);
}

static bool read_nothing(void *context, void *bytes, size_t length) {
    (void)context;
    (void)bytes;
    (void)length;
    return false;
}

/* The engine is empty after a snapshot that can't be read. */
void replica_clear(mr_replica *self) {
    (void)mx_snapshot_read(self->engine, read_nothing, NULL, NULL);
    self->seq = self->reports = 0;
    self->foreseen[0].bytes = self->foreseen[1].bytes = NULL;
    self->fault[0] = '\0';
    self->is_short = false;
    self->sink.count = 0;
    records_clear(self);
    journal_clear(self);
}

void replica_fault(mr_replica *self, const char *format, ...) {
    if (self->fault[0] != '\0') return;
    tw_error said = {0};
    char text[MR_FAULT_BYTES];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    tw_error_set(&said, TW_MALFORMED, "%s", text);
    tw_text_copy(self->fault, sizeof self->fault, said.text);
}

/* ---- inputs ---- */

static void on_command(void *context, const mx_input *input, const mw_order *order) {
    mr_replica *self = context;
    const wire_order_command *command = &order->from;
    records_command(self, input, command->kind, command->correlation_id);
    if (__builtin_expect(!order->strange, 1)) return;
    bool all = command->kind == WIRE_MASS_CANCEL && command->all_symbols;
    strangers_ask(self, command->account, all ? "" : command->symbol);
}

static void on_control(void *context, const mx_input *input, const wire_control_command *command) {
    mr_replica *self = context;
    records_command(self, input, WIRE_UNKNOWN, command->correlation_id);
    strangers_ask(self, command->all_accounts ? "" : command->account, command->all_symbols ? "" : command->symbol);
}

static void on_unreadable(void *context, const mx_input *input, const subject_parts *subject) {
    mr_replica *self = context;
    records_command(self, input, WIRE_UNKNOWN, "");
    strangers_ask(self, subject->account, subject->symbol);
}

void mr_foresee(mr_replica *self, const mw_message *after_next) {
    self->foreseen_last ^= 1;
    mw_look_ahead(self->engine, after_next, &self->foreseen[self->foreseen_last]);
}

static mw_ahead *foreseen(mr_replica *self, uint64_t seq) {
    mw_ahead *last = &self->foreseen[self->foreseen_last];
    return last->seq == seq ? last : &self->foreseen[self->foreseen_last ^ 1];
}

bool mr_take(mr_replica *self, const mw_message *message, const mr_listener *listener, mw_applied *applied) {
    const mw_listener own = {
        .on_command = on_command, .on_control = on_control, .on_unreadable = on_unreadable, .context = self};
    *applied = (mw_applied){0};
    if (self->fault[0] != '\0') return false;
    TW_ASSERT(message->seq == self->seq + 1);
    records_release(self);
    self->listener = listener;
    self->current = (mr_current){0};
    *applied = mw_apply_ahead(self->engine, message, foreseen(self, message->seq), &own, &self->sink);
    records_drain(self);
    records_command_ends(self);
    self->seq = message->seq;
    self->listener = NULL;
    if (self->claim_count > 0) journal_settle(self);
    return self->fault[0] == '\0';
}

mr_place mr_backlog_begin(const mr_replica *self) {
    return (mr_place){self->records.mark.chunk, self->records.mark.offset};
}

mr_record *mr_backlog_next(const mr_replica *self, mr_place *at) {
    shelf_cursor cursor = {at->chunk, at->offset};
    if (cursor.chunk == SHELF_NO_CHUNK) cursor = self->records.mark; /* taken when there was none */
    mr_record *record = shelf_next(&self->records, &cursor);
    *at = (mr_place){cursor.chunk, cursor.offset};
    return record;
}

/* ---- what there is ---- */

const mx_engine *mr_engine(const mr_replica *self) {
    return self->engine;
}

const char *mr_exchange(const mr_replica *self) {
    return self->exchange;
}

uint32_t mr_shard(const mr_replica *self) {
    return self->shard;
}

uint64_t mr_seq(const mr_replica *self) {
    return self->seq;
}

uint64_t mr_journaled(const mr_replica *self) {
    return self->place.journaled;
}

uint64_t mr_reports(const mr_replica *self) {
    return self->reports;
}

uint64_t mr_hash(const mr_replica *self) {
    return mx_state_hash(self->engine);
}

const char *mr_fault(const mr_replica *self) {
    return self->fault;
}

bool mr_is_short(const mr_replica *self) {
    return self->is_short;
}

bool mr_room(const mr_replica *self) {
    return self->records.waiting < self->backlog_bytes;
}

uint64_t mr_backlog_bytes(const mr_replica *self) {
    return self->records.waiting;
}

uint64_t mr_backlog_reports(const mr_replica *self) {
    return self->records.waiting_count;
}
