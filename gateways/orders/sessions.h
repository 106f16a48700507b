/*
 * Cancel on disconnect: each client that asks for it has one session in each shard it sends such orders to. Pure.
 *
 *   enter ─► (SESSION_OPEN leaves in front of the order) ─► heard ─► beats ─► leave ─► (SESSION_CLOSE) ─► gone
 *              ▲ │                                            │
 *              │ └─ not known whether it was stored: doubt    └─ nothing of it stored for `timeout_ns` ─► lost
 *              └── again, in front of the next order ──┘
 *
 * The venue ends a session that it has not heard of for the timeout, so one that the stream has not stored anything of for so long is
 * taken for lost here, too: its client is told, and its next order gets a new one.
 */
#ifndef TICKWIRE_GATEWAYS_ORDERS_SESSIONS_H
#define TICKWIRE_GATEWAYS_ORDERS_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct order_sessions order_sessions;

#define SESSION_NONE UINT32_MAX

/* NULL: no memory. `max_clients`: client numbers are below it. */
order_sessions *sessions_alloc(uint32_t max_clients, uint32_t max_sessions, int64_t timeout_ns);
void sessions_free(order_sessions *sessions); /* NULL is fine */

/* The client's session in this shard; SESSION_NONE if it has none that is alive. */
uint32_t sessions_find(const order_sessions *sessions, uint32_t client, uint32_t shard);
/* A new one, with this random id (not 0), as of now. SESSION_NONE: no room. */
uint32_t sessions_enter(order_sessions *sessions, uint32_t client, uint32_t shard, uint64_t id, int64_t now_ns);
uint64_t sessions_id(const order_sessions *sessions, uint32_t session);

/* Its opening, or a beat, that left at `sent_ns` was stored. `id`, here and below, guards against a session that has gone meanwhile. */
void sessions_heard(order_sessions *sessions, uint32_t session, uint64_t id, int64_t sent_ns);
/* What became of its opening: it was stored, nobody knows, or it certainly was not, which ends the session unless an earlier opening is
 * in doubt. One in doubt may be open, with orders, and the venue would end it for silence: so it goes on, and is opened again, with the
 * same id, until that is stored. The venue refuses an opening too many. */
void sessions_opened(order_sessions *sessions, uint32_t session, uint64_t id);
void sessions_doubt(order_sessions *sessions, uint32_t session, uint64_t id);
void sessions_fail(order_sessions *sessions, uint32_t session, uint64_t id);
bool sessions_doubtful(const order_sessions *sessions, uint32_t session);

/* The client has gone: its sessions are to be closed. */
void sessions_leave(order_sessions *sessions, uint32_t client);

/* The next session to send something for: call with *session = SESSION_NONE first. Those of clients that have left come with `closing`;
 * sessions_forget them once the close is on its way. False at the end. */
typedef struct session_due {
    uint32_t session, client, shard;
    uint64_t id;
    bool closing;
    bool doubtful; /* open it instead of a beat */
} session_due;
bool sessions_next(const order_sessions *sessions, uint32_t *session, session_due *due);
void sessions_forget(order_sessions *sessions, uint32_t session);
/* The next that is lost by now, which is forgotten with that: 0 for none, or the client + 1. */
uint32_t sessions_take_lost(order_sessions *sessions, int64_t now_ns, uint32_t *shard);

uint32_t sessions_count(const order_sessions *sessions);

#endif
