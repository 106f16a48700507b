/* Reads a subscription's subject as NATS does. */
#include "client/join.h"

#include <string.h>

#include "base/text.h"

bool join_is_book_channel(subject_channel channel) {
    return channel == SUBJECT_ORDERBOOK || channel == SUBJECT_ORDERBOOK_100MS || channel == SUBJECT_ORDERBOOK_1S;
}

static bool token_is(const char *token, size_t length, const char *text) {
    return strlen(text) == length && memcmp(token, text, length) == 0;
}

static const char *fault_of_token(const char *token, size_t length, bool last) {
    if (length == 0) return "a token is empty";
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)token[i] <= ' ' || token[i] == 127) return "it has a space or control character";
        if (token[i] == '*' && length > 1) return "'*' stands for a whole token";
        if (token[i] == '>' && length > 1) return "'>' stands for whole tokens";
    }
    return token[0] == '>' && !last ? "'>' is only allowed as the last token" : NULL;
}

bool join_subject_valid(const char *subject, const char **why) {
    const char *token = subject;
    *why = NULL;
    if (subject[0] == '\0') *why = "it is empty";
    while (*why == NULL) {
        size_t length = strcspn(token, ".");
        bool last = token[length] == '\0';
        *why = fault_of_token(token, length, last);
        if (last) break;
        token += length + 1;
    }
    return *why == NULL;
}

/* The exchange a first token stands for; false: it is the platform's (lower case) or no exchange at all. */
static bool read_exchange(join_plan *plan, const char *token, size_t length) {
    if (token_is(token, length, "*") || token_is(token, length, ">")) return true;
    if (length != TW_MIC_BYTES - 1) return false;
    for (size_t i = 0; i < length; i++)
        if (!(token[i] >= 'A' && token[i] <= 'Z') && !(token[i] >= '0' && token[i] <= '9')) return false;
    memcpy(plan->exchange, token, length);
    return true;
}

static bool read_symbol(join_plan *plan, const char *token, size_t length) {
    if (token_is(token, length, "*") || token_is(token, length, ">")) return true;
    return subject_unescape(plan->symbol, token, length);
}

bool join_plan_make(join_plan *plan, const char *subject) {
    *plan = (join_plan){0};
    size_t first = strcspn(subject, ".");
    if (!read_exchange(plan, subject, first)) return false;
    if (subject[first] == '.') {
        const char *second = subject + first + 1;
        if (!read_symbol(plan, second, strcspn(second, "."))) return false;
    }
    /* Where the subject has a wildcard, any well-formed name answers whether a channel is covered. */
    const char *exchange = plan->exchange[0] != '\0' ? plan->exchange : "XXXX";
    const char *symbol = plan->symbol[0] != '\0' ? plan->symbol : "A";
    bool books = false;
    for (subject_channel channel = 0; channel < SUBJECT_CHANNELS; channel++) {
        char covered[SUBJECT_BYTES];
        if (channel >= SUBJECT_ORDER) continue; /* no exchange's publisher has a snapshot of it */
        if (!subject_instrument(covered, sizeof covered, exchange, symbol, channel)) continue;
        plan->channels[channel] = subject_matches(subject, covered);
        books |= plan->channels[channel] && join_is_book_channel(channel);
    }
    return books;
}
