/* Sends control commands, a lane for each shard, and follows their answers in execlog. */
#include "tools/venue/desk.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "matcher/core/report.h"
#include "runtime/bus_writer.h"
#include "runtime/clock.h"

#define BATCH_BYTES    (256u << 10)
#define BATCH_COMMANDS 1000u
#define TRIES          3u

/* A batch that was stored, and which tasks it held. */
typedef struct batch {
    uint32_t shard;
    uint64_t seq;
    size_t first, count;
} batch;

/* An answer whose batch is not known yet: the engine was faster than the acknowledgement. */
typedef struct answer {
    uint32_t shard, index, reason;
    uint64_t seq, quantity;
    bool done;
} answer;

/* One shard's tasks: [next, end) are to be sent, `count` of them are on their way. */
typedef struct lane {
    struct desk *desk;
    uint32_t shard;
    size_t next, end, count;
    uint32_t tries;
    bool outstanding;
    bus_subscription *log;
} lane;

typedef struct desk {
    venue_link *link;
    const char *mic;
    venue_task *tasks;
    size_t task_count, waiting;
    lane *lanes;
    uint32_t lane_count;
    bus_writer *writer;
    batch *batches;
    size_t batch_count;
    answer *held;
    size_t held_count, held_capacity;
    uint8_t buffer[BATCH_BYTES];
    char *trouble;
    int64_t progress_ns;
} desk;

const char *venue_outcome_name(venue_outcome outcome) {
    static const char *const names[] = {"WAITING", "DONE", "REFUSED", "NOT_STORED", "NOT_KNOWN", "NO_ANSWER"};
    return (unsigned)outcome < sizeof names / sizeof *names ? names[outcome] : "?";
}

/* ---- answers ---- */

static void settle(desk *self, venue_task *task, venue_outcome outcome) {
    if (task->outcome != VENUE_WAITING) return;
    task->outcome = outcome;
    self->waiting--;
    self->progress_ns = rt_clock_monotonic_ns();
}

/* True if the answer belongs to a batch of ours. */
static bool apply(desk *self, const answer *from) {
    for (size_t i = 0; i < self->batch_count; i++) {
        const batch *b = &self->batches[i];
        if (b->shard != from->shard || b->seq != from->seq || from->index >= b->count) continue;
        venue_task *task = &self->tasks[b->first + from->index];
        if (task->outcome == VENUE_WAITING) {
            task->reason = from->reason;
            task->quantity = from->quantity;
        }
        settle(self, task, from->done ? VENUE_DONE : VENUE_REFUSED);
        return true;
    }
    return false;
}

static void hold(desk *self, const answer *from) {
    if (self->held_count == self->held_capacity) {
        size_t wanted = self->held_capacity == 0 ? 256 : self->held_capacity * 2;
        answer *grown = realloc(self->held, wanted * sizeof *grown);
        if (grown == NULL) return; /* then this one is waited for in vain, and that is said */
        self->held = grown;
        self->held_capacity = wanted;
    }
    self->held[self->held_count++] = *from;
}

static void apply_held(desk *self) {
    size_t kept = 0;
    for (size_t i = 0; i < self->held_count; i++)
        if (!apply(self, &self->held[i])) self->held[kept++] = self->held[i];
    self->held_count = kept;
}

static bool is_answer(const wire_report *report) {
    return report->kind == MX_DONE || report->kind == MX_REFUSED || report->kind == MX_MASS_CANCELLED ||
           report->kind == MX_STATE_CHANGED || report->kind == MX_CANCEL_REJECTED;
}

static void on_log(void *context, const bus_message *message) {
    lane *from = context;
    wire_executions batch_of_reports;
    wire_part part;
    if (wire_executions_open(&batch_of_reports, message->bytes, message->length) != WIRE_OK) return;
    while (wire_executions_next(&batch_of_reports, &part)) {
        const wire_report *report = &part.report;
        if (part.kind != WIRE_PART_REPORT || !is_answer(report)) continue;
        answer one = {.shard = from->shard,
                      .seq = report->seq,
                      .index = report->index,
                      .reason = report->reason,
                      .quantity = report->quantity,
                      .done = report->kind != MX_REFUSED && report->kind != MX_CANCEL_REJECTED};
        if (!apply(from->desk, &one) && from->outstanding) hold(from->desk, &one);
    }
}

/* ---- sending ---- */

static void give_up(lane *self, venue_outcome outcome, const char *reason) {
    desk *d = self->desk;
    for (size_t i = self->next; i < self->end; i++)
        settle(d, &d->tasks[i], i < self->next + self->count ? outcome : VENUE_NOT_STORED);
    tw_text_format(d->trouble, 256, "shard %u: %s", self->shard, reason);
    self->next = self->end;
}

static void send_next(lane *self) {
    desk *d = self->desk;
    char subject[SUBJECT_BYTES];
    wire_parts parts;
    size_t length;
    if (self->next == self->end) return;
    wire_parts_start(&parts, d->buffer, sizeof d->buffer);
    for (self->count = 0; self->next + self->count < self->end && self->count < BATCH_COMMANDS; self->count++)
        if (!wire_control_command_add(&parts, &d->tasks[self->next + self->count].command)) break;
    const wire_batch_header header = {.sender = "tickwire venue", .sent_ns = rt_clock_utc_ns()};
    const uint8_t *bytes = wire_controls_finish(&parts, &header, &length);
    subject_shard(subject, sizeof subject, SUBJECT_KIND_CONTROL, d->mic, self->shard);
    tw_code code =
        bus_writer_write(d->writer, subject, bytes, length, BUS_ANY_LAST_SEQ, (uint64_t)(self - d->lanes));
    self->outstanding = code == TW_OK;
    if (code != TW_OK) give_up(self, VENUE_NOT_STORED, "the server is away");
}

static void stored(lane *self, uint64_t seq) {
    desk *d = self->desk;
    d->batches[d->batch_count++] =
        (batch){.shard = self->shard, .seq = seq, .first = self->next, .count = self->count};
    for (size_t i = 0; i < self->count; i++) {
        d->tasks[self->next + i].seq = seq;
        d->tasks[self->next + i].index = (uint32_t)i;
    }
    self->next += self->count;
    self->count = 0;
    self->tries = 0;
    d->progress_ns = rt_clock_monotonic_ns();
    apply_held(d);
}

/* A second trading day of the same date would be refused, and nobody could tell which of the two answers counts. */
static bool may_repeat(lane *self) {
    for (size_t i = 0; i < self->count; i++)
        if (self->desk->tasks[self->next + i].command.kind == WIRE_BEGIN_DAY) return false;
    return ++self->tries < TRIES;
}

static void on_write(void *context, const bus_write_result *result) {
    desk *d = context;
    lane *self = &d->lanes[result->token];
    self->outstanding = false;
    switch (result->outcome) {
    case BUS_WRITE_STORED:
        stored(self, result->seq);
        send_next(self);
        break;
    case BUS_WRITE_UNKNOWN:
        if (may_repeat(self))
            send_next(self);
        else
            give_up(self, VENUE_NOT_KNOWN,
                    "no acknowledgement came; look with 'tickwire venue show' before "
                    "saying it again");
        break;
    default:
        give_up(self, VENUE_NOT_STORED, result->reason[0] != '\0' ? result->reason : "no stream takes it");
        break;
    }
}

/* ---- the whole ---- */

static int by_shard(const void *a, const void *b) {
    const venue_task *left = a, *right = b;
    if (left->shard != right->shard) return left->shard < right->shard ? -1 : 1;
    return left->seq < right->seq ? -1 : left->seq > right->seq; /* their place, until they are stored */
}

static tw_code open_lanes(desk *self, tw_error *error) {
    char subject[SUBJECT_BYTES];
    for (size_t i = 0; i < self->task_count; i++) {
        if (i > 0 && self->tasks[i].shard == self->tasks[i - 1].shard) {
            self->lanes[self->lane_count - 1].end = i + 1;
            continue;
        }
        lane *one = &self->lanes[self->lane_count++];
        *one = (lane){.desk = self, .shard = self->tasks[i].shard, .next = i, .end = i + 1};
        subject_shard(subject, sizeof subject, SUBJECT_KIND_EXECUTION_LOG, self->mic, one->shard);
        tw_code code = bus_subscribe(self->link->bus, subject, on_log, one, &one->log, error);
        if (code != TW_OK) return code;
    }
    return TW_OK;
}

static bool settled(void *context) {
    const desk *self = context;
    return self->waiting == 0;
}

/* As long as something comes it is waited for. */
static void wait_for_answers(desk *self, int64_t timeout_ns) {
    venue_wait came;
    self->progress_ns = rt_clock_monotonic_ns();
    do {
        came = venue_link_wait(self->link, settled, self, self->progress_ns + timeout_ns);
        for (uint32_t i = 0; came == VENUE_TIMED_OUT && i < self->lane_count; i++)
            if (self->lanes[i].outstanding)
                self->progress_ns = rt_clock_monotonic_ns(); /* the writer's own limit ends it */
    } while (came == VENUE_TIMED_OUT && rt_clock_monotonic_ns() < self->progress_ns + timeout_ns);
    for (size_t i = 0; i < self->task_count; i++)
        settle(self, &self->tasks[i], self->tasks[i].seq > 0 ? VENUE_NO_ANSWER : VENUE_NOT_KNOWN);
}

static tw_code run(desk *self, int64_t timeout_ns, tw_error *error) {
    const bus_writer_options options = {.timeout_ns = timeout_ns, .on_result = on_write, .context = self};
    for (size_t i = 0; i < self->task_count; i++) {
        self->tasks[i].outcome = VENUE_WAITING;
        self->tasks[i].seq = i;
    }
    qsort(self->tasks, self->task_count, sizeof *self->tasks, by_shard);
    for (size_t i = 0; i < self->task_count; i++)
        self->tasks[i].seq = 0;
    tw_code code = bus_writer_open(&self->writer, self->link->bus, &self->link->loop, &options, error);
    if (code == TW_OK) code = open_lanes(self, error);
    if (code == TW_OK) {
        for (uint32_t i = 0; i < self->lane_count; i++)
            send_next(&self->lanes[i]);
        wait_for_answers(self, timeout_ns);
    }
    for (uint32_t i = 0; i < self->lane_count; i++)
        bus_unsubscribe(self->lanes[i].log);
    bus_writer_close(self->writer);
    return code;
}

tw_code venue_desk_send(venue_link *link, const char *mic, venue_task *tasks, size_t count, int64_t timeout_ns,
                        char trouble[256], tw_error *error) {
    trouble[0] = '\0';
    if (count == 0) return TW_OK;
    desk *self = calloc(1, sizeof *self);
    tw_code code = TW_OK;
    if (self != NULL) {
        *self = (desk){
            .link = link, .mic = mic, .tasks = tasks, .task_count = count, .waiting = count, .trouble = trouble};
        self->lanes = calloc(count < VENUE_MAX_SHARDS ? count : VENUE_MAX_SHARDS, sizeof *self->lanes);
        self->batches = calloc(count, sizeof *self->batches);
    }
    if (self == NULL || self->lanes == NULL || self->batches == NULL)
        code = tw_error_set(error, TW_NO_MEMORY, "no memory for %zu commands", count);
    else
        code = run(self, timeout_ns, error);
    if (self != NULL) {
        free(self->lanes);
        free(self->batches);
        free(self->held);
    }
    free(self);
    return code;
}
