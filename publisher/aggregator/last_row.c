/* Numbers into the texts that Redis holds. */
#include "publisher/aggregator/last_row.h"

#include <string.h>

#include "base/assert.h"
#include "base/json.h"

const char *last_field_name(last_field field) {
    static const char *const names[LAST_FIELDS] = {"bid",       "bid_size", "ask",      "ask_size", "last",
                                                   "last_size", "seq",      "event_ns", "state"};
    return names[field];
}

static void put_length(last_row *row, last_field field, size_t length) {
    row->length[field] = length;
    if (length > 0) row->present |= 1u << field;
}

static void put_price(last_row *row, last_field price, int64_t value, uint64_t size, const last_numbers *numbers) {
    if (value == TW_PRICE_ABSENT) return;
    put_length(row, price, tw_decimal_format(row->text[price], TW_DECIMAL_BYTES, value, numbers->price_exponent));
    last_field of_size = price + 1;
    put_length(row, of_size,
               tw_decimal_format_u64(row->text[of_size], TW_DECIMAL_BYTES, size, numbers->quantity_exponent));
}

static void put_state(last_row *row, tw_book_state state) {
    const char *name = tw_book_state_name(state);
    bool whole = tw_text_copy(row->text[LAST_STATE], TW_DECIMAL_BYTES, name);
    TW_ASSERT(whole);
    put_length(row, LAST_STATE, strlen(name));
}

void last_row_make(last_row *row, const last_numbers *numbers) {
    row->present = 0;
    for (unsigned i = 0; i < LAST_FIELDS; i++) {
        row->length[i] = 0;
        row->text[i][0] = '\0';
    }
    put_price(row, LAST_BID, numbers->bid, numbers->bid_size, numbers);
    put_price(row, LAST_ASK, numbers->ask, numbers->ask_size, numbers);
    put_price(row, LAST_LAST, numbers->last, numbers->last_size, numbers);
    put_length(row, LAST_SEQ, tw_decimal_format_u64(row->text[LAST_SEQ], TW_DECIMAL_BYTES, numbers->seq, 0));
    if (numbers->event_ns != TW_TIME_ABSENT)
        put_length(row, LAST_EVENT_NS,
                   tw_decimal_format(row->text[LAST_EVENT_NS], TW_DECIMAL_BYTES, numbers->event_ns, 0));
    put_state(row, numbers->state);
}

size_t last_row_json(const last_row *row, char *text, size_t capacity) {
    json_writer writer;
    json_start(&writer, text, capacity);
    json_open_object(&writer, NULL);
    for (unsigned i = 0; i < LAST_FIELDS; i++)
        if ((row->present & 1u << i) != 0) json_string(&writer, last_field_name((last_field)i), row->text[i]);
    json_close_object(&writer);
    bool whole = json_finish(&writer);
    TW_ASSERT(whole);
    return json_needed(&writer) - 1; /* without NUL */
}
