/*
 * A SoupBinTCP client on the loop: the state machine of ingest/line/soup_client.h over a connection of
 * ingest/source/tcp_link.h, with its clock, and a log of what happens to it. The source (soup.c) and the way back from
 * STALE (glimpse.c) each have one.
 */
#ifndef TICKWIRE_INGEST_SOUP_LINK_H
#define TICKWIRE_INGEST_SOUP_LINK_H

#include <uv.h>

#include "ingest/line/soup_client.h"
#include "ingest/source/location.h"
#include "runtime/log.h"

typedef struct soup_link soup_link;

/* As soup_client_listener, and: */
typedef struct soup_link_listener {
    void *context;
    void (*on_session)(void *context, const char *session, uint64_t first, int64_t receive_ns);
    void (*on_messages)(void *context, const feed_message *messages, size_t count);
    void (*on_lost)(void *context, uint64_t from, uint64_t count);
    void (*on_ended)(void *context, const char *session, uint64_t next);
    /* The connection is made and the login is about to leave. */
    void (*on_login)(void *context);
    /* All that the socket had has been taken, or the link's state has changed. Here the link may be started, resumed and
     * stopped. */
    void (*on_turn)(void *context);
} soup_link_listener; /* all are required */

typedef struct soup_link_options {
    const char *name;           /* in the log: "soup", "glimpse" */
    const location *where;      /* a soup location, borrowed */
    soup_client_options client; /* user, password and seed are filled in */
    soup_link_listener listener;
    rt_log *log;
} soup_link_options;

/* TW_INVALID, TW_NO_MEMORY. Opens nothing on the network before soup_link_start. */
tw_code soup_link_open(soup_link **link, uv_loop_t *loop, const soup_link_options *options, tw_error *error);
/* Closes the connection; the memory goes when the loop has done so. NULL is fine. */
void soup_link_close(soup_link *link);

/* As the functions of soup_client.h. The session is the location's. */
void soup_link_start(soup_link *link, uint64_t next);
void soup_link_resume(soup_link *link);
void soup_link_stop(soup_link *link);
soup_client_status soup_link_status(const soup_link *link);

/* Why it is not streaming, in words that name the server; "" while it is, and before the first attempt. */
const char *soup_link_reason(const soup_link *link);
/* The last login was rejected because of its user name and password. */
bool soup_link_refused(const soup_link *link);
int64_t soup_link_heard_ns(const soup_link *link); /* last bytes of the server, monotonic; INT64_MIN: never */
uint64_t soup_link_reads(const soup_link *link);
uint64_t soup_link_malformed(const soup_link *link); /* connections given up for bytes that make no sense */

#endif
