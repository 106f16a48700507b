/*
 * Sessions by the stream's client number: who each client is, until when, and who is to be sent away. Pure: no clock,
 * no socket; the time is given.
 *
 * A client without an identity is anonymous. Where nothing is granted to everybody it has a bounded time to say who it
 * is. One user may have several sessions, up to a limit.
 */
#ifndef TICKWIRE_GATEWAYS_AUTH_VISITORS_H
#define TICKWIRE_GATEWAYS_AUTH_VISITORS_H

#include "base/map.h"
#include "gateways/auth/identity.h"
#include "gateways/auth/key_set.h"
#include "gateways/auth/verdict.h"

#define VISITORS_TRIES 5u /* refused tokens of one client; then it is sent away */

typedef struct visitors visitors;

/* `max_clients` as the stream's; `max_sessions`: of one user at once where its token does not say, 0: any number;
 * `most_sessions`: that a token may raise it to. NULL: no memory. */
visitors *visitors_alloc(uint32_t max_clients, uint32_t max_sessions, uint32_t most_sessions);
void visitors_free(visitors *visitors); /* NULL is fine */

/* A client is there and nothing is known of it. `leave_by_ns`: when it has to have said who it is; INT64_MAX: never. */
void visitors_enter(visitors *visitors, uint32_t client, int64_t leave_by_ns);
void visitors_leave(visitors *visitors, uint32_t client); /* nothing happens if it is not there */

/* The client is this user, from now on or still. AUTH_USER: it is another one; AUTH_SESSIONS: the user has as many
 * sessions as it may. Where AUTH_GOOD, the identity is the table's. */
auth_verdict visitors_admit(visitors *visitors, uint32_t client, identity *identity);
/* Could this user have another session? */
bool visitors_have_room(const visitors *visitors, const identity *identity);
/* A token of the client was refused. */
void visitors_refused(visitors *visitors, uint32_t client);

/* NULL: anonymous, or not there. Borrowed until the client is admitted again or leaves. */
const identity *visitors_identity(const visitors *visitors, uint32_t client);
/* The user's name; IDENTITY_ANONYMOUS if none is known. Borrowed likewise. */
const char *visitors_user(const visitors *visitors, uint32_t client);

/* Who is to be sent away, and why: call with *client = 0 first, then again until it returns NULL; each call goes on
 * behind *client and sets it. Only looks where something can be due. */
const char *visitors_next_due(visitors *visitors, const key_set *keys, int64_t now_ns, uint32_t *client);

typedef struct visitors_stats {
    uint32_t known, anonymous, users;
    uint64_t expired, withdrawn,
        unproven; /* sent away: expiry, key withdrawn, did not say who in time or not well */
} visitors_stats;
visitors_stats visitors_read_stats(const visitors *visitors);

#endif
