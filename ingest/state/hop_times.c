/* A burst's hops into histograms. */
#include "ingest/state/hop_times.h"

void hop_times_begin(hop_times *self, int64_t arrival_ns, int64_t received_ns) {
    if (self->begun) return;
    self->begun = true;
    self->flushed = false;
    self->arrival_ns = arrival_ns;
    self->received_ns = received_ns;
}

void hop_times_flush(hop_times *self, int64_t now_ns) {
    if (!self->begun || self->flushed) return;
    self->flushed = true;
    self->flush_ns = now_ns;
}

bool hop_times_wanted(const hop_times *self) {
    return self->begun && self->flushed;
}

void hop_times_end(hop_times *self, int64_t published_ns, int64_t written_ns) {
    tw_histogram_record(&self->receive, self->received_ns - self->arrival_ns);
    tw_histogram_record(&self->apply, self->flush_ns - self->received_ns);
    tw_histogram_record(&self->encode, published_ns - self->flush_ns);
    tw_histogram_record(&self->write, written_ns - published_ns);
    self->begun = false;
}

void hop_times_drop(hop_times *self) {
    self->begun = false;
}
