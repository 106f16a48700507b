/*
 * A follower that joined late, or lost messages, has books again (glimpse.c) but not the day's totals. It asks the leader for
 * the bulk snapshots of the trade channel, as any late joiner would, and takes the totals from them.
 *
 *   heartbeat: all up to P has left ──► request ──► snapshots, chunk by chunk ──► publisher_adopt_trades(…, P)
 *
 * Asked again, later each time, until every total is whole. While an answer is under way the heartbeats confirm nothing, so
 * that prints which the snapshots may not reach are still here (the answer and the heartbeats come on subjects of their
 * own, in no order).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ingest/pipeline.h"
#include "proto/subject.h"
#include "runtime/clock.h"

#define FIRST_WAIT_NS (200 * INT64_C(1000000))
#define LAST_WAIT_NS  (10 * TW_NS_PER_SECOND)
#define PATIENCE_NS   (2 * TW_NS_PER_SECOND) /* from one chunk to the next */
#define ARENA_BYTES   (1u << 20)             /* of one decoded chunk, 64 KiB on the wire */

struct adopt {
    ingest *ingest;
    bus_subscription *replies;
    wire_arena arena;
    char inbox[SUBJECT_BYTES];
    char request[SUBJECT_BYTES];
    bool asking;
    uint64_t attempt;      /* its number ends the reply's subject: late answers to earlier ones are known by it */
    lead_word leader;      /* whom it asked, and what had left by then */
    uint32_t chunk;        /* the next one */
    uint32_t behind;       /* snapshots of this attempt that could not be taken */
    uint64_t adopted;      /* instruments, of this attempt */
    int64_t progress_ns;   /* when it was asked, or the last chunk came */
    int64_t wait_ns;       /* the back-off */
    int64_t not_before_ns; /* the next attempt */
    rt_log_site failed_site;
};

static void end_attempt(adopt *self, const char *why, int64_t wait_ns, int64_t now_ns) {
    self->asking = false;
    self->not_before_ns = now_ns + (wait_ns > self->wait_ns ? wait_ns : self->wait_ns);
    self->wait_ns = self->wait_ns * 2 < LAST_WAIT_NS ? self->wait_ns * 2 : LAST_WAIT_NS;
    rt_log_limited(self->ingest->log, &self->failed_site, RT_INFO,
                   "the leader's trade totals were not taken, or not all; they will be asked for again",
                   RT_STR("why", why), RT_U64("adopted", self->adopted));
}

static void finish(adopt *self, int64_t now_ns) {
    ingest *in = self->ingest;
    if (self->behind > 0 || !publisher_adopted_all(in->publisher)) {
        end_attempt(self, self->behind > 0 ? "the leader's are not whole, or behind" : "it did not send all", 0,
                    now_ns);
        return;
    }
    self->asking = false;
    self->wait_ns = FIRST_WAIT_NS;
    rt_log(in->log, RT_INFO, "trade totals are whole: taken from the leader", RT_STR("leader", self->leader.name),
           RT_U64("instruments", self->adopted), RT_U64("covers_seq", self->leader.published_seq));
}

/* ---- the answer ---- */

static void take_part(adopt *self, const wire_trades *snapshot) {
    ingest *in = self->ingest;
    if (snapshot->header.partition != in->settings.partition || snapshot->header.term != self->leader.term) return;
    switch (publisher_adopt_trades(in->publisher, snapshot, self->leader.published_seq)) {
    case PUBLISHER_ADOPTED:
        self->adopted++;
        break;
    case PUBLISHER_ADOPT_BEHIND:
    case PUBLISHER_ADOPT_USELESS:
        self->behind++;
        break;
    case PUBLISHER_ADOPT_NEEDLESS:
        break;
    }
}

static void take_chunk(adopt *self, const wire_snapshot_reply *reply, int64_t now_ns) {
    if (reply->code != WIRE_REPLY_OK) {
        end_attempt(self, reply->code == WIRE_REPLY_BUSY ? "it is busy" : "it refused",
                    (int64_t)reply->retry_after_ms * 1000000, now_ns);
        return;
    }
    if (reply->chunk != self->chunk) {
        end_attempt(self, "a part of its answer is lost", 0, now_ns);
        return;
    }
    self->chunk++;
    self->progress_ns = now_ns;
    for (uint32_t i = 0; i < reply->trades_count; i++)
        take_part(self, &reply->trades[i]);
    if (reply->last) finish(self, now_ns);
}

static bool is_of_this_attempt(const adopt *self, const char *subject) {
    char mine[SUBJECT_BYTES];
    return tw_text_format(mine, sizeof mine, "%s.%" PRIu64, self->inbox, self->attempt) &&
           strcmp(subject, mine) == 0;
}

/* Leaders of other partitions answer, too: theirs is another term. */
static void on_reply(void *context, const bus_message *message) {
    adopt *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    wire_snapshot_reply reply;
    if (!self->asking || !is_of_this_attempt(self, message->subject)) return;
    if (message->length == 0) {
        end_attempt(self, "nobody answers", 0, now_ns);
    } else if (wire_snapshot_reply_decode(&self->arena, message->bytes, message->length, &reply) != WIRE_OK) {
        end_attempt(self, "its answer can't be read", 0, now_ns);
    } else if (reply.term == self->leader.term) {
        take_chunk(self, &reply, now_ns);
    }
}

/* ---- asking ---- */

/* The books here are whole, so every print from now on is told here: what is missing lies before. */
static bool is_wanted(const adopt *self) {
    const ingest *in = self->ingest;
    if (publisher_counted_from(in->publisher) == 0 || !lead_follows(in->lead)) return false;
    if (!in->facts.started || in->facts.first_seq > 1) return false;
    return in->glimpse == NULL || (in->facts.lost == 0 && in->facts.unreadable == 0);
}

static bool knows_what_is_missing_here(const adopt *self, const lead_word *word) {
    const ingest *in = self->ingest;
    return strcmp(word->epoch, in->day.epoch) == 0 &&
           word->published_seq + 1 >= publisher_counted_from(in->publisher);
}

static void ask(adopt *self, const lead_word *word, int64_t now_ns) {
    char reply[SUBJECT_BYTES];
    self->attempt++;
    if (!tw_text_format(reply, sizeof reply, "%s.%" PRIu64, self->inbox, self->attempt)) return;
    if (bus_publish_request(self->ingest->bus, self->request, reply, NULL, 0) != TW_OK) return;
    self->asking = true;
    self->leader = *word;
    self->chunk = self->behind = 0;
    self->adopted = 0;
    self->progress_ns = now_ns;
}

void adopt_tick(adopt *self, int64_t now_ns) {
    if (self == NULL) return;
    lead_word word;
    bool heard = is_wanted(self) && lead_hears(self->ingest->lead, &word);
    if (self->asking && (!heard || word.term != self->leader.term))
        end_attempt(self, "another leads, or it is not needed any more", 0, now_ns);
    else if (self->asking && now_ns - self->progress_ns > PATIENCE_NS)
        end_attempt(self, "no answer in time", 0, now_ns);
    else if (!self->asking && heard && now_ns >= self->not_before_ns && knows_what_is_missing_here(self, &word))
        ask(self, &word, now_ns);
}

bool adopt_asking(const adopt *self) {
    return self != NULL && self->asking;
}

/* ---- opening and closing ---- */

tw_code adopt_open(adopt **opened, ingest *in, tw_error *error) {
    adopt *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL || !wire_arena_init(&self->arena, ARENA_BYTES))
        return tw_error_set(error, TW_NO_MEMORY, "no memory for trade totals");
    self->ingest = in;
    self->wait_ns = FIRST_WAIT_NS;
    subject_snapshots(self->request, sizeof self->request, in->settings.exchange, SUBJECT_TRADE);
    char subject[SUBJECT_BYTES];
    tw_code code = bus_new_inbox(in->bus, self->inbox, sizeof self->inbox, error);
    if (code != TW_OK) return code;
    tw_text_format(subject, sizeof subject, "%s.*", self->inbox);
    return bus_subscribe(in->bus, subject, on_reply, self, &self->replies, error);
}

void adopt_close(adopt *self) {
    if (self == NULL) return;
    bus_unsubscribe(self->replies);
    if (self->arena.block != NULL) wire_arena_fini(&self->arena);
    free(self);
}
