/* soup_talk COUNT: our SoupBinTCP client and server talk through memory; every segment is written to standard output as
 * a line, "C" or "S" for who sent it and its bytes in hex, so that a dissector that is not ours can judge them
 * (tests/integration/dissect.test.mjs). Four connections, each begun by a line "# connection N":
 *
 *   1  version 3.00 login with a wrong password: rejected
 *   2  version 3.00 login to a session that is not there: rejected
 *   3  version 4.00 login, COUNT messages, heartbeats of both sides, text and unsequenced data, logout
 *   4  version 3.00 login that resumes in the middle, the rest of the messages, end of session
 *
 * Message N is N's last decimal digit, N % 200 + 1 times. */
#include <stdio.h>
#include <string.h>

#include "base/market.h"
#include "base/text.h"
#include "ingest/line/soup_client.h"
#include "ingest/line/soup_server.h"

#define SECOND INT64_C(1000000000)

typedef struct talk {
    uint64_t count;
    bool ended;
    soup_client *client;
    soup_server *server;
    int64_t now_ns;
    uint8_t message[256];
} talk;

/* ---- what is served ---- */

static bool may_login(void *context, const char *username, const char *password) {
    (void)context;
    return soup_same_text(username, "trader") && soup_same_text(password, "secret");
}
static const char *session(void *context) {
    (void)context;
    return "DAY1";
}
static uint64_t next(void *context) {
    return ((const talk *)context)->count + 1;
}
static uint64_t oldest(void *context) {
    (void)context;
    return 1;
}
static const uint8_t *fetch(void *context, uint64_t seq, size_t *length) {
    talk *self = context;
    *length = (size_t)(seq % 200 + 1);
    memset(self->message, (int)('0' + seq % 10), *length);
    return self->message;
}
static bool ended(void *context) {
    return ((const talk *)context)->ended;
}

/* ---- what the client hears is not looked at here ---- */

static void on_session(void *context, const char *name, uint64_t first, int64_t receive_ns) {
    (void)context, (void)name, (void)first, (void)receive_ns;
}
static void on_messages(void *context, const feed_message *messages, size_t count) {
    (void)context, (void)messages, (void)count;
}
static void on_lost(void *context, uint64_t from, uint64_t count) {
    (void)context, (void)from, (void)count;
}
static void on_ended(void *context, const char *name, uint64_t at) {
    (void)context, (void)name, (void)at;
}
static void on_rejected(void *context, char reason) {
    (void)context, (void)reason;
}
static void on_state(void *context, soup_client_state state, soup_client_reason reason) {
    (void)context, (void)state, (void)reason;
}

/* ---- the pipe ---- */

static void dump(char direction, const uint8_t *bytes, size_t length) {
    printf("%c ", direction);
    for (size_t i = 0; i < length; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static void to_server(talk *self, const uint8_t *bytes, size_t length) {
    dump('C', bytes, length);
    soup_server_received(self->server, bytes, length, self->now_ns);
}

static void to_client(talk *self, const uint8_t *bytes, size_t length) {
    dump('S', bytes, length);
    soup_client_received(self->client, bytes, length, TW_TIME_ABSENT, self->now_ns);
}

/* What each has to say, in segments of at most 1,000 bytes, so that packets are cut across them. The answer to a login
 * is a segment of its own: tshark's dissector keeps a stream's state anew from there, and would lose a cut packet. */
static void exchange(talk *self) {
    uint8_t bytes[1000];
    size_t out, in;
    do {
        bool logging_in = soup_server_read_status(self->server).state == SOUP_SERVER_AWAITING_LOGIN;
        out = soup_client_output(self->client, bytes, sizeof bytes, self->now_ns);
        if (out > 0) to_server(self, bytes, out);
        soup_server_poll(self->server, self->now_ns);
        in = soup_server_output(self->server, bytes, logging_in ? SOUP_ACCEPTED_BYTES : sizeof bytes, self->now_ns);
        if (in > 0) to_client(self, bytes, in);
    } while (out > 0 || in > 0);
}

static bool connect_as(talk *self, const char *password, uint32_t timeout_ms, const char *wanted, uint64_t from) {
    static int number = 0;
    soup_client_options client = {.username = "trader", .timeout_ms = timeout_ms, .max_payload_bytes = 512};
    soup_server_options server = {.window_bytes = 4096, .max_payload_bytes = 512};
    soup_client_listener hears = {self, on_session, on_messages, on_lost, on_ended, on_rejected, on_state};
    soup_server_source source = {self, may_login, session, next, oldest, fetch, ended, NULL};
    tw_error error = {0};
    tw_text_copy(client.password, sizeof client.password, password);
    self->client = NULL;
    self->server = NULL;
    if (soup_client_alloc(&self->client, &client, &hears, &error) != TW_OK ||
        soup_server_alloc(&self->server, &server, &source, self->now_ns, &error) != TW_OK) {
        fprintf(stderr, "soup_talk: %s\n", error.text);
        return false;
    }
    printf("# connection %d\n", ++number);
    soup_client_start(self->client, wanted, from, self->now_ns);
    while (soup_client_poll(self->client, self->now_ns) != SOUP_WISH_CONNECT)
        self->now_ns += SECOND;
    soup_client_connected(self->client, self->now_ns);
    exchange(self);
    return true;
}

static void disconnect(talk *self) {
    soup_client_free(self->client);
    soup_server_free(self->server);
}

/* What the cores of this project have no use for, but a dissector must see. */
static void say(talk *self) {
    uint8_t bytes[64];
    static const uint8_t hello[] = "hello", order[] = "an order";
    to_client(self, bytes, soup_write_data(bytes, sizeof bytes, SOUP_DEBUG, hello, sizeof hello - 1));
    to_server(self, bytes, soup_write_data(bytes, sizeof bytes, SOUP_UNSEQUENCED, order, sizeof order - 1));
}

int main(int argc, char **argv) {
    talk self = {.now_ns = SECOND};
    if (argc != 2 || !tw_text_to_u64(argv[1], &self.count)) {
        fprintf(stderr, "usage: soup_talk COUNT\n");
        return 2;
    }
    if (!connect_as(&self, "wrong", 0, "", 1)) return 1;
    disconnect(&self);
    if (!connect_as(&self, "secret", 0, "DAY2", 1)) return 1;
    disconnect(&self);
    if (!connect_as(&self, "secret", 12345, "", 1)) return 1;
    self.now_ns += SECOND;
    exchange(&self); /* heartbeats */
    say(&self);
    soup_client_stop(self.client);
    exchange(&self);
    disconnect(&self);
    if (!connect_as(&self, "secret", 0, "DAY1", self.count / 2 + 1)) return 1;
    self.ended = true;
    exchange(&self);
    disconnect(&self);
    return 0;
}
