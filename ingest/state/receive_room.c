/* When a socket buffer grows, and when there is no point in asking. */
#include "ingest/state/receive_room.h"

void receive_room_init(receive_room *self, uint64_t asked, uint64_t most, uint64_t granted) {
    *self = (receive_room){.asked = asked, .most = most > asked ? most : asked, .granted = granted};
}

uint64_t receive_room_look(receive_room *self, uint64_t used, uint64_t drops) {
    bool dropped = drops > self->drops;
    self->drops = drops;
    if (!dropped && used < self->granted / 2) return 0;
    if (self->refused || self->asked >= self->most) return 0;
    return self->asked > self->most / 2 ? self->most : self->asked * 2;
}

bool receive_room_granted(receive_room *self, uint64_t asked, uint64_t granted) {
    bool more = granted > self->granted;
    self->asked = asked;
    self->refused = !more;
    if (more) self->changes++;
    self->granted = granted;
    return more;
}
