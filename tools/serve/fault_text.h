/*
 * Faults as a person writes them. A value is for both lines, or for each by name:
 *
 *      --loss 5%     --loss A:5%,B:0.2%     --burst-loss 0.1%/20     --reorder A:2%/8     --silence 10s/500ms
 *
 * A chance is in per cent with at most four decimals. Pure.
 */
#ifndef TICKWIRE_TOOLS_SERVE_FAULT_TEXT_H
#define TICKWIRE_TOOLS_SERVE_FAULT_TEXT_H

#include "base/error.h"
#include "ingest/line/faults.h"

typedef enum fault_kind {
    FAULT_LOSS,
    FAULT_BURST_LOSS, /* chance that a burst begins at a packet, and the mean length of one: 0.1%/20 (default 10) */
    FAULT_REORDER,    /* chance, and how far back at most: 2%/8 (default 8) */
    FAULT_DUPLICATE,
    FAULT_REGROUP, /* messages in a packet at most */
    FAULT_CORRUPT,
    FAULT_SILENCE, /* how often on average, and for how long: 10s/500ms (ms and s) */
    FAULT_KINDS
} fault_kind;

#define FAULT_LINES 2u /* A and B */

/* Puts what `text` says of `kind` into the lines' options; "" says nothing. TW_INVALID names the part and the form. */
tw_code fault_text_parse(fault_kind kind, const char *text, faults_options lines[FAULT_LINES], tw_error *error);

#endif
