/* What replay and verify do alike. */
#ifndef TICKWIRE_TOOLS_JOURNAL_REPLAY_H
#define TICKWIRE_TOOLS_JOURNAL_REPLAY_H

#include "tools/journal/options.h"
#include "tools/journal/state.h"

/* One input, counted. TW_MALFORMED: the replica has a fault. */
tw_code journal_take(mr_replica *replica, const mw_message *message, journal_work *work, tw_error *error);
/* Restores the replica from the newest whole snapshot up to input `last`, or the oldest, as --from says. TW_NOT_FOUND: there is none. */
tw_code journal_start(const journal_settings *asked, journal *held, uint64_t last, mr_replica *replica,
                      mr_origin *origin, tw_error *error);

/* What `verify` finds right; see trim.c. */
typedef struct journal_verified {
    uint64_t begun;   /* the snapshot's input */
    mr_origin origin; /* where it stands in execlog */
    uint64_t logged;  /* execlog has all reports up to here */
    uint64_t last;    /* input */
} journal_verified;
/* As `tickwire journal verify` with these settings, without a word. TW_MALFORMED: it is not right. */
tw_code journal_verify_quietly(const journal_settings *asked, journal *held, journal_verified *found,
                               tw_error *error);

#endif
