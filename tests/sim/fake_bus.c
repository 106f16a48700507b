/* runtime/bus.h and runtime/clock.h over the simulated server. */
#include "runtime/bus.h"

#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "runtime/clock.h"
#include "tests/sim/fake.h"

tw_code bus_publish(bus *b, const char *subject, const uint8_t *bytes, size_t length) {
    return bus_publish_request(b, subject, NULL, bytes, length);
}

tw_code bus_publish_trusted(bus *b, const char *subject, const uint8_t *bytes, size_t length) {
    return bus_publish_request(b, subject, NULL, bytes, length);
}

tw_code bus_publish_request(bus *b, const char *subject, const char *reply, const uint8_t *bytes, size_t length) {
    if (!b->connected || b->closed) return TW_AWAY;
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
                      size_t max_pending_bytes, bus_subscription **subscription, tw_error *error) {
    (void)max_pending_bytes, (void)error;
    TW_ASSERT(b->subscription_count < SERVER_SUBSCRIPTIONS);
    bus_subscription *made = world_keep(b->server->world, sizeof *made);
    *made = (bus_subscription){.bus = b, .on_message = on_message, .context = context, .open = true};
    (void)tw_text_copy(made->subject, sizeof made->subject, subject);
    b->subscriptions[b->subscription_count++] = made;
    *subscription = made;
    return TW_OK;
}

void bus_unsubscribe(bus_subscription *subscription) {
    if (subscription != NULL) subscription->open = false;
}

uint64_t bus_subscription_dropped(const bus_subscription *subscription) {
    (void)subscription;
    return 0;
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

int64_t rt_clock_monotonic_ns(void) {
    return world_now(current->server->world);
}

int64_t rt_clock_utc_ns(void) {
    return world_now(current->server->world) + current->process->clock_ahead_ns;
}
