/*
 * How many of something each address or user has: connections, questions. Addresses are counted as whoever has one can't but
 * have it: an IPv4 address, or the /64 of an IPv6 one, which a host may change its address within as it likes. Open
 * addressing, fixed room.
 */
#ifndef TICKWIRE_GATEWAYS_ADDRESS_COUNT_H
#define TICKWIRE_GATEWAYS_ADDRESS_COUNT_H

#include <stdbool.h>
#include <stdint.h>

/* IPv4 (also as IPv6, ::ffff:a.b.c.d): high 0, low the address above 2^32. IPv6: high its first 64 bits, low 0. A user: high
 * a hash of the name, low all ones. */
typedef struct address_key {
    uint64_t high, low;
} address_key;

address_key address_key_of_ipv4(const uint8_t bytes[4]);
address_key address_key_of_ipv6(const uint8_t bytes[16]);
/* Never an address's. Users whose names were chosen to collide are counted as one. */
address_key address_key_of_user(const char *name);

typedef struct address_count address_count;

address_count *address_count_alloc(uint32_t most); /* NULL: no memory */
void address_count_free(address_count *counts);    /* NULL is fine */

uint32_t address_count_of(const address_count *counts, address_key key);
void address_count_add(address_count *counts, address_key key); /* at most `most` at once */
void address_count_remove(address_count *counts, address_key key);

#endif
