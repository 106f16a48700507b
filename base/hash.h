/* A hash of text for tables in memory: eight bytes at a time. Not for anything that is kept or sent, and no defence against
 * who chooses texts that collide. */
#ifndef TICKWIRE_BASE_HASH_H
#define TICKWIRE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TW_HASH_FACTOR UINT64_C(0x9E3779B97F4A7C15) /* 2^64 by the golden ratio: odd, bits evenly spread */

static inline uint64_t tw_hash_mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * TW_HASH_FACTOR;
    return hash ^ hash >> 32;
}

static inline uint64_t tw_hash_text(const char *text, size_t length) {
    uint64_t hash = length, word;
    for (; length >= sizeof word; text += sizeof word, length -= sizeof word) {
        memcpy(&word, text, sizeof word);
        hash = tw_hash_mix(hash, word);
    }
    word = 0;
    memcpy(&word, text, length);
    return tw_hash_mix(hash, word);
}

#endif
