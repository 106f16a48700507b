/* Who publishes: scenes as tables, and three instances played against a store, delays and faults by seed. */
#include "base/civil.h"
#include "base/random.h"
#include "base/text.h"
#include "ingest/lead/leadership.h"
#include "tests/unit.h"

#define MS       INT64_C(1000000)
#define START_NS (1000 * TW_NS_PER_SECOND)
#define UTC_NS   (INT64_C(1700000000) * TW_NS_PER_SECOND)
#define FIRST    (uint64_t)((UTC_NS + START_NS) / MS) /* the term the clock gives at the start */

static const char *const action_names[] = {"",     "READ",   "PROBE", "CLAIM",  "LEAD",
                                           "HOLD", "RESUME", "GO_ON", "FOLLOW", "OFFER"};

static leadership_options options_of(const char *name, bool standby) {
    leadership_options options = {.lease = true,
                                  .standby = standby,
                                  .lease_ns = 300 * MS,
                                  .worse_ns = 300 * MS,
                                  .behind_ns = 2000 * MS,
                                  .verify_ns = 500 * MS,
                                  .offer_ns = 500 * MS,
                                  .return_ns = 250 * MS};
    tw_text_copy(options.name, sizeof options.name, name);
    return options;
}

/* ---- scenes ---- */

typedef enum event {
    WAIT,
    HEARD,
    OFFERED,
    READ_AS,
    NO_KEY,
    SEEN,
    AWAY,
    WON,
    LOST,
    BUS_OFF,
    BUS_ON,
    ASKED,
    PROBED,
    PAUSED
} event;

/* One line of a scene: time passes by steps of 5 ms up to `ms`, then the event happens and all that is said by then is
 * compared. PAUSED: time passes up to `ms` without a step. A probe comes back at once, unless the scene's bus stands still: then
 * PROBED brings the last one. */
typedef struct row {
    int ms;
    event event;
    uint64_t term; /* of the event */
    const char *name;
    uint64_t number; /* HEARD, OFFERED: the seq, published up to 10 before; READ_AS, WON: revision */
    const char *says;
    leadership_role role;
} row;

typedef struct scene {
    leadership it;
    leadership_self mine;
    int64_t now_ns;
    bool bus_stands_still;
    char said[200];
} scene;

static void listen_to(scene *s) {
    leadership_action action;
    while ((action = leadership_step(&s->it, &s->mine, s->now_ns, UTC_NS + s->now_ns)) != LEADERSHIP_NOTHING) {
        size_t length = strlen(s->said);
        tw_text_format(s->said + length, sizeof s->said - length, "%s%s", length > 0 ? " " : "",
                       action_names[action]);
        if (action == LEADERSHIP_PROBE && !s->bus_stands_still)
            leadership_probed(&s->it, s->it.silence.probe, s->now_ns);
    }
}

static void beat(scene *s, const row *r) {
    leadership_heartbeat heartbeat = {
        .term = r->term, .seq = r->number, .published_seq = r->number - 10, .handover = r->event == OFFERED};
    tw_text_copy(heartbeat.leader, sizeof heartbeat.leader, r->name);
    tw_text_copy(heartbeat.epoch, sizeof heartbeat.epoch, "2020-01-30.A");
    leadership_heard(&s->it, &heartbeat, s->now_ns);
}

static void happen(scene *s, const row *r) {
    switch (r->event) {
    case HEARD:
    case OFFERED:
        beat(s, r);
        break;
    case READ_AS:
        leadership_lease_read(&s->it, true, r->term, r->name, r->number, s->now_ns);
        break;
    case NO_KEY:
        leadership_lease_read(&s->it, false, 0, "", 0, s->now_ns);
        break;
    case SEEN:
        leadership_lease_seen(&s->it, r->term, r->name);
        break;
    case AWAY:
        leadership_lease_away(&s->it, s->now_ns);
        break;
    case WON:
    case LOST:
        leadership_claimed(&s->it, r->event == WON, r->number, s->now_ns);
        break;
    case BUS_OFF:
    case BUS_ON:
        leadership_bus(&s->it, r->event == BUS_ON, s->now_ns);
        break;
    case ASKED:
        leadership_offer(&s->it, s->now_ns);
        break;
    case PROBED:
        leadership_probed(&s->it, s->it.silence.probe, s->now_ns);
        break;
    case WAIT:
    case PAUSED:
        break;
    }
}

static void begin(scene *s, const leadership_options *options) {
    *s = (scene){.now_ns = START_NS, .mine = {.seq = 1000, .ok = true}};
    tw_text_copy(s->mine.epoch, sizeof s->mine.epoch, "2020-01-30.A");
    leadership_init(&s->it, options, s->now_ns, UTC_NS + s->now_ns);
    listen_to(s);
}

static void play(scene *s, const row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int64_t until_ns = START_NS + rows[i].ms * MS;
        while (rows[i].event != PAUSED && s->now_ns < until_ns) {
            s->now_ns = s->now_ns + 5 * MS < until_ns ? s->now_ns + 5 * MS : until_ns;
            listen_to(s);
        }
        s->now_ns = until_ns;
        happen(s, &rows[i]);
        listen_to(s);
        EXPECT_MSG(strcmp(s->said, rows[i].says) == 0 && s->it.role == rows[i].role,
                   "line %zu, at %d ms: said \"%s\", expected \"%s\"; is %s, expected %s", i, rows[i].ms, s->said,
                   rows[i].says, leadership_role_name(s->it.role), leadership_role_name(rows[i].role));
        s->said[0] = '\0';
    }
}
#define PLAY(s, ...)                                                                                               \
    do {                                                                                                           \
        static const row rows_[] = {__VA_ARGS__};                                                                  \
        play((s), rows_, sizeof rows_ / sizeof *rows_);                                                            \
    } while (0)

/* A standby that has read "7 held by one" at revision 3 and hears it. */
static void begin_standby(scene *s) {
    leadership_options options = options_of("two", true);
    begin(s, &options);
    PLAY(s, {0, READ_AS, 7, "one", 3, "READ FOLLOW", LEADERSHIP_FOLLOWING},
         {10, HEARD, 7, "one", 900, "", LEADERSHIP_FOLLOWING});
}

/* A leader of the first term the clock gives. */
static void begin_leader(scene *s) {
    leadership_options options = options_of("one", false);
    begin(s, &options);
    PLAY(s, {0, NO_KEY, 0, "", 0, "READ CLAIM", LEADERSHIP_CLAIMING},
         {20, WON, 0, "", 1, "LEAD", LEADERSHIP_LEADING});
    EXPECT_U64(s->it.term, FIRST);
    EXPECT(leadership_publishes(&s->it));
}

TEST(leadership, who_is_started_to_lead_claims_at_once_whoever_leads) {
    scene s;
    leadership_options options = options_of("two", false);
    begin(&s, &options);
    PLAY(&s, {0, HEARD, FIRST + 5000, "one", 900, "READ", LEADERSHIP_STARTING},
         {5, READ_AS, FIRST + 4000, "one", 3, "CLAIM", LEADERSHIP_CLAIMING},
         {10, WON, 0, "", 4, "LEAD", LEADERSHIP_LEADING});
    EXPECT_U64(s.it.candidacy.claim_revision, 3);
    EXPECT_U64(s.it.term, FIRST + 5001);
    EXPECT_U64(s.it.safe_seq, 890);
    EXPECT_U64(s.it.tier_safe_seq, 0);
    EXPECT_U64(s.it.behind_seq, 0);
}

TEST(leadership, the_first_term_is_the_time_even_if_the_bucket_was_lost) {
    scene s;
    begin_leader(&s);
}

TEST(leadership, without_jetstream_who_is_started_to_lead_leads_without_a_lease) {
    scene s;
    leadership_options options = options_of("one", false);
    begin(&s, &options);
    PLAY(&s, {5, AWAY, 0, "", 0, "READ LEAD", LEADERSHIP_LEADING}, {9, ASKED, 0, "", 0, "", LEADERSHIP_LEADING},
         {10, PAUSED, 0, "", 0, "", LEADERSHIP_LEADING}, {700, PAUSED, 0, "", 0, "HOLD READ", LEADERSHIP_VERIFYING},
         {705, AWAY, 0, "", 0, "GO_ON", LEADERSHIP_LEADING},
         {800, HEARD, FIRST + 9, "two", 50, "FOLLOW READ", LEADERSHIP_FOLLOWING});
    EXPECT(!s.it.leased);
}

TEST(leadership, who_leads_without_a_lease_takes_it_for_its_term_when_jetstream_is_there) {
    scene s;
    leadership_options options = options_of("one", false);
    begin(&s, &options);
    PLAY(&s, {5, AWAY, 0, "", 0, "READ LEAD", LEADERSHIP_LEADING},
         {5004, WAIT, 0, "", 0, "READ", LEADERSHIP_LEADING}, {5005, AWAY, 0, "", 0, "", LEADERSHIP_LEADING},
         {10004, WAIT, 0, "", 0, "", LEADERSHIP_LEADING}, {10005, WAIT, 0, "", 0, "READ", LEADERSHIP_LEADING},
         {10010, NO_KEY, 0, "", 0, "CLAIM", LEADERSHIP_LEADING}, {10015, WON, 0, "", 1, "", LEADERSHIP_LEADING},
         {19000, ASKED, 0, "", 0, "OFFER", LEADERSHIP_OFFERING});
    EXPECT(s.it.leased);
    EXPECT_U64(s.it.candidacy.claim_term, FIRST + 5);
    EXPECT_U64(s.it.term, FIRST + 5);
}

TEST(leadership, a_claim_whose_answer_was_lost_is_found_in_the_lease) {
    scene s;
    leadership_options options = options_of("one", false);
    begin(&s, &options);
    PLAY(&s, {0, NO_KEY, 0, "", 0, "READ CLAIM", LEADERSHIP_CLAIMING},
         {300, AWAY, 0, "", 0, "READ", LEADERSHIP_STARTING},
         {310, READ_AS, FIRST, "one", 1, "LEAD", LEADERSHIP_LEADING});
    EXPECT(s.it.leased);
}

TEST(leadership, a_claim_that_can_not_be_made_is_followed_by_a_term_beyond_it) {
    scene s;
    leadership_options options = options_of("one", false);
    begin(&s, &options);
    PLAY(&s, {0, READ_AS, FIRST + 5000, "two", 8, "READ CLAIM", LEADERSHIP_CLAIMING},
         {300, AWAY, 0, "", 0, "READ", LEADERSHIP_STARTING}, {600, AWAY, 0, "", 0, "LEAD", LEADERSHIP_LEADING});
    EXPECT_U64(s.it.term, FIRST + 5002);
}

TEST(leadership, without_a_lease_it_leads_at_once_and_resumes_when_the_bus_is_back) {
    scene s;
    leadership_options options = options_of("one", false);
    options.lease = false;
    options.term = 9;
    begin(&s, &options);
    PLAY(&s, {0, WAIT, 0, "", 0, "LEAD", LEADERSHIP_LEADING}, {1000, PAUSED, 0, "", 0, "", LEADERSHIP_LEADING},
         {1005, HEARD, 9, "one", 500, "", LEADERSHIP_LEADING},
         {1010, BUS_OFF, 0, "", 0, "HOLD", LEADERSHIP_VERIFYING},
         {2000, BUS_ON, 0, "", 0, "", LEADERSHIP_VERIFYING}, {2250, WAIT, 0, "", 0, "RESUME", LEADERSHIP_LEADING},
         {2251, HEARD, 8, "two", 1, "", LEADERSHIP_LEADING},
         {2252, HEARD, 10, "two", 1, "FOLLOW", LEADERSHIP_FOLLOWING},
         {9000, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING});
    EXPECT_U64(s.it.term, 9);
    EXPECT_U64(s.it.safe_seq, 490);
}

TEST(leadership, a_standby_takes_over_after_300_ms_of_silence) {
    scene s;
    begin_standby(&s);
    PLAY(&s, {110, HEARD, 7, "one", 950, "", LEADERSHIP_FOLLOWING}, {405, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {430, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING},
         {435, WON, 0, "", 4, "LEAD", LEADERSHIP_LEADING});
    EXPECT_U64(s.it.candidacy.claim_revision, 3);
    EXPECT_U64(s.it.term, FIRST + 430);
    EXPECT_U64(s.it.safe_seq, 940);
    EXPECT_U64(s.it.continues_term, 7);
}

TEST(leadership, a_standby_whose_feed_is_not_ok_lets_a_healthy_one_come_first) {
    scene s;
    begin_standby(&s);
    s.mine.ok = false;
    PLAY(&s, {605, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {630, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING});
}

TEST(leadership, a_standby_that_is_behind_waits_until_it_is_level) {
    scene s;
    begin_standby(&s);
    s.mine.seq = 899;
    PLAY(&s, {1000, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING});
    s.mine.seq = 900;
    PLAY(&s, {1025, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING},
         {1026, WON, 0, "", 4, "LEAD", LEADERSHIP_LEADING});
    EXPECT_U64(s.it.behind_seq, 0);
}

TEST(leadership, a_standby_that_stays_behind_leads_after_two_seconds_and_says_so) {
    scene s;
    begin_standby(&s);
    s.mine.seq = 899;
    PLAY(&s, {2305, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {2330, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING},
         {2331, WON, 0, "", 4, "LEAD", LEADERSHIP_LEADING});
    EXPECT_U64(s.it.behind_seq, 900);
    EXPECT_U64(s.it.continues_term, 0); /* what the leader had told beyond here is not known here */
}

TEST(leadership, a_standby_in_a_later_days_session_is_not_behind) {
    static const struct {
        const char *epoch;
        int claims_ms;
    } rows[] = {{"2020-01-31.A", 330}, {"2020-01-30.B", 2330}, {"2020-01-29.Z", 2330}, {"", 2330}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scene s;
        begin_standby(&s);
        tw_text_copy(s.mine.epoch, sizeof s.mine.epoch, rows[i].epoch);
        while (s.it.role == LEADERSHIP_FOLLOWING) {
            s.now_ns += 5 * MS;
            listen_to(&s);
        }
        EXPECT_MSG(s.now_ns == START_NS + rows[i].claims_ms * MS, "\"%s\" claims at %d ms", rows[i].epoch,
                   (int)((s.now_ns - START_NS) / MS));
        leadership_claimed(&s.it, true, 4, s.now_ns);
        listen_to(&s);
        EXPECT_U64(s.it.safe_seq, 0); /* numbers of another session say nothing */
        EXPECT_U64(s.it.continues_term, 0);
        EXPECT_U64(s.it.behind_seq, 0);
    }
}

TEST(leadership, what_is_safe_of_the_slow_tiers_is_three_seconds_older) {
    scene s;
    begin_standby(&s);
    for (uint64_t i = 1; i <= 60; i++) { /* 910 at 110 ms to 1500 at 6010 ms */
        row each = {(int)(10 + 100 * i), HEARD, 7, "one", 900 + 10 * i, "", LEADERSHIP_FOLLOWING};
        play(&s, &each, 1);
    }
    s.mine.seq = 1500;
    PLAY(&s, {6330, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING},
         {6331, WON, 0, "", 4, "LEAD", LEADERSHIP_LEADING});
    EXPECT_U64(s.it.safe_seq, 1490);
    EXPECT_U64(s.it.tier_safe_seq, 1190); /* of the heartbeat of 3010 ms */
}

TEST(leadership, of_a_leader_whose_books_were_not_whole_nothing_is_safe) {
    for (int doubtful = 0; doubtful < 2; doubtful++) {
        scene s;
        begin_standby(&s);
        leadership_heartbeat last = {.leader = "one",
                                     .epoch = "2020-01-30.A",
                                     .term = 7,
                                     .seq = 900,
                                     .published_seq = 890,
                                     .doubtful = doubtful};
        s.now_ns += 20 * MS;
        leadership_heard(&s.it, &last, s.now_ns);
        PLAY(&s, {340, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING},
             {341, WON, 0, "", 4, "LEAD", LEADERSHIP_LEADING});
        EXPECT_U64(s.it.safe_seq, doubtful ? 0 : 890);
        EXPECT_U64(s.it.continues_term, doubtful ? 0 : 7);
    }
}

TEST(leadership, one_whose_own_books_are_not_whole_goes_on_from_nobody) {
    scene s;
    begin_standby(&s);
    s.mine.ok = false;
    PLAY(&s, {110, HEARD, 7, "one", 950, "", LEADERSHIP_FOLLOWING}, {705, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {730, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING},
         {735, WON, 0, "", 4, "LEAD", LEADERSHIP_LEADING});
    EXPECT_U64(s.it.safe_seq, 940); /* what has left has left */
    EXPECT_U64(s.it.continues_term, 0);
}

TEST(leadership, a_leader_that_missed_something_or_could_not_keep_a_book_is_doubtful) {
    static const struct {
        tw_book_state state;
        tw_state_cause cause;
        uint32_t not_ok;
        bool doubtful;
    } rows[] = {
        {TW_BOOK_OK, TW_CAUSE_NONE, 0, false},
        {TW_BOOK_OK, TW_CAUSE_NONE, 1, true}, /* a successor whose book is whole must say so */
        {TW_BOOK_CLOSED, TW_CAUSE_END_OF_SESSION, 0, false},
        {TW_BOOK_CLOSED, TW_CAUSE_END_OF_SESSION, 3, true},
        {TW_BOOK_RECOVERING, TW_CAUSE_GAP, 0, false}, /* waits */
        {TW_BOOK_STALE, TW_CAUSE_LINE_SILENT, 0, false},
        {TW_BOOK_STALE, TW_CAUSE_LINE_DOWN, 0, false},
        {TW_BOOK_RECOVERING, TW_CAUSE_MID_SESSION, 0, true},
        {TW_BOOK_STALE, TW_CAUSE_GAP_NOT_FILLED, 0, true},
        {TW_BOOK_STALE, TW_CAUSE_MALFORMED, 0, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        EXPECT_MSG(leadership_is_doubtful(rows[i].state, rows[i].cause, rows[i].not_ok) == rows[i].doubtful,
                   "%s, %s, %u books not OK", tw_book_state_name(rows[i].state), tw_state_cause_name(rows[i].cause),
                   rows[i].not_ok);
}

TEST(leadership, of_two_claims_one_wins_and_the_other_follows_it) {
    scene s;
    begin_standby(&s);
    PLAY(&s, {330, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING},
         {332, LOST, 0, "", 0, "FOLLOW READ", LEADERSHIP_FOLLOWING},
         {335, READ_AS, FIRST, "three", 4, "", LEADERSHIP_FOLLOWING},
         {620, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {655, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING}); /* three never spoke */
    EXPECT_U64(s.it.candidacy.claim_revision, 4);
    EXPECT_U64(s.it.candidacy.claim_term, FIRST + 655);
}

TEST(leadership, a_bucket_that_was_wiped_costs_two_calls_more) {
    scene s;
    begin_standby(&s);
    PLAY(&s, {330, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING},
         {332, LOST, 0, "", 0, "FOLLOW READ", LEADERSHIP_FOLLOWING},
         {334, NO_KEY, 0, "", 0, "CLAIM", LEADERSHIP_CLAIMING}, {336, WON, 0, "", 1, "LEAD", LEADERSHIP_LEADING});
    EXPECT_U64(s.it.candidacy.claim_revision, 0);
    EXPECT(s.it.term > 7);
}

TEST(leadership, a_claim_that_others_made_is_read_so_that_the_revision_is_known) {
    scene s;
    begin_standby(&s);
    PLAY(&s, {50, SEEN, 8, "three", 0, "READ", LEADERSHIP_FOLLOWING},
         {52, READ_AS, 8, "three", 9, "", LEADERSHIP_FOLLOWING},
         {60, HEARD, 8, "three", 901, "", LEADERSHIP_FOLLOWING},
         {65, HEARD, 7, "one", 990, "", LEADERSHIP_FOLLOWING},
         {380, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING},
         {381, WON, 0, "", 10, "LEAD", LEADERSHIP_LEADING});
    EXPECT_U64(s.it.candidacy.claim_revision, 9);
    EXPECT_U64(s.it.safe_seq, 891); /* what the succeeded one said later proves nothing */
}

TEST(leadership, a_standby_without_jetstream_follows_and_reads_again) {
    scene s;
    leadership_options options = options_of("two", true);
    begin(&s, &options);
    PLAY(&s, {5, AWAY, 0, "", 0, "READ FOLLOW", LEADERSHIP_FOLLOWING},
         {104, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING}, {105, WAIT, 0, "", 0, "READ", LEADERSHIP_FOLLOWING},
         {110, AWAY, 0, "", 0, "", LEADERSHIP_FOLLOWING}, {609, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {610, WAIT, 0, "", 0, "READ", LEADERSHIP_FOLLOWING}, {615, AWAY, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {714, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {715, WAIT, 0, "", 0, "READ", LEADERSHIP_FOLLOWING}, /* nobody leads: sooner */
         {720, NO_KEY, 0, "", 0, "PROBE", LEADERSHIP_FOLLOWING},
         {740, WAIT, 0, "", 0, "CLAIM", LEADERSHIP_CLAIMING});
}

TEST(leadership, silence_does_not_count_while_this_instance_could_not_listen_and_the_leader_may_be_back_later) {
    scene s;
    begin_standby(&s);
    PLAY(&s, {1000, PAUSED, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {1100, BUS_OFF, 0, "", 0, "", LEADERSHIP_FOLLOWING}, {3000, BUS_ON, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {3545, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {3570, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING});
}

TEST(leadership, a_term_that_nobody_can_have_yet_is_neither_followed_nor_outbid) {
    static const uint64_t rows[] = {UINT64_MAX, UINT64_C(1) << 53, FIRST + UINT64_C(11) * 366 * 86400 * 1000};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scene s;
        begin_leader(&s);
        leadership_heartbeat rogue = {.leader = "zz", .epoch = "2020-01-30.A", .term = rows[i], .seq = 5};
        EXPECT(!leadership_heard(&s.it, &rogue, s.now_ns));
        PLAY(&s, {30, WAIT, 0, "", 0, "", LEADERSHIP_LEADING});
        begin_standby(&s);
        rogue.handover = true;
        leadership_heard(&s.it, &rogue, s.now_ns);
        leadership_lease_seen(&s.it, rows[i], "zz");
        PLAY(&s, {15, WAIT, 0, "", 0, "READ", LEADERSHIP_FOLLOWING});
        leadership_lease_read(&s.it, true, rows[i], "zz", 8, s.now_ns);
        PLAY(&s, {340, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING},
             {341, WON, 0, "", 9, "LEAD", LEADERSHIP_LEADING});
        EXPECT_U64(s.it.candidacy.claim_revision, 8);
        EXPECT(s.it.term > 7 && s.it.term < FIRST + 1000);
        EXPECT_U64(s.it.candidacy.disbelieved, 3);
    }
}

TEST(leadership, a_bus_that_stands_still_is_no_dead_leader) {
    scene s;
    begin_standby(&s);
    s.bus_stands_still = true;
    PLAY(&s, {305, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING}, {310, WAIT, 0, "", 0, "PROBE", LEADERSHIP_FOLLOWING},
         {1305, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {1310, WAIT, 0, "", 0, "PROBE", LEADERSHIP_FOLLOWING}, /* the first may be lost */
         {1311, PROBED, 0, "", 0, "", LEADERSHIP_FOLLOWING},    /* quick, but the bus has stood for a second */
         {1320, HEARD, 7, "one", 901, "", LEADERSHIP_FOLLOWING}, {1615, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {1620, WAIT, 0, "", 0, "PROBE", LEADERSHIP_FOLLOWING},
         {1640, HEARD, 7, "one", 902, "", LEADERSHIP_FOLLOWING},
         {1650, PROBED, 0, "", 0, "", LEADERSHIP_FOLLOWING}, /* of the silence that has ended */
         {1935, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING});
}

TEST(leadership, what_comes_soon_after_the_probe_is_heard_before_a_claim) {
    scene s;
    begin_standby(&s);
    s.bus_stands_still = true;
    PLAY(&s, {310, WAIT, 0, "", 0, "PROBE", LEADERSHIP_FOLLOWING},
         {350, PROBED, 0, "", 0, "", LEADERSHIP_FOLLOWING}, {365, HEARD, 7, "one", 901, "", LEADERSHIP_FOLLOWING},
         {660, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING});
}

TEST(leadership, a_bus_that_is_always_slow_delays_a_takeover_only_once) {
    scene s;
    begin_standby(&s);
    s.bus_stands_still = true;
    PLAY(&s, {310, WAIT, 0, "", 0, "PROBE", LEADERSHIP_FOLLOWING},
         {410, PROBED, 0, "", 0, "", LEADERSHIP_FOLLOWING}, {705, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {710, WAIT, 0, "", 0, "PROBE", LEADERSHIP_FOLLOWING}, {810, PROBED, 0, "", 0, "", LEADERSHIP_FOLLOWING},
         {830, WAIT, 0, "", 0, "CLAIM", LEADERSHIP_CLAIMING});
}

TEST(leadership, after_the_bus_was_away_a_leader_waits_until_its_subscribers_are_back) {
    scene s;
    begin_leader(&s);
    PLAY(
        &s, {100, HEARD, FIRST, "one", 500, "", LEADERSHIP_LEADING},
        {150, BUS_OFF, 0, "", 0, "HOLD", LEADERSHIP_VERIFYING},
        {5000, BUS_ON, 0, "", 0, "READ", LEADERSHIP_VERIFYING},
        {5003, READ_AS, FIRST, "one", 1, "", LEADERSHIP_VERIFYING},
        {5245, WAIT, 0, "", 0, "", LEADERSHIP_VERIFYING}, {5250, WAIT, 0, "", 0, "RESUME", LEADERSHIP_LEADING},
        {6000, BUS_OFF, 0, "", 0, "HOLD", LEADERSHIP_VERIFYING},
        {7000, BUS_ON, 0, "", 0, "READ", LEADERSHIP_VERIFYING},
        {7003, READ_AS, FIRST, "one", 1, "", LEADERSHIP_VERIFYING},
        {7100, HEARD, FIRST + 9, "two", 600, "FOLLOW", LEADERSHIP_FOLLOWING}); /* it is not too late to step back */
}

TEST(leadership, a_leader_steps_back_before_a_higher_term_wherever_it_sees_it) {
    scene s;
    begin_leader(&s);
    PLAY(&s, {30, HEARD, FIRST - 1, "zero", 5, "", LEADERSHIP_LEADING},
         {40, HEARD, FIRST + 1, "two", 2000, "FOLLOW", LEADERSHIP_FOLLOWING});
    begin_leader(&s);
    PLAY(&s, {40, SEEN, FIRST + 1, "two", 0, "FOLLOW READ", LEADERSHIP_FOLLOWING});
}

TEST(leadership, of_two_leaders_without_a_lease_and_with_one_term_the_greater_name_stays) {
    static const struct {
        const char *other;
        leadership_role role;
    } rows[] = {{"one", LEADERSHIP_LEADING}, {"a", LEADERSHIP_LEADING}, {"z", LEADERSHIP_FOLLOWING}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scene s;
        begin_leader(&s);
        leadership_heartbeat heartbeat = {.term = FIRST};
        tw_text_copy(heartbeat.leader, sizeof heartbeat.leader, rows[i].other);
        leadership_heard(&s.it, &heartbeat, s.now_ns);
        listen_to(&s);
        EXPECT_STR(leadership_role_name(s.it.role), leadership_role_name(rows[i].role));
    }
}

TEST(leadership, a_leader_that_stood_still_publishes_nothing_until_the_lease_still_names_it) {
    scene s;
    begin_leader(&s);
    PLAY(&s, {100, WAIT, 0, "", 0, "", LEADERSHIP_LEADING}, {399, PAUSED, 0, "", 0, "", LEADERSHIP_LEADING},
         {699, PAUSED, 0, "", 0, "HOLD READ", LEADERSHIP_VERIFYING},
         {705, READ_AS, FIRST, "one", 1, "GO_ON", LEADERSHIP_LEADING},
         {2000, PAUSED, 0, "", 0, "HOLD READ", LEADERSHIP_VERIFYING},
         {2005, READ_AS, FIRST + 1, "two", 2, "FOLLOW", LEADERSHIP_FOLLOWING});
}

TEST(leadership, a_pause_after_the_question_makes_its_answer_worthless) {
    scene s;
    begin_leader(&s);
    PLAY(&s, {700, PAUSED, 0, "", 0, "HOLD READ", LEADERSHIP_VERIFYING},
         {1400, PAUSED, 0, "", 0, "", LEADERSHIP_VERIFYING},
         {1401, READ_AS, FIRST, "one", 1, "READ", LEADERSHIP_VERIFYING},
         {1405, READ_AS, FIRST + 1, "two", 2, "FOLLOW", LEADERSHIP_FOLLOWING});
    begin_standby(&s);
    PLAY(&s, {330, WAIT, 0, "", 0, "PROBE CLAIM", LEADERSHIP_CLAIMING},
         {1300, PAUSED, 0, "", 0, "", LEADERSHIP_CLAIMING},
         {1301, WON, 0, "", 4, "HOLD READ", LEADERSHIP_VERIFYING},
         {1305, READ_AS, FIRST, "two", 4, "LEAD", LEADERSHIP_LEADING});
}

TEST(leadership, with_jetstream_away_a_leader_that_stood_still_listens_and_goes_on) {
    scene s;
    begin_leader(&s);
    PLAY(&s, {700, PAUSED, 0, "", 0, "HOLD READ", LEADERSHIP_VERIFYING},
         {705, AWAY, 0, "", 0, "", LEADERSHIP_VERIFYING}, {1195, WAIT, 0, "", 0, "", LEADERSHIP_VERIFYING},
         {1200, WAIT, 0, "", 0, "GO_ON", LEADERSHIP_LEADING},
         {1900, PAUSED, 0, "", 0, "HOLD READ", LEADERSHIP_VERIFYING},
         {1950, HEARD, FIRST + 1, "two", 5, "FOLLOW", LEADERSHIP_FOLLOWING});
}

TEST(leadership, after_the_bus_was_away_the_last_own_heartbeat_that_came_back_is_safe) {
    scene s;
    begin_leader(&s);
    PLAY(&s, {100, HEARD, FIRST, "one", 500, "", LEADERSHIP_LEADING},
         {150, BUS_OFF, 0, "", 0, "HOLD", LEADERSHIP_VERIFYING},
         {5000, BUS_ON, 0, "", 0, "READ", LEADERSHIP_VERIFYING},
         {5003, READ_AS, FIRST, "one", 1, "", LEADERSHIP_VERIFYING},
         {5250, WAIT, 0, "", 0, "RESUME", LEADERSHIP_LEADING});
    EXPECT_U64(s.it.safe_seq, 490);
    EXPECT_U64(s.it.term, FIRST);
}

TEST(leadership, a_planned_handover_is_taken_by_a_standby_that_is_level_and_ok) {
    scene s;
    begin_standby(&s);
    s.mine.ok = false;
    PLAY(&s, {110, OFFERED, 7, "one", 1001, "", LEADERSHIP_FOLLOWING});
    s.mine.ok = true;
    PLAY(&s, {120, WAIT, 0, "", 0, "", LEADERSHIP_FOLLOWING});
    s.mine.seq = 1001;
    PLAY(&s, {125, WAIT, 0, "", 0, "CLAIM", LEADERSHIP_CLAIMING}, {127, WON, 0, "", 4, "LEAD", LEADERSHIP_LEADING});
    EXPECT_U64(s.it.safe_seq, 991);
}

TEST(leadership, an_offer_ends_with_a_successor_or_with_its_time) {
    scene s;
    begin_leader(&s);
    PLAY(&s, {30, ASKED, 0, "", 0, "OFFER", LEADERSHIP_OFFERING}, {525, WAIT, 0, "", 0, "", LEADERSHIP_OFFERING},
         {530, WAIT, 0, "", 0, "GO_ON", LEADERSHIP_LEADING}, {540, ASKED, 0, "", 0, "OFFER", LEADERSHIP_OFFERING},
         {545, SEEN, FIRST + 1, "two", 0, "FOLLOW READ", LEADERSHIP_FOLLOWING});
    begin_standby(&s);
    EXPECT(!leadership_offer(&s.it, s.now_ns)); /* a follower has nothing to offer */
}

/* ---- three instances against each other ---- */

#define INSTANCES  3
#define LETTERS    4096
#define END_MS     20000
#define CALM_MS    14000 /* no fault begins after it; all have ended by then */
#define SETTLED_MS 1500  /* a probe that the last freeze held up, 300 ms of silence from there, and a lost claim */

typedef enum letter_kind {
    LETTER_HEARTBEAT,
    LETTER_SEEN,
    LETTER_READ,
    LETTER_CLAIM,
    LETTER_RESULT,
    LETTER_PROBE
} letter_kind;

typedef struct letter {
    int64_t at_ns;
    letter_kind kind;
    int to; /* an instance; of READ and CLAIM: who asks */
    uint32_t life;
    leadership_heartbeat heartbeat;
    uint64_t term, revision, probe;
    char holder[LEADERSHIP_NAME_BYTES];
    bool found, won, away, was_claim;
} letter;

typedef struct player {
    leadership it;
    uint32_t life; /* rises with each kill: letters to an earlier life are lost */
    bool dead, paused, cut, no_store;
    int64_t beat_ns; /* of the last heartbeat sent */
    int64_t active_ns;
    int64_t woke_ns; /* after a pause of lease_ns or more; 0: verified since */
    bool asked_since_woke;
    uint64_t published_seq;
} player;

typedef struct world {
    tw_random random;
    uint64_t seed;
    int64_t now_ns;
    int64_t frozen_until_ns; /* the server stands still till then, and the store with it */
    uint64_t feed_seq;
    player players[INSTANCES];
    letter letters[LETTERS];
    size_t letter_count;
    bool has_key;
    uint64_t lease_term, lease_revision, wins;
    char lease_holder[LEADERSHIP_NAME_BYTES];
    struct {
        uint64_t term;
        char name[LEADERSHIP_NAME_BYTES];
    } led[4096];
    size_t led_count;
    uint64_t highest_led;
} world;

static int64_t delay(world *w, int most_ms) {
    return (int64_t)(1 + tw_random_below(&w->random, (uint64_t)most_ms * 1000)) * 1000;
}

static letter *post(world *w, letter_kind kind, int to, int64_t after_ns) {
    EXPECT_MSG(w->letter_count < LETTERS, "seed %" PRIu64 ": letters are used up", w->seed);
    letter *l = &w->letters[w->letter_count++];
    /* a server that goes on reads what has waited, of each connection in its order, within a few milliseconds */
    if (w->now_ns + after_ns < w->frozen_until_ns) after_ns += w->frozen_until_ns - w->now_ns;
    *l = (letter){.at_ns = w->now_ns + after_ns, .kind = kind, .to = to, .life = w->players[to].life};
    return l;
}

static void be_born(world *w, int index, bool standby) {
    player *p = &w->players[index];
    char name[LEADERSHIP_NAME_BYTES];
    p->life++;
    tw_text_format(name, sizeof name, "%c%u", 'a' + index, p->life);
    leadership_options options = options_of(name, standby);
    leadership_init(&p->it, &options, w->now_ns, UTC_NS + w->now_ns);
    p->dead = p->paused = false;
    p->woke_ns = 0;
    p->active_ns = w->now_ns;
    p->published_seq = 0;
}

static void note_lead(world *w, player *p) {
    for (size_t i = 0; i < w->led_count; i++)
        EXPECT_MSG(w->led[i].term != p->it.term, "seed %" PRIu64 ": %s and %s both lead with %" PRIu64, w->seed,
                   w->led[i].name, p->it.options.name, p->it.term);
    w->led[w->led_count].term = p->it.term;
    tw_text_copy(w->led[w->led_count++].name, LEADERSHIP_NAME_BYTES, p->it.options.name);
    p->published_seq = p->it.safe_seq;
}

static void ask(world *w, int index, leadership_action action) {
    player *p = &w->players[index];
    letter *l = post(w, action == LEADERSHIP_READ ? LETTER_READ : LETTER_CLAIM, index, delay(w, 10));
    l->term = p->it.candidacy.claim_term;
    l->revision = p->it.candidacy.claim_revision;
    tw_text_copy(l->holder, sizeof l->holder, p->it.options.name);
    p->asked_since_woke = true;
}

static void step_player(world *w, int index) {
    player *p = &w->players[index];
    leadership_self mine = {.epoch = "2020-01-30.A", .seq = w->feed_seq, .ok = index != 2};
    leadership_action action;
    if (w->now_ns - p->active_ns >= 300 * MS) {
        p->woke_ns = w->now_ns;
        p->asked_since_woke = false;
    }
    p->active_ns = w->now_ns;
    while ((action = leadership_step(&p->it, &mine, w->now_ns, UTC_NS + w->now_ns)) != LEADERSHIP_NOTHING) {
        if (action == LEADERSHIP_READ || action == LEADERSHIP_CLAIM) ask(w, index, action);
        if (action == LEADERSHIP_LEAD) note_lead(w, p);
        if (action == LEADERSHIP_PROBE) post(w, LETTER_PROBE, index, delay(w, 8))->probe = p->it.silence.probe;
    }
}

/* A heartbeat each 100 ms; whoever woke must have asked the store, or listened, before the first. */
static void publish(world *w, int index) {
    player *p = &w->players[index];
    if (!leadership_publishes(&p->it) || p->cut) return;
    if (p->woke_ns != 0)
        EXPECT_MSG(p->asked_since_woke, "seed %" PRIu64 ": %s publishes after a pause, nothing verified", w->seed,
                   p->it.options.name);
    p->woke_ns = 0;
    p->published_seq = w->feed_seq;
    if (w->now_ns - p->beat_ns < 100 * MS) return;
    p->beat_ns = w->now_ns;
    for (int to = 0; to < INSTANCES; to++) {
        letter *l = post(w, LETTER_HEARTBEAT, to, delay(w, 8));
        l->heartbeat = (leadership_heartbeat){.epoch = "2020-01-30.A",
                                              .term = p->it.term,
                                              .seq = w->feed_seq,
                                              .published_seq = p->published_seq,
                                              .handover = p->it.role == LEADERSHIP_OFFERING};
        tw_text_copy(l->heartbeat.leader, LEADERSHIP_NAME_BYTES, p->it.options.name);
    }
}

static void answer(world *w, const letter *asked, bool away, bool won) {
    letter *l = post(w, LETTER_RESULT, asked->to, away ? 300 * MS : delay(w, 10));
    if (away) l->at_ns = w->now_ns + 300 * MS; /* the asker's own clock ends it */
    l->life = asked->life;
    l->away = away;
    l->won = won;
    l->was_claim = asked->kind == LETTER_CLAIM;
    l->found = w->has_key;
    l->term = w->lease_term;
    l->revision = w->has_key ? w->lease_revision : 0;
    tw_text_copy(l->holder, sizeof l->holder, w->lease_holder);
}

static void store_claim(world *w, const letter *l) {
    EXPECT_MSG(l->term > w->lease_term, "seed %" PRIu64 ": the lease's term falls", w->seed);
    w->has_key = true;
    w->lease_term = l->term;
    w->lease_revision++;
    w->wins++;
    tw_text_copy(w->lease_holder, sizeof w->lease_holder, l->holder);
    for (int to = 0; to < INSTANCES; to++) {
        letter *seen = post(w, LETTER_SEEN, to, delay(w, 8));
        seen->term = l->term;
        tw_text_copy(seen->holder, sizeof seen->holder, l->holder);
    }
}

/* At the store. With the way to it cut, a claim still arrives sometimes: only its answer is lost. */
static void at_store(world *w, const letter *l) {
    const player *p = &w->players[l->to];
    bool lost = p->no_store || p->cut || w->now_ns < w->frozen_until_ns;
    bool right = l->revision == (w->has_key ? w->lease_revision : 0);
    bool arrives = !lost || tw_random_chance(&w->random, 1, 3);
    bool won = l->kind == LETTER_CLAIM && right && arrives;
    if (won) store_claim(w, l);
    answer(w, l, lost, won);
}

static void at_player(world *w, const letter *l) {
    player *p = &w->players[l->to];
    if (l->kind == LETTER_HEARTBEAT)
        leadership_heard(&p->it, &l->heartbeat, w->now_ns);
    else if (l->kind == LETTER_PROBE)
        leadership_probed(&p->it, l->probe, w->now_ns);
    else if (l->kind == LETTER_SEEN)
        leadership_lease_seen(&p->it, l->term, l->holder);
    else if (l->away)
        leadership_lease_away(&p->it, w->now_ns);
    else if (l->was_claim)
        leadership_claimed(&p->it, l->won, l->revision, w->now_ns);
    else
        leadership_lease_read(&p->it, l->found, l->term, l->holder, l->revision, w->now_ns);
}

static bool is_for_store(const letter *l) {
    return l->kind == LETTER_READ || l->kind == LETTER_CLAIM;
}

static void arrive(world *w, const letter *l) {
    const player *p = &w->players[l->to];
    bool lost = p->cut && (l->kind == LETTER_HEARTBEAT || l->kind == LETTER_SEEN || l->kind == LETTER_PROBE);
    if (is_for_store(l))
        at_store(w, l);
    else if (!p->dead && l->life == p->life && !lost)
        at_player(w, l);
}

/* What a paused instance is sent waits in its socket. */
static void deliver(world *w) {
    for (size_t i = 0; i < w->letter_count;) {
        letter l = w->letters[i];
        const player *p = &w->players[l.to];
        if (l.at_ns > w->now_ns || (p->paused && !p->dead && !is_for_store(&l))) {
            i++;
            continue;
        }
        w->letters[i] = w->letters[--w->letter_count];
        arrive(w, &l);
    }
}

static void cut_off(world *w, int index, bool cut) {
    player *p = &w->players[index];
    if (p->cut == cut) return;
    p->cut = cut;
    if (!p->dead) leadership_bus(&p->it, !cut, w->now_ns);
}

/* Not while a claim is on its way: of two claims for one term, a wipe between them lets both win, and so does no store. */
static void wipe(world *w) {
    for (size_t i = 0; i < w->letter_count; i++)
        if (w->letters[i].kind == LETTER_CLAIM) return;
    w->has_key = false;
    w->lease_term = 0;
}

/* What was on its way waits as well. */
static void freeze(world *w, int most_ms) {
    w->frozen_until_ns = w->now_ns + (int64_t)tw_random_below(&w->random, (uint64_t)most_ms) * MS;
    for (size_t i = 0; i < w->letter_count; i++) {
        letter *l = &w->letters[i];
        bool over_bus = l->kind == LETTER_HEARTBEAT || l->kind == LETTER_SEEN || l->kind == LETTER_PROBE;
        if (over_bus && l->at_ns < w->frozen_until_ns) l->at_ns = w->frozen_until_ns + delay(w, 8);
    }
}

static void play_fault(world *w) {
    int index = (int)tw_random_below(&w->random, INSTANCES);
    player *p = &w->players[index];
    switch (tw_random_below(&w->random, 8)) {
    case 0:
        p->dead = true;
        break;
    case 1:
        if (p->dead) be_born(w, index, true);
        if (p->cut) leadership_bus(&p->it, false, w->now_ns);
        break;
    case 2:
        p->paused = !p->paused;
        break;
    case 3:
        cut_off(w, index, !p->cut);
        break;
    case 4:
        p->no_store = !p->no_store;
        break;
    case 5:
        if (!p->dead && !p->paused) leadership_offer(&p->it, w->now_ns);
        break;
    case 6:
        freeze(w, 2500);
        break;
    default:
        if (tw_random_chance(&w->random, 1, 3)) wipe(w);
        break;
    }
}

static void end_faults(world *w) {
    w->frozen_until_ns = w->now_ns;
    for (int i = 0; i < INSTANCES; i++) {
        player *p = &w->players[i];
        p->no_store = p->paused = false;
        if (p->dead) be_born(w, i, true);
        cut_off(w, i, false);
    }
}

static int leaders(const world *w) {
    int count = 0;
    for (int i = 0; i < INSTANCES; i++)
        count += !w->players[i].dead && leadership_publishes(&w->players[i].it);
    return count;
}

static void begin_world(world *w, uint64_t seed) {
    memset(w, 0, sizeof *w);
    w->seed = seed;
    w->now_ns = START_NS;
    tw_random_seed(&w->random, seed);
    for (int i = 0; i < INSTANCES; i++)
        be_born(w, i, i > 0);
}

static void live_a_millisecond(world *w) {
    w->feed_seq++;
    for (int i = 0; i < INSTANCES; i++) { /* a loop that wakes runs its timer before it reads its sockets */
        if (w->players[i].dead || w->players[i].paused || (w->now_ns / MS + i) % 5 != 0) continue;
        step_player(w, i);
        publish(w, i);
    }
    deliver(w);
}

static void simulate(uint64_t seed, uint64_t *takeovers) {
    static world w; /* large */
    begin_world(&w, seed);
    int64_t calm_ns = START_NS + CALM_MS * MS;
    for (; w.now_ns < START_NS + END_MS * MS; w.now_ns += MS) {
        if (w.now_ns > START_NS + 500 * MS && w.now_ns < calm_ns && tw_random_chance(&w.random, 1, 150))
            play_fault(&w);
        if (w.now_ns == calm_ns) end_faults(&w);
        live_a_millisecond(&w);
        if (w.now_ns >= calm_ns + SETTLED_MS * MS)
            EXPECT_MSG(leaders(&w) == 1, "seed %" PRIu64 ": %d lead, %d ms after the last fault", seed, leaders(&w),
                       (int)((w.now_ns - calm_ns) / MS));
    }
    *takeovers += w.led_count;
}

TEST(leadership, three_instances_never_share_a_term_and_somebody_leads_soon_after_the_last_fault) {
    const char *chosen = getenv("TICKWIRE_SEED");
    uint64_t takeovers = 0, first = 1, last = 1000;
    if (chosen != NULL && tw_text_to_u64(chosen, &first)) last = first;
    for (uint64_t seed = first; seed <= last; seed++)
        simulate(seed, &takeovers);
    EXPECT_MSG(takeovers > 3 * (last - first), "only %" PRIu64 " takeovers: the faults don't bite", takeovers);
}

TEST(leadership, a_server_that_stands_still_again_and_again_changes_no_leader) {
    static world w; /* large */
    for (uint64_t seed = 1; seed <= 300; seed++) {
        begin_world(&w, seed);
        int freezes = 0;
        for (; w.now_ns < START_NS + END_MS * MS; w.now_ns += MS) {
            bool calm = w.now_ns >= w.frozen_until_ns + 500 * MS && w.now_ns > START_NS + 500 * MS;
            if (calm && tw_random_chance(&w.random, 1, 100)) {
                freeze(&w, 2500);
                freezes++;
            }
            live_a_millisecond(&w);
        }
        EXPECT_MSG(w.led_count == 1 && w.wins == 1 && leaders(&w) == 1,
                   "seed %" PRIu64 ": %zu leaderships after %d freezes", seed, w.led_count, freezes);
        EXPECT(freezes > 3);
    }
}
