/* Sessions: who is there, for how long, how many at once. */
#include "gateways/auth/visitors.h"

#include "base/text.h"
#include "gateways/auth/jwks.h"
#include "tests/unit.h"

#define S INT64_C(1000000000)

static const char jwk[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                          "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

typedef struct desk {
    visitors *visitors;
    key_set keys;
} desk;

static void open(desk *d, uint32_t sessions, uint32_t most) {
    key_list list;
    *d = (desk){.visitors = visitors_alloc(8, sessions, most)};
    EXPECT(jwks_read((const uint8_t *)jwk, strlen(jwk), false, &list, NULL) == TW_OK);
    EXPECT(key_set_replace(&d->keys, 0, &list, NULL) == TW_OK);
}

static void close(desk *d) {
    visitors_free(d->visitors);
    key_set_fini(&d->keys);
}

static identity *somebody(const desk *d, const char *user, int64_t expires_ns) {
    identity *who = calloc(1, sizeof *who);
    who->user = strdup(user);
    who->expires_ns = expires_ns;
    if (d->keys.count > 0) tw_text_copy(who->thumbprint, sizeof who->thumbprint, d->keys.keys[0].thumbprint);
    return who;
}

/* As AUTH_GOOD or not; what was not taken is freed. */
static const char *admit(desk *d, uint32_t client, identity *who) {
    auth_verdict verdict = visitors_admit(d->visitors, client, who);
    if (verdict != AUTH_GOOD) identity_free(who);
    return auth_verdict_name(verdict);
}

/* "CLIENT reason, CLIENT reason" */
static const char *due(desk *d, int64_t now_ns) {
    static char text[512];
    const char *reason;
    text[0] = '\0';
    for (uint32_t client = 0; (reason = visitors_next_due(d->visitors, &d->keys, now_ns, &client)) != NULL;)
        tw_text_format(text + strlen(text), sizeof text - strlen(text), "%s%u %s", text[0] == '\0' ? "" : ", ",
                       client, reason);
    return text;
}

TEST(auth_visitors, a_session_ends_when_its_token_does_and_is_told_once) {
    desk d;
    open(&d, 0, 0);
    visitors_enter(d.visitors, 0, INT64_MAX);
    visitors_enter(d.visitors, 3, INT64_MAX);
    EXPECT_STR(admit(&d, 0, somebody(&d, "ann", 10 * S)), "good");
    EXPECT_STR(visitors_user(d.visitors, 0), "ann");
    EXPECT_STR(visitors_user(d.visitors, 3), "anonymous");
    EXPECT_STR(visitors_user(d.visitors, 7), "anonymous");
    EXPECT_STR(due(&d, 10 * S - 1), "");
    EXPECT_STR(due(&d, 11 * S), "0 token expired"); /* it is looked at most once a second */
    EXPECT_STR(due(&d, 20 * S), "");
    EXPECT_STR(visitors_user(d.visitors, 0), "ann"); /* until it has left */
    visitors_leave(d.visitors, 0);
    EXPECT_STR(visitors_user(d.visitors, 0), "anonymous");
    EXPECT_U64(visitors_read_stats(d.visitors).expired, 1);
    EXPECT_U64(visitors_read_stats(d.visitors).users, 0);
    close(&d);
}

TEST(auth_visitors, a_renewed_token_extends_but_does_not_change_the_user) {
    desk d;
    open(&d, 0, 0);
    visitors_enter(d.visitors, 1, INT64_MAX);
    EXPECT_STR(admit(&d, 1, somebody(&d, "ann", 10 * S)), "good");
    EXPECT_STR(admit(&d, 1, somebody(&d, "bob", 90 * S)), "user");
    EXPECT_STR(admit(&d, 1, somebody(&d, "ann", 30 * S)), "good");
    EXPECT_STR(due(&d, 29 * S), "");
    EXPECT_STR(due(&d, 31 * S), "1 token expired");
    EXPECT_U64(visitors_read_stats(d.visitors).known, 1);
    close(&d);
}

TEST(auth_visitors, who_has_to_say_who_it_is_has_a_bounded_time) {
    desk d;
    open(&d, 0, 0);
    visitors_enter(d.visitors, 1, 5 * S);
    visitors_enter(d.visitors, 2, 5 * S);
    EXPECT_STR(due(&d, 4 * S), "");
    EXPECT_STR(admit(&d, 2, somebody(&d, "ann", 60 * S)), "good");
    EXPECT_STR(due(&d, 5 * S), "1 no token came in time");
    EXPECT_U64(visitors_read_stats(d.visitors).unproven, 1);
    close(&d);
}

TEST(auth_visitors, a_key_taken_away_ends_the_sessions_built_on_it) {
    desk d;
    open(&d, 0, 0);
    visitors_enter(d.visitors, 1, INT64_MAX);
    visitors_enter(d.visitors, 2, INT64_MAX);
    EXPECT_STR(admit(&d, 1, somebody(&d, "ann", 60 * S)), "good");
    EXPECT_STR(due(&d, S), "");
    key_list list;
    EXPECT(jwks_read((const uint8_t *)jwk, strlen(jwk), false, &list, NULL) == TW_OK);
    EXPECT(key_set_replace(&d.keys, 0, &list, NULL) == TW_OK); /* the same key, read again */
    EXPECT_STR(due(&d, 2 * S), "");
    EXPECT(key_set_replace(&d.keys, 0, &list, NULL) == TW_OK); /* the list is empty now */
    EXPECT_STR(due(&d, 3 * S), "1 the key that the token was signed with was withdrawn");
    EXPECT_U64(visitors_read_stats(d.visitors).withdrawn, 1);
    close(&d);
}

TEST(auth_visitors, a_user_has_so_many_sessions_at_once) {
    desk d;
    open(&d, 2, 3);
    for (uint32_t i = 0; i < 5; i++)
        visitors_enter(d.visitors, i, INT64_MAX);
    EXPECT_STR(admit(&d, 0, somebody(&d, "ann", 60 * S)), "good");
    EXPECT_STR(admit(&d, 1, somebody(&d, "ann", 60 * S)), "good");
    EXPECT_STR(admit(&d, 2, somebody(&d, "ann", 60 * S)), "sessions");
    EXPECT_STR(admit(&d, 0, somebody(&d, "ann", 70 * S)), "good"); /* renewed, not another */
    EXPECT_STR(admit(&d, 3, somebody(&d, "bob", 60 * S)), "good");
    identity *more = somebody(&d, "ann", 60 * S), *yet_more = somebody(&d, "ann", 60 * S);
    more->limits.sessions = yet_more->limits.sessions = 100; /* the setting says 3 */
    EXPECT_STR(admit(&d, 2, more), "good");
    EXPECT_STR(admit(&d, 4, yet_more), "sessions");
    identity *one = somebody(&d, "cat", 60 * S), *two = somebody(&d, "cat", 60 * S);
    one->limits.sessions = two->limits.sessions = 1;
    EXPECT_STR(admit(&d, 4, one), "good");
    EXPECT(!visitors_have_room(d.visitors, two));
    identity_free(two);
    visitors_leave(d.visitors, 0);
    visitors_leave(d.visitors, 1);
    visitors_enter(d.visitors, 0, INT64_MAX);
    EXPECT_STR(admit(&d, 0, somebody(&d, "ann", 60 * S)), "good");
    EXPECT_U64(visitors_read_stats(d.visitors).users, 3);
    close(&d);
}

TEST(auth_visitors, guessing_ends_after_a_few_tokens) {
    desk d;
    open(&d, 0, 0);
    visitors_enter(d.visitors, 0, INT64_MAX);
    for (unsigned i = 0; i < VISITORS_TRIES; i++) {
        EXPECT_STR(due(&d, (int64_t)i * S), "");
        visitors_refused(d.visitors, 0);
    }
    EXPECT_STR(due(&d, 60 * S), "0 too many tokens were refused");
    close(&d);
}

TEST(auth_visitors, all_who_are_due_are_told_in_one_go) {
    desk d;
    open(&d, 0, 0);
    for (uint32_t i = 0; i < 8; i++)
        visitors_enter(d.visitors, i, 5 * S);
    EXPECT_CONTAINS(due(&d, 6 * S), "7 no token came in time");
    EXPECT_U64(visitors_read_stats(d.visitors).unproven, 8);
    close(&d);
}
