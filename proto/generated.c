/* protobuf-c over the caller's buffer and arena: no heap on either way. */
#include "proto/generated.h"

#include <string.h>

#include "base/text.h"
#include "proto/arena.h"

size_t wire_pb_pack(const ProtobufCMessage *message, uint8_t *buffer, size_t capacity) {
    if (protobuf_c_message_get_packed_size(message) > capacity) return 0;
    return protobuf_c_message_pack(message, buffer);
}

typedef struct bounded_source {
    wire_arena *arena;
    bool exhausted; /* tells "too much" from "malformed": protobuf-c answers NULL to both */
} bounded_source;

static void *take(void *context, size_t bytes) {
    bounded_source *source = context;
    void *memory = wire_arena_take(source->arena, bytes);
    if (memory == NULL) source->exhausted = true;
    return memory;
}

static void give_back_nothing(void *context, void *memory) {
    (void)context; /* the next decode's reset frees all at once */
    (void)memory;
}

ProtobufCMessage *wire_pb_unpack(wire_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                                 const uint8_t *bytes, size_t length, wire_result *result) {
    bounded_source source = {.arena = arena};
    ProtobufCAllocator allocator = {.alloc = take, .free = give_back_nothing, .allocator_data = &source};
    ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, &allocator, length, bytes);
    *result = message != NULL ? WIRE_OK : source.exhausted ? WIRE_OUT_OF_RANGE : WIRE_MALFORMED;
    return message;
}

bool wire_pb_text(char *text, size_t capacity, const char *source) {
    return tw_text_copy(text, capacity, source);
}
