/*
 * Leading and following, wired: what leadership.h is told and what is done as it says.
 *
 *   bus_election ──heartbeats, claims, probes, the lease──► leadership ──► publisher_lead / follow / resume
 *                                                                     ──► bus_election_read / claim / probe
 *
 * A recording, and who was given a --term, lead by their own word: no lease. So that nobody replays a day over a feed that
 * is live, a recording listens first, and does not start beside a leader that speaks.
 */
#include "ingest/lead/leadership.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ingest/pipeline.h"
#include "runtime/bus_election.h"
#include "runtime/clock.h"

#define MS        INT64_C(1000000)
#define BEHIND_NS (2 * TW_NS_PER_SECOND)
#define OFFER_NS  (500 * MS)
#define LISTEN_MS 250        /* more than two heartbeats */
#define RETURN_NS (250 * MS) /* subscribers look for the server again every 50 to 150 ms */

struct lead {
    ingest *ingest;
    leadership machine;
    bus_election election; /* without a lease who leads by its own word */
    bool holds;            /* nothing may leave until leadership is verified */
    bool offers;           /* the heartbeats offer the place */
    bool stopping;         /* an offer was made because the process is to end */
    bool listens;          /* before it starts: nothing is done about what is heard */
    bool acting;           /* within an action: what it causes is looked at when it is done */
    int64_t stepped_ns;
    bool lease_lost; /* told in the log; until a call succeeds */
    rt_log_site away_site, term_site, epoch_site;
    ingest_leading seen; /* counters */
};

_Static_assert((int)INGEST_ROLES == (int)LEADERSHIP_ROLES && INGEST_NAME_BYTES == LEADERSHIP_NAME_BYTES &&
                   (int)INGEST_NAME_BYTES == (int)BUS_INSTANCE_BYTES,
               "as the pipeline has them");

/* ---- saying and doing ---- */

static leadership_self place_of(const ingest *self) {
    leadership_self mine = {.ok = self->verdict.state == TW_BOOK_OK || self->verdict.state == TW_BOOK_CLOSED};
    tw_text_copy(mine.epoch, sizeof mine.epoch, self->day.epoch);
    mine.seq = ingest_last(self).seq;
    return mine;
}

static void begin_to_lead(lead *self) {
    ingest *in = self->ingest;
    leadership *machine = &self->machine;
    publisher_safe safe = {
        .seq = machine->safe_seq, .tier_seq = machine->tier_safe_seq, .continues_term = machine->continues_term};
    if (in->glimpse != NULL) glimpse_finish(in->glimpse); /* half-built books must not become the published ones */
    self->holds = self->offers = false;
    self->seen.takeovers++;
    in->term = machine->term;
    in->facts.behind_seq = machine->behind_seq;
    in->facts.took_over_seq = ingest_last(in).seq;
    if (!publisher_leads(in->publisher)) publisher_lead(in->publisher, in->term, &safe);
    rt_log(in->log, RT_INFO, "leads: publishes from now on", RT_U64("term", in->term),
           RT_STR("lease", machine->leased ? "held" : "none"), RT_STR("before", machine->heard.leader),
           RT_U64("seq", ingest_last(in).seq), RT_U64("safe_seq", safe.seq), RT_U64("behind", machine->behind_seq),
           RT_U64("continues_term", machine->continues_term));
}

static void resume(lead *self) {
    publisher_safe safe = {.seq = self->machine.safe_seq, .tier_seq = self->machine.tier_safe_seq};
    self->holds = self->offers = false;
    publisher_resume(self->ingest->publisher, &safe);
    rt_log(self->ingest->log, RT_INFO, "publishes on: the bus is back", RT_U64("term", self->machine.term),
           RT_U64("safe_seq", safe.seq));
}

static void go_on(lead *self) {
    bool offered = self->offers;
    self->holds = self->offers = false;
    rt_log(self->ingest->log, RT_INFO, offered ? "nobody took the place: leads on" : "still leads: publishes on",
           RT_U64("term", self->machine.term));
    if (self->stopping) ingest_stop(self->ingest);
}

static void step_back(lead *self) {
    ingest *in = self->ingest;
    if (publisher_leads(in->publisher)) self->seen.steps_back++;
    publisher_follow(in->publisher);
    self->holds = self->offers = false;
    rt_log(in->log, RT_INFO, "follows: publishes nothing", RT_STR("leader", self->machine.heard.leader),
           RT_U64("term", self->machine.candidacy.highest_term));
    if (self->stopping) ingest_stop(in);
}

static void hold(lead *self) {
    self->holds = true;
    self->offers = false;
    if (self->stopping) ingest_stop(self->ingest);
    rt_log(self->ingest->log, RT_WARN, "publishing waits until it is certain that this instance still leads",
           RT_U64("term", self->machine.term),
           RT_STR("why", self->machine.silence.connected ? "the process stood still" : "the bus is away"));
}

static void offer(lead *self) {
    self->seen.offers++;
    ingest_publish_all(self->ingest); /* so that the successor has nothing to send again */
    self->offers = true;
    ingest_publish_all(self->ingest); /* the status that offers */
    rt_log(self->ingest->log, RT_INFO, "offers its place to a standby", RT_U64("term", self->machine.term),
           RT_U64("published_seq", publisher_published_seq(self->ingest->publisher)));
}

static void act(lead *self, leadership_action action) {
    leadership *machine = &self->machine;
    bool started = true;
    switch (action) {
    case LEADERSHIP_READ:
        started = bus_election_read(&self->election);
        break;
    case LEADERSHIP_CLAIM:
        started = bus_election_claim(&self->election, machine->candidacy.claim_term, machine->options.name,
                                     machine->candidacy.claim_revision);
        break;
    case LEADERSHIP_PROBE:
        bus_election_probe(&self->election, machine->silence.probe);
        break;
    case LEADERSHIP_LEAD:
        begin_to_lead(self);
        break;
    case LEADERSHIP_HOLD:
        hold(self);
        break;
    case LEADERSHIP_RESUME:
        resume(self);
        break;
    case LEADERSHIP_GO_ON:
        go_on(self);
        break;
    case LEADERSHIP_FOLLOW:
        step_back(self);
        break;
    case LEADERSHIP_OFFER:
        offer(self);
        break;
    case LEADERSHIP_NOTHING:
    default:
        break;
    }
    if (!started) leadership_lease_away(machine, rt_clock_monotonic_ns());
}

void lead_step(lead *self, int64_t now_ns) {
    const ingest *in = self->ingest;
    self->stepped_ns = now_ns;
    if (self->acting || self->listens) return;
    /* Nobody can begin to lead with books that are half built. */
    if (in->glimpse != NULL && glimpse_rebuilding(in->glimpse) && !lead_leads(self)) return;
    self->acting = true;
    leadership_self mine = place_of(self->ingest);
    leadership_action action;
    while ((action = leadership_step(&self->machine, &mine, now_ns, rt_clock_utc_ns())) != LEADERSHIP_NOTHING)
        act(self, action);
    self->acting = false;
}

/* ---- what is heard ---- */

static void tell_disbelieved(lead *self, const leadership_heartbeat *beat) {
    rt_log_limited(
        self->ingest->log, &self->term_site, RT_WARN,
        "a heartbeat with a term that nobody can have yet: not believed; somebody else writes to this bus",
        RT_STR("leader", beat->leader), RT_U64("term", beat->term));
    self->seen.disbelieved = self->machine.candidacy.disbelieved;
}

/* One session, two dates: what the leader has sent counts for nothing when this instance takes over. */
static bool epochs_differ(const lead *self) {
    const char *mine = self->ingest->day.epoch, *theirs = lead_epoch(self);
    if (mine[0] == '\0' || strlen(theirs) < TW_DATE_BYTES || strcmp(mine, theirs) == 0) return false;
    return strcmp(mine + TW_DATE_BYTES - 1, theirs + TW_DATE_BYTES - 1) == 0;
}

static void tell_epochs_differ(lead *self) {
    rt_log_limited(
        self->ingest->log, &self->epoch_site, RT_ERROR,
        "the leader gives this session another date: a takeover would start a new epoch, and no handover "
        "is taken; start this standby again while the leader runs",
        RT_STR("mine", self->ingest->day.epoch), RT_STR("leader", lead_epoch(self)));
}

static void on_status(void *context, const wire_feed_status *status) {
    lead *self = context;
    ingest *in = self->ingest;
    leadership_heartbeat beat = {
        .term = status->term,
        .seq = status->seq,
        .published_seq = status->published_seq,
        .doubtful = leadership_is_doubtful(status->state, status->cause, status->instruments_not_ok),
        .handover = status->handover};
    tw_text_copy(beat.leader, sizeof beat.leader, status->leader);
    tw_text_copy(beat.epoch, sizeof beat.epoch, status->epoch);
    int64_t now_ns = rt_clock_monotonic_ns();
    bool leaders_word = leadership_heard(&self->machine, &beat, now_ns);
    if (leaders_word && epochs_differ(self)) tell_epochs_differ(self);
    if (self->machine.candidacy.disbelieved > self->seen.disbelieved) tell_disbelieved(self, &beat);
    bool own = strcmp(beat.leader, self->machine.options.name) == 0;
    if (leaders_word && !own) self->seen.heartbeats++;
    if (leaders_word && strcmp(beat.epoch, in->day.epoch) == 0 && !adopt_asking(in->adopt))
        publisher_confirm(in->publisher, beat.published_seq);
    lead_step(self, now_ns);
}

static void on_probe(void *context, uint64_t number) {
    lead *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    leadership_probed(&self->machine, number, now_ns);
    lead_step(self, now_ns);
}

static void on_seen(void *context, uint64_t term, const char *holder) {
    lead *self = context;
    leadership_lease_seen(&self->machine, term, holder);
    lead_step(self, rt_clock_monotonic_ns());
}

static void tell_away(lead *self, const char *reason) {
    ingest *in = self->ingest;
    self->seen.lease_failures++;
    if (self->machine.options.standby)
        rt_log_limited(in->log, &self->away_site, RT_WARN,
                       "no lease: this standby can't take over until there is one", RT_STR("reason", reason));
    else if (!self->lease_lost)
        rt_log(in->log, RT_INFO, "no lease: leads without one, and no standby can take over",
               RT_STR("reason", reason));
    self->lease_lost = true;
}

static void on_away(void *context, const char *reason) {
    lead *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    tell_away(self, reason);
    leadership_lease_away(&self->machine, now_ns);
    lead_step(self, now_ns);
}

static void tell_back(lead *self) {
    if (!self->lease_lost) return;
    self->lease_lost = false;
    rt_log(self->ingest->log, RT_INFO, "the lease can be read again");
}

static void on_read(void *context, bool found, uint64_t term, const char *holder, uint64_t revision) {
    lead *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    leadership_lease_read(&self->machine, found, term, holder, revision, now_ns);
    tell_back(self);
    lead_step(self, now_ns);
}

static void on_claimed(void *context, bool won, uint64_t revision) {
    lead *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    leadership_claimed(&self->machine, won, revision, now_ns);
    tell_back(self);
    lead_step(self, now_ns);
}

void lead_bus(lead *self, bus_event event) {
    if (self == NULL) return; /* not opened yet */
    if (event != BUS_DISCONNECTED && event != BUS_RECONNECTED) return;
    int64_t now_ns = rt_clock_monotonic_ns();
    leadership_bus(&self->machine, event == BUS_RECONNECTED, now_ns);
    lead_step(self, now_ns);
}

/* ---- what the pipeline asks ---- */

/* A process that was stopped and wakes up goes on where it was: perhaps within a burst, before any timer. */
void lead_before_publishing(lead *self) {
    int64_t now_ns = rt_clock_monotonic_ns();
    if (now_ns - self->stepped_ns >= self->machine.options.lease_ns) lead_step(self, now_ns);
}

bool lead_may_send(const lead *self) {
    return !self->holds;
}

bool lead_leads(const lead *self) {
    return leadership_publishes(&self->machine);
}

bool lead_follows(const lead *self) {
    return self->machine.role == LEADERSHIP_FOLLOWING;
}

bool lead_hears(const lead *self, lead_word *word) {
    const leadership *machine = &self->machine;
    const leadership_heartbeat *heard = &machine->heard;
    *word = (lead_word){.term = heard->term, .published_seq = heard->published_seq};
    tw_text_copy(word->name, sizeof word->name, heard->leader);
    tw_text_copy(word->epoch, sizeof word->epoch, heard->epoch);
    bool own = strcmp(heard->leader, machine->options.name) == 0;
    return lead_follows(self) && heard->term > 0 && !own && machine->silence.quiet_ns < machine->options.lease_ns;
}

bool lead_offers(const lead *self) {
    return self->offers;
}

void lead_hand_over(lead *self) {
    int64_t now_ns = rt_clock_monotonic_ns();
    if (!leadership_offer(&self->machine, now_ns))
        rt_log(self->ingest->log, RT_WARN, "nothing to hand over: this instance does not lead with a lease",
               RT_STR("role", leadership_role_name(self->machine.role)));
    lead_step(self, now_ns);
}

bool lead_leave(lead *self) {
    int64_t now_ns = rt_clock_monotonic_ns();
    if (self->stopping || !leadership_offer(&self->machine, now_ns)) return false;
    self->stopping = true;
    lead_step(self, now_ns);
    return true;
}

void lead_read(const lead *self, ingest_leading *seen) {
    const leadership *machine = &self->machine;
    uint64_t mine = ingest_last(self->ingest).seq;
    bool comparable = machine->heard.term > 0 && strcmp(machine->heard.epoch, self->ingest->day.epoch) == 0;
    *seen = self->seen;
    seen->disbelieved = machine->candidacy.disbelieved;
    for (int i = 0; i < INGEST_ROLES; i++)
        seen->roles[i] = (int)machine->role == i;
    seen->term = (int64_t)(leadership_publishes(machine) ? machine->term : machine->heard.term);
    seen->epochs_differ = epochs_differ(self);
    seen->lease_held = leadership_publishes(machine) && machine->leased;
    seen->behind = comparable && machine->heard.seq > mine ? (int64_t)(machine->heard.seq - mine) : 0;
    seen->catching_up = (int64_t)publisher_catching_up(self->ingest->publisher);
}

const char *lead_role_name(int role) {
    return leadership_role_name((leadership_role)role);
}

/* ---- opening and closing ---- */

static tw_code open_election(lead *self, tw_error *error) {
    const ingest_settings *set = &self->ingest->settings;
    const bus_election_options options = {.exchange = set->exchange,
                                          .partition = set->partition,
                                          .url = set->nats,
                                          .credentials = set->credentials,
                                          .bucket = self->ingest->leased ? set->lease_bucket : NULL,
                                          .replicas = set->lease_replicas,
                                          .lease_ns = set->lease_timeout_ns};
    const bus_election_handlers handlers = {.context = self,
                                            .on_status = on_status,
                                            .on_read = on_read,
                                            .on_claimed = on_claimed,
                                            .on_away = on_away,
                                            .on_seen = on_seen,
                                            .on_probe = on_probe};
    return bus_election_open(&self->election, self->ingest->bus, &self->ingest->loop, &options, &handlers, error);
}

tw_code lead_open(lead **opened, ingest *in, tw_error *error) {
    lead *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for leadership");
    const ingest_settings *set = &in->settings;
    leadership_options options = {.lease = in->leased,
                                  .standby = set->standby,
                                  .term = in->term,
                                  .lease_ns = set->lease_timeout_ns,
                                  .worse_ns = set->lease_timeout_ns,
                                  .behind_ns = BEHIND_NS,
                                  .verify_ns = set->lease_timeout_ns * 5 / 3,
                                  .offer_ns = OFFER_NS,
                                  .return_ns = RETURN_NS};
    if (in->term > tw_term_most(rt_clock_utc_ns()))
        return tw_error_set(error, TW_INVALID,
                            "--term %" PRIu64
                            " is more than ten years ahead of the clock (a term is by default the "
                            "milliseconds since 1970): nobody would believe it",
                            in->term);
    tw_text_copy(options.name, sizeof options.name, in->name);
    self->ingest = in;
    self->stepped_ns = rt_clock_monotonic_ns();
    leadership_init(&self->machine, &options, self->stepped_ns, rt_clock_utc_ns());
    return open_election(self, error);
}

static void on_listened(uv_timer_t *timer) {
    *(bool *)timer->data = true;
}

static void listen_a_while(lead *self, int64_t most_ms) {
    uv_loop_t *loop = &self->ingest->loop;
    uv_timer_t timer;
    bool over = uv_timer_init(loop, &timer) != 0;
    if (over) return;
    timer.data = &over;
    self->listens = true;
    uv_timer_start(&timer, on_listened, (uint64_t)most_ms, 0);
    bus_flush(self->ingest->bus);
    while (!over && self->machine.heard.term == 0)
        uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(loop, UV_RUN_NOWAIT); /* the timer is this function's */
    self->listens = false;
}

void lead_await(lead *self) {
    const ingest *in = self->ingest;
    if (in->leased && in->settings.standby) listen_a_while(self, in->settings.lease_timeout_ns / MS);
}

const char *lead_epoch(const lead *self) {
    const leadership_heartbeat *heard = &self->machine.heard;
    bool other = heard->term > 0 && strcmp(heard->leader, self->machine.options.name) != 0;
    return other && !lead_leads(self) ? heard->epoch : "";
}

bool lead_is_empty(const lead *self) {
    return self->machine.heard.seq == 0;
}

tw_code lead_check_free(lead *self, tw_error *error) {
    const ingest_settings *set = &self->ingest->settings;
    if (self->ingest->leased || set->term != 0 || set->depose) return TW_OK;
    listen_a_while(self, LISTEN_MS);
    const leadership_heartbeat *heard = &self->machine.heard;
    if (heard->term == 0) return TW_OK;
    return tw_error_set(error, TW_FULL,
                        "%s partition %" PRIu64 " is published already: by %s (term %" PRIu64
                        ", epoch %s). Replay on "
                        "another bus, or with another --exchange or --partition; --depose takes its place",
                        set->exchange, set->partition, heard->leader, heard->term, heard->epoch);
}

void lead_close(lead *self) {
    if (self == NULL) return;
    bus_election_close(&self->election);
    free(self);
}
