/* The network source against the network sender, over loopback: what is sent is received, and nothing else. */
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ingest/source/udp_sender.h"
#include "ingest/source/udp_source.h"
#include "tests/support/server_process.h"
#include "tests/unit.h"

#define NOW INT64_C(42)

static location udp_at(const char *host, uint16_t port, const char *interface) {
    location where = {.kind = LOCATION_UDP, .port = port};
    snprintf(where.host, sizeof where.host, "%s", host);
    snprintf(where.interface, sizeof where.interface, "%s", interface);
    return where;
}

static udp_source *listen_to(const location *where) {
    udp_source *source = NULL;
    tw_error error = {0};
    EXPECT_MSG(udp_source_open(&source, where, 1 << 20, &error) == TW_OK, "%s", error.text);
    return source;
}

static udp_sender *speak_to(const location *where) {
    udp_sender *sender = NULL;
    tw_error error = {0};
    EXPECT_MSG(udp_sender_open(&sender, where, &error) == TW_OK, "%s", error.text);
    return sender;
}

static void send_text(udp_sender *sender, const char *text) {
    tw_error error = {0};
    udp_datagram datagram = {(const uint8_t *)text, (uint32_t)strlen(text)};
    EXPECT_MSG(udp_sender_send(sender, &datagram, 1, &error) == TW_OK, "%s", error.text);
}

/* Waits up to `wait_ms` for something, then takes one burst. */
static size_t receive(udp_source *source, udp_packet *packets, int wait_ms) {
    struct pollfd wanted = {.fd = udp_source_fd(source), .events = POLLIN};
    size_t count;
    tw_error error = {0};
    poll(&wanted, 1, wait_ms);
    EXPECT_MSG(udp_source_receive(source, packets, &count, NOW, &error) == TW_OK, "%s", error.text);
    return count;
}

static void expect_text(udp_source *source, const char *text) {
    udp_packet packets[UDP_SOURCE_BURST];
    EXPECT_U64(receive(source, packets, 2000), 1);
    EXPECT_U64(packets[0].length, strlen(text));
    EXPECT_BYTES(packets[0].payload, text, strlen(text));
}

/* True if a group on loopback can be joined and heard here; *source and *sender are then open. */
static bool open_group(const char *group, const char *interface, uint16_t port, udp_source **source,
                       udp_sender **sender) {
    location where = udp_at(group, port, interface);
    tw_error error = {0};
    if (udp_source_open(source, &where, 0, &error) != TW_OK) {
        fprintf(stderr, "this kernel refuses: %s\n", error.text);
        return false;
    }
    *sender = speak_to(&where);
    return true;
}

TEST(source_udp, a_unicast_datagram_arrives_whole_with_the_kernels_time_stamp) {
    location where = udp_at("127.0.0.1", 0, "");
    udp_packet packets[UDP_SOURCE_BURST];
    udp_source *source = listen_to(&where);
    where.port = udp_source_port(source);
    udp_sender *sender = speak_to(&where);

    EXPECT_U64(receive(source, packets, 0), 0);
    send_text(sender, "hello");
    EXPECT_U64(receive(source, packets, 2000), 1);

    EXPECT_U64(packets[0].length, 5);
    EXPECT_BYTES(packets[0].payload, "hello", 5);
    EXPECT_MSG(packets[0].receive_ns > INT64_C(1500000000000000000), "stamp %" PRId64, packets[0].receive_ns);
    EXPECT(udp_source_buffer_bytes(source) > 0);
    udp_sender_close(sender);
    udp_source_close(source);
}

TEST(source_udp, a_batch_larger_than_a_burst_arrives_in_order_over_several_calls) {
    enum { COUNT = 200 };
    location where = udp_at("127.0.0.1", 0, "");
    udp_source *source = listen_to(&where);
    where.port = udp_source_port(source);
    udp_sender *sender = speak_to(&where);
    static uint8_t bytes[COUNT];
    udp_datagram datagrams[COUNT];
    udp_packet packets[UDP_SOURCE_BURST];
    tw_error error = {0};
    size_t got = 0, largest = 0;
    for (size_t i = 0; i < COUNT; i++) {
        bytes[i] = (uint8_t)i;
        datagrams[i] = (udp_datagram){&bytes[i], 1};
    }
    EXPECT_I64(udp_sender_send(sender, datagrams, COUNT, &error), TW_OK);

    while (got < COUNT) {
        size_t count = receive(source, packets, 2000);
        EXPECT_MSG(count > 0, "only %zu of %d came", got, COUNT);
        for (size_t i = 0; i < count; i++)
            EXPECT_U64(packets[i].payload[0], got + i);
        got += count;
        if (count > largest) largest = count;
    }
    EXPECT_U64(got, COUNT);
    EXPECT_U64(largest, UDP_SOURCE_BURST);
    udp_sender_close(sender);
    udp_source_close(source);
}

TEST(source_udp, an_oversize_datagram_is_counted_and_its_length_tells) {
    location where = udp_at("127.0.0.1", 0, "");
    udp_source *source = listen_to(&where);
    where.port = udp_source_port(source);
    udp_sender *sender = speak_to(&where);
    static uint8_t large[UDP_SOURCE_MAX_BYTES + 100];
    udp_datagram datagrams[] = {{large, sizeof large}, {large, UDP_SOURCE_MAX_BYTES}, {large, 0}};
    udp_packet packets[UDP_SOURCE_BURST];
    tw_error error = {0};

    EXPECT_MSG(udp_sender_send(sender, datagrams, 3, &error) == TW_OK, "%s", error.text);
    EXPECT_U64(receive(source, packets, 2000), 3);

    EXPECT_U64(packets[0].length, sizeof large);
    EXPECT_U64(packets[1].length, UDP_SOURCE_MAX_BYTES);
    EXPECT_U64(packets[2].length, 0);
    EXPECT_U64(udp_source_oversized(source), 1);
    udp_sender_close(sender);
    udp_source_close(source);
}

TEST(source_udp, datagrams_that_find_no_room_are_counted_as_kernel_drops) {
    location where = udp_at("127.0.0.1", 0, "");
    udp_source *source = NULL;
    udp_packet packets[UDP_SOURCE_BURST];
    tw_error error = {0};
    static uint8_t bytes[1000];
    udp_datagram datagram = {bytes, sizeof bytes};
    uint64_t received = 0;
    size_t count;
    EXPECT_I64(udp_source_open(&source, &where, 4096, &error), TW_OK);
    where.port = udp_source_port(source);
    udp_sender *sender = speak_to(&where);

    for (int i = 0; i < 300; i++)
        EXPECT_I64(udp_sender_send(sender, &datagram, 1, &error), TW_OK);
    while ((count = receive(source, packets, 50)) > 0)
        received += count;
    /* the counter travels with the next datagram that does find room */
    EXPECT_I64(udp_sender_send(sender, &datagram, 1, &error), TW_OK);
    EXPECT_U64(receive(source, packets, 2000), 1);

    EXPECT(received > 0);
    EXPECT_U64(received + udp_source_kernel_drops(source), 300);
    udp_sender_close(sender);
    udp_source_close(source);
}

TEST(source_udp, a_look_at_the_socket_tells_drops_and_what_waits_before_anything_is_read) {
    location where = udp_at("127.0.0.1", 0, "");
    udp_source *source = NULL;
    udp_packet packets[UDP_SOURCE_BURST];
    tw_error error = {0};
    static uint8_t bytes[1000];
    udp_datagram datagram = {bytes, sizeof bytes};
    uint64_t received = 0, dropped = 0;
    size_t count;
    EXPECT_I64(udp_source_open(&source, &where, 4096, &error), TW_OK);
    where.port = udp_source_port(source);
    udp_sender *sender = speak_to(&where);
    EXPECT_U64(udp_source_look(source), 0);

    for (int i = 0; i < 300; i++)
        EXPECT_I64(udp_sender_send(sender, &datagram, 1, &error), TW_OK);
    EXPECT(udp_source_look(source) >= (uint64_t)udp_source_buffer_bytes(source) / 2);
    dropped = udp_source_kernel_drops(source);
    EXPECT(dropped > 0);
    /* those that wait were queued before the drops and carry a smaller count: it must not be taken for a huge one */
    while ((count = receive(source, packets, 50)) > 0)
        received += count;
    EXPECT_U64(udp_source_kernel_drops(source), dropped);
    EXPECT_U64(received + dropped, 300);
    EXPECT_U64(udp_source_look(source), 0);
    udp_sender_close(sender);
    udp_source_close(source);
}

TEST(source_udp, a_buffer_grows_while_datagrams_wait_in_it) {
    location where = udp_at("127.0.0.1", 0, "");
    udp_source *source = NULL;
    udp_packet packets[UDP_SOURCE_BURST];
    tw_error error = {0};
    EXPECT_I64(udp_source_open(&source, &where, 8192, &error), TW_OK);
    where.port = udp_source_port(source);
    udp_sender *sender = speak_to(&where);
    int before = udp_source_buffer_bytes(source);
    send_text(sender, "waits");
    EXPECT_I64(udp_source_resize(source, 65536, &error), TW_OK);
    EXPECT_MSG(udp_source_buffer_bytes(source) > before, "%d, then %d", before, udp_source_buffer_bytes(source));
    EXPECT_U64(receive(source, packets, 2000), 1);
    EXPECT_BYTES(packets[0].payload, "waits", 5);
    udp_sender_close(sender);
    udp_source_close(source);
}

TEST(source_udp, a_group_on_loopback_is_heard_by_interface_address_and_by_name) {
    static const char *const interfaces[] = {"127.0.0.1", "lo"};
    for (size_t i = 0; i < 2; i++) {
        udp_source *source;
        udp_sender *sender;
        if (!open_group("239.255.77.1", interfaces[i], server_process_free_port(), &source, &sender))
            SKIP("the kernel refuses IPv4 multicast on loopback");
        send_text(sender, "to the group");
        expect_text(source, "to the group");
        udp_sender_close(sender);
        udp_source_close(source);
    }
}

TEST(source_udp, an_ipv6_group_on_loopback_is_heard) {
    udp_source *source;
    udp_sender *sender;
    if (!open_group("ff12::77:1", "lo", server_process_free_port(), &source, &sender))
        SKIP("the kernel refuses IPv6 multicast on loopback");
    tw_error error = {0};
    udp_datagram datagram = {(const uint8_t *)"six", 3};
    if (udp_sender_send(sender, &datagram, 1, &error) != TW_OK) {
        fprintf(stderr, "%s\n", error.text);
        SKIP("the kernel sends no IPv6 multicast on loopback");
    }
    expect_text(source, "six");
    udp_sender_close(sender);
    udp_source_close(source);
}

TEST(source_udp, another_group_on_the_same_port_is_not_heard) {
    uint16_t port = server_process_free_port();
    udp_source *ours, *theirs;
    udp_sender *to_us, *to_them;
    udp_packet packets[UDP_SOURCE_BURST];
    if (!open_group("239.255.77.1", "127.0.0.1", port, &ours, &to_us))
        SKIP("the kernel refuses IPv4 multicast on loopback");
    EXPECT(open_group("239.255.77.2", "127.0.0.1", port, &theirs, &to_them));

    send_text(to_them, "for them");
    expect_text(theirs, "for them");
    EXPECT_U64(receive(ours, packets, 50), 0);
    send_text(to_us, "for us");
    expect_text(ours, "for us");

    udp_sender_close(to_us);
    udp_sender_close(to_them);
    udp_source_close(ours);
    udp_source_close(theirs);
}

TEST(source_udp, two_receivers_of_one_group_both_hear_each_datagram) {
    uint16_t port = server_process_free_port();
    location where = udp_at("239.255.77.3", port, "127.0.0.1");
    udp_source *first, *second;
    udp_sender *sender;
    if (!open_group(where.host, where.interface, port, &first, &sender))
        SKIP("the kernel refuses IPv4 multicast on loopback");
    second = listen_to(&where);
    send_text(sender, "both");
    expect_text(first, "both");
    expect_text(second, "both");
    udp_sender_close(sender);
    udp_source_close(first);
    udp_source_close(second);
}

TEST(source_udp, what_cannot_be_opened_says_why) {
    static const struct {
        const char *host, *interface, *part;
        uint16_t port;
        tw_code code;
    } cases[] = {
        {"239.1.1.1", "nosuch0", "no interface named nosuch0", 26400, TW_NOT_FOUND},
        {"239.1.1.1", "203.0.113.9", "no interface of this machine has the address 203.0.113.9", 26400,
         TW_NOT_FOUND},
        {"203.0.113.9", "", "udp://203.0.113.9:26400: binding: ", 26400, TW_IO},
        {"localhost", "", "\"localhost\" is not a numeric", 26400, TW_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        location where = udp_at(cases[i].host, cases[i].port, cases[i].interface);
        udp_source *source;
        tw_error error = {0};
        EXPECT_I64(udp_source_open(&source, &where, 0, &error), cases[i].code);
        EXPECT(source == NULL);
        EXPECT_CONTAINS(error.text, cases[i].part);
    }
}

TEST(source_udp, a_unicast_port_in_use_is_refused_not_shared) {
    location where = udp_at("127.0.0.1", 0, "");
    udp_source *source = listen_to(&where), *second;
    tw_error error = {0};
    where.port = udp_source_port(source);
    EXPECT_I64(udp_source_open(&second, &where, 0, &error), TW_IO);
    EXPECT_CONTAINS(error.text, "Address already in use");
    udp_source_close(source);
}

TEST(source_udp, the_sender_tells_a_datagram_that_can_never_go_from_a_full_kernel) {
    location where = udp_at("127.0.0.1", server_process_free_port(), "");
    udp_sender *sender = speak_to(&where);
    static uint8_t large[70000];
    udp_datagram datagrams[] = {{large, 10}, {large, sizeof large}, {large, 10}};
    tw_error error = {0};

    EXPECT_I64(udp_sender_send(sender, datagrams, 3, &error), TW_IO);
    EXPECT_CONTAINS(error.text, "datagram 2 of 3 (70000 bytes)");
    EXPECT_I64(udp_sender_set_ttl(sender, 256, &error), TW_INVALID);
    EXPECT_I64(udp_sender_set_ttl(sender, 3, &error), TW_OK);
    udp_sender_close(sender);
    where.port = 0;
    EXPECT_I64(udp_sender_open(&sender, &where, &error), TW_INVALID);
    EXPECT(sender == NULL);
}
