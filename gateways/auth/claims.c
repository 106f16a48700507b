/* Claims of a token: times, issuer, audience; user, accounts, entitlements, limits. */
#include "gateways/auth/claims.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "proto/account_name.h"

identity *identity_share(identity *self) {
    self->shares++;
    return self;
}

void identity_free(identity *self) {
    if (self == NULL || self->shares-- > 0) return;
    free(self->user);
    text_list_fini(&self->accounts);
    entitlement_fini(&self->may_read);
    free(self);
}

/* A reading under way. */
typedef struct reading {
    json_node *claims;
    const claims_rules *rules;
    int64_t now_ns;
    identity *identity;
    char *why;
} reading;

static auth_verdict refuse(const reading *r, auth_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static auth_verdict refuse(const reading *r, auth_verdict verdict, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->why, TOKEN_WHY_BYTES, format, arguments);
    va_end(arguments);
    return verdict;
}

/* ---- times ---- */

static int64_t plus(int64_t time_ns, int64_t more_ns) {
    return time_ns > INT64_MAX - more_ns ? INT64_MAX : time_ns + more_ns;
}

static auth_verdict check_expiry(const reading *r) {
    int64_t expires_ns;
    if (!json_node_date(json_node_member(r->claims, "exp"), &expires_ns))
        return refuse(r, AUTH_CLAIMS, "the token has no exp, or it is no date: tokens here end");
    r->identity->expires_ns = plus(expires_ns, r->rules->leeway_ns);
    if (r->now_ns >= r->identity->expires_ns) return refuse(r, AUTH_EXPIRED, "token expired");
    return AUTH_GOOD;
}

/* `nbf` and `iat` may be absent, and may not be still to come. */
static auth_verdict check_begin(const reading *r, const char *name) {
    int64_t begins_ns;
    if (!json_node_has(r->claims, name)) return AUTH_GOOD;
    if (!json_node_date(json_node_member(r->claims, name), &begins_ns))
        return refuse(r, AUTH_CLAIMS, "the token's %s is no date", name);
    if (begins_ns > plus(r->now_ns, r->rules->leeway_ns))
        return refuse(r, AUTH_EARLY, "the token is not valid yet (%s)", name);
    return AUTH_GOOD;
}

/* ---- between whom ---- */

static auth_verdict check_issuer(const reading *r) {
    const char *issuer = json_node_text(json_node_member(r->claims, "iss"));
    if (r->rules->issuer[0] == '\0') return AUTH_GOOD;
    if (issuer == NULL || strcmp(issuer, r->rules->issuer) != 0)
        return refuse(r, AUTH_ISSUER, "the token is not of the issuer that this gateway trusts (iss)");
    return AUTH_GOOD;
}

static bool is_one_of(const char *list, const char *text) {
    size_t length = strlen(text);
    for (const char *at = list; *at != '\0';) {
        size_t one = strcspn(at, ",");
        if (one == length && one > 0 && memcmp(at, text, one) == 0) return true;
        at += one + (at[one] == ',');
    }
    return false;
}

static auth_verdict check_audience(const reading *r) {
    json_node *audience = json_node_member(r->claims, "aud");
    const char *single = json_node_text(audience), *list = r->rules->audiences;
    if (list[0] == '\0')
        return !json_node_has(r->claims, "aud")
                   ? AUTH_GOOD
                   : refuse(r, AUTH_AUDIENCE,
                            "the token is for somebody (aud), and this gateway has no name: "
                            "--auth-audience");
    if (single != NULL && is_one_of(list, single)) return AUTH_GOOD;
    for (size_t i = 0; i < json_node_count(audience); i++) {
        const char *one = json_node_text(json_node_element(audience, i));
        if (one != NULL && is_one_of(list, one)) return AUTH_GOOD;
    }
    return refuse(r, AUTH_AUDIENCE, "the token is not for this gateway (aud)");
}

/* ---- who ---- */

static bool is_plain(const char *text) {
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) return false;
    return true;
}

static auth_verdict take_user(const reading *r) {
    const char *user = json_node_text(json_node_member(r->claims, "sub"));
    if (user == NULL || user[0] == '\0' || strlen(user) >= IDENTITY_USER_BYTES || !is_plain(user))
        return refuse(r, AUTH_CLAIMS,
                      "the token names no user: sub is missing, empty, longer than %u bytes or has "
                      "control characters",
                      IDENTITY_USER_BYTES - 1);
    if (strcmp(user, IDENTITY_ANONYMOUS) == 0)
        return refuse(r, AUTH_CLAIMS, "no user is called '%s': that is who has no token", IDENTITY_ANONYMOUS);
    r->identity->user = strdup(user);
    return r->identity->user != NULL ? AUTH_GOOD : refuse(r, AUTH_NO_MEMORY, "no memory for another user");
}

static auth_verdict take_accounts(const reading *r) {
    json_node *accounts = json_node_member(r->claims, CLAIMS_ACCOUNTS);
    if (accounts == NULL) return AUTH_GOOD;
    if (!json_node_is_array(accounts) || json_node_count(accounts) > IDENTITY_ACCOUNTS)
        return refuse(r, AUTH_CLAIMS, "the token's %s is no list of at most %u", CLAIMS_ACCOUNTS,
                      IDENTITY_ACCOUNTS);
    for (size_t i = 0; i < json_node_count(accounts); i++) {
        const char *one = json_node_text(json_node_element(accounts, i));
        if (one == NULL || !account_name_is_good(one, strlen(one)))
            return refuse(r, AUTH_CLAIMS, "the token's %s[%zu] is no text of " ACCOUNT_NAME_RULE, CLAIMS_ACCOUNTS,
                          i);
        if (!text_list_add(&r->identity->accounts, one, strlen(one)))
            return refuse(r, AUTH_NO_MEMORY, "no memory for another user");
    }
    return AUTH_GOOD;
}

static auth_verdict add_pattern(const reading *r, const char *text, size_t length) {
    tw_error error = {0};
    tw_code code = entitlement_add(&r->identity->may_read, text, length, &error);
    if (code == TW_OK) return AUTH_GOOD;
    return refuse(r, code == TW_NO_MEMORY ? AUTH_NO_MEMORY : AUTH_CLAIMS, "the token's %.60s: %.150s",
                  r->rules->subjects_claim, error.text);
}

/* Patterns in one text with spaces between, as OAuth's scope. */
static auth_verdict take_words(const reading *r, const char *text) {
    auth_verdict verdict = AUTH_GOOD;
    for (const char *at = text + strspn(text, " "); *at != '\0' && verdict == AUTH_GOOD;) {
        size_t length = strcspn(at, " ");
        verdict = add_pattern(r, at, length);
        at += length;
        at += strspn(at, " ");
    }
    return verdict;
}

static auth_verdict take_subjects(const reading *r) {
    json_node *subjects = json_node_member(r->claims, r->rules->subjects_claim);
    const char *words = json_node_text(subjects);
    if (subjects == NULL) return AUTH_GOOD;
    if (words != NULL) return take_words(r, words);
    if (!json_node_is_array(subjects))
        return refuse(r, AUTH_CLAIMS, "the token's %.60s is no list of patterns", r->rules->subjects_claim);
    for (size_t i = 0; i < json_node_count(subjects); i++) {
        const char *one = json_node_text(json_node_element(subjects, i));
        if (one == NULL)
            return refuse(r, AUTH_CLAIMS, "the token's %.60s[%zu] is no text", r->rules->subjects_claim, i);
        auth_verdict verdict = add_pattern(r, one, strlen(one));
        if (verdict != AUTH_GOOD) return verdict;
    }
    return AUTH_GOOD;
}

static auth_verdict take_limit(const reading *r, json_node *limits, const char *name, uint32_t *limit) {
    uint64_t value = 0;
    if (!json_node_has(limits, name)) return AUTH_GOOD;
    if (!json_node_count_up_to(json_node_member(limits, name), UINT32_MAX, &value) || value == 0)
        return refuse(r, AUTH_CLAIMS, "the token's %s.%s is no whole number from 1 to %u", CLAIMS_LIMITS, name,
                      UINT32_MAX);
    *limit = (uint32_t)value;
    return AUTH_GOOD;
}

static auth_verdict take_limits(const reading *r) {
    json_node *limits = json_node_member(r->claims, CLAIMS_LIMITS);
    identity_limits *to = &r->identity->limits;
    if (limits == NULL) return AUTH_GOOD;
    if (!json_node_is_object(limits)) return refuse(r, AUTH_CLAIMS, "the token's %s is no object", CLAIMS_LIMITS);
    auth_verdict verdict = take_limit(r, limits, "subscriptions", &to->subscriptions);
    if (verdict == AUTH_GOOD) verdict = take_limit(r, limits, "requests_per_second", &to->requests_per_second);
    if (verdict == AUTH_GOOD) verdict = take_limit(r, limits, "waiting_bytes", &to->waiting_bytes);
    if (verdict == AUTH_GOOD) verdict = take_limit(r, limits, "sessions", &to->sessions);
    if (verdict == AUTH_GOOD) verdict = take_limit(r, limits, "orders_per_second", &to->orders_per_second);
    return verdict;
}

/* ---- the whole ---- */

auth_verdict claims_read(identity **made, const signed_token *opened, const claims_rules *rules, int64_t now_ns,
                         char why[TOKEN_WHY_BYTES]) {
    reading r = {.claims = opened->claims, .rules = rules, .now_ns = now_ns, .why = why};
    *made = NULL;
    r.identity = calloc(1, sizeof *r.identity);
    if (r.identity == NULL) return refuse(&r, AUTH_NO_MEMORY, "no memory for another user");
    tw_text_copy(r.identity->thumbprint, sizeof r.identity->thumbprint, opened->thumbprint);
    auth_verdict verdict = check_expiry(&r);
    if (verdict == AUTH_GOOD) verdict = check_begin(&r, "nbf");
    if (verdict == AUTH_GOOD) verdict = check_begin(&r, "iat");
    if (verdict == AUTH_GOOD) verdict = check_issuer(&r);
    if (verdict == AUTH_GOOD) verdict = check_audience(&r);
    if (verdict == AUTH_GOOD) verdict = take_user(&r);
    if (verdict == AUTH_GOOD) verdict = take_accounts(&r);
    if (verdict == AUTH_GOOD) verdict = take_subjects(&r);
    if (verdict == AUTH_GOOD) verdict = take_limits(&r);
    if (verdict == AUTH_GOOD)
        *made = r.identity;
    else
        identity_free(r.identity);
    return verdict;
}

auth_verdict claims_check(identity **made, const key_set *keys, const claims_rules *rules, const char *text,
                          size_t length, int64_t now_ns, char why[TOKEN_WHY_BYTES]) {
    signed_token opened;
    *made = NULL;
    auth_verdict verdict = token_open(&opened, keys, text, length, why);
    if (verdict == AUTH_GOOD) verdict = claims_read(made, &opened, rules, now_ns, why);
    token_fini(&opened);
    return verdict;
}
