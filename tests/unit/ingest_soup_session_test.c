/* SoupBinTCP sessions: each end against bytes typed out from the specification, then the client against the server
 * over a pipe that cuts, delays and breaks. */
#include "ingest/line/soup_client.h"
#include "ingest/line/soup_server.h"

#include "base/market.h"
#include "base/random.h"
#include "base/text.h"
#include "tests/unit.h"

#define MS          INT64_C(1000000)
#define SECOND      (1000 * MS)
#define PIPE_BYTES  65536
#define MAX_MESSAGE 300

/* ---- what the client's owner hears, as text ---- */

typedef struct hearer {
    char log[4096];
    uint64_t expected; /* messages must come with this number, and say it */
    uint64_t messages, lost;
    bool ended;
} hearer;

static void note(hearer *h, const char *text) {
    size_t length = strlen(h->log);
    tw_text_format(h->log + length, sizeof h->log - length, "%s%s", length > 0 ? " " : "", text);
}

static void hear_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    hearer *h = context;
    char text[64];
    (void)receive_ns;
    tw_text_format(text, sizeof text, "session:%s@%" PRIu64, session, first);
    note(h, text);
    h->expected = first;
}

/* A message is its own number in decimal, a colon, and filler of that number's letter. */
static size_t make_message(uint64_t seq, uint8_t *bytes) {
    char head[32];
    tw_text_format(head, sizeof head, "%" PRIu64 ":", seq);
    size_t length = strlen(head), filler = (size_t)(seq * 7919 % (MAX_MESSAGE - 32));
    memcpy(bytes, head, length);
    memset(bytes + length, (int)('a' + seq % 26), filler);
    return length + filler;
}

static void hear_messages(void *context, const feed_message *messages, size_t count) {
    hearer *h = context;
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[MAX_MESSAGE];
        size_t length = make_message(messages[i].seq, bytes);
        EXPECT_U64(messages[i].seq, h->expected);
        EXPECT_U64(messages[i].length, length);
        EXPECT_BYTES(messages[i].bytes, bytes, length);
        h->expected++;
        h->messages++;
    }
}

static void hear_lost(void *context, uint64_t from, uint64_t count) {
    hearer *h = context;
    EXPECT_U64(from, h->expected);
    h->expected += count;
    h->lost += count;
}

static void hear_ended(void *context, const char *session, uint64_t next) {
    hearer *h = context;
    char text[64];
    tw_text_format(text, sizeof text, "ended:%s@%" PRIu64, session, next);
    note(h, text);
    h->ended = true;
}

static void hear_rejected(void *context, char reason) {
    char text[] = {'r', 'e', 'j', 'e', 'c', 't', 'e', 'd', ':', reason, 0};
    note(context, text);
}

static void hear_state(void *context, soup_client_state state, soup_client_reason reason) {
    char text[64];
    tw_text_format(text, sizeof text, reason == SOUP_REASON_ASKED ? "%s" : "%s/%s", soup_client_state_name(state),
                   soup_client_reason_name(reason));
    note(context, text);
}

static soup_client *new_client(hearer *h, uint64_t seed) {
    soup_client_options options = {
        .username = "trader", .password = "secret", .max_payload_bytes = 512, .seed = seed};
    soup_client_listener listener = {h,          hear_session,  hear_messages, hear_lost,
                                     hear_ended, hear_rejected, hear_state};
    soup_client *client;
    tw_error error;
    *h = (hearer){0};
    EXPECT_I64(soup_client_alloc(&client, &options, &listener, &error), TW_OK);
    return client;
}

static void receive(soup_client *client, const char *bytes, size_t length, int64_t now_ns) {
    soup_client_received(client, (const uint8_t *)bytes, length, TW_TIME_ABSENT, now_ns);
}
#define RECEIVE(client, text, now_ns) receive(client, text, sizeof(text) - 1, now_ns)

static void expect_output(soup_client *client, const char *bytes, size_t length, int64_t now_ns) {
    uint8_t out[256];
    EXPECT_U64(soup_client_output(client, out, sizeof out, now_ns), length);
    EXPECT_BYTES(out, bytes, length);
}
#define EXPECT_OUTPUT(client, text, now_ns) expect_output(client, text, sizeof(text) - 1, now_ns)

#define LOGIN_ANY  "\0\x2FLtradersecret                                 1"
#define ACCEPTED_1 "\0\x1F\x41  SESSION1                   1"

static soup_client *new_streaming_client(hearer *h) {
    soup_client *client = new_client(h, 1);
    EXPECT(soup_client_start(client, "", 1, 0));
    EXPECT_I64(soup_client_poll(client, 0), SOUP_WISH_CONNECT);
    soup_client_connected(client, 0);
    EXPECT_OUTPUT(client, LOGIN_ANY, 0);
    RECEIVE(client, ACCEPTED_1, 0);
    return client;
}

/* ---- the client against typed bytes ---- */

TEST(soup_client, an_end_of_session_is_final) {
    hearer h;
    soup_client *client = new_streaming_client(&h);
    RECEIVE(client, "\0\1H\0\1Z", SECOND);
    EXPECT_STR(h.log, "BACKING_OFF CONNECTING LOGGING_IN STREAMING session:SESSION1@1 ENDED ended:SESSION1@1");
    EXPECT_I64(soup_client_poll(client, SECOND), SOUP_WISH_CLOSE);
    soup_client_disconnected(client, SECOND);
    EXPECT_I64(soup_client_poll(client, 3600 * SECOND), SOUP_WISH_NONE);
    soup_client_free(client);
}

TEST(soup_client, not_authorised_is_final_but_a_missing_session_is_asked_for_again) {
    hearer h;
    soup_client *client = new_client(&h, 1);
    EXPECT(soup_client_start(client, "NEXT", 0, 0));
    EXPECT_I64(soup_client_poll(client, 0), SOUP_WISH_CONNECT);
    soup_client_connected(client, 0);
    EXPECT_OUTPUT(client, "\0\x2FLtradersecret          NEXT                   0", 0);
    RECEIVE(client, "\0\2JS", 0);
    EXPECT_STR(h.log, "BACKING_OFF CONNECTING LOGGING_IN rejected:S BACKING_OFF/REJECTED");
    EXPECT_I64(soup_client_poll(client, 0), SOUP_WISH_CLOSE);
    soup_client_disconnected(client, 0);
    EXPECT_I64(soup_client_poll(client, 49 * MS), SOUP_WISH_NONE);
    EXPECT_I64(soup_client_poll(client, 100 * MS), SOUP_WISH_CONNECT);
    soup_client_connected(client, 100 * MS);
    h.log[0] = '\0';
    RECEIVE(client, "\0\2JA", 100 * MS);
    EXPECT_STR(h.log, "rejected:A REJECTED/REJECTED");
    EXPECT_I64(soup_client_poll(client, 100 * MS), SOUP_WISH_CLOSE);
    soup_client_disconnected(client, 100 * MS);
    EXPECT_I64(soup_client_poll(client, 3600 * SECOND), SOUP_WISH_NONE);
    EXPECT(soup_client_start(client, "", 1, 3600 * SECOND));
    EXPECT_I64(soup_client_poll(client, 3600 * SECOND), SOUP_WISH_CONNECT);
    soup_client_free(client);
}

/* Lets the client connect again at `now_ns` and expects the login it sends. */
static void expect_login(soup_client *client, const char *login, int64_t now_ns) {
    soup_wish wish = soup_client_poll(client, now_ns);
    if (wish == SOUP_WISH_CLOSE) {
        soup_client_disconnected(client, now_ns);
        wish = soup_client_poll(client, now_ns);
    }
    EXPECT_I64(wish, SOUP_WISH_CONNECT);
    soup_client_connected(client, now_ns);
    expect_output(client, login, SOUP_LOGIN_BYTES, now_ns);
}
#define LOGIN_SESSION1_AT_3 "\0\x2FLtradersecret      SESSION1                   3"

TEST(soup_client, after_a_rejection_it_can_go_on_where_it_stood) {
    hearer h;
    soup_client *client = new_streaming_client(&h);
    uint8_t bytes[MAX_MESSAGE + SOUP_HEADER_BYTES], body[MAX_MESSAGE];
    for (uint64_t seq = 1; seq <= 2; seq++)
        soup_client_received(client, bytes,
                             soup_write_data(bytes, sizeof bytes, SOUP_SEQUENCED, body, make_message(seq, body)), 0,
                             0);
    soup_client_disconnected(client, 0);
    expect_login(client, LOGIN_SESSION1_AT_3, SECOND);
    RECEIVE(client, "\0\2JA", SECOND);
    EXPECT_I64(soup_client_read_status(client).state, SOUP_CLIENT_REJECTED);
    soup_client_resume(client, 60 * SECOND);
    expect_login(client, LOGIN_SESSION1_AT_3, 60 * SECOND);
    h.log[0] = '\0';
    RECEIVE(client, "\0\x1F\x41  SESSION1                   3", 60 * SECOND);
    EXPECT_STR(h.log, "STREAMING"); /* the same session: not told again */
    soup_client_free(client);
}

TEST(soup_client, a_session_that_is_gone_gives_way_to_the_active_one_unless_it_was_asked_for_by_name) {
    hearer h;
    soup_client *client = new_streaming_client(&h);
    soup_client_disconnected(client, 0);
    expect_login(client, "\0\x2FLtradersecret      SESSION1                   1", SECOND);
    RECEIVE(client, "\0\2JS", SECOND);
    expect_login(client, LOGIN_ANY, 20 * SECOND);
    h.log[0] = '\0';
    RECEIVE(client, "\0\x1F\x41  SESSION2                   1", 20 * SECOND);
    EXPECT_STR(h.log, "STREAMING session:SESSION2@1");
    soup_client_free(client);

    client = new_client(&h, 1);
    EXPECT(soup_client_start(client, "SESSION1", 1, 0));
    expect_login(client, "\0\x2FLtradersecret      SESSION1                   1", 0);
    RECEIVE(client, ACCEPTED_1, 0);
    soup_client_disconnected(client, 0);
    for (int64_t now = SECOND; now < 60 * SECOND; now += 20 * SECOND) {
        expect_login(client, "\0\x2FLtradersecret      SESSION1                   1", now);
        RECEIVE(client, "\0\2JS", now);
    }
    soup_client_free(client);
}

TEST(soup_client, the_active_session_that_turns_out_to_be_the_known_one_brings_nothing_twice) {
    hearer h;
    soup_client *client = new_streaming_client(&h);
    h.expected = 1;
    uint8_t bytes[MAX_MESSAGE + SOUP_HEADER_BYTES], body[MAX_MESSAGE];
    for (uint64_t seq = 1; seq <= 2; seq++)
        soup_client_received(client, bytes,
                             soup_write_data(bytes, sizeof bytes, SOUP_SEQUENCED, body, make_message(seq, body)), 0,
                             0);
    EXPECT_U64(h.messages, 2);
    soup_client_disconnected(client, 0);
    expect_login(client, LOGIN_SESSION1_AT_3, SECOND);
    RECEIVE(client, "\0\2JS", SECOND); /* not now */
    expect_login(client, LOGIN_ANY, 20 * SECOND);
    RECEIVE(client, ACCEPTED_1, 20 * SECOND);
    for (uint64_t seq = 1; seq <= 3; seq++)
        soup_client_received(client, bytes,
                             soup_write_data(bytes, sizeof bytes, SOUP_SEQUENCED, body, make_message(seq, body)), 0,
                             20 * SECOND);
    EXPECT_U64(h.messages, 3);
    EXPECT_U64(soup_client_read_status(client).repeated, 2);
    soup_client_free(client);
}

TEST(soup_client, after_the_end_it_looks_for_the_next_session_and_does_not_take_the_old_one_again) {
    hearer h;
    soup_client *client = new_streaming_client(&h);
    RECEIVE(client, "\0\1Z", SECOND);
    EXPECT(h.ended);
    h.ended = false;
    soup_client_resume(client, 30 * SECOND);
    expect_login(client, LOGIN_ANY, 30 * SECOND);
    h.log[0] = '\0';
    RECEIVE(client, ACCEPTED_1, 30 * SECOND);
    EXPECT_STR(h.log, "ENDED");
    EXPECT(!h.ended);
    EXPECT_I64(soup_client_poll(client, 30 * SECOND), SOUP_WISH_CLOSE);
    soup_client_resume(client, 60 * SECOND);
    expect_login(client, LOGIN_ANY, 60 * SECOND);
    h.log[0] = '\0';
    RECEIVE(client, "\0\x1F\x41  SESSION2                   1\0\1Z", 60 * SECOND);
    EXPECT_STR(h.log, "STREAMING session:SESSION2@1 ENDED ended:SESSION2@1");
    soup_client_free(client);
}

TEST(soup_client, sends_a_heartbeat_after_a_second_of_its_own_silence) {
    hearer h;
    uint8_t out[8];
    soup_client *client = new_streaming_client(&h);
    EXPECT_I64(soup_client_next_ns(client), SECOND);
    EXPECT_U64(soup_client_output(client, out, sizeof out, SECOND - 1), 0);
    EXPECT_OUTPUT(client, "\0\1R", SECOND);
    EXPECT_U64(soup_client_output(client, out, sizeof out, 2 * SECOND - 1), 0);
    EXPECT_OUTPUT(client, "\0\1R", 2 * SECOND);
    soup_client_free(client);
}

TEST(soup_client, gives_a_silent_server_up_after_fifteen_seconds_and_a_heartbeat_counts) {
    hearer h;
    soup_client *client = new_streaming_client(&h);
    EXPECT_I64(soup_client_poll(client, 15 * SECOND - 1), SOUP_WISH_NONE);
    RECEIVE(client, "\0\1H", 15 * SECOND - 1);
    EXPECT_I64(soup_client_poll(client, 30 * SECOND - 2), SOUP_WISH_NONE);
    h.log[0] = '\0';
    EXPECT_I64(soup_client_poll(client, 30 * SECOND - 1), SOUP_WISH_CLOSE);
    EXPECT_STR(h.log, "BACKING_OFF/SILENT");
    soup_client_free(client);
}

TEST(soup_client, gives_up_a_connection_that_is_not_made_and_a_login_that_is_not_answered) {
    hearer h;
    soup_client *client = new_client(&h, 1);
    EXPECT(soup_client_start(client, "", 1, 0));
    EXPECT_I64(soup_client_poll(client, 0), SOUP_WISH_CONNECT);
    EXPECT_I64(soup_client_poll(client, 15 * SECOND), SOUP_WISH_CLOSE);
    soup_client_disconnected(client, 15 * SECOND);
    EXPECT_I64(soup_client_poll(client, 16 * SECOND), SOUP_WISH_CONNECT);
    soup_client_connected(client, 16 * SECOND);
    EXPECT_I64(soup_client_poll(client, 31 * SECOND), SOUP_WISH_CLOSE);
    EXPECT_STR(h.log, "BACKING_OFF CONNECTING BACKING_OFF/SILENT CONNECTING LOGGING_IN BACKING_OFF/SILENT");
    soup_client_free(client);
}

TEST(soup_client, waits_longer_after_each_failure_and_never_all_alike) {
    hearer h;
    soup_client *client = new_client(&h, 7);
    int64_t now = 0, bound = 100 * MS;
    unsigned distinct = 0;
    EXPECT(soup_client_start(client, "", 1, now));
    for (unsigned i = 0; i < 12; i++) {
        EXPECT_I64(soup_client_poll(client, now), SOUP_WISH_CONNECT);
        soup_client_disconnected(client, now);
        int64_t wait = soup_client_next_ns(client) - now;
        EXPECT_MSG(wait >= bound / 2 && wait <= bound, "failure %u waits %" PRId64, i, wait);
        distinct += wait != bound;
        now += wait;
        bound = bound * 2 > 10 * SECOND ? 10 * SECOND : bound * 2;
    }
    EXPECT(distinct > 6);
    soup_client_free(client);
}

/* A login and at once the end of the connection, again and again; then one that lasts. */
TEST(soup_client, waits_longer_after_each_connection_that_breaks_off_at_once_although_its_login_was_accepted) {
    hearer h;
    soup_client *client = new_streaming_client(&h);
    int64_t now = 0, waits[10];
    for (int i = 0; i < 10; i++) {
        RECEIVE(client, "\0\1H", now + i * MS);
        soup_client_disconnected(client, now);
        waits[i] = soup_client_next_ns(client) - now;
        now += waits[i];
        EXPECT_I64(soup_client_poll(client, now), SOUP_WISH_CONNECT);
        soup_client_connected(client, now);
        uint8_t login[256];
        soup_client_output(client, login, sizeof login, now);
        RECEIVE(client, ACCEPTED_1, now);
    }
    EXPECT_MSG(waits[0] <= 100 * MS && waits[9] >= 5 * SECOND, "%" PRId64 ", at last %" PRId64, waits[0], waits[9]);
    EXPECT_U64(soup_client_read_status(client).logins, 11);
    now += 5 * SECOND;
    soup_client_disconnected(client, now);
    EXPECT_MSG(soup_client_next_ns(client) - now <= 100 * MS, "%" PRId64, soup_client_next_ns(client) - now);
    soup_client_free(client);
}

TEST(soup_client, refuses_bytes_that_have_no_place_in_the_protocol) {
    static const struct {
        const char *bytes;
        size_t length;
        const char *log;
    } cases[] = {
        {"\0\0", 2, "BACKING_OFF/MALFORMED"},
        {"\0\2Hx", 4, "BACKING_OFF/MALFORMED"},
        {"\xFF\xFF", 2, "BACKING_OFF/MALFORMED"},
        {"\0\1R", 3, "BACKING_OFF/UNEXPECTED"},
        {ACCEPTED_1, 33, "BACKING_OFF/UNEXPECTED"},
        {"\0\4?ab", 6, ""},
        {"\0\6+hello", 8, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hearer h;
        soup_client *client = new_streaming_client(&h);
        h.log[0] = '\0';
        receive(client, cases[i].bytes, cases[i].length - (cases[i].bytes[2] == '?'), SECOND);
        if (cases[i].bytes[2] == '?') RECEIVE(client, "c", SECOND);
        EXPECT_STR(h.log, cases[i].log);
        soup_client_free(client);
    }
}

TEST(soup_client, refuses_a_login_answer_without_a_name_or_with_number_0_and_data_before_it) {
    static const char *const answers[] = {"\0\x1F\x41                             1",
                                          "\0\x1F\x41  SESSION1                   0",
                                          "\0\x1F\x41  SESSION1                   x"};
    for (size_t i = 0; i < 4; i++) {
        hearer h;
        soup_client *client = new_client(&h, 1);
        EXPECT(soup_client_start(client, "", 1, 0));
        EXPECT_I64(soup_client_poll(client, 0), SOUP_WISH_CONNECT);
        soup_client_connected(client, 0);
        if (i < 3) {
            receive(client, answers[i], SOUP_ACCEPTED_BYTES, 0);
        } else {
            RECEIVE(client, "\0\2Sx", 0);
        }
        EXPECT_I64(soup_client_read_status(client).state, SOUP_CLIENT_BACKING_OFF);
        EXPECT_U64(h.messages, 0);
        soup_client_free(client);
    }
}

TEST(soup_client, says_goodbye_when_it_is_stopped) {
    hearer h;
    soup_client *client = new_streaming_client(&h);
    soup_client_stop(client);
    EXPECT_I64(soup_client_poll(client, 0), SOUP_WISH_NONE); /* not before the logout is out */
    EXPECT_OUTPUT(client, "\0\1O", 0);
    EXPECT_I64(soup_client_poll(client, 0), SOUP_WISH_CLOSE);
    soup_client_disconnected(client, 0);
    EXPECT_I64(soup_client_poll(client, 3600 * SECOND), SOUP_WISH_NONE);
    soup_client_free(client);
}

TEST(soup_client, refuses_options_that_make_no_sense) {
    soup_client_listener listener = {0};
    soup_client *client;
    tw_error error;
    soup_client_options small = {.max_payload_bytes = 29}, large = {.max_payload_bytes = 65535},
                        text = {.username = "a\n", .max_payload_bytes = 100},
                        timeout = {.timeout_ms = 100000, .max_payload_bytes = 100};
    EXPECT_I64(soup_client_alloc(&client, &small, &listener, &error), TW_INVALID);
    EXPECT_I64(soup_client_alloc(&client, &large, &listener, &error), TW_INVALID);
    EXPECT_I64(soup_client_alloc(&client, &text, &listener, &error), TW_INVALID);
    EXPECT_I64(soup_client_alloc(&client, &timeout, &listener, &error), TW_INVALID);
    EXPECT(client == NULL);
}

TEST(soup_client, a_login_of_version_4_tells_how_long_a_silence_it_wants_borne) {
    soup_client_options options = {
        .username = "trader", .password = "secret", .timeout_ms = 2500, .max_payload_bytes = 100};
    soup_client_listener listener = {NULL,       hear_session,  hear_messages, hear_lost,
                                     hear_ended, hear_rejected, hear_state};
    hearer h = {0};
    soup_client *client;
    tw_error error;
    listener.context = &h;
    EXPECT_I64(soup_client_alloc(&client, &options, &listener, &error), TW_OK);
    EXPECT(!soup_client_start(client, "ELEVENCHARS", 1, 0));
    EXPECT(soup_client_start(client, "TENLETTERS", UINT64_MAX, 0));
    EXPECT_I64(soup_client_poll(client, 0), SOUP_WISH_CONNECT);
    soup_client_connected(client, 0);
    uint8_t byte;
    char out[SOUP_LOGIN_TIMEOUT_BYTES];
    for (size_t i = 0; i < sizeof out; i++) { /* taken byte by byte, as a full socket would */
        EXPECT_U64(soup_client_output(client, &byte, 1, 0), 1);
        out[i] = (char)byte;
    }
    EXPECT_U64(soup_client_output(client, &byte, 1, 0), 0);
    EXPECT_BYTES(out, "\0\x34Ltradersecret    TENLETTERS18446744073709551615 2500", sizeof out);
    soup_client_free(client);
}

/* ---- the server against typed bytes ---- */

typedef struct store {
    uint64_t next, oldest;
    bool ended;
    const char *session;
    char unsequenced[64];
    uint8_t message[MAX_MESSAGE];
} store;

static bool store_may_login(void *context, const char *username, const char *password) {
    (void)context;
    return soup_same_text(username, "Trader") && soup_same_text(password, "secret");
}
static const char *store_session(void *context) {
    return ((store *)context)->session;
}
static uint64_t store_next(void *context) {
    return ((store *)context)->next;
}
static uint64_t store_oldest(void *context) {
    return ((store *)context)->oldest;
}
static const uint8_t *store_fetch(void *context, uint64_t seq, size_t *length) {
    store *s = context;
    EXPECT(seq < s->next);
    if (seq < s->oldest) return NULL;
    *length = make_message(seq, s->message);
    return s->message;
}
static bool store_ended(void *context) {
    return ((store *)context)->ended;
}
static void store_unsequenced(void *context, const uint8_t *bytes, size_t length) {
    memcpy(((store *)context)->unsequenced, bytes, length);
    ((store *)context)->unsequenced[length] = '\0';
}

static soup_server *new_server(store *s, size_t window, int64_t now_ns) {
    soup_server_options options = {.window_bytes = window, .max_payload_bytes = 64};
    soup_server_source source = {s,           store_may_login, store_session,    store_next, store_oldest,
                                 store_fetch, store_ended,     store_unsequenced};
    soup_server *server;
    tw_error error;
    EXPECT_I64(soup_server_alloc(&server, &options, &source, now_ns, &error), TW_OK);
    return server;
}

static void serve(soup_server *server, const char *bytes, size_t length, int64_t now_ns) {
    soup_server_received(server, (const uint8_t *)bytes, length, now_ns);
}
#define SERVE(server, text, now_ns) serve(server, text, sizeof(text) - 1, now_ns)

static void expect_served(soup_server *server, const char *bytes, size_t length, int64_t now_ns) {
    uint8_t out[512];
    EXPECT_U64(soup_server_output(server, out, sizeof out, now_ns), length);
    EXPECT_BYTES(out, bytes, length);
}
#define EXPECT_SERVED(server, text, now_ns) expect_served(server, text, sizeof(text) - 1, now_ns)

static store new_store(uint64_t next) {
    return (store){.next = next, .oldest = 1, .session = "SESSION1"};
}

TEST(soup_server, answers_a_login_and_sends_what_was_asked_for) {
    static const struct {
        const char *login, *answer;
        soup_server_reason reason;
    } cases[] = {
        /* the session has messages 5 to 9 */
        {"\0\x2FLTRADERSeCret                                 7", "\0\x1F\x41  SESSION1                   7", 0},
        {"\0\x2FLtradersecret      SESSION1                   2", "\0\x1F\x41  SESSION1                   5", 0},
        {"\0\x2FLtradersecret    SESSION1                     0", "\0\x1F\x41  SESSION1                  10", 0},
        {"\0\x2FLtradersecret      SESSION1                  99", "\0\x1F\x41  SESSION1                  10", 0},
        {"\0\x2FLtradersecret      SESSION2                   1", "\0\2JS", SOUP_SERVER_NO_SESSION},
        {"\0\x2FLtraderwrong                                  1", "\0\2JA", SOUP_SERVER_NOT_AUTHORISED},
        {"\0\x2FLother secret                                 1", "\0\2JA", SOUP_SERVER_NOT_AUTHORISED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        store s = new_store(10);
        s.oldest = 5;
        soup_server *server = new_server(&s, 4096, 0);
        uint8_t out[33];
        size_t length = cases[i].reason == 0 ? SOUP_ACCEPTED_BYTES : SOUP_REJECTED_BYTES;
        serve(server, cases[i].login, SOUP_LOGIN_BYTES, 0);
        EXPECT_U64(soup_server_output(server, out, length, 0), length);
        EXPECT_MSG(memcmp(out, cases[i].answer, length) == 0, "case %zu answered %.*s", i, (int)length - 3,
                   out + 3);
        EXPECT_I64(soup_server_read_status(server).reason, cases[i].reason);
        if (cases[i].reason != 0) EXPECT(soup_server_poll(server, 0));
        soup_server_free(server);
    }
}

TEST(soup_server, sends_messages_then_heartbeats_then_the_end) {
    store s = new_store(1);
    soup_server *server = new_server(&s, 4096, 0);
    SERVE(server, LOGIN_ANY, 0);
    EXPECT_SERVED(server, ACCEPTED_1, 0);
    EXPECT_I64(soup_server_next_ns(server), SECOND);
    EXPECT_SERVED(server, "", SECOND - 1);
    EXPECT_SERVED(server, "\0\1H", SECOND);
    s.next = 2;
    uint8_t message[MAX_MESSAGE + 3];
    size_t length = make_message(1, message + 3) + 3;
    message[0] = (uint8_t)((length - 2) >> 8);
    message[1] = (uint8_t)(length - 2);
    message[2] = 'S';
    expect_served(server, (const char *)message, length, SECOND + 1);
    EXPECT_SERVED(server, "", 2 * SECOND);
    s.ended = true;
    EXPECT_SERVED(server, "\0\1Z", 2 * SECOND);
    EXPECT(soup_server_poll(server, 2 * SECOND));
    EXPECT_I64(soup_server_read_status(server).reason, SOUP_SERVER_ENDED);
    soup_server_free(server);
}

TEST(soup_server, closes_on_what_a_client_may_not_do) {
    static const struct {
        const char *bytes;
        size_t length;
        soup_server_reason reason;
    } cases[] = {
        {"\0\1O", 3, SOUP_SERVER_LOGGED_OUT},    {"\0\2Sx", 4, SOUP_SERVER_UNEXPECTED},
        {LOGIN_ANY, 49, SOUP_SERVER_UNEXPECTED}, {"\0\0", 2, SOUP_SERVER_MALFORMED},
        {"\0\x50U", 3, SOUP_SERVER_MALFORMED},   {"\0\3Uhi", 5, SOUP_SERVER_OPEN},
        {"\0\1R", 3, SOUP_SERVER_OPEN},          {"\0\2?x", 4, SOUP_SERVER_OPEN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        store s = new_store(1);
        soup_server *server = new_server(&s, 4096, 0);
        SERVE(server, LOGIN_ANY, 0);
        EXPECT_SERVED(server, ACCEPTED_1, 0);
        serve(server, cases[i].bytes, cases[i].length, 0);
        EXPECT_STR(soup_server_reason_name(soup_server_read_status(server).reason),
                   soup_server_reason_name(cases[i].reason));
        EXPECT_I64(soup_server_poll(server, 0), cases[i].reason != SOUP_SERVER_OPEN);
        if (cases[i].bytes[2] == 'U' && cases[i].reason == SOUP_SERVER_OPEN) EXPECT_STR(s.unsequenced, "hi");
        soup_server_free(server);
    }
}

TEST(soup_server, closes_a_client_that_says_nothing) {
    store s = new_store(1);
    soup_server *server = new_server(&s, 4096, 0);
    EXPECT_I64(soup_server_next_ns(server), 15 * SECOND);
    EXPECT(!soup_server_poll(server, 15 * SECOND - 1));
    EXPECT(soup_server_poll(server, 15 * SECOND));
    EXPECT_I64(soup_server_read_status(server).reason, SOUP_SERVER_NO_LOGIN);
    soup_server_free(server);

    uint8_t out[64];
    server = new_server(&s, 4096, 0);
    SERVE(server, "\0\x34Ltradersecret                                 1 5000", 0); /* asks for five seconds */
    EXPECT_U64(soup_server_output(server, out, sizeof out, 0), SOUP_ACCEPTED_BYTES);
    EXPECT(!soup_server_poll(server, 5 * SECOND - 1));
    SERVE(server, "\0\1R", 5 * SECOND - 1);
    EXPECT(!soup_server_poll(server, 10 * SECOND - 2));
    EXPECT(soup_server_poll(server, 10 * SECOND - 1));
    EXPECT_I64(soup_server_read_status(server).reason, SOUP_SERVER_SILENT);
    soup_server_free(server);
}

TEST(soup_server, a_slow_client_costs_its_window_and_is_given_up_when_it_takes_nothing) {
    store s = new_store(1001);
    soup_server *server = new_server(&s, 1024, 0);
    uint8_t out[64];
    SERVE(server, LOGIN_ANY, 0);
    EXPECT_U64(soup_server_output(server, out, sizeof out, 0), sizeof out);
    soup_server_status status = soup_server_read_status(server);
    EXPECT_MSG(status.waiting_bytes <= 1024 && status.messages < 20, "%zu bytes, %" PRIu64 " messages",
               status.waiting_bytes, status.messages);
    SERVE(server, "\0\1R", 29 * SECOND); /* it lives, but takes nothing */
    EXPECT(!soup_server_poll(server, 30 * SECOND - 1));
    EXPECT(soup_server_poll(server, 30 * SECOND));
    EXPECT_I64(soup_server_read_status(server).reason, SOUP_SERVER_STALLED);
    soup_server_free(server);
}

TEST(soup_server, a_client_behind_the_oldest_message_is_closed_after_what_it_was_promised) {
    store s = new_store(1001);
    soup_server *server = new_server(&s, 1024, 0);
    uint8_t out[4096];
    SERVE(server, LOGIN_ANY, 0);
    EXPECT_U64(soup_server_output(server, out, 64, 0), 64);
    size_t promised = soup_server_read_status(server).waiting_bytes;
    s.oldest = 900;
    EXPECT_U64(soup_server_output(server, out, sizeof out, 0), promised);
    EXPECT(soup_server_poll(server, 0));
    EXPECT_I64(soup_server_read_status(server).reason, SOUP_SERVER_TOO_SLOW);
    soup_server_free(server);
}

TEST(soup_server, a_message_larger_than_the_window_ends_the_connection_with_its_reason) {
    store s = new_store(1001);
    soup_server *server = new_server(&s, 64, 0);
    uint8_t out[8192];
    SERVE(server, LOGIN_ANY, 0);
    (void)soup_server_output(server, out, sizeof out, 0);
    EXPECT(soup_server_poll(server, 0));
    EXPECT_I64(soup_server_read_status(server).reason, SOUP_SERVER_TOO_LARGE);
    soup_server_free(server);
}

/* ---- client against server ---- */

typedef struct pipe_bytes {
    uint8_t bytes[PIPE_BYTES];
    size_t length;
} pipe_bytes;

typedef struct world {
    tw_random random;
    int64_t now;
    store store;
    hearer hearer;
    soup_client *client;
    soup_server *server; /* NULL: not connected */
    pipe_bytes up, down;
    uint64_t connections;
} world;

static void world_open(world *w, uint64_t seed, uint64_t next) {
    *w = (world){.store = new_store(next)};
    tw_random_seed(&w->random, seed);
    w->client = new_client(&w->hearer, seed);
    EXPECT(soup_client_start(w->client, "", 1, 0));
}

static void disconnect(world *w) {
    soup_server_free(w->server);
    w->server = NULL;
    w->up.length = w->down.length = 0;
    soup_client_disconnected(w->client, w->now);
}

static void world_close(world *w) {
    soup_server_free(w->server);
    soup_client_free(w->client);
}

static size_t some(world *w, size_t most) {
    size_t bound = tw_random_chance(&w->random, 1, 2) ? 8 : 700;
    size_t count = 1 + (size_t)tw_random_below(&w->random, bound);
    return count < most ? count : most;
}

/* A piece leaves the pipe, in memory of its own size so that the sanitizer sees what is read beyond it. */
static uint8_t *take_piece(world *w, pipe_bytes *pipe, size_t *count) {
    *count = some(w, pipe->length);
    uint8_t *piece = malloc(*count + 1);
    memcpy(piece, pipe->bytes, *count);
    pipe->length -= *count;
    memmove(pipe->bytes, pipe->bytes + *count, pipe->length);
    return piece;
}

static void move_up(world *w) {
    size_t count, room = PIPE_BYTES - w->up.length;
    w->up.length += soup_client_output(w->client, w->up.bytes + w->up.length, some(w, room), w->now);
    if (w->server == NULL || w->up.length == 0) return;
    uint8_t *piece = take_piece(w, &w->up, &count);
    soup_server_received(w->server, piece, count, w->now);
    free(piece);
}

static void move_down(world *w) {
    size_t count, room = PIPE_BYTES - w->down.length;
    if (w->server != NULL)
        w->down.length += soup_server_output(w->server, w->down.bytes + w->down.length, some(w, room), w->now);
    if (w->down.length == 0) return;
    uint8_t *piece = take_piece(w, &w->down, &count);
    soup_client_received(w->client, piece, count, w->now, w->now);
    free(piece);
}

static void step(world *w) {
    soup_wish wish = soup_client_poll(w->client, w->now);
    if (wish == SOUP_WISH_CLOSE) disconnect(w);
    if (wish == SOUP_WISH_CONNECT) {
        w->connections++;
        w->server = new_server(&w->store, 2048, w->now);
        soup_client_connected(w->client, w->now);
    }
    move_up(w);
    move_down(w);
    if (w->server != NULL && soup_server_poll(w->server, w->now) && w->down.length == 0 && w->up.length == 0)
        disconnect(w);
}

TEST(soup_session, every_message_comes_once_and_in_order_through_random_cuts_and_disconnects) {
    uint64_t disconnects = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        world *w = malloc(sizeof *w);
        world_open(w, seed, 1);
        uint64_t steps = 0;
        while (!w->hearer.ended) {
            EXPECT_MSG(++steps < 400000, "seed %" PRIu64 ": no end after %" PRIu64 " messages", seed,
                       w->hearer.messages);
            w->now += (int64_t)tw_random_below(&w->random, 20 * MS);
            if (w->store.next <= 500 && tw_random_chance(&w->random, 1, 2))
                w->store.next += tw_random_below(&w->random, 8);
            w->store.ended = w->store.next > 500;
            step(w);
            if (w->server != NULL && tw_random_chance(&w->random, 1, 60)) {
                disconnect(w);
                disconnects++;
            }
        }
        EXPECT_MSG(
            w->hearer.expected == w->store.next && w->hearer.messages == w->store.next - 1 && w->hearer.lost == 0,
            "seed %" PRIu64 ": %" PRIu64 " messages of %" PRIu64, seed, w->hearer.messages, w->store.next - 1);
        world_close(w);
        free(w);
    }
    EXPECT_MSG(disconnects > 300, "only %" PRIu64 " disconnects: the test has lost its point", disconnects);
}

/* A connection that lives for exactly `point` bytes of the server's, then breaks; the next one lives on. */
TEST(soup_session, a_disconnect_after_any_byte_loses_and_repeats_nothing) {
    size_t whole = SOUP_ACCEPTED_BYTES;
    uint8_t scratch[MAX_MESSAGE];
    for (uint64_t seq = 1; seq <= 6; seq++)
        whole += SOUP_HEADER_BYTES + make_message(seq, scratch);
    for (size_t point = 0; point <= whole; point++) {
        world *w = malloc(sizeof *w);
        world_open(w, point + 1, 7);
        EXPECT_I64(soup_client_poll(w->client, 0), SOUP_WISH_CONNECT);
        w->server = new_server(&w->store, 4096, 0);
        soup_client_connected(w->client, 0);
        w->up.length = soup_client_output(w->client, w->up.bytes, PIPE_BYTES, 0);
        soup_server_received(w->server, w->up.bytes, w->up.length, 0);
        uint8_t *bytes = malloc(point + 1);
        EXPECT_U64(soup_server_output(w->server, bytes, point, 0), point);
        soup_client_received(w->client, bytes, point, 0, 0);
        free(bytes);
        disconnect(w);
        w->store.ended = true;
        for (unsigned i = 0; i < 5000 && !w->hearer.ended; i++) {
            w->now += MS;
            step(w);
        }
        EXPECT_MSG(w->hearer.ended && w->hearer.messages == 6, "cut at %zu: %" PRIu64 " messages", point,
                   w->hearer.messages);
        EXPECT_U64(soup_client_read_status(w->client).repeated, 0);
        world_close(w);
        free(w);
    }
}

TEST(soup_session, what_the_server_no_longer_has_is_told_as_lost) {
    world *w = malloc(sizeof *w);
    world_open(w, 3, 11);
    for (unsigned i = 0; i < 2000 && w->hearer.messages < 10; i++) {
        w->now += MS;
        step(w);
    }
    EXPECT_U64(w->hearer.messages, 10);
    disconnect(w);
    w->store.next = 41;
    w->store.oldest = 31;
    w->store.ended = true;
    for (unsigned i = 0; i < 5000 && !w->hearer.ended; i++) {
        w->now += MS;
        step(w);
    }
    EXPECT_U64(w->hearer.messages, 20);
    EXPECT_U64(w->hearer.lost, 20);
    EXPECT_U64(w->hearer.expected, 41);
    world_close(w);
    free(w);
}

TEST(soup_session, what_comes_again_after_a_resume_is_not_handed_on_again) {
    hearer h;
    uint8_t message[MAX_MESSAGE + 3];
    soup_client *client = new_streaming_client(&h);
    for (unsigned connection = 0; connection < 2; connection++) {
        for (uint64_t seq = 1; seq <= 5; seq++) {
            uint8_t content[MAX_MESSAGE];
            size_t length = make_message(seq, content);
            length = soup_write_data(message, sizeof message, SOUP_SEQUENCED, content, length);
            soup_client_received(client, message, length, 0, 0);
        }
        if (connection == 1) break;
        soup_client_disconnected(client, 0);
        EXPECT_I64(soup_client_poll(client, SECOND), SOUP_WISH_CONNECT);
        soup_client_connected(client, SECOND);
        EXPECT_OUTPUT(client, "\0\x2FLtradersecret      SESSION1                   6", SECOND);
        RECEIVE(client, ACCEPTED_1, SECOND); /* the server goes back to 1 all the same */
    }
    EXPECT_U64(h.messages, 5);
    EXPECT_U64(soup_client_read_status(client).repeated, 5);
    EXPECT_U64(soup_client_read_status(client).next, 6);
    soup_client_free(client);
}

TEST(soup_session, random_bytes_break_neither_end) {
    uint64_t seed = 77;
    fprintf(stderr, "seed %" PRIu64 "\n", seed);
    tw_random random;
    tw_random_seed(&random, seed);
    for (unsigned round = 0; round < 3000; round++) {
        hearer h;
        soup_client *client = new_client(&h, round);
        store s = new_store(5);
        soup_server *server = new_server(&s, 256, 0);
        EXPECT(soup_client_start(client, "", 1, 0));
        (void)soup_client_poll(client, 0);
        soup_client_connected(client, 0);
        if (round % 2 == 0) RECEIVE(client, "\0\x1F\x41  SESSION1                 999", 0);
        if (round % 2 == 0) SERVE(server, LOGIN_ANY, 0);
        for (unsigned piece = 0; piece < 6; piece++) {
            size_t length = (size_t)tw_random_below(&random, 40);
            uint8_t *bytes = malloc(length + 1), out[64];
            for (size_t i = 0; i < length; i++)
                bytes[i] = tw_random_chance(&random, 3, 4)
                               ? (uint8_t) "\0\0\1\1+AJHZLURO"[tw_random_below(&random, 13)]
                               : (uint8_t)tw_random_u64(&random);
            for (size_t i = 0; i < length; i++) /* messages would have to be the right ones: let none through */
                if (bytes[i] == 'S') bytes[i] = 'H';
            soup_server_received(server, bytes, length, (int64_t)piece);
            (void)soup_server_output(server, out, sizeof out, (int64_t)piece);
            (void)soup_server_poll(server, (int64_t)piece);
            bytes[length] = 0;
            soup_client_received(client, bytes, length, 0, (int64_t)piece);
            (void)soup_client_output(client, out, sizeof out, (int64_t)piece);
            (void)soup_client_poll(client, (int64_t)piece);
            free(bytes);
        }
        soup_client_free(client);
        soup_server_free(server);
    }
}
