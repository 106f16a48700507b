/* When the next piece of a recording is due: --pace max | recorded | 4x. Pure. */
#ifndef TICKWIRE_INGEST_SOURCE_PACE_H
#define TICKWIRE_INGEST_SOURCE_PACE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct pace {
    bool limited;       /* false: max */
    uint64_t numerator; /* speed as a fraction: 4x is 4/1, 0.5x is 1/2 */
    uint64_t denominator;
    bool started;
    int64_t first_event_ns;
    int64_t first_now_ns;
} pace;

/* "max", "recorded", "4x", "0.25x". False if it is none of them or not above 0. */
bool pace_parse(const char *text, pace *out);

/* When an event stamped `event_ns` is due on the clock of `now_ns`; the first call starts the clock. Never before
 * the recording's first event; stamps that step back are due at once. */
int64_t pace_due_ns(pace *at, int64_t event_ns, int64_t now_ns);

#endif
