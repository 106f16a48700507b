/* Where symbols live: whole when all chunks are read, until a change is missed. */
#include "base/text.h"
#include "gateways/orders/directory.h"
#include "tests/unit.h"

static wire_instrument_list list_of(wire_instrument *one, const char *symbol, int32_t exponent, uint64_t version) {
    *one = (wire_instrument){.shard = 3, .instrument = {.price_exponent = exponent}};
    tw_text_copy(one->instrument.symbol, sizeof one->instrument.symbol, symbol);
    return (wire_instrument_list){.partition = 3,
                                  .version = version,
                                  .publish_ns = TW_TIME_ABSENT,
                                  .instrument_count = 1,
                                  .instruments = one};
}

TEST(orders_directory, a_list_is_whole_after_its_last_chunk_and_until_a_change_is_missed) {
    order_directory *d = order_directory_alloc(8);
    wire_instrument one;
    wire_instrument_list list = list_of(&one, "A", -2, 7);
    order_directory_take(d, &list);
    EXPECT(order_directory_find(d, "A") != NULL && !order_directory_is_whole(d, 3));
    list = list_of(&one, "B", -4, 7);
    list.chunk = 1;
    list.last = true;
    order_directory_take(d, &list);
    EXPECT(order_directory_is_whole(d, 3) && !order_directory_is_whole(d, 1));
    EXPECT_U64(order_directory_shards(d), 3);
    list.partitions = 5; /* two of which nothing else is known */
    order_directory_take(d, &list);
    EXPECT_U64(order_directory_shards(d), 5);
    EXPECT(!order_directory_is_whole(d, 4));
    list.partitions = ORDER_MOST_SHARDS + 1;
    order_directory_take(d, &list);
    EXPECT_U64(order_directory_shards(d), 5);
    list = list_of(&one, "C", -2, 8); /* a change */
    list.publish_ns = 1;
    list.prev_version = 7;
    order_directory_take(d, &list);
    EXPECT(order_directory_is_whole(d, 3));
    EXPECT_I64(order_directory_find(d, "C")->price_exponent, -2);
    list.version = 10;
    list.prev_version = 9; /* 8 to 9 is missing */
    order_directory_take(d, &list);
    EXPECT(!order_directory_is_whole(d, 3));
    EXPECT(order_directory_find(d, "D") == NULL);
    EXPECT_U64(order_directory_find(d, "B")->shard, 3);
    order_directory_free(d);
}

TEST(orders_directory, what_there_is_no_room_for_is_counted_and_a_refusal_changes_nothing) {
    order_directory *d = order_directory_alloc(1);
    wire_instrument one;
    wire_instrument_list list = list_of(&one, "A", -2, 1);
    order_directory_take(d, &list);
    list = list_of(&one, "B", -2, 1);
    order_directory_take(d, &list);
    list = list_of(&one, "A", -4, 1);
    list.code = WIRE_REPLY_BUSY;
    order_directory_take(d, &list);
    EXPECT(order_directory_find(d, "B") == NULL);
    EXPECT_I64(order_directory_find(d, "A")->price_exponent, -2);
    EXPECT_U64(order_directory_read_stats(d).left_out, 1);
    order_directory_free(d);
}
