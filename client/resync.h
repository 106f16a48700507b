/*
 * Which snapshots to ask for, and when. A pure core: it is given the time and a function that sends a request.
 *
 * One missing book is asked for alone (`snapshot.{MIC}.{SYMBOL}.{channel}`). When more than RESYNC_BULK_FROM books
 * of an exchange and channel are missing, all are asked for at once (`snapshots.{MIC}.{channel}`), and single
 * wishes are covered by it until it ends.
 *
 * At most RESYNC_OUTSTANDING requests are under way; others wait their turn. A request without an answer is
 * repeated after the timeout, which doubles twice and is spread by up to a half, so that a thousand
 * receivers that lost the same packet don't ask in step. BUSY is asked again when it says, spread likewise. An
 * exchange that answers NOT_FOUND is not asked again until the next wish.
 */
#ifndef TICKWIRE_CLIENT_RESYNC_H
#define TICKWIRE_CLIENT_RESYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/market.h"
#include "base/random.h"
#include "proto/codec.h"
#include "proto/subject.h"

#define RESYNC_JOBS        256 /* wishes known at once; more are dropped, and wished again by the next sweep */
#define RESYNC_OUTSTANDING 64
#define RESYNC_BULK_FROM   16

typedef struct resync_key {
    char exchange[TW_MIC_BYTES];
    char symbol[TW_SYMBOL_BYTES]; /* "": all of the exchange */
    subject_channel channel;
} resync_key;

typedef struct resync_job {
    enum { RESYNC_FREE = 0, RESYNC_WAITING, RESYNC_ASKED } state;
    resync_key key;
    uint32_t attempts;
    int64_t due_ns; /* waiting: to be sent; asked: given up for lost */
    uint64_t id;    /* of the last request: replies carry it in their subject */
} resync_job;

/* Sends a request whose replies come with `id`. False: not now. */
typedef bool (*resync_send)(void *context, const resync_key *key, uint64_t id);

typedef struct resync_queue {
    resync_job jobs[RESYNC_JOBS];
    uint32_t outstanding;
    uint64_t last_id;
    int64_t timeout_ns;
    int64_t not_before_ns; /* nothing is asked earlier */
    tw_random random;
    resync_send send;
    void *context;
    uint64_t requested; /* requests sent */
    uint64_t refused;   /* wishes dropped because RESYNC_JOBS were known */
} resync_queue;

void resync_init(resync_queue *queue, int64_t timeout_ns, uint64_t seed, resync_send send, void *context);

/* A book wants a snapshot. `again`: the last one was not enough; it is asked for a little later. */
void resync_want(resync_queue *queue, const char *exchange, const char *symbol, subject_channel channel, bool again,
                 int64_t now_ns);
/* All books of an exchange and channel are wanted. */
void resync_want_all(resync_queue *queue, const char *exchange, subject_channel channel, int64_t now_ns);
/* Where many receivers want something at the same moment: how much later than that to ask, at random within a quarter of the timeout. */
int64_t resync_spread(resync_queue *queue);
/* A book is in sync after all. */
void resync_forget(resync_queue *queue, const char *exchange, const char *symbol, subject_channel channel);

/* Sends what is due and repeats what is overdue. Call it after wishes and at least every 50 ms. */
void resync_tick(resync_queue *queue, int64_t now_ns);

/* A reply came; NULL: nobody listens on the request's subject. True: the request `*key` has ended (answered,
 * or not to be answered): books it covered that are still not in sync may be wished for again. */
bool resync_reply(resync_queue *queue, uint64_t id, const wire_snapshot_reply *reply, int64_t now_ns,
                  resync_key *key);
/* The exchange is heard again: what waits for it need not wait longer. */
void resync_hurry(resync_queue *queue, const char *exchange, int64_t now_ns);
/* The connection is new: requests under way are repeated. Nothing is asked before resync_release, or the timeout: the
 * publisher may have lost the same server, and a request that comes before it is there is lost. */
void resync_restart(resync_queue *queue, int64_t now_ns);
/* A publisher is heard after a restart: asks from a moment on that is at random within a quarter of the timeout, so that all
 * the receivers that lost the same server don't ask at once. Books that a delta proves right by then are not asked for. */
void resync_release(resync_queue *queue, int64_t now_ns);

#endif
