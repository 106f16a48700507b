/*
 * Private to runtime/: what a stream is made as, and what of one that is there is put right. Pure, but for the library's types.
 *
 * Made with all that bus_stream_config says. Of one that is there only what its readers and writers rely on is ours: subjects, storage,
 * that nothing goes but by its bounds (retention, age, a bound by subject, rollups), what a bound does, acknowledgements, deny_delete, and
 * the replicas if they are given. All else (bounds by bytes and count, placement, the duplicate window, republishing, ...) is its
 * operator's and stays.
 */
#ifndef TICKWIRE_RUNTIME_BUS_STREAM_SHAPE_H
#define TICKWIRE_RUNTIME_BUS_STREAM_SHAPE_H

#include "runtime/bus_internal.h"
#include "runtime/bus_streams.h"

/* `name` and `subjects` are borrowed. */
void bus_stream_shape_new(jsStreamConfig *to, const bus_stream_config *from, const char *name,
                          const char *const *subjects, int subject_count);

/* `to` is a copy of what the server says; what must be otherwise becomes as `wanted` (from bus_stream_shape_new) has it, its memory borrowed.
 * `given_replicas` 0 leaves those as they are. `told` gets "what: old -> new" for each change, with commas between, cut if need be.
 * False: nothing to change. */
bool bus_stream_shape_mend(jsStreamConfig *to, const jsStreamConfig *wanted, uint32_t given_replicas, char *told,
                           size_t capacity);

#endif
