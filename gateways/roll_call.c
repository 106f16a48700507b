#include "gateways/roll_call.h"

#include <string.h>

#include "base/text.h"

#define WORDS (ROLL_CALL_MOST / 64)

/* ---- sets ---- */

static bool fits(uint32_t partition) {
    return partition >= 1 && partition <= ROLL_CALL_MOST;
}

static uint64_t bit_of(uint32_t partition) {
    return UINT64_C(1) << (partition - 1) % 64;
}

static bool has(const partition_set *set, uint32_t partition) {
    return fits(partition) && (set->words[(partition - 1) / 64] & bit_of(partition)) != 0;
}

static bool is_empty(const partition_set *set) {
    static const partition_set none;
    return memcmp(set, &none, sizeof none) == 0;
}

void partition_set_add(partition_set *set, uint32_t partition) {
    if (fits(partition)) set->words[(partition - 1) / 64] |= bit_of(partition);
}

void partition_set_remove(partition_set *set, uint32_t partition) {
    if (fits(partition)) set->words[(partition - 1) / 64] &= ~bit_of(partition);
}

void partition_set_fill(partition_set *set) {
    memset(set, 0xff, sizeof *set);
}

/* ---- calling ---- */

static uint32_t number_of(uint32_t partition) {
    return partition == 0 ? 1 : partition;
}

void roll_call_expect(roll_call *call, uint32_t partition) {
    partition_set_add(&call->expected, partition);
    call->beyond |= partition > ROLL_CALL_MOST;
}

void roll_call_expect_all(roll_call *call, uint32_t partitions) {
    for (uint32_t one = 1; one <= partitions && one <= ROLL_CALL_MOST; one++)
        partition_set_add(&call->expected, one);
    call->beyond |= partitions > ROLL_CALL_MOST;
}

void roll_call_hear(roll_call *call, uint32_t partition) {
    roll_call_expect(call, number_of(partition));
    partition_set_add(&call->heard, number_of(partition));
}

void roll_call_answer(roll_call *call, uint32_t partition) {
    roll_call_expect(call, number_of(partition));
    partition_set_add(&call->answered, number_of(partition));
}

void roll_call_decline(roll_call *call, uint32_t partition) {
    roll_call_expect(call, number_of(partition));
    partition_set_add(&call->declined, number_of(partition));
}

/* ---- looking ---- */

bool roll_call_has_answered(const roll_call *call, uint32_t partition) {
    return has(&call->answered, number_of(partition));
}

bool roll_call_any_answered(const roll_call *call) {
    return !is_empty(&call->answered);
}

bool roll_call_any_declined(const roll_call *call) {
    return !is_empty(&call->declined);
}

bool roll_call_is_over(const roll_call *call, const partition_set *silent) {
    if (call->beyond || (!roll_call_any_answered(call) && !roll_call_any_declined(call))) return false;
    for (uint32_t i = 0; i < WORDS; i++) {
        uint64_t dead = silent->words[i] & ~call->heard.words[i];
        uint64_t settled = call->answered.words[i] | call->declined.words[i] | dead;
        if ((call->expected.words[i] & ~settled) != 0) return false;
    }
    return true;
}

bool roll_call_is_complete(const roll_call *call) {
    return !call->beyond && roll_call_any_answered(call) && roll_call_next_missing(call, 0) == 0;
}

uint32_t roll_call_next_missing(const roll_call *call, uint32_t after) {
    for (uint32_t one = after + 1; one <= ROLL_CALL_MOST; one++)
        if (has(&call->expected, one) && !has(&call->answered, one)) return one;
    return 0;
}

void roll_call_write_missing(const roll_call *call, char *text, size_t capacity) {
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t one = 0; (one = roll_call_next_missing(call, one)) != 0; used = strlen(text)) {
        bool last = used + sizeof "..., 256, ..." > capacity;
        if (last)
            tw_text_format(text + used, capacity - used, "%s...", used > 0 ? ", " : "");
        else
            tw_text_format(text + used, capacity - used, "%s%u", used > 0 ? ", " : "", one);
        if (last) return;
    }
}
