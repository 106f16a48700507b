/* The stream as a whole: its memory, its round, its figures. */
#include <stdlib.h>

#include "base/error.h"
#include "gateways/stream/group.h"

#define MOST_DEFLATE_LEVEL 9

_Static_assert(STREAM_MOST_SUBSCRIPTIONS == SCRATCH_BYTES / 2 / STREAM_ACK_BYTES, "one answer names them all");

static uint32_t *due_place_of(void *context, uint32_t number) {
    return &group_at(context, number)->due_place;
}

/* NULL if they make sense, else the one that does not. */
static const char *option_fault(const stream_options *o) {
    if (o->max_clients == 0 || o->max_clients >= NONE) return "max_clients";
    if (o->max_instruments == 0 || o->max_instruments > MAX_INSTRUMENTS) return "max_instruments";
    if (o->max_subscriptions == 0 || o->max_subscriptions > MAX_ALL_SUBSCRIPTIONS) return "max_subscriptions";
    if (o->max_groups == 0 || o->max_groups >= NONE) return "max_groups";
    if (o->max_members == 0 || o->max_members > MAX_MEMBERS) return "max_members";
    if (o->client_bytes < STREAM_LEAST_CLIENT_BYTES) return "client_bytes";
    uint64_t ack_bytes =
        (uint64_t)o->max_subscriptions * STREAM_ACK_BYTES; /* a request may name as many as a client may have */
    if (ack_bytes > o->client_bytes || ack_bytes > SCRATCH_BYTES / 2) return "max_subscriptions";
    if (o->most.subscriptions > MAX_ALL_SUBSCRIPTIONS) return "most.subscriptions";
    uint64_t most_bytes = o->most.waiting_bytes > o->client_bytes ? o->most.waiting_bytes : o->client_bytes;
    ack_bytes = (uint64_t)o->most.subscriptions * STREAM_ACK_BYTES;
    if (ack_bytes > most_bytes || ack_bytes > SCRATCH_BYTES / 2) return "most.subscriptions";
    if (o->frames_kept == 0) return "frames_kept";
    if (o->kept_bytes == 0 || o->kept_bytes > INT64_MAX) return "kept_bytes";
    if (o->request_bytes == 0) return "request_bytes";
    if (o->requests_per_second == 0) return "requests_per_second";
    if (o->heartbeat_ns <= 0) return "heartbeat_ns";
    if (o->silence_ns <= 0) return "silence_ns";
    if (o->deflate_level > MOST_DEFLATE_LEVEL) return "deflate_level";
    return o->linger_ns < 0 ? "linger_ns" : NULL;
}

static bool init_packing(stream *s) {
    if (s->options.deflate_level == 0) return true;
    s->packer = ws_packer_alloc((int)s->options.deflate_level);
    s->packed = malloc(SCRATCH_BYTES);
    return s->packer != NULL && s->packed != NULL;
}

static bool init(stream *s) {
    s->first_fresh = s->last_fresh = s->first_empty = s->last_empty = s->first_wild = NONE;
    s->first = s->ready = s->later = (ready_list){.first = NONE, .last = NONE};
    s->gathering.client = STREAM_NO_CLIENT;
    s->log_bounds = (frame_log_bounds){.frames = s->options.frames_kept,
                                       .bytes = s->options.client_bytes,
                                       .budget = (int64_t)s->options.kept_bytes};
    due_init(&s->due, due_place_of, s);
    s->scratch = malloc(SCRATCH_BYTES);
    return s->scratch != NULL && init_packing(s) &&
           slab_init(&s->clients, sizeof(client), s->options.max_clients) &&
           slab_init(&s->groups, sizeof(group), s->options.max_groups) && stream_instruments_init(s) &&
           stream_members_init(s) && stream_subscriptions_init(s) && stream_wants_init(s);
}

tw_code stream_alloc(stream **made, const stream_options *options, const stream_surroundings *surroundings,
                     tw_error *error) {
    *made = NULL;
    const char *fault = option_fault(options);
    if (fault != NULL) return tw_error_set(error, TW_INVALID, "the stream's option %s is out of its range", fault);
    stream *s = calloc(1, sizeof *s);
    if (s == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the stream");
    s->options = *options;
    s->surroundings = *surroundings;
    if (!init(s)) {
        stream_free(s);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for the stream");
    }
    *made = s;
    return TW_OK;
}

static void free_groups(stream *s) {
    for (uint32_t n = 0; n < s->groups.reached; n++) {
        group *g = group_at(s, n);
        frame_log_fini(&g->log, &s->log_bounds);
        free(g->snapshot.bytes);
        free(g->members);
        free(g->prints);
        free(g->view);
    }
    slab_fini(&s->groups);
}

void stream_free(stream *s) {
    if (s == NULL) return;
    for (uint32_t n = 0; n < s->clients.reached; n++) {
        byte_queue_fini(&client_at(s, n)->rest);
        byte_queue_fini(&client_at(s, n)->outbox);
    }
    slab_fini(&s->clients);
    free_groups(s);
    stream_instruments_fini(s);
    stream_members_fini(s);
    stream_subscriptions_fini(s);
    stream_wants_fini(s);
    due_fini(&s->due);
    free(s->scratch);
    free(s->packed);
    ws_packer_free(s->packer);
    free(s);
}

static int64_t next_due_ns(const stream *s) {
    int64_t due_ns = due_next_ns(&s->due);
    return due_ns < s->watch_due_ns ? due_ns : s->watch_due_ns;
}

int64_t stream_round(stream *s, int64_t now_ns) {
    s->now_ns = now_ns;
    while (s->later.first != NONE) { /* in front of others: they have waited longest */
        uint32_t number = s->later.first;
        stream_ready_remove(s, number);
        stream_mark(s, number, CLIENT_READY);
    }
    stream_cut_due(s);
    stream_groups_tell(s, CLIENT_READY);
    stream_watch(s);
    return next_due_ns(s);
}

int64_t stream_round_on(stream *s, int64_t now_ns) {
    /* Answers that come without end must not keep all others from the next round. */
    if (s->ready.first == NONE && s->first.first != NONE) return stream_round(s, now_ns);
    s->now_ns = now_ns;
    stream_cut_due(s);
    stream_groups_tell(s, CLIENT_LATER);
    return next_due_ns(s);
}

bool stream_has_later(const stream *s) {
    return s->later.first != NONE;
}

void stream_report_usage(stream *s) {
    for (uint32_t n = 0; n < s->clients.reached; n++) {
        if (!client_at(s, n)->open) continue;
        for (uint32_t m = client_at(s, n)->first_member; m != NONE; m = member_at(s, m)->next_of_client)
            stream_member_report(s, m);
    }
}

stream_stats stream_read_stats(const stream *s) {
    stream_stats stats = s->stats;
    stats.clients = s->clients.count;
    stats.groups = s->groups.count;
    stats.instruments = s->instruments.count;
    stats.subscriptions = s->subscriptions.count;
    stats.kept_bytes = (uint64_t)((int64_t)s->options.kept_bytes - s->log_bounds.budget);
    return stats;
}
