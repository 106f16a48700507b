/* The keys in force. */
#include "gateways/auth/key_set.h"

#include <string.h>

void key_list_fini(key_list *list) {
    for (size_t i = 0; i < list->count; i++)
        key_fini(&list->keys[i]);
    list->count = 0;
}

void key_set_fini(key_set *set) {
    for (uint32_t i = 0; i < set->count; i++)
        key_fini(&set->keys[i]);
    *set = (key_set){0};
}

static uint32_t count_of(const key_set *set, uint32_t source) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < set->count; i++)
        count += set->sources[i] == source;
    return count;
}

static void remove_source(key_set *set, uint32_t source) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->sources[i] == source) {
            key_fini(&set->keys[i]);
            continue;
        }
        set->keys[kept] = set->keys[i];
        set->sources[kept++] = set->sources[i];
    }
    set->count = kept;
}

tw_code key_set_replace(key_set *set, uint32_t source, key_list *list, tw_error *error) {
    if (set->count - count_of(set, source) + list->count > KEY_SET_KEYS)
        return tw_error_set(error, TW_FULL, "more than %u keys in all", KEY_SET_KEYS);
    remove_source(set, source);
    for (size_t i = 0; i < list->count; i++) {
        set->keys[set->count] = list->keys[i];
        set->sources[set->count++] = source;
    }
    list->count = 0;
    set->version++;
    return TW_OK;
}

bool key_set_has(const key_set *set, const char *thumbprint) {
    for (uint32_t i = 0; i < set->count; i++)
        if (strcmp(set->keys[i].thumbprint, thumbprint) == 0) return true;
    return false;
}
