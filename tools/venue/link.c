/* A command's connection: connecting, waiting, asking. */
#include "tools/venue/link.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "proto/subject.h"
#include "runtime/clock.h"
#include "tools/interrupt.h"
#include "tools/venue/name.h"

#define SLICE_MS 50

static void on_slice(uv_timer_t *timer) {
    (void)timer; /* uv_run returns, that is all */
}

/* The venue answers only to what begins as an inbox does. */
static bool is_inbox_prefix(const char *text) {
    size_t length = strlen(text);
    if (text[0] != '_' || length >= BUS_INBOX_PREFIX_BYTES || text[length - 1] == '.') return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && strchr("_-.", text[i]) == NULL) return false;
    return strstr(text, "..") == NULL;
}

static void on_event(void *context, bus_event event, const char *detail) {
    venue_link *self = context;
    if (event != BUS_NOT_PERMITTED || detail == NULL) return;
    tw_text_copy(self->refusals[self->refusal_count++ % VENUE_REFUSALS], VENUE_REFUSAL_BYTES, detail);
}

/* The subject stands in the words between quotes. */
const char *venue_link_refusal(const venue_link *link, const char *subject) {
    char quoted[SUBJECT_BYTES + 2];
    tw_text_format(quoted, sizeof quoted, "\"%s\"", subject);
    for (uint32_t i = 0; i < VENUE_REFUSALS; i++)
        if (strstr(link->refusals[i], quoted) != NULL) return link->refusals[i];
    return NULL;
}

tw_code venue_link_open(venue_link *link, const venue_link_settings *wanted, const char *name, tw_error *error) {
    *link = (venue_link){0};
    if (!venue_mic_is(wanted->exchange))
        return tw_error_set(error, TW_INVALID, "--exchange '%s' is no exchange: four of A-Z 0-9, such as TWEX",
                            wanted->exchange);
    if (!is_inbox_prefix(wanted->inbox_prefix))
        return tw_error_set(
            error, TW_INVALID,
            "--inbox-prefix '%s' is none: words of A-Z a-z 0-9 _ - between dots, the first begins with _",
            wanted->inbox_prefix);
    bus_options options = {
        .url = wanted->server.url,
        .inbox_prefix = wanted->inbox_prefix,
        .name = name,
        .credentials = server_credentials(&wanted->server),
        .connect_ns = wanted->server.connect_timeout_ns,
        .give_up = server_give_up,
        .no_responders = true,
        .refusals = true,
        .on_event = on_event,
        .event_context = link,
    };
    uv_loop_init(&link->loop);
    tw_code code = bus_open(&link->bus, &link->loop, &options, error);
    if (code != TW_OK) {
        uv_run(&link->loop, UV_RUN_DEFAULT);
        uv_loop_close(&link->loop);
        return code;
    }
    uv_timer_init(&link->loop, &link->slice);
    uv_timer_start(&link->slice, on_slice, SLICE_MS, SLICE_MS);
    return TW_OK;
}

void venue_link_close(venue_link *link) {
    bus_close(link->bus);
    uv_close((uv_handle_t *)&link->slice, NULL);
    uv_run(&link->loop, UV_RUN_DEFAULT);
    uv_loop_close(&link->loop);
}

venue_wait venue_link_wait(venue_link *link, bool (*done)(void *context), void *context, int64_t until_ns) {
    for (;;) {
        bus_flush(link->bus);
        if (done != NULL && done(context)) return VENUE_CAME;
        if (interrupt_wanted()) return VENUE_INTERRUPTED;
        int64_t left_ns = until_ns - rt_clock_monotonic_ns();
        if (left_ns <= 0) return VENUE_TIMED_OUT;
        int64_t left_ms = left_ns / 1000000 + 1;
        if (left_ms < SLICE_MS) uv_timer_start(&link->slice, on_slice, (uint64_t)left_ms, SLICE_MS);
        uv_run(&link->loop, UV_RUN_ONCE);
    }
}

tw_code venue_request_start(venue_request *request, venue_link *link, const char *subject, const uint8_t *bytes,
                            size_t length, bus_on_message on_reply, void *context, tw_error *error) {
    *request = (venue_request){.link = link};
    tw_text_copy(request->subject, sizeof request->subject, subject);
    tw_code code = bus_new_inbox(link->bus, request->inbox, sizeof request->inbox, error);
    if (code == TW_OK) code = bus_subscribe(link->bus, request->inbox, on_reply, context, &request->replies, error);
    if (code != TW_OK) return code;
    code = bus_publish_request(link->bus, subject, request->inbox, bytes, length);
    if (code != TW_OK) {
        tw_error_set(error, code, "the server went away before %s could be asked", subject);
        venue_request_end(request);
    }
    return code;
}

const char *venue_request_refusal(const venue_request *request) {
    const char *words = venue_link_refusal(request->link, request->subject);
    return words != NULL ? words : venue_link_refusal(request->link, request->inbox);
}

void venue_request_end(venue_request *request) {
    bus_unsubscribe(request->replies);
    request->replies = NULL;
}
