/*
 * One instrument's last values as an HTTP client is shown them, whatever they were taken from: fields of Redis, messages of
 * the bus, what the gateway keeps. Pure.
 *
 * The state goes with the prices: a price is shown as live only where its state says OK (or CLOSED: right and final).
 */
#ifndef TICKWIRE_GATEWAYS_LAST_SHOWN_H
#define TICKWIRE_GATEWAYS_LAST_SHOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/market.h"
#include "base/text.h"
#include "proto/codec.h"

typedef struct last_shown {
    /* Decimals as text, "" where absent. A price and its size are absent together. */
    char bid[TW_DECIMAL_BYTES], bid_size[TW_DECIMAL_BYTES];
    char ask[TW_DECIMAL_BYTES], ask_size[TW_DECIMAL_BYTES];
    char last[TW_DECIMAL_BYTES], last_size[TW_DECIMAL_BYTES];
    uint64_t seq;     /* of the newest message folded in */
    int64_t event_ns; /* of the same; TW_TIME_ABSENT: none */
    int64_t read_ns;  /* when the gateway took the value */
    tw_book_state state;
    tw_state_cause cause;
    bool has_seq, has_state; /* of a row of Redis: these fields were there */
} last_shown;

/* Everything absent, state OK. */
void last_shown_start(last_shown *shown, int64_t read_ns);

/* A field of the hash in Redis. False: it is not what the aggregator writes there (docs/protocol.md), so the row is not to
 * be used. Unknown fields are passed over. */
bool last_shown_take_field(last_shown *shown, const char *name, const char *value);
/* Of a row that was taken whole: is it one? It needs seq and state, and a size with each price. */
bool last_shown_is_row(const last_shown *shown);

/* A quote; `state` and `cause` as judged. The worse of this state and what was shown so far is shown. */
void last_shown_take_quote(last_shown *shown, const wire_quote *quote, tw_book_state state, tw_state_cause cause);
/* The last print, or NULL for none yet; `header` is that of the message it came in. A break says that there was another
 * one, not which: no price is shown. */
void last_shown_take_print(last_shown *shown, const wire_header *header, const tw_print *print);
/* By the exchange's time, then by seq: a new day's numbers begin anew. */
bool last_shown_is_newer(const last_shown *one, const last_shown *than);
void last_shown_worsen(last_shown *shown, tw_book_state state, tw_state_cause cause);

/* Members of a JSON object that is open: bid, bid_size, …, seq, event_ns, state, cause, age_ms, read_ns, source. */
void last_shown_write(const last_shown *shown, const char *source, json_writer *w);

#endif
