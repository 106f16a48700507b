/*
 * How many orders a user may send: a sliding window of one second in Redis, shared by all gateways. Each question is one script, so it is
 * atomic, and its clock is Redis's.
 *
 * Fails closed: who is not told in time that it may is told that nobody knows. Answers come in the order of the questions of a user; what needs no
 * permission (a cancel) can be queued behind that user's questions, so that it does not overtake them.
 */
#ifndef TICKWIRE_GATEWAYS_ORDER_LIMITS_H
#define TICKWIRE_GATEWAYS_ORDER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "runtime/log.h"
#include "runtime/redis.h"

#define ORDER_LIMITS_MOST 16384u /* questions under way; more are refused */

typedef struct order_limits order_limits;

typedef enum order_verdict {
    ORDER_ALLOWED = 0,
    ORDER_LIMITED, /* `retry_ms` */
    ORDER_LIMITS_UNKNOWN,
    ORDER_VERDICT_LATER /* of order_limits_ask: it will be told */
} order_verdict;

typedef void (*order_on_verdict)(void *context, void *question, order_verdict verdict, uint32_t retry_ms);

/* TW_INVALID: the URL. */
tw_code order_limits_open(order_limits **limits, uv_loop_t *loop, const char *url, int64_t deadline_ns,
                          order_on_verdict on_verdict, void *context, rt_log *log, tw_error *error);
/* Who waits is told ORDER_LIMITS_UNKNOWN. The memory goes when the loop next runs. NULL is fine. */
void order_limits_close(order_limits *limits);

/* May this user send one more, of `rate` a second? `user` is borrowed until the verdict. LIMITS_UNKNOWN at once where Redis is not there. */
order_verdict order_limits_ask(order_limits *limits, const char *user, uint32_t rate, void *question);
/* ALLOWED at once, or LATER where questions of the user are under way. */
order_verdict order_limits_queue(order_limits *limits, const char *user, void *question);
void order_limits_flush(order_limits *limits); /* after the last of several questions */

typedef struct order_limits_stats {
    bool configured;
    redis_state state;
    uint64_t allowed, limited, unknown, late;
} order_limits_stats;
order_limits_stats order_limits_read_stats(const order_limits *limits);

#endif
