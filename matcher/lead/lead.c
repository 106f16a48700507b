/* Who serves: the state machine of lead.h. What happened changes the role or leaves a note; the step looks at the notes and the time, and
 * says the difference between the role and what the daemon was told last. */
#include "matcher/lead/lead.h"

#include <string.h>

#define MS             INT64_C(1000000)
#define LEASE_NS       (300 * MS)
#define OFFER_NS       (500 * MS)
#define RETURN_NS      (250 * MS)
#define CALM_RETRY_NS  (500 * MS)  /* of a lease that can't be read while somebody leads */
#define QUICK_RETRY_NS (100 * MS)  /* while nobody does */
#define QUIET_PARTS    6           /* a pause counts as silence for at most lease_ns / QUIET_PARTS */
#define PROBE_PARTS    6           /* a probe is late after lease_ns / PROBE_PARTS */
#define SETTLE_PARTS   15          /* the pause after one that was quick: lease_ns / SETTLE_PARTS */
#define PROBE_AGAIN_NS (1000 * MS) /* one that does not come back */
#define NEVER          INT64_MIN

const char *ml_role_name(ml_role role) {
    static const char *const names[ML_ROLES] = {"following", "claiming", "catching up", "leading",
                                                "verifying", "draining", "offering"};
    return (unsigned)role < ML_ROLES ? names[role] : "unknown";
}

void ml_init(ml_lead *self, const ml_options *options, int64_t now_ns, int64_t utc_ns) {
    *self = (ml_lead){.options = *options, .told = ML_ROLES, .connected = true, .stepped_ns = now_ns};
    if (self->options.lease_ns == 0) self->options.lease_ns = LEASE_NS;
    if (self->options.offer_ns == 0) self->options.offer_ns = OFFER_NS;
    if (self->options.return_ns == 0) self->options.return_ns = RETURN_NS;
    self->most_term = tw_term_most(utc_ns);
    self->read_again_ns = self->return_due_ns = NEVER;
    self->probe_sent_ns = self->probe_first_ns = self->probe_back_ns = NEVER;
}

/* ---- notes ---- */

static bool is_me(const ml_lead *self, const char *name) {
    return strcmp(self->options.name, name) == 0;
}

static bool has_won(const ml_lead *self) {
    return self->role >= ML_CATCHING_UP;
}

static bool believes(ml_lead *self, uint64_t term) {
    bool yes = term <= self->most_term;
    self->disbelieved += !yes;
    return yes;
}

static void note_term(ml_lead *self, uint64_t term) {
    if (term > self->highest_term) self->highest_term = term;
}

static void break_silence(ml_lead *self) {
    self->quiet_ns = 0;
    self->probe_sent_ns = self->probe_first_ns = self->probe_back_ns = NEVER;
    self->probe_was_slow = false;
}

static void follow(ml_lead *self) {
    self->role = ML_FOLLOWING;
    break_silence(self);
}

/* Nothing that was asked before proves anything now. */
static void verify(ml_lead *self) {
    if (!has_won(self)) return;
    self->role = ML_VERIFYING;
    self->read_again_ns = NEVER;
    if (self->call != ML_NO_CALL) self->call_is_stale = true;
}

static void step_back_from(ml_lead *self, uint64_t term, const char *name) {
    if (!has_won(self) || is_me(self, name) || term <= self->term) return;
    follow(self);
    self->read_again_ns = NEVER; /* a follower has more need of the lease than a leader */
}

static void begin(ml_lead *self, uint64_t term) {
    self->term = term;
    self->role = ML_CATCHING_UP;
}

/* ---- heartbeats ---- */

bool ml_heard(ml_lead *self, const ml_heartbeat *beat, int64_t now_ns) {
    (void)now_ns; /* silence is counted by the steps */
    bool own = is_me(self, beat->leader);
    if (!believes(self, beat->term)) return false;
    note_term(self, beat->term);
    step_back_from(self, beat->term, beat->leader);
    if (self->role == ML_CLAIMING && !own && beat->term >= self->claim_term) follow(self);
    if (beat->term < self->term || beat->term < self->heard.term) return false;
    if (has_won(self) && !own) return false; /* of its own term: it is no leader's word */
    self->heard = *beat;
    if (!own) break_silence(self);
    return true;
}

/* ---- the lease ---- */

/* The result of a call: true if it still proves something. */
static bool end_call(ml_lead *self) {
    bool fresh = !self->call_is_stale;
    self->call = ML_NO_CALL;
    self->call_is_stale = false;
    return fresh;
}

static bool can_be_read(const ml_lead *self, int64_t now_ns) {
    return self->call == ML_NO_CALL && now_ns >= self->read_again_ns;
}

/* A claim of this instance whose answer was lost: the lease names it all the same. */
static bool is_lost_win(const ml_lead *self, uint64_t term, const char *holder) {
    return is_me(self, holder) && term == self->claim_term && term > self->term && term >= self->highest_term;
}

static void take_lease(ml_lead *self, bool found, uint64_t term, const char *holder, bool news) {
    if (self->role == ML_VERIFYING && found && term == self->term && is_me(self, holder)) {
        self->role = ML_CATCHING_UP;
    } else if (self->role == ML_VERIFYING) { /* another's, an older one, or gone */
        follow(self);
    } else if (self->role == ML_FOLLOWING && found && is_lost_win(self, term, holder)) {
        begin(self, term);
    } else if (self->role == ML_FOLLOWING && news && !is_me(self, holder)) {
        break_silence(self); /* whoever holds it is to speak next */
    }
}

void ml_lease_read(ml_lead *self, bool found, uint64_t term, const char *holder, uint64_t revision,
                   int64_t now_ns) {
    (void)now_ns;
    if (!end_call(self)) {
        self->wants_read = true;
        return;
    }
    found = found && believes(self, term);
    bool news = found && term > self->lease_term;
    self->lease_known = true;
    self->lease_term = found ? term : 0;
    self->lease_revision = revision;
    if (found) note_term(self, term);
    if (found) step_back_from(self, term, holder);
    take_lease(self, found, term, holder, news);
}

void ml_lease_seen(ml_lead *self, uint64_t term, const char *holder) {
    if (is_me(self, holder)) return;
    if (!believes(self, term)) term = 0; /* somebody wrote it all the same: the revision is another */
    note_term(self, term);
    if (term > self->lease_term) self->lease_term = term;
    step_back_from(self, term, holder);
    self->lease_known = false;
    if (self->call == ML_READING) self->call_is_stale = true;
    if (self->role != ML_FOLLOWING) return;
    break_silence(self);
    self->wants_read = true;
}

void ml_lease_away(ml_lead *self, int64_t now_ns) {
    bool calm = self->role == ML_FOLLOWING && self->quiet_ns < self->options.lease_ns;
    end_call(self);
    self->lease_known = false;
    self->read_again_ns = now_ns + (calm ? CALM_RETRY_NS : QUICK_RETRY_NS);
    if (self->role == ML_CLAIMING) self->role = ML_FOLLOWING; /* it may have been stored: the next read tells */
}

void ml_claimed(ml_lead *self, bool won, uint64_t revision, int64_t now_ns) {
    (void)now_ns;
    bool fresh = end_call(self);
    self->lease_known = won;
    if (won) {
        self->lease_revision = revision;
        self->lease_term = self->claim_term;
        note_term(self, self->claim_term);
        if (self->role != ML_CLAIMING) return;
        begin(self, self->claim_term);
        if (!fresh || !self->connected) verify(self);
        return;
    }
    self->wants_read = true;
    if (self->role != ML_CLAIMING) return;
    follow(
        self); /* whoever won is to speak next, and its claim may have been seen already: then the read tells nothing new */
}

/* ---- what else happens ---- */

void ml_fenced(ml_lead *self, int64_t now_ns) {
    (void)now_ns;
    if (!has_won(self)) return;
    self->fenced++;
    verify(self);
}

void ml_bus(ml_lead *self, bool connected, int64_t now_ns) {
    self->connected = connected;
    break_silence(self);
    if (connected) self->quiet_ns = -self->options.return_ns; /* the leader, too, has to come back, and waits */
    if (!has_won(self)) return;
    self->was_away = true;
    self->return_due_ns = now_ns + self->options.return_ns;
    verify(self);
}

void ml_probed(ml_lead *self, uint64_t probe, int64_t now_ns) {
    if (self->probe_sent_ns == NEVER || probe != self->probe) return;
    bool slow = now_ns - self->probe_first_ns > self->options.lease_ns / PROBE_PARTS;
    bool first_slow = slow && !self->probe_was_slow;
    if (first_slow) break_silence(self);
    self->probe_was_slow |= slow;
    if (!first_slow) self->probe_back_ns = now_ns;
    self->probe_sent_ns = self->probe_first_ns = NEVER;
}

bool ml_offer(ml_lead *self, int64_t now_ns) {
    if (self->role != ML_LEADING || self->told != ML_LEADING) return false;
    self->role = ML_DRAINING;
    self->since_ns = now_ns;
    return true;
}

/* ---- the step ---- */

static void note_time(ml_lead *self, int64_t now_ns) {
    int64_t pause_ns = now_ns - self->stepped_ns, most_ns = self->options.lease_ns / QUIET_PARTS;
    self->stepped_ns = now_ns;
    if (self->connected) self->quiet_ns += pause_ns < most_ns ? pause_ns : most_ns;
    if (pause_ns < self->options.lease_ns) return;
    if (self->call != ML_NO_CALL) self->call_is_stale = true;
    verify(self);
}

/* Inputs have one number for ever, whatever the day: no epoch is compared. */
static bool is_level(const ml_lead *self, const ml_self *mine) {
    return mine->full || mine->seq >= self->heard.seq;
}

static bool is_offered(const ml_lead *self, const ml_self *mine) {
    return self->heard.handover && self->heard.term >= self->lease_term && !is_me(self, self->heard.leader) &&
           is_level(self, mine);
}

/* Whether it is certain that the bus delivers: asks by a probe if not. */
static bool is_listening(ml_lead *self, int64_t now_ns) {
    int64_t settle_ns = self->options.lease_ns / SETTLE_PARTS;
    if (self->probe_back_ns != NEVER && now_ns - self->probe_back_ns < self->options.lease_ns)
        return now_ns - self->probe_back_ns >= settle_ns;
    self->wants_probe = self->probe_sent_ns == NEVER || now_ns - self->probe_sent_ns >= PROBE_AGAIN_NS;
    return false;
}

static uint64_t next_term(const ml_lead *self, int64_t utc_ns) {
    uint64_t term = self->highest_term + 1, clock = (uint64_t)(utc_ns / MS);
    return term < clock ? clock : term;
}

static void claim(ml_lead *self, int64_t utc_ns) {
    self->claim_term = next_term(self, utc_ns);
    self->claim_revision = self->lease_revision;
    self->role = ML_CLAIMING;
    note_term(self, self->claim_term); /* whatever becomes of it */
}

static void step_following(ml_lead *self, const ml_self *mine, int64_t now_ns, int64_t utc_ns) {
    self->wants_probe = false;
    if (!self->connected) return;
    bool due = self->quiet_ns >= self->options.lease_ns;
    if (!self->lease_known) {
        self->wants_read |= can_be_read(self, now_ns);
    } else if (self->call == ML_NO_CALL && mine->ready &&
               (is_offered(self, mine) || (due && is_listening(self, now_ns)))) {
        claim(self, utc_ns);
    }
}

static void step_catching_up(ml_lead *self, const ml_self *mine, int64_t now_ns) {
    if (self->connected && mine->ready && is_level(self, mine) && now_ns >= self->return_due_ns)
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
        self->call = ML_ASKING;
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
    self->wants_probe = false;
    self->probe++;
    self->probe_sent_ns = now_ns;
    self->probe_back_ns = NEVER;
    if (self->probe_first_ns == NEVER) self->probe_first_ns = now_ns;
    return ML_PROBE;
}

static ml_action read_action(ml_lead *self) {
    if (self->call != ML_NO_CALL || !self->wants_read) return ML_NOTHING;
    self->wants_read = false;
    self->call = ML_READING;
    return ML_READ;
}

/* One role a step at most, so that the daemon hears of each in its turn. */
static void step_role(ml_lead *self, const ml_self *mine, int64_t now_ns, int64_t utc_ns) {
    if (self->role != self->told) return;
    if (self->role == ML_FOLLOWING) {
        step_following(self, mine, now_ns, utc_ns);
    } else if (self->role == ML_CATCHING_UP) {
        step_catching_up(self, mine, now_ns);
    } else if (self->role == ML_VERIFYING) {
        self->wants_read |= self->connected && can_be_read(self, now_ns);
    } else if (self->role == ML_DRAINING || self->role == ML_OFFERING) {
        step_offering(self, mine, now_ns);
    }
}

ml_action ml_step(ml_lead *self, const ml_self *mine, int64_t now_ns, int64_t utc_ns) {
    note_time(self, now_ns);
    self->most_term = tw_term_most(utc_ns);
    step_role(self, mine, now_ns, utc_ns);
    while (self->role != self->told) {
        ml_action action = role_action(self, mine);
        if (action != ML_NOTHING) return action;
        step_role(self, mine, now_ns, utc_ns);
    }
    if (self->role == ML_FOLLOWING && self->wants_probe) return probe_action(self, now_ns);
    return read_action(self);
}
