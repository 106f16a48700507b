/* Redis URLs and error words, as tables. */
#include "runtime/redis_trouble.h"
#include "runtime/redis_url.h"
#include "tests/unit.h"

TEST(redis_url, says_where_and_who) {
    static const struct {
        const char *text, *user, *password, *host;
        unsigned port, database;
        const char *shown;
    } rows[] = {
        {"redis://127.0.0.1", "", "", "127.0.0.1", 6379, 0, "redis://127.0.0.1:6379/0"},
        {"redis://cache:7000/3", "", "", "cache", 7000, 3, "redis://cache:7000/3"},
        {"redis://cache/", "", "", "cache", 6379, 0, "redis://cache:6379/0"},
        {"redis://:secret@cache", "", "secret", "cache", 6379, 0, "redis://cache:6379/0"},
        {"redis://wire:se:cret@cache:1", "wire", "se:cret", "cache", 1, 0, "redis://cache:1/0"},
        {"redis://wire:p%40s%2fs%25@cache", "wire", "p@s/s%", "cache", 6379, 0, "redis://cache:6379/0"},
        {"redis://wire:p@ss@cache", "wire", "p@ss", "cache", 6379, 0, "redis://cache:6379/0"},
        {"redis://[::1]:6380/1", "", "", "::1", 6380, 1, "redis://[::1]:6380/1"},
        {"redis://[::1]", "", "", "::1", 6379, 0, "redis://[::1]:6379/0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        redis_url url;
        tw_error error = {0};
        EXPECT_MSG(redis_url_parse(rows[i].text, &url, &error) == TW_OK, "%s: %s", rows[i].text, error.text);
        EXPECT_STR(url.user, rows[i].user);
        EXPECT_STR(url.password, rows[i].password);
        EXPECT_STR(url.host, rows[i].host);
        EXPECT_U64(url.port, rows[i].port);
        EXPECT_U64(url.database, rows[i].database);
        EXPECT_STR(url.shown, rows[i].shown);
    }
}

TEST(redis_url, says_what_is_wrong_and_never_a_secret) {
    static const struct {
        const char *text, *words;
        tw_code code;
    } rows[] = {
        {"", "redis://", TW_INVALID},
        {"127.0.0.1:6379", "does not start with redis://", TW_INVALID},
        {"rediss://cache", "TLS", TW_UNSUPPORTED},
        {"redis://", "no host", TW_INVALID},
        {"redis://:6379", "no host", TW_INVALID},
        {"redis://cache:", "port ''", TW_INVALID},
        {"redis://cache:0", "port '0'", TW_INVALID},
        {"redis://cache:65536", "port '65536'", TW_INVALID},
        {"redis://cache:80x", "port '80x'", TW_INVALID},
        {"redis://cache/one", "database 'one'", TW_INVALID},
        {"redis://cache/1/2", "database '1/2'", TW_INVALID},
        {"redis://[::1", "bracket", TW_INVALID},
        {"redis://[::1]6379", "no port", TW_INVALID},
        {"redis://hush@cache", "user:password@", TW_INVALID},
        {"redis://wire:hush%4@cache", "bad %XX", TW_INVALID},
        {"redis://wire:hush%00@cache", "bad %XX", TW_INVALID},
        {"redis://wire:hush@cache:zero", "port 'zero'", TW_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        redis_url url;
        tw_error error = {0};
        tw_code code = redis_url_parse(rows[i].text, &url, &error);
        EXPECT_MSG(code == rows[i].code, "%s: %s", rows[i].text, tw_code_name(code));
        EXPECT_CONTAINS(error.text, rows[i].words);
        EXPECT_MSG(strstr(error.text, "hush") == NULL, "%s tells a secret: %s", rows[i].text, error.text);
    }
}

TEST(redis_url, a_host_or_secret_of_any_length_is_refused_not_cut) {
    char text[2048] = "redis://";
    redis_url url;
    tw_error error;
    memset(text + 8, 'h', sizeof text - 9);
    EXPECT(redis_url_parse(text, &url, &error) == TW_INVALID);
    memcpy(text + sizeof text - 8, "@cache\0", 7);
    text[8] = ':';
    EXPECT(redis_url_parse(text, &url, &error) == TW_INVALID);
}

TEST(redis_trouble, is_told_by_the_first_word) {
    static const struct {
        const char *text, *name;
    } rows[] = {
        {"OOM command not allowed when used memory > 'maxmemory'.", "memory"},
        {"READONLY You can't write against a read only replica.", "read_only"},
        {"MISCONF Redis is configured to save RDB snapshots", "read_only"},
        {"NOAUTH Authentication required.", "permission"},
        {"WRONGPASS invalid username-password pair", "permission"},
        {"NOPERM this user has no permissions", "permission"},
        {"WRONGTYPE Operation against a key holding the wrong kind of value", "wrong_type"},
        {"LOADING Redis is loading the dataset in memory", "not_ready"},
        {"MOVED 3999 127.0.0.1:6381", "cluster"},
        {"ERR unknown command", "other"},
        {"OOMPH", "other"},
        {"", "other"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        redis_trouble trouble = redis_trouble_of(rows[i].text);
        EXPECT_STR(redis_trouble_name(trouble), rows[i].name);
        EXPECT(strlen(redis_trouble_advice(trouble)) > 10);
    }
}
