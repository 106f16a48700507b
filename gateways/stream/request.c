/* Requests of clients: JSON to a plain struct. Everything that is asked is checked here but for who may ask it. */
#include "gateways/stream/request.h"

#include <inttypes.h>
#include <json-c/json_object.h>
#include <json-c/json_tokener.h>
#include <json-c/linkhash.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateways/stream/pattern.h"

#define DEFAULT_DEPTH 10u
#define ORDER_PREFIX  "order."
#define FOLLOW_PREFIX "exec."
#define LONGEST_ID    32                 /* bytes */
#define MOST_EXACT    (INT64_C(1) << 53) /* integers that a JavaScript number holds */

bool request_init(stream_request_text *request, uint32_t most_subjects) {
    *request = (stream_request_text){.most_subjects = most_subjects};
    request->subjects = calloc(most_subjects, sizeof *request->subjects);
    request->tiers = calloc(most_subjects, sizeof *request->tiers);
    request->resumes = calloc(most_subjects, sizeof *request->resumes);
    request->follows = calloc(REQUEST_MOST_FOLLOWS, sizeof *request->follows);
    if (request->subjects != NULL && request->tiers != NULL && request->resumes != NULL && request->follows != NULL)
        return true;
    request_fini(request);
    return false;
}

void request_fini(stream_request_text *request) {
    free(request->subjects);
    free(request->tiers);
    free(request->resumes);
    free(request->follows);
    *request = (stream_request_text){0};
}

static bool fault(stream_request_text *request, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool fault(stream_request_text *request, const char *code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(request->fault, sizeof request->fault, format, arguments);
    va_end(arguments);
    request->fault_code = code;
    return false;
}

/* The text of a JSON string; NULL if it is none, is longer than fits, or has a NUL inside. */
static const char *text_of(struct json_object *value, size_t capacity) {
    if (!json_object_is_type(value, json_type_string)) return NULL;
    const char *text = json_object_get_string(value);
    size_t length = (size_t)json_object_get_string_len(value);
    return length < capacity && strlen(text) == length ? text : NULL;
}

static struct json_object *member_of(struct json_object *object, const char *name) {
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, name, &value) ? value : NULL; /* null is as if it were absent */
}

/* Kept as JSON, so that the answer repeats it as it came. */
static bool take_id(stream_request_text *request, struct json_object *root) {
    struct json_object *id = member_of(root, "id");
    if (id == NULL) return true;
    int64_t number = json_object_get_int64(id);
    bool is_number = json_object_is_type(id, json_type_int) && number <= MOST_EXACT && number >= -MOST_EXACT;
    const char *text = text_of(id, LONGEST_ID + 1);
    if (!is_number && text == NULL)
        return fault(request, "BAD_REQUEST", "id is an integer up to 2^53 or a string of at most %d bytes",
                     LONGEST_ID);
    const char *json = json_object_to_json_string_ext(id, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (json != NULL && tw_text_copy(request->id, sizeof request->id, json)) return true;
    request->id[0] = '\0';
    return fault(request, "BAD_REQUEST", "id has too many characters that need an escape");
}

static bool take_op(stream_request_text *request, struct json_object *root) {
    static const char *const names[] = {"subscribe", "unsubscribe", "ping", "auth"};
    struct json_object *op = member_of(root, "op");
    if (!json_object_is_type(op, json_type_string))
        return fault(request, "BAD_REQUEST", "op is missing or not a string");
    const char *text = json_object_get_string(op);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            request->op = (request_op)i;
            return true;
        }
    if (strncmp(text, ORDER_PREFIX, strlen(ORDER_PREFIX)) == 0) {
        request->op = REQUEST_ORDER;
        return true;
    }
    return fault(request, "UNKNOWN_OP",
                 "op '%.40s' is not one of subscribe, unsubscribe, ping, auth, order.new, order.cancel, "
                 "order.replace, order.mass_cancel",
                 text);
}

static request_follow *follow_of(stream_request_text *request, const char *subject) {
    for (uint32_t i = 0; i < request->follow_count; i++)
        if (strcmp(request->follows[i].subject, subject) == 0) return &request->follows[i];
    return NULL;
}

static bool take_follow(stream_request_text *request, const char *subject) {
    subject_parts parts;
    if (subject_parse(subject, &parts) != SUBJECT_KIND_EXECUTIONS)
        return fault(request, "BAD_SUBJECT", "'%.100s': execution reports are exec.{ACCOUNT}, without wildcards",
                     subject);
    if (follow_of(request, subject) != NULL) return true;
    if (request->follow_count == REQUEST_MOST_FOLLOWS)
        return fault(request, "TOO_MANY", "more than %u accounts in a request", REQUEST_MOST_FOLLOWS);
    request_follow *follow = &request->follows[request->follow_count++];
    follow->shard_count = 0;
    tw_text_copy(follow->account, sizeof follow->account, parts.account);
    tw_text_copy(follow->subject, sizeof follow->subject, subject);
    return true;
}

static bool is_follow(const char *subject) {
    return strncmp(subject, FOLLOW_PREFIX, strlen(FOLLOW_PREFIX)) == 0;
}

static bool take_subject(stream_request_text *request, struct json_object *value, size_t index) {
    const char *text = text_of(value, SUBJECT_BYTES);
    if (text == NULL)
        return fault(request, json_object_is_type(value, json_type_string) ? "BAD_SUBJECT" : "BAD_REQUEST",
                     "subjects[%zu] is not a string of at most %u bytes", index, SUBJECT_BYTES - 1);
    if (is_follow(text)) return take_follow(request, text);
    char *subject = request->subjects[request->subject_count];
    tw_text_copy(subject, SUBJECT_BYTES, text);
    uint32_t tier_ms = pattern_take_tier(subject);
    const char *wrong = pattern_fault(subject);
    if (wrong != NULL) return fault(request, "BAD_SUBJECT", "'%.100s': %s", text, wrong);
    for (uint32_t i = 0; i < request->subject_count; i++)
        if (strcmp(request->subjects[i], subject) == 0) return true; /* said twice is said */
    request->tiers[request->subject_count++] = tier_ms;
    return true;
}

static bool take_subjects(stream_request_text *request, struct json_object *root) {
    struct json_object *subjects = member_of(root, "subjects");
    if (!json_object_is_type(subjects, json_type_array) || json_object_array_length(subjects) == 0)
        return fault(request, "BAD_REQUEST", "subjects is missing, empty or not an array");
    size_t count = json_object_array_length(subjects);
    if (count > request->most_subjects)
        return fault(request, "TOO_MANY", "%zu subjects in a request: at most %" PRIu32, count,
                     request->most_subjects);
    for (size_t i = 0; i < count; i++)
        if (!take_subject(request, json_object_array_get_idx(subjects, i), i)) return false;
    return true;
}

/* A whole number from `least` to `most`; `*value` stays if it is absent. `offered` is for people. */
static bool take_number(stream_request_text *request, struct json_object *root, const char *name, int64_t least,
                        int64_t most, const char *offered, uint32_t *value) {
    struct json_object *number = member_of(root, name);
    if (number == NULL) return true;
    int64_t found = json_object_get_int64(number);
    if (!json_object_is_type(number, json_type_int) || found < least || found > most)
        return fault(request, "BAD_REQUEST",
                     "%s is a whole number from %" PRId64 " to %" PRId64 ", rounded up to what is offered: %s",
                     name, least, most, offered);
    *value = (uint32_t)found;
    return true;
}

static bool take_wishes(stream_request_text *request, struct json_object *root) {
    struct json_object *snapshot = member_of(root, "snapshot");
    request->depth = DEFAULT_DEPTH;
    request->snapshot = true;
    if (snapshot != NULL && !json_object_is_type(snapshot, json_type_boolean))
        return fault(request, "BAD_REQUEST", "snapshot is true or false");
    if (snapshot != NULL) request->snapshot = json_object_get_boolean(snapshot);
    return take_number(request, root, "depth", 1, REQUEST_MOST_DEPTH, REQUEST_DEPTHS, &request->depth) &&
           take_number(request, root, "interval_ms", 0, REQUEST_MOST_MS, REQUEST_INTERVALS, &request->interval_ms);
}

/* Sequence numbers travel as strings; a plain integer is as good. */
static bool take_seq(struct json_object *value, uint64_t *seq) {
    if (json_object_is_type(value, json_type_int)) {
        *seq = json_object_get_uint64(value);
        return json_object_get_int64(value) >= 0;
    }
    const char *text = text_of(value, TW_DECIMAL_BYTES);
    return text != NULL && tw_text_to_u64(text, seq);
}

static bool add_resume(stream_request_text *request, const char *subject, const char *epoch, uint64_t seq,
                       uint32_t depth) {
    if (request->resume_count == request->most_subjects)
        return fault(request, "TOO_MANY", "resume names more than %" PRIu32 " subjects", request->most_subjects);
    request_resume *resume = &request->resumes[request->resume_count++];
    *resume = (request_resume){.seq = seq, .depth = depth};
    tw_text_copy(resume->subject, sizeof resume->subject, subject);
    pattern_take_tier(resume->subject);
    tw_text_copy(resume->epoch, sizeof resume->epoch, epoch);
    return true;
}

/* {"1":{"seq":"123","n":1}}: of each shard the last report had. */
static bool take_follow_resume(stream_request_text *request, const char *subject, struct json_object *shards) {
    request_follow *follow = follow_of(request, subject);
    if (follow == NULL) return true; /* of a subject that was not asked for */
    json_object_object_foreach(shards, name, place) {
        uint64_t shard, seq, n;
        bool good = tw_text_to_u64(name, &shard) && shard > 0 && shard <= REQUEST_MOST_SHARDS &&
                    json_object_is_type(place, json_type_object) && take_seq(member_of(place, "seq"), &seq) &&
                    take_seq(member_of(place, "n"), &n) && n <= UINT32_MAX;
        if (!good || follow->shard_count == REQUEST_MOST_SHARDS)
            return fault(
                request, "BAD_REQUEST",
                "resume['%.60s'] is an object of shards, 1 to %u, such as {\"1\":{\"seq\":\"123\",\"n\":0}}",
                subject, REQUEST_MOST_SHARDS);
        follow->shards[follow->shard_count++] =
            (struct request_had){.shard = (uint32_t)shard, .n = (uint32_t)n, .seq = seq};
    }
    return true;
}

static bool take_resume(stream_request_text *request, struct json_object *root) {
    struct json_object *resume = member_of(root, "resume");
    if (resume == NULL) return true;
    if (!json_object_is_type(resume, json_type_object))
        return fault(request, "BAD_REQUEST", "resume is an object of subjects");
    json_object_object_foreach(resume, subject, place) {
        if (!json_object_is_type(place, json_type_object) || strlen(subject) >= SUBJECT_BYTES)
            return fault(request, "BAD_REQUEST", "resume['%.60s'] is not {\"epoch\":…,\"seq\":…} of a subject",
                         subject);
        if (is_follow(subject)) {
            if (!take_follow_resume(request, subject, place)) return false;
            continue;
        }
        const char *epoch = text_of(member_of(place, "epoch"), TW_EPOCH_BYTES);
        uint64_t seq = 0;
        uint32_t depth = 0;
        if (epoch == NULL || !take_seq(member_of(place, "seq"), &seq))
            return fault(request, "BAD_REQUEST", "resume['%.60s'] lacks an epoch or a seq", subject);
        if (!take_number(request, place, "depth", 1, REQUEST_MOST_DEPTH, REQUEST_DEPTHS, &depth)) return false;
        if (!add_resume(request, subject, epoch, seq, depth)) return false;
    }
    return true;
}

/* The id of a server-sent event: SUBJECT|EPOCH|SEQ|DEPTH, as encode_json.c writes it. One that is not of this kind is no
 * fault: a browser sends back whatever it was given last, and a snapshot is always right. */
static bool take_event_id(stream_request_text *request, struct json_object *root) {
    const char *id = text_of(member_of(root, "last_event_id"), SUBJECT_BYTES + TW_EPOCH_BYTES + 40);
    if (id == NULL) return true;
    char text[SUBJECT_BYTES + TW_EPOCH_BYTES + 40], *parts[4] = {text};
    tw_text_copy(text, sizeof text, id);
    uint32_t count = 1;
    for (char *at = text; *at != '\0' && count < 4; at++)
        if (*at == '|') {
            *at = '\0';
            parts[count++] = at + 1;
        }
    uint64_t seq, depth;
    bool good = count == 4 && strlen(parts[0]) < SUBJECT_BYTES && strlen(parts[1]) < TW_EPOCH_BYTES &&
                tw_text_to_u64(parts[2], &seq) && tw_text_to_u64(parts[3], &depth) && depth <= REQUEST_MOST_DEPTH;
    return !good || add_resume(request, parts[0], parts[1], seq, (uint32_t)depth);
}

static bool take_token(stream_request_text *request, struct json_object *root) {
    const char *token = text_of(member_of(root, "token"), sizeof request->token);
    if (token == NULL)
        return fault(request, "BAD_REQUEST", "token is missing or not a string of at most %u bytes",
                     REQUEST_TOKEN_BYTES - 1);
    tw_text_copy(request->token, sizeof request->token, token);
    return true;
}

static bool take_request(stream_request_text *request, struct json_object *root) {
    if (!json_object_is_type(root, json_type_object))
        return fault(request, "BAD_JSON", "a request is one JSON object");
    if (!take_id(request, root) || !take_op(request, root)) return false;
    switch (request->op) {
    case REQUEST_SUBSCRIBE:
        return take_subjects(request, root) && take_wishes(request, root) && take_resume(request, root) &&
               take_event_id(request, root);
    case REQUEST_UNSUBSCRIBE:
        return take_subjects(request, root);
    case REQUEST_AUTH:
        return take_token(request, root);
    default:
        return true;
    }
}

/* The parser calls a value that might go on, such as 12 or null, one that ends too early. */
static bool is_no_object(const uint8_t *bytes, size_t length) {
    size_t at = 0;
    while (at < length && strchr(" \t\r\n", bytes[at]) != NULL && bytes[at] != '\0')
        at++;
    return at < length && strchr("{[", bytes[at]) == NULL;
}

static bool parse_failed(stream_request_text *request, struct json_tokener *parser, bool ended) {
    enum json_tokener_error error = json_tokener_get_error(parser);
    if (error == json_tokener_error_depth)
        return fault(request, "BAD_JSON", "nested deeper than %u", REQUEST_MOST_DEEP);
    if (error == json_tokener_success && !ended)
        return fault(request, "BAD_JSON", "something follows the request at byte %zu",
                     json_tokener_get_parse_end(parser));
    return fault(request, "BAD_JSON", "%s at byte %zu",
                 error == json_tokener_continue ? "it ends too early" : json_tokener_error_desc(error),
                 json_tokener_get_parse_end(parser));
}

bool request_parse(stream_request_text *request, const uint8_t *bytes, size_t length) {
    request->id[0] = request->fault[0] = request->token[0] = '\0';
    request->fault_code = NULL;
    request->subject_count = request->resume_count = request->follow_count = 0;
    request->interval_ms = 0;
    if (length == 0 || length > INT32_MAX) return fault(request, "BAD_JSON", "it is empty");
    struct json_tokener *parser = json_tokener_new_ex((int)REQUEST_MOST_DEEP);
    if (parser == NULL) return fault(request, "BAD_JSON", "no memory to read it");
    json_tokener_set_flags(parser, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *root = json_tokener_parse_ex(parser, (const char *)bytes, (int)length);
    bool ended = json_tokener_get_parse_end(parser) == length;
    bool whole = json_tokener_get_error(parser) == json_tokener_success && ended;
    bool cut_short = json_tokener_get_error(parser) == json_tokener_continue;
    bool good = false;
    if (whole || (cut_short && is_no_object(bytes, length)))
        good = take_request(request, root);
    else
        parse_failed(request, parser, ended);
    json_object_put(root);
    json_tokener_free(parser);
    return good;
}
