/*
 * The first line of an HTTP request (RFC 9112, section 3), of those that libwebsockets does not take; pure.
 */
#ifndef TICKWIRE_GATEWAYS_REQUEST_LINE_H
#define TICKWIRE_GATEWAYS_REQUEST_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* The line without its end: a method, an address and HTTP/1.x, a space between them. False: it is no such line. `path` is as much of the address as
 * says what is asked for, without arguments and not decoded: of "http://host/x?y" it is "/x". "*": the server as a whole, also where the address
 * names no path of ours, as that of CONNECT. False, too, where it does not fit. */
bool request_line_read(const char *line, size_t length, char *path, size_t capacity);

#endif
