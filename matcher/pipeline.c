/* Wires the path, and the timers beside it. */
#include "matcher/pipeline.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "base/secret.h"
#include "base/text.h"
#include "runtime/bus_election.h"
#include "runtime/clock.h"

#define NS_PER_MS       INT64_C(1000000)
#define SIGNALS         3
#define TICK_NS         (5 * NS_PER_MS)
#define SHOWN_BYTES     256u
#define BREATH_NS       (4 * NS_PER_MS) /* between two looks at who leads */
#define FOLLOWERS_SHARE 4u              /* of --backlog, before reading pauses */

/* ---- bursts ---- */

void matcher_end_of_burst(matcher *self) {
    if (!self->burst_open) return;
    self->burst_open = false;
    self->counts.bursts++;
    leading_before_publishing(self->leading);
    if (leading_serves(self->leading)) {
        live_flush(self->live);
        mk_flush(self->market, rt_clock_utc_ns());
        bus_flush(self->bus); /* who waits for a report does not wait for execlog */
        execlog_write(self->execlog);
    }
    bus_flush(self->bus);
    matcher_flow(self);
}

static void publish_rest(matcher *self) {
    if (!leading_serves(self->leading) || live_has_told_all(self->live)) return;
    live_flush(self->live);
    bus_flush(self->bus);
}

void matcher_breathe(matcher *self, int64_t now_ns) {
    if (now_ns - self->breathed_ns < BREATH_NS) return;
    self->breathed_ns = now_ns;
    leading_step(self->leading, now_ns);
    if (leading_speaks(self->leading)) mk_tick(self->market, rt_clock_utc_ns());
    publish_rest(self);
}

static void on_check(uv_check_t *check) {
    matcher_end_of_burst(check->data);
}

/* Who follows must be able to reach what the leader has announced, whose own backlog may be full. */
bool matcher_has_room(const matcher *self) {
    if (leading_serves(self->leading)) return mr_room(self->replica);
    return mr_backlog_bytes(self->replica) < FOLLOWERS_SHARE * self->settings.backlog;
}

void matcher_flow(matcher *self) {
    if (self->state != MATCHER_RUNNING) return;
    inputs_flow(self->inputs, matcher_has_room(self) && bus_buffered(self->bus) < self->settings.high_water);
}

/* ---- trouble ---- */

static void enter(matcher *self, matcher_state state) {
    self->state = state;
    self->state_ns = rt_clock_utc_ns();
}

void matcher_halt(matcher *self, const char *format, ...) {
    char text[MATCHER_REASON_BYTES];
    va_list list;
    if (self->state == MATCHER_HALTED) return;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    tw_text_copy(self->halted, sizeof self->halted, text);
    enter(self, MATCHER_HALTED);
    rt_log_limited(self->log, &self->halted_site, RT_ERROR,
                   "HALTED: this matcher takes, publishes and writes nothing more", RT_STR("why", self->halted),
                   RT_U64("seq", mr_seq(self->replica)), RT_U64("journaled", mr_journaled(self->replica)));
    leading_halt(self->leading);
    inputs_end(self->inputs);
    execlog_end(self->execlog);
    self->burst_open = false;
}

void matcher_begin(matcher *self) {
    tw_error error = {0};
    enter(self, MATCHER_RUNNING);
    rt_log(self->log, RT_INFO, "reads its streams", RT_U64("from_seq", mr_seq(self->replica) + 1),
           RT_U64("execlog_from", self->origin.execlog_seq + 1));
    execlog_begin(self->execlog);
    if (inputs_begin(self->inputs, &error) != TW_OK) matcher_halt(self, "%s", error.text);
}

/* ---- time and signals ---- */

static void tell_halted(matcher *self) {
    static const int64_t again_ns = 10 * TW_NS_PER_SECOND;
    if (rt_clock_monotonic_ns() - self->halted_site.last_ns < again_ns) return;
    rt_log_limited(self->log, &self->halted_site, RT_ERROR, "still HALTED", RT_STR("why", self->halted));
}

static void on_tick(void *context) {
    matcher *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    if (self->state == MATCHER_HALTED) {
        tell_halted(self);
        return;
    }
    places_tick(self->places, now_ns);
    if (self->state == MATCHER_STARTING) return;
    matcher_breathe(self, now_ns);
    execlog_tick(self->execlog, now_ns);
    keeping_tick(self->keeping, now_ns);
    storage_tick(self->storage, now_ns);
    bus_flush(self->bus);
    matcher_flow(self);
}

static void on_signal(uv_signal_t *handle, int number) {
    matcher *self = handle->data;
    if (number == SIGUSR2) {
        leading_hand_over(self->leading);
        return;
    }
    rt_log(self->log, RT_INFO, "a signal asks to end", RT_I64("signal", number));
    if (self->state != MATCHER_RUNNING || !leading_leave(self->leading)) matcher_stop(self, 0);
}

void matcher_stop(matcher *self, int exit_code) {
    self->stopping = true;
    self->exit_code = exit_code;
    uv_stop(&self->loop);
}

/* ---- building ---- */

static void on_bus_event(void *context, bus_event event, const char *detail) {
    matcher *self = context;
    static const char *const texts[] = {"connected to the bus", "the bus is away", "connected to the bus again",
                                        "the bus is still away: it is tried again"};
    if (bus_refusals_event(&self->refusals, event, detail)) return;
    rt_level level = event == BUS_CONNECTED || event == BUS_RECONNECTED ? RT_INFO : RT_WARN;
    rt_log(self->log, level, texts[event], RT_STR("detail", detail == NULL ? "" : detail));
    if (self->leading != NULL && self->state != MATCHER_HALTED) leading_bus(self->leading, event);
}

static void on_trying(void *context, const char *servers, const char *why) {
    const matcher *self = context;
    rt_log(self->log, RT_WARN, "can't connect to the bus: tried again", RT_STR("servers", servers),
           RT_STR("why", why));
}

static tw_code open_bus(matcher *self, tw_error *error) {
    const matcher_settings *set = &self->settings;
    bus_options options = {.url = set->nats,
                           .name = "tickwire-matcher",
                           .credentials = set->credentials[0] == '\0' ? NULL : set->credentials,
                           .high_water_bytes = set->high_water,
                           .connect_ns = 30 * TW_NS_PER_SECOND,
                           .no_responders = true,
                           .refusals = true,
                           .on_event = on_bus_event,
                           .on_trying = on_trying,
                           .event_context = self};
    self->refusals = (bus_refusals){.log = self->log, .connection = "tickwire-matcher"};
    return bus_open(&self->bus, &self->loop, &options, error);
}

static tw_code open_replica(matcher *self, tw_error *error) {
    const matcher_settings *set = &self->settings;
    mr_options options = {.exchange = set->exchange,
                          .bounds = {.shard = (uint32_t)set->shard,
                                     .max_instruments = (uint32_t)set->max_instruments,
                                     .max_accounts = (uint32_t)set->max_accounts,
                                     .max_positions = (uint32_t)set->max_positions,
                                     .max_orders = (uint32_t)set->max_orders,
                                     .max_pages = (uint32_t)set->max_pages,
                                     .max_client_ids = (uint32_t)set->max_client_ids,
                                     .max_sessions = (uint32_t)set->max_sessions,
                                     .max_reports = (uint32_t)set->max_reports},
                          .backlog_bytes = set->backlog,
                          .input_bytes = set->input_memory,
                          .recent_bytes = set->recent};
    (void)uv_random(NULL, NULL, &options.salt, sizeof options.salt, 0, NULL);
    return mr_alloc(&self->replica, &options, error);
}

static void sink_emit(void *context, const char *subject, const uint8_t *payload, size_t length) {
    bus_publish_trusted(((matcher *)context)->bus, subject, payload, length);
}

static void sink_answer(void *context, const char *subject, const uint8_t *payload, size_t length) {
    bus_publish(((matcher *)context)->bus, subject, payload, length);
}

static bool sink_ready(void *context) {
    const matcher *self = context;
    return leading_may_send(self->leading) && bus_ready(self->bus);
}

static tw_code open_market(matcher *self, tw_error *error) {
    const matcher_settings *set = &self->settings;
    publisher_options options = {.exchange = set->exchange,
                                 .partition = (uint32_t)set->shard,
                                 .partitions = (uint32_t)set->shards,
                                 .follows = true,
                                 .leader = self->name,
                                 .max_instruments = (uint32_t)set->max_instruments,
                                 .depth = (uint32_t)set->depth,
                                 .tier_100ms = set->tier_100ms,
                                 .tier_1s = set->tier_1s,
                                 .max_prints = (uint32_t)set->max_prints,
                                 .max_requests = (uint32_t)set->max_requests,
                                 .serve_bytes = (uint32_t)(set->snapshot_rate / 1000),
                                 .status_interval_ns = 100 * NS_PER_MS};
    publisher_sink sink = {self, sink_emit, sink_answer, sink_ready};
    return mk_alloc(&self->market, &options, mr_engine(self->replica), &sink, error);
}

static tw_code start_timers(matcher *self, tw_error *error) {
    static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGUSR2};
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(&self->loop, &self->signals[i]);
        self->signals[i].data = self;
        uv_signal_start(&self->signals[i], on_signal, numbers[i]);
    }
    uv_check_init(&self->loop, &self->check);
    self->check.data = self;
    uv_check_start(&self->check, on_check);
    return ticker_open(&self->ticker, &self->loop, TICK_NS, on_tick, self, error);
}

static tw_code open_parts(matcher *self, tw_error *error) {
    tw_code code = order_log_open(&self->order_log, self, error);
    if (code == TW_OK) code = live_open(&self->live, self, error);
    if (code == TW_OK) code = leading_open(&self->leading, self, error);
    if (code == TW_OK) code = open_market(self, error);
    if (code == TW_OK) code = inputs_open(&self->inputs, self, error);
    if (code == TW_OK) code = execlog_open(&self->execlog, self, error);
    if (code == TW_OK) code = queries_open(&self->queries, self, error);
    if (code == TW_OK) code = standing_open(self, error);
    if (code == TW_OK) code = hashes_open(&self->hashes, self, error);
    if (code == TW_OK) code = keeping_open(&self->keeping, self, error);
    if (code == TW_OK) code = storage_open(&self->storage, self, error);
    if (code == TW_OK) code = observe_open(self, error);
    return code == TW_OK ? places_open(&self->places, self, error) : code;
}

static tw_code check_settings(const matcher *self, tw_error *error) {
    const matcher_settings *set = &self->settings;
    if (set->shard > set->shards && set->shards > 1)
        return tw_error_set(error, TW_INVALID, "--shard %" PRIu64 " is beyond --shards %" PRIu64, set->shard,
                            set->shards);
    if (set->replicas == 2 || set->replicas == 4)
        return tw_error_set(error, TW_INVALID,
                            "--replicas is 1, 3 or 5, or 0 to leave them: an even number can't outvote a failure");
    return TW_OK;
}

tw_code matcher_open(matcher *self, tw_error *error) {
    self->log = rt_watch_log(&self->settings.watch, "tickwire-matcher");
    bus_instance_name(self->name);
    enter(self, MATCHER_STARTING);
    uv_loop_init(&self->loop);
    tw_code code = check_settings(self, error);
    if (code == TW_OK) code = open_replica(self, error);
    if (code == TW_OK) code = open_bus(self, error);
    if (code == TW_OK) code = open_parts(self, error);
    return code == TW_OK ? start_timers(self, error) : code;
}

int matcher_run(matcher *self) {
    char servers[SHOWN_BYTES];
    tw_secret_strip(self->settings.nats, servers, sizeof servers);
    rt_log(self->log, RT_INFO, "matcher starts", RT_STR("exchange", self->settings.exchange),
           RT_U64("shard", self->settings.shard), RT_STR("bus", servers), RT_STR("instance", self->name));
    while (!self->stopping)
        uv_run(&self->loop, UV_RUN_DEFAULT);
    matcher_end_of_burst(self);
    if (self->state == MATCHER_RUNNING) keeping_last(self->keeping);
    rt_log(self->log, RT_INFO, "matcher ends", RT_U64("seq", mr_seq(self->replica)),
           RT_U64("journaled", mr_journaled(self->replica)), RT_U64("reports", mr_reports(self->replica)));
    return self->state == MATCHER_HALTED ? 1 : self->exit_code;
}

static void close_handle(uv_handle_t *handle) {
    if (handle->type != UV_UNKNOWN_HANDLE && !uv_is_closing(handle)) uv_close(handle, NULL);
}

void matcher_close(matcher *self) {
    places_close(self->places);
    storage_close(self->storage);
    keeping_close(self->keeping);
    hashes_close(self->hashes);
    standing_close(self);
    queries_close(self->queries);
    execlog_close(self->execlog);
    inputs_close(self->inputs);
    observe_close(self);
    ticker_close(self->ticker);
    close_handle((uv_handle_t *)&self->check);
    for (int i = 0; i < SIGNALS; i++)
        close_handle((uv_handle_t *)&self->signals[i]);
    leading_close(self->leading);
    live_close(self->live);
    order_log_close(self->order_log);
    bus_close(self->bus);
    uv_run(&self->loop, UV_RUN_DEFAULT); /* lets every handle finish closing */
    uv_loop_close(&self->loop);
    mk_free(self->market);
    mr_free(self->replica);
    rt_log_free(self->log);
}
