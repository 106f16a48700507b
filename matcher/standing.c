/*
 * What this instance is, told to whoever asks matchers.{MIC}: a halted one and a standby, too, which answer nothing else. So an operator who finds
 * a shard silent hears from the instance itself why.
 */
#include <stdlib.h>

#include "base/text.h"
#include "matcher/pipeline.h"
#include "proto/subject.h"

static uint8_t standing_of(const matcher *m) {
    if (m->state == MATCHER_HALTED) return WIRE_STANDING_HALTED;
    if (m->state == MATCHER_STARTING) return WIRE_STANDING_STARTING;
    return leading_serves(m->leading) ? WIRE_STANDING_SERVING : WIRE_STANDING_FOLLOWING;
}

static void on_asked(void *context, const bus_message *message) {
    matcher *m = context;
    uint8_t bytes[WIRE_PART_ROOM];
    wire_matcher out = {.shard = (uint32_t)m->settings.shard,
                        .standing = standing_of(m),
                        .since_ns = m->state_ns,
                        .seq = mr_seq(m->replica),
                        .journaled = mr_journaled(m->replica)};
    if (!bus_may_answer(message)) return;
    tw_text_copy(out.exchange, sizeof out.exchange, m->settings.exchange);
    tw_text_copy(out.instance, sizeof out.instance, m->name);
    observe_why(m, out.reason, sizeof out.reason);
    bus_publish(m->bus, message->reply, bytes, wire_matcher_encode(&out, bytes, sizeof bytes));
    bus_flush(m->bus);
}

tw_code standing_open(matcher *m, tw_error *error) {
    char subject[SUBJECT_BYTES];
    (void)subject_matchers(subject, sizeof subject, m->settings.exchange);
    return bus_subscribe(m->bus, subject, on_asked, m, &m->standing, error);
}

void standing_close(matcher *m) {
    bus_unsubscribe(m->standing);
}
