/* One MoldUDP64 line as its listener sees it: a log of what was told, compared as text. */
#include "base/text.h"
#include "ingest/line/mold_line.h"
#include "tests/unit.h"

#define MS INT64_C(1000000)

typedef struct hearing {
    char text[2048];
} hearing;

static void say(hearing *told, const char *text) {
    size_t length = strlen(told->text);
    tw_text_copy(told->text + length, sizeof told->text - length, text);
}

static void on_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    char text[64];
    (void)receive_ns;
    tw_text_format(text, sizeof text, "[%s from %llu]", session, (unsigned long long)first);
    say(context, text);
}

static void on_messages(void *context, const feed_message *messages, size_t count) {
    char text[64];
    for (size_t i = 0; i < count; i++) {
        tw_text_format(text, sizeof text, " %llu:%.*s", (unsigned long long)messages[i].seq,
                       (int)messages[i].length, (const char *)messages[i].bytes);
        say(context, text);
    }
}

static void on_lost(void *context, uint64_t from, uint64_t count) {
    char text[64];
    tw_text_format(text, sizeof text, " lost %llu+%llu", (unsigned long long)from, (unsigned long long)count);
    say(context, text);
}

static void on_malformed(void *context, moldudp64_result why, size_t offset, size_t length) {
    (void)length;
    char text[96];
    tw_text_format(text, sizeof text, " bad(%d at %zu)", (int)why, offset);
    say(context, text);
}

static mold_line *line_telling(hearing *told, bool number_unsequenced) {
    mold_line_options options = {.gap = {.reorder_window_ns = 10 * MS,
                                         .deadline_ns = 100 * MS,
                                         .hold_packets = 16,
                                         .hold_packet_bytes = 256},
                                 .number_unsequenced = number_unsequenced};
    mold_line_listener listener = {told, on_session, on_messages, on_lost, on_malformed};
    mold_line *line = NULL;
    tw_error error;
    EXPECT_MSG(mold_line_alloc(&line, &options, &listener, &error) == TW_OK, "%s", error.text);
    return line;
}

/* A packet whose messages are the letters of `messages`. */
static void send_packet(mold_line *line, const char *session, uint64_t sequence, const char *messages,
                        int64_t now_ns) {
    uint8_t payload[256];
    size_t length = moldudp64_write_header(payload, session, sequence, (uint16_t)strlen(messages));
    for (const char *letter = messages; *letter != '\0'; letter++)
        length += moldudp64_write_block(payload + length, sizeof payload - length, (const uint8_t *)letter, 1);
    mold_line_packet(line, payload, length, now_ns, now_ns);
}

TEST(mold_line, packets_become_numbered_messages_and_a_late_one_waits_its_turn) {
    hearing told = {0};
    mold_line *line = line_telling(&told, false);
    send_packet(line, "0000000010", 1, "ab", 0);
    send_packet(line, "0000000010", 4, "d", 1 * MS);
    send_packet(line, "0000000010", 3, "c", 2 * MS);
    send_packet(line, "0000000010", 3, "cd", 3 * MS); /* seen */
    EXPECT_STR(told.text, "[0000000010 from 1] 1:a 2:b 3:c 4:d");
    mold_line_free(line);
}

TEST(mold_line, a_hole_is_declared_after_the_window_and_given_up_at_the_deadline) {
    hearing told = {0};
    mold_line *line = line_telling(&told, false);
    send_packet(line, "S", 1, "a", 0);
    send_packet(line, "S", 4, "d", 1 * MS);
    EXPECT(!mold_line_read_status(line).gap_open);
    mold_line_poll(line, 12 * MS);
    mold_line_status status = mold_line_read_status(line);
    EXPECT(status.gap_open);
    EXPECT_U64(status.gap_from, 2);
    EXPECT_U64(status.gap_to, 3);
    mold_line_poll(line, 102 * MS);
    EXPECT_STR(told.text, "[S from 1] 1:a lost 2+2 4:d");
    mold_line_free(line);
}

TEST(mold_line, the_end_of_a_session_that_never_came_is_told_as_lost) {
    hearing told = {0};
    mold_line *line = line_telling(&told, false);
    uint8_t payload[MOLDUDP64_HEADER_BYTES];
    send_packet(line, "S", 1, "a", 0);
    moldudp64_write_header(payload, "S", 4, MOLDUDP64_END_OF_SESSION); /* 2 and 3 were sent */
    mold_line_packet(line, payload, sizeof payload, 1 * MS, 1 * MS);
    mold_line_poll(line, 102 * MS);
    EXPECT_STR(told.text, "[S from 1] 1:a lost 2+2");
    EXPECT_U64(mold_line_read_status(line).gap.lost, 2);
    send_packet(line, "S", 4, "d", 103 * MS); /* told once */
    EXPECT_STR(told.text, "[S from 1] 1:a lost 2+2 4:d");
    mold_line_free(line);
}

TEST(mold_line, a_new_session_settles_the_old_one_first) {
    hearing told = {0};
    mold_line *line = line_telling(&told, false);
    send_packet(line, "MON", 1, "a", 0);
    send_packet(line, "MON", 3, "c", 1 * MS);
    send_packet(line, "TUE", 1, "x", 2 * MS);
    EXPECT_STR(told.text, "[MON from 1] 1:a"); /* one packet is not believed */
    send_packet(line, "TUE", 2, "y", 3 * MS);
    EXPECT_STR(told.text, "[MON from 1] 1:a lost 2+1 3:c[TUE from 1] 1:x 2:y");
    mold_line_free(line);
}

TEST(mold_line, a_start_in_the_middle_tells_where) {
    hearing told = {0};
    mold_line *line = line_telling(&told, false);
    send_packet(line, "S", 500, "z", 0);
    EXPECT_STR(told.text, "[S from 500] 500:z");
    EXPECT_U64(mold_line_read_status(line).first, 500);
    mold_line_free(line);
}

TEST(mold_line, what_is_no_packet_is_told_and_passed_over) {
    hearing told = {0};
    mold_line *line = line_telling(&told, false);
    send_packet(line, "S", 1, "a", 0);
    mold_line_packet(line, (const uint8_t *)"short", 5, 0, 0);
    send_packet(line, "S", 0, "q", 0); /* MoldUDP64 counts from 1 */
    send_packet(line, "S", 2, "b", 0);
    EXPECT_CONTAINS(told.text, "[S from 1] 1:a bad(");
    EXPECT_CONTAINS(told.text, " 2:b");
    EXPECT(strstr(told.text, "q") == NULL);
    EXPECT_U64(mold_line_read_status(line).malformed, 2);
    mold_line_free(line);
}

TEST(mold_line, an_anonymised_capture_is_numbered_by_arrival_and_says_so) {
    hearing told = {0};
    mold_line *line = line_telling(&told, true);
    send_packet(line, "", 0, "a", 0);
    send_packet(line, "", 0, "bc", 0);
    EXPECT_CONTAINS(told.text, " 1:a 2:b 3:c");
    EXPECT(mold_line_read_status(line).unsequenced);
    mold_line_free(line);
}
