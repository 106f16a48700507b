/* The one table of tickwire-gateway's settings. */
#include "gateways/settings.h"

#include "gateways/stream/stream.h"

#define AT(field) offsetof(gateway_settings, field)
#define HOUR_NS   INT64_C(3600000000000)
#define MILLI_NS  INT64_C(1000000)

static const setting table[] = {
    {"nats", SETTING_TEXT, AT(nats), "nats://127.0.0.1:4222", "URL", "the bus; several servers separated by commas",
     NULL, 0, 0},
    {"credentials", SETTING_TEXT, AT(credentials), "", "FILE", "NATS credentials (.creds)", NULL, 0, 0},
    {"bus-wait", SETTING_DURATION, AT(bus_wait_ns), "10s", "TIME",
     "at start, a bus that is away is waited for so long, then the program ends; 0s: for ever. It listens only "
     "then",
     NULL, 0, 24 * HOUR_NS},
    {"feed-silence", SETTING_DURATION, AT(feed_silence_ns), "1s", "TIME",
     "a feed whose publisher says nothing for this long is STALE", NULL, 100 * MILLI_NS, HOUR_NS},

    {"redis", SETTING_TEXT, AT(redis), "", "URL",
     "where tickwire-aggregator keeps last values, as redis://127.0.0.1:6379/0; without it they come from memory "
     "or the bus",
     NULL, 0, 0},
    {"redis-deadline", SETTING_DURATION, AT(redis_deadline_ns), "100ms", "TIME",
     "a last value that Redis has not given by then comes from memory or the bus", NULL, MILLI_NS, HOUR_NS},

    {"venue", SETTING_TEXT, AT(venue), "", "MIC",
     "take orders for this venue, such as TWEX; without it none are taken", NULL, 0, 0},
    {"venue-shards", SETTING_COUNT, AT(venue_shards), "1", "N",
     "shards that the venue has at least; more are learned from its directory, whose shards say how many there are",
     NULL, 1, 64},
    {"anonymous-accounts", SETTING_TEXT, AT(anonymous_accounts), "", "ACCOUNT,...",
     "accounts that whoever has no token may trade for and look into: for demos", NULL, 0, 0},
    {"order-rate", SETTING_COUNT, AT(order_rate), "100", "N",
     "new orders and replaces of one user in any second, over all gateways on one --redis; where that is away they "
     "are refused. 0: no such limit",
     NULL, 0, 1000000},
    {"most-order-rate", SETTING_COUNT, AT(most_order_rate), "0", "N",
     "that a token may raise --order-rate to; 0: it may only lower it", NULL, 0, 1000000},
    {"order-limits-deadline", SETTING_DURATION, AT(order_limits_deadline_ns), "500ms", "TIME",
     "a rate that Redis has not told by then is not known", NULL, 10 * MILLI_NS, HOUR_NS},
    {"order-requests-per-second", SETTING_COUNT, AT(order_requests_per_second), "1000", "N",
     "requests about orders of one connection, cancels included", NULL, 1, 1000000},
    {"order-timeout", SETTING_DURATION, AT(order_timeout_ns), "2s", "TIME",
     "an order that the stream has not acknowledged by then is NOT_ACKNOWLEDGED; one that could not be sent by "
     "then is refused",
     NULL, 10 * MILLI_NS, HOUR_NS},
    {"order-queue", SETTING_COUNT, AT(order_queue), "16Ki", "N",
     "requests about orders at once, over all clients; more are refused as BUSY", NULL, 16, 1 << 20},
    {"order-batch", SETTING_COUNT, AT(order_batch), "1000", "N", "commands in one message to the stream", NULL, 1,
     65536},
    {"order-batches", SETTING_COUNT, AT(order_batches), "8", "N",
     "messages to a shard's stream that are under way at once", NULL, 1, 64},
    {"order-gather", SETTING_DURATION, AT(order_gather_ns), "10ms", "TIME",
     "while one is under way, commands gather for the next at most so long", NULL, 0, 1000 * MILLI_NS},
    {"session-timeout", SETTING_DURATION, AT(session_timeout_ns), "5s", "TIME",
     "the venue cancels orders with cancel_on_disconnect when it has not heard of their gateway for so long", NULL,
     2000 * MILLI_NS, 24 * HOUR_NS},
    {"reports-back", SETTING_DURATION, AT(reports_back_ns), "168h", "TIME",
     "execution reports that a client missed are read in the venue's execlog so far back; 0: only what its "
     "matchers "
     "still hold",
     NULL, 0, 24 * 400 * HOUR_NS},

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
     "subjects that anybody may read, such as XNAS.>,feed.>; without it only who has a token may read", NULL, 0, 0},

    {"auth-keys", SETTING_TEXT, AT(auth_keys), "", "FILE,...",
     "tokens are checked with these public keys: PEM (keys, certificates) or JSON (JWK, JWKS); read again when "
     "they "
     "change and on SIGHUP",
     NULL, 0, 0},
    {"auth-secret", SETTING_TEXT, AT(auth_secret), "", "FILE,...",
     "or with these secrets (HS256): all bytes of each file but a line end, at least 32", NULL, 0, 0},
    {"auth-jwks", SETTING_TEXT, AT(auth_jwks), "", "URL",
     "or with the keys that an identity provider publishes here (JWKS)", NULL, 0, 0},
    {"auth-issuer", SETTING_TEXT, AT(auth_issuer), "", "TEXT",
     "the iss that tokens need; without keys, secrets and --auth-jwks it is the URL of an OpenID Connect provider, "
     "which "
     "says where its keys are",
     NULL, 0, 0},
    {"auth-audience", SETTING_TEXT, AT(auth_audience), "", "TEXT,...",
     "names of this gateway: a token's aud needs one of them; without it tokens with an aud are refused", NULL, 0,
     0},
    {"auth-ca", SETTING_TEXT, AT(auth_authorities), "", "FILE",
     "certificate authorities (PEM) for the provider's https; without it the system's", NULL, 0, 0},
    {"auth-cookie", SETTING_TEXT, AT(auth_cookie), "", "NAME",
     "the cookie that may bring the token; without it cookies are not looked at", NULL, 0, 0},
    {"auth-subjects-claim", SETTING_TEXT, AT(auth_subjects_claim), "tickwire_subjects", "NAME",
     "the claim that lists what the user may read: patterns", NULL, 0, 0},
    {"auth-leeway", SETTING_DURATION, AT(auth_leeway_ns), "10s", "TIME",
     "the issuer's clock and this one may differ by so much", NULL, 0, 300000 * MILLI_NS},
    {"auth-timeout", SETTING_DURATION, AT(auth_timeout_ns), "10s", "TIME",
     "a WebSocket without a token is closed after this, where nothing is granted to everybody", NULL,
     100 * MILLI_NS, HOUR_NS},
    {"auth-check", SETTING_DURATION, AT(auth_check_ns), "2s", "TIME", "between looks at the files of keys", NULL,
     100 * MILLI_NS, HOUR_NS},
    {"auth-refresh", SETTING_DURATION, AT(auth_refresh_ns), "10m", "TIME",
     "between requests for the provider's keys", NULL, 1000 * MILLI_NS, 24 * HOUR_NS},
    {"auth-refresh-unknown", SETTING_DURATION, AT(auth_unknown_ns), "30s", "TIME",
     "a token with an unknown key makes them be asked for at once, but only so often", NULL, 100 * MILLI_NS,
     HOUR_NS},
    {"auth-keep", SETTING_DURATION, AT(auth_kept_ns), "24h", "TIME",
     "if the provider or a file can't be read, its last keys stay in force for so long", NULL, 0, 720 * HOUR_NS},
    {"auth-fetch-timeout", SETTING_DURATION, AT(auth_fetch_ns), "5s", "TIME", "for each answer of the provider",
     NULL, 100 * MILLI_NS, 60000 * MILLI_NS},
    {"auth-sessions", SETTING_COUNT, AT(auth_sessions), "0", "N",
     "sessions of one user at once where its token does not say; 0: any number", NULL, 0, 1 << 20},
    {"most-sessions", SETTING_COUNT, AT(most_sessions), "0", "N",
     "that a token may raise --auth-sessions to; 0: it may only lower it. So are the next three", NULL, 0, 1 << 20},
    {"most-subscriptions", SETTING_COUNT, AT(most_subscriptions), "0", "N", "likewise, of --max-subscriptions",
     NULL, 0, STREAM_MOST_SUBSCRIPTIONS},
    {"most-requests-per-second", SETTING_COUNT, AT(most_requests_per_second), "0", "N",
     "likewise, of --requests-per-second", NULL, 0, 1000000},
    {"most-client-bytes", SETTING_COUNT, AT(most_client_bytes), "0", "BYTES", "likewise, of --client-bytes", NULL,
     0, INT64_C(1) << 30},

    {"dashboard", SETTING_TEXT, AT(dashboard), "", "DIR",
     "serve the files of this folder, read at start, at / (it has an index.html)", NULL, 0, 0},

    {"name", SETTING_TEXT, AT(name), "", "NAME", "of this gateway in the usage ledger; without it host and process",
     NULL, 0, 0},
    {"usage", SETTING_TEXT, AT(usage), "", "FILE",
     "append who received what to this file, as JSON lines; opened again on SIGHUP", NULL, 0, 0},
    {"usage-publish", SETTING_FLAG, AT(usage_publish), "true", NULL, "tell the same on usage.{MIC} of the bus",
     NULL, 0, 0},
    {"usage-period", SETTING_DURATION, AT(usage_period_ns), "1m", "TIME", "that one line of the ledger stands for",
     NULL, 1000 * MILLI_NS, HOUR_NS},
    {"usage-lines", SETTING_COUNT, AT(usage_lines), "65536", "N",
     "pairs of user and subject in a period; with more, lines are written early and add up", NULL, 16, 1 << 24},
    {"usage-bytes", SETTING_COUNT, AT(usage_bytes), "16Mi", "BYTES",
     "of lines that wait for a disk, and of those that wait for the bus; beyond it they are lost and counted", NULL,
     16384, INT64_C(1) << 32},

    {"max-clients", SETTING_COUNT, AT(max_clients), "16000", "N", "connections at once; more are closed at once",
     NULL, 1, 1 << 20},
    {"max-clients-per-address", SETTING_COUNT, AT(max_clients_per_address), "0", "N",
     "connections of one address (IPv6: of one /64) at once; 0: no limit. Behind a proxy all have its address",
     NULL, 0, 1 << 20},
    {"max-instruments", SETTING_COUNT, AT(max_instruments), "65536", "N", "instruments known at once", NULL, 1,
     1 << 24},
    {"max-subscriptions", SETTING_COUNT, AT(max_subscriptions), "1024", "N", "patterns of one client", NULL, 1,
     STREAM_MOST_SUBSCRIPTIONS},
    {"max-groups", SETTING_COUNT, AT(max_groups), "65536", "N",
     "different wishes at once: subject, depth, interval, format", NULL, 1, 1 << 24},
    {"max-members", SETTING_COUNT, AT(max_members), "4M", "N", "pairs of client and subject at once", NULL, 1,
     1 << 28},
    {"client-bytes", SETTING_COUNT, AT(client_bytes), "256Ki", "BYTES",
     "most that may wait for one client; beyond it, it goes on with the latest state", NULL,
     STREAM_LEAST_CLIENT_BYTES, INT64_C(1) << 30},
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

    RT_WATCH_ROWS(
        AT(watch),
        "serve /metrics and the details of /readyz here, over plain HTTP, and no longer on --port; 0 takes a free "
        "port. -1: on --port, to everybody who reaches it"),
    {0}};

const settings_program gateway_program = {
    .name = "tickwire-gateway",
    .summary = "serves live market data of the bus to browsers: WebSocket, server-sent events, HTTP",
    .usage = "[settings]",
    .environment = "TICKWIRE_GATEWAY",
    .epilogue =
        "Examples:\n"
        "  tickwire-gateway --anonymous 'XNAS.>,feed.>'\n"
        "  tickwire-gateway --address 0.0.0.0 --port 443 --tls-certificate cert.pem --tls-key key.pem \\\n"
        "      --anonymous 'XNAS.*.quote' --origins https://example.com\n"
        "  tickwire-gateway --anonymous 'TWEX.>,feed.>' --venue TWEX --anonymous-accounts demo --redis "
        "redis://127.0.0.1:6379/0\n"
        "  tickwire-gateway --auth-issuer https://id.example.com --auth-audience tickwire --auth-cookie session\n",
    .table = table,
};
