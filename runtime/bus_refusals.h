/*
 * What the server refuses a connection of the bus: subjects that its user may not subscribe to, or publish to. Nothing comes of such a subscription,
 * and such a message goes nowhere, without another word. Each subject is told to the log once, with what to do, and remembered until the
 * connection is another one, whose refusals are told anew. A server that allows more now is believed from then on.
 *
 * A connection opened with `refusals` gives its events to bus_refusals_event.
 */
#ifndef TICKWIRE_RUNTIME_BUS_REFUSALS_H
#define TICKWIRE_RUNTIME_BUS_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/subject.h"
#include "runtime/bus.h"
#include "runtime/log.h"

#define BUS_REFUSALS_MOST 32u /* remembered; of more only the log tells, once a second at most */

typedef struct bus_refusal {
    bool publish; /* else: subscribe */
    char subject[SUBJECT_BYTES];
} bus_refusal;

typedef struct bus_refusals {
    rt_log *log;            /* borrowed */
    const char *connection; /* for the log: "questions" */
    uint64_t told;          /* subjects, over all connections, and every refusal of those that are not remembered */
    uint32_t count;
    bus_refusal list[BUS_REFUSALS_MOST];
    rt_log_site more_site;
} bus_refusals;

/* The server's words, as `Permissions Violation for Subscription to "XNAS.*.quote"`, taken apart. False: they name no subject that fits. */
bool bus_refusal_read(const char *words, bus_refusal *refusal);

/* The server's words came. True: this subject is new, and the log has it. */
bool bus_refusals_take(bus_refusals *self, const char *words);
/* An event of the bus. True: it was a refusal, and there is nothing else to do with it. */
bool bus_refusals_event(bus_refusals *self, bus_event event, const char *detail);

#endif
