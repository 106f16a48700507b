/* From a token's claims to who somebody is. Pure. */
#ifndef TICKWIRE_GATEWAYS_AUTH_CLAIMS_H
#define TICKWIRE_GATEWAYS_AUTH_CLAIMS_H

#include "gateways/auth/identity.h"
#include "gateways/auth/token.h"

#define CLAIMS_ACCOUNTS "accounts"
#define CLAIMS_LIMITS   "tickwire_limits"

/* What is asked of a token; texts are borrowed, "" where nothing is asked. */
typedef struct claims_rules {
    const char *issuer;
    const char
        *audiences; /* separated by commas: one of them has to be in `aud`. "": a token with an `aud` is refused */
    const char *subjects_claim;
    int64_t leeway_ns; /* between the clocks of issuer and gateway */
} claims_rules;

/* `now_ns` is the realtime clock. AUTH_GOOD: `made` is to be freed. Else `why` names the claim. */
auth_verdict claims_read(identity **made, const signed_token *opened, const claims_rules *rules, int64_t now_ns,
                         char why[TOKEN_WHY_BYTES]);

/* Both steps: token_open and claims_read. */
auth_verdict claims_check(identity **made, const key_set *keys, const claims_rules *rules, const char *text,
                          size_t length, int64_t now_ns, char why[TOKEN_WHY_BYTES]);

#endif
