/* Who serves: scenes as tables, and three matchers played against a lease, an execlog, delays and faults by seed. */
#include "matcher/lead/lead.h"

#include "base/random.h"
#include "base/text.h"
#include "tests/unit.h"

#define MS       INT64_C(1000000)
#define START_NS (1000 * 1000 * MS)
#define UTC_NS   (INT64_C(1700000000) * 1000 * MS)
#define FIRST    (uint64_t)((UTC_NS + START_NS) / MS) /* the term that the clock gives at the start */

static const char *const action_names[] = {"",       "READ",  "PROBE",  "CLAIM", "LEAD", "HOLD",
                                           "RESUME", "GO_ON", "FOLLOW", "DRAIN", "OFFER"};

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
    FENCED,
    READY,
    BEHIND,
    DRAINED,
    PROBED,
    PAUSED
} event;

/* One line of a scene: time passes by steps of 5 ms up to `ms`, then the event happens and all that was said since the last line is compared.
 * PAUSED: time passes up to `ms` without a step. A probe comes back at once, unless the scene's bus stands still: then PROBED brings the last. */
typedef struct row {
    int ms;
    event event;
    uint64_t term; /* of the event */
    const char *name;
    uint64_t
        number; /* HEARD, OFFERED: the seq, published up to 10 before; READ_AS, WON: revision; READY, BEHIND: own seq */
    const char *says;
    ml_role role;
} row;

typedef struct scene {
    ml_lead it;
    ml_self mine;
    int64_t now_ns;
    bool bus_stands_still;
    char said[200];
} scene;

static void listen_to(scene *s) {
    ml_action action;
    while ((action = ml_step(&s->it, &s->mine, s->now_ns, UTC_NS + s->now_ns)) != ML_NOTHING) {
        size_t length = strlen(s->said);
        tw_text_format(s->said + length, sizeof s->said - length, "%s%s", length > 0 ? " " : "",
                       action_names[action]);
        if (action == ML_PROBE && !s->bus_stands_still) ml_probed(&s->it, s->it.silence.probe, s->now_ns);
    }
}

static void beat(scene *s, const row *r) {
    ml_heartbeat heartbeat = {
        .term = r->term, .seq = r->number, .published_seq = r->number - 10, .handover = r->event == OFFERED};
    tw_text_copy(heartbeat.leader, sizeof heartbeat.leader, r->name);
    tw_text_copy(heartbeat.epoch, sizeof heartbeat.epoch, "2026-01-02.TWEX-1");
    ml_heard(&s->it, &heartbeat, s->now_ns);
}

static void happen(scene *s, const row *r) {
    switch (r->event) {
    case HEARD:
    case OFFERED:
        beat(s, r);
        break;
    case READ_AS:
        ml_lease_read(&s->it, true, r->term, r->name, r->number, s->now_ns);
        break;
    case NO_KEY:
        ml_lease_read(&s->it, false, 0, "", r->number, s->now_ns);
        break;
    case SEEN:
        ml_lease_seen(&s->it, r->term, r->name);
        break;
    case AWAY:
        ml_lease_away(&s->it, s->now_ns);
        break;
    case WON:
    case LOST:
        ml_claimed(&s->it, r->event == WON, r->number, s->now_ns);
        break;
    case BUS_OFF:
    case BUS_ON:
        ml_bus(&s->it, r->event == BUS_ON, s->now_ns);
        break;
    case ASKED:
        ml_offer(&s->it, s->now_ns);
        break;
    case FENCED:
        ml_fenced(&s->it, s->now_ns);
        break;
    case READY:
    case BEHIND:
        s->mine.ready = r->event == READY;
        s->mine.seq = r->number;
        break;
    case DRAINED:
        s->mine.drained = true;
        break;
    case PROBED:
        ml_probed(&s->it, s->it.silence.probe, s->now_ns);
        break;
    case WAIT:
    case PAUSED:
    default:
        break;
    }
}

static void pass_time(scene *s, const row *r) {
    int64_t until_ns = START_NS + r->ms * MS;
    if (r->event == PAUSED) s->now_ns = until_ns;
    while (s->now_ns < until_ns) {
        s->now_ns += 5 * MS;
        listen_to(s);
    }
}

static void scene_start(scene *s, const char *name) {
    ml_options options = {.lease_ns = 300 * MS};
    *s = (scene){.now_ns = START_NS, .mine = {.seq = 100, .ready = true}};
    tw_text_copy(options.name, sizeof options.name, name);
    tw_text_copy(s->mine.epoch, sizeof s->mine.epoch, "2026-01-02.TWEX-1");
    ml_init(&s->it, &options, s->now_ns, UTC_NS + s->now_ns);
}

static void play(scene *s, const char *name, const row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        pass_time(s, &rows[i]);
        listen_to(s);
        happen(s, &rows[i]);
        listen_to(s);
        EXPECT_MSG(strcmp(s->said, rows[i].says) == 0, "%s, line %zu: says \"%s\", expected \"%s\"", name, i,
                   s->said, rows[i].says);
        EXPECT_MSG(s->it.role == rows[i].role, "%s, line %zu: %s, expected %s", name, i, ml_role_name(s->it.role),
                   ml_role_name(rows[i].role));
        s->said[0] = '\0';
    }
}

#define PLAY(rows)                                                                                                 \
    scene s;                                                                                                       \
    scene_start(&s, "me");                                                                                         \
    play(&s, #rows, rows, sizeof rows / sizeof rows[0])

#define LEADS_FROM_THE_START                                                                                       \
    {0, NO_KEY, 0, "", 0, "FOLLOW READ", ML_FOLLOWING}, {325, WAIT, 0, "", 0, "PROBE CLAIM", ML_CLAIMING}, {       \
        330, WON, 0, "", 1, "LEAD", ML_LEADING                                                                     \
    }

TEST(matcher_lead, the_first_matcher_leads_when_it_has_heard_nobody) {
    static const row rows[] = {
        {0, WAIT, 0, "", 0, "FOLLOW READ", ML_FOLLOWING}, {5, NO_KEY, 0, "", 0, "", ML_FOLLOWING},
        {290, WAIT, 0, "", 0, "", ML_FOLLOWING},          {325, WAIT, 0, "", 0, "PROBE CLAIM", ML_CLAIMING},
        {330, WON, 0, "", 1, "LEAD", ML_LEADING},         {900, WAIT, 0, "", 0, "", ML_LEADING},
    };
    PLAY(rows);
    EXPECT_U64(s.it.term, FIRST + 320);
    EXPECT_U64(s.it.safe_seq, 0);
}

TEST(matcher_lead, a_standby_takes_over_when_the_leader_falls_silent) {
    static const row rows[] = {
        {0, READ_AS, FIRST, "old", 7, "FOLLOW READ", ML_FOLLOWING},
        {50, HEARD, FIRST, "old", 90, "", ML_FOLLOWING},
        {150, HEARD, FIRST, "old", 95, "", ML_FOLLOWING},
        {445, WAIT, 0, "", 0, "", ML_FOLLOWING},
        {475, WAIT, 0, "", 0, "PROBE CLAIM", ML_CLAIMING},
        {478, WON, 0, "", 8, "LEAD", ML_LEADING},
        {480, HEARD, FIRST, "old", 99, "", ML_LEADING}, /* it wakes up and says what it had to say */
    };
    PLAY(rows);
    EXPECT_U64(s.it.candidacy.claim_revision, 7);
    EXPECT_U64(s.it.safe_seq, 85);
    EXPECT_U64(s.it.continues_term, FIRST);
    EXPECT(s.it.term > FIRST);
}

TEST(matcher_lead, who_has_not_read_to_the_end_does_not_claim) {
    static const row rows[] = {
        {0, BEHIND, 0, "", 40, "FOLLOW READ", ML_FOLLOWING},
        {5, NO_KEY, 0, "", 0, "", ML_FOLLOWING},
        {2000, WAIT, 0, "", 0, "", ML_FOLLOWING},
        {2005, READY, 0, "", 100, "PROBE", ML_FOLLOWING},
        {2030, WAIT, 0, "", 0, "CLAIM", ML_CLAIMING},
    };
    PLAY(rows);
}

TEST(matcher_lead, a_winner_waits_until_it_is_where_the_old_leader_was) {
    static const row rows[] = {
        {0, READ_AS, FIRST, "old", 7, "FOLLOW READ", ML_FOLLOWING},
        {50, HEARD, FIRST, "old", 150, "", ML_FOLLOWING},
        {375, WAIT, 0, "", 0, "PROBE CLAIM", ML_CLAIMING},
        {380, WON, 0, "", 8, "", ML_CATCHING_UP},
        {3000, WAIT, 0, "", 0, "", ML_CATCHING_UP},
        {3005, BEHIND, 0, "", 150, "", ML_CATCHING_UP},
        {3010, READY, 0, "", 150, "LEAD", ML_LEADING},
    };
    PLAY(rows);
}

TEST(matcher_lead, a_handover_is_taken_at_once_by_who_is_level) {
    static const row rows[] = {
        {0, READ_AS, FIRST, "old", 7, "FOLLOW READ", ML_FOLLOWING},
        {50, OFFERED, FIRST, "old", 101, "", ML_FOLLOWING},
        {55, READY, 0, "", 101, "CLAIM", ML_CLAIMING},
        {58, WON, 0, "", 8, "LEAD", ML_LEADING},
    };
    PLAY(rows);
    EXPECT_U64(s.it.safe_seq, 91);
}

TEST(matcher_lead, a_leader_that_is_asked_drains_then_offers_then_follows) {
    static const row rows[] = {
        LEADS_FROM_THE_START,
        {400, ASKED, 0, "", 0, "DRAIN", ML_DRAINING},
        {410, DRAINED, 0, "", 0, "OFFER", ML_OFFERING},
        {420, SEEN, FIRST + 500, "new", 0, "FOLLOW READ", ML_FOLLOWING},
    };
    PLAY(rows);
}

TEST(matcher_lead, an_offer_that_nobody_takes_ends) {
    static const row rows[] = {
        LEADS_FROM_THE_START,
        {400, ASKED, 0, "", 0, "DRAIN", ML_DRAINING},
        {410, DRAINED, 0, "", 0, "OFFER", ML_OFFERING},
        {905, WAIT, 0, "", 0, "GO_ON", ML_LEADING},
        {910, ASKED, 0, "", 0, "DRAIN OFFER", ML_OFFERING},
    };
    PLAY(rows);
}

TEST(matcher_lead, a_write_that_never_ends_does_not_keep_a_handover_open) {
    static const row rows[] = {
        LEADS_FROM_THE_START,
        {400, ASKED, 0, "", 0, "DRAIN", ML_DRAINING},
        {905, WAIT, 0, "", 0, "GO_ON", ML_LEADING},
    };
    PLAY(rows);
}

TEST(matcher_lead, a_leader_that_stood_still_asks_the_lease_before_it_goes_on) {
    static const row rows[] = {
        LEADS_FROM_THE_START,
        {700, PAUSED, 0, "", 0, "HOLD READ", ML_VERIFYING},
        {705, READ_AS, FIRST + 320, "me", 1, "GO_ON", ML_LEADING},
        {1105, PAUSED, 0, "", 0, "HOLD READ", ML_VERIFYING},
        {1110, READ_AS, FIRST + 800, "new", 2, "FOLLOW", ML_FOLLOWING},
    };
    PLAY(rows);
}

TEST(matcher_lead, a_deposed_leader_that_wakes_up_steps_back_at_the_first_heartbeat) {
    static const row rows[] = {
        LEADS_FROM_THE_START,
        {2330, PAUSED, 0, "", 0, "HOLD READ", ML_VERIFYING},
        {2331, HEARD, FIRST + 900, "new", 300, "FOLLOW", ML_FOLLOWING},
    };
    PLAY(rows);
}

TEST(matcher_lead, while_the_lease_cannot_be_read_a_leader_that_stood_still_says_nothing) {
    static const row rows[] = {
        LEADS_FROM_THE_START,
        {700, PAUSED, 0, "", 0, "HOLD READ", ML_VERIFYING},
        {705, AWAY, 0, "", 0, "", ML_VERIFYING},
        {805, WAIT, 0, "", 0, "READ", ML_VERIFYING},
        {810, AWAY, 0, "", 0, "", ML_VERIFYING},
        {910, WAIT, 0, "", 0, "READ", ML_VERIFYING},
        {915, READ_AS, FIRST + 320, "me", 1, "GO_ON", ML_LEADING},
    };
    PLAY(rows);
}

TEST(matcher_lead, who_is_fenced_asks_the_lease_and_goes_on_behind_the_last_words_of_its_predecessor) {
    static const row rows[] = {
        LEADS_FROM_THE_START,
        {400, FENCED, 0, "", 0, "HOLD READ", ML_VERIFYING},
        {403, BEHIND, 0, "", 100, "", ML_VERIFYING},
        {405, READ_AS, FIRST + 320, "me", 1, "", ML_CATCHING_UP}, /* execlog is not read to its end yet */
        {410, READY, 0, "", 100, "GO_ON", ML_LEADING},
        {500, FENCED, 0, "", 0, "HOLD READ", ML_VERIFYING},
        {505, READ_AS, FIRST + 400, "new", 2, "FOLLOW", ML_FOLLOWING},
    };
    PLAY(rows);
    EXPECT_U64(s.it.fenced, 2);
}

TEST(matcher_lead, after_the_bus_was_away_a_leader_asks_the_lease_and_waits_for_its_subscribers) {
    static const row rows[] = {
        LEADS_FROM_THE_START,
        {400, BUS_OFF, 0, "", 0, "HOLD", ML_VERIFYING},
        {2000, BUS_ON, 0, "", 0, "READ", ML_VERIFYING},
        {2005, READ_AS, FIRST + 320, "me", 1, "", ML_CATCHING_UP},
        {2245, WAIT, 0, "", 0, "", ML_CATCHING_UP},
        {2250, WAIT, 0, "", 0, "RESUME", ML_LEADING},
    };
    PLAY(rows);
}

TEST(matcher_lead, a_lease_that_is_gone_or_older_is_claimed_anew_with_a_higher_term) {
    static const row rows[] = {
        LEADS_FROM_THE_START,
        {400, FENCED, 0, "", 0, "HOLD READ", ML_VERIFYING},
        {405, NO_KEY, 0, "", 3, "FOLLOW", ML_FOLLOWING},
        {730, WAIT, 0, "", 0, "PROBE CLAIM", ML_CLAIMING},
        {735, WON, 0, "", 4, "LEAD", ML_LEADING},
    };
    PLAY(rows);
    EXPECT_U64(s.it.candidacy.claim_revision, 3);
    EXPECT(s.it.term > FIRST + 320);
}

TEST(matcher_lead, who_loses_a_claim_leaves_the_winner_the_time_to_speak) {
    static const row rows[] = {
        {0, READ_AS, FIRST, "old", 7, "FOLLOW READ", ML_FOLLOWING},
        {50, HEARD, FIRST, "old", 90, "", ML_FOLLOWING},
        {375, WAIT, 0, "", 0, "PROBE CLAIM", ML_CLAIMING},
        {376, SEEN, FIRST + 400, "other", 0, "", ML_CLAIMING}, /* it was a moment earlier */
        {377, LOST, 0, "", 0, "FOLLOW READ", ML_FOLLOWING},
        {378, READ_AS, FIRST + 400, "other", 8, "", ML_FOLLOWING},
        {670, WAIT, 0, "", 0, "", ML_FOLLOWING},
        {705, WAIT, 0, "", 0, "PROBE CLAIM", ML_CLAIMING}, /* it never spoke */
    };
    PLAY(rows);
    EXPECT_U64(s.it.candidacy.claim_revision, 8);
}

TEST(matcher_lead, a_claim_whose_answer_was_lost_is_found_in_the_lease) {
    static const row rows[] = {
        {0, NO_KEY, 0, "", 0, "FOLLOW READ", ML_FOLLOWING},
        {325, WAIT, 0, "", 0, "PROBE CLAIM", ML_CLAIMING},
        {330, AWAY, 0, "", 0, "FOLLOW", ML_FOLLOWING},
        {430, WAIT, 0, "", 0, "READ", ML_FOLLOWING},
        {435, READ_AS, FIRST + 320, "me", 1, "LEAD", ML_LEADING},
    };
    PLAY(rows);
}

TEST(matcher_lead, who_loses_the_claim_follows_the_winner) {
    static const row rows[] = {
        {0, NO_KEY, 0, "", 0, "FOLLOW READ", ML_FOLLOWING},
        {325, WAIT, 0, "", 0, "PROBE CLAIM", ML_CLAIMING},
        {330, LOST, 0, "", 0, "FOLLOW READ", ML_FOLLOWING},
        {335, READ_AS, FIRST + 322, "new", 1, "", ML_FOLLOWING},
        {630, WAIT, 0, "", 0, "", ML_FOLLOWING}, /* the winner gets its time to speak */
        {665, WAIT, 0, "", 0, "PROBE CLAIM", ML_CLAIMING},
    };
    PLAY(rows);
}

TEST(matcher_lead, a_win_heard_of_after_a_stop_proves_nothing) {
    static const row rows[] = {
        {0, NO_KEY, 0, "", 0, "FOLLOW READ", ML_FOLLOWING},
        {325, WAIT, 0, "", 0, "PROBE CLAIM", ML_CLAIMING},
        {1000, PAUSED, 0, "", 0, "", ML_CLAIMING},
        {1000, WON, 0, "", 1, "READ", ML_VERIFYING},
        {1005, READ_AS, FIRST + 700, "new", 2, "FOLLOW", ML_FOLLOWING},
    };
    PLAY(rows);
}

TEST(matcher_lead, a_bus_that_stood_still_is_no_silence_of_the_leader) {
    static const row rows[] = {
        {0, READ_AS, FIRST, "old", 7, "FOLLOW READ", ML_FOLLOWING},
        {50, HEARD, FIRST, "old", 90, "", ML_FOLLOWING},
        {355, WAIT, 0, "", 0, "PROBE", ML_FOLLOWING},
        {600, PROBED, 0, "", 0, "", ML_FOLLOWING},
        {890, WAIT, 0, "", 0, "", ML_FOLLOWING},
        {905, WAIT, 0, "", 0, "PROBE", ML_FOLLOWING},
        {910, HEARD, FIRST, "old", 120, "", ML_FOLLOWING},
    };
    scene s;
    scene_start(&s, "me");
    s.bus_stands_still = true;
    play(&s, "rows", rows, sizeof rows / sizeof rows[0]);
}

TEST(matcher_lead, a_term_beyond_reason_is_not_believed) {
    static const row rows[] = {
        LEADS_FROM_THE_START,
        {400, HEARD, UINT64_MAX - 1, "evil", 500, "", ML_LEADING},
        {410, SEEN, UINT64_MAX - 1, "evil", 0, "", ML_LEADING},
    };
    PLAY(rows);
    EXPECT_U64(s.it.candidacy.disbelieved, 2);
}

/* ---- three of them, a lease, an execlog, and faults ---- */

enum { MATCHERS = 3, MOST_LATE = 64 };

typedef struct lease_call {
    int64_t due_ns; /* when its answer comes; 0: none under way */
    bool claims, won, lost_answer;
    uint64_t term, revision;
    char holder[ML_NAME_BYTES];
    uint64_t found_term, found_revision;
    char found_holder[ML_NAME_BYTES];
} lease_call;

typedef struct matcher {
    ml_lead it;
    ml_self mine;
    lease_call call;
    int64_t stopped_until_ns, off_until_ns, probe_ns;
    uint64_t log_read; /* execlog messages it has seen */
    bool writing;      /* a write is on its way */
    int64_t write_ns;  /* when it arrives */
    uint64_t write_expects, write_first, write_last;
    bool holds; /* told to hold, drain or follow */
    bool offers;
    bool connected;
} matcher;

typedef struct late_beat {
    int64_t due_ns;
    unsigned to;
    ml_heartbeat beat;
} late_beat;

static struct play {
    uint64_t seed;
    tw_random random;
    int64_t now_ns, beat_ns, input_ns;
    uint64_t inputs;    /* in the order stream */
    uint64_t log_count; /* messages in execlog */
    uint64_t logged;    /* inputs whose reports are in it */
    uint64_t term, revision;
    char holder[ML_NAME_BYTES];
    matcher matchers[MATCHERS];
    late_beat late[MOST_LATE];
    unsigned late_count;
    int64_t served_ns; /* the last time that something was stored */
} p;

static bool chance(uint32_t in) {
    return tw_random_below(&p.random, in) == 0;
}

static void play_init(uint64_t seed) {
    memset(&p, 0, sizeof p);
    p.seed = seed;
    p.now_ns = p.served_ns = START_NS;
    tw_random_seed(&p.random, seed);
    for (unsigned i = 0; i < MATCHERS; i++) {
        ml_options options = {.lease_ns = 300 * MS};
        tw_text_format(options.name, sizeof options.name, "m%u", i);
        ml_init(&p.matchers[i].it, &options, p.now_ns, UTC_NS + p.now_ns);
        p.matchers[i].holds = true;
        p.matchers[i].connected = true;
    }
}

static void start_call(matcher *m, bool claims) {
    lease_call *c = &m->call;
    *c = (lease_call){.due_ns = p.now_ns + (int64_t)(1 + tw_random_below(&p.random, 30)) * MS, .claims = claims};
    if (chance(10)) c->due_ns += 400 * MS;
    c->lost_answer = chance(10);
    if (claims && chance(10)) { /* it never got there */
        c->lost_answer = true;
        return;
    }
    if (claims && m->it.candidacy.claim_revision == p.revision) {
        EXPECT_MSG(m->it.candidacy.claim_term > p.term, "seed %" PRIu64 ": a term that does not rise", p.seed);
        c->won = true;
        p.term = m->it.candidacy.claim_term;
        p.revision++;
        tw_text_copy(p.holder, sizeof p.holder, m->it.options.name);
        for (unsigned i = 0; i < MATCHERS; i++)
            if (p.matchers[i].connected && !chance(4)) ml_lease_seen(&p.matchers[i].it, p.term, p.holder);
    }
    c->found_term = p.term;
    c->found_revision = p.revision;
    tw_text_copy(c->found_holder, sizeof c->found_holder, p.holder);
}

static void end_call(matcher *m) {
    lease_call c = m->call;
    m->call.due_ns = 0;
    if (c.lost_answer)
        ml_lease_away(&m->it, p.now_ns);
    else if (c.claims)
        ml_claimed(&m->it, c.won, c.found_revision, p.now_ns);
    else
        ml_lease_read(&m->it, c.found_term > 0, c.found_term, c.found_holder, c.found_revision, p.now_ns);
}

static void act(matcher *m, ml_action action) {
    switch (action) {
    case ML_READ:
    case ML_CLAIM:
        EXPECT_MSG(m->call.due_ns == 0, "seed %" PRIu64 ": two calls at once", p.seed);
        start_call(m, action == ML_CLAIM);
        break;
    case ML_PROBE:
        m->probe_ns = p.now_ns + (int64_t)tw_random_below(&p.random, 20) * MS;
        break;
    case ML_LEAD:
        EXPECT(m->holds && m->mine.ready);
        m->holds = m->offers = false;
        break;
    case ML_RESUME:
    case ML_GO_ON:
        m->holds = m->offers = false;
        break;
    case ML_HOLD:
    case ML_FOLLOW:
    case ML_DRAIN:
        m->holds = true;
        m->offers = false;
        break;
    case ML_OFFER:
        m->offers = true;
        break;
    case ML_NOTHING:
    default:
        break;
    }
}

/* A write arrives at the stream: in order, once, or refused. */
static void write_arrives(matcher *m) {
    if (m->write_expects == p.log_count) {
        EXPECT_MSG(m->write_first == p.logged + 1,
                   "seed %" PRIu64 ": execlog goes on with input %" PRIu64 " behind %" PRIu64, p.seed,
                   m->write_first, p.logged);
        p.logged = m->write_last;
        p.log_count++;
        p.served_ns = p.now_ns;
        m->log_read = p.log_count;
    } else {
        ml_fenced(&m->it, p.now_ns);
    }
    m->writing = false;
}

static void write_more(matcher *m) {
    if (m->writing || m->holds || !m->connected || m->log_read != p.log_count || p.logged >= m->mine.seq) {
        if (!m->writing && !m->holds && m->connected && m->log_read != p.log_count) {
            /* it does not know yet: it writes what it believes is next, and the fence says no */
            m->writing = true;
            m->write_expects = m->log_read;
            m->write_ns = p.now_ns + 5 * MS;
        }
        return;
    }
    m->writing = true;
    m->write_expects = p.log_count;
    m->write_first = p.logged + 1;
    m->write_last = m->mine.seq;
    m->write_ns = p.now_ns + (int64_t)(1 + tw_random_below(&p.random, 10)) * MS;
}

static void speak(matcher *m, unsigned self) {
    if (!ml_speaks(&m->it) || m->it.told_term != m->it.term) return;
    ml_heartbeat beat = {
        .term = m->it.term, .seq = m->mine.seq, .published_seq = m->mine.seq, .handover = m->offers};
    tw_text_copy(beat.leader, sizeof beat.leader, m->it.options.name);
    for (unsigned to = 0; to < MATCHERS && p.late_count < MOST_LATE; to++) {
        int64_t delay_ns = (int64_t)tw_random_below(&p.random, to == self ? 2 : 20) * MS;
        p.late[p.late_count++] = (late_beat){p.now_ns + delay_ns, to, beat};
    }
}

static void deliver(void) {
    unsigned left = 0;
    for (unsigned i = 0; i < p.late_count; i++) {
        late_beat *l = &p.late[i];
        matcher *to = &p.matchers[l->to];
        bool hears = to->connected && p.now_ns >= to->stopped_until_ns;
        if (p.now_ns < l->due_ns || (to->connected && !hears)) {
            p.late[left++] = *l;
        } else if (hears) {
            ml_heard(&to->it, &l->beat, p.now_ns);
        }
    }
    p.late_count = left;
}

static void run_matcher(matcher *m) {
    if (m->writing && p.now_ns >= m->write_ns) write_arrives(m); /* on the wire, whatever its process does */
    if (p.now_ns < m->stopped_until_ns) return;
    bool connected = p.now_ns >= m->off_until_ns;
    if (connected != m->connected) ml_bus(&m->it, m->connected = connected, p.now_ns);
    if (m->call.due_ns != 0 && p.now_ns >= m->call.due_ns) end_call(m);
    if (m->probe_ns != 0 && p.now_ns >= m->probe_ns && connected) {
        m->probe_ns = 0;
        ml_probed(&m->it, m->it.silence.probe, p.now_ns);
    }
    if (connected && chance(2)) {
        m->mine.seq = p.inputs;
        m->log_read = p.log_count;
    }
    m->mine.ready = connected && m->log_read == p.log_count;
    m->mine.drained = !m->writing;
    ml_action action;
    while ((action = ml_step(&m->it, &m->mine, p.now_ns, UTC_NS + p.now_ns)) != ML_NOTHING)
        act(m, action);
    if (!m->holds) write_more(m);
}

static void trouble(void) {
    matcher *m = &p.matchers[tw_random_below(&p.random, MATCHERS)];
    int64_t until_ns = p.now_ns + (int64_t)tw_random_below(&p.random, 2000) * MS;
    switch (tw_random_below(&p.random, 4)) {
    case 0:
    case 1:
        m->stopped_until_ns = until_ns;
        break;
    case 2:
        m->off_until_ns = until_ns;
        break;
    default:
        ml_offer(&m->it, p.now_ns);
        break;
    }
}

static void run_for(int64_t ns, bool troubled) {
    for (int64_t end_ns = p.now_ns + ns; p.now_ns < end_ns;) {
        p.now_ns += 5 * MS;
        if (troubled && chance(60)) trouble();
        if (chance(2)) p.inputs++;
        deliver();
        for (unsigned i = 0; i < MATCHERS; i++)
            run_matcher(&p.matchers[i]);
        if (p.now_ns - p.beat_ns < 100 * MS) continue;
        p.beat_ns = p.now_ns;
        for (unsigned i = 0; i < MATCHERS; i++)
            if (p.matchers[i].connected && p.now_ns >= p.matchers[i].stopped_until_ns) speak(&p.matchers[i], i);
    }
}

static unsigned leaders(void) {
    unsigned count = 0;
    for (unsigned i = 0; i < MATCHERS; i++)
        count += ml_serves(&p.matchers[i].it);
    return count;
}

TEST(matcher_lead, with_faults_of_all_kinds_every_input_is_logged_once_and_one_leads_in_the_end) {
    for (uint64_t seed = 1; seed <= 300; seed++) {
        play_init(seed);
        run_for(20000 * MS, true);
        uint64_t before = p.logged;
        run_for(6000 * MS, false); /* the last trouble ends within two seconds */
        EXPECT_MSG(leaders() == 1, "seed %" PRIu64 ": %u lead in the end", seed, leaders());
        EXPECT_MSG(p.logged > before, "seed %" PRIu64 ": nothing was logged after the faults", seed);
        EXPECT_MSG(p.now_ns - p.served_ns < 1000 * MS, "seed %" PRIu64 ": nobody serves", seed);
        EXPECT_MSG(p.inputs - p.logged < 50, "seed %" PRIu64 ": %" PRIu64 " of %" PRIu64 " inputs are logged", seed,
                   p.logged, p.inputs);
    }
}

TEST(matcher_lead, when_the_leader_ends_another_serves_within_two_seconds) {
    for (uint64_t seed = 1; seed <= 300; seed++) {
        play_init(seed);
        run_for(3000 * MS, false);
        EXPECT_U64(leaders(), 1);
        for (unsigned i = 0; i < MATCHERS; i++)
            if (ml_serves(&p.matchers[i].it)) p.matchers[i].stopped_until_ns = INT64_MAX;
        int64_t killed_ns = p.now_ns;
        uint64_t term = p.term;
        run_for(100 * MS, false); /* what was on the wire */
        p.served_ns = killed_ns;
        while (p.served_ns == killed_ns && p.now_ns < killed_ns + 2000 * MS)
            run_for(5 * MS, false);
        EXPECT_MSG(p.served_ns > killed_ns && p.term > term, "seed %" PRIu64 ": nobody serves after 2 s", seed);
    }
}
