/*
 * What a random comparison has met: each kind of command, type, time in force, self-trade mode, state, reason, and each situation that is worth meeting. A
 * comparison that never meets a reason says nothing about it; so too few of anything is a fault.
 */
#ifndef TICKWIRE_TESTS_MATCHER_TALLY_H
#define TICKWIRE_TESTS_MATCHER_TALLY_H

#include "matcher/core/engine.h"

enum { TALLY_REASONS = 160 };

typedef struct tally {
    uint64_t commands, reports, fills, worlds, restarts, most_open;
    uint64_t kinds[MX_COMMANDS + 1];                        /* the last: no such command */
    uint64_t types[MX_TYPES], tifs[MX_TIFS], stps[MX_STPS]; /* of accepted orders */
    uint64_t sent_in[MX_STATES];                            /* orders, by their instrument's state */
    uint64_t entered[MX_STATES];
    uint64_t said[MX_REPORT_KINDS];
    uint64_t reasons[TALLY_REASONS]; /* of reports that repeat nothing */
    uint64_t replaces_refused[TALLY_REASONS];
    uint64_t gave_way[MX_STPS]; /* own orders met, by the aggressor's mode */
    /* situations */
    uint64_t taken_icebergs, post_only, with_minimum, in_sessions, repeats, by_name, reductions, opened, chains,
        swept, killed_whole, held, steps_used_up, rebates;
} tally;

/* One command: `before` is its instrument's state as it came, MX_STATES if it has none. `held`: it came while something was held. `used_up`:
 * the input's steps are. */
void tally_note(tally *tally, const mx_command *command, uint8_t before, bool held, bool used_up,
                const mx_report *reports, uint32_t count);
void tally_add(tally *to, const tally *from);

/* True if there was at least `least` of everything that can be; else what there was too little of, in `fault`. */
bool tally_suffices(const tally *tally, uint64_t least, char *fault, size_t fault_bytes);
/* Everything, for whoever looks. */
void tally_print(const tally *tally);

#endif
