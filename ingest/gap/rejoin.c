/* When to ask for a snapshot, what to hold meanwhile, and where the books change over to it. */
#include "ingest/gap/rejoin.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/market.h"
#include "base/random.h"
#include "ingest/decode/glimpse.h"
#include "ingest/decode/itch50.h"
#include "ingest/gap/message_hold.h"

#define LEAST_HOLD_BYTES (128u * 1024u) /* any one message fits */
#define LENGTH_BYTES     2u             /* in front of each message of the snapshot */

typedef enum rebuild_stage { STAGE_CLEAR, STAGE_SNAPSHOT, STAGE_CATCH_UP } rebuild_stage;

struct rejoin {
    rejoin_options options;
    tw_random random;
    rejoin_state state;
    rejoin_status stats; /* its counters */

    uint64_t next;          /* the number of the next live message */
    uint64_t held_from;     /* of this attempt: the lines' messages from here on are all held or yet to come */
    uint64_t release_below; /* held messages below it are to be applied to the books as they are */
    message_hold hold;

    unsigned failed_in_row;
    int64_t retry_ns;     /* WAITING: when to ask */
    int64_t deadline_ns;  /* of the attempt */
    int64_t calm_from_ns; /* a need before it is not answered at once */

    glimpse_reader reader;
    rebuild_stage stage;
    uint8_t *snapshot; /* options.snapshot_bytes */
    size_t snapshot_end, snapshot_at;
};

/* ---- life ---- */

static tw_code check_options(const rejoin_options *o, tw_error *error) {
    if (o->hold_bytes < LEAST_HOLD_BYTES)
        return tw_error_set(error, TW_INVALID, "at least %u bytes are needed to hold live messages",
                            LEAST_HOLD_BYTES);
    if (o->backoff_first_ns <= 0 || o->backoff_limit_ns <= 0 || o->patience_ns <= 0 || o->calm_ns < 0)
        return tw_error_set(error, TW_INVALID, "a time of the way back from STALE is not above 0");
    return TW_OK;
}

tw_code rejoin_alloc(rejoin **out, const rejoin_options *options, tw_error *error) {
    *out = NULL;
    tw_code code = check_options(options, error);
    if (code != TW_OK) return code;
    rejoin *r = calloc(1, sizeof *r);
    if (r == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the way back from STALE");
    r->options = *options;
    r->calm_from_ns = INT64_MIN;
    tw_random_seed(&r->random, options->seed);
    code = message_hold_init(&r->hold, options->hold_bytes, error);
    r->snapshot = malloc(options->snapshot_bytes + 1); /* pages are taken as they are touched */
    if (code == TW_OK && r->snapshot == NULL)
        code = tw_error_set(error, TW_NO_MEMORY, "no memory for a snapshot of %zu bytes", options->snapshot_bytes);
    if (code != TW_OK) {
        rejoin_free(r);
        return code;
    }
    *out = r;
    return TW_OK;
}

void rejoin_free(rejoin *r) {
    if (r == NULL) return;
    message_hold_fini(&r->hold);
    free(r->snapshot);
    free(r);
}

void rejoin_reset(rejoin *r, uint64_t first) {
    message_hold_clear(&r->hold);
    r->release_below = 0;
    r->state = REJOIN_PASSING;
    r->next = first;
    r->failed_in_row = 0;
    r->calm_from_ns = INT64_MIN;
}

/* ---- attempts ---- */

static bool is_attempt(const rejoin *r) {
    return r->state == REJOIN_ASKING || r->state == REJOIN_HOLDING || r->state == REJOIN_JOINING;
}

/* first, 2 * first, 4 * first … up to the limit, from its upper half. */
static int64_t draw_wait(rejoin *r) {
    int64_t wait = r->options.backoff_first_ns, limit = r->options.backoff_limit_ns;
    for (unsigned i = 1; i < r->failed_in_row && wait < limit; i++)
        wait = wait > limit / 2 ? limit : wait * 2;
    if (wait > limit) wait = limit;
    return wait - (int64_t)tw_random_below(&r->random, (uint64_t)(wait / 2) + 1);
}

static void back_off(rejoin *r, int64_t now_ns) {
    if (r->failed_in_row < UINT16_MAX) r->failed_in_row++;
    r->stats.wait_ns = draw_wait(r);
    r->retry_ns = now_ns + r->stats.wait_ns;
    r->state = REJOIN_WAITING;
}

static void fail(rejoin *r, rejoin_fault fault, int64_t now_ns) {
    r->stats.failures++;
    r->stats.fault = fault;
    r->release_below = UINT64_MAX;
    back_off(r, now_ns);
}

static void ask(rejoin *r, int64_t now_ns) {
    r->state = REJOIN_ASKING;
    r->deadline_ns = now_ns + r->options.patience_ns;
    r->stats.attempts++;
}

void rejoin_poll(rejoin *r, bool needed, int64_t now_ns) {
    if (is_attempt(r)) {
        if (now_ns >= r->deadline_ns) fail(r, REJOIN_FAULT_TIME, now_ns);
        return;
    }
    if (r->state == REJOIN_REBUILDING) return;
    if (!needed) {
        r->state = REJOIN_PASSING;
    } else if (r->state == REJOIN_WAITING) {
        if (now_ns >= r->retry_ns) ask(r, now_ns);
    } else if (now_ns < r->calm_from_ns) {
        back_off(r, now_ns);
    } else {
        r->failed_in_row = 0;
        ask(r, now_ns);
    }
}

/* ---- the link ---- */

bool rejoin_wants_link(const rejoin *r) {
    return r->state == REJOIN_ASKING || r->state == REJOIN_HOLDING;
}

void rejoin_login(rejoin *r) {
    if (r->state != REJOIN_ASKING) return;
    r->state = REJOIN_HOLDING;
    r->held_from = r->next;
    r->release_below = r->next; /* what an earlier attempt still holds is below it */
    r->snapshot_end = r->snapshot_at = 0;
    glimpse_reader_init(&r->reader);
}

void rejoin_failed(rejoin *r, rejoin_fault fault, int64_t now_ns) {
    if (rejoin_wants_link(r)) fail(r, fault, now_ns);
}

void rejoin_refuse(rejoin *r, int64_t now_ns) {
    if (r->state == REJOIN_JOINING) fail(r, REJOIN_FAULT_IMPLAUSIBLE, now_ns);
}

void rejoin_refuted(rejoin *r, int64_t now_ns) {
    r->stats.failures++;
    r->stats.fault = REJOIN_FAULT_REFUTED;
    if (r->state == REJOIN_PASSING || r->state == REJOIN_WAITING) back_off(r, now_ns);
}

/* The books of a snapshot are those before message `join`. */
static void complete(rejoin *r, int64_t now_ns) {
    r->stats.join = r->reader.join;
    if (r->reader.join < r->held_from) {
        fail(r, REJOIN_FAULT_TOO_OLD, now_ns);
        return;
    }
    r->release_below = r->reader.join;
    r->state = REJOIN_JOINING;
}

/* System events are not kept: an event of the morning is no news, and the last one of the day comes on the lines. */
static void store(rejoin *r, const uint8_t *bytes, size_t length, int64_t now_ns) {
    if (bytes[0] == ITCH50_SYSTEM_EVENT) return;
    if (r->options.snapshot_bytes - r->snapshot_end < LENGTH_BYTES + length) {
        fail(r, REJOIN_FAULT_TOO_LARGE, now_ns);
        return;
    }
    tw_store_be16(r->snapshot + r->snapshot_end, (uint16_t)length);
    memcpy(r->snapshot + r->snapshot_end + LENGTH_BYTES, bytes, length);
    r->snapshot_end += LENGTH_BYTES + length;
}

void rejoin_snapshot(rejoin *r, const uint8_t *bytes, size_t length, int64_t now_ns) {
    if (r->state != REJOIN_HOLDING) return;
    glimpse_result result = glimpse_reader_next(&r->reader, bytes, length);
    r->stats.messages = r->reader.messages;
    r->stats.orders = r->reader.orders;
    switch (result) {
    case GLIMPSE_ITCH:
        store(r, bytes, length, now_ns);
        break;
    case GLIMPSE_DONE:
        complete(r, now_ns);
        break;
    case GLIMPSE_UNKNOWN:
        break;
    default:
        fail(r, REJOIN_FAULT_UNTRUSTED, now_ns);
    }
}

/* ---- the lines ---- */

static bool must_hold(const rejoin *r, uint64_t seq) {
    if (r->hold.count > 0 || r->state == REJOIN_HOLDING || r->state == REJOIN_REBUILDING) return true;
    return r->state == REJOIN_JOINING && seq >= r->reader.join;
}

size_t rejoin_live(rejoin *r, const feed_message *messages, size_t count, size_t *passed, int64_t now_ns) {
    size_t done = 0;
    while (done < count && !must_hold(r, messages[done].seq))
        r->next = messages[done++].seq + 1;
    *passed = done;
    for (; done < count; done++) {
        if (!message_hold_push(&r->hold, &messages[done])) {
            if (!rejoin_has_work(r)) fail(r, REJOIN_FAULT_HOLD_FULL, now_ns); /* which makes some */
            break;
        }
        r->next = messages[done].seq + 1;
    }
    return done;
}

void rejoin_lost(rejoin *r, uint64_t from, uint64_t count, int64_t now_ns) {
    uint64_t end = from + count;
    if (end > r->next) r->next = end;
    if (r->state == REJOIN_HOLDING) { /* only a snapshot that joins behind the hole will do */
        r->release_below = r->held_from = r->next;
    } else if (r->state == REJOIN_JOINING && end > r->reader.join) {
        fail(r, REJOIN_FAULT_TOO_OLD, now_ns);
    }
}

/* ---- the work ---- */

static bool is_released(const rejoin *r) {
    feed_message oldest;
    return r->state != REJOIN_REBUILDING && message_hold_peek(&r->hold, &oldest) && oldest.seq < r->release_below;
}

/* The lines stand just before the message where the snapshot joins. */
static bool has_reached(const rejoin *r) {
    return r->state == REJOIN_JOINING && !is_released(r) && r->next >= r->reader.join;
}

bool rejoin_has_work(const rejoin *r) {
    return r->state == REJOIN_REBUILDING || is_released(r) || has_reached(r);
}

static size_t take_held(rejoin *r, uint64_t below, feed_message *messages) {
    size_t count = 0;
    while (count < REJOIN_BATCH && message_hold_peek(&r->hold, &messages[count]) && messages[count].seq < below) {
        message_hold_pop(&r->hold);
        count++;
    }
    return count;
}

static size_t take_snapshot(rejoin *r, feed_message *messages) {
    size_t count = 0;
    while (count < REJOIN_BATCH && r->snapshot_at < r->snapshot_end) {
        const uint8_t *record = r->snapshot + r->snapshot_at;
        uint16_t length = tw_load_be16(record);
        messages[count++] = (feed_message){record + LENGTH_BYTES, length, r->reader.join - 1, TW_TIME_ABSENT};
        r->snapshot_at += LENGTH_BYTES + length;
    }
    return count;
}

static rejoin_work rebuild(rejoin *r, feed_message *messages, size_t *count, int64_t now_ns) {
    if (r->stage == STAGE_CLEAR) {
        r->stage = STAGE_SNAPSHOT;
        return REJOIN_WORK_CLEAR;
    }
    if (r->stage == STAGE_SNAPSHOT) {
        *count = take_snapshot(r, messages);
        if (*count > 0) return REJOIN_WORK_SNAPSHOT;
        r->stage = STAGE_CATCH_UP;
    }
    *count = take_held(r, UINT64_MAX, messages);
    if (*count > 0) return REJOIN_WORK_CATCH_UP;
    r->state = REJOIN_PASSING;
    r->calm_from_ns = now_ns + r->options.calm_ns;
    r->stats.rebuilds++;
    return REJOIN_WORK_DONE;
}

rejoin_work rejoin_next(rejoin *r, feed_message messages[REJOIN_BATCH], size_t *count, int64_t now_ns) {
    *count = 0;
    if (r->state != REJOIN_REBUILDING) {
        if (is_released(r)) {
            *count = take_held(r, r->release_below, messages);
            return REJOIN_WORK_LIVE;
        }
        if (!has_reached(r)) return REJOIN_WORK_NONE;
        r->state = REJOIN_REBUILDING;
        r->stage = STAGE_CLEAR;
    }
    return rebuild(r, messages, count, now_ns);
}

void rejoin_settle(rejoin *r) {
    if (r->state == REJOIN_REBUILDING) return;
    r->release_below = UINT64_MAX;
    r->state = REJOIN_PASSING;
}

/* ---- looking ---- */

rejoin_status rejoin_read_status(const rejoin *r) {
    rejoin_status status = r->stats;
    status.state = r->state;
    status.held = r->hold.count;
    return status;
}

const char *rejoin_state_name(rejoin_state state) {
    static const char *const names[] = {"PASSING", "WAITING", "ASKING", "HOLDING", "JOINING", "REBUILDING"};
    return (size_t)state < sizeof names / sizeof names[0] ? names[state] : "?";
}

const char *rejoin_fault_text(rejoin_fault fault) {
    static const char *const texts[] = {"",
                                        "the link to the snapshot service failed",
                                        "it took too long",
                                        "too many live messages came meanwhile",
                                        "the snapshot is larger than there is room for",
                                        "the snapshot can't be trusted",
                                        "the lines are past where the snapshot joins",
                                        "the snapshot does not fit what the lines have told",
                                        "the snapshot was not of this session"};
    return (size_t)fault < sizeof texts / sizeof texts[0] ? texts[fault] : "?";
}
