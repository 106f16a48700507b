/*
 * The book inside LOBSTER's window; see lobster.h for what it promises.
 *
 * Kept per level: its sum, one anonymous rest (what is there of orders that were never seen), and the list of its
 * known orders. Invariant after each step: the levels here are exactly the levels of the last order book row, and
 *
 *   level.quantity == level.anonymous + sum of the quantities of its known orders
 *
 * A step is: the message onto the level it names, then a comparison with the row, which explains what is left of the
 * difference (a level entered or left the window) or calls it a contradiction.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "ingest/decode/lobster.h"

#define NONE            UINT32_MAX
#define MAX_ORDERS      (UINT32_C(1) << 26)
#define LEVELS_HELD_MAX (LOBSTER_LEVELS_MAX + 1) /* one more between the message and the comparison */

typedef struct order {
    uint64_t id;
    uint64_t quantity;
    int64_t price;
    tw_side side;
    uint32_t previous; /* of its level; NONE at the head */
    uint32_t next;     /* of its level, or of the free list */
} order;

typedef struct level {
    int64_t price;
    uint64_t quantity;
    uint64_t anonymous;
    uint64_t anonymous_id;
    uint32_t first;
} level;

struct lobster_window {
    uint32_t levels;
    uint32_t max_orders;
    uint32_t slot_mask;
    uint32_t resting;
    uint32_t free_first;
    bool started; /* a row was seen */
    bool full;
    uint64_t anonymous_made;
    const char *contradiction;
    uint32_t counts[2];
    level sides[2][LEVELS_HELD_MAX]; /* in no order: there are few */
    lobster_level worst[2];          /* of the last row; quantity 0: the side was not full */
    uint32_t *slots;                 /* open addressing, linear probing: index of an order, or NONE */
    order *orders;
};

/* ---- known orders by id ---- */

static uint32_t home_of(const lobster_window *window, uint64_t id) {
    return (uint32_t)((id * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & window->slot_mask;
}

/* The slot that holds `id`, or the free one where it would go. Half of the slots are always free. */
static uint32_t slot_of(const lobster_window *window, uint64_t id) {
    uint32_t slot = home_of(window, id);
    while (window->slots[slot] != NONE && window->orders[window->slots[slot]].id != id)
        slot = (slot + 1) & window->slot_mask;
    return slot;
}

static order *find_order(const lobster_window *window, uint64_t id) {
    uint32_t index = window->slots[slot_of(window, id)];
    return index == NONE ? NULL : &window->orders[index];
}

/* Moves later members of the run back into the hole where their way from home would meet it. */
static void empty_slot(lobster_window *window, uint32_t hole) {
    uint32_t mask = window->slot_mask;
    for (uint32_t slot = (hole + 1) & mask; window->slots[slot] != NONE; slot = (slot + 1) & mask) {
        uint32_t home = home_of(window, window->orders[window->slots[slot]].id);
        if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
        window->slots[hole] = window->slots[slot];
        hole = slot;
    }
    window->slots[hole] = NONE;
}

static void remember(lobster_window *window, level *at, const lobster_message *message) {
    uint32_t index = window->free_first;
    TW_ASSERT(index != NONE && window->orders != NULL); /* the caller has made sure of room */
    order *made = &window->orders[index];
    window->free_first = made->next;
    *made = (order){message->order_id, message->quantity, message->price, message->side, NONE, at->first};
    if (at->first != NONE) window->orders[at->first].previous = index;
    at->first = index;
    window->slots[slot_of(window, message->order_id)] = index;
    window->resting++;
}

static void forget(lobster_window *window, level *at, order *gone) {
    uint32_t index = (uint32_t)(gone - window->orders);
    empty_slot(window, slot_of(window, gone->id));
    if (gone->previous != NONE)
        window->orders[gone->previous].next = gone->next;
    else
        at->first = gone->next;
    if (gone->next != NONE) window->orders[gone->next].previous = gone->previous;
    gone->next = window->free_first;
    window->free_first = index;
    window->resting--;
}

/* ---- levels ---- */

static level *find_level(lobster_window *window, tw_side side, int64_t price) {
    for (uint32_t i = 0; i < window->counts[side]; i++) {
        if (window->sides[side][i].price == price) return &window->sides[side][i];
    }
    return NULL;
}

static level *open_level(lobster_window *window, tw_side side, int64_t price) {
    level *made = &window->sides[side][window->counts[side]++];
    *made = (level){.price = price, .first = NONE};
    return made;
}

/* Its orders are forgotten; the last level of the array takes its place. */
static void close_level(lobster_window *window, tw_side side, level *gone) {
    while (gone->first != NONE)
        forget(window, gone, &window->orders[gone->first]);
    *gone = window->sides[side][--window->counts[side]];
}

/* ---- operations ---- */

typedef struct output {
    lobster_operation *operations;
    size_t count;
} output;

static void emit(output *out, lobster_operation_kind kind, uint64_t id, tw_side side, int64_t price,
                 uint64_t quantity) {
    out->operations[out->count++] =
        (lobster_operation){.kind = kind, .order_id = id, .side = side, .price = price, .quantity = quantity};
}

static void contradict(lobster_window *window, const char *what) {
    if (window->contradiction[0] == '\0') window->contradiction = what;
}

/* A level of which only the sum is known. */
static void seed_level(lobster_window *window, tw_side side, int64_t price, uint64_t quantity, output *out) {
    level *at = open_level(window, side, price);
    at->quantity = at->anonymous = quantity;
    at->anonymous_id = LOBSTER_ANONYMOUS_BIT | ++window->anonymous_made;
    emit(out, LOBSTER_OP_ADD, at->anonymous_id, side, price, quantity);
}

static void clear_level(lobster_window *window, tw_side side, level *at, output *out) {
    emit(out, LOBSTER_OP_LEVEL_CLEAR, 0, side, at->price, 0);
    close_level(window, side, at);
}

/* ---- the message ---- */

static lobster_operation_kind kind_of(lobster_type type, bool whole) {
    if (type == LOBSTER_EXECUTE) return LOBSTER_OP_EXECUTE;
    return whole && type == LOBSTER_DELETE ? LOBSTER_OP_DELETE : LOBSTER_OP_REDUCE;
}

static void apply_add(lobster_window *window, const lobster_message *message, output *out) {
    if (find_order(window, message->order_id) != NULL) {
        contradict(window, "adds an order that rests already");
        return;
    }
    level *at = find_level(window, message->side, message->price);
    if (at == NULL) at = open_level(window, message->side, message->price);
    at->quantity += message->quantity; /* both below 2^63 */
    remember(window, at, message);
    emit(out, LOBSTER_OP_ADD, message->order_id, message->side, message->price, message->quantity);
}

static void apply_to_known(lobster_window *window, const lobster_message *message, order *known, output *out) {
    level *at = find_level(window, known->side, known->price);
    bool whole = message->quantity == known->quantity;
    if (known->side != message->side || known->price != message->price) {
        contradict(window, "names another price or side than its order has");
        return;
    }
    if (message->quantity > known->quantity) {
        contradict(window, "takes more than is left of its order");
        return;
    }
    if (message->type == LOBSTER_DELETE && !whole)
        contradict(window, "deletes an order with another size than it has");
    emit(out, kind_of(message->type, whole), known->id, known->side, known->price, message->quantity);
    at->quantity -= message->quantity;
    known->quantity -= message->quantity;
    if (known->quantity == 0) forget(window, at, known);
    if (at->quantity == 0) close_level(window, message->side, at);
}

static void apply_to_anonymous(lobster_window *window, const lobster_message *message, output *out) {
    level *at = find_level(window, message->side, message->price);
    if (at == NULL) {
        contradict(window, "is about a price that is not in the window");
        return;
    }
    if (message->quantity > at->anonymous) {
        contradict(window, "takes more than is left of the level's unknown orders");
        return;
    }
    emit(out, kind_of(message->type, message->quantity == at->anonymous), at->anonymous_id, message->side,
         at->price, message->quantity);
    at->quantity -= message->quantity;
    at->anonymous -= message->quantity;
    if (at->quantity == 0) close_level(window, message->side, at);
}

static void apply_message(lobster_window *window, const lobster_message *message, output *out) {
    if (message->type == LOBSTER_ADD) {
        apply_add(window, message, out);
    } else if (message->type <= LOBSTER_EXECUTE) {
        order *known = find_order(window, message->order_id);
        if (known != NULL)
            apply_to_known(window, message, known, out);
        else
            apply_to_anonymous(window, message, out);
    } else {
        lobster_operation_of(message, &out->operations[out->count++]);
    }
}

/* ---- before the first row ---- */

/* The levels as they were before message 1: row 1 with what the message did undone. */
static void seed_first(lobster_window *window, const lobster_message *message, const lobster_book *row,
                       output *out) {
    bool adds = message->type == LOBSTER_ADD;
    bool takes = !adds && message->type <= LOBSTER_EXECUTE;
    bool found = false;
    for (int side = TW_BID; side <= TW_ASK; side++) {
        for (uint32_t i = 0; i < row->counts[side]; i++) {
            const lobster_level *now = &row->sides[side][i];
            uint64_t before = now->quantity;
            if ((tw_side)side == message->side && now->price == message->price) {
                found = true;
                if (takes) before += message->quantity;
                if (adds) before -= message->quantity < before ? message->quantity : before;
            }
            if (before > 0) seed_level(window, (tw_side)side, now->price, before, out);
        }
    }
    if (takes && !found) seed_level(window, message->side, message->price, message->quantity, out);
}

/* ---- comparison with the row ---- */

static bool is_worse(tw_side side, int64_t price, int64_t than) {
    return side == TW_ASK ? price > than : price < than;
}

static const lobster_level *find_in_row(const lobster_book *row, tw_side side, int64_t price) {
    for (uint32_t i = 0; i < row->counts[side]; i++) {
        if (row->sides[side][i].price == price) return &row->sides[side][i];
    }
    return NULL;
}

static void drop_what_left(lobster_window *window, tw_side side, const lobster_book *row, output *out) {
    uint32_t shown = row->counts[side];
    bool full = shown == window->levels;
    for (uint32_t i = window->counts[side];
         i-- > 0;) { /* from the end: a closed level's place is taken from there */
        level *held = &window->sides[side][i];
        const lobster_level *now = find_in_row(row, side, held->price);
        if (now != NULL && now->quantity == held->quantity) continue;
        if (now != NULL)
            contradict(window, "leaves a level with another size than the order book row");
        else if (!full || !is_worse(side, held->price, row->sides[side][shown - 1].price))
            contradict(window, "leaves a level that the order book row does not have");
        clear_level(window, side, held, out);
    }
}

static void seed_what_came(lobster_window *window, tw_side side, const lobster_book *row, output *out) {
    const lobster_level *worst = &window->worst[side];
    for (uint32_t i = 0; i < row->counts[side]; i++) {
        const lobster_level *now = &row->sides[side][i];
        if (find_level(window, side, now->price) != NULL) continue;
        if (worst->quantity == 0 || !is_worse(side, now->price, worst->price))
            contradict(window, "does not explain a new level of the order book row");
        seed_level(window, side, now->price, now->quantity, out);
    }
}

static void compare(lobster_window *window, const lobster_book *row, output *out) {
    for (int side = TW_BID; side <= TW_ASK; side++) {
        uint32_t shown = row->counts[side];
        drop_what_left(window, (tw_side)side, row, out);
        seed_what_came(window, (tw_side)side, row, out);
        window->worst[side] = (lobster_level){0, 0};
        if (shown == window->levels) window->worst[side] = row->sides[side][shown - 1];
    }
}

/* ---- a step ---- */

lobster_outcome lobster_window_step(lobster_window *window, const lobster_message *message, const lobster_book *row,
                                    lobster_operation operations[LOBSTER_OPERATIONS_MAX], size_t *count) {
    output out = {operations, 0};
    *count = 0;
    window->contradiction = "";
    if (window->full || (message->type == LOBSTER_ADD && window->resting == window->max_orders)) {
        window->full = true;
        return LOBSTER_FULL;
    }
    if (!window->started) seed_first(window, message, row, &out);
    window->started = true;
    apply_message(window, message, &out);
    compare(window, row, &out);
    *count = out.count;
    return window->contradiction[0] == '\0' ? LOBSTER_CONSISTENT : LOBSTER_INCONSISTENT;
}

const char *lobster_window_contradiction(const lobster_window *window) {
    return window->contradiction;
}

uint32_t lobster_window_orders(const lobster_window *window) {
    return window->resting;
}

/* ---- lifetime ---- */

tw_code lobster_window_alloc(lobster_window **window, uint32_t levels, uint32_t max_orders, tw_error *error) {
    uint32_t slots = 16;
    *window = NULL;
    if (levels == 0 || levels > LOBSTER_LEVELS_MAX)
        return tw_error_set(error, TW_INVALID, "%u order book levels, where 1 to %u are possible", levels,
                            (unsigned)LOBSTER_LEVELS_MAX);
    if (max_orders == 0 || max_orders > MAX_ORDERS)
        return tw_error_set(error, TW_INVALID, "room for %u orders, where 1 to %u is possible", max_orders,
                            MAX_ORDERS);
    while (slots < 2 * max_orders)
        slots *= 2;
    lobster_window *made = calloc(1, sizeof *made);
    if (made == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for an order book window");
    made->levels = levels;
    made->max_orders = max_orders;
    made->slot_mask = slots - 1;
    made->slots = malloc(slots * sizeof *made->slots);
    made->orders = malloc(max_orders * sizeof *made->orders);
    if (made->slots == NULL || made->orders == NULL) {
        lobster_window_free(made);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for %u orders of a window", max_orders);
    }
    lobster_window_clear(made);
    *window = made;
    return TW_OK;
}

void lobster_window_free(lobster_window *window) {
    if (window == NULL) return;
    free(window->slots);
    free(window->orders);
    free(window);
}

void lobster_window_clear(lobster_window *window) {
    for (uint32_t i = 0; i <= window->slot_mask; i++)
        window->slots[i] = NONE;
    for (uint32_t i = 0; i < window->max_orders; i++)
        window->orders[i].next = i + 1 < window->max_orders ? i + 1 : NONE;
    window->free_first = 0;
    window->resting = 0;
    window->started = window->full = false;
    window->anonymous_made = 0;
    window->contradiction = "";
    memset(window->counts, 0, sizeof window->counts);
    memset(window->worst, 0, sizeof window->worst);
}
