/* Slots, series and queues. */
#include "publisher/aggregator/candle_store.h"

#include <stdlib.h>

#include "base/assert.h"

static candle_link *link_of(candle_slot *slot, size_t which) {
    return (candle_link *)(void *)((char *)slot + which);
}
#define LIFE offsetof(candle_slot, life)
#define OUT  offsetof(candle_slot, out)

static void push(candle_store *self, candle_queue *queue, uint32_t n, size_t which) {
    candle_link *link = link_of(&self->slots[n], which);
    link->next = CANDLE_NONE;
    link->prev = queue->last;
    if (queue->last != CANDLE_NONE)
        link_of(&self->slots[queue->last], which)->next = n;
    else
        queue->first = n;
    queue->last = n;
}

static void unlink(candle_store *self, candle_queue *queue, uint32_t n, size_t which) {
    const candle_link *link = link_of(&self->slots[n], which);
    if (link->prev != CANDLE_NONE)
        link_of(&self->slots[link->prev], which)->next = link->next;
    else
        queue->first = link->next;
    if (link->next != CANDLE_NONE)
        link_of(&self->slots[link->next], which)->prev = link->prev;
    else
        queue->last = link->prev;
}

static void empty(candle_queue *queue) {
    queue->first = queue->last = CANDLE_NONE;
}

bool candle_store_init(candle_store *self, uint32_t capacity) {
    self->capacity = capacity;
    self->free = CANDLE_NONE;
    for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++) {
        empty(&self->finals[interval]);
        for (uint32_t owner = 0; owner < CANDLE_OWNERS; owner++)
            empty(&self->open[owner][interval]);
    }
    for (uint32_t queue = 0; queue < OUT_QUEUES; queue++)
        empty(&self->out[queue]);
    self->slots = calloc(capacity, sizeof *self->slots);
    return self->slots != NULL;
}

void candle_store_fini(candle_store *self) {
    free(self->slots);
    *self = (candle_store){0};
}

/* ---- series ---- */

void candle_series_init(candle_series *series) {
    *series = (candle_series){.oldest = CANDLE_NONE, .newest = CANDLE_NONE};
}

/* What comes is new, mostly: the search goes back from the newest. */
uint32_t candle_series_find(const candle_store *self, const candle_series *series, int64_t start_ns,
                            uint32_t *older) {
    uint32_t n = series->newest;
    while (n != CANDLE_NONE && self->slots[n].candle.start_ns > start_ns)
        n = self->slots[n].older;
    *older = n;
    return n != CANDLE_NONE && self->slots[n].candle.start_ns == start_ns ? n : CANDLE_NONE;
}

static void link_behind(candle_store *self, candle_series *series, uint32_t older, uint32_t n) {
    uint32_t newer = older == CANDLE_NONE ? series->oldest : self->slots[older].newer;
    self->slots[n].older = older;
    self->slots[n].newer = newer;
    if (older != CANDLE_NONE)
        self->slots[older].newer = n;
    else
        series->oldest = n;
    if (newer != CANDLE_NONE)
        self->slots[newer].older = n;
    else
        series->newest = n;
    series->count++;
}

static void unlink_from_series(candle_store *self, uint32_t n) {
    const candle_slot *slot = &self->slots[n];
    if (slot->older != CANDLE_NONE)
        self->slots[slot->older].newer = slot->newer;
    else
        slot->series->oldest = slot->newer;
    if (slot->newer != CANDLE_NONE)
        self->slots[slot->newer].older = slot->older;
    else
        slot->series->newest = slot->older;
    slot->series->count--;
}

/* ---- slots ---- */

static candle_queue *life_of(candle_store *self, const candle_slot *slot) {
    return slot->candle.final ? &self->finals[slot->interval] : &self->open[slot->owner][slot->interval];
}

static bool is_waiting(uint8_t queue) {
    return queue == OUT_NOW || queue == OUT_FAST || queue == OUT_SLOW;
}

void candle_store_queue(candle_store *self, uint32_t n, candle_out queue, int64_t now_ns) {
    candle_slot *slot = &self->slots[n];
    if (slot->queue != OUT_NOT) unlink(self, &self->out[slot->queue], n, OUT);
    self->waiting -= is_waiting(slot->queue);
    slot->queue = (uint8_t)queue;
    slot->out_ns = now_ns;
    self->waiting += is_waiting(slot->queue);
    if (queue != OUT_NOT) push(self, &self->out[queue], n, OUT);
}

void candle_store_remove(candle_store *self, uint32_t n) {
    candle_slot *slot = &self->slots[n];
    candle_store_queue(self, n, OUT_NOT, 0);
    unlink(self, life_of(self, slot), n, LIFE);
    unlink_from_series(self, n);
    *slot = (candle_slot){.life.next = self->free};
    self->free = n;
    self->count--;
}

/* The oldest final candle of the shortest interval that has one, but not `spared`, which the new one is put behind. */
static bool make_room(candle_store *self, uint32_t spared) {
    for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++) {
        uint32_t n = self->finals[interval].first;
        if (n == spared && n != CANDLE_NONE) n = self->slots[n].life.next;
        if (n == CANDLE_NONE) continue;
        candle_store_remove(self, n);
        return true;
    }
    return false;
}

static uint32_t take(candle_store *self, uint32_t spared) {
    if (self->free == CANDLE_NONE && self->reached < self->capacity) {
        self->count++;
        return self->reached++;
    }
    if (self->free == CANDLE_NONE && !make_room(self, spared)) return CANDLE_NONE;
    uint32_t n = self->free;
    self->free = self->slots[n].life.next;
    self->count++;
    return n;
}

uint32_t candle_store_add(candle_store *self, candle_series *series, uint32_t older, uint32_t owner,
                          uint32_t interval) {
    TW_ASSERT(owner < CANDLE_OWNERS && interval < SUBJECT_CANDLES);
    uint32_t n = take(self, older);
    if (n == CANDLE_NONE) return CANDLE_NONE;
    self->slots[n] = (candle_slot){.series = series, .owner = (uint16_t)owner, .interval = (uint8_t)interval};
    link_behind(self, series, older, n);
    push(self, &self->open[owner][interval], n, LIFE);
    return n;
}

void candle_store_finish(candle_store *self, uint32_t n) {
    candle_slot *slot = &self->slots[n];
    unlink(self, life_of(self, slot), n, LIFE);
    slot->candle.final = true;
    push(self, life_of(self, slot), n, LIFE);
}

void candle_store_own(candle_store *self, uint32_t n, uint32_t owner) {
    candle_slot *slot = &self->slots[n];
    unlink(self, life_of(self, slot), n, LIFE);
    slot->owner = (uint16_t)owner;
    push(self, life_of(self, slot), n, LIFE);
}
