/*
 * What is sent, in the order in which it is sent: one event per point of the schedule, read into memory before the
 * clock starts. In the file: u32 length, bytes, again and again (this machine's order).
 *
 * An event of the lines' tape is one MoldUDP64 packet. An event of the relay's tape is what the ingest published for the
 * same packet, so that the baselines carry the same subjects and payloads at the same moments:
 *
 *   u16 entries | entry: u16 length of the subject with its NUL, u16 length of the payload,
 *                        u16 where in the payload receive_ns lies (8 bytes), u16 where publish_ns lies; subject; payload
 *
 * 0 in place of where: the payload has none.
 */
#ifndef TICKWIRE_BENCHMARKS_LATENCY_TAPE_H
#define TICKWIRE_BENCHMARKS_LATENCY_TAPE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct tape {
    uint8_t *bytes;
    uint32_t *starts; /* of events, and one behind the last: each event's bytes follow its length */
    uint32_t events;
} tape;

typedef struct tape_entry {
    uint16_t subject_length, length, receive_at, publish_at;
} tape_entry;

static inline const uint8_t *tape_event(const tape *self, uint32_t index, uint32_t *length) {
    memcpy(length, self->bytes + self->starts[index], sizeof *length);
    return self->bytes + self->starts[index] + sizeof *length;
}

/* False: it is not there, or not whole. */
static inline bool tape_read(tape *self, const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    self->bytes = size > 0 ? malloc((size_t)size) : NULL;
    self->starts = size > 0 ? malloc(((size_t)size / sizeof(uint32_t) + 1) * sizeof(uint32_t)) : NULL;
    bool whole = self->bytes != NULL && self->starts != NULL && size < UINT32_MAX &&
                 fread(self->bytes, 1, (size_t)size, file) == (size_t)size;
    fclose(file);
    uint32_t at = 0;
    for (uint32_t length; whole && at < (uint32_t)size; at += (uint32_t)sizeof length + length) {
        memcpy(&length, self->bytes + at, sizeof length);
        self->starts[self->events++] = at;
    }
    return whole && at == (uint32_t)size;
}

static inline bool tape_write(FILE *file, const void *bytes, uint32_t length) {
    return fwrite(&length, sizeof length, 1, file) == 1 && (length == 0 || fwrite(bytes, length, 1, file) == 1);
}

/* What of an update the listener keeps. */
typedef struct tape_record {
    int64_t receive_ns, publish_ns, heard_ns;
} tape_record;

#endif
