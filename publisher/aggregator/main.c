/* tickwire-aggregator: one aggregator a process. */
#include "publisher/aggregator/pipeline.h"
#include "runtime/program.h"

static tw_code open_it(void *self, tw_error *error) {
    return aggregator_open(self, error);
}

static int run_it(void *self) {
    return aggregator_run(self);
}

static void close_it(void *self) {
    aggregator_close(self);
}

int main(int argc, char **argv) {
    static aggregator self;
    const rt_program program = {.settings = &aggregator_program,
                                .self = &self,
                                .target = &self.settings,
                                .open = open_it,
                                .run = run_it,
                                .close = close_it};
    return rt_program_main(&program, argc, argv);
}
