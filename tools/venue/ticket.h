/*
 * An order as a person says it, made into a command. Pure.
 *
 *     buy TWEX.AAPL 100 @ 187.20     sell TWEX.AAPL 50            (no price: at the market)
 *     cancel 1-123-0                 cancel TWEX.AAPL             (with --client-id)
 *     replace 1-123-0 200 @ 187.10   replace 1-123-0 @ 187.10     what is not said stays
 *
 * First the words are read, then, when the directory has told the instrument, its numbers.
 */
#ifndef TICKWIRE_TOOLS_VENUE_TICKET_H
#define TICKWIRE_TOOLS_VENUE_TICKET_H

#include "base/error.h"
#include "tools/venue/directory.h"
#include "tools/venue/name.h"

/* As given; "" where nothing was. */
typedef struct ticket_options {
    const char *account, *type, *tif, *stop, *display, *minimum, *expire, *stp, *client_id;
    bool post_only, open_only;
} ticket_options;

typedef struct ticket {
    uint8_t kind; /* WIRE_NEW_ORDER, WIRE_CANCEL, WIRE_REPLACE */
    uint8_t side;
    venue_name name; /* empty where an id says which order */
    char account[WIRE_ACCOUNT_BYTES];
    uint32_t shard;    /* of order_id */
    uint64_t order_id; /* 0: by name and client id */
    const char *quantity, *price;
    ticket_options options;
} ticket;

tw_code ticket_read(ticket *t, const char *const *words, size_t count, const char *exchange,
                    const ticket_options *options, tw_error *error);

/* What can be told without the venue: are all words words, all numbers numbers, above 0 where they must be? TW_INVALID names what isn't. */
tw_code ticket_check(const ticket *t, tw_date today, tw_error *error);

/* The scale and the steps of an instrument. */
typedef struct ticket_ground {
    const char *symbol; /* NULL: the venue has not been asked; the scales are what the words need */
    int32_t price_exponent, quantity_exponent;
    int64_t tick; /* 0: not known, not checked; likewise the lot */
    uint64_t lot;
    tw_date today; /* for --expire 17:30 */
} ticket_ground;

/* `command` without client order and correlation id, but for those of the options. */
tw_code ticket_command(const ticket *t, const ticket_ground *ground, wire_order_command *command, tw_error *error);

#endif
