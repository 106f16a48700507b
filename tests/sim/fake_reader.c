/*
 * runtime/bus_reader.h over the simulated server. How the real one pulls does not matter here; when it says what does: in order,
 * each message once, AWAY while it can't, HALTED for what is not there, some messages after a pause, all of it late at times.
 */
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "proto/venue.h"
#include "tests/sim/fake.h"

struct bus_reader {
    bus *bus;
    struct bus_reader *next, *next_of_stream;
    server_stream *stream; /* NULL until there is one */
    char name[64];
    bus_reader_options options;
    bus_reader_status status;
    bool closed, paused, due;
    uint32_t on_their_way; /* when it was paused */
    bus_reader_stats stats;
};

static void look(void *context, void *data, size_t length);

static world *world_of(const bus_reader *reader) {
    return reader->bus->server->world;
}

static void look_later(bus_reader *reader, int64_t delay_ns) {
    if (reader->due || reader->closed) return;
    reader->due = true;
    world_after(world_of(reader), reader->bus->process, delay_ns, look, reader);
}

tw_code bus_reader_open(bus_reader **reader, bus *over, uv_loop_t *loop, const bus_reader_options *options,
                        tw_error *error) {
    (void)loop, (void)error;
    TW_ASSERT(options->start_seq > 0);
    bus_reader *made = world_keep(over->server->world, sizeof *made);
    made->bus = over;
    made->options = *options;
    (void)tw_text_copy(made->name, sizeof made->name, options->stream);
    made->status.expected_seq = options->start_seq;
    made->next = over->readers;
    over->readers = made;
    *reader = made;
    look_later(made, world_delay(world_of(made), 500 * WORLD_MICROSECOND));
    return TW_OK;
}

void bus_reader_close(bus_reader *reader) {
    if (reader != NULL) reader->closed = true;
}

void bus_reader_pause(bus_reader *reader) {
    if (!reader->paused) reader->on_their_way = (uint32_t)world_between(world_of(reader), 0, 4);
    reader->paused = true;
}

void bus_reader_resume(bus_reader *reader) {
    reader->paused = false;
    look_later(reader, world_delay(world_of(reader), 100 * WORLD_MICROSECOND));
}

static void say(bus_reader *reader, bus_reader_state state, const char *reason) {
    if (reader->status.state == state && strcmp(reader->status.reason, reason) == 0) return;
    reader->status.state = state;
    (void)tw_text_copy(reader->status.reason, sizeof reader->status.reason, reason);
    if (reader->options.on_status != NULL) reader->options.on_status(reader->options.context, &reader->status);
}

void fake_reader_away(bus *connection) {
    for (bus_reader *reader = connection->readers; reader != NULL; reader = reader->next) {
        if (reader->closed || reader->status.state == BUS_READER_HALTED) continue;
        say(reader, BUS_READER_AWAY, "the connection broke");
        look_later(reader, 50 * WORLD_MILLISECOND);
    }
}

void fake_reader_new(server_stream *stream) {
    for (bus_reader *reader = stream->readers; reader != NULL; reader = reader->next_of_stream) {
        if (reader->closed || reader->bus->closed) continue;
        look_later(reader, world_delay(world_of(reader), 150 * WORLD_MICROSECOND));
    }
}

/* Always false. */
static bool gap(bus_reader *reader) {
    reader->status.halt = BUS_HALT_GAP;
    reader->status.found_seq = reader->status.expected_seq + 1;
    while (reader->status.found_seq < reader->stream->last_seq &&
           server_get(reader->stream, reader->status.found_seq) == NULL)
        reader->status.found_seq++;
    say(reader, BUS_READER_HALTED, "messages are not there any more");
    return false;
}

/* Finds the stream, and whether it has what is wanted. */
static bool begin(bus_reader *reader) {
    server *s = reader->bus->server;
    if (reader->stream == NULL) {
        reader->stream = server_find_stream(s, reader->name);
        if (reader->stream == NULL) {
            say(reader, BUS_READER_AWAY, "no such stream");
            return false;
        }
        reader->next_of_stream = reader->stream->readers;
        reader->stream->readers = reader;
    }
    reader->stats.consumers++;
    uint64_t last = reader->stream->last_seq;
    if (reader->status.expected_seq > last + 1) {
        reader->status.halt = BUS_HALT_REWOUND;
        reader->status.found_seq = last;
        say(reader, BUS_READER_HALTED, "the stream ends before");
        return false;
    }
    if (reader->status.expected_seq < reader->stream->first_seq) return gap(reader);
    reader->status.pending = last + 1 - reader->status.expected_seq;
    say(reader, BUS_READER_READING, "");
    return !reader->closed;
}

/* Of matchers that are deaf on purpose. */
static bool is_unheard(const bus_reader *reader, const bus_stream_message *m) {
    fake_mutation mutation = reader->bus->mutation;
    wire_controls batch;
    wire_control_command c;
    if (mutation != MUTATION_DEAF_TO_KILLS && mutation != MUTATION_DEAF_TO_LIMITS) return false;
    if (strncmp(m->subject, "control.", 8) != 0 || wire_controls_open(&batch, m->bytes, m->length) != WIRE_OK ||
        !wire_controls_next(&batch, &c))
        return false;
    if (mutation == MUTATION_DEAF_TO_KILLS) return c.kind == WIRE_SET_KILL;
    return c.kind == WIRE_SET_LIMITS && c.open_orders != UINT32_MAX;
}

static bool deliver(bus_reader *reader) {
    uint64_t skipped = reader->bus->mutation == MUTATION_SKIP_INPUT && reader->stats.consumers > 1 ? 1 : 0;
    const server_message *m = server_get(reader->stream, reader->status.expected_seq + skipped);
    if (m == NULL && reader->status.expected_seq < reader->stream->last_seq) return gap(reader);
    if (m == NULL) return false;
    if (reader->paused && reader->on_their_way == 0) return false;
    if (reader->paused) reader->on_their_way--;
    bus_stream_message message = {.subject = m->subject,
                                  .bytes = m->bytes,
                                  .length = m->length,
                                  .seq = reader->status.expected_seq++,
                                  .stream_ns = m->stream_ns,
                                  .pending = reader->stream->last_seq + 1 - reader->status.expected_seq};
    reader->stats.messages++;
    if (is_unheard(reader, &message)) {
        message.bytes = (const uint8_t *)"";
        message.length = 0;
    }
    if (reader->bus->mutation == MUTATION_OWN_CLOCK)
        message.stream_ns = world_now(world_of(reader)) + reader->bus->process->clock_ahead_ns;
    reader->options.on_message(reader->options.context, &message);
    return !reader->closed;
}

static void look(void *context, void *data, size_t length) {
    bus_reader *reader = context;
    server *s = reader->bus->server;
    (void)data, (void)length;
    reader->due = false;
    if (reader->closed || reader->bus->closed || reader->status.state == BUS_READER_HALTED) return;
    if (!reader->bus->connected || s->state != SERVER_UP) {
        say(reader, BUS_READER_AWAY, reader->bus->connected ? "nobody answers" : "the connection broke");
        look_later(reader, 200 * WORLD_MILLISECOND);
        return;
    }
    if (reader->status.state != BUS_READER_READING && !begin(reader)) {
        look_later(reader, 200 * WORLD_MILLISECOND);
        return;
    }
    int64_t burst = world_between(world_of(reader), 1, 64);
    while (burst > 0 && deliver(reader))
        burst--;
    if (burst == 0) look_later(reader, world_delay(world_of(reader), 50 * WORLD_MICROSECOND));
}

uint64_t bus_reader_next_seq(const bus_reader *reader) {
    return reader->status.expected_seq;
}
const bus_reader_status *bus_reader_read_status(const bus_reader *reader) {
    return &reader->status;
}
bus_reader_stats bus_reader_read_stats(const bus_reader *reader) {
    return reader->stats;
}
