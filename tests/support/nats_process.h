/*
 * A real nats-server for a test: own process, loopback only, a free port, its own temporary folder.
 *
 *   nats_process server;
 *   if (!nats_process_start(&server, NULL)) SKIP(server.problem);
 *   ... server.url ...
 *   nats_process_stop(&server);
 *
 * The server dies with the test, however that ends.
 */
#ifndef TICKWIRE_TESTS_SUPPORT_NATS_PROCESS_H
#define TICKWIRE_TESTS_SUPPORT_NATS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct nats_process {
    pid_t pid; /* 0: not running */
    uint16_t port;
    char url[64];      /* "nats://127.0.0.1:41234" */
    char folder[64];   /* temporary, removed by stop */
    char problem[192]; /* why start said false */
} nats_process;

/* Starts a server and waits until it accepts connections. `arguments` are further ones for its command line, ended by
 * NULL (NULL: none); "-js" stores in the temporary folder. False: not installed, or it did not come up in 10 s. */
bool nats_process_start(nats_process *server, const char *const *arguments);
/* Kills the server but keeps port and folder, so that nats_process_resume brings the same one back. */
void nats_process_pause(nats_process *server);
bool nats_process_resume(nats_process *server, const char *const *arguments);
/* SIGSTOP, and waits until the server stands still: on a busy machine the signal takes its time. SIGCONT ends it. */
void nats_process_freeze(nats_process *server);
void nats_process_stop(nats_process *server);

/* A port of 127.0.0.1 that was free a moment ago; 0 if there is none. */
uint16_t nats_process_free_port(void);

#endif
