/* Tokens of requests and clients, on the loop. */
#include "gateways/doorman.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "gateways/auth/origin.h"
#include "runtime/clock.h"
#include "runtime/ticker.h"

#define TICK_NS INT64_C(250000000)

struct doorman {
    doorman_options options;
    claims_rules rules;
    rt_log *log;
    bool on;
    visitors *visitors;
    keyring *keyring;
    ticker *ticker;
    uint64_t accepted, refused[AUTH_VERDICTS];
    rt_log_site refused_site;
};

/* ---- tokens ---- */

static auth_verdict check(doorman *self, const char *token, identity **who, char *why) {
    auth_verdict verdict =
        claims_check(who, keyring_keys(self->keyring), &self->rules, token, strlen(token), rt_clock_utc_ns(), why);
    if (verdict == AUTH_UNKNOWN_KEY) keyring_miss(self->keyring, rt_clock_monotonic_ns());
    return verdict;
}

/* Counted, and told without the token. */
static void note(doorman *self, auth_verdict verdict, const char *why) {
    if (verdict == AUTH_GOOD) {
        self->accepted++;
        return;
    }
    self->refused[verdict]++;
    rt_log_limited(self->log, &self->refused_site, RT_INFO, "a token was refused",
                   RT_STR("reason", auth_verdict_name(verdict)), RT_STR("why", why));
}

/* ---- requests ---- */

/* "Bearer TOKEN" (RFC 6750, section 2.1); NULL if it is of another kind. */
static const char *bearer_of(const char *authorization) {
    if (strncasecmp(authorization, "Bearer ", 7) != 0) return NULL;
    return authorization + 7 + strspn(authorization + 7, " ");
}

/* The value of a cookie in "a=1; b=2", without its quotes; false if it is not there or longer than any token. */
static bool cookie_of(const char *cookies, const char *name, char token[TOKEN_MOST_BYTES + 1]) {
    size_t name_length = strlen(name);
    for (const char *at = cookies; *at != '\0';) {
        at += strspn(at, "; \t");
        size_t length = strcspn(at, ";");
        const char *value = at + name_length + 1;
        if (length > name_length && strncmp(at, name, name_length) == 0 && at[name_length] == '=') {
            size_t left = length - name_length - 1;
            while (left > 0 && (value[left - 1] == ' ' || value[left - 1] == '\t'))
                left--;
            if (left >= 2 && value[0] == '"' && value[left - 1] == '"') {
                value++;
                left -= 2;
            }
            if (left > TOKEN_MOST_BYTES) return false;
            memcpy(token, value, left);
            token[left] = '\0';
            return left > 0;
        }
        at += length;
    }
    return false;
}

/* A WebSocket without an Origin comes from no browser: that can send a header. */
static bool is_believed(const doorman *self, const doorman_headers *headers) {
    if (headers->websocket && headers->origin[0] == '\0') return false;
    return origin_trusted(self->options.settings->origins, headers->origin, headers->host, headers->site);
}

static auth_verdict look_at_cookie(doorman *self, const doorman_headers *headers, identity **who, char *why) {
    char token[TOKEN_MOST_BYTES + 1];
    const char *name = self->options.settings->auth_cookie;
    if (name[0] == '\0' || !cookie_of(headers->cookie, name, token)) return AUTH_GOOD;
    if (!is_believed(self, headers)) {
        tw_text_copy(why, TOKEN_WHY_BYTES, "a cookie is not believed of a page of this origin");
        return AUTH_GOOD;
    }
    note(self, check(self, token, who, why), why);
    if (*who != NULL) why[0] = '\0';
    return AUTH_GOOD;
}

auth_verdict doorman_look(doorman *self, const doorman_headers *headers, identity **who,
                          char why[TOKEN_WHY_BYTES]) {
    *who = NULL;
    why[0] = '\0';
    if (!self->on) return AUTH_GOOD;
    if (headers->authorization[0] == '\0') return look_at_cookie(self, headers, who, why);
    const char *token = bearer_of(headers->authorization);
    auth_verdict verdict = AUTH_MALFORMED;
    if (token != NULL)
        verdict = check(self, token, who, why);
    else
        tw_text_copy(why, TOKEN_WHY_BYTES, "the Authorization header is not of the kind 'Bearer TOKEN'");
    note(self, verdict, why);
    return verdict;
}

bool doorman_allows(const doorman *self, const identity *who, const char *subject) {
    return entitlement_covers(self->options.anonymous, subject) ||
           (who != NULL && entitlement_covers(&who->may_read, subject));
}

bool doorman_has_room(const doorman *self, const identity *who) {
    return visitors_have_room(self->visitors, who);
}

/* ---- clients ---- */

void doorman_enter(doorman *self, uint32_t client, bool websocket) {
    bool has_to_say = self->on && websocket && self->options.anonymous->patterns.count == 0;
    visitors_enter(self->visitors, client,
                   has_to_say ? rt_clock_utc_ns() + self->options.settings->auth_timeout_ns : INT64_MAX);
}

void doorman_leave(doorman *self, uint32_t client) {
    visitors_leave(self->visitors, client);
}

static auth_verdict admit(doorman *self, uint32_t client, identity *who, stream_admission *admitted) {
    auth_verdict verdict = visitors_admit(self->visitors, client, who);
    if (verdict != AUTH_GOOD) {
        identity_free(who);
        return verdict;
    }
    *admitted = (stream_admission){.user = who->user,
                                   .expires_ns = who->expires_ns,
                                   .limits = {.subscriptions = who->limits.subscriptions,
                                              .requests_per_second = who->limits.requests_per_second,
                                              .waiting_bytes = who->limits.waiting_bytes}};
    return AUTH_GOOD;
}

static const char *why_not(auth_verdict verdict) {
    if (verdict == AUTH_USER) return "the token is another user's: connect again to become another";
    return verdict == AUTH_SESSIONS ? "the user has as many sessions as it may" : "no memory for another user";
}

bool doorman_admit(doorman *self, uint32_t client, identity *who, stream_admission *admitted) {
    auth_verdict verdict = admit(self, client, who, admitted);
    if (verdict != AUTH_GOOD) note(self, verdict, why_not(verdict));
    return verdict == AUTH_GOOD;
}

bool doorman_authenticate(doorman *self, uint32_t client, const char *token, stream_admission *admitted,
                          char *reason, size_t capacity) {
    char why[TOKEN_WHY_BYTES] = "";
    identity *who = NULL;
    if (!self->on) return false;
    auth_verdict verdict = check(self, token, &who, why);
    if (verdict == AUTH_GOOD) {
        verdict = admit(self, client, who, admitted);
        if (verdict != AUTH_GOOD) tw_text_copy(why, sizeof why, why_not(verdict));
    }
    note(self, verdict, why);
    if (verdict == AUTH_GOOD) return true;
    visitors_refused(self->visitors, client);
    tw_text_copy(reason, capacity, why);
    return false;
}

bool doorman_may_read(const doorman *self, uint32_t client, const char *subject) {
    return doorman_allows(self, visitors_identity(self->visitors, client), subject);
}

const char *doorman_user(const doorman *self, uint32_t client) {
    return visitors_user(self->visitors, client);
}

const identity *doorman_identity(const doorman *self, uint32_t client) {
    return visitors_identity(self->visitors, client);
}

/* ---- time ---- */

static void on_tick(void *context) {
    doorman *self = context;
    int64_t now_ns = rt_clock_utc_ns();
    keyring_tick(self->keyring, rt_clock_monotonic_ns());
    const char *reason;
    for (uint32_t client = 0;
         (reason = visitors_next_due(self->visitors, keyring_keys(self->keyring), now_ns, &client)) != NULL;)
        self->options.send_away(self->options.context, client, reason);
}

void doorman_reload(doorman *self) {
    if (self->on) keyring_reload(self->keyring);
}

/* ---- opening and closing ---- */

static bool given(const char *text) {
    return text[0] != '\0';
}

static tw_code check_settings(const gateway_settings *s, bool provided, bool on, tw_error *error) {
    if (provided && (!given(s->auth_issuer) || !given(s->auth_audience)))
        return tw_error_set(
            error, TW_INVALID,
            "%s %s: a provider's keys sign tokens for many: --auth-issuer and --auth-audience say which are "
            "for this gateway",
            given(s->auth_jwks) ? "--auth-jwks" : "--auth-issuer",
            given(s->auth_jwks) ? s->auth_jwks : s->auth_issuer);
    if (!on && (given(s->auth_audience) || given(s->auth_cookie)))
        return tw_error_set(error, TW_INVALID,
                            "%s wants something to check tokens with: --auth-keys, "
                            "--auth-secret, --auth-jwks or --auth-issuer",
                            given(s->auth_audience) ? "--auth-audience" : "--auth-cookie");
    if (!given(s->auth_subjects_claim)) return tw_error_set(error, TW_INVALID, "--auth-subjects-claim is empty");
    return TW_OK;
}

static tw_code open_keyring(doorman *self, uv_loop_t *loop, tw_error *error) {
    const gateway_settings *s = self->options.settings;
    bool discover = given(s->auth_issuer) && !given(s->auth_keys) && !given(s->auth_secret) && !given(s->auth_jwks);
    self->on = given(s->auth_keys) || given(s->auth_secret) || given(s->auth_jwks) || discover;
    tw_code code = check_settings(s, discover || given(s->auth_jwks), self->on, error);
    if (code != TW_OK) return code;
    if (discover && strncasecmp(s->auth_issuer, "http://", 7) != 0 &&
        strncasecmp(s->auth_issuer, "https://", 8) != 0)
        return tw_error_set(error, TW_INVALID,
                            "--auth-issuer '%s' is no URL that could say where its keys are: give --auth-keys, "
                            "--auth-secret or --auth-jwks",
                            s->auth_issuer);
    keyring_options options = {.key_files = s->auth_keys,
                               .secret_files = s->auth_secret,
                               .jwks_url = s->auth_jwks,
                               .issuer = s->auth_issuer,
                               .discover = discover,
                               .authorities = s->auth_authorities,
                               .check_ns = s->auth_check_ns,
                               .refresh_ns = s->auth_refresh_ns,
                               .unknown_ns = s->auth_unknown_ns,
                               .kept_ns = s->auth_kept_ns,
                               .timeout_ns = s->auth_fetch_ns};
    return keyring_open(&self->keyring, loop, &options, self->log, error);
}

tw_code doorman_open(doorman **made, uv_loop_t *loop, const doorman_options *options, rt_log *log,
                     tw_error *error) {
    doorman *self = calloc(1, sizeof *self);
    const gateway_settings *s = options->settings;
    *made = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for sessions");
    self->options = *options;
    self->log = log;
    self->rules = (claims_rules){.issuer = s->auth_issuer,
                                 .audiences = s->auth_audience,
                                 .subjects_claim = s->auth_subjects_claim,
                                 .leeway_ns = s->auth_leeway_ns};
    self->visitors =
        visitors_alloc((uint32_t)s->max_clients, (uint32_t)s->auth_sessions, (uint32_t)s->most_sessions);
    if (self->visitors == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for sessions");
    tw_code code = open_keyring(self, loop, error);
    if (code != TW_OK) return code;
    return self->on ? ticker_open(&self->ticker, loop, TICK_NS, on_tick, self, error) : TW_OK;
}

void doorman_close(doorman *self) {
    if (self == NULL) return;
    ticker_close(self->ticker);
    keyring_close(self->keyring);
    self->ticker = NULL;
}

void doorman_free(doorman *self) {
    if (self == NULL) return;
    keyring_free(self->keyring);
    visitors_free(self->visitors);
    free(self);
}

bool doorman_is_on(const doorman *self) {
    return self->on;
}

doorman_stats doorman_read_stats(const doorman *self) {
    doorman_stats stats = {.accepted = self->accepted,
                           .sessions = visitors_read_stats(self->visitors),
                           .keys = keyring_read_stats(self->keyring, rt_clock_monotonic_ns())};
    memcpy(stats.refused, self->refused, sizeof stats.refused);
    return stats;
}
