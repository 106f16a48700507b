/* Names and ids of the venue as a person writes them. */
#include "tools/venue/name.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define MIC_LENGTH (TW_MIC_BYTES - 1)
#define INDEX_BITS 16

static bool mic_begins(const char *text) {
    for (size_t i = 0; i < MIC_LENGTH; i++)
        if (!((text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= '0' && text[i] <= '9'))) return false;
    return true;
}

bool venue_mic_is(const char *text) {
    return mic_begins(text) && text[MIC_LENGTH] == '\0';
}

tw_code venue_name_parse(const char *text, const char *exchange, venue_name *name, tw_error *error) {
    bool qualified = mic_begins(text) && text[MIC_LENGTH] == '.';
    const char *symbol = qualified ? text + MIC_LENGTH + 1 : text;
    *name = (venue_name){0};
    if (qualified)
        memcpy(name->mic, text, MIC_LENGTH);
    else
        tw_text_copy(name->mic, sizeof name->mic, exchange);
    if (symbol[0] == '\0') return tw_error_set(error, TW_INVALID, "'%s' names no instrument", text);
    if (!tw_text_copy(name->symbol, sizeof name->symbol, symbol))
        return tw_error_set(error, TW_INVALID, "'%s' is longer than a symbol can be: 32 bytes", symbol);
    return TW_OK;
}

tw_code venue_account_parse(const char *text, char account[WIRE_ACCOUNT_BYTES], tw_error *error) {
    if (text[0] == '\0' || strpbrk(text, " \t\r\n") != NULL)
        return tw_error_set(error, TW_INVALID, "'%s' is no account's name: 1 to 32 bytes without blanks", text);
    if (!tw_text_copy(account, WIRE_ACCOUNT_BYTES, text))
        return tw_error_set(error, TW_INVALID, "'%s' is longer than an account's name can be: 32 bytes", text);
    return TW_OK;
}

/* Three numbers with '-' between them. */
static bool three_parse(const char *text, uint64_t numbers[3]) {
    char copy[VENUE_ID_BYTES];
    if (!tw_text_copy(copy, sizeof copy, text)) return false;
    char *at = copy;
    for (int i = 0; i < 3; i++) {
        char *end = strchr(at, '-');
        if ((end == NULL) != (i == 2)) return false;
        if (end != NULL) *end = '\0';
        if (!tw_text_to_u64(at, &numbers[i])) return false;
        if (end != NULL) at = end + 1;
    }
    return numbers[0] > 0 && numbers[0] <= UINT32_MAX && numbers[1] > 0;
}

bool venue_order_id_parse(const char *text, uint32_t *shard, uint64_t *order_id) {
    uint64_t numbers[3];
    if (!three_parse(text, numbers) || numbers[2] > UINT16_MAX || numbers[1] > UINT64_MAX >> INDEX_BITS)
        return false;
    *shard = (uint32_t)numbers[0];
    *order_id = numbers[1] << INDEX_BITS | numbers[2];
    return true;
}

void venue_order_id_format(char text[VENUE_ID_BYTES], uint32_t shard, uint64_t order_id) {
    text[0] = '\0';
    if (order_id == 0) return;
    tw_text_format(text, VENUE_ID_BYTES, "%" PRIu32 "-%" PRIu64 "-%u", shard, order_id >> INDEX_BITS,
                   (unsigned)(order_id & UINT16_MAX));
}

bool venue_execution_id_parse(const char *text, uint32_t *shard, uint64_t *seq, uint32_t *n) {
    uint64_t numbers[3];
    if (!three_parse(text, numbers) || numbers[2] > UINT32_MAX) return false;
    *shard = (uint32_t)numbers[0];
    *seq = numbers[1];
    *n = (uint32_t)numbers[2];
    return true;
}

void venue_execution_id_format(char text[VENUE_ID_BYTES], uint32_t shard, uint64_t seq, uint32_t n) {
    tw_text_format(text, VENUE_ID_BYTES, "%" PRIu32 "-%" PRIu64 "-%" PRIu32, shard, seq, n);
}

void venue_text_printable(char *to, size_t capacity, const char *from) {
    size_t length = 0;
    for (; from[length] != '\0' && length + 1 < capacity; length++) {
        unsigned char byte = (unsigned char)from[length];
        to[length] = byte < ' ' || byte == 127 ? '?' : from[length];
    }
    to[length] = '\0';
}
