/* Patterns of subjects: what is one, which overlap, what they reach. */
#include "gateways/stream/pattern.h"

#include <string.h>

#include "base/text.h"

/* The channels that the stream carries. */
static const subject_channel offered[] = {SUBJECT_ORDERBOOK, SUBJECT_QUOTE, SUBJECT_TRADE, SUBJECT_STATUS,
                                          SUBJECT_IMBALANCE};

static bool is_token(const char *token, size_t length, const char *word) {
    return length == strlen(word) && memcmp(token, word, length) == 0;
}

/* Bytes of a subject's token as proto/subject.h writes them. */
static bool is_token_byte(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-_/$+=^#%", c) != NULL);
}

static const char *token_fault(const char *token, size_t length, bool last) {
    if (length == 0) return "a token is empty";
    if (is_token(token, length, "*")) return NULL;
    if (is_token(token, length, ">")) return last ? NULL : "'>' stands only at the end";
    for (size_t i = 0; i < length; i++)
        if (!is_token_byte(token[i]))
            return token[i] == '*' || token[i] == '>' ? "a wildcard is a whole token"
                                                      : "a byte that no subject has (write it %XX)";
    return NULL;
}

static const char *shape_fault(const char *pattern) {
    if (pattern[0] == '\0') return "it is empty";
    if (strlen(pattern) >= SUBJECT_BYTES) return "it is longer than any subject";
    for (const char *token = pattern;;) {
        size_t length = strcspn(token, ".");
        const char *fault = token_fault(token, length, token[length] == '\0');
        if (fault != NULL) return fault;
        if (token[length] == '\0') return NULL;
        token += length + 1;
    }
}

bool pattern_is_wild(const char *pattern) {
    return strpbrk(pattern, "*>") != NULL;
}

static const char *concrete_fault(const char *subject) {
    subject_parts parts;
    subject_kind kind = subject_parse(subject, &parts);
    if (kind == SUBJECT_KIND_FEED_STATUS) return NULL;
    if (kind != SUBJECT_KIND_INSTRUMENT)
        return "subjects are {MIC}.{SYMBOL}.{channel} or feed.{MIC}.{PARTITION}.status";
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++)
        if (parts.channel == offered[i]) return NULL;
    return parts.channel == SUBJECT_ORDER ? "order by order is not offered here"
                                          : "conflated tiers are asked for as orderbook with interval_ms";
}

const char *pattern_fault(const char *pattern) {
    const char *fault = shape_fault(pattern);
    if (fault != NULL) return fault;
    if (!pattern_is_wild(pattern)) return concrete_fault(pattern);
    pattern_reach reach = pattern_reach_of(pattern);
    if (reach.channels != 0 || pattern_overlaps(pattern, "feed.*.*.status")) return NULL;
    return "no subject of market data can match it";
}

bool pattern_overlaps(const char *a, const char *b) {
    for (;;) {
        size_t a_length = strcspn(a, "."), b_length = strcspn(b, ".");
        if (a_length == 0 || b_length == 0) return false;
        if (is_token(a, a_length, ">") || is_token(b, b_length, ">")) return true;
        bool meet = is_token(a, a_length, "*") || is_token(b, b_length, "*") ||
                    (a_length == b_length && memcmp(a, b, a_length) == 0);
        if (!meet) return false;
        if (a[a_length] == '\0' || b[b_length] == '\0') return a[a_length] == b[b_length];
        a += a_length + 1;
        b += b_length + 1;
    }
}

pattern_reach pattern_reach_of(const char *pattern) {
    pattern_reach reach = {0};
    size_t length = strcspn(pattern, ".");
    bool any = is_token(pattern, length, "*") || is_token(pattern, length, ">");
    if (!any && length != TW_MIC_BYTES - 1) return reach;
    if (!any) memcpy(reach.mic, pattern, length);
    for (size_t i = 0; i < TW_MIC_BYTES - 1; i++) {
        char c = reach.mic[i];
        if (!any && !((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) return (pattern_reach){0}; /* feed.… */
    }
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++) {
        char all[SUBJECT_BYTES];
        tw_text_format(all, sizeof all, "*.*.%s", subject_channel_name(offered[i]));
        if (pattern_overlaps(pattern, all)) reach.channels |= 1u << offered[i];
    }
    return reach;
}
