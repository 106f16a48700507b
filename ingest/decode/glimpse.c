/* GLIMPSE: the end message, and which ITCH messages make up a snapshot. */
#include "ingest/decode/glimpse.h"

#include "ingest/decode/itch50.h"
#include "ingest/framing/soupbintcp.h"

#define NUMBER_WIDTH 20u

void glimpse_reader_init(glimpse_reader *reader) {
    *reader = (glimpse_reader){0};
}

/* Newer exchanges' snapshots carry more of the state than the specification lists: whatever only says how things stand
 * is taken. What says that something happened has no place in a snapshot. */
static bool tells_a_state(char type) {
    switch (type) {
    case ITCH50_SYSTEM_EVENT:
    case ITCH50_STOCK_DIRECTORY:
    case ITCH50_TRADING_ACTION:
    case ITCH50_REG_SHO:
    case ITCH50_PARTICIPANT_POSITION:
    case ITCH50_MWCB_LEVELS:
    case ITCH50_MWCB_STATUS:
    case ITCH50_IPO_QUOTING:
    case ITCH50_LULD_COLLAR:
    case ITCH50_OPERATIONAL_HALT:
    case ITCH50_ADD_ORDER:
    case ITCH50_ADD_ORDER_MPID:
    case ITCH50_RPII:
    case ITCH50_DIRECT_LISTING:
        return true;
    default:
        return false;
    }
}

static glimpse_result judge(glimpse_reader *reader, const uint8_t *bytes, size_t length) {
    if (reader->join != 0) return GLIMPSE_UNEXPECTED;
    if (length == 0) return GLIMPSE_MALFORMED;
    char type = (char)bytes[0];
    if (type == GLIMPSE_END)
        return glimpse_decode_end(bytes, length, &reader->join) ? GLIMPSE_DONE : GLIMPSE_MALFORMED;
    if (itch50_length(type) == 0) return GLIMPSE_UNKNOWN;
    if (!tells_a_state(type)) return GLIMPSE_UNEXPECTED;
    if (itch50_length(type) != length) return GLIMPSE_MALFORMED;
    if (type == ITCH50_ADD_ORDER || type == ITCH50_ADD_ORDER_MPID) reader->orders++;
    return GLIMPSE_ITCH;
}

glimpse_result glimpse_reader_next(glimpse_reader *reader, const uint8_t *bytes, size_t length) {
    if (reader->failed) return GLIMPSE_UNEXPECTED;
    glimpse_result result = judge(reader, bytes, length);
    reader->messages++;
    reader->failed = result == GLIMPSE_UNEXPECTED || result == GLIMPSE_MALFORMED;
    return result;
}

bool glimpse_decode_end(const uint8_t *bytes, size_t length, uint64_t *join) {
    uint64_t number = 0;
    if (length != GLIMPSE_END_BYTES || bytes[0] != GLIMPSE_END) return false;
    if (!soup_read_number(bytes + 1, NUMBER_WIDTH, &number) || number == 0) return false;
    *join = number;
    return true;
}

size_t glimpse_encode_end(uint64_t join, uint8_t *bytes) {
    bytes[0] = GLIMPSE_END;
    (void)soup_write_number(bytes + 1, NUMBER_WIDTH, join); /* 64 bits are 20 digits at most */
    return GLIMPSE_END_BYTES;
}
