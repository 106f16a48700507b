/* The one table of tickwire-matcher's settings. */
#include "matcher/settings.h"

#define AT(field) offsetof(matcher_settings, field)
#define HOUR_NS   INT64_C(3600000000000)

static const setting table[] = {
    {"exchange", SETTING_TEXT, AT(exchange), "TWEX", "MIC", "the venue's own code, in all its subjects", NULL, 0,
     0},
    {"shard", SETTING_COUNT, AT(shard), "1", "N", "which part of the venue's instruments this is", NULL, 1, 65535},
    {"shards", SETTING_COUNT, AT(shards), "1", "N",
     "how many parts the venue has; with more than one, requests for symbols of other parts are left to those",
     NULL, 1, 65535},

    {"nats", SETTING_TEXT, AT(nats), "nats://127.0.0.1:4222", "URL",
     "the bus, with JetStream; several servers separated by commas", NULL, 0, 0},
    {"credentials", SETTING_TEXT, AT(credentials), "", "FILE", "NATS credentials (.creds)", NULL, 0, 0},
    {"high-water", SETTING_COUNT, AT(high_water), "16Mi", "BYTES",
     "with more than this buffered for the bus, reading orders pauses", NULL, 1 << 20, INT64_C(1) << 32},
    {"replicas", SETTING_COUNT, AT(replicas), "0", "N",
     "of the venue's streams, and of the lease when it is made: 3 in a cluster; 0: as they are, 1 when they are "
     "made",
     NULL, 0, 5},
    {"lease-bucket", SETTING_TEXT, AT(lease_bucket), "tickwire-leaders", "NAME",
     "JetStream key-value bucket that says who leads; made if it is not there", NULL, 0, 0},
    {"lease-timeout", SETTING_DURATION, AT(lease_timeout_ns), "300ms", "TIME",
     "a leader that is not heard for this long is taken for gone", NULL, INT64_C(200000000), INT64_C(60000000000)},
    {"write-timeout", SETTING_DURATION, AT(write_timeout_ns), "2s", "TIME",
     "an unacknowledged write to execlog is tried again after this", NULL, INT64_C(100000000),
     INT64_C(60000000000)},

    {"max-instruments", SETTING_COUNT, AT(max_instruments), "4096", "N",
     "memory, like the next ones; what is refused is said by `tickwire venue bounds`: instruments", NULL, 1,
     1 << 20},
    {"max-accounts", SETTING_COUNT, AT(max_accounts), "65536", "N", "accounts", NULL, 1, 1 << 20},
    {"max-positions", SETTING_COUNT, AT(max_positions), "1Mi", "N",
     "accounts times the instruments each has ever sent an order for", NULL, 1, 1 << 24},
    {"max-orders", SETTING_COUNT, AT(max_orders), "2Mi", "N", "orders open at once", NULL, 1, 1 << 24},
    {"max-pages", SETTING_COUNT, AT(max_pages), "1Mi", "N", "pieces of 64 neighbouring prices of one side", NULL, 1,
     1 << 24},
    {"max-client-ids", SETTING_COUNT, AT(max_client_ids), "16Mi", "N",
     "client order ids remembered in one trading day", NULL, 1, 1 << 28},
    {"max-sessions", SETTING_COUNT, AT(max_sessions), "16384", "N", "sessions open at once", NULL, 1, 1 << 20},
    {"max-reports", SETTING_COUNT, AT(max_reports), "1Mi", "N",
     "reports of one message, beside those that only end orders", NULL, 4, 1 << 28},
    {"backlog", SETTING_COUNT, AT(backlog), "64Mi", "BYTES",
     "reports that are not in execlog yet; above it reading orders pauses (it must hold those of one message of "
     "execlog)",
     NULL, 4 << 20, INT64_C(1) << 36},
    {"input-memory", SETTING_COUNT, AT(input_memory), "0", "BYTES",
     "for the reports of one message beyond that; taken only when needed. 0: as much as one can need with these "
     "bounds, and less is refused",
     NULL, 0, INT64_C(1) << 42},
    {"recent", SETTING_COUNT, AT(recent), "64Mi", "BYTES",
     "reports kept to answer questions for executions and for orders that have ended", NULL, 1 << 20,
     INT64_C(1) << 36},
    {"burst", SETTING_COUNT, AT(burst), "2048", "N",
     "most reports gathered before they are sent, while orders keep coming", NULL, 1, 1 << 20},

    {"hash-every", SETTING_COUNT, AT(hash_every), "100000", "N",
     "publish a hash of the whole state after every so many inputs, and compare it with other replicas'; 0: not by "
     "their number",
     NULL, 0, INT64_C(1) << 40},
    {"hash-interval", SETTING_DURATION, AT(hash_interval_ns), "1m", "TIME",
     "also after the first input of each stretch of the stream's time this long, for venues with few orders; the "
     "same at all replicas; 0s: only by their number",
     NULL, 0, 24 * HOUR_NS},
    {"on-mismatch", SETTING_CHOICE, AT(on_mismatch), "halt", "WHAT",
     "when another replica's hash differs: halt (publish nothing more), or tell (log and count only: for a while "
     "when "
     "two versions run side by side)",
     "halt|tell", 0, 0},
    {"clock", SETTING_DURATION, AT(clock_ns), "1s", "TIME",
     "the leader puts a clock message into an idle order stream so often while something is due", NULL,
     INT64_C(10000000), HOUR_NS},

    {"snapshots", SETTING_TEXT, AT(snapshots), "", "FOLDER", "where snapshots are kept as files, too", NULL, 0, 0},
    {"snapshot-every", SETTING_DURATION, AT(snapshot_every_ns), "5m", "TIME",
     "between snapshots; the process stands still while one is taken, so a leader that hears a standby leaves them "
     "to it",
     NULL, INT64_C(100000000), 24 * HOUR_NS},
    {"snapshot-keep", SETTING_COUNT, AT(snapshot_keep), "3", "N", "files kept", NULL, 1, 1000},
    {"snapshot-stream", SETTING_FLAG, AT(snapshot_stream), "true", NULL,
     "keep snapshots in the stream {MIC}-snapshots-{SHARD}, from where a new machine starts", NULL, 0, 0},
    {"snapshot-stream-bytes", SETTING_COUNT, AT(snapshot_stream_bytes), "4Gi", "BYTES",
     "what that stream may hold when it is made: three of the largest snapshots", NULL, 1 << 20, INT64_C(1) << 40},

    {"storage-reserve", SETTING_COUNT, AT(storage_reserve), "5", "PERCENT",
     "when the order stream, execlog or their account has less left than this share of what it may hold, new "
     "orders "
     "are refused, so that cancels still find room; 0: never",
     NULL, 0, 50},

    {"depth", SETTING_COUNT, AT(depth), "10", "N", "price levels a side on the order book channels", NULL, 1, 64},
    {"tier-100ms", SETTING_FLAG, AT(tier_100ms), "true", NULL, "publish orderbook.100ms", NULL, 0, 0},
    {"tier-1s", SETTING_FLAG, AT(tier_1s), "true", NULL, "publish orderbook.1s", NULL, 0, 0},
    {"max-prints", SETTING_COUNT, AT(max_prints), "65536", "N",
     "prints waiting to leave; beyond it the oldest are dropped and counted", NULL, 256, 1 << 24},
    {"max-requests", SETTING_COUNT, AT(max_requests), "4096", "N",
     "snapshot requests waiting; more are told to come back", NULL, 1, 1 << 20},
    {"snapshot-rate", SETTING_COUNT, AT(snapshot_rate), "64Mi", "BYTES/S",
     "most bytes a second of market data's snapshot and directory replies", NULL, 65536, INT64_C(1) << 34},

    RT_WATCH_ROWS(AT(watch), "serve Prometheus metrics over HTTP; 0 takes a free port, -1 none"),
    {0}};

const settings_program matcher_program = {
    .name = "tickwire-matcher",
    .summary = "matches the orders of one shard of the venue, publishes reports and market data on NATS",
    .usage = "[settings]",
    .environment = "TICKWIRE_MATCHER",
    .epilogue = "Start it twice for a standby: who is ready first leads, the other takes over. Signals: SIGUSR2 "
                "hands over to\n"
                "the standby, SIGTERM does so and ends.\n"
                "\n"
                "Examples:\n"
                "  tickwire-matcher --exchange TWEX --shard 1 --snapshots /var/lib/tickwire --metrics 9103\n"
                "  tickwire-matcher --nats nats://n1:4222,nats://n2:4222,nats://n3:4222 --replicas 3\n",
    .table = table,
};
