/* An event stream's request, made into one of the stream's own. */
#include "gateways/events.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "gateways/caller.h"
#include "gateways/http.h"
#include "gateways/pipeline.h"
#include "gateways/stream/pattern.h"
#include "gateways/stream/request.h"
#include "runtime/clock.h"

#define REQUEST_BYTES 16384u
#define HEAD_BYTES    (HTTP_CROSS_BYTES + 512u)

/* The next pattern of all `subscribe` arguments; false at the end. One that is too long is cut, and then no pattern. */
typedef struct pattern_walk {
    const socket_request *request;
    uint32_t argument;
    const char *at;
} pattern_walk;

static bool next_pattern(pattern_walk *walk, char pattern[SUBJECT_BYTES + 1]) {
    static const char name[] = "subscribe=";
    while (walk->at == NULL || *walk->at == '\0') {
        if (walk->argument == walk->request->argument_count) return false;
        const char *argument = walk->request->arguments[walk->argument++];
        walk->at = strncmp(argument, name, sizeof name - 1) == 0 ? argument + sizeof name - 1 : NULL;
    }
    size_t length = strcspn(walk->at, ","), kept = length < SUBJECT_BYTES ? length : SUBJECT_BYTES;
    memcpy(pattern, walk->at, kept);
    pattern[kept] = '\0';
    walk->at += length + (walk->at[length] == ',');
    return true;
}

/* True if every pattern is one and may be read at least in part; else the answer was given. */
static bool check_patterns(gateway *self, const socket_request *request, http_asked *asked) {
    pattern_walk walk = {.request = request};
    char pattern[SUBJECT_BYTES + 1], message[SUBJECT_BYTES + 160];
    uint32_t count = 0;
    for (; next_pattern(&walk, pattern); count++) {
        pattern_take_tier(pattern);
        const char *fault = pattern_fault(pattern);
        if (fault != NULL) {
            tw_text_format(message, sizeof message, "'%s' can't be subscribed to: %s", pattern, fault);
            http_answer_error(self, asked, HTTP_BAD_REQUEST, "BAD_SUBJECT", message);
            return false;
        }
        tw_text_format(message, sizeof message, "'%s'", pattern);
        if (!caller_may_read(self, request, asked, pattern, message)) return false;
    }
    if (count == 0)
        http_answer_error(self, asked, HTTP_BAD_REQUEST, "BAD_REQUEST", "subscribe=PATTERN,... says what to send");
    return count > 0;
}

/* "subject|epoch|seq|depth", as events carry it. Anything else is taken for none: a snapshot comes instead. */
static void put_resume(json_writer *w, const char *id) {
    char parts[4][SUBJECT_BYTES];
    for (int i = 0; i < 4; i++) {
        size_t length = strcspn(id, "|");
        if (length >= SUBJECT_BYTES || (id[length] == '\0') != (i == 3)) return;
        memcpy(parts[i], id, length);
        parts[i][length] = '\0';
        id += length + (i < 3);
    }
    uint64_t seq, depth;
    if (!tw_text_to_u64(parts[2], &seq) || !tw_text_to_u64(parts[3], &depth)) return;
    if (pattern_fault(parts[0]) != NULL || pattern_is_wild(parts[0])) return;
    json_open_object(w, "resume");
    json_open_object(w, parts[0]);
    json_string(w, "epoch", parts[1]);
    json_u64_string(w, "seq", seq);
    if (depth > 0) json_u64(w, "depth", depth);
    json_close_object(w);
    json_close_object(w);
}

/* Said here and not by the stream, whose error would come in an answer of 200. */
static bool put_number(json_writer *w, const socket_request *request, const char *name, uint64_t least,
                       uint64_t most) {
    uint64_t value;
    const char *text = http_argument(request, name);
    if (text[0] == '\0') return true;
    if (!tw_text_to_u64(text, &value) || value < least || value > most) return false;
    json_u64(w, name, value);
    return true;
}

/* NULL, or which argument makes no sense. */
static const char *write_request(json_writer *w, const socket_request *request) {
    pattern_walk walk = {.request = request};
    char pattern[SUBJECT_BYTES + 1];
    const char *id = request->last_event_id;
    json_open_object(w, NULL);
    json_string(w, "op", "subscribe");
    json_open_array(w, "subjects");
    while (next_pattern(&walk, pattern))
        json_string(w, NULL, pattern);
    json_close_array(w);
    if (!put_number(w, request, "depth", 1, REQUEST_MOST_DEPTH))
        return "depth is a whole number from 1 to 50, rounded up to what is offered: " REQUEST_DEPTHS;
    if (!put_number(w, request, "interval_ms", 0, REQUEST_MOST_MS))
        return "interval_ms is a whole number from 0 to 5000, rounded up to what is offered: " REQUEST_INTERVALS;
    put_resume(w, id[0] != '\0' ? id : http_argument(request, "last_event_id"));
    json_close_object(w);
    return json_finish(w) ? NULL : "too many subjects for one address";
}

void events_take(gateway *self, const socket_request *request) {
    http_asked asked = http_remember(self, request);
    char text[REQUEST_BYTES], head[HEAD_BYTES];
    if (!check_patterns(self, request, &asked)) return;
    json_writer w;
    json_start(&w, text, sizeof text);
    const char *fault = write_request(&w, request);
    if (fault != NULL) {
        http_answer_error(self, &asked, HTTP_BAD_REQUEST, "BAD_REQUEST", fault);
        return;
    }
    if (asked.head) {
        http_answer(self, &asked, HTTP_OK, "text/event-stream", "no-store", "", 0);
        return;
    }
    tw_text_format(head, sizeof head,
                   "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
                   "X-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n%s\r\n",
                   asked.cross_origin);
    if (request->caller != NULL && !doorman_has_room(self->doorman, request->caller)) {
        http_answer_error(self, &asked, HTTP_TOO_MANY, "TOO_MANY", "you have as many sessions as you may");
        return;
    }
    bool full;
    uint32_t client = socket_answer_stream(self->socket, asked.ticket, head, &full);
    if (client != STREAM_NO_CLIENT) {
        caller_becomes(self, request, client);
        stream_request(self->stream, client, (const uint8_t *)text, w.length, rt_clock_utc_ns());
    } else if (full)
        http_answer_error(self, &asked, HTTP_NOT_READY, "TOO_MANY", "no room for another client: come back later");
}
