/* The server: what arrives, what is stored, what is told. */
#include "tests/sim/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "runtime/bus_writer.h"

/* Came while a leader was elected, and will be looked at when there is one. */
typedef struct held {
    struct held *next;
    size_t length;
    max_align_t bytes[];
} held;

/* What a subscriber gets; subject, reply and payload follow. */
typedef struct delivery {
    bus_subscription *to;
    uint32_t epoch;
    uint32_t subject_bytes, reply_bytes;
    size_t length;
} delivery;

/* What any process gets: whose connection must still be the one it was sent over. */
typedef struct envelope {
    bus *to;
    uint32_t epoch;
    world_do run;
    void *context;
    max_align_t bytes[];
} envelope;

server *server_alloc(world *w, const server_faults *faults) {
    server *s = world_keep(w, sizeof *s);
    s->world = w;
    s->faults = *faults;
    s->held_tail = &s->held;
    return s;
}

static void drop_held(server *s) {
    while (s->held != NULL) {
        held *gone = s->held;
        s->held = gone->next;
        free(gone);
    }
    s->held_tail = &s->held;
}

void server_free(server *s) {
    drop_held(s);
    for (uint32_t i = 0; i < s->stream_count; i++) {
        for (uint64_t m = 0; m < s->streams[i].last_seq; m++)
            free(s->streams[i].messages[m].bytes);
        free(s->streams[i].messages);
    }
}

int64_t server_clock(const server *s) {
    return world_now(s->world) + s->clock_ahead_ns;
}

void server_turn_clock(server *s, int64_t by_ns) {
    s->clock_ahead_ns += by_ns;
    if (s->clock_ahead_ns > s->most_ahead_ns) s->most_ahead_ns = s->clock_ahead_ns;
}

void server_mend(server *s) {
    s->faults = (server_faults){0};
    s->clock_ahead_ns = s->most_ahead_ns;
    s->redis_away_until_ns = 0;
}

/* ---- streams ---- */

server_stream *server_make_stream(server *s, const char *name, const char *const *subjects, uint32_t count) {
    server_stream *stream = server_find_stream(s, name);
    if (stream != NULL) return stream;
    TW_ASSERT(s->stream_count < SERVER_STREAMS && count <= 4);
    stream = &s->streams[s->stream_count++];
    (void)tw_text_copy(stream->name, sizeof stream->name, name);
    for (uint32_t i = 0; i < count; i++)
        (void)tw_text_copy(stream->subjects[i], sizeof stream->subjects[i], subjects[i]);
    stream->subject_count = count;
    stream->created_ns = server_clock(s);
    stream->first_seq = 1;
    return stream;
}

server_stream *server_find_stream(server *s, const char *name) {
    for (uint32_t i = 0; i < s->stream_count; i++)
        if (strcmp(s->streams[i].name, name) == 0) return &s->streams[i];
    return NULL;
}

server_stream *server_stream_of(server *s, const char *subject) {
    for (uint32_t i = 0; i < s->stream_count; i++)
        for (uint32_t j = 0; j < s->streams[i].subject_count; j++)
            if (subject_matches(s->streams[i].subjects[j], subject)) return &s->streams[i];
    return NULL;
}

const server_message *server_get(const server_stream *stream, uint64_t seq) {
    if (seq == 0 || seq > stream->last_seq || stream->messages[seq - 1].gone) return NULL;
    return &stream->messages[seq - 1];
}

void server_delete(server_stream *stream, uint64_t seq) {
    server_message *m = &stream->messages[seq - 1];
    if (m->gone) return;
    m->gone = true; /* its bytes stay: an answer with them may be on its way */
    stream->bytes -= m->length;
    while (stream->first_seq <= stream->last_seq && stream->messages[stream->first_seq - 1].gone)
        stream->first_seq++;
}

static void append(server *s, server_stream *stream, const char *subject, const uint8_t *bytes, size_t length) {
    if (stream->last_seq == stream->room) {
        stream->room = stream->room == 0 ? 64 : stream->room * 2;
        stream->messages = realloc(stream->messages, stream->room * sizeof *stream->messages);
        TW_ASSERT(stream->messages != NULL);
    }
    server_message *m = &stream->messages[stream->last_seq++];
    *m = (server_message){.bytes = malloc(length + 1), .length = length, .stream_ns = server_clock(s)};
    TW_ASSERT(m->bytes != NULL);
    if (length > 0) memcpy(m->bytes, bytes, length);
    (void)tw_text_copy(m->subject, sizeof m->subject, subject);
    stream->bytes += length;
    while (stream->max_bytes > 0 && stream->bytes > stream->max_bytes)
        server_delete(stream, stream->first_seq);
    fake_reader_new(stream);
}

/* ---- from the server to a process ---- */

static void arrive_there(void *context, void *data, size_t length) {
    envelope *e = data;
    (void)context;
    if (!e->to->connected || e->to->closed || e->to->epoch != e->epoch) return;
    e->run(e->context, e->bytes, length - sizeof *e);
}

void server_reply(bus *to, world_do run, void *context, const void *data, size_t length) {
    server *s = to->server;
    int64_t at = world_now(s->world) + world_delay(s->world, 60 * WORLD_MICROSECOND);
    if (at < to->in_ns) at = to->in_ns;
    to->in_ns = at;
    envelope *e = malloc(sizeof *e + length);
    TW_ASSERT(e != NULL);
    *e = (envelope){.to = to, .epoch = to->epoch, .run = run, .context = context};
    if (length > 0) memcpy(e->bytes, data, length);
    world_give(s->world, to->process, at, arrive_there, NULL, e, sizeof *e + length);
}

static void deliver(void *context, void *data, size_t length) {
    bus_subscription *to = context;
    delivery *d = data;
    (void)length;
    if (!to->open) return;
    const char *subject = (const char *)(d + 1), *reply = subject + d->subject_bytes;
    bus_message message = {.subject = subject,
                           .reply = d->reply_bytes > 1 ? reply : NULL,
                           .bytes = (const uint8_t *)reply + d->reply_bytes,
                           .length = d->length};
    if (to->bus->spy != NULL) to->bus->spy(to->bus->spy_context, &message);
    to->on_message(to->context, &message);
}

static void tell_one(bus_subscription *to, const char *subject, const char *reply, const uint8_t *bytes,
                     size_t length) {
    delivery d = {.subject_bytes = (uint32_t)strlen(subject) + 1,
                  .reply_bytes = reply == NULL ? 1 : (uint32_t)strlen(reply) + 1,
                  .length = length};
    size_t whole = sizeof d + d.subject_bytes + d.reply_bytes + length;
    uint8_t *data = malloc(whole);
    TW_ASSERT(data != NULL);
    memcpy(data, &d, sizeof d);
    memcpy(data + sizeof d, subject, d.subject_bytes);
    memcpy(data + sizeof d + d.subject_bytes, reply == NULL ? "" : reply, d.reply_bytes);
    if (length > 0) memcpy(data + sizeof d + d.subject_bytes + d.reply_bytes, bytes, length);
    server_reply(to->bus, deliver, to, data, whole);
    free(data);
}

static void tell_other(bus_subscription *to, const char *subject, const uint8_t *bytes, size_t length) {
    uint8_t *copy = malloc(length);
    TW_ASSERT(copy != NULL);
    memcpy(copy, bytes, length);
    copy[length / 2] ^= 1;
    tell_one(to, subject, NULL, copy, length);
    free(copy);
}

/* A server cuts off who is too slow for it; what it had for him is gone when he is back. */
static void cut_off(void *context, void *data, size_t length) {
    static const bus_event events[] = {BUS_DISCONNECTED, BUS_RECONNECTED};
    bus *b = context;
    (void)data, (void)length;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (!b->closed && b->on_event != NULL) b->on_event(b->event_context, events[i], "");
}

bool server_is_wanted(server *s, const char *subject) {
    if (server_stream_of(s, subject) != NULL) return true;
    for (uint32_t i = 0; i < s->connection_count; i++) {
        const bus *b = s->connections[i];
        for (uint32_t j = 0; !b->closed && j < b->subscription_count; j++)
            if (b->subscriptions[j]->open && subject_matches(b->subscriptions[j]->subject, subject)) return true;
    }
    return false;
}

void server_publish(server *s, const char *subject, const char *reply, const uint8_t *bytes, size_t length) {
    for (uint32_t i = 0; i < s->connection_count; i++) {
        bus *b = s->connections[i];
        for (uint32_t j = 0; b->connected && !b->closed && j < b->subscription_count; j++) {
            bus_subscription *to = b->subscriptions[j];
            if (!to->open || !subject_matches(to->subject, subject)) continue;
            if (world_odds(s->world, s->faults.lost_core, 1000)) {
                world_after(s->world, b->process, 0, cut_off, b);
                continue;
            }
            if (s->mutation == MUTATION_OTHER_REPORT && strncmp(subject, "exec.", 5) == 0 && length > 0)
                tell_other(to, subject, bytes, length);
            else
                tell_one(to, subject, reply, bytes, length);
        }
    }
}

/* ---- from a process to the server ---- */

static void store(server *s, const server_parcel *p, const char *subject, const uint8_t *bytes) {
    server_stream *stream = server_stream_of(s, subject);
    bool answer = !world_odds(s->world, s->faults.lost_acks, 1000);
    if (stream == NULL) return;
    bool fits = s->faults.no_fence || p->fence == BUS_ANY_LAST_SEQ || p->fence == stream->last_seq;
    bool forgets = s->mutation == MUTATION_LOST_WRITE && p->kind == SERVER_WRITE && world_odds(s->world, 1, 100);
    if (fits && !forgets) append(s, stream, subject, bytes, p->length);
    world_tell(s->world, "%s: %s from %s %s%s", stream->name, subject, p->from->process->name,
               fits ? "stored" : "refused, another sequence", answer ? "" : ", and the answer gets lost");
    if (answer && p->kind == SERVER_WRITE) fake_writer_answer(p->from, p, fits, stream->last_seq, stream->last_seq);
}

static void take(server *s, const server_parcel *p) {
    const char *subject = (const char *)(p + 1), *reply = subject + p->subject_bytes;
    const uint8_t *bytes = (const uint8_t *)reply + p->reply_bytes;
    if (p->kind == SERVER_WRITE || server_stream_of(s, subject) != NULL) {
        store(s, p, subject, bytes);
    } else {
        server_publish(s, subject, p->reply_bytes > 1 ? reply : NULL, bytes, p->length);
    }
}

static void hold(server *s, const void *data, size_t length) {
    held *h = malloc(sizeof *h + length);
    TW_ASSERT(h != NULL);
    h->next = NULL;
    h->length = length;
    memcpy(h->bytes, data, length);
    *s->held_tail = h;
    s->held_tail = &h->next;
}

static bool is_for_stream(server *s, const server_parcel *p) {
    return p->kind == SERVER_WRITE || server_stream_of(s, (const char *)(p + 1)) != NULL;
}

/* 0: it arrives now; above 0: so much later; below 0: never. */
static int64_t fate(const server_parcel *p) {
    for (uint32_t i = 0; i < p->from->loss_count; i++) {
        const server_loss *loss = &p->from->losses[i];
        if (p->number > loss->after && p->number <= loss->to) return -1;
        if (!p->late && p->number > loss->late_from && p->number <= loss->after) return loss->late_ns;
    }
    return 0;
}

static void arrive_here(void *context, void *data, size_t length) {
    server *s = context;
    server_parcel *p = data;
    int64_t later = fate(p);
    if (later > 0) {
        p->late = true;
        world_at(s->world, NULL, world_now(s->world) + later, arrive_here, s, data, length);
        return;
    }
    if (p->number > p->from->arrived) p->from->arrived = p->number;
    if (later < 0 || s->state == SERVER_DOWN) return;
    if (!p->late && world_odds(s->world, s->faults.doubled, 1000)) { /* late: so it is not doubled for ever */
        p->late = true;
        world_at(s->world, NULL, world_now(s->world) + world_between(s->world, 0, 3 * WORLD_SECOND), arrive_here, s,
                 data, length);
    }
    if (s->state == SERVER_UP || !is_for_stream(s, p)) {
        take(s, p);
    } else if (world_odds(s->world, s->held_percent, 100)) {
        hold(s, data, length);
    }
}

void server_send(bus *from, const server_parcel *parcel, const char *subject, const char *reply,
                 const uint8_t *bytes) {
    server *s = from->server;
    server_parcel p = *parcel;
    p.from = from;
    p.number = ++from->sent;
    p.subject_bytes = (uint32_t)strlen(subject) + 1;
    p.reply_bytes = reply == NULL ? 1 : (uint32_t)strlen(reply) + 1;
    size_t whole = sizeof p + p.subject_bytes + p.reply_bytes + p.length;
    uint8_t *data = malloc(whole);
    TW_ASSERT(data != NULL);
    memcpy(data, &p, sizeof p);
    memcpy(data + sizeof p, subject, p.subject_bytes);
    memcpy(data + sizeof p + p.subject_bytes, reply == NULL ? "" : reply, p.reply_bytes);
    if (p.length > 0) memcpy(data + sizeof p + p.subject_bytes + p.reply_bytes, bytes, p.length);
    int64_t at = world_now(s->world) + world_delay(s->world, 60 * WORLD_MICROSECOND);
    if (at < from->out_ns) at = from->out_ns;
    from->out_ns = at;
    world_give(s->world, NULL, at, arrive_here, s, data, whole);
}

/* ---- connections ---- */

/* Where in what was sent the line is drawn. Some of what arrives may do so much later: a proxy, another server of the cluster. */
static void lose(bus *b) {
    TW_ASSERT(b->loss_count < SERVER_BREAKS);
    world *w = b->server->world;
    uint64_t after = b->arrived + (uint64_t)world_between(w, 0, (int64_t)(b->sent - b->arrived));
    server_loss *loss = &b->losses[b->loss_count++];
    *loss = (server_loss){.after = after, .to = b->sent, .late_from = after};
    if (world_odds(w, 1, 3)) {
        loss->late_from = b->arrived;
        loss->late_ns = world_between(w, 1, 8 * WORLD_SECOND);
    }
}

static void come_back(void *context, void *data, size_t length) {
    bus *b = context;
    (void)data, (void)length;
    if (b->connected || b->closed) return;
    if (b->server->state == SERVER_DOWN) {
        world_after(b->server->world, b->process, 100 * WORLD_MILLISECOND, come_back, b);
        return;
    }
    b->connected = true;
    b->epoch++;
    if (b->on_event != NULL) b->on_event(b->event_context, BUS_RECONNECTED, "");
}

bus *server_connect(server *s, world_process *process, bus_on_event on_event, void *context) {
    TW_ASSERT(s->connection_count < SERVER_CONNECTIONS);
    bus *b = world_keep(s->world, sizeof *b);
    *b = (bus){.server = s,
               .process = process,
               .life = process->life,
               .connected = s->state != SERVER_DOWN,
               .epoch = 1,
               .on_event = on_event,
               .event_context = context};
    s->connections[s->connection_count++] = b;
    if (!b->connected) world_after(s->world, process, 100 * WORLD_MILLISECOND, come_back, b);
    return b;
}

static void notice(void *context, void *data, size_t length) {
    bus *b = context;
    (void)data, (void)length;
    if (b->closed) return;
    fake_writer_away(b);
    fake_reader_away(b);
    if (b->on_event != NULL) b->on_event(b->event_context, BUS_DISCONNECTED, "broken");
}

void server_break(bus *b, int64_t for_ns) {
    if (!b->connected || b->closed || b->life != b->process->life || !b->process->alive) return;
    if (b->loss_count == SERVER_BREAKS) return;
    world_tell(b->server->world, "%s loses its connection for %lld ms", b->process->name,
               (long long)(for_ns / WORLD_MILLISECOND));
    lose(b);
    b->connected = false;
    world_after(b->server->world, b->process, 0, notice, b);
    world_after(b->server->world, b->process, for_ns, come_back, b);
}

void server_cut(bus *b) {
    if (b->loss_count < SERVER_BREAKS) lose(b);
    b->connected = false;
    b->closed = true;
}

/* ---- trouble ---- */

static void up_again(void *context, void *data, size_t length) {
    server *s = context;
    uint32_t change = *(uint32_t *)data;
    (void)length;
    if (change != s->changes) return;
    s->state = SERVER_UP;
    world_tell(s->world, "the server is up");
    held *h = s->held;
    s->held = NULL;
    s->held_tail = &s->held;
    while (h != NULL) {
        held *next = h->next;
        take(s, (const server_parcel *)(const void *)h->bytes);
        free(h);
        h = next;
    }
    for (uint32_t i = 0; i < s->stream_count; i++)
        fake_reader_new(&s->streams[i]);
}

static void change_state(server *s, server_state to, int64_t for_ns) {
    s->state = to;
    s->changes++;
    s->held_percent = (uint32_t)world_between(s->world, 0, 2) * 50;
    world_tell(s->world, "the server %s for %lld ms", to == SERVER_DOWN ? "is down" : "elects a leader",
               (long long)(for_ns / WORLD_MILLISECOND));
    world_at(s->world, NULL, world_now(s->world) + for_ns, up_again, s, &s->changes, sizeof s->changes);
}

void server_elect(server *s, int64_t for_ns) {
    if (s->state == SERVER_UP) change_state(s, SERVER_ELECTING, for_ns);
}

void server_restart(server *s, int64_t for_ns) {
    if (s->state == SERVER_DOWN) return;
    drop_held(s);
    change_state(s, SERVER_DOWN, for_ns);
    for (uint32_t i = 0; i < s->connection_count; i++)
        server_break(s->connections[i], for_ns);
}
