/*
 * Private to gateways/stream: what its files share.
 *
 *   instrument ─► topic (one subject; the latest state) ─► groups (depth, interval, encoding) ─► members ◄─ clients
 *                   ▲                                         view, chain, frame_log
 *                   └─ patterns ◄─ subscriptions ◄─ clients
 *
 * Everything is numbered and lives in slabs; lists run through the items. A topic exists once the bus has said something
 * about it; patterns know the topics that match them, so that joining is a walk and never a search.
 */
#ifndef TICKWIRE_GATEWAYS_STREAM_INTERNAL_H
#define TICKWIRE_GATEWAYS_STREAM_INTERNAL_H

#include "base/json.h"
#include "base/map.h"
#include "gateways/stream/due.h"
#include "gateways/stream/frame_log.h"
#include "gateways/stream/pattern.h"
#include "gateways/stream/request.h"
#include "gateways/stream/slab.h"
#include "gateways/stream/stream.h"
#include "gateways/websocket/deflate.h"

#define NONE                  SLAB_NONE
#define SECOND_NS             INT64_C(1000000000)
#define MILLI_NS              INT64_C(1000000)
#define SNAPSHOT_TAIL_BYTES   48u             /* what an encoding adds behind a snapshot's body */
#define FRAME_HEAD_BYTES      10u             /* the longest WebSocket header that a server writes */
#define SCRATCH_BYTES         (1024u * 1024u) /* longer than any one message in any encoding */
#define MAX_MICS              1024u
#define MAX_INSTRUMENTS       (1u << 24)
#define MAX_MEMBERS           (1u << 28)
#define MAX_ALL_SUBSCRIPTIONS (1u << 20)

typedef enum topic_kind {
    TOPIC_BOOK,
    TOPIC_QUOTE,
    TOPIC_TRADES,
    TOPIC_STATUS,
    TOPIC_IMBALANCE,
    TOPIC_FEED,
    TOPIC_CANDLE,
    TOPIC_NBBO,
    TOPIC_KINDS
} topic_kind;

/* An instrument's topics: one of each kind, and one of each further interval of candles. */
#define TOPIC_SLOTS (TOPIC_KINDS + SUBJECT_CANDLES - 1)

/* How messages are written and wrapped. */
typedef enum encoding { ENCODING_JSON, ENCODING_PROTOBUF, ENCODING_SSE } encoding;

/* ---- what is known ---- */

typedef struct book_state {
    wire_header header; /* state and cause are the effective ones */
    uint32_t depth, counts[2];
    bool checked; /* `checksum` is that of these levels */
    uint32_t checksum;
    tw_level sides[2][TW_MAX_DEPTH];
} book_state;

typedef struct trades_state {
    wire_header header;
    uint64_t volume, prints_total;
    bool has_last;
    tw_print last;
} trades_state;

/* The newest candle, and what of the one before tells whether a message about it is news. */
typedef struct candle_state {
    wire_candle now;
    wire_candle before; /* count and prices are not kept up; start_ns 0: none */
} candle_state;

typedef union topic_state {
    wire_header header; /* all but a feed start with it */
    book_state book;
    wire_quote quote;
    trades_state trades;
    wire_status status;
    wire_imbalance imbalance;
    wire_feed_status feed;
    candle_state candle;
    wire_nbbo nbbo;
} topic_state;

typedef struct topic {
    topic_kind kind;
    subject_channel channel; /* SUBJECT_CHANNELS for feeds */
    bool known;              /* `state` holds something */
    bool righted;            /* a book of this epoch was replaced by another with the same sequence number */
    uint64_t righted_seq;
    uint32_t instrument;
    uint32_t first_group;
    uint32_t subject_length;
    topic_state *state; /* as much of it as the kind needs */
    char mic[TW_MIC_BYTES];
    char subject[SUBJECT_BYTES];
} topic;

typedef struct instrument {
    uint32_t topics[TOPIC_SLOTS];
    char key[TW_MIC_BYTES + TW_SYMBOL_BYTES + 1]; /* MIC.SYMBOL, not escaped */
} instrument;

/* ---- who gets the same ---- */

typedef struct snapshot_cache {
    uint8_t *bytes; /* a whole snapshot but for its WebSocket header and its tail */
    uint32_t length, capacity;
    uint64_t at_cut; /* made when the group had made so many cuts */
    bool made, deflated;
} snapshot_cache;

typedef struct group {
    uint32_t topic, next_of_topic;
    uint32_t depth, interval_ms;
    encoding encoding;
    bool deflates;
    uint32_t *members; /* in no order */
    uint32_t member_count, member_capacity;
    bool fresh; /* in the round's list: has frames its members were not told of */
    uint32_t next_fresh;
    uint32_t due_place;
    int64_t last_cut_ns, empty_since_ns;
    uint32_t next_empty, prev_empty;
    bool empty; /* in the list of those that linger */

    topic_state
        *view; /* what members have, as published: the levels cut to depth, the chain's own prev_seq and seq */
    uint32_t generation; /* of the chain: rises with each epoch, term or depth */
    uint64_t begun_seq;  /* books: what this generation began with; before it, another book may have had that seq */
    uint64_t updates;    /* of the bus that this group has had; trades: prints */
    uint64_t updates_cut; /* of them, those in frames */
    uint64_t passed_over; /* trades: prints lost before this gateway, told by the next frame */
    tw_print *prints;     /* trades that wait for their interval */
    uint32_t print_count;
    uint64_t cuts;
    frame_log log;
    uint64_t told_position; /* the log's position at the last round: what members' waiting bytes count up to */
    snapshot_cache snapshot;
} group;

typedef struct member {
    uint32_t client, group, subscription;
    uint32_t place_in_group;
    uint32_t next_of_client, prev_of_client;
    uint32_t next_pending, prev_pending;
    bool pending;        /* in the client's list of those with something to send */
    bool wants_snapshot; /* in place of all that it has not had */
    bool joining;        /* that snapshot is its first: nothing was passed over */
    bool resuming;       /* has not had all yet of what it came back for, */
    uint64_t resume_end; /* which ends before this frame */
    uint64_t next_frame;
    uint64_t position; /* bytes of the group's frames before next_frame */
    uint64_t updates;  /* of the group that it has had */
    uint64_t used_updates, used_bytes;
    int64_t used_first_ns, used_last_ns;
} member;

/* ---- who asks ---- */

typedef struct pattern {
    uint32_t first_subscription;
    uint32_t next_wild, prev_wild;
    uint32_t *topics; /* all that match */
    uint32_t topic_count, topic_capacity;
    char text[SUBJECT_BYTES];
} pattern;

typedef struct subscription {
    uint32_t client, pattern;
    uint32_t next_of_pattern, prev_of_pattern;
    uint32_t next_of_client, prev_of_client;
    uint32_t depth, interval_ms;
    uint64_t order; /* the newest that matches decides */
} subscription;

typedef struct byte_queue {
    uint8_t *bytes;
    uint32_t start, end, capacity;
} byte_queue;

/* Where a client stands in the round; the later in this list, the sooner it is written to. */
typedef enum client_place {
    CLIENT_IDLE,
    CLIENT_LATER, /* in the next round */
    CLIENT_READY, /* in this one */
    CLIENT_FIRST  /* in this one, in front of those: it has an answer to get, or a report of its orders */
} client_place;

typedef struct client {
    bool open, closing;
    bool broken;       /* a frame begun can't be finished */
    bool told_no_room; /* since its last request */
    bool blocked;      /* its last write was partial */
    bool lagging;      /* has more waiting than it may: its next gather turns all of it into snapshots */
    client_place place;
    uint32_t next_ready, prev_ready;
    encoding encoding;
    bool deflates;
    uint32_t first_member, first_subscription, subscription_count;
    uint32_t first_pending, last_pending;
    uint64_t waiting;  /* bytes of frames it was told of and has not had */
    uint64_t grace;    /* bytes of frames during which it may have more waiting than its limit: it catches up */
    byte_queue rest;   /* of a frame begun */
    byte_queue outbox; /* what only it gets: answers, heartbeats */
    int64_t heard_ns, sent_ns;
    int64_t allowance_ns; /* the bucket of its requests, in time */
    stream_limits limits; /* no 0 */
    uint32_t refused_in_a_row;
} client;

typedef struct want {
    char mic[TW_MIC_BYTES]; /* "" for all */
    uint32_t counts[SUBJECT_CHANNELS];
    bool wanted[SUBJECT_CHANNELS]; /* as the surroundings were told */
    int64_t unwanted_since_ns[SUBJECT_CHANNELS];
} want;

/* ---- what was gathered for one client and is not yet sent ---- */

typedef enum span_kind { SPAN_REST, SPAN_OUTBOX, SPAN_FRAMES, SPAN_HEAD, SPAN_BODY, SPAN_TAIL } span_kind;

typedef struct gathered_span {
    span_kind kind;
    uint32_t member;
    uint32_t frames; /* SPAN_FRAMES */
} gathered_span;

typedef struct gathering {
    uint32_t client, count, whole_count;
    size_t bytes;
    stream_span spans[STREAM_MAX_SPANS]; /* cut to what the caller takes */
    stream_span whole[STREAM_MAX_SPANS]; /* as they are */
    gathered_span about[STREAM_MAX_SPANS];
    uint8_t scratch[STREAM_MAX_SPANS][SNAPSHOT_TAIL_BYTES];
} gathering;

typedef struct ready_list {
    uint32_t first, last;
} ready_list;

struct stream {
    stream_options options;
    stream_surroundings surroundings;
    stream_stats stats;
    int64_t now_ns; /* of the call under way */

    slab instruments, topics, groups, members, patterns, subscriptions, clients;
    tw_map instrument_by_key, topic_by_subject, pattern_by_text, want_by_mic;
    uint32_t first_wild;
    uint32_t *member_slots; /* members by client and topic: open addressing */
    uint32_t member_mask;
    want *wants;
    uint32_t want_count;

    frame_log_bounds log_bounds;
    due_heap due;
    uint32_t first_fresh, last_fresh; /* groups with frames that members were not told of */
    uint32_t first_empty, last_empty; /* groups without members, longest first */
    uint64_t next_order;
    ready_list first, ready, later;
    bool gave_first; /* the client given last was of `first`: the next is of `ready`, if there is one */
    int64_t watch_due_ns;
    uint32_t watch_next; /* client to be looked at next */
    gathering gathering;
    stream_request_text request;
    uint8_t *scratch;
    const uint8_t *message; /* of the book being taken: stream_book.message; NULL: none */
    size_t message_length;
    ws_packer *packer; /* NULL: nobody's frames are deflated */
    uint8_t *packed;   /* SCRATCH_BYTES */
};

static inline topic *topic_at(const stream *s, uint32_t n) {
    return slab_at(&s->topics, n);
}
static inline group *group_at(const stream *s, uint32_t n) {
    return slab_at(&s->groups, n);
}
static inline member *member_at(const stream *s, uint32_t n) {
    return slab_at(&s->members, n);
}
static inline pattern *pattern_at(const stream *s, uint32_t n) {
    return slab_at(&s->patterns, n);
}
static inline subscription *subscription_at(const stream *s, uint32_t n) {
    return slab_at(&s->subscriptions, n);
}
static inline client *client_at(const stream *s, uint32_t n) {
    return slab_at(&s->clients, n);
}
static inline instrument *instrument_at(const stream *s, uint32_t n) {
    return slab_at(&s->instruments, n);
}

/* ---- instruments.c ---- */
bool stream_instruments_init(stream *s);
void stream_instruments_fini(stream *s);
/* Forgets a topic that nobody keeps up to date any more, and its groups; it has no members. */
void stream_topic_forget(stream *s, uint32_t topic);
size_t stream_state_bytes(topic_kind kind);

/* ---- group.c ---- */
/* The group of these wishes, made if there is none; NONE: no room. */
uint32_t stream_group_of(stream *s, uint32_t topic, uint32_t depth, uint32_t interval_ms, encoding wrap,
                         bool deflates);
void stream_group_free(stream *s, uint32_t group);
void stream_groups_forget_empty(stream *s); /* those that have lingered long enough */

/* ---- member.c ---- */
bool stream_members_init(stream *s);
void stream_members_fini(stream *s);
uint32_t stream_member_find(const stream *s, uint32_t client, uint32_t topic);
/* A new member, or the one there is moved to this group and subscription. False: no room. */
bool stream_member_join(stream *s, uint32_t client, uint32_t topic, uint32_t subscription, uint32_t *member);
void stream_member_leave(stream *s, uint32_t member);
/* What it is given next; keeps the client's waiting bytes right. At the end nothing waits for it any more. */
void stream_member_move(stream *s, uint32_t member, uint64_t frame, uint64_t position, uint64_t updates);
void stream_member_want_snapshot(stream *s, uint32_t member, bool joining);
/* It was moved to where it is to go on: what the group has behind that does not make its client lag. */
void stream_member_catch_up(stream *s, uint32_t member);
void stream_member_pend(stream *s, uint32_t member, client_place when);
void stream_member_unpend(stream *s, uint32_t member);
void stream_member_report(stream *s, uint32_t member);

/* ---- cut.c: from a topic's state to a group's frames ---- */
/* The topic has a new state: what each of its groups makes of it now. */
void stream_topic_changed(stream *s, uint32_t topic);
void stream_group_cut(stream *s, uint32_t group);
/* Makes the first view of a group whose topic is known. */
void stream_group_begin(stream *s, uint32_t group);
/* The group's view as a whole, encoded but for head and tail; NULL: no memory. */
const snapshot_cache *stream_group_snapshot(stream *s, uint32_t group);

/* Trades are a log. Before the topic keeps new prints: what waits and must not wait with them is cut. After: they go out
 * or wait. */
void stream_trades_make_way(stream *s, uint32_t topic, const wire_trades *trades, bool chained);
void stream_trades_arrived(stream *s, uint32_t topic, const wire_trades *trades, bool chained, uint64_t missed);

/* Candles of several starts follow each other in one topic. Before it keeps one of another start: what waits of the one
 * before goes out. One that is older than the newest goes out beside it. */
void stream_candle_make_way(stream *s, uint32_t topic);
void stream_candle_aside(stream *s, uint32_t topic, const wire_candle *candle);
/* Whether `b` says more of the same candle than `a` (docs/protocol.md). */
bool stream_candle_is_news(const wire_candle *a, const wire_candle *b);

/* ---- conflate.c ---- */
bool stream_may_cut_now(stream *s, uint32_t group);
void stream_cut_later(stream *s, uint32_t group);
void stream_cut_due(stream *s);

/* ---- subscribe.c, resume.c ---- */
bool stream_subscriptions_init(stream *s);
void stream_subscriptions_fini(stream *s);
void stream_subscribe(stream *s, uint32_t client, const stream_request_text *request);
void stream_unsubscribe(stream *s, uint32_t client, const stream_request_text *request);
void stream_unsubscribe_all(stream *s, uint32_t client);
void stream_topic_appeared(stream *s, uint32_t topic); /* joins it with all that match it */
/* Brings a member to behind `at`; false if what came after it is no longer held. Counted as resumed once the client has
 * had all of it, as failed where it is overwritten before that. */
bool stream_resume(stream *s, uint32_t member, const request_resume *at);

/* ---- wants.c ---- */
bool stream_wants_init(stream *s);
void stream_wants_fini(stream *s);
bool stream_want_add(stream *s, const pattern_reach *reach); /* false: too many exchanges */
void stream_want_remove(stream *s, const pattern_reach *reach);
void stream_wants_forget(stream *s);

/* ---- client.c: one client's own messages ---- */
void stream_tell(stream *s, uint32_t client, const char *json, size_t length);
void stream_start_answer(json_writer *w, const char *type, const char *id); /* id as JSON text, "" for none */
void stream_tell_error(stream *s, uint32_t client, const char *id, const char *code, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* What a request costs beyond being one: wildcards that come to thousands of subjects. */
void stream_charge(stream *s, uint32_t client, uint32_t topics);
/* It has something to send: in this round, in front of it or in the next. Nothing happens to one whose socket is full, or that is to be written to sooner. */
void stream_mark(stream *s, uint32_t client, client_place when);
void stream_ready_push(stream *s, uint32_t client, client_place place);
void stream_ready_remove(stream *s, uint32_t client);
void stream_end_client(stream *s, uint32_t client, uint16_t code, const char *reason);
/* ---- admit.c ---- */
stream_limits stream_limits_within(const stream_options *options, const stream_limits *wanted);
void stream_put_limits(const stream *s, json_writer *w, const stream_limits *limits);
void stream_authenticate(stream *s, uint32_t client, const stream_request_text *request);
void stream_watch(stream *s); /* heartbeats and silence */
bool byte_queue_put(byte_queue *queue, const uint8_t *bytes, size_t length);
void byte_queue_took(byte_queue *queue, size_t length);
void byte_queue_fini(byte_queue *queue);

#endif
