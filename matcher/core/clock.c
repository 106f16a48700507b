/*
 * What is due by stream time: orders good till a time, sessions that fell silent, the end of the trading day. The earliest first; at one
 * moment orders before sessions before the day.
 */
#include "matcher/core/engine_internal.h"

/* Orders that expire: a heap by time, then by age, that knows where each order is. */
static bool timer_before(const mx_engine *engine, uint32_t a, uint32_t b) {
    const order_rest *first = &engine->rests[a], *second = &engine->rests[b];
    if (first->expire_ns != second->expire_ns) return first->expire_ns < second->expire_ns;
    return first->entry < second->entry;
}

static void timer_put(mx_engine *engine, uint32_t at, uint32_t row) {
    engine->timers[at] = row;
    engine->rests[row].timer_at = at;
}

static void timer_up(mx_engine *engine, uint32_t at, uint32_t row) {
    while (at > 1 && timer_before(engine, row, engine->timers[at / 2])) {
        timer_put(engine, at, engine->timers[at / 2]);
        at /= 2;
    }
    timer_put(engine, at, row);
}

static void timer_down(mx_engine *engine, uint32_t at, uint32_t row) {
    for (uint32_t child; (child = at * 2) <= engine->timer_count; at = child) {
        if (child < engine->timer_count && timer_before(engine, engine->timers[child + 1], engine->timers[child]))
            child++;
        if (!timer_before(engine, engine->timers[child], row)) break;
        timer_put(engine, at, engine->timers[child]);
    }
    timer_put(engine, at, row);
}

void timer_add(mx_engine *engine, uint32_t row) {
    timer_up(engine, ++engine->timer_count, row);
}

void timer_remove(mx_engine *engine, uint32_t row) {
    uint32_t at = engine->rests[row].timer_at, last = engine->timers[engine->timer_count--];
    engine->rests[row].timer_at = 0;
    if (last == row) return;
    if (at > 1 && timer_before(engine, last, engine->timers[at / 2])) {
        timer_up(engine, at, last);
    } else {
        timer_down(engine, at, last);
    }
}

static uint32_t session_find(const mx_engine *engine, uint64_t id) {
    return id == 0 ? NO_ROW : id_map_find(&engine->session_ids, engine->sessions, sizeof(session), id);
}

void session_link(mx_engine *engine, uint32_t row) {
    session *one = &engine->sessions[row];
    one->next = NO_ROW;
    one->prev = engine->sessions_open.tail;
    if (one->prev != NO_ROW) {
        engine->sessions[one->prev].next = row;
    } else {
        engine->sessions_open.head = row;
    }
    engine->sessions_open.tail = row;
    id_map_add(&engine->session_ids, one->id, row);
    silence_add(engine, row);
}

static void session_free(mx_engine *engine, uint32_t row) {
    session *one = &engine->sessions[row];
    id_map_remove(&engine->session_ids, one->id, row);
    if (one->prev != NO_ROW) {
        engine->sessions[one->prev].next = one->next;
    } else {
        engine->sessions_open.head = one->next;
    }
    if (one->next != NO_ROW) {
        engine->sessions[one->next].prev = one->prev;
    } else {
        engine->sessions_open.tail = one->prev;
    }
    silence_remove(engine, row);
    *one = (session){.next = engine->sessions_free};
    engine->sessions_free = row;
}

static void answer_session(mx_engine *engine, mx_reason reason, uint64_t id) {
    emit(engine, reason == MXR_OK ? MX_DONE : MX_REFUSED, reason)->session = id;
}

static uint32_t session_take(mx_engine *engine) {
    uint32_t row = engine->sessions_free;
    if (row != NO_ROW) {
        engine->sessions_free = engine->sessions[row].next;
    } else {
        row = ++engine->sessions_used;
    }
    return row;
}

void session_open(mx_engine *engine, const mx_session *c) {
    mx_reason reason = MXR_OK;
    if (c->session == 0 || c->timeout_ns < 1 || c->timeout_ns > MX_TIMEOUT_MAX_NS) {
        reason = MXR_BAD_DEFINITION;
    } else if (session_find(engine, c->session) != NO_ROW) {
        reason = MXR_SESSION_IS_OPEN;
    } else if (engine->sessions_live >= engine->most.max_sessions) {
        bounds_lack(engine, BOUND_SESSIONS);
        reason = MXR_SESSIONS_FULL;
    } else {
        uint32_t row = session_take(engine);
        engine->sessions[row] = (session){.id = c->session, .timeout_ns = c->timeout_ns, .beat_ns = engine->now_ns};
        session_link(engine, row);
    }
    answer_session(engine, reason, c->session);
}

void session_beat(mx_engine *engine, const mx_session *c) {
    uint32_t row = session_find(engine, c->session);
    if (row != NO_ROW) engine->sessions[row].beat_ns = engine->now_ns; /* sessions_due_ns may stay too early */
    answer_session(engine, row != NO_ROW ? MXR_OK : MXR_UNKNOWN_SESSION, c->session);
}

/* Its orders go, oldest first. */
static void session_end(mx_engine *engine, uint32_t row, mx_reason reason) {
    uint64_t id = engine->sessions[row].id;
    for (uint32_t one = engine->sessions[row].orders.head, next; one != NO_ROW; one = next) {
        next = engine->rests[one].by_session.next;
        order_end(engine, one, MX_CANCELLED, reason);
    }
    session_free(engine, row);
    emit(engine, MX_SESSION_ENDED, reason)->session = id;
}

void session_close(mx_engine *engine, const mx_session *c) {
    uint32_t row = session_find(engine, c->session);
    if (row == NO_ROW) {
        answer_session(engine, MXR_UNKNOWN_SESSION, c->session);
    } else {
        session_end(engine, row, MXR_SESSION_CLOSED);
    }
}

static void day_end(mx_engine *engine) {
    end_day_orders(engine, MX_EVERY);
    engine->day_open = false;
    emit(engine, MX_DAY_ENDED, MXR_DAY_ENDED)->quantity = engine->day_date;
}

void day_begin(mx_engine *engine, const mx_begin_day *c) {
    if (c->date <= engine->day_date || c->end_ns <= engine->now_ns) {
        emit(engine, MX_REFUSED, MXR_BAD_DAY);
        return;
    }
    if (engine->day_open) day_end(engine);
    client_forget(engine);
    engine->day_date = c->date;
    engine->day_end_ns = c->end_ns;
    engine->day_open = true;
    emit(engine, MX_DONE, MXR_OK);
}

void clock_run(mx_engine *engine, int64_t until_ns) {
    if (until_ns > engine->now_ns) engine->now_ns = until_ns;
    for (;;) {
        int64_t order_ns = engine->timer_count > 0 ? engine->rests[engine->timers[1]].expire_ns : INT64_MAX;
        int64_t day_ns = engine->day_open ? engine->day_end_ns : INT64_MAX;
        uint32_t silent = engine->sessions_due_ns <= engine->now_ns ? silence_first(engine) : NO_ROW;
        int64_t session_ns = engine->sessions_due_ns;
        if (order_ns <= engine->now_ns && order_ns <= session_ns && order_ns <= day_ns) {
            order_end(engine, engine->timers[1], MX_EXPIRED, MXR_TIME_REACHED);
        } else if (silent != NO_ROW && session_ns <= engine->now_ns && session_ns <= day_ns) {
            session_end(engine, silent, MXR_SESSION_LOST);
        } else if (day_ns <= engine->now_ns) {
            day_end(engine);
        } else {
            return;
        }
    }
}
