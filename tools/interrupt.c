/* The one place with mutable globals: a signal handler has nothing else to write to. */
#include "tools/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t wanted;
static volatile sig_atomic_t resized;

static void on_signal(int signal_number) {
    if (signal_number == SIGWINCH)
        resized = 1;
    else
        wanted = 1;
}

void interrupt_watch(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGWINCH, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

bool interrupt_wanted(void) {
    return wanted != 0;
}

void interrupt_heard(void) {
    wanted = 0;
}

bool interrupt_resized(void) {
    bool was = resized != 0;
    resized = 0;
    return was;
}
