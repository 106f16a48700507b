/*
 * Last values in Redis, asked for with a deadline. Redis is a help, never a need: whoever asks is told in time that there
 * is nothing to be had, whatever Redis does, and asks elsewhere. The rows are `tickwire-aggregator`'s (docs/protocol.md).
 */
#ifndef TICKWIRE_GATEWAYS_LAST_STORE_H
#define TICKWIRE_GATEWAYS_LAST_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "gateways/last_shown.h"
#include "runtime/log.h"
#include "runtime/redis.h"

#define LAST_STORE_MOST 4096u /* questions under way; more are not asked */

typedef struct last_store last_store;

/* `row` is NULL where Redis has none, one that is not to be used, or did not say in time. Never called from within
 * last_store_ask. */
typedef void (*last_store_on_answer)(void *context, void *question, const last_shown *row);

/* TW_INVALID: the URL. An URL of "" gives NULL, which every function takes: then nothing is ever asked. */
tw_code last_store_open(last_store **store, uv_loop_t *loop, const char *url, int64_t deadline_ns,
                        last_store_on_answer on_answer, void *context, rt_log *log, tw_error *error);
/* Who waits is told NULL. The memory goes when the loop next runs. */
void last_store_close(last_store *store);

/* False: not asked, as Redis is not ready or too much is under way. `symbol` is the exchange's own. */
bool last_store_ask(last_store *store, const char *mic, const char *symbol, void *question);
void last_store_flush(last_store *store); /* after the last of several questions */

typedef struct last_store_stats {
    bool configured;
    redis_state state;
    redis_stats redis;
    uint64_t found, missing; /* rows */
    uint64_t late;           /* not there by the deadline */
    uint64_t unfit;          /* rows that are not the aggregator's, refusals */
    uint64_t not_asked;      /* not ready, or too many questions */
} last_store_stats;
last_store_stats last_store_read_stats(const last_store *store);

#endif
