/* Questions to the engines, page by page. */
#include "tools/venue/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/clock.h"

#define AGAIN_NS (100 * INT64_C(1000000)) /* after REPLY_BUSY */

typedef struct asking {
    uint8_t *bytes; /* the answer, copied out of the bus */
    size_t length;
    bool came, nobody;
    venue_request request;
} asking;

static void on_reply(void *context, const bus_message *message) {
    asking *self = context;
    if (self->came) return;
    self->nobody = message->status != 0;
    self->came = true;
    if (self->nobody || message->length == 0) return;
    self->bytes = malloc(message->length);
    if (self->bytes == NULL) return;
    memcpy(self->bytes, message->bytes, message->length);
    self->length = message->length;
}

static bool has_come(void *context) {
    const asking *self = context;
    return self->came || venue_request_refusal(&self->request) != NULL;
}

const wire_named_instrument *venue_page_instrument(const venue_page *page, uint32_t number) {
    for (uint32_t i = 0; i < page->instrument_count; i++)
        if (page->instruments[i].number == number) return &page->instruments[i];
    return NULL;
}

/* The names stand behind the items: read first. */
static tw_code read_names(const asking *self, wire_named_instrument **names, uint32_t *count, tw_error *error) {
    wire_query_reply reply;
    wire_part part;
    *names = NULL;
    *count = 0;
    if (wire_query_reply_open(&reply, self->bytes, self->length) != WIRE_OK)
        return tw_error_set(error, TW_MALFORMED, "the answer can't be read");
    if (reply.rest.count == 0) return TW_OK;
    *names = calloc(reply.rest.count, sizeof **names);
    if (*names == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for an answer's names");
    while (wire_query_reply_next(&reply, &part))
        if (part.kind == WIRE_PART_NAMED_INSTRUMENT && part.fault.kind == WIRE_FAULT_NONE)
            (*names)[(*count)++] = part.instrument;
    return TW_OK;
}

/* Hands out at most `left` items; returns how many. */
static uint64_t read_items(const asking *self, venue_page *page, uint64_t left, venue_on_item on_item,
                           void *context, wire_query_reply_header *header) {
    wire_query_reply reply;
    wire_part part;
    uint64_t count = 0;
    if (wire_query_reply_open(&reply, self->bytes, self->length) != WIRE_OK) return 0;
    *header = reply.header;
    page->header = header;
    while (count < left && wire_query_reply_next(&reply, &part)) {
        if (part.kind == WIRE_PART_NAMED_INSTRUMENT || part.fault.kind != WIRE_FAULT_NONE) continue;
        on_item(context, page, &part);
        count++;
    }
    return count;
}

static tw_code ask_page(venue_link *link, const char *mic, uint32_t shard, const wire_query *query,
                        int64_t timeout_ns, asking *self, tw_error *error) {
    char subject[SUBJECT_BYTES];
    uint8_t bytes[1024];
    size_t length = wire_query_encode(query, bytes, sizeof bytes);
    if (query->account[0] != '\0') /* what permissions can tell from a question about another account */
        subject_query(subject, sizeof subject, mic, shard, query->account);
    else
        subject_shard(subject, sizeof subject, SUBJECT_KIND_QUERY, mic, shard);
    tw_code code = venue_request_start(&self->request, link, subject, bytes, length, on_reply, self, error);
    if (code != TW_OK) return code;
    venue_link_wait(link, has_come, self, rt_clock_monotonic_ns() + timeout_ns);
    const char *refusal = venue_request_refusal(&self->request);
    venue_request_end(&self->request);
    if (!self->came && refusal != NULL)
        return tw_error_set(error, TW_UNSUPPORTED, "the NATS server does not let this user ask: %s", refusal);
    if (self->nobody || !self->came)
        return tw_error_set(error, TW_AWAY, "shard %u of %s does not answer: is its matcher running?", shard, mic);
    return self->bytes == NULL ? tw_error_set(error, TW_MALFORMED, "shard %u of %s: an empty answer", shard, mic)
                               : TW_OK;
}

static bool is_busy(const asking *self) {
    wire_query_reply reply;
    return wire_query_reply_open(&reply, self->bytes, self->length) == WIRE_OK &&
           reply.header.code == WIRE_REPLY_BUSY;
}

/* Who is told to come back does so, within the time. */
static tw_code ask_patiently(venue_link *link, const char *mic, uint32_t shard, const wire_query *query,
                             int64_t timeout_ns, asking *self, tw_error *error) {
    int64_t until_ns = rt_clock_monotonic_ns() + timeout_ns;
    for (;;) {
        *self = (asking){0};
        tw_code code = ask_page(link, mic, shard, query, timeout_ns, self, error);
        if (code != TW_OK || !is_busy(self)) return code;
        free(self->bytes);
        self->bytes = NULL;
        int64_t again_ns = rt_clock_monotonic_ns() + AGAIN_NS;
        if (again_ns > until_ns || venue_link_wait(link, NULL, NULL, again_ns) == VENUE_INTERRUPTED)
            return tw_error_set(error, TW_AWAY, "shard %u of %s has too many queries to answer: try again", shard,
                                mic);
    }
}

tw_code venue_ask(venue_link *link, const char *mic, uint32_t shard, const wire_query *query, uint64_t most,
                  int64_t timeout_ns, venue_on_item on_item, void *context, venue_asked *asked, tw_error *error) {
    wire_query next = *query;
    uint64_t left = most == 0 ? UINT64_MAX : most;
    tw_code code = TW_OK;
    bool more = true;
    *asked = (venue_asked){0};
    for (bool first = true; more && left > 0 && code == TW_OK; first = false) {
        asking self = {0};
        wire_query_reply_header header = {0};
        wire_named_instrument *names = NULL;
        venue_page page = {0};
        code = ask_patiently(link, mic, shard, &next, timeout_ns, &self, error);
        if (code == TW_OK) code = read_names(&self, &names, &page.instrument_count, error);
        page.instruments = names;
        if (code == TW_OK) left -= read_items(&self, &page, left, on_item, context, &header);
        if (first) asked->seq = header.seq;
        asked->code = (wire_reply_code)header.code;
        asked->date = header.date;
        asked->day_end_ns = header.day_end_ns;
        if (header.detail[0] != '\0') tw_text_copy(asked->detail, sizeof asked->detail, header.detail);
        more = header.more && (header.next != next.after || header.next_n != next.after_n);
        next.after = header.next;
        next.after_n = header.next_n;
        free(names);
        free(self.bytes);
    }
    return code;
}
