/* Keeping snapshots: see store.h. One at a time; the bytes stay until both places are done with them. */
#include "matcher/snapshots/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/text.h"
#include "matcher/wire/places.h"
#include "runtime/bus_writer.h"
#include "runtime/clock.h"

#define KEEP        3u
#define FIRST_BYTES (1u << 20)
#define ON_THE_WAY  2u
#define TIMEOUT_NS  INT64_C(10000000000)

typedef enum store_state {
    STORE_IDLE = 0,
    STORE_FILLING,  /* the caller serialises */
    STORE_CHECKING, /* a thread computes the checksum */
    STORE_KEEPING   /* file and stream */
} store_state;

struct ms_store {
    uv_loop_t *loop;
    bus *wire;
    bus_writer *writer;
    ms_store_options options;
    char exchange[TW_MIC_BYTES];
    char folder[MS_PATH_BYTES];
    char subject[SUBJECT_BYTES];
    store_state state;
    bool closing, broken; /* broken: a write of the caller's failed */
    uint8_t *bytes;
    size_t length, capacity;
    uint8_t *message; /* the chunk that is being sent */
    uv_work_t work;
    bool working;
    tw_error work_error; /* the thread's, of the file */
    tw_code work_code;
    uint32_t chunks, sent, acknowledged;
    uint64_t first_seq; /* of chunk 0 in the stream; 0: not known yet */
    bool file_done, stream_done;
    int64_t begun_ns;
    ms_stored result;
};

/* ---- both places ---- */

static void release_bytes(ms_store *self) {
    free(self->bytes);
    self->bytes = NULL;
    self->length = self->capacity = 0;
}

static void release(ms_store *self) {
    release_bytes(self);
    free(self->message);
    free(self);
}

/* The callback may close the store, so this is the last thing that anyone does. */
static void conclude(ms_store *self) {
    if (self->state != STORE_KEEPING || !self->file_done || !self->stream_done) return;
    release_bytes(self);
    self->state = STORE_IDLE;
    self->options.on_stored(self->options.context, &self->result);
}

/* ---- the stream ---- */

static void end_stream(ms_store *self, const char *reason) {
    ms_place_result *place = &self->result.stream;
    if (self->stream_done) return;
    self->stream_done = true;
    place->done = reason[0] == '\0';
    tw_text_copy(place->reason, sizeof place->reason, reason);
    self->result.stream_ns = rt_clock_monotonic_ns() - self->begun_ns;
}

/* The first goes alone: the others say where it is. */
static void send_chunks(ms_store *self) {
    while (!self->stream_done && self->sent < self->chunks && bus_writer_outstanding(self->writer) < ON_THE_WAY &&
           (self->sent == 0 || self->first_seq != 0)) {
        size_t length = ms_chunk_write(self->message, &self->result.envelope, self->bytes, self->sent,
                                       self->sent == 0 ? 0 : self->first_seq);
        tw_code code =
            bus_writer_write(self->writer, self->subject, self->message, length, BUS_ANY_LAST_SEQ, self->sent);
        if (code == TW_FULL) return;
        if (code != TW_OK) {
            end_stream(self,
                       code == TW_AWAY ? "the bus is away" : "the server does not take messages of this size");
            return;
        }
        self->sent++;
        bus_flush(self->wire);
    }
}

static void on_write(void *context, const bus_write_result *result) {
    ms_store *self = context;
    char reason[sizeof self->result.stream.reason];
    if (self->state != STORE_KEEPING || self->stream_done) return; /* of one that was given up */
    if (result->outcome != BUS_WRITE_STORED) {
        (void)tw_text_format(reason, sizeof reason, "chunk %" PRIu64 " of %" PRIu32 " was not stored: %s",
                             result->token + 1, self->chunks, result->reason);
        end_stream(self, reason);
    } else if (result->token == 0) {
        self->first_seq = result->seq;
    }
    if (result->outcome == BUS_WRITE_STORED && ++self->acknowledged == self->chunks) end_stream(self, "");
    send_chunks(self);
    conclude(self);
}

static void begin_stream(ms_store *self) {
    char reason[160] = "";
    uint64_t most = self->options.stream_bytes;
    uint64_t needs = self->length + (uint64_t)ms_chunk_count(self->length) * (MS_MESSAGE_BYTES - MS_CHUNK_BYTES);
    self->chunks = ms_chunk_count(self->length);
    self->sent = self->acknowledged = 0;
    self->first_seq = 0;
    self->stream_done = !self->result.stream.wanted;
    if (self->stream_done) return;
    if (most > 0 && needs > most / 2)
        (void)tw_text_format(reason, sizeof reason,
                             "%" PRIu64 " bytes are more than half of what the stream may hold (%" PRIu64 ")",
                             needs, most);
    if (bus_writer_outstanding(self->writer) > 0)
        (void)tw_text_format(reason, sizeof reason, "chunks of the last snapshot are still without an answer");
    if (reason[0] != '\0')
        end_stream(self, reason);
    else
        send_chunks(self);
}

void ms_store_bound(ms_store *self, uint64_t stream_bytes) {
    self->options.stream_bytes = stream_bytes;
}

/* ---- the thread ---- */

static void work_file(uv_work_t *work) {
    ms_store *self = work->data;
    self->work_code =
        ms_file_write(self->folder, &self->result.envelope, self->bytes, self->result.path, &self->work_error);
    if (self->work_code == TW_OK)
        ms_file_prune(self->folder, self->exchange, self->options.shard, self->options.keep);
}

static void on_file(uv_work_t *work, int status) {
    ms_store *self = work->data;
    (void)status; /* never cancelled */
    self->working = false;
    if (self->closing) {
        release(self);
        return;
    }
    self->file_done = true;
    self->result.file.done = self->work_code == TW_OK;
    if (self->work_code != TW_OK)
        tw_text_copy(self->result.file.reason, sizeof self->result.file.reason, self->work_error.text);
    self->result.file_ns = rt_clock_monotonic_ns() - self->begun_ns;
    conclude(self);
}

static bool start_work(ms_store *self, uv_work_cb work, uv_after_work_cb after) {
    self->work.data = self;
    self->work_error.text[0] = '\0';
    self->working = uv_queue_work(self->loop, &self->work, work, after) == 0;
    return self->working;
}

static void work_checksum(uv_work_t *work) {
    ms_store *self = work->data;
    self->result.envelope.checksum = tw_crc32c(0, self->bytes, self->length);
}

static void on_checksum(uv_work_t *work, int status) {
    ms_store *self = work->data;
    (void)status;
    self->working = false;
    if (self->closing) {
        release(self);
        return;
    }
    self->state = STORE_KEEPING;
    self->file_done = !self->result.file.wanted;
    if (!self->file_done && !start_work(self, work_file, on_file)) {
        self->file_done = true;
        tw_text_copy(self->result.file.reason, sizeof self->result.file.reason, "no worker thread");
    }
    begin_stream(self);
    conclude(self);
}

/* ---- the caller ---- */

bool ms_store_busy(const ms_store *self) {
    return self->state != STORE_IDLE;
}

static bool grow(ms_store *self, size_t wanted) {
    size_t capacity = self->capacity == 0 ? FIRST_BYTES : self->capacity;
    if (wanted <= self->capacity) return true;
    while (capacity < wanted)
        capacity += capacity / 2;
    uint8_t *grown = realloc(self->bytes, capacity);
    if (grown == NULL) return false;
    self->bytes = grown;
    self->capacity = capacity;
    return true;
}

bool ms_store_begin(ms_store *self, const ms_envelope *envelope, size_t expected_bytes) {
    if (self->state != STORE_IDLE) return false;
    self->result = (ms_stored){.envelope = *envelope};
    tw_text_copy(self->result.envelope.exchange, sizeof self->exchange, self->exchange);
    self->result.envelope.shard = self->options.shard;
    (void)uv_random(NULL, NULL, &self->result.envelope.writer, sizeof self->result.envelope.writer, 0, NULL);
    self->result.file.wanted = self->folder[0] != '\0';
    self->result.stream.wanted = self->options.stream;
    self->state = STORE_FILLING;
    self->broken = !grow(self, expected_bytes + expected_bytes / 8 + 1);
    return true;
}

bool ms_store_write(void *context, const void *bytes, size_t length) {
    ms_store *self = context;
    if (self->state != STORE_FILLING || self->broken) return false;
    self->broken = self->length + length > MS_MOST_BYTES || !grow(self, self->length + length);
    if (self->broken) return false;
    memcpy(self->bytes + self->length, bytes, length);
    self->length += length;
    return true;
}

tw_code ms_store_end(ms_store *self, tw_error *error) {
    size_t length = self->length;
    if (self->state != STORE_FILLING) return tw_error_set(error, TW_INVALID, "no snapshot was begun");
    self->result.envelope.bytes = length;
    self->begun_ns = rt_clock_monotonic_ns();
    self->state = STORE_CHECKING;
    if (!self->broken && start_work(self, work_checksum, on_checksum)) return TW_OK;
    ms_store_drop(self);
    return tw_error_set(error, TW_NO_MEMORY, "no memory for a snapshot of more than %zu bytes", length);
}

void ms_store_drop(ms_store *self) {
    if (self->working || self->state == STORE_KEEPING) return; /* it was let go already */
    release_bytes(self);
    self->state = STORE_IDLE;
}

static tw_code open_stream(ms_store *self, tw_error *error) {
    bus_writer_options options = {
        .max_outstanding = ON_THE_WAY, .timeout_ns = TIMEOUT_NS, .on_result = on_write, .context = self};
    if (!mw_snapshot_subject(self->subject, sizeof self->subject, self->exchange, self->options.shard))
        return tw_error_set(error, TW_INVALID, "no subject for snapshots of %s, shard %" PRIu32, self->exchange,
                            self->options.shard);
    self->message = malloc(MS_MESSAGE_BYTES);
    if (self->message == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a chunk");
    return bus_writer_open(&self->writer, self->wire, self->loop, &options, error);
}

tw_code ms_store_open(ms_store **store, bus *over, uv_loop_t *loop, const ms_store_options *options,
                      tw_error *error) {
    *store = NULL;
    ms_store *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for keeping snapshots");
    self->loop = loop;
    self->wire = over;
    self->options = *options;
    if (self->options.keep == 0) self->options.keep = KEEP;
    bool fits = tw_text_copy(self->exchange, sizeof self->exchange, options->exchange) &&
                tw_text_copy(self->folder, sizeof self->folder, options->folder != NULL ? options->folder : "");
    tw_code code = fits ? TW_OK : tw_error_set(error, TW_INVALID, "exchange or folder is too long");
    if (code == TW_OK && self->folder[0] != '\0')
        code = ms_file_prepare(self->folder, self->exchange, options->shard, error);
    if (code == TW_OK && options->stream) code = open_stream(self, error);
    if (code != TW_OK) {
        ms_store_close(self);
        return tw_error_wrap(error, "keeping snapshots");
    }
    *store = self;
    return TW_OK;
}

void ms_store_close(ms_store *self) {
    if (self == NULL) return;
    bus_writer_close(self->writer);
    self->writer = NULL;
    self->closing = true;
    if (!self->working) release(self);
}
