/* What an operator sees of a matcher: counters, states and readiness. */
#include "base/json.h"
#include "base/text.h"
#include "matcher/pipeline.h"
#include "runtime/clock.h"

#define ROLE_HALTED ML_ROLES /* beside ml_role's: no part in who leads any more */

_Static_assert(ROLE_HALTED == 7, "what the metric's help says");

static const char *const state_names[] = {"STARTING", "RUNNING", "HALTED"};

/* One that has halted goes on being what it was as far as its machine knows, and is it to nobody. */
static int role_of(const matcher *self) {
    return self->state == MATCHER_HALTED ? ROLE_HALTED : leading_role(self->leading);
}

static bool can_serve(const matcher *self) {
    return self->state == MATCHER_RUNNING && bus_connected(self->bus) && inputs_ready(self->inputs) &&
           execlog_ready(self->execlog);
}

/* What can't be journaled is not done: whoever is asked for readiness must not say that all is well. */
static bool is_ready(const matcher *self) { /* with little storage it is: what can be cancelled is */
    return can_serve(self) && execlog_refused(self->execlog)[0] == '\0';
}

void observe_why(const matcher *self, char *text, size_t capacity) {
    const char *refused = execlog_refused(self->execlog);
    if (self->halted[0] == '\0' && refused[0] != '\0')
        (void)tw_text_format(text, capacity, "nothing can be journaled: execlog takes no message: %s", refused);
    else if (self->halted[0] == '\0' && mx_storage_low(mr_engine(self->replica)))
        (void)tw_text_copy(text, capacity,
                           "storage of the journal runs short: new orders are refused, cancels are taken");
    else
        (void)tw_text_copy(text, capacity, self->halted);
}

static void collect(void *context) {
    matcher *self = context;
    matcher_observed *seen = &self->observed;
    const mx_engine *engine = mr_engine(self->replica);
    int64_t now_ns = rt_clock_monotonic_ns();
    seen->publisher = publisher_read_stats(mk_publisher(self->market));
    seen->bus = bus_read_stats(self->bus);
    seen->state = self->state;
    seen->role = role_of(self);
    seen->leads = leading_serves(self->leading);
    seen->term = (int64_t)leading_term(self->leading);
    seen->seq = (int64_t)mr_seq(self->replica);
    seen->journaled = (int64_t)mr_journaled(self->replica);
    seen->backlog_bytes = (int64_t)mr_backlog_bytes(self->replica);
    seen->backlog_reports = (int64_t)mr_backlog_reports(self->replica);
    seen->waiting_inputs = (int64_t)inputs_waiting(self->inputs);
    seen->found_waiting = mr_found_waiting(self->replica);
    seen->ready = is_ready(self);
    seen->storage_low = mx_storage_low(engine);
    seen->orders_left = storage_left_bytes(self->storage, MW_STREAM_ORDERS);
    seen->execlog_left = storage_left_bytes(self->storage, MW_STREAM_EXECLOG);
    seen->open_orders = mx_open_orders(engine);
    seen->instruments = mx_instruments(engine);
    seen->accounts = mx_accounts(engine);
    seen->positions = mx_positions(engine);
    seen->bus_buffered = (int64_t)bus_buffered(self->bus);
    seen->snapshot_seq = (int64_t)keeping_seq(self->keeping);
    seen->snapshot_age_ns = keeping_age_ns(self->keeping, now_ns);
    seen->reports = mr_reports(self->replica);
    seen->inputs_consumers = inputs_consumers(self->inputs);
    seen->log_consumers = execlog_consumers(self->execlog);
    seen->queries_waiting = queries_waiting(self->queries);
}

static void add_counters(matcher *self, const char *labels) {
    matcher_counts *n = &self->counts;
    matcher_observed *seen = &self->observed;
    const struct {
        const char *name, *help;
        const uint64_t *value;
    } counters[] = {
        {"inputs_total", "Messages of the order stream taken.", &n->inputs},
        {"input_bytes_total", "Bytes of these messages.", &n->input_bytes},
        {"commands_total", "Commands in them.", &n->commands},
        {"commands_refused_total", "Commands that could not be read or may not travel where they came.",
         &n->refused},
        {"reports_total", "Reports made since the journal began.", &seen->reports},
        {"bursts_total", "Bursts: reads of the socket that brought inputs.", &n->bursts},
        {"pauses_total", "Times that reading orders paused: the backlog or the bus was full.", &n->pauses},
        {"live_messages_total", "Messages on exec subjects.", &n->live_messages},
        {"live_bytes_total", "Bytes of these messages.", &n->live_bytes},
        {"fills_messages_total", "Messages on fills subjects.", &n->fills_messages},
        {"execlog_written_total", "Messages written to execlog.", &n->log_messages},
        {"execlog_bytes_total", "Bytes of these messages.", &n->log_bytes},
        {"execlog_found_total", "Messages of execlog read and found to be the same here.", &n->log_found},
        {"execlog_unknown_total", "Writes without an acknowledgement, written again.", &n->log_unknown},
        {"execlog_refused_total", "Writes that the stream refused.", &n->log_refused},
        {"execlog_fenced_total", "Times that another matcher had written while this one led.", &n->log_fenced},
        {"queries_total", "Questions answered.", &n->queries},
        {"queries_busy_total", "Questions told to come back: too many waited.", &n->queries_busy},
        {"queries_passed_over_total", "Questions not answered because too much was buffered.",
         &n->queries_passed_over},
        {"hashes_total", "State hashes published.", &n->hashes},
        {"hashes_alike_total", "State hashes of other replicas that were the same here.", &n->hashes_alike},
        {"hashes_different_total", "State hashes of other replicas that were not. Any is one too many.",
         &n->hashes_different},
        {"clocks_total", "Clock messages put into an idle order stream.", &n->clocks},
        {"snapshots_total", "Snapshots kept.", &n->snapshots},
        {"snapshots_failed_total", "Snapshots that could not be kept.", &n->snapshots_failed},
        {"snapshot_bytes_total", "Bytes of snapshots.", &n->snapshot_bytes},
        {"takeovers_total", "Times this instance began to lead.", &n->takeovers},
        {"steps_back_total", "Times it left the lead to another.", &n->steps_back},
        {"offers_total", "Times it offered its place.", &n->offers},
        {"lease_failures_total", "Calls for the lease that JetStream did not answer.", &n->lease_failures},
        {"inputs_consumers_total", "Consumers made to read the order stream: 1 if nothing went wrong.",
         &seen->inputs_consumers},
        {"execlog_consumers_total", "Consumers made to read execlog since it is read.", &seen->log_consumers},
        {"bus_reconnects_total", "Times the bus came back.", &seen->bus.reconnects},
        {"market_bytes_total", "Bytes of market data published.", &seen->publisher.bytes},
        {"prints_dropped_total", "Prints dropped because max-prints was reached.", &seen->publisher.prints_dropped},
        {"requests_busy_total", "Snapshot requests told to come back.", &seen->publisher.requests_busy},
    };
    char name[96];
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        tw_text_format(name, sizeof name, "tickwire_matcher_%s", counters[i].name);
        metrics_add_counter(self->metrics, name, labels, counters[i].help, counters[i].value);
    }
}

static void add_gauges(matcher *self, const char *labels) {
    matcher_observed *seen = &self->observed;
    const struct {
        const char *name, *help;
        const int64_t *value;
    } gauges[] = {
        {"state", "0 STARTING, 1 RUNNING, 2 HALTED.", &seen->state},
        {"role",
         "0 following, 1 claiming, 2 catching up, 3 leading, 4 verifying, 5 draining, 6 offering, 7 halted.",
         &seen->role},
        {"queries_waiting", "Questions that wait for their turn.", &seen->queries_waiting},
        {"leads", "1 while this instance publishes and writes execlog.", &seen->leads},
        {"ready", "1 while both streams have been read to their ends and execlog takes what is written.",
         &seen->ready},
        {"term", "Of the leader: this instance or the one it hears.", &seen->term},
        {"seq", "Last input taken.", &seen->seq},
        {"journaled_seq", "All reports of inputs up to here are in execlog.", &seen->journaled},
        {"inputs_waiting", "Inputs behind the last one in the stream, as last heard.", &seen->waiting_inputs},
        {"backlog_bytes", "Reports that are not known to be in execlog.", &seen->backlog_bytes},
        {"backlog_reports", "Likewise, how many.", &seen->backlog_reports},
        {"execlog_ahead", "Messages of execlog whose inputs have not been taken.", &seen->found_waiting},
        {"storage_low", "1 while new orders are refused because storage of the journal runs short.",
         &seen->storage_low},
        {"orders_left_bytes", "What the order stream can still take; -1: no bound is known.", &seen->orders_left},
        {"execlog_left_bytes", "Likewise execlog.", &seen->execlog_left},
        {"open_orders", "Orders open.", &seen->open_orders},
        {"instruments", "Instruments defined.", &seen->instruments},
        {"accounts", "Accounts defined.", &seen->accounts},
        {"positions", "Positions.", &seen->positions},
        {"bus_buffered_bytes", "Waiting to be written to the bus.", &seen->bus_buffered},
        {"snapshot_seq", "Input of the last snapshot kept or loaded.", &seen->snapshot_seq},
        {"snapshot_age_nanoseconds", "Since then; -1 before the first.", &seen->snapshot_age_ns},
    };
    char name[96];
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
        tw_text_format(name, sizeof name, "tickwire_matcher_%s", gauges[i].name);
        metrics_add_gauge(self->metrics, name, labels, gauges[i].help, gauges[i].value);
    }
}

static void add_latencies(matcher *self, const char *labels) {
    metrics_add_latency(self->metrics, "tickwire_matcher_input_to_live_seconds", labels,
                        "From the server's stamp of a burst's last input to its reports' leaving.",
                        &self->input_to_live);
    metrics_add_latency(self->metrics, "tickwire_matcher_execlog_write_seconds", labels,
                        "From a write to execlog to its acknowledgement.", &self->live_to_log);
    metrics_add_latency(self->metrics, "tickwire_matcher_standstill_seconds", labels,
                        "How long the process stood still for a hash or a snapshot.", &self->standstill);
}

static bool tell_ready(void *context, char *text, size_t capacity) {
    matcher *self = context;
    json_writer writer;
    char why[MATCHER_REASON_BYTES];
    bool ready = is_ready(self), halted = self->state == MATCHER_HALTED;
    observe_why(self, why, sizeof why);
    json_start(&writer, text, capacity);
    json_open_object(&writer, NULL);
    json_bool(&writer, "ready", ready);
    json_string(&writer, "state", state_names[self->state]);
    json_string(&writer, "why", why);
    json_string(&writer, "role", halted ? "halted" : ml_role_name((ml_role)role_of(self)));
    json_string(&writer, "leader", halted ? "" : leading_leader(self->leading)); /* it listens no more */
    json_string(&writer, "bus", bus_connected(self->bus) ? "CONNECTED" : "AWAY");
    json_string(&writer, "storage", mx_storage_low(mr_engine(self->replica)) ? "LOW" : "ENOUGH");
    json_u64(&writer, "seq", mr_seq(self->replica));
    json_u64(&writer, "journaled", mr_journaled(self->replica));
    json_u64(&writer, "backlog_bytes", mr_backlog_bytes(self->replica));
    json_close_object(&writer);
    json_finish(&writer);
    return ready;
}

tw_code observe_open(matcher *self, tw_error *error) {
    char labels[64];
    if (self->settings.watch.metrics < 0) return TW_OK;
    self->metrics = metrics_alloc();
    if (self->metrics == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for metrics");
    tw_text_format(labels, sizeof labels, "exchange=\"%s\",shard=\"%u\"", self->settings.exchange,
                   (unsigned)self->settings.shard);
    add_counters(self, labels);
    add_gauges(self, labels);
    add_latencies(self, labels);
    metrics_on_collect(self->metrics, collect, self);
    tw_code code =
        rt_watch_serve(&self->settings.watch, &self->loop, self->metrics, self->log, &self->metrics_server, error);
    if (code == TW_OK) metrics_server_on_ready(self->metrics_server, tell_ready, self);
    return code;
}

void observe_close(matcher *self) {
    metrics_server_close(self->metrics_server);
    metrics_free(self->metrics);
}
