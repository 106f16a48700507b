/* Memory that a snapshot (matcher/core/snapshot.h) is written into and read back from. The caller frees `bytes`. */
#ifndef TICKWIRE_TESTS_SUPPORT_SHELF_H
#define TICKWIRE_TESTS_SUPPORT_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "matcher/core/snapshot.h"

typedef struct shelf {
    uint8_t *bytes; /* NULL: none yet */
    size_t length, room, at;
    size_t most; /* what may be written; 0: everything */
} shelf;

/* An mx_write. */
static inline bool shelf_keep(void *context, const void *bytes, size_t length) {
    shelf *s = context;
    if (length > MX_SNAPSHOT_CHUNK) abort(); /* nobody is given more at a time */
    if (s->most != 0 && s->length + length > s->most) return false;
    if (s->length + length > s->room) {
        s->room = 2 * (s->length + length);
        s->bytes = realloc(s->bytes, s->room);
        if (s->bytes == NULL) abort();
    }
    memcpy(s->bytes + s->length, bytes, length);
    s->length += length;
    return true;
}

/* An mx_read. */
static inline bool shelf_fetch(void *context, void *bytes, size_t length) {
    shelf *s = context;
    if (s->length - s->at < length) return false;
    memcpy(bytes, s->bytes + s->at, length);
    s->at += length;
    return true;
}

#endif
