/* One user, one password, or an open door. */
#include "tools/serve/soup_login.h"

#include <string.h>

#include "ingest/framing/soupbintcp.h"

static tw_code check_text(const char *name, const char *text, size_t most, tw_error *error) {
    bool good = strlen(text) <= most;
    for (const char *c = text; *c != '\0'; c++)
        good = good && *c > ' ' && *c <= '~';
    if (good) return TW_OK;
    return tw_error_set(error, TW_INVALID, "--%s: SoupBinTCP has room for at most %zu printable characters", name,
                        most);
}

tw_code soup_credentials_check(const soup_credentials *wanted, tw_error *error) {
    tw_code code = check_text("user", wanted->username, SOUP_USERNAME_BYTES - 1, error);
    if (code == TW_OK) code = check_text("password", wanted->password, SOUP_PASSWORD_BYTES - 1, error);
    if (code == TW_OK && wanted->username[0] == '\0' && wanted->password[0] != '\0')
        code = tw_error_set(error, TW_INVALID, "--password needs --user");
    return code;
}

bool soup_credentials_match(const soup_credentials *wanted, const char *username, const char *password) {
    if (wanted->username[0] == '\0') return true;
    return soup_same_text(username, wanted->username) && soup_same_text(password, wanted->password);
}
