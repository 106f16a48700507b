/*
 * Finds the newest snapshot that is whole: in the folder, in the stream, whichever is newer. Newest is the greatest seq of those of this
 * exchange, shard and order stream.
 *
 * Half-written, damaged and foreign ones are passed over, and each is said (on_passed_over). If the caller can't use the one that was
 * found (another version, too large for its bounds), it says so and the next older one is looked for.
 *
 * In the stream it goes back from the last message to the last chunk of a snapshot, and reads that from its first chunk on. Management calls run on a
 * worker thread (bus_streams), chunks come through a bus_reader; files are read on the loop, at start nothing else runs there.
 */
#ifndef TICKWIRE_MATCHER_SNAPSHOTS_FIND_H
#define TICKWIRE_MATCHER_SNAPSHOTS_FIND_H

#include <uv.h>

#include "matcher/snapshots/chunk.h"
#include "runtime/bus.h"

typedef struct ms_find ms_find;

typedef struct ms_found {
    ms_envelope envelope;
    const uint8_t *bytes; /* borrowed until the callback returns; envelope.bytes of them */
    const char *where;    /* a path, or "the stream NAME, message 17" */
} ms_found;

/* Both are called on the loop, the first from within ms_find_open at the earliest. */
/* NULL: there is none (anywhere, or older than what was refused). True: taken, the search is over. False: look for an older one. */
typedef bool (*ms_on_found)(void *context, const ms_found *found);
typedef void (*ms_on_passed_over)(void *context, const char *where, const char *why);

typedef struct ms_find_options {
    const char *exchange;
    uint32_t shard;
    const char *folder;            /* NULL or "": none */
    const char *stream;            /* its name; NULL: none */
    const char *url, *credentials; /* as bus_options: for bus_streams */
    int64_t stream_created_ns;     /* of the order stream; snapshots of another one are passed over; 0: any */
    uint64_t most_seq; /* of the order stream's last message; snapshots beyond are passed over; 0: any */
    ms_on_found on_found;
    ms_on_passed_over on_passed_over;
    void *context;
} ms_find_options;

tw_code ms_find_open(ms_find **find, bus *over, uv_loop_t *loop, const ms_find_options *options, tw_error *error);
/* At any time, also from the callbacks. The memory goes when the loop next runs. NULL is fine. */
void ms_find_close(ms_find *find);

#endif
