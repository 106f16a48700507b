/* The vectors were worked out by another program, from the words of shard.h. */
#include "base/market.h"
#include "base/text.h"
#include "proto/shard.h"
#include "tests/unit.h"

static const uint32_t shard_counts[] = {1, 2, 3, 4, 8, 16, 64};
#define COUNTS (sizeof shard_counts / sizeof *shard_counts)

static const struct {
    const char *symbol;
    uint32_t shard[COUNTS];
} vectors[] = {
    {"AAPL", {1, 1, 3, 3, 3, 3, 44}},     {"MSFT", {1, 2, 2, 4, 4, 14, 27}},
    {"BRK.B", {1, 1, 1, 1, 6, 9, 9}},     {"TSLA", {1, 1, 1, 4, 8, 8, 52}},
    {"GOOG", {1, 2, 2, 2, 5, 5, 30}},     {"", {1, 1, 1, 1, 6, 6, 62}},
    {"\xc3\x9c", {1, 1, 1, 4, 7, 7, 26}}, {"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", {1, 2, 2, 2, 2, 2, 2}},
};

TEST(shard, a_symbol_is_where_it_has_always_been) {
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        for (size_t j = 0; j < COUNTS; j++)
            EXPECT_U64(shard_of_symbol(vectors[i].symbol, shard_counts[j]), vectors[i].shard[j]);
}

TEST(shard, without_shards_there_is_none) {
    EXPECT_U64(shard_of_symbol("AAPL", 0), 0);
}

#define SYMBOLS 20000u

static uint32_t shard_of_number(uint32_t number, uint32_t shards) {
    char symbol[TW_SYMBOL_BYTES];
    tw_text_format(symbol, sizeof symbol, "S%u", number);
    return shard_of_symbol(symbol, shards);
}

TEST(shard, every_shard_has_its_part_of_the_symbols) {
    for (uint32_t shards = 2; shards <= 12; shards++) {
        uint32_t held[13] = {0};
        for (uint32_t i = 0; i < SYMBOLS; i++)
            held[shard_of_number(i, shards)]++;
        for (uint32_t shard = 1; shard <= shards; shard++) {
            EXPECT(held[shard] > SYMBOLS / shards * 9 / 10);
            EXPECT(held[shard] < SYMBOLS / shards * 11 / 10);
        }
    }
}

TEST(shard, a_shard_more_takes_one_of_n_symbols_and_the_others_stay) {
    for (uint32_t shards = 1; shards < 12; shards++) {
        uint32_t moved = 0;
        for (uint32_t i = 0; i < SYMBOLS; i++) {
            uint32_t before = shard_of_number(i, shards), after = shard_of_number(i, shards + 1);
            if (before == after) continue;
            EXPECT_U64(after, shards + 1);
            moved++;
        }
        EXPECT(moved > SYMBOLS / (shards + 1) * 9 / 10);
        EXPECT(moved < SYMBOLS / (shards + 1) * 11 / 10);
    }
}
