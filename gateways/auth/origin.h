/* Pages of which origins may use the gateway (RFC 6454). Pure text; all texts "" where there is none. */
#ifndef TICKWIRE_GATEWAYS_AUTH_ORIGIN_H
#define TICKWIRE_GATEWAYS_AUTH_ORIGIN_H

#include <stdbool.h>

#include "base/error.h"

/* Is it "", "*" or a list of origins as browsers send them: scheme, "://", host, perhaps a port? TW_INVALID names the entry
 * that none of them could ever be, and what to write. */
tw_code origin_check_list(const char *allowed, tw_error *error);

/* May a page of `origin` use the gateway that it reaches as `host`? `allowed` is "*" or a list of origins, separated by
 * commas. Always: pages that the gateway itself served, and who sends no Origin. */
bool origin_allowed(const char *allowed, const char *origin, const char *host);

/* May it do so in the name of the browser's user, which is what a cookie means? A page of our own, or one that the list
 * names: "*" is not enough. Without an Origin: where `site` (Sec-Fetch-Site) does not say that another site asks. */
bool origin_trusted(const char *allowed, const char *origin, const char *host, const char *site);

#endif
