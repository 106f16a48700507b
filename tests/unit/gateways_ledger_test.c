/* The usage ledger: what is added comes out once, whatever the bound. */
#include "gateways/ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "tests/unit.h"

#define SECOND_NS INT64_C(1000000000)

static ledger *open_ledger(uint32_t capacity) {
    ledger *made;
    tw_error error;
    EXPECT(ledger_alloc(&made, capacity, &error) == TW_OK);
    return made;
}

static bool add(ledger *self, const char *user, const char *subject, uint64_t updates, int64_t at_ns) {
    return ledger_add(self, &(ledger_use){user, subject, NULL, updates, 10 * updates, at_ns, at_ns + 1});
}

static bool add_of(ledger *self, const char *user, const char *subject, const char *exchange, int64_t at_ns) {
    return ledger_add(self, &(ledger_use){user, subject, exchange, 1, 10, at_ns, at_ns + 1});
}

/* Lines as "number user subject exchange/symbol/channel updates bytes first-last", one after the other. */
typedef struct written {
    char text[2048];
} written;

static void on_line(void *context, const ledger_line *line) {
    written *all = context;
    size_t used = strlen(all->text);
    tw_text_format(all->text + used, sizeof all->text - used, "%s%llu %s %s %s/%s/%s %llu %llu %lld-%lld",
                   used > 0 ? "\n" : "", (unsigned long long)line->number, line->user, line->subject,
                   line->exchange, line->symbol, line->channel, (unsigned long long)line->updates,
                   (unsigned long long)line->bytes, (long long)line->first_ns, (long long)line->last_ns);
}

static const char *flush(ledger *self, written *all) {
    *all = (written){0};
    ledger_flush(self, on_line, all);
    return all->text;
}

TEST(ledger, a_users_use_of_a_subject_is_one_line_with_its_first_and_last_time) {
    ledger *self = open_ledger(8);
    written all;
    EXPECT(add(self, "ann", "XNAS.BRK%2EB.orderbook", 2, 50) && add(self, "bob", "XNAS.BRK%2EB.orderbook", 1, 60));
    EXPECT(add(self, "ann", "XNAS.BRK%2EB.orderbook", 3, 40) && add(self, "ann", "XNAS.BRK%2EB.orderbook", 1, 70));
    EXPECT_STR(flush(self, &all), "1 ann XNAS.BRK%2EB.orderbook XNAS/BRK.B/orderbook 6 60 40-71\n"
                                  "2 bob XNAS.BRK%2EB.orderbook XNAS/BRK.B/orderbook 1 10 60-61");
    EXPECT_U64(ledger_count(self), 0);
    EXPECT_STR(flush(self, &all), "");
    EXPECT(add(self, "ann", "XNAS.BRK%2EB.orderbook", 1, 90));
    EXPECT_STR(flush(self, &all), "3 ann XNAS.BRK%2EB.orderbook XNAS/BRK.B/orderbook 1 10 90-91");
    ledger_free(self);
}

TEST(ledger, every_kind_of_subject_tells_its_exchange_and_lines_of_one_exchange_stand_together) {
    ledger *self = open_ledger(16);
    written all;
    const char *subjects[] = {"XNAS.A.trade", "XBOS.B.candle.1m", "feed.XNAS.1.status",
                              "agg.A.nbbo",   "instruments.XBOS", "XNAS.A.last"};
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        EXPECT(add(self, "u", subjects[i], 1, 5));
    EXPECT_STR(flush(self, &all), "1 u XNAS.A.trade XNAS/A/trade 1 10 5-6\n"
                                  "2 u feed.XNAS.1.status XNAS//feed 1 10 5-6\n"
                                  "3 u XNAS.A.last XNAS/A/last 1 10 5-6\n"
                                  "4 u XBOS.B.candle.1m XBOS/B/candle.1m 1 10 5-6\n"
                                  "5 u instruments.XBOS XBOS//instruments 1 10 5-6\n"
                                  "6 u agg.A.nbbo agg/A/nbbo 1 10 5-6");
    ledger_free(self);
}

TEST(ledger, what_spans_exchanges_has_a_line_for_each_of_them) {
    ledger *self = open_ledger(16);
    written all;
    EXPECT(add_of(self, "u", "agg.A.nbbo", "XNAS", 5) && add_of(self, "u", "agg.A.nbbo", "XBOS", 5));
    EXPECT(add(self, "u", "XNAS.A.trade", 1, 5) && add_of(self, "u", "agg.A.nbbo", "XNAS", 7));
    EXPECT_STR(flush(self, &all), "1 u agg.A.nbbo XNAS/A/nbbo 2 20 5-8\n"
                                  "2 u XNAS.A.trade XNAS/A/trade 1 10 5-6\n"
                                  "3 u agg.A.nbbo XBOS/A/nbbo 1 10 5-6");
    ledger_free(self);
}

TEST(ledger, a_full_table_says_so_changes_nothing_and_goes_on_after_an_early_flush) {
    ledger *self = open_ledger(2);
    written all;
    EXPECT(add(self, "a", "XNAS.A.quote", 1, 1) && add(self, "b", "XNAS.A.quote", 1, 1));
    EXPECT(!add(self, "c", "XNAS.A.quote", 1, 1));
    EXPECT(add(self, "a", "XNAS.A.quote", 1, 2));
    EXPECT_STR(flush(self, &all), "1 a XNAS.A.quote XNAS/A/quote 2 20 1-3\n2 b XNAS.A.quote XNAS/A/quote 1 10 1-2");
    EXPECT(add(self, "c", "XNAS.A.quote", 1, 1));
    EXPECT_STR(flush(self, &all), "3 c XNAS.A.quote XNAS/A/quote 1 10 1-2");
    ledger_free(self);
}

TEST(ledger, more_exchanges_than_are_told_apart_lose_no_line) {
    ledger *self = open_ledger(256);
    char subject[SUBJECT_BYTES];
    for (unsigned i = 0; i < 200; i++) {
        tw_text_format(subject, sizeof subject, "X%03u.A.quote", i);
        EXPECT(add(self, "u", subject, 1, 1));
    }
    written all;
    flush(self, &all);
    EXPECT(add(self, "u", "XNAS.A.quote", 1, 1));
    EXPECT_STR(flush(self, &all), "201 u XNAS.A.quote XNAS/A/quote 1 10 1-2");
    ledger_free(self);
}

typedef struct sums {
    uint64_t updates[4][5], bytes[4][5], lines, last_number;
} sums;

static void add_up(void *context, const ledger_line *line) {
    sums *all = context;
    unsigned user = (unsigned)(line->user[0] - 'a'), subject = (unsigned)(line->symbol[0] - 'A');
    EXPECT(user < 4 && subject < 5 && line->number == all->last_number + 1);
    all->last_number = line->number;
    all->lines++;
    all->updates[user][subject] += line->updates;
    all->bytes[user][subject] += line->bytes;
}

TEST(ledger, whatever_comes_in_whatever_order_the_lines_add_up_to_it) {
    ledger *self = open_ledger(7); /* of 20 pairs */
    tw_random random;
    sums expected = {0}, got = {0};
    tw_random_seed(&random, 4711);
    for (int i = 0; i < 20000; i++) {
        unsigned user = (unsigned)(tw_random_below(&random, 4)), subject = (unsigned)(tw_random_below(&random, 5));
        uint64_t updates = tw_random_below(&random, 100);
        char name[] = {(char)('a' + user), '\0'}, text[SUBJECT_BYTES];
        tw_text_format(text, sizeof text, "XNAS.%c.quote", 'A' + (int)subject);
        if (!add(self, name, text, updates, i)) {
            ledger_flush(self, add_up, &got);
            EXPECT(add(self, name, text, updates, i));
        }
        expected.updates[user][subject] += updates;
        expected.bytes[user][subject] += 10 * updates;
    }
    ledger_flush(self, add_up, &got);
    EXPECT(memcmp(got.updates, expected.updates, sizeof got.updates) == 0);
    EXPECT(memcmp(got.bytes, expected.bytes, sizeof got.bytes) == 0);
    EXPECT(got.lines > 20);
    ledger_free(self);
}

static void on_json(void *context, const ledger_line *line) {
    const ledger_sheet sheet = {"gw-1", "1763718720123-77", 1763718720 * SECOND_NS, 60 * SECOND_NS};
    EXPECT_U64(ledger_line_json(&sheet, line, context, LEDGER_LINE_BYTES), strlen(context));
}

TEST(ledger, a_line_is_one_json_object_and_a_line_end) {
    ledger *self = open_ledger(2);
    char text[LEDGER_LINE_BYTES];
    EXPECT(add(self, "a \"b\"\n", "XNAS.A.quote", 3, 7));
    ledger_flush(self, on_json, text);
    EXPECT_STR(text,
               "{\"gateway\":\"gw-1\",\"instance\":\"1763718720123-77\",\"number\":1,\"period_start_ns\":"
               "\"1763718720000000000\","
               "\"period_ns\":\"60000000000\",\"user\":\"a "
               "\\\"b\\\"\\n\",\"exchange\":\"XNAS\",\"channel\":\"quote\",\"symbol\":\"A\","
               "\"subject\":\"XNAS.A.quote\",\"updates\":3,\"bytes\":30,\"first_ns\":\"7\",\"last_ns\":\"8\"}\n");
    ledger_free(self);
}

TEST(ledger, the_longest_line_fits_whatever_bytes_are_in_it) {
    ledger *self = open_ledger(2);
    char text[LEDGER_LINE_BYTES], user[2 * WIRE_USER_BYTES], subject[SUBJECT_BYTES];
    memset(user, 1, sizeof user);
    user[sizeof user - 1] = '\0'; /* cut to its bound */
    memset(subject, 2, sizeof subject);
    subject[sizeof subject - 1] = '\0';
    memcpy(subject, "XNAS.A.", 7);
    EXPECT(add(self, user, subject, UINT32_MAX, INT64_MAX - 1));
    ledger_flush(self, on_json, text);
    EXPECT(text[strlen(text) - 1] == '\n');
    ledger_free(self);
}

TEST(ledger, periods_are_whole_ones_since_1970) {
    EXPECT_I64(ledger_period_start(125 * SECOND_NS + 1, 60 * SECOND_NS), 120 * SECOND_NS);
    EXPECT_I64(ledger_period_start(120 * SECOND_NS, 60 * SECOND_NS), 120 * SECOND_NS);
    EXPECT_I64(ledger_period_start(120 * SECOND_NS - 1, 60 * SECOND_NS), 60 * SECOND_NS);
}
