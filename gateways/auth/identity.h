/* Who somebody is, from the claims of a token that was found good. As large as its texts: many sessions have one. */
#ifndef TICKWIRE_GATEWAYS_AUTH_IDENTITY_H
#define TICKWIRE_GATEWAYS_AUTH_IDENTITY_H

#include "gateways/auth/entitlement.h"
#include "gateways/auth/key.h"

#define IDENTITY_USER_BYTES 256u
#define IDENTITY_ACCOUNTS   64u
#define IDENTITY_ANONYMOUS  "anonymous" /* the name of who has no token; no token's user is called so */

/* 0: what the gateway gives to everybody. */
typedef struct identity_limits {
    uint32_t subscriptions, requests_per_second, waiting_bytes;
    uint32_t sessions; /* at once */
    uint32_t orders_per_second;
} identity_limits;

typedef struct identity {
    uint32_t shares; /* held by so many more than one */
    char *user;      /* `sub` */
    text_list accounts;
    entitlement may_read;
    identity_limits limits;
    int64_t expires_ns;                    /* the leeway is in it */
    char thumbprint[KEY_THUMBPRINT_BYTES]; /* of the key that vouches for it */
} identity;

/* The same identity, to be freed once more. */
identity *identity_share(identity *identity);
void identity_free(identity *identity); /* NULL is fine */

#endif
