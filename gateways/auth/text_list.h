/* A few texts in one piece of memory, as large as they are: many sessions have one. Zeroed is empty. Pure. */
#ifndef TICKWIRE_GATEWAYS_AUTH_TEXT_LIST_H
#define TICKWIRE_GATEWAYS_AUTH_TEXT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct text_list {
    uint32_t count;
    size_t bytes;
    char *texts; /* one after the other, each with its NUL */
} text_list;

bool text_list_add(text_list *list, const char *text, size_t length); /* false: no memory */
void text_list_fini(text_list *list);
/* The first, then the next after one that it gave: for (t = first; t != NULL; t = next). NULL at the end. */
const char *text_list_first(const text_list *list);
const char *text_list_next(const text_list *list, const char *text);
bool text_list_has(const text_list *list, const char *text);

#endif
