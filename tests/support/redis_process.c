/* A redis-server's command line. */
#include "tests/support/redis_process.h"

#include "base/text.h"

bool redis_process_resume(redis_process *server, const char *const *arguments) {
    char port[8];
    const char *const argv[] = {"redis-server", "--bind", "127.0.0.1", "--port",      port, "--save", "",
                                "--appendonly", "no",     "--dir",     server->folder};
    tw_text_format(port, sizeof port, "%u", server->port);
    return server_process_run(server, argv, sizeof argv / sizeof *argv, arguments);
}

bool redis_process_prepare(redis_process *server) {
    return server_process_prepare(server, "redis", "/0");
}

bool redis_process_start(redis_process *server, const char *const *arguments) {
    if (!redis_process_prepare(server)) return false;
    bool up = redis_process_resume(server, arguments);
    if (!up) redis_process_stop(server);
    return up;
}
