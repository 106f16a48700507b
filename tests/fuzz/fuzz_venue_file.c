/* A venue file, the orders that become of it, and the words of an order: whatever a person or a program writes there. */
#include "tests/fuzz/fuzz.h"
#include "tools/venue/spread.h"
#include "tools/venue/ticket.h"

static const tw_date today = {2026, 11, 21};

/* What was read can be told, divided and sent. */
static void check_order(const venue_order *order) {
    static uint8_t buffer[WIRE_PARTS_HEADER_ROOM + 2 * WIRE_PART_ROOM];
    char text[VENUE_ORDER_TEXT_BYTES];
    wire_parts parts;
    venue_order_text(text, &order->command);
    FUZZ_CHECK(text[0] != '\0' && order->number > 0);
    wire_money funds = 0;
    uint64_t open_orders = 0;
    for (uint32_t i = 0; i < 3; i++) {
        wire_control_command command;
        venue_spread(order, 3, i, &command);
        funds += command.funds;
        open_orders += command.open_orders;
        wire_parts_start(&parts, buffer, sizeof buffer);
        FUZZ_CHECK(wire_control_command_add(&parts, &command));
    }
    if (order->command.kind != WIRE_SET_LIMITS || order->shard != 0) return;
    FUZZ_CHECK(funds == order->command.funds || funds == 3 * order->command.funds);
    FUZZ_CHECK(open_orders == order->command.open_orders || order->command.open_orders == UINT32_MAX);
}

static void read_file(const uint8_t *bytes, size_t length) {
    venue_file file;
    tw_error error = {0};
    char *text = malloc(length + 1);
    memcpy(text, bytes, length);
    text[length] = '\0';
    tw_code code = venue_file_parse(&file, text, "TWEX", today, &error);
    FUZZ_CHECK(code == TW_OK || error.text[0] != '\0');
    for (size_t i = 0; code == TW_OK && i < file.count; i++)
        check_order(&file.orders[i]);
    venue_file_fini(&file);
    free(text);
}

/* The first line's words. */
static void read_ticket(const uint8_t *bytes, size_t length) {
    const char *words[16];
    size_t count = 0;
    ticket t;
    wire_order_command command;
    tw_error error = {0};
    fuzz_input input = {bytes, length};
    char *line = fuzz_line(&input), *rest = line;
    for (char *word; count < 16 && (word = strsep(&rest, " ")) != NULL;)
        if (word[0] != '\0') words[count++] = word;
    const ticket_options options = {.account = "ann",
                                    .type = "",
                                    .tif = count % 5 == 1 ? "gtc" : "",
                                    .stop = count % 3 == 1 ? "1.5" : "",
                                    .display = "",
                                    .minimum = "",
                                    .expire = "",
                                    .stp = "",
                                    .client_id = count % 4 == 2 ? "name" : ""};
    const ticket_ground ground = {.symbol = "AAPL", .price_exponent = -4, .tick = 100, .lot = 5, .today = today};
    tw_code code = ticket_read(&t, words, count, "TWEX", &options, &error);
    if (code == TW_OK) code = ticket_command(&t, &ground, &command, &error);
    FUZZ_CHECK(code == TW_OK || error.text[0] != '\0');
    if (code == TW_OK && command.price != TW_PRICE_ABSENT)
        FUZZ_CHECK(command.price > 0 && command.price % 100 == 0);
    if (code == TW_OK && command.kind == WIRE_NEW_ORDER)
        FUZZ_CHECK(command.quantity > 0 && command.quantity % 5 == 0);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (length > 65536) return 0;
    read_file(bytes, length);
    read_ticket(bytes, length);
    return 0;
}
