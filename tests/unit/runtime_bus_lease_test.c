/* The lease against a real nats-server with JetStream. */
#include <signal.h>

#include "base/civil.h"
#include "runtime/bus.h"
#include "runtime/bus_lease.h"
#include "runtime/clock.h"
#include "tests/support/nats_process.h"
#include "tests/unit.h"

#define TIMEOUT_NS (8 * TW_NS_PER_SECOND) /* a busy disk may hold an answer for seconds */
static const char *const with_jetstream[] = {"-js", NULL};

typedef struct instance {
    bus_lease *lease;
    bus_lease_result result;
    unsigned results;
} instance;

typedef struct fixture {
    nats_process server;
    uv_loop_t loop;
    uv_timer_t tick;
    instance one, two;
    unsigned ticks;
} fixture;

static void on_tick(uv_timer_t *timer) {
    ((fixture *)timer->data)->ticks++;
}

static void on_result(void *context, const bus_lease_result *result) {
    instance *h = context;
    h->result = *result;
    h->results++;
}

static void open_lease(fixture *f, instance *h, int64_t timeout_ns) {
    tw_error error = {0};
    bus_lease_options options = {.url = f->server.url,
                                 .bucket = "tickwire-leaders",
                                 .key = "XNAS.1",
                                 .replicas = 1,
                                 .timeout_ns = timeout_ns};
    EXPECT_MSG(bus_lease_open(&h->lease, &f->loop, &options, on_result, h, &error) == TW_OK, "%s", error.text);
}

static void set_up(fixture *f, const char *const *arguments) {
    memset(f, 0, sizeof *f);
    if (!nats_process_start(&f->server, arguments)) SKIP(f->server.problem);
    uv_loop_init(&f->loop);
    uv_timer_init(&f->loop, &f->tick);
    f->tick.data = f;
    uv_timer_start(&f->tick, on_tick, 5, 5);
    open_lease(f, &f->one, TIMEOUT_NS);
    open_lease(f, &f->two, TIMEOUT_NS);
}

static void tear_down(fixture *f) {
    bus_lease_close(f->one.lease);
    bus_lease_close(f->two.lease);
    uv_close((uv_handle_t *)&f->tick, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    EXPECT_I64(uv_loop_close(&f->loop), 0);
    nats_process_stop(&f->server);
}

/* Waits for the result of the call under way. */
static bus_lease_outcome outcome_of(fixture *f, instance *h) {
    int64_t end_ns = rt_clock_monotonic_ns() + 20 * TW_NS_PER_SECOND;
    while (bus_lease_busy(h->lease) && rt_clock_monotonic_ns() < end_ns)
        uv_run(&f->loop, UV_RUN_ONCE);
    EXPECT(!bus_lease_busy(h->lease));
    return h->result.outcome;
}

static bus_lease_outcome read_by(fixture *f, instance *h) {
    EXPECT(bus_lease_read(h->lease));
    return outcome_of(f, h);
}

static bus_lease_outcome claim_by(fixture *f, instance *h, uint64_t term, const char *name, uint64_t revision) {
    EXPECT(bus_lease_claim(h->lease, term, name, revision));
    return outcome_of(f, h);
}

TEST(bus_lease, the_first_read_makes_the_bucket_and_a_claim_is_what_the_next_read_finds) {
    fixture f;
    set_up(&f, with_jetstream);
    EXPECT_I64(read_by(&f, &f.one), BUS_LEASE_NONE);
    EXPECT_U64(f.one.result.revision, 0);
    EXPECT_I64(claim_by(&f, &f.one, 41, "host-1-99", 0), BUS_LEASE_WON);
    uint64_t revision = f.one.result.revision;
    EXPECT(revision > 0);
    EXPECT_I64(read_by(&f, &f.two), BUS_LEASE_FOUND);
    EXPECT_U64(f.two.result.term, 41);
    EXPECT_U64(f.two.result.revision, revision);
    EXPECT_STR(f.two.result.holder, "host-1-99");
    tear_down(&f);
}

TEST(bus_lease, of_two_that_claim_at_once_exactly_one_wins_again_and_again) {
    fixture f;
    set_up(&f, with_jetstream);
    EXPECT_I64(read_by(&f, &f.one), BUS_LEASE_NONE);
    uint64_t revision = 0;
    for (uint64_t term = 1; term <= 50; term++) {
        EXPECT(bus_lease_claim(f.one.lease, term, "one", revision));
        EXPECT(bus_lease_claim(f.two.lease, term, "two", revision));
        bus_lease_outcome first = outcome_of(&f, &f.one), second = outcome_of(&f, &f.two);
        EXPECT_MSG((first == BUS_LEASE_WON && second == BUS_LEASE_LOST) ||
                       (first == BUS_LEASE_LOST && second == BUS_LEASE_WON),
                   "term %d: outcomes %d and %d (%s, %s)", (int)term, first, second, f.one.result.reason,
                   f.two.result.reason);
        revision = first == BUS_LEASE_WON ? f.one.result.revision : f.two.result.revision;
    }
    tear_down(&f);
}

TEST(bus_lease, two_that_make_the_bucket_at_once_both_find_it) {
    fixture f;
    set_up(&f, with_jetstream);
    EXPECT(bus_lease_read(f.one.lease));
    EXPECT(bus_lease_read(f.two.lease));
    EXPECT_MSG(outcome_of(&f, &f.one) == BUS_LEASE_NONE, "%s", f.one.result.reason);
    EXPECT_MSG(outcome_of(&f, &f.two) == BUS_LEASE_NONE, "%s", f.two.result.reason);
    tear_down(&f);
}

TEST(bus_lease, a_stale_revision_loses) {
    fixture f;
    set_up(&f, with_jetstream);
    EXPECT_I64(read_by(&f, &f.one), BUS_LEASE_NONE);
    EXPECT_I64(claim_by(&f, &f.one, 1, "one", 0), BUS_LEASE_WON);
    uint64_t first = f.one.result.revision;
    EXPECT_I64(claim_by(&f, &f.two, 2, "two", 0), BUS_LEASE_LOST);
    EXPECT_I64(claim_by(&f, &f.two, 2, "two", first), BUS_LEASE_WON);
    EXPECT_I64(claim_by(&f, &f.one, 3, "one", first), BUS_LEASE_LOST);
    EXPECT_I64(read_by(&f, &f.one), BUS_LEASE_FOUND);
    EXPECT_STR(f.one.result.holder, "two");
    tear_down(&f);
}

TEST(bus_lease, a_second_call_is_refused_while_one_runs_and_the_loop_goes_on) {
    fixture f;
    set_up(&f, with_jetstream);
    EXPECT(bus_lease_read(f.one.lease));
    EXPECT(bus_lease_busy(f.one.lease));
    EXPECT(!bus_lease_read(f.one.lease));
    EXPECT(!bus_lease_claim(f.one.lease, 1, "one", 0));
    EXPECT_I64(outcome_of(&f, &f.one), BUS_LEASE_NONE);
    EXPECT_U64(f.one.results, 1);
    tear_down(&f);
}

TEST(bus_lease, a_server_without_jetstream_is_away_at_once_and_says_why) {
    fixture f;
    set_up(&f, NULL);
    int64_t begin_ns = rt_clock_monotonic_ns();
    EXPECT_I64(read_by(&f, &f.one), BUS_LEASE_AWAY);
    EXPECT_CONTAINS(f.one.result.reason, "no JetStream");
    EXPECT(rt_clock_monotonic_ns() - begin_ns < TIMEOUT_NS); /* it is told, not waited for */
    tear_down(&f);
}

TEST(bus_lease, a_server_that_is_gone_is_away_within_the_timeout_and_found_when_it_is_back) {
    fixture f;
    set_up(&f, with_jetstream);
    EXPECT_I64(read_by(&f, &f.one), BUS_LEASE_NONE);
    EXPECT_I64(claim_by(&f, &f.one, 7, "one", 0), BUS_LEASE_WON);
    nats_process_pause(&f.server);
    int64_t begin_ns = rt_clock_monotonic_ns();
    EXPECT_I64(read_by(&f, &f.one), BUS_LEASE_AWAY);
    EXPECT(f.one.result.reason[0] != '\0');
    EXPECT(rt_clock_monotonic_ns() - begin_ns < 4 * TIMEOUT_NS);
    EXPECT(nats_process_resume(&f.server, with_jetstream));
    int64_t end_ns = rt_clock_monotonic_ns() + 10 * TW_NS_PER_SECOND;
    while (read_by(&f, &f.one) != BUS_LEASE_FOUND && rt_clock_monotonic_ns() < end_ns)
        uv_run(&f.loop, UV_RUN_ONCE);
    EXPECT_I64(f.one.result.outcome, BUS_LEASE_FOUND); /* it was stored */
    EXPECT_U64(f.one.result.term, 7);
    tear_down(&f);
}

TEST(bus_lease, a_server_that_does_not_answer_is_away_after_the_timeout_while_the_loop_goes_on) {
    fixture f;
    instance hasty = {0};
    set_up(&f, with_jetstream);
    open_lease(&f, &hasty, 200 * INT64_C(1000000));
    EXPECT_I64(read_by(&f, &f.one), BUS_LEASE_NONE); /* makes the bucket, which a busy disk may take longer for */
    int64_t end_ns = rt_clock_monotonic_ns() + 20 * TW_NS_PER_SECOND;
    while (read_by(&f, &hasty) == BUS_LEASE_AWAY && rt_clock_monotonic_ns() < end_ns)
        uv_run(&f.loop, UV_RUN_ONCE);
    EXPECT_I64(hasty.result.outcome, BUS_LEASE_NONE);
    nats_process_freeze(&f.server);
    f.ticks = 0;
    EXPECT_I64(read_by(&f, &hasty), BUS_LEASE_AWAY);
    EXPECT(f.ticks > 3);
    EXPECT_I64(read_by(&f, &hasty), BUS_LEASE_AWAY); /* connecting anew has the bound, too */
    kill(f.server.pid, SIGCONT);
    bus_lease_close(hasty.lease);
    tear_down(&f);
}

TEST(bus_lease, a_wiped_bucket_loses_the_claim_and_the_next_read_makes_it_anew) {
    fixture f;
    set_up(&f, with_jetstream);
    EXPECT_I64(read_by(&f, &f.one), BUS_LEASE_NONE);
    EXPECT_I64(claim_by(&f, &f.one, 7, "one", 0), BUS_LEASE_WON);
    bus *wire = NULL;
    tw_error error = {0};
    bus_options options = {.url = f.server.url, .name = "wiper"};
    EXPECT_I64(bus_open(&wire, &f.loop, &options, &error), TW_OK);
    bus_publish_request(wire, "$JS.API.STREAM.DELETE.KV_tickwire-leaders", "_INBOX.nobody", NULL, 0);
    bus_close(wire);
    int64_t end_ns = rt_clock_monotonic_ns() + 10 * TW_NS_PER_SECOND;
    while (claim_by(&f, &f.one, 8, "one", f.one.result.revision) == BUS_LEASE_WON &&
           rt_clock_monotonic_ns() < end_ns)
        uv_run(&f.loop, UV_RUN_ONCE); /* until the request is done */
    EXPECT_I64(f.one.result.outcome, BUS_LEASE_LOST);
    EXPECT_I64(read_by(&f, &f.one), BUS_LEASE_NONE);
    EXPECT_U64(f.one.result.revision, 0);
    EXPECT_I64(claim_by(&f, &f.one, 9, "one", 0), BUS_LEASE_WON);
    tear_down(&f);
}

typedef struct listener {
    unsigned count;
    uint64_t term;
    char holder[BUS_LEASE_HOLDER_BYTES];
} listener;

static void on_message(void *context, const bus_message *message) {
    listener *heard = context;
    heard->count++;
    EXPECT(bus_lease_parse(message->bytes, message->length, &heard->term, heard->holder));
}

TEST(bus_lease, a_won_claim_is_seen_on_the_leases_subject) {
    fixture f;
    set_up(&f, with_jetstream);
    bus *wire = NULL;
    bus_subscription *subscription = NULL;
    listener heard = {0};
    tw_error error = {0};
    bus_options options = {.url = f.server.url, .name = "listener"};
    EXPECT_I64(bus_open(&wire, &f.loop, &options, &error), TW_OK);
    EXPECT_STR(bus_lease_subject(f.one.lease), "$KV.tickwire-leaders.XNAS.1");
    EXPECT_I64(bus_subscribe(wire, bus_lease_subject(f.one.lease), on_message, &heard, &subscription, &error),
               TW_OK);
    bus_flush(wire);
    EXPECT_I64(read_by(&f, &f.one), BUS_LEASE_NONE);
    EXPECT_I64(claim_by(&f, &f.one, 12, "one", 0), BUS_LEASE_WON);
    int64_t end_ns = rt_clock_monotonic_ns() + 10 * TW_NS_PER_SECOND;
    while (heard.count == 0 && rt_clock_monotonic_ns() < end_ns)
        uv_run(&f.loop, UV_RUN_ONCE);
    EXPECT_U64(heard.term, 12);
    EXPECT_STR(heard.holder, "one");
    bus_close(wire);
    tear_down(&f);
}

TEST(bus_lease, closing_during_a_call_is_fine) {
    fixture f;
    set_up(&f, with_jetstream);
    EXPECT(bus_lease_read(f.one.lease));
    tear_down(&f);
    EXPECT_U64(f.one.results, 0);
}

TEST(bus_lease, names_that_nats_does_not_allow_are_refused) {
    static const struct {
        const char *bucket, *key;
    } rows[] = {{"", "XNAS.1"}, {"a b", "XNAS.1"}, {"a.b", "XNAS.1"}, {"a", ""},
                {"a", ".x"},    {"a", "x."},       {"a", "x..y"},     {"a", "x*"}};
    uv_loop_t loop;
    uv_loop_init(&loop);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bus_lease *lease = NULL;
        tw_error error = {0};
        bus_lease_options options = {.url = "nats://127.0.0.1:1", .bucket = rows[i].bucket, .key = rows[i].key};
        EXPECT_MSG(bus_lease_open(&lease, &loop, &options, on_result, NULL, &error) == TW_INVALID, "%s %s",
                   rows[i].bucket, rows[i].key);
        EXPECT(lease == NULL && error.text[0] != '\0');
    }
    EXPECT_I64(uv_loop_close(&loop), 0);
}

TEST(bus_lease, values_are_taken_apart_or_refused) {
    static const struct {
        const char *text;
        uint64_t term; /* 0: refused */
        const char *holder;
    } rows[] = {{"7 one", 7, "one"},
                {"18446744073709551615 a-b.c_9", UINT64_MAX, "a-b.c_9"},
                {"7 two words", 7, "two words"},
                {"", 0, ""},
                {"7", 0, ""},
                {"7 ", 0, ""},
                {" one", 0, ""},
                {"x one", 0, ""},
                {"0 one", 0, ""},
                {"18446744073709551616 one", 0, ""},
                {"7 0123456789012345678901234567890123456789012345678901234567890123456789", 0, ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t term = 99;
        char holder[BUS_LEASE_HOLDER_BYTES];
        bool good = bus_lease_parse((const uint8_t *)rows[i].text, strlen(rows[i].text), &term, holder);
        EXPECT_MSG(good == (rows[i].term != 0), "%s", rows[i].text);
        EXPECT_U64(term, rows[i].term);
        EXPECT_STR(holder, rows[i].holder);
    }
}
