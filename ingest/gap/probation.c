/* Books from a snapshot, watched until enough live messages have fitted them. */
#include "ingest/gap/probation.h"

void probation_begin(probation *p, uint64_t contradictions, uint64_t messages, int64_t now_ns) {
    *p = (probation){PROBATION_WATCHED, contradictions, messages, now_ns};
}

void probation_end(probation *p) {
    p->state = PROBATION_OFF;
}

static probation_state state_of(const probation *p, uint64_t messages, int64_t now_ns) {
    uint64_t seen = messages - p->messages;
    int64_t passed_ns = now_ns - p->began_ns;
    if (seen >= PROBATION_MESSAGES && passed_ns >= PROBATION_NS) return PROBATION_OFF;
    if (seen >= PROBATION_PROVEN_MESSAGES || passed_ns >= PROBATION_PROVEN_NS) return PROBATION_PROVEN;
    return PROBATION_WATCHED;
}

probation_state probation_judge(probation *p, uint64_t contradictions, uint64_t messages, bool holed,
                                int64_t now_ns) {
    if (p->state == PROBATION_OFF) return PROBATION_OFF;
    bool refuted = !holed && contradictions > p->contradictions;
    p->state = holed || refuted ? PROBATION_OFF : state_of(p, messages, now_ns);
    return refuted ? PROBATION_REFUTED : p->state;
}
