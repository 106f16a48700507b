/*
 * The shard's streams: made at the start, and looked at after trouble. A stream that was wiped and made anew has other messages under
 * the same numbers; only its creation time tells.
 *
 * Nothing is made before execlog was looked at: one that holds reports has an order stream. If that is gone or empty, an empty one
 * beside it would take orders whose reports nobody can write.
 *
 *   PROBE execlog ─(holds messages)─> PROBE orders
 *         └───────────────┬────────────────┘
 *   ENSURE orders ─> ENSURE execlog ─> ENSURE snapshots ─> keeping_find ─> matcher_begin
 *   later:  INFO orders ─> INFO execlog ─> inputs_verified
 */
#include "matcher/wire/places.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "matcher/pipeline.h"
#include "runtime/bus_streams.h"
#include "runtime/clock.h"

#define RETRY_NS   (INT64_C(500) * 1000000)
#define LOOK_NS    (INT64_C(2000) * 1000000)
#define MISSING_NS (INT64_C(10000) * 1000000) /* a cluster that starts may not know its streams for a moment */

typedef enum step { PROBE = 0, ENSURE, VERIFY, DONE } step;

struct places {
    matcher *matcher;
    bus_streams *streams;
    step step;
    mw_stream stream; /* asked for now */
    int64_t retry_ns; /* 0: no call is to be made again */
    bool verify_wanted,
        verifies;          /* what is asked now was wanted; else it is only a look while nothing can be read */
    int64_t look_ns;       /* the next look */
    uint64_t execlog_last; /* PROBE: execlog's last message; 0: none, or no such stream */
    int64_t missing_ns;    /* since when a stream is said not to be there; 0: it is there */
    rt_log_site away_site;
};

static bool is_wanted(const places *self, mw_stream stream) {
    return stream != MW_STREAM_SNAPSHOTS || self->matcher->settings.snapshot_stream;
}

static void ensure(places *self, const mw_place *place) {
    const matcher_settings *set = &self->matcher->settings;
    bus_stream_config config = {.name = place->name,
                                .replicas = (uint32_t)set->replicas,
                                .refuse_when_full = place->journal,
                                .deny_delete = place->journal,
                                .max_bytes = place->journal ? 0 : set->snapshot_stream_bytes};
    for (uint32_t i = 0; i < place->subject_count; i++)
        config.subjects[i] = place->subjects[i];
    if (!bus_streams_ensure(self->streams, &config)) self->retry_ns = rt_clock_monotonic_ns() + RETRY_NS;
}

static void ask(places *self) {
    const matcher_settings *set = &self->matcher->settings;
    mw_place place;
    self->retry_ns = 0;
    (void)mw_place_of(&place, self->stream, set->exchange, (uint32_t)set->shard);
    if (self->step == ENSURE)
        ensure(self, &place);
    else if (!bus_streams_info(self->streams, place.name))
        self->retry_ns = rt_clock_monotonic_ns() + RETRY_NS;
}

/* ---- before anything is made ---- */

static void begin_making(places *self) {
    self->step = ENSURE;
    self->stream = MW_STREAM_ORDERS;
    self->missing_ns = 0;
    ask(self);
}

static void orders_lost(places *self, const char *name, const char *how) {
    matcher_halt(
        self->matcher,
        "stream %s is %s, but execlog has the reports of its orders (messages to %" PRIu64
        "): restore it, or, to begin anew, delete execlog, the snapshot stream and the snapshot folder, too",
        name, how, self->execlog_last);
}

/* Execlog is asked first: what it has, the order stream had before. */
static void probed(places *self, const bus_streams_result *result, const char *name) {
    if (self->stream == MW_STREAM_EXECLOG && result->info.last_seq > 0) {
        self->execlog_last = result->info.last_seq;
        self->stream = MW_STREAM_ORDERS;
        ask(self);
    } else if (self->stream == MW_STREAM_ORDERS && result->info.last_seq == 0) {
        orders_lost(self, name, "new and empty");
    } else {
        begin_making(self);
    }
}

/* ---- at the start ---- */

static void tell_stream(const places *self, const bus_streams_result *result, const char *name) {
    rt_log(self->matcher->log, RT_INFO, result->made ? "a stream was made" : "stream", RT_STR("name", name),
           RT_U64("first", result->info.first_seq), RT_U64("last", result->info.last_seq),
           RT_U64("bytes", result->info.bytes), RT_U64("max_bytes", result->info.max_bytes),
           RT_U64("replicas", result->info.replicas));
    if (result->changed)
        rt_log(self->matcher->log, RT_WARN, "a stream was not as the venue needs it, and was changed",
               RT_STR("name", name), RT_STR("changes", result->changes));
}

static void made(places *self, const bus_streams_result *result, const char *name) {
    matcher *m = self->matcher;
    tell_stream(self, result, name);
    if (self->stream == MW_STREAM_ORDERS) {
        m->origin.orders_created_ns = result->info.created_ns;
        m->orders_last = result->info.last_seq;
        m->orders_first = result->info.first_seq;
    }
    if (self->stream == MW_STREAM_EXECLOG) {
        m->origin.execlog_created_ns = result->info.created_ns;
        m->execlog_first = result->info.first_seq;
    }
    if (self->stream == MW_STREAM_SNAPSHOTS) keeping_bound(m->keeping, result->info.max_bytes);
    do
        self->stream++;
    while (self->stream < MW_STREAMS && !is_wanted(self, self->stream));
    if (self->stream < MW_STREAMS) {
        ask(self);
        return;
    }
    self->step = DONE;
    keeping_find(m->keeping);
}

/* ---- after trouble ---- */

static void looked_at(places *self, const bus_streams_result *result, const char *name) {
    matcher *m = self->matcher;
    bool orders = self->stream == MW_STREAM_ORDERS;
    int64_t was_ns = orders ? m->origin.orders_created_ns : m->origin.execlog_created_ns;
    if (result->info.created_ns != was_ns) {
        matcher_halt(m, "stream %s was made anew: its messages are others than those read before", name);
        return;
    }
    if (orders) {
        self->stream = MW_STREAM_EXECLOG;
        ask(self);
        return;
    }
    self->step = DONE;
    if (!self->verifies) return;
    inputs_verified(m->inputs);
    matcher_flow(m);
}

static void look(places *self, bool verifies) {
    self->verifies = verifies;
    self->step = VERIFY;
    self->stream = MW_STREAM_ORDERS;
    ask(self);
}

void places_verify(places *self) {
    self->verify_wanted = true;
}

static void missing(places *self, const char *name) {
    matcher *m = self->matcher;
    int64_t now_ns = rt_clock_monotonic_ns();
    if (self->missing_ns == 0) self->missing_ns = now_ns;
    rt_log_limited(m->log, &self->away_site, RT_ERROR, "a stream is not there", RT_STR("stream", name));
    self->retry_ns = now_ns + RETRY_NS;
    if (now_ns - self->missing_ns < MISSING_NS) return;
    if (self->step == PROBE)
        orders_lost(self, name, "gone");
    else
        matcher_halt(m, "stream %s is gone", name);
}

/* A server sets aside what a bounded stream may hold: the one setting here that a small machine may not have the room for. */
static void refused(places *self, const bus_streams_result *result, const char *name) {
    matcher *m = self->matcher;
    if (self->stream == MW_STREAM_SNAPSHOTS)
        matcher_halt(m,
                     "stream %s can't be as the venue needs it: %s (it is to hold --snapshot-stream-bytes %" PRIu64
                     "; the server must have room for that: with too little storage, set less)",
                     name, result->reason, (uint64_t)m->settings.snapshot_stream_bytes);
    else
        matcher_halt(m, "stream %s can't be as the venue needs it: %s", name, result->reason);
}

/* ---- results ---- */

static void on_result(void *context, const bus_streams_result *result) {
    places *self = context;
    matcher *m = self->matcher;
    char name[MW_STREAM_NAME_BYTES];
    if (m->state == MATCHER_HALTED) return;
    (void)mw_stream_name(name, sizeof name, self->stream, m->settings.exchange, (uint32_t)m->settings.shard);
    switch (result->outcome) {
    case BUS_STREAMS_DONE:
        self->missing_ns = 0;
        if (self->step == PROBE)
            probed(self, result, name);
        else if (self->step == ENSURE)
            made(self, result, name);
        else
            looked_at(self, result, name);
        return;
    case BUS_STREAMS_NOT_FOUND:
        if (self->step == PROBE && self->stream == MW_STREAM_EXECLOG)
            begin_making(self);
        else
            missing(self, name);
        return;
    case BUS_STREAMS_REFUSED:
        refused(self, result, name);
        return;
    case BUS_STREAMS_AWAY:
    default:
        rt_log_limited(m->log, &self->away_site, RT_WARN, "waits for JetStream", RT_STR("stream", name),
                       RT_STR("why", result->reason));
        self->retry_ns = rt_clock_monotonic_ns() + RETRY_NS;
        return;
    }
}

void places_tick(places *self, int64_t now_ns) {
    if (bus_streams_busy(self->streams)) return;
    if (self->retry_ns != 0 && now_ns >= self->retry_ns) {
        ask(self);
    } else if (self->step == DONE && self->verify_wanted) {
        self->verify_wanted = false;
        look(self, true);
    } else if (self->step == DONE && now_ns >= self->look_ns && !inputs_readable(self->matcher->inputs)) {
        self->look_ns = now_ns + LOOK_NS;
        look(self, false);
    }
}

tw_code places_open(places **opened, matcher *m, tw_error *error) {
    mw_place place;
    places *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the streams");
    self->matcher = m;
    const matcher_settings *set = &m->settings;
    if (!mw_place_of(&place, MW_STREAM_ORDERS, set->exchange, (uint32_t)set->shard))
        return tw_error_set(error, TW_INVALID, "--exchange '%s' is no MIC", set->exchange);
    bus_streams_options options = {.url = set->nats,
                                   .credentials = set->credentials[0] == '\0' ? NULL : set->credentials,
                                   .on_result = on_result,
                                   .context = self};
    tw_code code = bus_streams_open(&self->streams, &m->loop, &options, error);
    self->stream = MW_STREAM_EXECLOG;
    if (code == TW_OK) ask(self);
    return code;
}

void places_close(places *self) {
    if (self == NULL) return;
    bus_streams_close(self->streams);
    free(self);
}
