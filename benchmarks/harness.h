/*
 * What benchmarks of whole programs share: a NATS server and a temporary folder of their own, the build's programs
 * started and listened to, a report for people and as JSON. Whatever is started listens on loopback only and ends with
 * the benchmark. A failure ends the benchmark: no figure is better than a wrong one.
 */
#ifndef TICKWIRE_BENCHMARKS_HARNESS_H
#define TICKWIRE_BENCHMARKS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "benchmarks/ingest/children.h"
#include "tests/support/nats_process.h"

#define HARNESS_MAX_ARGS 64

typedef struct harness {
    const char *name; /* of the benchmark, for errors */
    bool json;
    char programs[512]; /* the folder of the build */
    char folder[64];    /* temporary */
    nats_process server;
    json_writer writer;
    char text[65536]; /* of the writer */
} harness;

/* Starts the server and the report's outer object. harness_close ends both, and prints the report with --json. */
void harness_open(harness *harness, const char *name);
/* The same, the server with this configuration besides its port. */
void harness_open_with(harness *harness, const char *name, const char *server_configuration);
void harness_close(harness *harness);
/* Says it, cleans up, exits with 1. */
_Noreturn void harness_fail(harness *harness, const char *what, const char *why);
/* For people; with --json it goes beside the JSON, to standard error. */
__attribute__((format(printf, 2, 3))) void harness_say(const harness *harness, const char *format, ...);

/* A command line of a program of the build. The words are borrowed until it is launched. */
typedef struct command {
    char program[600];
    const char *argv[HARNESS_MAX_ARGS];
    size_t count;
} command;

void command_init(command *command, const harness *owner, const char *program);
void command_add(command *command, const char *argument);
void command_add_all(command *command, const char *const *arguments); /* ended by NULL */

/* `from`: the descriptor (1 or 2) that is listened to. */
void harness_launch(harness *harness, child *started, const command *what, int from);
void harness_launch_listening(harness *harness, child *started, const command *what, int from);
/* Reads lines until one holds `text`. */
void harness_await(harness *harness, child *from, const char *name, const char *text, int timeout_ms,
                   char line[CHILD_LINE_BYTES]);
/* A number of a flat line of JSON; -1 if it is not there. */
double harness_number(const char *line, const char *name);
/* Writes a simulated day as BinaryFILE. */
void harness_simulate(harness *harness, const char *path, const char *symbols, const char *messages);

/* One GET of the metrics page of an ingest; the caller frees it. */
char *harness_metrics(harness *harness, uint16_t port);
/* The sum over its labels of a metric, named without tickwire_ingest_. `label` (may be NULL) picks those whose labels
 * hold this text. */
double harness_metric(const char *page, const char *name, const char *label);

int harness_by_value(const void *a, const void *b);  /* doubles, for qsort */
double harness_median(double *values, size_t count); /* sorts them; 0 if there are none */

#endif
