/* Which servers, in which order. */
#include "runtime/bus_servers.h"

#include <arpa/inet.h>
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

const char *bus_servers_address(const char *url) {
    const char *mark = strstr(url, "://"), *at = strrchr(url, '@');
    if (at != NULL) return at + 1;
    return mark != NULL ? mark + 3 : url;
}

static bool same_address(const char *left, const char *right) {
    const char *a = bus_servers_address(left), *b = bus_servers_address(right);
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
    int manner = (int)(bus_servers_address(self->urls[0]) - self->urls[0]);
    if (self->count == BUS_SERVERS_MOST || known(self, url)) return;
    if (!tw_text_format(place, room, "%.*s%s", manner, self->urls[0], bus_servers_address(url))) return;
    *used += strlen(place) + 1;
    self->urls[self->count++] = place;
}

void bus_servers_learn(bus_servers *self, natsConnection *nats) {
    char **told = NULL, now[BUS_SERVERS_URL_BYTES];
    int count = 0;
    size_t used = 0;
    if (natsConnection_GetConnectedUrl(nats, now, sizeof now) == NATS_OK && now[0] != '\0') /* "" when it is over */
        tw_text_copy(self->last, sizeof self->last, now);
    if (natsConnection_GetDiscoveredServers(nats, &told, &count) != NATS_OK) return;
    if (count > 0) self->count = self->given_count;
    if (count > 0 && self->last[0] != '\0')
        add_told(self, self->last, &used); /* told before, and now not among the others */
    for (int i = 0; i < count; i++) {
        add_told(self, told[i], &used);
        free(told[i]);
    }
    free(told);
}

/* The list of an INFO's "connect_urls", of HOST:PORT in quotes. No text of JSON can hold this key with its quotes. */
static const char *listed(const char *info) {
    static const char key[] = "\"connect_urls\":[";
    const char *at = strstr(info, key);
    return at != NULL ? at + sizeof key - 1 : "";
}

static bool next_listed(const char **at, char *address, size_t capacity) {
    if (**at == ',') (*at)++;
    if (**at != '"') return false;
    size_t length = strcspn(++*at, "\"");
    bool whole = (*at)[length] == '"' && tw_text_format(address, capacity, "%.*s", (int)length, *at);
    *at += length + ((*at)[length] == '"');
    return whole;
}

static bool lists_another(const bus_servers *self, const char *at) {
    char address[BUS_SERVERS_URL_BYTES];
    while (next_listed(&at, address, sizeof address))
        if (!same_address(address, self->last)) return true;
    return false;
}

void bus_servers_told(bus_servers *self, const char *info) {
    char address[BUS_SERVERS_URL_BYTES];
    const char *at = listed(info);
    size_t used = 0;
    if (!lists_another(self, at)) return;
    self->count = self->given_count;
    if (self->last[0] != '\0') add_told(self, self->last, &used);
    while (next_listed(&at, address, sizeof address))
        add_told(self, address, &used);
}

static void swap(const char **a, const char **b) {
    const char *kept = *a;
    *a = *b;
    *b = kept;
}

int bus_servers_order(const bus_servers *self, const char *order[BUS_SERVERS_MOST], tw_random *random) {
    int last = self->count - 1;
    memcpy(order, self->urls, sizeof self->urls);
    for (int i = last; i > 0; i--)
        swap(&order[i], &order[tw_random_below(random, (uint64_t)i + 1)]);
    for (int i = 0; i < last; i++)
        if (same_address(order[i], self->last)) swap(&order[i], &order[last]);
    return self->count;
}

static size_t host_length(const char *address) {
    return address[0] == '[' ? strcspn(address, "]") + 1 : strcspn(address, ":/");
}

static bool host_is_number(const char *address) {
    char host[64];
    struct in_addr number;
    if (address[0] == '[') return true;
    return tw_text_format(host, sizeof host, "%.*s", (int)host_length(address), address) &&
           inet_pton(AF_INET, host, &number) == 1;
}

bool bus_servers_expected_name(const bus_servers *self, const char *url, char *name, size_t capacity) {
    const char *first = bus_servers_address(self->urls[0]);
    for (int i = 0; i < self->given_count; i++)
        if (url == self->urls[i]) return false;
    if (!host_is_number(bus_servers_address(url)) || host_is_number(first)) return false;
    return tw_text_format(name, capacity, "%.*s", (int)host_length(first), first);
}
