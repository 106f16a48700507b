/* Publishing one event of the relay's tape, its two times filled in: the same for the relay and the paced publisher. */
#ifndef TICKWIRE_BENCHMARKS_LATENCY_PUBLISH_H
#define TICKWIRE_BENCHMARKS_LATENCY_PUBLISH_H

#include <nats/nats.h>

#include "benchmarks/latency/schedule.h"
#include "benchmarks/latency/tape.h"

#define PUBLISH_MAX_PAYLOAD 8192

/* Payloads come out as the ingest would have made them; the times are 8 bytes in place. */
static inline natsStatus publish_event(natsConnection *connection, const uint8_t *event, uint32_t length,
                                       int64_t receive_ns) {
    uint16_t entries = 0;
    if (length < sizeof entries) return NATS_OK;
    memcpy(&entries, event, sizeof entries);
    const uint8_t *at = event + sizeof entries;
    natsStatus status = NATS_OK;
    int64_t publish_ns = entries > 0 ? schedule_clock_ns() : 0;
    for (uint16_t i = 0; i < entries && status == NATS_OK; i++) {
        tape_entry entry;
        uint8_t payload[PUBLISH_MAX_PAYLOAD];
        memcpy(&entry, at, sizeof entry);
        const char *subject = (const char *)at + sizeof entry;
        memcpy(payload, at + sizeof entry + entry.subject_length, entry.length);
        if (entry.receive_at > 0) memcpy(payload + entry.receive_at, &receive_ns, sizeof receive_ns);
        if (entry.publish_at > 0) memcpy(payload + entry.publish_at, &publish_ns, sizeof publish_ns);
        status = natsConnection_Publish(connection, subject, payload, entry.length);
        at += sizeof entry + entry.subject_length + entry.length;
    }
    return status;
}

#endif
