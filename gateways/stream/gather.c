/*
 * What a client gets next, as pieces of memory that are shared with everybody in its groups, and what becomes of it when
 * so many bytes were written. A write may end anywhere: the end of the frame it ended in is copied for the client alone,
 * so that groups can forget the frame and the client still finishes it.
 */
#include <string.h>

#include "base/assert.h"
#include "gateways/stream/group.h"

static void add_span(gathering *g, gathered_span about, const uint8_t *bytes, size_t length) {
    g->spans[g->count] = (stream_span){.bytes = bytes, .length = length};
    g->about[g->count++] = about;
    g->bytes += length;
}

static void add_queue(gathering *g, span_kind kind, const byte_queue *queue) {
    if (queue->end > queue->start)
        add_span(g, (gathered_span){.kind = kind}, queue->bytes + queue->start, queue->end - queue->start);
}

/* What a snapshot stands for, in updates (trades: in prints that are in no message). */
static uint64_t missed_by(const stream *s, const member *m) {
    const group *g = group_at(s, m->group);
    uint64_t missed = m->joining ? 0 : g->updates_cut - m->updates;
    bool has_the_last = topic_at(s, g->topic)->kind == TOPIC_TRADES && missed > 0;
    return missed - has_the_last;
}

/* Head, body and tail; the body is everybody's. False: it could not be made. */
static bool add_snapshot(stream *s, uint32_t number) {
    gathering *g = &s->gathering;
    const member *m = member_at(s, number);
    const snapshot_cache *snapshot = stream_group_snapshot(s, m->group);
    if (snapshot == NULL) return false;
    encoding wrap = group_at(s, m->group)->encoding;
    topic_kind kind = topic_at(s, group_at(s, m->group)->topic)->kind;
    uint8_t *tail = g->scratch[g->count], *head = g->scratch[g->count + 1];
    uint32_t tail_length = stream_encode_tail(tail, wrap, snapshot->deflated, kind, missed_by(s, m));
    uint32_t head_length =
        stream_encode_head(head, wrap, snapshot->deflated, (uint64_t)snapshot->length + tail_length);
    add_span(g, (gathered_span){.kind = SPAN_HEAD, .member = number}, head, head_length);
    add_span(g, (gathered_span){.kind = SPAN_BODY, .member = number}, snapshot->bytes, snapshot->length);
    add_span(g, (gathered_span){.kind = SPAN_TAIL, .member = number}, tail, tail_length);
    return true;
}

/* As many frames as there is room for; at least one if nothing was gathered yet. */
static void add_frames(stream *s, uint32_t number, size_t most) {
    gathering *g = &s->gathering;
    const member *m = member_at(s, number);
    const frame_log *log = &group_at(s, m->group)->log;
    for (uint64_t frame = m->next_frame; frame < log->end && g->count < STREAM_MAX_SPANS && g->bytes < most;) {
        size_t length;
        uint32_t frames = frame_log_run(log, frame, most - g->bytes, &length);
        if (g->bytes + length > most && g->bytes > 0) {
            g->bytes = most; /* the next frame is too long for what room is left: full */
            return;
        }
        add_span(g, (gathered_span){.kind = SPAN_FRAMES, .member = number, .frames = frames},
                 log->bytes + frame_log_note(log, frame)->offset, length);
        frame += frames;
    }
}

/* Everything that waits becomes the latest state of each subject. */
static void turn_into_snapshots(stream *s, client *c) {
    c->lagging = false;
    for (uint32_t n = c->first_pending; n != NONE; n = member_at(s, n)->next_pending)
        if (!member_at(s, n)->wants_snapshot) stream_member_want_snapshot(s, n, false);
}

static void add_members(stream *s, client *c, size_t most) {
    gathering *g = &s->gathering;
    if (c->lagging) turn_into_snapshots(s, c);
    for (uint32_t n = c->first_pending; n != NONE && g->bytes < most && g->count + 3 <= STREAM_MAX_SPANS;
         n = member_at(s, n)->next_pending) {
        member *m = member_at(s, n);
        if (!m->wants_snapshot && m->next_frame < group_at(s, m->group)->log.first)
            stream_member_want_snapshot(s, n, false); /* overwritten while it waited */
        if (!m->wants_snapshot)
            add_frames(s, n, most);
        else if (!add_snapshot(s, n))
            return;
    }
}

/* Whatever was added last may reach beyond what the caller can take. */
static void trim(gathering *g, size_t most) {
    size_t total = 0;
    for (uint32_t i = 0; i < g->count; i++) {
        if (total + g->spans[i].length > most) {
            g->spans[i].length = most - total;
            g->count = i + (g->spans[i].length > 0);
        }
        total += i < g->count ? g->spans[i].length : 0;
    }
    g->bytes = total;
}

uint32_t stream_gather(stream *s, uint32_t number, stream_span spans[STREAM_MAX_SPANS], size_t most_bytes) {
    client *c = client_at(s, number);
    gathering *g = &s->gathering;
    TW_ASSERT(c->open && most_bytes > 0);
    g->client = number;
    g->count = 0;
    g->bytes = 0;
    add_queue(g, SPAN_REST, &c->rest);
    add_queue(g, SPAN_OUTBOX, &c->outbox);
    if (!c->closing) add_members(s, c, most_bytes);
    memcpy(g->whole, g->spans, g->count * sizeof *g->spans);
    g->whole_count = g->count;
    trim(g, most_bytes);
    memcpy(spans, g->spans, g->count * sizeof *spans);
    return g->count;
}

/* ---- after the write ---- */

static void count_use(stream *s, member *m, uint64_t updates, uint64_t bytes) {
    if (m->used_updates == 0) m->used_first_ns = s->now_ns;
    m->used_last_ns = s->now_ns;
    m->used_updates += updates;
    m->used_bytes += bytes;
    s->stats.updates_out += updates;
}

static void keep_rest(stream *s, client *c, const uint8_t *bytes, size_t length) {
    if (byte_queue_put(&c->rest, bytes, length)) return;
    byte_queue_fini(&c->rest);
    c->broken = true; /* a frame that can't be finished: nothing may follow it */
    stream_end_client(s, s->gathering.client, 1011, "no memory");
}

static void advance(stream *s, uint32_t number, uint64_t frame) {
    const group *g = group_at(s, member_at(s, number)->group);
    uint64_t updates = frame == g->log.end ? g->updates_cut : frame_log_note(&g->log, frame - 1)->updates;
    stream_member_move(s, number, frame, frame_log_position(&g->log, frame), updates);
}

/* So many bytes of a run of frames: whole ones are done, one begun is kept. */
static void sent_frames(stream *s, client *c, const gathered_span *about, const stream_span *span, size_t bytes) {
    member *m = member_at(s, about->member);
    const frame_log *log = &group_at(s, m->group)->log;
    uint64_t start = m->next_frame, end = start + about->frames, frame = end;
    uint64_t base = frame_log_note(log, start)->position;
    if (bytes < span->length) {
        uint64_t low = start, high = end; /* bytes before low are all sent, those before high are not */
        while (high - low > 1) {
            uint64_t middle = low + (high - low) / 2;
            if (frame_log_position(log, middle) - base <= bytes)
                low = middle;
            else
                high = middle;
        }
        frame = frame_log_position(log, low) - base == bytes ? low : high;
        size_t whole = (size_t)(frame_log_position(log, frame) - base);
        if (whole > bytes) keep_rest(s, c, span->bytes + bytes, whole - bytes);
    }
    if (frame == start) return;
    count_use(s, m, frame - start, frame_log_position(log, frame) - base);
    advance(s, about->member, frame);
}

/* The three pieces of a snapshot are one frame: begun is as good as done, what is left of it is kept. */
static void sent_snapshot(stream *s, client *c, const stream_span pieces[3], uint32_t number, size_t bytes) {
    if (bytes == 0) return;
    size_t total = 0;
    for (int i = 0; i < 3; i++) {
        size_t length = pieces[i].length, had = bytes > total ? bytes - total : 0;
        if (had < length) keep_rest(s, c, pieces[i].bytes + had, length - had);
        total += length;
    }
    member *m = member_at(s, number);
    const group *g = group_at(s, m->group);
    uint64_t missed = missed_by(s, m);
    s->stats.snapshots++;
    if (topic_at(s, g->topic)->kind == TOPIC_TRADES)
        s->stats.prints_passed_over += missed;
    else
        s->stats.merged += missed;
    count_use(s, m, 1, total);
    advance(s, number, g->log.end);
}

/* Settles the span at `i` and returns the one to go on with. */
static uint32_t settle(stream *s, client *c, uint32_t i, size_t *bytes) {
    const gathering *g = &s->gathering;
    const gathered_span *about = &g->about[i];
    size_t length = g->whole[i].length;
    if (about->kind == SPAN_HEAD) length += g->whole[i + 1].length + g->whole[i + 2].length;
    size_t now = *bytes < length ? *bytes : length;
    *bytes -= now;
    if (about->kind == SPAN_REST)
        byte_queue_took(&c->rest, now);
    else if (about->kind == SPAN_OUTBOX)
        byte_queue_took(&c->outbox, now);
    else if (about->kind == SPAN_FRAMES)
        sent_frames(s, c, about, &g->whole[i], now);
    else
        sent_snapshot(s, c, &g->whole[i], about->member, now);
    return about->kind == SPAN_HEAD ? i + 3 : i + 1;
}

void stream_sent(stream *s, uint32_t number, size_t bytes, int64_t now_ns) {
    client *c = client_at(s, number);
    gathering *g = &s->gathering;
    TW_ASSERT(g->client == number && bytes <= g->bytes);
    s->now_ns = now_ns;
    bool partial = bytes < g->bytes;
    s->stats.bytes_out += bytes;
    if (bytes > 0) c->sent_ns = now_ns;
    for (uint32_t i = 0; i < g->whole_count && bytes > 0;)
        i = settle(s, c, i, &bytes);
    g->client = STREAM_NO_CLIENT;
    g->count = g->whole_count = 0;
    if (partial) {
        c->blocked = true;
        stream_ready_remove(s, number);
    } else if (!stream_has_more(s, number)) {
        stream_ready_remove(s, number);
    } else if (c->place == CLIENT_IDLE) {
        stream_ready_push(s, number, CLIENT_LATER);
    }
}

void stream_writable(stream *s, uint32_t number) {
    client *c = client_at(s, number);
    bool is_owed_answer = c->outbox.end > c->outbox.start;
    c->blocked = false;
    if (stream_has_more(s, number)) stream_mark(s, number, is_owed_answer ? CLIENT_FIRST : CLIENT_READY);
}

bool stream_has_more(const stream *s, uint32_t number) {
    const client *c = client_at(s, number);
    if (c->broken) return false;
    bool own = c->rest.end > c->rest.start || c->outbox.end > c->outbox.start;
    return own || (!c->closing && c->first_pending != NONE);
}

static uint32_t take_from(stream *s, const ready_list *list) {
    while (list->first != NONE) {
        uint32_t number = list->first;
        stream_ready_remove(s, number);
        if (stream_has_more(s, number)) return number;
    }
    return STREAM_NO_CLIENT;
}

/* In turns, so that however much is asked and answered, everybody else waits twice as long at most. */
uint32_t stream_next_ready(stream *s) {
    uint32_t number = s->gave_first ? take_from(s, &s->ready) : STREAM_NO_CLIENT;
    s->gave_first = false;
    if (number != STREAM_NO_CLIENT) return number;
    number = take_from(s, &s->first);
    s->gave_first = number != STREAM_NO_CLIENT;
    return s->gave_first ? number : take_from(s, &s->ready);
}
