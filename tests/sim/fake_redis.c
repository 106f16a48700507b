/*
 * runtime/redis.h in the simulated world: one Redis for all, which knows the one script that order entry runs. It may be away for a while, and
 * then what was asked is lost, as with a connection that breaks.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "runtime/redis.h"
#include "tests/sim/fake.h"

enum { USERS = 8, SLOT_MS = 50, SLOTS = 21 };

typedef struct window {
    char key[96];
    int64_t slots[SLOTS]; /* which 50 ms */
    uint32_t counts[SLOTS];
} window;

struct redis {
    server_host *host;
    redis_options options;
    bool ready, closed;
    uint32_t outstanding;
    window windows[USERS];
};

typedef struct asked {
    uint64_t tag;
    redis_kind kind; /* of the answer: a text, an array */
    int64_t numbers[2];
} asked;

static world *world_of(const redis *r) {
    return r->host->server->world;
}

static bool is_away(const redis *r) {
    return r->host->server->redis_away_until_ns > world_now(world_of(r));
}

redis_reply redis_element(const redis_reply *array, size_t index) {
    const int64_t *numbers = array->elements;
    return (redis_reply){.kind = REDIS_KIND_INTEGER, .integer = numbers[index], .text = ""};
}

const char *redis_state_name(redis_state state) {
    return state == REDIS_READY ? "READY" : "AWAY";
}

static void try_again(void *context, void *data, size_t length) {
    redis *r = context;
    (void)data, (void)length;
    if (r->closed || r->ready) return;
    if (is_away(r)) {
        world_after(world_of(r), r->host->process, 200 * WORLD_MILLISECOND, try_again, r);
        return;
    }
    r->ready = true;
    r->options.on_state(r->options.context, REDIS_READY, "");
}

tw_code redis_open(redis **opened, uv_loop_t *loop, const redis_options *options, tw_error *error) {
    server_host *host = fake_host(loop);
    (void)error;
    redis *r = world_keep(host->server->world, sizeof *r);
    *r = (redis){.host = host, .options = *options};
    world_after(host->server->world, host->process, WORLD_MILLISECOND, try_again, r);
    *opened = r;
    return TW_OK;
}

void redis_close(redis *r) {
    if (r != NULL) r->closed = true;
}

static void answer(void *context, void *data, size_t length) {
    redis *r = context;
    const asked *a = data;
    (void)length;
    if (r->closed) return;
    r->outstanding--;
    redis_reply reply = {
        .kind = a->kind, .text = "0123456789abcdef", .length = 16, .count = 2, .elements = a->numbers};
    if (a->kind == REDIS_KIND_ARRAY) reply.text = "";
    if (is_away(r)) reply = (redis_reply){.kind = REDIS_KIND_LOST, .text = ""};
    r->options.on_reply(r->options.context, a->tag, &reply);
    if (!is_away(r) || !r->ready) return;
    r->ready = false;
    r->options.on_state(r->options.context, REDIS_AWAY, "broken");
    world_after(world_of(r), r->host->process, 200 * WORLD_MILLISECOND, try_again, r);
}

static window *window_of(redis *r, const char *key) {
    uint32_t i = 0;
    while (r->windows[i].key[0] != '\0' && strcmp(r->windows[i].key, key) != 0)
        TW_ASSERT(++i < USERS);
    (void)tw_text_copy(r->windows[i].key, sizeof r->windows[i].key, key);
    return &r->windows[i];
}

/* May one more of so many a second? */
static void count(redis *r, const char *key, uint64_t rate, int64_t numbers[2]) {
    window *w = window_of(r, key);
    int64_t slot = world_now(world_of(r)) / (SLOT_MS * WORLD_MILLISECOND);
    uint64_t sum = 0;
    for (int i = 0; i < SLOTS; i++)
        if (w->slots[i] > slot - SLOTS) sum += w->counts[i];
    numbers[0] = sum < rate;
    numbers[1] = sum < rate ? 0 : SLOT_MS;
    if (sum >= rate) return;
    uint32_t at = (uint32_t)(slot % SLOTS);
    if (w->slots[at] != slot) w->counts[at] = 0;
    w->slots[at] = slot;
    w->counts[at]++;
}

tw_code redis_send(redis *r, size_t words, const char *const *word, const size_t *lengths, uint64_t tag) {
    asked a = {.tag = tag, .kind = REDIS_KIND_TEXT};
    uint64_t rate = 0;
    (void)lengths;
    if (!r->ready) return TW_AWAY;
    if (words == 5 && tw_text_to_u64(word[4], &rate)) {
        a.kind = REDIS_KIND_ARRAY;
        count(r, word[3], rate, a.numbers);
    }
    r->outstanding++;
    world_at(world_of(r), r->host->process,
             world_now(world_of(r)) + world_delay(world_of(r), 200 * WORLD_MICROSECOND), answer, r, &a, sizeof a);
    return TW_OK;
}

void redis_flush(redis *r) {
    (void)r;
}
redis_state redis_read_state(const redis *r) {
    return r->ready ? REDIS_READY : REDIS_AWAY;
}
uint32_t redis_outstanding(const redis *r) {
    return r->outstanding;
}
const char *redis_where(const redis *r) {
    (void)r;
    return "redis://simulated";
}
