/* A journal in the streams of a NATS server. */
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/text.h"
#include "matcher/wire/places.h"
#include "runtime/bus.h"
#include "runtime/bus_reader.h"
#include "runtime/bus_streams.h"
#include "runtime/clock.h"
#include "tools/interrupt.h"
#include "tools/journal/place_inside.h"

#define BATCH        65536u /* so many are asked for at once that a busy machine does not keep the server waiting */
#define ON_THE_WAY   ((size_t)16 << 20)
#define QUEUE_FULL   ((size_t)16 << 20) /* bytes that wait here: no more is asked for */
#define READ_LOT     ((size_t)4 << 20)
#define HEAP_KEEPS   (64 << 20) /* it would give back and ask for the same memory with each lot */
#define TICK_MS      20
#define SILENCE_NS   INT64_C(30000000000)
#define STREAM_NAME  BUS_STREAM_NAME_BYTES
#define RECORD_ALIGN 8u

typedef struct bus_place {
    journal base;
    uv_loop_t loop;
    uv_timer_t tick; /* so that waiting looks at the clock and at Ctrl-C */
    bus *bus;
    bus_streams *streams;
    bus_streams_result result; /* of the last call; bytes in `bytes` */
    uint8_t *bytes;
    size_t capacity;
    bool answered, no_memory;
    bool pushing; /* a cursor is pushed to */
    int64_t timeout_ns;
    char url[256], credentials[1024];
} bus_place;

/* Messages that came and were not asked for yet, one behind the other. */
typedef struct waiting {
    uint64_t seq;
    int64_t stream_ns;
    size_t length, subject_bytes, bytes; /* of all, this struct included */
} waiting;

typedef struct bus_cursor {
    journal_cursor base;
    bus_reader *reader;
    uint8_t *queue;
    size_t from, to, capacity;
    bool pushed, paused, no_memory;
    int64_t heard_ns;
} bus_cursor;

static void on_tick(uv_timer_t *timer) {
    (void)timer;
}

/* ---- single questions ---- */

static void on_answer(void *context, const bus_streams_result *result) {
    bus_place *self = context;
    self->answered = true;
    self->result = *result;
    if (result->length > self->capacity) {
        uint8_t *bytes = realloc(self->bytes, result->length);
        self->no_memory = bytes == NULL;
        if (bytes == NULL) return;
        self->bytes = bytes;
        self->capacity = result->length;
    }
    if (result->length > 0) memcpy(self->bytes, result->bytes, result->length);
    self->result.bytes = self->bytes;
}

static tw_code interrupted(tw_error *error) {
    return tw_error_set(error, TW_AWAY, "interrupted");
}

static tw_code wait_for_answer(bus_place *self, bool asked, const char *stream, tw_error *error) {
    if (!asked) return tw_error_set(error, TW_INVALID, "stream %s: such a name is not possible", stream);
    for (self->answered = self->no_memory = false; !self->answered;) {
        uv_run(&self->loop, UV_RUN_ONCE);
        if (interrupt_wanted()) return interrupted(error);
    }
    if (self->no_memory) return tw_error_set(error, TW_NO_MEMORY, "no memory for a message of stream %s", stream);
    switch (self->result.outcome) {
    case BUS_STREAMS_DONE:
        return TW_OK;
    case BUS_STREAMS_NOT_FOUND:
        return tw_error_set(error, TW_NOT_FOUND, "stream %s: %s", stream,
                            self->result.reason[0] != '\0' ? self->result.reason : "not found");
    default:
        return tw_error_set(error, TW_AWAY, "stream %s: %s", stream, self->result.reason);
    }
}

static void stream_name(journal *base, journal_stream stream, uint32_t shard, char *text, size_t capacity) {
    static const mw_stream streams[JOURNAL_STREAMS] = {MW_STREAM_ORDERS, MW_STREAM_EXECLOG, MW_STREAM_SNAPSHOTS};
    if (!mw_stream_name(text, capacity, streams[stream], base->exchange, shard)) text[0] = '\0';
}

static tw_code look(journal *base, journal_stream stream, uint32_t shard, journal_info *info, tw_error *error) {
    bus_place *self = (bus_place *)base;
    char name[STREAM_NAME];
    stream_name(base, stream, shard, name, sizeof name);
    tw_code code = wait_for_answer(self, bus_streams_info(self->streams, name), name, error);
    if (code != TW_OK) return code;
    const bus_stream_info *from = &self->result.info;
    *info = (journal_info){.first_seq = from->first_seq,
                           .last_seq = from->last_seq,
                           .messages = from->messages,
                           .bytes = from->bytes,
                           .deleted = from->deleted,
                           .created_ns = from->created_ns,
                           .last_ns = from->last_ns,
                           .replicas = from->replicas};
    return TW_OK;
}

static tw_code get(journal *base, journal_stream stream, uint64_t seq, mw_message *message, tw_error *error) {
    bus_place *self = (bus_place *)base;
    char name[STREAM_NAME];
    stream_name(base, stream, base->shard, name, sizeof name);
    tw_code code = wait_for_answer(self, bus_streams_get(self->streams, name, seq), name, error);
    if (code != TW_OK) return code;
    *message = (mw_message){.subject = self->result.subject,
                            .seq = self->result.seq,
                            .stream_ns = self->result.stream_ns,
                            .bytes = self->bytes,
                            .length = self->result.length};
    return TW_OK;
}

static tw_code purge(journal *base, journal_stream stream, uint64_t first_kept, tw_error *error) {
    bus_place *self = (bus_place *)base;
    char name[STREAM_NAME];
    stream_name(base, stream, base->shard, name, sizeof name);
    return wait_for_answer(self, bus_streams_purge(self->streams, name, first_kept), name, error);
}

/* ---- reading ---- */

/* Room for `bytes` behind what waits. */
static uint8_t *queue_room(bus_cursor *self, size_t bytes) {
    if (self->from == self->to) self->from = self->to = 0;
    if (self->to + bytes > self->capacity) {
        size_t capacity = self->capacity == 0 ? QUEUE_FULL : self->capacity * 2;
        while (capacity < self->to + bytes)
            capacity *= 2;
        uint8_t *queue = realloc(self->queue, capacity);
        if (queue == NULL) return NULL;
        self->queue = queue;
        self->capacity = capacity;
    }
    return self->queue + self->to;
}

static void on_message(void *context, const bus_stream_message *message) {
    bus_cursor *self = context;
    size_t subject_bytes = strlen(message->subject) + 1;
    size_t bytes = sizeof(waiting) + subject_bytes + message->length;
    bytes = (bytes + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
    if (self->no_memory || message->seq > self->base.last) return;
    uint8_t *room = queue_room(self, bytes);
    self->no_memory = room == NULL;
    if (room == NULL) return;
    const waiting head = {message->seq, message->stream_ns, message->length, subject_bytes, bytes};
    memcpy(room, &head, sizeof head);
    memcpy(room + sizeof head, message->subject, subject_bytes);
    if (message->length > 0) memcpy(room + sizeof head + subject_bytes, message->bytes, message->length);
    self->to += bytes;
    self->heard_ns = 0;
    if (self->to - self->from > QUEUE_FULL && !self->paused) {
        self->paused = true;
        bus_reader_pause(self->reader);
    }
}

static tw_code read_stream(journal *base, journal_stream stream, uint64_t from, uint64_t to,
                           journal_cursor **cursor, tw_error *error) {
    bus_place *place = (bus_place *)base;
    char name[STREAM_NAME];
    bus_cursor *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to read a stream");
    stream_name(base, stream, base->shard, name, sizeof name);
    self->base.last = to; /* messages may come before the caller has this */
    self->pushed = !place->pushing;
    bus_reader_options options = {.stream = name,
                                  .start_seq = from,
                                  .push = self->pushed,
                                  .batch = BATCH,
                                  .max_bytes = ON_THE_WAY,
                                  .on_message = on_message,
                                  .context = self};
    tw_code code = bus_reader_open(&self->reader, place->bus, &place->loop, &options, error);
    if (code != TW_OK) {
        free(self);
        return code;
    }
    place->pushing = true;
    *cursor = &self->base;
    return TW_OK;
}

/* While nothing waits: is there still hope? */
static tw_code reading_trouble(bus_cursor *self, tw_error *error) {
    bus_place *place = (bus_place *)self->base.owner;
    const bus_reader_status *status = bus_reader_read_status(self->reader);
    int64_t now_ns = rt_clock_monotonic_ns();
    if (self->no_memory) return tw_error_set(error, TW_NO_MEMORY, "no memory for what the stream sends");
    if (status->state == BUS_READER_HALTED) return tw_error_set(error, TW_MALFORMED, "%s", status->reason);
    if (interrupt_wanted()) return interrupted(error);
    if (self->heard_ns == 0) self->heard_ns = now_ns;
    if (now_ns - self->heard_ns <= place->timeout_ns) return TW_OK;
    return tw_error_set(error, TW_AWAY, "%s: nothing came for %" PRIi64 " s, message %" PRIu64 " is missing%s%s",
                        journal_name(self->base.owner, self->base.stream), place->timeout_ns / 1000000000,
                        self->base.next, status->reason[0] != '\0' ? ": " : "", status->reason);
}

/* The first that waits; returns its bytes in the queue. */
static size_t head_of(const bus_cursor *self, mw_message *message) {
    waiting head;
    const uint8_t *at = self->queue + self->from;
    memcpy(&head, at, sizeof head);
    *message = (mw_message){.subject = (const char *)at + sizeof head,
                            .seq = head.seq,
                            .stream_ns = head.stream_ns,
                            .bytes = at + sizeof head + head.subject_bytes,
                            .length = head.length};
    return head.bytes;
}

static tw_code next(journal_cursor *base, mw_message *message, tw_error *error) {
    bus_cursor *self = (bus_cursor *)base;
    bus_place *place = (bus_place *)base->owner;
    while (self->from == self->to) {
        tw_code code = reading_trouble(self, error);
        if (code != TW_OK) return code;
        if (self->paused) {
            self->paused = false;
            bus_reader_resume(self->reader);
        }
        uv_run(&place->loop, UV_RUN_ONCE);
    }
    self->from += head_of(self, message);
    return TW_OK;
}

static bool peek(const journal_cursor *base, mw_message *message) {
    const bus_cursor *self = (const bus_cursor *)base;
    if (self->from == self->to) return false;
    (void)head_of(self, message);
    return true;
}

static void stop(journal_cursor *base) {
    bus_cursor *self = (bus_cursor *)base;
    if (self->pushed) ((bus_place *)base->owner)->pushing = false;
    bus_reader_close(self->reader);
    free(self->queue);
    free(self);
}

/* ---- opening ---- */

static void close_place(journal *base) {
    bus_place *self = (bus_place *)base;
    bus_streams_close(self->streams);
    bus_close(self->bus);
    uv_close((uv_handle_t *)&self->tick, NULL);
    uv_run(&self->loop, UV_RUN_DEFAULT);
    uv_loop_close(&self->loop);
    free(self->bytes);
    free(self);
}

static const journal_kind kind = {close_place, stream_name, look, get, purge, read_stream, next, peek, stop};

static bool give_up(void *context) {
    (void)context;
    return interrupt_wanted();
}

static tw_code connect_bus(bus_place *self, tw_error *error) {
    const char *credentials = self->credentials[0] != '\0' ? self->credentials : NULL;
    bus_options options = {.url = self->url,
                           .name = "tickwire journal",
                           .credentials = credentials,
                           .silence_ns =
                               SILENCE_NS, /* a command that works for seconds does not look at the connection */
                           .read_lot_bytes = READ_LOT,
                           .give_up = give_up,
                           .no_responders = true};
    bus_streams_options questions = {.url = self->url,
                                     .credentials = credentials,
                                     .timeout_ns = self->timeout_ns,
                                     .on_result = on_answer,
                                     .context = self};
    tw_code code = bus_open(&self->bus, &self->loop, &options, error);
    return code != TW_OK ? code : bus_streams_open(&self->streams, &self->loop, &questions, error);
}

tw_code journal_bus_open(journal **opened, const journal_options *options, tw_error *error) {
    bus_place *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to read a journal");
    self->base.kind = &kind;
    self->base.shard = options->shard;
    self->timeout_ns = options->timeout_ns;
    (void)mallopt(M_TRIM_THRESHOLD, HEAP_KEEPS);
    uv_loop_init(&self->loop);
    uv_timer_init(&self->loop, &self->tick);
    uv_timer_start(&self->tick, on_tick, TICK_MS, TICK_MS);
    tw_code code = TW_OK;
    if (!tw_text_copy(self->base.exchange, sizeof self->base.exchange, options->exchange) ||
        !tw_text_copy(self->url, sizeof self->url, options->url) ||
        !tw_text_copy(self->credentials, sizeof self->credentials,
                      options->credentials != NULL ? options->credentials : ""))
        code = tw_error_set(error, TW_INVALID, "the exchange's name, the URL or the credentials are too long");
    if (code == TW_OK) code = connect_bus(self, error);
    if (code != TW_OK) {
        close_place(&self->base);
        return code;
    }
    *opened = &self->base;
    return TW_OK;
}
