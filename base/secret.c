/* Users and passwords of URLs, written over or left out. */
#include "base/secret.h"

#include <string.h>

void tw_secret_hide(char *text) {
    char *start = strstr(text, "://");
    if (start == NULL) return;
    start += 3;
    char *end = strrchr(start, '@');
    if (end != NULL) memset(start, '*', (size_t)(end - start));
}

void tw_secret_strip(const char *urls, char *target, size_t capacity) {
    size_t length = 0;
    while (*urls != '\0' && length + 1 < capacity) {
        size_t authority = strcspn(urls, ",/"), at = strcspn(urls, ",/@");
        if (at < authority) {
            urls += at + 1;
            continue;
        }
        for (size_t i = 0; i <= authority && length + 1 < capacity && *urls != '\0'; i++)
            target[length++] = *urls++;
    }
    target[length] = '\0';
}
