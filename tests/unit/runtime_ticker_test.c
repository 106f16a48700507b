#include "runtime/clock.h"
#include "runtime/ticker.h"
#include "tests/unit.h"

typedef struct counting {
    uv_loop_t loop;
    ticker *ticker;
    int ticks, wanted;
} counting;

static void count_tick(void *context) {
    counting *self = context;
    if (++self->ticks < self->wanted) return;
    ticker_close(self->ticker);
    self->ticker = NULL;
}

static void start(counting *self, int64_t period_ns, int wanted) {
    tw_error error = {0};
    *self = (counting){.wanted = wanted};
    uv_loop_init(&self->loop);
    EXPECT_MSG(ticker_open(&self->ticker, &self->loop, period_ns, count_tick, self, &error) == TW_OK, "%s",
               error.text);
}

TEST(ticker, it_ticks_at_its_period_until_it_is_closed_from_within) {
    counting self;
    int64_t start_ns = rt_clock_monotonic_ns();
    start(&self, 2000000, 20);
    uv_run(&self.loop, UV_RUN_DEFAULT); /* ends when no handle is left */
    int64_t took_ns = rt_clock_monotonic_ns() - start_ns;
    EXPECT_I64(self.ticks, 20);
    EXPECT_MSG(took_ns >= 40000000, "20 ticks of 2 ms in %" PRId64 " ns", took_ns);
    EXPECT_I64(uv_loop_close(&self.loop), 0);
}

TEST(ticker, ticks_missed_while_the_loop_was_busy_come_as_one) {
    counting self;
    start(&self, 1000000, 1000000);
    int64_t until_ns = rt_clock_monotonic_ns() + 50000000;
    while (rt_clock_monotonic_ns() < until_ns)
        continue;
    uv_run(&self.loop, UV_RUN_NOWAIT);
    EXPECT_I64(self.ticks, 1);
    ticker_close(self.ticker);
    uv_run(&self.loop, UV_RUN_DEFAULT);
    EXPECT_I64(uv_loop_close(&self.loop), 0);
}

TEST(ticker, it_leaves_the_loop_without_a_timeout_to_set_for_each_sleep) {
    counting self;
    start(&self, 200000000, 1);
    uv_run(&self.loop, UV_RUN_NOWAIT); /* the descriptor is with epoll now */
    EXPECT_I64(uv_backend_timeout(&self.loop), -1);
    uv_run(&self.loop, UV_RUN_DEFAULT);
    EXPECT_I64(self.ticks, 1);
    EXPECT_I64(uv_loop_close(&self.loop), 0);
}
