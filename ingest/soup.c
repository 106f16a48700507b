/*
 * A SoupBinTCP server as the feed's source: one connection, resumed where it broke off, its messages straight to the
 * feed. TCP loses nothing, so there is nothing to arbitrate or to repair; what a resumed session no longer has is lost.
 *
 * A login that is rejected is tried again after --login-retry, then ever more slowly. With no session in the location
 * the next one is looked for in the same rhythm when one has ended.
 */
#include <stdlib.h>

#include "base/text.h"
#include "ingest/pipeline.h"
#include "ingest/soup_link.h"
#include "runtime/clock.h"

#define RETRY_DOUBLINGS 4 /* the longest wait after a rejection is 16 times the first */
#define NANOS_PER_MILLI INT64_C(1000000)
#define FIRST_MESSAGE   1 /* the whole session is wanted: books are right from its start only */

struct soup {
    ingest *ingest;
    soup_link *link;
    uv_timer_t retry;
    bool waiting;        /* for the retry timer */
    bool taken;          /* messages were applied in this turn */
    unsigned rejections; /* in a row */
    uint64_t first;      /* message of the running session that came first; 0: none yet */
    char session[SOUP_SESSION_BYTES];
};

/* ---- what comes ---- */

static void on_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    soup *self = context;
    self->first = first;
    tw_text_copy(self->session, sizeof self->session, session);
    ingest_start_session(self->ingest, session, first, receive_ns);
}

static void on_messages(void *context, const feed_message *messages, size_t count) {
    soup *self = context;
    self->taken = true;
    ingest_messages(self->ingest, messages, count);
}

static void on_lost(void *context, uint64_t from, uint64_t count) {
    ingest_messages_lost(((soup *)context)->ingest, from, count);
}

static void on_ended(void *context, const char *session, uint64_t next) {
    (void)session, (void)next;
    ingest_source_ended(((soup *)context)->ingest, NULL);
}

static void on_login(void *context) {
    (void)context;
}

/* ---- trying again ---- */

static void on_retry(uv_timer_t *timer) {
    soup *self = timer->data;
    self->waiting = false;
    soup_link_resume(self->link);
}

static void retry_later(soup *self, unsigned doublings) {
    if (self->waiting) return;
    self->waiting = true;
    int64_t wait_ns = self->ingest->settings.login_retry_ns << doublings;
    uv_timer_start(&self->retry, on_retry, (uint64_t)(wait_ns / NANOS_PER_MILLI), 0);
}

static void on_turn(void *context) {
    soup *self = context;
    if (self->taken) ingest_end_of_burst(self->ingest);
    self->taken = false;
    soup_client_status status = soup_link_status(self->link);
    if (status.state == SOUP_CLIENT_STREAMING) self->rejections = 0;
    if (status.state == SOUP_CLIENT_REJECTED && !self->waiting) {
        retry_later(self, self->rejections);
        if (self->rejections < RETRY_DOUBLINGS) self->rejections++;
    }
    if (status.state == SOUP_CLIENT_ENDED && self->ingest->where.session[0] == '\0') retry_later(self, 0);
}

/* ---- life ---- */

tw_code soup_open(soup **out, ingest *owner, tw_error *error) {
    soup *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the SoupBinTCP source");
    self->ingest = owner;
    soup_link_options options = {.name = "soup",
                                 .where = &owner->where,
                                 .client = ingest_soup_options(owner),
                                 .listener = {self, on_session, on_messages, on_lost, on_ended, on_login, on_turn},
                                 .log = owner->log};
    tw_code code = soup_link_open(&self->link, &owner->loop, &options, error);
    if (code != TW_OK) {
        free(self);
        return tw_error_wrap(error, "--source");
    }
    uv_timer_init(&owner->loop, &self->retry);
    self->retry.data = self;
    *out = self;
    return TW_OK;
}

void soup_start(soup *self) {
    soup_link_start(self->link, FIRST_MESSAGE);
}

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

void soup_close(soup *self) {
    if (self == NULL) return;
    soup_link_close(self->link);
    uv_close((uv_handle_t *)&self->retry, on_closed);
}

/* ---- what is known of it ---- */

void soup_tell_facts(const soup *self, feed_facts *facts) {
    soup_client_status status = soup_link_status(self->link);
    int64_t heard_ns = soup_link_heard_ns(self->link);
    if (heard_ns > facts->last_heard_ns) facts->last_heard_ns = heard_ns;
    facts->away = status.state != SOUP_CLIENT_STREAMING;
    facts->refused = soup_link_refused(self->link);
    tw_text_copy(facts->away_reason, sizeof facts->away_reason, soup_link_reason(self->link));
}

arbiter_status soup_read_status(const soup *self) {
    soup_client_status status = soup_link_status(self->link);
    return (arbiter_status){.session = self->session,
                            .session_padded = self->session,
                            .first = self->first,
                            .expected = status.next,
                            .ended = status.state == SOUP_CLIENT_ENDED,
                            .malformed = soup_link_malformed(self->link),
                            .gap = {.packets = soup_link_reads(self->link),
                                    .messages = status.messages,
                                    .duplicates = status.repeated,
                                    .lost = status.lost}};
}

void soup_read_link(const soup *self, ingest_soup *seen) {
    soup_client_status status = soup_link_status(self->link);
    *seen = (ingest_soup){.logins = status.logins, .rejections = status.rejections, .failures = status.failures};
}

static void judge_line(const soup *self, const soup_client_status *status, int64_t now_ns, ingest_line *line) {
    line->state = TW_BOOK_OK;
    line->cause = TW_CAUSE_NONE;
    if (self->ingest->facts.ended) {
        line->state = TW_BOOK_CLOSED;
        line->cause = TW_CAUSE_END_OF_SESSION;
    } else if (status->logins == 0 && !soup_link_refused(self->link)) {
        line->state = TW_BOOK_RECOVERING;
        line->cause = TW_CAUSE_STARTING;
    } else if (status->state != SOUP_CLIENT_STREAMING) {
        line->state = TW_BOOK_STALE;
        line->cause = TW_CAUSE_LINE_DOWN;
    } else if (now_ns - line->counts.last_heard_ns > self->ingest->settings.silence_ns) {
        line->state = TW_BOOK_STALE;
        line->cause = TW_CAUSE_LINE_SILENT;
    }
    line->state_number = line->state;
}

bool soup_read_line(const soup *self, uint32_t index, int64_t now_ns, ingest_line *line) {
    if (index != 0) return false;
    soup_client_status status = soup_link_status(self->link);
    *line = (ingest_line){.name = "A",
                          .counts = {.packets = soup_link_reads(self->link),
                                     .malformed = soup_link_malformed(self->link),
                                     .messages = status.messages + status.repeated,
                                     .wins = status.messages,
                                     .duplicates = status.repeated,
                                     .losses = status.lost,
                                     .passed_over = status.unknown,
                                     .last_heard_ns = soup_link_heard_ns(self->link),
                                     .expected = status.next}};
    judge_line(self, &status, now_ns, line);
    return true;
}
