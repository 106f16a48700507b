/* Every counter and state of the gateway under its Prometheus name. */
#include "gateways/observe.h"

#include <stddef.h>

#include "base/text.h"
#include "gateways/http.h"
#include "gateways/pipeline.h"

#define NS_PER_S INT64_C(1000000000)

static void collect_auth(observed *seen, const doorman *from) {
    seen->auth = doorman_read_stats(from);
    seen->sessions_known = seen->auth.sessions.known;
    seen->sessions_anonymous = seen->auth.sessions.anonymous;
    seen->users = seen->auth.sessions.users;
    seen->keys = seen->auth.keys.keys;
    seen->files_failed = seen->auth.keys.files_failed;
    seen->provider_state = seen->auth.keys.provider;
    seen->keys_age_s = seen->auth.keys.age_ns / NS_PER_S;
}

static void collect_orders(observed *seen, const order_desk *from) {
    seen->orders = order_desk_read_stats(from);
    const order_desk_stats *s = &seen->orders;
    seen->orders_waiting = s->waiting;
    seen->orders_under_way = s->under_way;
    seen->orders_sessions = s->sessions;
    seen->orders_followers = s->followers;
    seen->orders_accounts = s->accounts;
    seen->orders_chases = s->chases;
    seen->orders_catch_ups = s->catch_ups;
    seen->orders_instruments = s->instruments;
    seen->orders_shards = s->shards;
    seen->orders_directory_known = s->directory_whole;
    seen->orders_bus = s->bus_connected;
    seen->orders_redis_state = s->limits.configured ? (int64_t)s->limits.state : -1;
}

void observe_refusals(const gateway *self, const bus_refusals *lists[OBSERVE_CONNECTIONS]) {
    lists[0] = source_refusals(self->source);
    lists[1] = asker_refusals(self->asker);
    lists[2] = order_desk_refusals(self->orders);
}

static void collect_refusals(observed *seen, const gateway *from) {
    const bus_refusals *lists[OBSERVE_CONNECTIONS];
    observe_refusals(from, lists);
    seen->bus_refusals = 0;
    seen->bus_refused = 0;
    for (int i = 0; i < OBSERVE_CONNECTIONS; i++) {
        if (lists[i] == NULL) continue;
        seen->bus_refusals += lists[i]->told;
        seen->bus_refused += lists[i]->count;
    }
}

static void collect(void *context) {
    gateway *self = context;
    observed *seen = &self->observed;
    seen->stream = stream_read_stats(self->stream);
    seen->socket = socket_read_stats(self->socket);
    seen->source = source_read(self->source);
    seen->client = source_read_client(self->source);
    collect_auth(seen, self->doorman);
    seen->questions = asker_read_stats(self->asker);
    seen->questions_under_way = seen->questions.under_way;
    seen->last_store = last_store_read_stats(self->last_store);
    seen->redis_state = seen->last_store.configured ? (int64_t)seen->last_store.state : -1;
    seen->usage = usage_read_stats(self->usage);
    collect_orders(seen, self->orders);
    collect_refusals(seen, self);
    seen->usage_lines_open = seen->usage.lines_open;
    seen->usage_lines_waiting = (int64_t)seen->usage.file.lines_waiting;
    seen->usage_bytes_unpublished = (int64_t)seen->usage.bytes_unpublished;
    seen->usage_file_good = seen->usage.file.good;
    seen->clients = seen->stream.clients;
    seen->groups = seen->stream.groups;
    seen->instruments = seen->stream.instruments;
    seen->subscriptions = seen->stream.subscriptions;
    seen->kept_bytes = (int64_t)seen->stream.kept_bytes;
    seen->connections = seen->socket.connections;
    seen->websockets = seen->socket.websockets;
    seen->event_streams = seen->socket.event_streams;
    seen->feeds = seen->source.feeds;
    seen->feeds_silent = seen->source.feeds_silent;
    seen->feeds_not_ok = seen->source.feeds_not_ok;
    seen->bus_subscriptions = seen->source.subscriptions;
    seen->books = seen->client.books;
    seen->books_not_ok = seen->client.books_not_ok;
}

#define AT(field) offsetof(observed, field)

/* A number of `observed`, by its place there, under its name after tickwire_gateway_. */
typedef struct observed_number {
    const char *name, *help;
    size_t at;
} observed_number;

static const observed_number counters[] = {
    {"updates_in_total", "Messages of the bus given to the stream.", AT(stream.updates_in)},
    {"frames_total", "Frames made, by all groups.", AT(stream.frames)},
    {"updates_out_total", "Updates handed to clients.", AT(stream.updates_out)},
    {"bytes_out_total", "Bytes handed to clients.", AT(stream.bytes_out)},
    {"merged_total", "Updates folded into a later one for a client that was behind.", AT(stream.merged)},
    {"snapshots_total", "Snapshots given to who joined or was behind.", AT(stream.snapshots)},
    {"resumed_total", "Subjects that went on where they had been, once all that was missed was sent.",
     AT(stream.resumed)},
    {"resume_failed_total", "Subjects that did not, or lost the rest on the way, and had a snapshot.",
     AT(stream.resume_failed)},
    {"prints_passed_over_total", "Prints that clients were too slow for.", AT(stream.prints_passed_over)},
    {"requests_total", "Requests of clients.", AT(stream.requests)},
    {"requests_refused_total", "Requests answered with an error.", AT(stream.requests_refused)},
    {"instruments_refused_total", "Messages of instruments beyond --max-instruments.",
     AT(stream.instruments_refused)},
    {"members_refused_total", "Subjects of clients beyond --max-members.", AT(stream.members_refused)},
    {"heartbeats_total", "Heartbeats sent.", AT(stream.heartbeats)},
    {"deflated_total", "Frames and snapshots deflated, each once for all its clients.", AT(stream.deflated)},
    {"deflated_from_bytes_total", "Their bytes before.", AT(stream.deflated_from_bytes)},
    {"deflated_to_bytes_total", "Their bytes after.", AT(stream.deflated_to_bytes)},
    {"closed_silent_total", "Clients closed because nothing was heard of them.", AT(stream.closed_silent)},
    {"closed_policy_total", "Clients closed because of what they did.", AT(stream.closed_policy)},
    {"closed_unauthorized_total", "Clients closed because they may not be here, or not any more.",
     AT(stream.closed_unauthorized)},
    {"auth_tokens_accepted_total", "Tokens found good.", AT(auth.accepted)},
    {"auth_key_reads_total", "Files of keys read.", AT(auth.keys.reads)},
    {"auth_key_read_failures_total", "Files of keys that could not be read.", AT(auth.keys.read_failures)},
    {"auth_key_refreshes_total", "Times the provider's keys were had.", AT(auth.keys.refreshes)},
    {"auth_key_refresh_failures_total", "Times they could not be had.", AT(auth.keys.refresh_failures)},
    {"closed_oversize_total", "Clients closed because a request was too long.", AT(socket.oversize)},
    {"closed_binary_total", "Clients closed because a request was binary.", AT(socket.binary)},
    {"closed_protocol_total", "Clients closed because they broke the WebSocket protocol.",
     AT(socket.protocol_errors)},
    {"accepted_total", "Connections taken.", AT(socket.accepted)},
    {"refused_total", "Connections that were not let in.", AT(socket.refused)},
    {"refused_address_total", "Of them beyond --max-clients-per-address.", AT(socket.refused_address)},
    {"writes_total", "Writes to clients.", AT(socket.writes)},
    {"partial_writes_total", "Writes that the socket took only a part of.", AT(socket.partial_writes)},
    {"http_requests_total", "Plain HTTP requests.", AT(socket.http_requests)},
    {"headers_too_long_total", "Connections ended because headers were longer than --header-bytes.",
     AT(socket.headers_too_long)},
    {"bus_messages_total", "Messages received from the bus.", AT(client.messages)},
    {"bus_bytes_total", "Bytes received from the bus.", AT(client.bytes)},
    {"bus_reconnects_total", "Times the bus came back.", AT(client.reconnects)},
    {"bus_refusals_total", "Subjects that the bus refused to take or to give, each once a connection.",
     AT(bus_refusals)},
    {"bus_malformed_total", "Messages of the bus that could not be read.", AT(client.malformed)},
    {"chain_faults_total", "Updates of the bus that were missing.", AT(client.chain_faults)},
    {"checksum_faults_total", "Books that did not match their checksum.", AT(client.checksum_faults)},
    {"resyncs_total", "Faults healed by a snapshot.", AT(client.resyncs)},
    {"questions_refused_share_total", "Questions to the bus not asked, as the caller had its share under way.",
     AT(questions.over_share)},
    {"questions_refused_full_total", "Of all callers together, likewise.", AT(questions.full)},
    {"redis_found_total", "Last values that Redis had.", AT(last_store.found)},
    {"redis_missing_total", "Last values that Redis did not have, or not any more.", AT(last_store.missing)},
    {"redis_late_total", "Last values that Redis did not give within --redis-deadline.", AT(last_store.late)},
    {"redis_unfit_total", "Last values in Redis that are none.", AT(last_store.unfit)},
    {"redis_not_asked_total", "Last values not asked of Redis, as it was not ready.", AT(last_store.not_asked)},
    {"redis_connects_total", "Times Redis became ready.", AT(last_store.redis.connects)},
    {"redis_failures_total", "Tries to connect to Redis that failed, and connections that ended.",
     AT(last_store.redis.failures)},
    {"usage_lines_total", "Lines of the usage ledger.", AT(usage.lines)},
    {"usage_lines_written_total", "Of them written to the file.", AT(usage.file.lines_written)},
    {"usage_lines_lost_total", "Of them lost for the file, as too much waited.", AT(usage.file.lines_lost)},
    {"usage_file_errors_total", "Writes of the usage ledger that failed.", AT(usage.file.errors)},
    {"usage_lines_published_total", "Of them published.", AT(usage.lines_published)},
    {"usage_lines_unpublished_total", "Of them lost for the bus, as too much waited.", AT(usage.lines_unpublished)},
    {"usage_early_flushes_total", "Times that more than --usage-lines were needed in a period.",
     AT(usage.early_flushes)},
    {"orders_pending_total", "Order requests that the venue's stream has.", AT(orders.pending)},
    {"orders_refused_total", "Order requests refused for what they say.", AT(orders.refused)},
    {"orders_limited_total", "Order requests beyond --order-rate.", AT(orders.limited)},
    {"orders_limits_unknown_total", "Orders refused because Redis did not say how many there were.",
     AT(orders.limits_unknown)},
    {"orders_too_fast_total", "Order requests beyond --order-requests-per-second.", AT(orders.too_fast)},
    {"orders_busy_total", "Order requests refused because the queue was full.", AT(orders.busy)},
    {"orders_not_stored_total", "Order requests that the stream certainly does not have.", AT(orders.not_stored)},
    {"orders_not_acknowledged_total", "Order requests of which nobody knows whether the stream has them.",
     AT(orders.not_acknowledged)},
    {"orders_batches_total", "Messages to the order stream.", AT(orders.batches)},
    {"orders_commands_total", "Commands in them, those of sessions included.", AT(orders.commands)},
    {"orders_batch_bytes_total", "Their bytes.", AT(orders.batch_bytes)},
    {"orders_sessions_opened_total", "Sessions opened for cancel on disconnect.", AT(orders.sessions_opened)},
    {"orders_sessions_lost_total", "Sessions that the stream was out of reach for too long for.",
     AT(orders.sessions_lost)},
    {"orders_reports_total", "Execution reports handed to clients.", AT(orders.reports)},
    {"orders_report_duplicates_total", "Reports that came again and went no further.",
     AT(orders.report_duplicates)},
    {"orders_reports_chased_total", "Reports that were asked for because they were, or may have been, missed.",
     AT(orders.reports_chased)},
    {"orders_reports_from_execlog_total", "Of them read in execlog, as no matcher held them any more.",
     AT(orders.reports_from_log)},
    {"orders_reports_lost_total", "Times that a client was told REPORTS_LOST.", AT(orders.reports_lost)},
    {"orders_catch_ups_total", "Times that execlog was begun to be read for clients.", AT(orders.catch_ups_begun)},
    {"orders_reports_malformed_total", "Messages with reports that could not be read.",
     AT(orders.reports_malformed)},
    {"orders_rate_answers_late_total", "Rates that Redis did not tell within --order-limits-deadline.",
     AT(orders.limits.late)},
    {"takeovers_total", "Times a feed's leader changed.", AT(client.takeovers)},
};

static void add_counters(observed *seen) {
    char name[96];
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        const uint64_t *value = (const uint64_t *)((const char *)seen + counters[i].at);
        tw_text_format(name, sizeof name, "tickwire_gateway_%s", counters[i].name);
        metrics_add_counter(seen->metrics, name, "", counters[i].help, value);
    }
}

static const observed_number gauges[] = {
    {"clients", "Clients of the stream.", AT(clients)},
    {"groups", "Different wishes that somebody has.", AT(groups)},
    {"instruments", "Instruments known.", AT(instruments)},
    {"subscriptions", "Patterns that clients are subscribed to.", AT(subscriptions)},
    {"kept_bytes", "Frames held for resume and for who is slow.", AT(kept_bytes)},
    {"connections", "Connections open.", AT(connections)},
    {"websockets", "Of them WebSockets.", AT(websockets)},
    {"event_streams", "Of them event streams.", AT(event_streams)},
    {"questions", "Questions to the bus that wait for their answers.", AT(questions_under_way)},
    {"auth_users", "Users that have a session.", AT(users)},
    {"auth_keys", "Keys in force.", AT(keys)},
    {"auth_key_files_failed", "Files of keys that can't be read now.", AT(files_failed)},
    {"auth_provider_state", "The identity provider: 0 none, 1 asking, 2 ok, 3 away, 4 lost.", AT(provider_state)},
    {"auth_keys_age_seconds", "Since the provider's keys were had.", AT(keys_age_s)},
    {"feeds", "Feed partitions heard of.", AT(feeds)},
    {"feeds_silent", "Of them silent.", AT(feeds_silent)},
    {"feeds_not_ok", "Of them not OK.", AT(feeds_not_ok)},
    {"bus_subscriptions", "Subscriptions on the bus.", AT(bus_subscriptions)},
    {"bus_refused", "Subjects that the bus refuses now; /readyz names them.", AT(bus_refused)},
    {"books", "Books kept.", AT(books)},
    {"books_not_ok", "Of them not OK.", AT(books_not_ok)},
    {"usage_lines_open", "Lines of the period that is open.", AT(usage_lines_open)},
    {"usage_lines_waiting", "Lines that wait for the file.", AT(usage_lines_waiting)},
    {"usage_bytes_unpublished", "Bytes of lines that wait for the bus.", AT(usage_bytes_unpublished)},
    {"usage_file_good", "1: the file was written when last tried.", AT(usage_file_good)},
    {"orders_waiting", "Commands that wait to be sent.", AT(orders_waiting)},
    {"orders_under_way", "Messages to the order stream that are not acknowledged.", AT(orders_under_way)},
    {"orders_sessions", "Sessions open.", AT(orders_sessions)},
    {"orders_followers", "Subscriptions to accounts' reports.", AT(orders_followers)},
    {"orders_accounts", "Accounts that somebody follows.", AT(orders_accounts)},
    {"orders_chases", "Questions for reports that were missed.", AT(orders_chases)},
    {"orders_catch_ups", "Stretches of execlog that are read for clients now.", AT(orders_catch_ups)},
    {"orders_instruments", "Instruments of the venue that are known.", AT(orders_instruments)},
    {"orders_shards", "Shards of the venue.", AT(orders_shards)},
    {"orders_directory_known", "1: every shard's directory is known.", AT(orders_directory_known)},
    {"orders_bus", "1: order entry's connection to the bus is there.", AT(orders_bus)},
    {"orders_redis_state", "Where rates are counted: as redis_state; -1: no --order-rate.", AT(orders_redis_state)},
    {"redis_state", "0 READY, 1 CONNECTING, 2 AWAY, 3 REFUSED; -1: no --redis.", AT(redis_state)},
};

static void add_gauges(observed *seen) {
    char name[96];
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
        const int64_t *value = (const int64_t *)((const char *)seen + gauges[i].at);
        tw_text_format(name, sizeof name, "tickwire_gateway_%s", gauges[i].name);
        metrics_add_gauge(seen->metrics, name, "", gauges[i].help, value);
    }
}

static void add_auth(observed *seen) {
    static const char refused_help[] = "Tokens refused.", ended_help[] = "Sessions ended by the gateway.",
                      sessions_help[] = "Clients of the stream by whether it is known who they are.";
    static const char refused[] = "tickwire_gateway_auth_tokens_refused_total",
                      ended[] = "tickwire_gateway_auth_sessions_ended_total",
                      sessions[] = "tickwire_gateway_auth_sessions";
    char label[64];
    for (int i = AUTH_GOOD + 1; i < AUTH_VERDICTS; i++) {
        tw_text_format(label, sizeof label, "reason=\"%s\"", auth_verdict_name((auth_verdict)i));
        metrics_add_counter(seen->metrics, refused, label, refused_help, &seen->auth.refused[i]);
    }
    metrics_add_counter(seen->metrics, ended, "reason=\"expired\"", ended_help, &seen->auth.sessions.expired);
    metrics_add_counter(seen->metrics, ended, "reason=\"withdrawn\"", ended_help, &seen->auth.sessions.withdrawn);
    metrics_add_counter(seen->metrics, ended, "reason=\"unproven\"", ended_help, &seen->auth.sessions.unproven);
    metrics_add_gauge(seen->metrics, sessions, "kind=\"known\"", sessions_help, &seen->sessions_known);
    metrics_add_gauge(seen->metrics, sessions, "kind=\"anonymous\"", sessions_help, &seen->sessions_anonymous);
}

static bool is_ready(void *context, char *text, size_t capacity) {
    return http_write_ready(context, true, text, capacity);
}

static tw_code serve(gateway *self, tw_error *error) {
    tw_code code = rt_watch_serve(&self->settings.watch, &self->loop, self->observed.metrics, self->log,
                                  &self->observed.server, error);
    if (code == TW_OK) metrics_server_on_ready(self->observed.server, is_ready, self);
    return code;
}

tw_code observe_open(gateway *self, tw_error *error) {
    self->observed.metrics = metrics_alloc();
    if (self->observed.metrics == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for metrics");
    add_counters(&self->observed);
    add_gauges(&self->observed);
    add_auth(&self->observed);
    metrics_on_collect(self->observed.metrics, collect, self);
    return self->settings.watch.metrics < 0 ? TW_OK : serve(self, error);
}

bool observe_is_apart(const gateway *self) {
    return self->observed.server != NULL;
}

void observe_stop(gateway *self) {
    metrics_server_close(self->observed.server);
    self->observed.server = NULL;
}

void observe_close(gateway *self) {
    metrics_free(self->observed.metrics);
}

size_t observe_render(gateway *self, char *text, size_t capacity) {
    return metrics_render(self->observed.metrics, text, capacity);
}
