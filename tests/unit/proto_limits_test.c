/* What decoders answer to well formed protobuf that says too much, and to a newer publisher's. */
#include "proto/codec.h"
#include "proto/subject.h"
#include "tests/support/random_messages.h"
#include "tests/unit.h"

static uint8_t bytes[WIRE_MAX_BYTES];
static wire_arena arena;

static void have_arena(size_t capacity) {
    wire_arena_fini(&arena);
    EXPECT(wire_arena_init(&arena, capacity));
}

/* Bytes of a message by hand: tag = number << 3 | type (0 varint, 1 fixed64, 2 length, 5 fixed32). */
static const struct {
    const char *what;
    uint8_t wire[24];
    size_t length;
    wire_result result;
} books[] = {
    {"nothing at all", {0}, 0, WIRE_OK},
    {"a field of a newer publisher", {0xc2, 0x3e, 2, 'h', 'i'}, 5, WIRE_OK},
    {"an exchange of four", {0x0a, 4, 'X', 'N', 'A', 'S'}, 6, WIRE_OK},
    {"an exchange of five", {0x0a, 5, 'X', 'N', 'A', 'S', 'D'}, 7, WIRE_OUT_OF_RANGE},
    {"text with a NUL inside", {0x0a, 3, 'X', 0, 'S'}, 5, WIRE_OUT_OF_RANGE},
    {"state STALE", {0x48, 3}, 2, WIRE_OK},
    {"a state nobody knows yet", {0x48, 4}, 2, WIRE_OUT_OF_RANGE},
    {"a negative state", {0x48, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 11, WIRE_OUT_OF_RANGE},
    {"a cause nobody knows yet", {0x50, 99}, 2, WIRE_OK},
    {"depth 64", {0x58, 64}, 2, WIRE_OK},
    {"depth 65", {0x58, 65}, 2, WIRE_OUT_OF_RANGE},
    {"a partition beyond 32 bits", {0x18, 0x80, 0x80, 0x80, 0x80, 0x10}, 6, WIRE_OUT_OF_RANGE},
    {"a term that is text", {0x2a, 1, 'x'}, 3, WIRE_MALFORMED},
    {"a bid whole", {0xa2, 1, 1, 2, 0xaa, 1, 1, 5, 0xb2, 1, 1, 1}, 12, WIRE_OK},
    {"a bid whole, unpacked", {0xa0, 1, 2, 0xa8, 1, 5, 0xb0, 1, 1}, 9, WIRE_OK},
    {"a bid without its orders", {0xa2, 1, 1, 2, 0xaa, 1, 1, 5}, 8, WIRE_OUT_OF_RANGE},
    {"two prices, one quantity", {0xa2, 1, 2, 2, 4, 0xaa, 1, 1, 5, 0xb2, 1, 2, 1, 1}, 14, WIRE_OUT_OF_RANGE},
    {"a level without price",
     {0xa0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
     12,
     WIRE_OUT_OF_RANGE},
    {"an array that ends in a varint", {0xa2, 1, 1, 0x80}, 4, WIRE_MALFORMED},
    {"a length beyond the end", {0xa2, 1, 9, 2}, 4, WIRE_MALFORMED},
    {"field number 0", {0x00, 1}, 2, WIRE_MALFORMED},
    {"a group", {0xc3, 0x3e, 0xc4, 0x3e}, 4, WIRE_MALFORMED},
    {"a varint of eleven bytes",
     {0x28, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1},
     12,
     WIRE_MALFORMED},
    {"a time cut short", {0x71, 1, 2, 3}, 4, WIRE_MALFORMED},
};

TEST(limits, a_book_update_is_taken_or_refused_for_a_reason) {
    have_arena(64 * 1024);
    for (size_t i = 0; i < sizeof books / sizeof *books; i++) {
        wire_book_update m;
        wire_result result = wire_book_update_decode(&arena, books[i].wire, books[i].length, &m);
        EXPECT_MSG(result == books[i].result, "%s: %d, expected %d", books[i].what, result, books[i].result);
    }
}

TEST(limits, an_unknown_cause_is_no_cause_and_keeps_the_state) {
    have_arena(1024);
    wire_book_update m;
    EXPECT_I64(wire_book_update_decode(&arena, (const uint8_t[]){0x48, 3, 0x50, 13}, 4, &m), WIRE_OK);
    EXPECT_I64(m.header.state, TW_BOOK_STALE);
    EXPECT_I64(m.header.cause, TW_CAUSE_NONE);
    wire_feed_status status;
    EXPECT_I64(wire_feed_status_decode(&arena, (const uint8_t[]){0x30, 3, 0x38, 13}, 4, &status), WIRE_OK);
    EXPECT_I64(status.state, TW_BOOK_STALE);
    EXPECT_I64(status.cause, TW_CAUSE_NONE);
    EXPECT_I64(wire_feed_status_decode(&arena, (const uint8_t[]){0x30, 4}, 2, &status), WIRE_OUT_OF_RANGE);
}

TEST(limits, an_absent_price_is_not_zero_and_zero_is_not_absent) {
    have_arena(1024);
    wire_quote m = {.bid = {0, 5, 1}, .ask = {TW_PRICE_ABSENT, 0, 0}}, back;
    size_t length = wire_quote_encode(&m, bytes, sizeof bytes);
    EXPECT_I64(wire_quote_decode(&arena, bytes, length, &back), WIRE_OK);
    EXPECT_I64(back.bid.price, 0);
    EXPECT_I64(back.ask.price, TW_PRICE_ABSENT);
}

TEST(limits, an_absent_time_is_zero_on_the_wire_and_absent_again_here) {
    have_arena(1024);
    wire_quote m = {.header = {.event_ns = TW_TIME_ABSENT, .receive_ns = 1, .publish_ns = TW_TIME_ABSENT},
                    .bid.price = TW_PRICE_ABSENT,
                    .ask.price = TW_PRICE_ABSENT},
               back;
    size_t length = wire_quote_encode(&m, bytes, sizeof bytes);
    EXPECT_U64(length, 9); /* receive_ns alone */
    EXPECT_I64(wire_quote_decode(&arena, bytes, length, &back), WIRE_OK);
    EXPECT_I64(back.header.event_ns, TW_TIME_ABSENT);
    EXPECT_I64(back.header.receive_ns, 1);
    EXPECT_I64(back.header.publish_ns, TW_TIME_ABSENT);
}

TEST(limits, more_levels_or_prints_than_stated_are_out_of_range) {
    have_arena(64 * 1024);
    memset(bytes, 0, sizeof bytes);
    bytes[0] = 0xa2;
    bytes[1] = 1;
    bytes[2] = 0x81; /* 129 prices of 0 */
    bytes[3] = 1;
    wire_book_update book;
    EXPECT_I64(wire_book_update_decode(&arena, bytes, 4 + 129, &book), WIRE_OUT_OF_RANGE);
    for (unsigned i = 0; i <= WIRE_MAX_PRINTS; i++)
        memcpy(bytes + 3 * i, (const uint8_t[]){0xa2, 1, 0}, 3);
    wire_trades trades;
    EXPECT_I64(wire_trades_decode(&arena, bytes, 3 * WIRE_MAX_PRINTS, &trades), WIRE_OK);
    EXPECT_U64(trades.print_count, WIRE_MAX_PRINTS);
    EXPECT_I64(wire_trades_decode(&arena, bytes, 3 * (WIRE_MAX_PRINTS + 1), &trades), WIRE_OUT_OF_RANGE);
}

TEST(limits, a_full_arena_is_out_of_range_for_every_message_that_needs_it) {
    have_arena(64);
    tw_level levels[20] = {{1, 1, 1}};
    wire_book_update book = {.bid_count = 20, .bids = levels};
    size_t length = wire_book_update_encode(&book, bytes, sizeof bytes);
    EXPECT_I64(wire_book_update_decode(&arena, bytes, length, &book), WIRE_OUT_OF_RANGE);
    wire_feed_status status = {.exchange = "XNAS"};
    length = wire_feed_status_encode(&status, bytes, sizeof bytes);
    EXPECT_I64(wire_feed_status_decode(&arena, bytes, length, &status), WIRE_OUT_OF_RANGE);
    wire_snapshot_reply reply = {0};
    length = wire_snapshot_part_append(WIRE_PART_QUOTE, NULL, 0, bytes, sizeof bytes);
    EXPECT_I64(wire_snapshot_reply_decode(&arena, bytes, length, &reply), WIRE_OUT_OF_RANGE);
    have_arena(64 * 1024);
    EXPECT_I64(wire_snapshot_reply_decode(&arena, bytes, length, &reply), WIRE_OK);
    EXPECT_U64(reply.quote_count, 1);
}

TEST(limits, feed_and_line_status_survive_the_wire) {
    have_arena(4096);
    wire_feed_status m = {.exchange = "XNAS",
                          .epoch = "2020-01-30.S",
                          .detail = "waiting for 5 to 9",
                          .partition = 2,
                          .term = 3,
                          .seq = 4,
                          .state = TW_BOOK_RECOVERING,
                          .cause = TW_CAUSE_GAP,
                          .event_ns = TW_TIME_ABSENT,
                          .receive_ns = 6,
                          .publish_ns = 7,
                          .gap_from = 5,
                          .gap_to = 9,
                          .messages = 10,
                          .lost = 11,
                          .updates = 12,
                          .instruments = 13,
                          .instruments_not_ok = 14,
                          .published_seq = 15,
                          .handover = true,
                          .storage_low = true,
                          .journal_ns = 16,
                          .continues_term = 17,
                          .leader = "host-a.4711"},
                     back;
    size_t length = wire_feed_status_encode(&m, bytes, sizeof bytes);
    EXPECT_U64(wire_feed_status_encode(&m, bytes, length - 1), 0);
    EXPECT_I64(wire_feed_status_decode(&arena, bytes, length, &back), WIRE_OK);
    EXPECT_STR(back.detail, m.detail);
    EXPECT_STR(back.epoch, m.epoch);
    EXPECT_I64(back.event_ns, TW_TIME_ABSENT);
    EXPECT_U64(back.gap_to, 9);
    EXPECT_U64(back.instruments_not_ok, 14);
    EXPECT_U64(back.published_seq, 15);
    EXPECT(back.handover && back.storage_low);
    EXPECT_I64(back.journal_ns, 16);
    EXPECT_U64(back.continues_term, 17);
    EXPECT_STR(back.leader, m.leader);
    wire_line_status line = {.exchange = "XNAS", .line = "a", .wins = 5, .skew_ns = -40, .malformed = 2}, line_back;
    length = wire_line_status_encode(&line, bytes, sizeof bytes);
    EXPECT_I64(wire_line_status_decode(&arena, bytes, length, &line_back), WIRE_OK);
    EXPECT_STR(line_back.line, "a");
    EXPECT_I64(line_back.skew_ns, -40);
    EXPECT_U64(line_back.wins, 5);
    EXPECT_U64(line_back.malformed, 2);
}

TEST(limits, a_directory_survives_the_wire_and_a_full_one_fits_the_stated_arena) {
    enum { MOST = 6000 };
    static wire_instrument many[MOST];
    have_arena(WIRE_ARENA_BYTES);
    for (uint32_t i = 0; i < MOST; i++) {
        many[i] = (wire_instrument){.instrument = {.price_exponent = -4, .round_lot = 100, .locate = i}};
        many[i].instrument.symbol[0] = (char)('A' + i % 26);
    }
    const char *missing[] = {"NOPE", "BRK.B"};
    wire_instrument_list m = {.exchange = "XNAS",
                              .epoch = "e",
                              .instruments = many,
                              .not_found_count = 2,
                              .not_found = missing,
                              .last = true,
                              .code = WIRE_REPLY_NOT_FOUND},
                         back;
    size_t length = 0;
    for (m.instrument_count = MOST; length == 0; m.instrument_count -= 50)
        length = wire_instrument_list_encode(&m, bytes, sizeof bytes);
    EXPECT(m.instrument_count > 3000);
    EXPECT_I64(wire_instrument_list_decode(&arena, bytes, length, &back), WIRE_OK);
    EXPECT_U64(back.instrument_count, m.instrument_count + 50);
    EXPECT_U64(back.instruments[700].instrument.locate, 700);
    EXPECT_U64(back.not_found_count, 2);
    EXPECT_STR(back.not_found[1], "BRK.B");
    EXPECT_I64(back.code, WIRE_REPLY_NOT_FOUND);
    wire_instrument_request request = {.symbol_count = 2, .symbols = missing}, request_back;
    length = wire_instrument_request_encode(&request, bytes, sizeof bytes);
    EXPECT_I64(wire_instrument_request_decode(&arena, bytes, length, &request_back), WIRE_OK);
    EXPECT_U64(request_back.symbol_count, 2);
    EXPECT_STR(request_back.symbols[0], "NOPE");
}

TEST(limits, an_envelope_and_appended_parts_are_one_snapshot_reply) {
    have_arena(WIRE_ARENA_BYTES);
    static random_storage storage;
    tw_random random;
    tw_random_seed(&random, 7);
    wire_snapshot_reply m = {.exchange = "XNAS", .epoch = "e", .channel = "orderbook", .chunk = 3, .term = 9}, back;
    size_t used = wire_snapshot_reply_encode(&m, bytes, sizeof bytes);
    uint8_t part[WIRE_MAX_BYTES];
    for (unsigned i = 0; i < 3; i++) {
        wire_book_update book = random_book_update(&random, &storage);
        book.header.seq = 100 + i;
        size_t length = wire_book_update_encode(&book, part, sizeof part);
        used += wire_snapshot_part_append(WIRE_PART_BOOK, part, length, bytes + used, sizeof bytes - used);
        wire_trades trades = random_trades(&random, &storage);
        trades.print_count = 1;
        length = wire_trades_encode(&trades, part, sizeof part);
        EXPECT_U64(wire_snapshot_part_append(WIRE_PART_TRADES, part, length, bytes + used, length), 0);
        used += wire_snapshot_part_append(WIRE_PART_TRADES, part, length, bytes + used, sizeof bytes - used);
    }
    EXPECT_I64(wire_snapshot_reply_decode(&arena, bytes, used, &back), WIRE_OK);
    EXPECT_STR(back.channel, "orderbook");
    EXPECT_U64(back.term, 9);
    EXPECT_U64(back.book_count, 3);
    EXPECT_U64(back.books[2].header.seq, 102);
    EXPECT_U64(back.trades_count, 3);
    EXPECT_U64(back.trades[2].print_count, 1);
    for (size_t cut = 0; cut < used; cut += 7)
        wire_snapshot_reply_decode(&arena, bytes, cut, &back); /* the sanitizer watches */
}

TEST(limits, a_usage_of_the_longest_lines_fits_a_payload_and_one_line_more_is_refused) {
    have_arena(WIRE_ARENA_BYTES);
    static char user[WIRE_USER_BYTES], subject[SUBJECT_BYTES];
    static wire_usage_line lines[WIRE_MAX_USAGE_LINES];
    memset(user, 'u', sizeof user - 1);
    memset(subject, 'S', sizeof subject - 1);
    for (uint32_t i = 0; i < WIRE_MAX_USAGE_LINES; i++)
        lines[i] = (wire_usage_line){UINT64_MAX, user, subject, UINT64_MAX, UINT64_MAX - i, INT64_MAX, INT64_MAX};
    wire_usage m = {.exchange = "XNAS",
                    .period_start_ns = INT64_MAX,
                    .period_ns = INT64_MAX,
                    .publish_ns = INT64_MAX,
                    .line_count = WIRE_MAX_USAGE_LINES,
                    .lines = lines},
               back;
    memset(m.gateway, 'g', sizeof m.gateway - 1);
    memset(m.instance, 'i', sizeof m.instance - 1);
    static uint8_t payload[WIRE_MAX_BYTES];
    size_t length = wire_usage_encode(&m, payload, sizeof payload);
    EXPECT(length > 0);
    EXPECT_U64(wire_usage_encode(&m, payload, length - 1), 0);
    EXPECT_I64(wire_usage_decode(&arena, payload, length, &back), WIRE_OK);
    EXPECT_U64(back.line_count, WIRE_MAX_USAGE_LINES);
    EXPECT_STR(back.lines[5].user, user);
    EXPECT_STR(back.lines[5].subject, subject);
    EXPECT_U64(back.lines[5].bytes, UINT64_MAX - 5);
    EXPECT_STR(back.gateway, m.gateway);
    EXPECT_I64(back.period_ns, INT64_MAX);
    for (size_t cut = 0; cut < length; cut += 977)
        wire_usage_decode(&arena, payload, cut, &back); /* the sanitizer watches */
    m.line_count++;
    EXPECT_U64(wire_usage_encode(&m, payload, sizeof payload), 0);
}

typedef wire_result (*any_decoder)(const uint8_t *source, size_t length);

static wire_result as_feed_status(const uint8_t *source, size_t length) {
    wire_feed_status m;
    return wire_feed_status_decode(&arena, source, length, &m);
}

static wire_result as_line_status(const uint8_t *source, size_t length) {
    wire_line_status m;
    return wire_line_status_decode(&arena, source, length, &m);
}

static wire_result as_request(const uint8_t *source, size_t length) {
    wire_instrument_request m;
    return wire_instrument_request_decode(&arena, source, length, &m);
}

static wire_result as_list(const uint8_t *source, size_t length) {
    wire_instrument_list m;
    return wire_instrument_list_decode(&arena, source, length, &m);
}

static wire_result as_reply(const uint8_t *source, size_t length) {
    wire_snapshot_reply m;
    return wire_snapshot_reply_decode(&arena, source, length, &m);
}

/* Fields with plausible tags and random content: deeper into the decoders than pure noise gets. */
static size_t random_fields(tw_random *random, uint8_t *target, size_t capacity) {
    size_t used = 0;
    while (used < capacity && !tw_random_chance(random, 1, 12)) {
        static const uint8_t types[] = {0, 0, 1, 2, 2, 2, 5, 3};
        target[used++] = (uint8_t)((1 + tw_random_below(random, 15)) << 3 | types[tw_random_below(random, 8)]);
        for (uint64_t n = tw_random_below(random, 9); n > 0 && used < capacity; n--)
            target[used++] = (uint8_t)(tw_random_u64(random) & (tw_random_chance(random, 1, 4) ? 0xff : 0x0f));
    }
    return used;
}

TEST(limits, any_bytes_at_all_are_answered_by_every_decoder_within_its_arena) {
    static const any_decoder decoders[] = {as_feed_status, as_line_status, as_request, as_list, as_reply};
    const uint64_t seed = 411;
    unsigned answers[3] = {0};
    tw_random random;
    tw_random_seed(&random, seed);
    have_arena(8 * 1024);
    for (unsigned round = 0; round < 100000; round++) {
        uint8_t noise[200];
        size_t length = random_fields(&random, noise, sizeof noise);
        uint8_t *alone = malloc(length > 0 ? length : 1); /* of its own, so that the sanitizer sees its end */
        memcpy(alone, noise, length);
        wire_result result = decoders[round % 5](alone, length);
        free(alone);
        EXPECT_MSG(result >= WIRE_OK && result <= WIRE_OUT_OF_RANGE && arena.used <= arena.capacity,
                   "seed %" PRIu64 " round %u: %d", seed, round, result);
        answers[result]++;
    }
    EXPECT(answers[WIRE_OK] > 1000 && answers[WIRE_MALFORMED] > 1000 && answers[WIRE_OUT_OF_RANGE] > 100);
}

TEST(limits, a_small_payload_of_many_empty_parts_is_refused_not_expanded) {
    have_arena(WIRE_ARENA_BYTES);
    for (size_t i = 0; i < sizeof bytes; i += 2) {
        bytes[i] = WIRE_PART_BOOK << 3 | 2;
        bytes[i + 1] = 0;
    }
    EXPECT_I64(as_reply(bytes, sizeof bytes), WIRE_OUT_OF_RANGE);
    for (size_t i = 0; i < sizeof bytes; i += 2)
        bytes[i] = 5 << 3 | 2;
    EXPECT_I64(as_list(bytes, sizeof bytes), WIRE_OUT_OF_RANGE);
}
