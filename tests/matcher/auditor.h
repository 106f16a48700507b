/*
 * The auditor: hears what an engine was asked and what it reported, keeps its own books from that alone, and says after each command whether everything
 * was right. It knows no strategy of matching: it doesn't say what must happen, but that what happened was allowed.
 *
 * After each command, of all that its reports touched:
 *
 *     quantity    what was bought was sold; an order's quantity is what it executed and what is left
 *     cash        all accounts' money but the fees sums to nothing; each fee is its class's, of the right side; each account has paid what its fills say
 *     positions   of an instrument sum to nothing; each is the sum of its fills; its cost and result account for every payment
 *     priority    each fill's resting order was the first of its side, by price and then by time; who comes back, changes or shows anew stands behind
 *     stops       are triggered only when trades have reached them, the nearest first, and then all of them
 *     books       are not crossed while trading, and nothing trades otherwise
 *     reports     say what their order is, are numbered, and the two of a trade agree
 *     ends        what closes, expires or is cancelled leaves nothing behind; cancels of live orders are not refused
 *
 * and the engine, asked about these levels, orders, accounts and positions, says the same. auditor_whole compares everything, with all sums made anew:
 * it checks the steps' own keeping, too.
 */
#ifndef TICKWIRE_TESTS_MATCHER_AUDITOR_H
#define TICKWIRE_TESTS_MATCHER_AUDITOR_H

#include "matcher/core/engine.h"

typedef struct auditor auditor;

auditor *auditor_alloc(void); /* aborts where there is no memory */
void auditor_free(auditor *auditor);

/* One command and all its reports, in order; `engine` as it is after it. NULL, or the rule that is broken; then the auditor may not be asked again. */
const char *auditor_step(auditor *auditor, const mx_engine *engine, const mx_input *input,
                         const mx_command *command, const mx_report *reports, uint32_t count);
const char *auditor_whole(auditor *auditor, const mx_engine *engine);

uint64_t auditor_fills(const auditor *auditor);     /* heard of so far */
uint64_t auditor_most_open(const auditor *auditor); /* orders at once */

#endif
