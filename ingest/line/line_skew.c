/* Sampled arrivals. A slot belongs to the highest number that fell into it. */
#include "ingest/line/line_skew.h"

#include "base/market.h"

#define COMPARED UINT32_MAX

void line_skew_reset(line_skew *skew) {
    *skew = (line_skew){0};
}

static void compare(line_arrival *arrival, line_stats *lines, uint32_t line, uint64_t number, int64_t receive_ns) {
    if (number < arrival->number) return;
    if (number > arrival->number) {
        *arrival = (line_arrival){number, receive_ns, line};
        return;
    }
    if (arrival->line == COMPARED || arrival->line == line) return;
    int64_t lag_ns = receive_ns - arrival->receive_ns;
    line_stats_skew(&lines[line], lag_ns);
    line_stats_skew(&lines[arrival->line], -lag_ns);
    arrival->line = COMPARED;
}

void line_skew_arrived(line_skew *skew, line_stats *lines, uint32_t line, uint64_t first, uint64_t end,
                       int64_t receive_ns) {
    if (receive_ns == TW_TIME_ABSENT) return;
    uint64_t beyond = (LINE_SKEW_STRIDE - first % LINE_SKEW_STRIDE) % LINE_SKEW_STRIDE;
    if (end - first <= beyond) return; /* also keeps first + beyond from running over */
    for (uint64_t number = first + beyond; number < end; number += LINE_SKEW_STRIDE) {
        uint64_t slot = number / LINE_SKEW_STRIDE % LINE_SKEW_SAMPLES;
        compare(&skew->arrivals[slot], lines, line, number, receive_ns);
        if (end - number <= LINE_SKEW_STRIDE) return;
    }
}
