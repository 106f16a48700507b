/*
 * A command of the journal and what became of it, as a person or a program reads them. Pure: structs in, text out.
 *
 * A command is named by its place, {shard}-{seq}-{index}, which is a new order's id; a report by its execution id, {shard}-{seq}-{n}.
 * Prices, quantities and money are exact decimals where the instrument's exponents are known, otherwise the scaled integers with their
 * unit left out ("1872000 scaled"), in JSON with "scaled": true.
 */
#ifndef TICKWIRE_TOOLS_JOURNAL_AUDIT_H
#define TICKWIRE_TOOLS_JOURNAL_AUDIT_H

#include "tools/journal/names.h"

#define AUDIT_LINE_BYTES 4096 /* holds the longest */

/* Where a command stands. */
typedef struct audit_place {
    uint32_t shard;
    uint64_t seq;
    uint32_t index;
    int64_t stream_ns;
    const char *subject;
    const wire_batch_header *batch;
} audit_place;

/* NUL terminated, without a line feed. */
void audit_order_command(bool json, const journal_names *names, const audit_place *place,
                         const wire_order_command *command, char line[AUDIT_LINE_BYTES]);
void audit_control_command(bool json, const journal_names *names, const audit_place *place,
                           const wire_control_command *command, char line[AUDIT_LINE_BYTES]);
/* A message that could not be read, or that has no command in it. */
void audit_message(bool json, const audit_place *place, const char *what, char line[AUDIT_LINE_BYTES]);
void audit_report(bool json, const journal_names *names, uint32_t shard, const wire_report *report,
                  char line[AUDIT_LINE_BYTES]);

/* What is asked for; "" and 0 match everything. */
typedef struct audit_filter {
    const char *account, *symbol, *correlation_id;
    uint64_t order_id;
} audit_filter;

bool audit_wants_everything(const audit_filter *filter);
bool audit_wants_order_command(const audit_filter *filter, const audit_place *place,
                               const wire_order_command *command);
bool audit_wants_control_command(const audit_filter *filter, const wire_control_command *command);
bool audit_wants_report(const audit_filter *filter, const journal_names *names, const wire_report *report);

/* "1-123-0" as an order id of this shard, or the number itself. False: neither, or another shard's. */
bool audit_order_id_parse(const char *text, uint32_t shard, uint64_t *order_id);
void audit_order_id_text(char *text, size_t capacity, uint32_t shard, uint64_t order_id);
/* An amount of money scaled by `exponent`: "-12.50". */
void audit_money_text(char *text, size_t capacity, wire_money value, int32_t exponent);

#endif
