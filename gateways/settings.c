/* The one table of tickwire-gateway's settings. */
#include "gateways/settings.h"

#define AT(field) offsetof(gateway_settings, field)
#define HOUR_NS   INT64_C(3600000000000)
#define MILLI_NS  INT64_C(1000000)

static const setting table[] = {
    {"nats", SETTING_TEXT, AT(nats), "nats://127.0.0.1:4222", "URL", "the bus; several servers separated by commas",
     NULL, 0, 0},
    {"credentials", SETTING_TEXT, AT(credentials), "", "FILE", "NATS credentials (.creds)", NULL, 0, 0},
    {"feed-silence", SETTING_DURATION, AT(feed_silence_ns), "1s", "TIME",
     "a feed whose publisher says nothing for this long is STALE", NULL, 100 * MILLI_NS, HOUR_NS},

    {"redis", SETTING_TEXT, AT(redis), "", "URL",
     "where tickwire-aggregator keeps last values, as redis://127.0.0.1:6379/0; without it they come from memory "
     "or the bus",
     NULL, 0, 0},
    {"redis-deadline", SETTING_DURATION, AT(redis_deadline_ns), "100ms", "TIME",
     "a last value that Redis has not given by then comes from memory or the bus", NULL, MILLI_NS, HOUR_NS},

    {"address", SETTING_TEXT, AT(address), "127.0.0.1", "ADDRESS",
     "where to listen, IPv4 or IPv6; 0.0.0.0 or :: for everywhere", NULL, 0, 0},
    {"port", SETTING_NUMBER, AT(port), "8080", "PORT", "where to listen; 0 takes a free port", NULL, 0, 65535},
    {"share-port", SETTING_FLAG, AT(share_port), "false", NULL,
     "several gateways of one user may listen on the same port (SO_REUSEPORT); the kernel spreads the clients",
     NULL, 0, 0},
    {"tls-certificate", SETTING_TEXT, AT(tls_certificate), "", "FILE",
     "serve TLS with this certificate chain (PEM)", NULL, 0, 0},
    {"tls-key", SETTING_TEXT, AT(tls_key), "", "FILE", "its private key (PEM)", NULL, 0, 0},
    {"origins", SETTING_TEXT, AT(origins), "", "ORIGIN,...",
     "pages of these origins may use the gateway, as https://example.com; * for all. Always: pages it served "
     "itself, and "
     "whoever sends no Origin",
     NULL, 0, 0},
    {"anonymous", SETTING_TEXT, AT(anonymous), "", "PATTERN,...",
     "subjects that anybody may read, such as XNAS.>,feed.>; without it nobody may read anything", NULL, 0, 0},

    {"dashboard", SETTING_TEXT, AT(dashboard), "", "DIR",
     "serve the files of this folder, read at start, at / (it has an index.html)", NULL, 0, 0},

    {"max-clients", SETTING_COUNT, AT(max_clients), "20000", "N", "connections at once; more are closed at once",
     NULL, 1, 1 << 20},
    {"max-clients-per-address", SETTING_COUNT, AT(max_clients_per_address), "0", "N",
     "connections of one address (IPv6: of one /64) at once; 0: no limit. Behind a proxy all have its address",
     NULL, 0, 1 << 20},
    {"max-instruments", SETTING_COUNT, AT(max_instruments), "65536", "N", "instruments known at once", NULL, 1,
     1 << 24},
    {"max-subscriptions", SETTING_COUNT, AT(max_subscriptions), "1024", "N", "patterns of one client", NULL, 1,
     65536},
    {"max-groups", SETTING_COUNT, AT(max_groups), "65536", "N",
     "different wishes at once: subject, depth, interval, format", NULL, 1, 1 << 24},
    {"max-members", SETTING_COUNT, AT(max_members), "4M", "N", "pairs of client and subject at once", NULL, 1,
     1 << 28},
    {"client-bytes", SETTING_COUNT, AT(client_bytes), "256Ki", "BYTES",
     "most that may wait for one client; beyond it, it goes on with the latest state", NULL, 4096,
     INT64_C(1) << 30},
    {"request-bytes", SETTING_COUNT, AT(request_bytes), "64Ki", "BYTES", "longest request of a client", NULL, 256,
     1 << 24},
    {"requests-per-second", SETTING_COUNT, AT(requests_per_second), "50", "N", "of one client", NULL, 1, 1000000},
    {"header-bytes", SETTING_COUNT, AT(header_bytes), "8Ki", "BYTES", "most HTTP headers of a request", NULL, 1024,
     1 << 16},
    {"frames-kept", SETTING_COUNT, AT(frames_kept), "256", "N", "by each group, for resume and for who is slow",
     NULL, 8, 1 << 20},
    {"kept-bytes", SETTING_COUNT, AT(kept_bytes), "256Mi", "BYTES", "by all groups together", NULL, 1 << 20,
     INT64_C(1) << 40},
    {"send-buffer", SETTING_COUNT, AT(send_buffer), "64Ki", "BYTES",
     "SO_SNDBUF of a client's socket; small, so that what to send is chosen when it can leave. 0: the kernel's",
     NULL, 0, 1 << 30},
    {"unsent-low-water", SETTING_COUNT, AT(unsent_low_water), "16Ki", "BYTES",
     "TCP_NOTSENT_LOWAT of a client's socket: more is written when less than this is unsent. 0: the kernel's", NULL,
     0, 1 << 30},
    {"compression", SETTING_FLAG, AT(compression), "false", NULL,
     "permessage-deflate with WebSocket clients that offer it: less to send, more to compute", NULL, 0, 0},
    {"linger", SETTING_DURATION, AT(linger_ns), "30s", "TIME",
     "what nobody wants any more goes on for so long: time to come back and resume", NULL, 0, HOUR_NS},
    {"heartbeat", SETTING_DURATION, AT(heartbeat_ns), "5s", "TIME", "to a client that gets nothing else", NULL,
     100 * MILLI_NS, HOUR_NS},
    {"silence", SETTING_DURATION, AT(silence_ns), "30s", "TIME",
     "a WebSocket client not heard for so long, not even by pongs, is closed; pings go out three times as often",
     NULL, 3000 * MILLI_NS, HOUR_NS},
    {"handshake-timeout", SETTING_DURATION, AT(handshake_ns), "10s", "TIME",
     "a connection whose request is not there by then is closed", NULL, 1000 * MILLI_NS, HOUR_NS},
    {"goodbye", SETTING_DURATION, AT(goodbye_ns), "500ms", "TIME",
     "between the notice to clients and the end, when told to stop", NULL, 0, HOUR_NS},
    {"reconnect-earliest", SETTING_DURATION, AT(reconnect_earliest_ns), "100ms", "TIME",
     "the notice says when to come back: at random between this ...", NULL, 0, HOUR_NS},
    {"reconnect-latest", SETTING_DURATION, AT(reconnect_latest_ns), "3s", "TIME", "... and this", NULL, 0, HOUR_NS},

    {"log-format", SETTING_CHOICE, AT(log_format), "human", "FORMAT", "of the log on standard error", "human|json",
     0, 0},
    {"log-level", SETTING_CHOICE, AT(log_level), "info", "LEVEL", "least important lines to write",
     "debug|info|warn|error", 0, 0},
    {0}};

const settings_program gateway_program = {
    .name = "tickwire-gateway",
    .summary = "serves live market data of the bus to browsers: WebSocket, server-sent events, HTTP",
    .usage = "[settings]",
    .environment = "TICKWIRE_GATEWAY",
    .epilogue = "Examples:\n"
                "  tickwire-gateway --anonymous 'XNAS.>,feed.>'\n"
                "  tickwire-gateway --address 0.0.0.0 --port 443 --tls-certificate cert.pem --tls-key key.pem \\\n"
                "      --anonymous 'XNAS.*.quote' --origins https://example.com\n",
    .table = table,
};
