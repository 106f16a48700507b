/* A restored engine is the engine that was saved: the same reports to the same commands, the same hash, the same bytes. */
#include "matcher/core/snapshot.h"

#include "tests/matcher/crowd.h"
#include "tests/matcher/venue.h"
#include "tests/support/shelf.h"
#include "tests/unit.h"

enum { REPORTS = 16384 };

static void take_nothing(mx_sink *sink, void *context) {
    (void)context;
    sink->count = 0;
}

static mx_engine *engine_of(const mx_bounds *bounds) {
    mx_engine *engine = NULL;
    tw_error error = {0};
    EXPECT_MSG(mx_engine_alloc(&engine, bounds, &error) == TW_OK, "%s", error.text);
    return engine;
}

static void save(const mx_engine *engine, shelf *s) {
    tw_error error = {0};
    s->length = s->at = 0;
    EXPECT_MSG(mx_snapshot_write(engine, shelf_keep, s, &error) == TW_OK, "%s", error.text);
}

static void load(mx_engine *engine, shelf *s) {
    tw_error error = {0};
    s->at = 0;
    EXPECT_MSG(mx_snapshot_read(engine, shelf_fetch, s, &error) == TW_OK, "%s", error.text);
    EXPECT_U64(s->at, s->length);
    EXPECT_MSG(mx_engine_check(engine, &error), "%s", error.text);
}

static mx_bounds other_bounds(void) {
    mx_bounds bounds = venue_bounds;
    bounds.max_orders += 1000;
    bounds.max_positions = 100;
    bounds.max_pages += 77;
    bounds.max_client_ids *= 2;
    return bounds;
}

/* An engine in the middle of things: what a seeded crowd made of it. The crowd goes on where it is. */
static mx_engine *lived_within(crowd *people, uint64_t seed, unsigned commands, uint32_t max_reports) {
    mx_engine *engine = engine_of(&venue_bounds);
    static mx_report reports[64];
    mx_sink sink = {.reports = reports, .capacity = 64, .full = take_nothing};
    crowd_init(people, seed);
    people->manner.bounds = max_reports;
    for (unsigned i = 0; i < commands; i++) {
        mx_input input;
        mx_command command;
        crowd_next(people, &input, &command);
        mx_apply(engine, &input, &command, &sink);
    }
    return engine;
}

static mx_engine *lived(crowd *people, uint64_t seed, unsigned commands) {
    return lived_within(people, seed, commands, 0);
}

TEST(matcher_snapshot, a_restored_engine_goes_on_as_the_saved_one_would) {
    mx_bounds bounds = other_bounds();
    mx_report *ours = calloc(REPORTS, sizeof *ours), *theirs = calloc(REPORTS, sizeof *theirs);
    EXPECT(ours != NULL && theirs != NULL);
    shelf saved = {0}, again = {0};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        crowd people;
        /* with few reports, stops are held in many */
        mx_engine *first = lived_within(&people, seed, (unsigned)(50 + seed * 67), seed % 2 == 0 ? 0 : 6),
                  *second = engine_of(&bounds);
        save(first, &saved);
        load(second, &saved);
        EXPECT_U64(mx_state_hash(second), mx_state_hash(first));
        save(second, &again);
        EXPECT(again.length == saved.length && memcmp(again.bytes, saved.bytes, saved.length) == 0);
        for (unsigned i = 0; i < 1500; i++) {
            mx_input input;
            mx_command command;
            mx_sink a = {.reports = ours, .capacity = REPORTS, .full = take_nothing};
            mx_sink b = {.reports = theirs, .capacity = REPORTS, .full = take_nothing};
            crowd_next(&people, &input, &command);
            mx_apply(first, &input, &command, &a);
            mx_apply(second, &input, &command, &b);
            EXPECT_MSG(a.count == b.count && memcmp(ours, theirs, a.count * sizeof *ours) == 0,
                       "seed %" PRIu64 ": reports differ %u commands after the restart", seed, i);
            if (i % 100 == 0) EXPECT_U64(mx_state_hash(second), mx_state_hash(first));
        }
        EXPECT_U64(mx_state_hash(second), mx_state_hash(first));
        mx_engine_free(first);
        mx_engine_free(second);
    }
    free(saved.bytes);
    free(again.bytes);
    free(ours);
    free(theirs);
}

TEST(matcher_snapshot, every_command_that_changes_something_changes_the_hash) {
    crowd people;
    mx_engine *engine = lived(&people, 5, 500);
    mx_report reports[64];
    mx_sink sink = {.reports = reports, .capacity = 64, .full = take_nothing};
    uint64_t before = mx_state_hash(engine);
    EXPECT_U64(mx_state_hash(engine), before);
    for (unsigned i = 0; i < 300; i++) {
        mx_input input;
        mx_command command;
        crowd_next(&people, &input, &command);
        mx_apply(engine, &input, &command, &sink);
        uint64_t after = mx_state_hash(engine);
        EXPECT(after != before); /* at least the number of reports is another */
        before = after;
    }
    mx_engine_free(engine);
}

static void refused(mx_engine *engine, shelf *s, tw_code expected, const char *part) {
    tw_error error = {0};
    s->at = 0;
    tw_code code = mx_snapshot_read(engine, shelf_fetch, s, &error);
    EXPECT_STR(tw_code_name(code), tw_code_name(expected));
    EXPECT_CONTAINS(error.text, part);
    EXPECT_U64(mx_open_orders(engine) + mx_accounts(engine) + mx_instruments(engine) + mx_seq(engine), 0);
    EXPECT_MSG(mx_engine_check(engine, &error), "%s", error.text);
}

TEST(matcher_snapshot, what_is_no_whole_snapshot_is_refused_and_leaves_an_empty_engine) {
    crowd people;
    mx_engine *first = lived(&people, 9, 2000), *second = engine_of(&venue_bounds);
    shelf saved = {0};
    save(first, &saved);
    size_t length = saved.length;
    for (size_t cut = 0; cut < length; cut += cut < 64 ? 1 : 997) {
        saved.length = cut;
        refused(second, &saved, TW_TRUNCATED, "ends too early");
    }
    saved.length = length;
    tw_random random;
    tw_random_seed(&random, 3);
    for (unsigned i = 0; i < 400; i++) { /* one bit anywhere */
        size_t at = tw_random_below(&random, length);
        uint8_t bit = (uint8_t)(1 << tw_random_below(&random, 8));
        tw_error error = {0};
        saved.bytes[at] ^= bit;
        saved.at = 0;
        EXPECT_MSG(mx_snapshot_read(second, shelf_fetch, &saved, &error) != TW_OK,
                   "a bit of byte %zu does not matter", at);
        EXPECT_U64(mx_open_orders(second), 0);
        saved.bytes[at] ^= bit;
    }
    saved.bytes[8] = 99;
    refused(second, &saved, TW_UNSUPPORTED, "of version 99, this program reads 5");
    saved.bytes[8] = MX_SNAPSHOT_VERSION;
    load(second, &saved);
    EXPECT_U64(mx_state_hash(second), mx_state_hash(first));
    mx_engine_free(first);
    mx_engine_free(second);
    free(saved.bytes);
}

TEST(matcher_snapshot, a_snapshot_of_another_shard_or_one_that_does_not_fit_is_refused) {
    crowd people;
    mx_engine *first = lived(&people, 9, 3000);
    shelf saved = {0};
    save(first, &saved);
    mx_bounds bounds = venue_bounds;
    bounds.shard++;
    mx_engine *second = engine_of(&bounds);
    refused(second, &saved, TW_INVALID, "another shard");
    mx_engine_free(second);
    bounds = venue_bounds;
    bounds.max_positions = 1;
    second = engine_of(&bounds);
    bounds.max_orders = 2;
    mx_engine_free(second);
    second = engine_of(&bounds);
    refused(second, &saved, TW_FULL, "it needs --max-positions ");
    refused(second, &saved, TW_FULL, " (this process has 1), --max-orders ");
    refused(second, &saved, TW_FULL, " (this process has 2)");
    mx_engine_free(second);
    mx_engine_free(first);
    free(saved.bytes);
}

TEST(matcher_snapshot, a_place_that_can_not_take_it_is_said) {
    crowd people;
    mx_engine *engine = lived(&people, 9, 3000);
    shelf saved = {.most = 100};
    tw_error error = {0};
    EXPECT(mx_snapshot_write(engine, shelf_keep, &saved, &error) == TW_IO);
    mx_engine_free(engine);
    free(saved.bytes);
}
