/*
 * Subscriptions: patterns that a client named, with its wishes. A request is carried out as a whole or refused as a whole.
 * Where several patterns of a client match a subject, the newest decides: a client gets one chain of each subject.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "gateways/stream/group.h"

static const char *text_of(const void *context, uint32_t number) {
    return pattern_at(context, number)->text;
}

bool stream_subscriptions_init(stream *s) {
    uint64_t most =
        (uint64_t)s->options.max_clients * stream_limits_within(&s->options, &s->options.most).subscriptions;
    uint32_t capacity = most < MAX_ALL_SUBSCRIPTIONS ? (uint32_t)most : MAX_ALL_SUBSCRIPTIONS;
    return slab_init(&s->subscriptions, sizeof(subscription), capacity) &&
           slab_init(&s->patterns, sizeof(pattern), capacity) &&
           tw_map_init(&s->pattern_by_text, capacity, text_of, s) &&
           request_init(&s->request, stream_limits_within(&s->options, &s->options.most).subscriptions);
}

void stream_subscriptions_fini(stream *s) {
    for (uint32_t n = 0; n < s->patterns.reached; n++)
        free(pattern_at(s, n)->topics);
    tw_map_fini(&s->pattern_by_text);
    slab_fini(&s->patterns);
    slab_fini(&s->subscriptions);
    request_fini(&s->request);
}

static uint32_t rounded_up(const uint32_t *offered, size_t count, uint32_t wish) {
    for (size_t i = 0; i < count; i++)
        if (wish <= offered[i]) return offered[i];
    return offered[count - 1];
}

static uint32_t depth_for(uint32_t wish) {
    static const uint32_t offered[] = STREAM_DEPTHS;
    return rounded_up(offered, sizeof offered / sizeof *offered, wish);
}

static uint32_t interval_for(uint32_t wish_ms) {
    static const uint32_t offered[] = STREAM_INTERVALS;
    return rounded_up(offered, sizeof offered / sizeof *offered, wish_ms);
}

/* A tier's name asks for its interval at least. */
static uint32_t interval_of(const stream_request_text *request, uint32_t subject) {
    uint32_t tier_ms = request->tiers[subject];
    return interval_for(request->interval_ms > tier_ms ? request->interval_ms : tier_ms);
}

/* ---- patterns ---- */

static bool add_topic(pattern *p, uint32_t topic_number) {
    if (p->topic_count == p->topic_capacity) {
        uint32_t capacity = p->topic_capacity == 0 ? 4 : 2 * p->topic_capacity;
        uint32_t *topics = realloc(p->topics, capacity * sizeof *topics);
        if (topics == NULL) return false;
        p->topics = topics;
        p->topic_capacity = capacity;
    }
    p->topics[p->topic_count++] = topic_number;
    return true;
}

static bool find_topics(stream *s, pattern *p) {
    if (!pattern_is_wild(p->text)) {
        uint32_t number = tw_map_find(&s->topic_by_subject, p->text);
        return number == TW_MAP_NONE || add_topic(p, number);
    }
    for (uint32_t n = 0; n < s->topics.reached; n++) {
        const topic *t = topic_at(s, n);
        if (t->known && subject_matches(p->text, t->subject) && !add_topic(p, n)) return false;
    }
    return true;
}

static void link_wild(stream *s, uint32_t number) {
    pattern *p = pattern_at(s, number);
    p->prev_wild = NONE;
    p->next_wild = s->first_wild;
    if (s->first_wild != NONE) pattern_at(s, s->first_wild)->prev_wild = number;
    s->first_wild = number;
}

static void unlink_wild(stream *s, uint32_t number) {
    const pattern *p = pattern_at(s, number);
    if (p->prev_wild != NONE)
        pattern_at(s, p->prev_wild)->next_wild = p->next_wild;
    else
        s->first_wild = p->next_wild;
    if (p->next_wild != NONE) pattern_at(s, p->next_wild)->prev_wild = p->prev_wild;
}

static void free_pattern(stream *s, uint32_t number) {
    pattern *p = pattern_at(s, number);
    tw_map_remove(&s->pattern_by_text, p->text);
    free(p->topics);
    *p = (pattern){0};
    slab_give(&s->patterns, number);
}

/* The pattern of this text, from now on wanted; NONE: no room for it or for another exchange. */
static uint32_t pattern_of(stream *s, const char *text) {
    uint32_t number = tw_map_find(&s->pattern_by_text, text);
    if (number != TW_MAP_NONE) return number;
    number = slab_take(&s->patterns);
    if (number == NONE) return NONE;
    pattern *p = pattern_at(s, number);
    p->first_subscription = NONE;
    tw_text_copy(p->text, sizeof p->text, text);
    tw_map_add(&s->pattern_by_text, number);
    pattern_reach reach = pattern_reach_of(text);
    if (!find_topics(s, p) || !stream_want_add(s, &reach)) {
        free_pattern(s, number);
        return NONE;
    }
    if (pattern_is_wild(text)) link_wild(s, number);
    return number;
}

static void drop_pattern_if_unused(stream *s, uint32_t number) {
    const pattern *p = pattern_at(s, number);
    if (p->first_subscription != NONE) return;
    pattern_reach reach = pattern_reach_of(p->text);
    if (pattern_is_wild(p->text)) unlink_wild(s, number);
    stream_want_remove(s, &reach);
    free_pattern(s, number);
}

/* ---- subscriptions ---- */

static uint32_t subscription_of(const stream *s, uint32_t client_number, const char *text) {
    uint32_t wanted = tw_map_find(&s->pattern_by_text, text);
    if (wanted == TW_MAP_NONE) return NONE;
    uint32_t number = client_at(s, client_number)->first_subscription;
    while (number != NONE && subscription_at(s, number)->pattern != wanted)
        number = subscription_at(s, number)->next_of_client;
    return number;
}

static uint32_t add_subscription(stream *s, uint32_t client_number, const char *text) {
    uint32_t pattern_number = pattern_of(s, text);
    if (pattern_number == NONE) return NONE;
    uint32_t number = slab_take(&s->subscriptions);
    if (number == NONE) {
        drop_pattern_if_unused(s, pattern_number);
        return NONE;
    }
    subscription *wish = subscription_at(s, number);
    pattern *p = pattern_at(s, pattern_number);
    client *c = client_at(s, client_number);
    wish->client = client_number;
    wish->pattern = pattern_number;
    wish->prev_of_pattern = wish->prev_of_client = NONE;
    wish->next_of_pattern = p->first_subscription;
    if (p->first_subscription != NONE) subscription_at(s, p->first_subscription)->prev_of_pattern = number;
    p->first_subscription = number;
    wish->next_of_client = c->first_subscription;
    if (c->first_subscription != NONE) subscription_at(s, c->first_subscription)->prev_of_client = number;
    c->first_subscription = number;
    c->subscription_count++;
    return number;
}

static void remove_subscription(stream *s, uint32_t number) {
    const subscription *wish = subscription_at(s, number);
    client *c = client_at(s, wish->client);
    uint32_t pattern_number = wish->pattern;
    if (wish->prev_of_pattern != NONE)
        subscription_at(s, wish->prev_of_pattern)->next_of_pattern = wish->next_of_pattern;
    else
        pattern_at(s, pattern_number)->first_subscription = wish->next_of_pattern;
    if (wish->next_of_pattern != NONE)
        subscription_at(s, wish->next_of_pattern)->prev_of_pattern = wish->prev_of_pattern;
    if (wish->prev_of_client != NONE)
        subscription_at(s, wish->prev_of_client)->next_of_client = wish->next_of_client;
    else
        c->first_subscription = wish->next_of_client;
    if (wish->next_of_client != NONE)
        subscription_at(s, wish->next_of_client)->prev_of_client = wish->prev_of_client;
    c->subscription_count--;
    slab_give(&s->subscriptions, number);
    drop_pattern_if_unused(s, pattern_number);
}

/* ---- joining ---- */

static bool may_read(const stream *s, uint32_t client_number, const char *subject) {
    return s->surroundings.may_read == NULL ||
           s->surroundings.may_read(s->surroundings.context, client_number, subject);
}

/* Told once for each request: a wildcard may come to thousands. */
static void refuse_member(stream *s, uint32_t client_number, const char *subject) {
    client *c = client_at(s, client_number);
    s->stats.members_refused++;
    if (c->told_no_room) return;
    c->told_no_room = true;
    stream_tell_error(s, client_number, "", "TOO_MANY",
                      "%s, and what else is new, is left out: this gateway has no room for more subjects", subject);
}

/* NONE: not entitled, a newer subscription has it, or no room (counted). */
static uint32_t join(stream *s, uint32_t topic_number, uint32_t subscription_number) {
    const subscription *wish = subscription_at(s, subscription_number);
    if (!may_read(s, wish->client, topic_at(s, topic_number)->subject)) return NONE;
    uint32_t number = stream_member_find(s, wish->client, topic_number);
    if (number != NONE && subscription_at(s, member_at(s, number)->subscription)->order > wish->order) return NONE;
    if (stream_member_join(s, wish->client, topic_number, subscription_number, &number)) return number;
    refuse_member(s, wish->client, topic_at(s, topic_number)->subject);
    return NONE;
}

static const request_resume *resume_of(const stream_request_text *request, const char *subject) {
    for (uint32_t i = 0; i < request->resume_count; i++)
        if (strcmp(request->resumes[i].subject, subject) == 0) return &request->resumes[i];
    return NULL;
}

static void start_member(stream *s, uint32_t number, const stream_request_text *request) {
    const request_resume *at = NULL;
    if (request->resume_count > 0)
        at = resume_of(request, topic_at(s, group_at(s, member_at(s, number)->group)->topic)->subject);
    if (at != NULL && stream_resume(s, number, at)) return;
    if (at != NULL) s->stats.resume_failed++;
    if (at != NULL || request->snapshot) stream_member_want_snapshot(s, number, true);
}

static void join_all(stream *s, uint32_t subscription_number, const stream_request_text *request) {
    const pattern *p = pattern_at(s, subscription_at(s, subscription_number)->pattern);
    for (uint32_t i = 0; i < p->topic_count; i++) {
        uint32_t number = join(s, p->topics[i], subscription_number);
        if (number != NONE) start_member(s, number, request);
    }
}

static void appear_in(stream *s, uint32_t topic_number, uint32_t pattern_number) {
    pattern *p = pattern_at(s, pattern_number);
    if (!add_topic(p, topic_number)) s->stats.members_refused++;
    for (uint32_t n = p->first_subscription; n != NONE; n = subscription_at(s, n)->next_of_pattern) {
        uint32_t number = join(s, topic_number, n);
        if (number != NONE) stream_member_want_snapshot(s, number, true);
    }
}

void stream_topic_appeared(stream *s, uint32_t topic_number) {
    const char *subject = topic_at(s, topic_number)->subject;
    uint32_t exact = tw_map_find(&s->pattern_by_text, subject);
    if (exact != TW_MAP_NONE) appear_in(s, topic_number, exact);
    for (uint32_t n = s->first_wild; n != NONE; n = pattern_at(s, n)->next_wild)
        if (subject_matches(pattern_at(s, n)->text, subject)) appear_in(s, topic_number, n);
}

/* ---- requests ---- */

/* Nobody is entitled to what nobody can ask: without surroundings that say who may, there are no reports. */
static bool may_follow(stream *s, uint32_t client_number, const stream_request_text *request) {
    for (uint32_t i = 0; i < request->follow_count; i++) {
        const char *subject = request->follows[i].subject;
        if (s->surroundings.follow == NULL)
            stream_tell_error(s, client_number, request->id, "NO_VENUE", "%s: this gateway takes no orders",
                              subject);
        else if (!may_read(s, client_number, subject))
            stream_tell_error(s, client_number, request->id, "FORBIDDEN", "%s is not an account of yours", subject);
        else
            continue;
        return false;
    }
    return true;
}

static bool is_asked_for(const stream *s, uint32_t client_number, const stream_request_text *request,
                         const char *subject) {
    for (uint32_t i = 0; i < request->subject_count; i++) {
        const char *wanted = request->subjects[i];
        if (strcmp(wanted, subject) == 0 || (pattern_is_wild(wanted) && subject_matches(wanted, subject)))
            return may_read(s, client_number, subject);
    }
    return false;
}

static bool is_known(const stream *s, const char *subject) {
    uint32_t number = tw_map_find(&s->topic_by_subject, subject);
    return number != TW_MAP_NONE && topic_at(s, number)->known;
}

/* Of which nothing will follow until somebody publishes: what the client has of it is not confirmed. */
static bool is_unknown(const stream *s, uint32_t client_number, const stream_request_text *request,
                       const char *subject) {
    return !is_known(s, subject) && pattern_fault(subject) == NULL &&
           is_asked_for(s, client_number, request, subject);
}

/* The answer names all that is subscribed to, and all that can't be gone on with. */
static bool has_room_for_answer(stream *s, uint32_t client_number, const stream_request_text *request) {
    uint64_t bytes = (uint64_t)request->subject_count * STREAM_ACK_BYTES, unknown = 0;
    for (uint32_t i = 0; i < request->resume_count; i++)
        if (is_unknown(s, client_number, request, request->resumes[i].subject))
            unknown += strlen(request->resumes[i].subject) + sizeof "\"\",";
    if (unknown == 0) return true;
    bytes += unknown + sizeof "\"unknown\":[],";
    if (bytes <= SCRATCH_BYTES / 2 && bytes <= client_at(s, client_number)->limits.waiting_bytes) return true;
    stream_tell_error(
        s, client_number, request->id, "TOO_MANY",
        "resume names more subjects that nothing is known of than an answer has room for: ask for fewer at once");
    return false;
}

static bool is_allowed(stream *s, uint32_t client_number, const stream_request_text *request) {
    uint32_t more = 0;
    for (uint32_t i = 0; i < request->subject_count; i++) {
        if (!may_read(s, client_number, request->subjects[i])) {
            stream_tell_error(s, client_number, request->id, "FORBIDDEN", "not entitled to %s",
                              request->subjects[i]);
            return false;
        }
        more += subscription_of(s, client_number, request->subjects[i]) == NONE;
    }
    if (!may_follow(s, client_number, request)) return false;
    const client *c = client_at(s, client_number);
    if (c->subscription_count + more <= c->limits.subscriptions)
        return has_room_for_answer(s, client_number, request);
    stream_tell_error(s, client_number, request->id, "TOO_MANY", "more than %u subscriptions",
                      c->limits.subscriptions);
    return false;
}

static void write_unknown(const stream *s, uint32_t client_number, const stream_request_text *request,
                          json_writer *w) {
    bool any = false;
    for (uint32_t i = 0; i < request->resume_count; i++) {
        const char *subject = request->resumes[i].subject;
        if (!is_unknown(s, client_number, request, subject)) continue;
        if (!any) json_open_array(w, "unknown");
        any = true;
        json_string(w, NULL, subject);
    }
    if (any) json_close_array(w);
}

static void acknowledge(stream *s, uint32_t client_number, const stream_request_text *request) {
    json_writer w;
    json_start(&w, (char *)s->scratch + SCRATCH_BYTES / 2, SCRATCH_BYTES / 2);
    stream_start_answer(&w, "ack", request->id);
    json_string(&w, "op", request->op == REQUEST_SUBSCRIBE ? "subscribe" : "unsubscribe");
    json_open_array(&w, "subjects");
    for (uint32_t i = 0; i < request->subject_count; i++) {
        json_open_object(&w, NULL);
        json_string(&w, "subject", request->subjects[i]);
        if (request->op == REQUEST_SUBSCRIBE) {
            json_u64(&w, "depth", depth_for(request->depth));
            json_u64(&w, "interval_ms", interval_of(request, i));
        }
        json_close_object(&w);
    }
    for (uint32_t i = 0; i < request->follow_count; i++) {
        json_open_object(&w, NULL);
        json_string(&w, "subject", request->follows[i].subject);
        json_close_object(&w);
    }
    json_close_array(&w);
    write_unknown(s, client_number, request, &w);
    json_close_object(&w);
    if (json_finish(&w)) stream_tell(s, client_number, w.text, w.length);
}

static void follow_all(stream *s, uint32_t client_number, const stream_request_text *request) {
    const stream_surroundings *around = &s->surroundings;
    for (uint32_t i = 0; i < request->follow_count; i++)
        if (!around->follow(around->context, client_number, &request->follows[i]))
            stream_tell_error(s, client_number, request->id, "TOO_MANY", "%s: this gateway has no room for more",
                              request->follows[i].subject);
}

void stream_subscribe(stream *s, uint32_t client_number, const stream_request_text *request) {
    if (!is_allowed(s, client_number, request)) return;
    client_at(s, client_number)->told_no_room = false;
    acknowledge(s, client_number, request);
    for (uint32_t i = 0; i < request->subject_count; i++) {
        uint32_t number = subscription_of(s, client_number, request->subjects[i]);
        if (number == NONE) number = add_subscription(s, client_number, request->subjects[i]);
        if (number == NONE) {
            stream_tell_error(s, client_number, request->id, "TOO_MANY", "%s: this gateway has no room for more",
                              request->subjects[i]);
            continue;
        }
        subscription *wish = subscription_at(s, number);
        wish->depth = depth_for(request->depth);
        wish->interval_ms = interval_of(request, i);
        wish->order = ++s->next_order;
        stream_charge(s, client_number, pattern_at(s, wish->pattern)->topic_count);
        join_all(s, number, request);
    }
    follow_all(s, client_number, request);
}

/* The newest subscription of the client that matches the topic; NONE if no other one does. */
static uint32_t next_best(const stream *s, uint32_t client_number, const topic *t, uint32_t but) {
    uint32_t best = NONE;
    for (uint32_t n = client_at(s, client_number)->first_subscription; n != NONE;
         n = subscription_at(s, n)->next_of_client) {
        const subscription *wish = subscription_at(s, n);
        bool newer = best == NONE || wish->order > subscription_at(s, best)->order;
        if (n != but && newer && subject_matches(pattern_at(s, wish->pattern)->text, t->subject)) best = n;
    }
    return best;
}

/* Leaves what this subscription alone kept; the rest falls back to the next one that matches. */
static void leave_all(stream *s, uint32_t subscription_number) {
    const subscription *wish = subscription_at(s, subscription_number);
    const pattern *p = pattern_at(s, wish->pattern);
    for (uint32_t i = 0; i < p->topic_count; i++) {
        uint32_t number = stream_member_find(s, wish->client, p->topics[i]);
        if (number == NONE || member_at(s, number)->subscription != subscription_number) continue;
        uint32_t other = next_best(s, wish->client, topic_at(s, p->topics[i]), subscription_number);
        uint32_t group_before = member_at(s, number)->group;
        if (other == NONE || !stream_member_join(s, wish->client, p->topics[i], other, &number))
            stream_member_leave(s, number);
        else if (member_at(s, number)->group != group_before)
            stream_member_want_snapshot(s, number, true);
    }
}

void stream_unsubscribe(stream *s, uint32_t client_number, const stream_request_text *request) {
    for (uint32_t i = 0; i < request->subject_count; i++)
        if (subscription_of(s, client_number, request->subjects[i]) == NONE) {
            stream_tell_error(s, client_number, request->id, "NOT_SUBSCRIBED",
                              "%s was not subscribed to, word for word", request->subjects[i]);
            return;
        }
    const stream_surroundings *around = &s->surroundings;
    for (uint32_t i = 0; i < request->follow_count; i++)
        if (around->unfollow == NULL ||
            !around->unfollow(around->context, client_number, request->follows[i].account)) {
            stream_tell_error(s, client_number, request->id, "NOT_SUBSCRIBED", "%s was not subscribed to",
                              request->follows[i].subject);
            return;
        }
    for (uint32_t i = 0; i < request->subject_count; i++) {
        uint32_t number = subscription_of(s, client_number, request->subjects[i]);
        stream_charge(s, client_number, pattern_at(s, subscription_at(s, number)->pattern)->topic_count);
        leave_all(s, number);
        remove_subscription(s, number);
    }
    acknowledge(s, client_number, request);
}

void stream_unsubscribe_all(stream *s, uint32_t client_number) {
    client *c = client_at(s, client_number);
    while (c->first_member != NONE)
        stream_member_leave(s, c->first_member);
    while (c->first_subscription != NONE)
        remove_subscription(s, c->first_subscription);
}

/* What its subscriptions match and it may read now, and could not before. */
static void join_what_is_new(stream *s, uint32_t client_number) {
    for (uint32_t n = client_at(s, client_number)->first_subscription; n != NONE;
         n = subscription_at(s, n)->next_of_client) {
        const pattern *p = pattern_at(s, subscription_at(s, n)->pattern);
        for (uint32_t i = 0; i < p->topic_count; i++) {
            if (stream_member_find(s, client_number, p->topics[i]) != NONE) continue;
            uint32_t newest = next_best(s, client_number, topic_at(s, p->topics[i]), NONE);
            uint32_t number = join(s, p->topics[i], newest);
            if (number != NONE) stream_member_want_snapshot(s, number, true);
        }
    }
}

void stream_entitlements_changed(stream *s, uint32_t client_number, int64_t now_ns) {
    char first[SUBJECT_BYTES] = "";
    uint32_t ended = 0;
    s->now_ns = now_ns;
    for (uint32_t n = client_at(s, client_number)->first_member; n != NONE;) {
        uint32_t next = member_at(s, n)->next_of_client;
        const char *subject = topic_at(s, group_at(s, member_at(s, n)->group)->topic)->subject;
        if (!may_read(s, client_number, subject)) {
            if (ended++ == 0) tw_text_copy(first, sizeof first, subject);
            stream_member_leave(s, n);
        }
        n = next;
    }
    join_what_is_new(s, client_number);
    if (ended > 0)
        stream_tell_error(s, client_number, "", "FORBIDDEN", "not entitled any more to %s and %u others", first,
                          ended - 1);
}
