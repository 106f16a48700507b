/* One candle's arithmetic, as tables. */
#include "publisher/aggregator/candle.h"

#include "tests/unit.h"

static candle_print print_at(int64_t event_ns, int64_t price, uint64_t quantity) {
    return (candle_print){.at = {.event_ns = event_ns, .seq = (uint64_t)event_ns},
                          .price = price,
                          .quantity = quantity,
                          .price_exponent = -4};
}

static candle candle_of(const candle_print *prints, size_t count) {
    candle c;
    candle_start(&c, 0, 1000);
    for (size_t i = 0; i < count; i++)
        EXPECT(candle_add(&c, &prints[i]));
    return c;
}

TEST(candle, open_and_close_are_the_earliest_and_the_latest_print_whatever_order_they_come_in) {
    const candle_print in_order[] = {print_at(1, 100, 5), print_at(2, 130, 1), print_at(3, 90, 2),
                                     print_at(4, 110, 7)};
    static const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}};
    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        candle_print prints[4];
        for (int i = 0; i < 4; i++)
            prints[i] = in_order[orders[o][i]];
        candle c = candle_of(prints, 4);
        EXPECT_I64(c.open, 100);
        EXPECT_I64(c.high, 130);
        EXPECT_I64(c.low, 90);
        EXPECT_I64(c.close, 110);
        EXPECT_U64(c.volume, 15);
        EXPECT_U64(c.count, 4);
        EXPECT((int64_t)c.turnover == 5 * 100 + 130 + 2 * 90 + 7 * 110);
    }
}

TEST(candle, prints_of_one_time_are_in_the_order_of_venue_source_message_and_index) {
    candle_print a = print_at(1, 100, 1), b = a, c = a;
    a.at.venue = 1, a.at.seq = 9, a.price = 101;
    b.at.venue = 2, b.at.seq = 1, b.price = 102;
    c.at.venue = 2, c.at.seq = 1, c.at.index = 1, c.price = 103;
    const candle_print prints[] = {c, a, b};
    candle made = candle_of(prints, 3);
    EXPECT_I64(made.open, 101);
    EXPECT_I64(made.close, 103);
}

static const struct {
    int64_t prices[3];
    uint64_t quantities[3];
    int64_t vwap; /* by hand */
} averages[] = {
    {{100, 0, 0}, {1, 0, 0}, 100},      {{100, 101, 0}, {1, 1, 0}, 100}, /* 100.5: half to even */
    {{101, 102, 0}, {1, 1, 0}, 102},                                     /* 101.5 */
    {{100, 101, 0}, {1, 2, 0}, 101},                                     /* 100.67 */
    {{100, 101, 0}, {2, 1, 0}, 100},                                     /* 100.33 */
    {{-100, -101, 0}, {1, 1, 0}, -100},                                  /* -100.5 */
    {{-101, -102, 0}, {1, 1, 0}, -102},                                  /* -101.5 */
    {{-100, -101, 0}, {1, 2, 0}, -101},                                  /* -100.67 */
    {{-1, 0, 1}, {1, 5, 1}, 0},         {{INT64_MAX, INT64_MAX, 0}, {UINT64_MAX / 4, UINT64_MAX / 4, 0}, INT64_MAX},
};

TEST(candle, the_average_is_rounded_half_to_even_once_from_the_exact_turnover) {
    for (size_t i = 0; i < sizeof averages / sizeof *averages; i++) {
        candle c;
        candle_start(&c, 0, 1000);
        for (int64_t n = 0; n < 3; n++) {
            candle_print print = print_at(n + 1, averages[i].prices[n], averages[i].quantities[n]);
            if (print.quantity > 0) EXPECT(candle_add(&c, &print));
        }
        EXPECT_MSG(candle_vwap(&c) == averages[i].vwap, "line %zu: %" PRId64, i, candle_vwap(&c));
    }
    candle none;
    candle_start(&none, 0, 1);
    EXPECT_I64(candle_vwap(&none), TW_PRICE_ABSENT);
}

TEST(candle, a_finer_scale_rescales_what_there_is_and_nothing_is_rounded) {
    candle_print cents = print_at(1, 18912, 300), mills = print_at(2, 1891234, 5);
    cents.price_exponent = -2;
    mills.quantity_exponent = -1; /* half a share */
    const candle_print one[] = {cents, mills}, other[] = {mills, cents};
    for (int order = 0; order < 2; order++) {
        candle c = candle_of(order == 0 ? one : other, 2);
        EXPECT_I64(c.price_exponent, -4);
        EXPECT_I64(c.quantity_exponent, -1);
        EXPECT_I64(c.open, 1891200);
        EXPECT_I64(c.high, 1891234);
        EXPECT_I64(c.close, 1891234);
        EXPECT_U64(c.volume, 3005);
        EXPECT((int64_t)c.turnover == INT64_C(1891200) * 3000 + INT64_C(1891234) * 5);
    }
}

TEST(candle, what_no_number_holds_is_refused_and_changes_nothing) {
    candle_print small = print_at(1, 5, 1), more = print_at(2, 5, UINT64_MAX), fine = print_at(3, 5, 1);
    candle c = candle_of(&small, 1), before = c;
    EXPECT(!candle_add(&c, &more));
    fine.price_exponent = -60;
    EXPECT(!candle_add(&c, &fine));
    EXPECT(memcmp(&c, &before, sizeof c) == 0);
    candle_print huge = print_at(4, INT64_MAX, UINT64_MAX / 2);
    candle full = candle_of(&huge, 1);
    candle_print again = huge;
    again.at.seq++;
    EXPECT(candle_add(&full, &again)); /* still below 2^127 */
    again.quantity = 2;
    EXPECT(!candle_add(&full, &again)); /* the volume is not below 2^64 */
}

TEST(candle, a_print_taken_back_leaves_the_sums_exact_and_says_whether_the_prices_are) {
    const candle_print prints[] = {print_at(1, 100, 5), print_at(2, 130, 1), print_at(3, 90, 2),
                                   print_at(4, 110, 7), print_at(5, 105, 1)};
    static const bool stand[] = {false, false, false, true, false}; /* open, high, low, inside, close */
    for (int i = 0; i < 5; i++) {
        candle c = candle_of(prints, 5);
        EXPECT(candle_remove(&c, &prints[i]) == stand[i]);
        EXPECT_U64(c.count, 4);
        EXPECT_U64(c.volume, 16 - prints[i].quantity);
        EXPECT((int64_t)c.turnover == 500 + 130 + 180 + 770 + 105 - prints[i].price * (int64_t)prints[i].quantity);
    }
}
