/*
 * A world with one clock that only moves when nothing is left to do: events in the order of their time, processes that can be killed,
 * frozen and started again, and one seed from which all chance comes. The same seed gives the same world, event by event.
 *
 * An event belongs to a process or to the world itself. A dead process's events are dropped, also if it has been started again since;
 * a frozen one's wait until it wakes, in their order, as a socket's bytes and due timers do.
 *
 * Memory of things in the world (world_keep) lasts until the world ends, so an event may always look at what it was made for.
 */
#ifndef TICKWIRE_TESTS_SIM_WORLD_H
#define TICKWIRE_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"

#define WORLD_MICROSECOND INT64_C(1000)
#define WORLD_MILLISECOND INT64_C(1000000)
#define WORLD_SECOND      INT64_C(1000000000)

typedef struct world world;

typedef struct world_process {
    char name[24];
    bool alive;
    uint32_t life;           /* counts starts */
    int64_t frozen_until_ns; /* 0: it runs */
    int64_t clock_ahead_ns;  /* of its wall clock, which a jump changes */
    /* Around each of its events; may be NULL. `after` only if it lives still. */
    void (*before)(void *context);
    void (*after)(void *context);
    void *context;
} world_process;

/* `data` is the event's own copy of bytes, freed after it. */
typedef void (*world_do)(void *context, void *data, size_t length);

world *world_alloc(uint64_t seed, bool trace);
void world_free(world *world);

int64_t world_now(const world *world);
tw_random *world_chance(world *world);
bool world_odds(world *world, uint32_t numerator, uint32_t denominator);
/* Between both, each as likely. */
int64_t world_between(world *world, int64_t least, int64_t most);
/* A latency: mostly near `usual_ns`, now and then many times as long. */
int64_t world_delay(world *world, int64_t usual_ns);

/* Zeroed memory until the world ends. */
void *world_keep(world *world, size_t bytes);

/* `process` may be NULL: the world's own. `data` is copied. */
void world_at(world *world, world_process *process, int64_t at_ns, world_do run, void *context, const void *data,
              size_t length);
/* The same with bytes that the event takes over; they came from malloc. */
void world_give(world *world, world_process *process, int64_t at_ns, world_do run, void *context, void *data,
                size_t length);
void world_after(world *world, world_process *process, int64_t delay_ns, world_do run, void *context);

void world_start_process(world *world, world_process *process);
void world_kill_process(world *world, world_process *process);
void world_freeze_process(world *world, world_process *process, int64_t for_ns);

/* Runs until nothing is left or the time has come. Returns how many events ran. */
uint64_t world_run(world *world, int64_t until_ns);
uint64_t world_events(const world *world); /* in all so far: a fingerprint of the run */

bool world_tells(const world *world);
/* One line of what happens, if the world was asked to tell. */
void world_tell(const world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
