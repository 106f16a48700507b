/*
 * A seeded crowd: commands of all kinds, near each other in price, so that they meet; now and then nonsense, a halt, a kill switch, a
 * new day. The same seed and manner give the same commands.
 *
 * A manner says what such a crowd is like. One crowd alone, however long it is listened to, meets the same situations again and again; many that differ in
 * how wide they quote, what they send most and how large their numbers are meet more of them.
 */
#ifndef TICKWIRE_TESTS_MATCHER_CROWD_H
#define TICKWIRE_TESTS_MATCHER_CROWD_H

#include "base/random.h"
#include "matcher/core/command.h"
#include "matcher/core/report.h"

enum { CROWD_ACCOUNTS = 6, CROWD_INSTRUMENTS = 3, CROWD_RECENT = 256, CROWD_SESSIONS = 5, CROWD_REMEDIES = 4 };

/* Percent unless it says otherwise. */
typedef struct crowd_manner {
    uint32_t accounts, instruments; /* so many trade; up to CROWD_ACCOUNTS, CROWD_INSTRUMENTS */
    int64_t scale;                  /* all prices and ticks are multiples of it */
    uint64_t unit;                  /* all quantities are multiples of it */
    uint32_t prices;                /* a count: how many, 5 ticks apart each */
    uint32_t news, cancels;         /* per mille of commands; */
    uint32_t controls;              /* the rest are replaces */
    uint32_t recent;                /* of so many last orders cancels and replaces pick; up to CROWD_RECENT */
    uint32_t good_till_cancelled;   /* the others: any time in force */
    uint32_t self_trading;          /* do not mind trading with themselves */
    uint32_t others;                /* orders that are not plain limits */
    uint32_t icebergs, minimums, post_only, in_sessions, named;
    uint32_t dumping; /* sells at any price */
    uint32_t tight;   /* limits of accounts that limit something */
    uint32_t batched;
    uint32_t open;  /* of changes of state, those into continuous trading */
    uint32_t jumps; /* of the clock, of up to a second */
    /* Counts; 0: plenty of room. Bounds: inputs may make few reports, so many at first, and other bounds change now and then. */
    uint32_t bounds, pages;
} crowd_manner;

extern const crowd_manner crowd_usual;

typedef struct crowd {
    tw_random random;
    crowd_manner manner;
    uint64_t seq;
    uint32_t index;
    int64_t now_ns;
    uint32_t date;
    unsigned opening;               /* how many of the first commands, which set the scene, have been given */
    mx_target recent[CROWD_RECENT]; /* orders that may still be there */
    uint32_t recent_count;
    mx_target alive[CROWD_RECENT]; /* orders that are there, as far as it was told */
    uint32_t alive_count;
    uint64_t names;
    mx_new_order last;
    mx_command remedies[CROWD_REMEDIES];
    uint32_t remedy_count;
    uint32_t sessions; /* bits: opened and not closed by it */
    int64_t day_end_ns;
    bool bounds_said;
} crowd;

void crowd_init(crowd *crowd, uint64_t seed); /* as usual */
void crowd_init_as(crowd *crowd, uint64_t seed, const crowd_manner *manner);
void crowd_next(crowd *crowd, mx_input *input, mx_command *command);

/* What came of it. A crowd that is not told picks its cancels and replaces blindly, and mostly finds nobody. */
void crowd_hear(crowd *crowd, const mx_report *reports, uint32_t count);

/* A manner drawn from the seed: each of them something that not all crowds are. */
crowd_manner crowd_manner_of(uint64_t seed);

#endif
