/*
 * The operator's language: one command a line, the same in a venue file (`tickwire venue apply FILE`) and as the words of `tickwire venue`.
 * Pure. docs/venue-file.md is the reader's page.
 *
 *     exchange TWEX                            what follows is of this exchange
 *     decimals price=4 quantity=0              of all instruments, and so of all money (4 and 0 if nothing is said)
 *     shards 2                                 instruments without shard= are spread over shards 1 and 2
 *     instrument AAPL tick=0.01 [ticks=0:0.0001,1:0.01] [lot=1] [collar=10%|none] [protection=5%] [reference=187.20] [shard=2]
 *     account ann [class=1]
 *     fees 1 maker=-20ppm taker=30ppm [maker-each=0.0001] [taker-each=0.0002]
 *     limits ann funds=10M exposure=20M order-quantity=10k order-notional=1M position=50k open-orders=100
 *            [concentration=20%] [collar=10%] [rate=100] [burst=200] [duplicate=500ms]        `unlimited` where there is none
 *     day 2026-11-21 end=21:00                 `day today end=24:00`; UTC. More than 7 days ahead: far=yes
 *     reference AAPL 187.20
 *     pre-open|open|halt|close AAPL|all
 *     block|unblock ann|all [AAPL]             an account, an account in an instrument, an instrument for all
 *     kill|unkill ann|all
 *     cancel ann|all [AAPL] [side=buy|sell]    every open order of it
 *
 * The last five take shard=2 too: only there, also where the directory does not list the instrument.
 * '#' begins a comment. What is wrong is said with what would be right.
 */
#ifndef TICKWIRE_TOOLS_VENUE_LINE_H
#define TICKWIRE_TOOLS_VENUE_LINE_H

#include "base/civil.h"
#include "base/error.h"
#include "proto/venue.h"

#define VENUE_LINE_WORDS 64
#define VENUE_MAX_SHARDS 256u

/* What has been said so far that later lines depend on. */
typedef struct venue_context {
    char mic[TW_MIC_BYTES];
    int32_t price_exponent, quantity_exponent;
    uint32_t shards; /* 0: those that are there */
    tw_date today;
    bool limits_partly; /* limits may leave out what stays as it is */
} venue_context;

/* Which of an account's limits a line names: bits of venue_order.given. The ones that a new account must have come first. */
typedef enum venue_limit {
    VENUE_LIMIT_FUNDS = 0,
    VENUE_LIMIT_EXPOSURE,
    VENUE_LIMIT_ORDER_QUANTITY,
    VENUE_LIMIT_ORDER_NOTIONAL,
    VENUE_LIMIT_POSITION,
    VENUE_LIMIT_OPEN_ORDERS,
    VENUE_LIMITS_NEEDED,
    VENUE_LIMIT_CONCENTRATION = VENUE_LIMITS_NEEDED,
    VENUE_LIMIT_COLLAR,
    VENUE_LIMIT_RATE,
    VENUE_LIMIT_BURST,
    VENUE_LIMIT_DUPLICATE,
    VENUE_LIMITS
} venue_limit;

/* What an instrument's or a day's line names: bits of venue_order.given, apart from those of the limits. */
#define VENUE_GIVEN_TICK       (1u << 16)
#define VENUE_GIVEN_LOT        (1u << 17)
#define VENUE_GIVEN_COLLAR     (1u << 18)
#define VENUE_GIVEN_PROTECTION (1u << 19)
#define VENUE_GIVEN_FAR        (1u << 20) /* a day's: it is meant to be more than a week ahead */
#define VENUE_GIVEN_MEMORY     (1u << 21) /* bounds': all matchers were started with memory for them */

/* A command for the whole venue: which shards get it, and what each of them gets, is spread.h's. */
typedef struct venue_order {
    wire_control_command command;
    uint32_t shard;  /* asked for; 0: none was */
    uint32_t given;  /* limits: 1 << venue_limit of those that were named; an instrument: VENUE_GIVEN_... */
    uint32_t number; /* of the line, from 1; 0: from the command line */
} venue_order;

typedef enum venue_line_kind {
    VENUE_LINE_BAD = 0, /* `error` says it */
    VENUE_LINE_EMPTY,
    VENUE_LINE_CONTEXT, /* the context has changed */
    VENUE_LINE_ORDER
} venue_line_kind;

void venue_context_init(venue_context *context, const char *mic, tw_date today);
/* `words` of one line without comments. */
venue_line_kind venue_line_parse(venue_context *context, const char *const *words, size_t count, venue_order *order,
                                 tw_error *error);

/* Of an instrument that exists: a definition replaces the whole of the old one. TW_INVALID names what the line
 * leaves out, and what that would make of it. A venue file is a whole definition, and is not asked. */
tw_code venue_redefinition_check(const venue_order *order, tw_error *error);

/* A whole file's text, NUL terminated. */
typedef struct venue_file {
    venue_order *orders;
    size_t count;
    char mic[TW_MIC_BYTES]; /* the exchange that it names, or the one given */
    uint32_t shards;
} venue_file;
/* TW_INVALID names the line. Free with venue_file_fini, also after an error. */
tw_code venue_file_parse(venue_file *file, char *text, const char *mic, tw_date today, tw_error *error);
void venue_file_fini(venue_file *file);

/* "limits ann", "open AAPL", "cancel all AAPL": what the command is, for answers. */
#define VENUE_ORDER_TEXT_BYTES 128
void venue_order_text(char text[VENUE_ORDER_TEXT_BYTES], const wire_control_command *command);
/* "funds"; for messages about what was not said. */
const char *venue_limit_name(venue_limit limit);

#endif
