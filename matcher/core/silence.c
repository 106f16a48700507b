/*
 * Which session falls silent first: a heap by deadline, the older session first of two. A beat moves a deadline and leaves the heap as it
 * is: what stands there is never later than the deadline, and is put right when it has come up. So a beat costs nothing here,
 * and sessions that are lost together cost a step of the heap each.
 */
#include "matcher/core/engine_internal.h"

static int64_t deadline(const session *one) {
    return one->beat_ns + one->timeout_ns;
}

static bool silent_before(const mx_engine *engine, uint32_t a, uint32_t b) {
    const session *first = &engine->sessions[a], *second = &engine->sessions[b];
    if (first->silent_ns != second->silent_ns) return first->silent_ns < second->silent_ns;
    return first->opened < second->opened;
}

static void put(mx_engine *engine, uint32_t at, uint32_t row) {
    engine->silent[at] = row;
    engine->sessions[row].silent_at = at;
}

static void up(mx_engine *engine, uint32_t at, uint32_t row) {
    for (; at > 1 && silent_before(engine, row, engine->silent[at / 2]); at /= 2)
        put(engine, at, engine->silent[at / 2]);
    put(engine, at, row);
}

static void down(mx_engine *engine, uint32_t at, uint32_t row) {
    for (uint32_t child; (child = at * 2) <= engine->sessions_live; at = child) {
        if (child < engine->sessions_live &&
            silent_before(engine, engine->silent[child + 1], engine->silent[child]))
            child++;
        if (!silent_before(engine, engine->silent[child], row)) break;
        put(engine, at, engine->silent[child]);
    }
    put(engine, at, row);
}

void silence_add(mx_engine *engine, uint32_t row) {
    session *one = &engine->sessions[row];
    one->silent_ns = deadline(one);
    one->opened = ++engine->sessions_opened;
    if (one->silent_ns < engine->sessions_due_ns) engine->sessions_due_ns = one->silent_ns;
    up(engine, ++engine->sessions_live, row);
}

void silence_remove(mx_engine *engine, uint32_t row) {
    uint32_t at = engine->sessions[row].silent_at, last = engine->silent[engine->sessions_live--];
    if (last == row) return;
    if (at > 1 && silent_before(engine, last, engine->silent[at / 2])) {
        up(engine, at, last);
    } else {
        down(engine, at, last);
    }
}

uint32_t silence_first(mx_engine *engine) {
    engine->sessions_due_ns = INT64_MAX;
    if (engine->sessions_live == 0) return NO_ROW;
    for (;;) {
        uint32_t row = engine->silent[1];
        session *one = &engine->sessions[row];
        if (one->silent_ns == deadline(one)) {
            engine->sessions_due_ns = one->silent_ns;
            return row;
        }
        one->silent_ns = deadline(one);
        down(engine, 1, row);
    }
}
