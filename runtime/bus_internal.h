/* What the files of the bus share. Nobody else includes this. */
#ifndef TICKWIRE_RUNTIME_BUS_INTERNAL_H
#define TICKWIRE_RUNTIME_BUS_INTERNAL_H

#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/random.h"
#include "runtime/bus.h"
#include "runtime/bus_protocol.h"
#include "runtime/bus_servers.h"

#define MAILBOX_EVENTS     32
#define EVENT_DETAIL_BYTES 320    /* a refusal names a whole subject */
#define BUS_READ_TOGETHER  16384u /* messages that were read wait for so many to be let go together, or for a lot */
#define BUS_READ_LOT       ((size_t)256 * 1024)
#define BUS_READ_OVERHEAD  256u /* about what nats.c needs for a message beside its payload */

typedef struct mailbox_event {
    bus_event event;
    char detail[EVENT_DETAIL_BYTES];
} mailbox_event;

/*
 * Letters from nats.c's threads (ping timer, callbacks) and the one that connects to the loop. Whoever writes one wakes the loop;
 * the lock is held for a few assignments only, and never while nats.c is called.
 */
typedef struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t closed_told; /* signalled when one of the next two becomes true */
    bool closed;                /* nats.c's last callback has run */
    bool detached;              /* nats.c's last call to the adapter was made; it may come after that callback */
    bool stop_polling;
    bool tried;                          /* the thread of an attempt has nothing more to do */
    char cut_reason[EVENT_DETAIL_BYTES]; /* why we ended the connection; "": we did not */
    mailbox_event events[MAILBOX_EVENTS];
    unsigned first, count;
} mailbox;

/* Told each event of the bus before its owner is. Linked by who listens, whose memory it is. */
typedef struct bus_listener {
    void (*on_event)(void *context, bus_event event);
    void *context;
    struct bus_listener *next;
} bus_listener;

/* A try to connect, at each server once; its thread's while it runs. */
typedef struct bus_attempt {
    pthread_t thread;
    bool first;           /* bus_open waits for it */
    bool running;         /* the loop's: there is a thread to be joined */
    atomic_bool given_up; /* the loop's word to the thread: no further server */
    atomic_bool ended;    /* the thread's last word */
    const char *order[BUS_SERVERS_MOST];
    int count;
    int64_t limit_ms; /* for each server */
    bool other_name;  /* the options expect a certificate of another name than the URL's */
    natsConnection *made;
    int socket; /* owned descriptor of its socket */
    natsStatus status;
    bool refused;                 /* by one of the servers, which was there */
    const char *where;            /* that one, or else the last: HOST:PORT, borrowed from the order */
    char why[EVENT_DETAIL_BYTES]; /* its words */
} bus_attempt;

struct bus_subscription {
    bus *owner;
    natsSubscription *nats; /* NULL while the server is away */
    uint64_t sid;           /* under which the server sends its messages; of this connection */
    bus_subscription *next_in_slot;
    char *subject;
    bus_on_message on_message;
    void *context;
    bool ended; /* unsubscribed; freed when no dispatch can stand on it */
    bus_subscription *previous, *next;
};

/* Where a message's headers are: in one of nats.c's, or where they were read. */
typedef struct bus_origin {
    natsMsg *message;
    char *headers;
    size_t headers_length;
} bus_origin;

/* What was read and not delivered yet, and who it is for. */
typedef struct bus_input {
    bool looked;     /* at this connection's first byte */
    bool encrypted;  /* nats.c reads */
    bool over;       /* the rest is only read to its end */
    int64_t read_ns; /* realtime clock, of the last read */
    char *bytes;
    size_t capacity, begin, end;
    bus_subscription **slots; /* by the last bits of the sid */
    size_t slot_count;        /* a power of two */
    size_t subscribed;
    unsigned answers;      /* to PINGs, which are still to be written */
    size_t answered_bytes; /* of the first of them, that are written */
} bus_input;

struct bus {
    uv_loop_t *loop;
    natsConnection *nats; /* NULL between two connections */
    natsOptions *options; /* of each */
    bus_servers servers;
    bus_attempt attempt;
    uv_timer_t retry;
    tw_random random;
    int64_t connected_ns;
    int64_t next_word_ns; /* while it is away: when its reason is told next */
    unsigned refused;     /* attempts in a row */
    pthread_t loop_thread;
    uv_async_t wake;           /* a letter is in the mailbox */
    uv_prepare_t before_sleep; /* writes what nobody flushed, such as answers to pings */
    uv_poll_t *poll;           /* NULL while there is no socket */
    uv_timer_t silence_check;  /* bus_silence.c */
    int64_t silence_ns;
    unsigned silent_checks; /* in a row */
    bool heard;             /* a sign of the server since the last check */
    mailbox mailbox;
    bus_input input;
    atomic_bool write_wanted; /* set by nats.c when its output buffer holds something, cleared when it is empty */
    bool waiting_for_room;    /* the socket is full: the poll watches for room */
    bool connected;
    bool told_up; /* the last event about it was that it is there */
    bool closing;
    unsigned dispatching; /* depth of message dispatch */
    size_t high_water_bytes;
    char inbox_prefix[BUS_INBOX_PREFIX_BYTES];
    bool refusals;
    size_t unsent_bytes; /* about what the output buffer holds */
    size_t max_payload;
    bus_on_event on_event;
    void *event_context;
    bus_listener *listeners, *next_listener; /* the one to be told next, while an event is told */
    bus_subscription *subscriptions;
    size_t ended_subscriptions;       /* of them */
    natsMsg *read[BUS_READ_TOGETHER]; /* by their subscribers, or sent; not let go yet */
    uint32_t read_count;
    size_t read_bytes, read_lot; /* of their payloads; how many are a lot */
    bus_stats stats;
    int open_handles;
};

/* bus_mailbox.c */
int bus_mailbox_init(mailbox *box);
void bus_mailbox_fini(mailbox *box);
/* From any thread. */
void bus_mailbox_put_event(bus *self, bus_event event, const char *detail);
void bus_mailbox_put_disconnected(bus *self);
void bus_mailbox_note_cut(bus *self, const char *reason); /* for the disconnection that follows */
void bus_mailbox_put_stop(bus *self);
void bus_mailbox_put_closed(bus *self);
void bus_mailbox_put_detached(bus *self);
void bus_mailbox_put_tried(bus *self);
void bus_mailbox_expect(mailbox *box); /* another connection: its letters have not come yet */
/* On the loop: acts on all letters. */
void bus_mailbox_read(bus *self);
bool bus_mailbox_wait_closed(mailbox *box, int64_t timeout_ns);

/* bus_polling.c: the adapter between nats.c's event-loop mode and libuv. */
natsStatus bus_attach(void **user_data, void *loop, natsConnection *nats, natsSock socket);
natsStatus bus_watch_read(void *user_data, bool add);
natsStatus bus_watch_write(void *user_data, bool add);
natsStatus bus_detach(void *user_data);
bool bus_start_polling(bus *self, int owned_socket); /* takes the descriptor, also on failure */
void bus_stop_polling(bus *self);
void bus_write(bus *self);

/* bus_input.c */
bool bus_input_init(bus_input *input);                                /* false: no memory */
void bus_input_fini(bus_input *input);                                /* {0} is fine */
void bus_input_begin(bus_input *input);                               /* another connection */
void bus_input_add(bus_input *input, bus_subscription *subscription); /* its sid is set */
void bus_input_remove(bus_input *input, bus_subscription *subscription);
/* Reads once from a socket that has something, and delivers. */
void bus_input_read(bus *self, const uv_poll_t *poll, int socket);
/* Writes the answers to PINGs, between two operations of nats.c. False: one is out in part, nothing else may follow it now. */
bool bus_input_answer(bus_input *input, int socket);

/* bus_silence.c */
/* Ends the connection at its socket; `reason` is told with BUS_DISCONNECTED. */
void bus_cut(bus *self, const char *reason);
void bus_silence_start(bus *self);
int64_t bus_ping_interval_ms(const bus *self);

/* bus_subscription.c */
void bus_dispatch(bus *self);   /* what nats.c has read */
void bus_dispatched(bus *self); /* at the end of each dispatch: what was ended within it goes */
/* Gives a subscriber its message. `origin` is a bus_origin. */
void bus_deliver(bus_subscription *subscription, bus_message *message);
void bus_free_subscriptions(bus *self);
void bus_leave_subscriptions(bus *self);   /* the connection is over; they stay */
void bus_restore_subscriptions(bus *self); /* on another one */
/* natsMsg_Destroy, some time: together with others. */
void bus_release_later(bus *self, natsMsg *message);
void bus_release_all(bus *self); /* now */

/* bus.c */
void bus_tell(bus *self, bus_event event, const char *detail);
/* Listeners may be added and removed at any time on the loop, also while an event is told. */
void bus_listen(bus *self, bus_listener *listener);
void bus_unlisten(bus *self, bus_listener *listener);
/* Publishes a message with headers. As bus_publish_request; takes the message in any case. */
tw_code bus_publish_owned(bus *self, natsMsg *message);
natsStatus bus_set_callbacks(natsOptions *options, bus *self);
void bus_connection_over(bus *self);

/* bus_connecting.c */
natsStatus bus_set_servers(natsOptions *options, const char *urls); /* several separated by commas */
tw_code bus_connect_first(bus *self, const bus_options *wanted, tw_error *error);
void bus_connect_again(bus *self);
void bus_connect_tried(bus *self);
/* No attempt afterwards. One that succeeded meanwhile is the bus's connection. */
void bus_connect_stop(bus *self);

#endif
