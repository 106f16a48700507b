/*
 * One instance's candidacy for a lease: which terms it has seen and believes, what it knows of the lease, which call about it is under way.
 * What a role is and when to claim, each kind of instance says itself (ingest/lead, matcher/lead).
 *
 *   the lease   a key that names a term and who holds it, changed by compare-and-set: whoever claims must know the revision
 *   terms       the next one is above the lease's and above every term heard, and not below the milliseconds since 1970, so that it rises
 *               even if the lease was lost. A term more than ten years ahead of the clock is nobody's (tw_term_most): it is not followed,
 *               not outbid, only counted, and in the lease it counts as no holder
 *
 * A call that was asked before the process stood still, or before somebody else's claim was seen, proves nothing: its result is stale.
 *
 * Pure: `now_ns` is a monotonic clock.
 */
#ifndef TICKWIRE_BASE_LEAD_CANDIDACY_H
#define TICKWIRE_BASE_LEAD_CANDIDACY_H

#include <stdbool.h>
#include <stdint.h>

#define CANDIDACY_NAME_BYTES 64u

/* When a lease that can't be read now is read again. */
#define CANDIDACY_CALM_NS  INT64_C(500000000) /* while somebody leads */
#define CANDIDACY_QUICK_NS INT64_C(100000000) /* while nobody does */

typedef enum candidacy_call { CANDIDACY_NO_CALL = 0, CANDIDACY_READING, CANDIDACY_ASKING } candidacy_call;

typedef struct candidacy {
    char name[CANDIDACY_NAME_BYTES]; /* of this instance, unique */
    uint64_t claim_term;             /* of its last claim */
    uint64_t claim_revision;         /* that it claims at; 0: the key is not there yet */
    uint64_t highest_term;           /* of all believed */
    uint64_t disbelieved;            /* terms too far ahead */
    uint64_t lease_term;             /* as last seen; 0: nobody holds it */
    uint64_t lease_revision;
    bool lease_known;      /* lease_revision is the last one; false: to be read before a claim */
    bool wants_read;       /* the lease is to be read, when no call is under way */
    int64_t read_again_ns; /* not before */
    candidacy_call call;   /* under way */
    bool call_is_stale;
    uint64_t most_term; /* to believe, by the clock of the last candidacy_clock */
} candidacy;

void candidacy_init(candidacy *self, const char *name, int64_t utc_ns);
/* Before anything is judged: what the clock says now. */
void candidacy_clock(candidacy *self, int64_t utc_ns);
bool candidacy_is_me(const candidacy *self, const char *name);

/* ---- terms ---- */

/* Counts one that is not believed. */
bool candidacy_believes(candidacy *self, uint64_t term);
void candidacy_note(candidacy *self, uint64_t term);
uint64_t candidacy_next_term(const candidacy *self, int64_t utc_ns);

/* ---- calls ---- */

/* No call is under way, and none has failed a moment ago. */
bool candidacy_can_read(const candidacy *self, int64_t now_ns);
void candidacy_may_read(candidacy *self); /* whatever has failed: there is need of it now */
/* A read begins, if one is wanted and no call is under way. */
bool candidacy_starts_read(candidacy *self);
/* claim_term and claim_revision are set for a claim of the next term. */
void candidacy_prepare(candidacy *self, int64_t utc_ns);
/* What is under way proves nothing any more. */
void candidacy_distrust(candidacy *self);

/* ---- results ---- */

typedef struct candidacy_lease {
    bool fresh; /* false: the result is stale, and the lease wants to be read again; the rest says nothing */
    bool held;  /* by a term that is believed */
    bool news;  /* by a higher one than was known */
} candidacy_lease;
/* The lease as read; `found` false: nobody holds it, `revision` is to be claimed with. */
candidacy_lease candidacy_read(candidacy *self, bool found, uint64_t term, uint64_t revision);
/* Someone else's claim was seen, which does not tell the revision. Returns its term, 0 if it is not believed. */
uint64_t candidacy_seen(candidacy *self, uint64_t term);
/* The lease can't be read or claimed now, and not again for retry_ns. */
void candidacy_away(candidacy *self, int64_t now_ns, int64_t retry_ns);
/* True: the result is no stale one. A claim that was lost makes the lease to be read: that tells who won. */
bool candidacy_claimed(candidacy *self, bool won, uint64_t revision);

/* Whether a lease that was read holds this instance's last claim, whose answer was lost. `term` is the term that it leads or led with. */
bool candidacy_is_lost_win(const candidacy *self, uint64_t held_term, const char *holder, uint64_t term);

#endif
