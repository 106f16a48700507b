/* Private to proto/: where each field of the venue's messages lives. */
#ifndef TICKWIRE_PROTO_VENUE_TABLES_H
#define TICKWIRE_PROTO_VENUE_TABLES_H

#include "proto/wire_table.h"

extern const wire_table wire_table_order_command, wire_table_control_command, wire_table_report;
extern const wire_table wire_table_named_instrument, wire_table_named_account;
extern const wire_table wire_table_order_view, wire_table_position_view, wire_table_account_view;
extern const wire_table wire_table_batch_header, wire_table_execution_header, wire_table_query_reply_header;
extern const wire_table wire_table_query, wire_table_state_hash, wire_table_matcher;

/* venue_report.c: the same bytes as wire_table_put with wire_table_report. */
uint8_t *wire_report_put(const wire_report *report, uint8_t *at);

#endif
