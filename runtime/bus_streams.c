/* Streams made, looked at, asked for one message: JetStream's own calls, on a worker thread. */
#include "runtime/bus_streams.h"

#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/text.h"
#include "runtime/bus_side.h"
#include "runtime/bus_stream_shape.h"

#define DEFAULT_TIMEOUT_NS (5 * TW_NS_PER_SECOND)
#define JUST_MADE_MS       50

typedef enum streams_call {
    CALL_ENSURE,
    CALL_INFO,
    CALL_ACCOUNT,
    CALL_PURGE,
    CALL_GET,
    CALL_GET_LAST
} streams_call;

struct bus_streams {
    uv_loop_t *loop;
    uv_work_t work;
    bool busy, closing;
    bus_on_streams on_result;
    void *context;
    /* The worker's, while busy. */
    bus_side side;
    streams_call call;
    char name[BUS_STREAM_NAME_BYTES];
    char subjects[BUS_STREAM_SUBJECTS][BUS_STREAM_SUBJECT_BYTES];
    const char *subject_list[BUS_STREAM_SUBJECTS];
    int subject_count;
    bus_stream_config config;
    uint64_t seq;
    natsMsg *message; /* what `result` points into */
    bus_streams_result result;
};

tw_code bus_streams_open(bus_streams **opened, uv_loop_t *loop, const bus_streams_options *options,
                         tw_error *error) {
    *opened = NULL;
    bus_streams *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to manage streams");
    int64_t timeout_ns = options->timeout_ns > 0 ? options->timeout_ns : DEFAULT_TIMEOUT_NS;
    if (!bus_side_init(&self->side, "tickwire streams", options->url, options->credentials, timeout_ns)) {
        free(self);
        return tw_error_set(error, TW_INVALID, "URL or credentials are too long");
    }
    self->loop = loop;
    self->work.data = self;
    self->on_result = options->on_result;
    self->context = options->context;
    *opened = self;
    return TW_OK;
}

/* ---- on the worker ---- */

static void fail(bus_streams *self, natsStatus status, jsErrCode why, const char *what) {
    char words[BUS_SIDE_WORDS_BYTES];
    bus_side_words(words);
    bus_side_reason(self->result.reason, sizeof self->result.reason, status, what, words);
    bool away = status == NATS_NO_RESPONDERS || why == JSNotEnabledErr || why == JSNotEnabledForAccountErr ||
                why == JSClusterNotAvailErr; /* its leader is being elected */
    if (away && status != NATS_NO_RESPONDERS && why != JSClusterNotAvailErr)
        bus_side_reason(self->result.reason, sizeof self->result.reason, NATS_NO_RESPONDERS, what, words);
    bool missing = status == NATS_NOT_FOUND || why == JSStreamNotFoundErr || why == JSNoMessageFoundErr;
    self->result.outcome = missing            ? BUS_STREAMS_NOT_FOUND
                           : away || why == 0 ? BUS_STREAMS_AWAY
                                              : BUS_STREAMS_REFUSED;
}

static uint64_t bound_of(int64_t limit) {
    return limit > 0 ? (uint64_t)limit : 0;
}

static void keep_info(bus_streams *self, const jsStreamInfo *from) {
    bus_stream_info *info = &self->result.info;
    *info = (bus_stream_info){.first_seq = from->State.FirstSeq,
                              .last_seq = from->State.LastSeq,
                              .messages = from->State.Msgs,
                              .bytes = from->State.Bytes,
                              .deleted = (uint64_t)from->State.NumDeleted,
                              .created_ns = from->Created,
                              .last_ns = from->State.LastTime,
                              .replicas = (uint32_t)from->Config->Replicas,
                              .max_bytes = bound_of(from->Config->MaxBytes),
                              .max_messages = bound_of(from->Config->MaxMsgs)};
    if (info->messages == 0) info->first_seq = info->last_seq + 1;
    if (from->Cluster != NULL && from->Cluster->Leader != NULL)
        tw_text_copy(info->leader, sizeof info->leader, from->Cluster->Leader);
}

/* Another instance may make it at this very moment: then it is there. Then a pause: a server of version 2.9 dies when it is asked for
 * a message of a stream that it has not quite made yet. */
static natsStatus make(bus_streams *self, jsStreamConfig *wanted, jsStreamInfo **info, jsErrCode *why) {
    natsStatus status = js_AddStream(info, self->side.jetstream, wanted, NULL, why);
    self->result.made = status == NATS_OK;
    if (status == NATS_OK) nats_Sleep(JUST_MADE_MS);
    return status;
}

/* What an operator has set and nobody here relies on goes back as it came. */
static natsStatus put_right(bus_streams *self, const jsStreamConfig *wanted, jsStreamInfo **info, jsErrCode *why) {
    jsStreamConfig mended = *(*info)->Config;
    jsStreamInfo *was = *info;
    bus_streams_result *result = &self->result;
    if (!bus_stream_shape_mend(&mended, wanted, self->config.replicas, result->changes, sizeof result->changes))
        return NATS_OK;
    *info = NULL;
    natsStatus status = js_UpdateStream(info, self->side.jetstream, &mended, NULL, why);
    jsStreamInfo_Destroy(was); /* not before: `mended` borrows from it */
    result->changed = status == NATS_OK;
    return status;
}

/* Told with what was to be changed, so that the operator sees which word the server's refusal is about. */
static void fail_to_change(bus_streams *self, natsStatus status, jsErrCode why) {
    char what[sizeof self->result.changes + 32];
    (void)tw_text_format(what, sizeof what, "changing the stream (%s)", self->result.changes);
    fail(self, status, why, what);
}

static void ensure(bus_streams *self) {
    jsStreamConfig wanted;
    jsStreamInfo *info = NULL;
    jsErrCode why = 0;
    bus_stream_shape_new(&wanted, &self->config, self->name, self->subject_list, self->subject_count);
    natsStatus status = js_GetStreamInfo(&info, self->side.jetstream, self->name, NULL, &why);
    if (status == NATS_NOT_FOUND || why == JSStreamNotFoundErr) {
        status = make(self, &wanted, &info, &why);
        if (status != NATS_OK) fail(self, status, why, "making the stream");
    } else if (status == NATS_OK) {
        status = put_right(self, &wanted, &info, &why);
        if (status != NATS_OK) fail_to_change(self, status, why);
    } else {
        fail(self, status, why, "looking for the stream");
    }
    if (status == NATS_OK) keep_info(self, info);
    jsStreamInfo_Destroy(info);
}

static void look(bus_streams *self) {
    jsStreamInfo *info = NULL;
    jsErrCode why = 0;
    natsStatus status = js_GetStreamInfo(&info, self->side.jetstream, self->name, NULL, &why);
    if (status == NATS_OK)
        keep_info(self, info);
    else
        fail(self, status, why, "looking at the stream");
    jsStreamInfo_Destroy(info);
}

/* An account whose limits are by the number of replicas tells none here. */
static void look_at_account(bus_streams *self) {
    jsAccountInfo *info = NULL;
    jsErrCode why = 0;
    natsStatus status = js_GetAccountInfo(&info, self->side.jetstream, NULL, &why);
    if (status == NATS_OK)
        self->result.account = (bus_account_info){info->Store, bound_of(info->Limits.MaxStore)};
    else
        fail(self, status, why, "looking at the account");
    jsAccountInfo_Destroy(info);
}

static void purge(bus_streams *self) {
    jsOptions options;
    jsErrCode why = 0;
    jsOptions_Init(&options);
    options.Stream.Purge.Sequence = self->seq;
    natsStatus status = js_PurgeStream(self->side.jetstream, self->name, &options, &why);
    if (status != NATS_OK) fail(self, status, why, "purging the stream");
}

static void get(bus_streams *self) {
    jsErrCode why = 0;
    bus_streams_result *result = &self->result;
    natsStatus status =
        self->call == CALL_GET
            ? js_GetMsg(&self->message, self->side.jetstream, self->name, self->seq, NULL, &why)
            : js_GetLastMsg(&self->message, self->side.jetstream, self->name, self->subjects[0], NULL, &why);
    if (status != NATS_OK) {
        fail(self, status, why, "reading the message");
        return;
    }
    result->seq = natsMsg_GetSequence(self->message);
    result->stream_ns = natsMsg_GetTime(self->message);
    result->bytes = (const uint8_t *)natsMsg_GetData(self->message);
    result->length = (size_t)natsMsg_GetDataLength(self->message);
    if (!tw_text_copy(result->subject, sizeof result->subject, natsMsg_GetSubject(self->message)))
        tw_text_copy(result->reason, sizeof result->reason, "the subject was cut");
}

static void work(uv_work_t *request) {
    bus_streams *self = request->data;
    self->result = (bus_streams_result){0};
    natsStatus status = bus_side_connect(&self->side);
    if (status != NATS_OK)
        fail(self, status, 0, "connecting");
    else if (self->call == CALL_ENSURE)
        ensure(self);
    else if (self->call == CALL_INFO)
        look(self);
    else if (self->call == CALL_ACCOUNT)
        look_at_account(self);
    else if (self->call == CALL_PURGE)
        purge(self);
    else
        get(self);
    if (self->result.outcome == BUS_STREAMS_AWAY) bus_side_disconnect(&self->side);
    nats_ReleaseThreadMemory();
}

/* ---- on the loop ---- */

static void release(bus_streams *self) {
    bus_side_disconnect(&self->side);
    free(self);
}

static void on_worked(uv_work_t *request, int status) {
    bus_streams *self = request->data;
    natsMsg *message = self->message;
    (void)status; /* never cancelled */
    self->message = NULL;
    self->busy = false;
    if (self->closing) {
        release(self);
    } else {
        bus_streams_result result = self->result; /* the callback may ask again */
        self->on_result(self->context, &result);
    }
    natsMsg_Destroy(message);
}

bool bus_streams_busy(const bus_streams *self) {
    return self->busy;
}

static bool start(bus_streams *self, streams_call call) {
    self->call = call;
    self->busy = uv_queue_work(self->loop, &self->work, work, on_worked) == 0;
    return self->busy;
}

static bool take_name(bus_streams *self, const char *name) {
    return !self->busy && name[0] != '\0' && tw_text_copy(self->name, sizeof self->name, name);
}

static bool take_subjects(bus_streams *self, const char *const *subjects) {
    self->subject_count = 0;
    for (unsigned i = 0; i < BUS_STREAM_SUBJECTS && subjects[i] != NULL; i++) {
        if (!tw_text_copy(self->subjects[i], sizeof self->subjects[i], subjects[i])) return false;
        self->subject_list[i] = self->subjects[i];
        self->subject_count++;
    }
    return self->subject_count > 0;
}

bool bus_streams_ensure(bus_streams *self, const bus_stream_config *config) {
    if (!take_name(self, config->name) || !take_subjects(self, config->subjects)) return false;
    self->config = *config;
    return start(self, CALL_ENSURE);
}

bool bus_streams_info(bus_streams *self, const char *name) {
    return take_name(self, name) && start(self, CALL_INFO);
}

bool bus_streams_account(bus_streams *self) {
    return !self->busy && start(self, CALL_ACCOUNT);
}

bool bus_streams_purge(bus_streams *self, const char *name, uint64_t first_kept) {
    if (!take_name(self, name)) return false;
    self->seq = first_kept;
    return start(self, CALL_PURGE);
}

bool bus_streams_get(bus_streams *self, const char *name, uint64_t seq) {
    if (!take_name(self, name)) return false;
    self->seq = seq;
    return start(self, CALL_GET);
}

bool bus_streams_get_last(bus_streams *self, const char *name, const char *subject) {
    const char *const one[BUS_STREAM_SUBJECTS] = {subject};
    return take_name(self, name) && take_subjects(self, one) && start(self, CALL_GET_LAST);
}

void bus_streams_close(bus_streams *self) {
    if (self == NULL) return;
    self->closing = true;
    if (self->busy)
        bus_side_give_up(&self->side);
    else
        release(self);
}
