/* The machine's clocks. Read once per loop cycle and passed down; pure code never calls these. */
#ifndef TICKWIRE_RUNTIME_CLOCK_H
#define TICKWIRE_RUNTIME_CLOCK_H
#include <stdint.h>
int64_t rt_clock_utc_ns(void);       /* CLOCK_REALTIME: stamps on data */
int64_t rt_clock_monotonic_ns(void); /* CLOCK_MONOTONIC: intervals and deadlines */
#endif
