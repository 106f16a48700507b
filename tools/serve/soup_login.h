/* Who may log in to the SoupBinTCP services. Pure. */
#ifndef TICKWIRE_TOOLS_SERVE_SOUP_LOGIN_H
#define TICKWIRE_TOOLS_SERVE_SOUP_LOGIN_H

#include <stdbool.h>

#include "base/error.h"

typedef struct soup_credentials {
    const char *username; /* "": anyone may; borrowed */
    const char *password;
} soup_credentials;

/* At most six and ten printable characters, and no password without a user; TW_INVALID says so. */
tw_code soup_credentials_check(const soup_credentials *wanted, tw_error *error);
/* Case does not count (specification, 2.3.1). */
bool soup_credentials_match(const soup_credentials *wanted, const char *username, const char *password);

#endif
