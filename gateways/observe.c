/* Every counter and state of the gateway under its Prometheus name. */
#include "gateways/observe.h"

#include "base/text.h"
#include "gateways/pipeline.h"

static void collect(void *context) {
    gateway *self = context;
    observed *seen = &self->observed;
    seen->stream = stream_read_stats(self->stream);
    seen->socket = socket_read_stats(self->socket);
    seen->source = source_read(self->source);
    seen->client = source_read_client(self->source);
    seen->last_store = last_store_read_stats(self->last_store);
    seen->redis_state = seen->last_store.configured ? (int64_t)seen->last_store.state : -1;
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
        {"resumed_total", "Subscriptions that went on where they had been.", &seen->stream.resumed},
        {"resume_failed_total", "Subscriptions that could not, and had a snapshot.", &seen->stream.resume_failed},
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
        {"feeds", "Feed partitions heard of.", &seen->feeds},
        {"feeds_silent", "Of them silent.", &seen->feeds_silent},
        {"feeds_not_ok", "Of them not OK.", &seen->feeds_not_ok},
        {"bus_subscriptions", "Subscriptions on the bus.", &seen->bus_subscriptions},
        {"books", "Books kept.", &seen->books},
        {"books_not_ok", "Of them not OK.", &seen->books_not_ok},
        {"redis_state", "0 READY, 1 CONNECTING, 2 AWAY, 3 REFUSED; -1: no --redis.", &seen->redis_state},
    };
    char name[96];
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
        tw_text_format(name, sizeof name, "tickwire_gateway_%s", gauges[i].name);
        metrics_add_gauge(seen->metrics, name, "", gauges[i].help, gauges[i].value);
    }
}

tw_code observe_open(gateway *self, tw_error *error) {
    self->observed.metrics = metrics_alloc();
    if (self->observed.metrics == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for metrics");
    add_counters(&self->observed);
    add_gauges(&self->observed);
    metrics_on_collect(self->observed.metrics, collect, self);
    return TW_OK;
}

void observe_close(gateway *self) {
    metrics_free(self->observed.metrics);
}

size_t observe_render(gateway *self, char *text, size_t capacity) {
    return metrics_render(self->observed.metrics, text, capacity);
}
