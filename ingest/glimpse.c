/*
 * The way back from STALE within the day: a GLIMPSE snapshot over SoupBinTCP takes the place of the books. When, from
 * where on, and what is held meanwhile is ingest/gap/rejoin.h's; here it gets its link, its messages and its time.
 *
 *   ingest_messages --> rejoin --passed--> ingest_apply           (always, but while a snapshot is on its way)
 *                         ^  \--work-----> books emptied, snapshot applied, held messages applied
 *   GLIMPSE service ------/
 *
 * A rebuild is done in slices on an idle handle, so that the lines are read and the feed's status goes out between
 * them. Of half-built books nothing leaves: the publisher is held from the first slice to the last. The feed is OK
 * again when everything that changed has left, on every channel.
 *
 * Any service can send a well-formed snapshot. One that does not fit what the lines have told is refused
 * (ingest/market/snapshot_check.h); one that the next live messages contradict makes the feed STALE again
 * (ingest/gap/probation.h), and after that the feed is OK only when its successor has stood that test.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ingest/gap/probation.h"
#include "ingest/gap/rejoin.h"
#include "ingest/market/snapshot_check.h"
#include "ingest/pipeline.h"
#include "ingest/soup_link.h"
#include "runtime/clock.h"

#define BATCHES_PER_SLICE 16 /* of REJOIN_BATCH messages, between two turns of the loop: about a millisecond */
#define BACKOFF_DOUBLINGS 6  /* the longest back-off is 64 times the first */
#define CALM_NS           (60 * TW_NS_PER_SECOND)

/* Most bytes of a snapshot, with the two that are kept of each message's length. */
#define ORDER_BYTES      42u   /* F */
#define INSTRUMENT_BYTES 256u  /* R, H, Y, h, J, N, and one for each of four market participants */
#define MARKET_BYTES     4096u /* V, W, and room for what newer specifications add */

struct glimpse {
    ingest *ingest;
    location where;
    rejoin *core;
    snapshot_check *check;
    probation probation;
    bool caught;     /* one service's snapshot was refuted: the next one is believed when it is proven */
    uint64_t unused; /* messages that the books could not use, when they were last made */
    soup_link *link;
    uv_idle_t idle;
    bool linked;     /* the link was started for the attempt under way */
    bool rebuilding; /* the books are between CLEAR and DONE */
    bool settling;   /* DONE, and not everything has left yet */
    uint64_t failures_told;
    tw_stamp place;           /* of the last live message applied */
    feed_facts cured;         /* what was wrong when the rebuild began */
    uint64_t lost_later_from; /* the first message lost since; 0: none */
    int64_t began_ns;         /* of the attempt's login */
};

static void turn(glimpse *self);

/* ---- the link ---- */

static void on_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    (void)receive_ns;
    glimpse *self = context;
    bool other = self->where.session[0] != '\0' && strcmp(session, self->where.session) != 0;
    if (other)
        rt_log(self->ingest->log, RT_WARN, "the snapshot service has another session than was asked for",
               RT_STR("asked", self->where.session), RT_STR("session", session));
    if (first != 1 || other) rejoin_failed(self->core, REJOIN_FAULT_UNTRUSTED, rt_clock_monotonic_ns());
}

/* Messages that name a book and contradict it, or could not be read: each may have taken an order away. */
static uint64_t unused_messages(const glimpse *self) {
    market_stats stats = market_read_stats(self->ingest->market);
    return stats.inconsistent + stats.malformed;
}

static uint64_t contradictions(const glimpse *self) {
    market_stats stats = market_read_stats(self->ingest->market);
    return stats.unknown_orders + stats.inconsistent;
}

/* The snapshot has come to its end: does it fit? */
static void believe(glimpse *self) {
    const feed_facts *facts = &self->ingest->facts;
    uint64_t join = rejoin_read_status(self->core).join;
    uint64_t missed = facts->lost + facts->unreadable + unused_messages(self) - self->unused;
    snapshot_doubt doubt = snapshot_check_judge(self->check, join, missed);
    if (doubt == SNAPSHOT_DOUBT_NONE) return;
    snapshot_check_counts counts = snapshot_check_read(self->check);
    rt_log(self->ingest->log, RT_WARN, "a snapshot is not believed", RT_STR("why", snapshot_doubt_text(doubt)),
           RT_U64("join", join), RT_U64("instruments_known", counts.known), RT_U64("of_them_named", counts.named),
           RT_U64("orders_resting", counts.resting), RT_U64("of_them_found", counts.found),
           RT_U64("orders", counts.orders), RT_U64("missed", missed));
    rejoin_refuse(self->core, rt_clock_monotonic_ns());
}

static void on_messages(void *context, const feed_message *messages, size_t count) {
    glimpse *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    for (size_t i = 0; i < count && rejoin_read_status(self->core).state == REJOIN_HOLDING; i++) {
        snapshot_check_message(self->check, messages[i].bytes, messages[i].length);
        rejoin_snapshot(self->core, messages[i].bytes, messages[i].length, now_ns);
        if (rejoin_read_status(self->core).state == REJOIN_JOINING) believe(self);
    }
}

/* A snapshot is of one moment: what a link that broke has brought is of no use to the next one. */
static void on_lost(void *context, uint64_t from, uint64_t count) {
    (void)from, (void)count;
    rejoin_failed(((glimpse *)context)->core, REJOIN_FAULT_LINK, rt_clock_monotonic_ns());
}

static void on_ended(void *context, const char *session, uint64_t next) {
    (void)session, (void)next;
    rejoin_failed(((glimpse *)context)->core, REJOIN_FAULT_LINK, rt_clock_monotonic_ns());
}

static void on_login(void *context) {
    glimpse *self = context;
    self->began_ns = rt_clock_monotonic_ns();
    snapshot_check_begin(self->check, self->ingest->itch50.last.seq + 1);
    rejoin_login(self->core);
}

static bool has_failed(const glimpse *self) {
    soup_client_state state = soup_link_status(self->link).state;
    return self->linked && (state == SOUP_CLIENT_BACKING_OFF || state == SOUP_CLIENT_REJECTED);
}

static void on_turn(void *context) {
    glimpse *self = context;
    if (has_failed(self)) rejoin_failed(self->core, REJOIN_FAULT_LINK, rt_clock_monotonic_ns());
    turn(self);
}

/* ---- the work ---- */

/* What a rebuild can cure is what was wrong when it began; what went wrong since stays. */
static void cure(glimpse *self) {
    feed_facts *facts = &self->ingest->facts;
    facts->first_seq = 1;
    facts->lost -= self->cured.lost;
    facts->unreadable -= self->cured.unreadable;
    facts->lost_from = self->lost_later_from;
    facts->refuted_at = 0;
}

/* The books hold what was never true: what the feed is worth, when to ask again, and that they prove nothing. */
static void refute(glimpse *self) {
    ingest *owner = self->ingest;
    uint64_t seq = owner->itch50.last.seq;
    self->settling = false;
    self->caught = true;
    snapshot_check_trust(self->check, false);
    market_set_incomplete(owner->market);
    owner->facts.refuted_at = seq;
    rt_log(owner->log, RT_ERROR, "the snapshot that the books were made from was not of this session",
           RT_U64("join", rejoin_read_status(self->core).join), RT_U64("contradicted_by", seq));
    rejoin_refuted(self->core, rt_clock_monotonic_ns());
    ingest_judge(owner);
}

/* Live messages have been applied, or time has passed. */
static void watch(glimpse *self) {
    if (self->rebuilding || self->probation.state == PROBATION_OFF) return;
    const ingest *owner = self->ingest;
    probation_state state = probation_judge(&self->probation, contradictions(self), owner->messages_total,
                                            market_incomplete(owner->market), rt_clock_monotonic_ns());
    if (state == PROBATION_REFUTED) refute(self);
    if (state == PROBATION_PROVEN && self->caught) {
        self->caught = false;
        snapshot_check_trust(self->check, true);
    }
}

static void begin_rebuild(glimpse *self) {
    ingest *owner = self->ingest;
    ingest_end_of_burst(owner); /* the books as they were, up to the message where the snapshot joins */
    rejoin_status status = rejoin_read_status(self->core);
    rt_log(owner->log, RT_INFO, "a snapshot takes the place of the books", RT_U64("join", status.join),
           RT_U64("orders", status.orders), RT_U64("held", status.held),
           RT_I64("ms", (rt_clock_monotonic_ns() - self->began_ns) / 1000000));
    self->place = owner->itch50.last;
    self->place.seq = status.join - 1;
    self->cured = owner->facts;
    self->lost_later_from = 0;
    self->rebuilding = true;
    publisher_prints_lost(owner->publisher, status.join); /* those of instruments that the snapshot makes known */
    publisher_hold(owner->publisher, true);
    market_restart_books(owner->market, &self->place);
    self->unused = unused_messages(self);
    probation_begin(&self->probation, contradictions(self), owner->messages_total, rt_clock_monotonic_ns());
}

/* Everything that the snapshot changed has left, or leaves as soon as the bus takes it; then the feed is whole again. */
static void settle(glimpse *self) {
    ingest *owner = self->ingest;
    bool unproven = self->caught && self->probation.state == PROBATION_WATCHED;
    if (unproven || !publisher_settle(owner->publisher, rt_clock_utc_ns())) return;
    self->settling = false;
    cure(self);
    ingest_judge(owner);
}

static void end_rebuild(glimpse *self) {
    ingest *owner = self->ingest;
    market_tell_books(owner->market, &owner->itch50.last);
    publisher_hold(owner->publisher, false);
    self->rebuilding = false;
    self->settling = true;
    watch(self); /* what was held may contradict it */
    rt_log(owner->log, RT_INFO, "the books are rebuilt", RT_U64("seq", owner->itch50.last.seq),
           RT_I64("ms", (rt_clock_monotonic_ns() - self->began_ns) / 1000000));
    if (self->settling) settle(self);
    ingest_end_of_burst(owner);
}

/* Orders of the morning leave no trace in the times that are published: those are the last live message's. */
static void apply_snapshot(glimpse *self, const feed_message *messages, size_t count) {
    itch50_feed_apply(&self->ingest->itch50, messages, count);
    self->ingest->itch50.last = self->place;
}

/* One piece of work; false if there is none. */
static bool step(glimpse *self) {
    feed_message messages[REJOIN_BATCH];
    size_t count;
    switch (rejoin_next(self->core, messages, &count, rt_clock_monotonic_ns())) {
    case REJOIN_WORK_NONE:
        return false;
    case REJOIN_WORK_LIVE:
    case REJOIN_WORK_CATCH_UP:
        ingest_apply(self->ingest, messages, count);
        watch(self);
        break;
    case REJOIN_WORK_CLEAR:
        begin_rebuild(self);
        break;
    case REJOIN_WORK_SNAPSHOT:
        apply_snapshot(self, messages, count);
        break;
    case REJOIN_WORK_DONE:
        end_rebuild(self);
        break;
    }
    return true;
}

static void on_idle(uv_idle_t *idle) {
    glimpse *self = idle->data;
    bool more = true;
    for (int i = 0; i < BATCHES_PER_SLICE && more; i++)
        more = step(self);
    ingest_end_of_burst(self->ingest);
    turn(self);
}

/* ---- one turn: the link and the work that are wanted now ---- */

static void tell_failure(glimpse *self) {
    rejoin_status status = rejoin_read_status(self->core);
    if (status.failures == self->failures_told) return;
    self->failures_told = status.failures;
    rt_log(self->ingest->log, RT_WARN, "no snapshot: the books stay as they are",
           RT_STR("why", rejoin_fault_text(status.fault)), RT_STR("link", soup_link_reason(self->link)),
           RT_U64("messages", status.messages), RT_I64("retry_ms", status.wait_ns / 1000000));
}

static void turn(glimpse *self) {
    tell_failure(self);
    if (rejoin_has_work(self->core)) {
        uv_idle_start(&self->idle, on_idle);
    } else {
        uv_idle_stop(&self->idle);
    }
    bool wanted = rejoin_wants_link(self->core);
    if (wanted == self->linked) return;
    self->linked = wanted;
    if (wanted) {
        soup_link_start(self->link, 1);
    } else {
        soup_link_stop(self->link);
    }
}

/* ---- for the pipeline ---- */

static bool is_needed(const glimpse *self) {
    const feed_facts *facts = &self->ingest->facts;
    if (!facts->started || facts->down || self->settling) return false;
    return facts->lost > 0 || facts->refuted_at > 0 || facts->unreadable > 0 || facts->first_seq > 1;
}

void glimpse_tick(glimpse *self, int64_t now_ns) {
    watch(self);
    if (self->settling) settle(self);
    rejoin_poll(self->core, is_needed(self), now_ns);
    turn(self);
}

void glimpse_messages(glimpse *self, const feed_message *messages, size_t count) {
    int64_t now_ns = rt_clock_monotonic_ns();
    bool held = false;
    while (count > 0) {
        size_t passed;
        size_t taken = rejoin_live(self->core, messages, count, &passed, now_ns);
        if (passed > 0) {
            ingest_apply(self->ingest, messages, passed);
            watch(self);
        }
        held = held || passed < taken;
        messages += taken;
        count -= taken;
        if (count > 0) step(self); /* makes room */
    }
    if (held) turn(self);
}

void glimpse_lost(glimpse *self, uint64_t from, uint64_t count) {
    if ((self->rebuilding || self->settling) && self->lost_later_from == 0) self->lost_later_from = from;
    rejoin_lost(self->core, from, count, rt_clock_monotonic_ns());
    while (!self->rebuilding && rejoin_has_work(self->core) &&
           step(self)) { /* what came before the hole is before it */
    }
}

/* All that is held is applied: the session ends, or the ingest. */
void glimpse_settle(glimpse *self) {
    rejoin_settle(self->core);
    while (step(self)) {
    }
    turn(self);
}

void glimpse_finish(glimpse *self) {
    while (self->rebuilding && step(self)) {
    }
}

void glimpse_session(glimpse *self, uint64_t first) {
    self->settling = false;
    self->caught = false;
    self->unused = unused_messages(self);
    probation_end(&self->probation);
    snapshot_check_reset(self->check);
    rejoin_reset(self->core, first);
}

bool glimpse_rebuilding(const glimpse *self) {
    return self->rebuilding;
}

void glimpse_read(const glimpse *self, ingest_glimpse *seen) {
    rejoin_status status = rejoin_read_status(self->core);
    *seen = (ingest_glimpse){.attempts = status.attempts,
                             .failures = status.failures,
                             .rebuilds = status.rebuilds,
                             .state = status.state,
                             .held = (int64_t)status.held};
}

/* ---- life ---- */

static tw_code open_core(glimpse *self, tw_error *error) {
    const ingest_settings *set = &self->ingest->settings;
    rejoin_options options = {.snapshot_bytes = set->max_orders * ORDER_BYTES +
                                                set->max_instruments * INSTRUMENT_BYTES + MARKET_BYTES,
                              .hold_bytes = set->glimpse_hold,
                              .backoff_first_ns = set->glimpse_backoff_ns,
                              .backoff_limit_ns = set->glimpse_backoff_ns << BACKOFF_DOUBLINGS,
                              .patience_ns = set->glimpse_timeout_ns,
                              .calm_ns = CALM_NS,
                              .seed = (uint64_t)rt_clock_utc_ns() ^ (uint64_t)uv_os_getpid()};
    return rejoin_alloc(&self->core, &options, error);
}

static tw_code open_link(glimpse *self, tw_error *error) {
    ingest *owner = self->ingest;
    if (location_parse(owner->settings.glimpse, &self->where, error) != TW_OK) return error->code;
    soup_link_options options = {.name = "glimpse",
                                 .where = &self->where,
                                 .client = ingest_soup_options(owner),
                                 .listener = {self, on_session, on_messages, on_lost, on_ended, on_login, on_turn},
                                 .log = owner->log};
    return soup_link_open(&self->link, &owner->loop, &options, error);
}

tw_code glimpse_open(glimpse **out, ingest *owner, tw_error *error) {
    glimpse *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the way back from STALE");
    self->ingest = owner;
    tw_code code = open_core(self, error);
    if (code == TW_OK) code = snapshot_check_alloc(&self->check, owner->market, error);
    if (code == TW_OK) code = open_link(self, error);
    if (code != TW_OK) {
        rejoin_free(self->core);
        snapshot_check_free(self->check);
        free(self);
        return tw_error_wrap(error, "--glimpse");
    }
    uv_idle_init(&owner->loop, &self->idle);
    self->idle.data = self;
    char shown[LOCATION_HOST_BYTES];
    location_show(owner->settings.glimpse, shown, sizeof shown);
    rt_log(owner->log, RT_INFO, "lost books are rebuilt from snapshots", RT_STR("service", shown));
    *out = self;
    return TW_OK;
}

static void on_closed(uv_handle_t *handle) {
    glimpse *self = handle->data;
    rejoin_free(self->core);
    snapshot_check_free(self->check);
    free(self);
}

/* The location is read no more once the link is closed: it goes with the idle handle, which closes no sooner. */
void glimpse_close(glimpse *self) {
    if (self == NULL) return;
    soup_link_close(self->link);
    uv_close((uv_handle_t *)&self->idle, on_closed);
}
