/*
 * Finds the newest snapshot that is whole: in the folder, in the stream, whichever is newer. Newest is the greatest seq among those of this
 * exchange, shard and order stream.
 *
 * Half-written, damaged and foreign ones are passed over, and each is said (on_passed_over). If the caller can't use the one that was
 * found (another version, too large for its bounds), it says so and the next older one is looked for.
 *
 *   stream   … A0 A1 A2 | B0 B1 | C0 C1 C2 C3 | D0 D1        D was never finished: passed over. C3 is a last chunk, and says where C0 is:
 *                                            ◄──── back      C is read from there on, and checked. Were C damaged, B1 is next
 *
 * The last in the stream need not be the newest, as two replicas write, and a chunk may arrive once more, late: the newest of the last 16 is
 * taken, then the newest of those below it.
 *
 * Looking back costs one question to the server a message (one a snapshot, where its chunks are side by side), reading runs at full speed. While JetStream is away the search waits, says so
 * once, and goes on when it is back: without it a matcher can do nothing. Files are read on the loop: nothing else runs at start.
 */
#ifndef TICKWIRE_MATCHER_SNAPSHOTS_FIND_H
#define TICKWIRE_MATCHER_SNAPSHOTS_FIND_H

#include <uv.h>

#include "matcher/snapshots/file.h"
#include "runtime/bus.h"

typedef struct ms_find ms_find;

typedef struct ms_found {
    ms_envelope envelope;
    const uint8_t *bytes; /* borrowed until the callback returns; envelope.bytes of them */
    const char *where;    /* a path, or "the stream TWEX-snapshots-1, message 17" */
} ms_found;

/* Called on the loop, never from within ms_find_open. NULL: there is none (any more); the search is over. True: taken, the search is over.
 * False: look for an older one. */
typedef bool (*ms_on_found)(void *context, const ms_found *found);
/* `code` says the kind of reason: TW_UNSUPPORTED is another version. */
typedef void (*ms_on_passed_over)(void *context, const char *where, tw_code code, const char *why);

typedef struct ms_find_options {
    const char *exchange;
    uint32_t shard;
    const char *folder;            /* NULL or "": none */
    const char *stream;            /* its name; NULL: none */
    const char *url, *credentials; /* as bus_options: for bus_streams; credentials may be NULL */
    int64_t stream_created_ns;     /* of the order stream; snapshots of another one are passed over; 0: any */
    uint64_t most_seq; /* of the order stream's last message; snapshots beyond are passed over; 0: any */
    ms_on_found on_found;
    ms_on_passed_over on_passed_over;
    void *context;
} ms_find_options;

/* Copies the options. The bus must outlive the search; NULL without a stream. TW_INVALID, TW_NO_MEMORY. */
tw_code ms_find_open(ms_find **find, bus *over, uv_loop_t *loop, const ms_find_options *options, tw_error *error);
/* At any time, also from the callbacks. The memory goes when the loop next runs. NULL is fine. */
void ms_find_close(ms_find *find);

#endif
