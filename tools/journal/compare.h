/* Two messages of execlog that should be the same: where they differ first. Pure. */
#ifndef TICKWIRE_TOOLS_JOURNAL_COMPARE_H
#define TICKWIRE_TOOLS_JOURNAL_COMPARE_H

#include "proto/venue.h"

#define COMPARE_TEXT_BYTES 512

/* True if they are the same bytes. False: `text` names the first difference as exactly as it can be said: the header's field, the report
 * by its execution id and the field with both values, or, if all that can be read is the same, the offset of the byte. */
bool executions_same(const uint8_t *found, size_t found_length, const uint8_t *expected, size_t expected_length,
                     char text[COMPARE_TEXT_BYTES]);

/* The first field in which two reports differ, with both values; false if they are the same. */
bool reports_differ(const wire_report *found, const wire_report *expected, char text[COMPARE_TEXT_BYTES]);

#endif
