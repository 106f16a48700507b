/* A walk over all instruments and intervals, some rounds of it. */
#include "publisher/aggregator/refill.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "proto/codec.h"
#include "proto/subject.h"

#define NS_PER_MS      INT64_C(1000000)
#define MOST_UNDER_WAY 64u
#define PER_TICK       64u
#define ANSWER_NS      (500 * NS_PER_MS) /* who has not answered by then is not waited for */
#define WAIT_READY_NS  (5000 * NS_PER_MS)
#define PAUSE_NS       (200 * NS_PER_MS) /* between rounds */
#define MOST_ROUNDS    25u
#define REQUEST_BYTES  64u
#define OPEN_ONES      2u /* what later rounds ask for: the newest */

typedef enum refill_phase { REFILL_WAITING, REFILL_PROBING, REFILL_ASKING, REFILL_OVER } refill_phase;

struct refill {
    bus *bus;
    candles *candles;
    rt_log *log;
    const char *name;
    bus_subscription *replies;
    wire_arena arena;
    char inbox[128];
    refill_phase phase;
    int64_t since_ns; /* of the phase; 0: not yet */
    uint32_t round;
    uint32_t at; /* instrument * intervals + interval that is asked next */
    uint32_t under_way;
    int64_t asked_ns; /* when the last request left */
    bool anybody;     /* somebody else has answered */
    bool left_over;   /* this round something could not be taken */
    refill_stats stats;
};

/* ---- asking ---- */

static bool ask(refill *self, const char *mic, const char *symbol, uint32_t interval) {
    char subject[SUBJECT_BYTES];
    uint8_t bytes[REQUEST_BYTES];
    const wire_candle_request request = {.interval_ms = subject_candle_ms(interval),
                                         .limit = self->round == 0 ? 0 : OPEN_ONES,
                                         .before_ns = TW_TIME_ABSENT};
    size_t length = wire_candle_request_encode(&request, bytes, sizeof bytes);
    if (!subject_candles(subject, sizeof subject, mic, symbol)) return true; /* nobody can be asked about it */
    if (bus_publish_request(self->bus, subject, self->inbox, bytes, length) != TW_OK) return false;
    self->stats.requests++;
    self->under_way++;
    return true;
}

/* False: all have been asked about. */
static bool ask_some(refill *self, uint32_t most, int64_t now_ns) {
    const char *mic, *symbol;
    for (uint32_t n = 0; n < most && self->under_way < MOST_UNDER_WAY; n++) {
        if (!candles_instrument(self->candles, self->at / SUBJECT_CANDLES, &mic, &symbol)) return false;
        if (!ask(self, mic, symbol, self->at % SUBJECT_CANDLES)) return true;
        self->asked_ns = now_ns;
        self->at++;
    }
    bus_flush(self->bus);
    return true;
}

/* ---- replies ---- */

static void on_reply(void *context, const bus_message *message) {
    refill *self = context;
    wire_candle_list list;
    if (self->phase == REFILL_OVER) return;
    if (wire_candle_list_decode(&self->arena, message->bytes, message->length, &list) != WIRE_OK) {
        self->stats.malformed++;
        return;
    }
    if (strcmp(list.source, self->name) == 0) return; /* one's own */
    self->anybody = true;
    self->stats.replies++;
    if (self->under_way > 0) self->under_way--;
    if (list.code == WIRE_REPLY_OK && !candles_adopt(self->candles, &list, self->asked_ns)) self->left_over = true;
}

/* ---- phases ---- */

static void enter(refill *self, refill_phase phase, int64_t now_ns) {
    self->phase = phase;
    self->since_ns = now_ns;
}

static void end(refill *self) {
    bus_unsubscribe(self->replies);
    self->replies = NULL;
    self->phase = REFILL_OVER;
    if (self->anybody)
        rt_log(self->log, RT_INFO, "candles were taken from another aggregator",
               RT_U64("candles", candles_read_stats(self->candles).adopted),
               RT_U64("requests", self->stats.requests));
}

static void start_round(refill *self) {
    self->round++;
    self->at = 0;
    self->left_over = false;
}

/* A round is over when all were asked about and nothing is under way, or is not waited for any more. */
static void go_on(refill *self, int64_t now_ns) {
    if (now_ns - self->asked_ns >= ANSWER_NS) self->under_way = 0;
    if (ask_some(self, PER_TICK, now_ns) || self->under_way > 0) return;
    bool again = self->left_over && self->round + 1 < MOST_ROUNDS;
    if (!again) {
        end(self);
    } else if (now_ns - self->asked_ns >= PAUSE_NS) {
        start_round(self);
    }
}

void refill_tick(refill *self, bool ready, int64_t now_ns) {
    if (self->phase == REFILL_OVER || !bus_connected(self->bus)) return;
    if (self->since_ns == 0) self->since_ns = now_ns;
    switch (self->phase) {
    case REFILL_WAITING:
        if (ready) enter(self, REFILL_PROBING, now_ns);
        if (!ready && now_ns - self->since_ns >= WAIT_READY_NS) end(self);
        break;
    case REFILL_PROBING:
        if (self->at == 0 && !ask_some(self, 1, now_ns)) end(self); /* no instruments: nothing was before */
        if (self->anybody)
            enter(self, REFILL_ASKING, now_ns);
        else if (now_ns - self->since_ns >= ANSWER_NS)
            end(self);
        break;
    case REFILL_ASKING:
        go_on(self, now_ns);
        break;
    case REFILL_OVER:
        break;
    }
}

bool refill_is_over(const refill *self) {
    return self->phase == REFILL_OVER;
}

/* ---- open and close ---- */

tw_code refill_open(refill **opened, bus *from, candles *into, const char *name, rt_log *log, tw_error *error) {
    *opened = NULL;
    refill *self = calloc(1, sizeof *self);
    if (self == NULL || !wire_arena_init(&self->arena, WIRE_ARENA_BYTES)) {
        free(self);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for candles of another aggregator");
    }
    self->bus = from;
    self->candles = into;
    self->name = name;
    self->log = log;
    tw_code code = bus_new_inbox(from, self->inbox, sizeof self->inbox, error);
    if (code == TW_OK) code = bus_subscribe(from, self->inbox, on_reply, self, &self->replies, error);
    if (code != TW_OK) {
        refill_close(self);
        return code;
    }
    *opened = self;
    return TW_OK;
}

void refill_close(refill *self) {
    if (self == NULL) return;
    bus_unsubscribe(self->replies);
    wire_arena_fini(&self->arena);
    free(self);
}

refill_stats refill_read_stats(const refill *self) {
    return self->stats;
}
