/* `tickwire venue show`: the venue's shards and instruments, or one account, as a table or as JSON lines. */
#ifndef TICKWIRE_TOOLS_VENUE_SHOW_H
#define TICKWIRE_TOOLS_VENUE_SHOW_H

#include <stdio.h>

#include "tools/venue/moved.h"

/* Of each shard without a leader: what its matchers say, and what to do; and of matchers that are halted beside one that serves. Nothing where all is well. */
void venue_show_silent(FILE *to, const char *mic, const venue_shards *shards);

void venue_show(const char *mic, const venue_shards *shards, const venue_directory *directory,
                const venue_moved *moved, bool json);

/* Limits, funds and blocks of an account at each shard that answers; `partial`: not all did, which is said on standard error. TW_NOT_FOUND: all
 * did, and none knows it. */
tw_code venue_show_account(venue_link *link, const char *mic, const venue_shards *shards,
                           const venue_directory *directory, const char *account, int64_t timeout_ns, bool json,
                           bool *partial, tw_error *error);

#endif
