/* tickwire-matcher: one shard of the venue a process, leader or standby. */
#include "matcher/pipeline.h"
#include "runtime/program.h"

static tw_code open_it(void *self, tw_error *error) {
    return matcher_open(self, error);
}

static int run_it(void *self) {
    return matcher_run(self);
}

static void close_it(void *self) {
    matcher_close(self);
}

int main(int argc, char **argv) {
    static matcher self;
    const rt_program program = {.settings = &matcher_program,
                                .self = &self,
                                .target = &self.settings,
                                .open = open_it,
                                .run = run_it,
                                .close = close_it};
    return rt_program_main(&program, argc, argv);
}
