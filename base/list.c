/* Links are indexes: see list.h. */
#include "base/list.h"

void tw_list_init(tw_list *list) {
    list->first = list->last = TW_LIST_NONE;
}

void tw_list_push(tw_list *list, uint32_t *next, uint32_t item) {
    next[item] = TW_LIST_NONE;
    if (list->last != TW_LIST_NONE) next[list->last] = item;
    if (list->first == TW_LIST_NONE) list->first = item;
    list->last = item;
}

uint32_t tw_list_pop(tw_list *list, const uint32_t *next) {
    uint32_t item = list->first;
    if (item == TW_LIST_NONE) return TW_LIST_NONE;
    list->first = next[item];
    if (list->first == TW_LIST_NONE) list->last = TW_LIST_NONE;
    return item;
}
