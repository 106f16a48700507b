/* Recording -> packets; packets and what was published for them -> the relay's events. */
#include "benchmarks/latency/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benchmarks/ingest/capture.h"
#include "benchmarks/latency/payload.h"
#include "benchmarks/latency/tape.h"
#include "ingest/framing/binaryfile.h"
#include "tools/mold_packet.h"

#define PACKET_BYTES 8000
#define EVENT_BYTES  9000

static uint8_t *read_all(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return NULL;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    uint8_t *bytes = size > 0 ? malloc((size_t)size) : NULL;
    *length = bytes != NULL ? fread(bytes, 1, (size_t)size, file) : 0;
    fclose(file);
    return bytes;
}

static bool put_packet(FILE *out, plan *self, mold_packet *packet) {
    size_t length = mold_packet_finish(packet);
    if (length > 0) self->events++;
    return length == 0 || tape_write(out, packet->bytes, (uint32_t)length);
}

static bool put_messages(FILE *out, plan *self, const uint8_t *bytes, size_t length, uint64_t messages) {
    uint8_t buffer[PACKET_BYTES];
    mold_packet packet = {.bytes = buffer, .capacity = sizeof buffer};
    mold_packet_start(&packet, "LATENCY", 1);
    bool good = true;
    size_t at = 0;
    for (uint64_t number = 1; number <= messages && good; number++) {
        const uint8_t *message;
        uint16_t size;
        size_t consumed;
        if (binaryfile_next(bytes + at, length - at, &message, &size, &consumed) != BINARYFILE_MESSAGE)
            return false;
        at += consumed;
        bool alone = number > self->together;
        if (number == self->together + 1) {
            good = put_packet(out, self, &packet);
            self->fast = self->events;
        }
        if (!mold_packet_add(&packet, message, size))
            good = good && put_packet(out, self, &packet) && mold_packet_add(&packet, message, size);
        if (alone) good = good && put_packet(out, self, &packet);
    }
    return good;
}

bool plan_write_lines(plan *self, const char *recording, const char *path, uint64_t together, uint64_t messages) {
    size_t length = 0;
    uint8_t *bytes = read_all(recording, &length);
    FILE *out = fopen(path, "wb");
    *self = (plan){.together = together};
    bool good = bytes != NULL && out != NULL && put_messages(out, self, bytes, length, messages);
    if (out != NULL && fclose(out) != 0) good = false;
    free(bytes);
    return good;
}

typedef struct event {
    uint8_t bytes[EVENT_BYTES];
    uint16_t entries;
    uint32_t length;
} event;

static bool add_entry(event *self, const capture_entry *entry, const payload_times *times) {
    tape_entry head = {.subject_length = (uint16_t)(strlen(entry->subject) + 1),
                       .length = (uint16_t)entry->length,
                       .receive_at = (uint16_t)times->receive_at,
                       .publish_at = (uint16_t)times->publish_at};
    if (self->length + sizeof head + head.subject_length + entry->length > sizeof self->bytes) return false;
    memcpy(self->bytes + self->length, &head, sizeof head);
    self->length += (uint32_t)sizeof head;
    memcpy(self->bytes + self->length, entry->subject, head.subject_length);
    self->length += head.subject_length;
    memcpy(self->bytes + self->length, entry->payload, entry->length);
    self->length += entry->length;
    self->entries++;
    return true;
}

static void start_event(event *self) {
    self->entries = 0;
    self->length = sizeof self->entries;
}

static bool end_event(event *self, FILE *out) {
    memcpy(self->bytes, &self->entries, sizeof self->entries);
    return tape_write(out, self->bytes, self->length);
}

bool plan_write_relay(const plan *self, const char *capture, const char *path) {
    size_t length = 0, at = 0;
    uint8_t *bytes = read_all(capture, &length);
    FILE *out = fopen(path, "wb");
    bool good = bytes != NULL && out != NULL;
    static event current;
    capture_entry entry = {0};
    payload_times times = {0};
    bool more = good && capture_next(bytes, length, &at, &entry);
    for (uint32_t i = 0; good && i < self->events; i++) {
        uint64_t number = i < self->fast ? 0 : self->together + 1 + (i - self->fast);
        start_event(&current);
        while (good && more && number > 0) {
            times = payload_find_times(entry.payload, entry.length);
            if (times.seq > number) break;
            if (times.seq == number) good = add_entry(&current, &entry, &times);
            more = capture_next(bytes, length, &at, &entry);
        }
        good = good && end_event(&current, out);
    }
    if (out != NULL && fclose(out) != 0) good = false;
    free(bytes);
    return good;
}
