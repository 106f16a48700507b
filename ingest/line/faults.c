/* Faults by seed. Every stage hands its packets on to the next; only regrouping and reordering keep any. */
#include "ingest/line/faults.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "ingest/framing/moldudp64.h"

#define MAX_CORRUPT_BYTES 4u

/* A packet moved back: out when `behind` more have gone by. */
typedef struct moved_packet {
    uint32_t behind;
    size_t length;
    uint8_t *payload;
} moved_packet;

struct faults {
    faults_options options;
    faults_sink sink;
    void *context;
    tw_random random;
    faults_stats stats;
    bool bad; /* Gilbert-Elliott state */
    bool silence_planned;
    int64_t silence_from_ns, silence_to_ns;

    uint8_t *group; /* the packet being filled anew; none while group_count is 0 */
    size_t group_bytes;
    char group_session[MOLDUDP64_SESSION_BYTES];
    uint64_t group_first;
    uint16_t group_count, group_target;

    uint8_t *copy;       /* for a corrupted packet */
    moved_packet *moved; /* reorder_displacement of them, in the order they came */
    uint32_t moved_count;
    uint8_t *memory;
};

static tw_code check(const faults_options *o, tw_error *error) {
    const uint32_t chances[] = {o->loss,      o->burst_enter, o->burst_leave, o->burst_loss,
                                o->duplicate, o->reorder,     o->corrupt};
    for (size_t i = 0; i < sizeof chances / sizeof *chances; i++)
        if (chances[i] > FAULTS_MILLION) return tw_error_set(error, TW_INVALID, "a fault's chance is above 1");
    if (o->payload_bytes < MOLDUDP64_HEADER_BYTES || o->payload_bytes > UINT16_MAX)
        return tw_error_set(error, TW_INVALID, "payloads of at most %u bytes are none", o->payload_bytes);
    if (o->burst_enter > 0 && o->burst_leave == 0)
        return tw_error_set(error, TW_INVALID, "a burst of losses that never ends");
    if (o->reorder_displacement > FAULTS_MAX_DISPLACEMENT || (o->reorder > 0 && o->reorder_displacement == 0))
        return tw_error_set(error, TW_INVALID, "packets are moved back by 1 to %u others, not %u",
                            FAULTS_MAX_DISPLACEMENT, o->reorder_displacement);
    if (o->regroup_messages >= MOLDUDP64_END_OF_SESSION)
        return tw_error_set(error, TW_INVALID, "a packet has fewer than %u messages", MOLDUDP64_END_OF_SESSION);
    if (o->silence_every_ns < 0 || o->silence_every_ns > INT64_MAX / 4 || o->silence_for_ns < 0 ||
        o->silence_for_ns > INT64_MAX / 4)
        return tw_error_set(error, TW_INVALID, "a silence that makes no sense");
    return TW_OK;
}

tw_code faults_alloc(faults **out, const faults_options *options, faults_sink sink, void *context,
                     tw_error *error) {
    *out = NULL;
    tw_code code = check(options, error);
    if (code != TW_OK) return code;
    faults *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "faults");
    self->options = *options;
    self->sink = sink;
    self->context = context;
    tw_random_seed(&self->random, options->seed);
    size_t moved = options->reorder_displacement; /* + 2: the group and the copy */
    self->memory = calloc(moved + 2, options->payload_bytes);
    self->moved = calloc(moved + 1, sizeof *self->moved);
    if (self->memory == NULL || self->moved == NULL) {
        faults_free(self);
        return tw_error_set(error, TW_NO_MEMORY, "faults that move packets by %zu", moved);
    }
    self->group = self->memory;
    self->copy = self->memory + options->payload_bytes;
    for (size_t i = 0; i < moved; i++)
        self->moved[i].payload = self->memory + (i + 2) * options->payload_bytes;
    *out = self;
    return TW_OK;
}

void faults_free(faults *self) {
    if (self == NULL) return;
    free(self->memory);
    free(self->moved);
    free(self);
}

static bool happens(faults *self, uint32_t chance) {
    return chance > 0 && tw_random_chance(&self->random, chance, FAULTS_MILLION);
}

/* ---- reorder ---- */

static void put_out(faults *self, const uint8_t *payload, size_t length) {
    self->stats.out++;
    self->sink(self->context, payload, length);
}

/* Takes one out of the middle; its memory goes to the end, to be used again. */
static void put_out_moved(faults *self, uint32_t index) {
    moved_packet packet = self->moved[index];
    self->moved_count--;
    memmove(&self->moved[index], &self->moved[index + 1], (self->moved_count - index) * sizeof packet);
    self->moved[self->moved_count] = packet;
    put_out(self, packet.payload, packet.length);
}

/* A packet has gone by: those moved back behind it come out. */
static void pass_moved(faults *self) {
    for (uint32_t i = 0; i < self->moved_count;)
        if (--self->moved[i].behind == 0)
            put_out_moved(self, i);
        else
            i++;
}

static void reorder(faults *self, const uint8_t *payload, size_t length) {
    bool moves = happens(self, self->options.reorder);
    if (moves && self->moved_count < self->options.reorder_displacement && length <= self->options.payload_bytes) {
        moved_packet *packet = &self->moved[self->moved_count];
        packet->behind = 1 + (uint32_t)tw_random_below(&self->random, self->options.reorder_displacement);
        packet->length = length;
        if (length > 0) memcpy(packet->payload, payload, length);
        self->stats.reordered++;
        self->moved_count++;
        return;
    }
    put_out(self, payload, length);
    pass_moved(self);
}

/* ---- duplicate, corrupt, lose ---- */

static void duplicate(faults *self, const uint8_t *payload, size_t length) {
    bool twice = happens(self, self->options.duplicate);
    reorder(self, payload, length);
    if (!twice) return;
    self->stats.duplicated++;
    reorder(self, payload, length);
}

static void corrupt(faults *self, const uint8_t *payload, size_t length) {
    if (!happens(self, self->options.corrupt) || length == 0 || length > self->options.payload_bytes) {
        duplicate(self, payload, length);
        return;
    }
    memcpy(self->copy, payload, length);
    uint64_t changes = 1 + tw_random_below(&self->random, MAX_CORRUPT_BYTES);
    for (uint64_t i = 0; i < changes; i++)
        self->copy[tw_random_below(&self->random, length)] ^= (uint8_t)(1 + tw_random_below(&self->random, 255));
    self->stats.corrupted++;
    duplicate(self, self->copy, length);
}

static bool is_burst_lost(faults *self) {
    if (self->options.burst_enter == 0) return false;
    if (happens(self, self->bad ? self->options.burst_leave : self->options.burst_enter)) self->bad = !self->bad;
    return self->bad && happens(self, self->options.burst_loss);
}

static void plan_silence(faults *self, int64_t after_ns) {
    uint64_t pause = 2 * (uint64_t)self->options.silence_every_ns;
    self->silence_from_ns = after_ns + (int64_t)tw_random_below(&self->random, pause) + 1;
    self->silence_to_ns = self->silence_from_ns + self->options.silence_for_ns;
}

static bool is_silent(faults *self, int64_t now_ns) {
    if (self->options.silence_every_ns == 0) return false;
    if (!self->silence_planned) plan_silence(self, now_ns);
    self->silence_planned = true;
    if (now_ns < self->silence_from_ns) return false;
    if (now_ns < self->silence_to_ns) return true;
    plan_silence(self, now_ns); /* those that fell into a pause of the stream silenced nothing */
    return false;
}

static void lose(faults *self, const uint8_t *payload, size_t length, int64_t now_ns) {
    bool silent = is_silent(self, now_ns), burst = is_burst_lost(self), lost = happens(self, self->options.loss);
    if (silent)
        self->stats.silenced++;
    else if (burst)
        self->stats.burst_lost++;
    else if (lost)
        self->stats.lost++;
    else
        corrupt(self, payload, length);
}

/* ---- regroup ---- */

static void close_group(faults *self, int64_t now_ns) {
    if (self->group_count == 0) return;
    /* the session as it came, whatever bytes it is made of */
    moldudp64_write_header(self->group, "", self->group_first, self->group_count);
    memcpy(self->group, self->group_session, MOLDUDP64_SESSION_BYTES - 1);
    self->group_count = 0;
    lose(self, self->group, self->group_bytes, now_ns);
}

static void open_group(faults *self, const moldudp64_packet *packet, uint64_t number) {
    memcpy(self->group_session, packet->session, sizeof self->group_session);
    self->group_first = number;
    self->group_bytes = MOLDUDP64_HEADER_BYTES;
    self->group_target = (uint16_t)(1 + tw_random_below(&self->random, self->options.regroup_messages));
}

static bool continues_group(const faults *self, const moldudp64_packet *packet, uint64_t number) {
    return self->group_count > 0 && number == self->group_first + self->group_count &&
           memcmp(packet->session, self->group_session, sizeof self->group_session) == 0;
}

static void regroup_message(faults *self, const moldudp64_packet *packet, uint64_t number, const uint8_t *message,
                            uint16_t length, int64_t now_ns) {
    size_t room = self->options.payload_bytes - self->group_bytes;
    if (!continues_group(self, packet, number) || room < 2 + (size_t)length) {
        close_group(self, now_ns);
        open_group(self, packet, number);
        room = self->options.payload_bytes - self->group_bytes;
    }
    self->group_bytes += moldudp64_write_block(self->group + self->group_bytes, room, message, length);
    if (++self->group_count == self->group_target) close_group(self, now_ns);
}

static bool can_regroup(const faults *self, const moldudp64_packet *packet, size_t length) {
    return self->options.regroup_messages > 0 && packet->kind == MOLDUDP64_MESSAGES &&
           length <= self->options.payload_bytes;
}

void faults_packet(faults *self, const uint8_t *payload, size_t length, int64_t now_ns) {
    moldudp64_packet packet;
    self->stats.in++;
    bool parsed = moldudp64_parse(payload, length, &packet, NULL) == MOLDUDP64_OK;
    if (!parsed || !can_regroup(self, &packet, length)) {
        close_group(self, now_ns);
        lose(self, payload, length, now_ns);
        return;
    }
    uint64_t number = packet.sequence;
    size_t position = 0;
    uint16_t message_length;
    const uint8_t *message;
    while ((message = moldudp64_next(packet.blocks, packet.blocks_bytes, &position, &message_length)) != NULL)
        regroup_message(self, &packet, number++, message, message_length, now_ns);
}

void faults_flush(faults *self, int64_t now_ns) {
    close_group(self, now_ns);
    while (self->moved_count > 0)
        put_out_moved(self, 0);
}

faults_stats faults_read_stats(const faults *self) {
    return self->stats;
}
