/* Redis' error words and what to do about each. */
#include "runtime/redis_trouble.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *word;
    redis_trouble trouble;
} words[] = {
    {"OOM", REDIS_TROUBLE_MEMORY},           {"READONLY", REDIS_TROUBLE_READ_ONLY},
    {"MISCONF", REDIS_TROUBLE_READ_ONLY},    {"NOREPLICAS", REDIS_TROUBLE_READ_ONLY},
    {"NOAUTH", REDIS_TROUBLE_PERMISSION},    {"WRONGPASS", REDIS_TROUBLE_PERMISSION},
    {"NOPERM", REDIS_TROUBLE_PERMISSION},    {"WRONGTYPE", REDIS_TROUBLE_WRONG_TYPE},
    {"LOADING", REDIS_TROUBLE_NOT_READY},    {"BUSY", REDIS_TROUBLE_NOT_READY},
    {"TRYAGAIN", REDIS_TROUBLE_NOT_READY},   {"CLUSTERDOWN", REDIS_TROUBLE_NOT_READY},
    {"MASTERDOWN", REDIS_TROUBLE_NOT_READY}, {"MOVED", REDIS_TROUBLE_CLUSTER},
    {"ASK", REDIS_TROUBLE_CLUSTER},          {"CROSSSLOT", REDIS_TROUBLE_CLUSTER},
};

static const struct {
    const char *name, *advice;
} troubles[REDIS_TROUBLES] = {
    [REDIS_TROUBLE_OTHER] = {"other", "see Redis' own words"},
    [REDIS_TROUBLE_MEMORY] = {"memory", "Redis is at its maxmemory: raise it, or let it evict (maxmemory-policy)"},
    [REDIS_TROUBLE_READ_ONLY] = {"read_only",
                                 "this server takes no writes: give the address of the master, or look "
                                 "why it can't save"},
    [REDIS_TROUBLE_PERMISSION] = {"permission",
                                  "give user and password in the redis:// URL, and the user the rights "
                                  "that docs/operations.md lists"},
    [REDIS_TROUBLE_WRONG_TYPE] = {"wrong_type", "another program kept something else under this key: it is "
                                                "replaced, as names with this prefix are Tickwire's"},
    [REDIS_TROUBLE_NOT_READY] = {"not_ready", "Redis is starting or busy: it is tried again"},
    [REDIS_TROUBLE_CLUSTER] = {"cluster", "a cluster's node: give a server that keeps all keys"},
};

redis_trouble redis_trouble_of(const char *error_text) {
    size_t length = strcspn(error_text, " ");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].word) == length && memcmp(words[i].word, error_text, length) == 0)
            return words[i].trouble;
    return REDIS_TROUBLE_OTHER;
}

const char *redis_trouble_name(redis_trouble trouble) {
    return troubles[trouble].name;
}

const char *redis_trouble_advice(redis_trouble trouble) {
    return troubles[trouble].advice;
}
