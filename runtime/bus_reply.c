/* What JetStream says in replies. */
#include "runtime/bus_reply.h"

#include <string.h>

#include "base/text.h"

#define MOST_TOKENS       12
#define PLAIN_TOKENS      9
#define PLAIN_FIRST       4 /* {delivered} */
#define LEAST_WITH_DOMAIN 11
#define KEY_BYTES         64
#define SAFE_DIGITS       19 /* no 64 bits are too few for so many */

/* ---- subjects ---- */

/* Where each token begins; returns how many there are, at most MOST_TOKENS. */
static unsigned split(const char *subject, const char *tokens[MOST_TOKENS]) {
    unsigned count = 0;
    for (const char *at = subject; count < MOST_TOKENS; at++) {
        tokens[count++] = at;
        at += strcspn(at, ".");
        if (*at == '\0') break;
    }
    return count;
}

static bool token_u64(const char *token, uint64_t *value) {
    *value = 0;
    const char *at = token;
    for (; *at >= '0' && *at <= '9'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (*value > (UINT64_MAX - digit) / 10) return false;
        *value = *value * 10 + digit;
    }
    return at != token && (*at == '.' || *at == '\0');
}

/* The place of {delivered} among the tokens; 0: it is no delivery's reply. */
static unsigned take_apart(const char *reply, const char *tokens[MOST_TOKENS]) {
    if (reply == NULL || strncmp(reply, "$JS.ACK.", 8) != 0) return 0;
    unsigned count = split(reply, tokens);
    if (count != PLAIN_TOKENS && count < LEAST_WITH_DOMAIN) return 0;
    return count == PLAIN_TOKENS ? PLAIN_FIRST : PLAIN_FIRST + 2;
}

static bool read_tokens(const char *const tokens[MOST_TOKENS], unsigned first, bus_delivery *delivery) {
    uint64_t time_ns = 0;
    bool good = first != 0 && token_u64(tokens[first + 1], &delivery->stream_seq) &&
                token_u64(tokens[first + 2], &delivery->consumer_seq) && token_u64(tokens[first + 3], &time_ns) &&
                token_u64(tokens[first + 4], &delivery->pending) && time_ns <= INT64_MAX;
    delivery->stream_ns = (int64_t)time_ns;
    return good && delivery->stream_seq > 0;
}

bool bus_delivery_parse(const char *reply, bus_delivery *delivery) {
    const char *tokens[MOST_TOKENS];
    return read_tokens(tokens, take_apart(reply, tokens), delivery);
}

/* A number and the dot behind it, or the end; NULL: it is no number, or a very large one. */
static const char *next_number(const char *at, uint64_t *value) {
    const char *begin = at;
    uint64_t sum = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        sum = sum * 10 + (uint64_t)(*at - '0');
    *value = sum;
    if (at == begin || at - begin > SAFE_DIGITS || (*at != '.' && *at != '\0')) return NULL;
    return *at == '.' ? at + 1 : at;
}

/* {delivered}.{stream seq}.{consumer seq}.{time ns}.{pending}, and with a domain perhaps more. */
static bool read_numbers(const char *at, bool more, bus_delivery *delivery) {
    uint64_t values[5];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if ((at = next_number(at, &values[i])) == NULL) return false;
    *delivery = (bus_delivery){values[1], values[2], (int64_t)values[3], values[4]};
    return values[1] > 0 && values[3] <= INT64_MAX && (more || *at == '\0');
}

bool bus_delivery_parse_next(bus_delivery_origin *origin, const char *reply, bus_delivery *delivery) {
    const char *tokens[MOST_TOKENS];
    if (reply != NULL && origin->length > 0 && strncmp(reply, origin->text, origin->length) == 0 &&
        read_numbers(reply + origin->length, origin->with_domain, delivery))
        return true;
    unsigned first = take_apart(reply, tokens);
    if (!read_tokens(tokens, first, delivery)) return false;
    size_t length = (size_t)(tokens[first] - reply);
    origin->length = length <= sizeof origin->text ? length : 0;
    origin->with_domain = first != PLAIN_FIRST;
    memcpy(origin->text, reply, origin->length);
    return true;
}

bus_delivery_verdict bus_delivery_judge(const bus_delivery *delivery, uint64_t next_seq,
                                        uint64_t next_consumer_seq) {
    if (delivery->consumer_seq != next_consumer_seq) return BUS_DELIVERY_LOST;
    if (delivery->stream_seq > next_seq) return BUS_DELIVERY_GAP;
    return delivery->stream_seq < next_seq ? BUS_DELIVERY_REWOUND : BUS_DELIVERY_NEXT;
}

/* ---- JSON ---- */

static const uint8_t *find(const uint8_t *bytes, const uint8_t *end, const char *key) {
    char quoted[KEY_BYTES];
    tw_text_format(quoted, sizeof quoted, "\"%s\"", key);
    return bytes < end ? memmem(bytes, (size_t)(end - bytes), quoted, strlen(quoted)) : NULL;
}

static const uint8_t *skip_space(const uint8_t *at, const uint8_t *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* The first byte of the key's value; NULL if there is no such key. A text that happens to equal the key has no colon behind it. */
static const uint8_t *value_of(const uint8_t *at, const uint8_t *end, const char *key) {
    while ((at = find(at, end, key)) != NULL) {
        at = skip_space(at + strlen(key) + 2, end);
        if (at < end && *at == ':') return skip_space(at + 1, end);
    }
    return NULL;
}

static const uint8_t *value_in(const uint8_t *bytes, size_t length, const char *scope, const char *key,
                               const uint8_t **end) {
    *end = length > 0 ? bytes + length : bytes;
    const uint8_t *at = scope != NULL ? value_of(bytes, *end, scope) : bytes;
    if (at == NULL) return NULL;
    const uint8_t *value = value_of(at, *end, key);
    return value != NULL && value < *end ? value : NULL;
}

bool bus_json_u64(const uint8_t *bytes, size_t length, const char *scope, const char *key, uint64_t *value) {
    const uint8_t *end, *at = value_in(bytes, length, scope, key, &end);
    *value = 0;
    if (at == NULL || *at < '0' || *at > '9') return false;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (*value > (UINT64_MAX - digit) / 10) return false;
        *value = *value * 10 + digit;
    }
    return true;
}

bool bus_json_text(const uint8_t *bytes, size_t length, const char *scope, const char *key, char *text,
                   size_t capacity) {
    const uint8_t *end, *at = value_in(bytes, length, scope, key, &end);
    size_t used = 0;
    text[0] = '\0';
    if (at == NULL || *at != '"') return false;
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\' && at + 1 < end && used + 1 < capacity) text[used++] = (char)*at++;
        if (used + 1 < capacity) text[used++] = (char)*at;
    }
    text[used] = '\0';
    return at < end;
}

bool bus_json_has(const uint8_t *bytes, size_t length, const char *key) {
    const uint8_t *end;
    return value_in(bytes, length, NULL, key, &end) != NULL;
}

bool bus_json_true(const uint8_t *bytes, size_t length, const char *key) {
    const uint8_t *end, *at = value_in(bytes, length, NULL, key, &end);
    return at != NULL && end - at >= 4 && memcmp(at, "true", 4) == 0;
}
