/* The venue's codec: protobuf-c reads the same schema by its own means and must find the same bytes; what is wrong in one command is
 * that command's own fault. */
#include "proto/venue.h"

#include <protobuf-c/protobuf-c.h>

#include "base/text.h"
#include "proto/venue_tables.h"
#include "tests/support/guard_page.h"
#include "tests/support/random_venue.h"
#include "tests/unit.h"

extern const ProtobufCMessageDescriptor tickwire__v1__order_batch__descriptor;
extern const ProtobufCMessageDescriptor tickwire__v1__execution_batch__descriptor;
extern const ProtobufCMessageDescriptor tickwire__v1__fills__descriptor;

static const uint64_t seed = 20261122;
static uint8_t buffer[1024 * 1024], again[1024 * 1024], back_buffer[1024 * 1024];

static void expect_as_protobuf_c(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
                                 size_t length) {
    ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, NULL, length, bytes);
    EXPECT_MSG(message != NULL, "seed %" PRIu64 ": protobuf-c refuses %s", seed, descriptor->name);
    EXPECT_MSG(protobuf_c_message_get_packed_size(message) == length, "seed %" PRIu64 " %s: %zu bytes", seed,
               descriptor->name, length);
    protobuf_c_message_pack(message, again);
    protobuf_c_message_free_unpacked(message, NULL);
    EXPECT_MSG(memcmp(bytes, again, length) == 0, "seed %" PRIu64 " %s differs", seed, descriptor->name);
}

TEST(venue_codec, order_batches_are_what_protobuf_c_packs_and_come_back_the_same) {
    tw_random random;
    tw_random_seed(&random, seed);
    for (unsigned round = 0; round < 500; round++) {
        wire_parts parts, second;
        wire_batch_header header = {.sent_ns = random_time(&random)};
        random_text(&random, header.sender, sizeof header.sender);
        wire_parts_start(&parts, buffer, sizeof buffer);
        for (uint64_t left = tw_random_below(&random, 20); left > 0; left--) {
            wire_order_command command = random_order_command(&random);
            EXPECT(wire_order_command_add(&parts, &command));
        }
        size_t length, same;
        const uint8_t *payload = wire_orders_finish(&parts, &header, &length);
        expect_as_protobuf_c(&tickwire__v1__order_batch__descriptor, payload, length);
        wire_orders batch;
        wire_order_command command;
        EXPECT_I64(wire_orders_open(&batch, payload, length), WIRE_OK);
        EXPECT_U64(batch.rest.count, parts.count);
        wire_parts_start(&second, back_buffer, sizeof back_buffer);
        while (wire_orders_next(&batch, &command)) {
            EXPECT_I64(command.fault.kind, WIRE_FAULT_NONE);
            EXPECT(wire_order_command_add(&second, &command));
        }
        const uint8_t *back = wire_orders_finish(&second, &batch.header, &same);
        EXPECT_MSG(same == length && memcmp(payload, back, length) == 0, "seed %" PRIu64 " round %u", seed, round);
    }
}

TEST(venue_codec, execution_batches_are_what_protobuf_c_packs_and_come_back_the_same) {
    tw_random random;
    tw_random_seed(&random, seed + 1);
    for (unsigned round = 0; round < 500; round++) {
        static wire_report sent[20];
        uint32_t count = (uint32_t)tw_random_below(&random, 20), seen = 0, names = 0;
        wire_parts parts;
        wire_execution_header header = {.exchange = "TWEX", .shard = 3, .first_seq = 17, .last_seq = 19, .part = 2};
        wire_named_instrument instrument = {0, "BRK.B", -4, -1};
        wire_named_account account = {UINT32_MAX - 1, "alice"};
        header.parts = 7;
        wire_parts_start(&parts, buffer, sizeof buffer);
        for (uint32_t i = 0; i < count; i++) {
            sent[i] = random_report(&random);
            EXPECT(wire_report_add(&parts, &sent[i]));
        }
        EXPECT(wire_named_instrument_add(&parts, &instrument));
        EXPECT(wire_named_account_add(&parts, &account));
        size_t length;
        const uint8_t *payload = wire_execution_batch_finish(&parts, &header, &length);
        expect_as_protobuf_c(&tickwire__v1__execution_batch__descriptor, payload, length);
        wire_executions batch;
        wire_part part;
        EXPECT_I64(wire_executions_open(&batch, payload, length), WIRE_OK);
        EXPECT_STR(batch.header.exchange, "TWEX");
        EXPECT_U64(batch.header.last_seq, 19);
        EXPECT_U64(batch.header.part, 2);
        while (wire_executions_next(&batch, &part)) {
            EXPECT_I64(part.fault.kind, WIRE_FAULT_NONE);
            if (part.kind == WIRE_PART_REPORT) {
                const wire_report *r = &part.report, *s = &sent[seen++];
                EXPECT(r->fee == s->fee && r->executed_notional == s->executed_notional);
                EXPECT(r->price == s->price && r->account == s->account && r->order_id == s->order_id);
            } else {
                names++;
                EXPECT(part.kind != WIRE_PART_NAMED_INSTRUMENT || part.instrument.number == 0);
                EXPECT(part.kind != WIRE_PART_NAMED_ACCOUNT || part.account.number == UINT32_MAX - 1);
            }
        }
        EXPECT_U64(seen, count);
        EXPECT_U64(names, 2);
    }
}

TEST(venue_codec, fills_are_what_protobuf_c_packs_and_come_back_the_same) {
    tw_random random;
    wire_arena arena;
    static wire_fill sent[WIRE_MAX_FILLS];
    tw_random_seed(&random, seed + 2);
    EXPECT(wire_arena_init(&arena, 64 * 1024));
    for (unsigned round = 0; round < 200; round++) {
        wire_fills m = {.header = random_header(&random), .fills = sent}, back;
        m.fill_count = (uint32_t)tw_random_below(&random, WIRE_MAX_FILLS + 1);
        for (uint32_t i = 0; i < m.fill_count; i++)
            sent[i] = (wire_fill){random_u64(&random),
                                  random_u32(&random),
                                  random_price(&random),
                                  random_u64(&random),
                                  (tw_aggressor)tw_random_below(&random, 3),
                                  random_time(&random)};
        size_t length = wire_fills_encode(&m, buffer, sizeof buffer);
        expect_as_protobuf_c(&tickwire__v1__fills__descriptor, buffer, length);
        EXPECT_U64(wire_fills_encode(&m, back_buffer, length - 1), 0);
        EXPECT_I64(wire_fills_decode(&arena, buffer, length, &back), WIRE_OK);
        EXPECT_U64(back.fill_count, m.fill_count);
        EXPECT_U64(wire_fills_encode(&back, back_buffer, length), length);
        EXPECT_BYTES(buffer, back_buffer, length);
    }
    wire_arena_fini(&arena);
}

/* ---- each member is the field that the schema says ---- */

typedef struct seen_fields {
    uint64_t varint[64];
    char text[64][80];
} seen_fields;

static uint64_t read_varint(const uint8_t **at) {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        value |= (uint64_t)(**at & 0x7f) << shift;
        if (*(*at)++ < 0x80) return value;
    }
}

/* A walk of its own over the first part of a payload without header. */
static void see(const uint8_t *payload, seen_fields *seen) {
    memset(seen, 0, sizeof *seen);
    read_varint(&payload);
    const uint8_t *end = payload;
    uint64_t length = read_varint(&end);
    payload = end;
    end += length;
    while (payload < end) {
        uint64_t tag = read_varint(&payload);
        unsigned number = (unsigned)(tag >> 3);
        EXPECT(number < 64);
        if ((tag & 7) == 0) {
            seen->varint[number] = read_varint(&payload);
        } else if ((tag & 7) == 1) {
            memcpy(&seen->varint[number], payload, 8);
            payload += 8;
        } else {
            uint64_t bytes = read_varint(&payload);
            memcpy(seen->text[number], payload, bytes);
            payload += bytes;
        }
    }
    EXPECT(payload == end);
}

TEST(venue_codec, a_commands_members_are_the_fields_that_the_schema_names) {
    wire_order_command c = {.kind = 2, .side = 1, .type = 3, .tif = 4, .stp = 3, .post_only = true, .sides = 2};
    c.price = 11;
    c.stop_price = 12;
    c.quantity = 13;
    c.display = 14;
    c.minimum = 15;
    c.expire_ns = 16;
    c.session = 17;
    c.order_id = 18;
    c.timeout_ns = 19;
    tw_text_copy(c.account, sizeof c.account, "alice");
    tw_text_copy(c.symbol, sizeof c.symbol, "AAPL");
    tw_text_copy(c.client_order_id, sizeof c.client_order_id, "mine");
    tw_text_copy(c.correlation_id, sizeof c.correlation_id, "why");
    wire_parts parts;
    seen_fields seen;
    size_t length;
    wire_parts_start(&parts, buffer, sizeof buffer);
    EXPECT(wire_order_command_add(&parts, &c));
    see(wire_orders_finish(&parts, &(wire_batch_header){.sent_ns = TW_TIME_ABSENT}, &length), &seen);
    static const uint64_t expected[23] = {
        [1] = 2,   [5] = 1,  [6] = 3,  [7] = 4,   [8] = 22,  [9] = 13,  [11] = 17, [12] = 18,
        [13] = 24, [14] = 3, [15] = 1, [16] = 14, [17] = 15, [18] = 16, [21] = 2,  [22] = 19,
    };
    for (unsigned i = 0; i < 23; i++)
        EXPECT_MSG(seen.varint[i] == expected[i], "field %u is %" PRIu64, i, seen.varint[i]);
    EXPECT_STR(seen.text[2], "alice");
    EXPECT_STR(seen.text[3], "AAPL");
    EXPECT_STR(seen.text[4], "mine");
    EXPECT_STR(seen.text[10], "why");
}

TEST(venue_codec, a_reports_members_are_the_fields_that_the_schema_names) {
    wire_report r = {.seq = 1, .index = 2, .n = 3, .kind = 4, .reason = 5, .account = 5, .instrument = 6};
    r.order_id = 8;
    tw_text_copy(r.client_order_id, sizeof r.client_order_id, "mine");
    r.price = 10;
    r.quantity = 11;
    r.leaves = 12;
    r.executed = 13;
    r.last_price = 14;
    r.last_quantity = 15;
    r.stream_ns = 16;
    r.event_ns = 17;
    r.command = 18;
    r.status = 4;
    r.side = 1;
    r.type = 3;
    r.tif = 2;
    r.liquidity = 2;
    r.state = 4;
    r.duplicate = true;
    r.counter_id = 26;
    r.session = 27;
    r.stop_price = 28;
    r.shown = 29;
    r.average_price = 30;
    r.executed_notional = ((wire_money)31 << 64) + 32;
    r.fee = -((wire_money)33 << 64) + 34;
    tw_text_copy(r.correlation_id, sizeof r.correlation_id, "why");
    tw_text_copy(r.order_correlation_id, sizeof r.order_correlation_id, "whose");
    tw_text_copy(r.account_name, sizeof r.account_name, "ghost");
    tw_text_copy(r.symbol, sizeof r.symbol, "NONE");
    wire_parts parts;
    seen_fields seen;
    size_t length;
    wire_parts_start(&parts, buffer, sizeof buffer);
    EXPECT(wire_report_add(&parts, &r));
    see(wire_execution_batch_finish(&parts, &(wire_execution_header){.publish_ns = TW_TIME_ABSENT}, &length),
        &seen);
    static const uint64_t expected[36] = {0,  1, 2, 3, 4, 5, 6, 7, 8,  0,  20, 11, 12, 13, 28, 15, 16, 17,
                                          18, 4, 1, 3, 2, 2, 4, 1, 26, 27, 56, 29, 60, 62, 32, 65, 34, 0};
    for (unsigned i = 0; i < 36; i++)
        EXPECT_MSG(seen.varint[i] == expected[i], "field %u is %" PRIu64, i, seen.varint[i]);
    EXPECT_STR(seen.text[9], "mine");
    EXPECT_STR(seen.text[35], "why");
    EXPECT_STR(seen.text[36], "whose");
    EXPECT_STR(seen.text[37], "ghost");
    EXPECT_STR(seen.text[38], "NONE");
}

TEST(venue_codec, money_is_exact_to_the_last_of_128_bits) {
    const wire_money rows[] = {0,
                               1,
                               -1,
                               (wire_money)UINT64_MAX,
                               (wire_money)UINT64_MAX + 1,
                               -(wire_money)UINT64_MAX,
                               (wire_money)1000000000000000 * 1000000000000000,
                               (wire_money)(((unsigned __int128)1 << 127) - 1),
                               (wire_money)((unsigned __int128)1 << 127)};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wire_report r = wire_report_empty;
        wire_parts parts;
        wire_executions batch;
        wire_part part;
        size_t length;
        r.fee = rows[i];
        r.executed_notional = rows[sizeof rows / sizeof *rows - 1 - i];
        wire_parts_start(&parts, buffer, sizeof buffer);
        EXPECT(wire_report_add(&parts, &r));
        const uint8_t *payload = wire_execution_batch_finish(&parts, &(wire_execution_header){.shard = 1}, &length);
        EXPECT_I64(wire_executions_open(&batch, payload, length), WIRE_OK);
        EXPECT(wire_executions_next(&batch, &part));
        EXPECT_MSG(part.report.fee == r.fee && part.report.executed_notional == r.executed_notional, "row %zu", i);
    }
}

/* ---- what is wrong ---- */

/* One command as bytes, after a good one and before another. */
typedef struct fault_row {
    const char *what;
    const char *bytes;
    size_t length;
    wire_fault_kind fault;
    uint32_t field;
} fault_row;
#define BYTES(text) text, sizeof(text) - 1

static const fault_row fault_rows[] = {
    {"a field that this version does not know", BYTES("\xf8\x3f\x01"), WIRE_FAULT_NONE, 0},
    {"an empty command", BYTES(""), WIRE_FAULT_NONE, 0},
    {"a tag cut short", BYTES("\x80"), WIRE_FAULT_MALFORMED, 0},
    {"a price that is text", BYTES("\x42\x01x"), WIRE_FAULT_MALFORMED, 8},
    {"a price that stands for no price", BYTES("\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), WIRE_FAULT_RANGE,
     8},
    {"a quantity that stands for no quantity", BYTES("\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
     WIRE_FAULT_RANGE, 9},
    {"sides beyond 32 bits", BYTES("\xa8\x01\xff\xff\xff\xff\x7f"), WIRE_FAULT_RANGE, 21},
    {"an account with a NUL in it",
     BYTES("\x12\x03"
           "a\0b"),
     WIRE_FAULT_RANGE, 2},
    {"an account of 33 bytes",
     BYTES("\x12\x21"
           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
     WIRE_FAULT_RANGE, 2},
    {"a client order id of 41 bytes",
     BYTES("\x22\x29"
           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
     WIRE_FAULT_RANGE, 4},
    {"a client order id that is no UTF-8",
     BYTES("\x22\x03"
           "a\xff"
           "b"),
     WIRE_FAULT_RANGE, 4},
    {"a correlation id that ends within a character",
     BYTES("\x52\x0a"
           "aaaaaaaa\xe2\x82"),
     WIRE_FAULT_RANGE, 10},
    {"an account that is no UTF-8",
     BYTES("\x12\x01"
           "\x80"),
     WIRE_FAULT_RANGE, 2},
    {"a symbol that is no UTF-8",
     BYTES("\x1a\x02"
           "\xc0\x80"),
     WIRE_FAULT_RANGE, 3},
    {"text longer than the command",
     BYTES("\x12\x7f"
           "a"),
     WIRE_FAULT_MALFORMED, 0},
};

static size_t put_part(uint8_t *at, const void *bytes, size_t length) {
    at[0] = 0x52; /* field 10, length-delimited */
    at[1] = (uint8_t)length;
    memcpy(at + 2, bytes, length);
    return length + 2;
}

TEST(venue_codec, a_bad_command_is_its_own_fault_and_hides_nobody) {
    static const char good[] = "\x12\x05"
                               "alice\x48\x64";
    for (size_t i = 0; i < sizeof fault_rows / sizeof *fault_rows; i++) {
        const fault_row *row = &fault_rows[i];
        uint8_t bytes[256];
        size_t length = put_part(bytes, good, sizeof good - 1);
        length += put_part(bytes + length, row->bytes, row->length);
        length += put_part(bytes + length, good, sizeof good - 1);
        wire_orders batch;
        wire_order_command first, middle, last, none;
        EXPECT_I64(wire_orders_open(&batch, bytes, length), WIRE_OK);
        EXPECT_U64(batch.rest.count, 3);
        EXPECT(wire_orders_next(&batch, &first) && wire_orders_next(&batch, &middle) &&
               wire_orders_next(&batch, &last) && !wire_orders_next(&batch, &none));
        EXPECT_I64(first.fault.kind, WIRE_FAULT_NONE);
        EXPECT_MSG(middle.fault.kind == row->fault && middle.fault.field == row->field, "%s: fault %d of field %u",
                   row->what, (int)middle.fault.kind, middle.fault.field);
        EXPECT(strchr(middle.client_order_id, 0xff) == NULL && middle.correlation_id[0] == '\0');
        EXPECT_I64(last.fault.kind, WIRE_FAULT_NONE);
        EXPECT_STR(last.account, "alice");
        EXPECT_U64(last.quantity, 100);
    }
}

TEST(venue_codec, a_command_with_a_fault_still_tells_whose_it_was) {
    uint8_t bytes[64];
    size_t length = put_part(bytes, BYTES("\x42\x01x\x12\x05"
                                          "alice\x22\x04mine"));
    wire_orders batch;
    wire_order_command command;
    EXPECT_I64(wire_orders_open(&batch, bytes, length), WIRE_OK);
    EXPECT(wire_orders_next(&batch, &command));
    EXPECT_I64(command.fault.kind, WIRE_FAULT_MALFORMED);
    EXPECT_STR(command.account, "alice");
    EXPECT_STR(command.client_order_id, "mine");
}

TEST(venue_codec, values_of_a_newer_sender_read_as_unknown) {
    uint8_t bytes[64];
    size_t length =
        put_part(bytes, BYTES("\x08\x07\x28\x02\x30\x04\x38\x05\x70\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    wire_orders batch;
    wire_order_command c;
    EXPECT_I64(wire_orders_open(&batch, bytes, length), WIRE_OK);
    EXPECT(wire_orders_next(&batch, &c));
    EXPECT_I64(c.fault.kind, WIRE_FAULT_NONE);
    EXPECT(c.kind == WIRE_UNKNOWN && c.side == WIRE_UNKNOWN && c.type == WIRE_UNKNOWN && c.tif == WIRE_UNKNOWN &&
           c.stp == WIRE_UNKNOWN);
}

TEST(venue_codec, a_batch_that_is_cut_short_is_refused_as_a_whole_and_nothing_is_read_beyond_it) {
    tw_random random;
    guard_page page;
    wire_parts parts;
    size_t length, whole = 0;
    tw_random_seed(&random, seed + 3);
    wire_parts_start(&parts, buffer, sizeof buffer);
    for (unsigned i = 0; i < 4; i++) {
        wire_order_command command = random_order_command(&random);
        wire_order_command_add(&parts, &command);
    }
    const uint8_t *payload = wire_orders_finish(&parts, &(wire_batch_header){.sender = "gw-1"}, &length);
    guard_page_open(&page, length);
    for (size_t cut = 0; cut <= length; cut++) {
        wire_orders batch;
        wire_order_command command;
        uint32_t count = 0;
        wire_result result = wire_orders_open(&batch, guard_page_place(&page, payload, cut), cut);
        if (result == WIRE_OK) whole++;
        while (wire_orders_next(&batch, &command))
            count++;
        EXPECT_MSG(result == WIRE_OK ? count <= 4 : count == 0, "cut at %zu", cut);
    }
    EXPECT_U64(whole, 6); /* after the header's field, after each command, and nothing at all */
    guard_page_close(&page);
}

TEST(venue_codec, any_bytes_at_all_are_answered) {
    tw_random random;
    guard_page page;
    tw_random_seed(&random, seed + 4);
    guard_page_open(&page, 256);
    for (unsigned round = 0; round < 50000; round++) {
        uint8_t bytes[256];
        size_t length = (size_t)tw_random_below(&random, sizeof bytes);
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)tw_random_u64(&random);
        if (length > 2 && tw_random_chance(&random, 3, 4)) { /* one part of random bytes */
            bytes[0] = 0x52;
            bytes[1] = (uint8_t)(length - 2 < 128 ? length - 2 : 127);
        }
        const uint8_t *placed = guard_page_place(&page, bytes, length);
        wire_orders orders;
        wire_controls controls;
        wire_executions executions;
        wire_query_reply reply;
        wire_order_command command;
        wire_control_command control;
        wire_part part;
        wire_query query;
        wire_state_hash hash;
        wire_matcher matcher;
        wire_orders_open(&orders, placed, length);
        while (wire_orders_next(&orders, &command)) {
        }
        wire_controls_open(&controls, placed, length);
        while (wire_controls_next(&controls, &control)) {
        }
        wire_executions_open(&executions, placed, length);
        while (wire_executions_next(&executions, &part)) {
        }
        wire_query_reply_open(&reply, placed, length);
        while (wire_query_reply_next(&reply, &part)) {
        }
        wire_query_decode(placed, length, &query);
        wire_state_hash_decode(placed, length, &hash);
        wire_matcher_decode(placed, length, &matcher);
    }
    guard_page_close(&page);
}

TEST(venue_codec, more_commands_than_an_index_can_count_are_refused) {
    wire_orders batch;
    for (size_t i = 0; i < WIRE_MAX_PARTS + 1; i++)
        put_part(buffer + 2 * i, "", 0);
    EXPECT_I64(wire_orders_open(&batch, buffer, 2 * (size_t)WIRE_MAX_PARTS), WIRE_OK);
    EXPECT_U64(batch.rest.count, WIRE_MAX_PARTS);
    EXPECT_I64(wire_orders_open(&batch, buffer, 2 * (size_t)WIRE_MAX_PARTS + 2), WIRE_OUT_OF_RANGE);
}

TEST(venue_codec, tick_bands_are_taken_packed_or_not_and_a_ninth_is_a_fault) {
    static const struct {
        const char *bytes;
        size_t length;
        uint32_t count;
        wire_fault_kind fault;
    } rows[] = {{BYTES("\xba\x01\x02\x02\x04"), 2, WIRE_FAULT_NONE},
                {BYTES("\xb8\x01\x02\xb8\x01\x04"), 2, WIRE_FAULT_NONE},
                {BYTES("\xba\x01\x02\x02\x80"), 1, WIRE_FAULT_MALFORMED},
                {BYTES("\xba\x01\x09\x02\x02\x02\x02\x02\x02\x02\x02\x02"), 8, WIRE_FAULT_RANGE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[64];
        wire_controls batch;
        wire_control_command control;
        size_t length = put_part(bytes, rows[i].bytes, rows[i].length);
        EXPECT_I64(wire_controls_open(&batch, bytes, length), WIRE_OK);
        EXPECT(wire_controls_next(&batch, &control));
        EXPECT_I64(control.fault.kind, rows[i].fault);
        EXPECT_U64(control.tick.count, rows[i].count);
        EXPECT_I64(control.tick.values[0], 1);
    }
}

TEST(venue_codec, a_payload_never_outgrows_its_buffer_and_may_be_finished_again) {
    wire_parts parts;
    wire_report report = wire_report_empty;
    wire_execution_header header = {.exchange = "TWEX", .part = 1, .parts = 1};
    size_t length, second;
    memset(report.client_order_id, 'x', sizeof report.client_order_id - 1);
    wire_parts_start(&parts, buffer, WIRE_EXECUTION_BYTES);
    memset(buffer + WIRE_EXECUTION_BYTES, 0xa5, 64);
    while (wire_report_add(&parts, &report)) {
    }
    EXPECT(parts.count > 10000);
    wire_execution_batch_finish(&parts, &header, &length);
    EXPECT(length <= WIRE_EXECUTION_BYTES && length > WIRE_EXECUTION_BYTES - 2 * WIRE_PART_ROOM);
    header.parts = 300;
    const uint8_t *payload = wire_execution_batch_finish(&parts, &header, &second);
    wire_executions batch;
    EXPECT_U64(second, length + 1);
    EXPECT_I64(wire_executions_open(&batch, payload, second), WIRE_OK);
    EXPECT_U64(batch.header.parts, 300);
    EXPECT_U64(batch.rest.count, parts.count);
    for (unsigned i = 0; i < 64; i++)
        EXPECT_U64(buffer[WIRE_EXECUTION_BYTES + i], 0xa5);
}

TEST(venue_codec, an_execution_batch_does_not_tell_who_wrote_it_or_when) {
    wire_parts parts;
    wire_executions batch;
    wire_execution_header header = {.shard = 2, .account = "alice", .term = 7, .publish_ns = 8, .part = 1};
    size_t length;
    wire_parts_start(&parts, buffer, sizeof buffer);
    const uint8_t *payload = wire_execution_batch_finish(&parts, &header, &length);
    EXPECT_I64(wire_executions_open(&batch, payload, length), WIRE_OK);
    EXPECT_STR(batch.header.account, "");
    EXPECT_U64(batch.header.term, 0);
    EXPECT_I64(batch.header.publish_ns, TW_TIME_ABSENT);
}

/* ---- which command may travel where ---- */

TEST(venue_codec, a_command_may_act_for_the_account_and_instrument_of_its_subject_only) {
    static const struct {
        const char *subject;
        uint8_t kind;
        bool all_symbols;
        const char *account, *symbol;
        wire_fault_kind fault;
        const char *account_after, *symbol_after;
    } rows[] = {
        {"orders.TWEX.1.alice.BRK%2EB", WIRE_NEW_ORDER, false, "alice", "BRK.B", WIRE_FAULT_NONE, "alice", "BRK.B"},
        {"orders.TWEX.1.alice.AAPL", WIRE_NEW_ORDER, false, "", "", WIRE_FAULT_NONE, "alice", "AAPL"},
        {"orders.TWEX.1.alice.AAPL", WIRE_CANCEL, false, "bob", "AAPL", WIRE_FAULT_OTHER_ACCOUNT, "alice", "AAPL"},
        {"orders.TWEX.1.alice.AAPL", WIRE_REPLACE, false, "alice", "MSFT", WIRE_FAULT_OTHER_SYMBOL, "alice",
         "AAPL"},
        {"orders.TWEX.1.alice.AAPL", WIRE_MASS_CANCEL, false, "", "", WIRE_FAULT_NONE, "alice", "AAPL"},
        {"orders.TWEX.1.alice.AAPL", WIRE_MASS_CANCEL, true, "", "", WIRE_FAULT_OTHER_SYMBOL, "alice", "AAPL"},
        {"orders.TWEX.1.alice.AAPL", WIRE_SESSION_CLOSE, false, "", "", WIRE_FAULT_NOT_HERE, "alice", "AAPL"},
        {"orderbatch.TWEX.1", WIRE_NEW_ORDER, false, "bob", "MSFT", WIRE_FAULT_NONE, "bob", "MSFT"},
        {"orderbatch.TWEX.1", WIRE_NEW_ORDER, false, "", "MSFT", WIRE_FAULT_NO_NAME, "", "MSFT"},
        {"orderbatch.TWEX.1", WIRE_CANCEL, false, "bob", "", WIRE_FAULT_NO_NAME, "bob", ""},
        {"orderbatch.TWEX.1", WIRE_MASS_CANCEL, true, "bob", "", WIRE_FAULT_NONE, "bob", ""},
        {"orderbatch.TWEX.1", WIRE_SESSION_BEAT, false, "", "", WIRE_FAULT_NONE, "", ""},
        {"control.TWEX.1", WIRE_NEW_ORDER, false, "bob", "MSFT", WIRE_FAULT_NOT_HERE, "bob", "MSFT"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        subject_parts subject;
        wire_order_command c = wire_order_command_empty;
        subject_parse(rows[i].subject, &subject);
        c.kind = rows[i].kind;
        c.all_symbols = rows[i].all_symbols;
        tw_text_copy(c.account, sizeof c.account, rows[i].account);
        tw_text_copy(c.symbol, sizeof c.symbol, rows[i].symbol);
        EXPECT_MSG(wire_order_command_admit(&c, &subject) == rows[i].fault, "row %zu: %s", i,
                   wire_fault_text(c.fault.kind));
        EXPECT_STR(c.account, rows[i].account_after);
        EXPECT_STR(c.symbol, rows[i].symbol_after);
        EXPECT((wire_fault_text(c.fault.kind)[0] != '\0') == (rows[i].fault != WIRE_FAULT_NONE));
    }
}

TEST(venue_codec, a_fault_that_a_command_has_is_kept_when_its_subject_is_looked_at) {
    subject_parts subject;
    wire_order_command c = wire_order_command_empty;
    subject_parse("orders.TWEX.1.alice.AAPL", &subject);
    c.fault = (wire_fault_info){WIRE_FAULT_RANGE, 8};
    EXPECT_I64(wire_order_command_admit(&c, &subject), WIRE_FAULT_RANGE);
    EXPECT_U64(c.fault.field, 8);
    EXPECT_STR(c.account, "alice");
}

TEST(proto_venue, a_reports_own_writer_gives_the_bytes_that_its_table_gives) {
    tw_random random;
    tw_random_seed(&random, 11);
    for (int i = 0; i < 20000; i++) {
        uint8_t by_table[WIRE_PART_ROOM], by_hand[WIRE_PART_ROOM];
        wire_report report = i == 0 ? wire_report_empty : random_report(&random);
        size_t length = (size_t)(wire_table_put(&wire_table_report, &report, by_table) - by_table);
        EXPECT_U64((uint64_t)(wire_report_put(&report, by_hand) - by_hand), length);
        EXPECT_BYTES(by_hand, by_table, length);
    }
}
