/* Every counter and state of the gateway under its Prometheus name. */
#include "gateways/observe.h"

#include "base/text.h"
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

static void collect(void *context) {
    gateway *self = context;
    observed *seen = &self->observed;
    seen->stream = stream_read_stats(self->stream);
    seen->socket = socket_read_stats(self->socket);
    seen->source = source_read(self->source);
    seen->client = source_read_client(self->source);
    collect_auth(seen, self->doorman);
    seen->last_store = last_store_read_stats(self->last_store);
    seen->redis_state = seen->last_store.configured ? (int64_t)seen->last_store.state : -1;
    seen->usage = usage_read_stats(self->usage);
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

static void add_counters(observed *seen) {
    const struct {
        const char *name, *help;
        const uint64_t *value;
    } counters[] = {
        {"updates_in_total", "Messages of the bus given to the stream.", &seen->stream.updates_in},
        {"frames_total", "Frames made, by all groups.", &seen->stream.frames},
        {"updates_out_total", "Updates handed to clients.", &seen->stream.updates_out},
        {"bytes_out_total", "Bytes handed to clients.", &seen->stream.bytes_out},
        {"merged_total", "Updates folded into a later one for a client that was behind.", &seen->stream.merged},
        {"snapshots_total", "Snapshots given to who joined or was behind.", &seen->stream.snapshots},
        {"resumed_total", "Subjects that went on where they had been, once all that was missed was sent.",
         &seen->stream.resumed},
        {"resume_failed_total", "Subjects that did not, or lost the rest on the way, and had a snapshot.",
         &seen->stream.resume_failed},
        {"prints_passed_over_total", "Prints that clients were too slow for.", &seen->stream.prints_passed_over},
        {"requests_total", "Requests of clients.", &seen->stream.requests},
        {"requests_refused_total", "Requests answered with an error.", &seen->stream.requests_refused},
        {"instruments_refused_total", "Messages of instruments beyond --max-instruments.",
         &seen->stream.instruments_refused},
        {"members_refused_total", "Subjects of clients beyond --max-members.", &seen->stream.members_refused},
        {"heartbeats_total", "Heartbeats sent.", &seen->stream.heartbeats},
        {"deflated_total", "Frames and snapshots deflated, each once for all its clients.", &seen->stream.deflated},
        {"deflated_from_bytes_total", "Their bytes before.", &seen->stream.deflated_from_bytes},
        {"deflated_to_bytes_total", "Their bytes after.", &seen->stream.deflated_to_bytes},
        {"closed_silent_total", "Clients closed because nothing was heard of them.", &seen->stream.closed_silent},
        {"closed_policy_total", "Clients closed because of what they did.", &seen->stream.closed_policy},
        {"closed_unauthorized_total", "Clients closed because they may not be here, or not any more.",
         &seen->stream.closed_unauthorized},
        {"auth_tokens_accepted_total", "Tokens found good.", &seen->auth.accepted},
        {"auth_key_reads_total", "Files of keys read.", &seen->auth.keys.reads},
        {"auth_key_read_failures_total", "Files of keys that could not be read.", &seen->auth.keys.read_failures},
        {"auth_key_refreshes_total", "Times the provider's keys were had.", &seen->auth.keys.refreshes},
        {"auth_key_refresh_failures_total", "Times they could not be had.", &seen->auth.keys.refresh_failures},
        {"closed_oversize_total", "Clients closed because a request was too long.", &seen->socket.oversize},
        {"closed_binary_total", "Clients closed because a request was binary.", &seen->socket.binary},
        {"closed_protocol_total", "Clients closed because they broke the WebSocket protocol.",
         &seen->socket.protocol_errors},
        {"accepted_total", "Connections taken.", &seen->socket.accepted},
        {"refused_total", "Connections that were not let in.", &seen->socket.refused},
        {"refused_address_total", "Of them beyond --max-clients-per-address.", &seen->socket.refused_address},
        {"writes_total", "Writes to clients.", &seen->socket.writes},
        {"partial_writes_total", "Writes that the socket took only a part of.", &seen->socket.partial_writes},
        {"http_requests_total", "Plain HTTP requests.", &seen->socket.http_requests},
        {"headers_too_long_total", "Connections ended because headers were longer than --header-bytes.",
         &seen->socket.headers_too_long},
        {"bus_messages_total", "Messages received from the bus.", &seen->client.messages},
        {"bus_bytes_total", "Bytes received from the bus.", &seen->client.bytes},
        {"bus_dropped_total", "Messages of the bus dropped because they were read too slowly.",
         &seen->client.dropped},
        {"bus_reconnects_total", "Times the bus came back.", &seen->client.reconnects},
        {"bus_malformed_total", "Messages of the bus that could not be read.", &seen->client.malformed},
        {"chain_faults_total", "Updates of the bus that were missing.", &seen->client.chain_faults},
        {"checksum_faults_total", "Books that did not match their checksum.", &seen->client.checksum_faults},
        {"resyncs_total", "Faults healed by a snapshot.", &seen->client.resyncs},
        {"redis_found_total", "Last values that Redis had.", &seen->last_store.found},
        {"redis_missing_total", "Last values that Redis did not have, or not any more.", &seen->last_store.missing},
        {"redis_late_total", "Last values that Redis did not give within --redis-deadline.",
         &seen->last_store.late},
        {"redis_unfit_total", "Last values in Redis that are none.", &seen->last_store.unfit},
        {"redis_not_asked_total", "Last values not asked of Redis, as it was not ready.",
         &seen->last_store.not_asked},
        {"redis_connects_total", "Times Redis became ready.", &seen->last_store.redis.connects},
        {"redis_failures_total", "Tries to connect to Redis that failed, and connections that ended.",
         &seen->last_store.redis.failures},
        {"usage_lines_total", "Lines of the usage ledger.", &seen->usage.lines},
        {"usage_lines_written_total", "Of them written to the file.", &seen->usage.file.lines_written},
        {"usage_lines_lost_total", "Of them lost for the file, as too much waited.", &seen->usage.file.lines_lost},
        {"usage_file_errors_total", "Writes of the usage ledger that failed.", &seen->usage.file.errors},
        {"usage_lines_published_total", "Of them published.", &seen->usage.lines_published},
        {"usage_lines_unpublished_total", "Of them lost for the bus, as too much waited.",
         &seen->usage.lines_unpublished},
        {"usage_early_flushes_total", "Times that more than --usage-lines were needed in a period.",
         &seen->usage.early_flushes},
        {"takeovers_total", "Times a feed's leader changed.", &seen->client.takeovers},
    };
    char name[96];
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        tw_text_format(name, sizeof name, "tickwire_gateway_%s", counters[i].name);
        metrics_add_counter(seen->metrics, name, "", counters[i].help, counters[i].value);
    }
}

static void add_gauges(observed *seen) {
    const struct {
        const char *name, *help;
        const int64_t *value;
    } gauges[] = {
        {"clients", "Clients of the stream.", &seen->clients},
        {"groups", "Different wishes that somebody has.", &seen->groups},
        {"instruments", "Instruments known.", &seen->instruments},
        {"subscriptions", "Patterns that clients are subscribed to.", &seen->subscriptions},
        {"kept_bytes", "Frames held for resume and for who is slow.", &seen->kept_bytes},
        {"connections", "Connections open.", &seen->connections},
        {"websockets", "Of them WebSockets.", &seen->websockets},
        {"event_streams", "Of them event streams.", &seen->event_streams},
        {"auth_users", "Users that have a session.", &seen->users},
        {"auth_keys", "Keys in force.", &seen->keys},
        {"auth_key_files_failed", "Files of keys that can't be read now.", &seen->files_failed},
        {"auth_provider_state", "The identity provider: 0 none, 1 asking, 2 ok, 3 away, 4 lost.",
         &seen->provider_state},
        {"auth_keys_age_seconds", "Since the provider's keys were had.", &seen->keys_age_s},
        {"feeds", "Feed partitions heard of.", &seen->feeds},
        {"feeds_silent", "Of them silent.", &seen->feeds_silent},
        {"feeds_not_ok", "Of them not OK.", &seen->feeds_not_ok},
        {"bus_subscriptions", "Subscriptions on the bus.", &seen->bus_subscriptions},
        {"books", "Books kept.", &seen->books},
        {"books_not_ok", "Of them not OK.", &seen->books_not_ok},
        {"usage_lines_open", "Lines of the period that is open.", &seen->usage_lines_open},
        {"usage_lines_waiting", "Lines that wait for the file.", &seen->usage_lines_waiting},
        {"usage_bytes_unpublished", "Bytes of lines that wait for the bus.", &seen->usage_bytes_unpublished},
        {"usage_file_good", "1: the file was written when last tried.", &seen->usage_file_good},
        {"redis_state", "0 READY, 1 CONNECTING, 2 AWAY, 3 REFUSED; -1: no --redis.", &seen->redis_state},
    };
    char name[96];
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
        tw_text_format(name, sizeof name, "tickwire_gateway_%s", gauges[i].name);
        metrics_add_gauge(seen->metrics, name, "", gauges[i].help, gauges[i].value);
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

tw_code observe_open(gateway *self, tw_error *error) {
    self->observed.metrics = metrics_alloc();
    if (self->observed.metrics == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for metrics");
    add_counters(&self->observed);
    add_gauges(&self->observed);
    add_auth(&self->observed);
    metrics_on_collect(self->observed.metrics, collect, self);
    return TW_OK;
}

void observe_close(gateway *self) {
    metrics_free(self->observed.metrics);
}

size_t observe_render(gateway *self, char *text, size_t capacity) {
    return metrics_render(self->observed.metrics, text, capacity);
}
