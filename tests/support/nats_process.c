/* A nats-server's command line. */
#include "tests/support/nats_process.h"

#include "base/text.h"

bool nats_process_resume(nats_process *server, const char *const *arguments) {
    char port[8];
    const char *const argv[] = {"nats-server", "-a", "127.0.0.1", "-p", port, "-sd", server->folder};
    tw_text_format(port, sizeof port, "%u", server->port);
    return server_process_run(server, argv, sizeof argv / sizeof *argv, arguments);
}

bool nats_process_start(nats_process *server, const char *const *arguments) {
    if (!server_process_prepare(server, "nats", "")) return false;
    bool up = nats_process_resume(server, arguments);
    if (!up) nats_process_stop(server);
    return up;
}
