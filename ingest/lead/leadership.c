/* Who publishes: the state machine of leadership.h. What happened changes the role or leaves a note; the step looks at the
 * notes and the time, and says the difference between the role and what the daemon was told last. */
#include "ingest/lead/leadership.h"

#include <string.h>

#include "base/civil.h"
#include "base/text.h"

#define MS              INT64_C(1000000)
#define RING_NS         (90 * MS)              /* a little below the heartbeats' 100 ms */
#define TIER_LAG_NS     (3 * TW_NS_PER_SECOND) /* what the slowest tier may be behind, with room */
#define LEADER_RETRY_NS (5 * TW_NS_PER_SECOND) /* by a leader without a lease */
#define NEVER           INT64_MIN
#define DATE_BYTES      10 /* an epoch begins with YYYY-MM-DD */

const char *leadership_role_name(leadership_role role) {
    static const char *const names[LEADERSHIP_ROLES] = {"starting", "following", "claiming",
                                                        "leading",  "verifying", "offering"};
    return (unsigned)role < LEADERSHIP_ROLES ? names[role] : "unknown";
}

bool leadership_is_doubtful(tw_book_state feed, tw_state_cause cause, uint32_t instruments_not_ok) {
    if (instruments_not_ok > 0) return true;
    if (feed == TW_BOOK_OK || feed == TW_BOOK_CLOSED) return false;
    return cause != TW_CAUSE_GAP && cause != TW_CAUSE_LINE_SILENT && cause != TW_CAUSE_LINE_DOWN;
}

void leadership_init(leadership *self, const leadership_options *options, int64_t now_ns, int64_t utc_ns) {
    *self = (leadership){.options = *options, .due_ns = NEVER, .return_due_ns = NEVER};
    candidacy_init(&self->candidacy, options->name, utc_ns);
    silence_init(&self->silence, options->lease_ns, options->return_ns, now_ns);
}

/* ---- notes ---- */

static bool is_me(const leadership *self, const char *name) {
    return candidacy_is_me(&self->candidacy, name);
}

static bool has_led(const leadership *self) {
    return self->role == LEADERSHIP_LEADING || self->role == LEADERSHIP_VERIFYING ||
           self->role == LEADERSHIP_OFFERING;
}

/* Whether (term, name) comes before (other_term, other_name). */
static bool outranks(uint64_t term, const char *name, uint64_t other_term, const char *other_name) {
    return term != other_term ? term > other_term : strcmp(name, other_name) > 0;
}

static void follow(leadership *self) {
    self->role = LEADERSHIP_FOLLOWING;
    silence_break(&self->silence);
    self->due_ns = NEVER;
}

static void verify(leadership *self, int64_t now_ns) {
    self->role = LEADERSHIP_VERIFYING;
    self->verified = false;
    self->since_ns = now_ns;
    self->candidacy.wants_read = self->options.lease && self->silence.connected;
    candidacy_distrust(&self->candidacy);
}

/* Leads with `term`; a moment ago it was certain, unless the process stood still or the bus went meanwhile. */
static void lead(leadership *self, uint64_t term, bool leased, bool certain, int64_t now_ns) {
    self->term = term;
    self->leased = leased;
    candidacy_note(&self->candidacy, term);
    self->role = LEADERSHIP_LEADING;
    if (!certain || !self->silence.connected) verify(self, now_ns);
}

static void step_back_from(leadership *self, uint64_t term, const char *name) {
    if (!has_led(self) || is_me(self, name) || !outranks(term, name, self->term, self->options.name)) return;
    follow(self);
    candidacy_may_read(&self->candidacy); /* a follower has more need of the lease than a leader */
}

/* ---- heartbeats ---- */

static leadership_mark *mark_at(leadership *self, uint32_t index) {
    return &self->ring[(self->ring_first + index) % LEADERSHIP_RING];
}

static void remember(leadership *self, const leadership_heartbeat *beat, int64_t now_ns) {
    if (self->ring_count > 0 && now_ns - mark_at(self, self->ring_count - 1)->at_ns < RING_NS) return;
    if (self->ring_count == LEADERSHIP_RING)
        self->ring_first = (self->ring_first + 1) % LEADERSHIP_RING;
    else
        self->ring_count++;
    *mark_at(self, self->ring_count - 1) = (leadership_mark){now_ns, beat->published_seq};
}

bool leadership_heard(leadership *self, const leadership_heartbeat *beat, int64_t now_ns) {
    bool own = is_me(self, beat->leader);
    if (!candidacy_believes(&self->candidacy, beat->term)) return false;
    candidacy_note(&self->candidacy, beat->term);
    step_back_from(self, beat->term, beat->leader);
    if (self->role == LEADERSHIP_CLAIMING && !own && beat->term >= self->candidacy.claim_term) follow(self);
    if (beat->term < self->term || outranks(self->heard.term, self->heard.leader, beat->term, beat->leader))
        return false;
    if (has_led(self) && !own && beat->term == self->term) return false; /* it is the one to step back */
    if (beat->term != self->heard.term || strcmp(beat->leader, self->heard.leader) != 0 ||
        strcmp(beat->epoch, self->heard.epoch) != 0)
        self->ring_count = 0;
    self->heard = *beat;
    self->heard_ns = now_ns;
    remember(self, beat, now_ns);
    if (!own) silence_break(&self->silence);
    return true;
}

/* The newest mark that is old enough for the slowest tier to have followed it before the last heartbeat. */
static uint64_t tier_safe(leadership *self) {
    for (uint32_t i = self->ring_count; i > 0; i--)
        if (self->heard_ns - mark_at(self, i - 1)->at_ns >= TIER_LAG_NS) return mark_at(self, i - 1)->published_seq;
    return 0;
}

static void note_safe(leadership *self, const leadership_self *mine) {
    bool same_epoch = self->heard.term > 0 && mine->epoch[0] != '\0' && strcmp(self->heard.epoch, mine->epoch) == 0;
    bool trusted = same_epoch && !self->heard.doubtful;
    self->safe_seq = trusted ? self->heard.published_seq : 0;
    self->tier_safe_seq = trusted ? tier_safe(self) : 0;
    self->behind_seq = same_epoch && mine->seq < self->heard.seq ? self->heard.seq : 0;
    self->continues_term = trusted && mine->ok && self->behind_seq == 0 ? self->heard.term : 0;
}

/* ---- the lease ---- */

void leadership_lease_read(leadership *self, bool found, uint64_t term, const char *holder, uint64_t revision,
                           int64_t now_ns) {
    candidacy_lease lease = candidacy_read(&self->candidacy, found, term, revision);
    if (!lease.fresh) return;
    self->lease_away = false;
    if (lease.held) step_back_from(self, term, holder);
    if (has_led(self) && lease.held && is_me(self, holder) && term == self->term) self->leased = true;
    if (self->role == LEADERSHIP_VERIFYING && self->silence.connected) {
        self->verified = true;
    } else if ((self->role == LEADERSHIP_FOLLOWING || self->role == LEADERSHIP_STARTING) && lease.held &&
               candidacy_is_lost_win(&self->candidacy, term, holder, self->term)) {
        lead(self, term, true, true, now_ns);
    } else if (self->role == LEADERSHIP_FOLLOWING && lease.news && !is_me(self, holder)) {
        silence_break(&self->silence); /* whoever holds it is to speak next */
    }
}

void leadership_lease_seen(leadership *self, uint64_t term, const char *holder) {
    if (is_me(self, holder)) return;
    step_back_from(self, candidacy_seen(&self->candidacy, term), holder);
    if (self->role != LEADERSHIP_FOLLOWING) return;
    silence_break(&self->silence);
    self->candidacy.wants_read = true;
}

void leadership_lease_away(leadership *self, int64_t now_ns) {
    bool leader_is_heard = self->role == LEADERSHIP_FOLLOWING && self->silence.quiet_ns < self->options.lease_ns;
    int64_t retry_ns = leader_is_heard ? CANDIDACY_CALM_NS : has_led(self) ? LEADER_RETRY_NS : CANDIDACY_QUICK_NS;
    candidacy_away(&self->candidacy, now_ns, retry_ns);
    self->lease_away = true;
    if (self->role == LEADERSHIP_CLAIMING && self->options.standby) self->role = LEADERSHIP_FOLLOWING;
    if (self->role == LEADERSHIP_CLAIMING) { /* it may have been stored all the same: read, or lead beyond it */
        self->role = LEADERSHIP_STARTING;
        self->lease_away = false;
        candidacy_may_read(&self->candidacy);
    }
    if (self->role == LEADERSHIP_VERIFYING && !self->leased && self->silence.connected) self->verified = true;
}

void leadership_claimed(leadership *self, bool won, uint64_t revision, int64_t now_ns) {
    bool fresh = candidacy_claimed(&self->candidacy, won, revision);
    uint64_t term = self->candidacy.claim_term;
    self->lease_away = false;
    if (won && has_led(self) && term == self->term) self->leased = true;
    if (self->role != LEADERSHIP_CLAIMING) return;
    if (won)
        lead(self, term, true, fresh, now_ns);
    else
        self->role = LEADERSHIP_FOLLOWING; /* no grace: the read tells who won */
}

/* ---- what else happens ---- */

void leadership_bus(leadership *self, bool connected, int64_t now_ns) {
    silence_bus(&self->silence, connected);
    if (!has_led(self)) return;
    self->bus_was_away = true;
    self->return_due_ns = now_ns + self->options.return_ns;
    verify(self, now_ns);
}

void leadership_probed(leadership *self, uint64_t probe, int64_t now_ns) {
    silence_probed(&self->silence, probe, now_ns);
}

bool leadership_offer(leadership *self, int64_t now_ns) {
    if (self->role != LEADERSHIP_LEADING || !self->leased) return false;
    self->role = LEADERSHIP_OFFERING;
    self->since_ns = now_ns;
    return true;
}

/* ---- the step ---- */

static void note_time(leadership *self, int64_t now_ns) {
    if (!silence_step(&self->silence, now_ns) || !self->options.lease) return;
    candidacy_distrust(&self->candidacy);
    if (has_led(self)) verify(self, now_ns);
}

/* Whether the books here are at least where the leader said it was. A session of a later day is past it. */
static bool is_level(const leadership *self, const leadership_self *mine) {
    const leadership_heartbeat *heard = &self->heard;
    if (heard->term == 0 || heard->epoch[0] == '\0') return true;
    if (strcmp(mine->epoch, heard->epoch) == 0) return mine->seq >= heard->seq;
    return strncmp(mine->epoch, heard->epoch, DATE_BYTES) > 0;
}

static bool is_offered(const leadership *self, const leadership_self *mine) {
    return self->heard.handover && self->heard.term >= self->candidacy.lease_term &&
           !is_me(self, self->heard.leader) && mine->ok && is_level(self, mine);
}

/* Nobody leads for long enough, and either this instance is level with the last leader or has waited for that. */
static bool is_due(leadership *self, const leadership_self *mine, int64_t now_ns) {
    int64_t patience_ns = self->options.lease_ns + (mine->ok ? 0 : self->options.worse_ns);
    if (self->silence.quiet_ns < patience_ns) {
        self->due_ns = NEVER;
        return false;
    }
    if (is_level(self, mine)) return true;
    if (self->due_ns == NEVER) self->due_ns = now_ns;
    return now_ns - self->due_ns >= self->options.behind_ns;
}

static void claim(leadership *self, int64_t utc_ns) {
    candidacy_prepare(&self->candidacy, utc_ns);
    self->role = LEADERSHIP_CLAIMING;
}

static void step_starting(leadership *self, int64_t now_ns, int64_t utc_ns) {
    if (!self->options.lease) {
        lead(self, self->options.term != 0 ? self->options.term : candidacy_next_term(&self->candidacy, utc_ns),
             false, true, now_ns);
    } else if (self->options.standby && (self->candidacy.lease_known || self->lease_away)) {
        follow(self);
    } else if (self->lease_away) {
        lead(self, candidacy_next_term(&self->candidacy, utc_ns), false, true, now_ns);
    } else if (self->candidacy.lease_known && self->candidacy.call == CANDIDACY_NO_CALL) {
        claim(self, utc_ns);
    } else if (candidacy_can_read(&self->candidacy, now_ns)) {
        self->candidacy.wants_read = true;
    }
}

static void step_following(leadership *self, const leadership_self *mine, int64_t now_ns, int64_t utc_ns) {
    self->silence.wants_probe = false;
    if (!self->options.lease || !self->silence.connected) return;
    bool due = is_due(self, mine, now_ns);
    if (!self->candidacy.lease_known) {
        self->candidacy.wants_read |= candidacy_can_read(&self->candidacy, now_ns);
    } else if (self->candidacy.call == CANDIDACY_NO_CALL &&
               (is_offered(self, mine) || (due && silence_is_certain(&self->silence, now_ns)))) {
        claim(self, utc_ns);
    }
}

/* Who leads without a lease takes it for the term that it has, once JetStream is there. */
static void step_leading(leadership *self, int64_t now_ns) {
    candidacy *own = &self->candidacy;
    if (self->leased || !self->options.lease || !self->silence.connected || !candidacy_can_read(own, now_ns))
        return;
    bool free = own->lease_known && own->lease_term < self->term;
    self->wants_claim = free;
    own->wants_read = !free;
    own->claim_term = self->term;
    own->claim_revision = own->lease_revision;
    if (free || own->lease_known) own->read_again_ns = now_ns + LEADER_RETRY_NS;
}

static void step_verifying(leadership *self, int64_t now_ns) {
    if (!self->silence.connected) return;
    if (!self->options.lease || now_ns - self->since_ns >= self->options.verify_ns) self->verified = true;
    if (self->verified && now_ns >= self->return_due_ns) self->role = LEADERSHIP_LEADING;
}

static leadership_action lead_action(leadership *self, const leadership_self *mine) {
    bool away = self->bus_was_away, first = self->told_term != self->term;
    self->bus_was_away = false;
    self->told_term = self->term;
    if (first || away) note_safe(self, mine);
    if (!first) self->behind_seq = 0;
    return first ? LEADERSHIP_LEAD : away ? LEADERSHIP_RESUME : LEADERSHIP_GO_ON;
}

static leadership_action role_action(leadership *self, const leadership_self *mine) {
    self->told = self->role;
    switch (self->role) {
    case LEADERSHIP_FOLLOWING:
        return LEADERSHIP_FOLLOW;
    case LEADERSHIP_CLAIMING:
        self->candidacy.call = CANDIDACY_ASKING;
        return LEADERSHIP_CLAIM;
    case LEADERSHIP_LEADING:
        return lead_action(self, mine);
    case LEADERSHIP_VERIFYING:
        return LEADERSHIP_HOLD;
    case LEADERSHIP_OFFERING:
        return LEADERSHIP_OFFER;
    case LEADERSHIP_STARTING:
    case LEADERSHIP_ROLES:
    default:
        return LEADERSHIP_NOTHING;
    }
}

static leadership_action probe_action(leadership *self, int64_t now_ns) {
    silence_probe_leaves(&self->silence, now_ns);
    return LEADERSHIP_PROBE;
}

static leadership_action call_action(leadership *self) {
    candidacy *own = &self->candidacy;
    if (own->call != CANDIDACY_NO_CALL) return LEADERSHIP_NOTHING;
    bool asks = self->wants_claim && has_led(self);
    own->wants_read |= self->wants_claim && !asks; /* it leads no more: what has become of the lease? */
    self->wants_claim = false;
    if (!asks) return candidacy_starts_read(own) ? LEADERSHIP_READ : LEADERSHIP_NOTHING;
    own->call = CANDIDACY_ASKING;
    return LEADERSHIP_CLAIM;
}

leadership_action leadership_step(leadership *self, const leadership_self *mine, int64_t now_ns, int64_t utc_ns) {
    note_time(self, now_ns);
    candidacy_clock(&self->candidacy, utc_ns);
    if (self->role == LEADERSHIP_STARTING) step_starting(self, now_ns, utc_ns);
    if (self->role == LEADERSHIP_FOLLOWING) step_following(self, mine, now_ns, utc_ns);
    if (self->role == LEADERSHIP_VERIFYING) step_verifying(self, now_ns);
    if (self->role == LEADERSHIP_LEADING) step_leading(self, now_ns);
    if (self->role == LEADERSHIP_OFFERING && now_ns - self->since_ns >= self->options.offer_ns)
        self->role = LEADERSHIP_LEADING;
    bool changed = self->role != self->told || (self->role == LEADERSHIP_LEADING && self->bus_was_away);
    if (changed && self->role != LEADERSHIP_STARTING) return role_action(self, mine);
    if (self->role == LEADERSHIP_FOLLOWING && self->silence.wants_probe) return probe_action(self, now_ns);
    return call_action(self);
}
