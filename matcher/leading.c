/*
 * Leading and following, wired: what matcher/lead is told and what is done as it says. And what a leader does besides: it puts clock
 * messages into an idle order stream when something is due.
 *
 *   bus_election ──heartbeats, claims, probes, the lease──> ml_lead ──> live, market, execlog: lead, hold, follow
 *                                                                  ──> bus_election_read / claim / probe
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "matcher/pipeline.h"
#include "proto/codec.h"
#include "proto/subject.h"
#include "runtime/bus_election.h"
#include "runtime/clock.h"

#define MS      INT64_C(1000000)
#define LAME_NS (1000 * MS)

struct leading {
    matcher *matcher;
    ml_lead machine;
    bus_election election;
    char control[SUBJECT_BYTES];
    bool serves, holds, halted;
    bool stopping;         /* an offer was made because the process is to end */
    bool acting;           /* within an action: what it causes is looked at when it is done */
    bool lame, hands_over; /* as the heartbeats say */
    int64_t lame_since_ns; /* since when no order can be read; 0: they can */
    int64_t stepped_ns, clock_ns;
    uint64_t disbelieved;
    rt_log_site away_site, term_site;
};

_Static_assert((int)ML_NAME_BYTES == (int)BUS_INSTANCE_BYTES, "an instance's name is the same everywhere");

/* ---- doing ---- */

static ml_self place_of(const matcher *m) {
    bool full = !mr_room(m->replica);
    ml_self mine = {.seq = mr_seq(m->replica),
                    .full = full,
                    .ready = m->state == MATCHER_RUNNING && (inputs_ready(m->inputs) || full) &&
                             execlog_ready(m->execlog),
                    .drained = execlog_drained(m->execlog)};
    tw_text_copy(mine.epoch, sizeof mine.epoch, mk_epoch(m->market));
    return mine;
}

/* Books that no order can change are right, but not alive. */
static void tell_feed(leading *self, bool handover) {
    self->lame = self->lame_since_ns != 0 && self->stepped_ns - self->lame_since_ns >= LAME_NS;
    self->hands_over = handover;
    const mk_feed feed = {.state = self->lame ? TW_BOOK_RECOVERING : TW_BOOK_OK,
                          .cause = self->lame ? TW_CAUSE_LINE_DOWN : TW_CAUSE_NONE,
                          .detail = self->lame ? "the order stream can't be read" : NULL,
                          .handover = handover,
                          .journal_ns = self->matcher->origin.orders_created_ns};
    mk_feed_state(self->matcher->market, &feed);
}

static void look_at_inputs(leading *self, int64_t now_ns) {
    if (inputs_readable(self->matcher->inputs))
        self->lame_since_ns = 0;
    else if (self->lame_since_ns == 0)
        self->lame_since_ns = now_ns;
    bool lame = self->lame_since_ns != 0 && now_ns - self->lame_since_ns >= LAME_NS;
    if (lame != self->lame) tell_feed(self, self->hands_over);
}

static void publish_market(matcher *m) {
    mk_flush(m->market, rt_clock_utc_ns());
    bus_flush(m->bus);
}

/* `again`: what has left may not have arrived. */
static void serve(leading *self, bool again) {
    matcher *m = self->matcher;
    self->serves = true;
    self->holds = false;
    tell_feed(self, false);
    live_lead(m->live, again);
    publish_market(m);
    execlog_lead(m->execlog);
    bus_flush(m->bus);
}

static void begin_to_lead(leading *self) {
    matcher *m = self->matcher;
    const publisher_safe safe = {.seq = self->machine.safe_seq, /* what the slow tiers had sent is not known */
                                 .continues_term = self->machine.continues_term};
    m->counts.takeovers++;
    publisher_lead(mk_publisher(m->market), self->machine.term, &safe);
    serve(self, true);
    rt_log(m->log, RT_INFO, "leads: publishes and writes execlog from now on", RT_U64("term", self->machine.term),
           RT_STR("before", self->machine.heard.leader), RT_U64("seq", mr_seq(m->replica)),
           RT_U64("journaled", mr_journaled(m->replica)), RT_U64("safe_seq", safe.seq));
}

static void resume(leading *self) {
    matcher *m = self->matcher;
    const publisher_safe safe = {.seq = self->machine.safe_seq}; /* what the slow tiers had sent is not known */
    publisher_resume(mk_publisher(m->market), &safe);
    serve(self, true);
    rt_log(m->log, RT_INFO, "leads on: the bus is back", RT_U64("term", self->machine.term),
           RT_U64("seq", mr_seq(m->replica)));
}

static void go_on(leading *self) {
    serve(self, false);
    rt_log(self->matcher->log, RT_INFO, "still leads: publishes and writes on", RT_U64("term", self->machine.term));
    if (self->stopping) matcher_stop(self->matcher, 0);
}

static void stop_serving(leading *self) {
    matcher *m = self->matcher;
    self->serves = false;
    live_hold(m->live);
    execlog_follow(m->execlog);
}

static void step_back(leading *self) {
    matcher *m = self->matcher;
    if (publisher_leads(mk_publisher(m->market))) m->counts.steps_back++;
    publisher_follow(mk_publisher(m->market));
    tell_feed(self, false);
    stop_serving(self);
    self->holds = false;
    rt_log(m->log, RT_INFO, "follows: publishes and writes nothing", RT_STR("leader", self->machine.heard.leader),
           RT_U64("term", self->machine.candidacy.highest_term));
    if (self->stopping) matcher_stop(m, 0);
}

static void hold(leading *self) {
    matcher *m = self->matcher;
    stop_serving(self);
    self->holds = true;
    tell_feed(self, false);
    rt_log(m->log, RT_WARN, "publishing and writing wait until it is certain that this instance still leads",
           RT_U64("term", self->machine.term),
           RT_STR("why", !self->machine.silence.connected ? "the bus is away"
                                                          : "it stood still, or another one has written"));
    if (self->stopping) matcher_stop(m, 0);
}

/* What was taken until now is said; what comes from here on is the successor's to say. */
static void drain(leading *self) {
    matcher *m = self->matcher;
    matcher_end_of_burst(m);
    self->serves = false;
    live_hold(m->live);
    execlog_drain(m->execlog);
}

static void offer(leading *self) {
    matcher *m = self->matcher;
    m->counts.offers++;
    publish_market(m);
    tell_feed(self, true);
    publish_market(m);
    rt_log(m->log, RT_INFO, "offers its place to a standby", RT_U64("term", self->machine.term),
           RT_U64("seq", mr_seq(m->replica)), RT_U64("journaled", mr_journaled(m->replica)));
}

static void act(leading *self, ml_action action) {
    ml_lead *machine = &self->machine;
    bool started = true;
    switch (action) {
    case ML_READ:
        started = bus_election_read(&self->election);
        break;
    case ML_CLAIM:
        started = bus_election_claim(&self->election, machine->candidacy.claim_term, machine->options.name,
                                     machine->candidacy.claim_revision);
        break;
    case ML_PROBE:
        bus_election_probe(&self->election, machine->silence.probe);
        break;
    case ML_LEAD:
        begin_to_lead(self);
        break;
    case ML_HOLD:
        hold(self);
        break;
    case ML_RESUME:
        resume(self);
        break;
    case ML_GO_ON:
        go_on(self);
        break;
    case ML_FOLLOW:
        step_back(self);
        break;
    case ML_DRAIN:
        drain(self);
        break;
    case ML_OFFER:
        offer(self);
        break;
    case ML_NOTHING:
    default:
        break;
    }
    if (!started) ml_lease_away(machine, rt_clock_monotonic_ns());
}

/* ---- what a leader puts into the order stream ---- */

/* Nothing is known of its arrival until it is read. */
void leading_command(leading *self, const wire_control_command *command) {
    matcher *m = self->matcher;
    uint8_t room[WIRE_PARTS_HEADER_ROOM + WIRE_PART_ROOM];
    wire_parts parts;
    size_t length;
    wire_batch_header header = {.sent_ns = rt_clock_utc_ns()};
    tw_text_copy(header.sender, sizeof header.sender, m->name);
    wire_parts_start(&parts, room, sizeof room);
    (void)wire_control_command_add(&parts, command);
    const uint8_t *bytes = wire_controls_finish(&parts, &header, &length);
    bus_publish_trusted(m->bus, self->control, bytes, length);
}

static void send_clock(leading *self) {
    wire_control_command clock = wire_control_command_empty;
    clock.kind = WIRE_CONTROL_CLOCK;
    leading_command(self, &clock);
    self->matcher->counts.clocks++;
}

/* Stream time stands still while nothing comes. It is asked to move only when something is due by this machine's clock. */
static void keep_time(leading *self, int64_t now_ns) {
    const matcher *m = self->matcher;
    int64_t due_ns = mx_next_due(mr_engine(m->replica));
    if (!self->serves || due_ns == TW_TIME_ABSENT || due_ns > rt_clock_utc_ns()) return;
    if (inputs_idle_ns(m->inputs, now_ns) < m->settings.clock_ns) return; /* every input moves it */
    if (now_ns - self->clock_ns < m->settings.clock_ns) return;
    self->clock_ns = now_ns;
    send_clock(self);
}

void leading_step(leading *self, int64_t now_ns) {
    self->stepped_ns = now_ns;
    if (self->acting || self->halted || self->matcher->state != MATCHER_RUNNING) return;
    self->acting = true;
    for (;;) {
        ml_self mine = place_of(self->matcher);
        ml_action action = ml_step(&self->machine, &mine, now_ns, rt_clock_utc_ns());
        if (action == ML_NOTHING) break;
        act(self, action);
        if (self->halted) break;
    }
    self->acting = false;
    if (self->halted) return;
    look_at_inputs(self, now_ns);
    keep_time(self, now_ns);
}

/* ---- what is heard ---- */

static void tell_disbelieved(leading *self, const ml_heartbeat *beat) {
    if (self->machine.candidacy.disbelieved == self->disbelieved) return;
    self->disbelieved = self->machine.candidacy.disbelieved;
    rt_log_limited(
        self->matcher->log, &self->term_site, RT_WARN,
        "a heartbeat with a term that nobody can have yet: not believed; somebody else writes to this bus",
        RT_STR("leader", beat->leader), RT_U64("term", beat->term));
}

static void on_status(void *context, const wire_feed_status *status) {
    leading *self = context;
    matcher *m = self->matcher;
    if (self->halted) return;
    ml_heartbeat beat = {.term = status->term,
                         .seq = status->seq,
                         .published_seq = status->published_seq,
                         .handover = status->handover};
    tw_text_copy(beat.leader, sizeof beat.leader, status->leader);
    tw_text_copy(beat.epoch, sizeof beat.epoch, status->epoch);
    int64_t now_ns = rt_clock_monotonic_ns();
    bool leaders_word = ml_heard(&self->machine, &beat, now_ns);
    tell_disbelieved(self, &beat);
    if (leaders_word && strcmp(beat.epoch, mk_epoch(m->market)) == 0)
        publisher_confirm(mk_publisher(m->market), beat.published_seq);
    leading_step(self, now_ns);
}

static void on_probe(void *context, uint64_t number) {
    leading *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    ml_probed(&self->machine, number, now_ns);
    leading_step(self, now_ns);
}

static void on_seen(void *context, uint64_t term, const char *holder) {
    leading *self = context;
    ml_lease_seen(&self->machine, term, holder);
    leading_step(self, rt_clock_monotonic_ns());
}

static void on_read(void *context, bool found, uint64_t term, const char *holder, uint64_t revision) {
    leading *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    ml_lease_read(&self->machine, found, term, holder, revision, now_ns);
    leading_step(self, now_ns);
}

static void on_claimed(void *context, bool won, uint64_t revision) {
    leading *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    ml_claimed(&self->machine, won, revision, now_ns);
    leading_step(self, now_ns);
}

static void on_away(void *context, const char *reason) {
    leading *self = context;
    matcher *m = self->matcher;
    int64_t now_ns = rt_clock_monotonic_ns();
    m->counts.lease_failures++;
    rt_log_limited(m->log, &self->away_site, RT_WARN, "no lease: nobody can begin to lead until there is one",
                   RT_STR("reason", reason));
    ml_lease_away(&self->machine, now_ns);
    leading_step(self, now_ns);
}

void leading_bus(leading *self, bus_event event) {
    if (event != BUS_DISCONNECTED && event != BUS_RECONNECTED) return;
    int64_t now_ns = rt_clock_monotonic_ns();
    ml_bus(&self->machine, event == BUS_RECONNECTED, now_ns);
    leading_step(self, now_ns);
}

void leading_fenced(leading *self) {
    int64_t now_ns = rt_clock_monotonic_ns();
    ml_fenced(&self->machine, now_ns);
    leading_step(self, now_ns);
}

/* ---- what the others ask ---- */

/* A process that was stopped and wakes up goes on where it was: perhaps within a burst, before any timer. */
void leading_before_publishing(leading *self) {
    int64_t now_ns = rt_clock_monotonic_ns();
    if (now_ns - self->stepped_ns >= self->machine.options.lease_ns) leading_step(self, now_ns);
}

bool leading_serves(const leading *self) {
    return self->serves && !self->halted;
}

bool leading_speaks(const leading *self) {
    return ml_speaks(&self->machine) && !self->halted;
}

bool leading_may_send(const leading *self) {
    return !self->holds && !self->halted;
}

uint64_t leading_term(const leading *self) {
    return self->serves ? self->machine.term : self->machine.heard.term;
}

int leading_role(const leading *self) {
    return (int)self->machine.role;
}

const char *leading_leader(const leading *self) {
    return self->machine.heard.leader;
}

void leading_halt(leading *self) {
    matcher *m = self->matcher;
    self->halted = true;
    self->serves = false;
    live_hold(m->live);
    publisher_follow(mk_publisher(m->market));
}

void leading_hand_over(leading *self) {
    int64_t now_ns = rt_clock_monotonic_ns();
    if (!ml_offer(&self->machine, now_ns))
        rt_log(self->matcher->log, RT_WARN, "nothing to hand over: this instance does not lead",
               RT_STR("role", ml_role_name(self->machine.role)));
    leading_step(self, now_ns);
}

bool leading_leave(leading *self) {
    int64_t now_ns = rt_clock_monotonic_ns();
    if (self->stopping || !ml_offer(&self->machine, now_ns)) return false;
    self->stopping = true;
    leading_step(self, now_ns);
    return true;
}

/* ---- opening and closing ---- */

static tw_code open_election(leading *self, tw_error *error) {
    matcher *m = self->matcher;
    const matcher_settings *set = &m->settings;
    const bus_election_options options = {.exchange = set->exchange,
                                          .partition = set->shard,
                                          .url = set->nats,
                                          .credentials = set->credentials,
                                          .bucket = set->lease_bucket,
                                          .replicas = set->replicas,
                                          .lease_ns = set->lease_timeout_ns};
    const bus_election_handlers handlers = {.context = self,
                                            .on_status = on_status,
                                            .on_read = on_read,
                                            .on_claimed = on_claimed,
                                            .on_away = on_away,
                                            .on_seen = on_seen,
                                            .on_probe = on_probe};
    return bus_election_open(&self->election, m->bus, &m->loop, &options, &handlers, error);
}

tw_code leading_open(leading **opened, matcher *m, tw_error *error) {
    leading *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for leadership");
    ml_options options = {.lease_ns = m->settings.lease_timeout_ns};
    tw_text_copy(options.name, sizeof options.name, m->name);
    self->matcher = m;
    self->stepped_ns = rt_clock_monotonic_ns();
    ml_init(&self->machine, &options, self->stepped_ns, rt_clock_utc_ns());
    (void)subject_shard(self->control, sizeof self->control, SUBJECT_KIND_CONTROL, m->settings.exchange,
                        (uint32_t)m->settings.shard);
    return open_election(self, error);
}

void leading_close(leading *self) {
    if (self == NULL) return;
    bus_election_close(&self->election);
    free(self);
}
