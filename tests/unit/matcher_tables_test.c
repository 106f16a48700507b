/* The engine's own tables, alone and larger than the scenarios make them: the map of ids while it grows, ladders of many pages. */
#include "base/random.h"
#include "matcher/core/id_map.h"
#include "matcher/core/ladder.h"
#include "tests/unit.h"

typedef struct row {
    uint64_t id;
} row;

TEST(matcher_tables, an_id_is_found_while_the_map_grows_and_after_it_was_removed_it_is_not) {
    enum { ROWS = 50000, STEPS = 400000 };
    row *rows = calloc(ROWS + 1, sizeof *rows);
    id_map map;
    EXPECT(rows != NULL && id_map_init(&map, ROWS));
    tw_random random;
    tw_random_seed(&random, 11);
    uint32_t used = 0, most = 0;
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t at = 1 + (uint32_t)tw_random_below(&random, step < STEPS / 2 ? ROWS : ROWS / 50);
        uint64_t id = rows[at].id;
        if (id == 0) { /* neighbours, and numbers that differ in high bits only */
            id = tw_random_chance(&random, 1, 2) ? (uint64_t)step + 1 : (uint64_t)(step + 1) << 40;
            EXPECT_U64(id_map_find(&map, rows, sizeof *rows, id), 0);
            rows[at].id = id;
            id_map_add(&map, id, at);
            used++;
        } else {
            EXPECT_U64(id_map_find(&map, rows, sizeof *rows, id), at);
            id_map_remove(&map, id, at);
            rows[at].id = 0;
            EXPECT_U64(id_map_find(&map, rows, sizeof *rows, id), 0);
            used--;
        }
        if (used > most) most = used;
        EXPECT_U64(map.count, used);
        if (step % 20000 != 0) continue;
        for (uint32_t i = 1; i <= ROWS; i++)
            if (rows[i].id != 0) EXPECT_U64(id_map_find(&map, rows, sizeof *rows, rows[i].id), i);
    }
    EXPECT(most > 20000);
    id_map_clear(&map);
    EXPECT_U64(id_map_find(&map, rows, sizeof *rows, rows[1].id), 0);
    id_map_fini(&map);
    free(rows);
}

TEST(matcher_tables, the_map_takes_as_many_ids_as_it_was_made_for) {
    enum { ROWS = 20000 };
    row *rows = calloc(ROWS + 1, sizeof *rows);
    id_map map;
    EXPECT(rows != NULL && id_map_init(&map, ROWS));
    for (uint32_t i = 1; i <= ROWS; i++) {
        rows[i].id = i * 7;
        id_map_add(&map, rows[i].id, i);
    }
    for (uint32_t i = 1; i <= ROWS; i++)
        EXPECT_U64(id_map_find(&map, rows, sizeof *rows, rows[i].id), i);
    id_map_fini(&map);
    free(rows);
}

enum { KEYS = 4000, STRIDE = 37 };

/* Key i of the naive side is there: keys from below zero to above it, so far apart that most have a page of their own. */
static int64_t key_of(uint32_t i) {
    return ((int64_t)i - KEYS / 2) * STRIDE;
}

static void compare(const ladder_room *room, const ladder *side, const bool *there, const uint32_t *levels) {
    uint32_t at = side->best_level, seen = 0;
    EXPECT(ladder_check(room, side));
    for (uint32_t i = KEYS; i-- > 0;) {
        EXPECT_U64(ladder_find(room, side, key_of(i)), there[i] ? levels[i] : NO_LEVEL);
        if (!there[i]) continue;
        EXPECT_U64(at, levels[i]);
        if (seen++ == 0) EXPECT_I64(side->best, key_of(i));
        EXPECT_I64(ladder_key_of(room, at), key_of(i));
        at = ladder_next(room, side, at);
    }
    EXPECT_U64(at, NO_LEVEL);
}

TEST(matcher_tables, a_ladder_knows_its_best_and_every_next_level_whatever_comes_and_goes) {
    ladder_room room;
    ladder side;
    static bool there[KEYS];
    static uint32_t levels[KEYS];
    EXPECT(ladder_room_init(&room, KEYS));
    ladder_init(&side);
    memset(there, 0, sizeof there);
    tw_random random;
    tw_random_seed(&random, 12);
    for (uint32_t step = 0; step < 40000; step++) {
        uint32_t i = (uint32_t)tw_random_below(&random, step % 8000 < 5000 ? KEYS : KEYS / 20);
        if (step % 8000 >= 6000 && side.best != NO_KEY)
            i = (uint32_t)(side.best / STRIDE + KEYS / 2); /* the best goes */
        if (there[i]) {
            *ladder_at(&room, levels[i]) = (ladder_level){0};
            ladder_close(&room, &side, levels[i]);
        } else {
            EXPECT(ladder_has_room(&room, &side, key_of(i)));
            levels[i] = ladder_open(&room, &side, key_of(i));
            EXPECT(levels[i] != NO_LEVEL);
            ladder_at(&room, levels[i])->orders = 1;
            EXPECT_U64(ladder_open(&room, &side, key_of(i)), levels[i]);
        }
        there[i] = !there[i];
        if (step % 500 == 0) compare(&room, &side, there, levels);
    }
    compare(&room, &side, there, levels);
    ladder_room_fini(&room);
}

/* The best first, the worst first, every third, by chance. */
static uint32_t pick(tw_random *random, unsigned order, uint32_t step) {
    switch (order) {
    case 0:
        return KEYS - 1 - step;
    case 1:
        return step;
    case 2:
        return (uint32_t)((uint64_t)step * 1601 % KEYS);
    default:
        return (uint32_t)tw_random_below(random, KEYS);
    }
}

TEST(matcher_tables, a_ladder_that_is_filled_and_emptied_in_any_order_gives_back_what_it_took) {
    ladder_room room;
    ladder side;
    static bool there[KEYS];
    static uint32_t levels[KEYS];
    tw_random random;
    tw_random_seed(&random, 34);
    EXPECT(ladder_room_init(&room, KEYS));
    ladder_init(&side);
    memset(there, 0, sizeof there);
    for (unsigned orders = 0; orders < 16; orders++) {
        for (uint32_t step = 0; step < KEYS; step++) {
            uint32_t i = pick(&random, orders % 4, step);
            if (there[i]) continue;
            levels[i] = ladder_open(&room, &side, key_of(i));
            ladder_at(&room, levels[i])->orders = 1;
            there[i] = true;
            if (step % 1000 == 999) compare(&room, &side, there, levels);
        }
        for (uint32_t step = 0; step < 8 * KEYS; step++) {
            uint32_t i = pick(&random, step < 4 * KEYS ? orders / 4 : 1, step % KEYS);
            if (!there[i]) continue;
            *ladder_at(&room, levels[i]) = (ladder_level){0};
            ladder_close(&room, &side, levels[i]);
            there[i] = false;
            if (step % 500 == 499) compare(&room, &side, there, levels);
        }
        compare(&room, &side, there, levels);
        EXPECT(side.best == NO_KEY && room.live == 0 && room.arena.used_units == 0);
    }
    ladder_room_fini(&room);
}

TEST(matcher_tables, a_ladder_without_a_free_page_says_so_and_stays_as_it_was) {
    ladder_room room;
    ladder side;
    EXPECT(ladder_room_init(&room, 2));
    ladder_init(&side);
    uint32_t first = ladder_open(&room, &side, 0);
    ladder_at(&room, first)->orders = 1;
    uint32_t second = ladder_open(&room, &side, 1000);
    ladder_at(&room, second)->orders = 1;
    EXPECT(first != NO_LEVEL && second != NO_LEVEL);
    EXPECT(!ladder_has_room(&room, &side, 500) && ladder_has_room(&room, &side, 1001));
    EXPECT_U64(ladder_open(&room, &side, 500), NO_LEVEL);
    EXPECT(ladder_check(&room, &side));
    *ladder_at(&room, first) = (ladder_level){0};
    ladder_close(&room, &side, first);
    EXPECT(ladder_open(&room, &side, 500) != NO_LEVEL);
    ladder_room_fini(&room);
}
