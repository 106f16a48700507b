/* What replay and verify do alike. */
#ifndef TICKWIRE_TOOLS_JOURNAL_REPLAY_H
#define TICKWIRE_TOOLS_JOURNAL_REPLAY_H

#include "tools/journal/options.h"
#include "tools/journal/state.h"

/* One input, counted. TW_MALFORMED: the replica has a fault. */
tw_code journal_take(mr_replica *replica, const mw_message *message, journal_work *work, tw_error *error);
/* Restores the replica from the newest whole snapshot up to input `last`. TW_NOT_FOUND: there is none. */
tw_code journal_start(const journal_settings *asked, journal *held, uint64_t last, mr_replica *replica,
                      mr_origin *origin, tw_error *error);

#endif
