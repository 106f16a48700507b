/* Questions under way, by the numbers in their reply subjects: of the slot, and of the question. Each slot has a
 * subscription of its own, made when it is first used: the server's word that nobody listens names no question. */
#include "gateways/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "proto/subject.h"
#include "runtime/clock.h"

#define TIMEOUT_NS INT64_C(2000000000)
#define LOOK_MS    100

typedef struct question_slot {
    asker *owner;
    bus_subscription *replies; /* ends with the bus; NULL: not used yet */
    void *question;            /* NULL: free */
    ask_on_reply on_reply;
    bool counted; /* for `caller` */
    address_key caller;
    uint64_t id;
    int64_t due_ns;
} question_slot;

struct asker {
    bus *bus;
    bus_refusals refusals;
    uv_timer_t timer;
    void *context;
    uint64_t last_id;
    address_count *callers;
    asker_stats stats;
    char inbox[128];
    question_slot slots[ASK_MOST];
};

static void take(asker *self, question_slot *slot, const address_key *caller, void *question) {
    slot->question = question;
    slot->counted = caller != NULL;
    if (slot->counted) slot->caller = *caller;
    if (slot->counted) address_count_add(self->callers, slot->caller);
    self->stats.under_way++;
}

static void give_back(asker *self, question_slot *slot) {
    slot->question = NULL;
    if (slot->counted) address_count_remove(self->callers, slot->caller);
    self->stats.under_way--;
}

static void tell(asker *self, question_slot *slot, ask_end end, const bus_message *message) {
    void *question = slot->question;
    if (end != ASK_MORE) { /* free before: another question may be asked from within, and get this very slot */
        give_back(self, slot);
        (void)slot->on_reply(self->context, question, end, message);
    } else if (slot->on_reply(self->context, question, end, message)) {
        give_back(self, slot);
    }
}

static void on_message(void *context, const bus_message *message) {
    question_slot *slot = context;
    uint64_t id;
    const char *last = strrchr(message->subject, '.');
    if (slot->question == NULL) return; /* too late */
    if (message->status == BUS_NO_RESPONDERS)
        tell(slot->owner, slot, ASK_NOBODY, NULL);
    else if (last != NULL && tw_text_to_u64(last + 1, &id) && slot->id == id)
        tell(slot->owner, slot, ASK_MORE, message);
}

static void end_those_due(asker *self, int64_t now_ns, ask_end end) {
    for (uint32_t i = 0; i < ASK_MOST; i++)
        if (self->slots[i].question != NULL && self->slots[i].due_ns <= now_ns)
            tell(self, &self->slots[i], end, NULL);
}

static void on_timer(uv_timer_t *timer) {
    end_those_due(timer->data, rt_clock_monotonic_ns(), ASK_TIMEOUT);
}

static void release(asker *self) {
    address_count_free(self->callers);
    free(self);
}

static void on_bus_event(void *context, bus_event event, const char *detail) {
    (void)bus_refusals_event(&((asker *)context)->refusals, event, detail);
}

tw_code asker_open(asker **made, uv_loop_t *loop, const char *url, const char *credentials, void *context,
                   rt_log *log, tw_error *error) {
    *made = NULL;
    asker *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for questions to the bus");
    self->context = context;
    self->callers = address_count_alloc(ASK_MOST);
    self->refusals = (bus_refusals){.log = log, .connection = "questions and usage"};
    bus_options options = {.url = url,
                           .name = "tickwire-gateway questions",
                           .credentials = credentials,
                           .no_responders = true,
                           .refusals = true,
                           .on_event = on_bus_event,
                           .event_context = self};
    tw_code code = self->callers != NULL ? bus_open(&self->bus, loop, &options, error)
                                         : tw_error_set(error, TW_NO_MEMORY, "no memory for questions to the bus");
    if (code == TW_OK) code = bus_new_inbox(self->bus, self->inbox, sizeof self->inbox, error);
    if (code != TW_OK) {
        bus_close(self->bus);
        release(self);
        return code;
    }
    uv_timer_init(loop, &self->timer);
    self->timer.data = self;
    uv_timer_start(&self->timer, on_timer, LOOK_MS, LOOK_MS);
    *made = self;
    return TW_OK;
}

bus *asker_bus(const asker *self) {
    return self->bus;
}

const bus_refusals *asker_refusals(const asker *self) {
    return &self->refusals;
}

static void on_closed(uv_handle_t *handle) {
    release(handle->data);
}

void asker_close(asker *self) {
    if (self == NULL) return;
    end_those_due(self, INT64_MAX, ASK_CLOSING);
    bus_close(self->bus);
    uv_close((uv_handle_t *)&self->timer, on_closed);
}

/* Only while the bus is there: subscribing may wait while it is looked for. */
static bool listen_for(asker *self, question_slot *slot) {
    char replies[sizeof self->inbox + 16];
    tw_error error = {0};
    if (slot->replies != NULL) return true;
    if (!bus_connected(self->bus)) return false;
    slot->owner = self;
    tw_text_format(replies, sizeof replies, "%s.%u.*", self->inbox, (unsigned)(slot - self->slots));
    return bus_subscribe(self->bus, replies, on_message, slot, &slot->replies, &error) == TW_OK;
}

static question_slot *find_free(asker *self) {
    for (uint32_t tries = 0; tries < ASK_MOST; tries++) {
        question_slot *slot = &self->slots[++self->last_id % ASK_MOST];
        if (slot->question == NULL) return slot;
    }
    return NULL;
}

static bool publish(asker *self, uint32_t slot, const char *subject, const uint8_t *bytes, size_t length) {
    char reply[sizeof self->inbox + 40];
    tw_text_format(reply, sizeof reply, "%s.%u.%llu", self->inbox, slot, (unsigned long long)self->last_id);
    if (bus_publish_request(self->bus, subject, reply, bytes, length) != TW_OK) return false;
    bus_flush(self->bus);
    return true;
}

ask_result asker_ask_with(asker *self, const address_key *caller, const char *subject, const uint8_t *bytes,
                          size_t length, ask_on_reply on_reply, void *question) {
    if (caller != NULL && address_count_of(self->callers, *caller) >= ASK_SHARE) {
        self->stats.over_share++;
        return ASK_OVER_SHARE;
    }
    question_slot *slot = find_free(self);
    if (slot == NULL) {
        self->stats.full++;
        return ASK_FULL;
    }
    if (!listen_for(self, slot) || !publish(self, (uint32_t)(slot - self->slots), subject, bytes, length))
        return ASK_AWAY;
    take(self, slot, caller, question);
    slot->on_reply = on_reply;
    slot->id = self->last_id;
    slot->due_ns = rt_clock_monotonic_ns() + TIMEOUT_NS;
    return ASK_ASKED;
}

ask_result asker_ask(asker *self, const address_key *caller, const char *subject, ask_on_reply on_reply,
                     void *question) {
    return asker_ask_with(self, caller, subject, (const uint8_t *)"", 0, on_reply, question);
}

asker_stats asker_read_stats(const asker *self) {
    return self->stats;
}
