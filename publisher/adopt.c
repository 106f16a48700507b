/*
 * Totals that are not whole, and how a follower gets them from its leader. What is counted here and what the leader has
 * counted meet at a source message, because both number prints by it: see publisher.h, "Totals".
 */
#include <string.h>

#include "publisher/internal.h"

void publisher_prints_lost(publisher *p, uint64_t next_seq) {
    if (next_seq <= p->counted_from_seq) return;
    p->counted_from_seq = next_seq;
    for (uint32_t i = 0; i < p->instrument_top; i++)
        p->instruments[i].trades.counted_from_seq = next_seq;
}

uint64_t publisher_counted_from(const publisher *p) {
    return p->counted_from_seq;
}

/* The snapshot's totals hold at its seq; what was passed here beyond that would be missing in them. And what it does not
 * cover must have been told here. */
static bool reaches(const pub_trades *trades, uint64_t seq, uint64_t covers_seq) {
    uint64_t covered = seq > covers_seq ? seq : covers_seq;
    return seq >= trades->chain.seq && covered >= trades->counted_from_seq - 1;
}

static void adopt(pub_trades *trades, const wire_trades *snapshot) {
    trades->volume = snapshot->volume;
    trades->count = snapshot->prints_total;
    trades->printed = snapshot->print_count > 0;
    if (trades->printed) trades->last = snapshot->prints[snapshot->print_count - 1];
    trades->chain.seq = snapshot->header.seq;
    trades->chain.event_ns = snapshot->header.event_ns;
    trades->chain.receive_ns = snapshot->header.receive_ns;
    trades->counted_from_seq = 0;
    trades->adopted_seq = snapshot->header.seq;
}

publisher_adoption publisher_adopt_trades(publisher *p, const wire_trades *snapshot, uint64_t covers_seq) {
    const wire_header *header = &snapshot->header;
    if (p->leads || !header->snapshot || snapshot->counted_from_seq != 0 || strcmp(header->epoch, p->epoch) != 0)
        return PUBLISHER_ADOPT_USELESS;
    pub_instrument *at = pub_find(p, pub_lookup(p, header->symbol));
    if (at == NULL || at->trades.counted_from_seq == 0) return PUBLISHER_ADOPT_NEEDLESS;
    if (!reaches(&at->trades, header->seq, covers_seq)) return PUBLISHER_ADOPT_BEHIND;
    pub_trades_pass(p, &at->trades, header->seq);
    adopt(&at->trades, snapshot);
    return PUBLISHER_ADOPTED;
}

bool publisher_adopted_all(publisher *p) {
    for (uint32_t i = 0; i < p->instrument_top; i++)
        if (p->instruments[i].defined && p->instruments[i].trades.counted_from_seq != 0) return false;
    p->counted_from_seq = 0;
    return true;
}
