/*
 * Reading a stream in order. One consumer at a time, each with an inbox subject of its own, so that what an old one still sends is
 * not heard any more. A consumer that made trouble is never repaired: the next one starts where this one stopped.
 */
#include "runtime/bus_reader.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/text.h"
#include "runtime/bus_internal.h"
#include "runtime/bus_reply.h"
#include "runtime/clock.h"

#define NS_PER_MS            (TW_NS_PER_SECOND / 1000)
#define DEFAULT_BATCH        512u
#define DEFAULT_BYTES        ((size_t)8 * 1024 * 1024)
#define DEFAULT_HEARTBEAT_NS (500 * NS_PER_MS)
#define DEFAULT_TIMEOUT_NS   TW_NS_PER_SECOND
#define RETRY_NS             (100 * NS_PER_MS)
#define TICK_MS              25
#define PULL_EXPIRES_NS      (30 * TW_NS_PER_SECOND)
#define INACTIVE_NS          (30 * TW_NS_PER_SECOND)
#define MESSAGE_ROOM         ((size_t)64 * 1024) /* headers and subjects, which a pull's bytes count too */
#define NAME_BYTES           128
#define SUBJECT_ROOM         (3 * NAME_BYTES)
#define BODY_BYTES           512
#define OWN_BYTES            10
#define MADE                 "made" /* last token of the subject where the making of a consumer is answered */
#define STATUS_CONTROL       100
#define STATUS_TIME_USED     408
#define STATUS_BYTES_USED    409
#define SILENCES_NUDGE       3 /* halves of a heartbeat */
#define SILENCES_AWAY        6

typedef enum reader_phase {
    PHASE_IDLE,     /* not connected */
    PHASE_RETRY,    /* a new consumer at `deadline_ns` */
    PHASE_CREATING, /* an answer until `deadline_ns` */
    PHASE_READING,
    PHASE_HALTED
} reader_phase;

struct bus_reader {
    bus *bus;
    bus_subscription *inbox;
    bus_listener listener;
    uv_timer_t timer;
    bool push, closing, paused, nudged;
    bool heard; /* since the last tick */
    reader_phase phase;
    int64_t deadline_ns, silent_ns; /* silence in ticks: while the loop is kept busy, nobody is silent */
    uint64_t generation;
    uint64_t next_seq, next_consumer_seq;
    bus_delivery_origin origin;
    uint64_t asked, pull_number; /* messages asked for that have not come */
    uint32_t batch;
    size_t max_bytes;
    int64_t heartbeat_ns, timeout_ns;
    bus_on_stream_message on_message;
    bus_on_reader_status on_status;
    void *context;
    bus_reader_status status;
    bus_reader_stats stats;
    char stream[NAME_BYTES], consumer[NAME_BYTES], base[NAME_BYTES];
    char window
        [SUBJECT_ROOM]; /* pushed: where the server waits to hear that what it sent was taken; "" if it does not */
};

/* ---- telling ---- */

static void tell(bus_reader *self, bus_reader_state state, const char *reason) {
    bus_reader_status *status = &self->status;
    bool same = status->state == state && strcmp(status->reason, reason) == 0;
    status->state = state;
    status->expected_seq = self->next_seq;
    tw_text_copy(status->reason, sizeof status->reason, reason);
    if (!same && self->on_status != NULL) self->on_status(self->context, status);
}

/* ---- consumers ---- */

static tw_code publish(bus_reader *self, const char *verb, const char *reply_token, const char *body) {
    char subject[SUBJECT_ROOM], reply[SUBJECT_ROOM];
    tw_text_format(subject, sizeof subject, "$JS.API.CONSUMER.%s.%s.%s", verb, self->stream, self->consumer);
    tw_text_format(reply, sizeof reply, "%s.%" PRIu64 ".%s", self->base, self->generation, reply_token);
    return bus_publish_request(self->bus, subject, reply, (const uint8_t *)body, strlen(body));
}

/* Leaves the consumer. The server is told, so that it need not wait for its time to pass; the answer goes to nobody. */
static void drop_consumer(bus_reader *self) {
    if (self->inbox != NULL && bus_connected(self->bus)) publish(self, "DELETE", "gone", "");
    bus_unsubscribe(self->inbox);
    self->inbox = NULL;
    self->asked = 0;
    self->window[0] = '\0';
}

static void on_inbox(void *context, const bus_message *message);

static void retry_later(bus_reader *self, const char *reason) {
    drop_consumer(self);
    self->phase = PHASE_RETRY;
    self->deadline_ns = rt_clock_monotonic_ns() + RETRY_NS;
    tell(self, BUS_READER_AWAY, reason);
}

static void halt(bus_reader *self, bus_halt why, uint64_t found_seq) {
    char reason[sizeof self->status.reason];
    if (why == BUS_HALT_GAP)
        tw_text_format(reason, sizeof reason,
                       "stream %s has no messages %" PRIu64 " to %" PRIu64 ": the next one is %" PRIu64,
                       self->stream, self->next_seq, found_seq - 1, found_seq);
    else
        tw_text_format(reason, sizeof reason,
                       "stream %s ends at %" PRIu64 " and message %" PRIu64
                       " was read before: it was wiped, or is an older copy",
                       self->stream, found_seq, self->next_seq - 1);
    drop_consumer(self);
    self->phase = PHASE_HALTED;
    self->status.halt = why;
    self->status.found_seq = found_seq;
    tell(self, BUS_READER_HALTED, reason);
}

/* What a consumer that pushes has more than one that is asked. It sends to where its making is answered: a subscription with a wildcard
 * is none that the server would send to. */
static void write_push(const bus_reader *self, char *text, size_t capacity) {
    text[0] = '\0';
    if (!self->push) return;
    tw_text_format(text, capacity,
                   ",\"deliver_subject\":\"%s.%" PRIu64 "." MADE
                   "\",\"flow_control\":true,\"idle_heartbeat\":%" PRIi64 ",\"max_deliver\":1",
                   self->base, self->generation, self->heartbeat_ns);
}

/* The end of the inbox's name, which is the part that differs most. Not more: it is in every message's reply subject. */
static const char *own_name(const bus_reader *self) {
    size_t length = strlen(self->base);
    return self->base + (length > OWN_BYTES ? length - OWN_BYTES : 0);
}

static tw_code send_create(bus_reader *self) {
    char pattern[SUBJECT_ROOM], pushing[BODY_BYTES], body[2 * BODY_BYTES];
    tw_error error = {0};
    tw_text_format(self->consumer, sizeof self->consumer, "tickwire-%s-%" PRIu64, own_name(self), self->generation);
    tw_text_format(pattern, sizeof pattern, "%s.%" PRIu64 ".%s", self->base, self->generation,
                   self->push ? MADE : "*");
    tw_code code = bus_subscribe(self->bus, pattern, on_inbox, self, &self->inbox, &error);
    if (code != TW_OK) return code;
    write_push(self, pushing, sizeof pushing);
    tw_text_format(body, sizeof body,
                   "{\"stream_name\":\"%s\",\"config\":{\"name\":\"%s\",\"deliver_policy\":\"by_start_sequence\","
                   "\"opt_start_seq\":%" PRIu64
                   ",\"ack_policy\":\"none\",\"replay_policy\":\"instant\",\"inactive_threshold\":%" PRIi64
                   ",\"num_replicas\":1,\"mem_storage\":true%s}}",
                   self->stream, self->consumer, self->next_seq, INACTIVE_NS, pushing);
    return publish(self, "CREATE", MADE, body);
}

static void hear(bus_reader *self) {
    self->heard = true;
    self->nudged = false;
}

static void make_consumer(bus_reader *self) {
    drop_consumer(self);
    self->generation++;
    self->next_consumer_seq = 1;
    self->phase = PHASE_CREATING;
    hear(self);
    self->deadline_ns = rt_clock_monotonic_ns() + self->timeout_ns;
    self->stats.consumers++;
    if (send_create(self) != TW_OK) retry_later(self, "the server is away");
}

/* ---- pulls ---- */

static size_t bytes_of_pull(const bus_reader *self) {
    size_t least = bus_max_payload(self->bus) + MESSAGE_ROOM, half = self->max_bytes / 2;
    return half > least ? half : least;
}

static void pull(bus_reader *self) {
    char body[BODY_BYTES], token[24];
    tw_text_format(token, sizeof token, "%" PRIu64, ++self->pull_number);
    tw_text_format(body, sizeof body,
                   "{\"batch\":%" PRIu32 ",\"max_bytes\":%zu,\"expires\":%" PRIi64 ",\"idle_heartbeat\":%" PRIi64
                   "}",
                   self->batch, bytes_of_pull(self), PULL_EXPIRES_NS, self->heartbeat_ns);
    if (publish(self, "MSG.NEXT", token, body) != TW_OK) return; /* the bus tells that it is away */
    self->asked += self->batch;
    self->stats.pulls++;
}

/* The next batch is asked for while half of the last one is still to come, so that the server never waits for us. */
static void pull_if_low(bus_reader *self) {
    if (self->phase == PHASE_READING && !self->push && !self->paused && self->asked <= self->batch / 2) pull(self);
}

static void give_back(bus_reader *self, uint64_t count) {
    self->asked -= count < self->asked ? count : self->asked;
}

/* ---- pushed ---- */

/* The server sends on when it hears that what it sent before was taken; then with a larger window, up to its largest. */
static void open_window(bus_reader *self) {
    if (self->window[0] == '\0' || self->paused) return;
    if (bus_publish(self->bus, self->window, NULL, 0) == TW_OK) self->stats.windows++;
    self->window[0] = '\0';
}

/* It came behind all that it counts, and each of those was handed on as it came. */
static void on_window(bus_reader *self, const char *subject) {
    if (tw_text_copy(self->window, sizeof self->window, subject)) open_window(self);
}

/* ---- what the server sends ---- */

static void begin_reading(bus_reader *self, uint64_t pending) {
    self->phase = PHASE_READING;
    self->status.pending = pending;
    pull_if_low(self);
    tell(self, BUS_READER_READING, "");
}

/* A consumer that pushes may have begun before this is written, and may be heard before it, too: then its messages say where it stands. */
static void on_made(bus_reader *self, const bus_message *message) {
    char reason[sizeof self->status.reason], words[160];
    uint64_t last_before = 0, pushed = 0, pending = 0;
    if (self->phase != PHASE_CREATING) return;
    bus_json_u64(message->bytes, message->length, "delivered", "consumer_seq", &pushed);
    if (bus_json_has(message->bytes, message->length, "error")) {
        bus_json_text(message->bytes, message->length, "error", "description", words, sizeof words);
        tw_text_format(reason, sizeof reason, "reading stream %s: %s", self->stream, words);
        retry_later(self, reason);
    } else if (!bus_json_u64(message->bytes, message->length, "delivered", "stream_seq", &last_before)) {
        retry_later(self, "the answer to making a consumer is not JetStream's");
    } else if (last_before != self->next_seq - 1 && pushed == 0) {
        bool rewound = last_before < self->next_seq - 1;
        halt(self, rewound ? BUS_HALT_REWOUND : BUS_HALT_GAP, rewound ? last_before : last_before + 1);
    } else {
        bus_json_u64(message->bytes, message->length, NULL, "num_pending", &pending);
        begin_reading(self, pending);
    }
}

static uint64_t header_u64(const bus_message *message, const char *name) {
    const char *text = bus_message_header(message, name);
    uint64_t value = 0;
    return text != NULL && tw_text_to_u64(text, &value) ? value : 0;
}

static void read_again(bus_reader *self) {
    self->stats.lost++;
    make_consumer(self);
}

/* The pull ended with `left` of its messages not sent: its time, or its bytes, ran out. */
static void on_pull_ended(bus_reader *self, int status, uint64_t left) {
    if (status == STATUS_BYTES_USED && left >= self->batch) {
        retry_later(self,
                    "the stream's next message is larger than the server's largest payload: raise max_payload");
        return;
    }
    give_back(self, left);
    pull_if_low(self);
}

/* A request of flow control, or a heartbeat, which says again what is still waited for. */
static void on_control(bus_reader *self, const bus_message *message) {
    const char *stalled = bus_message_header(message, "Nats-Consumer-Stalled");
    if (message->reply != NULL)
        on_window(self, message->reply);
    else if (header_u64(message, "Nats-Last-Stream") >= self->next_seq)
        read_again(self);
    else if (stalled != NULL)
        on_window(self, stalled);
}

static void on_status_message(bus_reader *self, const bus_message *message) {
    char reason[sizeof self->status.reason];
    const char *words = bus_message_header(message, "Description");
    const char *left = bus_message_header(message, "Nats-Pending-Messages");
    if (message->status == STATUS_CONTROL) {
        on_control(self, message);
    } else if (left != NULL && (message->status == STATUS_TIME_USED || message->status == STATUS_BYTES_USED)) {
        on_pull_ended(self, message->status, header_u64(message, "Nats-Pending-Messages"));
    } else {
        tw_text_format(reason, sizeof reason, "reading stream %s: %d %s", self->stream, message->status,
                       message->status == BUS_NO_RESPONDERS ? "the server has no JetStream"
                       : words != NULL                      ? words
                                                            : "");
        retry_later(self, reason);
    }
}

static void deliver(bus_reader *self, const bus_message *message, const bus_delivery *delivery) {
    const bus_stream_message borrowed = {.subject = message->subject,
                                         .bytes = message->bytes,
                                         .length = message->length,
                                         .seq = delivery->stream_seq,
                                         .stream_ns = delivery->stream_ns,
                                         .pending = delivery->pending};
    self->next_seq++;
    self->next_consumer_seq++;
    give_back(self, 1);
    self->stats.messages++;
    self->stats.bytes += message->length;
    self->on_message(self->context, &borrowed);
    if (!self->closing) pull_if_low(self);
}

static void on_delivery(bus_reader *self, const bus_message *message, const bus_delivery *delivery) {
    switch (bus_delivery_judge(delivery, self->next_seq, self->next_consumer_seq)) {
    case BUS_DELIVERY_NEXT:
        deliver(self, message, delivery);
        break;
    case BUS_DELIVERY_LOST:
        read_again(self);
        break;
    case BUS_DELIVERY_GAP:
        halt(self, BUS_HALT_GAP, delivery->stream_seq);
        break;
    default:
        halt(self, BUS_HALT_REWOUND, delivery->stream_seq);
        break;
    }
}

static bool is_answer(const bus_message *message) {
    const char *last = strrchr(message->subject, '.');
    return last != NULL && strcmp(last, "." MADE) == 0;
}

static void on_inbox(void *context, const bus_message *message) {
    bus_reader *self = context;
    bus_delivery delivery;
    bool reading = self->phase == PHASE_READING || (self->push && self->phase == PHASE_CREATING);
    hear(self);
    if (message->status != 0) {
        on_status_message(self, message);
    } else if (reading && bus_delivery_parse_next(&self->origin, message->reply, &delivery)) {
        if (self->phase == PHASE_CREATING) begin_reading(self, delivery.pending + 1);
        on_delivery(self, message, &delivery);
    } else if (self->phase == PHASE_CREATING && is_answer(message)) {
        on_made(self, message);
    } else {
        self->stats.ignored++;
    }
}

/* ---- time and the connection ---- */

/* A pull whose bytes are used up to the last one ends without a word. So a silence is first answered with another pull. */
static void watch_silence(bus_reader *self) {
    int64_t half_ns = self->heartbeat_ns / 2;
    bool expected = self->push || !self->paused; /* without a pull there is nothing to hear */
    self->silent_ns = self->heard || !expected ? 0 : self->silent_ns + TICK_MS * NS_PER_MS;
    self->heard = false;
    if (self->silent_ns > SILENCES_AWAY * half_ns) {
        retry_later(self, "the stream's server is silent");
    } else if (!self->push && self->silent_ns > SILENCES_NUDGE * half_ns && !self->nudged) {
        self->nudged = true;
        self->asked = 0;
        pull(self);
    }
}

static void on_timer(uv_timer_t *timer) {
    bus_reader *self = timer->data;
    int64_t now_ns = rt_clock_monotonic_ns();
    if (self->phase == PHASE_READING)
        watch_silence(self);
    else if (self->phase == PHASE_CREATING && now_ns >= self->deadline_ns)
        retry_later(self, "no answer to making a consumer");
    else if (self->phase == PHASE_RETRY && now_ns >= self->deadline_ns && bus_connected(self->bus))
        make_consumer(self);
}

static void on_bus_event(void *context, bus_event event) {
    bus_reader *self = context;
    if (self->phase == PHASE_HALTED) return;
    if (event == BUS_DISCONNECTED) {
        self->phase = PHASE_IDLE; /* the consumer is left later: nats.c may hold its lock while it connects */
        tell(self, BUS_READER_AWAY, "the server is away");
    } else if (event == BUS_RECONNECTED) {
        make_consumer(self);
    }
}

/* ---- opening ---- */

static bool is_stream_name(const char *name) {
    size_t length = strlen(name);
    if (length == 0 || length >= NAME_BYTES) return false;
    for (size_t i = 0; i < length; i++)
        if (isgraph((unsigned char)name[i]) == 0 || strchr(".*>/\\\"", name[i]) != NULL) return false;
    return true;
}

static void start_timer(bus_reader *self, uv_loop_t *loop) {
    uv_timer_init(loop, &self->timer);
    self->timer.data = self;
    uv_timer_start(&self->timer, on_timer, TICK_MS, TICK_MS);
    uv_unref((uv_handle_t *)&self->timer);
}

static void set_options(bus_reader *self, const bus_reader_options *options) {
    self->push = options->push;
    self->next_seq = options->start_seq;
    self->batch = options->batch != 0 ? options->batch : DEFAULT_BATCH;
    self->max_bytes = options->max_bytes != 0 ? options->max_bytes : DEFAULT_BYTES;
    self->heartbeat_ns = options->heartbeat_ns > 0 ? options->heartbeat_ns : DEFAULT_HEARTBEAT_NS;
    self->timeout_ns = options->timeout_ns > 0 ? options->timeout_ns : DEFAULT_TIMEOUT_NS;
    self->on_message = options->on_message;
    self->on_status = options->on_status;
    self->context = options->context;
    self->status.expected_seq = options->start_seq;
    tw_text_copy(self->stream, sizeof self->stream, options->stream);
}

tw_code bus_reader_open(bus_reader **opened, bus *over, uv_loop_t *loop, const bus_reader_options *options,
                        tw_error *error) {
    *opened = NULL;
    if (!is_stream_name(options->stream))
        return tw_error_set(error, TW_INVALID, "'%s' can't name a stream: no spaces, dots, wildcards or slashes",
                            options->stream);
    if (options->start_seq == 0) return tw_error_set(error, TW_INVALID, "a stream's sequences begin at 1");
    bus_reader *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a stream's reader");
    tw_code code = bus_new_inbox(over, self->base, sizeof self->base, error);
    if (code != TW_OK) {
        free(self);
        return code;
    }
    self->bus = over;
    set_options(self, options);
    self->listener = (bus_listener){.on_event = on_bus_event, .context = self};
    bus_listen(over, &self->listener);
    start_timer(self, loop);
    self->phase =
        PHASE_RETRY; /* the first consumer is made by the loop, not here: no callback before this returns */
    *opened = self;
    return TW_OK;
}

static void on_timer_closed(uv_handle_t *timer) {
    free(timer->data);
}

void bus_reader_close(bus_reader *self) {
    if (self == NULL || self->closing) return;
    self->closing = true;
    drop_consumer(self);
    self->phase = PHASE_HALTED;
    bus_unlisten(self->bus, &self->listener);
    uv_close((uv_handle_t *)&self->timer, on_timer_closed);
}

void bus_reader_pause(bus_reader *self) {
    self->paused = true;
}

void bus_reader_resume(bus_reader *self) {
    if (!self->paused) return;
    self->paused = false;
    hear(self);
    open_window(self);
    pull_if_low(self);
}

uint64_t bus_reader_next_seq(const bus_reader *self) {
    return self->next_seq;
}

const bus_reader_status *bus_reader_read_status(const bus_reader *self) {
    return &self->status;
}

bus_reader_stats bus_reader_read_stats(const bus_reader *self) {
    return self->stats;
}
