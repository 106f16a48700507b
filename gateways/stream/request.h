/*
 * Requests of clients (docs/stream.md): from JSON text to a plain struct. The one door to the JSON parser. Whatever the
 * bytes are, the answer is a request or a fault that says which part of it is wrong.
 */
#ifndef TICKWIRE_GATEWAYS_STREAM_REQUEST_H
#define TICKWIRE_GATEWAYS_STREAM_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/market.h"
#include "proto/subject.h"

#define REQUEST_ID_BYTES    96u
#define REQUEST_TOKEN_BYTES 8192u /* a JWT with many entitlements */
#define REQUEST_FAULT_BYTES 256u
#define REQUEST_MOST_DEEP   8u /* objects in arrays in objects … */
#define REQUEST_MOST_DEPTH  50 /* the greatest of STREAM_DEPTHS */
#define REQUEST_MOST_MS                                                                                            \
    5000 /* the greatest of STREAM_INTERVALS: more would be given more often than was asked for */
#define REQUEST_DEPTHS    "1, 5, 10, 20, 50"
#define REQUEST_INTERVALS "0 (every update), 50, 100, 250, 500, 1000, 5000"

typedef enum request_op {
    REQUEST_SUBSCRIBE,
    REQUEST_UNSUBSCRIBE,
    REQUEST_PING,
    REQUEST_AUTH,
    REQUEST_ORDER /* "order.…": only its id is looked at here */
} request_op;

#define REQUEST_MOST_FOLLOWS 64u
#define REQUEST_MOST_SHARDS  64u

/* exec.{ACCOUNT}: an account's execution reports, and the last one had of each shard. */
typedef struct request_follow {
    char account[TW_SYMBOL_BYTES];
    char subject[SUBJECT_BYTES];
    uint32_t shard_count;
    struct request_had {
        uint32_t shard, n;
        uint64_t seq;
    } shards[REQUEST_MOST_SHARDS];
} request_follow;

/* "I have everything up to this": where a subject's chain was when the connection was lost. */
typedef struct request_resume {
    char subject[SUBJECT_BYTES];
    char epoch[TW_EPOCH_BYTES];
    uint64_t seq;
    uint32_t depth; /* that its levels were cut to; 0: that of the subscription */
} request_resume;

typedef struct stream_request_text {
    request_op op;
    char id[REQUEST_ID_BYTES]; /* as JSON text, ready to be written back; "" if there is none */
    uint32_t subject_count;
    char (*subjects)[SUBJECT_BYTES];
    uint32_t *tiers; /* of each subject: the interval that its name asked for (pattern_take_tier), 0 for none */
    uint32_t depth, interval_ms; /* as asked for */
    bool snapshot;
    uint32_t resume_count;
    request_resume *resumes;
    uint32_t follow_count; /* subjects that are exec.{ACCOUNT} are here, and not in `subjects` */
    request_follow *follows;
    char token[REQUEST_TOKEN_BYTES];

    const char *fault_code;          /* "BAD_JSON", …; NULL if nothing is wrong */
    char fault[REQUEST_FAULT_BYTES]; /* for people */
    uint32_t most_subjects;          /* what subjects and resumes have room for */
} stream_request_text;

bool request_init(stream_request_text *request, uint32_t most_subjects); /* false: no memory */
void request_fini(stream_request_text *request);

/* Fills `request` from `length` bytes. False: fault_code and fault say why; id is set if it could be read. */
bool request_parse(stream_request_text *request, const uint8_t *bytes, size_t length);

#endif
