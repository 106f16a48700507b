/* A message as a person or a program reads it. Pure: bytes in, text out. */
#ifndef TICKWIRE_TOOLS_TAP_PRINT_H
#define TICKWIRE_TOOLS_TAP_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/codec.h"

#define TAP_LINE_BYTES (4u << 20) /* holds the JSON of the largest payload */

/* One line without line feed, NUL terminated. False: the payload does not decode; `line` then says so. */
bool tap_print(bool json, wire_arena *arena, const char *subject, const uint8_t *bytes, size_t length, char *line,
               size_t capacity);

#endif
