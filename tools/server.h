/* Which NATS server a word of `tickwire` talks to: the settings, their rows, and what a connection's options make of them. */
#ifndef TICKWIRE_TOOLS_SERVER_H
#define TICKWIRE_TOOLS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/civil.h"
#include "runtime/settings.h"
#include "tools/interrupt.h"

typedef struct server_settings {
    const char *url;
    const char *credentials; /* "": none */
    int64_t connect_timeout_ns;
} server_settings;

/* Rows of a table of settings for a server_settings that is at `at` in the command's struct. How long the server is waited for has a
 * row of its own: not every command lets that be set. */
/* clang-format off */
#define SERVER_ROWS(at)                                                                                            \
    {.name = "url",                                                                                                \
     .type = SETTING_TEXT,                                                                                         \
     .offset = (at) + offsetof(server_settings, url),                                                              \
     .default_text = "nats://127.0.0.1:4222",                                                                      \
     .value_name = "URL",                                                                                          \
     .help = "the NATS server; several separated by commas"},                                                      \
    {.name = "credentials",                                                                                        \
     .type = SETTING_TEXT,                                                                                         \
     .offset = (at) + offsetof(server_settings, credentials),                                                      \
     .default_text = "",                                                                                           \
     .value_name = "FILE",                                                                                         \
     .help = "a NATS .creds file"}
#define SERVER_WAIT_ROW(at)                                                                                        \
    {.name = "connect-timeout",                                                                                    \
     .type = SETTING_DURATION,                                                                                     \
     .offset = (at) + offsetof(server_settings, connect_timeout_ns),                                               \
     .default_text = "10s",                                                                                        \
     .value_name = "TIME",                                                                                         \
     .help = "wait so long for the server"}
/* clang-format on */

static inline const char *server_credentials(const server_settings *server) {
    return server->credentials[0] != '\0' ? server->credentials : NULL;
}

/* give_up of a connection: Ctrl-C ends the waiting for a server. */
static inline bool server_give_up(void *context) {
    (void)context;
    return interrupt_wanted();
}

#endif
