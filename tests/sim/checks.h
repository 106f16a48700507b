/* What must hold when a simulated venue has come to rest. */
#ifndef TICKWIRE_TESTS_SIM_CHECKS_H
#define TICKWIRE_TESTS_SIM_CHECKS_H

#include "base/error.h"
#include "tests/sim/matcher_node.h"
#include "tests/sim/traffic.h"

typedef struct checks_counts {
    uint64_t inputs, reports, messages, live, acknowledged, accepted, told, told_lost;
} checks_counts;

/* execlog is, byte for byte, what the naive engine makes of the order stream, and covers all of it; no execution id is in it twice. */
bool check_execlog(const server_stream *orders, const server_stream *journal, uint32_t shard, checks_counts *counts,
                   tw_error *error);
/* What was acknowledged is in the stream, at the sequence that was said. */
bool check_acknowledged(const server_stream *orders, const traffic_client *client, checks_counts *counts,
                        tw_error *error);
/* Each live report is in execlog, with the same content. */
bool check_live(const server_stream *journal, const traffic_ears *ears, checks_counts *counts, tw_error *error);
/* No client order id was accepted twice; what an order's reports say adds up, from acceptance to its one end. */
bool check_histories(const server_stream *journal, checks_counts *counts, tw_error *error);
/* Replicas have the state that the order stream makes from its beginning. */
bool check_replicas(const server_stream *orders, matcher_node *const *nodes, size_t count, tw_error *error);

/* The hash of a replica that took inputs 1 to `seq`. */
uint64_t checks_replay(const server_stream *orders, uint32_t shard, uint64_t seq);

/* All reports of execlog in its order; free() it. */
typedef struct execlog_report {
    wire_report report;
    char account[WIRE_ACCOUNT_BYTES];
} execlog_report;
execlog_report *checks_read(const server_stream *journal, size_t *count);
/* NULL: not there. */
const execlog_report *checks_find(const execlog_report *reports, size_t count, uint64_t seq, uint32_t n);
/* The same but for what is for the audit only. */
bool checks_same(const wire_report *heard, const wire_report *logged);

#endif
