/* The way back from STALE: what is asked for, what is held, and the order in which everything is applied. */
#include "ingest/gap/rejoin.h"

#include "base/market.h"
#include "base/random.h"
#include "base/text.h"
#include "ingest/decode/glimpse.h"
#include "ingest/decode/itch50.h"
#include "tests/unit.h"

#define SECOND INT64_C(1000000000)

typedef struct world {
    rejoin *core;
    int64_t now_ns;
    uint64_t next; /* live message */
    char log[2048];
} world;

static void note(world *w, const char *what, uint64_t first, uint64_t last) {
    size_t length = strlen(w->log);
    const char *gap = length > 0 ? " " : "";
    if (last == 0) tw_text_format(w->log + length, sizeof w->log - length, "%s%s", gap, what);
    if (last > 0)
        tw_text_format(w->log + length, sizeof w->log - length, "%s%s:%" PRIu64 "-%" PRIu64, gap, what, first,
                       last);
}

static world open_world(size_t hold_bytes, size_t snapshot_bytes) {
    world w = {.next = 1};
    rejoin_options options = {.snapshot_bytes = snapshot_bytes,
                              .hold_bytes = hold_bytes,
                              .backoff_first_ns = SECOND,
                              .backoff_limit_ns = 60 * SECOND,
                              .patience_ns = 30 * SECOND,
                              .calm_ns = 60 * SECOND,
                              .seed = 1};
    tw_error error;
    EXPECT_I64(rejoin_alloc(&w.core, &options, &error), TW_OK);
    rejoin_reset(w.core, 1);
    return w;
}
#define USUAL_WORLD() open_world(1 << 20, 1 << 20)

/* All work that is there, one word a piece. */
static void work(world *w) {
    static const char *const names[] = {"", "old", "clear", "snapshot", "new", "done"};
    feed_message messages[REJOIN_BATCH];
    size_t count;
    rejoin_work what;
    while ((what = rejoin_next(w->core, messages, &count, w->now_ns)) != REJOIN_WORK_NONE) {
        if (count == 0) note(w, names[what], 0, 0);
        if (count > 0) note(w, names[what], messages[0].seq, messages[count - 1].seq);
        for (size_t i = 1; i < count && what != REJOIN_WORK_SNAPSHOT; i++)
            EXPECT(messages[i].seq > messages[i - 1].seq);
    }
    EXPECT(!rejoin_has_work(w->core));
}

/* `count` live messages of `length` bytes; what passes is logged, and for want of room work is done. */
static void live_of(world *w, uint64_t count, uint16_t length) {
    static uint8_t bytes[UINT16_MAX];
    while (count > 0) {
        feed_message message = {bytes, length, w->next, TW_TIME_ABSENT};
        size_t passed = 0;
        size_t taken = rejoin_live(w->core, &message, 1, &passed, w->now_ns);
        if (taken == 0) {
            EXPECT(rejoin_has_work(w->core));
            work(w);
            continue;
        }
        if (passed > 0) note(w, "pass", message.seq, message.seq);
        w->next++;
        count--;
    }
}
static void live(world *w, uint64_t count) {
    live_of(w, count, 20);
}

static void lose(world *w, uint64_t count) {
    rejoin_lost(w->core, w->next, count, w->now_ns);
    w->next += count;
}

static void order(world *w, uint64_t id) {
    uint8_t bytes[ITCH50_MAX_MESSAGE_BYTES];
    itch50_message add = {
        .type = ITCH50_ADD_ORDER, .locate = 1, .u.add = {.order_id = id, .shares = 100, .side = 'B'}};
    size_t length = itch50_encode(&add, bytes);
    rejoin_snapshot(w->core, bytes, length, w->now_ns);
}

static void end_snapshot(world *w, uint64_t join) {
    uint8_t bytes[GLIMPSE_END_BYTES];
    rejoin_snapshot(w->core, bytes, glimpse_encode_end(join, bytes), w->now_ns);
}

static void poll(world *w, bool needed, int64_t later_ns) {
    w->now_ns += later_ns;
    rejoin_poll(w->core, needed, w->now_ns);
}

static void log_in(world *w) {
    EXPECT(rejoin_wants_link(w->core));
    rejoin_login(w->core);
    EXPECT_STR(rejoin_state_name(rejoin_read_status(w->core).state), "HOLDING");
}

static void expect_log(world *w, const char *log) {
    EXPECT_STR(w->log, log);
    w->log[0] = '\0';
}

static void expect_fault(world *w, rejoin_fault fault, uint64_t failures) {
    rejoin_status status = rejoin_read_status(w->core);
    EXPECT_STR(rejoin_fault_text(status.fault), rejoin_fault_text(fault));
    EXPECT_U64(status.failures, failures);
    EXPECT_STR(rejoin_state_name(status.state), "WAITING");
    EXPECT(!rejoin_wants_link(w->core));
}

TEST(rejoin, while_nothing_is_needed_everything_passes) {
    world w = USUAL_WORLD();
    poll(&w, false, SECOND);
    live(&w, 2);
    EXPECT(!rejoin_wants_link(w.core));
    work(&w);
    expect_log(&w, "pass:1-1 pass:2-2");
    rejoin_free(w.core);
}

TEST(rejoin, messages_are_held_from_the_login_on_and_the_books_change_over_where_the_snapshot_joins) {
    world w = USUAL_WORLD();
    live(&w, 1);
    poll(&w, true, SECOND);
    live(&w, 1); /* no login yet: nothing to hold for */
    log_in(&w);
    live(&w, 5); /* 3 to 7 */
    order(&w, 1);
    work(&w);
    expect_log(&w, "pass:1-1 pass:2-2");
    live(&w, 1);
    order(&w, 2);
    end_snapshot(&w, 6);
    EXPECT(!rejoin_wants_link(w.core));
    live(&w, 1);
    work(&w);
    expect_log(&w, "old:3-5 clear snapshot:5-5 new:6-9 done");
    live(&w, 1);
    expect_log(&w, "pass:10-10");
    EXPECT_U64(rejoin_read_status(w.core).rebuilds, 1);
    rejoin_free(w.core);
}

TEST(rejoin, what_comes_while_the_books_are_rebuilt_is_held_until_they_are) {
    world w = USUAL_WORLD();
    feed_message messages[REJOIN_BATCH];
    size_t count;
    live(&w, 4);
    poll(&w, true, 0);
    log_in(&w);
    order(&w, 1);
    end_snapshot(&w, 5);
    expect_log(&w, "pass:1-1 pass:2-2 pass:3-3 pass:4-4");
    EXPECT_I64(rejoin_next(w.core, messages, &count, 0), REJOIN_WORK_CLEAR);
    live(&w, 1);
    EXPECT_I64(rejoin_next(w.core, messages, &count, 0), REJOIN_WORK_SNAPSHOT);
    EXPECT_U64(count, 1);
    EXPECT_U64(messages[0].seq, 4);
    EXPECT_U64(messages[0].length, 36);
    live(&w, 1);
    work(&w);
    expect_log(&w, "new:5-6 done");
    rejoin_free(w.core);
}

TEST(rejoin, a_snapshot_that_is_ahead_of_the_lines_waits_for_them) {
    world w = USUAL_WORLD();
    live(&w, 2);
    poll(&w, true, 0);
    log_in(&w);
    live(&w, 1); /* 3 */
    end_snapshot(&w, 7);
    work(&w);
    live(&w, 2); /* 4 and 5 belong to the books as they are */
    work(&w);
    expect_log(&w, "pass:1-1 pass:2-2 old:3-3 pass:4-4 pass:5-5");
    live(&w, 1);
    work(&w);
    live(&w, 2);
    expect_log(&w, "pass:6-6 clear done pass:7-7 pass:8-8");
    rejoin_free(w.core);
}

TEST(rejoin, a_snapshot_that_joins_below_what_is_held_is_asked_for_again) {
    world w = USUAL_WORLD();
    live(&w, 9);
    poll(&w, true, 0);
    log_in(&w);
    live(&w, 1);
    w.log[0] = '\0';
    end_snapshot(&w, 9);
    expect_fault(&w, REJOIN_FAULT_TOO_OLD, 1);
    work(&w);
    live(&w, 1);
    expect_log(&w, "old:10-10 pass:11-11");
    poll(&w, true, 2 * SECOND);
    log_in(&w);
    end_snapshot(&w, 12);
    work(&w);
    expect_log(&w, "clear done");
    rejoin_free(w.core);
}

TEST(rejoin, a_hole_in_what_is_held_needs_a_snapshot_that_joins_behind_it) {
    world w = USUAL_WORLD();
    poll(&w, true, 0);
    log_in(&w);
    live(&w, 2);
    lose(&w, 3); /* 3 to 5 */
    live(&w, 2);
    work(&w);
    expect_log(&w, "old:1-2"); /* they can be of no use any more */
    end_snapshot(&w, 6);
    work(&w);
    expect_log(&w, "clear new:6-7 done");

    poll(&w, true, 0);
    poll(&w, true, 2 * SECOND);
    log_in(&w);
    live(&w, 1); /* 8 */
    lose(&w, 3); /* 9 to 11 */
    end_snapshot(&w, 11);
    expect_fault(&w, REJOIN_FAULT_TOO_OLD, 1);
    rejoin_free(w.core);
}

TEST(rejoin, a_hole_below_the_join_is_none_and_one_across_it_is) {
    world w = USUAL_WORLD();
    poll(&w, true, 0);
    log_in(&w);
    end_snapshot(&w, 10);
    live(&w, 2);
    lose(&w, 3);
    work(&w);
    lose(&w, 4); /* up to 9 */
    live(&w, 1);
    work(&w);
    expect_log(&w, "pass:1-1 pass:2-2 clear new:10-10 done");
    rejoin_reset(w.core, 1);
    w.next = 1;
    poll(&w, true, 0);
    log_in(&w);
    end_snapshot(&w, 10);
    lose(&w, 10);
    expect_fault(&w, REJOIN_FAULT_TOO_OLD, 1);
    rejoin_free(w.core);
}

TEST(rejoin, the_last_message_may_be_the_one_before_the_join) {
    world w = USUAL_WORLD();
    live(&w, 3);
    poll(&w, true, 0);
    log_in(&w);
    order(&w, 1);
    end_snapshot(&w, 4); /* nothing more comes: the session is quiet */
    w.log[0] = '\0';
    work(&w);
    expect_log(&w, "clear snapshot:3-3 done");
    rejoin_free(w.core);
}

TEST(rejoin, each_failure_lets_go_of_what_is_held_and_waits_longer) {
    world w = USUAL_WORLD();
    int64_t bound = SECOND;
    poll(&w, true, 0);
    for (uint64_t i = 1; i <= 9; i++) {
        log_in(&w);
        live(&w, 1);
        order(&w, 1);
        rejoin_failed(w.core, REJOIN_FAULT_LINK, w.now_ns);
        expect_fault(&w, REJOIN_FAULT_LINK, i);
        int64_t wait = rejoin_read_status(w.core).wait_ns;
        EXPECT_MSG(wait >= bound / 2 && wait <= bound, "failure %" PRIu64 " waits %" PRId64, i, wait);
        bound = bound * 2 > 60 * SECOND ? 60 * SECOND : bound * 2;
        work(&w);
        live(&w, 1);
        poll(&w, true, wait - 1);
        EXPECT(!rejoin_wants_link(w.core));
        poll(&w, true, 1);
    }
    EXPECT_CONTAINS(w.log, "old:1-1 pass:2-2 old:3-3 pass:4-4");
    log_in(&w);
    end_snapshot(&w, w.next);
    w.log[0] = '\0';
    work(&w);
    expect_log(&w, "clear done");
    EXPECT_U64(rejoin_read_status(w.core).attempts, 10);
    rejoin_free(w.core);
}

TEST(rejoin, a_link_that_fails_once_the_snapshot_is_complete_is_nothing) {
    world w = USUAL_WORLD();
    poll(&w, true, 0);
    log_in(&w);
    end_snapshot(&w, 3);
    rejoin_failed(w.core, REJOIN_FAULT_LINK, 0);
    order(&w, 5); /* nor is what comes behind the end */
    live(&w, 2);
    work(&w);
    expect_log(&w, "pass:1-1 pass:2-2 clear done");
    rejoin_free(w.core);
}

TEST(rejoin, a_bound_that_is_hit_ends_the_attempt_and_loses_nothing) {
    world w = open_world(128 * 1024, 100);
    poll(&w, true, 0);
    log_in(&w);
    live_of(&w, 6, 40000); /* three fit */
    expect_fault(&w, REJOIN_FAULT_HOLD_FULL, 1);
    work(&w);
    expect_log(&w, "old:1-3 pass:4-4 pass:5-5 pass:6-6");
    poll(&w, true, 2 * SECOND);
    log_in(&w);
    order(&w, 1);
    order(&w, 2);
    order(&w, 3); /* of 38 bytes each */
    expect_fault(&w, REJOIN_FAULT_TOO_LARGE, 2);
    rejoin_free(w.core);
}

TEST(rejoin, a_full_hold_while_rebuilding_only_makes_the_work_more_urgent) {
    world w = open_world(128 * 1024, 100);
    live(&w, 1);
    poll(&w, true, 0);
    log_in(&w);
    end_snapshot(&w, 2);
    w.log[0] = '\0';
    live_of(&w, 4, 40000);
    expect_log(&w, "clear new:2-4 done pass:5-5");
    EXPECT_U64(rejoin_read_status(w.core).failures, 0);
    rejoin_free(w.core);
}

TEST(rejoin, an_attempt_that_takes_too_long_is_given_up_whatever_it_waits_for) {
    for (int stage = 0; stage < 3; stage++) {
        world w = USUAL_WORLD();
        poll(&w, true, 0);
        if (stage > 0) log_in(&w);
        if (stage > 1) end_snapshot(&w, 100);
        poll(&w, true, 30 * SECOND - 1);
        EXPECT_U64(rejoin_read_status(w.core).failures, 0);
        poll(&w, true, 1);
        expect_fault(&w, REJOIN_FAULT_TIME, 1);
        rejoin_free(w.core);
    }
}

TEST(rejoin, a_snapshot_that_tells_of_changes_or_is_malformed_is_not_trusted) {
    static const struct {
        const char *bytes;
        size_t length;
        bool trusted;
    } cases[] = {{"D", 19, false}, {"P", 44, false}, {"A", 35, false}, {"G 12x", 21, false},
                 {"?", 9, true},   {"S", 12, true},  {"H", 25, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w = USUAL_WORLD();
        uint8_t bytes[64] = {0};
        memcpy(bytes, cases[i].bytes, strlen(cases[i].bytes));
        poll(&w, true, 0);
        log_in(&w);
        rejoin_snapshot(w.core, bytes, cases[i].length, 0);
        EXPECT_MSG(rejoin_wants_link(w.core) == cases[i].trusted, "case %zu", i);
        if (!cases[i].trusted) expect_fault(&w, REJOIN_FAULT_UNTRUSTED, 1);
        rejoin_free(w.core);
    }
}

TEST(rejoin, system_events_of_a_snapshot_are_no_news) {
    world w = USUAL_WORLD();
    feed_message messages[REJOIN_BATCH];
    size_t count;
    uint8_t ended[12] = {'S', [11] = 'C'};
    poll(&w, true, 0);
    log_in(&w);
    rejoin_snapshot(w.core, ended, sizeof ended, 0);
    order(&w, 1);
    end_snapshot(&w, 1);
    EXPECT_I64(rejoin_next(w.core, messages, &count, 0), REJOIN_WORK_CLEAR);
    EXPECT_I64(rejoin_next(w.core, messages, &count, 0), REJOIN_WORK_SNAPSHOT);
    EXPECT_U64(count, 1);
    EXPECT_U64(messages[0].bytes[0], 'A');
    rejoin_free(w.core);
}

TEST(rejoin, a_need_that_comes_back_soon_is_not_answered_at_once) {
    world w = USUAL_WORLD();
    poll(&w, true, 0);
    for (unsigned round = 0; round < 4; round++) {
        log_in(&w);
        end_snapshot(&w, w.next);
        work(&w);
        poll(&w, true, SECOND);
        EXPECT(!rejoin_wants_link(w.core));
        int64_t wait = rejoin_read_status(w.core).wait_ns, bound = SECOND << round;
        EXPECT_MSG(wait >= bound / 2 && wait <= bound, "round %u waits %" PRId64, round, wait);
        poll(&w, true, wait);
    }
    log_in(&w);
    end_snapshot(&w, w.next);
    work(&w);
    poll(&w, false, 60 * SECOND); /* a calm minute */
    poll(&w, true, 0);
    EXPECT(rejoin_wants_link(w.core));
    EXPECT_U64(rejoin_read_status(w.core).failures, 0);
    rejoin_free(w.core);
}

TEST(rejoin, a_session_that_ends_meanwhile_gets_what_was_held) {
    world w = USUAL_WORLD();
    poll(&w, true, 0);
    log_in(&w);
    live(&w, 3);
    rejoin_settle(w.core);
    EXPECT(!rejoin_wants_link(w.core));
    work(&w);
    expect_log(&w, "old:1-3");
    rejoin_reset(w.core, 1);
    w.next = 1;
    live(&w, 1);
    expect_log(&w, "pass:1-1");

    poll(&w, true, 0);
    log_in(&w);
    live(&w, 2);
    end_snapshot(&w, 3);
    feed_message messages[REJOIN_BATCH];
    size_t count;
    EXPECT_I64(rejoin_next(w.core, messages, &count, 0), REJOIN_WORK_LIVE);
    EXPECT_I64(rejoin_next(w.core, messages, &count, 0), REJOIN_WORK_CLEAR);
    live(&w, 1);
    rejoin_settle(w.core); /* books that are half-built are finished */
    work(&w);
    expect_log(&w, "new:3-4 done");
    rejoin_free(w.core);
}

/* Whatever happens: every live message that was not lost is applied once and in order, those below `join` before the
 * books are the snapshot's, the others after; and what the lines lost from `join` on is never taken for whole. */
#define MOST_LIVE 20000u

typedef struct model {
    world w;
    tw_random random;
    uint64_t seed;
    uint64_t applied; /* all live messages below it are applied or lost */
    bool lost[MOST_LIVE];
    bool rebuilding;
} model;

static void expect_next(model *m, uint64_t seq, const char *what) {
    while (m->lost[m->applied])
        m->applied++;
    EXPECT_MSG(seq == m->applied, "seed %" PRIu64 ": %s %" PRIu64 ", expected %" PRIu64, m->seed, what, seq,
               m->applied);
    m->applied = seq + 1;
}

static void one_piece(model *m) {
    feed_message messages[REJOIN_BATCH];
    size_t count;
    rejoin_work what = rejoin_next(m->w.core, messages, &count, m->w.now_ns);
    uint64_t join = rejoin_read_status(m->w.core).join;
    if (what == REJOIN_WORK_CLEAR) {
        while (m->applied < join && m->lost[m->applied])
            m->applied++;
        EXPECT_MSG(m->applied == join, "seed %" PRIu64 ": joins at %" PRIu64 ", stands at %" PRIu64, m->seed, join,
                   m->applied);
        for (uint64_t seq = join; seq < m->w.next; seq++)
            EXPECT(!m->lost[seq]);
        m->rebuilding = true;
    }
    if (what == REJOIN_WORK_DONE) m->rebuilding = false;
    if (what == REJOIN_WORK_LIVE) EXPECT(!m->rebuilding);
    if (what == REJOIN_WORK_CATCH_UP) EXPECT(m->rebuilding);
    if (what != REJOIN_WORK_LIVE && what != REJOIN_WORK_CATCH_UP) return;
    for (size_t i = 0; i < count; i++)
        expect_next(m, messages[i].seq, "work on");
}

static void some_live(model *m) {
    static const uint8_t bytes[3000] = {0};
    for (uint64_t n = tw_random_below(&m->random, 20); n > 0; n--) {
        feed_message message = {bytes, (uint16_t)tw_random_below(&m->random, sizeof bytes), m->w.next, 0};
        size_t passed = 0;
        while (rejoin_live(m->w.core, &message, 1, &passed, m->w.now_ns) == 0)
            one_piece(m);
        m->w.next++;
        if (passed > 0) expect_next(m, message.seq, "passed");
        if (passed > 0) EXPECT(!m->rebuilding);
    }
}

static void some_hole(model *m) {
    uint64_t count = 1 + tw_random_below(&m->random, 4);
    for (uint64_t i = 0; i < count; i++)
        m->lost[m->w.next + i] = true;
    lose(&m->w, count);
}

static void some_event(model *m) {
    world *w = &m->w;
    switch (tw_random_below(&m->random, 16)) {
    case 0:
    case 1:
        if (rejoin_wants_link(w->core)) rejoin_login(w->core);
        break;
    case 2:
        order(w, 1);
        break;
    case 3:
        end_snapshot(w, w->next + tw_random_below(&m->random, 12) - (w->next > 6 ? 6 : 0));
        break;
    case 4:
        if (tw_random_chance(&m->random, 1, 8)) rejoin_failed(w->core, REJOIN_FAULT_LINK, w->now_ns);
        break;
    case 5:
    case 6:
        poll(w, true, (int64_t)tw_random_below(&m->random, 20) * SECOND);
        break;
    case 7:
        if (tw_random_chance(&m->random, 1, 4)) some_hole(m);
        break;
    case 8:
    case 9:
        some_live(m);
        break;
    default:
        one_piece(m);
    }
}

TEST(rejoin, random_lines_and_links_apply_every_message_once_and_on_the_right_side_of_the_join) {
    static model m;
    uint64_t rebuilds = 0, failures = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        m = (model){.w = open_world(128 * 1024, 4096), .seed = seed, .applied = 1};
        tw_random_seed(&m.random, seed);
        for (int i = 0; i < 2000; i++)
            some_event(&m);
        rejoin_settle(m.w.core);
        while (rejoin_has_work(m.w.core))
            one_piece(&m);
        while (m.lost[m.applied])
            m.applied++;
        EXPECT_U64(m.applied, m.w.next);
        rebuilds += rejoin_read_status(m.w.core).rebuilds;
        failures += rejoin_read_status(m.w.core).failures;
        rejoin_free(m.w.core);
    }
    EXPECT_MSG(rebuilds > 1000 && failures > 1000, "%" PRIu64 " rebuilds, %" PRIu64 " failures", rebuilds,
               failures);
}

TEST(rejoin, a_snapshot_that_is_not_believed_is_a_failed_attempt_and_what_was_held_goes_on) {
    world w = USUAL_WORLD();
    live(&w, 1);
    poll(&w, true, 0);
    log_in(&w);
    live(&w, 3);
    end_snapshot(&w, 4);
    rejoin_refuse(w.core, w.now_ns);
    expect_fault(&w, REJOIN_FAULT_IMPLAUSIBLE, 1);
    work(&w);
    live(&w, 1);
    expect_log(&w, "pass:1-1 old:2-4 pass:5-5");
    rejoin_refuse(w.core, w.now_ns); /* none is there */
    expect_fault(&w, REJOIN_FAULT_IMPLAUSIBLE, 1);
    rejoin_free(w.core);
}

TEST(rejoin, snapshots_that_are_refuted_one_after_another_are_asked_for_ever_more_slowly) {
    world w = USUAL_WORLD();
    int64_t waited = 0;
    poll(&w, true, 0);
    for (uint64_t i = 1; i <= 4; i++) {
        log_in(&w);
        end_snapshot(&w, 1);
        work(&w);
        rejoin_refuted(w.core, w.now_ns);
        expect_fault(&w, REJOIN_FAULT_REFUTED, i);
        int64_t wait = rejoin_read_status(w.core).wait_ns;
        EXPECT_MSG(wait >= waited, "%" PRId64 " after %" PRId64, wait, waited);
        waited = wait;
        poll(&w, true, wait);
    }
    EXPECT_MSG(waited >= 4 * SECOND, "%" PRId64, waited);
    rejoin_free(w.core);
}

TEST(rejoin, options_that_make_no_sense_are_refused) {
    rejoin_options small = {.hold_bytes = 1000, .backoff_first_ns = 1, .backoff_limit_ns = 1, .patience_ns = 1},
                   never = {.hold_bytes = 1 << 20, .backoff_first_ns = 1, .backoff_limit_ns = 1};
    rejoin *core;
    tw_error error;
    EXPECT_I64(rejoin_alloc(&core, &small, &error), TW_INVALID);
    EXPECT_I64(rejoin_alloc(&core, &never, &error), TW_INVALID);
    EXPECT(core == NULL);
}
