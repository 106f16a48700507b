/* Faults by seed: the same twice, each kind does what it says and nothing else, and nothing is kept for good. */
#include "base/bytes.h"
#include "ingest/framing/moldudp64.h"
#include "ingest/line/faults.h"
#include "tests/unit.h"

#define PACKETS 3000u

typedef struct seen {
    uint64_t hash, messages, packets, changed_bytes, longest_loss, losses;
    uint64_t numbers[4 * PACKETS]; /* of the packets, in the order they came out */
} seen;

static size_t packet_of(uint64_t number, uint8_t payload[64]) {
    size_t length = moldudp64_write_header(payload, "S", number, 1);
    return length + moldudp64_write_block(payload + length, 64 - length, (const uint8_t *)"abc", 3);
}

/* How many bytes are not those of the packet with this number. */
static uint64_t difference(const uint8_t *payload, size_t length, uint64_t number) {
    uint8_t sent[64];
    uint64_t differs = 0;
    EXPECT_U64(length, packet_of(number, sent));
    for (size_t i = 0; i < length; i++)
        differs += payload[i] != sent[i];
    return differs;
}

static void see(void *context, const uint8_t *payload, size_t length) {
    seen *self = context;
    moldudp64_packet packet;
    for (size_t i = 0; i < length; i++)
        self->hash = (self->hash ^ payload[i]) * UINT64_C(1099511628211);
    EXPECT(self->packets < 4 * PACKETS);
    self->numbers[self->packets++] = tw_load_be64(payload + 10);
    if (moldudp64_parse(payload, length, &packet, NULL) == MOLDUDP64_OK) self->messages += packet.count;
}

static faults_stats played(const faults_options *options, seen *result) {
    faults *line;
    *result = (seen){0};
    EXPECT_I64(faults_alloc(&line, options, see, result, NULL), TW_OK);
    for (uint64_t number = 1; number <= PACKETS; number++) {
        uint8_t payload[64];
        uint64_t before = result->packets;
        faults_packet(line, payload, packet_of(number, payload), (int64_t)number);
        result->losses = result->packets == before ? result->losses + 1 : 0;
        if (result->losses > result->longest_loss) result->longest_loss = result->losses;
    }
    faults_flush(line, PACKETS + 1);
    faults_stats stats = faults_read_stats(line);
    EXPECT_U64(stats.in, PACKETS);
    EXPECT_U64(stats.out, result->packets);
    faults_free(line);
    return stats;
}

static seen first, second;

TEST(faults, the_same_seed_gives_the_same_faults_and_regrouping_loses_nothing) {
    faults_options all = {1, 200, 50000, 10000, 200000, 900000, 50000, 100000, 5, 7, 20000, 500, 50};
    played(&all, &first);
    played(&all, &second);
    EXPECT_U64(first.hash, second.hash);
    all.seed = 2;
    played(&all, &second);
    EXPECT(second.hash != first.hash);
    faults_options regroup = {.seed = 1, .payload_bytes = 200, .regroup_messages = 7};
    played(&regroup, &first);
    EXPECT_U64(first.messages, PACKETS);
    EXPECT(first.packets < PACKETS / 2);
}

TEST(faults, a_perfect_line_changes_nothing) {
    faults_options none = {.payload_bytes = 200};
    faults_stats stats = played(&none, &first);
    EXPECT_U64(stats.out, PACKETS);
    for (uint64_t i = 0; i < PACKETS; i++)
        EXPECT_U64(first.numbers[i], i + 1);
}

TEST(faults, a_packet_moved_back_comes_out_behind_at_most_so_many_and_none_is_kept) {
    for (uint64_t seed = 1; seed <= 10; seed++) {
        faults_options options = {.seed = seed, .payload_bytes = 200, .reorder = 100000, .reorder_displacement = 5};
        faults_stats stats = played(&options, &first);
        EXPECT_MSG(stats.reordered > 200 && stats.reordered < 400, "seed %" PRIu64 ": %" PRIu64 " moved", seed,
                   stats.reordered);
        EXPECT_U64(stats.out, PACKETS);
        static bool came[PACKETS + 1];
        memset(came, 0, sizeof came);
        uint64_t moved = 0, highest = 0;
        for (uint64_t i = 0; i < PACKETS; i++) {
            uint64_t number = first.numbers[i];
            EXPECT_MSG(!came[number], "seed %" PRIu64 ": %" PRIu64 " came twice", seed, number);
            came[number] = true;
            /* Behind at most 5 that were not moved, and those moved back themselves that come out with them. */
            EXPECT_MSG(number + 10 > highest, "seed %" PRIu64 ": %" PRIu64 " behind %" PRIu64, seed, number,
                       highest);
            moved += number < highest;
            if (number > highest) highest = number;
        }
        EXPECT_MSG(moved > 200, "seed %" PRIu64 ": only %" PRIu64 " out of order", seed, moved);
    }
}

TEST(faults, at_a_pause_what_was_moved_back_comes_out_in_its_order) {
    faults_options options = {.payload_bytes = 200, .reorder = FAULTS_MILLION, .reorder_displacement = 3};
    faults *line;
    first = (seen){0};
    EXPECT_I64(faults_alloc(&line, &options, see, &first, NULL), TW_OK);
    for (uint64_t number = 1; number <= 3; number++) {
        uint8_t payload[64];
        faults_packet(line, payload, packet_of(number, payload), 0);
    }
    EXPECT_U64(first.packets, 0); /* all three are kept: no one goes by */
    faults_flush(line, 1);
    EXPECT_U64(first.packets, 3);
    for (uint64_t i = 0; i < 3; i++)
        EXPECT_U64(first.numbers[i], i + 1);
    faults_flush(line, 2);
    EXPECT_U64(first.packets, 3);
    faults_free(line);
}

TEST(faults, a_burst_begins_with_the_packet_that_enters_it_and_ends_with_the_one_that_leaves) {
    /* Certain to enter and certain to leave: bad, good, bad, good … */
    faults_options options = {.seed = 1,
                              .payload_bytes = 200,
                              .burst_enter = FAULTS_MILLION,
                              .burst_leave = FAULTS_MILLION,
                              .burst_loss = FAULTS_MILLION};
    faults_stats stats = played(&options, &first);
    EXPECT_U64(stats.burst_lost, PACKETS / 2);
    EXPECT_U64(stats.lost, 0);
    for (uint64_t i = 0; i < PACKETS / 2; i++)
        EXPECT_U64(first.numbers[i], 2 * i + 2);
}

TEST(faults, bursts_are_as_long_and_as_often_as_asked_for) {
    faults_options options = {.seed = 1,
                              .payload_bytes = 200,
                              .burst_enter = 10000,  /* one in 100 */
                              .burst_leave = 100000, /* ten packets long */
                              .burst_loss = FAULTS_MILLION};
    uint64_t lost = 0, longest = 0;
    for (options.seed = 1; options.seed <= 20; options.seed++) {
        faults_stats stats = played(&options, &first);
        EXPECT_U64(stats.burst_lost + stats.out, PACKETS);
        lost += stats.burst_lost;
        if (first.longest_loss > longest) longest = first.longest_loss;
    }
    /* A share of 1/11 of 60,000, some 570 bursts: four standard deviations are about a sixth. */
    EXPECT_MSG(lost > 4500 && lost < 6400, "%" PRIu64 " lost in bursts", lost);
    EXPECT_MSG(longest > 30, "the longest burst had %" PRIu64 " packets", longest);
}

TEST(faults, corruption_changes_one_to_four_bytes_and_the_sender_keeps_its_own) {
    faults_options options = {.seed = 3, .payload_bytes = 200, .corrupt = FAULTS_MILLION};
    faults *line;
    first = (seen){0};
    EXPECT_I64(faults_alloc(&line, &options, see, &first, NULL), TW_OK);
    for (uint64_t number = 1; number <= 500; number++) {
        uint8_t payload[64];
        size_t length = packet_of(number, payload);
        faults_packet(line, payload, length, 0);
        EXPECT_U64(difference(payload, length, number), 0);
    }
    EXPECT_U64(faults_read_stats(line).corrupted, 500);
    EXPECT_U64(first.packets, 500);
    faults_free(line);
}

static void count_changes(void *context, const uint8_t *payload, size_t length) {
    seen *self = context;
    uint64_t differs = difference(payload, length, 7);
    EXPECT_MSG(differs >= 1 && differs <= 4, "%" PRIu64 " bytes changed", differs);
    self->changed_bytes += differs;
    self->packets++;
}

TEST(faults, every_corrupted_packet_differs_in_one_to_four_places) {
    faults_options options = {.seed = 4, .payload_bytes = 200, .corrupt = FAULTS_MILLION};
    faults *line;
    uint8_t payload[64];
    size_t length = packet_of(7, payload);
    first = (seen){0};
    EXPECT_I64(faults_alloc(&line, &options, count_changes, &first, NULL), TW_OK);
    for (int i = 0; i < 500; i++)
        faults_packet(line, payload, length, 0);
    EXPECT_U64(first.packets, 500);
    EXPECT(first.changed_bytes > 1000);
    faults_free(line);
}

TEST(faults, silence_falls_for_its_time_and_comes_again) {
    faults_options options = {.seed = 1, .payload_bytes = 200, .silence_every_ns = 200, .silence_for_ns = 50};
    faults_stats stats = played(&options, &first);
    EXPECT_U64(stats.silenced + stats.out, PACKETS);
    EXPECT_U64(first.longest_loss, 50); /* a packet each nanosecond of the test's clock */
    EXPECT(stats.silenced >= 5 * 50);
}

TEST(faults, duplicates_are_whole_copies) {
    faults_options options = {.seed = 1, .payload_bytes = 200, .duplicate = 300000};
    faults_stats stats = played(&options, &first);
    EXPECT(stats.duplicated > 700 && stats.duplicated < 1100);
    EXPECT_U64(stats.out, PACKETS + stats.duplicated);
    EXPECT_U64(first.messages, stats.out);
}

TEST(faults, what_makes_no_sense_is_refused_in_words) {
    static const struct {
        faults_options options;
        const char *words;
    } rows[] = {{{.payload_bytes = 200, .loss = FAULTS_MILLION + 1}, "above 1"},
                {{.payload_bytes = 19}, "19 bytes"},
                {{.payload_bytes = 65536}, "65536 bytes"},
                {{.payload_bytes = 200, .burst_enter = 1}, "never ends"},
                {{.payload_bytes = 200, .reorder = 1}, "not 0"},
                {{.payload_bytes = 200, .reorder_displacement = FAULTS_MAX_DISPLACEMENT + 1}, "1025"},
                {{.payload_bytes = 200, .regroup_messages = 65535}, "fewer than 65535"},
                {{.payload_bytes = 200, .silence_every_ns = -1}, "silence"},
                {{.payload_bytes = 200, .silence_for_ns = INT64_MAX}, "silence"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        faults *line = (faults *)&line;
        tw_error error = {0};
        EXPECT_I64(faults_alloc(&line, &rows[i].options, see, &first, &error), TW_INVALID);
        EXPECT(line == NULL);
        EXPECT_CONTAINS(error.text, rows[i].words);
    }
}
