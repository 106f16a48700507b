/* What can be wrong with a token: for metrics by name, for people in words. */
#ifndef TICKWIRE_GATEWAYS_AUTH_VERDICT_H
#define TICKWIRE_GATEWAYS_AUTH_VERDICT_H

typedef enum auth_verdict {
    AUTH_GOOD = 0,
    AUTH_MALFORMED,   /* not three parts of base64url with JSON objects in them */
    AUTH_TOO_LONG,    /* */
    AUTH_TYPE,        /* `typ` says that it is no token of access */
    AUTH_ALGORITHM,   /* `alg` is not that of the key, or none that is taken */
    AUTH_CRITICAL,    /* `crit`: it wants something understood that is not */
    AUTH_UNKNOWN_KEY, /* no key of that `kid`, or none for tokens without */
    AUTH_SIGNATURE,   /* */
    AUTH_EXPIRED,     /* */
    AUTH_EARLY,       /* `nbf` or `iat` is still to come */
    AUTH_ISSUER,      /* */
    AUTH_AUDIENCE,    /* it is for somebody else */
    AUTH_CLAIMS,      /* one is missing, or not what it has to be */
    AUTH_USER,        /* a renewal by another user */
    AUTH_SESSIONS,    /* the user has as many sessions as it may */
    AUTH_NO_MEMORY,   /* */
    AUTH_VERDICTS
} auth_verdict;

const char *auth_verdict_name(auth_verdict verdict); /* "unknown_key" */

#endif
