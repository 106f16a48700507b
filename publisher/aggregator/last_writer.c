/* Batches of Redis commands, and what their answers mean. */
#include "publisher/aggregator/last_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "base/text.h"

#define ERROR_BYTES 160
#define NS_PER_MS   INT64_C(1000000)
#define FLUSH_EVERY 4u /* batches: Redis works on the first while the next ones are made */

/* A tag: which batch, and what the reply is to. */
#define TAG(batch, what) ((uint64_t)(batch) << 8 | (what))
#define WHAT_QUEUED      254u /* MULTI, or a command within: "QUEUED" unless something is wrong */
#define WHAT_EXEC        255u
/* below LAST_BATCH: the PEXPIRE of that item; from WHAT_LOOK on: the look at it */
#define WHAT_LOOK LAST_BATCH

typedef struct batch_item {
    uint32_t entry;
    uint32_t commands;   /* in the transaction */
    tw_book_state state; /* of a re-armed one: what it should say */
    uint64_t seq;
    char key[LAST_KEY_BYTES];
} batch_item;

typedef struct batch {
    uint32_t count;
    uint32_t answered;       /* of a batch of PEXPIREs */
    char error[ERROR_BYTES]; /* the first thing that was wrong while queueing: EXEC only says that something was */
    batch_item items[LAST_BATCH];
} batch;

struct last_writer {
    last_values *values;
    tw_pool places;
    batch *batches;
    char expiry_ms[24];
    size_t expiry_length;
    last_on_trouble on_trouble;
    void *context;
    last_writer_stats stats;
    tw_histogram waits;
    char json[LAST_JSON_BYTES];
};

tw_code last_writer_alloc(last_writer **writer, last_values *values, int64_t expiry_ns, uint32_t max_batches,
                          last_on_trouble on_trouble, void *context, tw_error *error) {
    *writer = NULL;
    last_writer *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the Redis writer");
    self->values = values;
    self->on_trouble = on_trouble;
    self->context = context;
    tw_text_format(self->expiry_ms, sizeof self->expiry_ms, "%lld", (long long)(expiry_ns / NS_PER_MS));
    self->expiry_length = strlen(self->expiry_ms);
    self->batches = calloc(max_batches, sizeof *self->batches);
    if (self->batches == NULL || !tw_pool_init(&self->places, max_batches)) {
        last_writer_free(self);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for %u batches to Redis", max_batches);
    }
    *writer = self;
    return TW_OK;
}

void last_writer_free(last_writer *self) {
    if (self == NULL) return;
    tw_pool_fini(&self->places);
    free(self->batches);
    free(self);
}

/* ---- sending ---- */

/* Words of one command. */
typedef struct command {
    size_t count;
    const char *words[2 + 2 * LAST_FIELDS];
    size_t lengths[2 + 2 * LAST_FIELDS];
} command;

static void put(command *c, const char *word, size_t length) {
    c->words[c->count] = word;
    c->lengths[c->count++] = length;
}

static void start(command *c, const char *name, const char *key) {
    c->count = 0;
    put(c, name, strlen(name));
    if (key != NULL) put(c, key, strlen(key));
}

static void send_queued(redis *store, const command *c, uint32_t place) {
    redis_send(store, c->count, c->words, c->lengths, TAG(place, WHAT_QUEUED));
}

static void send_hset(redis *store, uint32_t place, const last_write *write) {
    command c;
    start(&c, "HSET", write->key);
    for (unsigned i = 0; i < LAST_FIELDS; i++) {
        if ((write->row.present & 1u << i) == 0) continue;
        const char *name = last_field_name((last_field)i);
        put(&c, name, strlen(name));
        put(&c, write->row.text[i], write->row.length[i]);
    }
    send_queued(store, &c, place);
}

/* HDEL of the fields that are absent, or DEL of the whole key. */
static void send_removal(redis *store, const char *name, uint32_t place, const last_write *write) {
    command c;
    start(&c, name, write->key);
    for (unsigned i = 0; i < LAST_FIELDS && name[0] == 'H'; i++) {
        const char *field = last_field_name((last_field)i);
        if ((write->removed & 1u << i) != 0) put(&c, field, strlen(field));
    }
    send_queued(store, &c, place);
}

static void send_expiry(redis *store, uint32_t place, const last_write *write) {
    command c;
    char ttl[24];
    tw_text_format(ttl, sizeof ttl, "%lld", (long long)write->ttl_ms);
    start(&c, "PEXPIRE", write->key);
    put(&c, ttl, strlen(ttl));
    send_queued(store, &c, place);
}

static void send_news(last_writer *self, redis *store, uint32_t place, const last_write *write) {
    command c;
    size_t length = last_row_json(&write->row, self->json, sizeof self->json);
    start(&c, "PUBLISH", write->key);
    put(&c, self->json, length);
    send_queued(store, &c, place);
}

static void add_row(last_writer *self, redis *store, uint32_t place, const last_write *write) {
    batch *b = &self->batches[place];
    batch_item *item = &b->items[b->count++];
    item->entry = write->entry;
    item->commands = 3;
    tw_text_copy(item->key, sizeof item->key, write->key);
    if (write->replace) {
        send_removal(store, "DEL", place, write);
        item->commands++;
    }
    send_hset(store, place, write);
    if (write->removed != 0) {
        send_removal(store, "HDEL", place, write);
        item->commands++;
    }
    send_expiry(store, place, write);
    send_news(self, store, place, write);
    tw_histogram_record(&self->waits, write->waited_ns);
}

/* A place for a batch whose replies there is room for; TW_POOL_NONE. */
static uint32_t take_place(last_writer *self, const redis *store) {
    if (redis_room(store) < LAST_BATCH_REPLIES) return TW_POOL_NONE;
    uint32_t place = tw_pool_take(&self->places);
    if (place == TW_POOL_NONE) return place;
    batch *b = &self->batches[place];
    b->count = b->answered = 0;
    b->error[0] = '\0';
    return place;
}

static void close_batch(last_writer *self, uint32_t place) {
    self->stats.batches++;
    self->stats.under_way += self->batches[place].count;
}

static void send_word(redis *store, const char *word, uint64_t tag) {
    size_t length = strlen(word);
    redis_send(store, 1, &word, &length, tag);
}

/* One transaction of what waits. False: nothing does. */
static bool send_batch(last_writer *self, redis *store, uint32_t place, int64_t now_ns) {
    batch *b = &self->batches[place];
    last_write write;
    while (b->count < LAST_BATCH && last_values_next(self->values, now_ns, &write)) {
        if (b->count == 0) send_word(store, "MULTI", TAG(place, WHAT_QUEUED));
        add_row(self, store, place, &write);
    }
    if (b->count > 0) send_word(store, "EXEC", TAG(place, WHAT_EXEC));
    return b->count > 0;
}

static uint32_t send_rows(last_writer *self, redis *store, int64_t now_ns) {
    uint32_t sent = 0, batches = 0;
    while (last_values_waiting(self->values) > 0) {
        uint32_t place = take_place(self, store);
        if (place == TW_POOL_NONE) {
            self->stats.full_rounds++;
            break;
        }
        if (send_batch(self, store, place, now_ns))
            close_batch(self, place);
        else
            tw_pool_give(&self->places, place);
        sent += self->batches[place].count;
        if (++batches % FLUSH_EVERY == 0) redis_flush(store);
    }
    return sent;
}

static void add_rearming(last_writer *self, redis *store, uint32_t place, uint32_t entry, const char *key) {
    batch *b = &self->batches[place];
    batch_item *item = &b->items[b->count];
    command c;
    item->entry = entry;
    last_values_written(self->values, entry, &item->state, &item->seq);
    tw_text_copy(item->key, sizeof item->key, key);
    start(&c, "PEXPIRE", key);
    put(&c, self->expiry_ms, self->expiry_length);
    redis_send(store, c.count, c.words, c.lengths, TAG(place, b->count));
    start(&c, "HMGET", key);
    put(&c, "state", 5);
    put(&c, "seq", 3);
    redis_send(store, c.count, c.words, c.lengths, TAG(place, WHAT_LOOK + b->count));
    b->count++;
}

static void send_rearming(last_writer *self, redis *store, int64_t now_ns) {
    const char *key = "";
    while (key != NULL) {
        uint32_t place = take_place(self, store), entry = 0;
        if (place == TW_POOL_NONE) return;
        batch *b = &self->batches[place];
        while (b->count < LAST_BATCH && (key = last_values_due(self->values, now_ns, &entry)) != NULL)
            add_rearming(self, store, place, entry, key);
        if (b->count == 0) {
            tw_pool_give(&self->places, place);
            return;
        }
        close_batch(self, place);
    }
}

uint32_t last_writer_round(last_writer *self, redis *store, int64_t now_ns) {
    if (redis_read_state(store) != REDIS_READY) return 0;
    uint32_t sent = send_rows(self, store, now_ns);
    redis_flush(store);
    return sent;
}

void last_writer_rearm(last_writer *self, redis *store, int64_t now_ns) {
    if (redis_read_state(store) != REDIS_READY) return;
    send_rearming(self, store, now_ns);
    redis_flush(store);
}

bool last_writer_idle(const last_writer *self) {
    return self->stats.under_way == 0 && last_values_waiting(self->values) == 0;
}

void last_writer_connected(last_writer *self, int64_t now_ns) {
    tw_pool_clear(&self->places);
    self->stats.under_way = 0;
    last_values_rewrite(self->values, now_ns);
}

/* ---- answers ---- */

static redis_trouble note_trouble(last_writer *self, const char *key, const char *text) {
    redis_trouble trouble = redis_trouble_of(text);
    self->stats.troubles[trouble]++;
    self->on_trouble(self->context, trouble, key, text);
    return trouble;
}

static void end_batch(last_writer *self, uint32_t place) {
    self->stats.under_way -= self->batches[place].count;
    tw_pool_give(&self->places, place);
}

/* The whole transaction was thrown away. */
static void refuse_all(last_writer *self, const batch *b, const char *text) {
    note_trouble(self, "", text);
    self->stats.refused += b->count;
    for (uint32_t i = 0; i < b->count; i++)
        last_values_refused(self->values, b->items[i].entry, false);
}

/* The answers of one row, `from` on; its first error, or NULL. */
static bool row_is_fine(const redis_reply *reply, size_t from, size_t count, redis_reply *error) {
    for (size_t i = from; i < from + count && i < reply->count; i++) {
        *error = redis_element(reply, i);
        if (error->kind == REDIS_KIND_ERROR) return false;
    }
    return true;
}

static void take_results(last_writer *self, const batch *b, const redis_reply *reply) {
    size_t at = 0;
    redis_reply error = {0};
    for (uint32_t i = 0; i < b->count; at += b->items[i++].commands) {
        if (row_is_fine(reply, at, b->items[i].commands, &error)) {
            self->stats.writes++;
            continue;
        }
        redis_trouble trouble = note_trouble(self, b->items[i].key, error.text);
        self->stats.refused++;
        last_values_refused(self->values, b->items[i].entry, trouble == REDIS_TROUBLE_WRONG_TYPE);
    }
}

static void on_exec(last_writer *self, uint32_t place, const redis_reply *reply) {
    batch *b = &self->batches[place];
    if (reply->kind == REDIS_KIND_LOST)
        self->stats.lost += b->count; /* all is written again when the connection is back */
    else if (reply->kind == REDIS_KIND_ARRAY)
        take_results(self, b, reply);
    else
        refuse_all(self, b, b->error[0] != '\0' ? b->error : reply->text);
    end_batch(self, place);
}

static void on_rearmed(last_writer *self, const batch_item *item, const redis_reply *reply) {
    if (reply->kind == REDIS_KIND_INTEGER)
        self->stats.rearmed += reply->integer == 1; /* 0: the look finds nothing */
    if (reply->kind != REDIS_KIND_ERROR) return;
    note_trouble(self, item->key, reply->text);
    last_values_refused(self->values, item->entry, false);
}

static bool says_what_was_written(const batch_item *item, const redis_reply *reply) {
    if (reply->count != 2) return false;
    redis_reply state = redis_element(reply, 0), seq = redis_element(reply, 1);
    uint64_t number = 0;
    return strcmp(state.text, tw_book_state_name(item->state)) == 0 && tw_text_to_u64(seq.text, &number) &&
           number == item->seq;
}

static void on_look(last_writer *self, const batch_item *item, const redis_reply *reply, int64_t now_ns) {
    if (reply->kind == REDIS_KIND_ERROR) {
        redis_trouble trouble = note_trouble(self, item->key, reply->text);
        last_values_refused(self->values, item->entry, trouble == REDIS_TROUBLE_WRONG_TYPE);
    } else if (reply->kind == REDIS_KIND_ARRAY && !says_what_was_written(item, reply)) {
        self->stats.gone++;
        last_values_gone(self->values, item->entry, now_ns);
    }
}

/* Of a batch of re-armed keys: two answers a key. */
static void on_rearming(last_writer *self, uint32_t place, uint32_t what, const redis_reply *reply,
                        int64_t now_ns) {
    batch *b = &self->batches[place];
    if (what < WHAT_LOOK)
        on_rearmed(self, &b->items[what], reply);
    else
        on_look(self, &b->items[what - WHAT_LOOK], reply, now_ns);
    if (++b->answered == 2 * b->count) end_batch(self, place);
}

void last_writer_reply(last_writer *self, uint64_t tag, const redis_reply *reply, int64_t now_ns) {
    uint32_t place = (uint32_t)(tag >> 8), what = (uint32_t)(tag & 0xff);
    batch *b = &self->batches[place];
    if (what == WHAT_EXEC)
        on_exec(self, place, reply);
    else if (what != WHAT_QUEUED)
        on_rearming(self, place, what, reply, now_ns);
    else if (reply->kind == REDIS_KIND_ERROR && b->error[0] == '\0')
        tw_text_copy(b->error, sizeof b->error, reply->text);
}

last_writer_stats last_writer_read_stats(const last_writer *self) {
    return self->stats;
}

const tw_histogram *last_writer_waits(const last_writer *self) {
    return &self->waits;
}
