/*
 * A real server for a test: own process, loopback only, a free port, its own temporary folder. What nats_process.h and redis_process.h
 * have in common: they say which program it is and what its command line is.
 *
 * The server dies with the test, however that ends.
 */
#ifndef TICKWIRE_TESTS_SUPPORT_SERVER_PROCESS_H
#define TICKWIRE_TESTS_SUPPORT_SERVER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER_PROCESS_ARGUMENTS 32

typedef struct server_process {
    pid_t pid; /* 0: not running */
    uint16_t port;
    char url[64];      /* "nats://127.0.0.1:41234" */
    char folder[64];   /* temporary, removed by stop */
    char problem[192]; /* why a start said false */
} server_process;

/* Takes a port and a folder, starts nothing. The URL is `scheme`, the address, `path`: "redis", "/0". */
bool server_process_prepare(server_process *server, const char *scheme, const char *path);
/* Starts `argv`, the program's name first, and behind it `more`, ended by NULL (NULL: none); waits until it accepts connections. False: not
 * installed, or it did not come up in 10 s. */
bool server_process_run(server_process *server, const char *const *argv, size_t count, const char *const *more);
/* Kills the server but keeps port and folder, so that server_process_run brings the same one back. */
void server_process_pause(server_process *server);
/* SIGSTOP, and waits until the server stands still: on a busy machine the signal takes its time. SIGCONT ends it. */
void server_process_freeze(server_process *server);
void server_process_stop(server_process *server);

/* A port of 127.0.0.1 that was free a moment ago, of TCP and of UDP, and is none that the kernel gives to who asks for any; 0 if there is
 * none. */
uint16_t server_process_free_port(void);

#endif
