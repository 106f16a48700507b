/*
 * Where keys come from, and that they stay current: files, and an OpenID Connect provider. Fills a key_set.
 *
 * Files are read at start, when they change, and when asked to. A provider is asked regularly, when a token names a key
 * that is not known (at most every `unknown_ns`), and when asked to. If a file or the provider fails, its last keys stay
 * in force for `kept_ns`, then they are taken away; the failure is counted, logged and shown.
 */
#ifndef TICKWIRE_GATEWAYS_KEYRING_H
#define TICKWIRE_GATEWAYS_KEYRING_H

#include <uv.h>

#include "gateways/auth/key_set.h"
#include "runtime/log.h"

#define KEYRING_FILES 16u

typedef struct keyring keyring;

typedef struct keyring_options {
    const char *key_files;    /* PEM or JWK(S), separated by commas; "" for none */
    const char *secret_files; /* likewise; the bytes of each are a secret, but for one line end */
    const char *jwks_url;     /* "" for none */
    const char *issuer;       /* asked for its jwks_uri where `discover` says so */
    bool discover;
    const char *authorities; /* for https: see fetch.h */
    int64_t check_ns;        /* between looks at the files */
    int64_t refresh_ns, unknown_ns, kept_ns, timeout_ns;
} keyring_options;

/* Reads the files. TW_INVALID, TW_IO, TW_FULL name the file and what is wrong. The provider is asked by the first tick.
 * Texts are borrowed. */
tw_code keyring_open(keyring **made, uv_loop_t *loop, const keyring_options *options, rt_log *log, tw_error *error);
void keyring_close(keyring *keyring); /* stops; run the loop, then keyring_free. NULL is fine */
void keyring_free(keyring *keyring);  /* NULL is fine */

const key_set *keyring_keys(const keyring *keyring);
void keyring_tick(keyring *keyring, int64_t now_ns); /* several times a second; monotonic clock */
void keyring_reload(keyring *keyring);               /* all of it, at the next tick */
void keyring_miss(keyring *keyring, int64_t now_ns); /* likewise: a token named a key that is not known */

typedef enum keyring_provider {
    KEYRING_NONE,   /* there is none */
    KEYRING_ASKING, /* no answer yet */
    KEYRING_OK,
    KEYRING_AWAY, /* the last try failed; its last keys are in force */
    KEYRING_LOST  /* and they are not any more, or there never were any */
} keyring_provider;
const char *keyring_provider_name(keyring_provider state); /* "OK" */

typedef struct keyring_stats {
    uint32_t keys, files, files_failed;
    keyring_provider provider;
    int64_t age_ns;            /* since the provider's keys were read; 0: never, or no provider */
    uint64_t reads, refreshes; /* of files, of the provider: those that went well */
    uint64_t read_failures, refresh_failures;
} keyring_stats;
keyring_stats keyring_read_stats(const keyring *keyring, int64_t now_ns);

#endif
