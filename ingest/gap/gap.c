/*
 * The gap tracker. Two facts make a hole: a held packet beyond `expected`, or an announcement (heartbeat, end of
 * session) of a number beyond it. Held packets are kept sorted and disjoint, so the first one tells where the
 * hole ends and when it was seen:
 *
 *      taken ... | expected .... hole .... | held[0] |  hole  | held[1] | ...   announced
 *
 * Everything is decided in gap_push and gap_poll; gap_take only walks the runs they made ready.
 */
#include "ingest/gap/gap.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/market.h"

typedef struct packet_slot {
    uint64_t first;
    uint64_t end; /* number behind the last message */
    const uint8_t *blocks;
    size_t blocks_bytes;
    int64_t receive_ns;
    int64_t seen_ns; /* since when the hole before it is known; rises along `held` */
} packet_slot;

/* "The next number is `number`", told by a heartbeat or the end of the session. */
typedef struct announcement {
    uint64_t number;
    int64_t seen_ns;
} announcement;

struct gap_tracker {
    gap_options options;
    bool started, end_seen;
    char session[MOLDUDP64_SESSION_BYTES];
    uint64_t first, expected, end_number;
    announcement announced; /* waited for now; open while above `expected` */
    announcement later; /* the highest heard since: takes its place, so that a steady rise can't defer a deadline */
    uint64_t declared_to;  /* holes that end here or before belong to a declared gap */
    uint64_t pending_lost; /* given up since the last run */
    gap_stats stats;

    packet_slot
        *slots; /* hold_packets + 1: the one more is for a packet that comes while a full hold is released */
    /* Held packets lie one behind the other in half of the memory; when its end is reached, those still held move to the
     * other half. A half has room for half as much again as may be held, so that this is rare. */
    uint8_t *memory;
    size_t hold_bytes, half_bytes; /* bound of what is held; size of a half */
    size_t held_bytes, used;       /* held now; of the half in use */
    uint32_t half;
    uint32_t *free_slots, free_count;
    uint32_t *held, held_count; /* sorted by first, disjoint */
    gap_run *ready;
    uint32_t ready_count, ready_next;
    uint32_t *released, released_count; /* slots that runs in `ready` point into */
};

static void release_slots(gap_tracker *t) {
    while (t->released_count > 0)
        t->free_slots[t->free_count++] = t->released[--t->released_count];
    t->ready_count = t->ready_next = 0;
    if (t->held_count == 0) t->used = 0;
}

static void forget(gap_tracker *t) {
    release_slots(t);
    while (t->held_count > 0)
        t->free_slots[t->free_count++] = t->held[--t->held_count];
    t->held_bytes = t->used = 0;
    t->started = t->end_seen = false;
    memset(t->session, 0, sizeof t->session);
    t->first = t->expected = t->end_number = t->declared_to = t->pending_lost = 0;
    t->announced = t->later = (announcement){0, 0};
    t->stats.held = 0;
}

tw_code gap_alloc(gap_tracker **tracker, const gap_options *options, tw_error *error) {
    *tracker = NULL;
    if (options->hold_packets == 0 || options->hold_packets == UINT32_MAX || options->hold_packet_bytes == 0)
        return tw_error_set(error, TW_INVALID, "the gap hold needs at least one packet of at least one byte");
    if (options->reorder_window_ns < 0 || options->deadline_ns < options->reorder_window_ns)
        return tw_error_set(error, TW_INVALID, "the gap deadline is shorter than the reorder window");
    gap_tracker *t = calloc(1, sizeof *t);
    if (t == NULL) return tw_error_set(error, TW_NO_MEMORY, "gap tracker");
    size_t count = (size_t)options->hold_packets + 1;
    t->options = *options;
    t->slots = calloc(count, sizeof *t->slots);
    t->hold_bytes = (size_t)options->hold_packets * options->hold_packet_bytes;
    t->half_bytes = t->hold_bytes + t->hold_bytes / 2;
    t->memory = malloc(2 * t->half_bytes); /* pages are taken as they are touched */
    t->free_slots = calloc(count, sizeof *t->free_slots);
    t->held = calloc(count, sizeof *t->held);
    t->released = calloc(count, sizeof *t->released);
    t->ready = calloc(count + 1, sizeof *t->ready);
    if (!t->slots || !t->memory || !t->free_slots || !t->held || !t->released || !t->ready) {
        gap_free(t);
        return tw_error_set(error, TW_NO_MEMORY, "gap hold of %u packets of %u bytes", options->hold_packets,
                            options->hold_packet_bytes);
    }
    for (size_t i = 0; i < count; i++)
        t->free_slots[t->free_count++] = (uint32_t)i;
    *tracker = t;
    return TW_OK;
}

void gap_free(gap_tracker *t) {
    if (t == NULL) return;
    free(t->slots);
    free(t->memory);
    free(t->free_slots);
    free(t->held);
    free(t->released);
    free(t->ready);
    free(t);
}

void gap_reset(gap_tracker *tracker) {
    tracker->stats.lost += tracker->stats.held; /* received, but never handed out */
    forget(tracker);
}

/* ---- a stretch of messages: cutting both ends ---- */

static size_t bytes_of(const uint8_t *blocks, uint64_t count) {
    size_t bytes = 0;
    for (; count > 0; count--)
        bytes += 2 + (size_t)tw_load_be16(blocks + bytes);
    return bytes;
}

static void cut_front(packet_slot *p, uint64_t new_first) {
    size_t bytes = bytes_of(p->blocks, new_first - p->first);
    p->blocks += bytes;
    p->blocks_bytes -= bytes;
    p->first = new_first;
}

static void cut_back(packet_slot *p, uint64_t new_end) {
    p->end = new_end;
    p->blocks_bytes = bytes_of(p->blocks, p->end - p->first);
}

/* ---- the hole ---- */

static packet_slot *head(const gap_tracker *t) {
    return t->held_count > 0 ? &t->slots[t->held[0]] : NULL;
}

/* Where the first hole ends (exclusive) and since when it is known. False if nothing is missing. */
static bool first_hole(const gap_tracker *t, uint64_t *to, int64_t *since_ns) {
    const packet_slot *packet = head(t);
    bool announced = t->announced.number > t->expected;
    if (packet == NULL && !announced) return false;
    *to = packet != NULL ? packet->first : t->announced.number;
    *since_ns = packet != NULL ? packet->seen_ns : t->announced.seen_ns;
    if (packet != NULL && announced && t->announced.number <= packet->first) {
        *to = t->announced.number;
        *since_ns = t->announced.number < packet->first || t->announced.seen_ns < packet->seen_ns
                        ? t->announced.seen_ns
                        : packet->seen_ns;
    }
    return true;
}

static void announce(gap_tracker *t, uint64_t number, int64_t now_ns) {
    if (number > t->later.number) t->later = (announcement){number, now_ns};
    if (t->announced.number <= t->expected) t->announced = t->later;
}

static void emit(gap_tracker *t, const packet_slot *p) {
    t->ready[t->ready_count++] = (gap_run){
        .first = p->first,
        .count = (uint16_t)(p->end - p->first),
        .blocks = p->blocks,
        .blocks_bytes = p->blocks_bytes,
        .receive_ns = p->receive_ns,
        .lost_before = t->pending_lost,
    };
    t->pending_lost = 0;
    t->stats.messages += p->end - p->first;
    t->expected = p->end;
}

static void remove_held(gap_tracker *t, uint32_t index) {
    t->held_bytes -= t->slots[t->held[index]].blocks_bytes;
    t->held_count--;
    memmove(&t->held[index], &t->held[index + 1], (t->held_count - index) * sizeof *t->held);
}

/* Hands out what follows on `expected`; a held packet may overlap what came another way meanwhile. */
static void release_held(gap_tracker *t) {
    for (packet_slot *p; (p = head(t)) != NULL && p->first <= t->expected;) {
        uint32_t slot = t->held[0];
        t->stats.held -= p->end - p->first;
        remove_held(t, 0);
        t->released[t->released_count++] = slot;
        uint64_t old = (p->end < t->expected ? p->end : t->expected) - p->first;
        t->stats.duplicates += old;
        if (p->end <= t->expected) continue;
        cut_front(p, t->expected);
        emit(t, p);
    }
    if (t->announced.number <= t->expected) t->announced = t->later;
}

static void declare(gap_tracker *t, uint64_t to) {
    if (to <= t->declared_to) return;
    t->declared_to = to;
    t->stats.gaps++;
}

static void give_up(gap_tracker *t, uint64_t to) {
    declare(t, to);
    t->stats.lost += to - t->expected;
    t->pending_lost += to - t->expected;
    t->expected = to;
    release_held(t);
}

static int64_t later_by(int64_t instant_ns, int64_t duration_ns) {
    return instant_ns > INT64_MAX - duration_ns ? INT64_MAX : instant_ns + duration_ns;
}

/* A hole behind which nothing came (only its end was announced) is told by a run without messages: waiting for the
 * next message would leave the books in good standing until then, at the end of a session for ever. */
static void tell_loss(gap_tracker *t) {
    if (t->pending_lost == 0) return;
    packet_slot nothing = {.first = t->expected, .end = t->expected, .receive_ns = TW_TIME_ABSENT};
    emit(t, &nothing);
}

/* Each pass closes a hole, so there are at most as many as held packets and announcements. */
static void expire(gap_tracker *t, int64_t now_ns) {
    uint64_t to;
    int64_t since_ns;
    while (first_hole(t, &to, &since_ns)) {
        if (now_ns >= later_by(since_ns, t->options.reorder_window_ns)) declare(t, to);
        if (now_ns < later_by(since_ns, t->options.deadline_ns)) break;
        give_up(t, to);
    }
    tell_loss(t);
}

/* ---- packets in ---- */

static uint32_t position_in_held(const gap_tracker *t, uint64_t first) {
    uint32_t low = 0, high = t->held_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t->slots[t->held[middle]].first < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Cuts from `p` what is held already and drops held packets that it covers. False if nothing of it is left. */
static bool make_disjoint(gap_tracker *t, packet_slot *p, uint32_t *position) {
    *position = position_in_held(t, p->first);
    uint64_t before = *position > 0 ? t->slots[t->held[*position - 1]].end : 0;
    if (before > p->first) {
        uint64_t cut = before < p->end ? before : p->end;
        t->stats.duplicates += cut - p->first;
        if (cut == p->end) return false;
        cut_front(p, cut);
    }
    while (*position < t->held_count) {
        const packet_slot *next = &t->slots[t->held[*position]];
        if (next->first >= p->end) break;
        if (next->end <= p->end && next->first > p->first) {
            t->stats.duplicates += next->end - next->first;
            t->stats.held -= next->end - next->first;
            p->seen_ns = next->seen_ns < p->seen_ns ? next->seen_ns : p->seen_ns;
            t->free_slots[t->free_count++] = t->held[*position];
            remove_held(t, *position);
            continue;
        }
        t->stats.duplicates += (p->end < next->end ? p->end : next->end) - next->first;
        if (next->first > p->first) {
            cut_back(p, next->first);
            break;
        }
        if (next->end >= p->end) return false;
        cut_front(p, next->end);
        ++*position;
    }
    return true;
}

static uint8_t *half_in_use(const gap_tracker *t) {
    return t->memory + t->half * t->half_bytes;
}

static void store(gap_tracker *t, packet_slot *p) {
    memcpy(half_in_use(t) + t->used, p->blocks, p->blocks_bytes);
    p->blocks = half_in_use(t) + t->used;
    t->used += p->blocks_bytes;
}

/* What was released lately stays where it is, for it may be waiting to be taken: the next packet is held in a later
 * call, and only then the half that it lies in can come into use again. */
static void move_to_other_half(gap_tracker *t) {
    t->half ^= 1;
    t->used = 0;
    for (uint32_t i = 0; i < t->held_count; i++)
        store(t, &t->slots[t->held[i]]);
}

static void hold(gap_tracker *t, packet_slot *p, uint32_t position) {
    uint32_t index = t->free_slots[--t->free_count];
    packet_slot *slot = &t->slots[index];
    if (position < t->held_count) {
        int64_t known_ns = t->slots[t->held[position]].seen_ns;
        if (known_ns < p->seen_ns) p->seen_ns = known_ns;
        t->stats.reordered += p->end - p->first;
    }
    if (t->announced.number >= p->first && t->announced.seen_ns < p->seen_ns) p->seen_ns = t->announced.seen_ns;
    if (t->later.number >= p->first && t->later.seen_ns < p->seen_ns) p->seen_ns = t->later.seen_ns;
    if (t->half_bytes - t->used < p->blocks_bytes) move_to_other_half(t);
    store(t, p);
    t->held_bytes += p->blocks_bytes;
    *slot = *p;
    memmove(&t->held[position + 1], &t->held[position], (t->held_count - position) * sizeof *t->held);
    t->held[position] = index;
    t->held_count++;
    t->stats.held += p->end - p->first;
}

/* In order: out at once, borrowed from the caller. */
static void pass_on(gap_tracker *t, packet_slot *p) {
    uint64_t to;
    int64_t since_ns;
    uint64_t old = (p->end < t->expected ? p->end : t->expected) - p->first;
    t->stats.duplicates += old;
    if (p->end <= t->expected) return;
    cut_front(p, t->expected);
    if (first_hole(t, &to, &since_ns)) t->stats.reordered += p->end - p->first;
    emit(t, p);
    release_held(t);
}

/* False if every message of it is held already. */
static bool accept_messages(gap_tracker *t, packet_slot *p) {
    uint32_t position;
    while (p->first > t->expected) {
        if (!make_disjoint(t, p, &position)) return false;
        if (t->held_count < t->options.hold_packets && p->blocks_bytes <= t->hold_bytes - t->held_bytes) {
            hold(t, p, position);
            return true;
        }
        /* No room: the first hole is given up, be it before a held packet or before this one. */
        uint64_t to = p->first;
        int64_t since_ns;
        uint64_t hole_to;
        if (first_hole(t, &hole_to, &since_ns) && hole_to < to) to = hole_to;
        give_up(t, to);
    }
    pass_on(t, p);
    return true;
}

static void start(gap_tracker *t, const moldudp64_packet *packet) {
    t->started = true;
    memcpy(t->session, packet->session, sizeof t->session);
    t->first = t->expected = packet->sequence;
}

/* An end that something came beyond was none; one below what has come is none either. False: it is passed over. */
static bool mind_the_end(gap_tracker *t, const moldudp64_packet *packet) {
    if (packet->kind != MOLDUDP64_END) {
        uint64_t count = packet->kind == MOLDUDP64_MESSAGES ? packet->count : 0;
        if (packet->sequence > t->end_number || count > t->end_number - packet->sequence) t->end_seen = false;
        return true;
    }
    if (packet->sequence < gap_received(t)) return false;
    t->end_seen = true;
    t->end_number = packet->sequence;
    return true;
}

gap_verdict gap_push(gap_tracker *t, const moldudp64_packet *packet, int64_t receive_ns, int64_t now_ns) {
    uint64_t to;
    int64_t since_ns;
    TW_ASSERT(t->ready_next == t->ready_count); /* all runs were taken */
    release_slots(t);
    if (t->started && memcmp(t->session, packet->session, sizeof t->session) != 0) return GAP_NEW_SESSION;
    if (!t->started) start(t, packet);
    t->stats.packets++;
    if (!mind_the_end(t, packet)) return GAP_DUPLICATE;
    bool beyond = false;

    if (packet->kind == MOLDUDP64_MESSAGES) {
        uint64_t room = UINT64_MAX - packet->sequence; /* messages beyond the last number have none */
        uint64_t count = packet->count < room ? packet->count : room;
        packet_slot p = {.first = packet->sequence,
                         .end = packet->sequence + count,
                         .blocks = packet->blocks,
                         .blocks_bytes = bytes_of(packet->blocks, count),
                         .receive_ns = receive_ns,
                         .seen_ns = now_ns};
        beyond = count > 0 && accept_messages(t, &p) && packet->sequence > t->expected;
    } else {
        announce(t, packet->sequence, now_ns);
    }
    expire(t, now_ns);
    if (t->ready_count > 0) return GAP_READY;
    if (packet->kind == MOLDUDP64_MESSAGES) return beyond ? GAP_HELD : GAP_DUPLICATE;
    if (packet->kind == MOLDUDP64_END && gap_ended(t)) return GAP_ENDED;
    return first_hole(t, &to, &since_ns) ? GAP_HELD : GAP_HEARTBEAT;
}

bool gap_take(gap_tracker *t, gap_run *run) {
    if (t->ready_next == t->ready_count) return false;
    *run = t->ready[t->ready_next++];
    return true;
}

bool gap_poll(gap_tracker *t, int64_t now_ns) {
    TW_ASSERT(t->ready_next == t->ready_count);
    release_slots(t);
    expire(t, now_ns);
    return t->ready_count > 0;
}

bool gap_flush(gap_tracker *t) {
    return gap_poll(t, INT64_MAX);
}

/* ---- what is known ---- */

int64_t gap_next_deadline(const gap_tracker *t) {
    uint64_t to;
    int64_t since_ns;
    if (!first_hole(t, &to, &since_ns)) return INT64_MAX;
    return later_by(since_ns, to <= t->declared_to ? t->options.deadline_ns : t->options.reorder_window_ns);
}

gap_state gap_tracker_state(const gap_tracker *t) {
    uint64_t to;
    int64_t since_ns;
    if (!first_hole(t, &to, &since_ns)) return GAP_IN_SEQUENCE;
    return to <= t->declared_to ? GAP_OPEN : GAP_REORDERING;
}

bool gap_hole(const gap_tracker *t, uint64_t *from, uint64_t *to) {
    int64_t since_ns;
    if (!first_hole(t, to, &since_ns)) return false;
    *from = t->expected;
    --*to;
    return true;
}

bool gap_started(const gap_tracker *t, uint64_t *first) {
    if (t->started) *first = t->first;
    return t->started;
}

bool gap_ended(const gap_tracker *t) {
    return t->end_seen && t->expected >= t->end_number;
}

uint64_t gap_received(const gap_tracker *t) {
    return t->held_count > 0 ? t->slots[t->held[t->held_count - 1]].end : t->expected;
}

uint64_t gap_expected(const gap_tracker *t) {
    return t->expected;
}

const char *gap_session(const gap_tracker *t) {
    return t->session;
}

gap_stats gap_tracker_stats(const gap_tracker *t) {
    return t->stats;
}
