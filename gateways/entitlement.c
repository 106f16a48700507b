/* Subject patterns that grant reading. */
#include "gateways/entitlement.h"

#include <string.h>

#include "gateways/stream/pattern.h"

static tw_code add(entitlement *self, const char *text, size_t length, tw_error *error) {
    if (self->count == ENTITLEMENT_PATTERNS)
        return tw_error_set(error, TW_FULL, "more than %u patterns", ENTITLEMENT_PATTERNS);
    char *pattern = self->patterns[self->count];
    if (length >= SUBJECT_BYTES)
        return tw_error_set(error, TW_INVALID, "'%.*s' is longer than any subject", (int)length, text);
    memcpy(pattern, text, length);
    pattern[length] = '\0';
    const char *fault = pattern_fault(pattern);
    if (fault != NULL) return tw_error_set(error, TW_INVALID, "'%s' is no pattern of subjects: %s", pattern, fault);
    self->count++;
    return TW_OK;
}

tw_code entitlement_parse(entitlement *self, const char *list, tw_error *error) {
    self->count = 0;
    tw_code code = TW_OK;
    for (const char *at = list; *at != '\0' && code == TW_OK;) {
        size_t length = strcspn(at, ",");
        code = add(self, at, length, error);
        at += length + (at[length] == ',');
    }
    return code;
}

bool entitlement_covers(const entitlement *self, const char *subject) {
    for (uint32_t i = 0; i < self->count; i++)
        if (pattern_overlaps(self->patterns[i], subject)) return true;
    return false;
}
