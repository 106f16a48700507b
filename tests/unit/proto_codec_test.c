/* The codec against protobuf-c, which reads the same schema by its own means: same bytes, same answers. */
#include "proto/codec.h"

#include <protobuf-c/protobuf-c.h>

#include "base/text.h"
#include "tests/support/random_messages.h"
#include "tests/unit.h"

extern const ProtobufCMessageDescriptor tickwire__v1__book_update__descriptor;
extern const ProtobufCMessageDescriptor tickwire__v1__quote__descriptor;
extern const ProtobufCMessageDescriptor tickwire__v1__trades__descriptor;
extern const ProtobufCMessageDescriptor tickwire__v1__instrument_status__descriptor;
extern const ProtobufCMessageDescriptor tickwire__v1__imbalance__descriptor;
extern const ProtobufCMessageDescriptor tickwire__v1__order_events__descriptor;
extern const ProtobufCMessageDescriptor tickwire__v1__candle__descriptor;
extern const ProtobufCMessageDescriptor tickwire__v1__nbbo__descriptor;

typedef enum message_kind { BOOK, QUOTE, TRADES, STATUS, IMBALANCE, ORDERS, CANDLE, NBBO, KINDS } message_kind;

typedef union any_message {
    wire_book_update book;
    wire_quote quote;
    wire_trades trades;
    wire_status status;
    wire_imbalance imbalance;
    wire_order_events orders;
    wire_candle candle;
    wire_nbbo nbbo;
} any_message;

static const ProtobufCMessageDescriptor *const descriptors[KINDS] = {
    &tickwire__v1__book_update__descriptor, &tickwire__v1__quote__descriptor,
    &tickwire__v1__trades__descriptor,      &tickwire__v1__instrument_status__descriptor,
    &tickwire__v1__imbalance__descriptor,   &tickwire__v1__order_events__descriptor,
    &tickwire__v1__candle__descriptor,      &tickwire__v1__nbbo__descriptor,
};

static void make_random(tw_random *random, message_kind kind, random_storage *storage, any_message *m) {
    switch (kind) {
    case BOOK:
        m->book = random_book_update(random, storage);
        break;
    case QUOTE:
        m->quote = random_quote(random);
        break;
    case TRADES:
        m->trades = random_trades(random, storage);
        break;
    case STATUS:
        m->status = random_status(random);
        break;
    case IMBALANCE:
        m->imbalance = random_imbalance(random);
        break;
    case CANDLE:
        m->candle = random_candle(random);
        break;
    case NBBO:
        m->nbbo = random_nbbo(random);
        break;
    default:
        m->orders = random_order_events(random, storage);
        break;
    }
}

static size_t encode(message_kind kind, const any_message *m, uint8_t *buffer, size_t capacity) {
    switch (kind) {
    case BOOK:
        return wire_book_update_encode(&m->book, buffer, capacity);
    case QUOTE:
        return wire_quote_encode(&m->quote, buffer, capacity);
    case TRADES:
        return wire_trades_encode(&m->trades, buffer, capacity);
    case STATUS:
        return wire_status_encode(&m->status, buffer, capacity);
    case IMBALANCE:
        return wire_imbalance_encode(&m->imbalance, buffer, capacity);
    case CANDLE:
        return wire_candle_encode(&m->candle, buffer, capacity);
    case NBBO:
        return wire_nbbo_encode(&m->nbbo, buffer, capacity);
    default:
        return wire_order_events_encode(&m->orders, buffer, capacity);
    }
}

static wire_result decode(message_kind kind, wire_arena *arena, const uint8_t *bytes, size_t length,
                          any_message *m) {
    switch (kind) {
    case BOOK:
        return wire_book_update_decode(arena, bytes, length, &m->book);
    case QUOTE:
        return wire_quote_decode(arena, bytes, length, &m->quote);
    case TRADES:
        return wire_trades_decode(arena, bytes, length, &m->trades);
    case STATUS:
        return wire_status_decode(arena, bytes, length, &m->status);
    case IMBALANCE:
        return wire_imbalance_decode(arena, bytes, length, &m->imbalance);
    case CANDLE:
        return wire_candle_decode(arena, bytes, length, &m->candle);
    case NBBO:
        return wire_nbbo_decode(arena, bytes, length, &m->nbbo);
    default:
        return wire_order_events_decode(arena, bytes, length, &m->orders);
    }
}

static void drop_unknown_fields(ProtobufCMessage *message) {
    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        free(message->unknown_fields[i].data);
    free(message->unknown_fields);
    message->unknown_fields = NULL;
    message->n_unknown_fields = 0;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->label != PROTOBUF_C_LABEL_REPEATED) continue;
        size_t count = *(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
        ProtobufCMessage **parts = *(ProtobufCMessage ***)(void *)((char *)message + field->offset);
        for (size_t part = 0; part < count; part++)
            drop_unknown_fields(parts[part]);
    }
}

/* What protobuf-c makes of the bytes, packed again without fields it does not know; 0 with `*good` false if it
 * refuses them. */
static size_t protobuf_c_again(message_kind kind, const uint8_t *bytes, size_t length, uint8_t *again, bool *good) {
    ProtobufCMessage *message = protobuf_c_message_unpack(descriptors[kind], NULL, length, bytes);
    *good = message != NULL;
    if (message == NULL) return 0;
    drop_unknown_fields(message);
    size_t packed = protobuf_c_message_pack(message, again);
    protobuf_c_message_free_unpacked(message, NULL);
    return packed;
}

static const uint64_t seed = 20261121;
static random_storage storage;
static uint8_t bytes[WIRE_MAX_BYTES], again[2 * WIRE_MAX_BYTES], ours[WIRE_MAX_BYTES];

TEST(codec, every_encoding_is_byte_for_byte_what_protobuf_c_packs) {
    tw_random random;
    tw_random_seed(&random, seed);
    for (unsigned round = 0; round < 20000; round++) {
        any_message m;
        message_kind kind = (message_kind)(round % KINDS);
        make_random(&random, kind, &storage, &m);
        size_t length = encode(kind, &m, bytes, sizeof bytes);
        bool good;
        size_t packed = protobuf_c_again(kind, bytes, length, again, &good);
        EXPECT_MSG(good, "seed %" PRIu64 " round %u: protobuf-c refuses kind %d", seed, round, (int)kind);
        EXPECT_MSG(packed == length && memcmp(bytes, again, length) == 0,
                   "seed %" PRIu64 " round %u kind %d: %zu bytes, protobuf-c packs %zu", seed, round, (int)kind,
                   length, packed);
    }
}

TEST(codec, an_identity_encoded_ahead_gives_the_same_bytes_as_the_names) {
    tw_random random;
    tw_random_seed(&random, seed + 6);
    for (unsigned round = 0; round < 20000; round++) {
        any_message m;
        wire_identity identity;
        message_kind kind = (message_kind)(round % NBBO); /* an NBBO has no exchange, partition and term */
        make_random(&random, kind, &storage, &m);
        size_t length = encode(kind, &m, bytes, sizeof bytes);
        wire_header *header = &m.book.header; /* what every kind starts with */
        wire_identity_encode(&identity, header);
        memset(header->exchange, 'x', sizeof header->exchange);
        memset(header->symbol, 'x', sizeof header->symbol);
        memset(header->epoch, 'x', sizeof header->epoch);
        header->partition++;
        header->term++;
        header->identity = &identity;
        const size_t capacities[] = {length, sizeof bytes}; /* tight, and as publishers have it */
        for (unsigned i = 0; i < 2; i++) {
            size_t written = encode(kind, &m, ours, capacities[i]);
            EXPECT_MSG(written == length && memcmp(ours, bytes, length) == 0,
                       "seed %" PRIu64 " round %u kind %d: %zu bytes, with the names %zu", seed, round, (int)kind,
                       written, length);
        }
        EXPECT_U64(encode(kind, &m, ours, length - 1), 0);
    }
}

TEST(codec, what_is_encoded_is_decoded_to_the_same_message) {
    tw_random random;
    tw_random_seed(&random, seed + 1);
    wire_arena arena;
    EXPECT(wire_arena_init(&arena, 64 * 1024));
    for (unsigned round = 0; round < 20000; round++) {
        any_message m, back;
        message_kind kind = (message_kind)(round % KINDS);
        make_random(&random, kind, &storage, &m);
        size_t length = encode(kind, &m, bytes, sizeof bytes);
        wire_result result = decode(kind, &arena, bytes, length, &back);
        EXPECT_MSG(result == WIRE_OK, "seed %" PRIu64 " round %u kind %d: %d", seed + 1, round, (int)kind, result);
        size_t same = encode(kind, &back, again, sizeof again);
        EXPECT_MSG(same == length && memcmp(bytes, again, length) == 0, "seed %" PRIu64 " round %u kind %d differs",
                   seed + 1, round, (int)kind);
    }
    wire_arena_fini(&arena);
}

TEST(codec, an_encoder_fills_a_buffer_of_the_exact_size_and_refuses_one_byte_less) {
    tw_random random;
    tw_random_seed(&random, seed + 2);
    for (unsigned round = 0; round < 600; round++) {
        any_message m;
        message_kind kind = (message_kind)(round % KINDS);
        make_random(&random, kind, &storage, &m);
        size_t length = encode(kind, &m, bytes, sizeof bytes);
        uint8_t *exact = malloc(length);
        EXPECT_U64(encode(kind, &m, exact, length), length);
        EXPECT_BYTES(exact, bytes, length);
        EXPECT_U64(encode(kind, &m, exact, length - 1), 0);
        free(exact);
    }
}

/* Bytes in a block of their own, so that the sanitizer sees a read beyond them. */
static wire_result decode_alone(message_kind kind, wire_arena *arena, const uint8_t *source, size_t length,
                                any_message *m) {
    uint8_t *alone = malloc(length > 0 ? length : 1);
    memcpy(alone, source, length);
    wire_result result = decode(kind, arena, alone, length, m);
    free(alone);
    return result;
}

/* Where we say yes, protobuf-c must say yes and mean the same; where it says no, so must we. */
static void compare_answers(message_kind kind, wire_arena *arena, const uint8_t *source, size_t length,
                            unsigned round) {
    any_message m;
    bool good;
    wire_result result = decode_alone(kind, arena, source, length, &m);
    size_t packed = protobuf_c_again(kind, source, length, again, &good);
    if (result != WIRE_OK) return;
    EXPECT_MSG(good, "seed %" PRIu64 " round %u kind %d: protobuf-c refuses what we take", seed, round, (int)kind);
    size_t own = encode(kind, &m, ours, sizeof ours);
    EXPECT_MSG(own == packed && memcmp(ours, again, own) == 0,
               "seed %" PRIu64 " round %u kind %d: decoded differently from protobuf-c", seed, round, (int)kind);
}

TEST(codec, a_message_cut_at_any_byte_is_answered_as_protobuf_c_answers) {
    tw_random random;
    tw_random_seed(&random, seed);
    wire_arena arena;
    EXPECT(wire_arena_init(&arena, 64 * 1024));
    for (unsigned round = 0; round < 60; round++) {
        any_message m;
        message_kind kind = (message_kind)(round % KINDS);
        make_random(&random, kind, &storage, &m);
        size_t length = encode(kind, &m, bytes, sizeof bytes);
        if (length > 3000) length = 3000;
        for (size_t cut = 0; cut < length; cut++)
            compare_answers(kind, &arena, bytes, cut, round);
    }
    wire_arena_fini(&arena);
}

/* Values are not compared: a random cause of a newer publisher, say, reads as none here and as itself there. */
TEST(codec, a_corrupted_message_is_answered_without_harm) {
    tw_random random;
    tw_random_seed(&random, seed);
    wire_arena arena;
    EXPECT(wire_arena_init(&arena, 64 * 1024));
    unsigned taken = 0, refused = 0;
    for (unsigned round = 0; round < 60000; round++) {
        any_message m;
        message_kind kind = (message_kind)(round % KINDS);
        make_random(&random, kind, &storage, &m);
        size_t length = encode(kind, &m, bytes, sizeof bytes);
        for (uint64_t faults = 1 + tw_random_below(&random, 3); faults > 0 && length > 0; faults--)
            bytes[tw_random_below(&random, length)] = (uint8_t)tw_random_u64(&random);
        bool good;
        protobuf_c_again(kind, bytes, length, again, &good);
        wire_result result = decode_alone(kind, &arena, bytes, length, &m);
        EXPECT_MSG(good || result != WIRE_OK, "seed %" PRIu64 " round %u kind %d: taken, protobuf-c refuses", seed,
                   round, (int)kind);
        *(result == WIRE_OK ? &taken : &refused) += 1;
    }
    EXPECT(taken > 100 && refused > 100); /* else the corruption tests nothing */
    wire_arena_fini(&arena);
}

/* Messages of one instrument follow each other, with another leader, epoch or instrument now and then, and some corrupted. */
TEST(codec, a_message_that_starts_like_the_one_before_is_decoded_as_if_it_stood_alone) {
    tw_random random;
    tw_random_seed(&random, seed + 7);
    wire_arena arena, other;
    EXPECT(wire_arena_init(&arena, 64 * 1024) && wire_arena_init(&other, 64 * 1024));
    wire_start start = {0};
    wire_header first = random_book_update(&random, &storage).header;
    unsigned known = 0, unknown = 0;
    for (unsigned round = 0; round < 40000; round++) {
        wire_book_update m = random_book_update(&random, &storage), alone, next;
        if (tw_random_below(&random, 10) == 0) first = m.header;
        if (tw_random_below(&random, 10) == 0) first.term++;
        tw_text_copy(m.header.exchange, sizeof m.header.exchange, first.exchange);
        tw_text_copy(m.header.symbol, sizeof m.header.symbol, first.symbol);
        tw_text_copy(m.header.epoch, sizeof m.header.epoch, first.epoch);
        m.header.partition = first.partition;
        m.header.term = first.term;
        size_t length = wire_book_update_encode(&m, bytes, sizeof bytes);
        if (tw_random_below(&random, 3) == 0)
            bytes[tw_random_below(&random, length)] = (uint8_t)tw_random_u64(&random);
        if (tw_random_below(&random, 20) == 0) length = tw_random_below(&random, length + 1);
        bool like_before = start.identity.length > 0 && length >= start.identity.length &&
                           memcmp(bytes, start.identity.bytes, start.identity.length) == 0;
        *(like_before ? &known : &unknown) += 1;
        wire_result expected = wire_book_update_decode(&arena, bytes, length, &alone);
        wire_result result = wire_book_update_decode_next(&other, &start, bytes, length, &next);
        EXPECT_MSG(result == expected, "seed %" PRIu64 " round %u: %d, alone %d", seed + 7, round, result,
                   expected);
        if (result != WIRE_OK) continue;
        size_t own = wire_book_update_encode(&next, ours, sizeof ours);
        size_t by_itself = wire_book_update_encode(&alone, again, sizeof again);
        EXPECT_MSG(own == by_itself && memcmp(ours, again, own) == 0, "seed %" PRIu64 " round %u differs", seed + 7,
                   round);
    }
    EXPECT(known > 1000 && unknown > 1000);
    wire_arena_fini(&arena);
    wire_arena_fini(&other);
}
