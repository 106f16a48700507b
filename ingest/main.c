/* tickwire-ingest: one feed, or one partition of it, a process. */
#include "ingest/pipeline.h"
#include "runtime/program.h"

static tw_code open_it(void *self, tw_error *error) {
    return ingest_open(self, error);
}

static int run_it(void *self) {
    return ingest_run(self);
}

static void close_it(void *self) {
    ingest_close(self);
}

int main(int argc, char **argv) {
    static ingest self;
    const rt_program program = {.settings = &ingest_program,
                                .self = &self,
                                .target = &self.settings,
                                .open = open_it,
                                .run = run_it,
                                .close = close_it,
                                .hide = location_hide};
    return rt_program_main(&program, argc, argv);
}
