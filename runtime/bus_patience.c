/* Connecting with an end. */
#include "runtime/bus_patience.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "runtime/clock.h"

#define ENOUGH    SIGURG
#define MS_A_S    1000
#define NS_PER_MS INT64_C(1000000)

/* A system call that waits ends with EINTR: that is all. */
static void on_enough(int number) {
    (void)number;
}

/* False: the application has a handler of its own. */
static bool may_interrupt(void) {
    struct sigaction now;
    if (sigaction(ENOUGH, NULL, &now) != 0) return false;
    if ((now.sa_flags & SA_SIGINFO) != 0) return false;
    if (now.sa_handler == on_enough) return true;
    if (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN) return false;
    struct sigaction interrupt = {.sa_handler = on_enough}; /* no SA_RESTART */
    sigemptyset(&interrupt.sa_mask);
    return sigaction(ENOUGH, &interrupt, NULL) == 0;
}

static bool start_timer(timer_t *timer, int64_t limit_ms) {
    struct sigevent to_this_thread = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = ENOUGH};
    to_this_thread._sigev_un._tid = gettid();
    struct timespec span = {(time_t)(limit_ms / MS_A_S), (long)(limit_ms % MS_A_S * NS_PER_MS)};
    struct itimerspec every = {.it_interval = span, .it_value = span};
    if (!may_interrupt() || timer_create(CLOCK_MONOTONIC, &to_this_thread, timer) != 0) return false;
    return timer_settime(*timer, 0, &every, NULL) == 0;
}

/* Threads that connect take no signals but this one, and that only here. */
natsStatus bus_patience_connect(natsConnection **made, natsOptions *options, int64_t limit_ms) {
    int64_t end_ns = rt_clock_monotonic_ns() + limit_ms * NS_PER_MS;
    sigset_t one, before;
    timer_t timer;
    sigemptyset(&one);
    sigaddset(&one, ENOUGH);
    bool timed = start_timer(&timer, limit_ms);
    pthread_sigmask(SIG_UNBLOCK, &one, &before);
    natsStatus status = natsConnection_Connect(made, options);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (timed) timer_delete(timer);
    return status != NATS_OK && rt_clock_monotonic_ns() >= end_ns ? NATS_TIMEOUT : status;
}

void bus_patience_end(pthread_t thread) {
    if (may_interrupt()) pthread_kill(thread, ENOUGH);
}
