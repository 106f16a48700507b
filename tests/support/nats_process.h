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

#include "tests/support/server_process.h"

typedef server_process nats_process;

/* Starts a server and waits until it accepts connections. `arguments` are further ones for its command line, ended by
 * NULL (NULL: none); "-js" stores in the temporary folder. False: not installed, or it did not come up in 10 s. */
bool nats_process_start(nats_process *server, const char *const *arguments);
/* nats_process_pause kills the server but keeps port and folder, so that this brings the same one back. */
bool nats_process_resume(nats_process *server, const char *const *arguments);

#define nats_process_pause     server_process_pause
#define nats_process_freeze    server_process_freeze
#define nats_process_stop      server_process_stop
#define nats_process_free_port server_process_free_port

#endif
