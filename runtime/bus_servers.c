/* Which servers, in which order. */
#include "runtime/bus_servers.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define DEFAULT_PORT ":4222"

bool bus_servers_parse(bus_servers *self, const char *urls) {
    char *rest = self->given, *url;
    memset(self, 0, sizeof *self);
    if (!tw_text_copy(self->given, sizeof self->given, urls)) return false;
    while ((url = strsep(&rest, ",")) != NULL) {
        if (self->given_count == BUS_SERVERS_GIVEN || *url == '\0') return false;
        self->urls[self->given_count++] = url;
    }
    self->count = self->given_count;
    return true;
}

/* HOST[:PORT] of a URL. */
static const char *address_of(const char *url) {
    const char *mark = strstr(url, "://"), *at = strrchr(url, '@');
    if (at != NULL) return at + 1;
    return mark != NULL ? mark + 3 : url;
}

static bool same_address(const char *left, const char *right) {
    const char *a = address_of(left), *b = address_of(right);
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > b_length) return same_address(right, left);
    return strncmp(a, b, a_length) == 0 && (a_length == b_length || strcmp(b + a_length, DEFAULT_PORT) == 0);
}

static bool known(const bus_servers *self, const char *url) {
    for (int i = 0; i < self->count; i++)
        if (same_address(self->urls[i], url)) return true;
    return false;
}

/* "nats://user:password@" of the first one given: a cluster tells addresses only. */
static void add_told(bus_servers *self, const char *url, size_t *used) {
    char *place = self->told + *used;
    size_t room = sizeof self->told - *used;
    int manner = (int)(address_of(self->urls[0]) - self->urls[0]);
    if (self->count == BUS_SERVERS_MOST || known(self, url)) return;
    if (!tw_text_format(place, room, "%.*s%s", manner, self->urls[0], address_of(url))) return;
    *used += strlen(place) + 1;
    self->urls[self->count++] = place;
}

void bus_servers_learn(bus_servers *self, natsConnection *nats) {
    char **told = NULL;
    int count = 0;
    size_t used = 0;
    if (natsConnection_GetConnectedUrl(nats, self->last, sizeof self->last) != NATS_OK) self->last[0] = '\0';
    if (natsConnection_GetDiscoveredServers(nats, &told, &count) != NATS_OK) return;
    self->count = self->given_count;
    for (int i = 0; i < count; i++) {
        add_told(self, told[i], &used);
        free(told[i]);
    }
    free(told);
}

static void swap(const char **a, const char **b) {
    const char *kept = *a;
    *a = *b;
    *b = kept;
}

natsStatus bus_servers_give(const bus_servers *self, natsOptions *options, tw_random *random) {
    const char *order[BUS_SERVERS_MOST];
    int last = self->count - 1;
    memcpy(order, self->urls, sizeof order);
    for (int i = last; i > 0; i--)
        swap(&order[i], &order[tw_random_below(random, (uint64_t)i + 1)]);
    for (int i = 0; i < last; i++)
        if (same_address(order[i], self->last)) swap(&order[i], &order[last]);
    natsStatus status = natsOptions_SetServers(options, order, self->count);
    return status == NATS_OK ? natsOptions_SetNoRandomize(options, true) : status;
}
