/* Slow clients, silent ones, ones that never read; frames in pieces; the end. */
#include "base/random.h"
#include "base/text.h"
#include "gateways/stream/internal.h"
#include "tests/support/stream_desk.h"
#include "tests/unit.h"

static stream_desk desk;

static void begin(void) {
    stream_options options = desk_options();
    options.requests_per_second = 1000;
    desk_open(&desk, &options);
}

static uint32_t subscriber(const char *subjects) {
    char request[256];
    uint32_t who = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    snprintf(request, sizeof request, "{\"op\":\"subscribe\",\"subjects\":[%s]}", subjects);
    desk_ask(&desk, who, request);
    desk_all(&desk, who);
    return who;
}

/* Writes exactly so many bytes of what is there. */
static size_t write_some(uint32_t who, size_t bytes) {
    stream_span spans[STREAM_MAX_SPANS];
    uint32_t count = stream_gather(desk.stream, who, spans, 65536);
    size_t total = 0, left = bytes;
    for (uint32_t i = 0; i < count; i++) {
        size_t now = left < spans[i].length ? left : spans[i].length;
        stream_peer_feed(&desk.peers[who], spans[i].bytes, now);
        left -= now;
        total += spans[i].length;
    }
    EXPECT(bytes <= total);
    stream_sent(desk.stream, who, bytes, desk.now_ns);
    return total;
}

TEST(stream_client, a_frame_begun_is_finished_although_its_group_has_forgotten_it) {
    begin();
    uint32_t who = subscriber("\"XNAS.AAA.orderbook\"");
    desk_book(&desk, "AAA", 10);
    desk_all(&desk, who);
    desk_book(&desk, "AAA", 11);
    desk_book(&desk, "AAA", 12);
    stream_round(desk.stream, desk.now_ns);
    EXPECT_U64(stream_next_ready(desk.stream), who);
    write_some(who, 3); /* the head of the first and a byte of what is in it */
    for (uint64_t i = 0; i < 200; i++)
        desk_book(&desk, "AAA", 100 + i);
    stream_round(desk.stream, desk.now_ns);
    EXPECT_U64(stream_next_ready(desk.stream), STREAM_NO_CLIENT); /* it can't write */
    stream_writable(desk.stream, who);
    EXPECT_U64(stream_next_ready(desk.stream), who);
    peer_message m;
    EXPECT(desk_await(&desk, who, "book", &m));
    EXPECT_U64(m.header.seq, 2); /* the one begun, whole */
    EXPECT(!m.header.snapshot);
    EXPECT(desk_await(&desk, who, "book", &m)); /* then the latest in place of the rest */
    EXPECT(m.header.snapshot);
    EXPECT_U64(m.header.seq, 203);
    EXPECT_U64(m.merged, 201);
    EXPECT_U64(m.sides[0][0].quantity, 299);
    EXPECT_STR(desk_all(&desk, who), "");
    EXPECT_U64(stream_read_stats(desk.stream).merged, 201);
    desk_close(&desk);
}

TEST(stream_client, every_cut_of_a_write_gives_the_same_messages) {
    for (size_t piece = 1; piece < 40; piece++) {
        begin();
        desk_book(&desk, "AAA", 10);
        desk_book(&desk, "BBB", 10);
        uint32_t who = desk_connect(&desk, piece % 2 ? STREAM_JSON : STREAM_PROTOBUF, STREAM_WEBSOCKET);
        desk_ask(&desk, who, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\",\"XNAS.BBB.orderbook\"]}");
        stream_round(desk.stream, desk.now_ns);
        desk_book(&desk, "AAA", 11);
        while (stream_has_more(desk.stream, who)) {
            stream_span spans[STREAM_MAX_SPANS];
            size_t total = 0;
            uint32_t count = stream_gather(desk.stream, who, spans, piece * 7);
            for (uint32_t i = 0; i < count; i++)
                total += spans[i].length;
            EXPECT(total <= piece * 7);
            stream_sent(desk.stream, who, 0, desk.now_ns);
            stream_writable(desk.stream, who);
            write_some(who, total < piece ? total : piece);
            stream_writable(desk.stream, who);
        }
        EXPECT_STR(desk_all(&desk, who), "hello ack book:AAA:S:3 book:BBB:S:2");
        desk_close(&desk);
    }
}

TEST(stream_client, who_has_too_much_waiting_goes_on_with_the_latest_of_each_subject) {
    stream_options options = desk_options();
    options.client_bytes = 8192;
    options.frames_kept = 1000;
    desk_open(&desk, &options);
    desk_book(&desk, "AAA", 10);
    desk_book(&desk, "BBB", 10);
    desk_book(&desk, "CCC", 10);
    uint32_t slow = subscriber("\"XNAS.*.orderbook\""), fast = subscriber("\"XNAS.*.orderbook\"");
    write_some(slow, 0); /* it can't write */
    static const char *const symbols[] = {"AAA", "BBB", "CCC"};
    for (uint64_t i = 0; i < 30; i++) {
        for (int k = 0; k < 3; k++)
            desk_book(&desk, symbols[k], 11 + i);
        desk_all(&desk, fast);
    }
    EXPECT(client_at(desk.stream, slow)->lagging);
    stream_writable(desk.stream, slow);
    EXPECT_STR(desk_all(&desk, slow), "book:AAA:S:91 book:BBB:S:92 book:CCC:S:93");
    EXPECT_U64(client_at(desk.stream, slow)->waiting, 0);
    desk_book(&desk, "AAA", 99);
    EXPECT_STR(desk_all(&desk, slow), "book:AAA:94");
    EXPECT_STR(desk_all(&desk, fast), "book:AAA:94");
    desk_close(&desk);
}

TEST(stream_client, one_that_never_reads_costs_no_memory_and_no_time) {
    begin();
    uint32_t dead = subscriber("\"XNAS.*.orderbook\""), alive = subscriber("\"XNAS.*.orderbook\"");
    desk_book(&desk, "AAA", 10);
    stream_round(desk.stream, desk.now_ns);
    write_some(dead, 0);
    for (uint64_t i = 0; i < 3000; i++) {
        desk_book(&desk, "AAA", 11 + i);
        stream_round(desk.stream, desk.now_ns);
        for (uint32_t who; (who = stream_next_ready(desk.stream)) != STREAM_NO_CLIENT;) {
            EXPECT_U64(who, alive);
            desk_write(&desk, who);
        }
    }
    const client *c = client_at(desk.stream, dead);
    EXPECT_U64(c->rest.capacity + c->outbox.capacity, 0);
    EXPECT(stream_read_stats(desk.stream).kept_bytes <= 2 * 32768);
    stream_writable(desk.stream, dead);
    EXPECT_STR(desk_all(&desk, dead), "book:AAA:S:3001");
    desk_close(&desk);
}

TEST(stream_client, one_that_asks_and_never_reads_the_answers_is_closed) {
    stream_options options = desk_options();
    options.client_bytes = 4096;
    options.requests_per_second = 100000;
    desk_open(&desk, &options);
    uint32_t who = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    for (int i = 0; i < 500; i++)
        desk_ask(&desk, who, "{\"op\":\"ping\"}");
    EXPECT_STR(desk.closed, "1008 does not read its answers");
    EXPECT(client_at(desk.stream, who)->outbox.capacity <= 2 * 4096);
    desk_close(&desk);
}

TEST(stream_client, each_gets_its_turn_once_in_a_round) {
    begin();
    uint32_t a = subscriber("\"XNAS.*.quote\""), b = subscriber("\"XNAS.*.quote\"");
    for (int i = 0; i < 20; i++)
        desk_quote(&desk, "AAA", 100 + i);
    stream_round(desk.stream, desk.now_ns);
    stream_span spans[STREAM_MAX_SPANS];
    uint32_t first = stream_next_ready(desk.stream);
    EXPECT(first == a || first == b);
    uint32_t count = stream_gather(desk.stream, first, spans, 100);
    size_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += spans[i].length;
    EXPECT_U64(total, 100);
    stream_sent(desk.stream, first, total, desk.now_ns); /* there is more, but others come first */
    EXPECT_U64(stream_next_ready(desk.stream), first == a ? b : a);
    EXPECT_U64(stream_next_ready(desk.stream), STREAM_NO_CLIENT);
    EXPECT(stream_has_later(desk.stream));
    stream_round(desk.stream, desk.now_ns);
    EXPECT(!stream_has_later(desk.stream));
    EXPECT_U64(stream_next_ready(desk.stream), first);
    desk_close(&desk);
}

static uint32_t hasty_subscriber(void) {
    uint32_t who = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    desk_quote(&desk, "AAA", 99);
    desk_ask(&desk, who, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.*.quote\"],\"interval_ms\":0}");
    desk_all(&desk, who);
    return who;
}

/* Writes all that this client is to have now, which must be this. */
static void expect_written(uint32_t who, const char *words) {
    stream_span spans[STREAM_MAX_SPANS];
    static char all[256];
    peer_message m;
    size_t total = 0, used = 0;
    uint32_t count = stream_gather(desk.stream, who, spans, SIZE_MAX);
    for (uint32_t i = 0; i < count; total += spans[i++].length)
        stream_peer_feed(&desk.peers[who], spans[i].bytes, spans[i].length);
    stream_sent(desk.stream, who, total, desk.now_ns);
    for (all[0] = '\0'; desk_next(&desk, who, &m); used = strlen(all))
        tw_text_format(all + used, sizeof all - used, "%s%s", used > 0 ? " " : "", m.type);
    EXPECT_STR(all, words);
}

/* One of two has been written to in this round when another update comes. */
static void in_the_middle_of_a_round(uint32_t *early, uint32_t *late) {
    begin();
    uint32_t a = hasty_subscriber(), b = hasty_subscriber();
    desk_all(&desk, a);
    desk_quote(&desk, "AAA", 100);
    stream_round(desk.stream, desk.now_ns);
    *early = stream_next_ready(desk.stream);
    *late = *early == a ? b : a;
    expect_written(*early, "quote");
    desk_quote(&desk, "AAA", 101);
    stream_round_on(desk.stream, desk.now_ns);
}

TEST(stream_client, who_is_late_in_a_round_gets_what_has_come_meanwhile_and_who_was_early_the_next_time) {
    uint32_t early, late;
    in_the_middle_of_a_round(&early, &late);
    EXPECT_U64(stream_next_ready(desk.stream), late);
    expect_written(late, "quote quote");
    EXPECT_U64(stream_next_ready(desk.stream), STREAM_NO_CLIENT);
    EXPECT(stream_has_later(desk.stream));
    stream_round(desk.stream, desk.now_ns);
    EXPECT_U64(stream_next_ready(desk.stream), early);
    expect_written(early, "quote");
    EXPECT_U64(stream_next_ready(desk.stream), STREAM_NO_CLIENT);
    desk_close(&desk);
}

TEST(stream_client, an_answer_does_not_wait_for_the_next_round) {
    uint32_t early, late;
    in_the_middle_of_a_round(&early, &late);
    desk_ask(&desk, early, "{\"op\":\"ping\"}");
    EXPECT_U64(stream_next_ready(desk.stream), early);
    expect_written(early, "pong quote");
    EXPECT_U64(stream_next_ready(desk.stream), late);
    expect_written(late, "quote quote");
    EXPECT_U64(stream_next_ready(desk.stream), STREAM_NO_CLIENT);
    EXPECT(!stream_has_later(desk.stream));
    desk_close(&desk);
}

enum { CROWD = 12 };

/* All of them have a quote to get, and nobody was written to yet. */
static void crowd(uint32_t who[CROWD]) {
    begin();
    for (int i = 0; i < CROWD; i++)
        who[i] = hasty_subscriber();
    for (int i = 0; i < CROWD; i++)
        desk_all(&desk, who[i]);
    desk_quote(&desk, "AAA", 100);
    stream_round(desk.stream, desk.now_ns);
}

TEST(stream_client, who_gets_an_answer_or_a_report_comes_before_the_crowd_in_the_order_of_the_answers) {
    static const char report[] = "{\"type\":\"execution\"}";
    uint32_t who[CROWD], number;
    crowd(who);
    desk_ask(&desk, who[9], "{\"op\":\"ping\"}");
    stream_report(desk.stream, who[4], report, sizeof report - 1, desk.now_ns);
    desk_ask(&desk, who[9], "{\"op\":\"ping\"}"); /* has its place already */
    desk_ask(&desk, who[7], "{\"op\":\"dance\"}");
    const struct {
        uint32_t who;
        const char *gets;
    } answered[] = {{who[9], "pong pong quote"}, {who[4], "execution quote"}, {who[7], "error quote"}};
    uint32_t others = 0;
    for (int i = 0; i < 3; i++) {
        EXPECT_U64(stream_next_ready(desk.stream), answered[i].who);
        expect_written(answered[i].who, answered[i].gets);
        number = stream_next_ready(desk.stream); /* one of the others between two answers */
        EXPECT(number != STREAM_NO_CLIENT && number != who[9] && number != who[4] && number != who[7]);
        expect_written(number, "quote");
        others++;
    }
    for (; (number = stream_next_ready(desk.stream)) != STREAM_NO_CLIENT; others++)
        expect_written(number, "quote");
    EXPECT_U64(others, CROWD - 3);
    desk_close(&desk);
}

TEST(stream_client, who_asks_without_end_takes_every_second_turn_at_most) {
    uint32_t who[CROWD];
    crowd(who);
    bool had[CROWD] = {false};
    for (int turn = 0; turn < 2 * (CROWD - 1); turn++) {
        desk_ask(&desk, who[0], "{\"op\":\"ping\"}");
        uint32_t number = stream_next_ready(desk.stream);
        EXPECT_MSG((number == who[0]) == (turn % 2 == 0), "turn %d is of %u", turn, number);
        expect_written(number, number != who[0] ? "quote" : turn == 0 ? "pong quote" : "pong pong");
        for (int i = 0; i < CROWD; i++)
            had[i] = had[i] || number == who[i];
    }
    for (int i = 0; i < CROWD; i++)
        EXPECT(had[i]);
    desk_ask(&desk, who[0], "{\"op\":\"ping\"}"); /* nobody else is left: it need not wait for anybody */
    EXPECT_U64(stream_next_ready(desk.stream), who[0]);
    expect_written(who[0], "pong pong");
    desk_ask(&desk, who[0], "{\"op\":\"ping\"}");
    EXPECT_U64(stream_next_ready(desk.stream), who[0]);
    expect_written(who[0], "pong");
    desk_close(&desk);
}

TEST(stream_client, who_asks_without_end_does_not_keep_others_from_the_next_round) {
    uint32_t who[CROWD], number;
    crowd(who);
    while ((number = stream_next_ready(desk.stream)) != STREAM_NO_CLIENT)
        expect_written(number, "quote");
    desk_ask(&desk, who[0], "{\"op\":\"ping\"}");
    desk_quote(&desk, "AAA", 101);
    stream_round_on(desk.stream, desk.now_ns);
    int told = 0;
    for (int others = 0; others < CROWD - 1;) {
        number = stream_next_ready(desk.stream);
        EXPECT(number != STREAM_NO_CLIENT);
        if (number == who[0]) {
            expect_written(number, told++ == 0 ? "pong quote" : "pong");
            desk_ask(&desk, who[0], "{\"op\":\"ping\"}");
        } else {
            expect_written(number, "quote");
            others++;
        }
    }
    desk_close(&desk);
}

TEST(stream_client, a_heartbeat_waits_in_line_and_an_answer_to_a_socket_that_was_full_does_not) {
    uint32_t who[CROWD];
    crowd(who);
    uint32_t full = stream_next_ready(desk.stream);
    write_some(full, 1);
    desk_ask(&desk, full, "{\"op\":\"ping\"}");
    uint32_t next = stream_next_ready(desk.stream);
    EXPECT(next != full);
    expect_written(next, "quote");
    stream_writable(desk.stream, full);
    EXPECT_U64(stream_next_ready(desk.stream), full);
    expect_written(full, "quote pong");
    while ((next = stream_next_ready(desk.stream)) != STREAM_NO_CLIENT)
        expect_written(next, "quote");
    desk.now_ns += 6000 * DESK_MS;
    stream_round(desk.stream, desk.now_ns); /* heartbeats for all */
    EXPECT(desk.stream->first.first == NONE && desk.stream->ready.first != NONE);
    desk_close(&desk);
}

TEST(stream_client, who_gets_nothing_else_gets_a_heartbeat_and_who_is_not_heard_of_is_closed) {
    begin();
    uint32_t who = subscriber("\"XNAS.*.quote\""), events = desk_connect(&desk, STREAM_JSON, STREAM_SSE);
    desk_all(&desk, events);
    for (int second = 0; second < 9; second++) {
        desk.now_ns += 1000 * DESK_MS;
        desk_quote(&desk, "AAA", 100 + second);
        desk_write(&desk, who);
    }
    EXPECT_U64(stream_read_stats(desk.stream).heartbeats, 1); /* of the event stream, which asked for nothing */
    EXPECT_STR(desk_all(&desk, events), "");
    EXPECT_U64(desk.peers[events].comments, 1);
    desk_all(&desk, who);
    desk.now_ns += 6000 * DESK_MS;
    stream_heard(desk.stream, who, desk.now_ns);
    EXPECT_STR(desk_all(&desk, who), "heartbeat");
    for (int second = 0; second < 29; second++) {
        desk.now_ns += 1000 * DESK_MS;
        desk_all(&desk, who);
    }
    EXPECT_STR(desk.closed, "");
    desk.now_ns += 2000 * DESK_MS;
    desk_all(&desk, who);
    EXPECT_STR(desk.closed, "4408 nothing was heard for too long");
    EXPECT_U64(desk.closed_client, who);
    desk_quote(&desk, "AAA", 1);
    EXPECT_STR(desk_all(&desk, who), ""); /* nothing is begun any more */
    desk_close(&desk);
}

TEST(stream_client, a_planned_end_is_announced_with_times_to_come_back_that_are_spread) {
    begin();
    uint32_t clients[16];
    for (int i = 0; i < 16; i++)
        clients[i] = subscriber("\"XNAS.*.quote\"");
    stream_say_goodbye(desk.stream, "a new version", 1000, 9000);
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < 16; i++) {
        peer_message m;
        EXPECT(desk_await(&desk, clients[i], "closing", &m));
        EXPECT_CONTAINS(m.text, "\"reason\":\"a new version\"");
        const char *at = strstr(m.text, "reconnect_after_ms\":");
        EXPECT(at != NULL);
        int64_t after = strtoll(at + strlen("reconnect_after_ms\":"), NULL, 10);
        EXPECT(after >= 1000 && after <= 9000);
        least = after < least ? after : least;
        most = after > most ? after : most;
    }
    EXPECT(most - least > 2000);
    desk_close(&desk);
}

TEST(stream_client, there_is_room_for_so_many_and_again_when_one_has_left) {
    stream_options options = desk_options();
    options.max_clients = 2;
    desk_open(&desk, &options);
    uint32_t first = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    EXPECT_U64(desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET), STREAM_NO_CLIENT);
    stream_close(desk.stream, first);
    EXPECT_U64(desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET), first);
    EXPECT_STR(desk_all(&desk, first), "hello");
    desk_close(&desk);
}

/* ---- resuming ---- */

static uint32_t resume(const char *epoch, unsigned seq, unsigned depth) {
    char request[300];
    uint32_t who = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    snprintf(request, sizeof request,
             "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"],\"resume\":{\"XNAS.AAA.orderbook\":"
             "{\"epoch\":\"%s\",\"seq\":\"%u\",\"depth\":%u}}}",
             epoch, seq, depth);
    desk_ask(&desk, who, request);
    return who;
}

TEST(stream_resume, goes_on_where_the_client_was_if_what_came_since_is_held) {
    begin();
    desk_book(&desk, "AAA", 10);
    uint32_t who = subscriber("\"XNAS.AAA.orderbook\"");
    desk_book(&desk, "AAA", 11);
    EXPECT_STR(desk_all(&desk, who), "book:AAA:2");
    stream_close(desk.stream, who);
    desk_book(&desk, "AAA", 12); /* nobody is there; the group lingers */
    desk_book(&desk, "AAA", 13);
    struct {
        const char *epoch;
        unsigned seq, depth;
        const char *gets;
    } rows[] = {
        {"2020-01-30.S", 2, 10, "hello ack book:AAA:3 book:AAA:4"},
        {"2020-01-30.S", 1, 10, "hello ack book:AAA:2 book:AAA:3 book:AAA:4"},
        {"2020-01-30.S", 4, 10, "hello ack"},
        {"2020-01-30.S", 2, 5, "hello ack book:AAA:S:4"},  /* other levels */
        {"2020-01-30.S", 9, 10, "hello ack book:AAA:S:4"}, /* never was */
        {"2020-01-29.S", 2, 10, "hello ack book:AAA:S:4"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        EXPECT_STR(desk_all(&desk, resume(rows[i].epoch, rows[i].seq, rows[i].depth)), rows[i].gets);
    EXPECT_U64(stream_read_stats(desk.stream).resumed, 3);
    EXPECT_U64(stream_read_stats(desk.stream).resume_failed, 3);
    desk_close(&desk);
}

TEST(stream_resume, what_nothing_is_known_of_is_named_and_what_the_answer_has_no_room_for_is_refused) {
    static char request[4096];
    peer_message m;
    begin();
    desk_book(&desk, "AAA", 10);
    uint32_t who = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    desk_ask(&desk, who,
             "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.*.orderbook\"],\"resume\":{"
             "\"XNAS.AAA.orderbook\":{\"epoch\":\"2020-01-30.S\",\"seq\":\"1\"},"
             "\"XNAS.BBB.orderbook\":{\"epoch\":\"2020-01-30.S\",\"seq\":\"1\"},"
             "\"XNAS.\\\"B.orderbook\":{\"epoch\":\"2020-01-30.S\",\"seq\":\"1\"},"
             "\"XNYS.BBB.orderbook\":{\"epoch\":\"2020-01-30.S\",\"seq\":\"1\"}}}");
    EXPECT(desk_await(&desk, who, "ack", &m));
    EXPECT_CONTAINS(m.text, "\"unknown\":[\"XNAS.BBB.orderbook\"]");

    desk_close(&desk);
    stream_options options = desk_options();
    options.client_bytes =
        STREAM_LEAST_CLIENT_BYTES; /* less than 16 answers of the longest, and their subjects again */
    desk_open(&desk, &options);
    who = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    size_t used = (size_t)snprintf(request, sizeof request, "{\"op\":\"subscribe\",\"subjects\":[");
    for (int i = 0; i < 16; i++)
        used += (size_t)snprintf(request + used, sizeof request - used, "%s\"XNAS.%032d.orderbook\"",
                                 i > 0 ? "," : "", i);
    used += (size_t)snprintf(request + used, sizeof request - used, "],\"resume\":{");
    for (int i = 0; i < 16; i++)
        used += (size_t)snprintf(request + used, sizeof request - used,
                                 "%s\"XNAS.%032d.orderbook\":{\"epoch\":\"E\",\"seq\":\"1\"}", i > 0 ? "," : "", i);
    snprintf(request + used, sizeof request - used, "}}");
    desk_ask(&desk, who, request);
    EXPECT(desk_await(&desk, who, "error", &m));
    EXPECT_STR(m.code, "TOO_MANY");
    desk_close(&desk);
}

TEST(stream_resume, a_change_of_state_since_is_told) {
    begin();
    desk_book(&desk, "AAA", 10);
    uint32_t who = subscriber("\"XNAS.AAA.orderbook\"");
    desk_book(&desk, "AAA", 11);
    desk_all(&desk, who);
    stream_close(desk.stream, who);
    desk.state = TW_BOOK_STALE;
    desk_book_again(&desk, "AAA", 11);
    peer_message m;
    EXPECT(desk_await(&desk, resume("2020-01-30.S", 2, 10), "book", &m));
    EXPECT(m.header.state == TW_BOOK_STALE && !m.header.snapshot);
    desk_close(&desk);
}

TEST(stream_resume, a_snapshot_that_waits_gives_way_to_a_resume_and_nothing_is_left_to_send) {
    begin();
    desk_book(&desk, "AAA", 10);
    uint32_t first = subscriber("\"XNAS.AAA.orderbook\"");
    desk_book(&desk, "AAA", 11);
    desk_all(&desk, first);
    uint32_t who = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    desk_ask(&desk, who, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    desk_ask(&desk, who,
             "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"],\"resume\":{\"XNAS.AAA.orderbook\":"
             "{\"epoch\":\"2020-01-30.S\",\"seq\":\"2\"}}}");
    stream_span spans[STREAM_MAX_SPANS];
    uint32_t count = stream_gather(desk.stream, who, spans, 65536);
    EXPECT_U64(count, 1); /* greeting and acknowledgements */
    stream_sent(desk.stream, who, spans[0].length, desk.now_ns);
    EXPECT(!stream_has_more(desk.stream, who));
    desk_book(&desk, "AAA", 12);
    EXPECT_STR(desk_all(&desk, who), "book:AAA:3");
    desk_close(&desk);
}

TEST(stream_resume, what_is_no_longer_held_or_no_longer_chains_on_is_a_snapshot) {
    begin();
    desk_book(&desk, "AAA", 10);
    uint32_t who = subscriber("\"XNAS.AAA.orderbook\"");
    stream_close(desk.stream, who);
    for (uint64_t i = 0; i < 100; i++)
        desk_book(&desk, "AAA", 11 + i);
    EXPECT_STR(desk_all(&desk, resume("2020-01-30.S", 5, 10)), "hello ack book:AAA:S:101");
    desk.term = 2;
    desk_book(&desk, "AAA", 7);
    EXPECT_STR(desk_all(&desk, resume("2020-01-30.S", 101, 10)), "hello ack book:AAA:S:102");
    desk_close(&desk);
}

/* ---- more to come back for than may wait ---- */

static const char *const busy[] = {"AAA", "BBB", "CCC"};
enum { BUSY = sizeof busy / sizeof *busy, MISSED = 12, HELD_BYTES = 8192 };

/* One print of each and one change of each book, told to whoever is there. */
static void busy_moment(uint64_t number) {
    for (int k = 0; k < BUSY; k++) {
        desk_book(&desk, busy[k], 10 + number);
        desk.seq--; /* of the book: prints have numbers of their own */
        desk_prints(&desk, busy[k], number - 1, number, 1, number);
        desk.seq++;
    }
    stream_round(desk.stream, desk.now_ns);
}

/* A client had the first moment of all, lost its connection, missed MISSED moments and came back to behind what it had. */
static uint32_t back_with_much_to_get(void) {
    static char request[4096];
    stream_options options = desk_options();
    options.client_bytes = HELD_BYTES;
    options.frames_kept = 1000;
    desk_open(&desk, &options);
    uint32_t who = subscriber("\"XNAS.*.orderbook\",\"XNAS.*.trade\"");
    busy_moment(1);
    desk_all(&desk, who);
    stream_close(desk.stream, who);
    for (uint64_t i = 0; i < MISSED; i++)
        busy_moment(2 + i);
    size_t used = (size_t)snprintf(request, sizeof request,
                                   "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.*.orderbook\",\"XNAS.*.trade\"],"
                                   "\"resume\":{");
    for (int k = 0; k < BUSY; k++)
        used += (size_t)snprintf(request + used, sizeof request - used,
                                 "%s\"XNAS.%s.orderbook\":{\"epoch\":\"2020-01-30.S\",\"seq\":\"%d\"},"
                                 "\"XNAS.%s.trade\":{\"epoch\":\"2020-01-30.S\",\"seq\":\"1\"}",
                                 k > 0 ? "," : "", busy[k], k + 1, busy[k]);
    snprintf(request + used, sizeof request - used, "}}");
    who = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    desk_ask(&desk, who, request);
    EXPECT(client_at(desk.stream, who)->waiting > HELD_BYTES);
    return who;
}

/* Reads all there is. Returns how many snapshots were among it. */
static uint32_t read_all(uint32_t who, uint32_t *messages) {
    peer_message m;
    uint32_t snapshots = 0;
    desk_write(&desk, who);
    for (*messages = 0; desk_next(&desk, who, &m);) {
        *messages += m.subject[0] != '\0';
        snapshots += m.header.snapshot;
    }
    return snapshots;
}

TEST(stream_resume, what_is_held_is_given_however_much_it_is_while_more_comes) {
    uint32_t who = back_with_much_to_get(), messages;
    stream_stats before = stream_read_stats(desk.stream);
    EXPECT_U64(before.resumed + before.resume_failed, 0); /* nothing was given yet */
    for (uint64_t i = 0; i < 2; i++) { /* these come before it has read anything, and while it reads */
        busy_moment(2 + MISSED + i);
        EXPECT(!client_at(desk.stream, who)->lagging);
        write_some(who, 500);
        stream_writable(desk.stream, who);
    }
    EXPECT_U64(read_all(who, &messages), 0);
    EXPECT_U64(messages, 2 * BUSY * (MISSED + 2));
    stream_stats stats = stream_read_stats(desk.stream);
    EXPECT_U64(stats.resumed, 2 * BUSY);
    EXPECT_U64(stats.resume_failed + stats.prints_passed_over + stats.merged, 0);
    EXPECT_U64(client_at(desk.stream, who)->waiting, 0);
    EXPECT_U64(client_at(desk.stream, who)->grace, 0); /* from now on it is as slow as any other */
    write_some(who, 0);
    for (uint64_t i = 0; i < MISSED && !client_at(desk.stream, who)->lagging; i++)
        busy_moment(4 + MISSED + i);
    EXPECT(client_at(desk.stream, who)->lagging);
    desk_close(&desk);
}

TEST(stream_resume, who_comes_back_and_does_not_read_has_the_latest_once_the_rest_is_no_longer_held) {
    uint32_t who = back_with_much_to_get(), messages;
    write_some(who, 1);
    for (uint64_t i = 0; i < 10 * MISSED; i++)
        busy_moment(2 + MISSED + i);
    const client *c = client_at(desk.stream, who);
    EXPECT(c->rest.capacity + c->outbox.capacity <= HELD_BYTES);
    stream_writable(desk.stream, who);
    EXPECT_U64(read_all(who, &messages), 2 * BUSY);
    EXPECT_U64(messages, 2 * BUSY);
    stream_stats stats = stream_read_stats(desk.stream);
    EXPECT_U64(stats.resumed, 0);
    EXPECT_U64(stats.resume_failed, 2 * BUSY);
    EXPECT_U64(c->waiting + c->grace, 0);
    desk_close(&desk);
}

TEST(stream_resume, who_reads_but_too_slowly_to_catch_up_lags_like_any_other) {
    uint32_t who = back_with_much_to_get();
    const client *c = client_at(desk.stream, who);
    for (uint64_t i = 0; i < 1000 && !c->lagging; i++) {
        stream_writable(desk.stream, who);
        write_some(who, 700); /* a third of what comes */
        busy_moment(2 + MISSED + i);
    }
    EXPECT(c->lagging);
    desk_close(&desk);
}

TEST(stream_resume, who_is_gone_before_all_was_given_has_neither_resumed_nor_failed) {
    uint32_t who = back_with_much_to_get();
    stream_close(desk.stream, who);
    EXPECT_U64(stream_read_stats(desk.stream).resumed + stream_read_stats(desk.stream).resume_failed, 0);
    desk_close(&desk);
}

TEST(stream_resume, an_event_stream_goes_on_behind_its_last_event_id) {
    begin();
    desk_book(&desk, "AAA", 10);
    uint32_t who = desk_connect(&desk, STREAM_JSON, STREAM_SSE);
    desk_ask(&desk, who, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    peer_message m;
    EXPECT(desk_await(&desk, who, "book", &m));
    EXPECT_STR(m.event_id, "XNAS.AAA.orderbook|2020-01-30.S|1|10");
    desk_book(&desk, "AAA", 11);
    EXPECT(desk_await(&desk, who, "book", &m));
    EXPECT_STR(m.event_id, "XNAS.AAA.orderbook|2020-01-30.S|2|10");
    stream_close(desk.stream, who);
    desk_book(&desk, "AAA", 12);
    who = desk_connect(&desk, STREAM_JSON, STREAM_SSE);
    desk_ask(&desk, who,
             "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"],"
             "\"last_event_id\":\"XNAS.AAA.orderbook|2020-01-30.S|2|10\"}");
    EXPECT_STR(desk_all(&desk, who), "hello ack book:AAA:3");
    static const char *const odd[] = {
        "", "x", "|||", "a|b|c|d", "XNAS.AAA.orderbook|2020-01-30.S|2", "XNAS.AAA.orderbook|2020-01-30.S|2|99999"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        char request[300];
        who = desk_connect(&desk, STREAM_JSON, STREAM_SSE);
        snprintf(request, sizeof request,
                 "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"],\"last_event_id\":\"%s\"}", odd[i]);
        desk_ask(&desk, who, request);
        EXPECT_STR(desk_all(&desk, who), "hello ack book:AAA:S:3");
    }
    desk_close(&desk);
}

/* ---- the index of members ---- */

TEST(stream_members, each_client_of_each_topic_is_found_whoever_else_comes_and_goes) {
    enum { WHO = 8, TOPICS = 16 };
    bool in[WHO][TOPICS] = {{false}};
    stream_options options = desk_options();
    options.max_members = WHO * TOPICS; /* two slots each */
    options.requests_per_second = 1000000;
    desk_open(&desk, &options);
    tw_random random;
    tw_random_seed(&random, 11);
    for (int i = 0; i < TOPICS; i++)
        desk_quote(&desk, (char[]){(char)('A' + i), '\0'}, 100);
    for (int i = 0; i < WHO; i++)
        desk_all(&desk, desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET));
    for (int step = 0; step < 4000; step++) {
        uint32_t who = (uint32_t)tw_random_below(&random, WHO),
                 topic_number = (uint32_t)tw_random_below(&random, TOPICS);
        char request[128];
        snprintf(request, sizeof request, "{\"op\":\"%ssubscribe\",\"subjects\":[\"XNAS.%c.quote\"]}",
                 in[who][topic_number] ? "un" : "", 'A' + (int)topic_number);
        desk.now_ns += DESK_MS;
        desk_ask(&desk, who, request);
        desk_write(&desk, who);
        in[who][topic_number] = !in[who][topic_number];
        for (uint32_t w = 0; w < WHO; w++)
            for (uint32_t t = 0; t < TOPICS; t++)
                EXPECT((stream_member_find(desk.stream, w, t) != NONE) == in[w][t]);
    }
    EXPECT_STR(desk.closed, "");
    desk_close(&desk);
}
