/*
 * The product's runtime headers over the simulated server: bus.h, bus_writer.h, bus_reader.h, bus_streams.h, bus_lease.h, ticker.h,
 * clock.h. Only the doors are fakes: a loop's `data` is the process's server_host.
 */
#ifndef TICKWIRE_TESTS_SIM_FAKE_H
#define TICKWIRE_TESTS_SIM_FAKE_H

#include "runtime/bus_lease.h"
#include "runtime/bus_reader.h"
#include "runtime/bus_streams.h"
#include "runtime/bus_writer.h"
#include "runtime/ticker.h"
#include "tests/sim/server.h"

#define SIM_MIC "TWEX"
enum {
    SIM_SHARDS = 2 /* at most */,
    SIM_REPORTS = 48, /* of one input: few, so that inputs are full now and then */
    SIM_STEPS = 24    /* likewise */
};

/* Whose clock rt_clock_* read from now on: simulated processes take turns on one thread. */
void fake_run_as(const server_host *host);
const server_host *fake_current(void);
const char *fake_mutation_name(fake_mutation mutation);
/* What the check says that is there to notice it; NULL: any will do. */
const char *fake_mutation_shows(fake_mutation mutation);

/* What a loop does when it has been somewhere: checks, then handles that were closed. */
void fake_uv_turn(uv_loop_t *loop);

static inline server_host *fake_host(uv_loop_t *loop) {
    return loop->data;
}

#endif
