/*
 * GLIMPSE for SoupBinTCP clients: at its login a client gets a snapshot of its own, of the books as they are then, as
 * messages 1 to n of the session, and the end of session behind it.
 *
 * A snapshot is kept until its client has taken it or is gone; with at most `max_clients` of the port that many exist.
 * Its size is that of the books: 45 to 90 bytes an order.
 */
#ifndef TICKWIRE_TOOLS_SERVE_GLIMPSE_DESK_H
#define TICKWIRE_TOOLS_SERVE_GLIMPSE_DESK_H

#include <stdint.h>

#include "tools/serve/feed_books.h"
#include "tools/serve/soup_login.h"
#include "tools/serve/soup_port.h"

typedef struct glimpse_desk {
    const char *session; /* of the feed; borrowed */
    soup_credentials credentials;
    const feed_books *books;
    uint64_t snapshots; /* written */
} glimpse_desk;

soup_port_service glimpse_desk_service(glimpse_desk *desk);

#endif
