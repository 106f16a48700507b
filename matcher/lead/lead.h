/*
 * Who serves: one matcher of a shard leads, the others keep the same state and wait. A pure core: it is told what happened and when,
 * and says what to do. The daemon does it: reads and claims the lease (runtime/bus_lease.h), hears FeedStatus, writes execlog,
 * turns the market's publisher.
 *
 *   the heartbeat   FeedStatus on feed.{MIC}.{SHARD}.status, every 100 ms: term, name, seq, handover
 *   the lease       one key of a JetStream key-value bucket: the term and who holds it, changed by compare-and-set when leadership changes
 *   the fence       execlog is written with the expected last sequence: each report once, whatever anybody believes
 *
 * All instances are alike: each starts as a follower, and of those that are ready the first to claim the lease leads. Nobody leads
 * without the lease: a venue can do nothing without JetStream anyhow.
 *
 *   FOLLOWING ──no heartbeat for lease_ns, a probe came back, ready──► CLAIMING
 *   FOLLOWING ──a handover offered, ready and level with the leader──► CLAIMING
 *   CLAIMING ──won──► CATCHING_UP        ──lost──► FOLLOWING
 *   CATCHING_UP ──ready, and level with what the last leader announced──► LEADING
 *   LEADING ──the loop stood still for lease_ns, the bus was away, or another wrote execlog──► VERIFYING: publishes and writes nothing
 *   VERIFYING ──the bus is there and the lease is read: still ours──► CATCHING_UP   ──another's──► FOLLOWING
 *   LEADING ──handover asked for──► DRAINING ──nothing of ours is on its way to execlog──► OFFERING: heartbeats only
 *   DRAINING, OFFERING ──nobody came for offer_ns──► LEADING
 *   any but FOLLOWING ──a higher term heard or seen in the lease──► FOLLOWING
 *
 * `ready` is the daemon's word (ml_self): the order stream and execlog have been read to where they end, and can be read. Who is not
 * ready does not claim: another may be, and if nobody is, nobody could serve. Level: own seq is at least the leader's last announced.
 * Who is full is as ready and as level as it can get: nobody writes execlog while nobody leads, so it would wait for ever.
 * CATCHING_UP waits for both without a limit: the stream has what is missing, and what is published before would be from the past.
 *
 * Silence is time that this process was listening. A stop of this process or of the bus does not count, and before a follower claims
 * because of silence it sends itself a probe over the bus: one that comes back late says that the bus stood still, and the
 * silence is counted anew, once. It is counted anew, too, by who has lost a claim: somebody won it a moment ago, and speaks soon.
 *
 * execlog's word. STORED needs no telling. After a write whose outcome is not known, and after WRONG_LAST, the daemon reads on in execlog.
 * When another one has written what this leader was about to write, it tells ml_fenced: writing stops until the lease was
 * read. If that still names this instance, what was read were the predecessor's last words, and it goes on behind them.
 *
 * Terms: above the lease's and every term heard, and not below the milliseconds since 1970. A term more than ten years ahead of the clock
 * is nobody's: not followed, not outbid, only counted.
 */
#ifndef TICKWIRE_MATCHER_LEAD_LEAD_H
#define TICKWIRE_MATCHER_LEAD_LEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lead/candidacy.h"
#include "base/lead/silence.h"
#include "base/market.h"

#define ML_NAME_BYTES CANDIDACY_NAME_BYTES

typedef enum ml_role {
    ML_FOLLOWING = 0,
    ML_CLAIMING,
    ML_CATCHING_UP,
    ML_LEADING,
    ML_VERIFYING,
    ML_DRAINING,
    ML_OFFERING,
    ML_ROLES /* how many */
} ml_role;
const char *ml_role_name(ml_role role); /* "following", "catching up" */

typedef struct ml_options {
    char
        name[ML_NAME_BYTES]; /* of this instance: host, process and start, unique; as in FeedStatus and the lease */
    int64_t lease_ns;        /* silence after which the leader is taken for gone: 300 ms; 0 for that */
    int64_t offer_ns;        /* 500 ms; 0 for that */
    int64_t
        return_ns; /* what a leader waits for subscribers when the bus is back, and a follower for the leader: 250 ms; 0 for that */
} ml_options;

/* What the daemon is to do next; each is said once. */
typedef enum ml_action {
    ML_NOTHING = 0,
    ML_READ,  /* bus_lease_read, then ml_lease_read, or ml_lease_away */
    ML_PROBE, /* send `probe` over the bus to oneself, then ml_probed when it comes */
    ML_CLAIM, /* bus_lease_claim with `claim_term` at `claim_revision`, then ml_claimed, or ml_lease_away */
    ML_LEAD, /* serve from now on with `term`: publisher_lead with safe_seq, live reports of all that execlog lacks, execlog, answers */
    ML_HOLD, /* publish and write nothing until one of the next three; go on taking inputs and reading execlog */
    ML_RESUME, /* serve on with the same term: the bus was away, so publisher_resume with safe_seq, and live reports as with LEAD */
    ML_GO_ON,  /* serve on as before: this instance still leads, and nobody took the offer if there was one */
    ML_FOLLOW, /* another leads, or nobody: publisher_follow */
    ML_DRAIN,  /* start no write to execlog and publish nothing more; say `drained` when none is on its way */
    ML_OFFER   /* publish what waits, then set the handover flag of the heartbeats */
} ml_action;

/* What was last heard of a leader. */
typedef struct ml_heartbeat {
    char leader[ML_NAME_BYTES];
    char epoch[TW_EPOCH_BYTES];
    uint64_t term;
    uint64_t seq;           /* last input it has applied */
    uint64_t published_seq; /* its market data up to there has left before this heartbeat */
    bool handover;
} ml_heartbeat;

/* This instance's own place, as of the call. */
typedef struct ml_self {
    char epoch[TW_EPOCH_BYTES]; /* mk_epoch */
    uint64_t seq;               /* last input applied */
    bool ready;
    bool full;    /* it can take no input before some of what it knows is in execlog, which only a leader writes */
    bool drained; /* no write to execlog is without an answer */
} ml_self;

typedef struct ml_lead {
    ml_options options;
    ml_role role;
    uint64_t term;           /* of this instance's leadership; 0 before the first */
    uint64_t safe_seq;       /* with LEAD and RESUME, for publisher_safe; 0: nothing is known, all is told anew */
    uint64_t continues_term; /* with LEAD, for publisher_safe: of the leader that this one goes on from; 0: none */
    ml_heartbeat heard;      /* the last of the highest term; term 0: none */
    candidacy candidacy;     /* what is to be claimed, and what is known of the lease */
    silence silence;         /* of the leader; the number of the last probe */
    uint64_t fenced;         /* times that another one had written */

    /* For lead.c only. */
    ml_role told;          /* the role whose action was said */
    uint64_t told_term;    /* of the last LEAD */
    bool serves;           /* LEAD, RESUME or GO_ON was the last word */
    bool was_away;         /* with the bus, since it last served */
    int64_t since_ns;      /* when DRAINING began */
    int64_t return_due_ns; /* nothing is served before */
} ml_lead;

/* Copies the options. The first steps say FOLLOW and READ. */
void ml_init(ml_lead *self, const ml_options *options, int64_t now_ns, int64_t utc_ns);

/* What happened. None of these acts: the next ml_step does. `now_ns` is a monotonic clock. */

/* A heartbeat, this instance's own too. True: it is the leader's word, so its market data up to published_seq has left (for
 * publisher_confirm); false: it comes from one that has been succeeded. */
bool ml_heard(ml_lead *self, const ml_heartbeat *heartbeat, int64_t now_ns);
/* The lease as read; `found` false: nobody holds it, `revision` is to be claimed with. */
void ml_lease_read(ml_lead *self, bool found, uint64_t term, const char *holder, uint64_t revision, int64_t now_ns);
/* Someone's claim was seen on the lease's subject, which does not tell the revision. */
void ml_lease_seen(ml_lead *self, uint64_t term, const char *holder);
/* The lease can't be read or claimed now: asked again by itself. */
void ml_lease_away(ml_lead *self, int64_t now_ns);
void ml_claimed(ml_lead *self, bool won, uint64_t revision, int64_t now_ns);
/* Another one has written to execlog while this one leads. */
void ml_fenced(ml_lead *self, int64_t now_ns);
/* A probe came back. */
void ml_probed(ml_lead *self, uint64_t probe, int64_t now_ns);
void ml_bus(ml_lead *self, bool connected, int64_t now_ns);
/* Asks to hand over (a signal, or before the process ends). False: it does not lead, nothing happens. */
bool ml_offer(ml_lead *self, int64_t now_ns);

/* Call at least every 5 ms, after each of the above, and before publishing or writing when the last step is lease_ns ago or more: a pause of
 * lease_ns between two calls means that the process stood still. `utc_ns` is for the next term. Returns what to do; call again until
 * NOTHING. */
ml_action ml_step(ml_lead *self, const ml_self *mine, int64_t now_ns, int64_t utc_ns);

/* Heartbeats leave, and answers to queries. */
static inline bool ml_speaks(const ml_lead *self) {
    return self->role == ML_LEADING || self->role == ML_DRAINING || self->role == ML_OFFERING;
}
/* Live reports and market data leave, execlog is written. */
static inline bool ml_serves(const ml_lead *self) {
    return self->role == ML_LEADING;
}

#endif
