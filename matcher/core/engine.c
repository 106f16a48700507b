/* The engine as a whole: its memory, and the way of a command into it. */
#include "matcher/core/engine.h"

#include <stdlib.h>

#include "matcher/core/engine_internal.h"
#include "orderbook/pages.h"

_Static_assert(sizeof(order) == 64, "what matching touches is one cache line");

#define TIME_MAX_NS (INT64_C(1) << 62) /* timeouts and rates can be added to it */

static const char *account_name(const void *context, uint32_t number) {
    return ((const mx_engine *)context)->accounts[number].name;
}

static const char *instrument_name(const void *context, uint32_t number) {
    return ((const mx_engine *)context)->instruments[number].definition.symbol;
}

/* Slots of a hash table of chains: about one for each row. */
static uint32_t chains(uint32_t rows) {
    uint32_t slots = 16;
    while (slots < rows)
        slots *= 2;
    return slots;
}

/* Every table, for alloc and free alike: where its pointer is, and how large it is. */
typedef struct table {
    void **memory;
    size_t bytes;
    bool in_order; /* filled from its beginning on, hardly looked back at */
} table;

#define TABLES 10

static void tables_of(mx_engine *e, table tables[TABLES]) {
    const mx_bounds *b = &e->memory;
    size_t orders = (size_t)b->max_orders + 1;
    const table all[TABLES] = {
        {(void **)&e->orders, orders * sizeof *e->orders, false},
        {(void **)&e->rests, orders * sizeof *e->rests, false},
        {(void **)&e->timers, orders * sizeof *e->timers, false},
        {(void **)&e->instruments, b->max_instruments * sizeof *e->instruments, false},
        {(void **)&e->accounts, b->max_accounts * sizeof *e->accounts, false},
        {(void **)&e->positions, ((size_t)b->max_positions + 1) * sizeof *e->positions, false},
        {(void **)&e->position_index, ((size_t)e->position_mask + 1) * sizeof *e->position_index, false},
        {(void **)&e->sessions, ((size_t)b->max_sessions + 1) * sizeof *e->sessions, false},
        {(void **)&e->silent, ((size_t)b->max_sessions + 1) * sizeof *e->silent, false},
        {(void **)&e->client_rows, ((size_t)b->max_client_ids + 1) * sizeof *e->client_rows, true},
    };
    for (size_t i = 0; i < TABLES; i++)
        tables[i] = all[i];
}

static bool tables_alloc(mx_engine *engine) {
    const mx_bounds *bounds = &engine->memory;
    engine->position_mask = chains(bounds->max_positions) - 1;
    table tables[TABLES];
    tables_of(engine, tables);
    bool whole = true;
    for (size_t i = 0; i < TABLES; i++) {
        *tables[i].memory = (tables[i].in_order ? ob_pages_alloc_small : ob_pages_alloc)(tables[i].bytes);
        whole = whole && *tables[i].memory != NULL;
    }
    whole = ladder_room_init(&engine->room, bounds->max_pages) && whole;
    whole = id_map_init(&engine->order_ids, bounds->max_orders) && whole;
    whole = id_map_init(&engine->session_ids, bounds->max_sessions) && whole;
    whole = id_map_init(&engine->client_index, bounds->max_client_ids) && whole;
    whole = tw_map_init(&engine->account_names, bounds->max_accounts, account_name, engine) && whole;
    return tw_map_init(&engine->instrument_names, bounds->max_instruments, instrument_name, engine) && whole;
}

/* The bounds stay, and where memory is; all else begins anew. */
void engine_clear(mx_engine *engine) {
    table tables[TABLES];
    tables_of(engine, tables);
    for (size_t i = 0; i < TABLES; i++)
        ob_pages_zero(*tables[i].memory, tables[i].bytes);
    ladder_room_clear(&engine->room);
    id_map_clear(&engine->order_ids);
    id_map_clear(&engine->session_ids);
    id_map_clear(&engine->client_index);
    tw_map_clear(&engine->account_names);
    tw_map_clear(&engine->instrument_names);
    mx_engine empty = {.memory = engine->memory, .now_ns = TW_TIME_ABSENT, .sessions_due_ns = INT64_MAX};
    empty.room = engine->room;
    empty.order_ids = engine->order_ids;
    empty.session_ids = engine->session_ids;
    empty.client_index = engine->client_index;
    empty.account_names = engine->account_names;
    empty.instrument_names = engine->instrument_names;
    empty.position_mask = engine->position_mask;
    empty.client_salt[0] = engine->client_salt[0];
    empty.client_salt[1] = engine->client_salt[1];
    table fresh[TABLES];
    tables_of(&empty, fresh);
    for (size_t i = 0; i < TABLES; i++)
        *fresh[i].memory = *tables[i].memory;
    *engine = empty;
    bounds_begin(engine);
}

tw_code mx_engine_alloc(mx_engine **engine, const mx_bounds *bounds, tw_error *error) {
    *engine = NULL;
    mx_bounds memory = bounds_of_memory(bounds);
    if (!bounds_fit(&memory))
        return tw_error_set(error, TW_INVALID, "a bound of the matching engine is out of range");
    mx_engine *made = aligned_alloc(64, (sizeof *made + 63) / 64 * 64);
    if (made == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the matching engine");
    *made = (mx_engine){.memory = memory, .now_ns = TW_TIME_ABSENT, .sessions_due_ns = INT64_MAX};
    if (!tables_alloc(made)) {
        mx_engine_free(made);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for the matching engine's tables");
    }
    mx_engine_salt(made, 0);
    bounds_begin(made);
    *engine = made;
    return TW_OK;
}

void mx_engine_free(mx_engine *engine) {
    if (engine == NULL) return;
    table tables[TABLES];
    tables_of(engine, tables);
    for (size_t i = 0; i < TABLES; i++)
        ob_pages_free(*tables[i].memory, tables[i].bytes);
    ladder_room_fini(&engine->room);
    id_map_fini(&engine->order_ids);
    id_map_fini(&engine->session_ids);
    id_map_fini(&engine->client_index);
    tw_map_fini(&engine->account_names);
    tw_map_fini(&engine->instrument_names);
    free(engine);
}

/* True if something may be due at `now_ns`. */
static bool anything_due(const mx_engine *engine, int64_t now_ns) {
    return (engine->timer_count > 0 && engine->rests[engine->timers[1]].expire_ns <= now_ns) ||
           engine->sessions_due_ns <= now_ns || (engine->day_open && engine->day_end_ns <= now_ns);
}

static void begin_input(mx_engine *engine, const mx_input *input, const mx_command *command, mx_sink *sink) {
    TW_ASSERT(input->seq >= engine->seq && sink->capacity > 0);
    bool first = input->seq != engine->seq;
    if (first) {
        engine->next_n = 0;
        engine->steps = 0;
        engine->report_limit = engine->most.max_reports;
    }
    engine->seq = input->seq;
    engine->input = input;
    engine->command = command->kind;
    engine->sink = sink;
    int64_t stream_ns = input->stream_ns < 0 ? 0 : input->stream_ns < TIME_MAX_NS ? input->stream_ns : TIME_MAX_NS;
    if (stream_ns > engine->now_ns) engine->now_ns = stream_ns;
    if (anything_due(engine, engine->now_ns)) clock_run(engine, engine->now_ns);
    if (first && engine->held) match_held(engine);
}

static void foresee_target(const mx_engine *engine, const mx_target *target) {
    if (target->order_id != 0)
        id_map_foresee(&engine->order_ids, id_hash(target->order_id));
    else
        client_foresee(engine, target->account, target->instrument, &target->client_id);
}

void mx_foresee(const mx_engine *engine, const mx_command *command) {
    switch (command->kind) {
    case MX_NEW_ORDER:
        id_map_foresee(&engine->order_ids, id_hash(command->order.order_id));
        client_foresee(engine, command->order.account, command->order.instrument, &command->order.client_id);
        break;
    case MX_CANCEL:
        foresee_target(engine, &command->cancel.target);
        break;
    case MX_REPLACE:
        foresee_target(engine, &command->replace.target);
        break;
    default:
        break;
    }
}

void mx_apply(mx_engine *engine, const mx_input *input, const mx_command *command, mx_sink *sink) {
    begin_input(engine, input, command, sink);
    switch (command->kind) {
    case MX_NEW_ORDER:
        order_new(engine, &command->order);
        break;
    case MX_CANCEL:
        order_cancel(engine, &command->cancel);
        break;
    case MX_REPLACE:
        order_replace(engine, &command->replace);
        break;
    case MX_MASS_CANCEL:
        mass_cancel(engine, &command->mass_cancel);
        break;
    default:
        control(engine, command);
        break;
    }
}
