/* UTC offsets of IANA zones, from the system's time zone database. The one door to GLib. */
#ifndef TICKWIRE_RUNTIME_TIME_ZONE_H
#define TICKWIRE_RUNTIME_TIME_ZONE_H
#include "base/civil.h"
#include "base/error.h"
#include <stdint.h>
typedef struct time_zone time_zone;
/* TW_NOT_FOUND: no such zone (is tzdata installed?). */
tw_code time_zone_open(time_zone **zone, const char *iana_name, tw_error *error);
void time_zone_close(time_zone *zone);
/* Seconds east of UTC at an instant. */
int32_t time_zone_offset_at(const time_zone *zone, int64_t instant_ns);
/* The instant of local midnight at the start of `date`, so that "nanoseconds since midnight" can be added. False: a date
 * that has none (tw_date_midnight). */
bool time_zone_midnight(const time_zone *zone, tw_date date, int64_t *midnight_ns);
#endif
