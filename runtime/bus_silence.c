/*
 * Finds out that a server is gone although the connection looks alive: a cable, a switch or a firewall took the packets,
 * the server's process stands still.
 *
 * nats.c pings each third of `silence_ns`, so a server that lives is heard at least that often. If nothing is heard for
 * the whole of it, the socket is shut down here, on the loop; nats.c then sees an end of the stream and reconnects.
 * nats.c's own limit of unanswered pings is not used for this, because it counts answers only and gives up the wrong ones:
 * a subscriber that reads a long burst, or a loop that was busy, has its PONG behind other bytes.
 *
 * Heard is: bytes came, or a socket that was full took more (a slow server reads; the PING stands behind our own output).
 * Checks are counted, not time: a loop that stood still itself makes one late check, not proof of silence.
 */
#include <sys/socket.h>

#include "base/civil.h"
#include "runtime/bus_internal.h"

#define NS_PER_MS       (TW_NS_PER_SECOND / 1000)
#define SILENT_CHECKS   6
#define PINGS_A_SILENCE 3

void bus_cut(bus *self, const char *reason) {
    uv_os_fd_t socket = -1;
    if (self->poll == NULL || uv_fileno((uv_handle_t *)self->poll, &socket) != 0) return;
    bus_mailbox_note_cut(self, reason);
    shutdown(socket, SHUT_RDWR); /* the poll then finds an end of the stream */
}

static void on_check(uv_timer_t *timer) {
    bus *self = timer->data;
    if (self->poll == NULL || self->heard) {
        self->heard = false;
        self->silent_checks = 0;
        return;
    }
    if (++self->silent_checks < SILENT_CHECKS) return;
    self->silent_checks = 0;
    bus_cut(self, "the server was silent for too long, reconnecting");
}

int64_t bus_ping_interval_ms(const bus *self) {
    int64_t interval_ms = self->silence_ns / PINGS_A_SILENCE / NS_PER_MS;
    return interval_ms > 0 ? interval_ms : 1;
}

void bus_silence_start(bus *self) {
    int64_t period_ms = self->silence_ns / SILENT_CHECKS / NS_PER_MS;
    if (period_ms < 1) period_ms = 1;
    uv_timer_init(self->loop, &self->silence_check);
    uv_timer_start(&self->silence_check, on_check, (uint64_t)period_ms, (uint64_t)period_ms);
    uv_unref((uv_handle_t *)&self->silence_check);
}
