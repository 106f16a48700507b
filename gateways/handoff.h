/* libtickwire's books and headers as the stream's structs: names become numbers, absent times their own value, levels are
 * handed on where they lie. */
#ifndef TICKWIRE_GATEWAYS_HANDOFF_H
#define TICKWIRE_GATEWAYS_HANDOFF_H

#include "client/tickwire.h"
#include "gateways/stream/stream.h"

int64_t handoff_ns(int64_t ns); /* 0 is TW_TIME_ABSENT */
tw_state_cause handoff_cause(const char *name);
wire_header handoff_header(const tickwire_header *header);

/* The book as the stream takes it: `header` is filled, levels are borrowed from `book`. */
stream_book handoff_view(const tickwire_book *book, wire_header *header);
/* Gives it to the stream: a delta at the time of its arrival, which is now; else at the present time. What the stream answers is kept as the
 * book's `user`. */
void handoff_book(stream *core, tickwire_client *client, const tickwire_book *book, const tickwire_change *change);

#endif
