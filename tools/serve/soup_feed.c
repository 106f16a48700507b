/* What one SoupBinTCP client sees of the feed: the store, up to the cut that lies ahead of it. */
#include "tools/serve/soup_feed.h"

#include <stdlib.h>

#include "ingest/framing/soupbintcp.h"

typedef struct feed_client {
    soup_feed *feed;
    bool cut_ahead;
} feed_client;

static bool may_login(void *context, const char *username, const char *password) {
    const feed_client *client = context;
    return soup_credentials_match(&client->feed->credentials, username, password);
}

static const char *session(void *context) {
    const feed_client *client = context;
    return client->feed->session;
}

static uint64_t next(void *context) {
    const feed_client *client = context;
    uint64_t end = client->feed->store->count + 1;
    return client->cut_ahead && end > client->feed->cut_at ? client->feed->cut_at + 1 : end;
}

static uint64_t oldest(void *context) {
    (void)context;
    return 1;
}

static const uint8_t *fetch(void *context, uint64_t seq, size_t *length) {
    const feed_client *client = context;
    uint16_t bytes = 0;
    const uint8_t *message = feed_store_at(client->feed->store, seq, &bytes);
    *length = bytes;
    return message;
}

static bool ended(void *context) {
    const feed_client *client = context;
    return client->feed->ended && next(context) == client->feed->store->count + 1;
}

static const soup_server_source served = {NULL, may_login, session, next, oldest, fetch, ended, NULL};

static bool enter(void *context, soup_server_source *source) {
    feed_client *client = calloc(1, sizeof *client);
    if (client == NULL) return false;
    client->feed = context;
    *source = served;
    source->context = client;
    return true;
}

static bool accepted(void *context, uint64_t first) {
    feed_client *client = context;
    client->cut_ahead = first < client->feed->cut_at;
    return true;
}

static size_t cut(void *context, uint64_t behind) {
    feed_client *client = context;
    uint16_t length = 0;
    if (!client->cut_ahead || behind <= client->feed->cut_at) return 0;
    feed_store_at(client->feed->store, client->feed->cut_at, &length);
    return 1 + (size_t)tw_random_below(&client->feed->cut_seed, SOUP_HEADER_BYTES - 1u + length);
}

soup_port_service soup_feed_service(soup_feed *feed) {
    return (soup_port_service){feed, enter, accepted, cut, free};
}
