/*
 * Members: a client in a group, which is a position in the group's frames and nothing more. A client is in at most one
 * group of a topic. Found by client and topic through open addressing; lists run through the group and the client.
 */
#include <stdlib.h>

#include "gateways/stream/group.h"

/* ---- by client and topic ---- */

static uint32_t slot_of(const stream *s, uint32_t client_number, uint32_t topic_number) {
    uint64_t mixed = ((uint64_t)client_number << 32 | topic_number) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 32) & s->member_mask;
}

static uint32_t topic_of(const stream *s, uint32_t number) {
    return group_at(s, member_at(s, number)->group)->topic;
}

static uint32_t home_of(const stream *s, uint32_t number) {
    return slot_of(s, member_at(s, number)->client, topic_of(s, number));
}

bool stream_members_init(stream *s) {
    uint32_t slots = 16;
    while (slots < 2 * s->options.max_members)
        slots *= 2;
    s->member_mask = slots - 1;
    s->member_slots = calloc(slots, sizeof *s->member_slots); /* 0 is free, else the number plus 1 */
    return s->member_slots != NULL && slab_init(&s->members, sizeof(member), s->options.max_members);
}

void stream_members_fini(stream *s) {
    free(s->member_slots);
    slab_fini(&s->members);
}

uint32_t stream_member_find(const stream *s, uint32_t client_number, uint32_t topic_number) {
    for (uint32_t slot = slot_of(s, client_number, topic_number); s->member_slots[slot] != 0;
         slot = (slot + 1) & s->member_mask) {
        uint32_t number = s->member_slots[slot] - 1;
        if (member_at(s, number)->client == client_number && topic_of(s, number) == topic_number) return number;
    }
    return NONE;
}

static void index_add(stream *s, uint32_t number) {
    uint32_t slot = home_of(s, number);
    while (s->member_slots[slot] != 0)
        slot = (slot + 1) & s->member_mask;
    s->member_slots[slot] = number + 1;
}

/* What stands behind the hole moves up where its home allows it: no search is cut off. */
static void index_remove(stream *s, uint32_t number) {
    uint32_t hole = home_of(s, number);
    while (s->member_slots[hole] != number + 1)
        hole = (hole + 1) & s->member_mask;
    for (uint32_t slot = (hole + 1) & s->member_mask; s->member_slots[slot] != 0;
         slot = (slot + 1) & s->member_mask) {
        uint32_t home = home_of(s, s->member_slots[slot] - 1);
        bool stays = ((slot - home) & s->member_mask) < ((slot - hole) & s->member_mask);
        if (stays) continue;
        s->member_slots[hole] = s->member_slots[slot];
        hole = slot;
    }
    s->member_slots[hole] = 0;
}

/* ---- lists ---- */

/* False: no memory. */
static bool make_room_in_group(group *g) {
    if (g->member_count < g->member_capacity) return true;
    uint32_t capacity = g->member_capacity == 0 ? 4 : 2 * g->member_capacity;
    uint32_t *members = realloc(g->members, capacity * sizeof *members);
    if (members == NULL) return false;
    g->members = members;
    g->member_capacity = capacity;
    return true;
}

static void link_to_group(stream *s, uint32_t number, uint32_t group_number) {
    member *m = member_at(s, number);
    group *g = group_at(s, group_number);
    m->group = group_number;
    m->place_in_group = g->member_count;
    g->members[g->member_count++] = number;
    stream_group_wake(s, group_number);
}

static void unlink_from_group(stream *s, uint32_t number) {
    const member *m = member_at(s, number);
    group *g = group_at(s, m->group);
    uint32_t last = g->members[--g->member_count];
    g->members[m->place_in_group] = last;
    member_at(s, last)->place_in_group = m->place_in_group;
    if (g->member_count == 0) stream_group_linger(s, m->group);
}

static void link_to_client(stream *s, uint32_t number) {
    member *m = member_at(s, number);
    client *c = client_at(s, m->client);
    m->prev_of_client = NONE;
    m->next_of_client = c->first_member;
    if (c->first_member != NONE) member_at(s, c->first_member)->prev_of_client = number;
    c->first_member = number;
}

static void unlink_from_client(stream *s, uint32_t number) {
    const member *m = member_at(s, number);
    if (m->prev_of_client != NONE)
        member_at(s, m->prev_of_client)->next_of_client = m->next_of_client;
    else
        client_at(s, m->client)->first_member = m->next_of_client;
    if (m->next_of_client != NONE) member_at(s, m->next_of_client)->prev_of_client = m->prev_of_client;
}

/* ---- something to send ---- */

void stream_member_pend(stream *s, uint32_t number, client_place when) {
    member *m = member_at(s, number);
    client *c = client_at(s, m->client);
    stream_mark(s, m->client, when);
    if (m->pending) return;
    m->pending = true;
    m->next_pending = NONE;
    m->prev_pending = c->last_pending;
    if (c->last_pending != NONE)
        member_at(s, c->last_pending)->next_pending = number;
    else
        c->first_pending = number;
    c->last_pending = number;
}

void stream_member_unpend(stream *s, uint32_t number) {
    member *m = member_at(s, number);
    client *c = client_at(s, m->client);
    if (!m->pending) return;
    m->pending = false;
    if (m->prev_pending != NONE)
        member_at(s, m->prev_pending)->next_pending = m->next_pending;
    else
        c->first_pending = m->next_pending;
    if (m->next_pending != NONE)
        member_at(s, m->next_pending)->prev_pending = m->prev_pending;
    else
        c->last_pending = m->prev_pending;
}

/* ---- positions ---- */

/* Bytes that the client was told of and that lie behind `position`. */
static uint64_t told_behind(const group *g, uint64_t position) {
    return g->told_position > position ? g->told_position - position : 0;
}

/* What was sent, or is not to be sent any more, is used up of the grace. Half of the limit away from lagging there is no
 * need for it: it ends before the client is told of more than that. */
static void wait_for_less(client *c, uint64_t bytes) {
    c->waiting -= bytes;
    c->grace -= bytes < c->grace ? bytes : c->grace;
    if (c->waiting <= c->limits.waiting_bytes / 2) c->grace = 0;
}

static void count_resume(member *m, uint64_t *counter) {
    m->resuming = false;
    ++*counter;
}

void stream_member_move(stream *s, uint32_t number, uint64_t frame, uint64_t position, uint64_t updates) {
    member *m = member_at(s, number);
    const group *g = group_at(s, m->group);
    client *c = client_at(s, m->client);
    uint64_t had = m->wants_snapshot ? 0 : told_behind(g, m->position), has = told_behind(g, position);
    if (has < had)
        wait_for_less(c, had - has);
    else
        c->waiting += has - had;
    m->wants_snapshot = m->joining = false;
    m->next_frame = frame;
    m->position = position;
    m->updates = updates;
    if (m->resuming && frame >= m->resume_end) count_resume(m, &s->stats.resumed);
    if (frame == g->log.end) stream_member_unpend(s, number);
}

/* What waits lies in the group's ring, whoever wants it, and costs nobody anything: a client that reads may have all that
 * is held. While it reads, as much again may come. */
void stream_member_catch_up(stream *s, uint32_t number) {
    member *m = member_at(s, number);
    const group *g = group_at(s, m->group);
    m->resuming = true;
    m->resume_end = g->log.end;
    client_at(s, m->client)->grace += 2 * (g->log.position - m->position);
    if (m->next_frame == m->resume_end)
        count_resume(m, &s->stats.resumed);
    else
        stream_member_pend(s, number, CLIENT_READY);
}

void stream_member_want_snapshot(stream *s, uint32_t number, bool joining) {
    member *m = member_at(s, number);
    if (!m->wants_snapshot) wait_for_less(client_at(s, m->client), told_behind(group_at(s, m->group), m->position));
    if (m->resuming && !joining) count_resume(m, &s->stats.resume_failed);
    m->resuming = false; /* joining: it was asked for anew */
    m->wants_snapshot = true;
    m->joining = joining;
    stream_member_pend(s, number, CLIENT_READY);
}

/* To where nothing waits for it. */
static void start_at_end(stream *s, uint32_t number) {
    member *m = member_at(s, number);
    const group *g = group_at(s, m->group);
    m->wants_snapshot = m->joining = false;
    m->next_frame = g->log.end;
    m->position = g->log.position;
    m->updates = g->updates_cut;
}

static void leave_group(stream *s, uint32_t number) {
    member *m = member_at(s, number);
    stream_member_report(s, number);
    if (!m->wants_snapshot) wait_for_less(client_at(s, m->client), told_behind(group_at(s, m->group), m->position));
    m->resuming = false; /* gone before all of it was had: neither resumed nor failed */
    stream_member_unpend(s, number);
    unlink_from_group(s, number);
}

/* ---- joining and leaving ---- */

bool stream_member_join(stream *s, uint32_t client_number, uint32_t topic_number, uint32_t subscription_number,
                        uint32_t *joined) {
    const subscription *wish = subscription_at(s, subscription_number);
    uint32_t number = stream_member_find(s, client_number, topic_number);
    const client *c = client_at(s, client_number);
    uint32_t group_number =
        stream_group_of(s, topic_number, wish->depth, wish->interval_ms, c->encoding, c->deflates);
    *joined = number;
    if (group_number == NONE || !make_room_in_group(group_at(s, group_number))) return false;
    if (number == NONE) {
        number = *joined = slab_take(&s->members);
        if (number == NONE) return false;
        member_at(s, number)->client = client_number;
        link_to_group(s, number, group_number);
        link_to_client(s, number);
        index_add(s, number);
        start_at_end(s, number);
    } else if (member_at(s, number)->group != group_number) {
        leave_group(s, number);
        link_to_group(s, number, group_number); /* of the same topic: the index still finds it */
        start_at_end(s, number);
    }
    member_at(s, number)->subscription = subscription_number;
    return true;
}

void stream_member_leave(stream *s, uint32_t number) {
    index_remove(s, number);
    leave_group(s, number);
    unlink_from_client(s, number);
    slab_give(&s->members, number);
}

void stream_member_report(stream *s, uint32_t number) {
    member *m = member_at(s, number);
    if (m->used_bytes > 0 && s->surroundings.used != NULL) {
        stream_use use = {.subject = topic_at(s, group_at(s, m->group)->topic)->subject,
                          .updates = m->used_updates,
                          .bytes = m->used_bytes,
                          .first_ns = m->used_first_ns,
                          .last_ns = m->used_last_ns};
        s->surroundings.used(s->surroundings.context, m->client, &use);
    }
    m->used_updates = m->used_bytes = 0;
}
