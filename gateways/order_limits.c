/*
 * The window is a hash of counts by slots of 50 ms. A slot that is partly out of the window counts as a whole, so never more than the rate
 * passes in any second, and at most a twentieth less than it.
 *
 * Questions wait in a ring, by number; verdicts are told from its head on, so they are in the order of the questions.
 */
#include "gateways/order_limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/text.h"
#include "runtime/clock.h"
#include "runtime/redis_asker.h"

#define KEY       "tw:orders:rate:"
#define KEY_BYTES 320u
#define USERS     4096u /* buckets of users by hash: who shares one waits for nothing but order */
#define SHA_BYTES 41u
#define LOAD_TAG  UINT64_MAX

/* KEYS[1]: the user's window; ARGV[1]: the rate. Returns {1, 0}, or {0, milliseconds until a slot leaves the window}. */
static const char script[] =
    "local t = redis.call('TIME') "
    "local now = t[1] * 1000 + math.floor(t[2] / 1000) "
    "local slot = math.floor(now / 50) "
    "local all = redis.call('HGETALL', KEYS[1]) "
    "local sum, oldest = 0, slot "
    "for i = 1, #all, 2 do "
    "  local s = tonumber(all[i]) "
    "  if s < slot - 20 or s > slot + 20 then redis.call('HDEL', KEYS[1], all[i]) "
    "  else sum = sum + tonumber(all[i + 1]); if s < oldest then oldest = s end end "
    "end "
    "if sum >= tonumber(ARGV[1]) then return {0, math.max(1, (oldest + 21) * 50 - now)} end "
    "redis.call('HINCRBY', KEYS[1], string.format('%.0f', slot), 1) "
    "redis.call('PEXPIRE', KEYS[1], 2000) "
    "return {1, 0}";

typedef struct limit_slot {
    void *question; /* NULL: told */
    const char *user;
    uint32_t rate, bucket, retry_ms;
    bool decided;
    order_verdict verdict;
    int64_t due_ns; /* monotonic */
} limit_slot;

struct order_limits {
    redis_asker asker;
    int64_t deadline_ns;
    order_on_verdict on_verdict;
    void *context;
    rt_log *log;
    rt_log_site script_site;
    char sha[SHA_BYTES]; /* "": not loaded */
    uint64_t next, oldest;
    uint32_t waiting_of[USERS]; /* questions under way, by bucket */
    order_limits_stats stats;
    bool telling, closing;
    limit_slot slots[ORDER_LIMITS_MOST];
};

/* ---- telling ---- */

static void wait_for_oldest(order_limits *self) {
    if (self->closing || self->oldest == self->next) return;
    redis_asker_wait(&self->asker, self->slots[self->oldest % ORDER_LIMITS_MOST].due_ns);
}

static void count(order_limits *self, order_verdict verdict) {
    self->stats.allowed += verdict == ORDER_ALLOWED;
    self->stats.limited += verdict == ORDER_LIMITED;
    self->stats.unknown += verdict == ORDER_LIMITS_UNKNOWN;
}

/* All at the head that are decided. Who is told may ask again. */
static void tell_decided(order_limits *self) {
    if (self->telling) return;
    self->telling = true;
    while (self->oldest < self->next && self->slots[self->oldest % ORDER_LIMITS_MOST].decided) {
        limit_slot slot = self->slots[self->oldest++ % ORDER_LIMITS_MOST];
        self->waiting_of[slot.bucket]--;
        if (slot.rate > 0) count(self, slot.verdict);
        self->on_verdict(self->context, slot.question, slot.verdict, slot.retry_ms);
    }
    self->telling = false;
}

static void decide(order_limits *self, uint64_t number, order_verdict verdict, uint32_t retry_ms) {
    limit_slot *slot = &self->slots[number % ORDER_LIMITS_MOST];
    slot->decided = true;
    slot->verdict = verdict;
    slot->retry_ms = retry_ms;
}

static void on_due(void *context, int64_t now_ns) {
    order_limits *self = context;
    for (uint64_t number = self->oldest; number < self->next; number++) {
        const limit_slot *slot = &self->slots[number % ORDER_LIMITS_MOST];
        if (slot->due_ns > now_ns) break;
        if (slot->decided) continue;
        self->stats.late++;
        decide(self, number, ORDER_LIMITS_UNKNOWN, 0);
    }
    tell_decided(self);
    wait_for_oldest(self);
}

/* ---- Redis ---- */

static bool send_script(order_limits *self, uint64_t number, bool whole) {
    const limit_slot *slot = &self->slots[number % ORDER_LIMITS_MOST];
    char key[KEY_BYTES], rate[16];
    tw_text_format(key, sizeof key, KEY "%s", slot->user);
    tw_text_format(rate, sizeof rate, "%u", slot->rate);
    const char *words[] = {whole ? "EVAL" : "EVALSHA", whole ? script : self->sha, "1", key, rate};
    size_t lengths[5];
    for (int i = 0; i < 5; i++)
        lengths[i] = strlen(words[i]);
    return redis_send(self->asker.redis, 5, words, lengths, number) == TW_OK;
}

static void load_script(void *context) {
    order_limits *self = context;
    static const char *const words[] = {"SCRIPT", "LOAD", script};
    const size_t lengths[] = {6, 4, sizeof script - 1};
    self->sha[0] = '\0';
    redis_send(self->asker.redis, 3, words, lengths, LOAD_TAG);
    redis_flush(self->asker.redis);
}

static bool read_answer(const redis_reply *reply, order_verdict *verdict, uint32_t *retry_ms) {
    if (reply->kind != REDIS_KIND_ARRAY || reply->count != 2) return false;
    redis_reply allowed = redis_element(reply, 0), wait = redis_element(reply, 1);
    if (allowed.kind != REDIS_KIND_INTEGER || wait.kind != REDIS_KIND_INTEGER) return false;
    *verdict = allowed.integer == 1 ? ORDER_ALLOWED : ORDER_LIMITED;
    *retry_ms = wait.integer > 0 && wait.integer < 10000 ? (uint32_t)wait.integer : 0;
    return true;
}

static void on_reply(void *context, uint64_t number, const redis_reply *reply) {
    order_limits *self = context;
    order_verdict verdict = ORDER_LIMITS_UNKNOWN;
    uint32_t retry_ms = 0;
    if (number == LOAD_TAG) {
        if (reply->kind == REDIS_KIND_TEXT) tw_text_copy(self->sha, sizeof self->sha, reply->text);
        return;
    }
    if (number < self->oldest || self->slots[number % ORDER_LIMITS_MOST].decided) return; /* too late */
    bool forgotten = reply->kind == REDIS_KIND_ERROR && strncmp(reply->text, "NOSCRIPT", 8) == 0;
    if (forgotten) self->sha[0] = '\0';
    if (forgotten && send_script(self, number, true)) return;
    if (!read_answer(reply, &verdict, &retry_ms) && reply->kind == REDIS_KIND_ERROR)
        rt_log_limited(self->log, &self->script_site, RT_WARN, "Redis does not count orders: they are refused",
                       RT_STR("reply", reply->text));
    decide(self, number, verdict, retry_ms);
    tell_decided(self);
}

/* ---- asking ---- */

static limit_slot *take_slot(order_limits *self, const char *user, uint32_t rate, void *question) {
    limit_slot *slot = &self->slots[self->next % ORDER_LIMITS_MOST];
    *slot = (limit_slot){.question = question,
                         .user = user,
                         .rate = rate,
                         .bucket = tw_crc32c(0, user, strlen(user)) % USERS,
                         .due_ns = rt_clock_monotonic_ns() + self->deadline_ns};
    return slot;
}

static void keep_slot(order_limits *self, const limit_slot *slot) {
    self->waiting_of[slot->bucket]++;
    self->next++;
    if (!redis_asker_waits(&self->asker)) wait_for_oldest(self);
}

order_verdict order_limits_ask(order_limits *self, const char *user, uint32_t rate, void *question) {
    bool room = self->next - self->oldest < ORDER_LIMITS_MOST;
    const limit_slot *slot = room ? take_slot(self, user, rate, question) : NULL;
    if (!room || !send_script(self, self->next, self->sha[0] == '\0')) {
        self->stats.unknown++;
        return ORDER_LIMITS_UNKNOWN;
    }
    keep_slot(self, slot);
    return ORDER_VERDICT_LATER;
}

order_verdict order_limits_queue(order_limits *self, const char *user, void *question) {
    if (self->waiting_of[tw_crc32c(0, user, strlen(user)) % USERS] == 0) return ORDER_ALLOWED;
    if (self->next - self->oldest == ORDER_LIMITS_MOST)
        return ORDER_ALLOWED; /* a cancel is never held up for want of room */
    limit_slot *slot = take_slot(self, user, 0, question);
    slot->decided = true;
    slot->verdict = ORDER_ALLOWED;
    keep_slot(self, slot);
    return ORDER_VERDICT_LATER;
}

void order_limits_flush(order_limits *self) {
    redis_flush(self->asker.redis);
}

/* ---- opening and closing ---- */

tw_code order_limits_open(order_limits **made, uv_loop_t *loop, const char *url, int64_t deadline_ns,
                          order_on_verdict on_verdict, void *context, rt_log *log, tw_error *error) {
    *made = NULL;
    order_limits *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the rates of orders");
    self->deadline_ns = deadline_ns;
    self->on_verdict = on_verdict;
    self->context = context;
    self->log = log;
    self->stats.configured = true;
    const redis_asker_options options = {.url = url,
                                         .name = "tickwire-gateway-orders",
                                         .max_outstanding = 2 * ORDER_LIMITS_MOST,
                                         .timeout_ns = 2 * deadline_ns,
                                         .ready = "rates of orders are known",
                                         .away =
                                             "rates of orders are not known: new ones are refused, cancels are not",
                                         .on_reply = on_reply,
                                         .on_ready = load_script,
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

void order_limits_close(order_limits *self) {
    if (self == NULL) return;
    self->closing = true;
    redis_asker_close(&self->asker, self); /* tells what is outstanding as lost */
    for (uint64_t number = self->oldest; number < self->next; number++)
        if (!self->slots[number % ORDER_LIMITS_MOST].decided) decide(self, number, ORDER_LIMITS_UNKNOWN, 0);
    tell_decided(self);
}

order_limits_stats order_limits_read_stats(const order_limits *self) {
    if (self == NULL) return (order_limits_stats){0};
    order_limits_stats stats = self->stats;
    stats.state = redis_read_state(self->asker.redis);
    return stats;
}
