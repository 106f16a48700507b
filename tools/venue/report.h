/* Reports of the engine for a person, or as JSON lines with the gateway's names. */
#ifndef TICKWIRE_TOOLS_VENUE_REPORT_H
#define TICKWIRE_TOOLS_VENUE_REPORT_H

#include <stdio.h>

#include "proto/venue.h"

/* Whose report it is. `instrument` NULL: none is named. */
typedef struct venue_report_frame {
    const char *exchange, *account;
    uint32_t shard;
    const wire_named_instrument *instrument;
} venue_report_frame;

void venue_report_print(FILE *to, const venue_report_frame *frame, const wire_report *report);
void venue_report_json(FILE *to, const venue_report_frame *frame, const wire_report *report);

/* Each report of an ExecutionReports message, with its instrument. False: the bytes are none. */
typedef void (*venue_on_report)(void *context, const venue_report_frame *frame, const wire_report *report);
bool venue_reports_walk(const uint8_t *bytes, size_t length, venue_on_report on_report, void *context);

/* The words of the wire: "buy", "limit", "day"; "?" for numbers that this version does not know. */
const char *venue_side_word(uint8_t side);
const char *venue_type_word(uint8_t type);
const char *venue_tif_word(uint8_t tif);

#endif
