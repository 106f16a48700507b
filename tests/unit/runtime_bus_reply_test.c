/* What JetStream says in replies, read in place. */
#include "runtime/bus_reply.h"

#include "tests/unit.h"

/* What was delivered before makes no difference: the same consumer's, another one's, nothing at all. */
static void expect_same_behind_others(const char *reply, bool good, const bus_delivery *expected) {
    static const char *const others[] = {NULL, "$JS.ACK.S.c1.1.3.1.1.0", "$JS.ACK.hub.ACCHASH.S.c1.1.3.1.1.0.token",
                                         "$JS.ACK.S.c1.12.3.1.1.0", "$JS.ACK.T.c22.1.3.1.1.0"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        bus_delivery_origin origin = {0};
        bus_delivery d = {0};
        EXPECT_MSG(bus_delivery_parse_next(&origin, others[i], &d) == (others[i] != NULL), "other %zu", i);
        for (unsigned again = 0; again < 2; again++) {
            d = (bus_delivery){0};
            EXPECT_MSG(bus_delivery_parse_next(&origin, reply, &d) == good, "%s behind %zu", reply, i);
            bool same = d.stream_seq == expected->stream_seq && d.consumer_seq == expected->consumer_seq &&
                        d.stream_ns == expected->stream_ns && d.pending == expected->pending;
            EXPECT_MSG(!good || same, "%s behind %zu", reply, i);
        }
    }
}

TEST(bus_reply, a_delivery_is_read_from_its_reply_subject) {
    static const struct {
        const char *reply;
        uint64_t stream_seq; /* 0: none */
        uint64_t consumer_seq;
        int64_t stream_ns;
        uint64_t pending;
    } rows[] = {
        {"$JS.ACK.S.c1.1.4.1.1795259038052482093.6", 4, 1, INT64_C(1795259038052482093), 6},
        {"$JS.ACK.hub.ACCHASH.S.c1.1.18446744073709551615.7.1.0", UINT64_MAX, 7, 1, 0},
        {"$JS.ACK.hub.ACCHASH.S.c1.1.4.7.1.0.token", 4, 7, 1, 0},
        {"$JS.ACK.S.c1.1.0.1.1.0", 0, 0, 0, 0},
        {"$JS.ACK.S.c1.1.18446744073709551616.1.1.0", 0, 0, 0, 0},
        {"$JS.ACK.S.c1.1.4.1.9223372036854775808.6", 0, 0, 0, 0},
        {"$JS.ACK.S.c1.1.4.1.1", 0, 0, 0, 0},
        {"$JS.ACK.S.c1.1.4.1.1.6.x", 0, 0, 0, 0},
        {"$JS.ACK.S.c1.1.4x.1.1.6", 0, 0, 0, 0},
        {"$JS.ACK.S.c1.1..1.1.6", 0, 0, 0, 0},
        {"$JS.ACK.", 0, 0, 0, 0},
        {"_INBOX.a.b", 0, 0, 0, 0},
        {"", 0, 0, 0, 0},
        {NULL, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bus_delivery d = {0};
        bool good = bus_delivery_parse(rows[i].reply, &d);
        EXPECT_MSG(good == (rows[i].stream_seq != 0), "row %zu", i);
        expect_same_behind_others(rows[i].reply, good, &d);
        if (!good) continue;
        EXPECT_U64(d.stream_seq, rows[i].stream_seq);
        EXPECT_U64(d.consumer_seq, rows[i].consumer_seq);
        EXPECT_I64(d.stream_ns, rows[i].stream_ns);
        EXPECT_U64(d.pending, rows[i].pending);
    }
}

TEST(bus_reply, values_are_found_by_key_and_what_only_looks_like_a_key_is_not_one) {
    static const char json[] = "{\"type\":\"seq\", \"error\":{\"code\":400,\"err_code\":10071,\"description\":"
                               "\"wrong \\\"last\\\" sequence: 11\"},\"delivered\":{\"consumer_seq\":0,"
                               "\"stream_seq\":3},\"stream\":\"S\", \"seq\" : 18446744073709551615,\"duplicate\": "
                               "true,\"large\":18446744073709551616,\"text\":\"12";
    const uint8_t *bytes = (const uint8_t *)json;
    size_t length = sizeof json - 1;
    uint64_t value;
    char text[64], small[6];
    EXPECT(bus_json_u64(bytes, length, NULL, "seq", &value));
    EXPECT_U64(value, UINT64_MAX);
    EXPECT(bus_json_u64(bytes, length, "error", "err_code", &value));
    EXPECT_U64(value, 10071);
    EXPECT(bus_json_u64(bytes, length, "delivered", "stream_seq", &value));
    EXPECT_U64(value, 3);
    EXPECT(!bus_json_u64(bytes, length, NULL, "large", &value));
    EXPECT(!bus_json_u64(bytes, length, NULL, "type", &value));
    EXPECT(!bus_json_u64(bytes, length, NULL, "missing", &value));
    EXPECT(!bus_json_u64(bytes, length, "missing", "seq", &value));
    EXPECT(bus_json_text(bytes, length, NULL, "stream", text, sizeof text));
    EXPECT_STR(text, "S");
    EXPECT(bus_json_text(bytes, length, "error", "description", text, sizeof text));
    EXPECT_STR(text, "wrong \\\"last\\\" sequence: 11");
    EXPECT(bus_json_text(bytes, length, "error", "description", small, sizeof small));
    EXPECT_STR(small, "wrong");
    EXPECT(!bus_json_text(bytes, length, NULL, "text", text, sizeof text)); /* it does not end */
    EXPECT(bus_json_true(bytes, length, "duplicate"));
    EXPECT(!bus_json_true(bytes, length, "seq"));
    EXPECT(bus_json_has(bytes, length, "error") && !bus_json_has(bytes, length, "err"));
    for (size_t cut = 0; cut <= length; cut++) { /* nothing beyond the end is read */
        uint8_t *exact = malloc(cut + 1);
        memcpy(exact, bytes, cut);
        bus_json_u64(exact, cut, "delivered", "stream_seq", &value);
        bus_json_text(exact, cut, NULL, "description", text, sizeof text);
        bus_json_true(exact, cut, "duplicate");
        free(exact);
    }
}

TEST(bus_reply, a_hole_in_the_stream_is_told_from_messages_lost_on_the_way) {
    static const struct {
        uint64_t stream_seq, consumer_seq; /* where 21 is expected as the consumer's 5 */
        bus_delivery_verdict verdict;
    } rows[] = {{21, 5, BUS_DELIVERY_NEXT}, {24, 5, BUS_DELIVERY_GAP},     {24, 8, BUS_DELIVERY_LOST},
                {22, 6, BUS_DELIVERY_LOST}, {20, 5, BUS_DELIVERY_REWOUND}, {21, 6, BUS_DELIVERY_LOST},
                {20, 4, BUS_DELIVERY_LOST}, {1, 1, BUS_DELIVERY_LOST}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const bus_delivery delivery = {.stream_seq = rows[i].stream_seq, .consumer_seq = rows[i].consumer_seq};
        EXPECT_MSG(bus_delivery_judge(&delivery, 21, 5) == rows[i].verdict, "row %zu", i);
    }
}
