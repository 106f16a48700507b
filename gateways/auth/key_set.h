/*
 * The keys in force: each from a source (a file, the provider), which may be read again at any time. Pure.
 */
#ifndef TICKWIRE_GATEWAYS_AUTH_KEY_SET_H
#define TICKWIRE_GATEWAYS_AUTH_KEY_SET_H

#include "gateways/auth/key.h"

#define KEYS_OF_A_SOURCE 64u
#define KEY_SET_KEYS     256u

/* What one source gave. */
typedef struct key_list {
    size_t count;
    auth_key keys[KEYS_OF_A_SOURCE];
    size_t passed_over; /* entries that are not for this: other uses, other algorithms */
    char reason[256];   /* of the first of those; "" for none */
} key_list;
void key_list_fini(key_list *list);

typedef struct key_set {
    uint32_t count;
    auth_key keys[KEY_SET_KEYS];
    uint32_t sources[KEY_SET_KEYS];
    uint64_t version; /* rises whenever keys change */
} key_set;
void key_set_fini(key_set *set); /* {0} is fine */

/* The keys of `source` are now those of `list`, which is empty afterwards. TW_FULL: more than KEY_SET_KEYS in all; then
 * nothing has changed and the list is as it was. */
tw_code key_set_replace(key_set *set, uint32_t source, key_list *list, tw_error *error);

/* Is a key with this thumbprint in force? */
bool key_set_has(const key_set *set, const char *thumbprint);

#endif
