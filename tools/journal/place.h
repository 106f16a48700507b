/*
 * Where a shard's journal is read from: the streams of a NATS server, or the files of an export. One way of reading for both, so that
 * show, replay and verify need not know which it is.
 *
 * Reading is by asking (`journal_next`), not by callback: a command that compares two streams takes a message here and a message
 * there. From a server, what was asked for comes in bounded batches while the command works; nothing is skipped: a hole, a stream that
 * was wiped, or a server that does not answer ends the reading with an error that says so.
 *
 * Not thread safe; blocks while it waits.
 */
#ifndef TICKWIRE_TOOLS_JOURNAL_PLACE_H
#define TICKWIRE_TOOLS_JOURNAL_PLACE_H

#include "base/error.h"
#include "base/market.h"
#include "matcher/wire/input.h"

typedef enum journal_stream {
    JOURNAL_ORDERS = 0,
    JOURNAL_EXECLOG,
    JOURNAL_SNAPSHOTS,
    JOURNAL_STREAMS
} journal_stream;

const char *journal_stream_word(journal_stream stream); /* "orders", "execlog", "snapshots" */

typedef struct journal_info {
    uint64_t first_seq, last_seq; /* first is last + 1 if it is empty */
    uint64_t messages, bytes;
    uint64_t deleted; /* holes */
    int64_t created_ns;
    int64_t last_ns; /* when the last one was stored; 0 or TW_TIME_ABSENT if there is none */
    uint32_t replicas;
} journal_info;

typedef struct journal journal;
typedef struct journal_cursor journal_cursor;

typedef struct journal_options {
    const char *url;         /* of the server; for an export NULL */
    const char *credentials; /* or NULL */
    const char *folder;      /* of an export; NULL: the server's streams */
    const char *exchange;    /* with a folder they may be "" and 0: what is in it */
    uint32_t shard;
    int64_t timeout_ns; /* a server that is silent for so long is given up */
} journal_options;

/* TW_AWAY names the URL and the reason; TW_NOT_FOUND: no such folder, or no export in it; TW_MALFORMED, TW_UNSUPPORTED: of the export;
 * TW_INVALID: options. Close with journal_close. */
tw_code journal_open(journal **opened, const journal_options *options, tw_error *error);
void journal_close(journal *held); /* NULL is fine */

const char *journal_exchange(const journal *held);
uint32_t journal_shard(const journal *held);
/* As a person calls it: the stream's name, or the file's. Valid until the next call. */
const char *journal_name(journal *held, journal_stream stream);

/* TW_NOT_FOUND: there is no such stream, or the export has none. */
tw_code journal_look(journal *held, journal_stream stream, journal_info *info, tw_error *error);
/* Of another shard of the server. */
tw_code journal_look_at(journal *held, journal_stream stream, uint32_t shard, journal_info *info, tw_error *error);

/* One message, borrowed until the next call on `journal`. TW_NOT_FOUND: it is not there. */
tw_code journal_get(journal *held, journal_stream stream, uint64_t seq, mw_message *message, tw_error *error);

/* Removes what is before `first_kept` for ever: of a server's stream only. TW_UNSUPPORTED for an export. */
tw_code journal_purge(journal *held, journal_stream stream, uint64_t first_kept, tw_error *error);

/* Reads from `from` to `to`, both included and both there (journal_look says). */
tw_code journal_read(journal *held, journal_stream stream, uint64_t from, uint64_t to, journal_cursor **cursor,
                     tw_error *error);
void journal_stop(journal_cursor *cursor); /* NULL is fine; before journal_close */

/* The next message, borrowed until the next call on the journal or any of its cursors. *more false: `to` has been read. */
tw_code journal_next(journal_cursor *cursor, mw_message *message, bool *more, tw_error *error);

/* The message that journal_next will give next, if it is here already; borrowed until that one is given back in turn. */
bool journal_peek(const journal_cursor *cursor, mw_message *message);

/* A message that stays: a copy in memory that grows. {0} is an empty one. */
typedef struct journal_kept {
    mw_message message; /* points into `memory` */
    uint8_t *memory;
    size_t capacity;
} journal_kept;

bool journal_keep(journal_kept *kept, const mw_message *message); /* false: no memory */
void journal_kept_fini(journal_kept *kept);

#endif
