/*
 * Redis asked by somebody who can't wait for long: a connection of its own (redis.h), a timer for the oldest question, and a log that says
 * when there are answers and when there are none. Which questions there are, and what becomes of one that is late, is the owner's.
 */
#ifndef TICKWIRE_RUNTIME_REDIS_ASKER_H
#define TICKWIRE_RUNTIME_REDIS_ASKER_H

#include "runtime/log.h"
#include "runtime/redis.h"

typedef struct redis_asker_options {
    const char *url, *name; /* as redis_options, like the next two */
    uint32_t max_outstanding;
    int64_t timeout_ns;
    const char *ready, *away; /* what the log says of it: literals */
    redis_on_reply on_reply;
    void (*on_ready)(void *context);               /* before the log says so; may be NULL */
    void (*on_due)(void *context, int64_t now_ns); /* the time of redis_asker_wait has come */
    void *context;
    rt_log *log;
} redis_asker_options;

/* Within its owner's struct. */
typedef struct redis_asker {
    redis *redis; /* to send with */
    redis_state state;
    uv_timer_t timer;
    redis_asker_options options; /* of the texts, `ready` and `away` */
} redis_asker;

/* On zeroed memory. TW_INVALID and TW_UNSUPPORTED: the URL; then nothing is open. */
tw_code redis_asker_open(redis_asker *self, uv_loop_t *loop, const redis_asker_options *options, tw_error *error);
/* What is outstanding is told as LOST before it returns: to on_reply. on_due is not called any more. When the loop next runs, `owner`, which
 * malloc gave and the asker is in, is freed. */
void redis_asker_close(redis_asker *self, void *owner);

/* on_due is to be called at due_ns of the monotonic clock, instead of when it was to be called before. */
void redis_asker_wait(redis_asker *self, int64_t due_ns);
bool redis_asker_waits(const redis_asker *self);

#endif
