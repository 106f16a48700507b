/* What a replayed replica is: counts, hash, open orders, positions, as text or as JSON lines. */
#ifndef TICKWIRE_TOOLS_JOURNAL_STATE_H
#define TICKWIRE_TOOLS_JOURNAL_STATE_H

#include <stdio.h>

#include "matcher/replica/replica.h"

/* What was done to get there. */
typedef struct journal_work {
    uint64_t inputs, commands, refused_unread; /* not readable or not allowed on their subject */
    uint64_t bytes;                            /* of inputs */
    uint64_t reports[MX_REPORT_KINDS];         /* by kind */
    uint64_t refused;                          /* reports that refuse something */
    int64_t took_ns;
} journal_work;

void journal_work_count(journal_work *work, const mx_report *report);
uint64_t journal_work_reports(const journal_work *work);

/* `show`: so many open orders and positions; their numbers are told in any case. */
void journal_print_state(const mr_replica *replica, const journal_work *work, bool json, uint64_t show, FILE *to);

#endif
