/* The envelope of a gateway's protobuf frames. */
#include "proto/codec.h"
#include "tests/unit.h"

static const wire_stream_frame example = {.subject = "XNAS.AAPL.quote",
                                          .subject_length = 15,
                                          .interval_ms = 250,
                                          .gateway_ns = INT64_C(1580400000000000000),
                                          .payload = WIRE_STREAM_QUOTE,
                                          .bytes = (const uint8_t *)"\x0a\x04XNAS",
                                          .length = 6,
                                          .merged = 300};

TEST(proto_stream_frame, bytes_are_those_of_the_schema) {
    static const uint8_t expected[] = "\x0a\x0fXNAS.AAPL.quote\x10\xfa\x01\x19\x00\x00\x07\x3b\x6d\xb5\xee\x15"
                                      "\x5a\x06\x0a\x04XNAS\xf0\x01\xac\x02";
    uint8_t bytes[128];
    EXPECT_U64(wire_stream_frame_encode(&example, bytes, sizeof bytes), sizeof expected - 1);
    EXPECT_BYTES(bytes, expected, sizeof expected - 1);
}

TEST(proto_stream_frame, what_was_encoded_is_decoded_and_merged_may_be_appended_later) {
    uint8_t bytes[128];
    wire_stream_frame open = example, back;
    open.merged = 0;
    size_t length = wire_stream_frame_encode(&open, bytes, sizeof bytes);
    length += wire_stream_merged_append(UINT64_MAX, bytes + length, sizeof bytes - length);
    EXPECT(wire_stream_frame_decode(bytes, length, &back) == WIRE_OK);
    EXPECT_U64(back.subject_length, 15);
    EXPECT_BYTES(back.subject, "XNAS.AAPL.quote", 15);
    EXPECT_U64(back.interval_ms, 250);
    EXPECT(back.payload == WIRE_STREAM_QUOTE);
    EXPECT_U64(back.length, 6);
    EXPECT_BYTES(back.bytes, example.bytes, 6);
    EXPECT_U64(back.merged, UINT64_MAX);
    EXPECT_U64(wire_stream_merged_append(0, bytes, sizeof bytes), 0);
}

TEST(proto_stream_frame, a_buffer_too_small_and_bytes_that_are_no_frame_are_refused) {
    uint8_t bytes[128];
    wire_stream_frame back;
    EXPECT_U64(wire_stream_frame_encode(&example, bytes, 20), 0);
    size_t length = wire_stream_frame_encode(&example, bytes, sizeof bytes);
    uint32_t whole = 0;
    for (size_t cut = 0; cut < length; cut++)
        whole += wire_stream_frame_decode(bytes, cut, &back) == WIRE_OK;
    EXPECT_U64(whole, 5); /* only where a field ends: before the first, and behind each but the last */
    EXPECT(wire_stream_frame_decode((const uint8_t *)"\x08\x01", 2, &back) ==
           WIRE_MALFORMED); /* subject as a number */
    EXPECT(wire_stream_frame_decode((const uint8_t *)"\x98\x06\x01", 3, &back) == WIRE_OK); /* a newer gateway's */
}
