/* State of the whole feed: at each interval, and at the next flush after a change of state, cause, gap, handover or storage. */
#include <string.h>

#include "base/text.h"
#include "publisher/internal.h"

/* A new epoch: the numbers belonged to the old one; whether the feed can be trusted is told anew, too. */
void pub_feed_reset(publisher *p) {
    p->feed_detail[0] = '\0';
    p->feed = (publisher_feed){.state = TW_BOOK_RECOVERING,
                               .cause = TW_CAUSE_STARTING,
                               .detail = p->feed_detail,
                               .event_ns = TW_TIME_ABSENT,
                               .receive_ns = TW_TIME_ABSENT};
    p->feed_urgent = true;
}

void publisher_feed_update(publisher *p, const publisher_feed *feed) {
    publisher_feed *mine = &p->feed;
    if (feed->state != mine->state || feed->cause != mine->cause || feed->gap_from != mine->gap_from ||
        feed->gap_to != mine->gap_to || feed->handover != mine->handover ||
        feed->storage_low != mine->storage_low) {
        p->feed_urgent = true;
    }
    *mine = *feed;
    mine->detail = p->feed_detail;
    const char *detail = feed->detail != NULL ? feed->detail : "";
    if (detail != p->feed_detail) {
        tw_text_copy(p->feed_detail, sizeof p->feed_detail, detail);
    }
}

bool pub_feed_due(const publisher *p, int64_t now_ns) {
    if (p->feed_urgent || !p->feed_sent) return true;
    if (now_ns < p->feed_sent_ns) return true; /* the clock was set back */
    return now_ns - p->feed_sent_ns >= p->options.status_interval_ns;
}

void pub_feed_publish(publisher *p, int64_t now_ns) {
    const publisher_feed *feed = &p->feed;
    pub_note_published(p);
    wire_feed_status status = {.partition = p->options.partition,
                               .term = p->options.term,
                               .continues_term = p->continues_term,
                               .seq = feed->seq,
                               .state = feed->state,
                               .cause = feed->cause,
                               .event_ns = feed->event_ns,
                               .receive_ns = feed->receive_ns,
                               .publish_ns = now_ns,
                               .gap_from = feed->gap_from,
                               .gap_to = feed->gap_to,
                               .messages = feed->messages,
                               .lost = feed->lost,
                               .updates = p->updates,
                               .directory_version = p->changes.told,
                               .instruments = p->stats.instruments,
                               .instruments_not_ok = p->stats.instruments_not_ok,
                               .published_seq = p->published_seq,
                               .handover = feed->handover,
                               .storage_low = feed->storage_low,
                               .journal_ns = feed->journal_ns};
    memcpy(status.exchange, p->exchange, sizeof status.exchange);
    memcpy(status.epoch, p->epoch, sizeof status.epoch);
    memcpy(status.detail, p->feed_detail, sizeof status.detail);
    memcpy(status.leader, p->leader, sizeof status.leader);
    size_t length = wire_feed_status_encode(&status, p->buffer, WIRE_MAX_BYTES);
    p->sink.emit(p->sink.context, p->feed_subject, p->buffer, length);
    p->since_ready++;
    p->stats.feed_statuses++;
    p->stats.bytes += length;
    p->feed_urgent = false;
    p->feed_sent = true;
    p->feed_sent_ns = now_ns;
}
