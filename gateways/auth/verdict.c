/* Names of what can be wrong with a token. */
#include "gateways/auth/verdict.h"

const char *auth_verdict_name(auth_verdict verdict) {
    static const char *const names[AUTH_VERDICTS] = {
        "good",    "malformed", "too_long", "type",     "algorithm", "critical", "unknown_key", "signature",
        "expired", "early",     "issuer",   "audience", "claims",    "user",     "sessions",    "no_memory"};
    return names[verdict];
}
