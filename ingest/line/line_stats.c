/* The record of one line. The missing stretches are kept sorted; new ones are always the highest. */
#include "ingest/line/line_stats.h"

#include <stdlib.h>
#include <string.h>

void line_stats_init(line_stats *line, int64_t window_ns) {
    *line = (line_stats){.window_ns = window_ns};
    line->counts.last_heard_ns = INT64_MIN;
}

static void remove_missing(line_stats *line, uint32_t index) {
    line->missing_count--;
    memmove(&line->missing[index], &line->missing[index + 1],
            (line->missing_count - index) * sizeof *line->missing);
}

static void lose_oldest(line_stats *line) {
    line->counts.losses += line->missing[0].end - line->missing[0].first;
    remove_missing(line, 0);
}

/* With no room the lowest is lost; `index` moves down with the rest, and the new one itself may be the lowest. */
static void insert_missing(line_stats *line, uint32_t index, line_missing stretch) {
    if (line->missing_count == LINE_STATS_MISSING) {
        if (index == 0) {
            line->counts.losses += stretch.end - stretch.first;
            return;
        }
        lose_oldest(line);
        index--;
    }
    memmove(&line->missing[index + 1], &line->missing[index],
            (line->missing_count - index) * sizeof *line->missing);
    line->missing[index] = stretch;
    line->missing_count++;
}

void line_stats_join(line_stats *line, const char *session, uint64_t first, uint64_t previous_end) {
    while (line->missing_count > 0)
        lose_oldest(line);
    if (line->counts.expected > 0 && previous_end > line->counts.expected)
        line->counts.losses += previous_end - line->counts.expected;
    memcpy(line->counts.session, session, sizeof line->counts.session);
    line->counts.expected = first;
}

/* Cuts what came late out of what is missing; a stretch may be split in two. */
static void fill(line_stats *line, uint64_t first, uint64_t end) {
    for (uint32_t i = line->missing_count; i-- > 0;) {
        line_missing *stretch = &line->missing[i];
        if (stretch->end <= first) return;
        if (stretch->first >= end) continue;
        line_missing before = {stretch->first, first, stretch->seen_ns};
        line_missing after = {end, stretch->end, stretch->seen_ns};
        bool has_before = before.end > before.first, has_after = after.end > after.first;
        if (has_before && has_after) {
            *stretch = after;
            insert_missing(line, i, before);
            return;
        }
        if (!has_before && !has_after)
            remove_missing(line, i);
        else
            *stretch = has_before ? before : after;
    }
}

void line_stats_carried(line_stats *line, uint64_t first, uint64_t end, int64_t now_ns) {
    line_stats_poll(line, now_ns);
    if (first < line->counts.expected) fill(line, first, end);
    if (first > line->counts.expected)
        insert_missing(line, line->missing_count, (line_missing){line->counts.expected, first, now_ns});
    if (end > line->counts.expected) line->counts.expected = end;
}

void line_stats_poll(line_stats *line, int64_t now_ns) {
    while (line->missing_count > 0 && now_ns - line->missing[0].seen_ns > line->window_ns)
        lose_oldest(line);
}

void line_stats_skew(line_stats *line, int64_t lag_ns) {
    line->skews[line->skew_next] = lag_ns;
    line->skew_next = (line->skew_next + 1) % LINE_STATS_SKEWS;
    if (line->skew_count < LINE_STATS_SKEWS) line->skew_count++;
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

bool line_stats_median_skew(const line_stats *line, int64_t *lag_ns) {
    int64_t sorted[LINE_STATS_SKEWS];
    if (line->skew_count == 0) return false;
    memcpy(sorted, line->skews, line->skew_count * sizeof *sorted);
    qsort(sorted, line->skew_count, sizeof *sorted, by_value);
    *lag_ns = sorted[line->skew_count / 2];
    return true;
}
