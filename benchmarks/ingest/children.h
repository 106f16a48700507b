/*
 * Programs that a benchmark starts and measures: one pipe to read from, CPU time and memory from the kernel.
 * A child dies with its parent, however that ends.
 */
#ifndef TICKWIRE_BENCHMARKS_INGEST_CHILDREN_H
#define TICKWIRE_BENCHMARKS_INGEST_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CHILD_LINE_BYTES 2048

typedef struct child {
    pid_t pid;
    int pipe;  /* what it writes to the descriptor that was asked for */
    int input; /* writes to its standard input; -1: it has this program's */
    char line[CHILD_LINE_BYTES];
    size_t length; /* of what was read and not yet given out */
} child;

typedef struct child_usage {
    int exit_code; /* 128 + signal where one ended it */
    double cpu_s;  /* user and system, all threads */
} child_usage;

typedef enum child_line { CHILD_LINE, CHILD_QUIET, CHILD_ENDED } child_line;

/* Runs argv[0]; its descriptor `from` (1 or 2) comes through the pipe, the other of the two is this program's
 * standard error. False: errno says why. A program that is not there ends at once with 127. */
bool child_start(child *child, const char *const *argv, int from);
/* Likewise, with a pipe to its standard input, which ends when this program does. */
bool child_start_listening(child *child, const char *const *argv, int from);
/* A line to its standard input. False: it is gone. */
bool child_say(const child *child, const char *line);
/* The next line without its end, waiting at most `timeout_ms` for it. Longer lines are cut into several. */
child_line child_read(child *child, char line[CHILD_LINE_BYTES], int timeout_ms);
/* Waits for its end; its input ends. Close by signal with kill(child->pid, …) before. */
child_usage child_wait(child *child);

/* Of a running process, all threads; 0 if it is gone. */
double process_cpu_s(pid_t pid);
uint64_t process_resident_kib(pid_t pid);

#endif
