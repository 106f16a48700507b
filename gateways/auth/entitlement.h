/*
 * Who may read what: subject patterns. What --anonymous grants to everybody, what a token grants to its user. Pure text.
 */
#ifndef TICKWIRE_GATEWAYS_AUTH_ENTITLEMENT_H
#define TICKWIRE_GATEWAYS_AUTH_ENTITLEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "gateways/auth/text_list.h"
#include "proto/subject.h"

#define ENTITLEMENT_PATTERNS 64u

typedef struct entitlement {
    text_list patterns;
} entitlement;
void entitlement_fini(entitlement *entitlement); /* {0} is fine, and grants nothing */

/* "XNAS.>,feed.>" or "" for nothing. TW_INVALID names the pattern that is none; TW_FULL: more than ENTITLEMENT_PATTERNS. */
tw_code entitlement_parse(entitlement *entitlement, const char *list, tw_error *error);
/* Another pattern, of `length` bytes. It need not match anything of this gateway: whoever grants may know newer ones.
 * Errors likewise. */
tw_code entitlement_add(entitlement *entitlement, const char *pattern, size_t length, tw_error *error);

/* Of a subject: may it be read? Of a pattern: may anything of it? */
bool entitlement_covers(const entitlement *entitlement, const char *subject);

#endif
