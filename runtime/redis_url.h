/*
 * Where a Redis server is and who we are there, as one text:
 *
 *   redis://[[user][:password]@]host[:port][/database]
 *
 * Port 6379 and database 0 unless said; user and password may hold %XX for bytes that have a meaning here; an IPv6
 * address stands in brackets. Pure: nothing is looked up.
 */
#ifndef TICKWIRE_RUNTIME_REDIS_URL_H
#define TICKWIRE_RUNTIME_REDIS_URL_H

#include <stdint.h>

#include "base/error.h"

#define REDIS_URL_HOST_BYTES   256
#define REDIS_URL_SECRET_BYTES 512
#define REDIS_URL_SHOWN_BYTES  (REDIS_URL_HOST_BYTES + 32)

typedef struct redis_url {
    char user[REDIS_URL_SECRET_BYTES];     /* "": none, the server's default user */
    char password[REDIS_URL_SECRET_BYTES]; /* "": none */
    char host[REDIS_URL_HOST_BYTES];       /* without brackets */
    uint16_t port;
    uint32_t database;
    char shown[REDIS_URL_SHOWN_BYTES]; /* "redis://127.0.0.1:6379/0": for logs, no secrets in it */
} redis_url;

/* TW_INVALID says what is wrong, without repeating user or password; TW_UNSUPPORTED for rediss:// (TLS). */
tw_code redis_url_parse(const char *text, redis_url *url, tw_error *error);

#endif
