/*
 * Payloads of several lines in, messages in order out. Framing parses, one gap tracker orders; what was new in a
 * packet is told by the tracker's count of duplicates, so a line's wins are exact however the packets are grouped.
 */
#include "ingest/line/arbiter.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/market.h"
#include "ingest/line/line_skew.h"

#define MESSAGES_PER_CALL 64u
#define SESSIONS_LEFT     4u
#define LARGEST_PAYLOAD   65535u
#define FALLEN_PACKETS    3u

/* A packet that waits for a second one to agree with it. */
typedef struct suspect {
    bool waits;
    uint32_t line;
    int64_t receive_ns, now_ns;
    moldudp64_packet packet;
    uint8_t blocks[LARGEST_PAYLOAD];
} suspect;

/* Numbers that a line has carried come from it again, while nothing at the front does. */
typedef struct fallen {
    bool told;
    uint32_t packets;
    uint64_t first;    /* where they began */
    uint64_t position; /* behind the highest of them */
    uint64_t from;     /* the next number when it was told */
} fallen;

struct arbiter {
    arbiter_options options;
    arbiter_listener listener;
    gap_tracker *gap;
    line_stats lines[ARBITER_MAX_LINES];
    line_stats recovery;
    line_skew skew;
    suspect suspect;
    fallen fall;
    int64_t front_ns;                      /* when the next number or a later one was carried or announced last */
    char session[MOLDUDP64_SESSION_BYTES]; /* without padding */
    bool announced;                        /* on_session was told of it */
    uint64_t first;
    uint64_t highest;  /* the next number as far as any line has told */
    uint64_t arrivals; /* messages numbered by arrival */
    bool unsequenced;
    uint64_t malformed;
    uint64_t stray_ends, stray_end, impossible, impossible_number;
    char left[SESSIONS_LEFT][MOLDUDP64_SESSION_BYTES]; /* sessions that are over, newest at left_next - 1 */
    uint32_t left_next;
    uint64_t left_end; /* the next number of the newest of them */
};

tw_code arbiter_alloc(arbiter **out, const arbiter_options *options, const arbiter_listener *listener,
                      tw_error *error) {
    *out = NULL;
    if (options->lines == 0 || options->lines > ARBITER_MAX_LINES)
        return tw_error_set(error, TW_INVALID, "a feed has 1 to %u lines, not %u", ARBITER_MAX_LINES,
                            options->lines);
    if (options->number_unsequenced && options->lines > 1)
        return tw_error_set(error, TW_INVALID, "lines without sequence numbers can't be arbitrated");
    arbiter *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the lines of a feed");
    self->options = *options;
    self->listener = *listener;
    self->front_ns = INT64_MIN;
    for (uint32_t i = 0; i < ARBITER_MAX_LINES; i++)
        line_stats_init(&self->lines[i], options->gap.reorder_window_ns);
    line_stats_init(&self->recovery, 0);
    tw_code code = gap_alloc(&self->gap, &options->gap, error);
    if (code != TW_OK) {
        free(self);
        return code;
    }
    *out = self;
    return TW_OK;
}

void arbiter_free(arbiter *self) {
    if (self == NULL) return;
    gap_free(self->gap);
    free(self);
}

/* ---- messages out ---- */

static void deliver(arbiter *self, const gap_run *run) {
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
            self->listener.on_messages(self->listener.context, messages, count);
            count = 0;
        }
    }
    if (count > 0) self->listener.on_messages(self->listener.context, messages, count);
}

static void deliver_ready(arbiter *self) {
    gap_run run;
    while (gap_take(self->gap, &run)) {
        if (run.lost_before > 0)
            self->listener.on_lost(self->listener.context, run.first - run.lost_before, run.lost_before);
        if (run.count > 0) deliver(self, &run);
    }
}

/* ---- sessions ---- */

static void set_session(arbiter *self, const char *padded) {
    size_t length = strlen(padded);
    while (length > 0 && padded[length - 1] == ' ')
        length--;
    const char *from = padded;
    while (length > 0 && *from == ' ') {
        from++;
        length--;
    }
    memcpy(self->session, from, length);
    self->session[length] = '\0';
}

static void announce(arbiter *self, const moldudp64_packet *packet, int64_t receive_ns) {
    uint64_t first = packet->sequence;
    gap_started(self->gap, &first);
    set_session(self, packet->session);
    self->announced = true;
    self->first = first;
    self->highest = first;
    self->listener.on_session(self->listener.context, self->session, first, receive_ns);
}

static void settle(arbiter *self) {
    gap_flush(self->gap);
    deliver_ready(self);
}

/* Everything of the old session is settled before the new one begins. */
static void change_session(arbiter *self) {
    settle(self);
    memcpy(self->left[self->left_next], gap_session(self->gap), MOLDUDP64_SESSION_BYTES);
    self->left_next = (self->left_next + 1) % SESSIONS_LEFT;
    self->left_end = gap_expected(self->gap);
    gap_reset(self->gap);
    line_skew_reset(&self->skew);
    self->fall = (fallen){0};
    self->announced = false;
    self->arrivals = 0;
}

static bool same_session(const char *a, const char *b) {
    return memcmp(a, b, MOLDUDP64_SESSION_BYTES) == 0;
}

static bool was_left(const arbiter *self, const char *session) {
    for (uint32_t i = 0; i < SESSIONS_LEFT; i++)
        if (same_session(self->left[i], session)) return true;
    return false;
}

static bool is_current(const arbiter *self, const char *session) {
    return same_session(gap_session(self->gap), session);
}

/* A line that comes from the session before has missed the rest of it. */
static void join(arbiter *self, line_stats *line, const char *session) {
    if (same_session(line->counts.session, session)) return;
    uint32_t newest = (self->left_next + SESSIONS_LEFT - 1) % SESSIONS_LEFT;
    bool from_newest = same_session(line->counts.session, self->left[newest]);
    line_stats_join(line, session, self->first, from_newest ? self->left_end : 0);
}

/* ---- packets in ---- */

static uint64_t end_of(const moldudp64_packet *packet) {
    uint64_t room = UINT64_MAX - packet->sequence; /* as the gap tracker has it: numbers beyond do not exist */
    return packet->sequence + (packet->count < room ? packet->count : room);
}

/* The tracker counts what it had already, in whatever packets; the rest of this one is new. */
static gap_verdict push_counted(arbiter *self, line_counts *counts, const moldudp64_packet *packet,
                                int64_t receive_ns, int64_t now_ns) {
    uint64_t known = gap_tracker_stats(self->gap).duplicates;
    gap_verdict verdict = gap_push(self->gap, packet, receive_ns, now_ns);
    uint64_t messages = end_of(packet) - packet->sequence;
    known = gap_tracker_stats(self->gap).duplicates - known;
    counts->messages += messages;
    counts->duplicates += known;
    counts->wins += messages - known;
    return verdict;
}

static void accept(arbiter *self, uint32_t index, const moldudp64_packet *packet, int64_t receive_ns,
                   int64_t now_ns) {
    line_stats *line = &self->lines[index];
    if (end_of(packet) >= gap_expected(self->gap)) self->front_ns = now_ns;
    line->counts.last_heard_ns = now_ns;
    gap_verdict verdict = push_counted(self, &line->counts, packet, receive_ns, now_ns);
    if (!self->announced) announce(self, packet, receive_ns);
    join(self, line, packet->session);
    uint64_t end = end_of(packet);
    line_stats_carried(line, packet->sequence, end, now_ns);
    if (end > self->highest) self->highest = end;
    if (self->options.lines > 1)
        line_skew_arrived(&self->skew, self->lines, index, packet->sequence, end, receive_ns);
    if (verdict == GAP_READY) deliver_ready(self);
}

/* Only what a line has told of can have been asked for; all else is not an answer. */
static void accept_recovery(arbiter *self, const moldudp64_packet *packet, int64_t receive_ns, int64_t now_ns) {
    line_counts *counts = &self->recovery.counts;
    memcpy(counts->session, packet->session, sizeof counts->session);
    if (packet->kind != MOLDUDP64_MESSAGES || !self->announced || self->fall.told ||
        !is_current(self, packet->session) || end_of(packet) > self->highest) {
        counts->passed_over++;
        return;
    }
    counts->last_heard_ns = now_ns;
    if (push_counted(self, counts, packet, receive_ns, now_ns) == GAP_READY) deliver_ready(self);
}

static bool is_suspect(const arbiter *self, const moldudp64_packet *packet) {
    if (!self->announced) return false;
    if (!is_current(self, packet->session)) return true;
    return self->options.max_jump > 0 && packet->sequence > self->highest &&
           packet->sequence - self->highest > self->options.max_jump;
}

/* Another packet of the same session and neighbourhood; a copy of itself on the same line does not count. */
static bool confirms(const arbiter *self, uint32_t line, const moldudp64_packet *packet) {
    const suspect *first = &self->suspect;
    if (!first->waits || !same_session(first->packet.session, packet->session)) return false;
    uint64_t a = first->packet.sequence, b = packet->sequence;
    uint64_t apart = a > b ? a - b : b - a;
    if (self->options.max_jump > 0 && apart > self->options.max_jump) return false;
    return line != first->line || apart > 0 || packet->kind == MOLDUDP64_HEARTBEAT;
}

static void keep_suspect(arbiter *self, uint32_t line, const moldudp64_packet *packet, int64_t receive_ns,
                         int64_t now_ns) {
    suspect *kept = &self->suspect;
    if (kept->waits) self->lines[kept->line].counts.passed_over++;
    kept->waits = true;
    kept->line = line;
    kept->receive_ns = receive_ns;
    kept->now_ns = now_ns;
    kept->packet = *packet;
    TW_ASSERT(packet->blocks_bytes <= sizeof kept->blocks);
    if (packet->blocks_bytes > 0) memcpy(kept->blocks, packet->blocks, packet->blocks_bytes);
    kept->packet.blocks = kept->blocks;
}

static void accept_in_session(arbiter *self, uint32_t line, const moldudp64_packet *packet, int64_t receive_ns,
                              int64_t now_ns) {
    if (self->announced && !is_current(self, packet->session)) change_session(self);
    accept(self, line, packet, receive_ns, now_ns);
}

/* The lower number first, for it may be the start of a session. */
static void accept_confirmed(arbiter *self, uint32_t line, const moldudp64_packet *packet, int64_t receive_ns,
                             int64_t now_ns) {
    suspect *kept = &self->suspect;
    bool kept_first = kept->packet.sequence <= packet->sequence;
    kept->waits = false;
    if (kept_first) accept_in_session(self, kept->line, &kept->packet, kept->receive_ns, now_ns);
    accept_in_session(self, line, packet, receive_ns, now_ns);
    if (!kept_first) accept_in_session(self, kept->line, &kept->packet, kept->receive_ns, now_ns);
}

/* A line that is still in a session the others have left: on its own record only. */
static void pass_over_left(arbiter *self, uint32_t index, const moldudp64_packet *packet, int64_t now_ns) {
    line_stats *line = &self->lines[index];
    uint64_t end = end_of(packet);
    line->counts.passed_over++;
    line->counts.messages += end - packet->sequence;
    line->counts.duplicates += end - packet->sequence;
    if (same_session(line->counts.session, packet->session))
        line_stats_carried(line, packet->sequence, end, now_ns);
}

/* ---- what can't be ---- */

static bool is_impossible(const arbiter *self, const moldudp64_packet *packet) {
    if (self->options.max_jump == 0) return false;
    if (packet->sequence >= ARBITER_NO_NUMBER) return true;
    return self->announced && is_current(self, packet->session) && packet->sequence > self->highest &&
           packet->sequence - self->highest > ARBITER_FURTHEST;
}

/* An end of the session that more has come of. */
static bool is_stray_end(const arbiter *self, const moldudp64_packet *packet) {
    return packet->kind == MOLDUDP64_END && self->announced && is_current(self, packet->session) &&
           packet->sequence < gap_received(self->gap);
}

static bool is_nonsense(arbiter *self, const moldudp64_packet *packet) {
    if (is_impossible(self, packet)) {
        self->impossible++;
        self->impossible_number = packet->sequence;
        return true;
    }
    if (!is_stray_end(self, packet)) return false;
    self->stray_ends++;
    self->stray_end = packet->sequence;
    return true;
}

/* Back to where the lines were by more than the repeated numbers had come: they were late, and no new beginning. */
static bool jumps_back(const fallen *fall, const moldudp64_packet *packet) {
    return packet->sequence > fall->position && packet->sequence - fall->position > fall->position - fall->first;
}

static void climb(fallen *fall, const moldudp64_packet *packet) {
    if (fall->packets++ == 0) fall->first = fall->position = packet->sequence;
    if (packet->sequence < fall->first) fall->first = packet->sequence;
    if (end_of(packet) > fall->position) fall->position = end_of(packet);
}

/* True: nothing of this packet may be believed, for the session's numbers have begun again. */
static bool has_fallen_back(arbiter *self, const line_stats *line, const moldudp64_packet *packet, int64_t now_ns) {
    fallen *fall = &self->fall;
    uint64_t end = end_of(packet), expected = gap_expected(self->gap);
    if (self->options.fall_back_ns == 0 || !self->announced || !is_current(self, packet->session)) return false;
    if (end >= expected && (!fall->told || jumps_back(fall, packet))) {
        *fall = (fallen){0};
        return false;
    }
    bool repeats = same_session(line->counts.session, packet->session) && end < line->counts.expected;
    if (!fall->told && (!repeats || now_ns - self->front_ns <= self->options.fall_back_ns)) return false;
    climb(fall, packet);
    if (fall->told || fall->packets < FALLEN_PACKETS) return fall->told;
    fall->told = true;
    fall->from = expected;
    return true;
}

static void judge(arbiter *self, uint32_t line, const moldudp64_packet *packet, int64_t receive_ns,
                  int64_t now_ns) {
    if (is_nonsense(self, packet) || has_fallen_back(self, &self->lines[line], packet, now_ns))
        self->lines[line].counts.passed_over++;
    else if (self->announced && !is_current(self, packet->session) && was_left(self, packet->session))
        pass_over_left(self, line, packet, now_ns);
    else if (!is_suspect(self, packet))
        accept_in_session(self, line, packet, receive_ns, now_ns);
    else if (confirms(self, line, packet))
        accept_confirmed(self, line, packet, receive_ns, now_ns);
    else
        keep_suspect(self, line, packet, receive_ns, now_ns);
}

/* The numbers were removed from the recording: the order of arrival is all there is, and a session begins at 1. */
static void number_by_arrival(arbiter *self, moldudp64_packet *packet) {
    self->unsequenced = true;
    if (self->announced && !is_current(self, packet->session)) change_session(self);
    packet->sequence = self->arrivals + 1;
    self->arrivals += packet->count;
}

void arbiter_packet(arbiter *self, uint32_t line, const uint8_t *payload, size_t length, int64_t receive_ns,
                    int64_t now_ns) {
    TW_ASSERT(line < self->options.lines || line == ARBITER_RECOVERY);
    line_counts *counts = line == ARBITER_RECOVERY ? &self->recovery.counts : &self->lines[line].counts;
    moldudp64_packet packet;
    size_t offset = 0;
    moldudp64_result result = moldudp64_parse(payload, length, &packet, &offset);
    if (result == MOLDUDP64_ZERO_SEQUENCE && self->options.number_unsequenced && line != ARBITER_RECOVERY) {
        number_by_arrival(self, &packet);
    } else if (result != MOLDUDP64_OK) {
        self->malformed++;
        counts->malformed++;
        self->listener.on_malformed(self->listener.context, result, offset, length);
        return;
    }
    arbiter_poll(self, now_ns);
    counts->packets++;
    if (line == ARBITER_RECOVERY)
        accept_recovery(self, &packet, receive_ns, now_ns);
    else
        judge(self, line, &packet, receive_ns, now_ns);
}

void arbiter_poll(arbiter *self, int64_t now_ns) {
    for (uint32_t i = 0; i < self->options.lines; i++)
        line_stats_poll(&self->lines[i], now_ns);
    if (gap_next_deadline(self->gap) <= now_ns && gap_poll(self->gap, now_ns)) deliver_ready(self);
}

int64_t arbiter_next_deadline(const arbiter *self) {
    return gap_next_deadline(self->gap);
}

/* A recording may end with the first packet of a session; a jump that nothing confirmed is not believed. */
void arbiter_finish(arbiter *self) {
    suspect *kept = &self->suspect;
    if (kept->waits && is_current(self, kept->packet.session))
        self->lines[kept->line].counts.passed_over++;
    else if (kept->waits)
        accept_in_session(self, kept->line, &kept->packet, kept->receive_ns, kept->now_ns);
    kept->waits = false;
    settle(self);
}

/* ---- what is known ---- */

arbiter_status arbiter_read_status(const arbiter *self) {
    arbiter_status status = {.session = self->session,
                             .session_padded = gap_session(self->gap),
                             .first = self->announced ? self->first : 0,
                             .expected = gap_expected(self->gap),
                             .ended = gap_ended(self->gap),
                             .unsequenced = self->unsequenced,
                             .malformed = self->malformed,
                             .heard_ns = self->front_ns,
                             .stray_ends = self->stray_ends,
                             .stray_end = self->stray_end,
                             .impossible = self->impossible,
                             .impossible_number = self->impossible_number,
                             .fell_back = self->fall.told,
                             .fell_from = self->fall.from,
                             .fell_to = self->fall.position,
                             .gap = gap_tracker_stats(self->gap)};
    status.gap_open =
        gap_tracker_state(self->gap) == GAP_OPEN && gap_hole(self->gap, &status.gap_from, &status.gap_to);
    return status;
}

const line_stats *arbiter_line(const arbiter *self, uint32_t line) {
    TW_ASSERT(line < self->options.lines || line == ARBITER_RECOVERY);
    return line == ARBITER_RECOVERY ? &self->recovery : &self->lines[line];
}
