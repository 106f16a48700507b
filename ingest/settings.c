/* The one table of tickwire-ingest's settings. */
#include "ingest/settings.h"

#define AT(field) offsetof(ingest_settings, field)

static const setting table[] = {
    {"source", SETTING_TEXT, AT(source), NULL, "WHERE",
     "file:PATH, pcap:PATH, udp://GROUP:PORT[@INTERFACE] or soup://USER:PASSWORD@HOST:PORT[/SESSION] (better set "
     "in the environment or a file: it holds a password)",
     NULL, 0, 0},
    {"source-b", SETTING_TEXT, AT(source_b), "", "WHERE",
     "the second line of the same feed, udp://GROUP:PORT[@INTERFACE]; either may die and return", NULL, 0, 0},
    {"feed", SETTING_CHOICE, AT(feed), "itch50", "FORMAT", "what the source's messages are", "itch50|lobster", 0,
     0},
    {"exchange", SETTING_TEXT, AT(exchange), "XNAS", "MIC", "first token of the subjects, and whose calendar holds",
     NULL, 0, 0},
    {"partition", SETTING_COUNT, AT(partition), "1", "N", "which part of the exchange's feed this is", NULL, 1,
     65535},
    {"session-date", SETTING_TEXT, AT(session_date), "", "YYYY-MM-DD",
     "trading date of the first session; without it the calendar's day of the first packet, or the date in a "
     "recording's file name",
     NULL, 0, 0},
    {"calendar", SETTING_TEXT, AT(calendar), "", "FILE",
     "more holidays and early closes, one a line: '2025-01-09 closed', '2025-07-03 early 13:00', '2025-07-05 open'",
     NULL, 0, 0},
    {"pace", SETTING_TEXT, AT(pace), "max", "SPEED", "of a recording: max, recorded, or a factor such as 4x", NULL,
     0, 0},
    {"start-after", SETTING_DURATION, AT(start_after_ns), "0s", "TIME",
     "wait before a recording starts, so that subscribers are there", NULL, 0, INT64_C(86400000000000)},
    {"exit-at-end", SETTING_FLAG, AT(exit_at_end), "false", NULL,
     "leave when the recording or the session has ended (default: stay and serve snapshots)", NULL, 0, 0},

    {"nats", SETTING_TEXT, AT(nats), "nats://127.0.0.1:4222", "URL", "the bus; several servers separated by commas",
     NULL, 0, 0},
    {"credentials", SETTING_TEXT, AT(credentials), "", "FILE", "NATS credentials (.creds)", NULL, 0, 0},
    {"high-water", SETTING_COUNT, AT(high_water), "4Mi", "BYTES",
     "with more than this buffered for the bus, updates merge instead of leaving", NULL, 65536, INT64_C(1) << 32},
    {"term", SETTING_COUNT, AT(term), "0", "N",
     "lead with this number and without a lease; it must be higher than the last one's. 0: the lease's next; of a "
     "recording, or without JetStream, the time of start",
     NULL, 0, 0},
    {"standby", SETTING_FLAG, AT(standby), "false", NULL,
     "keep the same books, publish nothing, take over when the leader falls silent (needs JetStream)", NULL, 0, 0},
    {"lease-bucket", SETTING_TEXT, AT(lease_bucket), "tickwire-leaders", "NAME",
     "JetStream key-value bucket that says who leads; made if it is not there", NULL, 0, 0},
    {"lease-replicas", SETTING_COUNT, AT(lease_replicas), "1", "N", "of the bucket when it is made; 3 in a cluster",
     NULL, 1, 5},
    {"lease-timeout", SETTING_DURATION, AT(lease_timeout_ns), "300ms", "TIME",
     "a leader that is not heard for this long is taken for gone", NULL, INT64_C(200000000), INT64_C(60000000000)},

    {"depth", SETTING_COUNT, AT(depth), "10", "N", "price levels a side on the order book channels", NULL, 1, 64},
    {"tier-100ms", SETTING_FLAG, AT(tier_100ms), "true", NULL, "publish orderbook.100ms", NULL, 0, 0},
    {"tier-1s", SETTING_FLAG, AT(tier_1s), "true", NULL, "publish orderbook.1s", NULL, 0, 0},
    {"orders", SETTING_FLAG, AT(orders), "false", NULL, "publish every order event (L3)", NULL, 0, 0},
    {"burst", SETTING_COUNT, AT(burst), "256", "N",
     "most source messages merged into one update under load; 1: every message on its own", NULL, 1, 65536},
    {"snapshot-rate", SETTING_COUNT, AT(snapshot_rate), "64Mi", "BYTES/S",
     "most bytes a second of snapshot and directory replies", NULL, 65536, INT64_C(1) << 34},
    {"max-requests", SETTING_COUNT, AT(max_requests), "4096", "N",
     "snapshot requests waiting; more are told to come back", NULL, 1, 1 << 20},
    {"max-prints", SETTING_COUNT, AT(max_prints), "65536", "N",
     "prints waiting to leave; beyond it the oldest are dropped and counted", NULL, 256, 1 << 24},

    {"max-instruments", SETTING_COUNT, AT(max_instruments), "16384", "N",
     "instruments a day; more are refused and counted", NULL, 1, 65536},
    {"max-orders", SETTING_COUNT, AT(max_orders), "4M", "N",
     "orders resting at once; beyond it a book is given up as STALE (CAPACITY)", NULL, 1, 1 << 30},
    {"max-levels", SETTING_COUNT, AT(max_levels), "4M", "N", "price level slots over all books; likewise", NULL, 64,
     1 << 30},

    {"reorder-window", SETTING_DURATION, AT(reorder_window_ns), "10ms", "TIME",
     "how long a missing packet may just be late", NULL, 0, INT64_C(60000000000)},
    {"gap-deadline", SETTING_DURATION, AT(gap_deadline_ns), "0s", "TIME",
     "when a gap is given up and the books become STALE; 0s: after 250ms, with --recovery after 5s", NULL, 0,
     INT64_C(600000000000)},
    {"recovery", SETTING_TEXT, AT(recovery), "", "HOST:PORT,...",
     "MoldUDP64 request servers, asked in turn for what no line brought", NULL, 0, 0},
    {"recovery-backoff", SETTING_DURATION, AT(recovery_backoff_ns), "20ms", "TIME",
     "how long an answer is waited for before the next server is asked; doubles up to 32 times while none comes",
     NULL, INT64_C(1000000), INT64_C(60000000000)},
    {"recovery-max-messages", SETTING_COUNT, AT(recovery_max_messages), "32", "N",
     "most messages of one request: about what one packet holds", NULL, 1, 65534},
    {"hold-packets", SETTING_COUNT, AT(hold_packets), "4096", "N",
     "packets kept behind a gap; beyond it the gap is given up at once", NULL, 1, 1 << 20},
    {"silence", SETTING_DURATION, AT(silence_ns), "3s", "TIME",
     "a line without packet or heartbeat for this long is STALE; the feed only when all its lines are", NULL,
     INT64_C(10000000), INT64_C(3600000000000)},
    {"receive-buffer", SETTING_COUNT, AT(receive_buffer), "16Mi", "BYTES", "socket buffer to ask the kernel for",
     NULL, 4096, INT64_C(1) << 30},

    {"glimpse", SETTING_TEXT, AT(glimpse), "", "WHERE",
     "GLIMPSE service, soup://USER:PASSWORD@HOST:PORT[/SESSION]: books that are not whole are rebuilt from its "
     "snapshot (better set in the environment or a file)",
     NULL, 0, 0},
    {"glimpse-hold", SETTING_COUNT, AT(glimpse_hold), "64Mi", "BYTES",
     "live messages held while a snapshot comes; beyond it the snapshot is given up and asked for again later",
     NULL, 128 * 1024, INT64_C(1) << 34},
    {"glimpse-timeout", SETTING_DURATION, AT(glimpse_timeout_ns), "60s", "TIME",
     "a snapshot that has not come within this is given up and asked for again later", NULL, INT64_C(100000000),
     INT64_C(3600000000000)},
    {"glimpse-backoff", SETTING_DURATION, AT(glimpse_backoff_ns), "1s", "TIME",
     "when a snapshot is asked for again after a failure; doubles up to 64 times while there are more", NULL,
     INT64_C(1000000), INT64_C(3600000000000)},
    {"soup-version", SETTING_CHOICE, AT(soup_version), "3.00", "VERSION",
     "of SoupBinTCP; with 4.00 the login tells the server --link-timeout", "3.00|4.00", 0, 0},
    {"link-timeout", SETTING_DURATION, AT(link_timeout_ns), "15s", "TIME",
     "a SoupBinTCP server that sends nothing, not even a heartbeat, for this long is gone: connect again", NULL,
     INT64_C(100000000), INT64_C(99999000000)},
    {"login-retry", SETTING_DURATION, AT(login_retry_ns), "30s", "TIME",
     "when a rejected SoupBinTCP login is tried again (then ever more slowly), and how often the next session is "
     "looked for when one has ended",
     NULL, INT64_C(10000000), INT64_C(3600000000000)},

    {"metrics", SETTING_NUMBER, AT(metrics), "-1", "PORT",
     "serve Prometheus metrics over HTTP; 0 takes a free port, -1 none", NULL, -1, 65535},
    {"metrics-address", SETTING_TEXT, AT(metrics_address), "127.0.0.1", "ADDRESS", "where to serve metrics", NULL,
     0, 0},
    {"log-format", SETTING_CHOICE, AT(log_format), "human", "FORMAT", "of the log on standard error", "human|json",
     0, 0},
    {"log-level", SETTING_CHOICE, AT(log_level), "info", "LEVEL", "least important lines to write",
     "debug|info|warn|error", 0, 0},
    {0}};

const settings_program ingest_program = {
    .name = "tickwire-ingest",
    .summary = "receives one exchange feed, keeps its order books, publishes them on NATS",
    .usage = "--source WHERE [settings]",
    .environment = "TICKWIRE_INGEST",
    .epilogue = "Examples:\n"
                "  tickwire-ingest --source udp://239.1.1.1:26400@127.0.0.1 --session-date 2020-01-30\n"
                "  tickwire-ingest --source udp://239.1.1.1:26400@eth1 --source-b udp://239.1.1.2:26400@eth2\n"
                "  TICKWIRE_INGEST_SOURCE=soup://USER:PASSWORD@feed.example.com:9000 tickwire-ingest\n"
                "  tickwire-ingest --source file:01302020.NASDAQ_ITCH50.gz --pace recorded --metrics 9100\n"
                "  tickwire-ingest --source udp://239.1.1.1:26400@eth1 --standby\n"
                "  tickwire-ingest --source pcap:capture.pcapng.zst --exit-at-end\n",
    .table = table,
};
