/* A lease: one key, read and changed by compare-and-set, on a worker thread. The bucket's layout is NATS's own for
 * key-value stores, so that `nats kv get` shows it; the calls below it are JetStream's, because only they tell a lost
 * comparison from a server in trouble. */
#include "runtime/bus_lease.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/bus_side.h"
#include "runtime/clock.h"

#define NAME_BYTES   128
#define VALUE_BYTES  (BUS_LEASE_HOLDER_BYTES + 24)
#define JUST_MADE_MS 50

typedef enum lease_call { CALL_READ, CALL_CLAIM } lease_call;

struct bus_lease {
    uv_loop_t *loop;
    uv_work_t work;
    bool busy, closing;
    bus_lease_on_result on_result;
    void *context;
    char bucket[NAME_BYTES], stream[NAME_BYTES], subject[2 * NAME_BYTES];
    uint32_t replicas;
    bool bucket_known; /* it was there once: only the worker thread looks at it */
    /* The worker's, while busy. */
    bus_side side;
    lease_call call;
    uint64_t claim_revision;
    char claim_value[VALUE_BYTES];
    bus_lease_result result;
};

/* ---- opening ---- */

static bool is_name(const char *name, const char *others) {
    size_t length = strlen(name);
    if (length == 0 || length >= NAME_BYTES - 4 || name[0] == '.' || name[length - 1] == '.') return false;
    for (size_t i = 0; i < length; i++) {
        if (isalnum((unsigned char)name[i]) == 0 && strchr(others, name[i]) == NULL) return false;
        if (name[i] == '.' && name[i + 1] == '.') return false;
    }
    return true;
}

static tw_code check(const bus_lease_options *options, tw_error *error) {
    if (!is_name(options->bucket, "-_"))
        return tw_error_set(error, TW_INVALID, "'%s' can't name a key-value bucket: letters, digits, - and _ only",
                            options->bucket);
    if (!is_name(options->key, "-_./=")) /* and what follows a dot */
        return tw_error_set(error, TW_INVALID, "'%s' can't be a key of a bucket: letters, digits and -_./= only",
                            options->key);
    return TW_OK;
}

tw_code bus_lease_open(bus_lease **opened, uv_loop_t *loop, const bus_lease_options *options,
                       bus_lease_on_result on_result, void *context, tw_error *error) {
    *opened = NULL;
    tw_code code = check(options, error);
    if (code != TW_OK) return code;
    bus_lease *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a lease");
    if (!bus_side_init(&self->side, "tickwire lease", options->url, options->credentials, options->timeout_ns)) {
        free(self);
        return tw_error_set(error, TW_INVALID, "URL or credentials of a lease are too long");
    }
    self->loop = loop;
    self->work.data = self;
    self->on_result = on_result;
    self->context = context;
    self->replicas = options->replicas != 0 ? options->replicas : 1;
    tw_text_copy(self->bucket, sizeof self->bucket, options->bucket);
    tw_text_format(self->stream, sizeof self->stream, "KV_%s", options->bucket);
    tw_text_format(self->subject, sizeof self->subject, "$KV.%s.%s", options->bucket, options->key);
    *opened = self;
    return TW_OK;
}

/* ---- on the worker ---- */

static void tell_away_because(bus_lease *self, natsStatus status, const char *what, const char *words) {
    self->result.outcome = BUS_LEASE_AWAY;
    bus_side_reason(self->result.reason, sizeof self->result.reason, status, what, words);
}

static void tell_away(bus_lease *self, natsStatus status, const char *what) {
    char words[BUS_SIDE_WORDS_BYTES];
    bus_side_words(words);
    tell_away_because(self, status, what, words);
}

static natsStatus make_bucket(bus_lease *self) {
    kvConfig config;
    kvStore *store = NULL;
    natsStatus status = kvConfig_Init(&config);
    if (status != NATS_OK) return status;
    config.Bucket = self->bucket;
    config.History = 1;
    config.StorageType = js_FileStorage;
    config.Replicas = (int)self->replicas;
    status = js_CreateKeyValue(&store, self->side.jetstream, &config);
    kvStore_Destroy(store);
    return status;
}

static bool is_deleted(natsMsg *message) {
    const char *operation = NULL;
    return natsMsgHeader_Get(message, "KV-Operation", &operation) == NATS_OK && operation != NULL;
}

static void take_value(bus_lease *self, natsMsg *message) {
    bus_lease_result *result = &self->result;
    result->revision = natsMsg_GetSequence(message);
    bool ours = !is_deleted(message) &&
                bus_lease_parse((const uint8_t *)natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message),
                                &result->term, result->holder);
    result->outcome = ours ? BUS_LEASE_FOUND : BUS_LEASE_NONE;
}

/* Makes it, or finds it made, perhaps by another instance at this very moment. Then a pause: a server of version 2.9 dies
 * when it is asked for a message of a stream that it has not quite made yet. */
static natsStatus find_or_make_bucket(bus_lease *self) {
    kvStore *store = NULL;
    char words[BUS_SIDE_WORDS_BYTES];
    natsStatus status = make_bucket(self);
    bus_side_words(words); /* why it can't be made, whatever the look for it says then */
    if (status != NATS_OK && status != NATS_NO_RESPONDERS && status != NATS_TIMEOUT) {
        natsStatus found = js_KeyValue(&store, self->side.jetstream, self->bucket);
        if (found == NATS_OK) status = NATS_OK;
        kvStore_Destroy(store);
    }
    if (status != NATS_OK) tell_away_because(self, status, "making the bucket", words);
    self->bucket_known = status == NATS_OK;
    if (self->bucket_known) nats_Sleep(JUST_MADE_MS);
    return status;
}

static void read_key(bus_lease *self) {
    natsMsg *message = NULL;
    jsErrCode why = 0;
    natsStatus status = self->bucket_known ? NATS_OK : find_or_make_bucket(self);
    if (status != NATS_OK) return;
    status = js_GetLastMsg(&message, self->side.jetstream, self->stream, self->subject, NULL, &why);
    if (why == JSStreamNotFoundErr) { /* it was wiped */
        status = find_or_make_bucket(self);
        if (status == NATS_OK) self->result.outcome = BUS_LEASE_NONE;
    } else if (status == NATS_OK) {
        take_value(self, message);
    } else if (status == NATS_NOT_FOUND) {
        self->result.outcome = BUS_LEASE_NONE;
    } else {
        tell_away(self, status, "reading the lease");
    }
    natsMsg_Destroy(message);
}

/* No stream takes the subject: the bucket is gone, or JetStream is. The read that follows tells which. */
static bool is_lost(natsStatus status, jsErrCode why) {
    return why == JSStreamWrongLastSequenceErr || status == NATS_NO_RESPONDERS;
}

static void claim_key(bus_lease *self) {
    jsPubOptions options;
    jsPubAck *acknowledged = NULL;
    jsErrCode why = 0;
    jsPubOptions_Init(&options);
    options.MaxWait = self->side.timeout_ms;
    options.ExpectStream = self->stream;
    options.ExpectNoMessage = self->claim_revision == 0;
    options.ExpectLastSubjectSeq = self->claim_revision;
    natsStatus status = js_Publish(&acknowledged, self->side.jetstream, self->subject, self->claim_value,
                                   (int)strlen(self->claim_value), &options, &why);
    if (status == NATS_OK) {
        self->result.outcome = BUS_LEASE_WON;
        self->result.revision = acknowledged->Sequence;
    } else if (is_lost(status, why)) {
        self->result.outcome = BUS_LEASE_LOST;
    } else {
        tell_away(self, status, "claiming the lease");
    }
    jsPubAck_Destroy(acknowledged);
}

static void work(uv_work_t *request) {
    bus_lease *self = request->data;
    self->result = (bus_lease_result){0};
    natsStatus status = bus_side_connect(&self->side);
    if (status != NATS_OK)
        tell_away(self, status, "connecting");
    else if (self->call == CALL_READ)
        read_key(self);
    else
        claim_key(self);
    if (self->result.outcome == BUS_LEASE_AWAY) bus_side_disconnect(&self->side);
    nats_ReleaseThreadMemory();
}

/* ---- on the loop ---- */

static void release(bus_lease *self) {
    bus_side_disconnect(&self->side);
    free(self);
}

static void on_worked(uv_work_t *request, int status) {
    bus_lease *self = request->data;
    (void)status; /* never cancelled */
    self->busy = false;
    if (self->closing) {
        release(self);
        return;
    }
    bus_lease_result result = self->result; /* the callback may ask again */
    self->on_result(self->context, &result);
}

static bool start(bus_lease *self, lease_call call) {
    self->call = call;
    self->busy = uv_queue_work(self->loop, &self->work, work, on_worked) == 0;
    return self->busy;
}

bool bus_lease_busy(const bus_lease *self) {
    return self->busy;
}

bool bus_lease_read(bus_lease *self) {
    return !self->busy && start(self, CALL_READ);
}

bool bus_lease_claim(bus_lease *self, uint64_t term, const char *holder, uint64_t revision) {
    if (self->busy) return false;
    self->claim_revision = revision;
    tw_text_format(self->claim_value, sizeof self->claim_value, "%" PRIu64 " %s", term, holder);
    return start(self, CALL_CLAIM);
}

void bus_lease_close(bus_lease *self) {
    if (self == NULL) return;
    self->closing = true;
    if (self->busy)
        bus_side_give_up(&self->side);
    else
        release(self);
}

const char *bus_lease_subject(const bus_lease *self) {
    return self->subject;
}

bool bus_lease_parse(const uint8_t *bytes, size_t length, uint64_t *term, char holder[BUS_LEASE_HOLDER_BYTES]) {
    char text[VALUE_BYTES];
    *term = 0;
    holder[0] = '\0';
    if (bytes == NULL || length == 0 || length >= sizeof text || memchr(bytes, '\0', length) != NULL) return false;
    memcpy(text, bytes, length);
    text[length] = '\0';
    char *space = strchr(text, ' ');
    if (space == NULL || space[1] == '\0' || strlen(space + 1) >= BUS_LEASE_HOLDER_BYTES) return false;
    *space = '\0';
    if (!tw_text_to_u64(text, term) || *term == 0) {
        *term = 0;
        return false;
    }
    return tw_text_copy(holder, BUS_LEASE_HOLDER_BYTES, space + 1);
}
