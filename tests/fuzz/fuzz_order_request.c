/* Any bytes as a request about orders: what is taken becomes a command that the wire can carry, anything else names a code. */
#include "base/text.h"
#include "gateways/orders/command.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t buffer[WIRE_PARTS_HEADER_ROOM + 2 * WIRE_PART_ROOM];
    const order_place place = {.symbol = "A", .shard = 1, .price_exponent = -4, .quantity_exponent = -1};
    order_request request;
    order_fault fault = {0};
    wire_order_command command, read;
    wire_parts parts;
    wire_orders batch;
    size_t length;
    bool good = size > 0 &&
                order_request_parse(&request, &fault, data + 1, size - 1, (order_op)(data[0] % (ORDER_OPS + 1)));
    if (size == 0) return 0;
    FUZZ_CHECK(good || (fault.code != NULL && fault.message[0] != '\0'));
    if (!good || !order_command_make(&command, &request, request.symbol[0] == '\0' ? NULL : &place, "TWEX", &fault))
        return 0;
    wire_parts_start(&parts, buffer, sizeof buffer);
    FUZZ_CHECK(wire_order_command_add(&parts, &command));
    const uint8_t *bytes = wire_orders_finish(&parts, &(wire_batch_header){.sent_ns = 1}, &length);
    FUZZ_CHECK(wire_orders_open(&batch, bytes, length) == WIRE_OK && wire_orders_next(&batch, &read));
    FUZZ_CHECK(read.fault.kind == WIRE_FAULT_NONE && read.price == command.price &&
               read.quantity == command.quantity && read.kind == command.kind &&
               strcmp(read.client_order_id, command.client_order_id) == 0);
    return 0;
}
