/* MoldUDP64 session names of one day after another. */
#ifndef TICKWIRE_TOOLS_SIMULATE_SESSION_NAME_H
#define TICKWIRE_TOOLS_SIMULATE_SESSION_NAME_H

#include <stdbool.h>

#include "ingest/framing/moldudp64.h"

/* One to ten printable characters without blanks. */
bool sim_session_name_valid(const char *name);

/* The name of the next day: its last digits count on ("DAY9" to "DAY10", "0000000009" to "0000000010"). A name that
 * has no room for another digit starts again at 0 ("ABCDEFGHI9" to "ABCDEFGHI0"); one without digits gets a 2. */
void sim_session_name_next(char name[MOLDUDP64_SESSION_BYTES]);

#endif
