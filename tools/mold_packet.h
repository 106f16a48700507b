/* A MoldUDP64 packet being filled, message by message, in a session whose numbers go on from packet to packet. */
#ifndef TICKWIRE_TOOLS_MOLD_PACKET_H
#define TICKWIRE_TOOLS_MOLD_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/framing/moldudp64.h"

typedef struct mold_packet {
    uint8_t *bytes;  /* of the caller; may be another one for each packet, while count is 0 */
    size_t capacity; /* the largest payload */
    size_t used;
    uint16_t count; /* messages in it */
    char session[MOLDUDP64_SESSION_BYTES];
    uint64_t next; /* number of the message that comes next */
} mold_packet;

/* A session begins; nothing may be in the packet. The buffer stays. */
void mold_packet_start(mold_packet *packet, const char *session, uint64_t first);
/* False if the message does not fit beside what is in the packet: finish it first. */
bool mold_packet_add(mold_packet *packet, const uint8_t *message, uint16_t length);
/* The packet is whole: its length, 0 if it holds no message. The next one is empty. */
size_t mold_packet_finish(mold_packet *packet);
/* Heartbeat (0) or MOLDUDP64_END_OF_SESSION into the empty packet: its length. */
size_t mold_packet_signal(const mold_packet *packet, uint16_t count);

#endif
