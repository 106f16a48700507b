/* Questions to Redis by their number, the oldest first. */
#include "gateways/last_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/clock.h"
#include "runtime/redis_asker.h"

#define NS_PER_MS     INT64_C(1000000)
#define LEAST_TIMEOUT (1000 * NS_PER_MS) /* without any answer: the connection is given up, and looked for anew */
#define DEADLINES     2                  /* ... or so many deadlines, whichever is longer */
#define KEY_BYTES     (sizeof "tw:last:" + TW_MIC_BYTES + TW_SYMBOL_BYTES)

typedef struct store_slot {
    void *question; /* NULL: none, or it was answered */
    uint64_t number;
    int64_t due_ns; /* monotonic */
} store_slot;

struct last_store {
    redis_asker asker;
    int64_t deadline_ns;
    last_store_on_answer on_answer;
    void *context;
    rt_log *log;
    rt_log_site unfit_site;
    uint64_t next, oldest; /* numbers: [oldest, next) may wait */
    last_store_stats stats;
    store_slot slots[LAST_STORE_MOST];
};

static void answer(last_store *self, store_slot *slot, const last_shown *row) {
    void *question = slot->question;
    slot->question = NULL;
    self->on_answer(self->context, question, row);
}

/* ---- the deadline ---- */

static void pass_over_answered(last_store *self) {
    while (self->oldest < self->next && self->slots[self->oldest % LAST_STORE_MOST].question == NULL)
        self->oldest++;
}

static void wait_for_oldest(last_store *self) {
    pass_over_answered(self);
    if (self->oldest == self->next) return;
    redis_asker_wait(&self->asker, self->slots[self->oldest % LAST_STORE_MOST].due_ns);
}

static void on_due(void *context, int64_t now_ns) {
    last_store *self = context;
    for (pass_over_answered(self); self->oldest < self->next; pass_over_answered(self)) {
        store_slot *slot = &self->slots[self->oldest % LAST_STORE_MOST];
        if (slot->due_ns > now_ns) break;
        self->stats.late++;
        answer(self, slot, NULL);
    }
    wait_for_oldest(self);
}

/* ---- Redis ---- */

/* An array of names and values in turn. */
static bool read_row(const redis_reply *reply, last_shown *row) {
    for (size_t i = 0; i + 1 < reply->count; i += 2) {
        redis_reply name = redis_element(reply, i), value = redis_element(reply, i + 1);
        if (name.kind != REDIS_KIND_TEXT || value.kind != REDIS_KIND_TEXT ||
            !last_shown_take_field(row, name.text, value.text))
            return false;
    }
    return last_shown_is_row(row);
}

static const last_shown *judge(last_store *self, const redis_reply *reply, last_shown *row) {
    if (reply->kind == REDIS_KIND_LOST) return NULL;
    if (reply->kind == REDIS_KIND_ARRAY && reply->count == 0) {
        self->stats.missing++;
        return NULL;
    }
    if (reply->kind == REDIS_KIND_ARRAY && read_row(reply, row)) {
        self->stats.found++;
        return row;
    }
    self->stats.unfit++;
    rt_log_limited(self->log, &self->unfit_site, RT_WARN, "Redis holds a last value that is none",
                   RT_STR("reply", reply->kind == REDIS_KIND_ERROR ? reply->text : "a row of another form"));
    return NULL;
}

static void on_reply(void *context, uint64_t number, const redis_reply *reply) {
    last_store *self = context;
    store_slot *slot = &self->slots[number % LAST_STORE_MOST];
    if (slot->question == NULL || slot->number != number) return; /* too late */
    last_shown row;
    last_shown_start(&row, rt_clock_utc_ns());
    answer(self, slot, judge(self, reply, &row));
}

/* ---- asking ---- */

bool last_store_ask(last_store *self, const char *mic, const char *symbol, void *question) {
    if (self == NULL) return false;
    store_slot *slot = &self->slots[self->next % LAST_STORE_MOST];
    char key[KEY_BYTES];
    if (slot->question != NULL || !tw_text_format(key, sizeof key, "tw:last:%s:%s", mic, symbol)) {
        self->stats.not_asked++;
        return false;
    }
    const char *words[] = {"HGETALL", key};
    const size_t lengths[] = {strlen(words[0]), strlen(key)};
    if (redis_send(self->asker.redis, 2, words, lengths, self->next) != TW_OK) {
        self->stats.not_asked++;
        return false;
    }
    *slot = (store_slot){
        .question = question, .number = self->next++, .due_ns = rt_clock_monotonic_ns() + self->deadline_ns};
    if (!redis_asker_waits(&self->asker)) wait_for_oldest(self);
    return true;
}

void last_store_flush(last_store *self) {
    if (self != NULL) redis_flush(self->asker.redis);
}

/* ---- opening and closing ---- */

tw_code last_store_open(last_store **made, uv_loop_t *loop, const char *url, int64_t deadline_ns,
                        last_store_on_answer on_answer, void *context, rt_log *log, tw_error *error) {
    *made = NULL;
    if (url[0] == '\0') return TW_OK;
    last_store *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for questions to Redis");
    self->deadline_ns = deadline_ns;
    self->on_answer = on_answer;
    self->context = context;
    self->log = log;
    self->stats.configured = true;
    int64_t timeout_ns = DEADLINES * deadline_ns;
    const redis_asker_options options = {.url = url,
                                         .name = "tickwire-gateway",
                                         .max_outstanding = LAST_STORE_MOST,
                                         .timeout_ns = timeout_ns > LEAST_TIMEOUT ? timeout_ns : LEAST_TIMEOUT,
                                         .ready = "Redis is ready",
                                         .away = "Redis is not ready: last values come from elsewhere",
                                         .on_reply = on_reply,
                                         .on_due = on_due,
                                         .context = self,
                                         .log = log};
    tw_code code = redis_asker_open(&self->asker, loop, &options, error);
    if (code != TW_OK) {
        free(self);
        return code;
    }
    *made = self;
    return TW_OK;
}

void last_store_close(last_store *self) {
    if (self == NULL) return;
    redis_asker_close(&self->asker, self); /* tells what is outstanding as lost */
    for (pass_over_answered(self); self->oldest < self->next; pass_over_answered(self))
        answer(self, &self->slots[self->oldest % LAST_STORE_MOST], NULL);
}

last_store_stats last_store_read_stats(const last_store *self) {
    if (self == NULL) return (last_store_stats){0};
    last_store_stats stats = self->stats;
    stats.state = redis_read_state(self->asker.redis);
    stats.redis = redis_read_stats(self->asker.redis);
    return stats;
}
