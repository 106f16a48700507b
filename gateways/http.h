/*
 * HTTP: which path is answered by what. Bodies are JSON (errors too: {"error":{"code","message"}}), metrics text.
 */
#ifndef TICKWIRE_GATEWAYS_HTTP_H
#define TICKWIRE_GATEWAYS_HTTP_H

#include <stdbool.h>

#include "gateways/socket.h"

struct gateway;

/* Answers a request, now or later. */
void http_take(struct gateway *gateway, const socket_request *request);

/* May a page of `origin` use the gateway that it reaches as `host`? `allowed` is "*" or a list of origins. */
bool http_origin_allowed(const char *allowed, const char *origin, const char *host);

#endif
