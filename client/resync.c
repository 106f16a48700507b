/* The list of snapshot requests. What a snapshot does to a book is the receiver's business. */
#include "client/resync.h"

#include <string.h>

#include "base/text.h"

#define NS_PER_MS INT64_C(1000000)

void resync_init(resync_queue *queue, int64_t timeout_ns, uint64_t seed, resync_send send, void *context) {
    memset(queue, 0, sizeof *queue);
    queue->timeout_ns = timeout_ns;
    queue->send = send;
    queue->context = context;
    tw_random_seed(&queue->random, seed);
}

static bool is_key(const resync_key *key, const char *exchange, const char *symbol, subject_channel channel) {
    return key->channel == channel && strcmp(key->symbol, symbol) == 0 && strcmp(key->exchange, exchange) == 0;
}

static resync_job *find_job(resync_queue *queue, const char *exchange, const char *symbol,
                            subject_channel channel) {
    for (size_t i = 0; i < RESYNC_JOBS; i++) {
        resync_job *job = &queue->jobs[i];
        if (job->state != RESYNC_FREE && is_key(&job->key, exchange, symbol, channel)) return job;
    }
    return NULL;
}

static void end_job(resync_queue *queue, resync_job *job) {
    if (job->state == RESYNC_ASKED) queue->outstanding--;
    job->state = RESYNC_FREE;
}

static void wait_until(resync_queue *queue, resync_job *job, int64_t due_ns) {
    if (job->state == RESYNC_ASKED) queue->outstanding--;
    job->state = RESYNC_WAITING;
    job->due_ns = due_ns;
}

/* `base_ns` and up to a half more. */
static int64_t spread(resync_queue *queue, int64_t base_ns) {
    return base_ns + (int64_t)tw_random_below(&queue->random, (uint64_t)(base_ns / 2) + 1);
}

static int64_t backoff(resync_queue *queue, uint32_t attempts) {
    uint32_t doublings = attempts > 2 ? 2 : attempts;
    return spread(queue, queue->timeout_ns << doublings);
}

static void add_job(resync_queue *queue, const char *exchange, const char *symbol, subject_channel channel,
                    int64_t due_ns) {
    for (size_t i = 0; i < RESYNC_JOBS; i++) {
        resync_job *job = &queue->jobs[i];
        if (job->state != RESYNC_FREE) continue;
        *job = (resync_job){.state = RESYNC_WAITING, .due_ns = due_ns, .key.channel = channel};
        tw_text_copy(job->key.exchange, sizeof job->key.exchange, exchange);
        tw_text_copy(job->key.symbol, sizeof job->key.symbol, symbol);
        return;
    }
    queue->refused++;
}

static bool is_single_of(const resync_job *job, const char *exchange, subject_channel channel) {
    return job->state != RESYNC_FREE && job->key.symbol[0] != '\0' && job->key.channel == channel &&
           strcmp(job->key.exchange, exchange) == 0;
}

void resync_want(resync_queue *queue, const char *exchange, const char *symbol, subject_channel channel, bool again,
                 int64_t now_ns) {
    if (find_job(queue, exchange, "", channel) != NULL) return;
    if (find_job(queue, exchange, symbol, channel) != NULL) return;
    uint32_t singles = 0;
    for (size_t i = 0; i < RESYNC_JOBS; i++)
        singles += is_single_of(&queue->jobs[i], exchange, channel);
    if (singles >= RESYNC_BULK_FROM)
        resync_want_all(queue, exchange, channel, now_ns);
    else
        add_job(queue, exchange, symbol, channel, again ? now_ns + spread(queue, queue->timeout_ns / 8) : now_ns);
}

void resync_want_all(resync_queue *queue, const char *exchange, subject_channel channel, int64_t now_ns) {
    if (find_job(queue, exchange, "", channel) != NULL) return;
    for (size_t i = 0; i < RESYNC_JOBS; i++)
        if (is_single_of(&queue->jobs[i], exchange, channel)) end_job(queue, &queue->jobs[i]);
    add_job(queue, exchange, "", channel, now_ns);
}

void resync_forget(resync_queue *queue, const char *exchange, const char *symbol, subject_channel channel) {
    resync_job *job = find_job(queue, exchange, symbol, channel);
    if (job != NULL && job->state == RESYNC_WAITING) end_job(queue, job);
}

static void ask(resync_queue *queue, resync_job *job, int64_t now_ns) {
    if (!queue->send(queue->context, &job->key, ++queue->last_id)) {
        job->due_ns = now_ns + spread(queue, queue->timeout_ns / 4);
        return;
    }
    job->state = RESYNC_ASKED;
    job->id = queue->last_id;
    job->due_ns = now_ns + backoff(queue, job->attempts++);
    queue->outstanding++;
    queue->requested++;
}

void resync_tick(resync_queue *queue, int64_t now_ns) {
    for (size_t i = 0; i < RESYNC_JOBS; i++) {
        resync_job *job = &queue->jobs[i];
        if (job->state == RESYNC_FREE || job->due_ns > now_ns) continue;
        if (job->state == RESYNC_ASKED) wait_until(queue, job, now_ns);
        if (now_ns >= queue->not_before_ns && queue->outstanding < RESYNC_OUTSTANDING) ask(queue, job, now_ns);
    }
}

bool resync_reply(resync_queue *queue, uint64_t id, const wire_snapshot_reply *reply, int64_t now_ns,
                  resync_key *key) {
    resync_job *job = NULL;
    for (size_t i = 0; i < RESYNC_JOBS && job == NULL; i++)
        if (queue->jobs[i].state == RESYNC_ASKED && queue->jobs[i].id == id) job = &queue->jobs[i];
    if (job == NULL) return false; /* the answer to a request that was repeated since */
    if (reply == NULL) {
        wait_until(queue, job, now_ns + backoff(queue, job->attempts));
        return false;
    }
    if (reply->code == WIRE_REPLY_BUSY) {
        int64_t pause_ns = reply->retry_after_ms * NS_PER_MS;
        wait_until(queue, job, now_ns + spread(queue, pause_ns > 0 ? pause_ns : queue->timeout_ns / 4));
        return false;
    }
    bool single = job->key.symbol[0] != '\0';
    if (reply->code == WIRE_REPLY_OK && !single && !reply->last) { /* more is coming */
        job->due_ns = now_ns + 2 * queue->timeout_ns;
        return false;
    }
    *key = job->key;
    end_job(queue, job);
    return true;
}

void resync_hurry(resync_queue *queue, const char *exchange, int64_t now_ns) {
    for (size_t i = 0; i < RESYNC_JOBS; i++) {
        resync_job *job = &queue->jobs[i];
        if (job->state == RESYNC_WAITING && job->due_ns > now_ns && strcmp(job->key.exchange, exchange) == 0)
            job->due_ns = now_ns;
    }
}

void resync_restart(resync_queue *queue, int64_t now_ns) {
    for (size_t i = 0; i < RESYNC_JOBS; i++)
        if (queue->jobs[i].state == RESYNC_ASKED) wait_until(queue, &queue->jobs[i], now_ns);
    queue->not_before_ns = now_ns + queue->timeout_ns;
}

int64_t resync_spread(resync_queue *queue) {
    return (int64_t)tw_random_below(&queue->random, (uint64_t)(queue->timeout_ns / 4) + 1);
}

void resync_release(resync_queue *queue, int64_t now_ns) {
    int64_t from_ns = now_ns + resync_spread(queue);
    if (from_ns < queue->not_before_ns) queue->not_before_ns = from_ns;
}
