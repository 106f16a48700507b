/*
 * NASDAQ TotalView-ITCH 5.0: every message type, bytes to struct and back.
 *
 * Source: "NASDAQ TotalView-ITCH 5.0" specification, section 1 (message formats; big endian; prices are
 * integers with 4 or 8 implied decimals; timestamps are nanoseconds since midnight of the session's day in
 * the exchange's zone, 6 bytes).
 *
 * Pure: bytes in, struct out. The encoder serves the simulator and the tests.
 */
#ifndef TICKWIRE_INGEST_DECODE_ITCH50_H
#define TICKWIRE_INGEST_DECODE_ITCH50_H

#include <stddef.h>
#include <stdint.h>

#define ITCH50_PRICE_EXPONENT      (-4)
#define ITCH50_MWCB_PRICE_EXPONENT (-8)
#define ITCH50_STOCK_BYTES         9 /* eight characters, right padding removed, NUL */
#define ITCH50_MPID_BYTES          5
#define ITCH50_MAX_MESSAGE_BYTES   50 /* the longest message of the specification (type I) */

typedef enum itch50_type {
    ITCH50_SYSTEM_EVENT = 'S',
    ITCH50_STOCK_DIRECTORY = 'R',
    ITCH50_TRADING_ACTION = 'H',
    ITCH50_REG_SHO = 'Y',
    ITCH50_PARTICIPANT_POSITION = 'L',
    ITCH50_MWCB_LEVELS = 'V',
    ITCH50_MWCB_STATUS = 'W',
    ITCH50_IPO_QUOTING = 'K',
    ITCH50_LULD_COLLAR = 'J',
    ITCH50_OPERATIONAL_HALT = 'h',
    ITCH50_ADD_ORDER = 'A',
    ITCH50_ADD_ORDER_MPID = 'F',
    ITCH50_ORDER_EXECUTED = 'E',
    ITCH50_ORDER_EXECUTED_PRICE = 'C',
    ITCH50_ORDER_CANCEL = 'X',
    ITCH50_ORDER_DELETE = 'D',
    ITCH50_ORDER_REPLACE = 'U',
    ITCH50_TRADE = 'P',
    ITCH50_CROSS_TRADE = 'Q',
    ITCH50_BROKEN_TRADE = 'B',
    ITCH50_NOII = 'I',
    ITCH50_RPII = 'N',
    ITCH50_DIRECT_LISTING = 'O' /* direct listing with capital raise price discovery */
} itch50_type;

/* One decoded message. `type` tells which member of the union is set. Single characters are as
 * on the wire; texts lose the blanks that pad them on the right. */
typedef struct itch50_message {
    char type;
    uint16_t locate; /* stock locate: the day's number of the stock, 0 if the message is not about one */
    uint16_t tracking;
    uint64_t timestamp_ns; /* since midnight */
    union {
        struct {
            char code;
        } system_event; /* O S Q M E C: start/end of messages, system, market hours */
        struct {
            char stock[ITCH50_STOCK_BYTES];
            char market_category, financial_status;
            uint32_t round_lot;
            char round_lots_only, classification;
            char sub_type[3];
            char authenticity, short_sale_threshold, ipo_flag, luld_tier, etp_flag;
            uint32_t etp_leverage;
            char inverse;
        } directory;
        struct {
            char stock[ITCH50_STOCK_BYTES];
            char state;
            char reserved;
            char reason[5];
        } trading_action;
        struct {
            char stock[ITCH50_STOCK_BYTES];
            char action;
        } reg_sho;
        struct {
            char mpid[ITCH50_MPID_BYTES];
            char stock[ITCH50_STOCK_BYTES];
            char primary, mode, state;
        } participant;
        struct {
            uint64_t level1, level2, level3;
        } mwcb_levels; /* 8 decimals */
        struct {
            char level;
        } mwcb_status;
        struct {
            char stock[ITCH50_STOCK_BYTES];
            uint32_t release_seconds;
            char qualifier;
            uint32_t price;
        } ipo_quoting;
        struct {
            char stock[ITCH50_STOCK_BYTES];
            uint32_t reference, upper, lower, extension;
        } luld_collar;
        struct {
            char stock[ITCH50_STOCK_BYTES];
            char market, action;
        } operational_halt;
        struct {
            uint64_t order_id;
            uint32_t shares;
            uint32_t price;
            char side; /* B or S */
            char stock[ITCH50_STOCK_BYTES];
            char mpid[ITCH50_MPID_BYTES]; /* "" for type A */
        } add;
        struct {
            uint64_t order_id;
            uint64_t match_id;
            uint32_t shares;
            uint32_t price;
            char printable;
        } executed; /* E has printable 'Y', price 0 */
        struct {
            uint64_t order_id;
            uint32_t shares;
        } cancel;
        struct {
            uint64_t order_id;
        } deleted;
        struct {
            uint64_t old_order_id, new_order_id;
            uint32_t shares, price;
        } replace;
        struct {
            uint64_t order_id;
            uint64_t match_id;
            uint32_t shares, price;
            char side;
            char stock[ITCH50_STOCK_BYTES];
        } trade;
        struct {
            uint64_t shares;
            uint64_t match_id;
            uint32_t price;
            char stock[ITCH50_STOCK_BYTES];
            char cross;
        } cross;
        struct {
            uint64_t match_id;
        } broken;
        struct {
            uint64_t paired, imbalance;
            uint32_t far, near, reference;
            char stock[ITCH50_STOCK_BYTES];
            char direction, cross, variation;
        } noii;
        struct {
            char stock[ITCH50_STOCK_BYTES];
            char interest;
        } rpii;
        struct {
            char stock[ITCH50_STOCK_BYTES];
            char open_eligibility;
            uint32_t minimum, maximum, near;
            uint64_t near_time_ns;
            uint32_t lower_collar, upper_collar;
        } direct_listing;
    } u;
} itch50_message;

typedef enum itch50_result {
    ITCH50_OK = 0,
    ITCH50_UNKNOWN_TYPE, /* a type this specification does not have: pass over it, count it */
    ITCH50_WRONG_LENGTH, /* a known type with another length than the specification's */
    ITCH50_BAD_FIELD     /* a field outside what the book can take: side neither B nor S, shares 0 on an add */
} itch50_result;

/* The specification's length of a message type in bytes, 0 for an unknown type. */
size_t itch50_length(char type);

/* Decodes one message of exactly `length` bytes. Reads nothing beyond them. On anything but ITCH50_OK only
 * message->type is set (0 if length is 0). */
itch50_result itch50_decode(const uint8_t *bytes, size_t length, itch50_message *message);

/* Encodes into `bytes` of at least ITCH50_MAX_MESSAGE_BYTES; stock and mpid are padded with blanks.
 * Returns the length, 0 for an unknown type. decode(encode(m)) gives m back. */
size_t itch50_encode(const itch50_message *message, uint8_t *bytes);

/* The stock a message names, or NULL if its type carries none (then the locate code tells). */
const char *itch50_stock(const itch50_message *message);

#endif
