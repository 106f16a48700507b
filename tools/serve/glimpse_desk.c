/* Before the login there is nothing to be had and the next message is 1, so every client begins there, whatever number
 * it asks for; the login makes the snapshot. */
#include "tools/serve/glimpse_desk.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct desk_client {
    glimpse_desk *desk;
    feed_store snapshot;
} desk_client;

static bool may_login(void *context, const char *username, const char *password) {
    const desk_client *client = context;
    return soup_credentials_match(&client->desk->credentials, username, password);
}

/* Books that are not whole are no session to be had: the login is refused with that reason. */
static const char *session(void *context) {
    const desk_client *client = context;
    tw_error error;
    if (feed_books_check(client->desk->books, &error) == TW_OK) return client->desk->session;
    fprintf(stderr, "GLIMPSE: no snapshot can be had: %s\n", error.text);
    return "";
}

static uint64_t next(void *context) {
    const desk_client *client = context;
    return client->snapshot.count + 1;
}

static uint64_t oldest(void *context) {
    (void)context;
    return 1;
}

static const uint8_t *fetch(void *context, uint64_t seq, size_t *length) {
    const desk_client *client = context;
    uint16_t bytes = 0;
    const uint8_t *message = feed_store_at(&client->snapshot, seq, &bytes);
    *length = bytes;
    return message;
}

static bool ended(void *context) {
    const desk_client *client = context;
    return client->snapshot.count > 0;
}

static const soup_server_source served = {NULL, may_login, session, next, oldest, fetch, ended, NULL};

static bool enter(void *context, soup_server_source *source) {
    desk_client *client = calloc(1, sizeof *client);
    if (client == NULL) return false;
    client->desk = context;
    *source = served;
    source->context = client;
    return true;
}

static bool accepted(void *context, uint64_t first) {
    desk_client *client = context;
    tw_error error;
    (void)first;
    if (feed_books_snapshot(client->desk->books, &client->snapshot, &error) == TW_OK) {
        client->desk->snapshots++;
        return true;
    }
    fprintf(stderr, "GLIMPSE: a snapshot can't be written: %s\n", error.text);
    feed_store_fini(&client->snapshot);
    return false;
}

static void leave(void *context) {
    desk_client *client = context;
    feed_store_fini(&client->snapshot);
    free(client);
}

soup_port_service glimpse_desk_service(glimpse_desk *desk) {
    return (soup_port_service){desk, enter, accepted, NULL, leave};
}
