/* Payload in, messages in order out. Framing parses, the gap tracker orders, this file joins the two. */
#include "ingest/line/mold_line.h"

#include <stdlib.h>
#include <string.h>

#include "base/market.h"

#define MESSAGES_PER_CALL 64u

struct mold_line {
    mold_line_options options;
    mold_line_listener listener;
    gap_tracker *gap;
    char session[MOLDUDP64_SESSION_BYTES]; /* without padding */
    bool announced;                        /* on_session was told of it */
    uint64_t first;
    uint64_t arrivals; /* messages numbered by arrival */
    bool unsequenced;
    uint64_t malformed;
};

tw_code mold_line_alloc(mold_line **out, const mold_line_options *options, const mold_line_listener *listener,
                        tw_error *error) {
    *out = NULL;
    mold_line *line = calloc(1, sizeof *line);
    if (line == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a MoldUDP64 line");
    line->options = *options;
    line->listener = *listener;
    tw_code code = gap_alloc(&line->gap, &options->gap, error);
    if (code != TW_OK) {
        free(line);
        return code;
    }
    *out = line;
    return TW_OK;
}

void mold_line_free(mold_line *line) {
    if (line == NULL) return;
    gap_free(line->gap);
    free(line);
}

static void deliver(mold_line *line, const gap_run *run) {
    feed_message messages[MESSAGES_PER_CALL];
    size_t position = 0, count = 0;
    uint64_t seq = run->first;
    uint16_t length;
    const uint8_t *bytes;
    while ((bytes = moldudp64_next(run->blocks, run->blocks_bytes, &position, &length)) != NULL) {
        messages[count++] =
            (feed_message){.bytes = bytes, .length = length, .seq = seq, .receive_ns = run->receive_ns};
        seq++;
        if (count == MESSAGES_PER_CALL) {
            line->listener.on_messages(line->listener.context, messages, count);
            count = 0;
        }
    }
    if (count > 0) line->listener.on_messages(line->listener.context, messages, count);
}

static void deliver_ready(mold_line *line) {
    gap_run run;
    while (gap_take(line->gap, &run)) {
        if (run.lost_before > 0)
            line->listener.on_lost(line->listener.context, run.first - run.lost_before, run.lost_before);
        if (run.count > 0) deliver(line, &run);
    }
}

static void set_session(mold_line *line, const char *padded) {
    size_t length = strlen(padded);
    while (length > 0 && padded[length - 1] == ' ')
        length--;
    const char *from = padded;
    while (length > 0 && *from == ' ') {
        from++;
        length--;
    }
    memcpy(line->session, from, length);
    line->session[length] = '\0';
}

static void announce(mold_line *line, const moldudp64_packet *packet, int64_t receive_ns) {
    uint64_t first = packet->sequence;
    gap_started(line->gap, &first);
    set_session(line, packet->session);
    line->announced = true;
    line->first = first;
    line->listener.on_session(line->listener.context, line->session, first, receive_ns);
}

/* Everything of the old session is settled before the new one begins. */
static void change_session(mold_line *line) {
    mold_line_finish(line);
    gap_reset(line->gap);
    line->announced = false;
    line->arrivals = 0;
}

/* The numbers were removed from the recording: the order of arrival is all there is. */
static void number_by_arrival(mold_line *line, moldudp64_packet *packet) {
    line->unsequenced = true;
    packet->sequence = line->arrivals + 1;
    line->arrivals += packet->count;
}

void mold_line_packet(mold_line *line, const uint8_t *payload, size_t length, int64_t receive_ns, int64_t now_ns) {
    moldudp64_packet packet;
    size_t offset = 0;
    moldudp64_result result = moldudp64_parse(payload, length, &packet, &offset);
    if (result == MOLDUDP64_ZERO_SEQUENCE && line->options.number_unsequenced) {
        number_by_arrival(line, &packet);
    } else if (result != MOLDUDP64_OK) {
        line->malformed++;
        line->listener.on_malformed(line->listener.context, result, offset, length);
        return;
    }
    mold_line_poll(line, now_ns);
    gap_verdict verdict = gap_push(line->gap, &packet, receive_ns, now_ns);
    if (verdict == GAP_NEW_SESSION) {
        change_session(line);
        verdict = gap_push(line->gap, &packet, receive_ns, now_ns);
    }
    if (!line->announced) announce(line, &packet, receive_ns);
    if (verdict == GAP_READY) deliver_ready(line);
}

void mold_line_poll(mold_line *line, int64_t now_ns) {
    if (gap_next_deadline(line->gap) <= now_ns && gap_poll(line->gap, now_ns)) deliver_ready(line);
}

void mold_line_finish(mold_line *line) {
    gap_flush(line->gap);
    deliver_ready(line);
}

mold_line_status mold_line_read_status(const mold_line *line) {
    mold_line_status status = {.session = line->session,
                               .first = line->announced ? line->first : 0,
                               .expected = gap_expected(line->gap),
                               .ended = gap_ended(line->gap),
                               .unsequenced = line->unsequenced,
                               .malformed = line->malformed,
                               .gap = gap_tracker_stats(line->gap)};
    status.gap_open =
        gap_tracker_state(line->gap) == GAP_OPEN && gap_hole(line->gap, &status.gap_from, &status.gap_to);
    return status;
}
