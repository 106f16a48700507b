/*
 * A regular tick on the loop, from the kernel's own interval timer (timerfd) instead of a uv_timer_t.
 *
 * A uv_timer_t becomes the timeout of epoll_wait, so the kernel sets a timer each time the loop goes to sleep and takes it
 * back each time a packet wakes it: on the path of that packet, and in a virtual machine with an exit to the hypervisor.
 * This one is set once. Ticks that were missed while the loop was busy come as one.
 */
#ifndef TICKWIRE_RUNTIME_TICKER_H
#define TICKWIRE_RUNTIME_TICKER_H

#include <stdint.h>
#include <uv.h>

#include "base/error.h"

typedef struct ticker ticker;
typedef void (*ticker_on_tick)(void *context);

/* Ticks from `period_ns` (above 0) after now, until closed. TW_IO: the system has no timer left. */
tw_code ticker_open(ticker **ticker, uv_loop_t *loop, int64_t period_ns, ticker_on_tick on_tick, void *context,
                    tw_error *error);
/* The memory goes when the loop next runs. NULL is fine; may be called from the callback. */
void ticker_close(ticker *ticker);

#endif
