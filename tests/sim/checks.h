/* What must hold when a simulated venue has come to rest. */
#ifndef TICKWIRE_TESTS_SIM_CHECKS_H
#define TICKWIRE_TESTS_SIM_CHECKS_H

#include "base/error.h"
#include "tests/sim/fake.h"
#include "tests/sim/traffic.h"

typedef struct checks_counts {
    uint64_t inputs, reports, messages, live, acknowledged, accepted, told, from_log;
    uint64_t strange; /* of live, to accounts that nobody knew */
    uint64_t perhaps, surely_not, sessions_lost, kills, fills;
} checks_counts;

typedef struct execlog_report {
    wire_report report;
    wire_named_instrument instrument; /* symbol "": it has none */
    char account[WIRE_ACCOUNT_BYTES];
} execlog_report;
typedef struct execlog_list {
    execlog_report *reports; /* free() them */
    size_t count;
    uint64_t last_seq; /* of the stream when it was read */
} execlog_list;
/* All reports of execlog in its order. */
void checks_read(const server_stream *journal, execlog_list *log);
/* NULL: not there. */
const execlog_report *checks_find(const execlog_list *log, uint64_t seq, uint32_t n);
/* execlog is, byte for byte, what the naive engine makes of the order stream, and covers all of it; no execution id is in it twice. */
bool check_execlog(const server_stream *orders, const server_stream *journal, uint32_t shard, checks_counts *counts,
                   tw_error *error);
/* What was acknowledged is in the stream, at the sequence that was said. */
bool check_acknowledged(server *where, const traffic_client *client, checks_counts *counts, tw_error *error);
/* Each live report is in execlog, with the same content. */
bool check_live(const execlog_list *log, uint32_t shard, const traffic_ears *ears, checks_counts *counts,
                tw_error *error);
/* No client order id was accepted twice; what an order's reports say adds up, from acceptance to its one end. */
bool check_histories(const execlog_list *log, checks_counts *counts, tw_error *error);

/* The hash of a replica that took inputs 1 to `seq`. */
uint64_t checks_replay(const server_stream *orders, uint32_t shard, uint64_t seq);

/* The same but for what is for the audit only. */
bool checks_same(const wire_report *heard, const wire_report *logged);

#endif
