/* Private to runtime/: a connection beside the loop's, for JetStream calls that wait. Used by one worker thread at a time. It is made
 * by the first call, and made anew when it is gone; it never repairs itself, so that every wait has the call's bound. */
#ifndef TICKWIRE_RUNTIME_BUS_SIDE_H
#define TICKWIRE_RUNTIME_BUS_SIDE_H

#include "runtime/bus_internal.h"

#define BUS_SIDE_URL_BYTES   1024
#define BUS_SIDE_WORDS_BYTES 160

typedef struct bus_side {
    const char *name; /* shown in the server's connection list */
    char url[BUS_SIDE_URL_BYTES], credentials[BUS_SIDE_URL_BYTES];
    int64_t timeout_ms;
    natsConnection *nats;
    jsCtx *jetstream;
    pthread_t worker;       /* that makes the connection, while `connecting` */
    atomic_bool connecting; /* the worker's word */
    atomic_bool given_up;   /* its owner's: no connection any more */
} bus_side;

/* False: URL or credentials are too long. */
bool bus_side_init(bus_side *side, const char *name, const char *url, const char *credentials, int64_t timeout_ns);
natsStatus bus_side_connect(bus_side *side); /* if needed */
void bus_side_disconnect(bus_side *side);
/* By the loop, while a worker may be at it: a connection that is being made is interrupted, and none is made any more. */
void bus_side_give_up(bus_side *side);

/* The library's words for the last call that failed on this thread; "" if it has none. */
void bus_side_words(char words[BUS_SIDE_WORDS_BYTES]);
/* A sentence about a call that failed: "what: status: words". */
void bus_side_reason(char *reason, size_t capacity, natsStatus status, const char *what, const char *words);

#endif
