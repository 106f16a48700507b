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
 * leads all the same and says that it is behind (`behind_seq`), because a feed that nobody tells of is worse. Time in
 * which this process stood still or was off the bus is not the leader's silence and does not count.
 *
 * A bus that stands still is silent, too. So before a follower claims because of silence it sends itself a probe: what
 * the server had for it comes before the probe. One that comes back late tells that the bus stood still, so the silence
 * is counted anew from there, once: a bus that is always slow must not keep the feed without a leader. After a quick one
 * comes a short pause for what the server had not read of the leader's connection yet.
 *
 * Terms: the next one is above the lease's, above every term heard, and not below the milliseconds since 1970, so that
 * it rises even if the bucket was lost (no takeover is quicker than that). Of two that lead with one term, which only two leaders without a lease can come
 * to, the one whose name is greater stays.
 * A term more than ten years ahead of the clock is nobody's (tw_term_most): it is not followed, not outbid, only counted.
 * In the lease it counts as no holder.
 *
 * What is safe: a leader's heartbeat leaves after the updates that its published_seq names, on the same connection. So
 * whoever hears it, be it the leader itself, knows that those have arrived.
 */
#ifndef TICKWIRE_INGEST_LEAD_LEADERSHIP_H
#define TICKWIRE_INGEST_LEAD_LEADERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/market.h"

#define LEADERSHIP_NAME_BYTES 64u

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

typedef enum leadership_call { LEADERSHIP_NO_CALL = 0, LEADERSHIP_READING, LEADERSHIP_ASKING } leadership_call;

typedef struct leadership {
    leadership_options options;
    leadership_role role;
    uint64_t term; /* of this instance's leadership; 0 before the first */
    bool leased;   /* it was won with the lease */
    uint64_t claim_term;
    uint64_t claim_revision;          /* 0: the key is not there yet */
    uint64_t safe_seq, tier_safe_seq; /* with LEAD and RESUME; 0: nothing is known, all is to be sent anew */
    uint64_t behind_seq;        /* with LEAD: the leader's last announced, not yet reached here; 0: none such */
    leadership_heartbeat heard; /* the last of the highest term; term 0: none */
    uint64_t disbelieved;       /* terms too far ahead */
    uint64_t probe;             /* number of the last one */
    bool lease_known;           /* the revision below is the last one seen; false: to be read before a claim */

    /* For leadership.c only. */
    leadership_mark ring[LEADERSHIP_RING]; /* of `heard`'s term and epoch */
    uint32_t ring_first, ring_count;
    int64_t heard_ns;
    uint64_t highest_term; /* of all believed */
    uint64_t most_term;    /* to believe, by the clock of the last step */
    uint64_t lease_term, lease_revision;
    bool lease_away;       /* the last call failed */
    int64_t read_again_ns; /* not before */
    bool wants_read;       /* READ is to be said */
    bool wants_probe;      /* PROBE */
    bool verified;         /* VERIFYING: it leads still; only return_due_ns is waited for */
    bool wants_claim;      /* CLAIM, for the term it leads with already */
    leadership_call call;  /* under way */
    bool call_is_stale;    /* the process stood still since, so its result proves nothing */
    leadership_role told;  /* the role whose action was said */
    uint64_t told_term;    /* of the last LEAD */
    bool connected, bus_was_away;
    int64_t stepped_ns;
    int64_t quiet_ns;       /* time listened since the leader's last heartbeat */
    int64_t since_ns;       /* when VERIFYING or OFFERING began */
    int64_t return_due_ns;  /* VERIFYING: not LEADING before */
    int64_t probe_sent_ns;  /* the last; NEVER: none since the last heartbeat */
    int64_t probe_first_ns; /* of those since then that have not come back */
    int64_t probe_back_ns;  /* when the last came back quickly; NEVER: it did not */
    bool probe_was_slow;    /* the silence has been counted anew because of it */
    int64_t due_ns;         /* when a claim became due that own seq is behind for; INT64_MIN: none is */
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
