/* Sessions by client number. */
#include "gateways/auth/visitors.h"

#include <stdlib.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)
#define NOBODY    UINT32_MAX

typedef struct visitor {
    bool here, leaving; /* leaving: it was given by visitors_next_due */
    uint8_t tries;
    uint32_t user; /* NOBODY: anonymous */
    int64_t due_ns;
    identity *identity; /* NULL: anonymous */
} visitor;

typedef struct user {
    char *name; /* NULL: free */
    uint32_t sessions, next_free;
} user;

struct visitors {
    uint32_t max_clients, max_sessions, most_sessions;
    uint32_t reached; /* clients from here on have never been */
    visitor *clients; /* by number */
    user *users;
    uint32_t first_free_user;
    tw_map user_by_name;
    int64_t look_ns;       /* nothing is due before */
    uint64_t keys_version; /* of the keys looked at last */
    visitors_stats stats;
};

static const char *name_of(const void *context, uint32_t number) {
    return ((const visitors *)context)->users[number].name;
}

visitors *visitors_alloc(uint32_t max_clients, uint32_t max_sessions, uint32_t most_sessions) {
    visitors *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->max_clients = max_clients;
    self->max_sessions = max_sessions;
    self->most_sessions = most_sessions;
    self->look_ns = INT64_MAX;
    self->clients = calloc(max_clients, sizeof *self->clients);
    self->users = calloc(max_clients, sizeof *self->users);
    if (self->clients == NULL || self->users == NULL ||
        !tw_map_init(&self->user_by_name, max_clients, name_of, self)) {
        visitors_free(self);
        return NULL;
    }
    for (uint32_t i = 0; i < max_clients; i++)
        self->users[i].next_free = i + 1 < max_clients ? i + 1 : NOBODY;
    return self;
}

void visitors_free(visitors *self) {
    if (self == NULL) return;
    for (uint32_t i = 0; i < self->reached; i++)
        identity_free(self->clients[i].identity);
    for (uint32_t i = 0; self->users != NULL && i < self->max_clients; i++)
        free(self->users[i].name);
    tw_map_fini(&self->user_by_name);
    free(self->clients);
    free(self->users);
    free(self);
}

/* ---- users ---- */

/* Another session of the user; NOBODY: no memory. */
static uint32_t join_user(visitors *self, const char *name) {
    uint32_t number = tw_map_find(&self->user_by_name, name);
    if (number != TW_MAP_NONE) {
        self->users[number].sessions++;
        return number;
    }
    number = self->first_free_user; /* there are as many as clients */
    user *u = &self->users[number];
    u->name = strdup(name);
    if (u->name == NULL) return NOBODY;
    self->first_free_user = u->next_free;
    u->sessions = 1;
    self->stats.users++;
    tw_map_add(&self->user_by_name, number);
    return number;
}

static void leave_user(visitors *self, uint32_t number) {
    user *u = &self->users[number];
    if (--u->sessions > 0) return;
    tw_map_remove(&self->user_by_name, u->name);
    free(u->name);
    u->name = NULL;
    u->next_free = self->first_free_user;
    self->first_free_user = number;
    self->stats.users--;
}

static uint32_t sessions_allowed(const visitors *self, const identity *who) {
    uint32_t wanted = who->limits.sessions;
    if (wanted == 0) return self->max_sessions;
    uint32_t most = self->most_sessions > self->max_sessions ? self->most_sessions : self->max_sessions;
    return self->max_sessions == 0 || wanted < most ? wanted : most;
}

bool visitors_have_room(const visitors *self, const identity *who) {
    uint32_t allowed = sessions_allowed(self, who), number = tw_map_find(&self->user_by_name, who->user);
    return allowed == 0 || number == TW_MAP_NONE || self->users[number].sessions < allowed;
}

/* ---- coming and going ---- */

static void look_by(visitors *self, int64_t due_ns) {
    if (due_ns < self->look_ns) self->look_ns = due_ns;
}

void visitors_enter(visitors *self, uint32_t client, int64_t leave_by_ns) {
    visitors_leave(self, client);
    if (client >= self->reached) self->reached = client + 1;
    self->clients[client] = (visitor){.here = true, .user = NOBODY, .due_ns = leave_by_ns};
    self->stats.anonymous++;
    look_by(self, leave_by_ns);
}

void visitors_leave(visitors *self, uint32_t client) {
    visitor *v = &self->clients[client];
    if (!v->here) return;
    if (v->user != NOBODY) leave_user(self, v->user);
    self->stats.known -= v->identity != NULL;
    self->stats.anonymous -= v->identity == NULL;
    identity_free(v->identity);
    *v = (visitor){0};
}

auth_verdict visitors_admit(visitors *self, uint32_t client, identity *who) {
    visitor *v = &self->clients[client];
    if (v->identity != NULL && strcmp(v->identity->user, who->user) != 0) return AUTH_USER;
    if (v->identity == NULL) {
        if (!visitors_have_room(self, who)) return AUTH_SESSIONS;
        v->user = join_user(self, who->user);
        if (v->user == NOBODY) return AUTH_NO_MEMORY;
        self->stats.known++;
        self->stats.anonymous--;
    }
    identity_free(v->identity);
    v->identity = who;
    v->tries = 0;
    v->due_ns = who->expires_ns;
    look_by(self, v->due_ns);
    return AUTH_GOOD;
}

void visitors_refused(visitors *self, uint32_t client) {
    visitor *v = &self->clients[client];
    if (++v->tries < VISITORS_TRIES) return;
    look_by(self, 0);
}

const identity *visitors_identity(const visitors *self, uint32_t client) {
    return client < self->reached ? self->clients[client].identity : NULL;
}

const char *visitors_user(const visitors *self, uint32_t client) {
    const identity *who = visitors_identity(self, client);
    return who == NULL ? IDENTITY_ANONYMOUS : who->user;
}

/* ---- who has to go ---- */

static const char *reason_of(visitors *self, const visitor *v, const key_set *keys, int64_t now_ns) {
    if (!v->here || v->leaving) return NULL;
    if (v->tries >= VISITORS_TRIES) {
        self->stats.unproven++;
        return "too many tokens were refused";
    }
    if (v->identity != NULL && !key_set_has(keys, v->identity->thumbprint)) {
        self->stats.withdrawn++;
        return "the key that the token was signed with was withdrawn";
    }
    if (now_ns < v->due_ns) return NULL;
    self->stats.expired += v->identity != NULL;
    self->stats.unproven += v->identity == NULL;
    return v->identity != NULL ? "token expired" : "no token came in time";
}

/* Everybody was looked at: when next? At most once a second, however many sessions there are. */
static void look_again(visitors *self, const key_set *keys, int64_t now_ns) {
    int64_t due_ns = INT64_MAX;
    for (uint32_t i = 0; i < self->reached; i++) {
        const visitor *v = &self->clients[i];
        if (v->here && !v->leaving && v->due_ns < due_ns) due_ns = v->due_ns;
    }
    self->look_ns = due_ns < now_ns + SECOND_NS ? now_ns + SECOND_NS : due_ns;
    self->keys_version = keys->version;
}

const char *visitors_next_due(visitors *self, const key_set *keys, int64_t now_ns, uint32_t *client) {
    if (*client == 0 && now_ns < self->look_ns && keys->version == self->keys_version) return NULL;
    for (uint32_t i = *client; i < self->reached; i++) {
        const char *reason = reason_of(self, &self->clients[i], keys, now_ns);
        if (reason == NULL) continue;
        self->clients[i].leaving = true;
        *client = i;
        return reason;
    }
    look_again(self, keys, now_ns);
    return NULL;
}

visitors_stats visitors_read_stats(const visitors *self) {
    return self->stats;
}
