/*
 * venue_truth ORDERS EXECLOG [MIC [SHARD]]: is execlog, byte for byte, what the naive engine makes of the order stream?
 *
 * Both files are dumps of a stream, message after message, little endian:
 *
 *   sequence 8 | stream time in ns 8 | bytes of the subject 4 | bytes of the payload 4 | subject | payload
 *
 * Says how much was compared and ends with 0; with 1 if they differ, 2 if a file can't be read, 3 if a stream has a hole: then
 * its server has lost messages, and nothing can be said about what came after.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "tests/matcher/truth.h"

enum { SAME = 0, DIFFERENT = 1, UNREADABLE = 2, HOLE = 3 };

typedef struct dump {
    const char *path;
    FILE *file;
    mw_message message; /* the last one read */
    char subject[SUBJECT_BYTES];
    uint8_t *bytes;
    size_t room;
    bool over, broken, hole;
} dump;

static bool broken(dump *d, const char *why) {
    fprintf(stderr, "venue_truth: %s, message %" PRIu64 ": %s\n", d->path, d->message.seq + 1, why);
    d->broken = true;
    return false;
}

/* False: no more. */
static bool next(dump *d) {
    uint8_t head[24];
    size_t got = fread(head, 1, sizeof head, d->file);
    d->over = got == 0;
    if (d->over) return false;
    if (got < sizeof head) return broken(d, "cut short");
    uint64_t seq = tw_load_le64(head);
    uint32_t subject_bytes = tw_load_le32(head + 16), length = tw_load_le32(head + 20);
    d->hole = seq != d->message.seq + 1;
    if (d->hole)
        fprintf(stderr, "venue_truth: %s has %" PRIu64 " after %" PRIu64 "\n", d->path, seq, d->message.seq);
    if (d->hole) return false;
    if (subject_bytes >= sizeof d->subject || length > 64u << 20) return broken(d, "not a dump");
    if (length > d->room || d->bytes == NULL) {
        d->room = length + 1024;
        free(d->bytes);
        d->bytes = malloc(d->room);
        if (d->bytes == NULL) return broken(d, "no memory");
    }
    if (fread(d->subject, 1, subject_bytes, d->file) != subject_bytes ||
        fread(d->bytes, 1, length, d->file) != length)
        return broken(d, "cut short");
    d->subject[subject_bytes] = '\0';
    d->message = (mw_message){.subject = d->subject,
                              .seq = seq,
                              .stream_ns = (int64_t)tw_load_le64(head + 8),
                              .bytes = d->bytes,
                              .length = length};
    return true;
}

static bool open_dump(dump *d, const char *path) {
    *d = (dump){.path = path, .file = fopen(path, "rb")};
    if (d->file == NULL) perror(path);
    return d->file != NULL;
}

static void close_dump(dump *d) {
    if (d->file != NULL) fclose(d->file);
    free(d->bytes);
}

static int verdict_of(const dump *orders, const dump *execlog) {
    if (orders->broken || execlog->broken) return UNREADABLE;
    return orders->hole || execlog->hole ? HOLE : SAME;
}

/* Inputs are taken as far as each message of execlog needs them, so that little is kept. */
static int compare(truth *t, dump *orders, dump *execlog) {
    tw_error error;
    while (next(execlog)) {
        wire_executions batch;
        bool read = wire_executions_open(&batch, execlog->message.bytes, execlog->message.length) == WIRE_OK;
        while (read && truth_seq(t) < batch.header.last_seq && next(orders))
            truth_take(t, &orders->message);
        if (verdict_of(orders, execlog) != SAME) return verdict_of(orders, execlog);
        if (truth_compare(t, execlog->message.bytes, execlog->message.length, &error)) continue;
        fprintf(stderr, "venue_truth: message %" PRIu64 " of execlog: %s\n", execlog->message.seq, error.text);
        return DIFFERENT;
    }
    while (next(orders))
        truth_take(t, &orders->message);
    if (verdict_of(orders, execlog) != SAME) return verdict_of(orders, execlog);
    if (truth_journaled(t) == truth_seq(t) && !truth_midway(t)) return SAME;
    fprintf(stderr, "venue_truth: execlog ends with input %" PRIu64 ", the order stream with %" PRIu64 "\n",
            truth_journaled(t), truth_seq(t));
    return DIFFERENT;
}

int main(int count, char **values) {
    dump orders = {0}, execlog = {0};
    uint64_t shard = 1;
    int verdict = UNREADABLE;
    if (count < 3 || count > 5 || (count == 5 && !tw_text_to_u64(values[4], &shard))) {
        fprintf(stderr, "venue_truth ORDERS EXECLOG [MIC [SHARD]]: two dumps of streams\n");
        return UNREADABLE;
    }
    truth *t = truth_alloc(count > 3 ? values[3] : "TWEX", (uint32_t)shard);
    if (open_dump(&orders, values[1]) && open_dump(&execlog, values[2])) verdict = compare(t, &orders, &execlog);
    printf("%s: %" PRIu64 " inputs, %" PRIu64 " reports, %" PRIu64 " messages of execlog\n",
           verdict == SAME ? "the same" : "NOT the same", truth_seq(t), truth_reports(t), execlog.message.seq);
    if (verdict == SAME && naive_broken(truth_engine(t)) != NULL) {
        fprintf(stderr, "venue_truth: the naive engine itself: %s\n", naive_broken(truth_engine(t)));
        verdict = DIFFERENT;
    }
    close_dump(&orders);
    close_dump(&execlog);
    truth_free(t);
    return verdict;
}
