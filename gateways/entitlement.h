/*
 * Who may read what: subject patterns. So far there is only everybody, who may read what a setting grants. Pure text.
 */
#ifndef TICKWIRE_GATEWAYS_ENTITLEMENT_H
#define TICKWIRE_GATEWAYS_ENTITLEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "proto/subject.h"

#define ENTITLEMENT_PATTERNS 64u

typedef struct entitlement {
    uint32_t count;
    char patterns[ENTITLEMENT_PATTERNS][SUBJECT_BYTES];
} entitlement;

/* "XNAS.>,feed.>" or "" for nothing. TW_INVALID names the pattern that is none; TW_FULL: more than ENTITLEMENT_PATTERNS. */
tw_code entitlement_parse(entitlement *entitlement, const char *list, tw_error *error);

/* Of a subject: may it be read? Of a pattern: may anything of it? */
bool entitlement_covers(const entitlement *entitlement, const char *subject);

#endif
