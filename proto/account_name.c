/* What a venue's account may be called. */
#include "proto/account_name.h"

#include <string.h>

#include "base/utf8.h"

_Static_assert(ACCOUNT_NAME_MOST == 32, "ACCOUNT_NAME_RULE tells another length");

bool account_name_is_good(const char *name, size_t length) {
    char copy[ACCOUNT_NAME_MOST + 1] = ""; /* with its NUL, as tw_utf8_good wants it */
    if (length == 0 || length > ACCOUNT_NAME_MOST) return false;
    memcpy(copy, name, length);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)copy[i] < ' ' || copy[i] == 0x7f) return false;
    return tw_utf8_good(copy, length);
}
