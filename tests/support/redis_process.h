/*
 * A real redis-server for a test: own process, loopback only, a free port, its own temporary folder, nothing on disk.
 *
 *   redis_process server;
 *   if (!redis_process_start(&server, NULL)) SKIP(server.problem);
 *   ... server.url ...
 *   redis_process_stop(&server);
 *
 * The server dies with the test, however that ends.
 */
#ifndef TICKWIRE_TESTS_SUPPORT_REDIS_PROCESS_H
#define TICKWIRE_TESTS_SUPPORT_REDIS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct redis_process {
    pid_t pid; /* 0: not running */
    uint16_t port;
    char url[64];    /* "redis://127.0.0.1:41234/0" */
    char folder[64]; /* temporary, removed by stop */
    char problem[192];
} redis_process;

/* Takes a port and a folder, starts nothing. */
bool redis_process_prepare(redis_process *server);
/* Starts a server and waits until it accepts connections. `arguments`: further ones, ended by NULL (NULL: none). */
bool redis_process_start(redis_process *server, const char *const *arguments);
/* Kills the server; redis_process_resume brings an empty one back on the same port. */
void redis_process_pause(redis_process *server);
bool redis_process_resume(redis_process *server, const char *const *arguments);
void redis_process_stop(redis_process *server);

#endif
