/* A few sessions by client: lists through one array. */
#include "gateways/orders/sessions.h"

#include <stdlib.h>

typedef struct client_session {
    uint64_t id; /* 0: free */
    uint32_t client, shard;
    uint32_t next; /* of the client, or of the free ones */
    int64_t heard_ns;
    bool closing;
    bool doubtful; /* an opening left, and nobody knows whether it was stored */
} client_session;

struct order_sessions {
    client_session *all;
    uint32_t *first_of; /* by client */
    uint32_t max_clients, capacity, reached, free, count;
    int64_t timeout_ns;
};

order_sessions *sessions_alloc(uint32_t max_clients, uint32_t max_sessions, int64_t timeout_ns) {
    order_sessions *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    *self = (order_sessions){
        .max_clients = max_clients, .capacity = max_sessions, .free = SESSION_NONE, .timeout_ns = timeout_ns};
    self->all = calloc(max_sessions, sizeof *self->all);
    self->first_of = malloc(max_clients * sizeof *self->first_of);
    if (self->all == NULL || self->first_of == NULL) {
        sessions_free(self);
        return NULL;
    }
    for (uint32_t i = 0; i < max_clients; i++)
        self->first_of[i] = SESSION_NONE;
    return self;
}

void sessions_free(order_sessions *self) {
    if (self == NULL) return;
    free(self->all);
    free(self->first_of);
    free(self);
}

uint32_t sessions_find(const order_sessions *self, uint32_t client, uint32_t shard) {
    uint32_t i = self->first_of[client];
    while (i != SESSION_NONE && self->all[i].shard != shard)
        i = self->all[i].next;
    return i;
}

uint32_t sessions_enter(order_sessions *self, uint32_t client, uint32_t shard, uint64_t id, int64_t now_ns) {
    uint32_t i = self->free;
    if (i != SESSION_NONE)
        self->free = self->all[i].next;
    else if (self->reached < self->capacity)
        i = self->reached++;
    else
        return SESSION_NONE;
    self->all[i] = (client_session){
        .id = id, .client = client, .shard = shard, .next = self->first_of[client], .heard_ns = now_ns};
    self->first_of[client] = i;
    self->count++;
    return i;
}

uint64_t sessions_id(const order_sessions *self, uint32_t session) {
    return self->all[session].id;
}

static bool is_it(const order_sessions *self, uint32_t number, uint64_t id) {
    return number < self->reached && self->all[number].id == id && id != 0;
}

void sessions_heard(order_sessions *self, uint32_t number, uint64_t id, int64_t sent_ns) {
    if (is_it(self, number, id) && self->all[number].heard_ns < sent_ns) self->all[number].heard_ns = sent_ns;
}

void sessions_opened(order_sessions *self, uint32_t number, uint64_t id) {
    if (is_it(self, number, id)) self->all[number].doubtful = false;
}

void sessions_doubt(order_sessions *self, uint32_t number, uint64_t id) {
    if (is_it(self, number, id)) self->all[number].doubtful = true;
}

bool sessions_doubtful(const order_sessions *self, uint32_t number) {
    return self->all[number].doubtful;
}

void sessions_fail(order_sessions *self, uint32_t number, uint64_t id) {
    if (is_it(self, number, id) && !self->all[number].doubtful) sessions_forget(self, number);
}

void sessions_leave(order_sessions *self, uint32_t client) {
    for (uint32_t i = self->first_of[client]; i != SESSION_NONE; i = self->all[i].next)
        self->all[i].closing = true;
    /* The number may be another client's soon: these belong to nobody now. */
    self->first_of[client] = SESSION_NONE;
}

bool sessions_next(const order_sessions *self, uint32_t *number, session_due *due) {
    uint32_t i = *number == SESSION_NONE ? 0 : *number + 1;
    while (i < self->reached && self->all[i].id == 0)
        i++;
    *number = i;
    if (i >= self->reached) return false;
    const client_session *one = &self->all[i];
    *due = (session_due){.session = i,
                         .client = one->client,
                         .shard = one->shard,
                         .id = one->id,
                         .closing = one->closing,
                         .doubtful = one->doubtful};
    return true;
}

void sessions_forget(order_sessions *self, uint32_t number) {
    client_session *one = &self->all[number];
    if (!one->closing) {
        uint32_t *link = &self->first_of[one->client];
        while (*link != SESSION_NONE && *link != number)
            link = &self->all[*link].next;
        if (*link == number) *link = one->next;
    }
    *one = (client_session){.next = self->free};
    self->free = number;
    self->count--;
}

uint32_t sessions_take_lost(order_sessions *self, int64_t now_ns, uint32_t *shard) {
    for (uint32_t i = 0; i < self->reached; i++) {
        const client_session *one = &self->all[i];
        if (one->id == 0 || now_ns - one->heard_ns < self->timeout_ns) continue;
        uint32_t client = one->client;
        bool told = !one->closing;
        *shard = one->shard;
        sessions_forget(self, i);
        if (told) return client + 1;
    }
    return 0;
}

uint32_t sessions_count(const order_sessions *self) {
    return self->count;
}
