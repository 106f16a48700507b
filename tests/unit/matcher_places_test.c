/* Names of a shard's streams. */
#include "matcher/wire/places.h"
#include "tests/unit.h"

TEST(matcher_places, a_shard_has_three_streams_named_after_it) {
    static const struct {
        mw_stream stream;
        const char *name;
        uint32_t subjects;
        const char *first;
        bool journal;
    } rows[] = {
        {MW_STREAM_ORDERS, "TWEX-orders-3", 3, "orders.TWEX.3.>", true},
        {MW_STREAM_EXECLOG, "TWEX-execlog-3", 1, "execlog.TWEX.3", true},
        {MW_STREAM_SNAPSHOTS, "TWEX-snapshots-3", 1, "venuesnapshot.TWEX.3", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_place place;
        EXPECT(mw_place_of(&place, rows[i].stream, "TWEX", 3));
        EXPECT_STR(place.name, rows[i].name);
        EXPECT_U64(place.subject_count, rows[i].subjects);
        EXPECT_STR(place.subjects[0], rows[i].first);
        EXPECT(place.journal == rows[i].journal);
    }
}

TEST(matcher_places, the_order_stream_takes_orders_batches_and_control_of_its_shard_only) {
    mw_place place;
    EXPECT(mw_place_of(&place, MW_STREAM_ORDERS, "TWEX", 1));
    EXPECT(subject_matches(place.subjects[0], "orders.TWEX.1.ann.AAPL"));
    EXPECT(!subject_matches(place.subjects[0], "orders.TWEX.11.ann.AAPL"));
    EXPECT_STR(place.subjects[1], "orderbatch.TWEX.1");
    EXPECT_STR(place.subjects[2], "control.TWEX.1");
}

TEST(matcher_places, there_is_no_stream_without_an_exchange_or_a_shard) {
    mw_place place;
    char name[MW_STREAM_NAME_BYTES];
    EXPECT(!mw_place_of(&place, MW_STREAM_ORDERS, "TWEX", 0));
    EXPECT(!mw_place_of(&place, MW_STREAM_ORDERS, "tw ex", 1));
    EXPECT(!mw_place_of(&place, MW_STREAM_ORDERS, "", 1));
    EXPECT(!mw_stream_name(name, 8, MW_STREAM_ORDERS, "TWEX", 1));
}
