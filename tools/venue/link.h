/*
 * A command's connection to the venue: one loop, one bus, and waiting for something with an end. Commands are short programs that ask,
 * wait and print; this is where they wait, Ctrl-C included.
 */
#ifndef TICKWIRE_TOOLS_VENUE_LINK_H
#define TICKWIRE_TOOLS_VENUE_LINK_H

#include "base/civil.h"
#include "proto/subject.h"
#include "runtime/bus.h"
#include "runtime/settings.h"
#include "tools/server.h"

#define VENUE_REFUSALS      8u
#define VENUE_REFUSAL_BYTES 320u

typedef struct venue_link {
    uv_loop_t loop;
    bus *bus;
    uv_timer_t slice;                                   /* wakes the loop, so that time and Ctrl-C are looked at */
    char refusals[VENUE_REFUSALS][VENUE_REFUSAL_BYTES]; /* the server's words, the last ones */
    uint32_t refusal_count;
} venue_link;

/* The settings that every command of the venue has. */
typedef struct venue_link_settings {
    server_settings server;
    const char *exchange, *inbox_prefix;
    int64_t timeout_ns;
    bool json;
} venue_link_settings;

/* Their rows of a settings table; `STRUCT` has a venue_link_settings named `link`. */
/* clang-format off */
#define VENUE_LINK_ROWS(STRUCT)                                                                                    \
    SERVER_ROWS(offsetof(STRUCT, link.server)),                                                                    \
    {.name = "inbox-prefix",                                                                                       \
     .type = SETTING_TEXT,                                                                                         \
     .offset = offsetof(STRUCT, link.inbox_prefix),                                                                \
     .default_text = "_INBOX",                                                                                     \
     .value_name = "WORDS",                                                                                        \
     .help = "where answers come to: what the user's NATS permissions let it listen to, such as _INBOX_ann"},      \
    {.name = "exchange",                                                                                           \
     .type = SETTING_TEXT,                                                                                         \
     .offset = offsetof(STRUCT, link.exchange),                                                                    \
     .default_text = "TWEX",                                                                                       \
     .value_name = "MIC",                                                                                          \
     .help = "the venue, where a symbol is written without it"},                                                   \
    {.name = "json",                                                                                               \
     .type = SETTING_FLAG,                                                                                         \
     .offset = offsetof(STRUCT, link.json),                                                                        \
     .default_text = "false",                                                                                      \
     .help = "one JSON object per line"},                                                                          \
    SERVER_WAIT_ROW(offsetof(STRUCT, link.server)),                                                                \
    {.name = "timeout",                                                                                            \
     .type = SETTING_DURATION,                                                                                     \
     .offset = offsetof(STRUCT, link.timeout_ns),                                                                  \
     .default_text = "5s",                                                                                         \
     .value_name = "TIME",                                                                                         \
     .help = "wait so long for each answer",                                                                       \
     .minimum = 10000000,                                                                                          \
     .maximum = INT64_C(3600000000000)}
/* clang-format on */

/* Connects. `name` is shown in the server's list. After TW_OK venue_link_close ends it, else there is nothing to end. */
tw_code venue_link_open(venue_link *link, const venue_link_settings *wanted, const char *name, tw_error *error);
/* The server's words if it has refused to let this user publish on, or subscribe to, the subject; else NULL. */
const char *venue_link_refusal(const venue_link *link, const char *subject);
/* Whatever was opened on the bus or the loop is closed before. */
void venue_link_close(venue_link *link);

typedef enum venue_wait { VENUE_CAME = 0, VENUE_TIMED_OUT, VENUE_INTERRUPTED } venue_wait;
/* Runs the loop until done(context) or `until_ns` of the monotonic clock. `done` NULL: until then. */
venue_wait venue_link_wait(venue_link *link, bool (*done)(void *context), void *context, int64_t until_ns);

/* A request with one or more replies. on_reply gets BUS_NO_RESPONDERS as a message's status. Closed by venue_request_end. */
typedef struct venue_request {
    venue_link *link;
    bus_subscription *replies;
    char subject[SUBJECT_BYTES], inbox[SUBJECT_BYTES];
} venue_request;
/* The server's words if the user may not ask this, or not hear the answer; else NULL. */
const char *venue_request_refusal(const venue_request *request);
tw_code venue_request_start(venue_request *request, venue_link *link, const char *subject, const uint8_t *bytes,
                            size_t length, bus_on_message on_reply, void *context, tw_error *error);
void venue_request_end(venue_request *request);

#endif
