/*
 * Order entry on the loop: requests of clients to the venue's order stream, and what the venue says back to them. Clients see docs/orders.md.
 *
 *   request ─► whose account? ─► where is the symbol? ─► rate (Redis) ─► batcher of the shard ─► stream
 *                                                                                                │
 *   client  ◄──────────────────── PENDING, or why not ◄──────────────── acknowledgement ◄────────┘
 *   client  ◄──────────────────── execution reports ◄─────────── exec.{ACCOUNT}, query.{MIC}.{SHARD}
 *
 * A request is answered once, whatever happens. Memory: --order-queue requests at once over all clients; more are BUSY.
 */
#ifndef TICKWIRE_GATEWAYS_ORDER_DESK_H
#define TICKWIRE_GATEWAYS_ORDER_DESK_H

#include "gateways/auth/text_list.h"
#include "gateways/http.h"
#include "gateways/order_limits.h"
#include "gateways/orders/directory.h"
#include "gateways/orders/follow.h"
#include "gateways/orders/report.h"
#include "gateways/orders/request.h"
#include "gateways/settings.h"
#include "gateways/stream/request.h"
#include "runtime/bus.h"
#include "runtime/bus_refusals.h"
#include "runtime/bus_writer.h"

typedef struct order_desk order_desk;

/* Do the settings fit together? Before anything is connected to. TW_INVALID names the one that doesn't. */
tw_code order_desk_check(const gateway_settings *settings, tw_error *error);
/* *made is NULL where no --venue is set: every function here takes that. The settings were checked. TW_AWAY: no bus. */
tw_code order_desk_open(order_desk **made, gateway *owner, tw_error *error);
/* Who waits is told so. Run the loop, then order_desk_free. */
void order_desk_close(order_desk *desk);
void order_desk_free(order_desk *desk);

/* Before the loop waits: sends what is to leave. Returns when it wants to be called at the latest. */
int64_t order_desk_round(order_desk *desk, int64_t now_ns);
/* Not yet, while the gateway has just started and does not know the venue's instruments; but not for ever, as it may have more to serve than
 * orders. */
bool order_desk_is_ready(const order_desk *desk);
bool order_desk_knows_instruments(const order_desk *desk);       /* not of NULL */
const bus_refusals *order_desk_refusals(const order_desk *desk); /* what the bus refuses it; NULL of NULL */
/* Nothing is under way that a client or a session waits for: the gateway may end. */
bool order_desk_is_idle(const order_desk *desk);

/* ---- clients of the stream ---- */
void order_desk_request(order_desk *desk, uint32_t client, const char *id, const uint8_t *bytes, size_t length);
bool order_desk_follow(order_desk *desk, uint32_t client, const request_follow *follow);
bool order_desk_unfollow(order_desk *desk, uint32_t client, const char *account);
bool order_desk_may_follow(const order_desk *desk, uint32_t client, const char *subject);
void order_desk_recheck(order_desk *desk, uint32_t client); /* it may be somebody else now */
void order_desk_leave(order_desk *desk, uint32_t client);

/* ---- HTTP (order_pages.c) ---- */
/* The request comes from this caller (NULL: nobody known); answers by itself. */
void order_desk_take(order_desk *desk, order_request *request, const http_asked *asked, const identity *caller);
/* Which account is meant: the named one if it is the caller's, or the only one. False: the fault says why. */
bool order_desk_account(const order_desk *desk, const identity *caller, const char *named,
                        char account[WIRE_ACCOUNT_BYTES], order_fault *fault);
const text_list *order_desk_accounts(const order_desk *desk, const identity *caller);
const char *order_desk_venue(const order_desk *desk);
uint32_t order_desk_shards(const order_desk *desk);
const order_directory *order_desk_directory(const order_desk *desk);
/* Why there is no such symbol: UNKNOWN_SYMBOL, or NO_DIRECTORY. Always false. */
bool order_desk_no_symbol(order_desk *desk, const char *symbol, order_fault *fault);
/* The correlation id: what was given, or a new one. */
void order_desk_correlate(order_desk *desk, char correlation_id[WIRE_CORRELATION_BYTES]);
/* Of a request that never became the desk's. */
void order_desk_answer_fault(gateway *self, const http_asked *asked, const order_fault *fault,
                             const char *correlation_id);

typedef struct order_desk_stats {
    uint64_t requests[ORDER_OPS];
    uint64_t pending; /* answered PENDING */
    uint64_t refused; /* answered with another error than these: */
    uint64_t limited, limits_unknown, busy, not_stored, not_acknowledged, too_fast;
    uint64_t batches, commands, batch_bytes;
    uint64_t sessions_opened, sessions_lost;
    uint64_t reports, report_duplicates, reports_chased, reports_malformed;
    uint64_t reports_from_log, reports_lost, catch_ups_begun;
    uint32_t catch_ups;
    uint32_t waiting, under_way, sessions, followers, accounts, chases, instruments, shards;
    bool on, directory_whole, bus_connected;
    order_limits_stats limits;
} order_desk_stats;
order_desk_stats order_desk_read_stats(const order_desk *desk);

#endif
