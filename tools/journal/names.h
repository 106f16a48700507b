/* What the numbers of reports mean, gathered from the names that each message of execlog carries. */
#ifndef TICKWIRE_TOOLS_JOURNAL_NAMES_H
#define TICKWIRE_TOOLS_JOURNAL_NAMES_H

#include "proto/venue.h"

typedef struct journal_names {
    wire_named_instrument *instruments; /* by number; symbol "": not known */
    wire_named_account *accounts;
    uint32_t instrument_count, account_count;
} journal_names;

/* {0} is an empty one. */
void journal_names_fini(journal_names *names);
/* Takes a name in, or passes over another kind of part. False: no memory, or a number that no venue has. */
bool journal_names_take(journal_names *names, const wire_part *part);
/* All of a message's names. False as above. */
bool journal_names_take_all(journal_names *names, wire_executions message);

/* NULL if nothing is known. */
const wire_named_instrument *journal_names_instrument(const journal_names *names, uint32_t number);
const wire_named_instrument *journal_names_symbol(const journal_names *names, const char *symbol);
const char *journal_names_account(const journal_names *names, uint32_t number);

#endif
