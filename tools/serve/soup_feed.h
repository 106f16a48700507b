/*
 * The session being served, for SoupBinTCP clients: every message sent on the lines so far, by its number there, out of
 * one store that all clients share.
 *
 * A fault on purpose: with `cut_at` every link that began before message `cut_at` ends inside that message's packet.
 * Who resumes has all messages below and asks for this one, so each client is cut once, wherever it began and
 * whenever it came. Where in the packet is drawn by seed, link by link.
 *
 * Pure.
 */
#ifndef TICKWIRE_TOOLS_SERVE_SOUP_FEED_H
#define TICKWIRE_TOOLS_SERVE_SOUP_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "tools/serve/feed_store.h"
#include "tools/serve/soup_login.h"
#include "tools/serve/soup_port.h"

typedef struct soup_feed {
    const char *session; /* borrowed, as is the store */
    soup_credentials credentials;
    const feed_store *store;
    bool ended;         /* set by the owner: the store will not grow */
    uint64_t cut_at;    /* 0: never */
    tw_random cut_seed; /* seeded by the owner */
} soup_feed;

soup_port_service soup_feed_service(soup_feed *feed);

#endif
