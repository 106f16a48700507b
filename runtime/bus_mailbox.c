/* The way from nats.c's own threads to the loop. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/text.h"
#include "runtime/bus_internal.h"

int bus_mailbox_init(mailbox *box) {
    memset(box, 0, sizeof *box);
    int status = pthread_mutex_init(&box->lock, NULL);
    if (status != 0) return status;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    status = pthread_cond_init(&box->closed_told, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (status != 0) pthread_mutex_destroy(&box->lock);
    return status;
}

void bus_mailbox_fini(mailbox *box) {
    pthread_cond_destroy(&box->closed_told);
    pthread_mutex_destroy(&box->lock);
}

/* Full if the loop has stood still for many reconnects: the oldest goes, so that the last state is told. Or of refusals, which are less
 * than that: whoever is refused so often in one moment hears of the first ones. */
static void push_event(mailbox *box, bus_event event, const char *detail) {
    if (box->count == MAILBOX_EVENTS && event == BUS_NOT_PERMITTED) return;
    if (box->count == MAILBOX_EVENTS) {
        box->first = (box->first + 1) % MAILBOX_EVENTS;
        box->count--;
    }
    mailbox_event *slot = &box->events[(box->first + box->count++) % MAILBOX_EVENTS];
    slot->event = event;
    tw_text_copy(slot->detail, sizeof slot->detail, detail);
}

/* The wake-up is sent under the lock: bus_close takes the lock before it lets the handle go. */
static void post(bus *self) {
    uv_async_send(&self->wake);
    pthread_mutex_unlock(&self->mailbox.lock);
}

void bus_mailbox_put_event(bus *self, bus_event event, const char *detail) {
    pthread_mutex_lock(&self->mailbox.lock);
    push_event(&self->mailbox, event, detail);
    post(self);
}

void bus_mailbox_note_cut(bus *self, const char *reason) {
    pthread_mutex_lock(&self->mailbox.lock);
    tw_text_copy(self->mailbox.cut_reason, sizeof self->mailbox.cut_reason, reason);
    pthread_mutex_unlock(&self->mailbox.lock);
}

void bus_mailbox_put_disconnected(bus *self) {
    mailbox *box = &self->mailbox;
    pthread_mutex_lock(&box->lock);
    push_event(box, BUS_DISCONNECTED,
               box->cut_reason[0] != '\0' ? box->cut_reason : "connection lost, reconnecting");
    box->cut_reason[0] = '\0';
    post(self);
}

void bus_mailbox_put_stop(bus *self) {
    pthread_mutex_lock(&self->mailbox.lock);
    self->mailbox.stop_polling = true;
    post(self);
}

void bus_mailbox_put_tried(bus *self) {
    pthread_mutex_lock(&self->mailbox.lock);
    self->mailbox.tried = true;
    post(self);
}

void bus_mailbox_expect(mailbox *box) {
    pthread_mutex_lock(&box->lock);
    box->closed = box->detached = box->stop_polling = false;
    pthread_mutex_unlock(&box->lock);
}

void bus_mailbox_put_closed(bus *self) {
    pthread_mutex_lock(&self->mailbox.lock);
    self->mailbox.closed = true;
    pthread_cond_signal(&self->mailbox.closed_told);
    post(self);
}

void bus_mailbox_put_detached(bus *self) {
    pthread_mutex_lock(&self->mailbox.lock);
    self->mailbox.detached = true;
    pthread_cond_signal(&self->mailbox.closed_told);
    post(self);
}

static bool take_event(mailbox *box, mailbox_event *event) {
    pthread_mutex_lock(&box->lock);
    bool any = box->count > 0;
    if (any) {
        *event = box->events[box->first];
        box->first = (box->first + 1) % MAILBOX_EVENTS;
        box->count--;
    }
    pthread_mutex_unlock(&box->lock);
    return any;
}

void bus_mailbox_read(bus *self) {
    mailbox *box = &self->mailbox;
    mailbox_event event;
    pthread_mutex_lock(&box->lock);
    bool stop = box->stop_polling, tried = box->tried, over = box->closed && box->detached;
    box->stop_polling = box->tried = false;
    pthread_mutex_unlock(&box->lock);
    if (stop) bus_stop_polling(self);
    while (!self->closing && take_event(box, &event))
        bus_tell(self, event.event, event.detail);
    if (self->closing) return;
    if (over && self->nats != NULL) bus_connection_over(self);
    if (tried && self->attempt.running) bus_connect_tried(self);
}

bool bus_mailbox_wait_closed(mailbox *box, int64_t timeout_ns) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t end_ns = (int64_t)until.tv_sec * TW_NS_PER_SECOND + until.tv_nsec + timeout_ns;
    until.tv_sec = (time_t)(end_ns / TW_NS_PER_SECOND);
    until.tv_nsec = (long)(end_ns % TW_NS_PER_SECOND);
    int status = 0;
    pthread_mutex_lock(&box->lock);
    while (!(box->closed && box->detached) && status != ETIMEDOUT)
        status = pthread_cond_timedwait(&box->closed_told, &box->lock, &until);
    bool closed = box->closed && box->detached;
    pthread_mutex_unlock(&box->lock);
    return closed;
}
