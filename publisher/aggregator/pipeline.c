/* Wires the path, and the timers beside it. */
#include "publisher/aggregator/pipeline.h"

#include <signal.h>

#include "base/civil.h"
#include "runtime/clock.h"
#include "runtime/redis_trouble.h"

#define TICK_MS   25
#define NS_PER_MS INT64_C(1000000)
#define LEAVE_NS  (2 * TW_NS_PER_SECOND) /* for the last writes */

/* ---- rounds ---- */

static void run_round(aggregator *self, int64_t now_ns) {
    if (last_writer_round(self->writer, self->redis, now_ns) > 0) self->round_ns = now_ns;
}

static void on_round_timer(uv_timer_t *timer) {
    (void)timer; /* the loop is awake: before_sleep does the rest */
}

/* What is left over after a bounded number wakes the loop again at once. */
static void send_what_is_due(aggregator *self) {
    if (outlet_round(self->outlet, rt_clock_monotonic_ns()))
        uv_timer_start(&self->more_timer, on_round_timer, 0, 0);
}

/* The end of a burst: at once if the last round is long enough ago, else when it will be. */
static void on_before_sleep(uv_prepare_t *prepare) {
    aggregator *self = prepare->data;
    send_what_is_due(self);
    if (last_values_waiting(self->values) == 0 || redis_room(self->redis) == 0) return;
    int64_t now_ns = rt_clock_monotonic_ns();
    int64_t left_ns = self->round_ns + self->settings.interval_ns - now_ns;
    if (left_ns <= 0)
        run_round(self, now_ns);
    else if (!uv_is_active((uv_handle_t *)&self->round_timer))
        uv_timer_start(&self->round_timer, on_round_timer, (uint64_t)((left_ns + NS_PER_MS - 1) / NS_PER_MS), 0);
}

static void on_tick(uv_timer_t *timer) {
    aggregator *self = timer->data;
    int64_t now_ns = rt_clock_monotonic_ns();
    intake_tick(self->intake, now_ns);
    intake_stats heard = intake_read_stats(self->intake);
    outlet_tick(self->outlet, heard.feeds > 0 && heard.feeds_unsynced == 0, now_ns);
    last_writer_rearm(self->writer, self->redis, now_ns);
}

/* ---- Redis ---- */

static void on_redis_reply(void *context, uint64_t tag, const redis_reply *reply) {
    aggregator *self = context;
    last_writer_reply(self->writer, tag, reply,
                      (int64_t)uv_now(&self->loop) * NS_PER_MS); /* for some hundred a read */
}

static void on_redis_state(void *context, redis_state state, const char *detail) {
    aggregator *self = context;
    const char *where = redis_where(self->redis);
    if (state == REDIS_READY) {
        rt_log(self->log, RT_INFO, "connected to Redis; all values are written", RT_STR("where", where));
        last_writer_connected(self->writer, rt_clock_monotonic_ns());
    } else if (state == REDIS_REFUSED) {
        rt_log_limited(self->log, &self->away_site, RT_ERROR, "Redis does not let us in; values merge meanwhile",
                       RT_STR("where", where), RT_STR("detail", detail),
                       RT_STR("advice", redis_trouble_advice(redis_trouble_of(detail))));
    } else {
        rt_log_limited(self->log, &self->away_site, RT_WARN, "Redis is away; values merge meanwhile",
                       RT_STR("where", where), RT_STR("detail", detail));
    }
}

static void on_trouble(void *context, redis_trouble trouble, const char *key, const char *text) {
    aggregator *self = context;
    rt_log_limited(self->log, &self->trouble_sites[trouble], RT_ERROR, "Redis refuses a write", RT_STR("key", key),
                   RT_STR("detail", text), RT_STR("advice", redis_trouble_advice(trouble)));
}

/* ---- the bus ---- */

static void on_bus_event(void *context, bus_event event, const char *detail) {
    aggregator *self = context;
    static const char *const texts[] = {"connected to the bus", "the bus is away; values run out until it is back",
                                        "connected to the bus again", "the bus is still away: it is tried again"};
    if (bus_refusals_event(&self->refusals, event, detail)) return;
    rt_level level = event == BUS_CONNECTED || event == BUS_RECONNECTED ? RT_INFO : RT_WARN;
    rt_log(self->log, level, texts[event], RT_STR("detail", detail == NULL ? "" : detail));
    if (self->intake != NULL) intake_bus_event(self->intake, event, rt_clock_monotonic_ns());
}

static void on_signal(uv_signal_t *handle, int number) {
    aggregator *self = handle->data;
    rt_log(self->log, RT_INFO, "stopping on signal", RT_I64("signal", number));
    self->stopping = true;
    uv_stop(&self->loop);
}

/* ---- building ---- */

static tw_code open_redis(aggregator *self, tw_error *error) {
    const aggregator_settings *set = &self->settings;
    uint32_t batches = (uint32_t)(set->max_outstanding / LAST_BATCH);
    redis_options options = {.url = set->redis,
                             .name = "tickwire-aggregator",
                             .max_outstanding = batches * LAST_BATCH_REPLIES,
                             .timeout_ns = set->redis_timeout_ns,
                             .on_reply = on_redis_reply,
                             .on_state = on_redis_state,
                             .context = self};
    tw_code code = last_writer_alloc(&self->writer, self->values, set->expiry_ns, batches, on_trouble, self, error);
    if (code == TW_OK) code = redis_open(&self->redis, &self->loop, &options, error);
    if (code == TW_INVALID || code == TW_UNSUPPORTED) {
        error->code = TW_INVALID; /* of what the operator wrote */
        return tw_error_wrap(error, "--redis");
    }
    return code;
}

static tw_code alloc_cores(aggregator *self, tw_error *error) {
    const aggregator_settings *set = &self->settings;
    last_options values = {.max_symbols = (uint32_t)set->max_symbols, .expiry_ns = set->expiry_ns};
    nbbo_options quotes = {.max_quotes = (uint32_t)set->max_symbols, .refresh_ns = set->nbbo_refresh_ns};
    tw_code code = last_values_alloc(&self->values, &values, error);
    if (code == TW_OK && set->nbbo) code = nbbo_alloc(&self->nbbo, &quotes, error);
    if (code != TW_OK || !set->candles) return code;
    code = exchange_zones_open(&self->zones, set->zones, error);
    if (code != TW_OK) return code;
    candles_options bars = {.max_instruments = 2 * (uint32_t)set->max_symbols, /* those over all exchanges, too */
                            .max_candles = (uint32_t)set->max_candles,
                            .history = (uint32_t)set->history,
                            .kept_prints = (uint32_t)set->kept_prints,
                            .partial_ns = set->partial_ns,
                            .refresh_ns = set->refresh_ns,
                            .grace_ns = set->grace_ns,
                            .zones = exchange_zones_of(self->zones),
                            .apart = set->apart};
    return candles_alloc(&self->candles, &bars, error);
}

static tw_code open_bus(aggregator *self, tw_error *error) {
    const aggregator_settings *set = &self->settings;
    bus_options options = {.url = set->nats,
                           .name = "tickwire-aggregator",
                           .credentials = set->credentials[0] == '\0' ? NULL : set->credentials,
                           .connect_ns = 10 * TW_NS_PER_SECOND,
                           .refusals = true,
                           .on_event = on_bus_event,
                           .event_context = self};
    intake_options taken = {.exchanges = set->exchange,
                            .apart = set->apart,
                            .feed_silence_ns = set->feed_silence_ns,
                            .candles = self->candles,
                            .nbbo = self->nbbo,
                            .log = self->log};
    self->refusals = (bus_refusals){.log = self->log, .connection = "tickwire-aggregator"};
    tw_code code = bus_open(&self->bus, &self->loop, &options, error);
    if (code == TW_OK) code = intake_open(&self->intake, &taken, self->bus, self->values, error);
    outlet_options out = {
        .to = self->bus, .candles = self->candles, .nbbo = self->nbbo, .values = self->values, .log = self->log};
    if (code == TW_OK) code = outlet_open(&self->outlet, &out, error);
    return code;
}

static void start_handles(aggregator *self) {
    static const int numbers[2] = {SIGINT, SIGTERM};
    uv_timer_init(&self->loop, &self->tick_timer);
    uv_timer_init(&self->loop, &self->round_timer);
    uv_timer_init(&self->loop, &self->more_timer);
    uv_prepare_init(&self->loop, &self->before_sleep);
    self->tick_timer.data = self->round_timer.data = self->before_sleep.data = self;
    uv_timer_start(&self->tick_timer, on_tick, TICK_MS, TICK_MS);
    uv_prepare_start(&self->before_sleep, on_before_sleep);
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&self->loop, &self->signals[i]);
        self->signals[i].data = self;
        uv_signal_start(&self->signals[i], on_signal, numbers[i]);
    }
}

/* A row that waits is not re-armed: it must leave before its key runs out. */
static tw_code check_settings(const aggregator_settings *set, tw_error *error) {
    if (set->interval_ns <= set->expiry_ns / 2) return TW_OK;
    return tw_error_set(error, TW_INVALID,
                        "--interval is longer than half of --expiry: values would run out between "
                        "two writes");
}

tw_code aggregator_open(aggregator *self, tw_error *error) {
    const aggregator_settings *set = &self->settings;
    self->log = rt_watch_log(&set->watch, "tickwire-aggregator");
    uv_loop_init(&self->loop);
    tw_code code = check_settings(set, error);
    if (code == TW_OK) code = alloc_cores(self, error);
    if (code == TW_OK) code = open_redis(self, error);
    if (code == TW_OK) code = open_bus(self, error);
    if (code == TW_OK) code = observe_open(self, error);
    if (code == TW_OK) start_handles(self);
    return code;
}

/* ---- running and leaving ---- */

/* The last changes go out; not for ever, and not to a Redis that is away. */
static void write_the_rest(aggregator *self) {
    int64_t end_ns = rt_clock_monotonic_ns() + LEAVE_NS;
    int64_t now_ns = rt_clock_monotonic_ns();
    while (redis_read_state(self->redis) == REDIS_READY && !last_writer_idle(self->writer) && now_ns < end_ns) {
        run_round(self, now_ns);
        uv_run(&self->loop, UV_RUN_ONCE);
        now_ns = rt_clock_monotonic_ns();
    }
}

int aggregator_run(aggregator *self) {
    rt_log(self->log, RT_INFO, "aggregator starts", RT_STR("exchange", self->settings.exchange),
           RT_STR("redis", redis_where(self->redis)));
    while (!self->stopping)
        uv_run(&self->loop, UV_RUN_DEFAULT);
    write_the_rest(self);
    last_writer_stats stats = last_writer_read_stats(self->writer);
    rt_log(self->log, RT_INFO, "aggregator ends", RT_U64("writes", stats.writes), RT_U64("refused", stats.refused),
           RT_U64("lost", stats.lost), RT_U64("unwritten", last_values_waiting(self->values)));
    return 0;
}

static void close_handle(uv_handle_t *handle) {
    if (handle->type != UV_UNKNOWN_HANDLE && !uv_is_closing(handle)) uv_close(handle, NULL);
}

void aggregator_close(aggregator *self) {
    observe_close(self);
    outlet_close(self->outlet);
    intake_close(self->intake);
    self->intake = NULL;
    close_handle((uv_handle_t *)&self->tick_timer);
    close_handle((uv_handle_t *)&self->round_timer);
    close_handle((uv_handle_t *)&self->more_timer);
    close_handle((uv_handle_t *)&self->before_sleep);
    for (int i = 0; i < 2; i++)
        close_handle((uv_handle_t *)&self->signals[i]);
    redis_close(self->redis);
    bus_close(self->bus);
    uv_run(&self->loop, UV_RUN_DEFAULT); /* lets every handle finish closing */
    uv_loop_close(&self->loop);
    last_writer_free(self->writer);
    last_values_free(self->values);
    candles_free(self->candles);
    nbbo_free(self->nbbo);
    exchange_zones_close(self->zones);
    rt_log_free(self->log);
}
