/* Subjects: escaping symbols into tokens, writing subjects, taking them apart, matching patterns. */
#include "proto/subject.h"

#include <string.h>

#include "base/text.h"

static const char *const channel_names[SUBJECT_CHANNELS] = {
    [SUBJECT_ORDERBOOK] = "orderbook",
    [SUBJECT_ORDERBOOK_100MS] = "orderbook.100ms",
    [SUBJECT_ORDERBOOK_1S] = "orderbook.1s",
    [SUBJECT_QUOTE] = "quote",
    [SUBJECT_TRADE] = "trade",
    [SUBJECT_STATUS] = "status",
    [SUBJECT_IMBALANCE] = "imbalance",
    [SUBJECT_ORDER] = "order",
    [SUBJECT_CANDLE_1S] = "candle.1s",
    [SUBJECT_CANDLE_1M] = "candle.1m",
    [SUBJECT_CANDLE_5M] = "candle.5m",
    [SUBJECT_CANDLE_1H] = "candle.1h",
    [SUBJECT_CANDLE_1D] = "candle.1d",
    [SUBJECT_NBBO] = "nbbo",
};

static const uint32_t candle_ms[SUBJECT_CANDLES] = {1000, 60000, 300000, 3600000, 86400000};

uint32_t subject_candle_ms(uint32_t index) {
    return index < SUBJECT_CANDLES ? candle_ms[index] : 0;
}

const char *subject_candle_name(uint32_t index) {
    return index < SUBJECT_CANDLES ? channel_names[SUBJECT_CANDLE_1S + index] + strlen("candle.") : "?";
}

bool subject_candle_index(uint32_t interval_ms, uint32_t *index) {
    for (uint32_t i = 0; i < SUBJECT_CANDLES; i++)
        if (candle_ms[i] == interval_ms) {
            *index = i;
            return true;
        }
    return false;
}

const char *subject_channel_name(subject_channel channel) {
    return (unsigned)channel < SUBJECT_CHANNELS ? channel_names[channel] : "?";
}

bool subject_channel_parse(const char *name, subject_channel *channel) {
    for (unsigned i = 0; i < SUBJECT_CHANNELS; i++)
        if (strcmp(name, channel_names[i]) == 0) {
            *channel = (subject_channel)i;
            return true;
        }
    return false;
}

/* By hand, not isalnum: a locale must not change subjects. */
static bool is_upper_or_digit(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_plain(char c) {
    switch (c) {
    case '-':
    case '_':
    case '/':
    case '$':
    case '+':
    case '=':
    case '^':
    case '#':
        return true;
    default:
        return is_upper_or_digit(c) || (c >= 'a' && c <= 'z');
    }
}

bool subject_escape(char *token, size_t capacity, const char *symbol) {
    static const char hex[] = "0123456789ABCDEF";
    size_t length = strlen(symbol), used = 0;
    bool fits = length > 0 && length < TW_SYMBOL_BYTES;
    for (size_t i = 0; fits && i < length; i++) {
        size_t need = is_plain(symbol[i]) ? 1 : 3;
        fits = capacity > used + need;
        if (!fits) break;
        token[used] = need == 1 ? symbol[i] : '%';
        if (need == 3) {
            token[used + 1] = hex[(uint8_t)symbol[i] >> 4];
            token[used + 2] = hex[(uint8_t)symbol[i] & 15];
        }
        used += need;
    }
    if (capacity > 0) token[fits ? used : 0] = '\0';
    return fits;
}

/* Upper case only: a symbol has one subject, so a second spelling of it is not one. */
static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The byte that %XX at `token` stands for; 0 if it is cut short, not hex, or escapes what needs no escape. */
static char unescape_byte(const char *token, size_t left) {
    if (left < 3) return '\0';
    int high = hex_value(token[1]), low = hex_value(token[2]);
    if (high < 0 || low < 0) return '\0';
    char byte = (char)(high << 4 | low);
    return is_plain(byte) ? '\0' : byte;
}

bool subject_unescape(char symbol[TW_SYMBOL_BYTES], const char *token, size_t length) {
    size_t used = 0;
    bool good = length > 0;
    for (size_t i = 0; good && i < length;) {
        bool escaped = token[i] == '%';
        char byte = escaped ? unescape_byte(token + i, length - i) : is_plain(token[i]) ? token[i] : '\0';
        good = byte != '\0' && used < TW_SYMBOL_BYTES - 1;
        if (good) symbol[used++] = byte;
        i += escaped ? 3 : 1;
    }
    symbol[good ? used : 0] = '\0';
    return good;
}

/* A market identifier code: exactly four of A-Z 0-9. */
static bool is_mic(const char *token, size_t length) {
    if (length != TW_MIC_BYTES - 1) return false;
    for (size_t i = 0; i < length; i++)
        if (!is_upper_or_digit(token[i])) return false;
    return true;
}

/* What every writer ends with: a subject that was cut is not left behind. */
static bool finish(char *subject, size_t capacity, bool whole) {
    if (!whole && capacity > 0) subject[0] = '\0';
    return whole;
}

/* Whether a channel of this exchange, or of all together, can be. */
static bool has_channel(const char *mic, subject_channel channel) {
    bool all = strcmp(mic, SUBJECT_AGGREGATE) == 0;
    if (all) return subject_is_candle(channel) || channel == SUBJECT_NBBO;
    return is_mic(mic, strlen(mic)) && channel != SUBJECT_NBBO;
}

bool subject_instrument(char *subject, size_t capacity, const char *mic, const char *symbol,
                        subject_channel channel) {
    char token[SUBJECT_BYTES];
    bool whole = has_channel(mic, channel) && (unsigned)channel < SUBJECT_CHANNELS &&
                 subject_escape(token, sizeof token, symbol) &&
                 tw_text_format(subject, capacity, "%s.%s.%s", mic, token, channel_names[channel]);
    return finish(subject, capacity, whole);
}

bool subject_feed_status(char *subject, size_t capacity, const char *mic, uint32_t partition) {
    bool whole = is_mic(mic, strlen(mic)) &&
                 tw_text_format(subject, capacity, "feed.%s.%u.status", mic, (unsigned)partition);
    return finish(subject, capacity, whole);
}

static bool is_line_name(const char *line) {
    for (const char *at = line; *at != '\0'; at++)
        if (!is_upper_or_digit(*at) && !(*at >= 'a' && *at <= 'z')) return false;
    return line[0] != '\0';
}

bool subject_line_status(char *subject, size_t capacity, const char *mic, uint32_t partition, const char *line) {
    bool whole = is_mic(mic, strlen(mic)) && is_line_name(line) &&
                 tw_text_format(subject, capacity, "feed.%s.%u.line.%s", mic, (unsigned)partition, line);
    return finish(subject, capacity, whole);
}

bool subject_snapshot(char *subject, size_t capacity, const char *mic, const char *symbol,
                      subject_channel channel) {
    char rest[SUBJECT_BYTES];
    bool whole = subject_instrument(rest, sizeof rest, mic, symbol, channel) &&
                 tw_text_format(subject, capacity, "snapshot.%s", rest);
    return finish(subject, capacity, whole);
}

bool subject_snapshots(char *subject, size_t capacity, const char *mic, subject_channel channel) {
    bool whole = is_mic(mic, strlen(mic)) && (unsigned)channel < SUBJECT_CHANNELS &&
                 tw_text_format(subject, capacity, "snapshots.%s.%s", mic, channel_names[channel]);
    return finish(subject, capacity, whole);
}

bool subject_instruments(char *subject, size_t capacity, const char *mic) {
    bool whole = is_mic(mic, strlen(mic)) && tw_text_format(subject, capacity, "instruments.%s", mic);
    return finish(subject, capacity, whole);
}

bool subject_instrument_changes(char *subject, size_t capacity, const char *mic) {
    bool whole = is_mic(mic, strlen(mic)) && tw_text_format(subject, capacity, "instruments.%s.changes", mic);
    return finish(subject, capacity, whole);
}

/* A MIC, or what spans them. */
static bool is_exchange(const char *text) {
    return is_mic(text, strlen(text)) || strcmp(text, SUBJECT_AGGREGATE) == 0;
}

bool subject_candles(char *subject, size_t capacity, const char *mic, const char *symbol) {
    char token[SUBJECT_BYTES];
    bool whole = is_exchange(mic) && subject_escape(token, sizeof token, symbol) &&
                 tw_text_format(subject, capacity, "candles.%s.%s", mic, token);
    return finish(subject, capacity, whole);
}

bool subject_usage(char *subject, size_t capacity, const char *exchange) {
    bool whole = is_exchange(exchange) && tw_text_format(subject, capacity, "usage.%s", exchange);
    return finish(subject, capacity, whole);
}

/* ---- the venue's ---- */

/* The first word of the kinds that name a shard as a whole. */
static const char *shard_word(subject_kind kind) {
    switch (kind) {
    case SUBJECT_KIND_ORDER_BATCH:
        return "orderbatch";
    case SUBJECT_KIND_CONTROL:
        return "control";
    case SUBJECT_KIND_EXECUTION_LOG:
        return "execlog";
    case SUBJECT_KIND_QUERY:
        return "query";
    case SUBJECT_KIND_HASH:
        return "hash";
    default:
        return NULL;
    }
}

bool subject_shard(char *subject, size_t capacity, subject_kind kind, const char *mic, uint32_t shard) {
    const char *word = shard_word(kind);
    bool whole = word != NULL && is_mic(mic, strlen(mic)) &&
                 tw_text_format(subject, capacity, "%s.%s.%u", word, mic, (unsigned)shard);
    return finish(subject, capacity, whole);
}

bool subject_orders(char *subject, size_t capacity, const char *mic, uint32_t shard, const char *account,
                    const char *symbol) {
    char account_token[SUBJECT_BYTES], symbol_token[SUBJECT_BYTES];
    bool whole =
        is_mic(mic, strlen(mic)) && subject_escape(account_token, sizeof account_token, account) &&
        subject_escape(symbol_token, sizeof symbol_token, symbol) &&
        tw_text_format(subject, capacity, "orders.%s.%u.%s.%s", mic, (unsigned)shard, account_token, symbol_token);
    return finish(subject, capacity, whole);
}

bool subject_fills(char *subject, size_t capacity, const char *mic, const char *symbol) {
    char token[SUBJECT_BYTES];
    bool whole = is_mic(mic, strlen(mic)) && subject_escape(token, sizeof token, symbol) &&
                 tw_text_format(subject, capacity, "fills.%s.%s", mic, token);
    return finish(subject, capacity, whole);
}

bool subject_matchers(char *subject, size_t capacity, const char *mic) {
    bool whole = is_mic(mic, strlen(mic)) && tw_text_format(subject, capacity, "matchers.%s", mic);
    return finish(subject, capacity, whole);
}

bool subject_executions(char *subject, size_t capacity, const char *account) {
    char token[SUBJECT_BYTES];
    bool whole =
        subject_escape(token, sizeof token, account) && tw_text_format(subject, capacity, "exec.%s", token);
    return finish(subject, capacity, whole);
}

bool subject_query(char *subject, size_t capacity, const char *mic, uint32_t shard, const char *account) {
    char token[SUBJECT_BYTES];
    bool whole = is_mic(mic, strlen(mic)) && subject_escape(token, sizeof token, account) &&
                 tw_text_format(subject, capacity, "query.%s.%u.%s", mic, (unsigned)shard, token);
    return finish(subject, capacity, whole);
}

/* ---- taking apart ---- */

/* Cuts the next token off `*rest`; its length, 0 if there is none or it is empty. */
static size_t next_token(const char **rest, const char **token) {
    const char *end = *token = *rest;
    while (*end != '.' && *end != '\0') /* tokens are short: no call is worth it */
        end++;
    *rest = *end == '.' ? end + 1 : end;
    return (size_t)(end - *token);
}

static bool token_is(const char *token, size_t length, const char *word) {
    return length == strlen(word) && memcmp(token, word, length) == 0;
}

static bool take_mic(const char **rest, char mic[TW_MIC_BYTES]) {
    const char *token;
    size_t length = next_token(rest, &token);
    if (!is_mic(token, length)) return false;
    memcpy(mic, token, length);
    mic[length] = '\0';
    return true;
}

static bool take_symbol(const char **rest, char symbol[TW_SYMBOL_BYTES]) {
    const char *token;
    size_t length = next_token(rest, &token);
    return subject_unescape(symbol, token, length);
}

/* Decimal as this project writes it: no leading zero, no sign. */
static bool take_partition(const char **rest, uint32_t *partition) {
    const char *token;
    size_t length = next_token(rest, &token);
    if (length == 0 || length > 10 || (length > 1 && token[0] == '0')) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (token[i] < '0' || token[i] > '9') return false;
        value = value * 10 + (uint64_t)(token[i] - '0');
    }
    *partition = (uint32_t)value;
    return value <= UINT32_MAX;
}

/* What follows feed.{MIC}.{PARTITION}: "status", or "line" and a line's name. */
static subject_kind feed_kind(const char *rest) {
    if (strcmp(rest, "status") == 0) return SUBJECT_KIND_FEED_STATUS;
    bool is_line = strncmp(rest, "line.", 5) == 0 && rest[5] != '\0' && strchr(rest + 5, '.') == NULL;
    return is_line ? SUBJECT_KIND_LINE_STATUS : SUBJECT_KIND_UNKNOWN;
}

static subject_kind parse_instrument(const char *rest, subject_parts *parts, subject_kind kind) {
    bool good = take_mic(&rest, parts->mic) && take_symbol(&rest, parts->symbol) &&
                subject_channel_parse(rest, &parts->channel) && has_channel(parts->mic, parts->channel);
    return good ? kind : SUBJECT_KIND_UNKNOWN;
}

/* What follows "agg.". */
static subject_kind parse_aggregate(const char *rest, subject_parts *parts) {
    tw_text_copy(parts->mic, sizeof parts->mic, SUBJECT_AGGREGATE);
    bool good = take_symbol(&rest, parts->symbol) && subject_channel_parse(rest, &parts->channel);
    return good && has_channel(SUBJECT_AGGREGATE, parts->channel) ? SUBJECT_KIND_AGGREGATE : SUBJECT_KIND_UNKNOWN;
}

/* What follows "candles.": an exchange or "agg", then a symbol, and nothing behind it, not even a dot. */
static subject_kind parse_candles(const char *rest, subject_parts *parts) {
    static const char all[] = SUBJECT_AGGREGATE ".";
    bool aggregate = strncmp(rest, all, sizeof all - 1) == 0;
    if (aggregate) tw_text_copy(parts->mic, sizeof parts->mic, SUBJECT_AGGREGATE);
    if (aggregate) rest += sizeof all - 1;
    if (!aggregate && !take_mic(&rest, parts->mic)) return SUBJECT_KIND_UNKNOWN;
    bool good = strchr(rest, '.') == NULL && take_symbol(&rest, parts->symbol);
    return good ? SUBJECT_KIND_CANDLES : SUBJECT_KIND_UNKNOWN;
}

static subject_kind parse_feed(const char *rest, subject_parts *parts) {
    bool good = take_mic(&rest, parts->mic) && take_partition(&rest, &parts->partition);
    return good ? feed_kind(rest) : SUBJECT_KIND_UNKNOWN;
}

static subject_kind parse_snapshots(const char *rest, subject_parts *parts) {
    bool good = take_mic(&rest, parts->mic) && subject_channel_parse(rest, &parts->channel);
    return good ? SUBJECT_KIND_SNAPSHOTS : SUBJECT_KIND_UNKNOWN;
}

/* instruments.{MIC}, where nothing may follow, not even a dot, or instruments.{MIC}.changes. */
static subject_kind parse_instruments(const char *rest, subject_parts *parts) {
    bool alone = strlen(rest) == TW_MIC_BYTES - 1;
    if (!take_mic(&rest, parts->mic)) return SUBJECT_KIND_UNKNOWN;
    if (alone) return SUBJECT_KIND_INSTRUMENTS;
    return strcmp(rest, "changes") == 0 ? SUBJECT_KIND_INSTRUMENT_CHANGES : SUBJECT_KIND_UNKNOWN;
}

static subject_kind parse_usage(const char *rest, subject_parts *parts) {
    if (!is_exchange(rest)) return SUBJECT_KIND_UNKNOWN;
    return tw_text_copy(parts->mic, sizeof parts->mic, rest) ? SUBJECT_KIND_USAGE : SUBJECT_KIND_UNKNOWN;
}

/* The last token: nothing may follow, not even a dot. */
static bool take_last_name(const char *rest, char name[TW_SYMBOL_BYTES]) {
    return subject_unescape(name, rest, strlen(rest));
}

static subject_kind parse_orders(const char *rest, subject_parts *parts) {
    bool good = take_mic(&rest, parts->mic) && take_partition(&rest, &parts->partition) &&
                take_symbol(&rest, parts->account) && take_last_name(rest, parts->symbol);
    return good ? SUBJECT_KIND_ORDERS : SUBJECT_KIND_UNKNOWN;
}

static subject_kind parse_fills(const char *rest, subject_parts *parts) {
    bool good = take_mic(&rest, parts->mic) && take_last_name(rest, parts->symbol);
    return good ? SUBJECT_KIND_FILLS : SUBJECT_KIND_UNKNOWN;
}

static subject_kind parse_shard(const char *rest, subject_parts *parts, subject_kind kind) {
    bool good =
        take_mic(&rest, parts->mic) && strchr(rest, '.') == NULL && take_partition(&rest, &parts->partition);
    return good ? kind : SUBJECT_KIND_UNKNOWN;
}

static subject_kind parse_matchers(const char *rest, subject_parts *parts) {
    if (!is_mic(rest, strlen(rest))) return SUBJECT_KIND_UNKNOWN;
    return tw_text_copy(parts->mic, sizeof parts->mic, rest) ? SUBJECT_KIND_MATCHERS : SUBJECT_KIND_UNKNOWN;
}

/* query.{MIC}.{SHARD}, where nothing may follow, not even a dot, or query.{MIC}.{SHARD}.{ACCOUNT}. */
static subject_kind parse_query(const char *rest, subject_parts *parts) {
    bool good = take_mic(&rest, parts->mic);
    if (good && strchr(rest, '.') == NULL)
        good = take_partition(&rest, &parts->partition);
    else
        good = good && take_partition(&rest, &parts->partition) && take_last_name(rest, parts->account);
    return good ? SUBJECT_KIND_QUERY : SUBJECT_KIND_UNKNOWN;
}

/* A subject whose first token is one of the venue's words. */
static subject_kind parse_venue(const char *first, size_t length, const char *rest, subject_parts *parts) {
    if (token_is(first, length, "orders")) return parse_orders(rest, parts);
    if (token_is(first, length, "fills")) return parse_fills(rest, parts);
    if (token_is(first, length, "exec"))
        return take_last_name(rest, parts->account) ? SUBJECT_KIND_EXECUTIONS : SUBJECT_KIND_UNKNOWN;
    if (token_is(first, length, "query")) return parse_query(rest, parts);
    if (token_is(first, length, "matchers")) return parse_matchers(rest, parts);
    for (subject_kind kind = SUBJECT_KIND_ORDER_BATCH; kind <= SUBJECT_KIND_HASH; kind++)
        if (token_is(first, length, shard_word(kind))) return parse_shard(rest, parts, kind);
    return SUBJECT_KIND_UNKNOWN;
}

subject_kind subject_parse(const char *subject, subject_parts *parts) {
    *parts = (subject_parts){.channel = SUBJECT_CHANNELS};
    const char *rest = subject, *first;
    size_t length = next_token(&rest, &first);
    if (token_is(first, length, "feed"))
        parts->kind = parse_feed(rest, parts);
    else if (token_is(first, length, "snapshot"))
        parts->kind = parse_instrument(rest, parts, SUBJECT_KIND_SNAPSHOT);
    else if (token_is(first, length, "snapshots"))
        parts->kind = parse_snapshots(rest, parts);
    else if (token_is(first, length, "instruments"))
        parts->kind = parse_instruments(rest, parts);
    else if (token_is(first, length, SUBJECT_AGGREGATE))
        parts->kind = parse_aggregate(rest, parts);
    else if (token_is(first, length, "candles"))
        parts->kind = parse_candles(rest, parts);
    else if (token_is(first, length, "usage"))
        parts->kind = parse_usage(rest, parts);
    else if (length > 0 && first[0] >= 'a' && first[0] <= 'z')
        parts->kind = parse_venue(first, length, rest, parts);
    else
        parts->kind = parse_instrument(subject, parts, SUBJECT_KIND_INSTRUMENT);
    return parts->kind;
}

bool subject_matches(const char *pattern, const char *subject) {
    const char *wanted, *token;
    while (*pattern != '\0' && *subject != '\0') {
        size_t wanted_length = strcspn(pattern, "."), length = strcspn(subject, ".");
        wanted = pattern;
        token = subject;
        if (wanted_length == 0 || length == 0) return false; /* an empty token is no subject */
        if (token_is(wanted, wanted_length, ">")) return pattern[1] == '\0';
        bool same = wanted_length == length && memcmp(wanted, token, length) == 0;
        if (!same && !token_is(wanted, wanted_length, "*")) return false;
        pattern += wanted_length;
        subject += length;
        if (*pattern != *subject) return false; /* one goes on, the other ends */
        if (*pattern == '\0') return true;
        pattern++;
        subject++;
    }
    return false;
}

bool subject_is_pattern(const char *text) {
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ".");
        bool tail = length == 1 && at[0] == '>';
        if (length == 0 || (tail && at[1] != '\0')) return false;
        for (size_t i = 0; i < length; i++)
            if ((unsigned char)at[i] <= ' ' || at[i] == 127 || (at[i] == '>' && !tail)) return false;
        at += length;
        if (*at == '\0') return true;
    }
}

bool subject_is_feed_status(const char *subject, const char *mic, uint32_t partition) {
    subject_parts parts;
    return subject_parse(subject, &parts) == SUBJECT_KIND_FEED_STATUS && strcmp(parts.mic, mic) == 0 &&
           parts.partition == partition;
}
