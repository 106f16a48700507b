/*
 * The ledger: who was handed how much of which subject in the period that is open. Pure: no clock, no file, no allocation
 * after ledger_alloc.
 *
 * One line for each pair of user and subject, and for each exchange where a subject spans several. The table has a bound: when it is full, ledger_add says so, nothing is
 * changed, and the owner writes the lines out early; what comes then begins new lines of the same period, which add up.
 * Each line written has a number that no other line of this ledger has.
 */
#ifndef TICKWIRE_GATEWAYS_LEDGER_LEDGER_H
#define TICKWIRE_GATEWAYS_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/market.h"
#include "proto/codec.h"
#include "proto/subject.h"

typedef struct ledger ledger;

/* `capacity`: lines at once, 1 to 2^24. */
tw_code ledger_alloc(ledger **ledger, uint32_t capacity, tw_error *error);
void ledger_free(ledger *ledger); /* NULL is fine */

/* What one user was handed of one subject. A user of more than WIRE_USER_BYTES - 1 bytes is cut there. */
typedef struct ledger_use {
    const char *user, *subject;
    const char *exchange; /* whose data it was, where the subject does not say: agg.…; NULL: the subject says it */
    uint64_t updates, bytes;
    int64_t first_ns, last_ns;
} ledger_use;

/* False: it would be a new line and there is no room. */
bool ledger_add(ledger *ledger, const ledger_use *use);
uint32_t ledger_count(const ledger *ledger); /* lines open */

/* A line as it is written; texts are borrowed until the next ledger_add. */
typedef struct ledger_line {
    uint64_t number; /* from 1, without gaps */
    const char *user, *subject;
    char exchange[TW_MIC_BYTES];  /* MIC; "agg" where it spans exchanges and none was named */
    char symbol[TW_SYMBOL_BYTES]; /* unescaped; "" where the subject has none */
    const char *channel;          /* "orderbook", "last"; "feed", "instruments" */
    uint64_t updates, bytes;
    int64_t first_ns, last_ns;
} ledger_line;

typedef void (*ledger_on_line)(void *context, const ledger_line *line);
/* Gives all lines, those of one exchange together, and is empty then. */
void ledger_flush(ledger *ledger, ledger_on_line on_line, void *context);

/* What a period is, in which process. */
typedef struct ledger_sheet {
    const char *gateway, *instance;
    int64_t period_start_ns, period_ns;
} ledger_sheet;

#define LEDGER_LINE_BYTES 8192u /* always suffices: every byte of the texts escaped */
/* One JSON object and a line end (docs/operations.md). Returns the length. */
size_t ledger_line_json(const ledger_sheet *sheet, const ledger_line *line, char *text, size_t capacity);

/* The period that a time belongs to: whole periods since 1970, so that all gateways have the same. */
int64_t ledger_period_start(int64_t now_ns, int64_t period_ns);

#endif
