/* UTC offsets of IANA zones, asked of GLib, which reads the system's time zone database. */
#include "runtime/time_zone.h"

#include <glib.h>
#include <stdlib.h>

struct time_zone {
    GTimeZone *zone;
};

tw_code time_zone_open(time_zone **zone, const char *iana_name, tw_error *error) {
    *zone = NULL;
    GTimeZone *found = iana_name[0] == '\0' ? NULL : g_time_zone_new_identifier(iana_name);
    if (found == NULL)
        return tw_error_set(error, TW_NOT_FOUND, "no time zone \"%s\" (is tzdata installed?)", iana_name);
    *zone = malloc(sizeof **zone);
    if (*zone == NULL) {
        g_time_zone_unref(found);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for time zone \"%s\"", iana_name);
    }
    (*zone)->zone = found;
    return TW_OK;
}

void time_zone_close(time_zone *zone) {
    if (zone == NULL) return;
    g_time_zone_unref(zone->zone);
    free(zone);
}

int32_t time_zone_offset_at(const time_zone *zone, int64_t instant_ns) {
    int64_t seconds = instant_ns / TW_NS_PER_SECOND - (instant_ns % TW_NS_PER_SECOND < 0);
    gint interval = g_time_zone_find_interval(zone->zone, G_TIME_TYPE_UNIVERSAL, seconds);
    return g_time_zone_get_offset(zone->zone, interval);
}

/* The offset that holds at midnight is not known before the instant is; the offset at a first guess is nearly
 * always it. Where the clocks skip midnight itself, the day starts at the instant of the change. */
bool time_zone_midnight(const time_zone *zone, tw_date date, int64_t *midnight_ns) {
    int64_t local_ns;
    if (!tw_date_midnight(date, &local_ns)) return false;
    int64_t guess_ns = local_ns - time_zone_offset_at(zone, local_ns) * TW_NS_PER_SECOND;
    int32_t offset = time_zone_offset_at(zone, guess_ns);
    int64_t instant_ns = local_ns - offset * TW_NS_PER_SECOND;
    bool skipped = time_zone_offset_at(zone, instant_ns) != offset && guess_ns > instant_ns;
    *midnight_ns = skipped ? guess_ns : instant_ns;
    return true;
}
