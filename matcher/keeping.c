/* Snapshots. */
#include <stdlib.h>

#include "matcher/pipeline.h"

struct keeping {
    matcher *matcher;
};

void keeping_find(keeping *self) {
    matcher_begin(self->matcher);
}

void keeping_tick(keeping *self, int64_t now_ns) {
    (void)self;
    (void)now_ns;
}

void keeping_last(keeping *self) {
    (void)self;
}

uint64_t keeping_seq(const keeping *self) {
    (void)self;
    return 0;
}

int64_t keeping_age_ns(const keeping *self, int64_t now_ns) {
    (void)self;
    (void)now_ns;
    return -1;
}

tw_code keeping_open(keeping **opened, matcher *m, tw_error *error) {
    keeping *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for snapshots");
    self->matcher = m;
    return TW_OK;
}

void keeping_close(keeping *self) {
    free(self);
}
