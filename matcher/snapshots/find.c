/*
 * The search: see find.h. One step at a time, driven by answers and a timer:
 *
 *   LOOKING ──info──► WALKING ──the newest of some last chunks──► (file newer? tried first) READING ──all there──► offered
 *                       │  ▲                                                                                          │
 *                       │  └──────────── from the end again, but only for what is below that one ◄────────refused─────┘
 *                       └──the stream's beginning──► only files are left ──none──► over
 *
 * The last in the stream need not be the newest: a second replica that is behind writes, too, and a chunk may arrive once more, late.
 */
#include "matcher/snapshots/find.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/bus_reader.h"
#include "runtime/bus_streams.h"

#define RETRY_MS   200
#define SAID       16u /* snapshots of which was said that they are passed over */
#define PULL_BATCH 64u
#define PULL_BYTES (16u << 20)
#define LOOK_BACK  16u /* last chunks that are compared before the newest of them is read */

typedef enum find_state {
    FIND_LOOKING = 0, /* how long is the stream? */
    FIND_WALKING,     /* back, message by message */
    FIND_READING,     /* the chunks of one */
    FIND_FILES_ONLY   /* the stream has no more */
} find_state;

struct ms_find {
    uv_loop_t *loop;
    bus *wire;
    ms_find_options options;
    char exchange[TW_MIC_BYTES];
    char folder[MS_PATH_BYTES];
    char stream[BUS_STREAM_NAME_BYTES];
    uv_timer_t timer;
    bool closing, away_said;
    bus_streams *streams;
    bus_reader *reader;
    find_state state;
    uint64_t first_seq, last_seq, at_seq; /* of the stream; the message that is looked at */
    ms_chunk best;                        /* the newest last chunk that was found on the way; count 0: none */
    uint64_t best_at;
    uint32_t looked; /* last chunks on the way */
    ms_chunk tried;  /* the last one that was of no use; count 0: none */
    uint64_t tried_at;
    ms_files files;
    uint32_t next_file;
    ms_chunk last; /* of the snapshot that is being read */
    uint8_t *bytes;
    uint64_t have_bytes; /* chunks come in order, so this is where the next one goes */
    uint32_t have;
    uint64_t said[SAID]; /* their writers */
    uint32_t said_count;
};

static void go_on(ms_find *self);

/* ---- what is said ---- */

static void pass_over(ms_find *self, const char *where, tw_code code, const char *why) {
    self->options.on_passed_over(self->options.context, where, code, why);
}

static void pass_over_message(ms_find *self, uint64_t seq, tw_code code, const char *why) {
    char where[128];
    (void)tw_text_format(where, sizeof where, "the stream %s, message %" PRIu64, self->stream, seq);
    pass_over(self, where, code, why);
}

/* Once for each snapshot: it has many chunks. */
static bool say_first(ms_find *self, uint64_t writer) {
    for (uint32_t i = 0; i < SAID && i < self->said_count; i++)
        if (self->said[i] == writer) return false;
    self->said[self->said_count++ % SAID] = writer;
    return true;
}

/* "" if this is a snapshot that may be used. */
static void why_not(const ms_find *self, const ms_envelope *e, char *why, size_t capacity) {
    const ms_find_options *o = &self->options;
    why[0] = '\0';
    if (strcmp(e->exchange, self->exchange) != 0 || e->shard != o->shard)
        (void)tw_text_format(why, capacity, "it is of %s, shard %" PRIu32, e->exchange, e->shard);
    else if (o->stream_created_ns != 0 && e->stream_created_ns != 0 && e->stream_created_ns != o->stream_created_ns)
        (void)tw_text_format(why, capacity, "it is of an order stream that is not there any more");
    else if (o->most_seq != 0 && e->seq > o->most_seq)
        (void)tw_text_format(why, capacity,
                             "it is the state after input %" PRIu64 ", the order stream ends at %" PRIu64, e->seq,
                             o->most_seq);
}

/* ---- the end ---- */

static void wake(uv_timer_t *timer) {
    go_on(timer->data);
}

static void wake_in(ms_find *self, uint64_t ms) {
    uv_timer_start(&self->timer, wake, ms, 0);
}

static void on_timer_closed(uv_handle_t *handle) {
    ms_find *self = handle->data;
    free(self->bytes);
    free(self);
}

void ms_find_close(ms_find *self) {
    if (self == NULL || self->closing) return;
    self->closing = true;
    bus_reader_close(self->reader);
    bus_streams_close(self->streams);
    uv_close((uv_handle_t *)&self->timer, on_timer_closed);
}

/* True: the search goes on. The callback may have closed it. */
static bool offer(ms_find *self, const ms_envelope *envelope, const uint8_t *bytes, const char *where) {
    ms_found found = {.envelope = *envelope, .bytes = bytes, .where = where};
    return !self->options.on_found(self->options.context, &found) && !self->closing;
}

/* ---- files ---- */

/* Whether a file is to be tried before a snapshot of the stream with this seq. */
static bool file_is_newer(const ms_find *self, uint64_t seq) {
    return self->next_file < self->files.count && self->files.seqs[self->next_file] >= seq;
}

static void try_file(ms_find *self) {
    char path[MS_PATH_BYTES], why[192] = "";
    ms_envelope envelope;
    uint8_t *bytes = NULL;
    tw_error error;
    ms_file_path(path, self->folder, self->exchange, self->options.shard, self->files.seqs[self->next_file++]);
    tw_code code = ms_file_read(path, &envelope, &bytes, &error);
    if (code == TW_OK) why_not(self, &envelope, why, sizeof why);
    if (code != TW_OK || why[0] != '\0') {
        pass_over(self, path, code != TW_OK ? code : TW_INVALID, code != TW_OK ? error.text : why);
        if (!self->closing) wake_in(self, 0);
    } else if (offer(self, &envelope, bytes, path)) {
        wake_in(self, 0);
    }
    free(bytes);
}

/* ---- chunks ---- */

static void walk_on(ms_find *self) {
    self->state = FIND_WALKING;
    self->at_seq--;
    wake_in(self, 0);
}

/* The one that was read is of no use: the next older one is looked for, from the end on. */
static void walk_again(ms_find *self) {
    self->tried = self->last;
    self->tried_at = self->at_seq;
    self->at_seq = self->last_seq + 1;
    walk_on(self);
}

static void give_up_reading(ms_find *self, const char *why) {
    bus_reader_close(self->reader);
    self->reader = NULL;
    free(self->bytes);
    self->bytes = NULL;
    say_first(self, self->last.envelope.writer);
    pass_over_message(self, self->at_seq, TW_MALFORMED, why);
    if (!self->closing) walk_again(self);
}

static void finish_reading(ms_find *self) {
    char where[128];
    tw_error error;
    uint8_t *bytes = self->bytes;
    if (self->have != self->last.count) {
        char why[96];
        (void)tw_text_format(why, sizeof why, "only %" PRIu32 " of its %" PRIu32 " chunks are there", self->have,
                             self->last.count);
        give_up_reading(self, why);
        return;
    }
    if (ms_envelope_check(&self->last.envelope, bytes, &error) != TW_OK) {
        give_up_reading(self, error.text);
        return;
    }
    bus_reader_close(self->reader);
    self->reader = NULL;
    self->bytes = NULL;
    say_first(self, self->last.envelope.writer); /* refused: its other chunks are no news */
    (void)tw_text_format(where, sizeof where, "the stream %s, message %" PRIu64, self->stream, self->at_seq);
    if (offer(self, &self->last.envelope, bytes, where)) walk_again(self);
    free(bytes);
}

static void on_chunk(void *context, const bus_stream_message *message) {
    ms_find *self = context;
    ms_chunk chunk;
    if (message->seq > self->at_seq) return;
    bool ours = ms_chunk_read(message->bytes, message->length, &chunk, NULL) == TW_OK &&
                ms_envelope_same(&chunk.envelope, &self->last.envelope) && chunk.number == self->have;
    if (ours) {
        memcpy(self->bytes + self->have_bytes, chunk.bytes, chunk.length);
        self->have_bytes += chunk.length;
        self->have++;
    }
    if (message->seq == self->at_seq) finish_reading(self);
}

static void on_reader(void *context, const bus_reader_status *status);

static bool read_from(ms_find *self, uint64_t seq) {
    tw_error error;
    bus_reader_options options = {.stream = self->stream,
                                  .start_seq = seq,
                                  .batch = PULL_BATCH,
                                  .max_bytes = PULL_BYTES,
                                  .on_message = on_chunk,
                                  .on_status = on_reader,
                                  .context = self};
    if (bus_reader_open(&self->reader, self->wire, self->loop, &options, &error) == TW_OK) return true;
    self->reader = NULL;
    return false;
}

/* What is missing may be another's chunks. */
static void on_reader(void *context, const bus_reader_status *status) {
    ms_find *self = context;
    if (status->state != BUS_READER_HALTED) return;
    char why[sizeof status->reason];
    uint64_t next = status->halt == BUS_HALT_GAP ? status->found_seq : 0;
    (void)tw_text_copy(why, sizeof why, status->reason);
    bus_reader_close(self->reader);
    self->reader = NULL;
    if (next == 0 || next > self->at_seq || !read_from(self, next)) give_up_reading(self, why);
}

static uint64_t first_of(const ms_chunk *last, uint64_t at_seq) {
    return last->count == 1 ? at_seq : last->first_seq;
}

static void read_snapshot(ms_find *self) {
    uint64_t first = first_of(&self->last, self->at_seq);
    self->state = FIND_READING;
    self->have = 0;
    self->have_bytes = 0;
    self->bytes = malloc(self->last.envelope.bytes + 1);
    if (self->bytes == NULL) {
        give_up_reading(self, "there is no memory for it");
    } else if (first < self->first_seq || first > self->at_seq) {
        give_up_reading(self, "its first chunks are not there any more");
    } else if (!read_from(self, first)) {
        free(self->bytes);
        self->bytes = NULL;
        wake_in(self, RETRY_MS);
    }
}

/* A message that is no last chunk tells of a snapshot that is not whole, unless that was looked at already. */
static bool is_candidate(ms_find *self, const bus_streams_result *result, ms_chunk *chunk) {
    char why[192];
    tw_error error;
    tw_code code = ms_chunk_read(result->bytes, result->length, chunk, &error);
    if (code != TW_OK) {
        pass_over_message(self, self->at_seq, code, error.text);
        return false;
    }
    why_not(self, &chunk->envelope, why, sizeof why);
    bool last = chunk->number + 1 == chunk->count;
    if (!last && why[0] == '\0')
        (void)tw_text_format(why, sizeof why, "it was never finished: chunk %" PRIu32 " of %" PRIu32 " is the last",
                             chunk->number + 1, chunk->count);
    if (why[0] != '\0' && say_first(self, chunk->envelope.writer))
        pass_over_message(self, self->at_seq, TW_INVALID, why);
    return why[0] == '\0';
}

/* ---- the stream ---- */

static bool is_below_tried(const ms_find *self, const ms_chunk *chunk) {
    if (self->tried.count == 0 || chunk->envelope.seq < self->tried.envelope.seq) return true;
    return chunk->envelope.seq == self->tried.envelope.seq && self->at_seq < self->tried_at;
}

static void take_message(ms_find *self, const bus_streams_result *result) {
    ms_chunk chunk;
    bool last = is_candidate(self, result, &chunk);
    if (self->closing) return;
    chunk.bytes = NULL; /* borrowed */
    if (last && is_below_tried(self, &chunk)) {
        self->looked++;
        if (self->best.count == 0 || chunk.envelope.seq > self->best.envelope.seq) {
            self->best = chunk;
            self->best_at = self->at_seq;
        }
    }
    uint64_t first = last ? first_of(&chunk, self->at_seq) : 0;
    if (last && first <= self->at_seq && self->at_seq - first == chunk.count - 1)
        self->at_seq = first; /* all between are its own */
    walk_on(self);
}

/* The walk has seen enough: the newest on the way is read, if there is one. */
static void end_walk(ms_find *self) {
    self->state = self->best.count > 0 ? FIND_READING : FIND_FILES_ONLY;
    self->last = self->best;
    self->at_seq = self->best_at;
    self->best.count = 0;
    self->looked = 0;
}

static void take_info(ms_find *self, const bus_streams_result *result) {
    self->first_seq = result->info.first_seq;
    self->last_seq = self->at_seq = result->info.last_seq;
    self->state = FIND_WALKING;
    wake_in(self, 0);
}

static void on_streams(void *context, const bus_streams_result *result) {
    ms_find *self = context;
    bool away = result->outcome == BUS_STREAMS_AWAY;
    if (away && !self->away_said) pass_over(self, self->stream, TW_AWAY, result->reason);
    self->away_said = away;
    if (self->closing) return;
    if (away) {
        wake_in(self, RETRY_MS);
    } else if (result->outcome == BUS_STREAMS_DONE && self->state == FIND_LOOKING) {
        take_info(self, result);
    } else if (result->outcome == BUS_STREAMS_DONE) {
        take_message(self, result);
    } else if (self->state == FIND_LOOKING) { /* there is no such stream */
        self->state = FIND_FILES_ONLY;
        wake_in(self, 0);
    } else {
        walk_on(self);
    }
}

static void ask(ms_find *self) {
    bool asked = self->state == FIND_LOOKING ? bus_streams_info(self->streams, self->stream)
                                             : bus_streams_get(self->streams, self->stream, self->at_seq);
    if (!asked) wake_in(self, RETRY_MS);
}

/* ---- the step ---- */

static void go_on(ms_find *self) {
    bool walked_out = self->at_seq == 0 || self->at_seq < self->first_seq || self->looked == LOOK_BACK;
    if (self->state == FIND_WALKING && walked_out) end_walk(self);
    if (self->state == FIND_LOOKING || self->state == FIND_WALKING) {
        ask(self);
    } else if (file_is_newer(self, self->state == FIND_READING ? self->last.envelope.seq : 0)) {
        try_file(self);
    } else if (self->state == FIND_READING) {
        read_snapshot(self);
    } else {
        (void)self->options.on_found(self->options.context, NULL);
    }
}

static tw_code take_options(ms_find *self, const ms_find_options *o, tw_error *error) {
    self->options = *o;
    bool fits = tw_text_copy(self->exchange, sizeof self->exchange, o->exchange) &&
                tw_text_copy(self->folder, sizeof self->folder, o->folder != NULL ? o->folder : "") &&
                tw_text_copy(self->stream, sizeof self->stream, o->stream != NULL ? o->stream : "");
    if (!fits) return tw_error_set(error, TW_INVALID, "exchange, folder or stream has a name that is too long");
    if (self->stream[0] == '\0') return TW_OK;
    bus_streams_options management = {
        .url = o->url, .credentials = o->credentials, .on_result = on_streams, .context = self};
    return bus_streams_open(&self->streams, self->loop, &management, error);
}

tw_code ms_find_open(ms_find **find, bus *over, uv_loop_t *loop, const ms_find_options *options, tw_error *error) {
    *find = NULL;
    ms_find *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to look for snapshots");
    self->loop = loop;
    self->wire = over;
    tw_code code = take_options(self, options, error);
    if (code != TW_OK) {
        bus_streams_close(self->streams);
        free(self);
        return tw_error_wrap(error, "looking for snapshots");
    }
    uv_timer_init(loop, &self->timer);
    self->timer.data = self;
    self->state = self->stream[0] != '\0' ? FIND_LOOKING : FIND_FILES_ONLY;
    if (self->folder[0] != '\0') ms_file_list(self->folder, self->exchange, options->shard, &self->files);
    wake_in(self, 0);
    *find = self;
    return TW_OK;
}
