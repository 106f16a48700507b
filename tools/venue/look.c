/* Connecting, and who is there: a venue that is only starting is waited for; a shard that is silent is asked why. */
#include "tools/venue/run.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "runtime/clock.h"
#include "tools/venue/show.h"

#define LOOK_AGAIN_NS (200 * TW_NS_PER_SECOND / 1000) /* for a venue that is being started */

void venue_run_use_exchange(venue_run *self, const char *mic) {
    tw_text_copy(self->exchange, sizeof self->exchange, mic);
    self->settings.link.exchange = self->exchange;
}

tw_date venue_run_today(void) {
    return tw_date_from_days(rt_clock_utc_ns() / TW_NS_PER_DAY);
}

/* A first matcher makes its streams a moment after it was started: who sets a venue up from a script is there before it. */
static tw_code find_venue(venue_run *self, bool starting, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    int64_t until_ns = rt_clock_monotonic_ns() + s->server.connect_timeout_ns;
    tw_code code = venue_shards_find(&self->link, s->exchange, true, &self->shards, error);
    for (bool first = true; starting && code == TW_NOT_FOUND; first = false) {
        int64_t again_ns = rt_clock_monotonic_ns() + LOOK_AGAIN_NS;
        if (again_ns > until_ns) break;
        if (first)
            fprintf(stderr,
                    "tickwire venue: there is no venue %s here yet: waits up to %" PRId64
                    " s for it (--connect-timeout)\n",
                    s->exchange, s->server.connect_timeout_ns / TW_NS_PER_SECOND);
        if (venue_link_wait(&self->link, NULL, NULL, again_ns) == VENUE_INTERRUPTED) break;
        *error = (tw_error){0};
        code = venue_shards_find(&self->link, s->exchange, true, &self->shards, error);
    }
    return code;
}

/* The first that connects: the words have been understood by then. */
tw_code venue_run_look(venue_run *self, venue_look_for wanted, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    tw_code code = venue_link_open(&self->link, s, "tickwire venue", error);
    self->linked = code == TW_OK;
    if (code == TW_OK) code = find_venue(self, wanted.starting, error);
    if (code == TW_OK && !self->shards.complete)
        fprintf(stderr,
                "tickwire venue: JetStream does not say which shards there are (is it allowed to?): only those "
                "that are heard are reached\n");
    if (code == TW_OK && wanted.days)
        code = venue_shards_days(&self->link, s->exchange, s->timeout_ns, &self->shards, error);
    if (code != TW_OK || !wanted.directory) return code;
    return venue_directory_read(&self->link, s->exchange, &self->shards, s->timeout_ns, &self->directory, error);
}

/* Somebody has not answered. Who ran when the command began may have halted by it, so all are looked at once more. */
void venue_run_explain_silence(venue_run *self) {
    tw_error error = {0};
    if (self->told || self->shards.count == 0) return;
    if (venue_shards_all_run(&self->shards) && find_venue(self, false, &error) != TW_OK) return;
    venue_show_silent(stderr, self->settings.link.exchange, &self->shards);
}
