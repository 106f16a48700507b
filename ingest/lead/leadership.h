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
 *   STARTING ──lease read──► CLAIMING (started to lead) or FOLLOWING (--standby)
 *   FOLLOWING ──no heartbeat for lease_ns, or a handover offered; own seq at the leader's──► CLAIMING
 *   CLAIMING ──won──► LEADING      ──lost──► FOLLOWING
 *   LEADING ──a higher term heard or seen in the lease──► FOLLOWING (stepped back)
 *   LEADING ──the loop stood still for lease_ns, or the bus was away──► VERIFYING: publishes nothing
 *   VERIFYING ──the lease still names this instance, or can't be read for verify_ns and no higher term was heard──► LEADING
 *   LEADING ──handover asked for──► OFFERING: publishes only heartbeats that offer
 *   OFFERING ──a higher term──► FOLLOWING     ──nobody came for offer_ns──► LEADING again
 *
 * A follower whose feed is not OK waits `worse_ns` longer before it claims, so that a healthy one comes first. One
 * whose own seq has not reached the leader's last announced waits for it, at most `behind_ns`; then it leads all the
 * same and says that it is behind (`behind_seq`), because a feed that nobody tells of is worse.
 *
 * Terms: the next one is above the lease's, above every term heard, and not below `now` in seconds since 1970, so that
 * it rises even if the bucket was lost.
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
    LEADERSHIP_OFFERING
} leadership_role;
const char *leadership_role_name(leadership_role role);

typedef struct leadership_options {
    char name[LEADERSHIP_NAME_BYTES]; /* of this instance: host, process and start, unique */
    bool standby;                     /* starts as a follower; otherwise claims at once, whoever leads */
    int64_t lease_ns;                 /* 300 ms: silence after which the leader is taken for gone */
    int64_t worse_ns;                 /* 300 ms */
    int64_t behind_ns;                /* 2 s */
    int64_t verify_ns;                /* 500 ms */
    int64_t offer_ns;                 /* 500 ms */
} leadership_options;

/* What the daemon is to do next; each is said once. */
typedef enum leadership_action {
    LEADERSHIP_NOTHING = 0,
    LEADERSHIP_READ,  /* read the lease, then leadership_lease_read */
    LEADERSHIP_CLAIM, /* compare-and-set the lease to `claim_term` at `claim_revision`, then leadership_claimed */
    LEADERSHIP_LEAD, /* publish from now on with `term`; everything up to safe_seq of safe_epoch is known to have left */
    LEADERSHIP_HOLD,   /* publish nothing until LEAD or FOLLOW */
    LEADERSHIP_FOLLOW, /* another leads: publish nothing, gather */
    LEADERSHIP_OFFER   /* flush everything, then heartbeats with the handover flag only */
} leadership_action;

/* What was last heard of a leader. */
typedef struct leadership_heartbeat {
    char leader[LEADERSHIP_NAME_BYTES];
    char epoch[TW_EPOCH_BYTES];
    uint64_t term;
    uint64_t seq;           /* last source message it has applied */
    uint64_t published_seq; /* everything up to it has left before this heartbeat */
    bool handover;
} leadership_heartbeat;

/* This instance's own place in the feed, as of the call. */
typedef struct leadership_self {
    char epoch[TW_EPOCH_BYTES];
    uint64_t seq;
    bool ok; /* the feed's state is OK or CLOSED */
} leadership_self;

typedef struct leadership {
    leadership_options options;
    leadership_role role;
    uint64_t term; /* of this instance's leadership; 0 before the first */
    uint64_t claim_term;
    uint64_t claim_revision;          /* 0: the key is not there yet */
    uint64_t safe_seq, tier_safe_seq; /* with LEAD; 0: nothing is known, all is to be sent anew */
    uint64_t behind_seq;              /* the leader's last announced that this instance has not reached; 0: none */
    leadership_heartbeat heard;       /* the last of the highest term; term 0: none */
    /* The implementation adds what it needs below. */
} leadership;

/* Copies the options. The first step then says READ. */
void leadership_init(leadership *self, const leadership_options *options, int64_t now_ns);

/* What happened. None of these acts: the next leadership_step does. `now_ns` is a monotonic clock. */
void leadership_heard(leadership *self, const leadership_heartbeat *heartbeat, int64_t now_ns); /* own ones, too */
/* The lease as read (`found` false: no such key), or as someone's claim was seen to change it. */
void leadership_lease_read(leadership *self, bool found, uint64_t term, const char *holder, uint64_t revision,
                           int64_t now_ns);
/* It can't be read or claimed now: JetStream is away. Whoever was started to lead, leads without a lease. */
void leadership_lease_away(leadership *self, int64_t now_ns);
void leadership_claimed(leadership *self, bool won, uint64_t revision, int64_t now_ns);
void leadership_bus(leadership *self, bool connected, int64_t now_ns);
/* Asks to hand over (a signal, or before the process ends). Nothing happens unless it leads. */
void leadership_offer(leadership *self, int64_t now_ns);

/* Call at least every 5 ms and after each of the above: a longer pause than lease_ns between two calls means that the
 * process stood still. `utc_ns` is for the next term. Returns what to do; call again until NOTHING. */
leadership_action leadership_step(leadership *self, const leadership_self *mine, int64_t now_ns, int64_t utc_ns);

static inline bool leadership_publishes(const leadership *self) {
    return self->role == LEADERSHIP_LEADING;
}

#endif
