/*
 * What the journal may still hold. A stream that is full takes no cancel and no kill either, so new orders are refused before: when less than
 * --storage-reserve is left of any bound, the leader puts a command into the order stream by which the engines of all replicas
 * refuse them; when half as much again is left, another one that takes it back. The reserve is for what takes risk down. Without one
 * (0) a leader only takes back what an earlier one has said.
 *
 *   every second:  account ─> orders ─> execlog ─> judge
 *
 * Bounds are those that JetStream tells: max_bytes and max_msgs of the two streams, the account's. What the server's disk or its own
 * limit leaves is not told to its clients. While a look fails what was known last holds.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "matcher/pipeline.h"
#include "runtime/bus_streams.h"
#include "runtime/clock.h"

#define LOOK_NS    (INT64_C(1000) * 1000000)
#define AGAIN_NS   (INT64_C(10000) * 1000000) /* a command that has not been read by then is sent again */
#define ACCOUNT_NS (INT64_C(60000) * 1000000) /* who may not ask about the account asks again after this */
#define CALL_NS    (INT64_C(2000) * 1000000)

typedef enum step { ACCOUNT = 0, ORDERS, EXECLOG } step;

/* Used of what may be; limit 0: no bound. */
typedef struct bound {
    const char *what;
    uint64_t used, limit;
} bound;

enum { ACCOUNT_BYTES = 0, ORDERS_BYTES, ORDERS_MESSAGES, EXECLOG_BYTES, EXECLOG_MESSAGES, BOUNDS };

struct storage {
    matcher *matcher;
    bus_streams *streams;
    step step;
    int64_t look_ns, account_ns;
    int64_t sent_ns; /* the last command; 0: none */
    bool sent_low;   /* what it said */
    bool bound_told;
    uint32_t replicas;
    bound bounds[BOUNDS];
    rt_log_site low_site;
};

static uint64_t left_of(const bound *one) {
    return one->used < one->limit ? one->limit - one->used : 0;
}

/* ---- judging ---- */

/* `percent` of each bound must be left. The first that has less; NULL: all have. */
static const bound *short_of(const storage *self, uint64_t percent_halves) {
    for (size_t i = 0; i < BOUNDS; i++) {
        const bound *one = &self->bounds[i];
        if (one->limit > 0 && left_of(one) < (uint64_t)((unsigned __int128)one->limit * percent_halves / 200))
            return one;
    }
    return NULL;
}

static void command(storage *self, bool low, int64_t now_ns) {
    wire_control_command c = wire_control_command_empty;
    c.kind = WIRE_SET_STORAGE;
    c.on = low;
    self->sent_ns = now_ns;
    self->sent_low = low;
    leading_command(self->matcher->leading, &c);
    bus_flush(self->matcher->bus);
}

/* A journal without a bound ends where the disk does, and nobody is told before. */
static void tell_bound(storage *self) {
    bool any = false;
    for (size_t i = 0; i < BOUNDS; i++)
        any = any || self->bounds[i].limit > 0;
    if (!any && !self->bound_told)
        rt_log(self->matcher->log, RT_INFO,
               "no bound of the journal's storage is known: set max_bytes of the order stream and execlog, so that "
               "there is room for cancels when it runs short");
    self->bound_told = true;
}

/* It takes its way through the stream. */
static bool is_on_its_way(const storage *self, bool low, int64_t now_ns) {
    return self->sent_ns != 0 && self->sent_low != low && now_ns - self->sent_ns < AGAIN_NS;
}

static void judge(storage *self, int64_t now_ns) {
    matcher *m = self->matcher;
    uint64_t percent = m->settings.storage_reserve;
    bool low = mx_storage_low(mr_engine(m->replica));
    if (!leading_serves(m->leading)) return;
    if (percent > 0) tell_bound(self);
    const bound *scarce = short_of(self, low ? 3 * percent : 2 * percent);
    if ((scarce != NULL) == low || is_on_its_way(self, low, now_ns)) return;
    if (scarce != NULL)
        rt_log_limited(m->log, &self->low_site, RT_ERROR,
                       "storage of the journal runs short: new orders are refused until there is more",
                       RT_STR("what", scarce->what), RT_U64("left", left_of(scarce)), RT_U64("of", scarce->limit));
    else
        rt_log(m->log, RT_INFO,
               percent > 0 ? "there is storage enough again: new orders are taken"
                           : "no storage is reserved any more (--storage-reserve 0): new orders are taken");
    command(self, scarce != NULL, now_ns);
}

/* ---- looking ---- */

static void ask(storage *self) {
    const matcher_settings *set = &self->matcher->settings;
    char name[MW_STREAM_NAME_BYTES];
    (void)mw_stream_name(name, sizeof name, self->step == ORDERS ? MW_STREAM_ORDERS : MW_STREAM_EXECLOG,
                         set->exchange, (uint32_t)set->shard);
    if (self->step == ACCOUNT)
        (void)bus_streams_account(self->streams);
    else
        (void)bus_streams_info(self->streams, name);
}

static void take_stream(storage *self, const bus_stream_info *info) {
    bound *bytes = &self->bounds[self->step == ORDERS ? ORDERS_BYTES : EXECLOG_BYTES];
    bound *messages = &self->bounds[self->step == ORDERS ? ORDERS_MESSAGES : EXECLOG_MESSAGES];
    bytes->used = info->bytes;
    bytes->limit = info->max_bytes;
    messages->used = info->messages;
    messages->limit = info->max_messages;
    self->replicas = info->replicas > 0 ? info->replicas : 1;
}

static void take_account(storage *self, const bus_streams_result *result, int64_t now_ns) {
    bound *bytes = &self->bounds[ACCOUNT_BYTES];
    if (result->outcome == BUS_STREAMS_DONE) {
        bytes->used = result->account.stored_bytes;
        bytes->limit = result->account.max_bytes;
    } else {
        self->account_ns = now_ns + ACCOUNT_NS;
    }
}

static void on_result(void *context, const bus_streams_result *result) {
    storage *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    if (self->matcher->state != MATCHER_RUNNING) return;
    if (self->step == ACCOUNT)
        take_account(self, result, now_ns);
    else if (result->outcome == BUS_STREAMS_DONE)
        take_stream(self, &result->info);
    else
        return; /* the next look begins anew */
    if (self->step == EXECLOG) {
        judge(self, now_ns);
        return;
    }
    self->step++;
    ask(self);
}

void storage_tick(storage *self, int64_t now_ns) {
    if (now_ns < self->look_ns || bus_streams_busy(self->streams)) return;
    self->look_ns = now_ns + LOOK_NS;
    if (self->matcher->settings.storage_reserve ==
        0) { /* nothing to look at; what an earlier leader has said ends */
        judge(self, now_ns);
        return;
    }
    self->step = now_ns < self->account_ns ? ORDERS : ACCOUNT;
    ask(self);
}

int64_t storage_left_bytes(const storage *self, mw_stream stream) {
    const bound *own = &self->bounds[stream == MW_STREAM_ORDERS ? ORDERS_BYTES : EXECLOG_BYTES];
    const bound *account = &self->bounds[ACCOUNT_BYTES];
    uint64_t left = UINT64_MAX;
    if (own->limit > 0) left = left_of(own);
    if (account->limit > 0 && left_of(account) / self->replicas < left) left = left_of(account) / self->replicas;
    return left > INT64_MAX ? -1 : (int64_t)left;
}

tw_code storage_open(storage **opened, matcher *m, tw_error *error) {
    storage *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to watch storage");
    static const bound unknown[BOUNDS] = {[ACCOUNT_BYTES] = {.what = "bytes of the account"},
                                          [ORDERS_BYTES] = {.what = "max_bytes of the order stream"},
                                          [ORDERS_MESSAGES] = {.what = "max_msgs of the order stream"},
                                          [EXECLOG_BYTES] = {.what = "max_bytes of execlog"},
                                          [EXECLOG_MESSAGES] = {.what = "max_msgs of execlog"}};
    for (size_t i = 0; i < BOUNDS; i++)
        self->bounds[i] = unknown[i];
    self->matcher = m;
    self->replicas = 1;
    bus_streams_options options = {.url = m->settings.nats,
                                   .credentials =
                                       m->settings.credentials[0] == '\0' ? NULL : m->settings.credentials,
                                   .timeout_ns = CALL_NS,
                                   .on_result = on_result,
                                   .context = self};
    return bus_streams_open(&self->streams, &m->loop, &options, error);
}

void storage_close(storage *self) {
    if (self == NULL) return;
    bus_streams_close(self->streams);
    free(self);
}
