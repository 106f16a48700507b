/* Lists of exchanges, as an NBBO has three: compared, and as JSON. */
#ifndef TICKWIRE_PROTO_VENUES_H
#define TICKWIRE_PROTO_VENUES_H

#include <string.h>

#include "base/json.h"
#include "proto/codec.h"

/* The same exchanges in the same order. */
static inline bool wire_venues_same(const wire_venues *a, const wire_venues *b) {
    if (a->count != b->count) return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (strcmp(a->mics[i], b->mics[i]) != 0) return false;
    return true;
}

/* An array of their MICs. */
static inline void wire_venues_json(json_writer *w, const char *name, const wire_venues *venues) {
    json_open_array(w, name);
    for (uint32_t i = 0; i < venues->count; i++)
        json_string(w, NULL, venues->mics[i]);
    json_close_array(w);
}

#endif
