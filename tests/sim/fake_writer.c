/* runtime/bus_writer.h over the simulated server: the rules of the real one about fences, and the three answers. */
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "tests/sim/fake.h"

enum { MOST_WRITES = 1024 };

typedef struct write_place {
    uint64_t number; /* 0: free */
    uint64_t token, fence;
    int64_t since_ns;
} write_place;

struct bus_writer {
    bus *bus;
    struct bus_writer *next;
    bus_writer_options options;
    write_place places[MOST_WRITES];
    uint32_t outstanding;
    bool fenced, closed;
    bool careless; /* a mutation's: the next fenced write goes without its fence */
    uint64_t numbers;
    bus_writer_stats stats;
};

typedef struct answer {
    struct bus_writer *writer;
    uint64_t number;
    bus_write_outcome outcome;
    uint64_t seq, last_seq;
} answer;

tw_code bus_writer_open(bus_writer **writer, bus *over, uv_loop_t *loop, const bus_writer_options *options,
                        tw_error *error) {
    (void)loop, (void)error;
    bus_writer *made = world_keep(over->server->world, sizeof *made);
    made->bus = over;
    made->options = *options;
    if (made->options.max_outstanding == 0 || made->options.max_outstanding > MOST_WRITES)
        made->options.max_outstanding = MOST_WRITES;
    if (made->options.timeout_ns == 0) made->options.timeout_ns = 5 * WORLD_SECOND;
    made->next = over->writers;
    over->writers = made;
    *writer = made;
    return TW_OK;
}

void bus_writer_close(bus_writer *writer) {
    if (writer != NULL) writer->closed = true;
}

/* Each result once: a number that is not waited for any more is only counted. */
static void finish(bus_writer *writer, answer *a, const char *reason) {
    write_place *place = &writer->places[a->number % MOST_WRITES];
    if (writer->closed) return;
    if (place->number != a->number) {
        writer->stats.late++;
        return;
    }
    if (a->outcome == BUS_WRITE_UNKNOWN && place->fence != BUS_ANY_LAST_SEQ) {
        if (writer->bus->mutation == MUTATION_SKIP_UNKNOWN) {
            a->outcome = BUS_WRITE_STORED;
            a->seq = place->fence + 1;
        }
        writer->careless = writer->bus->mutation == MUTATION_RESEND_AT_END;
    }
    if (a->outcome == BUS_WRITE_UNKNOWN && writer->bus->mutation == MUTATION_SAYS_NOT &&
        place->fence == BUS_ANY_LAST_SEQ)
        a->outcome = BUS_WRITE_REFUSED;
    bus_write_result result = {.token = place->token,
                               .outcome = a->outcome,
                               .seq = a->seq,
                               .last_seq = a->last_seq,
                               .took_ns = world_now(writer->bus->server->world) - place->since_ns};
    (void)tw_text_copy(result.reason, sizeof result.reason, reason);
    if (place->fence != BUS_ANY_LAST_SEQ) writer->fenced = false;
    place->number = 0;
    writer->outstanding--;
    writer->stats.stored += a->outcome == BUS_WRITE_STORED;
    writer->stats.wrong_last += a->outcome == BUS_WRITE_WRONG_LAST;
    writer->stats.unknown += a->outcome == BUS_WRITE_UNKNOWN;
    writer->options.on_result(writer->options.context, &result);
}

static void answered(void *context, void *data, size_t length) {
    answer *a = data;
    (void)length;
    finish(context, a, a->outcome == BUS_WRITE_STORED ? "" : "wrong last sequence");
}

void fake_writer_answer(bus *to, const server_parcel *p, bool stored, uint64_t seq, uint64_t last_seq) {
    answer a = {.writer = p->writer,
                .number = p->write,
                .outcome = stored ? BUS_WRITE_STORED : BUS_WRITE_WRONG_LAST,
                .seq = stored ? seq : 0,
                .last_seq = last_seq};
    server_reply(to, answered, p->writer, &a, sizeof a);
}

static void time_out(void *context, void *data, size_t length) {
    bus_writer *writer = context;
    answer a = {.number = *(uint64_t *)data, .outcome = BUS_WRITE_UNKNOWN};
    (void)length;
    if (writer->places[a.number % MOST_WRITES].number == a.number) finish(writer, &a, "no answer in time");
}

void fake_writer_away(bus *connection) {
    for (bus_writer *writer = connection->writers; writer != NULL; writer = writer->next)
        for (uint32_t i = 0; i < MOST_WRITES && writer->outstanding > 0; i++) {
            answer a = {.number = writer->places[i].number, .outcome = BUS_WRITE_UNKNOWN};
            if (a.number != 0) finish(writer, &a, "the connection broke");
        }
}

tw_code bus_writer_write(bus_writer *writer, const char *subject, const uint8_t *bytes, size_t length,
                         uint64_t expected_last_seq, uint64_t token) {
    bus *b = writer->bus;
    world *w = b->server->world;
    bool fenced = expected_last_seq != BUS_ANY_LAST_SEQ;
    TW_ASSERT(!writer->closed);
    if (writer->outstanding >= writer->options.max_outstanding || (fenced && writer->fenced)) return TW_FULL;
    if (!b->connected || b->closed) return TW_AWAY;
    uint64_t number = ++writer->numbers;
    while (writer->places[number % MOST_WRITES].number != 0)
        number = ++writer->numbers;
    writer->places[number % MOST_WRITES] = (write_place){number, token, expected_last_seq, world_now(w)};
    writer->outstanding++;
    writer->fenced |= fenced;
    uint64_t fence = writer->careless || b->mutation == MUTATION_NO_FENCE ? BUS_ANY_LAST_SEQ : expected_last_seq;
    writer->careless = false;
    server_send(b,
                &(server_parcel){.kind = SERVER_WRITE,
                                 .length = length,
                                 .writer = writer,
                                 .fence = fence,
                                 .token = token,
                                 .write = number},
                subject, NULL, bytes);
    world_at(w, b->process, world_now(w) + writer->options.timeout_ns, time_out, writer, &number, sizeof number);
    return TW_OK;
}

uint32_t bus_writer_outstanding(const bus_writer *writer) {
    return writer->outstanding;
}
uint32_t bus_writer_room(const bus_writer *writer) {
    return writer->options.max_outstanding - writer->outstanding;
}
bool bus_writer_fence_free(const bus_writer *writer) {
    return !writer->fenced;
}
bus_writer_stats bus_writer_read_stats(const bus_writer *writer) {
    return writer->stats;
}
