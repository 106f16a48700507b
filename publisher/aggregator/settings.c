/* The one table of tickwire-aggregator's settings. */
#include "publisher/aggregator/settings.h"

#define AT(field) offsetof(aggregator_settings, field)
#define MS        INT64_C(1000000)

static const setting table[] = {
    {"nats", SETTING_TEXT, AT(nats), "nats://127.0.0.1:4222", "URL", "the bus; several servers separated by commas",
     NULL, 0, 0},
    {"credentials", SETTING_TEXT, AT(credentials), "", "FILE", "NATS credentials (.creds)", NULL, 0, 0},
    {"exchange", SETTING_TEXT, AT(exchange), "*", "MIC,...",
     "whose instruments to follow; *: all that are on the bus", NULL, 0, 0},
    {"apart", SETTING_TEXT, AT(apart), "", "MIC,...",
     "exchanges that count in nothing over all exchanges (agg.…), such as a venue for tests", NULL, 0, 0},
    {"feed-silence", SETTING_DURATION, AT(feed_silence_ns), "1s", "TIME",
     "a feed whose status is not heard for this long is STALE", NULL, 200 * MS, 60000 * MS},
    {"max-symbols", SETTING_COUNT, AT(max_symbols), "65536", "N", "instruments kept; more are refused and counted",
     NULL, 1, 1 << 22},

    {"candles", SETTING_FLAG, AT(candles), "true", NULL, "make candles and answer requests for them", NULL, 0, 0},
    {"nbbo", SETTING_FLAG, AT(nbbo), "true", NULL, "publish the best bid and offer over all exchanges", NULL, 0, 0},
    {"partial", SETTING_DURATION, AT(partial_ns), "250ms", "TIME",
     "how long a candle's change waits for others before it is told; 5 min and longer ones wait four times as "
     "long; "
     "0s: only final candles",
     NULL, 0, 60000 * MS},
    {"grace", SETTING_DURATION, AT(grace_ns), "1s", "TIME",
     "a candle is final when the feed's time has passed its end by this", NULL, 0, 600000 * MS},
    {"refresh", SETTING_DURATION, AT(refresh_ns), "5s", "TIME",
     "open candles that do not change are told again so often; 0s: never", NULL, 0, 3600000 * MS},
    {"nbbo-refresh", SETTING_DURATION, AT(nbbo_refresh_ns), "1s", "TIME",
     "best quotes that do not change are told again so often: receivers take one not told for twice that for "
     "stale; "
     "0s: never, and nobody notices",
     NULL, 0, 3600000 * MS},
    {"history", SETTING_COUNT, AT(history), "500", "N", "candles kept of each instrument and interval", NULL, 2,
     100000},
    {"max-candles", SETTING_COUNT, AT(max_candles), "1000000", "N",
     "candles kept in all (some 250 bytes each); beyond it the oldest of the shortest interval go", NULL, 1000,
     1 << 28},
    {"kept-prints", SETTING_COUNT, AT(kept_prints), "1000000", "N",
     "newest prints kept in all (some 90 bytes each): a break of an older one can't be taken out of candles", NULL,
     1000, 1 << 28},
    {"zones", SETTING_TEXT, AT(zones), "", "MIC=ZONE,...",
     "time zones of exchanges, for candles of a day; US equities are known, others UTC", NULL, 0, 0},

    {"redis", SETTING_TEXT, AT(redis), "redis://127.0.0.1:6379/0", "URL",
     "redis://[[user][:password]@]host[:port][/database]; passwords belong into the environment or the file", NULL,
     0, 0},
    {"redis-timeout", SETTING_DURATION, AT(redis_timeout_ns), "5s", "TIME",
     "a connection on which no answer comes for this long is given up and made anew", NULL, 100 * MS, 600000 * MS},
    {"expiry", SETTING_DURATION, AT(expiry_ns), "5s", "TIME",
     "how long a value stays when it is not known to be good any more", NULL, 500 * MS, 86400000 * MS},
    {"interval", SETTING_DURATION, AT(interval_ns), "10ms", "TIME",
     "shortest time between two writes of a symbol; 0s: as fast as updates come and Redis answers", NULL, 0,
     60000 * MS},
    {"max-outstanding", SETTING_COUNT, AT(max_outstanding), "4096", "N",
     "rows sent to Redis without an answer; beyond it changes merge", NULL, 128, 1 << 20},

    RT_WATCH_ROWS(AT(watch), "serve /metrics, /healthz and /readyz over HTTP; 0 takes a free port, -1 none"),
    {0}};

const settings_program aggregator_program = {
    .name = "tickwire-aggregator",
    .summary = "makes candles and best quotes over all exchanges, keeps last values in Redis",
    .usage = "[settings]",
    .environment = "TICKWIRE_AGGREGATOR",
    .epilogue = "Examples:\n"
                "  tickwire-aggregator --redis redis://127.0.0.1:6379/0 --metrics 9101\n"
                "  tickwire-aggregator --exchange XNAS,XBOS --expiry 5s --interval 50ms\n"
                "  tickwire-aggregator --partial 1s --history 2000 --zones XLON=Europe/London\n"
                "  redis-cli HGETALL tw:last:XNAS:AAPL\n"
                "  redis-cli PSUBSCRIBE 'tw:last:XNAS:*'\n",
    .table = table,
};
