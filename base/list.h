/* First in, first out lists of small numbers, linked through one `next` array that the owner has: no memory of their own,
 * each number in at most one list that uses the array. */
#ifndef TICKWIRE_BASE_LIST_H
#define TICKWIRE_BASE_LIST_H

#include <stdint.h>

#define TW_LIST_NONE UINT32_MAX

typedef struct tw_list {
    uint32_t first, last; /* TW_LIST_NONE if empty */
} tw_list;

void tw_list_init(tw_list *list);
void tw_list_push(tw_list *list, uint32_t *next, uint32_t item);
uint32_t tw_list_pop(tw_list *list, const uint32_t *next); /* TW_LIST_NONE if empty */

#endif
