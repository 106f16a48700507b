/* tickwire-gateway: one gateway a process. */
#include "gateways/pipeline.h"
#include "runtime/program.h"

static tw_code open_it(void *self, tw_error *error) {
    return gateway_open(self, error);
}

static int run_it(void *self) {
    return gateway_run(self);
}

static void close_it(void *self) {
    gateway_close(self);
}

int main(int argc, char **argv) {
    static gateway self;
    const rt_program program = {.settings = &gateway_program,
                                .self = &self,
                                .target = &self.settings,
                                .open = open_it,
                                .run = run_it,
                                .close = close_it};
    return rt_program_main(&program, argc, argv);
}
