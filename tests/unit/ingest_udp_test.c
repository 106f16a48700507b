/* Sender and receiver over the loopback interface, for real. */
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "ingest/source/udp_sender.h"
#include "ingest/source/udp_source.h"
#include "tests/unit.h"

static int64_t utc_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static location place(const char *format, unsigned port) {
    char text[128];
    location where;
    tw_error error;
    tw_text_format(text, sizeof text, "udp://%s", format);
    char *star = strchr(text, '*');
    char whole[160];
    *star = '\0';
    tw_text_format(whole, sizeof whole, "%s%u%s", text, port, star + 1);
    EXPECT_MSG(location_parse(whole, &where, &error) == TW_OK, "%s", error.text);
    return where;
}

/* Waits up to 5 s for `wanted` datagrams; gives their bytes joined. */
static size_t collect(udp_source *source, size_t wanted, char *joined, size_t capacity, int64_t *receive_ns) {
    size_t got = 0, length = 0;
    for (int round = 0; round < 500 && got < wanted; round++) {
        udp_packet packets[UDP_SOURCE_BURST];
        size_t count = 0;
        tw_error error;
        EXPECT_MSG(udp_source_receive(source, packets, &count, utc_ns(), &error) == TW_OK, "%s", error.text);
        for (size_t i = 0; i < count; i++, got++) {
            EXPECT(length + packets[i].length < capacity);
            memcpy(joined + length, packets[i].payload, packets[i].length);
            length += packets[i].length;
            *receive_ns = packets[i].receive_ns;
        }
        if (count == 0) usleep(10000);
    }
    joined[length] = '\0';
    return got;
}

static void send_text(udp_sender *sender, const char *const *texts, size_t count) {
    udp_datagram datagrams[8];
    tw_error error;
    for (size_t i = 0; i < count; i++)
        datagrams[i] = (udp_datagram){(const uint8_t *)texts[i], (uint32_t)strlen(texts[i])};
    EXPECT_MSG(udp_sender_send(sender, datagrams, count, &error) == TW_OK, "%s", error.text);
}

TEST(udp, unicast_datagrams_come_in_order_with_the_kernels_time_of_arrival) {
    location any = place("127.0.0.1:*", 0);
    udp_source *source;
    udp_sender *sender;
    tw_error error;
    EXPECT_MSG(udp_source_open(&source, &any, 1 << 20, &error) == TW_OK, "%s", error.text);
    location there = place("127.0.0.1:*", udp_source_port(source));
    EXPECT_MSG(udp_sender_open(&sender, &there, &error) == TW_OK, "%s", error.text);
    int64_t before = utc_ns();
    send_text(sender, (const char *const[]){"one ", "two ", "three"}, 3);
    char joined[64];
    int64_t receive_ns = 0;
    EXPECT_U64(collect(source, 3, joined, sizeof joined, &receive_ns), 3);
    EXPECT_STR(joined, "one two three");
    EXPECT(receive_ns >= before - 1000000 && receive_ns <= utc_ns());
    EXPECT_U64(udp_source_kernel_drops(source), 0);
    udp_sender_close(sender);
    udp_source_close(source);
}

TEST(udp, a_multicast_group_is_heard_on_loopback_and_its_neighbour_on_the_same_port_is_not) {
    unsigned port = 20000u + (unsigned)getpid() % 20000u;
    location group = place("239.255.71.1:*@127.0.0.1", port), neighbour = place("239.255.71.2:*@127.0.0.1", port);
    udp_source *source;
    udp_sender *ours, *theirs;
    tw_error error;
    if (udp_source_open(&source, &group, 0, &error) != TW_OK) SKIP(error.text);
    EXPECT_MSG(udp_sender_open(&ours, &group, &error) == TW_OK, "%s", error.text);
    EXPECT_MSG(udp_sender_open(&theirs, &neighbour, &error) == TW_OK, "%s", error.text);
    send_text(theirs, (const char *const[]){"not for us"}, 1);
    send_text(ours, (const char *const[]){"for us"}, 1);
    char joined[64];
    int64_t receive_ns = 0;
    EXPECT_U64(collect(source, 1, joined, sizeof joined, &receive_ns), 1);
    EXPECT_STR(joined, "for us");
    udp_sender_close(ours);
    udp_sender_close(theirs);
    udp_source_close(source);
}

TEST(udp, what_the_kernel_had_no_room_for_is_counted) {
    location any = place("127.0.0.1:*", 0);
    udp_source *source;
    udp_sender *sender;
    tw_error error;
    EXPECT(udp_source_open(&source, &any, 4096, &error) == TW_OK);
    location there = place("127.0.0.1:*", udp_source_port(source));
    EXPECT(udp_sender_open(&sender, &there, &error) == TW_OK);
    char big[1001];
    memset(big, 'x', 1000);
    big[1000] = '\0';
    for (int i = 0; i < 200; i++)
        send_text(sender, (const char *const[]){big}, 1);
    static char joined[400000];
    int64_t receive_ns;
    size_t got = 0;
    for (int i = 0; i < 3; i++)
        got += collect(source, 1, joined, sizeof joined, &receive_ns);
    send_text(sender, (const char *const[]){"last"}, 1); /* the counter travels with a datagram */
    got += collect(source, 1, joined, sizeof joined, &receive_ns);
    EXPECT(got < 201);
    EXPECT(udp_source_kernel_drops(source) > 0);
    udp_sender_close(sender);
    udp_source_close(source);
}
