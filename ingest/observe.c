/* What an operator sees of the ingest: every counter and state under its Prometheus name. */
#include <inttypes.h>

#include "base/text.h"
#include "ingest/pipeline.h"
#include "runtime/clock.h"

static void collect(void *context) {
    ingest *self = context;
    ingest_observed *seen = &self->observed;
    seen->publisher = publisher_read_stats(self->publisher);
    seen->market = market_read_stats(self->market);
    seen->bus = bus_read_stats(self->bus);
    ingest_line_status(self, &seen->line);
    lead_read(self->lead, &seen->leading);
    if (self->recovery != NULL) recovery_read(self->recovery, &seen->recovery);
    if (self->glimpse != NULL) glimpse_read(self->glimpse, &seen->glimpse);
    if (self->soup != NULL) soup_read_link(self->soup, &seen->soup);
    for (uint32_t i = 0; i < INGEST_LINES; i++)
        ingest_read_line(self, i, rt_clock_monotonic_ns(), &seen->lines[i]);
    if (self->live != NULL) seen->kernel_drops = live_kernel_drops(self->live);
    seen->instruments_refused = market_instruments(self->market)->refused;
    seen->feed_state = self->verdict.state;
    seen->feed_cause = self->verdict.cause;
    seen->instruments = market_instruments(self->market)->count;
    seen->instruments_not_ok = seen->publisher.instruments_not_ok;
    seen->live_orders = ob_books_orders(market_books(self->market));
    seen->totals_whole = publisher_counted_from(self->publisher) == 0;
    seen->level_slots = ob_books_level_slots(market_books(self->market));
    seen->requests_waiting = seen->publisher.requests_waiting;
    seen->bus_buffered = (int64_t)bus_buffered(self->bus);
    seen->burst_limit = self->burst.now;
}

typedef struct counter_row {
    const char *name, *help;
    const uint64_t *value;
} counter_row;

static void add_rows(ingest *self, const char *labels, const counter_row *rows, size_t count) {
    char name[96];
    for (size_t i = 0; i < count; i++) {
        tw_text_format(name, sizeof name, "tickwire_ingest_%s", rows[i].name);
        metrics_add_counter(self->metrics, name, labels, rows[i].help, rows[i].value);
    }
}

/* From the exchange to the books. */
static void add_counters_in(ingest *self, const char *labels) {
    const ingest_observed *seen = &self->observed;
    const counter_row rows[] = {
        {"messages_total", "Source messages applied.", &self->messages_total},
        {"packets_total", "Packets received on all lines; on a SoupBinTCP link reads.", &seen->line.gap.packets},
        {"packets_malformed_total", "Packets that are not MoldUDP64; SoupBinTCP connections given up likewise.",
         &seen->line.malformed},
        {"duplicates_total", "Source messages that came again.", &seen->line.gap.duplicates},
        {"reordered_total", "Source messages that came late.", &seen->line.gap.reordered},
        {"gaps_total", "Gaps declared.", &seen->line.gap.gaps},
        {"lost_total", "Source messages given up.", &seen->line.gap.lost},
        {"kernel_drops_total", "Packets the kernel dropped because the socket buffer was full.",
         &seen->kernel_drops},
        {"refill_requests_total", "Requests sent to request servers.", &seen->recovery.requests},
        {"refill_failures_total", "Requests that brought nothing in their time.", &seen->recovery.failures},
        {"refill_expired_total", "Gaps that request servers did not fill by their deadline.",
         &seen->recovery.expired},
        {"refilled_total", "Source messages that request servers brought first.", &seen->recovery.refilled},
        {"refill_strangers_total", "Packets to the request socket from addresses that were not asked.",
         &seen->recovery.strangers},
        {"soup_logins_total", "SoupBinTCP logins accepted.", &seen->soup.logins},
        {"soup_rejections_total", "SoupBinTCP logins rejected.", &seen->soup.rejections},
        {"soup_failures_total", "SoupBinTCP connections that were not made, or broke.", &seen->soup.failures},
        {"glimpse_attempts_total", "Snapshots asked for.", &seen->glimpse.attempts},
        {"glimpse_failures_total", "Snapshots that did not come, or could not be used.", &seen->glimpse.failures},
        {"glimpse_rebuilds_total", "Times a snapshot took the place of the books.", &seen->glimpse.rebuilds},
        {"messages_malformed_total", "Source messages that could not be read.", &self->itch50.malformed},
        {"messages_unknown_type_total", "Source messages of a type the specification does not have.",
         &self->itch50.unknown_types},
        {"orders_unknown_total", "Messages about orders never seen.", &seen->market.unknown_orders},
        {"orders_inconsistent_total", "Messages that contradict the book.", &seen->market.inconsistent},
        {"books_given_up_total", "Books given up because a memory bound was reached.",
         &seen->market.books_given_up},
        {"messages_passed_over_total", "Messages for books given up or instruments unknown.",
         &seen->market.passed_over},
        {"instruments_refused_total", "Symbols refused because max-instruments was reached.",
         &seen->instruments_refused},
    };
    add_rows(self, labels, rows, sizeof rows / sizeof *rows);
}

/* From the books to the bus, and who leads. */
static void add_counters_out(ingest *self, const char *labels) {
    const ingest_observed *seen = &self->observed;
    const counter_row rows[] = {
        {"updates_merged_total", "Source changes folded into a later update.", &seen->publisher.merged},
        {"burst_limit_changes_total", "Times the limit of merging was raised or lowered.", &self->burst.changes},
        {"updates_unchanged_total", "Marks that left nothing visible changed.", &seen->publisher.unchanged},
        {"updates_held_back_total", "Rounds in which the bus was not ready and updates merged.",
         &seen->publisher.held_back},
        {"prints_dropped_total", "Prints dropped because max-prints was reached.", &seen->publisher.prints_dropped},
        {"order_events_dropped_total", "Order events dropped because their queue was full.",
         &seen->publisher.orders_dropped},
        {"snapshots_served_total", "Snapshot and directory replies sent.", &seen->publisher.snapshots_served},
        {"requests_busy_total", "Requests told to come back later.", &seen->publisher.requests_busy},
        {"requests_bad_total", "Requests that made no sense.", &seen->publisher.requests_bad},
        {"bus_messages_out_total", "Messages given to the bus.", &seen->bus.messages_out},
        {"bus_bytes_out_total", "Payload bytes given to the bus.", &seen->bus.bytes_out},
        {"bus_reconnects_total", "Times the bus came back.", &seen->bus.reconnects},
        {"takeovers_total", "Times this instance began to lead.", &seen->leading.takeovers},
        {"steps_back_total", "Times this instance left the lead to another.", &seen->leading.steps_back},
        {"handover_offers_total", "Times this instance offered its place to a standby.", &seen->leading.offers},
        {"heartbeats_heard_total", "Heartbeats heard of other leaders.", &seen->leading.heartbeats},
        {"terms_disbelieved_total", "Terms heard that are too far ahead of the clock to be anybody's.",
         &seen->leading.disbelieved},
        {"lease_failures_total", "Lease calls that JetStream did not answer.", &seen->leading.lease_failures},
    };
    add_rows(self, labels, rows, sizeof rows / sizeof *rows);
}

static void add_channels(ingest *self, const char *labels) {
    char with_channel[160];
    for (int channel = 0; channel < SUBJECT_FEED_CHANNELS; channel++) {
        tw_text_format(with_channel, sizeof with_channel, "%s,channel=\"%s\"", labels,
                       subject_channel_name((subject_channel)channel));
        metrics_add_counter(self->metrics, "tickwire_ingest_updates_total", with_channel, "Updates published.",
                            &self->observed.publisher.emitted[channel]);
    }
}

static void add_roles(ingest *self, const char *labels) {
    char with_role[160];
    for (int role = 0; role < INGEST_ROLES; role++) {
        tw_text_format(with_role, sizeof with_role, "%s,role=\"%s\"", labels, lead_role_name(role));
        metrics_add_gauge(self->metrics, "tickwire_ingest_role", with_role,
                          "1 for what this instance is: leading, following, or on the way.",
                          &self->observed.leading.roles[role]);
    }
}

/* The lines that there are, each under its own label. */
static void add_lines(ingest *self, const char *labels) {
    for (uint32_t i = 0; i < INGEST_LINES; i++) {
        ingest_line *line = &self->observed.lines[i];
        if (!ingest_read_line(self, i, rt_clock_monotonic_ns(), line)) continue;
        const struct {
            const char *name, *help;
            const uint64_t *value;
        } counters[] = {
            {"packets_total", "Packets received on the line.", &line->counts.packets},
            {"messages_total", "Source messages the line carried.", &line->counts.messages},
            {"wins_total", "Source messages the line brought first.", &line->counts.wins},
            {"duplicates_total", "Source messages that had come already.", &line->counts.duplicates},
            {"losses_total", "Source messages the line went past and did not carry.", &line->counts.losses},
            {"malformed_total", "Packets of the line that are not MoldUDP64.", &line->counts.malformed},
            {"passed_over_total", "Packets of a session already left, or that nothing confirmed.",
             &line->counts.passed_over},
            {"kernel_drops_total", "Packets the kernel dropped before the line could be read.",
             &line->kernel_drops},
            {"receive_buffer_changes_total", "Times the socket buffer was made larger.", &line->buffer_changes},
        };
        char name[96], with_line[160];
        tw_text_format(with_line, sizeof with_line, "%s,line=\"%s\"", labels, line->name);
        for (size_t c = 0; c < sizeof counters / sizeof *counters; c++) {
            tw_text_format(name, sizeof name, "tickwire_ingest_line_%s", counters[c].name);
            metrics_add_counter(self->metrics, name, with_line, counters[c].help, counters[c].value);
        }
        metrics_add_gauge(self->metrics, "tickwire_ingest_line_skew_nanoseconds", with_line,
                          "Median lag behind the other line; negative ahead of it.", &line->skew_ns);
        if (i + 1 < INGEST_LINES) /* R has no line of its own */
            metrics_add_gauge(self->metrics, "tickwire_ingest_line_receive_buffer_bytes", with_line,
                              "Size of the socket buffer as the kernel granted it.", &line->buffer_bytes);
        metrics_add_gauge(self->metrics, "tickwire_ingest_line_state", with_line,
                          "0 OK, 1 CLOSED, 2 RECOVERING (nothing heard yet, or R: asking), 3 STALE (silent, down).",
                          &line->state_number);
    }
}

static void add_gauges(ingest *self, const char *labels) {
    ingest_observed *seen = &self->observed;
    const struct {
        const char *name, *help;
        const int64_t *value;
    } gauges[] = {
        {"feed_state", "0 OK, 1 CLOSED, 2 RECOVERING, 3 STALE.", &seen->feed_state},
        {"feed_cause", "Cause of the feed's state, as numbered in market_data.proto.", &seen->feed_cause},
        {"instruments", "Instruments of the day.", &seen->instruments},
        {"instruments_not_ok", "Instruments whose own book is not OK.", &seen->instruments_not_ok},
        {"live_orders", "Orders resting in all books.", &seen->live_orders},
        {"level_slots", "Price level slots in use.", &seen->level_slots},
        {"leader_term", "Term of the leader: this instance or the one it hears.", &seen->leading.term},
        {"lease_held", "1 while this instance leads with the lease.", &seen->leading.lease_held},
        {"epochs_differ", "1 while this standby and its leader give one session two dates.",
         &seen->leading.epochs_differ},
        {"behind_leader_messages", "Source messages the leader has applied and this instance has not.",
         &seen->leading.behind},
        {"catching_up_instruments", "Instruments whose snapshots a takeover or a lost bus still owes.",
         &seen->leading.catching_up},
        {"glimpse_state",
         "0 no snapshot is needed, 1 waits to ask, 2 asks, 3 the snapshot comes, 4 waits for the lines, 5 "
         "rebuilds.",
         &seen->glimpse.state},
        {"glimpse_held_messages", "Live messages held while a snapshot comes.", &seen->glimpse.held},
        {"totals_whole", "1 if Trades' totals count every print of the epoch, 0 if this instance joined late.",
         &seen->totals_whole},
        {"requests_waiting", "Snapshot requests waiting.", &seen->requests_waiting},
        {"burst_limit", "Source messages merged into one update at most, now.", &seen->burst_limit},
        {"bus_buffered_bytes", "Bytes waiting to be written to the bus.", &seen->bus_buffered},
    };
    char name[96];
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
        tw_text_format(name, sizeof name, "tickwire_ingest_%s", gauges[i].name);
        metrics_add_gauge(self->metrics, name, labels, gauges[i].help, gauges[i].value);
    }
}

static void add_hops(ingest *self, const char *labels) {
    const struct {
        const char *name;
        const tw_histogram *histogram;
    } hops[] = {{"receive", &self->hops.receive},
                {"apply", &self->hops.apply},
                {"encode", &self->hops.encode},
                {"write", &self->hops.write}};
    for (size_t i = 0; self->live != NULL && i < sizeof hops / sizeof *hops; i++) {
        char with_hop[160];
        tw_text_format(with_hop, sizeof with_hop, "%s,hop=\"%s\"", labels, hops[i].name);
        metrics_add_latency(self->metrics, "tickwire_ingest_hop_seconds", with_hop,
                            "Share of the path: receive (kernel to program), apply (decode, books), encode, write.",
                            hops[i].histogram);
    }
}

tw_code observe_open(ingest *self, tw_error *error) {
    if (self->settings.watch.metrics < 0) return TW_OK;
    self->metrics = metrics_alloc();
    if (self->metrics == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for metrics");
    char labels[96];
    tw_text_format(labels, sizeof labels, "exchange=\"%s\",partition=\"%" PRIu64 "\"", self->settings.exchange,
                   self->settings.partition);
    add_counters_in(self, labels);
    add_counters_out(self, labels);
    add_channels(self, labels);
    add_gauges(self, labels);
    add_roles(self, labels);
    add_lines(self, labels);
    metrics_add_latency(self->metrics, "tickwire_ingest_receive_to_publish_seconds", labels,
                        "From a packet's arrival to the end of its burst's publishing.", &self->receive_to_publish);
    add_hops(self, labels);
    metrics_on_collect(self->metrics, collect, self);
    return rt_watch_serve(&self->settings.watch, &self->loop, self->metrics, self->log, &self->metrics_server,
                          error);
}

void observe_close(ingest *self) {
    metrics_server_close(self->metrics_server);
    metrics_free(self->metrics);
}
