/*
 * Snapshots: found at the start, taken from time to time, and once more before the process ends.
 *
 * A snapshot is the replica's bytes and, behind them, the market's day totals. The process stands still while they are serialised: a
 * leader that hears a standby leaves it to that one.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "matcher/pipeline.h"
#include "matcher/snapshots/find.h"
#include "matcher/snapshots/store.h"
#include "matcher/wire/places.h"
#include "runtime/clock.h"

#define LAST_NS (INT64_C(30) * 1000000000) /* what the end of the process waits for its snapshot */

struct keeping {
    matcher *matcher;
    ms_find *find;
    ms_store *store; /* NULL: nowhere to keep them */
    char stream[MW_STREAM_NAME_BYTES];
    uint64_t seq;      /* of the last one that was kept or loaded */
    int64_t taken_ns;  /* when, by the monotonic clock; 0: never */
    int64_t tried_ns;  /* the last try, likewise */
    size_t last_bytes; /* a guess for the next */
    uint32_t foreign; /* snapshots of another version that the search met: one word about all of them, at its end */
    char foreign_newest[MS_PATH_BYTES], foreign_says[TW_ERROR_TEXT_BYTES], foreign_oldest_says[TW_ERROR_TEXT_BYTES];
    tw_error unfit; /* why the newest that is whole can't be used: TW_FULL, TW_UNSUPPORTED; TW_OK: none was so */
};

/* ---- finding ---- */

/* A reader over bytes in memory. */
typedef struct source {
    const uint8_t *at;
    size_t left;
} source;

static bool read_source(void *context, void *bytes, size_t length) {
    source *from = context;
    if (from->left < length) return false;
    memcpy(bytes, from->at, length);
    from->at += length;
    from->left -= length;
    return true;
}

/* Whole, but not for this process: no older one would be better than another process. */
static void note_unfit(keeping *self, tw_code code, const char *where, const char *why) {
    if (self->unfit.code == TW_OK && (code == TW_FULL || code == TW_UNSUPPORTED))
        (void)tw_error_set(&self->unfit, code, "%s: %s", where, why);
}

/* After an upgrade all are: how many, and the versions of the newest and the oldest, say it. */
static bool note_foreign(keeping *self, tw_code code, const char *where, const char *why) {
    if (code != TW_UNSUPPORTED) return false;
    if (self->foreign++ == 0) {
        (void)tw_text_copy(self->foreign_newest, sizeof self->foreign_newest, where);
        (void)tw_text_copy(self->foreign_says, sizeof self->foreign_says, why);
    }
    (void)tw_text_copy(self->foreign_oldest_says, sizeof self->foreign_oldest_says, why);
    return true;
}

static void tell_foreign(keeping *self) {
    if (self->foreign == 0) return;
    rt_log(self->matcher->log, RT_WARN, "snapshots of another version were passed over",
           RT_U64("count", self->foreign), RT_STR("newest", self->foreign_newest),
           RT_STR("why", self->foreign_says), RT_STR("why_oldest", self->foreign_oldest_says));
    self->foreign = 0;
}

static bool load(keeping *self, const ms_found *found) {
    matcher *m = self->matcher;
    source from = {found->bytes, found->envelope.bytes};
    mr_origin origin;
    tw_error error = {0};
    if (mr_snapshot_read(m->replica, &origin, read_source, &from, &error) != TW_OK) {
        note_unfit(self, error.code, found->where, error.text);
        if (!note_foreign(self, error.code, found->where, error.text))
            rt_log(m->log, RT_WARN, "a snapshot can't be used: an older one is looked for",
                   RT_STR("where", found->where), RT_STR("why", error.text));
        return false;
    }
    if (origin.execlog_created_ns != m->origin.execlog_created_ns) {
        rt_log(m->log, RT_WARN, "a snapshot of another execlog: an older one is looked for",
               RT_STR("where", found->where));
        return false;
    }
    if (mr_seq(m->replica) + 1 < m->orders_first || origin.execlog_seq + 1 < m->execlog_first) {
        rt_log(m->log, RT_WARN, "a snapshot of before what was trimmed: another one is looked for",
               RT_STR("where", found->where), RT_U64("seq", mr_seq(m->replica)),
               RT_U64("orders_from", m->orders_first), RT_U64("execlog_from", m->execlog_first));
        return false;
    }
    m->origin.execlog_seq = origin.execlog_seq;
    mk_restart(m->market);
    if (mk_read(m->market, read_source, &from, &error) != TW_OK)
        rt_log(m->log, RT_WARN, "the day's totals count from here: those of the snapshot can't be used",
               RT_STR("why", error.text));
    self->seq = mr_seq(m->replica);
    self->taken_ns = self->tried_ns = rt_clock_monotonic_ns();
    self->last_bytes = found->envelope.bytes;
    rt_log(m->log, RT_INFO, "starts with a snapshot", RT_STR("where", found->where), RT_U64("seq", self->seq),
           RT_U64("bytes", found->envelope.bytes), RT_U64("open_orders", mx_open_orders(mr_engine(m->replica))));
    return true;
}

/* What was trimmed is known by snapshots alone. */
static void halt_without(keeping *self) {
    matcher *m = self->matcher;
    char trimmed[128];
    (void)tw_text_format(trimmed, sizeof trimmed,
                         "the journal was trimmed (the order stream begins at %" PRIu64 ", execlog at %" PRIu64 ")",
                         m->orders_first, m->execlog_first);
    if (self->unfit.code == TW_FULL)
        matcher_halt(
            m, "%s, and its snapshot needs more than this process has: %s. Start it again with at least that much",
            trimmed, self->unfit.text);
    else if (self->unfit.code == TW_UNSUPPORTED)
        matcher_halt(
            m,
            "%s, and its snapshot is of another version: %s. Start a version of tickwire-matcher that reads "
            "it",
            trimmed, self->unfit.text);
    else
        matcher_halt(m,
                     "%s, and there is no snapshot to begin with: restore the snapshot stream, or name the folder "
                     "(--snapshots) that has one",
                     trimmed);
}

/* None is left: the replica is empty, and reads everything. */
static void begin_empty(keeping *self) {
    static const source nothing = {NULL, 0};
    matcher *m = self->matcher;
    source from = nothing;
    mr_origin origin;
    if (mr_seq(m->replica) > 0) (void)mr_snapshot_read(m->replica, &origin, read_source, &from, NULL);
    m->origin.execlog_seq = 0;
    mk_restart(m->market);
    if (m->orders_first > 1 || m->execlog_first > 1)
        halt_without(self);
    else
        rt_log(m->log, RT_INFO, "starts without a snapshot: from the first order on");
}

static bool on_found(void *context, const ms_found *found) {
    keeping *self = context;
    if (found != NULL && !load(self, found)) return false;
    tell_foreign(self);
    if (found == NULL) begin_empty(self);
    ms_find_close(self->find);
    self->find = NULL;
    if (self->matcher->state != MATCHER_HALTED) matcher_begin(self->matcher);
    return true;
}

static void on_passed_over(void *context, const char *where, tw_code code, const char *why) {
    keeping *self = context;
    note_unfit(self, code, where, why);
    if (!note_foreign(self, code, where, why))
        rt_log(self->matcher->log, RT_WARN, "a snapshot was passed over", RT_STR("where", where),
               RT_STR("why", why));
}

void keeping_find(keeping *self) {
    matcher *m = self->matcher;
    const matcher_settings *set = &m->settings;
    tw_error error = {0};
    ms_find_options options = {.exchange = set->exchange,
                               .shard = (uint32_t)set->shard,
                               .folder = set->snapshots,
                               .stream = set->snapshot_stream ? self->stream : NULL,
                               .url = set->nats,
                               .credentials = set->credentials[0] == '\0' ? NULL : set->credentials,
                               .stream_created_ns = m->origin.orders_created_ns,
                               .most_seq = m->orders_last,
                               .on_found = on_found,
                               .on_passed_over = on_passed_over,
                               .context = self};
    if (m->orders_last == 0) { /* an empty venue: 0 would mean any to the search */
        begin_empty(self);
        if (m->state != MATCHER_HALTED) matcher_begin(m);
    } else if (ms_find_open(&self->find, m->bus, &m->loop, &options, &error) != TW_OK) {
        matcher_halt(m, "looking for a snapshot: %s", error.text);
    }
}

/* ---- keeping ---- */

void keeping_bound(keeping *self, uint64_t bytes) {
    if (self->store != NULL) ms_store_bound(self->store, bytes);
}

static void tell_place(const keeping *self, const char *what, const ms_place_result *place) {
    if (place->wanted && !place->done)
        rt_log(self->matcher->log, RT_ERROR, "a snapshot could not be kept", RT_STR("where", what),
               RT_STR("why", place->reason));
}

static void on_stored(void *context, const ms_stored *result) {
    keeping *self = context;
    matcher *m = self->matcher;
    bool kept = result->file.done || result->stream.done;
    tell_place(self, "file", &result->file);
    tell_place(self, "stream", &result->stream);
    m->counts.snapshots_failed += !kept;
    if (!kept) return;
    m->counts.snapshots++;
    m->counts.snapshot_bytes += result->envelope.bytes;
    self->seq = result->envelope.seq;
    self->taken_ns = rt_clock_monotonic_ns();
    rt_log(m->log, RT_INFO, "a snapshot was kept", RT_U64("seq", self->seq),
           RT_U64("bytes", result->envelope.bytes), RT_STR("file", result->file.done ? result->path : "none"),
           RT_STR("stream", result->stream.done ? self->stream : "none"));
}

static tw_code serialise(keeping *self, tw_error *error) {
    matcher *m = self->matcher;
    const mx_engine *engine = mr_engine(m->replica);
    ms_envelope envelope = {.shard = (uint32_t)m->settings.shard,
                            .seq = mr_seq(m->replica),
                            .event_ns = mx_now(engine),
                            .stream_created_ns = m->origin.orders_created_ns,
                            .taken_ns = rt_clock_utc_ns()};
    tw_text_copy(envelope.exchange, sizeof envelope.exchange, m->settings.exchange);
    if (!ms_store_begin(self->store, &envelope, self->last_bytes))
        return tw_error_set(error, TW_FULL, "the last snapshot is still being written");
    tw_code code = mr_snapshot_write(m->replica, &m->origin, ms_store_write, self->store, error);
    if (code == TW_OK) code = mk_write(m->market, ms_store_write, self->store, error);
    if (code != TW_OK) {
        ms_store_drop(self->store);
        return code;
    }
    return ms_store_end(self->store, error);
}

static void take(keeping *self, int64_t now_ns) {
    matcher *m = self->matcher;
    tw_error error = {0};
    self->tried_ns = now_ns;
    matcher_end_of_burst(m);
    tw_code code = serialise(self, &error);
    tw_histogram_record(&m->standstill, rt_clock_monotonic_ns() - now_ns);
    if (code == TW_OK) return;
    m->counts.snapshots_failed++;
    rt_log(m->log, RT_WARN, "no snapshot was taken", RT_STR("why", error.text));
}

/* What a standby keeps is enough for both. */
static bool is_due(const keeping *self, int64_t now_ns) {
    const matcher *m = self->matcher;
    if (self->store == NULL || ms_store_busy(self->store) || mr_found_waiting(m->replica) > 0) return false;
    if (now_ns - self->tried_ns < m->settings.snapshot_every_ns || mr_seq(m->replica) == self->seq) return false;
    return !leading_serves(m->leading) || !hashes_standby_heard(m->hashes, now_ns);
}

void keeping_tick(keeping *self, int64_t now_ns) {
    if (is_due(self, now_ns)) take(self, now_ns);
}

void keeping_last(keeping *self) {
    matcher *m = self->matcher;
    int64_t now_ns = rt_clock_monotonic_ns(), end_ns = now_ns + LAST_NS;
    if (self->store == NULL || !bus_connected(m->bus)) return;
    while (ms_store_busy(self->store) && rt_clock_monotonic_ns() < end_ns)
        uv_run(&m->loop, UV_RUN_ONCE);
    if (mr_seq(m->replica) == self->seq || mr_found_waiting(m->replica) > 0) return;
    take(self, now_ns);
    while (ms_store_busy(self->store) && rt_clock_monotonic_ns() < end_ns)
        uv_run(&m->loop, UV_RUN_ONCE);
}

uint64_t keeping_seq(const keeping *self) {
    return self->seq;
}

int64_t keeping_age_ns(const keeping *self, int64_t now_ns) {
    return self->taken_ns == 0 ? -1 : now_ns - self->taken_ns;
}

/* ---- life ---- */

tw_code keeping_open(keeping **opened, matcher *m, tw_error *error) {
    keeping *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for snapshots");
    const matcher_settings *set = &m->settings;
    self->matcher = m;
    self->tried_ns = rt_clock_monotonic_ns();
    (void)mw_stream_name(self->stream, sizeof self->stream, MW_STREAM_SNAPSHOTS, set->exchange,
                         (uint32_t)set->shard);
    if (set->snapshots[0] == '\0' && !set->snapshot_stream) return TW_OK;
    ms_store_options options = {.exchange = set->exchange,
                                .shard = (uint32_t)set->shard,
                                .folder = set->snapshots,
                                .keep = (uint32_t)set->snapshot_keep,
                                .stream = set->snapshot_stream,
                                .on_stored = on_stored,
                                .context = self};
    tw_code code = ms_store_open(&self->store, m->bus, &m->loop, &options, error);
    return code == TW_OK ? code : tw_error_wrap(error, "--snapshots");
}

void keeping_close(keeping *self) {
    if (self == NULL) return;
    ms_find_close(self->find);
    ms_store_close(self->store);
    free(self);
}
