/* Private to proto/: the decoders of messages that also travel as parts of a SnapshotReply. As the public ones, but
 * the arena is not reset, so several can stand in it side by side. */
#ifndef TICKWIRE_PROTO_PARTS_H
#define TICKWIRE_PROTO_PARTS_H

#include "proto/codec.h"

wire_result wire_book_update_read(wire_arena *arena, const uint8_t *bytes, size_t length, wire_book_update *m);
wire_result wire_quote_read(wire_arena *arena, const uint8_t *bytes, size_t length, wire_quote *m);
wire_result wire_trades_read(wire_arena *arena, const uint8_t *bytes, size_t length, wire_trades *m);
wire_result wire_status_read(wire_arena *arena, const uint8_t *bytes, size_t length, wire_status *m);
wire_result wire_imbalance_read(wire_arena *arena, const uint8_t *bytes, size_t length, wire_imbalance *m);

#endif
