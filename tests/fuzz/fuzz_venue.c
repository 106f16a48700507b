/* The venue's codec: any bytes as any of its messages. What is read without a fault can be written, and reads as the same again; a
 * command with a fault still has terminated texts, and its subject's check answers it. */
#include "proto/venue.h"

#include "tests/fuzz/fuzz.h"

static uint8_t once[4 * WIRE_MAX_BYTES], twice[4 * WIRE_MAX_BYTES];

/* Reads the orders of `bytes` and writes those without a fault into `buffer`. Returns the payload, NULL if there is none. */
static const uint8_t *rewrite_orders(const uint8_t *bytes, size_t length, uint8_t *buffer, size_t *written) {
    wire_orders batch;
    wire_order_command command;
    wire_parts parts;
    if (wire_orders_open(&batch, bytes, length) != WIRE_OK) return NULL;
    wire_parts_start(&parts, buffer, sizeof once);
    while (wire_orders_next(&batch, &command)) {
        subject_parts subject = {.kind = SUBJECT_KIND_ORDERS, .account = "alice", .symbol = "AAPL"};
        bool good = command.fault.kind == WIRE_FAULT_NONE;
        if (good) wire_order_command_add(&parts, &command);
        FUZZ_CHECK(strlen(command.account) < sizeof command.account);
        FUZZ_CHECK(strlen(command.client_order_id) < sizeof command.client_order_id);
        bool admitted = wire_order_command_admit(&command, &subject) == WIRE_FAULT_NONE;
        FUZZ_CHECK(good || !admitted);
        FUZZ_CHECK(strcmp(command.account, "alice") == 0 && strcmp(command.symbol, "AAPL") == 0);
    }
    return wire_orders_finish(&parts, &batch.header, written);
}

static const uint8_t *rewrite_controls(const uint8_t *bytes, size_t length, uint8_t *buffer, size_t *written) {
    wire_controls batch;
    wire_control_command command;
    wire_parts parts;
    if (wire_controls_open(&batch, bytes, length) != WIRE_OK) return NULL;
    wire_parts_start(&parts, buffer, sizeof once);
    while (wire_controls_next(&batch, &command)) {
        FUZZ_CHECK(command.tick.count <= WIRE_TICK_BANDS && command.tick_from.count <= WIRE_TICK_BANDS);
        if (command.fault.kind == WIRE_FAULT_NONE) wire_control_command_add(&parts, &command);
    }
    return wire_controls_finish(&parts, &batch.header, written);
}

static void add_part(wire_parts *parts, const wire_part *part) {
    if (part->fault.kind != WIRE_FAULT_NONE) return;
    if (part->kind == WIRE_PART_REPORT) wire_report_add(parts, &part->report);
    if (part->kind == WIRE_PART_NAMED_INSTRUMENT) wire_named_instrument_add(parts, &part->instrument);
    if (part->kind == WIRE_PART_NAMED_ACCOUNT) wire_named_account_add(parts, &part->account);
}

static const uint8_t *rewrite_executions(const uint8_t *bytes, size_t length, uint8_t *buffer, size_t *written) {
    wire_executions batch;
    wire_part part;
    wire_parts parts;
    if (wire_executions_open(&batch, bytes, length) != WIRE_OK) return NULL;
    wire_parts_start(&parts, buffer, sizeof once);
    while (wire_executions_next(&batch, &part))
        add_part(&parts, &part);
    return wire_execution_batch_finish(&parts, &batch.header, written);
}

static void add_reply_part(wire_parts *parts, const wire_part *part) {
    if (part->fault.kind != WIRE_FAULT_NONE) return;
    if (part->kind == WIRE_PART_ORDER_VIEW) wire_reply_order_add(parts, &part->order);
    if (part->kind == WIRE_PART_POSITION_VIEW) wire_reply_position_add(parts, &part->position);
    if (part->kind == WIRE_PART_REPORT) wire_reply_report_add(parts, &part->report);
    if (part->kind == WIRE_PART_NAMED_INSTRUMENT) wire_reply_instrument_add(parts, &part->instrument);
    if (part->kind == WIRE_PART_ACCOUNT_VIEW) wire_reply_account_add(parts, &part->account_view);
    if (part->kind == WIRE_PART_DEFINITION) wire_reply_definition_add(parts, &part->definition);
}

static const uint8_t *rewrite_reply(const uint8_t *bytes, size_t length, uint8_t *buffer, size_t *written) {
    wire_query_reply reply;
    wire_part part;
    wire_parts parts;
    if (wire_query_reply_open(&reply, bytes, length) != WIRE_OK) return NULL;
    wire_parts_start(&parts, buffer, sizeof once);
    while (wire_query_reply_next(&reply, &part))
        add_reply_part(&parts, &part);
    return wire_query_reply_finish(&parts, &reply.header, written);
}

static const uint8_t *rewrite_query(const uint8_t *bytes, size_t length, uint8_t *buffer, size_t *written) {
    wire_query m;
    if (wire_query_decode(bytes, length, &m) != WIRE_OK) return NULL;
    *written = wire_query_encode(&m, buffer, sizeof once);
    return buffer;
}

static const uint8_t *rewrite_hash(const uint8_t *bytes, size_t length, uint8_t *buffer, size_t *written) {
    wire_state_hash m;
    if (wire_state_hash_decode(bytes, length, &m) != WIRE_OK) return NULL;
    *written = wire_state_hash_encode(&m, buffer, sizeof once);
    return buffer;
}

static const uint8_t *rewrite_matcher(const uint8_t *bytes, size_t length, uint8_t *buffer, size_t *written) {
    wire_matcher m;
    if (wire_matcher_decode(bytes, length, &m) != WIRE_OK) return NULL;
    *written = wire_matcher_encode(&m, buffer, sizeof once);
    return buffer;
}

static const uint8_t *rewrite_fills(const uint8_t *bytes, size_t length, uint8_t *buffer, size_t *written) {
    static wire_arena arena;
    wire_fills m;
    if (arena.block == NULL) FUZZ_CHECK(wire_arena_init(&arena, WIRE_ARENA_BYTES));
    if (wire_fills_decode(&arena, bytes, length, &m) != WIRE_OK) return NULL;
    *written = wire_fills_encode(&m, buffer, sizeof once);
    return buffer;
}

static const uint8_t *(*const rewriters[])(const uint8_t *bytes, size_t length, uint8_t *buffer,
                                           size_t *written) = {rewrite_orders, rewrite_controls, rewrite_executions,
                                                               rewrite_reply,  rewrite_query,    rewrite_hash,
                                                               rewrite_fills,  rewrite_matcher};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    size_t kind = fuzz_u8(&input) % (sizeof rewriters / sizeof *rewriters), first, second;
    uint8_t *payload = fuzz_piece(&input, input.left, &length, 0);
    const uint8_t *written = rewriters[kind](payload, length, once, &first);
    if (written != NULL) {
        const uint8_t *again = rewriters[kind](written, first, twice, &second);
        FUZZ_CHECK(again != NULL && first == second && memcmp(written, again, first) == 0);
    }
    free(payload);
    return 0;
}
