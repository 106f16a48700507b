/* Numbers to names. */
#include "tools/journal/names.h"

#include <stdlib.h>
#include <string.h>

#define MOST_NUMBERS (1u << 20) /* the engine's bound */

void journal_names_fini(journal_names *self) {
    free(self->instruments);
    free(self->accounts);
    *self = (journal_names){0};
}

/* Room for `number` in an array of `size` bytes each; new places are zero. */
static bool reach(void **array, uint32_t *count, uint32_t number, size_t size) {
    if (number < *count) return true;
    if (number >= MOST_NUMBERS) return false;
    uint32_t wanted = *count < 64 ? 64 : *count * 2;
    while (wanted <= number)
        wanted *= 2;
    uint8_t *grown = realloc(*array, wanted * size);
    if (grown == NULL) return false;
    memset(grown + *count * size, 0, (wanted - *count) * size);
    *array = grown;
    *count = wanted;
    return true;
}

bool journal_names_take(journal_names *self, const wire_part *part) {
    if (part->fault.kind != WIRE_FAULT_NONE) return true; /* who compares says it */
    if (part->kind == WIRE_PART_NAMED_INSTRUMENT) {
        const wire_named_instrument *named = &part->instrument;
        if (!reach((void **)&self->instruments, &self->instrument_count, named->number, sizeof *named))
            return false;
        self->instruments[named->number] = *named;
    } else if (part->kind == WIRE_PART_NAMED_ACCOUNT) {
        const wire_named_account *named = &part->account;
        if (!reach((void **)&self->accounts, &self->account_count, named->number, sizeof *named)) return false;
        self->accounts[named->number] = *named;
    }
    return true;
}

bool journal_names_take_all(journal_names *self, wire_executions message) {
    wire_part part;
    while (wire_executions_next(&message, &part))
        if (!journal_names_take(self, &part)) return false;
    return true;
}

const wire_named_instrument *journal_names_instrument(const journal_names *self, uint32_t number) {
    if (number >= self->instrument_count || self->instruments[number].symbol[0] == '\0') return NULL;
    return &self->instruments[number];
}

const wire_named_instrument *journal_names_symbol(const journal_names *self, const char *symbol) {
    for (uint32_t i = 0; symbol[0] != '\0' && i < self->instrument_count; i++)
        if (strcmp(self->instruments[i].symbol, symbol) == 0) return &self->instruments[i];
    return NULL;
}

const char *journal_names_account(const journal_names *self, uint32_t number) {
    if (number >= self->account_count || self->accounts[number].name[0] == '\0') return NULL;
    return self->accounts[number].name;
}
