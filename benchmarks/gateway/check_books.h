/*
 * The books of one client of the gateway, kept by the rules of docs/stream.md: a snapshot replaces, everything else has to
 * chain on, and the checksum has to be that of the book. For protobuf. Pure.
 */
#ifndef TICKWIRE_BENCHMARKS_GATEWAY_CHECK_BOOKS_H
#define TICKWIRE_BENCHMARKS_GATEWAY_CHECK_BOOKS_H

#include "proto/codec.h"

typedef struct checked_book {
    bool known;
    wire_header header;
    uint32_t counts[2];
    tw_level sides[2][TW_MAX_DEPTH];
} checked_book;

/* Takes a frame of a book. NULL, or what is wrong with it (static). */
const char *check_book(checked_book *book, wire_arena *arena, const wire_stream_frame *frame);

#endif
