/* The burst limit: up fast, down by time. */
#include "ingest/state/burst_limit.h"

void burst_limit_init(burst_limit *self, uint32_t least, uint32_t most) {
    *self = (burst_limit){.least = least < most ? least : most, .most = most};
    self->now = self->least;
}

static void change(burst_limit *self, uint32_t limit) {
    if (limit != self->now) self->changes++;
    self->now = limit;
}

static void grow(burst_limit *self) {
    change(self, self->now > self->most / 2 ? self->most : self->now * 2);
}

static void shrink(burst_limit *self, int64_t calm_ns) {
    int64_t halvings = calm_ns / BURST_LIMIT_CALM_NS;
    uint32_t limit = halvings > 31 ? 0 : self->now >> halvings;
    change(self, limit > self->least ? limit : self->least);
    self->since_ns += halvings * BURST_LIMIT_CALM_NS;
}

void burst_limit_look(burst_limit *self, bool behind, int64_t now_ns) {
    if (behind) {
        grow(self);
        self->since_ns = now_ns;
    } else if (self->now > self->least && now_ns - self->since_ns >= BURST_LIMIT_CALM_NS) {
        shrink(self, now_ns - self->since_ns);
    }
}
