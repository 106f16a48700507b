/*
 * A question about one symbol that every partition of its exchange hears: which of them has it is not known before. The first
 * that has it answers it; that nobody has it takes the word of all.
 */
#ifndef TICKWIRE_GATEWAYS_SYMBOL_QUESTION_H
#define TICKWIRE_GATEWAYS_SYMBOL_QUESTION_H

#include "gateways/http.h"
#include "gateways/roll_call.h"
#include "proto/codec.h"
#include "proto/subject.h"

/* Zeroed before it is asked. */
typedef struct symbol_question {
    roll_call call; /* who has said that the symbol is not there */
} symbol_question;

/* Asks for the snapshot of the symbol's channel. Not asked where the symbol has no subject: ASK_AWAY. */
ask_result symbol_question_ask(gateway *self, const http_asked *asked, const char *mic, const char *symbol,
                               subject_channel channel, ask_on_reply on_reply, void *question);
/* A partition has answered, but not with the snapshot. True: no better answer is to come, and `fault` is set. */
bool symbol_question_refused(symbol_question *where, const gateway *self, const char *mic,
                             const wire_snapshot_reply *reply, http_fault *fault);
/* It is over without the snapshot. `end` is not ASK_MORE. */
void symbol_question_end(symbol_question *where, const gateway *self, const char *mic, ask_end end,
                         http_fault *fault);

/* The same `fault` for any question to all partitions of which nothing came. */
void symbol_question_set_unanswered(http_fault *fault, const roll_call *call, const char *mic);

#endif
