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

#include "tests/support/server_process.h"

typedef server_process redis_process;

/* Takes a port and a folder, starts nothing. */
bool redis_process_prepare(redis_process *server);
/* Starts a server and waits until it accepts connections. `arguments`: further ones, ended by NULL (NULL: none). */
bool redis_process_start(redis_process *server, const char *const *arguments);
/* redis_process_pause kills the server; this brings an empty one back on the same port. */
bool redis_process_resume(redis_process *server, const char *const *arguments);

#define redis_process_pause server_process_pause
#define redis_process_stop  server_process_stop

#endif
