/* Who serves: the state machine of lead.h. What happened changes the role or leaves a note; the step looks at the notes and the time, and
 * says the difference between the role and what the daemon was told last. */
#include "matcher/lead/lead.h"

#include <string.h>

#define MS        INT64_C(1000000)
#define LEASE_NS  (300 * MS)
#define OFFER_NS  (500 * MS)
#define RETURN_NS (250 * MS)
#define NEVER     INT64_MIN

const char *ml_role_name(ml_role role) {
    static const char *const names[ML_ROLES] = {"following", "claiming", "catching up", "leading",
                                                "verifying", "draining", "offering"};
    return (unsigned)role < ML_ROLES ? names[role] : "unknown";
}

void ml_init(ml_lead *self, const ml_options *options, int64_t now_ns, int64_t utc_ns) {
    *self = (ml_lead){.options = *options, .told = ML_ROLES, .return_due_ns = NEVER};
    if (self->options.lease_ns == 0) self->options.lease_ns = LEASE_NS;
    if (self->options.offer_ns == 0) self->options.offer_ns = OFFER_NS;
    if (self->options.return_ns == 0) self->options.return_ns = RETURN_NS;
    candidacy_init(&self->candidacy, self->options.name, utc_ns);
    silence_init(&self->silence, self->options.lease_ns, self->options.return_ns, now_ns);
}

/* ---- notes ---- */

static bool is_me(const ml_lead *self, const char *name) {
    return candidacy_is_me(&self->candidacy, name);
}

static bool has_won(const ml_lead *self) {
    return self->role >= ML_CATCHING_UP;
}

static void follow(ml_lead *self) {
    self->role = ML_FOLLOWING;
    silence_break(&self->silence);
}

/* Nothing that was asked before proves anything now. */
static void verify(ml_lead *self) {
    if (!has_won(self)) return;
    self->role = ML_VERIFYING;
    candidacy_may_read(&self->candidacy);
    candidacy_distrust(&self->candidacy);
}

static void step_back_from(ml_lead *self, uint64_t term, const char *name) {
    if (!has_won(self) || is_me(self, name) || term <= self->term) return;
    follow(self);
    candidacy_may_read(&self->candidacy); /* a follower has more need of the lease than a leader */
}

static void begin(ml_lead *self, uint64_t term) {
    self->term = term;
    self->role = ML_CATCHING_UP;
}

/* ---- heartbeats ---- */

bool ml_heard(ml_lead *self, const ml_heartbeat *beat, int64_t now_ns) {
    (void)now_ns; /* silence is counted by the steps */
    bool own = is_me(self, beat->leader);
    if (!candidacy_believes(&self->candidacy, beat->term)) return false;
    candidacy_note(&self->candidacy, beat->term);
    step_back_from(self, beat->term, beat->leader);
    if (self->role == ML_CLAIMING && !own && beat->term >= self->candidacy.claim_term) follow(self);
    if (beat->term < self->term || beat->term < self->heard.term) return false;
    if (has_won(self) && !own) return false; /* of its own term: it is no leader's word */
    self->heard = *beat;
    if (!own) silence_break(&self->silence);
    return true;
}

/* ---- the lease ---- */

void ml_lease_read(ml_lead *self, bool found, uint64_t term, const char *holder, uint64_t revision,
                   int64_t now_ns) {
    (void)now_ns;
    candidacy_lease lease = candidacy_read(&self->candidacy, found, term, revision);
    if (!lease.fresh) return;
    if (lease.held) step_back_from(self, term, holder);
    if (self->role == ML_VERIFYING && lease.held && term == self->term && is_me(self, holder)) {
        self->role = ML_CATCHING_UP;
    } else if (self->role == ML_VERIFYING) { /* another's, an older one, or gone */
        follow(self);
    } else if (self->role == ML_FOLLOWING && lease.held &&
               candidacy_is_lost_win(&self->candidacy, term, holder, self->term)) {
        begin(self, term);
    } else if (self->role == ML_FOLLOWING && lease.news && !is_me(self, holder)) {
        silence_break(&self->silence); /* whoever holds it is to speak next */
    }
}

void ml_lease_seen(ml_lead *self, uint64_t term, const char *holder) {
    if (is_me(self, holder)) return;
    step_back_from(self, candidacy_seen(&self->candidacy, term), holder);
    if (self->role != ML_FOLLOWING) return;
    silence_break(&self->silence);
    self->candidacy.wants_read = true;
}

void ml_lease_away(ml_lead *self, int64_t now_ns) {
    bool calm = self->role == ML_FOLLOWING && self->silence.quiet_ns < self->options.lease_ns;
    candidacy_away(&self->candidacy, now_ns, calm ? CANDIDACY_CALM_NS : CANDIDACY_QUICK_NS);
    if (self->role == ML_CLAIMING) self->role = ML_FOLLOWING; /* it may have been stored: the next read tells */
}

void ml_claimed(ml_lead *self, bool won, uint64_t revision, int64_t now_ns) {
    (void)now_ns;
    bool fresh = candidacy_claimed(&self->candidacy, won, revision);
    if (won) {
        if (self->role != ML_CLAIMING) return;
        begin(self, self->candidacy.claim_term);
        if (!fresh || !self->silence.connected) verify(self);
        return;
    }
    /* Whoever won is to speak next, and its claim may have been seen already: then the read tells nothing new. */
    if (self->role == ML_CLAIMING) follow(self);
}

/* ---- what else happens ---- */

void ml_fenced(ml_lead *self, int64_t now_ns) {
    (void)now_ns;
    if (!has_won(self)) return;
    self->fenced++;
    verify(self);
}

void ml_bus(ml_lead *self, bool connected, int64_t now_ns) {
    silence_bus(&self->silence, connected);
    if (!has_won(self)) return;
    self->was_away = true;
    self->return_due_ns = now_ns + self->options.return_ns;
    verify(self);
}

void ml_probed(ml_lead *self, uint64_t probe, int64_t now_ns) {
    silence_probed(&self->silence, probe, now_ns);
}

bool ml_offer(ml_lead *self, int64_t now_ns) {
    if (self->role != ML_LEADING || self->told != ML_LEADING) return false;
    self->role = ML_DRAINING;
    self->since_ns = now_ns;
    return true;
}

/* ---- the step ---- */

static void note_time(ml_lead *self, int64_t now_ns) {
    if (!silence_step(&self->silence, now_ns)) return;
    candidacy_distrust(&self->candidacy);
    verify(self);
}

/* Inputs have one number for ever, whatever the day: no epoch is compared. */
static bool is_level(const ml_lead *self, const ml_self *mine) {
    return mine->full || mine->seq >= self->heard.seq;
}

static bool is_offered(const ml_lead *self, const ml_self *mine) {
    return self->heard.handover && self->heard.term >= self->candidacy.lease_term &&
           !is_me(self, self->heard.leader) && is_level(self, mine);
}

static void claim(ml_lead *self, int64_t utc_ns) {
    candidacy_prepare(&self->candidacy, utc_ns);
    self->role = ML_CLAIMING;
}

static void step_following(ml_lead *self, const ml_self *mine, int64_t now_ns, int64_t utc_ns) {
    self->silence.wants_probe = false;
    if (!self->silence.connected) return;
    bool due = self->silence.quiet_ns >= self->options.lease_ns;
    if (!self->candidacy.lease_known) {
        self->candidacy.wants_read |= candidacy_can_read(&self->candidacy, now_ns);
    } else if (self->candidacy.call == CANDIDACY_NO_CALL && mine->ready &&
               (is_offered(self, mine) || (due && silence_is_certain(&self->silence, now_ns)))) {
        claim(self, utc_ns);
    }
}

static void step_catching_up(ml_lead *self, const ml_self *mine, int64_t now_ns) {
    if (self->silence.connected && mine->ready && is_level(self, mine) && now_ns >= self->return_due_ns)
        self->role = ML_LEADING;
}

static void step_offering(ml_lead *self, const ml_self *mine, int64_t now_ns) {
    if (now_ns - self->since_ns >= self->options.offer_ns)
        self->role = ML_LEADING;
    else if (self->role == ML_DRAINING && self->told == ML_DRAINING && mine->drained)
        self->role = ML_OFFERING;
}

static ml_action serve_action(ml_lead *self, const ml_self *mine) {
    bool first = self->told_term != self->term, away = self->was_away;
    bool same_epoch = self->heard.term > 0 && strcmp(self->heard.epoch, mine->epoch) == 0;
    self->told_term = self->term;
    self->was_away = false;
    self->serves = true;
    self->safe_seq = same_epoch ? self->heard.published_seq : 0;
    self->continues_term = same_epoch && mine->seq >= self->heard.published_seq ? self->heard.term : 0;
    return first ? ML_LEAD : away ? ML_RESUME : ML_GO_ON;
}

static ml_action hold_action(ml_lead *self) {
    bool served = self->serves;
    self->serves = false;
    return served ? ML_HOLD : ML_NOTHING;
}

/* NOTHING where the role's change is none for the daemon. */
static ml_action role_action(ml_lead *self, const ml_self *mine) {
    self->told = self->role;
    switch (self->role) {
    case ML_FOLLOWING:
        self->serves = false;
        return ML_FOLLOW;
    case ML_CLAIMING:
        self->candidacy.call = CANDIDACY_ASKING;
        return ML_CLAIM;
    case ML_LEADING:
        return serve_action(self, mine);
    case ML_VERIFYING:
        return hold_action(self);
    case ML_DRAINING:
        return ML_DRAIN;
    case ML_OFFERING:
        return ML_OFFER;
    case ML_CATCHING_UP:
    case ML_ROLES:
    default:
        return ML_NOTHING;
    }
}

static ml_action probe_action(ml_lead *self, int64_t now_ns) {
    silence_probe_leaves(&self->silence, now_ns);
    return ML_PROBE;
}

/* One role a step at most, so that the daemon hears of each in its turn. */
static void step_role(ml_lead *self, const ml_self *mine, int64_t now_ns, int64_t utc_ns) {
    if (self->role != self->told) return;
    if (self->role == ML_FOLLOWING) {
        step_following(self, mine, now_ns, utc_ns);
    } else if (self->role == ML_CATCHING_UP) {
        step_catching_up(self, mine, now_ns);
    } else if (self->role == ML_VERIFYING) {
        self->candidacy.wants_read |= self->silence.connected && candidacy_can_read(&self->candidacy, now_ns);
    } else if (self->role == ML_DRAINING || self->role == ML_OFFERING) {
        step_offering(self, mine, now_ns);
    }
}

ml_action ml_step(ml_lead *self, const ml_self *mine, int64_t now_ns, int64_t utc_ns) {
    note_time(self, now_ns);
    candidacy_clock(&self->candidacy, utc_ns);
    step_role(self, mine, now_ns, utc_ns);
    while (self->role != self->told) {
        ml_action action = role_action(self, mine);
        if (action != ML_NOTHING) return action;
        step_role(self, mine, now_ns, utc_ns);
    }
    if (self->role == ML_FOLLOWING && self->silence.wants_probe) return probe_action(self, now_ns);
    return candidacy_starts_read(&self->candidacy) ? ML_READ : ML_NOTHING;
}
