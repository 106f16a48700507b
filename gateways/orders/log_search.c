/* Halving execlog. */
#include "gateways/orders/log_search.h"

void log_search_begin(log_search *self, uint64_t first, uint64_t last, uint64_t input, int64_t earliest_ns) {
    *self = (log_search){.input = input, .earliest_ns = earliest_ns, .low = first, .high = last + 1};
}

uint64_t log_search_probe(const log_search *self) {
    return self->low < self->high ? self->low + (self->high - self->low) / 2 : 0;
}

void log_search_take(log_search *self, uint64_t last_input, int64_t stored_ns) {
    uint64_t probe = log_search_probe(self);
    if (last_input < self->input || stored_ns < self->earliest_ns)
        self->low = probe + 1;
    else
        self->high = probe;
}
