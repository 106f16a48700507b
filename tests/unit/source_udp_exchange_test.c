/* Request and answer over loopback: peers are told apart, strangers are not heard, nothing waits. */
#include <poll.h>

#include "ingest/source/udp_exchange.h"
#include "ingest/source/udp_sender.h"
#include "tests/unit.h"

static location host(uint16_t port) {
    return (location){.kind = LOCATION_UDP, .host = "127.0.0.1", .port = port};
}

static udp_exchange *serve(void) {
    location any = host(0);
    udp_exchange *server = NULL;
    tw_error error = {0};
    EXPECT_MSG(udp_exchange_open(&server, &any, NULL, 0, &error) == TW_OK, "%s", error.text);
    return server;
}

static udp_message hear(udp_exchange *exchange, int wait_ms) {
    struct pollfd wanted = {.fd = udp_exchange_fd(exchange), .events = POLLIN};
    udp_message message;
    tw_error error = {0};
    poll(&wanted, 1, wait_ms);
    EXPECT_MSG(udp_exchange_receive(exchange, &message, &error) == TW_OK, "%s", error.text);
    return message;
}

TEST(udp_exchange, each_answer_names_the_server_it_is_from) {
    udp_exchange *servers[2] = {serve(), serve()}, *client = NULL;
    location peers[2] = {host(udp_exchange_port(servers[0])), host(udp_exchange_port(servers[1]))};
    tw_error error = {0};
    EXPECT_MSG(udp_exchange_open(&client, NULL, peers, 2, &error) == TW_OK, "%s", error.text);
    for (uint32_t i = 2; i-- > 0;) {
        udp_exchange_send(client, i, (const uint8_t *)"ask", 3);
        udp_message asked = hear(servers[i], 2000);
        EXPECT_BYTES(asked.bytes, "ask", 3);
        udp_exchange_answer(servers[i], (const uint8_t *)"answer", 6);
        udp_message answer = hear(client, 2000);
        EXPECT_U64(answer.length, 6);
        EXPECT_BYTES(answer.bytes, "answer", 6);
        EXPECT_U64(answer.peer, i);
    }
    EXPECT(hear(servers[0], 0).bytes == NULL);
    EXPECT_U64(udp_exchange_read_counts(client).strangers, 0);
    udp_exchange_close(client);
    udp_exchange_close(servers[0]);
    udp_exchange_close(servers[1]);
}

TEST(udp_exchange, a_stranger_is_passed_over_and_counted) {
    udp_exchange *server = serve(), *stranger = NULL, *client = NULL;
    location peer = host(udp_exchange_port(server));
    tw_error error = {0};
    EXPECT_MSG(udp_exchange_open(&client, NULL, &peer, 1, &error) == TW_OK, "%s", error.text);
    location victim = host(udp_exchange_port(client));
    EXPECT_MSG(udp_exchange_open(&stranger, NULL, &victim, 1, &error) == TW_OK, "%s", error.text);
    udp_exchange_send(stranger, 0, (const uint8_t *)"hello", 5);
    EXPECT(hear(client, 2000).bytes == NULL);
    EXPECT_U64(udp_exchange_read_counts(client).strangers, 1);
    udp_exchange_close(stranger);
    udp_exchange_close(client);
    udp_exchange_close(server);
}

TEST(udp_exchange, a_server_that_is_not_there_is_no_error) {
    udp_exchange *gone = serve(), *client = NULL;
    location peer = host(udp_exchange_port(gone));
    tw_error error = {0};
    udp_exchange_close(gone);
    EXPECT_MSG(udp_exchange_open(&client, NULL, &peer, 1, &error) == TW_OK, "%s", error.text);
    for (int i = 0; i < 3; i++) {
        udp_exchange_send(client, 0, (const uint8_t *)"ask", 3);
        EXPECT(hear(client, 20).bytes == NULL);
    }
    udp_exchange_close(client);
}

TEST(udp_exchange, addresses_that_make_no_sense_are_refused) {
    static const struct {
        const char *first, *second, *word;
        uint16_t port;
    } cases[] = {{"239.1.1.1", NULL, "group", 5}, {"127.0.0.1", NULL, "port", 0}, {"127.0.0.1", "::1", "IPv6", 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        location peers[2] = {{.kind = LOCATION_UDP, .port = cases[i].port}, {.kind = LOCATION_UDP, .port = 5}};
        snprintf(peers[0].host, sizeof peers[0].host, "%s", cases[i].first);
        if (cases[i].second != NULL) snprintf(peers[1].host, sizeof peers[1].host, "%s", cases[i].second);
        udp_exchange *exchange;
        tw_error error = {0};
        EXPECT(udp_exchange_open(&exchange, NULL, peers, cases[i].second == NULL ? 1 : 2, &error) == TW_INVALID);
        EXPECT_MSG(strstr(error.text, cases[i].word) != NULL, "%s", error.text);
        EXPECT(exchange == NULL);
    }
}
