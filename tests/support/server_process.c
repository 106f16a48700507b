/* One server of a test: its port, its folder, its process. */
#include "tests/support/server_process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

#define FIRST_PORT    12000
#define END_PORT      32000
#define MOST_PORTS    64 /* looked at */
#define WAIT_STEP_US  10000
#define WAIT_STEPS    1000 /* 10 s */
#define NOT_INSTALLED 127  /* exit status of a child that found no program */

static struct sockaddr_in loopback(uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static bool is_free(uint16_t port, int kind) {
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    bool fine = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return fine;
}

/* Below the ports that the kernel gives to whoever connects: one of those may be taken between this look and the server's
 * start, or while the server is paused, even by our own wait for it (a connect that meets itself). */
uint16_t server_process_free_port(void) {
    for (int attempt = 0; attempt < MOST_PORTS; attempt++) {
        uint16_t drawn = 0;
        if (getrandom(&drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn) return 0;
        uint16_t port = (uint16_t)(FIRST_PORT + drawn % (END_PORT - FIRST_PORT));
        if (is_free(port, SOCK_STREAM) && is_free(port, SOCK_DGRAM)) return port;
    }
    return 0;
}

static bool accepts(uint16_t port) {
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

/* In the child. */
static void become_server(const char *const *argv, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(NOT_INSTALLED); /* it died before prctl */
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execvp(argv[0], (char *const *)argv);
    _exit(NOT_INSTALLED);
}

/* Whether the child has ended; then it is gone. */
static bool has_ended(server_process *server, int *status) {
    if (waitpid(server->pid, status, WNOHANG) == 0) return false;
    server->pid = 0;
    return true;
}

static bool wait_until_up(server_process *server, const char *program) {
    int status = 0;
    for (int step = 0; step < WAIT_STEPS; step++) {
        if (has_ended(server, &status)) {
            bool missing = WIFEXITED(status) && WEXITSTATUS(status) == NOT_INSTALLED;
            tw_text_format(server->problem, sizeof server->problem, "%s %s", program,
                           missing ? "is not installed" : "ended at once");
            return false;
        }
        if (accepts(server->port)) return true;
        usleep(WAIT_STEP_US);
    }
    tw_text_format(server->problem, sizeof server->problem, "%s did not accept connections within 10 s", program);
    return false;
}

bool server_process_run(server_process *server, const char *const *argv, size_t count, const char *const *more) {
    const char *all[SERVER_PROCESS_ARGUMENTS + 1] = {0};
    pid_t parent = getpid();
    for (size_t i = 0; i < count; i++)
        all[i] = argv[i];
    for (; more != NULL && *more != NULL && count < SERVER_PROCESS_ARGUMENTS; more++)
        all[count++] = *more;
    server->pid = fork();
    if (server->pid == 0) become_server(all, parent);
    if (server->pid > 0) return wait_until_up(server, argv[0]);
    server->pid = 0;
    tw_text_format(server->problem, sizeof server->problem, "fork: %s", strerror(errno));
    return false;
}

bool server_process_prepare(server_process *server, const char *scheme, const char *path) {
    memset(server, 0, sizeof *server);
    tw_text_copy(server->folder, sizeof server->folder, "/tmp/tickwire-test-XXXXXX");
    server->port = server_process_free_port();
    if (server->port == 0 || mkdtemp(server->folder) == NULL) {
        server->folder[0] = '\0';
        tw_text_copy(server->problem, sizeof server->problem, "no free port or no temporary folder");
        return false;
    }
    tw_text_format(server->url, sizeof server->url, "%s://127.0.0.1:%u%s", scheme, server->port, path);
    return true;
}

void server_process_pause(server_process *server) {
    if (server->pid <= 0) return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void server_process_freeze(server_process *server) {
    kill(server->pid, SIGSTOP);
    waitpid(server->pid, NULL, WUNTRACED);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void server_process_stop(server_process *server) {
    server_process_pause(server);
    if (server->folder[0] != '\0') nftw(server->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    server->folder[0] = '\0';
}
