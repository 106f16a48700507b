/* Who gets the reports of which account: each once, in order, whatever the bus and the venue do. */
#include "base/random.h"
#include "base/text.h"
#include "gateways/orders/follow.h"
#include "tests/unit.h"

#define CLIENTS 8

typedef struct heard {
    uint32_t counts[CLIENTS];
    uint64_t seqs[CLIENTS][4096];
    uint32_t ns[CLIENTS][4096];
    char listening[256];
    uint32_t lost;
    follow_loss loss;
    bool full[CLIENTS];
    uint32_t feeds[4]; /* of accounts a, b, c, d */
} heard;
static heard got;

static void deliver(void *context, uint32_t client, const char *account, uint32_t shard, const wire_report *report,
                    const void *message) {
    (void)context, (void)account, (void)shard, (void)message;
    uint32_t i = got.counts[client]++;
    got.seqs[client][i % 4096] = report->seq;
    got.ns[client][i % 4096] = report->n;
}

static void say(const char *what, const char *account) {
    size_t used = strlen(got.listening);
    tw_text_format(got.listening + used, sizeof got.listening - used, "%s%s ", what, account);
}

static void listen_to(void *context, uint32_t feed, const char *account) {
    (void)context;
    if (account[1] == '\0') got.feeds[account[0] - 'a'] = feed;
    say("+", account);
}

static void unlisten(void *context, uint32_t feed, const char *account) {
    (void)context, (void)feed;
    say("-", account);
}

static void lost(void *context, uint32_t client, const char *account, const follow_loss *loss) {
    (void)context, (void)client, (void)account;
    got.lost++;
    got.loss = *loss;
}

static bool has_room(void *context, uint32_t client) {
    (void)context;
    return !got.full[client];
}

static follow_table *table_new(void) {
    memset(&got, 0, sizeof got);
    follow_options options = {.max_clients = CLIENTS,
                              .max_feeds = 4,
                              .max_followers = 16,
                              .max_chases = 16,
                              .retry_ns = 100,
                              .patience_ns = 1000,
                              .doubt_ns = 500};
    follow_handlers handlers = {
        .deliver = deliver, .listen = listen_to, .unlisten = unlisten, .has_room = has_room};
    return follow_alloc(&options, &handlers);
}

static void live(follow_table *t, uint64_t term, uint64_t seq, uint32_t n) {
    wire_report report = {.seq = seq, .n = n};
    follow_take_live(t, got.feeds[0], 1, term, &report, NULL, 0);
}

static void page(follow_table *t, uint32_t chase, uint64_t seq, uint32_t n) {
    wire_report report = {.seq = seq, .n = n};
    follow_take_page(t, chase, &report, NULL);
}

static follow_question question(follow_table *t, int64_t now_ns) {
    follow_question q;
    EXPECT(follow_next_question(t, now_ns, &q));
    return q;
}

TEST(orders_follow, an_account_is_listened_to_while_somebody_follows_it) {
    follow_table *t = table_new();
    EXPECT(follow_add(t, 1, "a", NULL, 0, 0) && follow_add(t, 2, "a", NULL, 0, 0) &&
           follow_add(t, 2, "b", NULL, 0, 0));
    EXPECT(follow_add(t, 1, "a", NULL, 0, 0)); /* again */
    live(t, 1, 5, 0);
    EXPECT(follow_remove(t, 1, "a") && !follow_remove(t, 1, "a"));
    live(t, 1, 5, 1);
    follow_remove_all(t, 2);
    EXPECT_STR(got.listening, "+a +b -b -a ");
    EXPECT_U64(got.counts[1], 1);
    EXPECT_U64(got.counts[2], 2);
    follow_free(t);
}

TEST(orders_follow, what_comes_again_after_a_failover_goes_no_further) {
    follow_table *t = table_new();
    follow_question q;
    follow_add(t, 1, "a", NULL, 0, 0);
    live(t, 1, 5, 0);
    live(t, 1, 6, 1);
    live(t, 1, 5, 0);
    live(t, 1, 6, 1);
    EXPECT_U64(got.counts[1], 2);
    /* Another leader: what the old one did not say any more is asked for, and meanwhile nothing overtakes it. */
    live(t, 2, 6, 1);
    live(t, 2, 8, 0);
    q = question(t, 0);
    EXPECT_U64(q.after, 6);
    EXPECT_U64(q.after_n, 1);
    page(t, q.chase, 6, 2);
    page(t, q.chase, 7, 0);
    page(t, q.chase, 8, 0);
    follow_end_page(t, q.chase, 8, false, 0);
    live(t, 2, 8, 0);
    live(t, 2, 9, 0);
    EXPECT(!follow_next_question(t, 1000, &q));
    EXPECT_U64(got.counts[1], 6);
    EXPECT_U64(follow_read_stats(t).duplicates, 4);
    follow_free(t);
}

TEST(orders_follow, a_page_without_a_report_is_not_asked_for_again) {
    follow_table *t = table_new();
    follow_position from = {.shard = 1, .seq = 3, .n = 0};
    EXPECT(follow_add(t, 1, "a", &from, 1, 0));
    follow_question q = question(t, 0);
    follow_pass_page(t, q.chase, 70, 5);
    follow_end_page(t, q.chase, 90, true, 0);
    q = question(t, 0);
    EXPECT_U64(q.after, 70);
    EXPECT_U64(q.after_n, 5);
    follow_pass_page(t, q.chase, 60, 0); /* a venue that knows no better */
    page(t, q.chase, 80, 1);
    follow_end_page(t, q.chase, 90, false, 0);
    EXPECT(!follow_next_question(t, 1000, &q));
    EXPECT(got.counts[1] == 1 && got.seqs[1][0] == 80);
    follow_free(t);
}

TEST(orders_follow, who_comes_back_has_what_it_missed_first_and_others_do_not_notice) {
    follow_table *t = table_new();
    follow_position from = {.shard = 1, .seq = 3, .n = 0};
    follow_add(t, 1, "a", NULL, 0, 0);
    live(t, 1, 5, 0);
    EXPECT(follow_add(t, 2, "a", &from, 1, 0));
    follow_question q = question(t, 0);
    live(t, 1, 6, 0); /* not for 2: a page will have it */
    page(t, q.chase, 4, 0);
    follow_end_page(t, q.chase, 5, true, 0);
    q = question(t, 0);
    EXPECT_U64(q.after, 4);
    page(t, q.chase, 5, 0);
    follow_end_page(t, q.chase, 5, false, 0); /* made before 6 */
    q = question(t, 100);
    page(t, q.chase, 6, 0);
    page(t, q.chase, 7, 0); /* which comes live only now */
    follow_end_page(t, q.chase, 7, false, 100);
    live(t, 1, 7, 0);
    live(t, 1, 8, 0);
    EXPECT_U64(got.counts[1], 4);
    static const uint64_t seqs[] = {4, 5, 6, 7, 8};
    EXPECT_U64(got.counts[2], 5);
    EXPECT(memcmp(got.seqs[2], seqs, sizeof seqs) == 0);
    follow_free(t);
}

TEST(orders_follow, a_question_that_nobody_answers_is_asked_again_and_one_whose_client_left_is_forgotten) {
    follow_table *t = table_new();
    follow_position from = {.shard = 1, .seq = 3, .n = 0};
    follow_question q, again;
    follow_add(t, 1, "a", &from, 1, 0);
    q = question(t, 0);
    EXPECT(!follow_next_question(t, 0, &again));
    follow_fail(t, q.chase, 10);
    EXPECT_I64(follow_due_ns(t), 110);
    EXPECT(!follow_next_question(t, 109, &again));
    q = question(t, 110);
    follow_remove_all(t, 1);
    page(t, q.chase, 4, 0); /* too late */
    follow_end_page(t, q.chase, 4, false, 120);
    EXPECT(!follow_next_question(t, 9999, &again));
    EXPECT_U64(got.counts[1], 0);
    EXPECT_U64(follow_read_stats(t).chases, 0);
    follow_free(t);
}

TEST(orders_follow, what_is_lost_is_told_once_and_the_rest_still_comes) {
    follow_table *t = table_new();
    follow_position from = {.shard = 1, .seq = 3, .n = 0};
    follow_add(t, 1, "a", &from, 1, 0);
    follow_question q = question(t, 0);
    follow_lost(t, q.chase, 8, "gone", lost, NULL);
    follow_lost(t, q.chase, 8, "gone", lost, NULL);
    page(t, q.chase, 9, 0);
    follow_end_page(t, q.chase, 9, false, 0);
    EXPECT_U64(got.lost, 1);
    EXPECT_U64(got.counts[1], 1);
    follow_free(t);
}

TEST(orders_follow, what_is_lost_between_two_pages_is_told_again) {
    follow_table *t = table_new();
    follow_position from = {.shard = 1, .seq = 3, .n = 0};
    follow_add(t, 1, "a", &from, 1, 0);
    follow_question q = question(t, 0);
    follow_lost(t, q.chase, 8, "gone", lost, NULL);
    page(t, q.chase, 9, 0);
    follow_end_page(t, q.chase, 20, true, 0);
    q = question(t, 0);
    EXPECT_U64(q.after, 9);
    follow_lost(t, q.chase, 20, "gone", lost, NULL);
    EXPECT_U64(got.lost, 2);
    follow_free(t);
}

TEST(orders_follow, what_the_matcher_lacks_is_read_in_execlog_and_then_the_matcher_is_asked_for_the_rest) {
    follow_table *t = table_new();
    follow_position from = {.shard = 1, .seq = 3, .n = 1};
    follow_add(t, 1, "a", &from, 1, 0);
    follow_question q = question(t, 0);
    EXPECT(!q.in_log);
    follow_behind(t, q.chase, 100, 0);
    q = question(t, 0);
    EXPECT(q.in_log && q.client == 1 && q.after == 3 && q.after_n == 1);
    page(t, q.chase, 3, 0); /* the message has more than was asked for */
    page(t, q.chase, 3, 1);
    page(t, q.chase, 3, 2);
    page(t, q.chase, 7, 0);
    live(t, 1, 31, 0); /* comes behind all of it */
    follow_end_log(t, q.chase, 25, 0);
    q = question(t, 0);
    EXPECT(!q.in_log && q.after == 25 && q.after_n == UINT32_MAX);
    page(t, q.chase, 30, 0);
    follow_end_page(t, q.chase, 30, false, 0);
    q = question(t, 1000);
    page(t, q.chase, 31, 0);
    follow_end_page(t, q.chase, 31, false, 1000);
    live(t, 1, 31, 0);
    live(t, 1, 32, 0);
    static const uint64_t seqs[] = {3, 7, 30, 31, 32};
    EXPECT_U64(got.counts[1], 5);
    EXPECT(memcmp(got.seqs[1], seqs, sizeof seqs) == 0);
    EXPECT_U64(got.lost, 0);
    follow_free(t);
}

TEST(orders_follow, where_execlog_can_not_be_read_the_matchers_page_is_taken_and_what_is_missing_is_told) {
    follow_table *t = table_new();
    follow_position from = {.shard = 1, .seq = 3, .n = 1};
    follow_add(t, 1, "a", &from, 1, 0);
    follow_question q = question(t, 0);
    follow_behind(t, q.chase, 100, 0);
    q = question(t, 0);
    follow_give_up_log(t, q.chase, "it is gone", 0);
    q = question(t, 0);
    EXPECT(!q.in_log);
    EXPECT_STR(follow_log_given_up(t, q.chase), "it is gone");
    follow_lost(t, q.chase, 20, "it is gone", lost, NULL);
    EXPECT(got.loss.known && got.loss.after.shard == 1 && got.loss.after.seq == 3 && got.loss.after.n == 1);
    EXPECT_U64(got.loss.to_seq, 20);
    page(t, q.chase, 20, 0);
    EXPECT(follow_log_given_up(t, q.chase) == NULL); /* another hole would be tried anew */
    follow_end_page(t, q.chase, 20, false, 0);
    EXPECT_U64(got.counts[1], 1);
    follow_free(t);
}

TEST(orders_follow, chases_that_wait_have_their_turns_and_say_how_much_lies_before_them) {
    follow_table *t = table_new();
    const uint64_t had[] = {90, 3, 80};
    follow_question q;
    for (uint32_t i = 0; i < 3; i++) {
        follow_position from = {.shard = 1, .seq = had[i], .n = 0};
        follow_add(t, i, "a", &from, 1, 0);
        q = question(t, 0);
        follow_behind(t, q.chase, 100, 0);
    }
    static const struct {
        uint32_t client;
        uint64_t behind;
    } rows[] = {{0, 10}, {1, 97}, {2, 20}, {0, 10}, {1, 97}, {2, 20}};
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) { /* nobody has a place for them: asked again */
        q = question(t, i * 1000LL);
        EXPECT_U64(q.client, rows[i].client);
        EXPECT_U64(q.behind, rows[i].behind);
        follow_fail(t, q.chase, i * 1000LL);
    }
    follow_heard(t, 1, 150); /* newer than the answer */
    q = question(t, 7000);
    EXPECT_U64(q.behind, 60);
    follow_free(t);
}

TEST(orders_follow, a_chase_waits_for_a_client_without_room_but_not_for_ever) {
    follow_table *t = table_new();
    follow_position from = {.shard = 1, .seq = 3, .n = 0};
    follow_question q;
    follow_add(t, 1, "a", &from, 1, 0);
    got.full[1] = true;
    EXPECT(!follow_next_question(t, 5, &q));
    EXPECT_I64(follow_due_ns(t), 15);
    EXPECT(!follow_next_question(t, 500, &q));
    got.full[1] = false;
    q = question(t, 600);
    EXPECT(follow_may_take(t, q.chase, 600));
    got.full[1] = true;
    EXPECT(!follow_may_take(t, q.chase, 601) && !follow_may_take(t, q.chase, 1600));
    EXPECT(follow_may_take(t, q.chase, 1601)); /* it may be closed for it */
    follow_remove_all(t, 1);
    EXPECT(follow_is_abandoned(t, q.chase));
    follow_fail(t, q.chase, 1601);
    EXPECT_U64(follow_read_stats(t).chases, 0);
    follow_free(t);
}

TEST(orders_follow, who_had_no_report_yet_when_the_bus_was_away_gets_what_came_since_it_began) {
    follow_table *t = table_new();
    follow_question q;
    follow_heard(t, 1, 40);
    follow_add(t, 1, "a", NULL, 0, 0);
    follow_heard(t, 1, 50); /* what is of inputs up to here may still have to come live */
    follow_missed(t, 2, lost, NULL, 0);
    q = question(t, 0);
    EXPECT(q.shard == 1 && q.after == 40 && q.after_n == UINT32_MAX && q.client == FOLLOW_NONE);
    EXPECT_U64(got.lost, 1); /* of shard 2 nobody ever heard */
    EXPECT(!got.loss.known && got.loss.after.shard == 2);
    page(t, q.chase, 45, 0);
    follow_end_page(t, q.chase, 50, false, 0);
    live(t, 1, 51, 0);
    EXPECT_U64(got.counts[1], 2);
    follow_free(t);
}

TEST(orders_follow, bounds_refuse_and_leave_no_half_follower) {
    follow_table *t = table_new();
    follow_position from[20];
    for (uint32_t i = 0; i < 20; i++)
        from[i] = (follow_position){.shard = i + 1, .seq = 1};
    EXPECT(!follow_add(t, 1, "a", from, 20, 0)); /* 16 chases */
    EXPECT(!follow_has(t, 1, "a"));
    static const char *const accounts[] = {"a", "b", "c", "d"};
    for (uint32_t i = 0; i < 4; i++)
        EXPECT(follow_add(t, 1, accounts[i], NULL, 0, 0));
    EXPECT(!follow_add(t, 1, "e", NULL, 0, 0));
    uint32_t cursor = FOLLOW_NONE, count = 0;
    while (follow_next(t, 1, &cursor) != NULL)
        count++;
    EXPECT_U64(count, 4);
    follow_free(t);
}

/*
 * A day against a venue that is always right: it has a list of reports. The bus loses what it likes, but then says so; leaders change, and
 * say some again; answers are late, in pages, or never come; clients go and come back with what they had last.
 */
TEST(orders_follow, over_a_random_day_every_client_has_every_report_once_and_in_order) {
    for (uint64_t seed = 1; seed <= 200; seed++) {
        tw_random random;
        tw_random_seed(&random, seed);
        follow_table *t = table_new();
        uint64_t venue = 0, term = 1, told = 0; /* reports 1 to `venue`, n is always 0; told live up to `told` */
        bool there[CLIENTS] = {0};
        uint64_t had[CLIENTS] = {0};
        follow_question open[16];
        uint64_t asked_at[16];
        uint32_t open_count = 0;
        bool missed = false;
        for (int64_t now_ns = 0; now_ns < 3000; now_ns++) {
            bool calm = now_ns > 2700;
            if (!calm && tw_random_chance(&random, 1, 2)) venue++;
            if (!calm && tw_random_chance(&random, 1, 100)) { /* failover: some again */
                term++;
                told -= tw_random_below(&random, told < 4 ? told + 1 : 4);
            }
            if (!calm && tw_random_chance(&random, 1, 60)) { /* the bus is away for some */
                told = told + tw_random_below(&random, venue - told + 1);
                missed = true;
            }
            if (missed && tw_random_chance(&random, 1, 3)) {
                follow_missed(t, 1, lost, NULL, now_ns);
                missed = false;
            }
            while (!missed && told < venue && tw_random_chance(&random, 3, 4))
                live(t, term, ++told, 0);
            uint32_t client = (uint32_t)tw_random_below(&random, CLIENTS);
            if (!calm && tw_random_chance(&random, 1, 40) && there[client]) {
                follow_remove_all(t, client);
                had[client] = got.counts[client] > 0 ? got.seqs[client][(got.counts[client] - 1) % 4096] : 0;
                there[client] = false;
            } else if (!there[client] && (calm || tw_random_chance(&random, 1, 20))) {
                follow_position from = {.shard = 1, .seq = had[client]};
                there[client] = follow_add(t, client, "a", &from, 1, now_ns);
            }
            if (open_count < 16 && follow_next_question(t, now_ns, &open[open_count]))
                asked_at[open_count++] = tw_random_chance(&random, 1, 4) ? told + (venue - told) / 2 : venue;
            if (open_count > 0 && tw_random_chance(&random, 1, 2)) {
                uint32_t which = (uint32_t)tw_random_below(&random, open_count);
                follow_question q = open[which];
                uint64_t as_of = asked_at[which], last = q.after, most = 1 + tw_random_below(&random, 20);
                open[which] = open[--open_count];
                asked_at[which] = asked_at[open_count];
                if (!calm && tw_random_chance(&random, 1, 5)) {
                    follow_fail(t, q.chase, now_ns);
                    continue;
                }
                for (uint64_t seq = q.after + 1; seq <= as_of && most > 0; seq++, most--) {
                    page(t, q.chase, seq, 0);
                    last = seq;
                }
                follow_end_page(t, q.chase, as_of, last < as_of, now_ns);
            }
        }
        live(t, term, ++venue, 0);
        for (int64_t now_ns = 3000; now_ns < 6000; now_ns += 50) {
            follow_question q;
            while (open_count > 0 || follow_next_question(t, now_ns, &q)) {
                if (open_count > 0) q = open[--open_count];
                for (uint64_t seq = q.after + 1; seq <= venue; seq++)
                    page(t, q.chase, seq, 0);
                follow_end_page(t, q.chase, venue, false, now_ns);
            }
        }
        for (uint32_t client = 0; client < CLIENTS; client++) {
            for (uint32_t i = 0; i < got.counts[client]; i++)
                EXPECT_MSG(got.seqs[client][i] == i + 1, "seed %" PRIu64 ": client %u, report %u is %" PRIu64, seed,
                           client, i, got.seqs[client][i]);
            EXPECT_MSG(got.counts[client] == venue, "seed %" PRIu64 ": client %u had %u of %" PRIu64, seed, client,
                       got.counts[client], venue);
        }
        follow_free(t);
    }
}

/* ---- numbers that go back ---- */

TEST(orders_follow, who_comes_back_from_beyond_what_the_venue_has_is_told_and_has_what_is_live) {
    follow_table *t = table_new();
    follow_position from = {.shard = 1, .seq = 9000, .n = 3};
    follow_add(t, 1, "a", &from, 1, 0);
    follow_question q = question(t, 0);
    follow_end_short(t, q.chase, 20, lost, NULL, 0); /* a leader that has just begun may be behind */
    EXPECT_U64(got.lost, 0);
    live(t, 1, 21, 0);
    q = question(t, 600);
    EXPECT_U64(q.after, 9000);
    follow_end_short(t, q.chase, 21, lost, NULL, 600);
    EXPECT_U64(got.lost, 1);
    EXPECT(got.loss.known);
    EXPECT_U64(got.loss.after.seq, 9000);
    EXPECT_U64(got.loss.after.n, 3);
    EXPECT_U64(got.loss.to_seq, 21);
    q = question(t, 600);
    EXPECT_U64(q.after, 21);
    EXPECT_U64(q.after_n, UINT32_MAX);
    live(t, 1, 22, 0);
    page(t, q.chase, 22, 0);
    follow_end_page(t, q.chase, 22, false, 600);
    live(t, 1, 22, 0);
    live(t, 1, 23, 0);
    EXPECT_U64(got.counts[1], 2);
    EXPECT_U64(got.seqs[1][0], 22);
    EXPECT_U64(got.seqs[1][1], 23);
    EXPECT(!follow_next_question(t, 9999, &q));
    follow_free(t);
}

TEST(orders_follow, a_new_leader_that_is_a_little_behind_is_asked_again_and_nothing_is_told) {
    follow_table *t = table_new();
    follow_position from = {.shard = 1, .seq = 9, .n = 0};
    follow_add(t, 1, "a", &from, 1, 0);
    for (int64_t now_ns = 0; now_ns < 400; now_ns += 100) {
        follow_question q = question(t, now_ns);
        follow_end_short(t, q.chase, 8, lost, NULL, now_ns);
    }
    follow_question q = question(t, 400);
    page(t, q.chase, 10, 0);
    follow_end_page(t, q.chase, 10, true, 400);
    q = question(t, 400);
    follow_end_short(t, q.chase, 9, lost, NULL, 10000); /* the doubt begins anew */
    q = question(t, 11000);
    follow_end_page(t, q.chase, 10, false, 11000);
    EXPECT_U64(got.lost, 0);
    EXPECT_U64(got.counts[1], 1);
    follow_free(t);
}

TEST(orders_follow, a_feed_whose_leader_has_fewer_inputs_goes_on_with_what_is_live) {
    follow_table *t = table_new();
    follow_add(t, 1, "a", NULL, 0, 0);
    live(t, 1, 500, 0);
    live(t, 2, 3, 0); /* of a leader that does not say which journal it has */
    follow_question q = question(t, 0);
    EXPECT_U64(q.after, 500);
    follow_end_short(t, q.chase, 3, lost, NULL, 0);
    q = question(t, 500);
    follow_end_short(t, q.chase, 4, lost, NULL, 500);
    EXPECT_U64(got.lost, 1);
    EXPECT_U64(got.loss.to_seq, 4);
    q = question(t, 500);
    follow_end_page(t, q.chase, 4, false, 500);
    live(t, 2, 5, 0);
    EXPECT_U64(got.counts[1], 2);
    follow_free(t);
}

TEST(orders_follow, a_journal_begun_anew_is_told_to_all_and_all_of_it_comes) {
    follow_table *t = table_new();
    follow_position from = {.shard = 1, .seq = 7, .n = 2};
    follow_add(t, 1, "a", NULL, 0, 0);
    live(t, 1, 500, 0);
    follow_add(t, 2, "a", &from, 1, 0);
    follow_question old = question(t, 0), q; /* its answer is under way */
    live(t, 2, 1, 0);                        /* not above the last one */
    follow_anew(t, 1, 2, lost, NULL, 0);
    EXPECT_U64(got.lost, 2);
    EXPECT(got.loss.known);
    EXPECT_U64(got.loss.to_seq, 0);
    page(t, old.chase, 8, 0);
    follow_end_page(t, old.chase, 500, false, 0);
    q = question(t, 0);
    EXPECT_U64(q.client, FOLLOW_NONE);
    EXPECT_U64(q.after, 0);
    EXPECT_U64(q.after_n, UINT32_MAX); /* from the first input on, execlog included */
    page(t, q.chase, 1, 0);
    page(t, q.chase, 2, 0);
    follow_end_page(t, q.chase, 2, false, 0);
    live(t, 2, 3, 0);
    EXPECT_U64(got.counts[1], 4);
    EXPECT_U64(got.counts[2], 3);
    EXPECT_U64(got.seqs[2][0], 1);
    follow_free(t);
}

TEST(orders_follow, what_the_leader_of_a_new_journal_has_told_already_does_not_come_again) {
    follow_table *t = table_new();
    follow_add(t, 1, "a", NULL, 0, 0);
    live(t, 5, 2, 0); /* the first report of the account, before the heartbeat */
    follow_anew(t, 1, 5, lost, NULL, 0);
    follow_question q = question(t, 0);
    EXPECT_U64(q.after, 2);
    follow_end_page(t, q.chase, 2, false, 0);
    live(t, 5, 2, 0);
    live(t, 5, 3, 0);
    EXPECT_U64(got.counts[1], 2);
    follow_free(t);
}
