/* Tells how each line of a network feed fares: LineStatus on feed.{MIC}.{PARTITION}.line.{LINE}, every second. */
#include "base/text.h"
#include "ingest/pipeline.h"
#include "proto/codec.h"
#include "proto/subject.h"
#include "runtime/clock.h"

#define PERIOD_NS    INT64_C(1000000000)
#define STATUS_BYTES 512u

static void tell(ingest *self, const ingest_line *line, int64_t now_ns) {
    int64_t utc_ns = rt_clock_utc_ns();
    const line_counts *counts = &line->counts;
    bool heard = counts->last_heard_ns != INT64_MIN;
    wire_line_status status = {.partition = (uint32_t)self->settings.partition,
                               .term = self->term,
                               .next_seq = counts->expected,
                               .state = line->state,
                               .cause = line->cause,
                               .receive_ns = heard ? utc_ns - (now_ns - counts->last_heard_ns) : TW_TIME_ABSENT,
                               .publish_ns = utc_ns,
                               .packets = counts->packets,
                               .messages = counts->messages,
                               .lost = counts->losses,
                               .duplicates = counts->duplicates,
                               .wins = counts->wins,
                               .kernel_drops = line->kernel_drops,
                               .malformed = counts->malformed,
                               .skew_ns = line->skew_ns};
    tw_text_copy(status.exchange, sizeof status.exchange, self->settings.exchange);
    tw_text_copy(status.epoch, sizeof status.epoch, self->day.epoch);
    tw_text_copy(status.line, sizeof status.line, line->name);
    uint8_t payload[STATUS_BYTES];
    char subject[SUBJECT_BYTES];
    size_t length = wire_line_status_encode(&status, payload, sizeof payload);
    if (length > 0 && subject_line_status(subject, sizeof subject, status.exchange, status.partition, line->name))
        bus_publish(self->bus, subject, payload, length);
}

/* With the bus behind, a second's status is left out: the next one says all that it would have said. */
void line_report(ingest *self) {
    int64_t now_ns = rt_clock_monotonic_ns();
    if (now_ns - self->lines_told_ns < PERIOD_NS || !bus_ready(self->bus)) return;
    self->lines_told_ns = now_ns;
    for (uint32_t i = 0; i < INGEST_LINES; i++) {
        ingest_line line;
        if (ingest_read_line(self, i, now_ns, &line)) tell(self, &line, now_ns);
    }
}
