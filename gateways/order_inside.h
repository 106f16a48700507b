/*
 * Private to gateways/order_*.c: what they share of the desk.
 *
 *   order_desk.c       tickets: from a request to its answer; batches, sessions
 *   order_questions.c  the directory, and which symbol an order id is of
 *   order_follows.c    execution reports: live, and asked for
 *   order_catch_ups.c  and those that no matcher holds any more, from execlog
 *   order_pages.c      HTTP
 *   order_limits.c     rates, in Redis
 */
#ifndef TICKWIRE_GATEWAYS_ORDER_INSIDE_H
#define TICKWIRE_GATEWAYS_ORDER_INSIDE_H

#include "gateways/order_desk.h"
#include "gateways/orders/batcher.h"
#include "gateways/orders/sessions.h"
#include "gateways/pipeline.h"
#include "runtime/ticker.h"

#define BATCH_BYTES   (256u * 1024u)
#define RECENT_ORDERS 16384u /* a power of 2 */
#define TICK_NS       INT64_C(200000000)
/* What a gateway that has just started and does not know the directory yet waits for it: requests, before they are refused with NO_DIRECTORY;
 * and /readyz, before the gateway is ready without it. */
#define WAIT_NS INT64_C(3000000000)
#define LISTEN_NS                                                                                                  \
    INT64_C(300000000) /* likewise, before it has heard the heartbeats of all shards, which are 100 ms apart */
#define READY_NS   INT64_C(30000000000)
#define BEAT_TICKS 5u /* ticks between beats of sessions, at most; at least five beats in a timeout */

/* Where a command stands in the stream. */
typedef struct order_part {
    uint32_t shard, index;
    uint64_t seq;
} order_part;

/* Something that goes on once the directory is known. Lives in what waits. */
typedef struct order_waiting {
    struct order_waiting *next;
    void (*go_on)(order_desk *desk, void *what);
    void (*drop)(void *what); /* in place of it, when the gateway ends; may be NULL */
    void *what;
} order_waiting;

/* A request until it is answered. */
typedef struct order_ticket {
    uint32_t number;
    order_request request;
    http_asked *asked; /* HTTP; NULL: a client of the stream */
    uint32_t client, generation;
    char id[REQUEST_ID_BYTES];
    const char *user;
    char user_name[IDENTITY_USER_BYTES];
    uint32_t rate;
    uint32_t shard;
    wire_order_command command;
    uint32_t parts_left, part_count;
    order_part parts[ORDER_MOST_SHARDS];
    order_fault fault; /* code NULL: none */
    void *looked_up;   /* the question about its symbol */
    order_waiting waiting;
} order_ticket;

/* Orders that went through here lately, so that a cancel by id need not ask for the symbol, and what the log says of it leads to the
 * order. A place is overwritten by another order. */
typedef struct recent_order {
    uint32_t shard;
    uint64_t order_id;
    char symbol[TW_SYMBOL_BYTES], account[WIRE_ACCOUNT_BYTES], correlation_id[WIRE_CORRELATION_BYTES];
    char client_order_id[WIRE_CLIENT_ID_BYTES];
} recent_order;

static inline uint32_t recent_place(uint32_t shard, uint64_t order_id) {
    uint64_t mixed = (order_id ^ (uint64_t)shard << 56) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> 32) & (RECENT_ORDERS - 1);
}

typedef struct client_pace {
    int64_t allowance_ns;
    uint32_t refused_in_a_row;
} client_pace;

/* exec.{ACCOUNT} of a feed of the follow table. */
typedef struct order_listener {
    order_desk *desk;
    uint32_t feed;
    bus_subscription *subscription;
    char account[WIRE_ACCOUNT_BYTES];
} order_listener;

#define ORDER_MOST_ACCOUNTS  4096u
#define ORDER_MOST_FOLLOWERS 65536u
#define ORDER_MOST_CHASES    16384u

typedef struct order_catch_ups order_catch_ups;

struct order_desk {
    gateway *owner;
    rt_log *log;
    char venue[TW_MIC_BYTES];
    char sender[WIRE_SENDER_BYTES];
    text_list anonymous;
    bus *bus;
    bus_refusals refusals;
    bus_writer *writer;
    ticker *ticker;
    uint64_t ticks, beat_ticks;
    order_limits *limits; /* NULL: no rates */
    bool closing;

    order_directory *directory;
    bus_subscription *changes;
    bool directory_stale; /* something may have been missed */
    bool directory_asking;
    int64_t directory_answered_ns; /* monotonic; of the last list that came; 0: none */
    int64_t directory_asked_ns;
    int64_t opened_ns;                           /* monotonic */
    bool directory_was_known;                    /* once since then */
    order_waiting *first_waiting, *last_waiting; /* for the directory, in their order */
    rt_log_site directory_site;

    batcher *shards[ORDER_MOST_SHARDS + 1]; /* from 1; NULL: not used yet */
    rt_log_site write_site;
    order_ticket **tickets;
    uint32_t *free_tickets;
    uint32_t ticket_capacity, ticket_count, tickets_reached, free_count;
    uint32_t *generations; /* by client */
    client_pace *paces;    /* by client */
    bool *recheck;         /* by client */
    bool recheck_any;
    recent_order *recent;
    uint16_t *recent_names; /* by client order id: a place in `recent`, which may have another order by now */
    order_sessions *sessions;

    /* Of a shard's heartbeats, those of the latest term: its journal runs short of storage, or is another one than before. */
    bus_subscription *statuses;
    bool storage_low[ORDER_MOST_SHARDS + 1];
    uint64_t storage_terms[ORDER_MOST_SHARDS + 1];
    int64_t journals_ns[ORDER_MOST_SHARDS + 1]; /* when its order stream was made; 0: not known */
    uint32_t greatest_heard;                    /* shard; it may have told nothing of its instruments yet */

    follow_table *follows;
    order_catch_ups *catch_ups;
    order_listener *listeners; /* by feed */
    report_names names;        /* of the message under way */
    rt_log_site report_site, query_site;
    char written[ORDER_JSON_BYTES]; /* a report as JSON, for all that get it */
    size_t written_length;
    const wire_report *written_of; /* NULL: none */
    wire_arena arena;              /* for the directory's lists */

    order_desk_stats stats;
};

/* ---- order_desk.c ---- */
/* Tells who lost a session, closes those of who left; with `beat` all others say that they are there. */
void order_sessions_tend(order_desk *desk, bool beat);
/* Calls what->go_on before the loop waits next; while the gateway has just started and does not know the directory, as soon as it does, or has
 * waited for long enough. One after another, in the order of these calls. */
void order_desk_await(order_desk *desk, order_waiting *what);
/* The answer to order_look_up: the request's symbol is set, or its fault. */
void order_desk_looked_up(order_desk *desk, order_ticket *ticket, bool found);

/* ---- order_questions.c ---- */
void order_directory_tend(order_desk *desk);
/* The gateway has just started, and requests wait for the directory. */
bool order_directory_is_awaited(const order_desk *desk);
/* Every shard's list is known and followed. */
bool order_directory_is_known(const order_desk *desk);
/* The same, and asks anew where a symbol was not in it. */
bool order_directory_asked(order_desk *desk);
/* The shards whose instruments are not known: "2, 3"; "": all are. What does not fit is left out. */
void order_directory_silent(const order_desk *desk, char *text, size_t capacity);
void order_directory_take_message(void *desk, const bus_message *message);
/* Asks the venue which symbol the order is of. */
ask_result order_look_up(order_desk *desk, order_ticket *ticket);
/* Fills names from a reply, for report_name_of. False: it is no QueryReply. */
bool order_read_names(order_desk *desk, const uint8_t *bytes, size_t length, wire_query_reply *reply);
/* `caller` as asker_ask has it. */
ask_result order_ask(order_desk *desk, const address_key *caller, uint32_t shard, const wire_query *query,
                     ask_on_reply on_reply, void *question);
/* What is told of a question that was not asked; `what` could not be. */
void order_fault_set_not_asked(order_fault *fault, ask_result why, const char *what);

/* ---- order_follows.c ---- */
bool order_follows_alloc(order_desk *desk);
tw_code order_bus_open(order_desk *desk, tw_error *error);
void order_follows_ask(order_desk *desk, int64_t now_ns);
void order_follows_recheck(order_desk *desk);
/* A follow_on_lost: the client is told REPORTS_LOST. */
void order_tell_lost(void *desk, uint32_t client, const char *account, const follow_loss *loss);

/* ---- order_catch_ups.c ---- */
tw_code order_catch_ups_open(order_desk *desk, tw_error *error);
void order_catch_ups_close(order_desk *desk); /* before the bus */
/* Reads in execlog what the chase wants, and ends it in the follow table. False: as many as there may be are read for; later. */
bool order_catch_up(order_desk *desk, const follow_question *question, int64_t now_ns);
/* A bounded bit of it. Returns when it wants to be called again at the latest. Times are monotonic. */
int64_t order_catch_ups_round(order_desk *desk, int64_t now_ns);
uint32_t order_catch_ups_count(const order_desk *desk);

/* The orders that this user may send in a second; 0: any number. */
uint32_t order_rate_of(const order_desk *desk, const identity *caller);

#endif
