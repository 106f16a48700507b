/* The table of correlation ids. */
#include "matcher/replica/correlation.h"

#include <string.h>

#include "base/text.h"
#include "orderbook/pages.h"

static size_t room_of(uint32_t capacity) {
    return ((size_t)capacity + 1) * sizeof(correlation_row);
}

bool correlations_init(correlations *t, uint32_t capacity) {
    *t = (correlations){.capacity = capacity, .rows = ob_pages_alloc(room_of(capacity))};
    return t->rows != NULL && id_map_init(&t->ids, capacity);
}

void correlations_fini(correlations *t) {
    if (t->ids.memory != NULL) id_map_fini(&t->ids);
    ob_pages_free(t->rows, room_of(t->capacity));
    *t = (correlations){0};
}

void correlations_clear(correlations *t) {
    t->used = t->free = t->count = 0;
    id_map_clear(&t->ids);
}

const correlation_row *correlations_find(const correlations *t, uint64_t order_id) {
    if (t->count == 0 || order_id == 0) return NULL;
    uint32_t row = id_map_find(&t->ids, t->rows, sizeof *t->rows, order_id);
    return row == 0 ? NULL : &t->rows[row];
}

bool correlations_add(correlations *t, uint64_t order_id, const char *text) {
    uint32_t row = t->free;
    if (row != 0)
        t->free = t->rows[row].next;
    else if (t->used < t->capacity)
        row = ++t->used;
    else
        return false;
    correlation_row *one = &t->rows[row];
    one->order_id = order_id;
    tw_text_copy(one->text, sizeof one->text, text);
    one->length = (uint8_t)strlen(one->text);
    id_map_add(&t->ids, order_id, row);
    t->count++;
    return true;
}

void correlations_remove(correlations *t, uint64_t order_id) {
    uint32_t row = t->count == 0 ? 0 : id_map_find(&t->ids, t->rows, sizeof *t->rows, order_id);
    if (row == 0) return;
    id_map_remove(&t->ids, order_id, row);
    t->rows[row].order_id = 0;
    t->rows[row].next = t->free;
    t->free = row;
    t->count--;
}
