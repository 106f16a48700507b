/*
 * Between plain structs and the venue's payloads (proto/tickwire/v1/venue.proto). The second half of codec.h, with its rules: no
 * allocation, no trust in bytes, results as wire_result.
 *
 * A payload is a header and a list of parts (commands, reports, names). It is read with a cursor, not into an array:
 *
 *     wire_orders batch;
 *     wire_order_command command;
 *     if (wire_orders_open(&batch, bytes, length) != WIRE_OK) … refuse the batch as a whole …
 *     while (wire_orders_next(&batch, &command)) …
 *
 * `open` walks the frames of all parts, so that what `next` gives afterwards is all of it: a payload that is no protobuf, or cut short,
 * is refused before its first command. `next` reads one part. What is wrong within a part is that part's own fault, told in its
 * `fault`, and does not hide the others: a command with a fault carries what could be read, for the report that refuses it. The
 * cursor points into the payload, which must stay until the last `next`.
 *
 * Writing is the reverse: wire_parts_start, then parts one by one, then the header, which stands in front in the end.
 *
 *     wire_parts parts;
 *     wire_parts_start(&parts, buffer, sizeof buffer);
 *     while (wire_order_command_add(&parts, &command)) …      false: no room for another, nothing was written
 *     const uint8_t *payload = wire_orders_finish(&parts, &header, &length);      it begins somewhere in `buffer`
 *
 * Values. An enumeration's value that this version does not know reads as WIRE_UNKNOWN, which no enumeration has: the engine
 * refuses a command with it. A number too large for its field, a text too long for its array, with a
 * NUL in it, or not of UTF-8 is WIRE_FAULT_RANGE:
 * never cut, never rounded. An absent price is TW_PRICE_ABSENT, an absent quantity WIRE_QUANTITY_ABSENT, an absent time
 * TW_TIME_ABSENT (0 on the wire). Numbers of accounts and instruments count from 0 here and from 1 on the wire, where 0 is none:
 * WIRE_NUMBER_ABSENT here. Money is exact: 128 bits in two fields.
 */
#ifndef TICKWIRE_PROTO_VENUE_H
#define TICKWIRE_PROTO_VENUE_H

#include "proto/codec.h"
#include "proto/subject.h"

#define WIRE_UNKNOWN           UINT8_MAX
#define WIRE_QUANTITY_ABSENT   UINT64_MAX
#define WIRE_NUMBER_ABSENT     UINT32_MAX
#define WIRE_ACCOUNT_BYTES     33 /* at most 32, NUL terminated */
#define WIRE_CLIENT_ID_BYTES   41
#define WIRE_CORRELATION_BYTES 65
#define WIRE_SENDER_BYTES      64
#define WIRE_TICK_BANDS        8u
#define WIRE_MAX_PARTS         65536u         /* commands in a batch: their index has 16 bits */
#define WIRE_MAX_FILLS         256u           /* in one Fills */
#define WIRE_EXECUTION_BYTES   (512u * 1024u) /* the largest ExecutionBatch */
#define WIRE_PARTS_HEADER_ROOM 512u           /* what start keeps free in front */
#define WIRE_PART_ROOM         1024u          /* the most that any one part can need */

typedef __int128 wire_money;

typedef enum wire_fault_kind {
    WIRE_FAULT_NONE = 0,
    WIRE_FAULT_MALFORMED,     /* the part is no protobuf, or a known field has another type */
    WIRE_FAULT_RANGE,         /* a value beyond what its field may hold, a text that is not UTF-8 */
    WIRE_FAULT_OTHER_ACCOUNT, /* these come from wire_order_command_admit */
    WIRE_FAULT_OTHER_SYMBOL,
    WIRE_FAULT_NOT_HERE,
    WIRE_FAULT_NO_NAME
} wire_fault_kind;

typedef struct wire_fault_info {
    wire_fault_kind kind;
    uint32_t field; /* the number of the first field in question; 0 if there is none */
} wire_fault_info;

/* A sentence for the person who sent it: "the command is for another account than its subject"; "" for none. */
const char *wire_fault_text(wire_fault_kind kind);

/* ---- commands ---- */

/* The numbers are those of the schema's enumerations, and the engine's. */
typedef enum wire_order_command_kind {
    WIRE_NEW_ORDER = 0,
    WIRE_CANCEL,
    WIRE_REPLACE,
    WIRE_MASS_CANCEL,
    WIRE_SESSION_OPEN,
    WIRE_SESSION_BEAT,
    WIRE_SESSION_CLOSE
} wire_order_command_kind;

typedef struct wire_order_command {
    uint8_t kind; /* wire_order_command_kind, or WIRE_UNKNOWN */
    uint8_t side; /* tw_side */
    uint8_t type; /* limit 0, market 1, stop 2, stop-limit 3 */
    uint8_t tif;  /* GTC 0, DAY 1, GTD 2, IOC 3, FOK 4 */
    uint8_t stp;  /* allowed 0, newest 1, oldest 2, both 3, decrement 4 */
    bool post_only, open_only, all_symbols;
    uint32_t sides; /* tw_sides; 0: both */
    int64_t price, stop_price;
    uint64_t quantity; /* may be absent */
    uint64_t display;  /* likewise */
    uint64_t minimum;
    int64_t expire_ns;
    uint64_t session, order_id, timeout_ns;
    char account[WIRE_ACCOUNT_BYTES];
    char symbol[TW_SYMBOL_BYTES];
    char client_order_id[WIRE_CLIENT_ID_BYTES];
    char correlation_id[WIRE_CORRELATION_BYTES];
    wire_fault_info fault; /* decode; encode ignores it */
} wire_order_command;

typedef enum wire_control_kind {
    WIRE_CONTROL_CLOCK = 0,
    WIRE_DEFINE_INSTRUMENT,
    WIRE_DEFINE_ACCOUNT,
    WIRE_SET_LIMITS,
    WIRE_SET_FEES,
    WIRE_SET_STATE,
    WIRE_SET_REFERENCE,
    WIRE_BEGIN_DAY,
    WIRE_SET_BLOCK,
    WIRE_SET_KILL,
    WIRE_CONTROL_MASS_CANCEL,
    WIRE_SET_STORAGE,
    WIRE_SET_BOUNDS
} wire_control_kind;

typedef struct wire_ticks {
    uint32_t count;
    int64_t values[WIRE_TICK_BANDS];
} wire_ticks;

typedef struct wire_control_command {
    uint8_t kind; /* wire_control_kind, or WIRE_UNKNOWN */
    uint8_t state;
    bool all_accounts, all_symbols, on;
    char account[WIRE_ACCOUNT_BYTES];
    char symbol[TW_SYMBOL_BYTES];
    char correlation_id[WIRE_CORRELATION_BYTES];
    int64_t price;
    uint32_t date, sides;
    int64_t end_ns;
    int32_t price_exponent, quantity_exponent;
    wire_ticks tick_from, tick; /* two counts that differ: the reader of the command says so */
    uint64_t lot;
    uint32_t collar_ppm, protection_ppm, fee_class;
    uint64_t order_quantity, position; /* UINT64_MAX: no limit */
    wire_money order_notional, funds, exposure;
    uint32_t concentration_ppm, open_orders, rate_per_second, rate_burst;
    int64_t duplicate_ns;
    int32_t maker_ppm, taker_ppm;
    int64_t maker_per_unit, taker_per_unit;
    uint32_t max_instruments, max_accounts, max_positions, max_orders, max_pages, max_client_ids, max_sessions,
        max_reports, max_steps; /* 0: as it is */
    wire_fault_info fault;
} wire_control_command;

/* Both batches. */
typedef struct wire_batch_header {
    char sender[WIRE_SENDER_BYTES];
    int64_t sent_ns;
} wire_batch_header;

/* ---- reports ---- */

typedef struct wire_report {
    uint64_t seq;
    uint32_t index, n;
    uint8_t kind, command, status, side, type, tif, liquidity, state; /* the engine's numbers, or WIRE_UNKNOWN */
    bool duplicate;
    uint32_t reason;
    uint32_t account, instrument; /* WIRE_NUMBER_ABSENT: none */
    uint64_t order_id, counter_id, session;
    int64_t stream_ns, event_ns;
    int64_t price, stop_price, average_price, last_price;
    uint64_t quantity, leaves, shown, executed, last_quantity;
    wire_money executed_notional, fee;
    char client_order_id[WIRE_CLIENT_ID_BYTES];
    char correlation_id[WIRE_CORRELATION_BYTES];
    char order_correlation_id[WIRE_CORRELATION_BYTES]; /* the order's own, where correlation_id is not; else "" */
    char account_name[WIRE_ACCOUNT_BYTES];             /* what was asked for, where nobody is called so; else "" */
    char symbol[TW_SYMBOL_BYTES];                      /* likewise */
} wire_report;

typedef struct wire_named_instrument {
    uint32_t number;
    char symbol[TW_SYMBOL_BYTES];
    int32_t price_exponent, quantity_exponent;
} wire_named_instrument;

typedef struct wire_named_account {
    uint32_t number;
    char name[WIRE_ACCOUNT_BYTES];
} wire_named_account;

/* ExecutionBatch has part and parts, ExecutionReports account, term and publish_ns; the others' fields are not written and
 * read as absent. */
typedef struct wire_execution_header {
    char exchange[TW_MIC_BYTES];
    uint32_t shard;
    uint64_t first_seq, last_seq;
    uint32_t part, parts;
    char account[WIRE_ACCOUNT_BYTES];
    uint64_t term;
    int64_t publish_ns;
} wire_execution_header;

/* ---- questions and answers ---- */

typedef enum wire_query_kind {
    WIRE_QUERY_ACCOUNT = 0,
    WIRE_QUERY_ORDERS,
    WIRE_QUERY_ORDER,
    WIRE_QUERY_POSITIONS,
    WIRE_QUERY_EXECUTIONS,
    WIRE_QUERY_INSTRUMENT,
    WIRE_QUERY_DAY,
    WIRE_QUERY_MOVED
} wire_query_kind;

typedef struct wire_query {
    uint8_t kind; /* or WIRE_UNKNOWN */
    char account[WIRE_ACCOUNT_BYTES];
    char symbol[TW_SYMBOL_BYTES];
    char client_order_id[WIRE_CLIENT_ID_BYTES];
    char correlation_id[WIRE_CORRELATION_BYTES];
    uint64_t order_id, after;
    uint32_t after_n, limit;
} wire_query;

typedef struct wire_order_view {
    uint64_t order_id;
    uint32_t instrument;
    uint8_t side, type, tif, status;
    int64_t price, stop_price;
    uint64_t quantity, leaves, shown, executed, display;
    wire_money executed_notional;
    int64_t expire_ns;
    uint64_t session;
    char client_order_id[WIRE_CLIENT_ID_BYTES];
    char correlation_id[WIRE_CORRELATION_BYTES];
    uint32_t reason;              /* why it has ended; 0: none, or not known */
    bool rejected;                /* it never came to be, and has no status */
    bool expired;                 /* it has ended by time; its status is that of a cancelled one */
    char symbol[TW_SYMBOL_BYTES]; /* what a rejected one asked for, where no instrument is called so; else "" */
} wire_order_view;

typedef struct wire_position_view {
    uint32_t instrument;
    int64_t quantity, average_price;
    wire_money cost, realised;
    uint64_t open_buys, open_sells;
    char account[WIRE_ACCOUNT_BYTES]; /* "" where the question named it */
    bool blocked;                     /* the account, in this instrument */
} wire_position_view;

typedef struct wire_account_view {
    uint32_t fee_class, open_orders;
    bool limits_known, blocked, killed;
    wire_money spent, fees, reserved, available;
    wire_money funds, exposure, order_notional; /* the limits, from here on */
    uint64_t order_quantity, position;
    uint32_t concentration_ppm, collar_ppm, open_orders_limit, rate_per_second, rate_burst;
    int64_t duplicate_ns;
} wire_account_view;

typedef struct wire_query_reply_header {
    char exchange[TW_MIC_BYTES];
    uint32_t shard;
    uint8_t code; /* wire_reply_code, or WIRE_UNKNOWN */
    char detail[WIRE_DETAIL_BYTES];
    char account[WIRE_ACCOUNT_BYTES];
    char correlation_id[WIRE_CORRELATION_BYTES];
    uint64_t seq;
    int64_t event_ns;
    bool more;
    uint64_t next;
    uint32_t next_n;
    uint32_t date;      /* of the trading day that began last: 20260102; 0: none ever did */
    int64_t day_end_ns; /* TW_TIME_ABSENT: no day is open */
} wire_query_reply_header;

typedef struct wire_state_hash {
    char exchange[TW_MIC_BYTES];
    uint32_t shard;
    uint64_t seq, hash, reports, term;
    int64_t event_ns, publish_ns;
    bool leader;
    char instance[WIRE_LEADER_BYTES];
} wire_state_hash;

typedef enum wire_standing {
    WIRE_STANDING_STARTING = 0,
    WIRE_STANDING_FOLLOWING,
    WIRE_STANDING_SERVING,
    WIRE_STANDING_HALTED
} wire_standing;

#define WIRE_WHY_BYTES 800 /* with what to do */

/* One instance's answer on matchers.{MIC}. */
typedef struct wire_matcher {
    char exchange[TW_MIC_BYTES];
    uint32_t shard;
    uint8_t standing; /* wire_standing, or WIRE_UNKNOWN */
    char instance[WIRE_LEADER_BYTES];
    char reason[WIRE_WHY_BYTES]; /* "": it is as it should be */
    int64_t since_ns;            /* when it started, began to read, or halted */
    uint64_t seq, journaled;
} wire_matcher;

/* ---- fills ---- */

typedef struct wire_fill {
    uint64_t seq;
    uint32_t n;
    int64_t price;
    uint64_t quantity;
    tw_aggressor aggressor; /* one that this version does not know reads as TW_AGGRESSOR_UNKNOWN */
    int64_t event_ns;
} wire_fill;

typedef struct wire_fills {
    wire_header header; /* no snapshot, state, cause; partition is the shard; event_ns is the last fill's */
    uint32_t fill_count;
    const wire_fill *fills; /* at most WIRE_MAX_FILLS */
} wire_fills;

/* ---- reading ---- */

typedef struct wire_cursor {
    const uint8_t *at, *end;
    uint32_t count; /* of all parts */
} wire_cursor;

typedef struct wire_orders {
    wire_batch_header header;
    wire_cursor rest;
} wire_orders;

typedef struct wire_controls {
    wire_batch_header header;
    wire_cursor rest;
} wire_controls;

typedef struct wire_executions {
    wire_execution_header header;
    wire_cursor rest;
} wire_executions;

typedef struct wire_query_reply {
    wire_query_reply_header header;
    wire_cursor rest;
} wire_query_reply;

typedef enum wire_part_kind {
    WIRE_PART_NONE = 0,
    WIRE_PART_REPORT,
    WIRE_PART_NAMED_INSTRUMENT,
    WIRE_PART_NAMED_ACCOUNT,
    WIRE_PART_ORDER_VIEW,
    WIRE_PART_POSITION_VIEW,
    WIRE_PART_ACCOUNT_VIEW,
    WIRE_PART_DEFINITION
} wire_part_kind;

typedef struct wire_part {
    wire_part_kind kind;
    wire_fault_info fault; /* then the rest is what could be read */
    union {
        wire_report report;
        wire_named_instrument instrument;
        wire_named_account account;
        wire_order_view order;
        wire_position_view position;
        wire_account_view account_view;
        wire_control_command definition;
    };
} wire_part;

/* WIRE_MALFORMED: no protobuf, cut short, or another message. WIRE_OUT_OF_RANGE: a header's value, or more than WIRE_MAX_PARTS
 * parts. ExecutionBatch and ExecutionReports are both wire_executions. */
wire_result wire_orders_open(wire_orders *batch, const uint8_t *bytes, size_t length);
wire_result wire_controls_open(wire_controls *batch, const uint8_t *bytes, size_t length);
wire_result wire_executions_open(wire_executions *batch, const uint8_t *bytes, size_t length);
wire_result wire_query_reply_open(wire_query_reply *reply, const uint8_t *bytes, size_t length);
/* False at the end. */
bool wire_orders_next(wire_orders *batch, wire_order_command *command);
bool wire_controls_next(wire_controls *batch, wire_control_command *command);
bool wire_executions_next(wire_executions *batch, wire_part *part);
bool wire_query_reply_next(wire_query_reply *reply, wire_part *part);

/* ---- writing ---- */

typedef struct wire_parts {
    uint8_t *buffer;
    size_t capacity;
    size_t used;    /* from the buffer's start, the header's room included */
    uint32_t count; /* of parts */
} wire_parts;

/* `capacity` of at least WIRE_PARTS_HEADER_ROOM; a part is taken while WIRE_PART_ROOM bytes are left. A payload is at most `capacity`
 * bytes. */
void wire_parts_start(wire_parts *parts, uint8_t *buffer, size_t capacity);
/* The payload's length if it were finished now, or a little more. */
size_t wire_parts_bytes(const wire_parts *parts);

/* False: full, by bytes or by WIRE_MAX_PARTS. */
bool wire_order_command_add(wire_parts *parts, const wire_order_command *command);
bool wire_control_command_add(wire_parts *parts, const wire_control_command *command);
bool wire_report_add(wire_parts *parts, const wire_report *report);
bool wire_named_instrument_add(wire_parts *parts, const wire_named_instrument *instrument);
bool wire_named_account_add(wire_parts *parts, const wire_named_account *account); /* ExecutionBatch only */
bool wire_reply_order_add(wire_parts *parts, const wire_order_view *order);        /* these six: QueryReply */
bool wire_reply_position_add(wire_parts *parts, const wire_position_view *position);
bool wire_reply_report_add(wire_parts *parts, const wire_report *report);
bool wire_reply_instrument_add(wire_parts *parts, const wire_named_instrument *instrument);
bool wire_reply_account_add(wire_parts *parts, const wire_account_view *account);
bool wire_reply_definition_add(wire_parts *parts, const wire_control_command *definition);

/* Puts the header in front. Returns where the payload begins; it may be finished again with another header, as the parts of one
 * ExecutionBatch are whose number is known only after the last. */
const uint8_t *wire_orders_finish(wire_parts *parts, const wire_batch_header *header, size_t *length);
const uint8_t *wire_controls_finish(wire_parts *parts, const wire_batch_header *header, size_t *length);
const uint8_t *wire_execution_batch_finish(wire_parts *parts, const wire_execution_header *header, size_t *length);
const uint8_t *wire_execution_reports_finish(wire_parts *parts, const wire_execution_header *header,
                                             size_t *length);
const uint8_t *wire_query_reply_finish(wire_parts *parts, const wire_query_reply_header *header, size_t *length);

/* As in codec.h. */
size_t wire_query_encode(const wire_query *m, uint8_t *buffer, size_t capacity);
wire_result wire_query_decode(const uint8_t *bytes, size_t length, wire_query *m);
size_t wire_state_hash_encode(const wire_state_hash *m, uint8_t *buffer, size_t capacity);
wire_result wire_state_hash_decode(const uint8_t *bytes, size_t length, wire_state_hash *m);
size_t wire_matcher_encode(const wire_matcher *m, uint8_t *buffer, size_t capacity);
wire_result wire_matcher_decode(const uint8_t *bytes, size_t length, wire_matcher *m);
size_t wire_fills_encode(const wire_fills *m, uint8_t *buffer, size_t capacity);
wire_result wire_fills_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_fills *m);

/* A struct with every value absent: what to start from when filling one in. */
extern const wire_order_command wire_order_command_empty;
extern const wire_control_command wire_control_command_empty;
extern const wire_report wire_report_empty;
extern const wire_order_view wire_order_view_empty;
extern const wire_position_view wire_position_view_empty;

/*
 * May this command travel on this subject? NATS permissions bind an account to its subjects, so a command must not act for another
 * one. On orders.{MIC}.{SHARD}.{ACCOUNT}.{SYMBOL} an empty account or symbol is filled in from the subject; another one than the
 * subject's, a mass cancel of all symbols (OTHER_SYMBOL), and a session command (NOT_HERE: a session may be somebody else's) become
 * the command's fault, and account and symbol become the subject's: whoever sent it is told, not whom he named. On
 * orderbatch.{MIC}.{SHARD} everything goes that names an account, and, but for sessions and a mass cancel of all symbols, a
 * symbol (NO_NAME otherwise). A fault that the command has already is kept. Other kinds of subject: NOT_HERE.
 */
wire_fault_kind wire_order_command_admit(wire_order_command *command, const subject_parts *subject);

#endif
