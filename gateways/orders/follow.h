/*
 * Who gets the execution reports of which account, each once and none left out. Pure: what is to be asked is given out, what came
 * is given in.
 *
 *   exec.{ACCOUNT} (live) ─────────► feed of the account ──► followers
 *   QUERY_EXECUTIONS (pages) ──────►  (per shard: the last report had)
 *   execlog (a stretch) ───────────►
 *
 * A feed remembers per shard the last report (seq, n) that it has passed on. What comes again, as after a failover, is not above it and
 * goes no further. After the bus was away, or another leader speaks, the feed may have missed some: a chase asks for what came after the last one.
 * A client that comes back and names the last report it had gets a chase of its own.
 *
 * While a chase runs, live reports of its shard are not given to those it runs for: the pages have them. A page is true after the input
 * `seq` of its reply; the chase ends with a last page that is not older than the newest live report passed over, and until it
 * does it asks on. Live reports that the pages had already are then passed over: `had`.
 *
 *   asks the matcher ──► pages ──► the last one ──► ended          matchers remember what is recent
 *       │      ▲                                                   execlog has everything
 *       │ it   │ all up to an input
 *       │ lacks│
 *       ▼ some │
 *   reads execlog ──► execlog can't be read, or lacks some, too: that is told as lost
 *
 * A shard's numbers go back where its venue was begun anew, on empty streams. Its leader's journal is then another one (follow_anew): everybody is told
 * and has all of the new journal. A position that the venue has not come to (follow_end_short) is one of another journal, too, or of a leader
 * that was a little ahead of the one that answers: so it is asked again for a while before it is told.
 *
 * A chase goes no faster than who reads: while too much waits for a client its chase is not asked for more, for a while.
 */
#ifndef TICKWIRE_GATEWAYS_ORDERS_FOLLOW_H
#define TICKWIRE_GATEWAYS_ORDERS_FOLLOW_H

#include "gateways/orders/directory.h"
#include "proto/venue.h"

#define FOLLOW_NONE UINT32_MAX

typedef struct follow_table follow_table;

typedef struct follow_options {
    uint32_t max_clients; /* numbers are below it */
    uint32_t max_feeds, max_followers, max_chases;
    int64_t retry_ns;    /* until a chase that nobody answered asks again */
    int64_t patience_ns; /* with a client that has no room; then it is given more nevertheless */
    int64_t doubt_ns;    /* so long a leader may be behind what another one has told */
} follow_options;

typedef struct follow_handlers {
    void *context;
    /* A report for this client. May not call the table. */
    void (*deliver)(void *context, uint32_t client, const char *account, uint32_t shard, const wire_report *report,
                    const void *message);
    /* The account has its first follower; or it has none any more. */
    void (*listen)(void *context, uint32_t feed, const char *account);
    void (*unlisten)(void *context, uint32_t feed, const char *account);
    bool (*has_room)(void *context, uint32_t client); /* for more reports of a chase; NULL: always */
} follow_handlers;

/* NULL: no memory. */
follow_table *follow_alloc(const follow_options *options, const follow_handlers *handlers);
void follow_free(follow_table *table); /* NULL is fine */

typedef struct follow_position {
    uint32_t shard;
    uint64_t seq;
    uint32_t n;
} follow_position;

/* The client wants the account's reports; from these positions on, and from now on in other shards. Again: only the positions count. False:
 * no room. */
bool follow_add(follow_table *table, uint32_t client, const char *account, const follow_position *from,
                uint32_t count, int64_t now_ns);
bool follow_has(const follow_table *table, uint32_t client, const char *account);
bool follow_remove(follow_table *table, uint32_t client, const char *account); /* false: it did not follow it */
void follow_remove_all(follow_table *table, uint32_t client);
/* The client's accounts, one after the other: *cursor is FOLLOW_NONE first. NULL at the end. Removing the one given is fine before the next call
 * only if *cursor is set back to FOLLOW_NONE. */
const char *follow_next(const follow_table *table, uint32_t client, uint32_t *cursor);

/* A live report of the feed's account. `term` is the leader's that sent it. `message` comes back in deliver. */
void follow_take_live(follow_table *table, uint32_t feed, uint32_t shard, uint64_t term, const wire_report *report,
                      const void *message, int64_t now_ns);
/* The shard's leader said so lately: whoever begins to follow now wants what is of later inputs, and that is where a feed of which no report
 * came yet begins when some may have been missed. */
void follow_heard(follow_table *table, uint32_t shard, uint64_t seq);

/* What is not to be had: the reports behind `after`, up to and with those of the input `to_seq`. Where `to_seq` is before `after` the shard's numbers
 * don't reach so far: what was lost can't be known, and it goes on behind `to_seq`. */
typedef struct follow_loss {
    bool known; /* else nobody can say what it is */
    follow_position after;
    uint64_t to_seq;
    const char *why; /* a sentence for people; never NULL */
} follow_loss;
typedef void (*follow_on_lost)(void *context, uint32_t client, const char *account, const follow_loss *loss);
/* Live reports may have been missed, in shards 1 to `shards`: every feed chases what came after the last one that it had. Of a shard of
 * which nothing was ever had nor heard nobody can say where to begin: those clients are told by `lost`. */
void follow_missed(follow_table *table, uint32_t shards, follow_on_lost lost, void *context, int64_t now_ns);

/* The shard's leader, of `term`, has another journal than the one before: all its reports are news, and those of the old one are told as lost. */
void follow_anew(follow_table *table, uint32_t shard, uint64_t term, follow_on_lost lost, void *context,
                 int64_t now_ns);

/* The next question to be asked; those that are due have their turns. It is under way from then on: one of follow_end_page, follow_end_short, follow_end_log,
 * follow_behind and follow_fail must be called for it. False: none is due now. */
typedef struct follow_question {
    uint32_t chase;
    uint32_t shard;
    uint64_t after;
    uint32_t after_n;
    uint64_t behind; /* inputs from `after` to where the shard is known to be */
    uint32_t client; /* FOLLOW_NONE: for all that follow the account */
    bool in_log;     /* to be read in execlog */
    const char *account;
} follow_question;
bool follow_next_question(follow_table *table, int64_t now_ns, follow_question *question);
int64_t follow_due_ns(const follow_table *table);
/* A page: each of its reports, then its end, `seq` being what it is true after; `more`: another page follows. */
void follow_take_page(follow_table *table, uint32_t chase, const wire_report *report, const void *message);
/* Behind its last report, up to this place, the venue has looked and found nothing of the account: the next page begins there, also where this one was
 * empty. */
void follow_pass_page(follow_table *table, uint32_t chase, uint64_t seq, uint32_t n);
void follow_end_page(follow_table *table, uint32_t chase, uint64_t seq, bool more, int64_t now_ns);
/* In place of a page: the answer was made after the input `seq`, which is before what was asked for. It is asked again; after `doubt_ns` of such
 * answers what was asked for is told as lost, and the chase goes on behind `seq`. */
void follow_end_short(follow_table *table, uint32_t chase, uint64_t seq, follow_on_lost lost, void *context,
                      int64_t now_ns);
/* Nobody answered, or it goes on later: it is asked again, where it was. */
void follow_fail(follow_table *table, uint32_t chase, int64_t now_ns);

/* ---- execlog ---- */
/* The matcher, which is at the input `seq`, does not hold all of what was asked for: the rest of its page is worth nothing, execlog is read
 * first. */
void follow_behind(follow_table *table, uint32_t chase, uint64_t seq, int64_t now_ns);
/* Reports that were read there are taken as those of pages. Now it has all up to this input's; the matcher is asked for the rest. */
void follow_end_log(follow_table *table, uint32_t chase, uint64_t seq, int64_t now_ns);
/* It can't be read there now. What the matcher lacks at the next answer is lost then. */
void follow_give_up_log(follow_table *table, uint32_t chase, const char *why, int64_t now_ns);
/* Why, if so; NULL: it was not tried, or went well. */
const char *follow_log_given_up(const follow_table *table, uint32_t chase);
/* Nobody waits for it any more: it is to be ended, with follow_fail. */
bool follow_is_abandoned(const follow_table *table, uint32_t chase);
/* Its client has room for another report. If not, whoever reads for it waits a moment, or leaves it, and it has another turn. */
bool follow_may_take(follow_table *table, uint32_t chase, int64_t now_ns);

/* The reports of inputs up to `to_seq` that it has not had are to be had nowhere; the chase goes on with what comes behind them. The
 * clients it runs for are told by `lost`, once. */
void follow_lost(follow_table *table, uint32_t chase, uint64_t to_seq, const char *why, follow_on_lost lost,
                 void *context);

typedef struct follow_stats {
    uint32_t feeds, followers, chases;
    uint64_t delivered, duplicates, chased; /* chased: of delivered, those from pages and execlog */
    uint64_t lost;                          /* clients that were told so */
} follow_stats;
follow_stats follow_read_stats(const follow_table *table);

#endif
