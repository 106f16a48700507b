/*
 * The MoldUDP64 request server's answers: a request packet in, one downstream packet out.
 *
 * Source: "MoldUDP64 Protocol Specification" 1.00, section 2: a request is session, first sequence number and count of
 * messages in 20 bytes; the answer is an ordinary downstream packet to the asker. It carries as many whole messages from
 * the first on as fit the packet size; the asker asks for the rest. Whatever makes no sense is not answered.
 * Pure: the messages come from a store function.
 */
#ifndef TICKWIRE_INGEST_LINE_MOLD_REQUEST_SERVER_H
#define TICKWIRE_INGEST_LINE_MOLD_REQUEST_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "ingest/framing/moldudp64.h"

/* The message with number `sequence` and its length; NULL if it is not stored (any more). Borrowed until the next
 * call. Called only for numbers below `next`. */
typedef const uint8_t *(*mold_request_message)(void *context, uint64_t sequence, uint16_t *length);

typedef enum mold_request_result {
    MOLD_REQUEST_ANSWERED = 0,
    MOLD_REQUEST_NO_REQUEST, /* not 20 bytes */
    MOLD_REQUEST_SESSION,    /* another session */
    MOLD_REQUEST_COUNT,      /* 0, or 0xFFFF which is no count */
    MOLD_REQUEST_ZERO,       /* sequence number 0 */
    MOLD_REQUEST_BEYOND,     /* the first message was not sent yet */
    MOLD_REQUEST_NOT_STORED, /* the first message is not there any more */
    MOLD_REQUEST_TOO_LARGE,  /* the first message does not fit a packet */
    MOLD_REQUEST_RESULTS
} mold_request_result;

typedef struct mold_request_server {
    char session[MOLDUDP64_SESSION_BYTES]; /* padded to ten characters */
    mold_request_message message;
    void *context;
    uint64_t results[MOLD_REQUEST_RESULTS]; /* how often each */
    uint64_t messages;                      /* sent in answers */
} mold_request_server;

/* `session` is padded or cut to ten characters. */
void mold_request_server_init(mold_request_server *server, const char *session, mold_request_message message,
                              void *context);

/* Answers one request into `answer`, at most `capacity` bytes (the largest payload that is to be sent). `next` is the
 * number of the next message that will be sent. *answer_bytes is 0 unless ANSWERED. */
mold_request_result mold_request_answer(mold_request_server *server, const uint8_t *request, size_t length,
                                        uint64_t next, uint8_t *answer, size_t capacity, size_t *answer_bytes);

const char *mold_request_result_text(mold_request_result result);

#endif
