/* What the replica's own files share. */
#ifndef TICKWIRE_MATCHER_REPLICA_REPLICA_INTERNAL_H
#define TICKWIRE_MATCHER_REPLICA_REPLICA_INTERNAL_H

#include "matcher/replica/correlation.h"
#include "matcher/replica/shelf.h"

#define MR_SINK_REPORTS 256u
#define MR_FAULT_BYTES  640u

typedef struct exponents {
    int16_t price, quantity;
} exponents;

/* The command under way. */
typedef struct mr_current {
    uint64_t order_id; /* of a new order, else 0 */
    bool open;         /* that order is, by its last report */
    bool strange;      /* it may name whom nobody knows: `asked` has its names */
    char text[WIRE_CORRELATION_BYTES];
} mr_current;

/* Names that nobody has; "": none. */
typedef struct mr_asked {
    char account[WIRE_ACCOUNT_BYTES], symbol[TW_SYMBOL_BYTES];
} mr_asked;

/* How far execlog is: all inputs to `journaled`, and of the range behind it the parts before `part`. */
typedef struct journal_place {
    uint64_t journaled;
    uint64_t first_seq, last_seq; /* the range that is open */
    uint32_t part, parts;         /* the next of them; parts 0: none is open */
} journal_place;

/* A message of execlog, as far as it has to be compared. */
typedef struct journal_claim {
    uint64_t first_seq, last_seq;
    uint32_t part, parts;
    uint64_t length, hash;
} journal_claim;

/* What one cut has brought. */
typedef struct cut {
    shelf_cursor end;
    uint64_t bytes, count; /* of records */
    uint64_t last_seq;     /* of the last record; 0: there was none */
    bool full;             /* it ended because the part was full */
} cut;

struct mr_replica {
    char exchange[TW_MIC_BYTES];
    uint32_t shard;
    mx_bounds bounds;
    uint64_t backlog_bytes, recent_bytes;
    mx_engine *engine;
    mx_report sunk[MR_SINK_REPORTS];
    mx_sink sink;
    uint64_t seq;
    uint64_t reports;
    mw_ahead foreseen[2]; /* the message that is taken next, and the one after it, in turns */
    uint32_t foreseen_last;
    char fault[MR_FAULT_BYTES];
    bool is_short; /* and that is the fault */
    /* records.c */
    const mr_listener *listener; /* while an input is applied */
    mr_current current;
    mr_asked asked; /* what the command under way calls its account and its instrument, if it is strange */
    correlations correlations;
    shelf records;
    exponents *exponents; /* by instrument */
    uint64_t gone_seq;    /* what came behind this report is kept; it and those before are in execlog alone */
    uint32_t gone_n;
    mr_record **first_same; /* by account: the records that are kept, oldest and newest; behind them strangers' */
    mr_record **last_same;
    uint64_t looked; /* answer.c */
    /* cut.c: which names are in the part, by its number */
    uint64_t cuts;
    uint64_t *named_instruments, *named_accounts;
    exponents *named_exponents;
    uint8_t *part_bytes; /* WIRE_EXECUTION_BYTES */
    uint8_t *trial;      /* likewise, for counting parts and comparing */
    /* journal.c */
    journal_place place; /* compared */
    journal_place ahead; /* the same with all claims */
    mr_part given;       /* parts 0: none is */
    cut given_cut;
    journal_claim *claims; /* a ring */
    uint32_t claim_first, claim_count, claim_capacity;
};

/* records.c */
bool records_init(mr_replica *replica, const mr_options *options);
void records_fini(mr_replica *replica);
void records_clear(mr_replica *replica);
bool records_short(mr_replica *replica); /* the engine has too little memory: that is the replica's fault now */
void records_drain(mr_replica *replica); /* what is in the sink becomes records */
void records_command(mr_replica *replica, const mx_input *input, uint8_t kind, const char *correlation_id);
void records_command_ends(mr_replica *replica);
void records_release(mr_replica *replica); /* what is kept beyond recent_bytes */
void records_drop(mr_replica *replica);    /* all of them */
void records_exponents(mr_replica *replica, uint32_t instrument);
/* The texts of a record. */
typedef struct mr_ids {
    const char *text, *of_order; /* mr_order_correlation; neither is NULL */
    size_t length, of_order_length;
    const mr_asked *asked; /* NULL: no name that nobody has */
} mr_ids;

/* A place for a record, filled but for report and exponents; NULL: no room, and the replica has a fault. */
mr_record *records_add(mr_replica *replica, const mr_ids *ids);
void records_keep(mr_replica *replica, mr_record *record); /* into its account's list */
#define RECORDS_NO_LIST UINT32_MAX
/* Which one that is, of first_same: bounds.max_accounts for all whose account has a name that nobody has; RECORDS_NO_LIST. */
uint32_t records_list(const mr_replica *replica, const mr_record *record);

/* strangers.c */
/* What the command under way calls its account and its instrument, "" for none. */
void strangers_ask(mr_replica *replica, const char *account, const char *symbol);
/* Those of the names that the report has to carry. NULL: none. */
const mr_asked *strangers_of(const mr_replica *replica, const mx_report *report, mr_asked *names);
uint32_t strangers_bytes(const mr_asked *names); /* in a record, NULs included */
void strangers_put(mr_record *record, const mr_asked *names, char *at);

/* cut.c */
/* Records from `from` on that belong to inputs up to `last_seq`, as many as fit. With `whole` it gets what the cut would have been had it
 * ended before the last input that began in it (last_seq 0: there is no such place), and `parts` is as it was there if `full`. */
cut cut_part(mr_replica *replica, wire_parts *parts, uint8_t *buffer, shelf_cursor from, uint64_t last_seq,
             bool whole_inputs);
uint64_t cut_hash(const uint8_t *bytes, size_t length);
const uint8_t *cut_finish(const mr_replica *replica, wire_parts *parts, const journal_claim *range, size_t *length);

/* journal.c */
bool journal_init(mr_replica *replica, const mr_options *options);
void journal_fini(mr_replica *replica);
void journal_clear(mr_replica *replica);
void journal_settle(mr_replica *replica); /* compares what has become comparable */

/* Sets the replica's fault, if it has none. */
void replica_fault(mr_replica *replica, const char *format, ...) __attribute__((format(printf, 2, 3)));
void replica_clear(mr_replica *replica); /* as after alloc */

#endif
