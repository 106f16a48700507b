/*
 * How large the socket buffer of a line should be: doubled when the kernel had to drop datagrams, or when half of it was
 * in use, until it has its largest size or the system grants no more. It never shrinks: room costs memory only while
 * something waits in it. Pure; whoever has the socket asks the kernel.
 */
#ifndef TICKWIRE_INGEST_STATE_RECEIVE_ROOM_H
#define TICKWIRE_INGEST_STATE_RECEIVE_ROOM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct receive_room {
    uint64_t asked, most; /* bytes, as SO_RCVBUF takes them */
    uint64_t granted;     /* bytes, as SO_RCVBUF tells them (Linux: twice what was asked) */
    uint64_t drops;       /* datagrams dropped when last looked */
    bool refused;         /* the system's limit is reached: nothing more is asked for */
    uint64_t changes;
} receive_room;

/* `asked` and what came of it. A `most` below `asked` is `asked`. */
void receive_room_init(receive_room *room, uint64_t asked, uint64_t most, uint64_t granted);
/* `used`: bytes that wait in the buffer, by the kernel's count. Returns the size to ask for now, 0: none. */
uint64_t receive_room_look(receive_room *room, uint64_t used, uint64_t drops);
/* What came of asking for `asked`. False: no more than before. */
bool receive_room_granted(receive_room *room, uint64_t asked, uint64_t granted);

#endif
