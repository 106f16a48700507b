/*
 * Who may come in: tokens of requests and of {"op":"auth"} checked against the keys in force, sessions of the stream's
 * clients, and the end of those that may not stay. Puts gateways/auth on the loop.
 *
 * A token comes in the Authorization header, in a cookie, or as a client's first message. Never in an address: those end
 * in logs, histories and Referer headers. A cookie is sent by the browser whatever page asks, so it is believed only of
 * pages with a trusted origin. A header that can't be used is refused; a cookie that can't is as none.
 */
#ifndef TICKWIRE_GATEWAYS_DOORMAN_H
#define TICKWIRE_GATEWAYS_DOORMAN_H

#include <uv.h>

#include "gateways/auth/claims.h"
#include "gateways/auth/visitors.h"
#include "gateways/keyring.h"
#include "gateways/settings.h"
#include "gateways/stream/stream.h"
#include "runtime/log.h"

typedef struct doorman doorman;

typedef struct doorman_options {
    const gateway_settings *settings;
    const entitlement *anonymous; /* what everybody may read */
    /* A client is to be sent away, for this reason. On the loop, never from within a call. */
    void (*send_away)(void *context, uint32_t client, const char *reason);
    void *context;
} doorman_options;

/* Reads the key files. TW_INVALID: settings that make no sense or files that can't be used; TW_IO. All is borrowed. */
tw_code doorman_open(doorman **made, uv_loop_t *loop, const doorman_options *options, rt_log *log, tw_error *error);
void doorman_close(doorman *doorman); /* run the loop, then doorman_free. NULL is fine */
void doorman_free(doorman *doorman);  /* NULL is fine */

/* Keys are read and asked for again, soon. */
void doorman_reload(doorman *doorman);

/* Is there any way to say who one is? */
bool doorman_is_on(const doorman *doorman);

/* The headers of a request; "" where there is none. */
typedef struct doorman_headers {
    const char *authorization, *cookie, *origin, *host, *site /* Sec-Fetch-Site */;
    bool websocket;
} doorman_headers;

/* AUTH_GOOD: `*who` is to be freed, or is NULL for nobody known; then `why` says what was wrong with a cookie, "" for
 * nothing. Anything else: the Authorization header is refused, and `why` says it. */
auth_verdict doorman_look(doorman *doorman, const doorman_headers *headers, identity **who,
                          char why[TOKEN_WHY_BYTES]);

/* May this user (NULL: anonymous) read this subject, or anything of this pattern? */
bool doorman_allows(const doorman *doorman, const identity *who, const char *subject);
/* Could this user have another session? */
bool doorman_has_room(const doorman *doorman, const identity *who);

/* ---- clients of the stream ---- */

void doorman_enter(doorman *doorman, uint32_t client, bool websocket);
void doorman_leave(doorman *doorman, uint32_t client);
/* The client is this user; the identity is taken, whatever comes back. False: the user has too many sessions. */
bool doorman_admit(doorman *doorman, uint32_t client, identity *who, stream_admission *admitted);
/* {"op":"auth"}, as the stream asks it. */
bool doorman_authenticate(doorman *doorman, uint32_t client, const char *token, stream_admission *admitted,
                          char *reason, size_t capacity);
bool doorman_may_read(const doorman *doorman, uint32_t client, const char *subject);
/* The client's user name, for books and ledgers; IDENTITY_ANONYMOUS. Borrowed until it leaves or renews. */
const char *doorman_user(const doorman *doorman, uint32_t client);
/* NULL: anonymous. Borrowed likewise. */
const identity *doorman_identity(const doorman *doorman, uint32_t client);

typedef struct doorman_stats {
    uint64_t accepted; /* tokens */
    uint64_t refused[AUTH_VERDICTS];
    visitors_stats sessions;
    keyring_stats keys;
} doorman_stats;
doorman_stats doorman_read_stats(const doorman *doorman);

#endif
