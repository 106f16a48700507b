/* Callers of HTTP: their token, and what it lets them read. */
#include "gateways/caller.h"

#include <string.h>

#include "base/text.h"
#include "gateways/auth/origin.h"
#include "gateways/pipeline.h"
#include "runtime/clock.h"

#define MESSAGE_BYTES 1024

/* RFC 6750, section 3: what a 401 has to say. `why` is "" where there was no token. */
static void challenge(http_asked *asked, const char *why) {
    char plain[TOKEN_WHY_BYTES];
    tw_text_copy(plain, sizeof plain, why);
    for (char *c = plain; *c != '\0'; c++)
        if (*c == '"' || *c == '\\' || *c < ' ' || *c > '~') *c = '\'';
    tw_text_format(
        asked->challenge, sizeof asked->challenge, "WWW-Authenticate: Bearer realm=\"tickwire\"%s%s%s\r\n",
        why[0] == '\0' ? "" : ", error=\"invalid_token\", error_description=\"", plain, why[0] == '\0' ? "" : "\"");
}

bool caller_may_read(gateway *self, const socket_request *request, http_asked *asked, const char *subject,
                     const char *what) {
    char message[MESSAGE_BYTES];
    if (doorman_allows(self->doorman, request->caller, subject)) return true;
    bool could_say = request->caller == NULL && doorman_is_on(self->doorman);
    const char *fault = request->caller_fault != NULL ? request->caller_fault : "";
    tw_text_format(message, sizeof message, "you may not read %s%s%s", what,
                   !could_say         ? ""
                   : fault[0] == '\0' ? ": it takes a token"
                                      : ": ",
                   could_say ? fault : "");
    if (could_say) challenge(asked, fault);
    http_answer_error(self, asked, could_say ? HTTP_UNAUTHORIZED : HTTP_FORBIDDEN,
                      could_say ? "UNAUTHORIZED" : "FORBIDDEN", message);
    return false;
}

static doorman_headers headers_of(const socket_request *request, bool websocket) {
    return (doorman_headers){.authorization = request->authorization,
                             .cookie = request->cookie,
                             .origin = request->origin,
                             .host = request->host,
                             .site = request->site,
                             .websocket = websocket};
}

static const char *refuse_handshake(gateway *self, http_asked *asked, http_status status, const char *code,
                                    const char *message) {
    http_write_error(self->refusal, sizeof self->refusal, asked, status, code, message);
    return self->refusal;
}

const char *caller_take_handshake(gateway *self, const socket_request *request, void **guest) {
    char why[TOKEN_WHY_BYTES];
    identity *who = NULL;
    http_asked asked = http_remember(self, request);
    *guest = NULL;
    if (!origin_allowed(self->settings.origins, request->origin, request->host))
        return refuse_handshake(self, &asked, HTTP_FORBIDDEN, "FORBIDDEN", "pages of this origin may not connect");
    doorman_headers headers = headers_of(request, true);
    if (doorman_look(self->doorman, &headers, &who, why) != AUTH_GOOD) {
        challenge(&asked, why);
        return refuse_handshake(self, &asked, HTTP_UNAUTHORIZED, "UNAUTHORIZED", why);
    }
    if (who != NULL && !doorman_has_room(self->doorman, who)) {
        identity_free(who);
        return refuse_handshake(self, &asked, HTTP_TOO_MANY, "TOO_MANY", "you have as many sessions as you may");
    }
    *guest = who;
    return NULL;
}

void caller_take(gateway *self, const socket_request *request, http_asked *asked, caller_on_known on_known) {
    char why[TOKEN_WHY_BYTES];
    identity *who = NULL;
    doorman_headers headers = headers_of(request, false);
    if (strncmp(request->path, "/v1/", 4) != 0) { /* nothing there is for some and not for others */
        on_known(self, request, asked);
        return;
    }
    if (doorman_look(self->doorman, &headers, &who, why) != AUTH_GOOD) {
        challenge(asked, why);
        http_answer_error(self, asked, HTTP_UNAUTHORIZED, "UNAUTHORIZED", why);
        return;
    }
    socket_request known = *request;
    known.caller = who;
    known.caller_fault = why;
    on_known(self, &known, asked);
    identity_free(who);
}

/* ---- clients of the stream ---- */

static void admit(gateway *self, uint32_t client, identity *who) {
    stream_admission admitted;
    int64_t now_ns = rt_clock_utc_ns();
    if (doorman_admit(self->doorman, client, who, &admitted))
        stream_admit(self->stream, client, &admitted, now_ns);
    else
        stream_dismiss(self->stream, client, "you have as many sessions as you may", now_ns);
}

void caller_on_client(gateway *self, uint32_t client, bool websocket, void *guest) {
    doorman_enter(self->doorman, client, websocket);
    if (guest != NULL) admit(self, client, guest);
}

void caller_becomes(gateway *self, const socket_request *request, uint32_t client) {
    if (request->caller != NULL) admit(self, client, identity_share(request->caller));
}
