/* Lists of small numbers through one `next` array: first in, first out, no memory of their own. */
#include "publisher/internal.h"

void pub_list_init(pub_list *list) {
    list->first = list->last = PUB_NONE;
}

void pub_list_push(pub_list *list, uint32_t *next, uint32_t item) {
    next[item] = PUB_NONE;
    if (list->last != PUB_NONE) next[list->last] = item;
    if (list->first == PUB_NONE) list->first = item;
    list->last = item;
}

uint32_t pub_list_pop(pub_list *list, const uint32_t *next) {
    uint32_t item = list->first;
    if (item == PUB_NONE) return PUB_NONE;
    list->first = next[item];
    if (list->first == PUB_NONE) list->last = PUB_NONE;
    return item;
}
