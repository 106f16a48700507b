/*
 * One document at a time from an HTTP server, beside the loop: libcurl on a worker thread, because looking up names and
 * TLS take their time. The one door to libcurl.
 *
 * What comes is bounded in bytes and time. At most three redirections are followed, and none to another scheme: what was
 * asked for by https does not come by http. Certificates are checked. Proxies are those of the environment
 * (https_proxy, no_proxy).
 */
#ifndef TICKWIRE_GATEWAYS_FETCH_H
#define TICKWIRE_GATEWAYS_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

typedef struct fetcher fetcher;

/* `bytes` is NULL where it failed, and `fault` says why. Borrowed until the callback returns, which may fetch again. */
typedef void (*fetch_on_done)(void *context, const uint8_t *bytes, size_t length, const char *fault);

typedef struct fetch_options {
    size_t most_bytes;
    int64_t timeout_ns;      /* for all of it */
    const char *authorities; /* PEM file of certificate authorities; "": the system's. Borrowed */
    fetch_on_done on_done;   /* on the loop */
    void *context;
} fetch_options;

/* TW_NO_MEMORY; TW_IO: libcurl does not start. */
tw_code fetcher_open(fetcher **made, uv_loop_t *loop, const fetch_options *options, tw_error *error);
/* A fetch under way is cut off, its callback not called. The memory goes when the loop next runs. NULL is fine. */
void fetcher_close(fetcher *fetcher);

/* "http://…" or "https://…". False: one is under way, or there is no memory. */
bool fetcher_get(fetcher *fetcher, const char *url);
bool fetcher_is_busy(const fetcher *fetcher);

#endif
