/* Terms, the lease as it is known, calls about it. */
#include "base/lead/candidacy.h"

#include <string.h>

#include "base/market.h"
#include "base/text.h"

#define NS_PER_MS INT64_C(1000000)

void candidacy_init(candidacy *self, const char *name, int64_t utc_ns) {
    *self = (candidacy){.read_again_ns = INT64_MIN};
    tw_text_copy(self->name, sizeof self->name, name);
    candidacy_clock(self, utc_ns);
}

void candidacy_clock(candidacy *self, int64_t utc_ns) {
    self->most_term = tw_term_most(utc_ns);
}

bool candidacy_is_me(const candidacy *self, const char *name) {
    return strcmp(self->name, name) == 0;
}

/* ---- terms ---- */

bool candidacy_believes(candidacy *self, uint64_t term) {
    bool yes = term <= self->most_term;
    self->disbelieved += !yes;
    return yes;
}

void candidacy_note(candidacy *self, uint64_t term) {
    if (term > self->highest_term) self->highest_term = term;
}

uint64_t candidacy_next_term(const candidacy *self, int64_t utc_ns) {
    uint64_t term = self->highest_term + 1, clock = (uint64_t)(utc_ns / NS_PER_MS);
    return term < clock ? clock : term;
}

/* ---- calls ---- */

bool candidacy_can_read(const candidacy *self, int64_t now_ns) {
    return self->call == CANDIDACY_NO_CALL && now_ns >= self->read_again_ns;
}

void candidacy_may_read(candidacy *self) {
    self->read_again_ns = INT64_MIN;
}

bool candidacy_starts_read(candidacy *self) {
    if (self->call != CANDIDACY_NO_CALL || !self->wants_read) return false;
    self->wants_read = false;
    self->call = CANDIDACY_READING;
    return true;
}

void candidacy_prepare(candidacy *self, int64_t utc_ns) {
    self->claim_term = candidacy_next_term(self, utc_ns);
    self->claim_revision = self->lease_revision;
    candidacy_note(self, self->claim_term); /* whatever becomes of it */
}

void candidacy_distrust(candidacy *self) {
    if (self->call != CANDIDACY_NO_CALL) self->call_is_stale = true;
}

/* ---- results ---- */

/* True if the result still proves something. */
static bool end_call(candidacy *self) {
    bool fresh = !self->call_is_stale;
    self->call = CANDIDACY_NO_CALL;
    self->call_is_stale = false;
    return fresh;
}

candidacy_lease candidacy_read(candidacy *self, bool found, uint64_t term, uint64_t revision) {
    if (!end_call(self)) {
        self->wants_read = true;
        return (candidacy_lease){0};
    }
    candidacy_lease lease = {.fresh = true, .held = found && candidacy_believes(self, term)};
    lease.news = lease.held && term > self->lease_term;
    self->lease_known = true;
    self->lease_term = lease.held ? term : 0;
    self->lease_revision = revision;
    if (lease.held) candidacy_note(self, term);
    return lease;
}

uint64_t candidacy_seen(candidacy *self, uint64_t term) {
    if (!candidacy_believes(self, term)) term = 0; /* somebody wrote it all the same: the revision is another */
    candidacy_note(self, term);
    if (term > self->lease_term) self->lease_term = term;
    self->lease_known = false;
    if (self->call == CANDIDACY_READING) self->call_is_stale = true;
    return term;
}

void candidacy_away(candidacy *self, int64_t now_ns, int64_t retry_ns) {
    (void)end_call(self);
    self->lease_known = false;
    self->read_again_ns = now_ns + retry_ns;
}

bool candidacy_claimed(candidacy *self, bool won, uint64_t revision) {
    bool fresh = end_call(self);
    self->lease_known = won;
    self->wants_read |= !won;
    if (!won) return fresh;
    self->lease_revision = revision;
    self->lease_term = self->claim_term;
    candidacy_note(self, self->claim_term);
    return fresh;
}

bool candidacy_is_lost_win(const candidacy *self, uint64_t held_term, const char *holder, uint64_t term) {
    return candidacy_is_me(self, holder) && held_term == self->claim_term && held_term > term &&
           held_term >= self->highest_term;
}
