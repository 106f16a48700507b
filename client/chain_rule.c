/* Chains of states and logs. Keeping one per subject is chain_store.c's job, telling the subscriber messages.c's. */
#include "client/chain_rule.h"

#include <string.h>

#include "base/text.h"

const char *chain_outcome_name(chain_outcome outcome) {
    static const char *const names[] = {"DELIVER", "TOTALS", "DUPLICATE", "OLD_TERM", "REFUSED"};
    return (size_t)outcome < sizeof names / sizeof *names ? names[outcome] : "?";
}

static chain_verdict verdict(chain_outcome outcome) {
    return (chain_verdict){.outcome = outcome};
}

static bool same_epoch(const tw_chain *chain, const wire_header *header) {
    return strcmp(chain->epoch, header->epoch) == 0;
}

/* The message is now the last that was taken. */
static void adopt(tw_chain *chain, const wire_header *header) {
    if (header->term > chain->term || !chain->heard)
        chain->left_epoch[0] = '\0';
    else if (!same_epoch(chain, header))
        tw_text_copy(chain->left_epoch, sizeof chain->left_epoch, chain->epoch);
    chain->heard = true;
    chain->partition = header->partition;
    chain->term = header->term;
    chain->seq = header->seq;
    tw_text_copy(chain->epoch, sizeof chain->epoch, header->epoch);
}

/* Nothing new in it, but its leader is the one to listen to from now on. */
static chain_verdict pass_over(tw_chain *chain, const wire_header *header) {
    if (header->term > chain->term) chain->left_epoch[0] = '\0';
    chain->term = header->term;
    return verdict(CHAIN_DUPLICATE);
}

/* What all channels refuse. DELIVER: the channel's own rules decide. */
static chain_outcome check(const tw_chain *chain, const wire_header *header) {
    if (!header->snapshot && header->seq < header->prev_seq) return CHAIN_REFUSED;
    if (!chain->heard) return CHAIN_DELIVER;
    if (header->term < chain->term) return CHAIN_OLD_TERM;
    bool left = chain->left_epoch[0] != '\0' && strcmp(chain->left_epoch, header->epoch) == 0;
    return left && header->term == chain->term ? CHAIN_DUPLICATE : CHAIN_DELIVER;
}

/* ---- states ---- */

chain_verdict chain_take_state(tw_chain *chain, const wire_header *header) {
    chain_outcome refused = check(chain, header);
    if (refused != CHAIN_DELIVER) return verdict(refused);
    bool comparable = chain->heard && same_epoch(chain, header) && header->term == chain->term;
    bool follows = header->snapshot ? header->seq >= chain->seq : header->prev_seq == chain->seq;
    if (comparable && !follows && header->seq <= chain->seq) return verdict(CHAIN_DUPLICATE);
    adopt(chain, header);
    return (chain_verdict){.outcome = CHAIN_DELIVER, .missed = comparable && !follows};
}

/* ---- logs ---- */

/* A log's message, whatever its records are. */
typedef struct log_message {
    const wire_header *header;
    uint32_t known;  /* records at the front that are not above mine */
    bool has_mine;   /* one of them is of my last source message */
    bool has_totals; /* trades */
    uint64_t before; /* prints of the epoch before this message */
    uint64_t total;  /* with it */
    uint64_t volume;
    uint64_t counted_from_seq;
    uint32_t records;
} log_message;

/* Whether the message's totals and mine count from the same print on. */
static bool totals_compare(const tw_chain *chain, const log_message *m) {
    if (!m->has_totals || m->counted_from_seq != chain->counted_from_seq) return false;
    return m->counted_from_seq == 0 || m->header->term == chain->term;
}

/* Prints that the totals have beyond mine; at least one, because the chain says that something is lost. */
static uint64_t count_missed(const tw_chain *chain, const log_message *m) {
    bool more = totals_compare(chain, m) && m->before > chain->prints_total;
    return more ? m->before - chain->prints_total : 1;
}

static chain_verdict deliver(tw_chain *chain, const log_message *m, uint32_t known, uint64_t missed) {
    adopt(chain, m->header);
    chain->prints_total = m->total;
    chain->volume = m->volume;
    chain->counted_from_seq = m->counted_from_seq;
    return (chain_verdict){.outcome = CHAIN_DELIVER, .known = known, .missed = missed};
}

/* In a new epoch everything before its first message is unknown here. */
static chain_verdict enter_epoch(tw_chain *chain, const log_message *m) {
    bool first = m->header->snapshot && m->has_totals ? m->before == 0 : m->header->prev_seq == 0;
    uint64_t before = m->has_totals && m->before > 0 ? m->before : 1;
    return deliver(chain, m, 0, first ? 0 : before);
}

static chain_verdict take_totals(tw_chain *chain, const log_message *m) {
    bool same = m->total == chain->prints_total && m->volume == chain->volume &&
                m->counted_from_seq == chain->counted_from_seq;
    if (same) return pass_over(chain, m->header);
    chain_verdict taken = deliver(chain, m, m->records, 0);
    taken.outcome = CHAIN_TOTALS;
    return taken;
}

static chain_verdict take_log_snapshot(tw_chain *chain, const log_message *m) {
    if (m->header->seq == chain->seq) return take_totals(chain, m);
    if (m->header->seq < chain->seq) return pass_over(chain, m->header);
    bool only_new = totals_compare(chain, m) && m->records > 0 && m->before == chain->prints_total;
    return deliver(chain, m, 0, only_new ? 0 : count_missed(chain, m));
}

static chain_verdict take_log(tw_chain *chain, const log_message *m) {
    const wire_header *header = m->header;
    chain_outcome refused = check(chain, header);
    if (refused != CHAIN_DELIVER) return verdict(refused);
    if (!chain->heard) return deliver(chain, m, 0, 0);
    if (!same_epoch(chain, header)) return enter_epoch(chain, m);
    if (header->snapshot) return take_log_snapshot(chain, m);
    if (header->prev_seq == chain->seq) return deliver(chain, m, 0, 0);
    if (header->seq <= chain->seq) return pass_over(chain, header);
    return deliver(chain, m, m->known, m->has_mine ? 0 : count_missed(chain, m));
}

/* ---- trades and order events as logs ---- */

/* What a print adds to the number of prints: a break takes one back if the feed tells what it was (publisher.h). */
static int64_t counts_for(const tw_print *print) {
    if (print->kind != TW_PRINT_BREAK) return 1;
    return print->quantity > 0 ? -1 : 0;
}

chain_verdict chain_take_trades(tw_chain *chain, const wire_trades *trades) {
    log_message m = {.header = &trades->header,
                     .has_totals = true,
                     .total = trades->prints_total,
                     .volume = trades->volume,
                     .counted_from_seq = trades->counted_from_seq,
                     .records = trades->print_count};
    int64_t added = 0;
    for (uint32_t i = 0; i < trades->print_count; i++) {
        const tw_print *print = &trades->prints[i];
        added += counts_for(print);
        m.known += print->seq <= chain->seq && m.known == i;
        m.has_mine |= print->seq == chain->seq;
    }
    bool whole = added <= 0 || (uint64_t)added <= m.total;
    m.before = whole ? m.total - (uint64_t)added : 0;
    return take_log(chain, &m);
}

chain_verdict chain_take_orders(tw_chain *chain, const wire_order_events *orders) {
    log_message m = {.header = &orders->header, .records = orders->event_count};
    for (uint32_t i = 0; i < orders->event_count; i++) {
        m.known += orders->events[i].seq <= chain->seq && m.known == i;
        m.has_mine |= orders->events[i].seq == chain->seq;
    }
    return take_log(chain, &m);
}
