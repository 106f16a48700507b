/*
 * Private to snapshots, the engine's and the replica's around it: bytes read in order, counted and summed up on the way. The first
 * thing that is wrong stays in `code`, and from then on everything reads as zeros.
 */
#ifndef TICKWIRE_MATCHER_CORE_EYE_H
#define TICKWIRE_MATCHER_CORE_EYE_H

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/text.h"
#include "matcher/core/snapshot.h"

#define EYE_SAID_BYTES 256u

typedef struct eye {
    mx_read read;
    void *context;
    uint64_t length; /* read until now */
    uint32_t crc;    /* of that */
    tw_code code;
    const char *what;
    char said[EYE_SAID_BYTES]; /* where `what` was made up */
} eye;

static inline void wrong(eye *from, tw_code code, const char *what) {
    if (from->code != TW_OK) return;
    from->code = code;
    from->what = what;
}

/* More than this process was given memory for: each setting that lacks is named, with what it has to be at least. */
static inline void wrong_room(eye *from, const char *setting, uint64_t needs, uint64_t has) {
    bool first = from->code == TW_OK;
    if (!first && from->code != TW_FULL) return;
    size_t used = first ? 0 : strlen(from->said);
    (void)tw_text_format(from->said + used, sizeof from->said - used,
                         "%s--%s %" PRIu64 " (this process has %" PRIu64 ")", first ? "it needs " : ", ", setting,
                         needs, has);
    wrong(from, TW_FULL, from->said);
}

static inline void wrong_version(eye *from, const char *what, uint32_t has, uint32_t reads) {
    if (from->code != TW_OK) return;
    (void)tw_text_format(from->said, sizeof from->said, "%s is of version %" PRIu32 ", this program reads %" PRIu32,
                         what, has, reads);
    wrong(from, TW_UNSUPPORTED, from->said);
}

/* An mx_read whose context is an eye: for a snapshot within a snapshot. */
static inline bool take_in(void *context, void *bytes, size_t length) {
    eye *from = context;
    if (!from->read(from->context, bytes, length)) return false;
    from->crc = tw_crc32c(from->crc, bytes, length);
    from->length += length;
    return true;
}

static inline void get_bytes(eye *from, void *bytes, size_t length) {
    if (from->code == TW_OK && !take_in(from, bytes, length)) wrong(from, TW_TRUNCATED, "it ends too early");
    if (from->code != TW_OK) memset(bytes, 0, length);
}

static inline uint64_t get(eye *from) {
    uint8_t bytes[8];
    get_bytes(from, bytes, sizeof bytes);
    return tw_load_le64(bytes);
}

#endif
