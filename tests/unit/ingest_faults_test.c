/* Faults by seed: the same twice, and regrouping alone keeps every message. */
#include "ingest/framing/moldudp64.h"
#include "ingest/line/faults.h"
#include "tests/unit.h"

typedef struct seen {
    uint64_t hash, messages, packets;
} seen;

static void see(void *context, const uint8_t *payload, size_t length) {
    seen *self = context;
    moldudp64_packet packet;
    for (size_t i = 0; i < length; i++)
        self->hash = (self->hash ^ payload[i]) * UINT64_C(1099511628211);
    self->packets++;
    if (moldudp64_parse(payload, length, &packet, NULL) == MOLDUDP64_OK) self->messages += packet.count;
}

static seen played(const faults_options *options) {
    seen result = {0};
    faults *line;
    EXPECT_I64(faults_alloc(&line, options, see, &result, NULL), TW_OK);
    for (uint64_t number = 1; number <= 3000; number++) {
        uint8_t payload[64];
        size_t length = moldudp64_write_header(payload, "S", number, 1);
        length += moldudp64_write_block(payload + length, sizeof payload - length, (const uint8_t *)"abc", 3);
        faults_packet(line, payload, length, (int64_t)number);
    }
    faults_flush(line, 3001);
    faults_free(line);
    return result;
}

TEST(faults, the_same_seed_gives_the_same_faults_and_regrouping_loses_nothing) {
    faults_options all = {1, 200, 50000, 10000, 200000, 900000, 50000, 100000, 5, 7, 20000, 500, 50};
    seen first = played(&all), again = played(&all);
    EXPECT_U64(first.hash, again.hash);
    all.seed = 2;
    EXPECT(played(&all).hash != first.hash);
    faults_options regroup = {.seed = 1, .payload_bytes = 200, .regroup_messages = 7};
    seen whole = played(&regroup);
    EXPECT_U64(whole.messages, 3000);
    EXPECT(whole.packets < 1500);
}
