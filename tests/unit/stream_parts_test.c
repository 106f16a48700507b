/* The stream's small parts: patterns, the ring of frames, the queue of what is due, numbered items. */
#include "base/random.h"
#include "gateways/stream/due.h"
#include "gateways/stream/frame_log.h"
#include "gateways/stream/pattern.h"
#include "gateways/stream/slab.h"
#include "tests/unit.h"

TEST(stream_pattern, two_patterns_overlap_where_some_subject_matches_both) {
    static const struct {
        const char *a, *b;
        bool overlap;
    } table[] = {
        {"XNAS.AAPL.quote", "XNAS.AAPL.quote", true},
        {"XNAS.AAPL.quote", "XNAS.AAPL.trade", false},
        {"XNAS.*.quote", "*.AAPL.*", true},
        {"XNAS.>", "*.*.quote", true},
        {">", "feed.XNAS.0.status", true},
        {"XNAS.>", "XLON.>", false},
        {"XNAS.>", "XNAS", false},
        {"XNAS.*", "XNAS.AAPL.quote", false},
        {"*.*.*", "feed.XNAS.0.status", false},
        {"XNAS.AAPL.>", "XNAS.*.*", true},
        {"XNAS.AAPL.quote.>", "XNAS.*.*", false},
        {"", "XNAS.>", false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        EXPECT_MSG(pattern_overlaps(table[i].a, table[i].b) == table[i].overlap, "%s and %s", table[i].a,
                   table[i].b);
        EXPECT_MSG(pattern_overlaps(table[i].b, table[i].a) == table[i].overlap, "%s and %s", table[i].b,
                   table[i].a);
    }
}

/* For a concrete subject, overlapping is matching: one function answers what is wanted and what is allowed. */
TEST(stream_pattern, overlap_of_a_concrete_subject_is_a_match_by_the_rules_of_the_bus) {
    static const char *const tokens[] = {"XNAS", "A", "quote", "*", ">"};
    tw_random random;
    tw_random_seed(&random, 7);
    for (int i = 0; i < 20000; i++) {
        char texts[2][64] = {"", ""};
        for (int k = 0; k < 2; k++)
            for (uint64_t n = 0, count = 1 + tw_random_below(&random, 4); n < count; n++) {
                const char *token = tokens[tw_random_below(&random, k == 0 ? 5 : 3)];
                if (token[0] == '>' && n + 1 < count) token = "*";
                size_t used = strlen(texts[k]);
                snprintf(texts[k] + used, sizeof texts[k] - used, "%s%s", n == 0 ? "" : ".", token);
            }
        EXPECT_MSG(pattern_overlaps(texts[0], texts[1]) == subject_matches(texts[0], texts[1]), "%s and %s",
                   texts[0], texts[1]);
    }
}

TEST(stream_pattern, what_a_pattern_reaches_is_what_is_asked_of_the_bus) {
    enum { BOOK = 1 << SUBJECT_ORDERBOOK, QUOTE = 1 << SUBJECT_QUOTE };
    const uint32_t candles = 0x1fu << SUBJECT_CANDLE_1S, nbbo = 1u << SUBJECT_NBBO;
    const uint32_t all =
        BOOK | QUOTE | 1u << SUBJECT_TRADE | 1u << SUBJECT_STATUS | 1u << SUBJECT_IMBALANCE | candles;
    const struct {
        const char *text, *mic;
        uint32_t channels;
    } table[] = {{"XNAS.AAPL.orderbook", "XNAS", BOOK},
                 {"XNAS.*.quote", "XNAS", QUOTE},
                 {"*.AAPL.quote", "", QUOTE},
                 {"XNAS.>", "XNAS", all},
                 {">", "", all | nbbo},
                 {"XNAS.AAPL.candle.1m", "XNAS", 1u << SUBJECT_CANDLE_1M},
                 {"XNAS.*.candle.*", "XNAS", candles},
                 {"XNAS.*.nbbo", "", 0},
                 {"agg.>", "agg", candles | nbbo},
                 {"agg.*.nbbo", "agg", nbbo},
                 {"agg.AAPL.*", "agg", nbbo},
                 {"agg.AAPL.quote", "", 0},
                 {"*.*.candle.1d", "", 1u << SUBJECT_CANDLE_1D},
                 {"feed.>", "", 0},
                 {"feed.XNAS.0.status", "", 0},
                 {"XNAS.*", "XNAS", 0}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        pattern_reach reach = pattern_reach_of(table[i].text);
        EXPECT_MSG(reach.channels == table[i].channels, "%s reaches %x", table[i].text, reach.channels);
        if (reach.channels != 0) EXPECT_STR(reach.mic, table[i].mic);
    }
}

/* ---- frames ---- */

static uint8_t byte_of(uint64_t frame, uint32_t i) {
    return (uint8_t)(frame * 31 + i);
}

static void check_run(const frame_log *log, uint64_t frame, size_t most) {
    size_t length, total = 0;
    uint32_t count = frame_log_run(log, frame, most, &length);
    const uint8_t *at = log->bytes + frame_log_note(log, frame)->offset;
    EXPECT(count > 0 && frame + count <= log->end);
    for (uint64_t n = frame; n < frame + count; n++)
        for (uint32_t i = 0; i < frame_log_note(log, n)->length; i++)
            EXPECT_U64(at[total++], byte_of(n, i));
    EXPECT_U64(total, length);
    EXPECT(length <= most || count == 1);
}

static void fill(uint64_t seed, frame_log_bounds bounds, uint32_t longest) {
    int64_t budget = bounds.budget;
    frame_log log = {0};
    tw_random random;
    static uint8_t frame[5000];
    tw_random_seed(&random, seed);
    for (uint64_t n = 0; n < 3000; n++) {
        uint32_t length = 1 + (uint32_t)tw_random_below(&random, longest);
        for (uint32_t i = 0; i < length; i++)
            frame[i] = byte_of(n, i);
        const frame_note note = {.seq = n};
        EXPECT(frame_log_append(&log, &bounds, frame, length, &note));
        EXPECT_U64(log.end, n + 1);
        EXPECT(log.first <= n && log.end - log.first <= bounds.frames);
        EXPECT(log.byte_capacity <= bounds.bytes || log.byte_capacity <= 2 * longest || log.byte_capacity == 512);
        for (int k = 0; k < 3; k++)
            check_run(&log, log.first + tw_random_below(&random, log.end - log.first),
                      1 + tw_random_below(&random, 4 * longest));
    }
    frame_log_fini(&log, &bounds);
    EXPECT_I64(bounds.budget, budget);
}

TEST(stream_frames, what_is_held_is_whole_and_in_pieces_that_are_one_after_the_other) {
    for (uint64_t seed = 1; seed < 6; seed++) {
        fill(seed, (frame_log_bounds){.frames = 1000, .bytes = 1u << 20, .budget = 1 << 24}, 300);
        fill(seed, (frame_log_bounds){.frames = 7, .bytes = 1u << 20, .budget = 1 << 24}, 300);
        fill(seed, (frame_log_bounds){.frames = 1000, .bytes = 4096, .budget = 1 << 24}, 1000);
        fill(seed, (frame_log_bounds){.frames = 1, .bytes = 1, .budget = 0}, 5000); /* one always fits */
    }
}

/* ---- what is due ---- */

enum { ITEMS = 64 };
static uint32_t places[ITEMS];

static uint32_t *place_of(void *context, uint32_t item) {
    (void)context;
    return &places[item];
}

TEST(stream_due, items_come_out_by_time_and_can_be_taken_out_of_the_middle) {
    due_heap heap;
    int64_t times[ITEMS] = {0};
    tw_random random;
    tw_random_seed(&random, 3);
    due_init(&heap, place_of, NULL);
    for (int i = 0; i < 20000; i++) {
        uint32_t item = (uint32_t)tw_random_below(&random, ITEMS), first;
        if (places[item] == DUE_NOT) {
            times[item] = 1 + (int64_t)tw_random_below(&random, 1000);
            EXPECT(due_add(&heap, item, times[item]));
        } else {
            due_remove(&heap, item);
            EXPECT_U64(places[item], DUE_NOT);
        }
        due_remove(&heap, item == 0 ? 1 : 0); /* in or not */
        int64_t least = INT64_MAX;
        for (uint32_t k = 0; k < ITEMS; k++)
            if (places[k] != DUE_NOT && times[k] < least) least = times[k];
        EXPECT_I64(due_next_ns(&heap), least);
        EXPECT(due_first(&heap, least, &first) == (heap.count > 0));
        if (heap.count > 0) {
            EXPECT_I64(times[first], least);
            EXPECT(!due_first(&heap, least - 1, &first));
        }
    }
    due_fini(&heap);
}

TEST(stream_slab, items_never_move_and_are_given_out_again_empty) {
    slab items;
    EXPECT(slab_init(&items, sizeof(uint64_t), 1000));
    uint64_t *first = slab_at(&items, slab_take(&items));
    *first = 7;
    for (uint32_t i = 1; i < 1000; i++)
        EXPECT_U64(slab_take(&items), i);
    EXPECT_U64(slab_take(&items), SLAB_NONE);
    EXPECT(first == slab_at(&items, 0) && *first == 7);
    for (uint32_t i = 0; i < 1000; i++)
        slab_give(&items, i);
    EXPECT_U64(items.count, 0);
    for (uint32_t i = 0; i < 1000; i++)
        EXPECT_U64(*(uint64_t *)slab_at(&items, slab_take(&items)), 0);
    slab_fini(&items);
}
