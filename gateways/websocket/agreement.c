/* Which of a client's offers of permessage-deflate is taken (RFC 7692, 7.1; the grammar is RFC 6455, 9.1). */
#include <string.h>

#include "base/text.h"
#include "gateways/websocket/deflate.h"

#define LEAST_BITS 8u
#define MOST_BITS  15u

typedef struct offer {
    bool server_bits, client_bits, server_alone, client_alone; /* parameters that were there */
    uint64_t least_server_bits;                                /* asked for with server_max_window_bits */
} offer;

static const char *skip_space(const char *at) {
    return at + strspn(at, " \t");
}

static size_t token_length(const char *at) {
    return strcspn(at, " \t,;=\"");
}

static bool is_token(const char *at, size_t length, const char *name) {
    return length == strlen(name) && strncmp(at, name, length) == 0;
}

/* Behind the end of this offer: a comma in quotes ends nothing. */
static const char *offer_end(const char *at) {
    for (bool quoted = false; *at != '\0' && (quoted || *at != ','); at++)
        quoted ^= *at == '"';
    return at;
}

/* =8 to =15, also in quotes. NULL: anything else. */
static const char *take_bits(const char *at, uint64_t *bits) {
    char digits[8];
    bool quoted = at[0] == '=' && at[1] == '"';
    if (at[0] != '=') return NULL;
    at += quoted ? 2 : 1;
    size_t length = token_length(at);
    if (length == 0 || length > 2 || at[0] == '0') return NULL;
    memcpy(digits, at, length);
    digits[length] = '\0';
    at += length;
    if (quoted && *at++ != '"') return NULL;
    return tw_text_to_u64(digits, bits) && *bits >= LEAST_BITS && *bits <= MOST_BITS ? at : NULL;
}

/* A parameter may be there once, and only as it is defined. */
static const char *take_flag(const char *at, bool *seen) {
    if (*seen || *at == '=') return NULL;
    *seen = true;
    return at;
}

/* NULL: the offer can't be taken. */
static const char *take_parameter(const char *at, offer *o) {
    const char *name = at;
    size_t length = token_length(at);
    uint64_t ignored;
    at += length;
    if (is_token(name, length, "server_no_context_takeover")) return take_flag(at, &o->server_alone);
    if (is_token(name, length, "client_no_context_takeover")) return take_flag(at, &o->client_alone);
    bool server = is_token(name, length, "server_max_window_bits");
    bool client = is_token(name, length, "client_max_window_bits");
    if ((!server && !client) || (server ? o->server_bits : o->client_bits)) return NULL;
    *(server ? &o->server_bits : &o->client_bits) = true;
    if (client && *at != '=') return at;
    return take_bits(at, server ? &o->least_server_bits : &ignored);
}

/* `at` is where an offer begins. */
static bool can_keep(const char *at, offer *o) {
    *o = (offer){.least_server_bits = MOST_BITS};
    at = skip_space(at);
    size_t length = token_length(at);
    if (!is_token(at, length, "permessage-deflate")) return false;
    for (at = skip_space(at + length); *at == ';'; at = skip_space(at)) {
        at = take_parameter(skip_space(at + 1), o);
        if (at == NULL) return false;
    }
    return (*at == ',' || *at == '\0') && o->least_server_bits >= WS_WINDOW_BITS;
}

bool ws_agree_on_deflate(const char *offers, char answer[WS_AGREEMENT_BYTES]) {
    for (const char *at = offers; *at != '\0';) {
        offer chosen;
        if (can_keep(at, &chosen)) {
            static const char alone[] =
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
            if (chosen.server_bits)
                tw_text_format(answer, WS_AGREEMENT_BYTES, "%s; server_max_window_bits=%d", alone, WS_WINDOW_BITS);
            else
                tw_text_copy(answer, WS_AGREEMENT_BYTES, alone);
            return true;
        }
        at = offer_end(at);
        at += *at == ',';
    }
    return false;
}
