/*
 * Who publishes: one instance of a feed partition leads, the others keep the same books and wait (design, "Leadership
 * where a standby runs"). A pure core: it is told what happened and when, and says what to do. The daemon
 * (ingest/lead.c) does it: reads and claims the lease (runtime/bus_lease.h), hears FeedStatus, turns the publisher.
 *
 *   the leader's heartbeat   FeedStatus on feed.{MIC}.{PARTITION}.status, every 100 ms
 *   the lease                one key of a JetStream key-value bucket: the term and who holds it. It changes only when
 *                            leadership does, by compare-and-set, so market data never waits for JetStream
 *   the fence                receivers drop lower terms
 *
 *   STARTING ──lease read──► CLAIMING (started to lead) or FOLLOWING (standby)
 *   STARTING ──lease away──► LEADING without a lease (started to lead) or FOLLOWING (standby: it can't take over)
 *   FOLLOWING ──no heartbeat for lease_ns, a probe came back; own seq at the leader's──► CLAIMING
 *   FOLLOWING ──a handover offered; own seq at the leader's──► CLAIMING
 *   CLAIMING ──won──► LEADING      ──lost──► FOLLOWING
 *   LEADING ──a higher term heard or seen in the lease──► FOLLOWING (stepped back)
 *   LEADING ──the loop stood still for lease_ns, or the bus is away──► VERIFYING: publishes nothing
 *   VERIFYING ──bus there, no higher term in the lease, or it can't be read for verify_ns──► LEADING; after the bus was
 *              away not before return_ns, so that subscribers are back to hear what has waited
 *   VERIFYING ──a higher term heard or read──► FOLLOWING
 *   LEADING ──handover asked for──► OFFERING: publishes only heartbeats, which offer
 *   OFFERING ──a higher term──► FOLLOWING     ──nobody came for offer_ns──► LEADING again
 *
 * A follower whose feed is not OK waits `worse_ns` longer before it claims, so that a healthy one comes first, and takes
 * no offer. One whose own seq has not reached the leader's last announced waits for it, at most `behind_ns`; then it
 * leads all the same and says that it is behind (`behind_seq`), because a feed that nobody tells of is worse. What counts as silence:
 * base/lead/silence.h. Which terms are believed and what the next one is: base/lead/candidacy.h. Of two that lead with one term, which only
 * two leaders without a lease can come to, the one whose name is greater stays.
 *
 * What is safe: a leader's heartbeat leaves after the updates that its published_seq names, on the same connection. So
 * whoever hears it, be it the leader itself, knows that those have arrived.
 */
#ifndef TICKWIRE_INGEST_LEAD_LEADERSHIP_H
#define TICKWIRE_INGEST_LEAD_LEADERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lead/candidacy.h"
#include "base/lead/silence.h"
#include "base/market.h"

#define LEADERSHIP_NAME_BYTES CANDIDACY_NAME_BYTES

typedef enum leadership_role {
    LEADERSHIP_STARTING = 0,
    LEADERSHIP_FOLLOWING,
    LEADERSHIP_CLAIMING,
    LEADERSHIP_LEADING,
    LEADERSHIP_VERIFYING,
    LEADERSHIP_OFFERING,
    LEADERSHIP_ROLES /* how many */
} leadership_role;
const char *leadership_role_name(leadership_role role);

typedef struct leadership_options {
    char name[LEADERSHIP_NAME_BYTES]; /* of this instance: host, process and start, unique */
    bool lease;                       /* false: leads at once by its own word, reads and claims nothing */
    bool standby;                     /* starts as a follower; otherwise claims at once, whoever leads */
    uint64_t term;                    /* without a lease: the term; 0: milliseconds since 1970 */
    int64_t lease_ns;                 /* 300 ms: silence after which the leader is taken for gone */
    int64_t worse_ns;                 /* 300 ms */
    int64_t behind_ns;                /* 2 s */
    int64_t verify_ns;                /* 500 ms */
    int64_t offer_ns;                 /* 500 ms */
    int64_t
        return_ns; /* 250 ms: what a leader waits for subscribers when the bus is back; a follower is as patient */
} leadership_options;

/* What the daemon is to do next; each is said once. */
typedef enum leadership_action {
    LEADERSHIP_NOTHING = 0,
    LEADERSHIP_READ,  /* read the lease, then leadership_lease_read */
    LEADERSHIP_PROBE, /* send `probe` over the bus to oneself, then leadership_probed when it comes */
    LEADERSHIP_CLAIM, /* compare-and-set the lease to `claim_term` at `claim_revision`, then leadership_claimed */
    LEADERSHIP_LEAD, /* publish from now on with `term`; everything up to safe_seq of safe_epoch is known to have left */
    LEADERSHIP_HOLD,   /* publish nothing until one of the next three */
    LEADERSHIP_RESUME, /* publish on with the same term: the bus was away; safe_seq as with LEAD */
    LEADERSHIP_GO_ON,  /* publish on as before: this instance leads, and nobody took the offer if there was one */
    LEADERSHIP_FOLLOW, /* another leads: publish nothing, gather */
    LEADERSHIP_OFFER   /* flush everything, then set the handover flag of the heartbeats */
} leadership_action;

/* What was last heard of a leader. */
typedef struct leadership_heartbeat {
    char leader[LEADERSHIP_NAME_BYTES];
    char epoch[TW_EPOCH_BYTES];
    uint64_t term;
    uint64_t seq;           /* last source message it has applied */
    uint64_t published_seq; /* everything up to it has left before this heartbeat */
    bool doubtful;          /* its books are not whole: what has left may be wrong, so none of it is safe */
    bool handover;
} leadership_heartbeat;

/* Of a leader that says this in its heartbeat: books that wait for something are right as far as they go; those that have missed
 * something are not, nor is one that its leader could not keep. A successor then tells all states again. */
bool leadership_is_doubtful(tw_book_state feed, tw_state_cause cause, uint32_t instruments_not_ok);

/* This instance's own place in the feed, as of the call. */
typedef struct leadership_self {
    char epoch[TW_EPOCH_BYTES];
    uint64_t seq;
    bool ok; /* the feed's state is OK or CLOSED */
} leadership_self;

/* When which heartbeat came: one in RING_NS at most, enough of them for what is safe of the slow tiers. */
#define LEADERSHIP_RING 64u
typedef struct leadership_mark {
    int64_t at_ns;
    uint64_t published_seq;
} leadership_mark;

typedef struct leadership {
    leadership_options options;
    leadership_role role;
    uint64_t term;                    /* of this instance's leadership; 0 before the first */
    bool leased;                      /* it was won with the lease */
    uint64_t safe_seq, tier_safe_seq; /* with LEAD and RESUME; 0: nothing is known, all is to be sent anew */
    uint64_t
        continues_term; /* with LEAD: of the leader that this one goes on from, with books as whole as its; 0: none */
    uint64_t behind_seq;        /* with LEAD: the leader's last announced, not yet reached here; 0: none such */
    leadership_heartbeat heard; /* the last of the highest term; term 0: none */
    candidacy candidacy;        /* what is to be claimed, and what is known of the lease */
    silence silence;            /* of the leader; the number of the last probe */

    /* For leadership.c only. */
    leadership_mark ring[LEADERSHIP_RING]; /* of `heard`'s term and epoch */
    uint32_t ring_first, ring_count;
    int64_t heard_ns;
    bool lease_away;      /* the last call failed */
    bool verified;        /* VERIFYING: it leads still; only return_due_ns is waited for */
    bool wants_claim;     /* CLAIM, for the term it leads with already */
    leadership_role told; /* the role whose action was said */
    uint64_t told_term;   /* of the last LEAD */
    bool bus_was_away;
    int64_t since_ns;      /* when VERIFYING or OFFERING began */
    int64_t return_due_ns; /* VERIFYING: not LEADING before */
    int64_t due_ns;        /* when a claim became due that own seq is behind for; INT64_MIN: none is */
} leadership;

/* Copies the options. The first step then says READ (or LEAD, without a lease). */
void leadership_init(leadership *self, const leadership_options *options, int64_t now_ns, int64_t utc_ns);

/* What happened. None of these acts: the next leadership_step does. `now_ns` is a monotonic clock. */

/* A heartbeat, this instance's own ones too. True: it is the word of the leader, so everything up to its published_seq
 * has been sent; false: it comes from one that has been succeeded. */
bool leadership_heard(leadership *self, const leadership_heartbeat *heartbeat, int64_t now_ns);
/* The lease as read; `found` false: nobody holds it, `revision` is to be claimed with. */
void leadership_lease_read(leadership *self, bool found, uint64_t term, const char *holder, uint64_t revision,
                           int64_t now_ns);
/* Someone's claim was seen on the lease's subject, which does not tell the revision. */
void leadership_lease_seen(leadership *self, uint64_t term, const char *holder);
/* It can't be read or claimed now: JetStream is away. Whoever was started to lead, leads without a lease, and claims it for
 * the term it has when JetStream is back. */
void leadership_lease_away(leadership *self, int64_t now_ns);
void leadership_claimed(leadership *self, bool won, uint64_t revision, int64_t now_ns);
/* A probe came back. */
void leadership_probed(leadership *self, uint64_t probe, int64_t now_ns);
void leadership_bus(leadership *self, bool connected, int64_t now_ns);
/* Asks to hand over (a signal, or before the process ends). False: it does not lead with a lease, nothing happens. */
bool leadership_offer(leadership *self, int64_t now_ns);

/* Call at least every 5 ms, after each of the above, and before publishing: a longer pause than lease_ns between two
 * calls means that the process stood still. `utc_ns` is for the next term. Returns what to do; call again until NOTHING. */
leadership_action leadership_step(leadership *self, const leadership_self *mine, int64_t now_ns, int64_t utc_ns);

/* OFFERING: heartbeats only. */
static inline bool leadership_publishes(const leadership *self) {
    return self->role == LEADERSHIP_LEADING || self->role == LEADERSHIP_OFFERING;
}

#endif
