/* Where in execlog to begin: by halving, over streams of any shape. */
#include "base/random.h"
#include "gateways/orders/log_search.h"
#include "tests/unit.h"

#define MOST 300

typedef struct log_stream {
    uint64_t first, count;
    uint64_t last_input[MOST]; /* by message */
    int64_t stored_ns[MOST];
} log_stream;

static uint64_t find(const log_stream *l, uint64_t input, int64_t earliest_ns, uint32_t *looks) {
    log_search search;
    uint64_t probe;
    log_search_begin(&search, l->first, l->first + l->count - 1, input, earliest_ns);
    for (*looks = 0; (probe = log_search_probe(&search)) != 0; ++*looks) {
        EXPECT(probe >= l->first && probe < l->first + l->count);
        log_search_take(&search, l->last_input[probe - l->first], l->stored_ns[probe - l->first]);
    }
    return search.low;
}

static uint64_t find_plainly(const log_stream *l, uint64_t input, int64_t earliest_ns) {
    uint64_t i = 0;
    while (i < l->count && (l->last_input[i] < input || l->stored_ns[i] < earliest_ns))
        i++;
    return l->first + i;
}

TEST(orders_log_search, the_first_message_that_says_anything_of_the_input_is_found_wherever_it_is) {
    for (uint64_t seed = 1; seed <= 300; seed++) {
        tw_random random;
        log_stream l = {0};
        uint64_t input = 0;
        uint32_t looks;
        tw_random_seed(&random, seed);
        l.first = 1 + tw_random_below(&random, 1000); /* what is before it was trimmed */
        l.count = tw_random_below(&random, MOST);
        for (uint64_t i = 0; i < l.count; i++) {
            input += tw_random_below(&random, 4); /* 0: another part of the same inputs */
            l.last_input[i] = input;
            l.stored_ns[i] = (int64_t)(i / 3) * 10;
        }
        for (uint64_t wanted = 0; wanted <= input + 2; wanted++)
            for (int64_t earliest_ns = 0; earliest_ns < 1000; earliest_ns += 331) {
                uint64_t found = find(&l, wanted, earliest_ns, &looks);
                EXPECT_MSG(found == find_plainly(&l, wanted, earliest_ns),
                           "seed %" PRIu64 ": input %" PRIu64 " at %" PRIu64, seed, wanted, found);
                EXPECT(looks <= 9);
            }
    }
}
