/* Lists, maps and pools of small numbers: tables first, then random play beside the simplest thing that could work. */
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/text.h"
#include "tests/unit.h"

TEST(list, what_goes_in_first_comes_out_first_and_lists_share_one_array) {
    uint32_t next[8];
    tw_list even, odd;
    tw_list_init(&even);
    tw_list_init(&odd);
    for (uint32_t i = 0; i < 8; i++)
        tw_list_push(i % 2 == 0 ? &even : &odd, next, i);
    for (uint32_t i = 0; i < 8; i += 2)
        EXPECT_U64(tw_list_pop(&even, next), i);
    EXPECT_U64(tw_list_pop(&even, next), TW_LIST_NONE);
    tw_list_push(&even, next, 4);
    EXPECT_U64(tw_list_pop(&odd, next), 1);
    EXPECT_U64(tw_list_pop(&even, next), 4);
}

TEST(pool, places_are_given_out_once_until_they_come_back) {
    tw_pool pool;
    EXPECT(tw_pool_init(&pool, 3));
    EXPECT_U64(tw_pool_take(&pool), 0);
    EXPECT_U64(tw_pool_take(&pool), 1);
    EXPECT_U64(tw_pool_take(&pool), 2);
    EXPECT(tw_pool_full(&pool));
    EXPECT_U64(tw_pool_take(&pool), TW_POOL_NONE);
    tw_pool_give(&pool, 1);
    EXPECT_U64(tw_pool_take(&pool), 1); /* used last, given out next */
    tw_pool_clear(&pool);
    EXPECT_U64(tw_pool_take(&pool), 0);
    tw_pool_fini(&pool);
}

typedef struct words {
    char text[64][4];
} words;

static const char *word(const void *context, uint32_t number) {
    return ((const words *)context)->text[number];
}

static words sixty_four_words(void) {
    words made;
    for (uint32_t i = 0; i < 64; i++)
        tw_text_format(made.text[i], sizeof made.text[i], "w%u", i);
    return made;
}

TEST(map, it_is_full_at_its_capacity_and_not_before) {
    words all = sixty_four_words();
    tw_map map;
    EXPECT(tw_map_init(&map, 2, word, &all));
    EXPECT(tw_map_add(&map, 7));
    EXPECT(tw_map_add(&map, 9));
    EXPECT(!tw_map_add(&map, 11));
    EXPECT_U64(tw_map_find(&map, "w9"), 9);
    EXPECT_U64(tw_map_find(&map, "w11"), TW_MAP_NONE);
    tw_map_remove(&map, "w7");
    tw_map_remove(&map, "w7"); /* not in: nothing happens */
    EXPECT(tw_map_add(&map, 11));
    tw_map_clear(&map);
    EXPECT_U64(tw_map_find(&map, "w9"), TW_MAP_NONE);
    tw_map_fini(&map);
}

TEST(map, after_any_additions_and_removals_exactly_what_is_in_is_found) {
    words all = sixty_four_words();
    for (uint64_t seed = 1; seed <= 50; seed++) {
        tw_random random;
        tw_random_seed(&random, seed);
        tw_map map;
        bool in[64] = {false};
        EXPECT(tw_map_init(&map, 64, word, &all)); /* at most half of the slots: long runs are made by chance */
        for (int step = 0; step < 400; step++) {
            uint32_t number = (uint32_t)tw_random_below(&random, 64);
            if (in[number])
                tw_map_remove(&map, all.text[number]);
            else
                EXPECT(tw_map_add(&map, number));
            in[number] = !in[number];
            for (uint32_t i = 0; i < 64; i++)
                EXPECT_MSG(tw_map_find(&map, all.text[i]) == (in[i] ? i : TW_MAP_NONE), "seed %d, step %d, w%u",
                           (int)seed, step, i);
        }
        tw_map_fini(&map);
    }
}
