/* A connection beside the loop's. */
#include "runtime/bus_side.h"

#include <poll.h>

#include "base/text.h"
#include "runtime/bus_patience.h"

#define LEAST_WAIT_MS 1
#define HANDSHAKE_MS  500 /* what TLS may take beyond it */
#define AGAIN_MS      5

bool bus_side_init(bus_side *side, const char *name, const char *url, const char *credentials, int64_t timeout_ns) {
    *side = (bus_side){.name = name, .timeout_ms = timeout_ns / 1000000};
    if (side->timeout_ms < LEAST_WAIT_MS) side->timeout_ms = LEAST_WAIT_MS;
    return tw_text_copy(side->url, sizeof side->url, url) &&
           tw_text_copy(side->credentials, sizeof side->credentials, credentials != NULL ? credentials : "");
}

void bus_side_disconnect(bus_side *side) {
    jsCtx_Destroy(side->jetstream);
    natsConnection_Destroy(side->nats);
    side->jetstream = NULL;
    side->nats = NULL;
}

/* Either the worker sees that it is given up, or whoever gives it up sees that it connects. */
static natsStatus connect_unless_given_up(bus_side *side, natsOptions *options) {
    natsStatus status = NATS_CONNECTION_CLOSED;
    side->worker = pthread_self();
    atomic_store(&side->connecting, true);
    if (!atomic_load(&side->given_up))
        status = bus_patience_connect(&side->nats, options, side->timeout_ms + HANDSHAKE_MS);
    atomic_store(&side->connecting, false);
    return status;
}

void bus_side_give_up(bus_side *side) {
    atomic_store(&side->given_up, true);
    for (; atomic_load(&side->connecting); poll(NULL, 0, AGAIN_MS))
        bus_patience_end(side->worker);
}

static natsStatus connect_now(bus_side *side) {
    natsOptions *options = NULL;
    natsStatus status = natsOptions_Create(&options);
    if (status == NATS_OK) status = bus_set_servers(options, side->url);
    if (status == NATS_OK) status = natsOptions_SetName(options, side->name);
    if (status == NATS_OK && side->credentials[0] != '\0')
        status = natsOptions_SetUserCredentialsFromFiles(options, side->credentials, NULL);
    if (status == NATS_OK) status = natsOptions_SetTimeout(options, side->timeout_ms);
    if (status == NATS_OK) status = natsOptions_SetAllowReconnect(options, false);
    if (status == NATS_OK) status = connect_unless_given_up(side, options);
    natsOptions_Destroy(options);
    jsOptions wait;
    if (status == NATS_OK) status = jsOptions_Init(&wait);
    if (status != NATS_OK) return status;
    wait.Wait = side->timeout_ms;
    return natsConnection_JetStream(&side->jetstream, side->nats, &wait);
}

natsStatus bus_side_connect(bus_side *side) {
    if (side->nats != NULL && natsConnection_Status(side->nats) == NATS_CONN_STATUS_CONNECTED) return NATS_OK;
    bus_side_disconnect(side);
    return connect_now(side);
}

void bus_side_words(char words[BUS_SIDE_WORDS_BYTES]) {
    const char *last = nats_GetLastError(NULL);
    tw_text_format(words, BUS_SIDE_WORDS_BYTES, "%.*s", BUS_SIDE_WORDS_BYTES - 1, last != NULL ? last : "");
}

void bus_side_reason(char *reason, size_t capacity, natsStatus status, const char *what, const char *words) {
    if (status == NATS_NO_RESPONDERS)
        tw_text_format(reason, capacity, "%s: the server has no JetStream (nats-server -js)", what);
    else
        tw_text_format(reason, capacity, "%s: %s%s%.120s", what, natsStatus_GetText(status),
                       words[0] != '\0' ? ": " : "", words);
}
