/* Subject patterns that grant reading. */
#include "gateways/auth/entitlement.h"

#include <string.h>

#include "gateways/stream/pattern.h"

void entitlement_fini(entitlement *self) {
    text_list_fini(&self->patterns);
}

/* NULL if it has the shape of a pattern: tokens, '*' for one, '>' for the rest. */
static const char *shape_fault(const char *text, size_t length) {
    for (size_t i = 0, start = 0; i <= length; i++) {
        if (i < length && text[i] != '.') {
            if (text[i] <= ' ' || text[i] > '~') return "a byte that no subject has";
            continue;
        }
        size_t token = i - start;
        if (token == 0) return "a token is empty";
        bool wild = memchr(text + start, '*', token) != NULL || memchr(text + start, '>', token) != NULL;
        if (wild && token > 1) return "a wildcard is a whole token";
        if (wild && text[start] == '>' && i < length) return "'>' stands only at the end";
        start = i + 1;
    }
    return NULL;
}

tw_code entitlement_add(entitlement *self, const char *text, size_t length, tw_error *error) {
    if (self->patterns.count == ENTITLEMENT_PATTERNS)
        return tw_error_set(error, TW_FULL, "more than %u patterns", ENTITLEMENT_PATTERNS);
    if (length >= SUBJECT_BYTES)
        return tw_error_set(error, TW_INVALID, "'%.100s...' is longer than any subject", text);
    const char *fault = shape_fault(text, length);
    if (fault != NULL)
        return tw_error_set(error, TW_INVALID, "'%.*s' is no pattern of subjects: %s", (int)length, text, fault);
    if (!text_list_add(&self->patterns, text, length))
        return tw_error_set(error, TW_NO_MEMORY, "no memory for what may be read");
    return TW_OK;
}

/* As entitlement_add, and something here can match it: what a person wrote is checked for slips. */
static tw_code add_known(entitlement *self, const char *text, size_t length, tw_error *error) {
    char pattern[SUBJECT_BYTES];
    tw_code code = entitlement_add(self, text, length, error);
    if (code != TW_OK) return code;
    memcpy(pattern, text, length);
    pattern[length] = '\0';
    const char *fault = pattern_fault(pattern);
    if (fault != NULL) return tw_error_set(error, TW_INVALID, "'%s' is no pattern of subjects: %s", pattern, fault);
    return TW_OK;
}

tw_code entitlement_parse(entitlement *self, const char *list, tw_error *error) {
    tw_code code = TW_OK;
    entitlement_fini(self);
    for (const char *at = list; *at != '\0' && code == TW_OK;) {
        size_t length = strcspn(at, ",");
        code = add_known(self, at, length, error);
        at += length + (at[length] == ',');
    }
    return code;
}

bool entitlement_covers(const entitlement *self, const char *subject) {
    const text_list *list = &self->patterns;
    for (const char *one = text_list_first(list); one != NULL; one = text_list_next(list, one))
        if (pattern_overlaps(one, subject)) return true;
    return false;
}
