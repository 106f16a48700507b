/*
 * The state's hash after every so many inputs, and after the first one of each stretch of the stream's time: published by every replica, and
 * compared with what the others say of the same input. Two replicas that differ are not the same machine any more; nobody can say from
 * here which of them is right.
 *
 * Where a hash is due follows from the inputs alone, their numbers and their stamps: replicas agree on it whenever they began. A replica
 * that has much to catch up goes by the numbers: a quiet month would hold it up at each of its minutes, and nobody waits for those.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/text.h"
#include "matcher/pipeline.h"
#include "proto/subject.h"
#include "runtime/clock.h"

#define KEPT     64u
#define BEHIND   256u /* inputs still waiting in the stream */
#define HEARD_NS (INT64_C(15) * 60 * TW_NS_PER_SECOND)

typedef struct hash_row {
    uint64_t seq, hash; /* seq 0: none */
} hash_row;

/* The last ones; whichever comes first, own or heard, waits for the other. */
typedef struct hash_ring {
    hash_row rows[KEPT];
    uint32_t next;
} hash_ring;

struct hashes {
    matcher *matcher;
    bus_subscription *subscription;
    char subject[SUBJECT_BYTES];
    hash_ring own, heard;
    int64_t standby_ns; /* when a replica that does not lead was heard last; 0: never */
    rt_log_site differs_site;
};

static void keep(hash_ring *ring, hash_row row) {
    ring->rows[ring->next++ % KEPT] = row;
}

static void compare(hashes *self, const hash_row *own, const hash_row *heard, const char *who) {
    matcher *m = self->matcher;
    uint64_t seq = own->seq;
    if (seq != heard->seq || m->state != MATCHER_RUNNING) return;
    if (own->hash == heard->hash) {
        m->counts.hashes_alike++;
        return;
    }
    m->counts.hashes_different++;
    rt_log_limited(m->log, &self->differs_site, RT_ERROR, "MISMATCH: another replica's state is not this one's",
                   RT_STR("other", who), RT_U64("seq", seq), RT_U64("hash", own->hash),
                   RT_U64("others", heard->hash));
    if (strcmp(m->settings.on_mismatch, "halt") == 0)
        matcher_halt(m,
                     "MISMATCH: after input %" PRIu64 " the state's hash is %016" PRIx64 " here and %016" PRIx64
                     " at %s" MATCHER_MISMATCH_HINT,
                     seq, own->hash, heard->hash, who);
}

static void publish(hashes *self, const hash_row *row) {
    matcher *m = self->matcher;
    uint8_t bytes[512];
    wire_state_hash out = {.shard = (uint32_t)m->settings.shard,
                           .seq = row->seq,
                           .hash = row->hash,
                           .event_ns = mx_now(mr_engine(m->replica)),
                           .reports = mr_reports(m->replica),
                           .leader = leading_serves(m->leading),
                           .term = leading_term(m->leading),
                           .publish_ns = rt_clock_utc_ns()};
    tw_text_copy(out.exchange, sizeof out.exchange, m->settings.exchange);
    tw_text_copy(out.instance, sizeof out.instance, m->name);
    bus_publish_trusted(m->bus, self->subject, bytes, wire_state_hash_encode(&out, bytes, sizeof bytes));
    m->counts.hashes++;
}

/* The engine's time passed a whole multiple of the interval with this input. Its time is the inputs', and part of the state. */
static bool begins_stretch(const matcher *m, int64_t before_ns) {
    int64_t span_ns = m->settings.hash_interval_ns;
    return span_ns > 0 && before_ns != TW_TIME_ABSENT &&
           mx_now(mr_engine(m->replica)) / span_ns != before_ns / span_ns;
}

void hashes_taken(hashes *self, int64_t before_ns, uint64_t waiting) {
    matcher *m = self->matcher;
    uint64_t every = m->settings.hash_every, seq = mr_seq(m->replica);
    bool due = every > 0 && seq % every == 0;
    if (!due && (waiting > BEHIND || !begins_stretch(m, before_ns))) return;
    int64_t begun_ns = rt_clock_monotonic_ns();
    const hash_row row = {seq, mr_hash(m->replica)};
    tw_histogram_record(&m->standstill, rt_clock_monotonic_ns() - begun_ns);
    keep(&self->own, row);
    publish(self, &row);
    for (uint32_t i = 0; i < KEPT; i++)
        compare(self, &row, &self->heard.rows[i], "another replica");
}

static void on_hash(void *context, const bus_message *message) {
    hashes *self = context;
    matcher *m = self->matcher;
    wire_state_hash heard;
    if (m->state != MATCHER_RUNNING || wire_state_hash_decode(message->bytes, message->length, &heard) != WIRE_OK)
        return;
    if (strcmp(heard.instance, m->name) == 0 || heard.shard != m->settings.shard) return;
    if (!heard.leader) self->standby_ns = rt_clock_monotonic_ns();
    if (heard.seq == 0) return;
    const hash_row row = {heard.seq, heard.hash};
    keep(&self->heard, row);
    for (uint32_t i = 0; i < KEPT; i++)
        compare(self, &self->own.rows[i], &row, heard.instance);
}

bool hashes_standby_heard(const hashes *self, int64_t now_ns) {
    return self->standby_ns != 0 && now_ns - self->standby_ns < HEARD_NS;
}

tw_code hashes_open(hashes **opened, matcher *m, tw_error *error) {
    hashes *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for hashes");
    self->matcher = m;
    (void)subject_shard(self->subject, sizeof self->subject, SUBJECT_KIND_HASH, m->settings.exchange,
                        (uint32_t)m->settings.shard);
    return bus_subscribe(m->bus, self->subject, on_hash, self, &self->subscription, error);
}

void hashes_close(hashes *self) {
    if (self == NULL) return;
    bus_unsubscribe(self->subscription);
    free(self);
}
