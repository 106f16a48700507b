/* Messages of execlog by what they hold: finding the one that has an input's reports. */
#ifndef TICKWIRE_TOOLS_JOURNAL_EXECUTIONS_H
#define TICKWIRE_TOOLS_JOURNAL_EXECUTIONS_H

#include "proto/venue.h"
#include "tools/journal/place.h"

/* TW_MALFORMED: it is no ExecutionBatch of this shard; the text names the message. */
tw_code executions_open(journal *held, const mw_message *message, wire_executions *opened, tw_error *error);
tw_code executions_header_at(journal *held, uint64_t seq, wire_execution_header *header, tw_error *error);

/* The first message whose range ends at `input` or behind it, by halving. One more than the last if there is none. */
tw_code executions_find(journal *held, uint64_t input, uint64_t *seq, tw_error *error);

#endif
