#include "gateways/symbol_question.h"

#include "gateways/pipeline.h"

#define MISSING_BYTES 64u

ask_result symbol_question_ask(gateway *self, const http_asked *asked, const char *mic, const char *symbol,
                               subject_channel channel, ask_on_reply on_reply, void *question) {
    static const wire_snapshot_request request = {.tell_unknown = true};
    char subject[SUBJECT_BYTES];
    uint8_t bytes[8];
    size_t length = wire_snapshot_request_encode(&request, bytes, sizeof bytes);
    if (!subject_snapshot(subject, sizeof subject, mic, symbol, channel)) return ASK_AWAY;
    return asker_ask_with(self->asker, &asked->caller, subject, bytes, length, on_reply, question);
}

void symbol_question_set_unanswered(http_fault *fault, const roll_call *call, const char *mic) {
    char missing[MISSING_BYTES];
    roll_call_write_missing(call, missing, sizeof missing);
    if (missing[0] == '\0')
        http_fault_set(fault, &HTTP_TIMEOUT, "TIMEOUT", "the exchange's publisher did not answer in time");
    else
        http_fault_set(fault, &HTTP_TIMEOUT, "TIMEOUT", "no answer came of %s's partition %s", mic, missing);
}

/* What the words of those who have answered, and the silence of the others, come to. */
static void conclude(const roll_call *call, const char *mic, http_fault *fault) {
    if (roll_call_any_declined(call))
        http_fault_set(fault, &HTTP_NOT_READY, "BUSY", "the exchange's publisher is busy: come back later");
    else if (roll_call_is_complete(call))
        http_fault_set(fault, &HTTP_NOT_FOUND, "NOT_FOUND", "there is no instrument of this symbol");
    else
        symbol_question_set_unanswered(fault, call, mic);
}

bool symbol_question_refused(symbol_question *where, const gateway *self, const char *mic,
                             const wire_snapshot_reply *reply, http_fault *fault) {
    partition_set silent;
    roll_call_expect_all(&where->call, reply->partitions);
    source_call_roll(self->source, mic, &where->call, &silent);
    if (reply->code == WIRE_REPLY_BUSY)
        roll_call_decline(&where->call, reply->partition);
    else
        roll_call_answer(&where->call, reply->partition);
    if (!roll_call_is_over(&where->call, &silent)) return false;
    conclude(&where->call, mic, fault);
    return true;
}

void symbol_question_end(symbol_question *where, const gateway *self, const char *mic, ask_end end,
                         http_fault *fault) {
    partition_set silent;
    source_call_roll(self->source, mic, &where->call, &silent);
    if (end == ASK_NOBODY)
        http_fault_set(fault, &HTTP_NOT_READY, "NOBODY", "nobody publishes this exchange now");
    else if (end == ASK_CLOSING)
        http_fault_set(fault, &HTTP_NOT_READY, "CLOSING", "the gateway stops: come back later");
    else
        conclude(&where->call, mic, fault);
}
