/* Key files and the provider: reading, refreshing, and what failures mean. */
#include "gateways/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/text.h"
#include "gateways/auth/json_node.h"
#include "gateways/auth/jwks.h"
#include "gateways/fetch.h"
#include "runtime/clock.h"

#define NS_PER_S        INT64_C(1000000000)
#define MOST_BYTES      (256u * 1024u) /* of a file, of a provider's answer */
#define URL_BYTES       1024u
#define LEAST_RETRY_NS  NS_PER_S
#define PROVIDER_SOURCE KEYRING_FILES
#define DISCOVERY       "/.well-known/openid-configuration" /* OpenID Connect Discovery 1.0, section 4 */

/* What tells one version of a file from another. */
typedef struct file_version {
    int64_t changed_ns;
    uint64_t size, inode;
} file_version;

typedef struct key_file {
    char path[URL_BYTES];
    bool secret;
    bool failing, lost;
    file_version version;
    int64_t good_ns; /* when it was last read well */
} key_file;

typedef enum provider_step { STEP_IDLE, STEP_DISCOVERY, STEP_KEYS } provider_step;

typedef struct provider {
    keyring_provider state;
    provider_step step;
    int64_t due_ns, asked_ns, good_ns, retry_ns;
    bool again; /* wanted while it was being asked */
} provider;

struct keyring {
    keyring_options options;
    rt_log *log;
    key_set keys;
    key_list list; /* being read */
    fetcher *fetcher;
    uint32_t file_count;
    key_file files[KEYRING_FILES];
    provider provider;
    int64_t check_due_ns;
    bool reload;
    keyring_stats stats;
    rt_log_site file_site, provider_site;
};

/* ---- files ---- */

static bool version_of(const char *path, file_version *version) {
    struct stat found;
    if (stat(path, &found) != 0) return false;
    *version = (file_version){.changed_ns = tw_instant_of_seconds(found.st_mtim.tv_sec, found.st_mtim.tv_nsec),
                              .size = (uint64_t)found.st_size,
                              .inode = (uint64_t)found.st_ino};
    return true;
}

/* The whole file, which the caller frees. */
static tw_code read_whole(const char *path, uint8_t **whole, size_t *length, tw_error *error) {
    uint8_t *bytes = malloc(MOST_BYTES + 1);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe has no keys, and is not waited for */
    int saved = errno;
    ssize_t got = 0;
    *length = 0;
    while (bytes != NULL && file >= 0 && *length <= MOST_BYTES &&
           (got = read(file, bytes + *length, MOST_BYTES + 1 - *length)) > 0)
        *length += (size_t)got;
    if (got < 0) saved = errno;
    if (file >= 0) close(file);
    *whole = bytes;
    if (bytes != NULL && file >= 0 && got >= 0 && *length <= MOST_BYTES) return TW_OK;
    *whole = NULL;
    free(bytes);
    if (bytes == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to read keys");
    if (file < 0 || got < 0) return tw_error_set_errno(error, saved, "it can't be read");
    return tw_error_set(error, TW_INVALID, "it is longer than %u bytes", MOST_BYTES);
}

static tw_code read_secret(key_list *list, const uint8_t *bytes, size_t length, tw_error *error) {
    if (length > 0 && bytes[length - 1] == '\n') length--;
    if (length > 0 && bytes[length - 1] == '\r') length--;
    tw_code code = key_init_secret(&list->keys[0], bytes, length, error);
    list->count = code == TW_OK;
    return code;
}

static tw_code read_keys(key_list *list, const uint8_t *bytes, size_t length, tw_error *error) {
    size_t at = 0;
    while (at < length && strchr(" \t\r\n", bytes[at]) != NULL && bytes[at] != '\0')
        at++;
    if (at < length && bytes[at] == '{') return jwks_read(bytes, length, true, list, error);
    return key_read_pem(bytes, length, list->keys, KEYS_OF_A_SOURCE, &list->count, error);
}

/* Puts what the file now says in force, or changes nothing. */
static tw_code read_file(keyring *self, uint32_t number, tw_error *error) {
    key_file *f = &self->files[number];
    size_t length;
    uint8_t *bytes = NULL;
    version_of(f->path, &f->version); /* before reading: what changes meanwhile is seen next time */
    self->list = (key_list){0};
    tw_code code = read_whole(f->path, &bytes, &length, error);
    if (bytes != NULL)
        code = f->secret ? read_secret(&self->list, bytes, length, error)
                         : read_keys(&self->list, bytes, length, error);
    if (bytes != NULL) explicit_bzero(bytes, length);
    free(bytes);
    if (code == TW_OK) code = key_set_replace(&self->keys, number, &self->list, error);
    key_list_fini(&self->list);
    if (code != TW_OK) return tw_error_wrap(error, "%s", f->path);
    f->good_ns = rt_clock_monotonic_ns();
    f->failing = f->lost = false;
    self->stats.reads++;
    return TW_OK;
}

static void take_away(keyring *self, uint32_t source) {
    key_list none = {0};
    key_set_replace(&self->keys, source, &none, NULL);
}

static void reread_file(keyring *self, uint32_t number, int64_t now_ns) {
    key_file *f = &self->files[number];
    tw_error error = {0};
    bool was_failing = f->failing;
    if (read_file(self, number, &error) == TW_OK) {
        rt_log(self->log, RT_INFO, "keys read", RT_STR("file", f->path), RT_U64("keys", self->keys.count));
        return;
    }
    f->failing = true;
    if (!was_failing) {
        self->stats.read_failures++;
        rt_log(self->log, RT_ERROR, "keys can't be read: those that were stay in force for a while",
               RT_STR("why", error.text));
    }
    if (f->lost || now_ns - f->good_ns < self->options.kept_ns) return;
    f->lost = true;
    take_away(self, number);
    rt_log(self->log, RT_ERROR, "keys of a file that can't be read are not in force any more",
           RT_STR("file", f->path));
}

static void check_files(keyring *self, int64_t now_ns, bool all) {
    for (uint32_t i = 0; i < self->file_count; i++) {
        key_file *f = &self->files[i];
        file_version version = {0};
        bool there = version_of(f->path, &version);
        bool same = there && version.changed_ns == f->version.changed_ns && version.size == f->version.size &&
                    version.inode == f->version.inode;
        if (all || f->failing || !same) reread_file(self, i, now_ns);
    }
}

static tw_code add_list(keyring *self, const char *list, bool secret, tw_error *error) {
    for (const char *at = list; *at != '\0';) {
        size_t length = strcspn(at, ",");
        key_file *f = &self->files[self->file_count];
        if (self->file_count == KEYRING_FILES)
            return tw_error_set(error, TW_INVALID, "more than %u files of keys", KEYRING_FILES);
        if (length == 0 || length >= sizeof f->path)
            return tw_error_set(error, TW_INVALID, "'%.80s' names no file of keys", at);
        *f = (key_file){.secret = secret};
        memcpy(f->path, at, length);
        tw_code code = read_file(self, self->file_count, error);
        self->file_count++;
        if (code != TW_OK) return code;
        at += length + (at[length] == ',');
    }
    return TW_OK;
}

static tw_code add_files(keyring *self, const char *list, bool secret, tw_error *error) {
    tw_code code = add_list(self, list, secret, error);
    return code == TW_OK ? TW_OK : tw_error_wrap(error, secret ? "--auth-secret" : "--auth-keys");
}

/* ---- the provider ---- */

static bool is_https(const char *url) {
    return strncasecmp(url, "https://", 8) == 0;
}

static bool is_http(const char *url) {
    return strncasecmp(url, "http://", 7) == 0;
}

static void provider_failed(keyring *self, const char *what, const char *why) {
    provider *p = &self->provider;
    int64_t now_ns = rt_clock_monotonic_ns();
    p->step = STEP_IDLE;
    self->stats.refresh_failures++;
    if (p->state != KEYRING_LOST) p->state = p->good_ns == 0 ? KEYRING_LOST : KEYRING_AWAY;
    p->due_ns = now_ns + p->retry_ns;
    p->retry_ns = 2 * p->retry_ns < self->options.refresh_ns ? 2 * p->retry_ns : self->options.refresh_ns;
    rt_log_limited(self->log, &self->provider_site, RT_ERROR, "the identity provider's keys can't be had",
                   RT_STR("what", what), RT_STR("why", why), RT_I64("retry_ms", (p->due_ns - now_ns) / 1000000));
}

static void provider_good(keyring *self) {
    provider *p = &self->provider;
    p->step = STEP_IDLE;
    p->good_ns = rt_clock_monotonic_ns();
    p->due_ns = p->good_ns + self->options.refresh_ns;
    p->retry_ns = LEAST_RETRY_NS;
    self->stats.refreshes++;
    if (p->state != KEYRING_OK || self->list.passed_over > 0)
        rt_log(self->log, p->state == KEYRING_OK ? RT_DEBUG : RT_INFO, "the identity provider's keys are in force",
               RT_U64("keys", self->keys.count), RT_U64("passed_over", self->list.passed_over),
               RT_STR("first", self->list.reason));
    p->state = KEYRING_OK;
}

static void take_keys(keyring *self, const uint8_t *bytes, size_t length) {
    tw_error error = {0};
    self->list = (key_list){0};
    tw_code code = jwks_read(bytes, length, false, &self->list, &error);
    if (code == TW_OK) code = key_set_replace(&self->keys, PROVIDER_SOURCE, &self->list, &error);
    if (code == TW_OK)
        provider_good(self);
    else
        provider_failed(self, "its key set", error.text);
    key_list_fini(&self->list);
}

static void ask(keyring *self, provider_step step, const char *url) {
    self->provider.step = step;
    if (!fetcher_get(self->fetcher, url)) provider_failed(self, url, "no request could be made");
}

/* The issuer has to be the one that was asked for (section 4.3), and https does not lead to http. */
static void take_discovery(keyring *self, const uint8_t *bytes, size_t length) {
    json_node *root = json_node_parse(bytes, length);
    const char *issuer = json_node_text(json_node_member(root, "issuer"));
    const char *found = json_node_text(json_node_member(root, "jwks_uri"));
    char url[URL_BYTES] = "";
    const char *fault = NULL;
    if (root == NULL)
        fault = "it is no JSON object";
    else if (issuer == NULL || strcmp(issuer, self->options.issuer) != 0)
        fault = "its issuer is another than --auth-issuer";
    else if (found == NULL || !tw_text_copy(url, sizeof url, found) || !(is_https(url) || is_http(url)))
        fault = "it has no jwks_uri that is a URL of http or https";
    else if (is_https(self->options.issuer) && !is_https(url))
        fault = "its jwks_uri is not https as the issuer is";
    json_node_free(root);
    if (fault != NULL)
        provider_failed(self, "its configuration", fault);
    else
        ask(self, STEP_KEYS, url);
}

static void on_fetched(void *context, const uint8_t *bytes, size_t length, const char *fault) {
    keyring *self = context;
    provider_step step = self->provider.step;
    if (bytes == NULL)
        provider_failed(self, step == STEP_DISCOVERY ? "its configuration" : "its key set", fault);
    else if (step == STEP_DISCOVERY)
        take_discovery(self, bytes, length);
    else
        take_keys(self, bytes, length);
}

static void begin_refresh(keyring *self, int64_t now_ns) {
    char url[URL_BYTES];
    size_t length = strlen(self->options.issuer);
    self->provider.asked_ns = now_ns;
    if (!self->options.discover) {
        ask(self, STEP_KEYS, self->options.jwks_url);
        return;
    }
    while (length > 0 && self->options.issuer[length - 1] == '/')
        length--;
    tw_text_format(url, sizeof url, "%.*s" DISCOVERY, (int)length, self->options.issuer);
    ask(self, STEP_DISCOVERY, url);
}

static void tick_provider(keyring *self, int64_t now_ns) {
    provider *p = &self->provider;
    if (p->state == KEYRING_NONE) return;
    if (p->state == KEYRING_AWAY && now_ns - p->good_ns >= self->options.kept_ns) {
        p->state = KEYRING_LOST;
        take_away(self, PROVIDER_SOURCE);
        rt_log(self->log, RT_ERROR,
               "the identity provider has been away too long: its keys are not in force any more");
    }
    if (p->step == STEP_IDLE && now_ns >= p->due_ns) begin_refresh(self, now_ns);
}

/* ---- the whole ---- */

void keyring_tick(keyring *self, int64_t now_ns) {
    bool reload = self->reload;
    self->reload = false;
    if (reload) self->provider.due_ns = now_ns;
    if (reload || now_ns >= self->check_due_ns) {
        check_files(self, now_ns, reload);
        self->check_due_ns = now_ns + self->options.check_ns;
    }
    tick_provider(self, now_ns);
}

void keyring_reload(keyring *self) {
    self->reload = true;
}

void keyring_miss(keyring *self, int64_t now_ns) {
    provider *p = &self->provider;
    int64_t due_ns = p->asked_ns + self->options.unknown_ns;
    if (p->state == KEYRING_NONE || p->step != STEP_IDLE) return;
    if (due_ns < now_ns) due_ns = now_ns;
    if (due_ns < p->due_ns) p->due_ns = due_ns;
}

static tw_code check_url(const char *url, const char *name, tw_error *error) {
    if (url[0] == '\0' || is_https(url) || is_http(url)) return TW_OK;
    return tw_error_set(error, TW_INVALID, "--%s '%s' is no URL of http or https", name, url);
}

tw_code keyring_open(keyring **made, uv_loop_t *loop, const keyring_options *options, rt_log *log,
                     tw_error *error) {
    keyring *self = calloc(1, sizeof *self);
    bool provided = options->jwks_url[0] != '\0' || options->discover;
    *made = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for keys");
    self->options = *options;
    self->log = log;
    tw_code code = check_url(options->jwks_url, "auth-jwks", error);
    if (code == TW_OK) code = add_files(self, options->key_files, false, error);
    if (code == TW_OK) code = add_files(self, options->secret_files, true, error);
    if (code != TW_OK || !provided) return code;
    self->provider = (provider){.state = KEYRING_ASKING, .retry_ns = LEAST_RETRY_NS};
    if (is_http(options->discover ? options->issuer : options->jwks_url))
        rt_log(log, RT_WARN, "the identity provider's keys come by http: whoever is on the way can replace them");
    fetch_options fetching = {.most_bytes = MOST_BYTES,
                              .timeout_ns = options->timeout_ns,
                              .authorities = options->authorities,
                              .on_done = on_fetched,
                              .context = self};
    return fetcher_open(&self->fetcher, loop, &fetching, error);
}

void keyring_close(keyring *self) {
    if (self == NULL) return;
    fetcher_close(self->fetcher);
    self->fetcher = NULL;
}

void keyring_free(keyring *self) {
    if (self == NULL) return;
    key_set_fini(&self->keys);
    free(self);
}

const key_set *keyring_keys(const keyring *self) {
    return &self->keys;
}

const char *keyring_provider_name(keyring_provider state) {
    static const char *const names[] = {"NONE", "ASKING", "OK", "AWAY", "LOST"};
    return names[state];
}

keyring_stats keyring_read_stats(const keyring *self, int64_t now_ns) {
    keyring_stats stats = self->stats;
    stats.keys = self->keys.count;
    stats.files = self->file_count;
    for (uint32_t i = 0; i < self->file_count; i++)
        stats.files_failed += self->files[i].failing;
    stats.provider = self->provider.state;
    stats.age_ns = self->provider.good_ns == 0 ? 0 : now_ns - self->provider.good_ns;
    return stats;
}
