#include "runtime/metrics.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit.h"

static uint64_t messages = 7, other = 8;
static int64_t buffered = -3;
static tw_histogram latency;

static void collect(void *context) {
    *(int64_t *)context = 42;
}

static metrics *make(void) {
    metrics *registry = metrics_alloc();
    tw_histogram_reset(&latency);
    tw_histogram_record(&latency, 1500);
    tw_histogram_record(&latency, 1500000000);
    metrics_add_counter(registry, "tw_messages_total", "feed=\"XNAS\"", "Messages\nread \\.", &messages);
    metrics_add_gauge(registry, "tw_buffered", "", "Bytes.", &buffered);
    metrics_add_counter(registry, "tw_messages_total", "feed=\"XNYS\"", "Messages.", &other);
    metrics_add_latency(registry, "tw_hop_seconds", "hop=\"a\"", "Time.", &latency);
    return registry;
}

static const char expected[] = "# HELP tw_messages_total Messages\\nread \\\\.\n"
                               "# TYPE tw_messages_total counter\n"
                               "tw_messages_total{feed=\"XNAS\"} 7\n"
                               "tw_messages_total{feed=\"XNYS\"} 8\n"
                               "# HELP tw_buffered Bytes.\n"
                               "# TYPE tw_buffered gauge\n"
                               "tw_buffered -3\n"
                               "# HELP tw_hop_seconds Time.\n"
                               "# TYPE tw_hop_seconds summary\n"
                               "tw_hop_seconds{hop=\"a\",quantile=\"0.5\"} 0.000001503\n"
                               "tw_hop_seconds{hop=\"a\",quantile=\"0.9\"} 1.500000000\n"
                               "tw_hop_seconds{hop=\"a\",quantile=\"0.99\"} 1.500000000\n"
                               "tw_hop_seconds{hop=\"a\",quantile=\"0.999\"} 1.500000000\n"
                               "tw_hop_seconds_sum{hop=\"a\"} 1.500001500\n"
                               "tw_hop_seconds_count{hop=\"a\"} 2\n";

TEST(metrics, the_text_is_what_prometheus_reads) {
    metrics *registry = make();
    char text[4096], small[20];
    EXPECT_U64(metrics_render(registry, text, sizeof text), sizeof expected - 1);
    EXPECT_STR(text, expected);
    EXPECT_U64(metrics_render(registry, small, sizeof small), sizeof expected - 1);
    EXPECT_U64(strlen(small), sizeof small - 1);
    metrics_on_collect(registry, collect, &buffered);
    metrics_render(registry, text, sizeof text);
    EXPECT_CONTAINS(text, "tw_buffered 42\n");
    buffered = -3;
    metrics_free(registry);
}

static uv_loop_t loop;

static void on_tick(uv_timer_t *timer) {
    (void)timer;
}

/* Sends a request over a real socket and runs the loop until the server has closed the connection. */
static const char *request(uint16_t port, const char *text) {
    static char answer[8192];
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t length = 0;
    ssize_t n = -1;
    EXPECT_I64(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    EXPECT_I64(write(fd, text, strlen(text)), (int64_t)strlen(text));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (int turn = 0; turn < 2000 && n != 0; turn++) {
        uv_run(&loop, UV_RUN_ONCE);
        n = read(fd, answer + length, sizeof answer - 1 - length);
        if (n > 0) length += (size_t)n;
    }
    answer[length] = '\0';
    close(fd);
    return answer;
}

TEST(metrics, are_served_over_http_on_the_loop) {
    metrics *registry = make();
    metrics_server *server;
    uv_timer_t tick;
    tw_error error = {0};
    uv_loop_init(&loop);
    uv_timer_init(&loop, &tick);
    uv_timer_start(&tick, on_tick, 2, 2);
    tw_code code = metrics_server_open(&server, &loop, registry, "127.0.0.1", 0, &error);
    EXPECT_MSG(code == TW_OK, "%s", error.text);
    uint16_t port = metrics_server_port(server);
    EXPECT(port != 0);
    const char *answer = request(port, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_CONTAINS(answer, "HTTP/1.1 200 OK");
    EXPECT_CONTAINS(answer, "text/plain; version=0.0.4");
    EXPECT_CONTAINS(answer, expected);
    answer = request(port, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_CONTAINS(answer, "\r\n\r\nok\n");
    answer = request(port, "GET /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_CONTAINS(answer, "404");
    answer =
        request(port, "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_CONTAINS(answer, "405");
    EXPECT(strstr(request(port, "nonsense\r\n\r\n"), "200") == NULL); /* refused or closed, and it lives on: */
    answer = request(port, "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_CONTAINS(answer, "200 OK");
    metrics_server *second;
    EXPECT_I64(metrics_server_open(&second, &loop, registry, "127.0.0.1", port, &error), TW_IO);
    EXPECT_CONTAINS(error.text, "127.0.0.1 port");
    EXPECT_I64(metrics_server_open(&second, &loop, registry, "localhost:1", 0, &error), TW_INVALID);
    EXPECT(second == NULL);
    metrics_server_close(server);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_I64(uv_loop_close(&loop), 0);
    metrics_free(registry);
}
