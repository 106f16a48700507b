/*
 * A recording on the loop: read, frame, apply at the pace asked for, and never faster than the bus takes it.
 *
 * At full speed an idle handle gives one round a turn, so that requests and timers are served between rounds. When
 * the next message is not yet due, a timer waits instead. A recording, unlike an exchange, can wait for the bus: no round
 * starts before most of what earlier ones published has left, so that nothing merges that was not asked to merge, and
 * the output buffer stays small (nats.c moves what is left in it after every partial write).
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "ingest/framing/binaryfile.h"
#include "ingest/pipeline.h"
#include "ingest/source/file_source.h"
#include "ingest/source/pcap_source.h"
#include "runtime/clock.h"

#define CHUNK_BYTES        (1u << 20)
#define MESSAGES_PER_ROUND 1024u
#define PACKETS_PER_ROUND  64u
#define ROOM_BYTES         (128u << 10) /* a round starts with no more than this waiting to be written */
#define ITCH_TIMESTAMP_AT  5u           /* offset of the six timestamp bytes in every ITCH message */

typedef enum round_outcome { ROUND_MORE, ROUND_NOT_DUE, ROUND_END } round_outcome;

struct replay {
    ingest *ingest;
    pace pace;
    uv_idle_t idle;
    uv_timer_t timer;
    uv_check_t room; /* runs while the bus is behind: looks after each write whether it has caught up */
    round_outcome (*round)(replay *self);
    int64_t due_ns; /* of the next message, when the round ended with ROUND_NOT_DUE */
    bool session_started;

    /* BinaryFILE and CSV */
    file_source *file;
    uint8_t *chunk;
    size_t chunk_from, chunk_to;
    uint64_t offset; /* in the unpacked stream, of chunk_from */
    uint64_t next_seq;
    bool file_end;
    char damage[160]; /* why the file ended early, "" if it did not */

    /* pcap */
    pcap_source *pcap;
    pcap_packet packet;
    bool packet_waiting;
};

/* ---- BinaryFILE ---- */

static bool refill(replay *self) {
    if (self->file_end) return false;
    memmove(self->chunk, self->chunk + self->chunk_from, self->chunk_to - self->chunk_from);
    self->chunk_to -= self->chunk_from;
    self->chunk_from = 0;
    size_t count = 0;
    tw_error error = {0};
    tw_code code =
        file_source_read(self->file, self->chunk + self->chunk_to, CHUNK_BYTES - self->chunk_to, &count, &error);
    self->chunk_to += count;
    if (code != TW_OK) tw_text_copy(self->damage, sizeof self->damage, error.text);
    if (code != TW_OK || count == 0) self->file_end = true;
    return count > 0;
}

static bool is_due(replay *self, const uint8_t *message, uint16_t length) {
    if (!self->pace.limited || length < ITCH_TIMESTAMP_AT + 6) return true;
    int64_t event_ns = self->ingest->day.midnight_ns + (int64_t)tw_load_be48(message + ITCH_TIMESTAMP_AT);
    int64_t now_ns = rt_clock_monotonic_ns();
    self->due_ns = pace_due_ns(&self->pace, event_ns, now_ns);
    return self->due_ns <= now_ns;
}

static void truncated_frame(replay *self) {
    if (self->damage[0] == '\0' && self->chunk_to > self->chunk_from)
        tw_text_format(self->damage, sizeof self->damage,
                       "the file ends inside a frame at offset %llu: %zu bytes are left",
                       (unsigned long long)self->offset, self->chunk_to - self->chunk_from);
}

/* Behind the mark that ends a session another may follow: days joined into one file. False at the end of the file. */
static bool next_session(replay *self) {
    if (self->chunk_from == self->chunk_to && !refill(self)) return false;
    self->next_seq = 1;
    self->pace.started = false;
    return ingest_start_session(self->ingest, "FILE", 1, TW_TIME_ABSENT);
}

/* Frames of the chunk into messages, as many as are due. */
static round_outcome binaryfile_round(replay *self) {
    feed_message messages[MESSAGES_PER_ROUND];
    size_t count = 0;
    round_outcome outcome = ROUND_MORE;
    while (outcome == ROUND_MORE && count < MESSAGES_PER_ROUND) {
        const uint8_t *message;
        uint16_t length;
        size_t consumed = 0;
        binaryfile_result result = binaryfile_next(self->chunk + self->chunk_from,
                                                   self->chunk_to - self->chunk_from, &message, &length, &consumed);
        if (result == BINARYFILE_NEED_MORE) {
            if (count > 0) break; /* refilling moves the bytes that the messages point to */
            if (refill(self)) continue;
            truncated_frame(self);
            outcome = ROUND_END;
        } else if (result == BINARYFILE_END) {
            if (count > 0) break; /* what came before it belongs to the session that ends */
            self->chunk_from += consumed;
            self->offset += consumed;
            if (!next_session(self)) outcome = ROUND_END;
        } else if (!is_due(self, message, length)) {
            outcome = ROUND_NOT_DUE;
        } else {
            messages[count++] = (feed_message){message, length, self->next_seq++, TW_TIME_ABSENT};
            self->chunk_from += consumed;
            self->offset += consumed;
        }
    }
    if (count > 0) ingest_messages(self->ingest, messages, count);
    return outcome;
}

/* ---- LOBSTER: the feed reads its pair of files itself ---- */

static round_outcome lobster_round(replay *self) {
    for (uint32_t i = 0; i < MESSAGES_PER_ROUND; i++) {
        int64_t event_ns = 0;
        tw_error error = {0};
        lobster_feed_row row = lobster_feed_peek(self->ingest->lobster, &event_ns, &error);
        if (row == LOBSTER_FEED_DAMAGED) tw_text_copy(self->damage, sizeof self->damage, error.text);
        if (row != LOBSTER_FEED_ROW) return ROUND_END;
        int64_t now_ns = rt_clock_monotonic_ns();
        if (self->pace.limited && (self->due_ns = pace_due_ns(&self->pace, event_ns, now_ns)) > now_ns)
            return ROUND_NOT_DUE;
        lobster_feed_step(self->ingest->lobster);
        self->ingest->messages++;
        self->ingest->messages_total++;
    }
    return ROUND_MORE;
}

/* ---- pcap ---- */

/* A capture's own stamps are the clock of its gaps: a recording read at any speed shows the same ones. */
static round_outcome pcap_round(replay *self) {
    for (uint32_t i = 0; i < PACKETS_PER_ROUND; i++) {
        bool more = true;
        tw_error error = {0};
        if (!self->packet_waiting && pcap_source_next(self->pcap, &self->packet, &more, &error) != TW_OK) {
            tw_text_copy(self->damage, sizeof self->damage, error.text);
            more = false;
        }
        if (!more) {
            mold_line_finish(self->ingest->line);
            if (!self->ingest->facts.started && self->damage[0] == '\0')
                tw_text_format(self->damage, sizeof self->damage, "none of the capture's %llu packets is MoldUDP64",
                               (unsigned long long)pcap_source_stats(self->pcap).packets);
            return ROUND_END;
        }
        self->packet_waiting = true;
        int64_t now_ns = rt_clock_monotonic_ns();
        if (self->pace.limited &&
            (self->due_ns = pace_due_ns(&self->pace, self->packet.receive_ns, now_ns)) > now_ns)
            return ROUND_NOT_DUE;
        self->packet_waiting = false;
        mold_line_packet(self->ingest->line, self->packet.payload, self->packet.length, self->packet.receive_ns,
                         self->packet.receive_ns);
    }
    return ROUND_MORE;
}

/* ---- the loop's side ---- */

static void finish(replay *self) {
    uv_idle_stop(&self->idle);
    uv_timer_stop(&self->timer);
    uv_check_stop(&self->room);
    ingest_source_ended(self->ingest, self->damage[0] == '\0' ? NULL : self->damage);
}

static void on_idle(uv_idle_t *idle);

static void on_timer(uv_timer_t *timer) {
    replay *self = timer->data;
    uv_idle_start(&self->idle, on_idle);
}

/* Less than a millisecond is waited for by going round the loop. */
static void wait_for(replay *self, uint64_t ms) {
    if (ms == 0) return;
    uv_idle_stop(&self->idle);
    uv_timer_start(&self->timer, on_timer, ms > 1000 ? 1000 : ms, 0);
}

static bool bus_has_room(const replay *self) {
    size_t half = (size_t)self->ingest->settings.high_water / 2;
    return bus_ready(self->ingest->bus) &&
           bus_buffered(self->ingest->bus) <= (half < ROOM_BYTES ? half : ROOM_BYTES);
}

static void on_room(uv_check_t *room) {
    replay *self = room->data;
    if (!bus_has_room(self)) return;
    uv_check_stop(room);
    uv_idle_start(&self->idle, on_idle);
}

/* The socket becoming writable wakes the loop; at the latest the ingest's own ticks do. */
static void wait_for_room(replay *self) {
    bus_flush(self->ingest->bus);
    uv_idle_stop(&self->idle);
    uv_check_start(&self->room, on_room);
}

static void play(replay *self) {
    if (!bus_has_room(self)) {
        wait_for_room(self);
        return;
    }
    round_outcome outcome = self->round(self);
    ingest_end_of_burst(self->ingest);
    if (outcome == ROUND_END)
        finish(self);
    else if (outcome == ROUND_NOT_DUE)
        wait_for(self, (uint64_t)((self->due_ns - rt_clock_monotonic_ns()) / 1000000));
}

static void on_idle(uv_idle_t *idle) {
    play(idle->data);
}

static void on_start(uv_timer_t *timer) {
    replay *self = timer->data;
    bool ours = self->pcap == NULL; /* a capture's sessions are announced by its packets */
    if (ours && !ingest_start_session(self->ingest, "FILE", 1, TW_TIME_ABSENT)) return;
    uv_idle_start(&self->idle, on_idle);
}

static tw_code open_recording(replay *self, tw_error *error) {
    const location *where = &self->ingest->where;
    if (where->kind == LOCATION_PCAP) {
        self->round = pcap_round;
        return pcap_source_open(&self->pcap, where, error);
    }
    if (self->ingest->lobster != NULL) {
        self->round = lobster_round;
        return TW_OK;
    }
    self->round = binaryfile_round;
    self->next_seq = 1;
    self->chunk = malloc(CHUNK_BYTES);
    if (self->chunk == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to read the recording");
    return file_source_open(&self->file, where->path, error);
}

tw_code replay_open(replay **out, ingest *owner, tw_error *error) {
    replay *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the recording");
    self->ingest = owner;
    *out = self;
    uv_idle_init(&owner->loop, &self->idle);
    uv_timer_init(&owner->loop, &self->timer);
    uv_check_init(&owner->loop, &self->room);
    self->idle.data = self;
    self->timer.data = self;
    self->room.data = self;
    if (!pace_parse(owner->settings.pace, &self->pace))
        return tw_error_set(error, TW_INVALID, "--pace '%s' is not max, recorded, or a factor such as 4x",
                            owner->settings.pace);
    if (open_recording(self, error) != TW_OK)
        return tw_error_wrap(error, "opening source %s", owner->settings.source);
    return TW_OK;
}

void replay_start(replay *self) {
    uv_timer_start(&self->timer, on_start, (uint64_t)(self->ingest->settings.start_after_ns / 1000000), 0);
}

static void on_closed(uv_handle_t *handle) {
    replay *self = handle->data;
    file_source_close(self->file);
    pcap_source_close(self->pcap);
    free(self->chunk);
    free(self);
}

void replay_close(replay *self) {
    if (self == NULL) return;
    uv_close((uv_handle_t *)&self->idle, NULL);
    uv_close((uv_handle_t *)&self->room, NULL);
    uv_close((uv_handle_t *)&self->timer, on_closed);
}
