/* Programs, reports and clean-up for benchmarks of whole programs. */
#include "benchmarks/harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "benchmarks/ingest/span.h"

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static void clean_up(harness *self) {
    nats_process_stop(&self->server);
    if (self->folder[0] != '\0') nftw(self->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void harness_fail(harness *self, const char *what, const char *why) {
    fprintf(stderr, "%s: %s: %s\n", self->name, what, why);
    clean_up(self);
    exit(1);
}

void harness_say(const harness *self, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vfprintf(self->json ? stderr : stdout, format, values);
    va_end(values);
    fflush(self->json ? stderr : stdout);
}

static void start_server(harness *self, const char *configuration) {
    char path[128];
    const char *const arguments[] = {"-c", path, NULL};
    tw_text_format(path, sizeof path, "%s/nats.conf", self->folder);
    FILE *file = configuration == NULL ? NULL : fopen(path, "w");
    if (configuration != NULL && (file == NULL || fputs(configuration, file) < 0 || fclose(file) != 0))
        harness_fail(self, path, strerror(errno));
    if (!nats_process_start(&self->server, configuration == NULL ? NULL : arguments))
        harness_fail(self, "nats-server", self->server.problem);
}

void harness_open(harness *self, const char *name) {
    harness_open_with(self, name, NULL);
}

void harness_open_with(harness *self, const char *name, const char *server_configuration) {
    const char *parent = getenv("TMPDIR");
    self->name = name;
    tw_text_format(self->folder, sizeof self->folder, "%s/tickwire-bench-XXXXXX", parent != NULL ? parent : "/tmp");
    ssize_t length = readlink("/proc/self/exe", self->programs, sizeof self->programs - 1);
    for (int up = 0; up < 2 && length > 0; up++) /* build/release/benchmarks/bench_ingest */
        while (length > 0 && self->programs[--length] != '/')
            continue;
    self->programs[length > 0 ? length : 0] = '\0';
    if (mkdtemp(self->folder) == NULL) {
        self->folder[0] = '\0';
        harness_fail(self, "temporary folder", strerror(errno));
    }
    start_server(self, server_configuration);
    json_start(&self->writer, self->text, sizeof self->text);
    json_open_object(&self->writer, NULL);
}

void harness_close(harness *self) {
    json_close_object(&self->writer);
    if (!json_finish(&self->writer)) harness_fail(self, "report", "too long");
    if (self->json) puts(self->text);
    clean_up(self);
}

/* ---- programs ---- */

void command_add(command *self, const char *argument) {
    if (self->count + 1 < HARNESS_MAX_ARGS) self->argv[self->count++] = argument;
}

void command_add_all(command *self, const char *const *arguments) {
    for (; *arguments != NULL; arguments++)
        command_add(self, *arguments);
}

void command_init(command *self, const harness *owner, const char *program) {
    memset(self, 0, sizeof *self);
    tw_text_format(self->program, sizeof self->program, "%s/%s", owner->programs, program);
    command_add(self, self->program);
}

void harness_launch(harness *self, child *started, const command *what, int from) {
    if (!child_start(started, what->argv, from)) harness_fail(self, what->program, strerror(errno));
}

void harness_launch_listening(harness *self, child *started, const command *what, int from) {
    if (!child_start_listening(started, what->argv, from)) harness_fail(self, what->program, strerror(errno));
}

void harness_await(harness *self, child *from, const char *name, const char *text, int timeout_ms,
                   char line[CHILD_LINE_BYTES]) {
    uint64_t end_ns = span_now_ns() + (uint64_t)timeout_ms * 1000000;
    line[0] = '\0';
    while (span_now_ns() < end_ns) {
        child_line outcome = child_read(from, line, 100);
        if (outcome == CHILD_ENDED) harness_fail(self, name, line[0] == '\0' ? "ended without a word" : line);
        if (outcome == CHILD_LINE && strstr(line, text) != NULL) return;
    }
    harness_fail(self, name, "did not come so far in time");
}

double harness_number(const char *line, const char *name) {
    char key[64];
    tw_text_format(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(line, key);
    return at == NULL ? -1 : strtod(at + strlen(key), NULL);
}

void harness_simulate(harness *self, const char *path, const char *symbols, const char *messages) {
    command make;
    child simulator;
    char to[160], line[CHILD_LINE_BYTES];
    tw_text_format(to, sizeof to, "file:%s", path);
    command_init(&make, self, "tools/tickwire");
    command_add_all(
        &make, (const char *const[]){"simulate", "--symbols", symbols, "--messages", messages, "--to", to, NULL});
    harness_launch(self, &simulator, &make, STDERR_FILENO);
    while (child_read(&simulator, line, -1) == CHILD_LINE)
        continue;
    if (child_wait(&simulator).exit_code != 0) harness_fail(self, "tickwire simulate", line);
}

/* ---- metrics ---- */

char *harness_metrics(harness *self, uint16_t port) {
    static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    size_t capacity = 1u << 18, length = 0;
    char *page = malloc(capacity);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (page == NULL || fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        write(fd, request, sizeof request - 1) != (ssize_t)sizeof request - 1)
        harness_fail(self, "metrics", strerror(errno));
    for (ssize_t count; (count = read(fd, page + length, capacity - 1 - length)) > 0;)
        length += (size_t)count;
    close(fd);
    page[length] = '\0';
    return page;
}

double harness_metric(const char *page, const char *name, const char *label) {
    double sum = 0;
    char start[96];
    tw_text_format(start, sizeof start, "\ntickwire_ingest_%s{", name);
    for (const char *at = page; (at = strstr(at, start)) != NULL; at++) {
        const char *value = strchr(at, '}');
        const char *picked = label == NULL ? at : strstr(at, label);
        if (value != NULL && picked != NULL && picked < value) sum += strtod(value + 1, NULL);
    }
    return sum;
}

/* ---- figures ---- */

int harness_by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double harness_median(double *values, size_t count) {
    if (count == 0) return 0;
    qsort(values, count, sizeof *values, harness_by_value);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}
