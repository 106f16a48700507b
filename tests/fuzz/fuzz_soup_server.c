/*
 * The server's side of SoupBinTCP against a client that sends anything and takes what it likes: after the answer to a
 * login come the messages of the store, in order from the number that the answer names, each whole; the end is said
 * once, behind the last; what waits never exceeds the window.
 *
 * The input: an options byte, then records of a kind byte, and by kind
 *   0  2 byte length, bytes: whatever the client sends
 *   1  a time step, then poll       2  a number: a login that wants it       3  a capacity: output is taken
 *   4  a count: the store grows     5  a count: the oldest messages go       6  the session ends
 *   7  a choice: another packet of a client, or stop
 */
#include "ingest/line/soup_server.h"
#include "tests/fuzz/fuzz.h"

#define STEP_NS     INT64_C(250000000)
#define MAX_MESSAGE 200u

typedef struct owner {
    soup_server *server;
    int64_t now_ns;
    uint64_t oldest, next; /* of the store */
    bool over;
    uint8_t message[MAX_MESSAGE];
    size_t window;
    /* what the client took */
    soup_reader taken;
    uint8_t carry[SOUP_HEADER_BYTES + MAX_MESSAGE];
    bool answered, closed;
    uint64_t expected;
} owner;

static size_t message_length(uint64_t seq) {
    return (size_t)(seq * 37 % MAX_MESSAGE);
}

static bool may_login(void *context, const char *username, const char *password) {
    (void)context, (void)password;
    return soup_same_text(username, "user");
}
static const char *session(void *context) {
    (void)context;
    return "S";
}
static uint64_t store_next(void *context) {
    return ((const owner *)context)->next;
}
static uint64_t store_oldest(void *context) {
    return ((const owner *)context)->oldest;
}
static const uint8_t *fetch(void *context, uint64_t seq, size_t *length) {
    owner *self = context;
    FUZZ_CHECK(seq > 0 && seq < self->next);
    if (seq < self->oldest) return NULL;
    *length = message_length(seq);
    memset(self->message, (int)(seq & 0xFF), *length);
    return self->message;
}
static bool ended(void *context) {
    return ((const owner *)context)->over;
}

static void take_packet(owner *self, const soup_packet *packet) {
    soup_accepted accepted;
    FUZZ_CHECK(!self->closed);
    if (!self->answered) {
        self->answered = true;
        self->closed = packet->type == SOUP_LOGIN_REJECTED;
        if (self->closed) return;
        FUZZ_CHECK(soup_read_accepted(packet, &accepted));
        FUZZ_CHECK(accepted.sequence > 0 && strcmp(accepted.session, "S") == 0);
        self->expected = accepted.sequence;
        return;
    }
    if (packet->type == SOUP_SEQUENCED) {
        FUZZ_CHECK(self->expected < self->next && packet->length == message_length(self->expected));
        for (uint16_t i = 0; i < packet->length; i++)
            FUZZ_CHECK(packet->payload[i] == (self->expected & 0xFF));
        self->expected++;
        return;
    }
    FUZZ_CHECK(packet->type == SOUP_SERVER_HEARTBEAT || packet->type == SOUP_END_OF_SESSION);
    if (packet->type == SOUP_SERVER_HEARTBEAT) return;
    FUZZ_CHECK(self->over && self->expected == self->next);
    self->closed = true;
}

static void take_output(owner *self, size_t capacity) {
    uint8_t *out = malloc(capacity);
    FUZZ_CHECK(out != NULL);
    size_t length = soup_server_output(self->server, out, capacity, self->now_ns);
    FUZZ_CHECK(length <= capacity);
    const uint8_t *at = out;
    soup_packet packet;
    soup_result result;
    while ((result = soup_reader_next(&self->taken, &at, &length, &packet)) == SOUP_CONSUMED)
        take_packet(self, &packet);
    FUZZ_CHECK(result == SOUP_NEED_MORE);
    free(out);
}

static void send_any(owner *self, fuzz_input *input) {
    size_t length;
    uint8_t *bytes = fuzz_piece(input, fuzz_u16(input) & 255u, &length, 0);
    soup_server_received(self->server, bytes, length, self->now_ns);
    free(bytes);
}

static void send_login(owner *self, uint8_t choice) {
    uint8_t bytes[SOUP_LOGIN_TIMEOUT_BYTES];
    soup_login login = {"user", "password", "", choice % 64u, choice & 64 ? 1 : 0};
    if (choice & 128) login.session[0] = 'S';
    size_t length = soup_write_login(bytes, sizeof bytes, &login);
    soup_server_received(self->server, bytes, length, self->now_ns);
}

static void send_other(owner *self, uint8_t choice) {
    static const soup_type types[] = {SOUP_CLIENT_HEARTBEAT, SOUP_LOGOUT, SOUP_SERVER_HEARTBEAT};
    uint8_t bytes[16];
    if (choice % 8 == 7) {
        soup_server_stop(self->server);
        return;
    }
    size_t length = choice % 8 < 3 ? soup_write_empty(bytes, sizeof bytes, types[choice % 8])
                                   : soup_write_data(bytes, sizeof bytes, SOUP_UNSEQUENCED, bytes, 0);
    soup_server_received(self->server, bytes, length, self->now_ns);
}

/* False: the connection is to be closed. */
static bool step(owner *self, fuzz_input *input) {
    uint8_t kind = fuzz_u8(input) % 8, value = kind > 0 && kind != 6 ? fuzz_u8(input) : 0;
    if (kind == 0) send_any(self, input);
    if (kind == 1) self->now_ns += value * STEP_NS;
    if (kind == 2) send_login(self, value);
    if (kind == 3) take_output(self, 1 + value * 4u);
    if (kind == 4 && !self->over) self->next += value;
    if (kind == 5) self->oldest = self->oldest + value < self->next ? self->oldest + value : self->next;
    if (kind == 6) self->over = true;
    if (kind == 7) send_other(self, value);
    return kind != 1 || !soup_server_poll(self->server, self->now_ns);
}

static void check_status(const owner *self) {
    soup_server_status status = soup_server_read_status(self->server);
    FUZZ_CHECK(status.waiting_bytes <= self->window);
    FUZZ_CHECK(soup_server_reason_name(status.reason)[0] != '?');
    FUZZ_CHECK((status.state == SOUP_SERVER_CLOSING) == (status.reason != SOUP_SERVER_OPEN));
    FUZZ_CHECK(status.next <= self->next);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    uint8_t choice = fuzz_u8(&input);
    owner self = {.oldest = 1, .next = 1, .window = 64 + choice % 4u * 100u};
    soup_server_options options = {.window_bytes = self.window, .max_payload_bytes = choice & 4 ? 51 : 300};
    soup_server_source source = {&self, may_login, session, store_next, store_oldest, fetch, ended, NULL};
    tw_error error;
    FUZZ_CHECK(soup_server_alloc(&self.server, &options, &source, 0, &error) == TW_OK);
    soup_reader_init(&self.taken, self.carry, MAX_MESSAGE);
    while (input.left > 0 && step(&self, &input))
        check_status(&self);
    take_output(&self, 4096);
    soup_server_free(self.server);
    return 0;
}
