/*
 * The client's side of SoupBinTCP against a server that sends anything, on connections that break at any time: messages
 * come in order, each once, and add up; what the client sends are a login and then a client's packets; nothing comes
 * after the end of a session.
 *
 * The input: an options byte, then records of a kind byte, and by kind
 *   0     2 byte length, bytes: whatever the server sends
 *   1     a time step, then poll (and connect, if it is wished)
 *   2     the connection breaks      3  stop      4  start
 *   5     a choice and a number: a login is accepted
 *   6     a count: sequenced messages
 *   7     a choice: another packet of a server
 */
#include "ingest/line/soup_client.h"
#include "tests/fuzz/fuzz.h"

#define STEP_NS INT64_C(250000000)

typedef struct owner {
    soup_client *client;
    int64_t now_ns;
    bool open, connected; /* the socket */
    bool named, over;     /* the session */
    uint64_t next, messages, lost, bytes;
    soup_reader sent;
    uint8_t carry[SOUP_HEADER_BYTES + 64];
    uint64_t packets; /* sent on this connection */
} owner;

static void on_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    owner *self = context;
    (void)receive_ns;
    FUZZ_CHECK(session[0] != '\0' && first > 0);
    self->named = true;
    self->over = false;
    self->next = first;
}

static void on_messages(void *context, const feed_message *messages, size_t count) {
    owner *self = context;
    FUZZ_CHECK(self->named && !self->over && count > 0);
    for (size_t i = 0; i < count; i++, self->next++) {
        FUZZ_CHECK(messages[i].seq == self->next);
        for (uint16_t b = 0; b < messages[i].length; b++)
            self->bytes += messages[i].bytes[b];
        self->messages++;
    }
}

static void on_lost(void *context, uint64_t from, uint64_t count) {
    owner *self = context;
    FUZZ_CHECK(self->named && count > 0 && from == self->next);
    self->next += count;
    self->lost += count;
}

static void on_ended(void *context, const char *session, uint64_t next) {
    owner *self = context;
    (void)session;
    FUZZ_CHECK(self->named && !self->over && next == self->next);
    self->over = true;
}

static void on_rejected(void *context, char reason) {
    (void)context, (void)reason;
}

static void on_state(void *context, soup_client_state state, soup_client_reason reason) {
    (void)context;
    FUZZ_CHECK(soup_client_state_name(state)[0] != '?' && soup_client_reason_name(reason)[0] != '?');
}

/* What the client says, in pieces of a few bytes. */
static void listen(owner *self, size_t capacity) {
    uint8_t out[64];
    size_t length;
    while ((length = soup_client_output(self->client, out, capacity, self->now_ns)) > 0) {
        FUZZ_CHECK(self->connected && length <= capacity);
        const uint8_t *at = out;
        soup_packet packet;
        soup_result result;
        while ((result = soup_reader_next(&self->sent, &at, &length, &packet)) == SOUP_CONSUMED) {
            bool first = self->packets++ == 0;
            FUZZ_CHECK(first ? packet.type == 'L' : packet.type == 'R' || packet.type == 'O');
        }
        FUZZ_CHECK(result == SOUP_NEED_MORE);
    }
}

static void poll(owner *self, uint8_t steps) {
    self->now_ns += steps * STEP_NS;
    soup_wish wish = soup_client_poll(self->client, self->now_ns);
    if (wish == SOUP_WISH_CONNECT) {
        FUZZ_CHECK(!self->open);
        self->open = self->connected = true;
        self->packets = 0;
        soup_reader_reset(&self->sent);
        soup_client_connected(self->client, self->now_ns);
    } else if (wish == SOUP_WISH_CLOSE) {
        FUZZ_CHECK(self->open);
        self->open = self->connected = false;
        soup_client_disconnected(self->client, self->now_ns);
    }
}

static void receive(owner *self, const uint8_t *bytes, size_t length) {
    if (self->connected) soup_client_received(self->client, bytes, length, self->now_ns, self->now_ns);
}

static void receive_any(owner *self, fuzz_input *input) {
    size_t length;
    uint8_t *bytes = fuzz_piece(input, fuzz_u16(input) & 1023u, &length, 0);
    receive(self, bytes, length);
    free(bytes);
}

static void accept_login(owner *self, fuzz_input *input) {
    uint8_t bytes[SOUP_ACCEPTED_BYTES], choice = fuzz_u8(input);
    soup_accepted accepted = {.sequence = fuzz_u8(input)};
    if (choice & 4) accepted.sequence = UINT64_MAX - accepted.sequence;
    tw_text_format(accepted.session, sizeof accepted.session, "%.*s%c", choice & 2 ? 9 : 0, "SSSSSSSSS",
                   'A' + (choice & 1));
    receive(self, bytes, soup_write_accepted(bytes, sizeof bytes, &accepted));
}

static void receive_messages(owner *self, uint8_t count) {
    uint8_t bytes[256 * 8];
    size_t length = 0;
    for (uint8_t i = 0; i < count; i++)
        length += soup_write_data(bytes + length, sizeof bytes - length, SOUP_SEQUENCED, &count, i % 4 == 0);
    receive(self, bytes, length);
}

static void receive_other(owner *self, uint8_t choice) {
    static const soup_type types[] = {SOUP_SERVER_HEARTBEAT, SOUP_END_OF_SESSION, SOUP_LOGOUT};
    uint8_t bytes[16];
    size_t length = choice % 8 < 3 ? soup_write_empty(bytes, sizeof bytes, types[choice % 8])
                                   : soup_write_rejected(bytes, sizeof bytes, choice & 8 ? 'A' : 'S');
    receive(self, bytes, length);
}

static void start(owner *self, uint8_t from) {
    soup_client_state state = soup_client_read_status(self->client).state;
    if (state == SOUP_CLIENT_CONNECTING || state == SOUP_CLIENT_LOGGING_IN || state == SOUP_CLIENT_STREAMING)
        return;
    self->named = false;
    FUZZ_CHECK(soup_client_start(self->client, from & 1 ? "A" : "", from, self->now_ns));
}

static void break_connection(owner *self) {
    if (!self->open) return;
    self->open = self->connected = false;
    soup_client_disconnected(self->client, self->now_ns);
}

static void check_status(const owner *self) {
    soup_client_status status = soup_client_read_status(self->client);
    FUZZ_CHECK(status.messages == self->messages && status.lost == self->lost);
    FUZZ_CHECK(!self->named || status.next == self->next);
    FUZZ_CHECK(status.state != SOUP_CLIENT_STREAMING || self->connected);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    uint8_t choice = fuzz_u8(&input);
    owner self = {.now_ns = 1};
    soup_client_options options = {.username = "user",
                                   .password = "password",
                                   .timeout_ms = choice & 1 ? 1000 : 0,
                                   .max_payload_bytes = choice & 2 ? 30 : 300,
                                   .seed = choice};
    soup_client_listener hears = {&self, on_session, on_messages, on_lost, on_ended, on_rejected, on_state};
    tw_error error;
    FUZZ_CHECK(soup_client_alloc(&self.client, &options, &hears, &error) == TW_OK);
    soup_reader_init(&self.sent, self.carry, 64);
    start(&self, choice >> 4);
    while (input.left > 0) {
        uint8_t kind = fuzz_u8(&input) % 8;
        if (kind == 0) receive_any(&self, &input);
        if (kind == 1) poll(&self, fuzz_u8(&input));
        if (kind == 2) break_connection(&self);
        if (kind == 3) soup_client_stop(self.client);
        if (kind == 4) start(&self, fuzz_u8(&input));
        if (kind == 5) accept_login(&self, &input);
        if (kind == 6) receive_messages(&self, fuzz_u8(&input));
        if (kind == 7) receive_other(&self, fuzz_u8(&input));
        if (self.connected) listen(&self, 1 + choice % 60u);
        check_status(&self);
    }
    soup_client_free(self.client);
    return 0;
}
