/*
 * The lines of a network feed on the loop: all that a socket has goes to the arbiter as its line, then one flush.
 *
 *      socket A --poll--\
 *                        +--> arbiter --> messages
 *      socket B --poll--/
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ingest/pipeline.h"
#include "ingest/source/udp_source.h"
#include "ingest/state/receive_room.h"
#include "runtime/clock.h"

#define CALLS_PER_ROUND 16 /* receive calls before the loop gets its turn, so that requests are never starved */
#define SPINS_PER_ROUND 32 /* the same, of calls that bring nothing; some ten microseconds */
#define BUSY_POLL_US    50 /* for the network card's queue, where there is one */
#define LIVE_LINES      2u

typedef struct live_line {
    live *owner;
    uint32_t index;
    udp_source *source; /* NULL: there is no such line */
    uv_poll_t poll;
    bool failed;
    receive_room room;
    rt_log_site error_site, drop_site;
} live_line;

struct live {
    ingest *ingest;
    live_line lines[LIVE_LINES];
    uint32_t open; /* handles that are not closed yet */
};

static const char *const line_names[INGEST_LINES] = {"A", "B", "R"};

static size_t take_datagrams(live_line *line, int64_t now_ns) {
    ingest *self = line->owner->ingest;
    udp_packet packets[UDP_SOURCE_BURST];
    size_t count = 0;
    tw_error error;
    if (udp_source_receive(line->source, packets, &count, rt_clock_utc_ns(), &error) != TW_OK)
        rt_log_limited(self->log, &line->error_site, RT_ERROR, "receiving failed",
                       RT_STR("line", line_names[line->index]), RT_STR("reason", error.text));
    if (count == 0) return 0;
    hop_times_begin(&self->hops, packets[0].receive_ns, rt_clock_utc_ns());
    burst_limit_look(&self->burst, count == UDP_SOURCE_BURST || !bus_ready(self->bus), now_ns);
    for (size_t i = 0; i < count; i++) {
        /* Of a larger one there is no more; what is there says itself that it is cut: malformed, counted and told. */
        size_t length = packets[i].length <= UDP_SOURCE_MAX_BYTES ? packets[i].length : UDP_SOURCE_MAX_BYTES;
        arbiter_packet(self->arbiter, line->index, packets[i].payload, length, packets[i].receive_ns, now_ns);
    }
    return count;
}

/* The feed has failed when no line is left. */
static void line_failed(live_line *line, const char *reason) {
    live *self = line->owner;
    line->failed = true;
    uv_poll_stop(&line->poll);
    rt_log(self->ingest->log, RT_ERROR, "a line has failed", RT_STR("line", line_names[line->index]),
           RT_STR("reason", reason));
    for (uint32_t i = 0; i < LIVE_LINES; i++)
        if (self->lines[i].source != NULL && !self->lines[i].failed) return;
    ingest_source_ended(self->ingest, reason);
}

/* The buffer is looked at while it is at its fullest: when there was more than one call takes, and on every tick. */
static void look_at_queue(live_line *line) {
    ingest *self = line->owner->ingest;
    uint64_t told = line->room.drops;
    uint64_t used = udp_source_look(line->source), drops = udp_source_kernel_drops(line->source);
    uint64_t wanted = receive_room_look(&line->room, used, drops);
    if (drops > told)
        rt_log_limited(self->log, &line->drop_site, RT_WARN,
                       "the kernel dropped packets: the socket buffer was full",
                       RT_STR("line", line_names[line->index]), RT_U64("dropped", drops - told),
                       RT_U64("dropped_in_all", drops), RT_U64("receive_buffer_bytes", line->room.granted));
    if (wanted == 0) return;
    tw_error error = {0};
    uint64_t before = line->room.granted;
    udp_source_resize(line->source, (int)wanted, &error); /* a refusal leaves the size as it was */
    bool grown = receive_room_granted(&line->room, wanted, (uint64_t)udp_source_buffer_bytes(line->source));
    rt_log(self->log, grown ? RT_INFO : RT_WARN,
           grown ? "the receive buffer has grown"
                 : "the system grants no larger receive buffer: see net.core.rmem_max",
           RT_STR("line", line_names[line->index]), RT_U64("from_bytes", before),
           RT_U64("to_bytes", line->room.granted), RT_U64("in_use_bytes", used));
}

/* All that the line's socket has, within bounds, and what came of it to the bus. False: it had nothing. */
static bool take_burst(live_line *line) {
    ingest *self = line->owner->ingest;
    int64_t now_ns = rt_clock_monotonic_ns();
    size_t count = take_datagrams(line, now_ns), calls = 1;
    if (count == 0) return false;
    while (count == UDP_SOURCE_BURST && calls++ < CALLS_PER_ROUND) {
        look_at_queue(line);
        count = take_datagrams(line, now_ns);
    }
    if (self->recovery != NULL) recovery_step(self->recovery, now_ns);
    ingest_end_of_burst(self);
    hop_times_drop(&self->hops);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)events;
    live_line *line = poll->data;
    if (status < 0) {
        line_failed(line, uv_strerror(status));
        return;
    }
    take_burst(line);
}

static tw_code open_line(live *self, uint32_t index, const location *where, const char *text, tw_error *error) {
    live_line *line = &self->lines[index];
    ingest *owner = self->ingest;
    line->owner = self;
    line->index = index;
    tw_code code = udp_source_open(&line->source, where, (int)owner->settings.receive_buffer, error);
    if (code != TW_OK) return tw_error_wrap(error, "opening source %s", text);
    uv_poll_init(&owner->loop, &line->poll, udp_source_fd(line->source));
    line->poll.data = line;
    self->open++;
    receive_room_init(&line->room, owner->settings.receive_buffer, owner->settings.receive_buffer_max,
                      (uint64_t)udp_source_buffer_bytes(line->source));
    if (!owner->settings.busy_poll)
        uv_poll_start(&line->poll, UV_READABLE, on_readable);
    else if (!udp_source_busy_poll(line->source, BUSY_POLL_US))
        rt_log(owner->log, RT_INFO, "the network card is not polled: SO_BUSY_POLL needs CAP_NET_ADMIN",
               RT_STR("line", line_names[index]), RT_STR("reason", strerror(errno)));
    rt_log(owner->log, RT_INFO, "listening", RT_STR("line", line_names[index]), RT_STR("source", text),
           RT_I64("receive_buffer_bytes", udp_source_buffer_bytes(line->source)));
    return TW_OK;
}

tw_code live_open(live **out, ingest *owner, tw_error *error) {
    live *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the network source");
    self->ingest = owner;
    tw_code code = TW_OK;
    if (owner->settings.source_b[0] != '\0')
        code = open_line(self, 1, &owner->where_b, owner->settings.source_b, error);
    if (code == TW_OK) code = open_line(self, 0, &owner->where, owner->settings.source, error);
    if (code != TW_OK) {
        live_close(self);
        return code;
    }
    *out = self;
    return TW_OK;
}

static void on_closed(uv_handle_t *handle) {
    live_line *line = handle->data;
    live *self = line->owner;
    udp_source_close(line->source);
    if (--self->open == 0) free(self);
}

void live_close(live *self) {
    if (self == NULL) return;
    if (self->open == 0) {
        free(self);
        return;
    }
    for (uint32_t i = 0; i < LIVE_LINES; i++) {
        if (self->lines[i].source == NULL) continue;
        uv_poll_stop(&self->lines[i].poll);
        uv_close((uv_handle_t *)&self->lines[i].poll, on_closed);
    }
}

void live_step(live *self) {
    for (uint32_t i = 0; i < LIVE_LINES; i++)
        if (self->lines[i].source != NULL && !self->lines[i].failed) look_at_queue(&self->lines[i]);
}

void live_spin(live *self) {
    bool any = false;
    for (int spin = 0; spin < SPINS_PER_ROUND && !any; spin++)
        for (uint32_t i = 0; i < LIVE_LINES; i++)
            if (self->lines[i].source != NULL && take_burst(&self->lines[i])) any = true;
}

/* ---- what is known of each line ---- */

static void judge_line(const ingest *self, const arbiter_status *feed, int64_t now_ns, ingest_line *line) {
    bool heard = line->counts.last_heard_ns != INT64_MIN;
    bool at_end = feed->ended && line->counts.expected == feed->expected;
    line->state = TW_BOOK_OK;
    line->cause = TW_CAUSE_NONE;
    if (!heard) {
        line->state = TW_BOOK_RECOVERING;
        line->cause = TW_CAUSE_STARTING;
    } else if (at_end) {
        line->state = TW_BOOK_CLOSED;
        line->cause = TW_CAUSE_END_OF_SESSION;
    } else if (now_ns - line->counts.last_heard_ns > self->settings.silence_ns) {
        line->state = TW_BOOK_STALE;
        line->cause = TW_CAUSE_LINE_SILENT;
    }
    line->state_number = line->state;
}

/* What request servers brought, shown as a line. */
static bool read_recovery(const ingest *owner, ingest_line *line) {
    if (owner->recovery == NULL) return false;
    bool gap_open = arbiter_read_status(owner->arbiter).gap_open;
    *line = (ingest_line){.counts = arbiter_line(owner->arbiter, ARBITER_RECOVERY)->counts,
                          .state = gap_open ? TW_BOOK_RECOVERING : TW_BOOK_OK,
                          .cause = gap_open ? TW_CAUSE_GAP : TW_CAUSE_NONE};
    line->state_number = line->state;
    tw_text_copy(line->name, sizeof line->name, line_names[LIVE_LINES]);
    return true;
}

bool live_read_line(const live *self, uint32_t index, int64_t now_ns, ingest_line *line) {
    const ingest *owner = self->ingest;
    if (index == LIVE_LINES) return read_recovery(owner, line);
    if (index > LIVE_LINES || self->lines[index].source == NULL) return false;
    const line_stats *stats = arbiter_line(owner->arbiter, index);
    arbiter_status feed = arbiter_read_status(owner->arbiter);
    *line = (ingest_line){.counts = stats->counts,
                          .kernel_drops = udp_source_kernel_drops(self->lines[index].source),
                          .buffer_bytes = udp_source_buffer_bytes(self->lines[index].source),
                          .buffer_changes = self->lines[index].room.changes};
    tw_text_copy(line->name, sizeof line->name, line_names[index]);
    if (!line_stats_median_skew(stats, &line->skew_ns)) line->skew_ns = 0;
    judge_line(owner, &feed, now_ns, line);
    return true;
}

uint64_t live_kernel_drops(const live *self) {
    uint64_t drops = 0;
    for (uint32_t i = 0; i < LIVE_LINES; i++)
        if (self->lines[i].source != NULL) drops += udp_source_kernel_drops(self->lines[i].source);
    return drops;
}
