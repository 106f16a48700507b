/* The store as SoupBinTCP clients see it, without sockets: who may come, from where, and the cut on purpose. */
#include "tests/unit.h"
#include "tools/serve/soup_feed.h"

typedef struct fixture {
    feed_store store;
    soup_feed feed;
    soup_port_service service;
} fixture;

static void fixture_open(fixture *f, uint64_t messages, uint64_t cut_at) {
    *f = (fixture){0};
    for (uint64_t i = 1; i <= messages; i++) {
        uint8_t bytes[32];
        memset(bytes, (int)i, sizeof bytes);
        EXPECT(feed_store_append(&f->store, bytes, (uint16_t)(i % sizeof bytes)));
    }
    f->feed = (soup_feed){.session = "DAY1", .credentials = {"", ""}, .store = &f->store, .cut_at = cut_at};
    tw_random_seed(&f->feed.cut_seed, 1);
    f->service = soup_feed_service(&f->feed);
}

static soup_server_source client_of(fixture *f) {
    soup_server_source source = {0};
    EXPECT(f->service.enter(f->service.context, &source));
    return source;
}

TEST(soup_feed, every_message_sent_so_far_can_be_had_by_its_number) {
    fixture f;
    fixture_open(&f, 100, 0);
    soup_server_source source = client_of(&f);
    EXPECT_STR(source.session(source.context), "DAY1");
    EXPECT_U64(source.oldest(source.context), 1);
    EXPECT_U64(source.next(source.context), 101);
    EXPECT(!source.ended(source.context));
    for (uint64_t i = 1; i <= 100; i++) {
        size_t length = 99;
        const uint8_t *message = source.fetch(source.context, i, &length);
        EXPECT_U64(length, i % 32);
        EXPECT(length == 0 || (message[0] == i && message[length - 1] == i));
    }
    f.feed.ended = true;
    EXPECT(source.ended(source.context));
    f.service.leave(source.context);
    feed_store_fini(&f.store);
}

TEST(soup_feed, a_client_that_began_before_the_cut_sees_the_session_up_to_it_and_no_end) {
    fixture f;
    fixture_open(&f, 100, 50);
    f.feed.ended = true;
    static const struct {
        uint64_t first, next;
        bool ends;
    } cases[] = {{1, 51, false}, {49, 51, false}, {50, 101, true}, {51, 101, true}, {101, 101, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        soup_server_source source = client_of(&f);
        EXPECT_U64(source.next(source.context), 101); /* the login's answer tells of all there is */
        EXPECT(f.service.accepted(source.context, cases[i].first));
        EXPECT_U64(source.next(source.context), cases[i].next);
        EXPECT_I64(source.ended(source.context), cases[i].ends);
        EXPECT_U64(f.service.cut(source.context, 50), 0); /* message 50 is not in the output yet */
        size_t withheld = f.service.cut(source.context, 51);
        EXPECT_I64(withheld > 0, !cases[i].ends);
        f.service.leave(source.context);
    }
    feed_store_fini(&f.store);
}

TEST(soup_feed, the_cut_falls_anywhere_in_the_packet_and_never_outside) {
    fixture f;
    fixture_open(&f, 7, 7);
    bool seen[32] = {false};
    soup_server_source source = client_of(&f);
    EXPECT(f.service.accepted(source.context, 1));
    for (int i = 0; i < 1000; i++) {
        size_t withheld = f.service.cut(source.context, 8);
        EXPECT(withheld >= 1 && withheld <= 9); /* of 3 + 7 bytes */
        seen[withheld] = true;
    }
    for (size_t bytes = 1; bytes <= 9; bytes++)
        EXPECT_MSG(seen[bytes], "never %zu bytes", bytes);
    f.service.leave(source.context);
    feed_store_fini(&f.store);
}

TEST(soup_login, one_user_or_an_open_door) {
    static const struct {
        const char *user, *password;
        bool open_door, closed_door;
    } cases[] = {{"trader", "secret", true, true}, {"TRADER", "SECRET", true, true},
                 {"trader", "", true, false},      {"", "", true, false},
                 {"trade", "secret", true, false}, {"trader", "secret2", true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        soup_credentials open_door = {"", ""}, closed_door = {"Trader", "Secret"};
        EXPECT_I64(soup_credentials_match(&open_door, cases[i].user, cases[i].password), cases[i].open_door);
        EXPECT_I64(soup_credentials_match(&closed_door, cases[i].user, cases[i].password), cases[i].closed_door);
    }
}

TEST(soup_login, credentials_that_fit_no_login_are_refused) {
    static const struct {
        soup_credentials wanted;
        const char *word; /* of the refusal; NULL: fine */
    } cases[] = {{{"", ""}, NULL},           {{"trader", "0123456789"}, NULL}, {{"a", ""}, NULL},
                 {{"", "secret"}, "--user"}, {{"traders", ""}, "--user"},      {{"a", "0123456789x"}, "--password"},
                 {{"a b", ""}, "--user"},    {{"a", "\x7f"}, "--password"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tw_error error = {0};
        tw_code code = soup_credentials_check(&cases[i].wanted, &error);
        EXPECT_I64(code, cases[i].word == NULL ? TW_OK : TW_INVALID);
        if (cases[i].word != NULL) EXPECT_CONTAINS(error.text, cases[i].word);
    }
}
