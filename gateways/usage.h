/*
 * Usage: the ledger of who received what, period by period, as lines of a file and as messages on usage.{MIC}
 * (proto/tickwire/v1/usage.proto). What goes wrong with either is counted and said, and stops neither the other nor the data.
 *
 * A line is in one period, the one in which its updates were handed out. (gateway, instance, number) names it in both
 * places, so ledgers of several gateways, or of both kinds, can be added up without counting twice. A gateway that is
 * killed loses the period that is open, and nothing before that: lines are durable within moments of its end.
 */
#ifndef TICKWIRE_GATEWAYS_USAGE_H
#define TICKWIRE_GATEWAYS_USAGE_H

#include <uv.h>

#include "gateways/ledger/ledger.h"
#include "gateways/usage_file.h"
#include "runtime/bus.h"
#include "runtime/log.h"

typedef struct usage usage;

typedef struct usage_options {
    const char *file; /* "" for none */
    bool publish;
    const char *name; /* of the gateway: A-Z a-z 0-9 . _ : -, "" for host and process */
    int64_t period_ns;
    uint32_t most_lines; /* in one period; beyond it they are written early */
    size_t most_bytes;   /* that wait for the file, and again that wait for the bus */
    bus *bus;            /* to publish on; borrowed */
} usage_options;

/* NULL where there is neither a file nor publishing: every function takes that. TW_INVALID: the name. TW_IO: the file. */
tw_code usage_open(usage **usage, uv_loop_t *loop, const usage_options *options, int64_t now_ns, rt_log *log,
                   tw_error *error);
/* Waits for the file at most so long. What waits for the bus then is lost, and said. */
void usage_close(usage *usage, int64_t wait_ns);

void usage_add(usage *usage, const ledger_use *use);
bool usage_is_due(const usage *usage,
                  int64_t now_ns);        /* the period is over: gather what is left, then usage_end_period */
int64_t usage_due_ns(const usage *usage); /* when it will be; INT64_MAX for NULL */
void usage_end_period(usage *usage, int64_t now_ns); /* writes and publishes the lines; the next period begins */
void usage_publish_waiting(usage *usage);            /* tries again what the bus was not there for */
void usage_reopen(usage *usage);

typedef struct usage_stats {
    uint32_t lines_open;
    uint64_t lines;         /* that periods ended with */
    uint64_t early_flushes; /* the table was full */
    usage_file_stats file;
    uint64_t lines_published, lines_unpublished; /* the latter are lost for the bus */
    uint64_t bytes_unpublished;                  /* that wait for it */
} usage_stats;
usage_stats usage_read_stats(const usage *usage);

#endif
