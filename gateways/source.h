/*
 * The source: what the bus has, given to the stream. Books, prints and states come through libtickwire, which joins
 * late, repairs chains and judges states; its loop is polled on the process's loop.
 *
 * Subscriptions are few and coarse: one for each exchange and channel that anybody wants, `{MIC}.*.{channel}`, and while
 * somebody wants a channel of every exchange, one for all of them instead. Feed statuses are always followed: a feed that
 * falls silent is told to the stream as STALE, FEED_SILENT, and the quotes and statuses of its instruments with it, as
 * libtickwire does for books; while the bus is away, and then until the next status comes, all are STALE, BUS_AWAY. Candles
 * and best quotes are taken as aggregators tell them; a best quote is STALE, too: FEED_SILENT if it is not told again in
 * time, BUS_AWAY like the others, and with the feed's cause if the feed of an exchange that it names is not good here.
 */
#ifndef TICKWIRE_GATEWAYS_SOURCE_H
#define TICKWIRE_GATEWAYS_SOURCE_H

#include <uv.h>

#include "client/tickwire.h"
#include "gateways/roll_call.h"
#include "gateways/stream/stream.h"
#include "runtime/bus_refusals.h"
#include "runtime/log.h"

typedef struct source source;

typedef struct source_options {
    const char *url, *credentials; /* credentials: NULL for none */
    uint32_t max_instruments;
    int64_t feed_silence_ns;
} source_options;

/* Connects: one try. TW_AWAY names the URL. `log` and the loop are borrowed. Nothing is taken before
 * source_feed. */
tw_code source_open(source **source, uv_loop_t *loop, const source_options *options, rt_log *log, tw_error *error);
void source_feed(source *source, stream *core);
/* Ends the subscriptions; the memory goes when the loop next runs. NULL is fine. */
void source_close(source *source);

/* The stream's `want`. */
void source_want(source *source, const char *mic, subject_channel channel, bool wanted);

/* The live book, if one is kept: `header` is filled, levels are borrowed until the loop runs on. */
bool source_read_book(source *source, const char *mic, const char *symbol, wire_header *header, stream_book *book);

/* The quote as last told, if quotes of this instrument are followed now; with its state as judged. */
bool source_read_quote(source *source, const char *mic, const char *symbol, wire_quote *quote, tw_book_state *state,
                       tw_state_cause *cause);
/* Whether that quote holds: its feed's leader stands by it. True where none is kept. */
bool source_quote_holds(source *source, const char *mic, const char *symbol);
/* The last print, likewise: `header` is that of its message. `any` false: there is none yet in this epoch. */
bool source_read_print(source *source, const char *mic, const char *symbol, wire_header *header, tw_print *print,
                       bool *any);
/* All partitions of the exchange that were heard of are OK or CLOSED, and at least one was. */
bool source_exchange_is_good(const source *source, const char *mic);

typedef struct source_state {
    bool any_feed;           /* any status was ever heard */
    uint32_t feeds;          /* partitions known */
    uint32_t feeds_silent;   /* of them, those not heard of for too long; all while the bus is away */
    uint32_t feeds_not_ok;   /* of them, those that are not OK: silent ones too */
    uint32_t subscriptions;  /* on the bus, but for feeds */
    uint64_t messages_unfit; /* feed statuses that could not be read */
} source_state;
source_state source_read(const source *source);
const bus_refusals *source_refusals(const source *source); /* what the bus refuses this connection */
tickwire_stats source_read_client(const source *source);

/* Makes a state and its cause those of the instrument's feed where that is worse. */
void source_judge(source *source, const wire_header *header, tw_book_state *state, tw_state_cause *cause);

/* Of one instrument by name: its partition where that is known, else the worst of its exchange's. */
void source_judge_instrument(const source *source, const char *mic, const char *symbol, tw_book_state *state,
                             tw_state_cause *cause);

/* Whose data something over all exchanges carried: of a symbol's best quotes the exchanges that they named, of candles
 * (`nbbo` false) and where none was named every exchange whose feed was ever heard. At most WIRE_MAX_VENUES. */
wire_venues source_venues(const source *source, const char *symbol, bool nbbo);

/* Partitions of the exchange that were heard of. */
uint32_t source_partitions(const source *source, const char *mic);
/* These are expected in `call`; `silent` are all that are not heard now. Whom there was no time to hear yet is not silent. */
void source_call_roll(const source *source, const char *mic, roll_call *call, partition_set *silent);

#endif
