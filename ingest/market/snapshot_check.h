/*
 * Is a snapshot of the session that the lines carry? Any service can send a snapshot that is well formed: an empty one,
 * another day's, another market's. Before it takes the place of the books it is compared with what the lines have told.
 *
 *   directory  a locate code that the lines gave to one symbol is not another's, and what the lines know is there
 *   orders     an order that the lines added and did not take away rests in the snapshot, too. One that does not was
 *              taken away by a message that the books have missed, and one message takes away one order at most:
 *              more missing orders than missed messages can't be
 *   size       whatever was missed, not seven in eight of the orders are gone
 *
 * Pure: no clock, no I/O, no allocation after alloc. The owner says what the books are worth: after a snapshot that turned
 * out to be none of this session they prove nothing, and neither does the directory that it brought.
 */
#ifndef TICKWIRE_INGEST_MARKET_SNAPSHOT_CHECK_H
#define TICKWIRE_INGEST_MARKET_SNAPSHOT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/market/market.h"

typedef enum snapshot_doubt {
    SNAPSHOT_DOUBT_NONE,
    SNAPSHOT_DOUBT_OTHER_DIRECTORY, /* a locate code or a symbol is another's on the lines */
    SNAPSHOT_DOUBT_NO_DIRECTORY,    /* it names no instrument */
    SNAPSHOT_DOUBT_INSTRUMENTS,     /* more than a tenth of those that the lines know are not in it */
    SNAPSHOT_DOUBT_FEW_ORDERS,      /* less than an eighth of those that rest in the books */
    SNAPSHOT_DOUBT_OTHER_ORDERS     /* orders of the books are not in it, more than missed messages can explain */
} snapshot_doubt;

typedef struct snapshot_check snapshot_check;

/* `books` is borrowed. TW_NO_MEMORY. Takes about 1 MiB. */
tw_code snapshot_check_alloc(snapshot_check **check, const market *books, tw_error *error);
void snapshot_check_free(snapshot_check *check); /* NULL is fine */

/* A session of the lines begins: nothing is known. */
void snapshot_check_reset(snapshot_check *check);
/* The books and the directory are what the lines told, or a snapshot that was proven: they may be compared with. */
void snapshot_check_trust(snapshot_check *check, bool trusted);

/* A snapshot begins; live messages from `next` on are not in the books. */
void snapshot_check_begin(snapshot_check *check, uint64_t next);
/* Its next message, any but the end. */
void snapshot_check_message(snapshot_check *check, const uint8_t *bytes, size_t length);
/* It is complete, and joins at message `join`. `missed` is how many messages the books have not had, or could not use. */
snapshot_doubt snapshot_check_judge(const snapshot_check *check, uint64_t join, uint64_t missed);

typedef struct snapshot_check_counts {
    uint64_t known;   /* instruments of the lines */
    uint64_t named;   /* of them in the snapshot */
    uint64_t resting; /* orders in the books when it began */
    uint64_t found;   /* of them in the snapshot */
    uint64_t orders;  /* in the snapshot */
} snapshot_check_counts;
snapshot_check_counts snapshot_check_read(const snapshot_check *check);

/* As words: "it has other symbols than the lines". Static storage; "?" out of range. */
const char *snapshot_doubt_text(snapshot_doubt doubt);

#endif
