/* The pauses between rounds. */
#include "gateways/round_pace.h"

int64_t round_pace_wait_ns(const round_pace *pace, int64_t now_ns) {
    return pace->next_ns > now_ns ? pace->next_ns - now_ns : 0;
}

void round_pace_note(round_pace *pace, int64_t begin_ns, int64_t end_ns) {
    int64_t took_ns = end_ns - begin_ns;
    int64_t left_ns = ROUND_PACE_MOST_NS - took_ns, pause_ns = took_ns < left_ns ? took_ns : left_ns;
    pace->next_ns = pause_ns < ROUND_PACE_LEAST_NS ? 0 : end_ns + pause_ns;
}
