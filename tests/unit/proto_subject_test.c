#include "proto/subject.h"
#include "tests/unit.h"

static const struct {
    const char *symbol, *token;
} spellings[] = {
    {"AAPL", "AAPL"},
    {"BRK.B", "BRK%2EB"},
    {"A*", "A%2A"},
    {">", "%3E"},
    {"TWO WORDS", "TWO%20WORDS"},
    {"50%", "50%25"},
    {"ZXY-_/$+=^#", "ZXY-_/$+=^#"},
    {"abc", "abc"},
    {"\xc3\x9c", "%C3%9C"}, /* U with dots, UTF-8 */
    {"\x7f\x01", "%7F%01"},
    {"................................",
     "%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E%2E"},
};

TEST(subject, a_symbol_becomes_one_token_and_comes_back) {
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        char token[SUBJECT_BYTES], symbol[TW_SYMBOL_BYTES];
        EXPECT(subject_escape(token, sizeof token, spellings[i].symbol));
        EXPECT_STR(token, spellings[i].token);
        EXPECT(subject_unescape(symbol, token, strlen(token)));
        EXPECT_STR(symbol, spellings[i].symbol);
    }
}

TEST(subject, every_byte_but_nul_survives_the_way_there_and_back) {
    for (unsigned byte = 1; byte < 256; byte++) {
        char source[2] = {(char)byte, '\0'}, token[8], symbol[TW_SYMBOL_BYTES];
        EXPECT(subject_escape(token, sizeof token, source));
        EXPECT(strpbrk(token, ".*> ") == NULL);
        EXPECT(subject_unescape(symbol, token, strlen(token)));
        EXPECT_STR(symbol, source);
    }
}

TEST(subject, an_empty_or_too_long_symbol_has_no_token) {
    char token[SUBJECT_BYTES];
    EXPECT(!subject_escape(token, sizeof token, ""));
    EXPECT(!subject_escape(token, sizeof token, "123456789012345678901234567890123"));
    EXPECT_STR(token, "");
}

TEST(subject, a_token_is_never_cut_to_fit) {
    char token[7];
    EXPECT(!subject_escape(token, sizeof token, "BRK.B"));
    EXPECT_STR(token, "");
    char exact[8];
    EXPECT(subject_escape(exact, sizeof exact, "BRK.B"));
}

/* A symbol has exactly one spelling, else one instrument would have two subjects. */
static const char *const bad_tokens[] = {
    "",
    "%",
    "A%2",
    "%2e",
    "%zz",
    "%00",
    "%41",
    "A B",
    "A*",
    "A.B",
    "%2E%",
    "\xc3\x9c",
    "123456789012345678901234567890123",
};

TEST(subject, a_token_that_no_symbol_is_spelt_as_is_refused) {
    for (size_t i = 0; i < sizeof bad_tokens / sizeof *bad_tokens; i++) {
        char symbol[TW_SYMBOL_BYTES];
        EXPECT_MSG(!subject_unescape(symbol, bad_tokens[i], strlen(bad_tokens[i])), "taken: \"%s\"", bad_tokens[i]);
        EXPECT_STR(symbol, "");
    }
}

TEST(subject, every_channel_has_a_name_that_parses_back) {
    for (unsigned i = 0; i < SUBJECT_CHANNELS; i++) {
        subject_channel channel;
        EXPECT(subject_channel_parse(subject_channel_name((subject_channel)i), &channel));
        EXPECT_U64(channel, i);
    }
    subject_channel channel;
    EXPECT(!subject_channel_parse("orderbook.10ms", &channel));
    EXPECT(!subject_channel_parse("", &channel));
    EXPECT_STR(subject_channel_name(SUBJECT_CHANNELS), "?");
}

TEST(subject, each_kind_is_written_as_the_table_of_subjects_says) {
    char s[SUBJECT_BYTES];
    EXPECT(subject_instrument(s, sizeof s, "XNAS", "BRK.B", SUBJECT_ORDERBOOK_100MS));
    EXPECT_STR(s, "XNAS.BRK%2EB.orderbook.100ms");
    EXPECT(subject_feed_status(s, sizeof s, "XNAS", 3));
    EXPECT_STR(s, "feed.XNAS.3.status");
    EXPECT(subject_line_status(s, sizeof s, "XNAS", 3, "A"));
    EXPECT_STR(s, "feed.XNAS.3.line.A");
    EXPECT(!subject_line_status(s, sizeof s, "XNAS", 3, ""));
    EXPECT_STR(s, "");
    EXPECT(!subject_line_status(s, sizeof s, "XNAS", 3, "A.B"));
    EXPECT(!subject_line_status(s, sizeof s, "xnas", 3, "A"));
    EXPECT(subject_snapshot(s, sizeof s, "XNAS", "AAPL", SUBJECT_QUOTE));
    EXPECT_STR(s, "snapshot.XNAS.AAPL.quote");
    EXPECT(subject_snapshots(s, sizeof s, "XNAS", SUBJECT_ORDERBOOK));
    EXPECT_STR(s, "snapshots.XNAS.orderbook");
    EXPECT(subject_instruments(s, sizeof s, "XNAS"));
    EXPECT_STR(s, "instruments.XNAS");
    EXPECT(subject_instrument_changes(s, sizeof s, "XNAS"));
    EXPECT_STR(s, "instruments.XNAS.changes");
    EXPECT(!subject_instrument_changes(s, sizeof s, "xnas"));
    EXPECT_STR(s, "");
}

TEST(subject, one_that_does_not_fit_or_has_a_bad_part_is_not_written) {
    char s[SUBJECT_BYTES], small[16];
    EXPECT(!subject_instrument(small, sizeof small, "XNAS", "AAPL", SUBJECT_ORDERBOOK));
    EXPECT_STR(small, "");
    EXPECT(!subject_instrument(s, sizeof s, "XNAS", "", SUBJECT_QUOTE));
    EXPECT(!subject_instrument(s, sizeof s, "XN.S", "AAPL", SUBJECT_QUOTE));
    EXPECT(!subject_instrument(s, sizeof s, "xnas", "AAPL", SUBJECT_QUOTE));
    EXPECT(!subject_instrument(s, sizeof s, "XNASD", "AAPL", SUBJECT_QUOTE));
    EXPECT(!subject_instrument(s, sizeof s, "XNAS", "AAPL", SUBJECT_CHANNELS));
    EXPECT(!subject_instruments(small, 4, "XNAS"));
}

static const struct {
    const char *subject;
    subject_kind kind;
    const char *mic, *symbol;
    subject_channel channel;
    uint32_t partition;
} parsed[] = {
    {"XNAS.AAPL.orderbook", SUBJECT_KIND_INSTRUMENT, "XNAS", "AAPL", SUBJECT_ORDERBOOK, 0},
    {"XNAS.BRK%2EB.orderbook.1s", SUBJECT_KIND_INSTRUMENT, "XNAS", "BRK.B", SUBJECT_ORDERBOOK_1S, 0},
    {"360T.A.trade", SUBJECT_KIND_INSTRUMENT, "360T", "A", SUBJECT_TRADE, 0},
    {"feed.XNAS.0.status", SUBJECT_KIND_FEED_STATUS, "XNAS", "", SUBJECT_CHANNELS, 0},
    {"feed.XNAS.4294967295.status", SUBJECT_KIND_FEED_STATUS, "XNAS", "", SUBJECT_CHANNELS, UINT32_MAX},
    {"feed.XNAS.7.line.a", SUBJECT_KIND_LINE_STATUS, "XNAS", "", SUBJECT_CHANNELS, 7},
    {"snapshot.XNAS.AAPL.imbalance", SUBJECT_KIND_SNAPSHOT, "XNAS", "AAPL", SUBJECT_IMBALANCE, 0},
    {"snapshots.XNAS.orderbook.100ms", SUBJECT_KIND_SNAPSHOTS, "XNAS", "", SUBJECT_ORDERBOOK_100MS, 0},
    {"XNAS.AAPL.candle.1m", SUBJECT_KIND_INSTRUMENT, "XNAS", "AAPL", SUBJECT_CANDLE_1M, 0},
    {"agg.BRK%2EB.candle.1d", SUBJECT_KIND_AGGREGATE, "agg", "BRK.B", SUBJECT_CANDLE_1D, 0},
    {"agg.AAPL.nbbo", SUBJECT_KIND_AGGREGATE, "agg", "AAPL", SUBJECT_NBBO, 0},
    {"candles.XNAS.AAPL", SUBJECT_KIND_CANDLES, "XNAS", "AAPL", SUBJECT_CHANNELS, 0},
    {"candles.agg.AAPL", SUBJECT_KIND_CANDLES, "agg", "AAPL", SUBJECT_CHANNELS, 0},
    {"instruments.TWEX", SUBJECT_KIND_INSTRUMENTS, "TWEX", "", SUBJECT_CHANNELS, 0},
    {"instruments.TWEX.changes", SUBJECT_KIND_INSTRUMENT_CHANGES, "TWEX", "", SUBJECT_CHANNELS, 0},
    {"usage.XNAS", SUBJECT_KIND_USAGE, "XNAS", "", SUBJECT_CHANNELS, 0},
    {"usage.agg", SUBJECT_KIND_USAGE, "agg", "", SUBJECT_CHANNELS, 0},
    {"usage.xnas", SUBJECT_KIND_UNKNOWN, "", "", SUBJECT_CHANNELS, 0},
    {"usage.XNAS.more", SUBJECT_KIND_UNKNOWN, "", "", SUBJECT_CHANNELS, 0},
};

TEST(subject, each_kind_is_taken_apart) {
    for (size_t i = 0; i < sizeof parsed / sizeof *parsed; i++) {
        subject_parts parts;
        EXPECT_MSG(subject_parse(parsed[i].subject, &parts) == parsed[i].kind, "kind of %s", parsed[i].subject);
        EXPECT_I64(parts.kind, parsed[i].kind);
        EXPECT_STR(parts.mic, parsed[i].mic);
        EXPECT_STR(parts.symbol, parsed[i].symbol);
        EXPECT_I64(parts.channel, parsed[i].channel);
        EXPECT_U64(parts.partition, parsed[i].partition);
    }
}

static const char *const unknown[] = {
    "",
    ".",
    "XNAS",
    "XNAS.AAPL",
    "XNAS.AAPL.",
    "XNAS..quote",
    "XNAS.AAPL.quotes",
    "XNAS.AAPL.quote.1s",
    "XNAS.AAPL.quote.",
    "xnas.AAPL.quote",
    "XNASD.AAPL.quote",
    "XNAS.%2e.quote",
    "XNAS.*.quote",
    "XNAS.>",
    "feed",
    "XNAS.AAPL.nbbo",
    "XNAS.AAPL.candle",
    "XNAS.AAPL.candle.2m",
    "agg.AAPL.quote",
    "agg.AAPL",
    "agg..nbbo",
    "candles.XNAS",
    "candles.agg",
    "candles.XNAS.AAPL.1m",
    "candles.XNAS.AAPL.",
    "candles.xnas.AAPL",
    "feed.XNAS.1",
    "feed.XNAS.01.status",
    "feed.XNAS.4294967296.status",
    "feed.XNAS.x.status",
    "feed.XNAS..status",
    "feed.XNAS.1.line",
    "feed.XNAS.1.line.",
    "feed.XNAS.1.line.a.b",
    "feed.XNAS.-1.status",
    "snapshot.XNAS.AAPL",
    "snapshots.XNAS",
    "instruments",
    "instruments.",
    "instruments.XNAS.",
    "instruments.XNAS.A",
    "instruments.XNAS.changes.",
    "instruments.XNASchanges",
    "instruments.XNA.changes",
    "instruments.changes",
};

TEST(subject, anything_else_is_unknown) {
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        subject_parts parts;
        EXPECT_MSG(subject_parse(unknown[i], &parts) == SUBJECT_KIND_UNKNOWN, "taken: \"%s\"", unknown[i]);
    }
}

static const struct {
    const char *pattern, *subject;
    bool matches;
} patterns[] = {
    {"XNAS.AAPL.quote", "XNAS.AAPL.quote", true},
    {"XNAS.AAPL.quote", "XNAS.AAPL.quotes", false},
    {"XNAS.*.quote", "XNAS.AAPL.quote", true},
    {"XNAS.*.orderbook", "XNAS.AAPL.orderbook.1s", false},
    {"XNAS.*.orderbook.*", "XNAS.AAPL.orderbook.1s", true},
    {"XNAS.*.orderbook.*", "XNAS.AAPL.orderbook", false},
    {"XNAS.>", "XNAS.AAPL.orderbook.1s", true},
    {"XNAS.>", "XNAS", false},
    {"XNAS.AAPL.quote.>", "XNAS.AAPL.quote", false},
    {">", "XNAS", true},
    {"*", "XNAS", true},
    {"*", "XNAS.AAPL", false},
    {"XN*.AAPL", "XNAS.AAPL", false},           /* '*' is a token, not a part of one */
    {"XNAS.>.quote", "XNAS.AAPL.quote", false}, /* '>' only ends a pattern */
    {"XNAS.A>", "XNAS.AAPL", false},
    {"", "XNAS", false},
    {"XNAS", "", false},
    {"XNAS..quote", "XNAS..quote", false},
    {"XNAS.*.quote", "XNAS..quote", false},
    {"XNAS.", "XNAS.AAPL", false},
};

TEST(subject, patterns_match_by_the_rules_of_nats) {
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        EXPECT_MSG(subject_matches(patterns[i].pattern, patterns[i].subject) == patterns[i].matches,
                   "%s against %s", patterns[i].pattern, patterns[i].subject);
}

TEST(subject, what_a_server_could_be_asked_for_has_no_empty_token_no_blank_and_its_tail_at_the_end) {
    static const char *const good[] = {"XNAS", "XNAS.*.quote", "XNAS.>", ">", "*", "XN*.AAPL", "_INBOX.a.b"};
    static const char *const bad[] = {"",        ".",           "XNAS.", ".XNAS", "XNAS..quote", "XNAS.>.quote",
                                      "XNAS.A>", "XNAS. quote", "a\tb"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        EXPECT_MSG(subject_is_pattern(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_MSG(!subject_is_pattern(bad[i]), "%s", bad[i]);
}

/* ---- the venue's ---- */

TEST(subject, the_venues_kinds_are_written_as_the_table_of_subjects_says_and_read_back) {
    char s[SUBJECT_BYTES];
    subject_parts parts;
    EXPECT(subject_orders(s, sizeof s, "TWEX", 2, "al.ice", "BRK.B"));
    EXPECT_STR(s, "orders.TWEX.2.al%2Eice.BRK%2EB");
    EXPECT_I64(subject_parse(s, &parts), SUBJECT_KIND_ORDERS);
    EXPECT_STR(parts.mic, "TWEX");
    EXPECT_U64(parts.partition, 2);
    EXPECT_STR(parts.account, "al.ice");
    EXPECT_STR(parts.symbol, "BRK.B");
    EXPECT(subject_fills(s, sizeof s, "TWEX", "BRK.B"));
    EXPECT_STR(s, "fills.TWEX.BRK%2EB");
    EXPECT_I64(subject_parse(s, &parts), SUBJECT_KIND_FILLS);
    EXPECT_STR(parts.symbol, "BRK.B");
    EXPECT(subject_executions(s, sizeof s, "al.ice"));
    EXPECT_STR(s, "exec.al%2Eice");
    EXPECT_I64(subject_parse(s, &parts), SUBJECT_KIND_EXECUTIONS);
    EXPECT_STR(parts.account, "al.ice");
    EXPECT(subject_query(s, sizeof s, "TWEX", 7, "al.ice"));
    EXPECT_STR(s, "query.TWEX.7.al%2Eice");
    EXPECT_I64(subject_parse(s, &parts), SUBJECT_KIND_QUERY);
    EXPECT_U64(parts.partition, 7);
    EXPECT_STR(parts.account, "al.ice");
    static const struct {
        subject_kind kind;
        const char *text;
    } shards[] = {{SUBJECT_KIND_ORDER_BATCH, "orderbatch.TWEX.7"},
                  {SUBJECT_KIND_CONTROL, "control.TWEX.7"},
                  {SUBJECT_KIND_EXECUTION_LOG, "execlog.TWEX.7"},
                  {SUBJECT_KIND_QUERY, "query.TWEX.7"},
                  {SUBJECT_KIND_HASH, "hash.TWEX.7"}};
    EXPECT(subject_matchers(s, sizeof s, "TWEX"));
    EXPECT_STR(s, "matchers.TWEX");
    EXPECT_I64(subject_parse(s, &parts), SUBJECT_KIND_MATCHERS);
    EXPECT_STR(parts.mic, "TWEX");
    for (size_t i = 0; i < sizeof shards / sizeof *shards; i++) {
        EXPECT(subject_shard(s, sizeof s, shards[i].kind, "TWEX", 7));
        EXPECT_STR(s, shards[i].text);
        EXPECT_I64(subject_parse(s, &parts), shards[i].kind);
        EXPECT_U64(parts.partition, 7);
    }
    EXPECT(!subject_shard(s, sizeof s, SUBJECT_KIND_ORDERS, "TWEX", 7));
    EXPECT_STR(s, "");
}

TEST(subject, the_longest_names_fit) {
    char name[TW_SYMBOL_BYTES], s[SUBJECT_BYTES];
    subject_parts parts;
    memset(name, '.', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    EXPECT(subject_orders(s, sizeof s, "TWEX", UINT32_MAX, name, name));
    EXPECT_I64(subject_parse(s, &parts), SUBJECT_KIND_ORDERS);
    EXPECT_STR(parts.account, name);
}

TEST(subject, what_is_almost_one_of_the_venues_is_none) {
    static const char *const rows[] = {"orders.TWEX.1.alice",
                                       "orders.TWEX.1.alice.AAPL.x",
                                       "orders.TWEX.1.alice.",
                                       "orders.TWEX.01.alice.AAPL",
                                       "orders.TWEX.1..AAPL",
                                       "orders.twex.1.alice.AAPL",
                                       "orderbatch.TWEX",
                                       "orderbatch.TWEX.",
                                       "orderbatch.TWEX.1.x",
                                       "orderbatch.TWEX.1.",
                                       "control.TWEX.x",
                                       "exec",
                                       "exec.",
                                       "exec.a.b",
                                       "fills.TWEX",
                                       "fills.TWEX.A.B",
                                       "hash.TWEX.4294967296",
                                       "executions.TWEX.1",
                                       "query.TWEX.-1",
                                       "query.TWEX.1.",
                                       "query.TWEX.1.ann.x",
                                       "matchers.TWEX.1",
                                       "matchers.TW",
                                       "orders"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        subject_parts parts;
        EXPECT_MSG(subject_parse(rows[i], &parts) == SUBJECT_KIND_UNKNOWN, "%s is read as %d", rows[i],
                   (int)parts.kind);
    }
}

TEST(subject, a_feed_status_is_of_the_exchange_and_partition_that_its_subject_names) {
    EXPECT(subject_is_feed_status("feed.XNAS.2.status", "XNAS", 2));
    EXPECT(!subject_is_feed_status("feed.XNAS.2.status", "XNAS", 1));
    EXPECT(!subject_is_feed_status("feed.XNAS.2.status", "XBOS", 2));
    EXPECT(!subject_is_feed_status("feed.XNAS.2.line.A", "XNAS", 2));
    EXPECT(!subject_is_feed_status("XNAS.2.status", "XNAS", 2));
}
