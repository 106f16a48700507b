/* Names and ids of the venue as a person writes them. Pure. */
#ifndef TICKWIRE_TOOLS_VENUE_NAME_H
#define TICKWIRE_TOOLS_VENUE_NAME_H

#include "base/error.h"
#include "base/market.h"
#include "proto/venue.h"

/* Four of A-Z 0-9. */
bool venue_mic_is(const char *text);

typedef struct venue_name {
    char mic[TW_MIC_BYTES];
    char symbol[TW_SYMBOL_BYTES];
} venue_name;

/* "TWEX.AAPL": four of A-Z 0-9, a dot, the symbol. Without such a beginning all of it is a symbol of `exchange`: "BRK.B"; one like
 * "ABCD.E" has to be written with its exchange. TW_INVALID says what is wrong. */
tw_code venue_name_parse(const char *text, const char *exchange, venue_name *name, tw_error *error);

/* 1 to 32 bytes without blanks. */
tw_code venue_account_parse(const char *text, char account[WIRE_ACCOUNT_BYTES], tw_error *error);

/* "{shard}-{seq}-{index}", and the engine's number of it. */
#define VENUE_ID_BYTES 48
bool venue_order_id_parse(const char *text, uint32_t *shard, uint64_t *order_id);
void venue_order_id_format(char text[VENUE_ID_BYTES], uint32_t shard, uint64_t order_id); /* "" for 0 */
/* "{shard}-{seq}-{n}" */
void venue_execution_id_format(char text[VENUE_ID_BYTES], uint32_t shard, uint64_t seq, uint32_t n);
bool venue_execution_id_parse(const char *text, uint32_t *shard, uint64_t *seq, uint32_t *n);

/* Somebody else's name for a terminal: control characters become '?', and what does not fit is left out. */
void venue_text_printable(char *to, size_t capacity, const char *from);

#endif
