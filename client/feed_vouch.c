/* Which leader goes on from which, in one feed partition. */
#include "client/feed_vouch.h"

#include <string.h>

#include "base/text.h"

static bool goes_on(const feed_vouch *vouch, const wire_feed_status *status) {
    if (!vouch->heard || strcmp(vouch->epoch, status->epoch) != 0) return false;
    return status->term == vouch->term || (status->continues_term != 0 && status->continues_term == vouch->term);
}

bool feed_vouch_take(feed_vouch *vouch, const wire_feed_status *status) {
    bool holds = goes_on(vouch, status);
    if (!holds) vouch->since_term = status->term;
    vouch->heard = true;
    vouch->term = status->term;
    tw_text_copy(vouch->epoch, sizeof vouch->epoch, status->epoch);
    return !holds;
}

bool feed_vouch_covers(const feed_vouch *vouch, const char *epoch, uint64_t term) {
    return !vouch->heard || (term >= vouch->since_term && strcmp(vouch->epoch, epoch) == 0);
}
