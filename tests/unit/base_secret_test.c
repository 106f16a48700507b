/* Who we are and by what password is not shown; everything else is. */
#include "base/secret.h"
#include "base/text.h"
#include "tests/unit.h"

TEST(base_secret, user_and_password_of_a_url_are_written_over_and_other_texts_stay) {
    static const char *const cases[][2] = {
        {"redis://:hushhush@127.0.0.1:6379/0", "redis://*********@127.0.0.1:6379/0"},
        {"--nats=nats://u:p@ss@host", "--nats=nats://******@host"},
        {"nats://a:b@one,nats://c:d@two", "nats://******************@two"},
        {"nats://token@host:4222", "nats://*****@host:4222"},
        {"nats://host:4222", "nats://host:4222"},
        {"redis://[::1]:6379", "redis://[::1]:6379"},
        {"XNAS.>,feed.>", "XNAS.>,feed.>"},
        {"user:word@host", "user:word@host"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        tw_text_copy(text, sizeof text, cases[i][0]);
        tw_secret_hide(text);
        EXPECT_STR(text, cases[i][1]);
    }
}

TEST(base_secret, urls_are_shown_without_user_and_password) {
    static const char *const cases[][2] = {
        {"nats://user:word@one:4222,nats://token@two", "nats://one:4222,nats://two"},
        {"nats://one:4222", "nats://one:4222"},
        {"user:word@host", "host"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char shown[64], cut[8];
        tw_secret_strip(cases[i][0], shown, sizeof shown);
        EXPECT_STR(shown, cases[i][1]);
        tw_secret_strip(cases[i][0], cut, sizeof cut);
        EXPECT(strncmp(cut, cases[i][1], sizeof cut - 1) == 0);
    }
}
