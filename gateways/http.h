/*
 * HTTP: which path is answered by what. Bodies are JSON (errors too: {"error":{"code","message"}}), metrics text.
 */
#ifndef TICKWIRE_GATEWAYS_HTTP_H
#define TICKWIRE_GATEWAYS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateways/ask.h"
#include "gateways/auth/identity.h"
#include "gateways/socket.h"

typedef struct gateway gateway;

typedef struct http_status {
    int number;
    const char *words;
} http_status;
extern const http_status HTTP_OK, HTTP_BAD_REQUEST, HTTP_FORBIDDEN, HTTP_NOT_FOUND, HTTP_NOT_ALLOWED,
    HTTP_BAD_GATEWAY, HTTP_NOT_READY, HTTP_TIMEOUT, HTTP_UNAUTHORIZED, HTTP_TOO_MANY, HTTP_UPGRADE, HTTP_ACCEPTED,
    HTTP_NO_LENGTH, HTTP_TOO_LARGE, HTTP_MEDIA_TYPE;

#define HTTP_CROSS_BYTES     2432u
#define HTTP_CHALLENGE_BYTES 512u
#define HTTP_MORE_BYTES      256u
#define HTTP_FAULT_BYTES     192u
/* What an answer needs to remember of its request. */
typedef struct http_asked {
    uint64_t ticket;
    bool head, last;                      /* HEAD: no body; the connection ends with the answer */
    char cross_origin[HTTP_CROSS_BYTES];  /* headers */
    char challenge[HTTP_CHALLENGE_BYTES]; /* likewise, of a 401 */
    char more_headers[HTTP_MORE_BYTES];   /* likewise, of http_add_header */
    char user[IDENTITY_USER_BYTES];       /* who asks */
    address_key caller;                   /* the same for counting: the user, or the address of nobody known */
} http_asked;
http_asked http_remember(const gateway *self, const socket_request *request);

/* Answers with a body of so many bytes, copied. `caching` is the value of Cache-Control. True: the body goes out (not to a
 * HEAD, nor to who is gone). */
bool http_answer(gateway *self, const http_asked *asked, http_status status, const char *type, const char *caching,
                 const char *body, size_t length);
void http_answer_error(gateway *self, const http_asked *asked, http_status status, const char *code,
                       const char *message);

/* Why there is no answer. Zeroed: there is one, or none yet. */
typedef struct http_fault {
    const http_status *status; /* NULL: no fault */
    const char *code;
    char message[HTTP_FAULT_BYTES];
    bool again_soon; /* says so: Retry-After */
} http_fault;

/* The first fault stays. */
void http_fault_set(http_fault *fault, const http_status *status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Of a question to the bus that was not asked. */
void http_fault_set_not_asked(http_fault *fault, ask_result why);
void http_answer_fault(gateway *self, const http_asked *asked, const http_fault *fault);

/* A header line of the answer, with its end; it is left out where there is no room. */
void http_add_header(http_asked *asked, const char *line);
/* May the page that asks, if one does, read answers here? Requests that change something want this, whoever they come from. */
bool http_origin_is_allowed(const gateway *self, const socket_request *request);

/* An answer with market data went out: so many bytes of this subject, for the usage ledger. */
void http_count(gateway *self, const http_asked *asked, const char *subject, size_t bytes);

/* The value of the argument of that name, "" if there is none. */
const char *http_argument(const socket_request *request, const char *name);

/* As http_answer_error, but into `response`, as a whole; the connection is to end. */
void http_write_error(char *response, size_t capacity, http_asked *asked, http_status status, const char *code,
                      const char *message);

/* Four of A-Z 0-9. */
bool http_is_mic(const char *text, size_t length);

/* Can it serve? And a JSON object that says so, with what it knows of feeds, keys and Redis where `detailed`. */
bool http_write_ready(const gateway *self, bool detailed, char *text, size_t capacity);

/* Answers a request, now or later. */
void http_take(gateway *self, const socket_request *request);

#endif
