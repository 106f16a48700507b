/*
 * Which partitions of an exchange have answered a question that each of them answers for itself. Pure.
 *
 * Partitions are numbered from 1. Which there are is learned on the way: from feeds that were heard, and from what a
 * partition says of their number. One that is not heard is not waited for, but it is missing.
 */
#ifndef TICKWIRE_GATEWAYS_ROLL_CALL_H
#define TICKWIRE_GATEWAYS_ROLL_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROLL_CALL_MOST 256u /* with a partition above it a call is neither over nor complete: time ends it */

typedef struct partition_set {
    uint64_t words[ROLL_CALL_MOST / 64];
} partition_set;

void partition_set_add(partition_set *set, uint32_t partition); /* 0, and what is too large, is not added */
void partition_set_remove(partition_set *set, uint32_t partition);
void partition_set_fill(partition_set *set); /* every partition there could be */

/* All zero: nobody is known. */
typedef struct roll_call {
    partition_set expected, heard, answered, declined;
    bool beyond; /* a partition above ROLL_CALL_MOST is expected */
} roll_call;

void roll_call_expect(roll_call *call, uint32_t partition);
void roll_call_expect_all(roll_call *call, uint32_t partitions); /* 1 to so many */
/* It has begun to answer: it is waited for, silent or not. */
void roll_call_hear(roll_call *call, uint32_t partition);
/* It has said all it has to say. A 0 stands for the only one. */
void roll_call_answer(roll_call *call, uint32_t partition);
/* It is there and will not answer: missing, but not waited for. */
void roll_call_decline(roll_call *call, uint32_t partition);

bool roll_call_has_answered(const roll_call *call, uint32_t partition);
bool roll_call_any_answered(const roll_call *call);
bool roll_call_any_declined(const roll_call *call);
/* Somebody has spoken, and everybody who is not silent has: more is not to come. */
bool roll_call_is_over(const roll_call *call, const partition_set *silent);
/* Everybody has answered, and somebody has. */
bool roll_call_is_complete(const roll_call *call);
/* The first expected one above `after` that has not answered; 0: none. */
uint32_t roll_call_next_missing(const roll_call *call, uint32_t after);
/* All of them: "2, 5"; "" for none. Cut where there is no room, which "..." tells. */
void roll_call_write_missing(const roll_call *call, char *text, size_t capacity);

#endif
