/* Who a client is and what it may have: limits, {"op":"auth"}, and the end of who may not stay. */
#include "base/text.h"
#include "gateways/stream/group.h"

/* ---- limits ---- */

/* `wanted`, 0 for the default, at most what may be given. */
static uint32_t within(uint32_t wanted, uint32_t usual, uint32_t most) {
    uint32_t top = most > usual ? most : usual;
    if (wanted == 0) return usual;
    return wanted < top ? wanted : top;
}

stream_limits stream_limits_within(const stream_options *o, const stream_limits *wanted) {
    stream_limits limits = {
        .subscriptions = within(wanted->subscriptions, o->max_subscriptions, o->most.subscriptions),
        .requests_per_second =
            within(wanted->requests_per_second, o->requests_per_second, o->most.requests_per_second),
        .waiting_bytes = within(wanted->waiting_bytes, o->client_bytes, o->most.waiting_bytes)};
    if (limits.waiting_bytes < STREAM_LEAST_CLIENT_BYTES) limits.waiting_bytes = STREAM_LEAST_CLIENT_BYTES;
    uint32_t acknowledged =
        limits.waiting_bytes / STREAM_ACK_BYTES; /* a request may name all that a client may have */
    if (limits.subscriptions > acknowledged) limits.subscriptions = acknowledged;
    return limits;
}

void stream_put_limits(const stream *s, json_writer *w, const stream_limits *limits) {
    json_open_object(w, "limits");
    json_u64(w, "subscriptions", limits->subscriptions);
    json_u64(w, "request_bytes", s->options.request_bytes);
    json_u64(w, "requests_per_second", limits->requests_per_second);
    json_u64(w, "waiting_bytes", limits->waiting_bytes);
    json_close_object(w);
}

/* ---- who it is ---- */

static void put_admission(stream *s, uint32_t number, json_writer *w, const stream_admission *admission) {
    json_string(w, "user", admission->user);
    json_i64_string(w, "expires_ns", admission->expires_ns);
    stream_put_limits(s, w, &client_at(s, number)->limits);
    json_close_object(w);
}

static void admit(stream *s, uint32_t number, const stream_admission *admission, const char *type, const char *id) {
    char text[2048];
    json_writer w;
    client_at(s, number)->limits = stream_limits_within(&s->options, &admission->limits);
    json_start(&w, text, sizeof text);
    stream_start_answer(&w, type, id);
    if (type[0] == 'a') json_string(&w, "op", "auth");
    put_admission(s, number, &w, admission);
    if (json_finish(&w)) stream_tell(s, number, text, w.length);
    stream_entitlements_changed(s, number, s->now_ns);
}

void stream_admit(stream *s, uint32_t number, const stream_admission *admission, int64_t now_ns) {
    s->now_ns = now_ns;
    admit(s, number, admission, "session", "");
}

static void report(stream *s, uint32_t number) {
    for (uint32_t m = client_at(s, number)->first_member; m != NONE; m = member_at(s, m)->next_of_client)
        stream_member_report(s, m);
}

void stream_authenticate(stream *s, uint32_t number, const stream_request_text *request) {
    char reason[REQUEST_FAULT_BYTES] = "there is nothing to sign in to";
    stream_admission admitted = {.user = ""};
    report(s, number); /* what it had before is not this user's */
    bool known = s->surroundings.authenticate != NULL &&
                 s->surroundings.authenticate(s->surroundings.context, number, request->token, &admitted, reason,
                                              sizeof reason);
    if (known)
        admit(s, number, &admitted, "ack", request->id);
    else
        stream_tell_error(s, number, request->id, "UNAUTHORIZED", "%s", reason);
}

/* ---- the end ---- */

void stream_dismiss(stream *s, uint32_t number, const char *message, int64_t now_ns) {
    s->now_ns = now_ns;
    if (client_at(s, number)->closing) return;
    stream_unsubscribe_all(s, number);
    stream_tell_error(s, number, "", "UNAUTHORIZED", "%s", message);
    s->stats.closed_unauthorized++;
    stream_end_client(s, number, STREAM_CLOSE_UNAUTHORIZED, message);
}
