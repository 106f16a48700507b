/* What the venue says, as the JSON that clients get (docs/orders.md). Pure. */
#ifndef TICKWIRE_GATEWAYS_ORDERS_REPORT_H
#define TICKWIRE_GATEWAYS_ORDERS_REPORT_H

#include "base/json.h"
#include "proto/venue.h"

#define ORDER_JSON_BYTES 2048u /* of one report, order or position: always enough */

/* What the numbers of a message mean: its NamedInstruments. */
#define REPORT_MOST_NAMES 4096u
typedef struct report_names {
    uint32_t count;
    wire_named_instrument *names; /* room for REPORT_MOST_NAMES, in the order in which they came */
} report_names;
/* NULL: the message does not name it. */
const wire_named_instrument *report_name_of(const report_names *names, uint32_t number);

typedef struct report_frame {
    const char *subject, *account, *exchange; /* exec.ann, ann, TWEX */
    uint32_t shard;
} report_frame;

/* One {"type":"execution"}; `of` may be NULL (a report of no instrument, or of one that nobody knows). False: it does not fit, which can't be. */
bool report_write(json_writer *w, const report_frame *frame, const wire_report *report,
                  const wire_named_instrument *of);
/* One object of GET /v1/orders. `of` may be NULL: refused because nobody knows its instrument, which leaves no scale for its amounts. */
void report_write_order(json_writer *w, const char *exchange, uint32_t shard, const wire_order_view *order,
                        const wire_named_instrument *of);
void report_write_position(json_writer *w, uint32_t shard, const wire_position_view *position,
                           const wire_named_instrument *of);
void report_write_limits(json_writer *w, uint32_t shard, const wire_account_view *account);

/* 128 bits as a decimal string. */
#define MONEY_BYTES 96u
void report_money_format(char text[MONEY_BYTES], wire_money value, int32_t exponent);

#endif
