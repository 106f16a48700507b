/*
 * The bus: NATS in event-loop mode on the process's one libuv loop. The one door to nats.h.
 *
 * No library thread touches a message: the socket is read and written by the loop, and a message is given to its subscriber where it
 * was read, in the order in which the server sent them (bus_input.c; with TLS nats.c reads, and hands over after each read, one
 * subscription after another). nats.c's own timer, and the thread that connects anew, only ever send a signal to the loop.
 *
 * Publishing copies into the output buffer; one write per bus_flush. The buffer's growth is bounded by the
 * caller: above `high_water_bytes` bus_ready says false; a publish is still taken.
 *
 * While the server is away bus_ready says false, nothing is kept, and publishing says TW_AWAY: what a buffer would bring
 * later is old by then. Nothing here waits for a server but bus_open; bus_close interrupts a try to connect that is on
 * its way (by SIGURG to its thread: bus_patience.h).
 * Subscriptions may be made and ended meanwhile; they hold on each connection.
 *
 * A server is away when its connection ends, and also when nothing has been heard from it for `silence_ns`, although it is pinged
 * three times as often: see bus_silence.c. It is looked for at once at all URLs and at the addresses that its cluster told, in
 * an order by chance with the lost one last, and then every 50 to 150 ms, at random, so that a thousand clients of a server
 * that died don't return in step.
 */
#ifndef TICKWIRE_RUNTIME_BUS_H
#define TICKWIRE_RUNTIME_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

typedef struct bus bus;
typedef struct bus_subscription bus_subscription;

#define BUS_INBOX_PREFIX_BYTES 65 /* at most 64, NUL terminated */

/* A status: nobody heard a request whose reply this subscription would have got. Which request is not told: `subject` is "". */
#define BUS_NO_RESPONDERS 503

/* Borrowed until the callback returns. `reply` is NULL where none was given. */
typedef struct bus_message {
    const char *subject;
    const char *reply;
    const uint8_t *bytes;
    size_t length;
    int status;         /* 0; or what a server says instead of a payload: 408, 409, 100, BUS_NO_RESPONDERS */
    void *origin;       /* for bus_message_header */
    int64_t arrival_ns; /* realtime clock, when it was read: the same for all that one read brought */
} bus_message;

/* May this request be answered? Who asks chooses where the answer goes, and may publish less than the process that answers: a reply of "XNAS.AAPL.orderbook"
 * would have that one publish there for it. So every process here answers to inboxes alone: subjects whose first byte is '_', as those of all NATS clients
 * and of services between NATS accounts. Whoever answers requests looks here first. */
static inline bool bus_may_answer(const bus_message *message) {
    return message->reply != NULL && message->reply[0] == '_';
}

/* The first value of a header, borrowed like the message; NULL if there is none of this name. */
const char *bus_message_header(const bus_message *message, const char *name);

typedef void (*bus_on_message)(void *context, const bus_message *message);
typedef enum bus_event {
    BUS_CONNECTED,
    BUS_DISCONNECTED,
    BUS_RECONNECTED,
    BUS_STILL_AWAY, /* and why the tries fail: after a second, then every ten */
    BUS_NOT_PERMITTED /* a subscription, or a message that was published: the server's words name the subject. Only with `refusals` */
} bus_event;
typedef void (*bus_on_event)(void *context, bus_event event, const char *detail);

/* Asked every few milliseconds while bus_open waits: true ends it, with TW_AWAY. For programs that only note their signals. */
typedef bool (*bus_give_up)(void *context);
/* A try to connect at the start has failed and another follows. `servers` are the URLs without their secrets. Called before the loop runs. */
typedef void (*bus_on_trying)(void *context, const char *servers, const char *why);

typedef struct bus_options {
    const char *url;         /* "nats://127.0.0.1:4222", several separated by commas */
    const char *name;        /* shown in the server's connection list */
    const char *credentials; /* a .creds file, or NULL */
    const char
        *inbox_prefix; /* of bus_new_inbox's subjects, for who may not listen to "_INBOX.>"; NULL for "_INBOX" */
    size_t high_water_bytes; /* output buffered above this: bus_ready is false; 0 for 4 MiB */
    int64_t silence_ns;      /* a server not heard for so long is given up; 0 for 3 s */
    int64_t connect_ns;      /* at start: how long it is tried, once a second; 0 for one try; -1 for ever */
    size_t
        read_lot_bytes; /* with TLS: what was read is freed in lots of so many; 0: 256 KiB. Larger: less work, longer pauses */
    bool refusals;         /* BUS_NOT_PERMITTED is told, once for each message; of many some: bus_refusals.h */
    bool no_responders;    /* a request that nobody hears is answered at once, by BUS_NO_RESPONDERS */
    bus_on_event on_event; /* may be NULL; called on the loop */
    bus_on_trying
        on_trying; /* may be NULL; the first failure of bus_open and every third after it, with event_context */
    bus_give_up give_up; /* may be NULL; with event_context */
    void *event_context;
} bus_options;

/* Connects (waiting, before the loop runs) and attaches to the loop. TW_AWAY names the URL and the reason, TW_INVALID a URL
 * that is none of a NATS server, without any try. It waits for `connect_ns`, not for so many tries: a server that is frozen, also within TLS,
 * takes no longer than one that is not there (one try: 2.5 s for each server). After
 * that the connection is kept for ever: reconnects with jitter, subscriptions restored. Servers that refuse the credentials again are
 * asked every 1 to 3 s. Call it on the thread that runs the loop. */
tw_code bus_open(bus **bus, uv_loop_t *loop, const bus_options *options, tw_error *error);
/* Flushes what it can within five seconds, closes, ends all subscriptions (their handles are gone then). The memory goes
 * when the loop next runs: run it before uv_loop_close. Not from within a callback of the bus. NULL is fine. */
void bus_close(bus *bus);

/* Copies `length` bytes into the output buffer. TW_OK; TW_INVALID for a bad subject; TW_AWAY while the server is away and
 * after close: nothing was kept. */
tw_code bus_publish(bus *bus, const char *subject, const uint8_t *bytes, size_t length);
/* The same for a subject whose writer answers for it, such as one of proto/subject.h: it is not looked at again. A space
 * or a line end in it would break the connection's protocol, so nothing that came from outside may be sent this way. */
tw_code bus_publish_trusted(bus *bus, const char *subject, const uint8_t *bytes, size_t length);
tw_code bus_publish_request(bus *bus, const char *subject, const char *reply, const uint8_t *bytes, size_t length);
/* Writes the output buffer to the socket once; what does not fit goes out when the socket is writable. */
void bus_flush(bus *bus);
/* For who can wait: connected, less than high water is buffered, and no answer to a PING waits for the buffer to run empty. */
bool bus_ready(const bus *bus);
bool bus_connected(const bus *bus);
size_t bus_buffered(const bus *bus);
/* The largest payload the server accepts. */
size_t bus_max_payload(const bus *bus);

/* `on_message` is called on the loop. What is read is delivered before more is read, so nothing waits here and nothing is dropped: for who
 * reads too slowly the server waits, and ends the connection when its own patience (max_pending, write_deadline) is over. */
tw_code bus_subscribe(bus *bus, const char *subject, bus_on_message on_message, void *context,
                      bus_subscription **subscription, tw_error *error);
void bus_unsubscribe(bus_subscription *subscription); /* NULL is fine; may be called from the callback */

/* A fresh inbox subject of this connection ("_INBOX.…", or with the prefix of the options). */
tw_code bus_new_inbox(bus *bus, char *subject, size_t capacity, tw_error *error);

typedef struct bus_stats {
    uint64_t messages_out, bytes_out, messages_in, bytes_in, reconnects, writes;
} bus_stats;
bus_stats bus_read_stats(const bus *bus);

#endif
