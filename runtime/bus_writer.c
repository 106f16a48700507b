/* Writing to a stream: publishes whose replies are acknowledgements. */
#include "runtime/bus_writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/text.h"
#include "runtime/bus_internal.h"
#include "runtime/bus_reply.h"
#include "runtime/clock.h"

#define DEFAULT_OUTSTANDING  1024u
#define DEFAULT_TIMEOUT_NS   (5 * TW_NS_PER_SECOND)
#define NS_PER_MS            (TW_NS_PER_SECOND / 1000)
#define INBOX_BYTES          96
#define REPLY_BYTES          (INBOX_BYTES + 24)
#define WRONG_LAST_CODE      10071u
#define EXPECTED_LAST_HEADER "Nats-Expected-Last-Sequence"

typedef struct write_slot {
    uint64_t id; /* 0: free */
    uint64_t token;
    int64_t sent_ns;
    bool fenced;
} write_slot;

/* Ids oldest to next - 1 may be outstanding; id % capacity is its slot. */
struct bus_writer {
    bus *bus;
    bus_subscription *replies;
    bus_listener listener;
    uv_timer_t timer;
    write_slot *slots;
    uint32_t capacity, outstanding;
    uint64_t oldest, next;
    uint32_t unheard; /* outstanding writes that no stream took: which ones is not told */
    bool fence_busy;  /* a fenced write is outstanding */
    bool doubtful;    /* a write was given up on this connection: an answer to it may still come */
    int64_t timeout_ns;
    bus_on_write on_result;
    void *context;
    bool closing;
    bus_writer_stats stats;
    char inbox[INBOX_BYTES];
};

/* ---- results ---- */

static void count(bus_writer_stats *stats, bus_write_outcome outcome) {
    uint64_t *const counters[] = {[BUS_WRITE_STORED] = &stats->stored,
                                  [BUS_WRITE_WRONG_LAST] = &stats->wrong_last,
                                  [BUS_WRITE_REFUSED] = &stats->refused,
                                  [BUS_WRITE_NO_STREAM] = &stats->no_stream,
                                  [BUS_WRITE_UNKNOWN] = &stats->unknown};
    (*counters[outcome])++;
}

/* The slot is free before the caller is told: it may write again at once. */
static void tell(bus_writer *self, write_slot *slot, bus_write_result *result) {
    result->token = slot->token;
    result->took_ns = rt_clock_monotonic_ns() - slot->sent_ns;
    slot->id = 0;
    if (slot->fenced) self->fence_busy = false;
    self->outstanding--;
    while (self->oldest < self->next && self->slots[self->oldest % self->capacity].id == 0)
        self->oldest++;
    count(&self->stats, result->outcome);
    self->on_result(self->context, result);
}

static void tell_unknown(bus_writer *self, write_slot *slot, const char *reason) {
    bus_write_result result = {.outcome = BUS_WRITE_UNKNOWN};
    tw_text_copy(result.reason, sizeof result.reason, reason);
    tell(self, slot, &result);
}

/* All that are outstanding now, not those that the callback writes meanwhile. */
static void give_up_all(bus_writer *self, const char *reason) {
    uint64_t end = self->next;
    for (uint64_t id = self->oldest; id < end && !self->closing; id++) {
        write_slot *slot = &self->slots[id % self->capacity];
        if (slot->id == id) tell_unknown(self, slot, reason);
    }
}

static void on_bus_event(void *context, bus_event event) {
    bus_writer *self = context;
    if (event != BUS_DISCONNECTED) return;
    self->unheard = 0;
    self->doubtful = false;
    give_up_all(self, "the connection broke before the acknowledgement came");
}

static void on_timer(uv_timer_t *timer) {
    bus_writer *self = timer->data;
    int64_t limit_ns = rt_clock_monotonic_ns() - self->timeout_ns;
    uint64_t end = self->next;
    for (uint64_t id = self->oldest; id < end && !self->closing; id++) {
        write_slot *slot = &self->slots[id % self->capacity];
        if (slot->id != id) continue;
        if (slot->sent_ns > limit_ns) return; /* those behind it are younger */
        self->doubtful = true;
        self->unheard = 0;
        tell_unknown(self, slot, "no acknowledgement in time");
    }
}

/* ---- answers ---- */

static void read_error(const bus_message *message, bus_write_result *result) {
    uint64_t code = 0;
    bus_json_u64(message->bytes, message->length, "error", "err_code", &code);
    if (!bus_json_text(message->bytes, message->length, "error", "description", result->reason,
                       sizeof result->reason))
        tw_text_copy(result->reason, sizeof result->reason, "the server refused it without a reason");
    result->outcome = code == WRONG_LAST_CODE ? BUS_WRITE_WRONG_LAST : BUS_WRITE_REFUSED;
    const char *last = strrchr(result->reason, ' '); /* "wrong last sequence: 11" */
    if (result->outcome == BUS_WRITE_WRONG_LAST && (last == NULL || !tw_text_to_u64(last + 1, &result->last_seq)))
        result->last_seq = 0;
}

static void read_answer(const bus_message *message, bus_write_result *result) {
    if (bus_json_has(message->bytes, message->length, "error")) {
        read_error(message, result);
    } else if (bus_json_u64(message->bytes, message->length, NULL, "seq", &result->seq)) {
        result->outcome = BUS_WRITE_STORED;
        result->duplicate = bus_json_true(message->bytes, message->length, "duplicate");
    } else {
        result->outcome = BUS_WRITE_UNKNOWN; /* somebody else answers on the subject */
        tw_text_copy(result->reason, sizeof result->reason, "the answer is not JetStream's");
    }
}

/* Each outstanding write is answered once: by an acknowledgement, an error, or by being unheard. So when as many are unheard as
 * are outstanding, it is all of these. */
static void settle_unheard(bus_writer *self) {
    if (self->unheard == 0 || self->unheard < self->outstanding) return;
    uint64_t end = self->next;
    self->unheard = 0;
    for (uint64_t id = self->oldest; id < end && !self->closing; id++) {
        write_slot *slot = &self->slots[id % self->capacity];
        bus_write_result result = {.outcome = BUS_WRITE_NO_STREAM};
        tw_text_copy(result.reason, sizeof result.reason,
                     "no stream takes this subject, or the server has no JetStream");
        if (slot->id == id) tell(self, slot, &result);
    }
}

static void on_reply(void *context, const bus_message *message) {
    bus_writer *self = context;
    uint64_t id = 0;
    if (message->status == BUS_NO_RESPONDERS) {
        if (!self->doubtful) self->unheard++;
        settle_unheard(self);
        return;
    }
    const char *last = strrchr(message->subject, '.');
    if (last == NULL || !tw_text_to_u64(last + 1, &id)) return;
    write_slot *slot = &self->slots[id % self->capacity];
    if (slot->id != id || id == 0) {
        self->stats.late++;
        return;
    }
    bus_write_result result = {0};
    read_answer(message, &result);
    tell(self, slot, &result);
    if (!self->closing) settle_unheard(self);
}

/* ---- opening ---- */

static tw_code subscribe(bus_writer *self, tw_error *error) {
    char pattern[REPLY_BYTES];
    tw_code code = bus_new_inbox(self->bus, self->inbox, sizeof self->inbox, error);
    if (code != TW_OK) return code;
    tw_text_format(pattern, sizeof pattern, "%s.*", self->inbox);
    return bus_subscribe(self->bus, pattern, on_reply, self, &self->replies, error);
}

static void start_timer(bus_writer *self, uv_loop_t *loop) {
    int64_t period_ms = self->timeout_ns / 8 / NS_PER_MS;
    uint64_t period = period_ms < 1 ? 1 : period_ms > 250 ? 250 : (uint64_t)period_ms;
    uv_timer_init(loop, &self->timer);
    self->timer.data = self;
    uv_timer_start(&self->timer, on_timer, period, period);
    uv_unref((uv_handle_t *)&self->timer);
}

tw_code bus_writer_open(bus_writer **opened, bus *over, uv_loop_t *loop, const bus_writer_options *options,
                        tw_error *error) {
    *opened = NULL;
    bus_writer *self = calloc(1, sizeof *self);
    uint32_t capacity = options->max_outstanding != 0 ? options->max_outstanding : DEFAULT_OUTSTANDING;
    write_slot *slots = self != NULL ? calloc(capacity, sizeof *slots) : NULL;
    if (slots == NULL) {
        free(self);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for %u outstanding writes", (unsigned)capacity);
    }
    self->bus = over;
    self->slots = slots;
    self->capacity = capacity;
    self->oldest = self->next = 1;
    self->timeout_ns = options->timeout_ns > 0 ? options->timeout_ns : DEFAULT_TIMEOUT_NS;
    self->on_result = options->on_result;
    self->context = options->context;
    tw_code code = subscribe(self, error);
    if (code != TW_OK) {
        free(slots);
        free(self);
        return code;
    }
    self->listener = (bus_listener){.on_event = on_bus_event, .context = self};
    bus_listen(over, &self->listener);
    start_timer(self, loop);
    *opened = self;
    return TW_OK;
}

static void on_timer_closed(uv_handle_t *timer) {
    bus_writer *self = timer->data;
    free(self->slots);
    free(self);
}

void bus_writer_close(bus_writer *self) {
    if (self == NULL || self->closing) return;
    self->closing = true;
    bus_unlisten(self->bus, &self->listener);
    bus_unsubscribe(self->replies);
    uv_close((uv_handle_t *)&self->timer, on_timer_closed);
}

/* ---- writing ---- */

static tw_code publish_fenced(bus_writer *self, const char *subject, const char *reply, const uint8_t *bytes,
                              size_t length, uint64_t expected_last_seq) {
    natsMsg *message = NULL;
    char expected[24];
    if (length > bus_max_payload(self->bus)) return TW_INVALID;
    tw_text_format(expected, sizeof expected, "%" PRIu64, expected_last_seq);
    natsStatus status = natsMsg_Create(&message, subject, reply, (const char *)bytes, (int)length);
    if (status == NATS_OK) status = natsMsgHeader_Set(message, EXPECTED_LAST_HEADER, expected);
    if (status == NATS_OK) return bus_publish_owned(self->bus, message);
    natsMsg_Destroy(message);
    return status == NATS_NO_MEMORY ? TW_NO_MEMORY : TW_INVALID;
}

tw_code bus_writer_write(bus_writer *self, const char *subject, const uint8_t *bytes, size_t length,
                         uint64_t expected_last_seq, uint64_t token) {
    char reply[REPLY_BYTES];
    uint64_t id = self->next;
    bool fenced = expected_last_seq != BUS_ANY_LAST_SEQ;
    if (bus_writer_room(self) == 0 || (fenced && self->fence_busy)) return TW_FULL;
    tw_text_format(reply, sizeof reply, "%s.%" PRIu64, self->inbox, id);
    tw_code code = fenced ? publish_fenced(self, subject, reply, bytes, length, expected_last_seq)
                          : bus_publish_request(self->bus, subject, reply, bytes, length);
    if (code != TW_OK) return code;
    self->slots[id % self->capacity] = (write_slot){id, token, rt_clock_monotonic_ns(), fenced};
    self->fence_busy |= fenced;
    self->next++;
    self->outstanding++;
    return TW_OK;
}

uint32_t bus_writer_outstanding(const bus_writer *self) {
    return self->outstanding;
}

bool bus_writer_fence_free(const bus_writer *self) {
    return !self->fence_busy;
}

uint32_t bus_writer_room(const bus_writer *self) {
    return self->capacity - (uint32_t)(self->next - self->oldest);
}

bus_writer_stats bus_writer_read_stats(const bus_writer *self) {
    return self->stats;
}
