/* runtime/bus.h and runtime/clock.h over the simulated server. */
#include "runtime/bus.h"

#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/text.h"
#include "runtime/clock.h"
#include "tests/sim/fake.h"

/* The real one waits for a server; here it comes back by itself. */
tw_code bus_open(bus **opened, uv_loop_t *loop, const bus_options *options, tw_error *error) {
    const server_host *host = fake_host(loop);
    (void)error;
    *opened = server_connect(host->server, host->process, options->on_event, options->event_context);
    (*opened)->mutation = host->mutation;
    (*opened)->no_responders = options->no_responders;
    return TW_OK;
}

void bus_close(bus *b) {
    if (b != NULL) b->closed = true;
}

bus_stats bus_read_stats(const bus *b) {
    (void)b;
    return (bus_stats){0};
}

const char *bus_message_header(const bus_message *message, const char *name) {
    (void)message, (void)name;
    return NULL;
}

tw_code bus_publish(bus *b, const char *subject, const uint8_t *bytes, size_t length) {
    return bus_publish_request(b, subject, NULL, bytes, length);
}

tw_code bus_publish_trusted(bus *b, const char *subject, const uint8_t *bytes, size_t length) {
    return bus_publish_request(b, subject, NULL, bytes, length);
}

/* What a server says of a request that nobody listens for. */
static void nobody(void *context, void *data, size_t length) {
    const bus *b = context;
    const bus_message message = {.subject = "", .status = BUS_NO_RESPONDERS};
    (void)length;
    for (uint32_t i = 0; i < b->subscription_count; i++) {
        bus_subscription *to = b->subscriptions[i];
        if (!to->open || !subject_matches(to->subject, data)) continue;
        to->on_message(to->context, &message);
        return;
    }
}

tw_code bus_publish_request(bus *b, const char *subject, const char *reply, const uint8_t *bytes, size_t length) {
    if (!b->connected || b->closed) return TW_AWAY;
    if (!server_is_wanted(b->server, subject)) {
        if (reply != NULL && b->no_responders) server_reply(b, nobody, b, reply, strlen(reply) + 1);
        return TW_OK;
    }
    server_send(b, &(server_parcel){.kind = SERVER_PUBLISH, .fence = BUS_ANY_LAST_SEQ, .length = length}, subject,
                reply, bytes);
    return TW_OK;
}

void bus_flush(bus *b) {
    (void)b;
}
bool bus_ready(const bus *b) {
    return b->connected;
}
bool bus_connected(const bus *b) {
    return b->connected;
}
size_t bus_buffered(const bus *b) {
    (void)b;
    return 0;
}
size_t bus_max_payload(const bus *b) {
    (void)b;
    return 1024 * 1024;
}

tw_code bus_subscribe(bus *b, const char *subject, bus_on_message on_message, void *context,
                      bus_subscription **subscription, tw_error *error) {
    (void)error;
    uint32_t place = 0;
    while (place < b->subscription_count && b->subscriptions[place]->open)
        place++;
    TW_ASSERT(place < SERVER_SUBSCRIPTIONS);
    bus_subscription *made = world_keep(b->server->world, sizeof *made);
    *made = (bus_subscription){.bus = b, .on_message = on_message, .context = context, .open = true};
    (void)tw_text_copy(made->subject, sizeof made->subject, subject);
    b->subscriptions[place] = made;
    if (place == b->subscription_count) b->subscription_count++;
    *subscription = made;
    return TW_OK;
}

void bus_unsubscribe(bus_subscription *subscription) {
    if (subscription != NULL) subscription->open = false;
}

tw_code bus_new_inbox(bus *b, char *subject, size_t capacity, tw_error *error) {
    (void)error;
    bool fits = tw_text_format(subject, capacity, "_INBOX.%s.%u.%llu", b->process->name, b->life,
                               (unsigned long long)++b->inboxes);
    return fits ? TW_OK : TW_INVALID;
}

/* ---- the clock of whoever is asking ---- */

static const server_host *current;

void fake_run_as(const server_host *host) {
    current = host;
}

const server_host *fake_current(void) {
    return current;
}

const char *fake_mutation_name(fake_mutation mutation) {
    static const char *const names[MUTATIONS] = {
        "none",          "no-fence",       "no-lease",   "resend-at-end", "skip-unknown", "forget-ids",
        "old-origin",    "own-clock",      "skip-input", "no-sync",       "in-place",     "hide-newest",
        "wrong-start",   "lost-write",     "says-not",   "twice",         "other-report", "forget-sessions",
        "deaf-to-kills", "deaf-to-limits", "wrong-money"};
    return mutation < MUTATIONS ? names[mutation] : "?";
}

const char *fake_mutation_shows(fake_mutation mutation) {
    static const char *const shows[MUTATIONS] = {[MUTATION_NO_FENCE] = "its execution id does not rise",
                                                 [MUTATION_NO_SYNC] = "is not whole under its name",
                                                 [MUTATION_IN_PLACE] = "is not whole under its name",
                                                 [MUTATION_HIDE_NEWEST] = "did not start with the newest",
                                                 [MUTATION_WRONG_START] = "started with another state",
                                                 [MUTATION_LOST_WRITE] = "is not there",
                                                 [MUTATION_SAYS_NOT] = "surely not in the stream",
                                                 [MUTATION_TWICE] = "was given again",
                                                 [MUTATION_OTHER_REPORT] = "the live report",
                                                 [MUTATION_FORGET_SESSIONS] = "of a session that is gone",
                                                 [MUTATION_DEAF_TO_KILLS] = "accepted after a kill",
                                                 [MUTATION_DEAF_TO_LIMITS] = "beyond its limit of open orders",
                                                 [MUTATION_WRONG_MONEY] = "than its fills say"};
    return mutation < MUTATIONS ? shows[mutation] : NULL;
}

/* Two daemons of one machine would have two: it is part of their names. */
pid_t getpid(void) {
    pid_t number = 1;
    for (const char *c = current == NULL ? "" : current->process->name; *c != '\0'; c++)
        number = number * 31 % 100003 + *c;
    return number;
}

int64_t rt_clock_monotonic_ns(void) {
    return world_now(current->server->world);
}

int64_t rt_clock_utc_ns(void) {
    return world_now(current->server->world) + current->process->clock_ahead_ns;
}
