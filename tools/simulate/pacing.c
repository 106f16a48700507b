/* A steady rate out of an uneven machine; see pacing.h. */
#include "tools/simulate/pacing.h"

#define SECOND_NS UINT64_C(1000000000)

/* rate * span in seconds, without overflow for any span of a process's life. */
static uint64_t worth(uint64_t rate, int64_t span_ns) {
    if (span_ns <= 0) return 0;
    uint64_t span = (uint64_t)span_ns;
    return span / SECOND_NS * rate + (uint64_t)((unsigned __int128)(span % SECOND_NS) * rate / SECOND_NS);
}

void sim_pacing_start(sim_pacing *pacing, uint64_t rate, int64_t now_ns) {
    *pacing = (sim_pacing){.rate = rate == 0 ? 1 : rate, .start_ns = now_ns, .turn_ns = now_ns};
}

uint64_t sim_pacing_turn(sim_pacing *pacing, int64_t now_ns) {
    uint64_t due = worth(pacing->rate, now_ns - pacing->start_ns) + 1; /* the first goes at once */
    uint64_t count = due > pacing->given ? due - pacing->given : 0;
    uint64_t most = 2 * worth(pacing->rate, now_ns - pacing->turn_ns) + 1;
    if (count > most) count = most;
    pacing->turn_ns = now_ns;
    pacing->given += count;
    return count;
}

int64_t sim_pacing_due_ns(const sim_pacing *pacing) {
    uint64_t whole = pacing->given / pacing->rate, rest = pacing->given % pacing->rate;
    return pacing->start_ns + (int64_t)(whole * SECOND_NS + (rest * SECOND_NS + pacing->rate - 1) / pacing->rate);
}
