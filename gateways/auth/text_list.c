/* A few texts in one piece. */
#include "gateways/auth/text_list.h"

#include <stdlib.h>
#include <string.h>

bool text_list_add(text_list *list, const char *text, size_t length) {
    char *grown = realloc(list->texts, list->bytes + length + 1);
    if (grown == NULL) return false;
    memcpy(grown + list->bytes, text, length);
    grown[list->bytes + length] = '\0';
    list->texts = grown;
    list->bytes += length + 1;
    list->count++;
    return true;
}

void text_list_fini(text_list *list) {
    free(list->texts);
    *list = (text_list){0};
}

const char *text_list_first(const text_list *list) {
    return list->count == 0 ? NULL : list->texts;
}

const char *text_list_next(const text_list *list, const char *text) {
    const char *next = text + strlen(text) + 1;
    return next < list->texts + list->bytes ? next : NULL;
}

bool text_list_has(const text_list *list, const char *text) {
    for (const char *one = text_list_first(list); one != NULL; one = text_list_next(list, one))
        if (strcmp(one, text) == 0) return true;
    return false;
}
