/* Private to runtime/: what JetStream says in replies, read in place. */
#ifndef TICKWIRE_RUNTIME_BUS_REPLY_H
#define TICKWIRE_RUNTIME_BUS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_DELIVERY_ORIGIN_BYTES 320 /* longer ones are read as a whole each time */

/* The reply subject of a message that a consumer delivers:
 * $JS.ACK.{stream}.{consumer}.{delivered}.{stream seq}.{consumer seq}.{time ns}.{pending}, and from servers with a domain
 * $JS.ACK.{domain}.{account}.{stream}.… with further tokens at the end. */
typedef struct bus_delivery {
    uint64_t stream_seq;
    uint64_t consumer_seq;
    int64_t stream_ns;
    uint64_t pending; /* in the stream, after this one */
} bus_delivery;
bool bus_delivery_parse(const char *reply, bus_delivery *delivery); /* false: it is none; NULL is none */

/* For many deliveries of one consumer: the beginning, which all of them share, is taken apart once. {0} knows none yet. */
typedef struct bus_delivery_origin {
    char text[BUS_DELIVERY_ORIGIN_BYTES];
    size_t length;
    bool with_domain;
} bus_delivery_origin;
/* As bus_delivery_parse. What does not begin as the last one did is read as if it were the first. */
bool bus_delivery_parse_next(bus_delivery_origin *origin, const char *reply, bus_delivery *delivery);

/* What a delivery is to a reader that waits for `next_seq` of the stream as the consumer's message number `next_consumer_seq`. The
 * consumer counts what it sends: if that count goes on and the stream's jumps, the stream has a hole; if that count jumps, some got lost
 * between there and here. */
typedef enum bus_delivery_verdict {
    BUS_DELIVERY_NEXT,
    BUS_DELIVERY_LOST,   /* read again */
    BUS_DELIVERY_GAP,    /* the stream does not have it */
    BUS_DELIVERY_REWOUND /* the stream is not the one that was read before */
} bus_delivery_verdict;
bus_delivery_verdict bus_delivery_judge(const bus_delivery *delivery, uint64_t next_seq,
                                        uint64_t next_consumer_seq);

/* Values of JSON as JetStream writes it, found by key: nothing is checked but what is read. `scope` is the key of the object that
 * holds `key`, NULL for the first `key` anywhere. */
bool bus_json_u64(const uint8_t *bytes, size_t length, const char *scope, const char *key, uint64_t *value);
/* Cut to `capacity`; escapes are left as they are. */
bool bus_json_text(const uint8_t *bytes, size_t length, const char *scope, const char *key, char *text,
                   size_t capacity);
bool bus_json_has(const uint8_t *bytes, size_t length, const char *key);
bool bus_json_true(const uint8_t *bytes, size_t length, const char *key);

#endif
