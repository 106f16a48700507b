/* Session names that count; see session_name.h. */
#include "tools/simulate/session_name.h"

#include <string.h>

#define LONGEST (MOLDUDP64_SESSION_BYTES - 1)

bool sim_session_name_valid(const char *name) {
    size_t length = strlen(name);
    if (length == 0 || length > LONGEST) return false;
    for (size_t i = 0; i < length; i++)
        if (name[i] <= ' ' || name[i] > '~') return false;
    return true;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

void sim_session_name_next(char name[MOLDUDP64_SESSION_BYTES]) {
    size_t length = strlen(name), first = length;
    while (first > 0 && is_digit(name[first - 1]))
        first--;
    if (first == length) { /* no digits: this was the first, the next is 2 */
        if (length == LONGEST) length--;
        name[length] = '2';
        name[length + 1] = '\0';
        return;
    }
    for (size_t i = length; i-- > first;) {
        if (name[i]++ != '9') return;
        name[i] = '0';
    }
    if (length == LONGEST) return; /* wrapped to 0 */
    memmove(name + first + 1, name + first, length - first + 1);
    name[first] = '1';
}
