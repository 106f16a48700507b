/* Remembers refusals, and tells each once. */
#include "runtime/bus_refusals.h"

#include <string.h>

#include "base/text.h"

#define ADVICE                                                                                                     \
    "grant it to this program's user in the configuration of NATS; see its permissions, or the account's imports " \
    "and exports"

bool bus_refusal_read(const char *words, bus_refusal *refusal) {
    const char *begin = strchr(words, '"'), *end = begin == NULL ? NULL : strchr(begin + 1, '"');
    size_t length = end == NULL ? 0 : (size_t)(end - begin - 1);
    *refusal = (bus_refusal){.publish = strcasestr(words, "for Publish") != NULL};
    if (length == 0 || length >= sizeof refusal->subject) return false;
    memcpy(refusal->subject, begin + 1, length);
    return true;
}

static bool is_known(const bus_refusals *self, const bus_refusal *wanted) {
    for (uint32_t i = 0; i < self->count; i++)
        if (self->list[i].publish == wanted->publish && strcmp(self->list[i].subject, wanted->subject) == 0)
            return true;
    return false;
}

bool bus_refusals_take(bus_refusals *self, const char *words) {
    static const char message[] = "the bus refuses a subject";
    bus_refusal refusal;
    bool named = bus_refusal_read(words, &refusal);
    if (named && is_known(self, &refusal)) return false;
    self->told++;
    const char *permission = refusal.publish ? "publish" : "subscribe", *subject = named ? refusal.subject : words;
    if (!named || self->count == BUS_REFUSALS_MOST) {
        rt_log_limited(self->log, &self->more_site, RT_ERROR, message, RT_STR("permission", permission),
                       RT_STR("subject", subject), RT_STR("connection", self->connection),
                       RT_STR("advice", ADVICE));
        return false;
    }
    self->list[self->count++] = refusal;
    rt_log(self->log, RT_ERROR, message, RT_STR("permission", permission), RT_STR("subject", subject),
           RT_STR("connection", self->connection), RT_STR("advice", ADVICE));
    return true;
}

bool bus_refusals_event(bus_refusals *self, bus_event event, const char *detail) {
    if (event == BUS_RECONNECTED) self->count = 0;
    if (event != BUS_NOT_PERMITTED) return false;
    bus_refusals_take(self, detail != NULL ? detail : "");
    return true;
}
