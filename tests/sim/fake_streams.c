/* runtime/bus_streams.h and runtime/bus_lease.h over the simulated server: calls over a connection of their own, that answer later. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "tests/sim/fake.h"

/* ---- streams ---- */

typedef enum ask { ASK_ENSURE, ASK_INFO, ASK_ACCOUNT, ASK_GET, ASK_GET_LAST } ask;

struct bus_streams {
    server_host *host;
    bus_streams_options options;
    bool busy, closed;
    ask what;
    char name[BUS_STREAM_NAME_BYTES], subject[BUS_STREAM_SUBJECT_BYTES];
    char subjects[4][SUBJECT_BYTES];
    uint32_t subject_count;
    uint64_t seq, max_bytes;
    bus_streams_result result;
};

static world *streams_world(const bus_streams *streams) {
    return streams->host->server->world;
}

tw_code bus_streams_open(bus_streams **streams, uv_loop_t *loop, const bus_streams_options *options,
                         tw_error *error) {
    (void)error;
    server_host *host = fake_host(loop);
    bus_streams *made = world_keep(host->server->world, sizeof *made);
    *made = (bus_streams){.host = host, .options = *options};
    if (made->options.timeout_ns == 0) made->options.timeout_ns = 5 * WORLD_SECOND;
    *streams = made;
    return TW_OK;
}

void bus_streams_close(bus_streams *streams) {
    if (streams != NULL) streams->closed = true;
}

bool bus_streams_busy(const bus_streams *streams) {
    return streams->busy;
}

static void streams_tell(void *context, void *data, size_t length) {
    bus_streams *streams = context;
    (void)data, (void)length;
    streams->busy = false;
    if (streams->closed) return;
    bus_streams_result result = streams->result;
    streams->options.on_result(streams->options.context, &result);
}

static void fill_info(const server_stream *stream, bus_stream_info *info) {
    *info = (bus_stream_info){.first_seq = stream->first_seq,
                              .last_seq = stream->last_seq,
                              .messages = stream->last_seq,
                              .created_ns = stream->created_ns,
                              .replicas = 3};
    if (stream->last_seq > 0) info->last_ns = stream->messages[stream->last_seq - 1].stream_ns;
}

static void fill_message(bus_streams *streams, const server_stream *stream, uint64_t seq) {
    bus_streams_result *result = &streams->result;
    const server_message *m = server_get(stream, seq);
    if (m == NULL) {
        result->outcome = BUS_STREAMS_NOT_FOUND;
        (void)tw_text_copy(result->reason, sizeof result->reason, "no message found");
        return;
    }
    result->seq = seq;
    result->stream_ns = m->stream_ns;
    result->bytes = m->bytes;
    result->length = m->length;
    (void)tw_text_copy(result->subject, sizeof result->subject, m->subject);
}

static void ensure(bus_streams *streams) {
    const char *subjects[4];
    for (uint32_t i = 0; i < streams->subject_count; i++)
        subjects[i] = streams->subjects[i];
    server *s = streams->host->server;
    streams->result.made = server_find_stream(s, streams->name) == NULL;
    server_make_stream(s, streams->name, subjects, streams->subject_count)->max_bytes = streams->max_bytes;
}

static uint64_t last_on(const server_stream *stream, const char *subject) {
    for (uint64_t seq = stream->last_seq; seq > 0; seq--)
        if (strcmp(subject, ">") == 0 || subject_matches(subject, stream->messages[seq - 1].subject)) return seq;
    return 0;
}

static void streams_at_server(void *context, void *data, size_t length) {
    bus_streams *streams = context;
    server *s = streams->host->server;
    (void)data, (void)length;
    streams->result = (bus_streams_result){.outcome = BUS_STREAMS_DONE};
    if (s->state != SERVER_UP) {
        streams->result.outcome = BUS_STREAMS_AWAY;
        (void)tw_text_copy(streams->result.reason, sizeof streams->result.reason, "nobody answers");
        world_after(s->world, streams->host->process, streams->options.timeout_ns, streams_tell, streams);
        return;
    }
    if (streams->what == ASK_ENSURE) ensure(streams);
    server_stream *stream = server_find_stream(s, streams->name);
    if (streams->what == ASK_ACCOUNT) { /* without a bound, as its streams are */
    } else if (stream == NULL) {
        streams->result.outcome = BUS_STREAMS_NOT_FOUND;
    } else if (streams->what == ASK_GET) {
        fill_message(streams, stream, streams->seq);
    } else if (streams->what == ASK_GET_LAST) {
        fill_message(streams, stream, last_on(stream, streams->subject));
    } else {
        fill_info(stream, &streams->result.info);
    }
    world_after(s->world, streams->host->process, world_delay(s->world, 200 * WORLD_MICROSECOND), streams_tell,
                streams);
}

static bool streams_ask(bus_streams *streams, ask what, const char *name) {
    if (streams->busy || streams->closed) return false;
    streams->busy = true;
    streams->what = what;
    (void)tw_text_copy(streams->name, sizeof streams->name, name);
    world_after(streams_world(streams), streams->host->process,
                world_delay(streams_world(streams), 200 * WORLD_MICROSECOND), streams_at_server, streams);
    return true;
}

bool bus_streams_ensure(bus_streams *streams, const bus_stream_config *config) {
    if (!streams_ask(streams, ASK_ENSURE, config->name)) return false;
    streams->max_bytes = config->max_bytes;
    for (streams->subject_count = 0; streams->subject_count < 4 && config->subjects[streams->subject_count] != NULL;
         streams->subject_count++)
        (void)tw_text_copy(streams->subjects[streams->subject_count], SUBJECT_BYTES,
                           config->subjects[streams->subject_count]);
    return true;
}

bool bus_streams_info(bus_streams *streams, const char *name) {
    return streams_ask(streams, ASK_INFO, name);
}

bool bus_streams_account(bus_streams *streams) {
    return streams_ask(streams, ASK_ACCOUNT, "");
}

bool bus_streams_get(bus_streams *streams, const char *name, uint64_t seq) {
    if (!streams_ask(streams, ASK_GET, name)) return false;
    streams->seq = seq;
    return true;
}

bool bus_streams_get_last(bus_streams *streams, const char *name, const char *subject) {
    if (!streams_ask(streams, ASK_GET_LAST, name)) return false;
    (void)tw_text_copy(streams->subject, sizeof streams->subject, subject);
    return true;
}

/* ---- the lease ---- */

struct bus_lease {
    server_host *host;
    bus_lease_on_result on_result;
    void *context;
    int64_t timeout_ns;
    bool busy, closed;
    char subject[128];
    uint64_t term, revision;
    char holder[BUS_LEASE_HOLDER_BYTES];
    bus_lease_result result;
};

/* A call on its way; a claim may take effect after whoever made it has given up, or died. */
typedef struct lease_call {
    bus_lease *lease;
    bool claim, answered;
    uint64_t term, revision;
    char holder[BUS_LEASE_HOLDER_BYTES];
} lease_call;

tw_code bus_lease_open(bus_lease **lease, uv_loop_t *loop, const bus_lease_options *options,
                       bus_lease_on_result on_result, void *context, tw_error *error) {
    (void)error;
    server_host *host = fake_host(loop);
    bus_lease *made = world_keep(host->server->world, sizeof *made);
    *made = (bus_lease){.host = host,
                        .on_result = on_result,
                        .context = context,
                        .timeout_ns = options->timeout_ns > 0 ? options->timeout_ns : WORLD_SECOND};
    (void)tw_text_format(made->subject, sizeof made->subject, "$KV.%s.%s", options->bucket, options->key);
    *lease = made;
    return TW_OK;
}

void bus_lease_close(bus_lease *lease) {
    if (lease != NULL) lease->closed = true;
}

bool bus_lease_busy(const bus_lease *lease) {
    return lease->busy;
}

const char *bus_lease_subject(const bus_lease *lease) {
    return lease->subject;
}

static void lease_tell(void *context, void *data, size_t length) {
    bus_lease *lease = context;
    (void)data, (void)length;
    lease->busy = false;
    if (lease->closed) return;
    bus_lease_result result = lease->result;
    lease->on_result(lease->context, &result);
}

static server_lease *lease_of(server *s, const char *subject) {
    uint32_t i = 0;
    while (s->leases[i].subject[0] != '\0' && strcmp(s->leases[i].subject, subject) != 0)
        TW_ASSERT(++i < SERVER_LEASES);
    (void)tw_text_copy(s->leases[i].subject, sizeof s->leases[i].subject, subject);
    return &s->leases[i];
}

static void claim_takes_effect(server *s, const lease_call *call) {
    char value[BUS_LEASE_HOLDER_BYTES + 32];
    call->lease->result.outcome = BUS_LEASE_LOST;
    server_lease *l = lease_of(s, call->lease->subject);
    if (call->revision != l->revision && call->lease->host->mutation != MUTATION_NO_LEASE) return;
    l->revision++;
    l->term = call->term;
    (void)tw_text_copy(l->holder, sizeof l->holder, call->holder);
    call->lease->result.outcome = BUS_LEASE_WON;
    call->lease->result.revision = l->revision;
    world_tell(s->world, "the lease %s is %s's, term %llu", l->subject, call->holder,
               (unsigned long long)call->term);
    (void)tw_text_format(value, sizeof value, "%llu %s", (unsigned long long)call->term, call->holder);
    server_publish(s, call->lease->subject, NULL, (const uint8_t *)value, strlen(value));
}

static void lease_read_now(server *s, const char *subject, bus_lease_result *result) {
    const server_lease *l = lease_of(s, subject);
    result->outcome = l->revision == 0 ? BUS_LEASE_NONE : BUS_LEASE_FOUND;
    result->term = l->term;
    result->revision = l->revision;
    (void)tw_text_copy(result->holder, sizeof result->holder, l->holder);
}

static void lease_at_server(void *context, void *data, size_t length) {
    server *s = context;
    lease_call *call = data;
    world *w = s->world;
    bus_lease *lease = call->lease;
    bool up = s->state == SERVER_UP, lost = !up || world_odds(w, s->faults.lost_claims, 1000);
    lease->result = (bus_lease_result){.outcome = BUS_LEASE_AWAY};
    if (up && call->claim) claim_takes_effect(s, call);
    if (up && !call->claim) lease_read_now(s, lease->subject, &lease->result);
    if (!up && !call->answered && call->claim && s->state == SERVER_ELECTING && world_odds(w, 1, 2)) {
        call->answered = true; /* it is held, and tried again when nobody waits */
        world_at(w, NULL, world_now(w) + world_between(w, 1, 4 * WORLD_SECOND), lease_at_server, s, data, length);
    } else if (call->answered) {
        return;
    }
    if (lost) {
        lease->result = (bus_lease_result){.outcome = BUS_LEASE_AWAY};
        (void)tw_text_copy(lease->result.reason, sizeof lease->result.reason, "nobody answers");
    }
    if (lease->host->life != lease->host->process->life) return;
    world_after(w, lease->host->process, lost ? lease->timeout_ns : world_delay(w, 300 * WORLD_MICROSECOND),
                lease_tell, lease);
}

static bool lease_ask(bus_lease *lease, const lease_call *call) {
    world *w = lease->host->server->world;
    if (lease->busy || lease->closed) return false;
    lease->busy = true;
    world_at(w, NULL, world_now(w) + world_delay(w, 300 * WORLD_MICROSECOND), lease_at_server, lease->host->server,
             call, sizeof *call);
    return true;
}

bool bus_lease_read(bus_lease *lease) {
    return lease_ask(lease, &(lease_call){.lease = lease});
}

bool bus_lease_claim(bus_lease *lease, uint64_t term, const char *holder, uint64_t revision) {
    lease_call call = {.lease = lease, .claim = true, .term = term, .revision = revision};
    (void)tw_text_copy(call.holder, sizeof call.holder, holder);
    return lease_ask(lease, &call);
}

bool bus_lease_parse(const uint8_t *bytes, size_t length, uint64_t *term, char holder[BUS_LEASE_HOLDER_BYTES]) {
    char text[BUS_LEASE_HOLDER_BYTES + 32];
    if (length >= sizeof text) return false;
    memcpy(text, bytes, length);
    text[length] = '\0';
    char *space = strchr(text, ' ');
    if (space == NULL) return false;
    *space = '\0';
    return tw_text_to_u64(text, term) && tw_text_copy(holder, BUS_LEASE_HOLDER_BYTES, space + 1);
}

/* ---- ticks ---- */

struct ticker {
    server_host *host;
    int64_t period_ns;
    ticker_on_tick on_tick;
    void *context;
    bool closed;
};

static void tick(void *context, void *data, size_t length) {
    ticker *t = context;
    (void)data, (void)length;
    if (t->closed) return;
    fake_run_as(t->host);
    world_after(t->host->server->world, t->host->process, t->period_ns, tick, t);
    t->on_tick(t->context);
}

tw_code ticker_open(ticker **opened, uv_loop_t *loop, int64_t period_ns, ticker_on_tick on_tick, void *context,
                    tw_error *error) {
    (void)error;
    server_host *host = fake_host(loop);
    ticker *t = world_keep(host->server->world, sizeof *t);
    *t = (ticker){.host = host, .period_ns = period_ns, .on_tick = on_tick, .context = context};
    world_after(host->server->world, host->process, period_ns, tick, t);
    *opened = t;
    return TW_OK;
}

void ticker_close(ticker *t) {
    if (t != NULL) t->closed = true;
}
