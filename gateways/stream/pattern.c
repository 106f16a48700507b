/* Patterns of subjects: what is one, which overlap, what they reach. */
#include "gateways/stream/pattern.h"

#include <string.h>

#include "base/text.h"

/* The channels that the stream carries. */
static const subject_channel offered[] = {SUBJECT_ORDERBOOK, SUBJECT_QUOTE,     SUBJECT_TRADE,
                                          SUBJECT_STATUS,    SUBJECT_IMBALANCE, SUBJECT_CANDLE_1S,
                                          SUBJECT_CANDLE_1M, SUBJECT_CANDLE_5M, SUBJECT_CANDLE_1H,
                                          SUBJECT_CANDLE_1D, SUBJECT_NBBO};

static const char no_orders[] = "order by order (L3) is not carried here: ask for orderbook, or use the bus";

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
    if (kind != SUBJECT_KIND_INSTRUMENT && kind != SUBJECT_KIND_AGGREGATE)
        return "subjects are {MIC}.{SYMBOL}.{channel}, agg.{SYMBOL}.{nbbo, candle.…} or "
               "feed.{MIC}.{PARTITION}.status";
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++)
        if (parts.channel == offered[i]) return NULL;
    return parts.channel == SUBJECT_ORDER ? no_orders
                                          : "conflated tiers are asked for as orderbook with interval_ms";
}

const char *pattern_fault(const char *pattern) {
    const char *fault = shape_fault(pattern);
    if (fault != NULL) return fault;
    if (!pattern_is_wild(pattern)) return concrete_fault(pattern);
    pattern_reach reach = pattern_reach_of(pattern);
    if (reach.channels != 0 || pattern_overlaps(pattern, "feed.*.*.status")) return NULL;
    const char *last = strrchr(pattern, '.');
    return last != NULL && strcmp(last, ".order") == 0 ? no_orders : "no subject of market data can match it";
}

uint32_t pattern_take_tier(char *pattern) {
    static const struct {
        const char *name;
        uint32_t interval_ms;
    } tiers[] = {{".orderbook.100ms", 100}, {".orderbook.1s", 1000}};
    size_t length = strlen(pattern);
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++) {
        size_t end = strlen(tiers[i].name);
        if (length <= end || strcmp(pattern + length - end, tiers[i].name) != 0) continue;
        pattern[length - end + strlen(".orderbook")] = '\0';
        return tiers[i].interval_ms;
    }
    return 0;
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
    bool all = is_token(pattern, length, SUBJECT_AGGREGATE);
    if (!any && !all && length != TW_MIC_BYTES - 1) return reach;
    if (!any) memcpy(reach.mic, pattern, length);
    for (size_t i = 0; i < TW_MIC_BYTES - 1; i++) {
        char c = reach.mic[i];
        if (!any && !all && !((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return (pattern_reach){0}; /* feed.… */
    }
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++) {
        char each[SUBJECT_BYTES];
        tw_text_format(each, sizeof each, "*.*.%s", subject_channel_name(offered[i]));
        bool made = subject_is_candle(offered[i]) || offered[i] == SUBJECT_NBBO;
        if ((all && !made) || (!any && !all && offered[i] == SUBJECT_NBBO)) continue;
        if (pattern_overlaps(pattern, each)) reach.channels |= 1u << offered[i];
    }
    return reach;
}
