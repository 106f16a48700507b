/*
 * Between plain structs and the wire (proto/tickwire/v1). The one door to protobuf: nothing else in the
 * project includes generated code.
 *
 * Encoding packs from the caller's structs into the caller's buffer and allocates nothing. Decoding fills
 * the caller's struct; strings are copied into it, arrays point into an arena that the caller owns and
 * reuses, so a steady stream allocates nothing either. A decoded struct is valid until the next decode
 * with the same arena.
 *
 * encode: returns the bytes written, or 0 if `capacity` is too small (WIRE_MAX_BYTES always suffices for
 *         what respects the stated bounds). It trusts the struct: arrays within bounds, strings terminated.
 * decode: returns WIRE_OK or what is wrong. It trusts nothing: any bytes at all are answered without a
 *         crash, a loop or unbounded memory, and unknown fields are passed over. A full arena is
 *         WIRE_OUT_OF_RANGE; nothing falls back to the heap. After a fault the struct's content is undefined.
 *
 * Enumeration values of a newer publisher: a cause reads as TW_CAUSE_NONE (the state says how bad it is); a trading
 * state, short-sale state or aggressor reads as its UNKNOWN; every other one, a book state above all, makes the
 * message WIRE_OUT_OF_RANGE: what can't be understood is never shown as something else.
 * A time of 0 on the wire is TW_TIME_ABSENT here. A level whose price is TW_PRICE_ABSENT is out of range.
 */
#ifndef TICKWIRE_PROTO_CODEC_H
#define TICKWIRE_PROTO_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/market.h"

#define WIRE_MAX_BYTES        (64u * 1024u) /* the largest payload this codec writes */
#define WIRE_MAX_PRINTS       256u          /* prints in one Trades */
#define WIRE_MAX_ORDER_EVENTS 256u          /* events in one OrderEvents */
#define WIRE_REASON_BYTES     8
#define WIRE_DETAIL_BYTES     160
#define WIRE_CHANNEL_BYTES    24
#define WIRE_LEADER_BYTES     64
#define WIRE_MAX_USAGE_LINES  110u /* lines in one Usage: with the longest users and subjects below WIRE_MAX_BYTES */
#define WIRE_USER_BYTES       256
#define WIRE_GATEWAY_BYTES    65
#define WIRE_INSTANCE_BYTES   40

typedef enum wire_result {
    WIRE_OK = 0,
    WIRE_MALFORMED,   /* not protobuf, or not this message */
    WIRE_OUT_OF_RANGE /* a length, enumeration or count beyond what the schema page allows */
} wire_result;

/* Memory for the arrays of decoded messages. One block taken at init, reset by each decode. */
typedef struct wire_arena {
    uint8_t *block;
    size_t capacity;
    size_t used;
} wire_arena;

/* A capacity that holds what any payload of at most WIRE_MAX_BYTES by this codec's own publishers decodes to: the
 * densest is a directory of instruments without names, some 12 bytes each here and some 350 there. Pages that are
 * never needed are never touched. A smaller arena is fine for single messages: 64 KiB holds any of them. */
#define WIRE_ARENA_BYTES ((size_t)2u * 1024u * 1024u)

bool wire_arena_init(wire_arena *arena, size_t capacity); /* false: no memory */
void wire_arena_fini(wire_arena *arena);

/* The fields that all messages about an instrument have in common within an epoch and a term, encoded once: exchange,
 * symbol, partition, epoch and term. They are what every message starts with. */
#define WIRE_IDENTITY_BYTES 112u
typedef struct wire_identity {
    uint8_t bytes[WIRE_IDENTITY_BYTES]; /* all of them initialised: they are copied as a whole */
    uint32_t length;
} wire_identity;

/* What every instrument's message carries. `receive_ns`, `event_ns` may be TW_TIME_ABSENT (0 on the wire). */
typedef struct wire_header {
    const wire_identity *identity; /* encode: stands for exchange to term, which are not read then; decode: NULL */
    char exchange[TW_MIC_BYTES];
    char symbol[TW_SYMBOL_BYTES];
    char epoch[TW_EPOCH_BYTES];
    uint32_t partition;
    uint64_t term;
    uint64_t prev_seq;
    uint64_t seq;
    bool snapshot;
    tw_book_state state;
    tw_state_cause cause;
    int32_t price_exponent;
    int32_t quantity_exponent;
    int64_t event_ns;
    int64_t receive_ns;
    int64_t publish_ns;
} wire_header;

/* How the messages of one instrument start while epoch and leader stay: kept by who decodes many of them. {0}: nothing is
 * known yet. */
typedef struct wire_start {
    wire_identity identity; /* the bytes; length 0: none */
    wire_header header;     /* and what they say; the rest is as in a message without it */
} wire_start;

typedef struct wire_book_update {
    wire_header header;
    uint32_t depth;
    uint32_t merged;
    uint32_t checksum;
    uint32_t bid_count;
    uint32_t ask_count;
    const tw_level *bids; /* best first; at most 2 * TW_MAX_DEPTH a side (removals and entries) */
    const tw_level *asks;
} wire_book_update;

typedef struct wire_quote {
    wire_header header;
    tw_level bid; /* price TW_PRICE_ABSENT: no bid */
    tw_level ask;
} wire_quote;

typedef struct wire_trades {
    wire_header header; /* state and cause are not carried; event_ns is that of the last print */
    uint32_t print_count;
    const tw_print *prints; /* at most WIRE_MAX_PRINTS */
    uint64_t volume;        /* of the epoch so far */
    uint64_t prints_total;  /* likewise */
    /* 0: the totals are whole. Else all prints of source messages from this one on are counted, of those before it some
     * or all are missing. */
    uint64_t counted_from_seq;
} wire_trades;

typedef struct wire_status {
    wire_header header;
    tw_trading_state trading;
    tw_short_sale short_sale;
    char reason[WIRE_REASON_BYTES];
    int64_t collar_upper; /* TW_PRICE_ABSENT if none */
    int64_t collar_lower;
    int64_t collar_reference;
} wire_status;

typedef struct wire_imbalance {
    wire_header header;
    tw_imbalance imbalance;
} wire_imbalance;

/* A candle. Header: state and cause are not carried; `exchange` is "" where it is over all. Prices and vwap are
 * TW_PRICE_ABSENT where count is 0. */
typedef struct wire_candle {
    wire_header header;
    uint32_t interval_ms;
    int64_t start_ns;
    int64_t open, high, low, close;
    uint64_t volume;
    int64_t turnover_high; /* turnover = turnover_high * 2^64 + turnover_low */
    uint64_t turnover_low;
    int64_t vwap;
    uint64_t count, revision;
    bool final, incomplete;
} wire_candle;

#define WIRE_MAX_VENUES  16u
#define WIRE_MAX_CANDLES 1024u /* in one CandleList */

/* Exchanges, each once. */
typedef struct wire_venues {
    uint32_t count;
    char mics[WIRE_MAX_VENUES][TW_MIC_BYTES];
} wire_venues;

/* Header: exchange, partition and term are not carried. Of a level, orders are not. */
typedef struct wire_nbbo {
    wire_header header;
    tw_level bid, ask; /* price TW_PRICE_ABSENT: none */
    wire_venues bid_venues, ask_venues, stale_venues;
    bool locked, crossed;
    uint32_t venue_count; /* that count */
    uint32_t refresh_ms;  /* told again at least so often; 0: no promise */
} wire_nbbo;

typedef enum wire_order_kind {
    WIRE_ORDER_ADD = 0,
    WIRE_ORDER_EXECUTE,
    WIRE_ORDER_REDUCE,
    WIRE_ORDER_DELETE,
    WIRE_ORDER_REPLACE
} wire_order_kind;

typedef struct wire_order_event {
    uint64_t seq;
    wire_order_kind kind;
    tw_side side;
    uint64_t order_id;
    uint64_t new_order_id;
    int64_t price;
    uint64_t quantity;
    uint64_t remaining;
    int64_t event_ns;
    char attribution[5];
} wire_order_event;

typedef struct wire_order_events {
    wire_header header;
    uint32_t event_count;
    const wire_order_event *events;
} wire_order_events;

typedef struct wire_feed_status {
    char exchange[TW_MIC_BYTES];
    char epoch[TW_EPOCH_BYTES];
    char detail[WIRE_DETAIL_BYTES];
    uint32_t partition;
    uint64_t term;
    uint64_t seq;
    tw_book_state state;
    tw_state_cause cause;
    int64_t event_ns;
    int64_t receive_ns;
    int64_t publish_ns;
    uint64_t gap_from;
    uint64_t gap_to;
    uint64_t messages;
    uint64_t lost;
    uint64_t updates;
    uint32_t instruments;
    uint32_t instruments_not_ok;
    uint64_t published_seq;
    bool handover;
    char leader[WIRE_LEADER_BYTES];
    uint64_t directory_version;
    bool storage_low;
    int64_t journal_ns;      /* 0: not told */
    uint64_t continues_term; /* 0: none */
} wire_feed_status;

typedef struct wire_line_status {
    char exchange[TW_MIC_BYTES];
    char epoch[TW_EPOCH_BYTES];
    char line[8];
    uint32_t partition;
    uint64_t term;
    uint64_t next_seq;
    tw_book_state state;
    tw_state_cause cause;
    int64_t receive_ns;
    int64_t publish_ns;
    uint64_t packets, messages, lost, duplicates, wins, kernel_drops, malformed;
    int64_t skew_ns;
} wire_line_status;

typedef enum wire_reply_code {
    WIRE_REPLY_OK = 0,
    WIRE_REPLY_NOT_FOUND,
    WIRE_REPLY_BUSY,
    WIRE_REPLY_BAD_REQUEST
} wire_reply_code;

typedef struct wire_instrument {
    tw_instrument instrument;
    uint32_t shard;
    tw_trading_state trading;
    tw_book_state state;
    tw_state_cause cause;
} wire_instrument;

typedef struct wire_instrument_request {
    uint32_t symbol_count;
    const char *const *symbols; /* each at most TW_SYMBOL_BYTES - 1 bytes */
} wire_instrument_request;

typedef struct wire_instrument_list {
    char exchange[TW_MIC_BYTES];
    char epoch[TW_EPOCH_BYTES];
    char detail[WIRE_DETAIL_BYTES];
    uint32_t partition;
    uint32_t partitions; /* how many there are, as the sender was told; 0: it was not */
    uint64_t term;
    uint64_t version;
    uint64_t prev_version; /* of a message about changes; 0 in replies */
    int64_t publish_ns;    /* likewise; TW_TIME_ABSENT in replies */
    uint32_t instrument_count;
    const wire_instrument *instruments;
    uint32_t not_found_count;
    const char *const *not_found;
    uint32_t chunk;
    bool last;
    wire_reply_code code;
    uint32_t retry_after_ms;
} wire_instrument_list;

typedef struct wire_snapshot_request {
    bool tell_unknown; /* of several partitions each that does not know the symbol says so */
} wire_snapshot_request;

typedef struct wire_candle_request {
    uint32_t interval_ms, limit;
    int64_t before_ns; /* TW_TIME_ABSENT: no bound */
} wire_candle_request;

typedef struct wire_candle_list {
    char exchange[TW_MIC_BYTES];
    char symbol[TW_SYMBOL_BYTES];
    char detail[WIRE_DETAIL_BYTES];
    char source[WIRE_LEADER_BYTES];
    uint32_t interval_ms;
    wire_reply_code code;
    uint32_t retry_after_ms;
    bool more;
    uint32_t candle_count; /* at most WIRE_MAX_CANDLES */
    const wire_candle *candles;
} wire_candle_list;

/* A snapshot reply's envelope. Its parts are encoded one at a time (below), so that a publisher can keep
 * each instrument's encoded snapshot and join them into chunks without encoding again. */
typedef struct wire_snapshot_reply {
    char exchange[TW_MIC_BYTES];
    char epoch[TW_EPOCH_BYTES];
    char channel[WIRE_CHANNEL_BYTES];
    char detail[WIRE_DETAIL_BYTES];
    wire_reply_code code;
    uint32_t retry_after_ms;
    uint32_t chunk;
    bool last;
    uint64_t term;
    uint32_t partition, partitions; /* whose answer, of how many; 0: not told */
    /* decode only; arrays in the arena */
    uint32_t book_count, quote_count, trades_count, status_count, imbalance_count;
    const wire_book_update *books;
    const wire_quote *quotes;
    const wire_trades *trades;
    const wire_status *statuses;
    const wire_imbalance *imbalances;
} wire_snapshot_reply;

/* Which repeated field of SnapshotReply a part belongs to. */
typedef enum wire_snapshot_part {
    WIRE_PART_BOOK = 10,
    WIRE_PART_QUOTE = 11,
    WIRE_PART_TRADES = 12,
    WIRE_PART_STATUS = 13,
    WIRE_PART_IMBALANCE = 14
} wire_snapshot_part;

/* Encodes what `header` says of exchange, symbol, partition, epoch and term, for the headers of later messages. */
void wire_identity_encode(wire_identity *identity, const wire_header *header);

size_t wire_book_update_encode(const wire_book_update *m, uint8_t *buffer, size_t capacity);
size_t wire_quote_encode(const wire_quote *m, uint8_t *buffer, size_t capacity);
size_t wire_trades_encode(const wire_trades *m, uint8_t *buffer, size_t capacity);
size_t wire_status_encode(const wire_status *m, uint8_t *buffer, size_t capacity);
size_t wire_imbalance_encode(const wire_imbalance *m, uint8_t *buffer, size_t capacity);
size_t wire_candle_encode(const wire_candle *m, uint8_t *buffer, size_t capacity);
size_t wire_nbbo_encode(const wire_nbbo *m, uint8_t *buffer, size_t capacity);
size_t wire_order_events_encode(const wire_order_events *m, uint8_t *buffer, size_t capacity);
size_t wire_feed_status_encode(const wire_feed_status *m, uint8_t *buffer, size_t capacity);
size_t wire_line_status_encode(const wire_line_status *m, uint8_t *buffer, size_t capacity);
size_t wire_instrument_request_encode(const wire_instrument_request *m, uint8_t *buffer, size_t capacity);
size_t wire_instrument_list_encode(const wire_instrument_list *m, uint8_t *buffer, size_t capacity);

size_t wire_snapshot_request_encode(const wire_snapshot_request *m, uint8_t *buffer, size_t capacity);

size_t wire_candle_request_encode(const wire_candle_request *m, uint8_t *buffer, size_t capacity);
/* Of the candles the newest that fit, in order; `more` is set if some did not. Only 0 if not even the rest fits. */
size_t wire_candle_list_encode(const wire_candle_list *m, uint8_t *buffer, size_t capacity);

/* Writes the envelope only; then append parts with wire_snapshot_part_append. Protobuf allows fields in any
 * order, so envelope and parts together are one SnapshotReply. */
size_t wire_snapshot_reply_encode(const wire_snapshot_reply *m, uint8_t *buffer, size_t capacity);
/* Appends an already encoded BookUpdate, Quote, … as a field. Returns the bytes appended, 0 if no room. */
size_t wire_snapshot_part_append(wire_snapshot_part part, const uint8_t *encoded, size_t length, uint8_t *buffer,
                                 size_t capacity);

wire_result wire_book_update_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_book_update *m);
/* The same, sooner done where a message starts like the one before. Both are of one instrument; `start` is brought up to
 * date. */
wire_result wire_book_update_decode_next(wire_arena *arena, wire_start *start, const uint8_t *bytes, size_t length,
                                         wire_book_update *m);
wire_result wire_quote_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_quote *m);
wire_result wire_trades_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_trades *m);
wire_result wire_status_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_status *m);
wire_result wire_imbalance_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_imbalance *m);
wire_result wire_candle_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_candle *m);
wire_result wire_nbbo_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_nbbo *m);
wire_result wire_candle_request_decode(wire_arena *arena, const uint8_t *bytes, size_t length,
                                       wire_candle_request *m);
wire_result wire_candle_list_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_candle_list *m);
wire_result wire_order_events_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_order_events *m);
wire_result wire_feed_status_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_feed_status *m);
wire_result wire_line_status_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_line_status *m);
wire_result wire_instrument_request_decode(wire_arena *arena, const uint8_t *bytes, size_t length,
                                           wire_instrument_request *m);
wire_result wire_instrument_list_decode(wire_arena *arena, const uint8_t *bytes, size_t length,
                                        wire_instrument_list *m);
wire_result wire_snapshot_request_decode(wire_arena *arena, const uint8_t *bytes, size_t length,
                                         wire_snapshot_request *m);
wire_result wire_snapshot_reply_decode(wire_arena *arena, const uint8_t *bytes, size_t length,
                                       wire_snapshot_reply *m);

/* A part of a gateway's ledger (usage.proto). The texts of lines are borrowed; decoded ones are in the arena. */
typedef struct wire_usage_line {
    uint64_t number;
    const char *user;    /* at most WIRE_USER_BYTES - 1 bytes */
    const char *subject; /* shorter than SUBJECT_BYTES of subject.h */
    uint64_t updates, bytes;
    int64_t first_ns, last_ns;
} wire_usage_line;

typedef struct wire_usage {
    char gateway[WIRE_GATEWAY_BYTES];
    char instance[WIRE_INSTANCE_BYTES];
    char exchange[TW_MIC_BYTES];
    int64_t period_start_ns, period_ns, publish_ns;
    uint32_t line_count; /* at most WIRE_MAX_USAGE_LINES */
    const wire_usage_line *lines;
} wire_usage;

size_t wire_usage_encode(const wire_usage *m, uint8_t *buffer, size_t capacity);
wire_result wire_usage_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_usage *m);

/* A gateway's protobuf frame (stream.proto): an envelope around one encoded message. */
typedef enum wire_stream_payload {
    WIRE_STREAM_NOTHING = 0,
    WIRE_STREAM_BOOK = 10,
    WIRE_STREAM_QUOTE = 11,
    WIRE_STREAM_TRADES = 12,
    WIRE_STREAM_STATUS = 13,
    WIRE_STREAM_IMBALANCE = 14,
    WIRE_STREAM_FEED = 15,
    WIRE_STREAM_CANDLE = 16,
    WIRE_STREAM_NBBO = 17,
    WIRE_STREAM_CONTROL = 20 /* JSON text */
} wire_stream_payload;

typedef struct wire_stream_frame {
    const char *subject; /* not terminated; decode: within the bytes that were decoded, as is `bytes` */
    size_t subject_length;
    uint32_t interval_ms;
    int64_t gateway_ns;
    wire_stream_payload payload;
    const uint8_t *bytes; /* the encoded message */
    size_t length;
    uint64_t merged; /* encode: 0 is left out and may be appended later */
} wire_stream_frame;

size_t wire_stream_frame_encode(const wire_stream_frame *m, uint8_t *buffer, size_t capacity);
/* What `merged` adds at the end of an encoded frame; 0 bytes for 0. */
size_t wire_stream_merged_append(uint64_t merged, uint8_t *buffer, size_t capacity);
wire_result wire_stream_frame_decode(const uint8_t *bytes, size_t length, wire_stream_frame *m);

#define WIRE_CHECKED_LEVELS 10u
/* The design's book checksum over the first min(10, depth) levels of each side, best first. */
uint32_t wire_book_checksum(const tw_level *bids, uint32_t bid_count, const tw_level *asks, uint32_t ask_count,
                            uint32_t depth);

#endif
