/* A real redis-server for a test. */
#include "tests/support/redis_process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/support/nats_process.h"

#define MOST_ARGUMENTS 32
#define WAIT_STEP_US   10000
#define WAIT_STEPS     1000 /* 10 s */

static bool accepts(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

/* In the child. */
static void become_server(const redis_process *server, const char *const *arguments, pid_t parent) {
    char port[8];
    const char *argv[MOST_ARGUMENTS] = {"redis-server", "--bind", "127.0.0.1", "--port",      port, "--save", "",
                                        "--appendonly", "no",     "--dir",     server->folder};
    size_t count = 11;
    for (; arguments != NULL && *arguments != NULL && count + 1 < MOST_ARGUMENTS; arguments++)
        argv[count++] = *arguments;
    tw_text_format(port, sizeof port, "%u", server->port);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1); /* it died before prctl */
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execvp(argv[0], (char *const *)argv);
    _exit(1);
}

bool redis_process_resume(redis_process *server, const char *const *arguments) {
    pid_t parent = getpid();
    server->pid = fork();
    if (server->pid == 0) become_server(server, arguments, parent);
    for (int step = 0; server->pid > 0 && step < WAIT_STEPS; step++) {
        if (accepts(server->port)) return true;
        if (waitpid(server->pid, NULL, WNOHANG) != 0) break;
        usleep(WAIT_STEP_US);
    }
    tw_text_copy(server->problem, sizeof server->problem, "redis-server is not installed, or ended at once");
    return false;
}

bool redis_process_prepare(redis_process *server) {
    memset(server, 0, sizeof *server);
    tw_text_copy(server->folder, sizeof server->folder, "/tmp/tickwire-test-XXXXXX");
    server->port = nats_process_free_port();
    if (server->port == 0 || mkdtemp(server->folder) == NULL) {
        server->folder[0] = '\0';
        tw_text_copy(server->problem, sizeof server->problem, "no free port or no temporary folder");
        return false;
    }
    tw_text_format(server->url, sizeof server->url, "redis://127.0.0.1:%u/0", server->port);
    return true;
}

bool redis_process_start(redis_process *server, const char *const *arguments) {
    if (!redis_process_prepare(server)) return false;
    bool up = redis_process_resume(server, arguments);
    if (!up) redis_process_stop(server);
    return up;
}

void redis_process_pause(redis_process *server) {
    if (server->pid <= 0) return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void redis_process_stop(redis_process *server) {
    redis_process_pause(server);
    if (server->folder[0] != '\0') rmdir(server->folder);
    server->folder[0] = '\0';
}
