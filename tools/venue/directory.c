/* Who is there: shards from JetStream and from heartbeats, instruments from the directory. */
#include "tools/venue/directory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/clock.h"
#include "tools/venue/ask.h"

#define HEARTBEATS_NS  (450 * TW_NS_PER_SECOND / 1000)  /* leaders speak every 100 ms */
#define SILENCE_NS     (1200 * TW_NS_PER_SECOND / 1000) /* a leader on a busy machine; longer, and it does not run */
#define JETSTREAM_NS   (3 * TW_NS_PER_SECOND)           /* for its word, where that matters */
#define STREAM_NAMES   "$JS.API.STREAM.NAMES"
#define ARENA_BYTES    (8u << 20)
#define NEAR_DISTANCE  3u
#define LONGEST_NUMBER 10u

typedef struct shard_search {
    venue_shards *shards;
    const char *mic;
    wire_arena arena;
    bool answered; /* JetStream, or that there is none */
    bool no_memory;
} shard_search;

static venue_shard *shard_add(venue_shards *shards, uint32_t number) {
    uint32_t at = 0;
    while (at < shards->count && shards->list[at].number < number)
        at++;
    if (at < shards->count && shards->list[at].number == number) return &shards->list[at];
    if (number == 0 || shards->count == VENUE_MAX_SHARDS) return NULL;
    memmove(&shards->list[at + 1], &shards->list[at], (shards->count - at) * sizeof shards->list[0]);
    shards->count++;
    shards->list[at] = (venue_shard){.number = number};
    return &shards->list[at];
}

bool venue_shards_all_run(const venue_shards *shards) {
    for (uint32_t i = 0; i < shards->count; i++)
        if (!shards->list[i].runs) return false;
    return true;
}

const venue_shard *venue_shards_get(const venue_shards *shards, uint32_t number) {
    for (uint32_t i = 0; i < shards->count; i++)
        if (shards->list[i].number == number) return &shards->list[i];
    return NULL;
}

/* Every "{MIC}-orders-{SHARD}" of the answer. */
static void take_names(shard_search *self, const char *text, size_t length) {
    char wanted[TW_MIC_BYTES + 16];
    tw_text_format(wanted, sizeof wanted, "\"%s-orders-", self->mic);
    size_t prefix = strlen(wanted);
    for (size_t at = 0; at + prefix < length; at++) {
        if (memcmp(text + at, wanted, prefix) != 0) continue;
        char digits[LONGEST_NUMBER + 1] = "";
        const char *from = text + at + prefix;
        size_t count = 0;
        while (at + prefix + count < length && from[count] != '"' && count < LONGEST_NUMBER)
            count++;
        memcpy(digits, from, count);
        uint64_t number;
        if (!tw_text_to_u64(digits, &number) || number > UINT32_MAX) continue;
        venue_shard *shard = shard_add(self->shards, (uint32_t)number);
        if (shard != NULL) shard->stream = true;
    }
}

static void on_names(void *context, const bus_message *message) {
    shard_search *self = context;
    self->answered = true;
    self->shards->complete = message->status == 0;
    if (message->status == 0) take_names(self, (const char *)message->bytes, message->length);
}

static void on_status(void *context, const bus_message *message) {
    shard_search *self = context;
    wire_feed_status status;
    if (wire_feed_status_decode(&self->arena, message->bytes, message->length, &status) != WIRE_OK) return;
    venue_shard *shard = shard_add(self->shards, status.partition);
    if (shard == NULL || (shard->runs && status.term < shard->term)) return;
    shard->runs = true;
    shard->term = status.term;
    shard->seq = status.seq;
    shard->state = status.state;
    tw_text_copy(shard->epoch, sizeof shard->epoch, status.epoch);
    tw_text_copy(shard->leader, sizeof shard->leader, status.leader);
}

static void on_matcher(void *context, const bus_message *message) {
    shard_search *self = context;
    venue_shards *shards = self->shards;
    wire_matcher *next = &shards->matchers[shards->matcher_count];
    if (message->status != 0 || shards->matcher_count == VENUE_MAX_MATCHERS)
        return; /* none of them is connected; or enough */
    if (wire_matcher_decode(message->bytes, message->length, next) != WIRE_OK) return;
    if (strcmp(next->exchange, self->mic) != 0) return;
    if (next->standing != WIRE_STANDING_STARTING)
        shard_add(shards, next->shard); /* one that starts has no streams perhaps */
    shards->matcher_count++;
}

/* Enough is known once JetStream has spoken and every shard that it named has been heard. */
static bool all_heard(void *context) {
    const shard_search *self = context;
    if (!self->answered || self->shards->count == 0) return false;
    for (uint32_t i = 0; i < self->shards->count; i++)
        if (!self->shards->list[i].runs || !self->shards->list[i].stream) return false;
    return true;
}

/* How long it is worth waiting, by what is known. Without a word from JetStream, because it may not be asked, those that are heard
 * are all there is to know; where nothing is known, or all has to be, its word is waited for. */
static int64_t patience(const shard_search *self, bool whole) {
    if (self->answered) return self->shards->count > 0 ? SILENCE_NS : HEARTBEATS_NS;
    return whole || self->shards->count == 0 ? JETSTREAM_NS : HEARTBEATS_NS;
}

static void wait_for_shards(shard_search *self, venue_link *link, bool whole) {
    int64_t start_ns = rt_clock_monotonic_ns(), until_ns = start_ns + HEARTBEATS_NS;
    while (venue_link_wait(link, all_heard, self, until_ns) == VENUE_TIMED_OUT) {
        int64_t end_ns = start_ns + patience(self, whole);
        if (rt_clock_monotonic_ns() >= end_ns) break;
        until_ns = rt_clock_monotonic_ns() + HEARTBEATS_NS / 10;
    }
}

static tw_code ask_for_all(shard_search *self, venue_link *link, bool whole, tw_error *error) {
    char subject[SUBJECT_BYTES], ask[64];
    venue_request names, matchers = {0};
    tw_code code = TW_OK;
    if (whole) {
        subject_matchers(subject, sizeof subject, self->mic);
        code = venue_request_start(&matchers, link, subject, NULL, 0, on_matcher, self, error);
    }
    if (code != TW_OK) return code;
    tw_text_format(ask, sizeof ask, "{\"subject\":\"control.%s.*\"}", self->mic);
    code =
        venue_request_start(&names, link, STREAM_NAMES, (const uint8_t *)ask, strlen(ask), on_names, self, error);
    if (code == TW_OK) {
        wait_for_shards(self, link, whole);
        venue_request_end(&names);
    }
    venue_request_end(&matchers);
    return code;
}

static tw_code search(shard_search *self, venue_link *link, bool whole, tw_error *error) {
    char subject[SUBJECT_BYTES];
    bus_subscription *statuses;
    tw_text_format(subject, sizeof subject, "feed.%s.*.status", self->mic);
    tw_code code = bus_subscribe(link->bus, subject, on_status, self, &statuses, error);
    if (code != TW_OK) return code;
    code = ask_for_all(self, link, whole, error);
    bus_unsubscribe(statuses);
    return code;
}

tw_code venue_shards_find(venue_link *link, const char *mic, bool whole, venue_shards *shards, tw_error *error) {
    shard_search self = {.shards = shards, .mic = mic};
    *shards = (venue_shards){0};
    if (!wire_arena_init(&self.arena, 64u << 10)) return tw_error_set(error, TW_NO_MEMORY, "no memory");
    tw_code code = search(&self, link, whole, error);
    wire_arena_fini(&self.arena);
    if (code == TW_OK && shards->count == 0)
        return tw_error_set(
            error, TW_NOT_FOUND,
            "there is no venue %s here: no order stream, no heartbeat. Start tickwire-matcher for it", mic);
    return code;
}

static void no_items(void *context, const venue_page *page, const wire_part *item) {
    (void)context, (void)page, (void)item;
}

tw_code venue_shards_days(venue_link *link, const char *mic, int64_t timeout_ns, venue_shards *shards,
                          tw_error *error) {
    const wire_query query = {.kind = WIRE_QUERY_DAY};
    tw_code code = TW_OK;
    for (uint32_t i = 0; code == TW_OK && i < shards->count; i++) {
        venue_shard *shard = &shards->list[i];
        venue_asked asked;
        if (!shard->runs) continue;
        code = venue_ask(link, mic, shard->number, &query, 0, timeout_ns, no_items, NULL, &asked, error);
        shard->day_known = code == TW_OK && asked.code == WIRE_REPLY_OK;
        shard->date = asked.date;
        shard->day_end_ns = asked.day_end_ns;
    }
    return code;
}

/* ---- instruments ---- */

typedef struct directory_search {
    venue_directory *directory;
    wire_arena arena;
    const venue_shards *shards;
    bool done[VENUE_MAX_SHARDS];
    bool nobody, no_memory;
    venue_request request;
} directory_search;

static bool directory_add(venue_directory *directory, const wire_instrument *from) {
    if (directory->count == directory->capacity) {
        size_t wanted = directory->capacity == 0 ? 256 : directory->capacity * 2;
        venue_entry *grown = realloc(directory->entries, wanted * sizeof *grown);
        if (grown == NULL) return false;
        directory->entries = grown;
        directory->capacity = wanted;
    }
    venue_entry *entry = &directory->entries[directory->count++];
    *entry = (venue_entry){.shard = from->shard,
                           .price_exponent = from->instrument.price_exponent,
                           .quantity_exponent = from->instrument.quantity_exponent,
                           .tick = from->instrument.tick,
                           .lot = from->instrument.round_lot,
                           .trading = from->trading,
                           .state = from->state,
                           .reference = TW_PRICE_ABSENT};
    tw_text_copy(entry->symbol, sizeof entry->symbol, from->instrument.symbol);
    return true;
}

static void on_list(void *context, const bus_message *message) {
    directory_search *self = context;
    wire_instrument_list list;
    if (message->status != 0) {
        self->nobody = true;
        return;
    }
    if (wire_instrument_list_decode(&self->arena, message->bytes, message->length, &list) != WIRE_OK) return;
    for (uint32_t i = 0; i < list.instrument_count; i++)
        if (!directory_add(self->directory, &list.instruments[i])) self->no_memory = true;
    for (uint32_t i = 0; list.last && i < self->shards->count; i++)
        if (self->shards->list[i].number == list.partition) self->done[i] = true;
}

static const venue_shard *unanswered(const directory_search *self) {
    for (uint32_t i = 0; i < self->shards->count; i++)
        if (self->shards->list[i].runs && !self->done[i]) return &self->shards->list[i];
    return NULL;
}

static bool all_listed(void *context) {
    const directory_search *self = context;
    return self->nobody || self->no_memory || unanswered(self) == NULL ||
           venue_request_refusal(&self->request) != NULL;
}

static int by_symbol(const void *a, const void *b) {
    const venue_entry *left = a, *right = b;
    int order = strcmp(left->symbol, right->symbol);
    if (order != 0) return order;
    return left->shard < right->shard ? -1 : left->shard > right->shard;
}

static tw_code judge(const directory_search *self, const char *mic, tw_error *error) {
    if (self->no_memory) return tw_error_set(error, TW_NO_MEMORY, "no memory for the directory");
    if (self->nobody)
        return tw_error_set(error, TW_AWAY,
                            "nobody answers for the instruments of %s: is its tickwire-matcher running?", mic);
    const venue_shard *silent = unanswered(self);
    if (silent == NULL) return TW_OK;
    if (venue_request_refusal(&self->request) != NULL)
        return tw_error_set(error, TW_UNSUPPORTED, "the NATS server does not let this user ask for instruments: %s",
                            venue_request_refusal(&self->request));
    return tw_error_set(error, TW_AWAY, "shard %" PRIu32 " of %s does not tell its instruments", silent->number,
                        mic);
}

tw_code venue_directory_read(venue_link *link, const char *mic, const venue_shards *shards, int64_t timeout_ns,
                             venue_directory *directory, tw_error *error) {
    directory_search *self = calloc(1, sizeof *self);
    char subject[SUBJECT_BYTES];
    *directory = (venue_directory){0};
    if (self == NULL || !wire_arena_init(&self->arena, ARENA_BYTES)) {
        free(self);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for the directory");
    }
    self->directory = directory;
    self->shards = shards;
    subject_instruments(subject, sizeof subject, mic);
    tw_code code = TW_OK;
    if (unanswered(self) != NULL) {
        code = venue_request_start(&self->request, link, subject, NULL, 0, on_list, self, error);
        if (code == TW_OK) {
            venue_link_wait(link, all_listed, self, rt_clock_monotonic_ns() + timeout_ns);
            venue_request_end(&self->request);
            code = judge(self, mic, error);
        }
    }
    if (directory->count > 0) qsort(directory->entries, directory->count, sizeof *directory->entries, by_symbol);
    wire_arena_fini(&self->arena);
    free(self);
    return code;
}

const venue_entry *venue_directory_find(const venue_directory *directory, const char *symbol) {
    const venue_entry *found = NULL;
    for (size_t i = 0; i < directory->count; i++) {
        const venue_entry *entry = &directory->entries[i];
        if (strcmp(entry->symbol, symbol) != 0) continue;
        if (found == NULL || found->trading == TW_TRADING_CLOSED) found = entry;
    }
    return found;
}

const venue_entry *venue_directory_elsewhere(const venue_directory *directory, const char *symbol, uint32_t shard) {
    for (size_t i = 0; i < directory->count; i++)
        if (directory->entries[i].shard != shard && strcmp(directory->entries[i].symbol, symbol) == 0)
            return &directory->entries[i];
    return NULL;
}

const char *venue_directory_nearest(const venue_directory *directory, const char *symbol) {
    const char *nearest = NULL;
    size_t best = NEAR_DISTANCE;
    for (size_t i = 0; i < directory->count; i++) {
        size_t distance = tw_text_distance(symbol, directory->entries[i].symbol, best);
        if (distance >= best) continue;
        best = distance;
        nearest = directory->entries[i].symbol;
    }
    return nearest;
}

void venue_directory_fini(venue_directory *directory) {
    free(directory->entries);
    *directory = (venue_directory){0};
}
