#include "gateways/address_count.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"

typedef struct slot {
    address_key key;
    uint32_t count; /* 0: free */
} slot;

struct address_count {
    uint32_t mask;
    slot slots[];
};

address_key address_key_of_ipv4(const uint8_t bytes[4]) {
    return (address_key){.low = UINT64_C(1) << 32 | tw_load_be32(bytes)};
}

address_key address_key_of_ipv6(const uint8_t bytes[16]) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (memcmp(bytes, mapped, sizeof mapped) == 0) return address_key_of_ipv4(bytes + sizeof mapped);
    return (address_key){.high = tw_load_be64(bytes)};
}

address_key address_key_of_user(const char *name) {
    return (address_key){.high = tw_hash_text(name, strlen(name)), .low = UINT64_MAX};
}

address_count *address_count_alloc(uint32_t most) {
    uint32_t slots = 16;
    while (slots < 2 * most)
        slots *= 2;
    address_count *counts = calloc(1, sizeof *counts + slots * sizeof(slot));
    if (counts != NULL) counts->mask = slots - 1;
    return counts;
}

void address_count_free(address_count *counts) {
    free(counts);
}

static uint32_t home_of(const address_count *counts, address_key key) {
    uint64_t mixed = (key.high ^ key.low * UINT64_C(0xC2B2AE3D27D4EB4F)) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 32) & counts->mask;
}

/* Where the key is, or the free slot where it would be. */
static uint32_t find(const address_count *counts, address_key key) {
    uint32_t at = home_of(counts, key);
    while (counts->slots[at].count > 0 &&
           (counts->slots[at].key.high != key.high || counts->slots[at].key.low != key.low))
        at = (at + 1) & counts->mask;
    return at;
}

uint32_t address_count_of(const address_count *counts, address_key key) {
    return counts->slots[find(counts, key)].count;
}

void address_count_add(address_count *counts, address_key key) {
    slot *found = &counts->slots[find(counts, key)];
    found->key = key;
    found->count++;
}

/* What stands behind the hole moves up where its home allows it: no search is cut off. */
static void close_hole(address_count *counts, uint32_t hole) {
    for (uint32_t at = (hole + 1) & counts->mask; counts->slots[at].count > 0; at = (at + 1) & counts->mask) {
        uint32_t home = home_of(counts, counts->slots[at].key);
        if (((at - home) & counts->mask) < ((at - hole) & counts->mask)) continue;
        counts->slots[hole] = counts->slots[at];
        hole = at;
    }
    counts->slots[hole] = (slot){0};
}

void address_count_remove(address_count *counts, address_key key) {
    uint32_t at = find(counts, key);
    TW_ASSERT(counts->slots[at].count > 0);
    if (--counts->slots[at].count == 0) close_hole(counts, at);
}
