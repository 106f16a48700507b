/* Starting programs and reading what the kernel knows of them. */
#include "benchmarks/ingest/children.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

#define NOT_FOUND 127

typedef struct pipes {
    int out[2], in[2]; /* -1: none */
} pipes;

static void become(const char *const *argv, int from, const pipes *ends, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(NOT_FOUND); /* it died before prctl */
    dup2(STDERR_FILENO, from == STDOUT_FILENO ? STDERR_FILENO : STDOUT_FILENO);
    dup2(ends->out[1], from);
    if (ends->in[0] >= 0) dup2(ends->in[0], STDIN_FILENO);
    execv(argv[0], (char *const *)argv);
    _exit(NOT_FOUND);
}

static void close_end(int fd) {
    if (fd >= 0) close(fd);
}

static bool start(child *self, const char *const *argv, int from, bool listening) {
    pipes ends = {.out = {-1, -1}, .in = {-1, -1}};
    pid_t parent = getpid();
    memset(self, 0, sizeof *self);
    self->pid = -1;
    if (pipe2(ends.out, O_CLOEXEC) == 0 && (!listening || pipe2(ends.in, O_CLOEXEC) == 0)) self->pid = fork();
    if (self->pid == 0) become(argv, from, &ends, parent);
    close_end(ends.out[1]);
    close_end(ends.in[0]);
    self->pipe = ends.out[0];
    self->input = ends.in[1];
    if (self->pid > 0) return true;
    close_end(self->pipe);
    close_end(self->input);
    return false;
}

bool child_start(child *self, const char *const *argv, int from) {
    return start(self, argv, from, false);
}

bool child_start_listening(child *self, const char *const *argv, int from) {
    return start(self, argv, from, true);
}

bool child_say(const child *self, const char *line) {
    size_t length = strlen(line);
    return write(self->input, line, length) == (ssize_t)length && write(self->input, "\n", 1) == 1;
}

static bool take_line(child *self, char line[CHILD_LINE_BYTES], bool all) {
    char *end = memchr(self->line, '\n', self->length);
    size_t length = end != NULL ? (size_t)(end - self->line) : self->length;
    if (end == NULL && (!all || self->length == 0)) return false;
    memcpy(line, self->line, length);
    line[length] = '\0';
    size_t taken = end != NULL ? length + 1 : length;
    self->length -= taken;
    memmove(self->line, self->line + taken, self->length);
    return true;
}

child_line child_read(child *self, char line[CHILD_LINE_BYTES], int timeout_ms) {
    for (;;) {
        if (take_line(self, line, self->length == CHILD_LINE_BYTES - 1)) return CHILD_LINE;
        struct pollfd readable = {.fd = self->pipe, .events = POLLIN};
        if (poll(&readable, 1, timeout_ms) <= 0) return CHILD_QUIET;
        ssize_t count = read(self->pipe, self->line + self->length, CHILD_LINE_BYTES - 1 - self->length);
        if (count <= 0) return take_line(self, line, true) ? CHILD_LINE : CHILD_ENDED;
        self->length += (size_t)count;
    }
}

child_usage child_wait(child *self) {
    struct rusage usage = {0};
    int status = 0;
    close(self->pipe);
    close_end(self->input);
    wait4(self->pid, &status, 0, &usage);
    self->pid = 0;
    return (child_usage){.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                         .cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6};
}

double process_cpu_s(pid_t pid) {
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    tw_text_format(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    const char *after_name = strrchr(text, ')'); /* the name may hold anything */
    if (after_name == NULL ||
        sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

uint64_t process_resident_kib(pid_t pid) {
    char path[64], line[256];
    uint64_t kib = 0;
    tw_text_format(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    while (kib == 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0) kib = strtoull(line + 6, NULL, 10);
    fclose(file);
    return kib;
}
