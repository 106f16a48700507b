/*
 * What the files of publisher/ share. Nothing outside this folder includes it, but for its tests.
 *
 * One `pub_instrument` per instrument; the published views of its book (the live channel and each enabled tier)
 * lie in arrays of their own, because their size follows the depth.
 */
#ifndef TICKWIRE_PUBLISHER_INTERNAL_H
#define TICKWIRE_PUBLISHER_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "publisher/backlog.h"
#include "publisher/publisher.h"

#define PUB_NONE           UINT32_MAX
#define PUB_UNMARKED       UINT8_MAX /* above every rank */
#define PUB_READY_EVERY    64u       /* messages between two questions to the sink */
#define PUB_TIER_STEP_NS   INT64_C(100000000)
#define PUB_TIER_SLOTS     10u               /* steps of the 1 s tier; instrument % slots is its step */
#define PUB_RETRY_NS       INT64_C(10000000) /* after a tick that the sink held back */
#define PUB_SUBJECT_BYTES  128u              /* an escaped 32-byte symbol between MIC and "orderbook.100ms" */
#define PUB_ENVELOPE_BYTES 512u              /* of a bulk reply, in front of its shared body */
#define PUB_LIST_ENTRIES   192u              /* directory entries in one reply: their worst case fits a chunk */
#define PUB_PAYLOAD_BYTES  (16u * 1024u)     /* the largest directory request */
#define PUB_PAYLOAD_SLOTS  64u               /* directory requests with symbols that may wait at once */
#define PUB_ARENA_BYTES    (512u * 1024u)
#define PUB_BUSY_RETRY_MS  200u
#define PUB_CATCH_UP       128u             /* instruments whose owed snapshots leave in one tick */
#define PUB_CATCH_UP_NS    INT64_C(1000000) /* between such ticks */
#define PUB_SINGLES_NS     INT64_C(1000000000)

/* What an instrument waits to send on its live channels. */
enum {
    PUB_DIRTY_STATUS = 1,
    PUB_DIRTY_ORDERS = 2,
    PUB_DIRTY_TRADES = 4,
    PUB_DIRTY_BOOK = 8,
    PUB_DIRTY_QUOTE = 16,
    PUB_DIRTY_IMBALANCE = 32
};

/* Source messages folded into the update that is being gathered. */
typedef struct pub_pending {
    uint64_t seq;
    int64_t event_ns;
    int64_t receive_ns; /* of the last mark: latency is counted from the newest packet in an update */
    uint32_t merged;
} pub_pending;

/* How a chain goes on. */
enum {
    PUB_CHAINED = 0, /* with the next change, behind the last message */
    PUB_JOINS, /* with the next touch, as a snapshot: receivers have the state, but by another's numbers; and a touch that
                        leaves all as it was here may be what the predecessor had sent the half of */
    PUB_OWES /* with a snapshot that is owed, change or not */
};

/* What every published message leaves behind for the next one and for snapshots. */
typedef struct pub_chain {
    uint64_t seq;      /* of the last message, 0 for none yet */
    uint64_t told_seq; /* last source message known when it was told: beyond seq if the state alone changed */
    int64_t event_ns;
    int64_t receive_ns;
    tw_book_state state;
    tw_state_cause cause;
    uint8_t goes_on;  /* PUB_CHAINED, PUB_JOINS or PUB_OWES */
    bool state_alone; /* the last message had the seq of the one before */
} pub_chain;

/* One book channel of one instrument. The levels follow: `depth` bids, then `depth` asks. */
typedef struct pub_book {
    pub_chain chain;
    pub_pending pending;
    uint32_t checksum;
    uint16_t bid_count;
    uint16_t ask_count;
    uint8_t marked_from[2]; /* by side: the best rank marked since it was published; PUB_UNMARKED: none */
    bool queued;            /* tiers: in its list */
    tw_level levels[];
} pub_book;

typedef struct pub_trades {
    pub_chain chain;
    backlog_line waiting;
    uint64_t volume; /* up to and with chain.seq */
    uint64_t count;
    uint64_t counted_from_seq; /* 0: the totals are whole (see publisher_prints_lost) */
    uint64_t adopted_seq;      /* the leader's totals count all up to here, also what has not come here yet */
    uint64_t dropped_seq;      /* the rest of a source message of which prints were dropped is dropped too */
    bool printed;
    tw_print last;
} pub_trades;

typedef struct pub_orders {
    pub_chain chain;
    backlog_line waiting;
    uint64_t dropped_seq;
} pub_orders;

/* A tw_trading_state and its neighbours, as they travel. */
typedef struct pub_status_view {
    tw_trading_state trading;
    tw_short_sale short_sale;
    char reason[WIRE_REASON_BYTES];
    int64_t collar_upper, collar_lower, collar_reference;
} pub_status_view;

typedef struct pub_instrument {
    bool defined;
    bool queued;
    bool behind; /* in the list of those that owe */
    uint8_t dirty;
    tw_book_state state; /* as told; what each channel last showed is in its chain */
    tw_state_cause cause;
    pub_chain quote_chain;
    pub_pending quote_pending;
    tw_level bid, ask; /* as published; price TW_PRICE_ABSENT for none */
    pub_chain status_chain;
    pub_pending status_pending;
    pub_status_view status, status_published;
    pub_chain imbalance_chain;
    pub_pending imbalance_pending;
    tw_imbalance imbalance, imbalance_published;
    pub_trades trades;
    pub_orders orders;
    wire_identity identity; /* of this instrument in this epoch */
    tw_instrument entry;
} pub_instrument;

typedef enum pub_request_kind {
    PUB_REQUEST_SNAPSHOT,
    PUB_REQUEST_DIRECTORY, /* of the symbols in its payload */
    PUB_REQUEST_BULK,      /* a member of a cycle */
    PUB_REQUEST_REFUSED    /* to be answered with its code */
} pub_request_kind;

typedef struct pub_request {
    pub_request_kind kind;
    wire_reply_code code; /* REFUSED */
    bool directory;       /* REFUSED: the answer is an InstrumentList */
    subject_channel channel;
    uint32_t next;
    uint32_t chunk;     /* replies sent so far */
    uint32_t remaining; /* BULK: instrument numbers of its turn not yet covered */
    uint32_t symbol;    /* DIRECTORY: first not yet answered */
    uint32_t payload;   /* DIRECTORY: its slot */
    uint32_t payload_length;
    char reply[SUBJECT_BYTES];
    char text[SUBJECT_BYTES]; /* SNAPSHOT: the symbol; REFUSED: what was wrong */
} pub_request;

/* Cycles: one for each channel's snapshots, and the directory (see bulk.c). */
#define PUB_CYCLE_DIRECTORY SUBJECT_CHANNELS
#define PUB_CYCLES          (SUBJECT_CHANNELS + 1)

typedef struct pub_cycle {
    tw_list now;     /* wait for the chunk in `body` */
    tw_list later;   /* wait for the next chunk */
    uint32_t cursor; /* first instrument of the chunk in `body`, or of the next one */
    uint32_t span;   /* instrument numbers it covers */
    size_t body_bytes;
    uint8_t *body; /* PUB_ENVELOPE_BYTES of room, then the encoded parts */
} pub_cycle;

/* Directory entries that wait to be told (see directory_changes.c). */
typedef struct pub_changes {
    struct pub_change *entries; /* by instrument */
    uint32_t first, last;       /* waiting, in the order of their last change */
    uint64_t told;              /* directory version of the last message */
    uint64_t broken_at;         /* the version at which an entry left the directory last */
    char subject[SUBJECT_BYTES];
} pub_changes;

struct publisher {
    publisher_options options;
    char exchange[TW_MIC_BYTES];
    char epoch[TW_EPOCH_BYTES];
    char feed_subject[SUBJECT_BYTES];
    const ob_books *books;
    publisher_sink sink;
    uint32_t since_ready; /* messages since the sink was last asked */
    uint8_t *buffer;      /* WIRE_MAX_BYTES: the payload being written */
    uint32_t empty_checksum;

    pub_instrument *instruments;
    uint32_t instrument_top; /* above all defined instruments */
    tw_map by_symbol;        /* of defined instruments */
    uint64_t directory_version;
    pub_changes changes;
    char *subjects;
    int8_t subject_slot[SUBJECT_CHANNELS]; /* -1: the channel is off */
    uint32_t subject_slots;

    uint8_t *views[3]; /* pub_book arrays: live, 100 ms, 1 s; NULL where off */
    size_t view_bytes;
    uint32_t *live_next;
    tw_list live;
    bool leads;
    uint64_t continues_term;
    bool joined; /* this epoch was begun by the leader before */
    char leader[WIRE_LEADER_BYTES];
    uint64_t published_seq;
    uint64_t singles_to; /* events up to this source message leave one source message at a time, */
    bool singles;        /* and all others, too, until the tick of singles_end_ns */
    int64_t singles_end_ns;
    uint32_t *behind_next;
    tw_list behind;
    uint32_t behind_count;
    uint32_t *tier_next[3];
    tw_list tier_lists[3][PUB_TIER_SLOTS]; /* 100 ms uses only the first */
    int64_t tier_step;
    bool tier_started;

    backlog prints;
    uint64_t counted_from_seq; /* of instruments that come, and of some that are there; 0: all totals are whole */
    backlog order_events;
    tw_print *print_batch;
    wire_order_event *order_batch;

    publisher_feed feed;
    char feed_detail[WIRE_DETAIL_BYTES];
    bool feed_urgent;
    bool feed_sent;
    int64_t feed_sent_ns;
    int64_t now_ns; /* of the last flush or tick */
    bool held_back; /* the last tick was */
    bool held;      /* by publisher_hold */
    uint64_t updates;

    pub_request *requests;
    tw_pool request_places;
    tw_list request_queue;
    uint8_t *payloads;
    bool payload_used[PUB_PAYLOAD_SLOTS];
    pub_cycle cycles[PUB_CYCLES];
    uint32_t cycle_turn;
    bool bulk_starved; /* singles used up the last budget: bulk goes first */
    wire_arena arena;
    uint8_t *reply; /* WIRE_MAX_BYTES: an answer of which `buffer` holds a part */
    wire_instrument *list_entries;
    const char **list_missing;

    publisher_stats stats;
};

/* directory.c */
pub_instrument *pub_find(const publisher *p, uint32_t instrument); /* NULL if undefined */
uint32_t pub_lookup(const publisher *p, const char *symbol);       /* PUB_NONE if unknown */
void pub_directory_entry(const publisher *p, uint32_t instrument, wire_instrument *entry);
void pub_directory_list(const publisher *p, wire_instrument_list *list);

/* directory_changes.c */
bool pub_changes_alloc(publisher *p);
void pub_changes_free(publisher *p);
void pub_changes_reset(publisher *p);                     /* a new epoch */
void pub_changes_add(publisher *p, uint32_t instrument);  /* its entry is new or another, since directory_version */
void pub_changes_left(publisher *p, uint32_t instrument); /* it is no entry any more, since directory_version */
void pub_changes_settle(publisher *p);                    /* all counts as told */
bool pub_changes_waiting(const publisher *p);
void pub_changes_publish(publisher *p, int64_t now_ns); /* one message */

/* outlet.c: everything that leaves goes through here */
bool pub_sink_ready(publisher *p); /* asks, and counts a refusal */
bool pub_may_emit(publisher *p);   /* asks again only after PUB_READY_EVERY messages */
void pub_emit(publisher *p, uint32_t instrument, subject_channel channel, size_t length);
void pub_emit_directory(publisher *p, const char *subject, size_t length);
void pub_emit_reply(publisher *p, const char *reply, const uint8_t *payload, size_t length);
/* Of a snapshot: the state that the chain's last message left. */
void pub_header(const publisher *p, const pub_instrument *instrument, const pub_chain *chain, wire_header *header);
/* Of the message that moved the chain on from `prev_seq` to where it is. */
void pub_message_header(const pub_instrument *instrument, const pub_chain *chain, uint64_t prev_seq, int64_t now_ns,
                        wire_header *header);
/* Moves a chain on by what is pending and fills the header of the message that does it: with its seq if the content
 * `changed`, with the seq of the last message if the state alone did. A chain that does not go on by PUB_CHAINED begins
 * again, so the message must be whole. */
void pub_chain_advance(const pub_instrument *instrument, pub_chain *chain, const pub_pending *pending, bool changed,
                       int64_t now_ns, wire_header *header);
/* Encodes what all messages about the instrument start with. */
void pub_identity(const publisher *p, pub_instrument *instrument);

/* marks.c */
void pub_mark(publisher *p, uint32_t instrument, uint8_t what);
void pub_pending_add(pub_pending *pending, const publisher_stamp *stamp);
void pub_pending_touch(pub_pending *pending, const publisher_stamp *stamp);

static inline pub_book *pub_view(const publisher *p, uint32_t instrument, subject_channel channel) {
    return (pub_book *)(void *)(p->views[channel] + (size_t)instrument * p->view_bytes);
}
static inline bool pub_channel_on(const publisher *p, subject_channel channel) {
    return p->subject_slot[channel] >= 0;
}

/* One file per channel: publish what is waiting, and the snapshot of what was published last. */
void pub_book_reset(publisher *p, uint32_t instrument);
void pub_book_publish(publisher *p, uint32_t instrument, subject_channel channel, int64_t now_ns);
void pub_book_snapshot(const publisher *p, uint32_t instrument, subject_channel channel, int64_t now_ns,
                       wire_book_update *update);
void pub_book_settle(publisher *p, uint32_t instrument, subject_channel channel, uint64_t safe_seq);
void pub_quote_publish(publisher *p, uint32_t instrument, int64_t now_ns);
void pub_quote_snapshot(const publisher *p, uint32_t instrument, int64_t now_ns, wire_quote *quote);
void pub_quote_settle(publisher *p, uint32_t instrument, uint64_t safe_seq);
/* False: the sink said stop, prints are still waiting. */
bool pub_trades_publish(publisher *p, uint32_t instrument, int64_t now_ns);
void pub_trades_confirm(publisher *p, uint64_t seq);
/* One instrument's prints up to `seq` no longer wait: another has sent them. */
void pub_trades_pass(publisher *p, pub_trades *trades, uint64_t seq);
void pub_trades_snapshot(const publisher *p, uint32_t instrument, int64_t now_ns, wire_trades *trades);
bool pub_orders_publish(publisher *p, uint32_t instrument, int64_t now_ns);
void pub_orders_confirm(publisher *p, uint64_t seq);
void pub_status_reset(pub_instrument *instrument);
void pub_status_publish(publisher *p, uint32_t instrument, int64_t now_ns);
void pub_status_snapshot(const publisher *p, uint32_t instrument, int64_t now_ns, wire_status *status);
void pub_imbalance_reset(pub_instrument *instrument);
void pub_imbalance_publish(publisher *p, uint32_t instrument, int64_t now_ns);
void pub_imbalance_snapshot(const publisher *p, uint32_t instrument, int64_t now_ns, wire_imbalance *imbalance);

/* feed_status.c */
void pub_feed_reset(publisher *p);
bool pub_feed_due(const publisher *p, int64_t now_ns);
void pub_feed_publish(publisher *p, int64_t now_ns);

/* How many records at the front of a line leave in one message. What another publisher may have sent as well leaves one
 * source message at a time: a receiver must be able to drop those that it has and take the rest. */
static inline uint32_t pub_batch(const publisher *p, const backlog *b, const backlog_line *line, uint32_t limit) {
    bool single = p->singles || b->items[line->first].seq <= p->singles_to;
    return single ? backlog_single(b, line, limit) : backlog_batch(b, line, limit);
}

/* flush.c: everything an instrument waits to send. False: the sink said stop; what is left stays marked. */
bool pub_instrument_publish(publisher *p, uint32_t instrument, int64_t now_ns);

/* lead.c */
/* A chain that is not PUB_CHAINED begins again: fills the header of its snapshot. True: a message of the state alone
 * must follow, because the snapshot has the seq of another that told another state. */
bool pub_chain_begin(const pub_instrument *instrument, pub_chain *chain, const pub_pending *pending, int64_t now_ns,
                     wire_header *header);
/* Whether the chain has a snapshot to send although nothing that is here changed. */
bool pub_is_owed(const pub_chain *chain, const pub_pending *pending);
/* How the chain of an instrument that comes now begins. */
uint8_t pub_chain_start(const publisher *p);
/* What is pending counts as told, without a message. What is beyond safe_seq is owed, and what is not OK, too. */
void pub_chain_settle(const pub_instrument *instrument, pub_chain *chain, pub_pending *pending, uint64_t safe_seq);
/* publisher.c: nobody is marked or queued in any tier any more */
void pub_lists_clear(publisher *p);
void pub_note_published(publisher *p); /* what publisher_published_seq says now holds when more is marked, too */
void pub_singles_tick(publisher *p, int64_t now_ns);
bool pub_catch_up(publisher *p, int64_t now_ns); /* false: the sink said stop */

/* conflate.c */
void pub_tier_mark(publisher *p, uint32_t instrument, subject_channel channel);
bool pub_tiers_publish(publisher *p, int64_t now_ns); /* false: the sink said stop */
bool pub_tiers_on(const publisher *p);
bool pub_tiers_settle(publisher *p, int64_t now_ns); /* all steps at once; false likewise */

/* snapshot.c: the encoded part of one instrument and channel, in publisher->buffer */
bool pub_has_snapshot(const publisher *p, subject_channel channel);
wire_snapshot_part pub_snapshot_part(subject_channel channel);
size_t pub_snapshot_encode(publisher *p, uint32_t instrument, subject_channel channel, int64_t now_ns);
void pub_snapshot_envelope(const publisher *p, subject_channel channel, wire_snapshot_reply *reply);

/* requests.c */
void pub_requests_reset(publisher *p);
void pub_requests_forget(publisher *p); /* all that wait */
void pub_request_list_push(publisher *p, tw_list *list, uint32_t request);
uint32_t pub_request_list_pop(publisher *p, tw_list *list);
void pub_request_release(publisher *p, uint32_t request);
size_t pub_refusal_encode(publisher *p, const pub_request *request);

/* bulk.c */
void pub_bulk_join(publisher *p, uint32_t cycle, uint32_t request);
void pub_bulk_restart(publisher *p); /* everybody begins again: a new epoch */
bool pub_bulk_waiting(const publisher *p);
/* Sends one reply of the next cycle in turn if it fits `budget`. Returns its bytes, 0 for none. */
size_t pub_bulk_serve(publisher *p, size_t budget, int64_t now_ns);

#endif
