/* Looking into execlog. */
#include "tools/journal/executions.h"

#include <inttypes.h>
#include <string.h>

tw_code executions_open(journal *held, const mw_message *message, wire_executions *opened, tw_error *error) {
    if (wire_executions_open(opened, message->bytes, message->length) != WIRE_OK)
        return tw_error_set(error, TW_MALFORMED,
                            "%s: message %" PRIu64 " (%zu bytes) is no ExecutionBatch: no protobuf, or cut short",
                            journal_name(held, JOURNAL_EXECLOG), message->seq, message->length);
    const wire_execution_header *head = &opened->header;
    if (strcmp(head->exchange, journal_exchange(held)) != 0 || head->shard != journal_shard(held))
        return tw_error_set(error, TW_MALFORMED,
                            "%s: message %" PRIu64 " is of '%s' shard %" PRIu32 ", not of '%s' shard %" PRIu32,
                            journal_name(held, JOURNAL_EXECLOG), message->seq, head->exchange, head->shard,
                            journal_exchange(held), journal_shard(held));
    if (head->first_seq == 0 || head->last_seq < head->first_seq || head->part == 0 || head->part > head->parts)
        return tw_error_set(error, TW_MALFORMED,
                            "%s: message %" PRIu64 " says inputs %" PRIu64 " to %" PRIu64 ", part %" PRIu32
                            " of %" PRIu32 ", which can't be",
                            journal_name(held, JOURNAL_EXECLOG), message->seq, head->first_seq, head->last_seq,
                            head->part, head->parts);
    return TW_OK;
}

tw_code executions_header_at(journal *held, uint64_t seq, wire_execution_header *header, tw_error *error) {
    mw_message message;
    wire_executions opened;
    tw_code code = journal_get(held, JOURNAL_EXECLOG, seq, &message, error);
    if (code == TW_OK) code = executions_open(held, &message, &opened, error);
    if (code == TW_OK) *header = opened.header;
    return code;
}

tw_code executions_find(journal *held, uint64_t input, uint64_t *seq, tw_error *error) {
    journal_info info;
    wire_execution_header header;
    tw_code code = journal_look(held, JOURNAL_EXECLOG, &info, error);
    uint64_t low = info.first_seq, high = info.last_seq + 1;
    if (code == TW_OK && info.messages == 0) low = high;
    while (code == TW_OK && low < high) {
        uint64_t middle = low + (high - low) / 2;
        code = executions_header_at(held, middle, &header, error);
        if (code != TW_OK) break;
        if (header.last_seq < input)
            low = middle + 1;
        else
            high = middle;
    }
    *seq = low;
    return code;
}
