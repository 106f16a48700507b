/* What an operator sees of the aggregator: counters, states and readiness. */
#include "base/json.h"
#include "base/text.h"
#include "publisher/aggregator/pipeline.h"
#include "runtime/clock.h"

static void collect(void *context) {
    aggregator *self = context;
    aggregator_observed *seen = &self->observed;
    seen->values = last_values_stats(self->values);
    seen->writer = last_writer_read_stats(self->writer);
    seen->intake = intake_read_stats(self->intake);
    seen->bus = bus_read_stats(self->bus);
    seen->outlet = outlet_read_stats(self->outlet);
    if (self->candles != NULL) seen->candles = candles_read_stats(self->candles);
    if (self->nbbo != NULL) seen->nbbo = nbbo_read_stats(self->nbbo);
    seen->candles_held = seen->candles.held;
    seen->candles_waiting = seen->candles.waiting;
    seen->nbbo_symbols = seen->nbbo.symbols;
    seen->nbbo_waiting = seen->nbbo.waiting;
    seen->redis = redis_read_stats(self->redis);
    seen->symbols = seen->values.symbols;
    seen->in_doubt = seen->values.in_doubt;
    seen->waiting = seen->values.waiting;
    seen->oldest_ns = last_values_oldest_ns(self->values, rt_clock_monotonic_ns());
    seen->under_way = seen->writer.under_way;
    seen->outstanding = redis_outstanding(self->redis);
    seen->redis_state = redis_read_state(self->redis);
    seen->bus_connected = bus_connected(self->bus);
    seen->feeds = seen->intake.feeds;
    seen->feeds_ok = seen->intake.feeds_ok;
    seen->feeds_unsynced = seen->intake.feeds_unsynced;
}

static void add_counters(aggregator *self) {
    aggregator_observed *seen = &self->observed;
    const struct {
        const char *name, *help;
        const uint64_t *value;
    } counters[] = {
        {"quotes_total", "Quotes taken from the bus.", &seen->intake.quotes},
        {"trades_total", "Trades messages taken from the bus.", &seen->intake.trades},
        {"malformed_total", "Messages passed over: not what their subject says.", &seen->intake.malformed},
        {"old_terms_total", "Messages dropped: of a deposed leader or of a session that was left.",
         &seen->values.old},
        {"snapshots_requested_total", "Snapshots asked for.", &seen->intake.snapshots_requested},
        {"symbols_refused_total", "Messages dropped because max-symbols was reached.", &seen->values.refused},
        {"symbols_forgotten_total", "Symbols given up because nobody tells of them any more.",
         &seen->values.forgotten},
        {"breaks_total", "Prints taken back that were kept.", &seen->values.breaks},
        {"changes_total", "Messages that changed a row.", &seen->values.changes},
        {"merged_total", "Changes folded into a write that had not left yet.", &seen->values.merged},
        {"writes_total", "Rows that Redis has taken.", &seen->writer.writes},
        {"writes_refused_total", "Rows that Redis has refused.", &seen->writer.refused},
        {"writes_lost_total", "Rows whose answer was lost with the connection.", &seen->writer.lost},
        {"rearmed_total", "Keys whose expiry was re-armed.", &seen->writer.rearmed},
        {"gone_total", "Keys that were gone or changed when re-armed, and were written again.", &seen->writer.gone},
        {"batches_total", "Batches sent to Redis.", &seen->writer.batches},
        {"full_rounds_total", "Rounds that left rows waiting because max-outstanding was reached.",
         &seen->writer.full_rounds},
        {"redis_connects_total", "Times Redis became ready.", &seen->redis.connects},
        {"redis_failures_total", "Tries to connect that failed, and connections that ended.",
         &seen->redis.failures},
        {"redis_commands_total", "Commands sent to Redis.", &seen->redis.commands},
        {"redis_bytes_out_total", "Bytes of these commands.", &seen->redis.bytes_out},
        {"candle_prints_total", "Prints folded into candles.", &seen->candles.prints},
        {"candle_breaks_total", "Prints taken out of candles again.", &seen->candles.breaks},
        {"candle_breaks_unknown_total", "Breaks of prints that are not kept any more.",
         &seen->candles.breaks_unknown},
        {"candle_prints_missed_total", "Prints that the chains of trades show to be missing, at least.",
         &seen->candles.missed},
        {"candle_prints_refused_total", "Prints without room, time or a number that holds them: see max-candles.",
         &seen->candles.refused},
        {"candle_prints_too_late_total", "Prints older than a candle's history.", &seen->candles.too_late},
        {"candles_adopted_total", "Candles taken from another aggregator after the start.", &seen->candles.adopted},
        {"candles_restated_total", "Candles changed after they were final.", &seen->candles.restated},
        {"candles_incomplete_total", "Candles that became incomplete.", &seen->candles.incomplete},
        {"candles_published_total", "Candles sent: partial, final, restated, told again.", &seen->outlet.candles},
        {"candle_requests_total", "Requests for candles.", &seen->outlet.requests},
        {"candle_requests_refused_total", "Of them those without candles as an answer.",
         &seen->outlet.requests_refused},
        {"nbbo_published_total", "Best quotes over all exchanges sent.", &seen->outlet.nbbos},
        {"nbbo_refused_total", "Quotes that found no room: see max-symbols.", &seen->nbbo.refused},
        {"bus_reconnects_total", "Times the bus came back.", &seen->bus.reconnects},
    };
    char name[96];
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        tw_text_format(name, sizeof name, "tickwire_aggregator_%s", counters[i].name);
        metrics_add_counter(self->metrics, name, "", counters[i].help, counters[i].value);
    }
}

static void add_troubles(aggregator *self) {
    char label[64];
    for (redis_trouble trouble = 0; trouble < REDIS_TROUBLES; trouble++) {
        tw_text_format(label, sizeof label, "kind=\"%s\"", redis_trouble_name(trouble));
        metrics_add_counter(self->metrics, "tickwire_aggregator_redis_errors_total", label,
                            "Error answers of Redis.", &self->observed.writer.troubles[trouble]);
    }
}

static void add_gauges(aggregator *self) {
    aggregator_observed *seen = &self->observed;
    const struct {
        const char *name, *help;
        const int64_t *value;
    } gauges[] = {
        {"redis_state", "0 READY, 1 CONNECTING, 2 AWAY, 3 REFUSED.", &seen->redis_state},
        {"bus_connected", "1 while connected to the bus.", &seen->bus_connected},
        {"symbols", "Instruments kept.", &seen->symbols},
        {"symbols_in_doubt", "Instruments whose snapshot is awaited: not re-armed meanwhile.", &seen->in_doubt},
        {"rows_waiting", "Rows that wait to be written.", &seen->waiting},
        {"oldest_waiting_nanoseconds", "How long the longest waiting row has waited.", &seen->oldest_ns},
        {"rows_under_way", "Rows and keys sent to Redis without an answer.", &seen->under_way},
        {"redis_outstanding", "Commands sent to Redis without an answer.", &seen->outstanding},
        {"candles_held", "Candles in memory.", &seen->candles_held},
        {"candles_waiting", "Candles that wait to be sent.", &seen->candles_waiting},
        {"nbbo_symbols", "Symbols with a best quote.", &seen->nbbo_symbols},
        {"nbbo_waiting", "Best quotes that wait to be sent.", &seen->nbbo_waiting},
        {"feeds", "Feed partitions heard of.", &seen->feeds},
        {"feeds_ok", "Of them OK, or CLOSED.", &seen->feeds_ok},
        {"feeds_unsynced", "Of them those whose snapshots are awaited.", &seen->feeds_unsynced},
    };
    char name[96];
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
        tw_text_format(name, sizeof name, "tickwire_aggregator_%s", gauges[i].name);
        metrics_add_gauge(self->metrics, name, "", gauges[i].help, gauges[i].value);
    }
}

/* Ready to do its job: it hears the bus and reaches Redis. Feeds that are stale are no fault of this program. */
static bool is_ready(void *context, char *text, size_t capacity) {
    aggregator *self = context;
    bool connected = bus_connected(self->bus);
    redis_state state = redis_read_state(self->redis);
    intake_stats stats = intake_read_stats(self->intake);
    json_writer writer;
    json_start(&writer, text, capacity);
    json_open_object(&writer, NULL);
    json_bool(&writer, "ready", connected && state == REDIS_READY);
    json_string(&writer, "bus", connected ? "CONNECTED" : "AWAY");
    json_string(&writer, "redis", redis_state_name(state));
    json_u64(&writer, "feeds", stats.feeds);
    json_u64(&writer, "feeds_ok", stats.feeds_ok);
    json_u64(&writer, "rows_waiting", last_values_waiting(self->values));
    json_close_object(&writer);
    json_finish(&writer);
    return connected && state == REDIS_READY;
}

tw_code observe_open(aggregator *self, tw_error *error) {
    if (self->settings.watch.metrics < 0) return TW_OK;
    self->metrics = metrics_alloc();
    if (self->metrics == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for metrics");
    add_counters(self);
    add_troubles(self);
    add_gauges(self);
    metrics_add_latency(self->metrics, "tickwire_aggregator_wait_seconds", "",
                        "From a row's first change to its sending to Redis.", last_writer_waits(self->writer));
    metrics_on_collect(self->metrics, collect, self);
    tw_code code =
        rt_watch_serve(&self->settings.watch, &self->loop, self->metrics, self->log, &self->metrics_server, error);
    if (code == TW_OK) metrics_server_on_ready(self->metrics_server, is_ready, self);
    return code;
}

void observe_close(aggregator *self) {
    metrics_server_close(self->metrics_server);
    metrics_free(self->metrics);
}
