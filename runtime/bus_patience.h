/*
 * Private to runtime/: connecting with an end, whatever the server does. nats.c bounds the way to a server's first words and what follows the
 * TLS handshake, but within the handshake it waits on a blocking socket, without a limit, for a server that may be frozen, and shows that socket
 * to nobody before it is over.
 *
 * So the waiting itself is interrupted, by SIGURG to the thread that waits. Nobody is sent it otherwise, and who does not expect it ignores it. The
 * handler, which does nothing, is the process's: it is set where there is none yet. An application that has one of its own for SIGURG keeps it, and
 * then a handshake ends only with the connection, unless that handler interrupts system calls (no SA_RESTART).
 */
#ifndef TICKWIRE_RUNTIME_BUS_PATIENCE_H
#define TICKWIRE_RUNTIME_BUS_PATIENCE_H

#include "runtime/bus_internal.h"

/* natsConnection_Connect on this thread, interrupted after `limit_ms` and again every so often: with several servers in the options each may take
 * so long. NATS_TIMEOUT: it was interrupted; what nats.c says of its reason means nothing then. */
natsStatus bus_patience_connect(natsConnection **made, natsOptions *options, int64_t limit_ms);

/* Interrupts a thread that is, or will soon be, in bus_patience_connect; it may come a moment too early, so it is repeated until the thread has
 * ended. Must not be joined yet. */
void bus_patience_end(pthread_t thread);

#endif
