/*
 * Last values into Redis: takes what last_value.h wants written and sends it in bounded, pipelined batches.
 *
 * A batch is one MULTI … EXEC of up to LAST_BATCH rows, each HSET, HDEL of what is absent, PEXPIRE and PUBLISH (after a
 * DEL where something that is no hash was in the way: the prefix tw:last: is this writer's). The
 * transaction is not for isolation: a writer that is killed between HSET and PEXPIRE would leave a price that never
 * goes away. It costs the server nothing measurable. Re-arming is a PEXPIRE and a
 * look at state and seq: a row that was evicted, or that another program changed, is written again.
 *
 * At most `max_batches` are under way. Beyond that nothing is taken from the values, where changes merge; Redis being
 * slow or away costs no memory and no time. Everything is written again when the connection is new.
 */
#ifndef TICKWIRE_AGGREGATOR_LAST_WRITER_H
#define TICKWIRE_AGGREGATOR_LAST_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/histogram.h"
#include "publisher/aggregator/last_value.h"
#include "runtime/redis.h"
#include "runtime/redis_trouble.h"

#define LAST_BATCH         64u /* rows or keys of one batch */
#define LAST_ROW_COMMANDS  5u
#define LAST_BATCH_REPLIES (LAST_BATCH * LAST_ROW_COMMANDS + 2u)

typedef struct last_writer last_writer;

/* An error reply: what Redis said about a key ("" where it is about a whole batch). Borrowed. */
typedef void (*last_on_trouble)(void *context, redis_trouble trouble, const char *key, const char *text);

/* `values` is borrowed. `max_batches` at least 2. */
tw_code last_writer_alloc(last_writer **writer, last_values *values, int64_t expiry_ns, uint32_t max_batches,
                          last_on_trouble on_trouble, void *context, tw_error *error);
void last_writer_free(last_writer *writer);

/* Sends the rows that wait, as far as there is room, and flushes. Returns how many were sent. */
uint32_t last_writer_round(last_writer *writer, redis *store, int64_t now_ns);
/* Re-arms what is due, likewise: at least ten times per expiry. */
void last_writer_rearm(last_writer *writer, redis *store, int64_t now_ns);
/* The connection is READY, for the first time or again: whatever was under way is forgotten, all is written again. */
void last_writer_connected(last_writer *writer, int64_t now_ns);
/* For the connection's on_reply. */
void last_writer_reply(last_writer *writer, uint64_t tag, const redis_reply *reply, int64_t now_ns);
/* True if nothing waits and nothing is under way. */
bool last_writer_idle(const last_writer *writer);

typedef struct last_writer_stats {
    uint64_t writes;  /* rows that Redis has taken */
    uint64_t refused; /* rows it has refused */
    uint64_t lost;    /* rows without an answer */
    uint64_t rearmed; /* keys whose expiry was re-armed */
    uint64_t gone;    /* keys that were gone or changed when re-armed: written again */
    uint64_t batches;
    uint64_t full_rounds;              /* rounds that left changes waiting because max_batches were under way */
    uint64_t troubles[REDIS_TROUBLES]; /* error replies by kind */
    uint32_t under_way;                /* rows and keys without an answer */
} last_writer_stats;
last_writer_stats last_writer_read_stats(const last_writer *writer);
/* From a row's first change to its sending. */
const tw_histogram *last_writer_waits(const last_writer *writer);

#endif
