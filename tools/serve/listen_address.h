/* Where a server hears, as a person writes it: ADDRESS:PORT, numeric, port 0 for any free one. Pure. */
#ifndef TICKWIRE_TOOLS_SERVE_LISTEN_ADDRESS_H
#define TICKWIRE_TOOLS_SERVE_LISTEN_ADDRESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"
#include "ingest/source/location.h"

#define LISTEN_ADDRESS_BYTES 96

/* "127.0.0.1:26500", "[::1]:0". A udp location without interface; TW_INVALID says what it must look like. */
tw_code listen_address_parse(const char *text, location *where, tw_error *error);

/* The same as text again. */
void listen_address_format(const char *host, uint16_t port, char *target, size_t capacity);
uint16_t listen_address_port(const struct sockaddr_storage *socket);

#endif
