/*
 * Questions to the bus whose answers go to HTTP clients: snapshots and the directory. Each has its time; while the bus is
 * away none are asked. A connection of its own: answers may be long and must not stand before live data.
 *
 * Nobody who asks has more than a share of the questions under way, so that one who asks for what is slow or dead leaves
 * room for the others.
 */
#ifndef TICKWIRE_GATEWAYS_ASK_H
#define TICKWIRE_GATEWAYS_ASK_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "gateways/address_count.h"
#include "runtime/bus.h"
#include "runtime/bus_refusals.h"
#include "runtime/log.h"

#define ASK_MOST  1024u          /* questions under way; more are not asked */
#define ASK_SHARE (ASK_MOST / 4) /* of one caller; one request for last values takes up to 200 */

typedef struct asker asker;

typedef enum ask_end {
    ASK_MORE,    /* a reply; there may be others */
    ASK_NOBODY,  /* nobody listens on the subject: told at once */
    ASK_TIMEOUT, /* the time is over; there may have been replies */
    ASK_CLOSING  /* the gateway ends */
} ask_end;

typedef enum ask_result {
    ASK_ASKED,
    ASK_OVER_SHARE, /* the caller has as many under way as it may */
    ASK_FULL,       /* all callers together have */
    ASK_AWAY        /* so is the bus */
} ask_result;

/* Called for each reply (`message`) and at the end (NULL). Returns true if nothing more is wanted: then it was the last
 * call, as it is for every end but ASK_MORE. From within a reply, or the end because of nobody, something else may be asked. */
typedef bool (*ask_on_reply)(void *context, void *question, ask_end end, const bus_message *message);

/* One try: TW_AWAY if the bus is not there. `context` is given to each on_reply; the log is borrowed. */
tw_code asker_open(asker **asker, uv_loop_t *loop, const char *url, const char *credentials, void *context,
                   rt_log *log, tw_error *error);
bus *asker_bus(const asker *asker);                     /* the connection, for who has something to publish */
const bus_refusals *asker_refusals(const asker *asker); /* what the bus refuses it */
void asker_close(asker *asker);                         /* the memory goes when the loop next runs; NULL is fine */
/* Asks for who `caller` is, counted as address_count counts; NULL: the gateway itself, which has no share. `question` comes
 * back with the replies, if it was asked. */
ask_result asker_ask(asker *asker, const address_key *caller, const char *subject, ask_on_reply on_reply,
                     void *question);
/* The same with a payload, which is copied. */
ask_result asker_ask_with(asker *asker, const address_key *caller, const char *subject, const uint8_t *bytes,
                          size_t length, ask_on_reply on_reply, void *question);

typedef struct asker_stats {
    uint32_t under_way;
    uint64_t over_share, full; /* not asked, because of ASK_SHARE and ASK_MOST */
} asker_stats;
asker_stats asker_read_stats(const asker *asker);

#endif
