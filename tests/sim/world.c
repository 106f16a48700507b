/* The world: a binary heap of events, by time and then in the order of their making. */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

typedef struct event {
    int64_t at_ns;
    uint64_t number;
    world_process *process;
    uint32_t life;
    world_do run;
    void *context;
    void *data;
    size_t length;
} event;

typedef struct kept {
    struct kept *next;
    max_align_t bytes[];
} kept;

struct world {
    tw_random random;
    int64_t now_ns;
    uint64_t numbers, ran;
    event *heap;
    size_t count, room;
    kept *memory;
    bool trace;
};

/* Where simulated time begins: late on an ordinary morning. */
#define BEGINNING INT64_C(1767348000000000000)

world *world_alloc(uint64_t seed, bool trace) {
    world *w = calloc(1, sizeof *w);
    TW_ASSERT(w != NULL);
    tw_random_seed(&w->random, seed);
    w->now_ns = BEGINNING;
    w->trace = trace;
    return w;
}

void world_free(world *w) {
    if (w == NULL) return;
    for (size_t i = 0; i < w->count; i++)
        free(w->heap[i].data);
    while (w->memory != NULL) {
        kept *gone = w->memory;
        w->memory = gone->next;
        free(gone);
    }
    free(w->heap);
    free(w);
}

int64_t world_now(const world *w) {
    return w->now_ns;
}

tw_random *world_chance(world *w) {
    return &w->random;
}

bool world_odds(world *w, uint32_t numerator, uint32_t denominator) {
    return tw_random_chance(&w->random, numerator, denominator) != 0;
}

int64_t world_between(world *w, int64_t least, int64_t most) {
    return least + (int64_t)tw_random_below(&w->random, (uint64_t)(most - least) + 1);
}

int64_t world_delay(world *w, int64_t usual_ns) {
    int64_t delay = world_between(w, usual_ns / 2, usual_ns + usual_ns / 2);
    return world_odds(w, 1, 50) ? delay * world_between(w, 2, 60) : delay;
}

void *world_keep(world *w, size_t bytes) {
    kept *memory = calloc(1, sizeof *memory + bytes);
    TW_ASSERT(memory != NULL);
    memory->next = w->memory;
    w->memory = memory;
    return memory->bytes;
}

/* ---- the heap ---- */

static bool before(const event *one, const event *other) {
    return one->at_ns != other->at_ns ? one->at_ns < other->at_ns : one->number < other->number;
}

static void push(world *w, event what) {
    if (w->count == w->room) {
        w->room = w->room == 0 ? 256 : w->room * 2;
        w->heap = realloc(w->heap, w->room * sizeof *w->heap);
        TW_ASSERT(w->heap != NULL);
    }
    size_t at = w->count++;
    for (; at > 0 && before(&what, &w->heap[(at - 1) / 2]); at = (at - 1) / 2)
        w->heap[at] = w->heap[(at - 1) / 2];
    w->heap[at] = what;
}

static event pop(world *w) {
    event first = w->heap[0], last = w->heap[--w->count];
    size_t at = 0;
    for (size_t child = 1; child < w->count; child = 2 * at + 1) {
        if (child + 1 < w->count && before(&w->heap[child + 1], &w->heap[child])) child++;
        if (!before(&w->heap[child], &last)) break;
        w->heap[at] = w->heap[child];
        at = child;
    }
    if (w->count > 0) w->heap[at] = last;
    return first;
}

void world_give(world *w, world_process *process, int64_t at_ns, world_do run, void *context, void *data,
                size_t length) {
    if (process != NULL && !process->alive) {
        free(data);
        return;
    }
    push(w, (event){.at_ns = at_ns < w->now_ns ? w->now_ns : at_ns,
                    .number = w->numbers++,
                    .process = process,
                    .life = process == NULL ? 0 : process->life,
                    .run = run,
                    .context = context,
                    .data = data,
                    .length = length});
}

void world_at(world *w, world_process *process, int64_t at_ns, world_do run, void *context, const void *data,
              size_t length) {
    void *copy = NULL;
    if (length > 0) {
        copy = malloc(length);
        TW_ASSERT(copy != NULL);
        memcpy(copy, data, length);
    }
    world_give(w, process, at_ns, run, context, copy, length);
}

void world_after(world *w, world_process *process, int64_t delay_ns, world_do run, void *context) {
    world_at(w, process, w->now_ns + delay_ns, run, context, NULL, 0);
}

/* ---- processes ---- */

void world_start_process(world *w, world_process *process) {
    TW_ASSERT(!process->alive);
    process->alive = true;
    process->life++;
    process->frozen_until_ns = 0;
    world_tell(w, "%s starts (life %u)", process->name, process->life);
}

void world_kill_process(world *w, world_process *process) {
    process->alive = false;
    world_tell(w, "%s is killed", process->name);
}

void world_freeze_process(world *w, world_process *process, int64_t for_ns) {
    process->frozen_until_ns = w->now_ns + for_ns;
    world_tell(w, "%s is frozen for %lld ms", process->name, (long long)(for_ns / WORLD_MILLISECOND));
}

/* False: its process is gone, or it has been put off until its process wakes. */
static bool may_run(world *w, event *what) {
    world_process *process = what->process;
    if (process == NULL) return true;
    if (!process->alive || process->life != what->life) {
        free(what->data);
        return false;
    }
    if (process->frozen_until_ns <= w->now_ns) return true;
    what->at_ns = process->frozen_until_ns; /* the number stays: in the order in which they came */
    push(w, *what);
    return false;
}

static void run_event(const event *what) {
    world_process *process = what->process;
    if (process != NULL && process->before != NULL) process->before(process->context);
    what->run(what->context, what->data, what->length);
    if (process != NULL && process->after != NULL && process->alive && process->life == what->life)
        process->after(process->context);
    free(what->data);
}

uint64_t world_run(world *w, int64_t until_ns) {
    uint64_t before_ran = w->ran;
    while (w->count > 0 && w->heap[0].at_ns <= until_ns) {
        event what = pop(w);
        w->now_ns = what.at_ns;
        if (!may_run(w, &what)) continue;
        w->ran++;
        run_event(&what);
    }
    if (w->now_ns < until_ns) w->now_ns = until_ns;
    return w->ran - before_ran;
}

uint64_t world_events(const world *w) {
    return w->ran;
}

bool world_tells(const world *w) {
    return w->trace;
}

void world_tell(const world *w, const char *format, ...) {
    if (!w->trace) return;
    va_list arguments;
    va_start(arguments, format);
    printf("%10.6f  ", (double)(w->now_ns - BEGINNING) / 1e9);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
}
