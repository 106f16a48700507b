/* Rendezvous hashing of symbols over shards. Never change what it computes: see shard.h. */
#include "proto/shard.h"

static uint64_t fnv1a(const char *text) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        hash = (hash ^ *at) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint32_t shard_of_symbol(const char *symbol, uint32_t shards) {
    uint64_t hash = fnv1a(symbol), heaviest = 0;
    uint32_t found = 0;
    for (uint32_t shard = 1; shard <= shards; shard++) {
        uint64_t weight = mix(hash + shard * UINT64_C(0x9e3779b97f4a7c15));
        if (found != 0 && weight <= heaviest) continue;
        heaviest = weight;
        found = shard;
    }
    return found;
}
