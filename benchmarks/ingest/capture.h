/*
 * What travelled, in a file: so that the baseline publishes the same bytes. One entry per message, in order:
 *
 *   u32 length of the subject with its NUL | u32 length of the payload | subject | payload      (this machine's order)
 *
 * The subject's NUL is kept: nats.c takes it in place.
 */
#ifndef TICKWIRE_BENCHMARKS_INGEST_CAPTURE_H
#define TICKWIRE_BENCHMARKS_INGEST_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct capture_entry {
    const char *subject;
    const uint8_t *payload;
    uint32_t length; /* of the payload */
} capture_entry;

/* False: it could not be written. */
static inline bool capture_write(FILE *file, const capture_entry *entry) {
    uint32_t lengths[2] = {(uint32_t)strlen(entry->subject) + 1, entry->length};
    return fwrite(lengths, sizeof lengths, 1, file) == 1 && fwrite(entry->subject, lengths[0], 1, file) == 1 &&
           (lengths[1] == 0 || fwrite(entry->payload, lengths[1], 1, file) == 1);
}

/* Points into `bytes` and moves `at` behind the entry. False: no whole entry is left. */
static inline bool capture_next(const uint8_t *bytes, size_t length, size_t *at, capture_entry *entry) {
    uint32_t lengths[2];
    if (length - *at < sizeof lengths) return false;
    memcpy(lengths, bytes + *at, sizeof lengths);
    size_t body = (size_t)lengths[0] + lengths[1];
    if (length - *at - sizeof lengths < body || lengths[0] == 0) return false;
    entry->subject = (const char *)bytes + *at + sizeof lengths;
    entry->payload = bytes + *at + sizeof lengths + lengths[0];
    entry->length = lengths[1];
    *at += sizeof lengths + body;
    return entry->subject[lengths[0] - 1] == '\0';
}

#endif
