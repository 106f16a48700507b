/*
 * Whole packets written out from the specifications, field by field: what our ends write must be these bytes, and these
 * bytes must read as what they say. Nothing here is made by our own encoders, so that client and server can't agree on
 * the same mistake.
 *
 * Sources: "SoupBinTCP" 3.00 (sections 2.1 to 2.3) and 4.00 (2.3.1, which adds the heartbeat timeout to the login);
 * "MoldUDP64 Protocol Specification" 1.00 (downstream packet, message block, request packet, heartbeat, end of
 * session); "NASDAQ GLIMPSE 5.0" (the end of snapshot message) and "NASDAQ TotalView-ITCH 5.0" (the messages it
 * consists of).
 */
#include "base/market.h"
#include "ingest/decode/glimpse.h"
#include "ingest/decode/itch50.h"
#include "ingest/framing/moldudp64.h"
#include "ingest/framing/soupbintcp.h"
#include "ingest/gap/refill.h"
#include "ingest/line/mold_request_server.h"
#include "ingest/line/soup_client.h"
#include "ingest/line/soup_server.h"
#include "tests/unit.h"
#include "tools/mold_packet.h"

/* A field: its name in the specification, its length, its bytes. */
typedef struct field {
    const char *name;
    size_t length;
    const char *bytes;
} field;

#define MAX_BYTES 512

typedef struct wire_bytes {
    uint8_t bytes[MAX_BYTES];
    size_t length;
} wire_bytes;

static void append_fields(wire_bytes *all, const field *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        EXPECT_MSG(all->length + fields[i].length <= MAX_BYTES, "%s: no room in this test", fields[i].name);
        memcpy(all->bytes + all->length, fields[i].bytes, fields[i].length);
        all->length += fields[i].length;
    }
}

/* Names the field in which the first difference lies. */
static void expect_fields(const char *what, const uint8_t *got, size_t length, const field *fields, size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        EXPECT_MSG(at + fields[i].length <= length, "%s ends within \"%s\"", what, fields[i].name);
        EXPECT_MSG(memcmp(got + at, fields[i].bytes, fields[i].length) == 0, "%s: \"%s\" at offset %zu differs",
                   what, fields[i].name, at);
        at += fields[i].length;
    }
    EXPECT_MSG(at == length, "%s: %zu bytes behind the last field", what, length - at);
}

#define COUNT(fields)                      (sizeof(fields) / sizeof *(fields))
#define EXPECT_FIELDS(got, length, fields) expect_fields(#fields, got, length, fields, COUNT(fields))

static wire_bytes joined(const field *fields, size_t count) {
    wire_bytes all = {.length = 0};
    append_fields(&all, fields, count);
    return all;
}
#define JOINED(fields) joined(fields, COUNT(fields))

/* ---- SoupBinTCP ---- */

/* 2.1 */
static const field debug[] = {
    {"packet length", 2, "\x00\x06"},
    {"packet type", 1, "+"},
    {"text", 5, "hello"},
};
/* 2.2.1 */
static const field login_accepted[] = {
    {"packet length", 2, "\x00\x1F"},
    {"packet type", 1, "A"},
    {"session", 10, "  SESSION1"},                   /* blanks on the left */
    {"sequence number", 20, "                 101"}, /* ASCII, blanks on the left: of the next message */
};
/* 2.2.2 */
static const field login_rejected_not_authorised[] = {
    {"packet length", 2, "\x00\x02"},
    {"packet type", 1, "J"},
    {"reject reason code", 1, "A"},
};
/* 2.2.2 */
static const field login_rejected_session[] = {
    {"packet length", 2, "\x00\x02"},
    {"packet type", 1, "J"},
    {"reject reason code", 1, "S"},
};
/* 2.2.3 */
static const field sequenced_data[] = {
    {"packet length", 2, "\x00\x04"},
    {"packet type", 1, "S"},
    {"message", 3, "xyz"},
};
/* 2.2.4 */
static const field server_heartbeat[] = {
    {"packet length", 2, "\x00\x01"},
    {"packet type", 1, "H"},
};
/* 2.2.5 */
static const field end_of_session[] = {
    {"packet length", 2, "\x00\x01"},
    {"packet type", 1, "Z"},
};
/* 2.3.1 of 3.00 */
static const field login_request[] = {
    {"packet length", 2, "\x00\x2F"},
    {"packet type", 1, "L"},
    {"username", 6, "ann   "},               /* blanks on the right */
    {"password", 10, "secret    "},          /* blanks on the right */
    {"requested session", 10, "  SESSION1"}, /* blanks on the left */
    {"requested sequence number", 20, "                 101"},
};
/* 2.3.1 of 4.00 */
static const field login_request_4[] = {
    {"packet length", 2, "\x00\x34"},
    {"packet type", 1, "L"},
    {"username", 6, "trader"},
    {"password", 10, "0123456789"},
    {"requested session", 10, "          "},                   /* blanks: the one that is active */
    {"requested sequence number", 20, "                   0"}, /* 0: from the next message on */
    {"heartbeat timeout", 5, " 2500"},
};
/* 2.3.2 */
static const field unsequenced_data[] = {
    {"packet length", 2, "\x00\x03"},
    {"packet type", 1, "U"},
    {"message", 2, "hi"},
};
/* 2.3.3 */
static const field client_heartbeat[] = {
    {"packet length", 2, "\x00\x01"},
    {"packet type", 1, "R"},
};
/* 2.3.4 */
static const field logout_request[] = {
    {"packet length", 2, "\x00\x01"},
    {"packet type", 1, "O"},
};

static soup_packet parsed(const wire_bytes *all) {
    soup_packet packet;
    size_t consumed;
    EXPECT_I64(soup_parse(all->bytes, all->length, SOUP_MAX_PAYLOAD_BYTES, &packet, &consumed), SOUP_CONSUMED);
    EXPECT_U64(consumed, all->length);
    return packet;
}

TEST(soupbintcp_vectors, what_we_write_is_every_packet_of_the_specification) {
    uint8_t out[MAX_BYTES];
    soup_accepted accepted = {"SESSION1", 101};
    soup_login login = {"ann", "secret", "SESSION1", 101, 0}, login_4 = {"trader", "0123456789", "", 0, 2500};
    EXPECT_FIELDS(out, soup_write_data(out, sizeof out, SOUP_DEBUG, (const uint8_t *)"hello", 5), debug);
    EXPECT_FIELDS(out, soup_write_accepted(out, sizeof out, &accepted), login_accepted);
    EXPECT_FIELDS(out, soup_write_rejected(out, sizeof out, SOUP_NOT_AUTHORISED), login_rejected_not_authorised);
    EXPECT_FIELDS(out, soup_write_rejected(out, sizeof out, SOUP_SESSION_NOT_AVAILABLE), login_rejected_session);
    EXPECT_FIELDS(out, soup_write_data(out, sizeof out, SOUP_SEQUENCED, (const uint8_t *)"xyz", 3), sequenced_data);
    EXPECT_FIELDS(out, soup_write_empty(out, sizeof out, SOUP_SERVER_HEARTBEAT), server_heartbeat);
    EXPECT_FIELDS(out, soup_write_empty(out, sizeof out, SOUP_END_OF_SESSION), end_of_session);
    EXPECT_FIELDS(out, soup_write_login(out, sizeof out, &login), login_request);
    EXPECT_FIELDS(out, soup_write_login(out, sizeof out, &login_4), login_request_4);
    EXPECT_FIELDS(out, soup_write_data(out, sizeof out, SOUP_UNSEQUENCED, (const uint8_t *)"hi", 2),
                  unsequenced_data);
    EXPECT_FIELDS(out, soup_write_empty(out, sizeof out, SOUP_CLIENT_HEARTBEAT), client_heartbeat);
    EXPECT_FIELDS(out, soup_write_empty(out, sizeof out, SOUP_LOGOUT), logout_request);
}

TEST(soupbintcp_vectors, every_packet_of_the_specification_is_read_as_what_it_says) {
    static const struct {
        const field *fields;
        size_t count;
        char type;
        const char *payload;
    } rows[] = {{debug, COUNT(debug), '+', "hello"},
                {sequenced_data, COUNT(sequenced_data), 'S', "xyz"},
                {unsequenced_data, COUNT(unsequenced_data), 'U', "hi"},
                {server_heartbeat, COUNT(server_heartbeat), 'H', ""},
                {end_of_session, COUNT(end_of_session), 'Z', ""},
                {client_heartbeat, COUNT(client_heartbeat), 'R', ""},
                {logout_request, COUNT(logout_request), 'O', ""}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        wire_bytes all = joined(rows[i].fields, rows[i].count);
        soup_packet packet = parsed(&all);
        EXPECT_I64(packet.type, rows[i].type);
        EXPECT_U64(packet.length, strlen(rows[i].payload));
        EXPECT_BYTES(packet.payload, rows[i].payload, packet.length);
    }
    wire_bytes all = JOINED(login_accepted);
    soup_packet packet = parsed(&all);
    soup_accepted accepted;
    EXPECT(soup_read_accepted(&packet, &accepted));
    EXPECT_STR(accepted.session, "SESSION1");
    EXPECT_U64(accepted.sequence, 101);
    char reason;
    all = JOINED(login_rejected_not_authorised);
    packet = parsed(&all);
    EXPECT(soup_read_rejected(&packet, &reason) && reason == SOUP_NOT_AUTHORISED);
    all = JOINED(login_rejected_session);
    packet = parsed(&all);
    EXPECT(soup_read_rejected(&packet, &reason) && reason == SOUP_SESSION_NOT_AVAILABLE);
}

TEST(soupbintcp_vectors, logins_of_both_versions_are_read_as_what_they_say) {
    soup_login login;
    wire_bytes all = JOINED(login_request);
    soup_packet packet = parsed(&all);
    EXPECT(soup_read_login(&packet, &login));
    EXPECT_STR(login.username, "ann");
    EXPECT_STR(login.password, "secret");
    EXPECT_STR(login.session, "SESSION1");
    EXPECT_U64(login.sequence, 101);
    EXPECT_U64(login.timeout_ms, 0);
    all = JOINED(login_request_4);
    packet = parsed(&all);
    EXPECT(soup_read_login(&packet, &login));
    EXPECT_STR(login.username, "trader");
    EXPECT_STR(login.password, "0123456789");
    EXPECT_STR(login.session, "");
    EXPECT_U64(login.sequence, 0);
    EXPECT_U64(login.timeout_ms, 2500);
}

/* ---- a flow of each end against the other's bytes as the specification has them ---- */

typedef struct heard {
    char session[SOUP_SESSION_BYTES];
    uint64_t first, seq, ended_at;
    char reason;
    char text[8];
} heard;

static void hear_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    heard *h = context;
    (void)receive_ns;
    memcpy(h->session, session, strlen(session) + 1);
    h->first = first;
}
static void hear_messages(void *context, const feed_message *messages, size_t count) {
    heard *h = context;
    EXPECT_U64(count, 1);
    h->seq = messages[0].seq;
    memcpy(h->text, messages[0].bytes, messages[0].length);
    h->text[messages[0].length] = '\0';
}
static void hear_lost(void *context, uint64_t from, uint64_t count) {
    (void)context, (void)from, (void)count;
    EXPECT(false);
}
static void hear_ended(void *context, const char *session, uint64_t next) {
    (void)session;
    ((heard *)context)->ended_at = next;
}
static void hear_rejected(void *context, char reason) {
    ((heard *)context)->reason = reason;
}
static void hear_state(void *context, soup_client_state state, soup_client_reason reason) {
    (void)context, (void)state, (void)reason;
}

static soup_client *client_of(heard *h, uint32_t timeout_ms, const char *user, const char *password) {
    soup_client_options options = {.timeout_ms = timeout_ms, .max_payload_bytes = 100};
    memcpy(options.username, user, strlen(user) + 1);
    memcpy(options.password, password, strlen(password) + 1);
    soup_client_listener listener = {h,          hear_session,  hear_messages, hear_lost,
                                     hear_ended, hear_rejected, hear_state};
    soup_client *client;
    *h = (heard){.first = 0};
    EXPECT_I64(soup_client_alloc(&client, &options, &listener, NULL), TW_OK);
    return client;
}

static void connect_client(soup_client *client, const char *session, uint64_t from) {
    EXPECT(soup_client_start(client, session, from, 0));
    EXPECT_I64(soup_client_poll(client, 0), SOUP_WISH_CONNECT);
    soup_client_connected(client, 0);
}

#define TO_CLIENT(client, fields)                                                                                  \
    do {                                                                                                           \
        wire_bytes all_ = JOINED(fields);                                                                          \
        soup_client_received(client, all_.bytes, all_.length, TW_TIME_ABSENT, 0);                                  \
    } while (0)

TEST(soupbintcp_vectors, the_client_speaks_the_specification_to_its_end) {
    uint8_t out[MAX_BYTES];
    heard h;
    soup_client *client = client_of(&h, 0, "ann", "secret");
    connect_client(client, "SESSION1", 101);
    EXPECT_FIELDS(out, soup_client_output(client, out, sizeof out, 0), login_request);
    TO_CLIENT(client, login_accepted);
    EXPECT_STR(h.session, "SESSION1");
    EXPECT_U64(h.first, 101);
    TO_CLIENT(client, debug);
    TO_CLIENT(client, server_heartbeat);
    TO_CLIENT(client, sequenced_data);
    EXPECT_U64(h.seq, 101); /* a heartbeat and a text have no number */
    EXPECT_STR(h.text, "xyz");
    EXPECT_FIELDS(out, soup_client_output(client, out, sizeof out, INT64_C(1000000000)), client_heartbeat);
    TO_CLIENT(client, end_of_session);
    EXPECT_U64(h.ended_at, 102);
    soup_client_free(client);

    client = client_of(&h, 2500, "trader", "0123456789");
    connect_client(client, "", 0);
    EXPECT_FIELDS(out, soup_client_output(client, out, sizeof out, 0), login_request_4);
    TO_CLIENT(client, login_accepted);
    soup_client_stop(client);
    EXPECT_FIELDS(out, soup_client_output(client, out, sizeof out, 0), logout_request);
    soup_client_free(client);

    client = client_of(&h, 0, "ann", "secret");
    connect_client(client, "SESSION1", 101);
    soup_client_output(client, out, sizeof out, 0);
    TO_CLIENT(client, login_rejected_not_authorised);
    EXPECT_I64(h.reason, 'A');
    EXPECT_I64(soup_client_read_status(client).state, SOUP_CLIENT_REJECTED);
    soup_client_free(client);
}

/* Session SESSION1, whose only message, "xyz", is number 101. */
static bool may_login(void *context, const char *username, const char *password) {
    (void)context;
    return (strcmp(username, "ann") == 0 && strcmp(password, "secret") == 0) ||
           (strcmp(username, "trader") == 0 && strcmp(password, "0123456789") == 0);
}
static const char *served_session(void *context) {
    (void)context;
    return "SESSION1";
}
static uint64_t served_next(void *context) {
    (void)context;
    return 102;
}
static uint64_t served_oldest(void *context) {
    (void)context;
    return 101;
}
static const uint8_t *served_message(void *context, uint64_t seq, size_t *length) {
    (void)context;
    EXPECT_U64(seq, 101);
    *length = 3;
    return (const uint8_t *)"xyz";
}
static bool served_ended(void *context) {
    return *(const bool *)context;
}
static void hear_unsequenced(void *context, const uint8_t *bytes, size_t length) {
    (void)context;
    EXPECT_U64(length, 2);
    EXPECT_BYTES(bytes, "hi", 2);
}

static soup_server *server_of(bool *over) {
    soup_server_options options = {.window_bytes = 1000, .max_payload_bytes = 100};
    soup_server_source source = {over,          may_login,      served_session, served_next,
                                 served_oldest, served_message, served_ended,   hear_unsequenced};
    soup_server *server;
    EXPECT_I64(soup_server_alloc(&server, &options, &source, 0, NULL), TW_OK);
    return server;
}

#define TO_SERVER(server, fields)                                                                                  \
    do {                                                                                                           \
        wire_bytes all_ = JOINED(fields);                                                                          \
        soup_server_received(server, all_.bytes, all_.length, 0);                                                  \
    } while (0)

TEST(soupbintcp_vectors, the_server_speaks_the_specification_to_its_end) {
    uint8_t out[MAX_BYTES];
    bool over = false;
    soup_server *server = server_of(&over);
    TO_SERVER(server, login_request);
    wire_bytes begun = JOINED(login_accepted);
    append_fields(&begun, sequenced_data, COUNT(sequenced_data));
    EXPECT_U64(soup_server_output(server, out, sizeof out, 0), begun.length);
    EXPECT_BYTES(out, begun.bytes, begun.length);
    TO_SERVER(server, client_heartbeat);
    TO_SERVER(server, debug);
    TO_SERVER(server, unsequenced_data);
    EXPECT_U64(soup_server_read_status(server).unsequenced, 1);
    soup_server_poll(server, INT64_C(1000000000));
    EXPECT_FIELDS(out, soup_server_output(server, out, sizeof out, INT64_C(1000000000)), server_heartbeat);
    over = true;
    soup_server_poll(server, INT64_C(1000000001));
    EXPECT_FIELDS(out, soup_server_output(server, out, sizeof out, INT64_C(1000000001)), end_of_session);
    soup_server_free(server);

    over = false;
    server = server_of(&over);
    TO_SERVER(server, login_request_4);
    EXPECT_I64(soup_server_read_status(server).state, SOUP_SERVER_STREAMING);
    EXPECT(!soup_server_poll(server, INT64_C(2499000000))); /* the silence that the login asks to bear */
    EXPECT_I64(soup_server_read_status(server).state, SOUP_SERVER_STREAMING);
    TO_SERVER(server, logout_request);
    EXPECT_I64(soup_server_read_status(server).reason, SOUP_SERVER_LOGGED_OUT);
    soup_server_free(server);
}

TEST(soupbintcp_vectors, the_server_rejects_in_the_specifications_words) {
    uint8_t out[MAX_BYTES];
    bool over = false;
    wire_bytes wrong = JOINED(login_request);
    soup_server *server = server_of(&over);
    memcpy(wrong.bytes + 9, "SECRET2   ", 10); /* the password */
    soup_server_received(server, wrong.bytes, wrong.length, 0);
    EXPECT_FIELDS(out, soup_server_output(server, out, sizeof out, 0), login_rejected_not_authorised);
    soup_server_free(server);
    wrong = JOINED(login_request);
    server = server_of(&over);
    memcpy(wrong.bytes + 19, "  SESSION2", 10); /* the session */
    soup_server_received(server, wrong.bytes, wrong.length, 0);
    EXPECT_FIELDS(out, soup_server_output(server, out, sizeof out, 0), login_rejected_session);
    soup_server_free(server);
}

/* ---- MoldUDP64 ---- */

static const field downstream_packet[] = {
    {"session", 10, "000009    "},
    {"sequence number", 8, "\x00\x00\x00\x00\x00\x00\x01\x02"}, /* 258: of the first message */
    {"message count", 2, "\x00\x03"},
    {"message length", 2, "\x00\x02"}, /* of the message data alone */
    {"message data", 2, "ab"},
    {"message length", 2, "\x00\x00"},
    {"message length", 2, "\x00\x03"},
    {"message data", 3, "cde"},
};
static const field heartbeat[] = {
    {"session", 10, "000009    "},
    {"sequence number", 8, "\x00\x00\x00\x00\x00\x00\x01\x05"}, /* 261: of the next message */
    {"message count", 2, "\x00\x00"},
};
static const field end_of_mold_session[] = {
    {"session", 10, "000009    "},
    {"sequence number", 8, "\x00\x00\x00\x00\x00\x00\x01\x05"}, /* of the next message, if there were one */
    {"message count", 2, "\xFF\xFF"},
};
static const field request_packet[] = {
    {"session", 10, "000009    "},
    {"sequence number", 8, "\x00\x00\x00\x00\x00\x00\x01\x02"}, /* the first message asked for */
    {"requested message count", 2, "\x00\x03"},
};

static const uint8_t *stored(void *context, uint64_t sequence, uint16_t *length) {
    static const char *const messages[] = {"ab", "", "cde"};
    (void)context;
    EXPECT(sequence >= 258 && sequence <= 260);
    *length = (uint16_t)strlen(messages[sequence - 258]);
    return (const uint8_t *)messages[sequence - 258];
}

TEST(moldudp64_vectors, what_we_send_on_a_line_is_the_specification) {
    uint8_t out[MAX_BYTES];
    mold_packet packet = {.bytes = out, .capacity = sizeof out};
    mold_packet_start(&packet, "000009", 258);
    EXPECT(mold_packet_add(&packet, (const uint8_t *)"ab", 2));
    EXPECT(mold_packet_add(&packet, (const uint8_t *)"", 0));
    EXPECT(mold_packet_add(&packet, (const uint8_t *)"cde", 3));
    EXPECT_FIELDS(out, mold_packet_finish(&packet), downstream_packet);
    EXPECT_FIELDS(out, mold_packet_signal(&packet, 0), heartbeat);
    EXPECT_FIELDS(out, mold_packet_signal(&packet, MOLDUDP64_END_OF_SESSION), end_of_mold_session);
}

TEST(moldudp64_vectors, what_comes_on_a_line_is_read_as_what_it_says) {
    static const char *const messages[] = {"ab", "", "cde"};
    wire_bytes all = JOINED(downstream_packet);
    moldudp64_packet packet;
    size_t position = 0;
    uint16_t length;
    EXPECT_I64(moldudp64_parse(all.bytes, all.length, &packet, NULL), MOLDUDP64_OK);
    EXPECT_I64(packet.kind, MOLDUDP64_MESSAGES);
    EXPECT_STR(packet.session, "000009    ");
    EXPECT_U64(packet.sequence, 258);
    EXPECT_U64(packet.count, 3);
    for (size_t i = 0; i < COUNT(messages); i++) {
        const uint8_t *message = moldudp64_next(packet.blocks, packet.blocks_bytes, &position, &length);
        EXPECT(message != NULL);
        EXPECT_U64(length, strlen(messages[i]));
        EXPECT_BYTES(message, messages[i], length);
    }
    EXPECT(moldudp64_next(packet.blocks, packet.blocks_bytes, &position, &length) == NULL);
    all = JOINED(heartbeat);
    EXPECT_I64(moldudp64_parse(all.bytes, all.length, &packet, NULL), MOLDUDP64_OK);
    EXPECT(packet.kind == MOLDUDP64_HEARTBEAT && packet.sequence == 261 && packet.count == 0);
    all = JOINED(end_of_mold_session);
    EXPECT_I64(moldudp64_parse(all.bytes, all.length, &packet, NULL), MOLDUDP64_OK);
    EXPECT(packet.kind == MOLDUDP64_END && packet.sequence == 261 && packet.count == 0);
}

TEST(moldudp64_vectors, a_request_and_its_answer_are_the_specification) {
    uint8_t out[MAX_BYTES];
    refill_request request = {.session = "000009    ", .first = 258, .count = 3};
    EXPECT_FIELDS(out, refill_write(&request, out), request_packet);
    mold_request_server server;
    mold_request_server_init(&server, "000009", stored, NULL);
    wire_bytes asked = JOINED(request_packet);
    size_t bytes;
    EXPECT_I64(mold_request_answer(&server, asked.bytes, asked.length, 261, out, sizeof out, &bytes),
               MOLD_REQUEST_ANSWERED);
    EXPECT_FIELDS(out, bytes, downstream_packet); /* an answer is an ordinary downstream packet */
}

/* ---- GLIMPSE ---- */

#define HEAD_OF(type)                                                                                              \
    {"message type", 1, type}, {"stock locate", 2, "\x00\x07"}, {"tracking number", 2, "\x00\x00"}, {              \
        "timestamp", 6, "\x1F\x1A\xCE\xD9\xF0\x00"                                                                 \
    } /* 09:30:00 is 34,200,000,000,000 ns behind midnight */

static const field snapshot_system_event[] = {
    HEAD_OF("S"),
    {"event code", 1, "Q"},
};
static const field snapshot_directory[] = {
    HEAD_OF("R"),
    {"stock", 8, "ACME    "},
    {"market category", 1, "Q"},
    {"financial status indicator", 1, "N"},
    {"round lot size", 4, "\x00\x00\x00\x64"},
    {"round lots only", 1, "N"},
    {"issue classification", 1, "C"},
    {"issue sub-type", 2, "Z "},
    {"authenticity", 1, "P"},
    {"short sale threshold indicator", 1, "N"},
    {"IPO flag", 1, "N"},
    {"LULD reference price tier", 1, "1"},
    {"ETP flag", 1, "N"},
    {"ETP leverage factor", 4, "\x00\x00\x00\x00"},
    {"inverse indicator", 1, "N"},
};
static const field snapshot_trading_action[] = {
    HEAD_OF("H"), {"stock", 8, "ACME    "}, {"trading state", 1, "T"}, {"reserved", 1, " "}, {"reason", 4, "    "},
};
static const field snapshot_reg_sho[] = {
    HEAD_OF("Y"),
    {"stock", 8, "ACME    "},
    {"Reg SHO action", 1, "0"},
};
static const field snapshot_operational_halt[] = {
    HEAD_OF("h"),
    {"stock", 8, "ACME    "},
    {"market code", 1, "Q"},
    {"operational halt action", 1, "T"},
};
static const field snapshot_order[] = {
    HEAD_OF("A"),
    {"order reference number", 8, "\x00\x00\x00\x00\x00\x00\x30\x39"},
    {"buy/sell indicator", 1, "B"},
    {"shares", 4, "\x00\x00\x01\x2C"},
    {"stock", 8, "ACME    "},
    {"price", 4, "\x00\x01\x86\xA0"},
};
static const field snapshot_attributed_order[] = {
    HEAD_OF("F"),
    {"order reference number", 8, "\x00\x00\x00\x00\x00\x00\x30\x3A"},
    {"buy/sell indicator", 1, "S"},
    {"shares", 4, "\x00\x00\x00\x64"},
    {"stock", 8, "ACME    "},
    {"price", 4, "\x00\x01\x88\x94"},
    {"attribution", 4, "GSCO"},
};
static const field snapshot_end[] = {
    {"message type", 1, "G"},
    {"sequence number", 20, "              987654"},
};

static itch50_message decoded(glimpse_reader *reader, const field *fields, size_t count) {
    wire_bytes all = joined(fields, count);
    itch50_message message;
    EXPECT_MSG(glimpse_reader_next(reader, all.bytes, all.length) == GLIMPSE_ITCH, "type %c", all.bytes[0]);
    EXPECT_MSG(itch50_decode(all.bytes, all.length, &message) == ITCH50_OK, "type %c", all.bytes[0]);
    EXPECT_I64(message.type, all.bytes[0]);
    EXPECT_U64(message.timestamp_ns, UINT64_C(34200000000000));
    EXPECT_U64(message.locate, 7);
    return message;
}
#define DECODED(reader, fields) decoded(reader, fields, COUNT(fields))

TEST(glimpse_vectors, the_messages_of_a_snapshot_are_read_as_what_they_say) {
    glimpse_reader reader;
    glimpse_reader_init(&reader);
    EXPECT_I64(DECODED(&reader, snapshot_system_event).u.system_event.code, 'Q');
    itch50_message m = DECODED(&reader, snapshot_directory);
    EXPECT_STR(m.u.directory.stock, "ACME");
    EXPECT_U64(m.u.directory.round_lot, 100);
    EXPECT_I64(m.u.directory.market_category, 'Q');
    EXPECT_I64(m.u.directory.inverse, 'N');
    EXPECT_I64(DECODED(&reader, snapshot_trading_action).u.trading_action.state, 'T');
    EXPECT_I64(DECODED(&reader, snapshot_reg_sho).u.reg_sho.action, '0');
    EXPECT_I64(DECODED(&reader, snapshot_operational_halt).u.operational_halt.action, 'T');
    EXPECT_U64(reader.orders, 0);
    m = DECODED(&reader, snapshot_order);
    EXPECT(m.u.add.order_id == 12345 && m.u.add.side == 'B' && m.u.add.shares == 300 && m.u.add.price == 100000);
    EXPECT_STR(m.u.add.stock, "ACME");
    m = DECODED(&reader, snapshot_attributed_order);
    EXPECT(m.u.add.order_id == 12346 && m.u.add.side == 'S' && m.u.add.shares == 100 && m.u.add.price == 100500);
    EXPECT_STR(m.u.add.mpid, "GSCO");
    EXPECT_U64(reader.orders, 2);
    EXPECT_U64(reader.join, 0);
    wire_bytes all = JOINED(snapshot_end);
    EXPECT_I64(glimpse_reader_next(&reader, all.bytes, all.length), GLIMPSE_DONE);
    EXPECT_U64(reader.join, 987654);
}

TEST(glimpse_vectors, the_end_message_we_write_is_the_specification) {
    uint8_t out[MAX_BYTES];
    EXPECT_FIELDS(out, glimpse_encode_end(987654, out), snapshot_end);
}

TEST(glimpse_vectors, the_orders_and_the_directory_we_write_are_the_specification) {
    uint8_t out[MAX_BYTES];
    static const struct {
        const field *fields;
        size_t count;
    } rows[] = {{snapshot_system_event, COUNT(snapshot_system_event)},
                {snapshot_directory, COUNT(snapshot_directory)},
                {snapshot_trading_action, COUNT(snapshot_trading_action)},
                {snapshot_reg_sho, COUNT(snapshot_reg_sho)},
                {snapshot_operational_halt, COUNT(snapshot_operational_halt)},
                {snapshot_order, COUNT(snapshot_order)},
                {snapshot_attributed_order, COUNT(snapshot_attributed_order)}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        wire_bytes all = joined(rows[i].fields, rows[i].count);
        itch50_message message;
        EXPECT_I64(itch50_decode(all.bytes, all.length, &message), ITCH50_OK);
        char what[] = {'t', 'y', 'p', 'e', ' ', (char)all.bytes[0], 0};
        expect_fields(what, out, itch50_encode(&message, out), rows[i].fields, rows[i].count);
    }
}
