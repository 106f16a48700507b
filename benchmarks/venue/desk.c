/* The desk: see desk.h. */
#include "benchmarks/venue/desk.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "benchmarks/ingest/span.h"
#include "matcher/wire/places.h"

enum { BUFFER_BYTES = 1 << 20, LOOK_NS = 5000000, PATIENCE_S = 120 };

static void must(desk *self, const char *what, natsStatus status) {
    if (status != NATS_OK) harness_fail(self->owner, what, natsStatus_GetText(status));
}

static void on_refused(jsCtx *js, jsPubAckErr *error, void *context) {
    (void)js, (void)error;
    __atomic_add_fetch(&((desk *)context)->refused, 1, __ATOMIC_RELAXED);
}

/* A plain publish waits for the thread that writes, up to a millisecond, unless it is told not to. */
static void open_prompt(desk *self) {
    natsOptions *options = NULL;
    must(self, "options", natsOptions_Create(&options));
    must(self, "options", natsOptions_SetURL(options, self->owner->server.url));
    must(self, "options", natsOptions_SetSendAsap(options, true));
    must(self, "connecting", natsConnection_Connect(&self->prompt, options));
    natsOptions_Destroy(options);
}

void desk_open(desk *self, harness *owner) {
    jsOptions options;
    natsInbox *inbox = NULL;
    memset(self, 0, sizeof *self);
    self->owner = owner;
    self->buffer = malloc(BUFFER_BYTES);
    if (self->buffer == NULL) harness_fail(owner, "desk", "no memory");
    must(self, "connecting", natsConnection_ConnectTo(&self->connection, owner->server.url));
    open_prompt(self);
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = DESK_OUTSTANDING;
    options.PublishAsync.StallWait = 60000;
    options.PublishAsync.ErrHandler = on_refused;
    options.PublishAsync.ErrHandlerClosure = self;
    must(self, "JetStream", natsConnection_JetStream(&self->js, self->connection, &options));
    must(self, "inbox", natsInbox_Create(&inbox));
    tw_text_copy(self->ack_subject, sizeof self->ack_subject, inbox);
    natsInbox_Destroy(inbox);
    must(self, "subscribing", natsConnection_SubscribeSync(&self->acks, self->connection, self->ack_subject));
    must(self, "subscribing", natsConnection_SubscribeSync(&self->reports, self->connection, "exec." DESK_ACCOUNT));
    must(self, "subscribing", natsConnection_Flush(self->connection));
}

void desk_close(desk *self) {
    natsSubscription_Destroy(self->acks);
    natsSubscription_Destroy(self->reports);
    jsCtx_Destroy(self->js);
    natsConnection_Destroy(self->prompt);
    natsConnection_Destroy(self->connection);
    free(self->buffer);
}

/* ---- streams ---- */

void desk_make_stream(desk *self, const char *name, const char *subject) {
    jsStreamConfig config;
    const char *subjects[] = {subject};
    jsStreamConfig_Init(&config);
    config.Name = name;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    must(self, name, js_AddStream(NULL, self->js, &config, NULL, NULL));
}

void desk_delete_stream(desk *self, const char *name) {
    must(self, name, js_DeleteStream(self->js, name, NULL, NULL));
}

uint64_t desk_last_seq(desk *self, const char *name) {
    jsStreamInfo *info = NULL;
    natsStatus status = js_GetStreamInfo(&info, self->js, name, NULL, NULL);
    if (status == NATS_NOT_FOUND) return 0;
    must(self, name, status);
    uint64_t last = info->State.LastSeq;
    jsStreamInfo_Destroy(info);
    return last;
}

uint64_t desk_logged_seq(desk *self) {
    char stream[MW_STREAM_NAME_BYTES], subject[SUBJECT_BYTES];
    wire_executions batch;
    natsMsg *message = NULL;
    mw_stream_name(stream, sizeof stream, MW_STREAM_EXECLOG, DESK_MIC, DESK_SHARD);
    subject_shard(subject, sizeof subject, SUBJECT_KIND_EXECUTION_LOG, DESK_MIC, DESK_SHARD);
    natsStatus status = js_GetLastMsg(&message, self->js, stream, subject, NULL, NULL);
    if (status == NATS_NOT_FOUND) return 0;
    must(self, stream, status);
    if (wire_executions_open(&batch, (const uint8_t *)natsMsg_GetData(message),
                             (size_t)natsMsg_GetDataLength(message)) != WIRE_OK)
        harness_fail(self->owner, stream, "its last message is no ExecutionBatch");
    uint64_t last = batch.header.part == batch.header.parts ? batch.header.last_seq : batch.header.first_seq - 1;
    natsMsg_Destroy(message);
    return last;
}

static void look_again(desk *self, uint64_t began_ns, const char *what) {
    if (span_now_ns() - began_ns > PATIENCE_S * UINT64_C(1000000000))
        harness_fail(self->owner, what, "did not come so far in two minutes");
    nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
}

void desk_await_seq(desk *self, const char *name, uint64_t seq) {
    uint64_t began_ns = span_now_ns();
    while (desk_last_seq(self, name) < seq)
        look_again(self, began_ns, name);
}

void desk_await_logged(desk *self, uint64_t seq) {
    uint64_t began_ns = span_now_ns();
    while (desk_logged_seq(self) < seq)
        look_again(self, began_ns, "execlog");
}

/* ---- the scene ---- */

static void add(desk *self, wire_parts *parts, wire_control_command what) {
    tw_text_copy(what.symbol, sizeof what.symbol, what.symbol[0] != '\0' ? what.symbol : DESK_SYMBOL);
    tw_text_copy(what.account, sizeof what.account, DESK_ACCOUNT);
    if (!wire_control_command_add(parts, &what)) harness_fail(self->owner, "control", "no room");
}

static wire_control_command control(wire_control_kind kind) {
    wire_control_command what = wire_control_command_empty;
    what.kind = (uint8_t)kind;
    return what;
}

static void add_all(desk *self, wire_parts *parts) {
    wire_control_command what = control(WIRE_DEFINE_INSTRUMENT);
    what.price_exponent = -4;
    what.tick = (wire_ticks){.count = 1, .values = {DESK_TICK}};
    what.tick_from = (wire_ticks){.count = 1};
    what.lot = 1;
    what.protection_ppm = 100000;
    what.price = DESK_TOUCH;
    add(self, parts, what);
    add(self, parts, control(WIRE_DEFINE_ACCOUNT));
    what = control(WIRE_SET_LIMITS);
    what.order_quantity = what.position = UINT64_MAX;
    what.order_notional = what.funds = what.exposure = (wire_money)1000000000000000 * 1000000000000000;
    what.concentration_ppm = 2000000;
    what.open_orders = UINT32_MAX;
    add(self, parts, what);
    what = control(WIRE_BEGIN_DAY);
    what.date = 20260102;
    what.end_ns = INT64_C(4000000000000000000);
    add(self, parts, what);
    what = control(WIRE_SET_STATE);
    what.state = 1;
    add(self, parts, what);
}

uint64_t desk_set_scene(desk *self) {
    char subject[SUBJECT_BYTES];
    wire_parts parts;
    jsPubAck *ack = NULL;
    size_t length;
    wire_parts_start(&parts, self->buffer, BUFFER_BYTES);
    add_all(self, &parts);
    const uint8_t *bytes = wire_controls_finish(&parts, &(wire_batch_header){.sender = "bench"}, &length);
    subject_shard(subject, sizeof subject, SUBJECT_KIND_CONTROL, DESK_MIC, DESK_SHARD);
    must(self, subject, js_Publish(&ack, self->js, subject, bytes, (int)length, NULL, NULL));
    uint64_t seq = ack->Sequence;
    jsPubAck_Destroy(ack);
    desk_await_logged(self, seq);
    return seq;
}

/* ---- orders ---- */

const char *desk_order_subject(void) {
    return "orders." DESK_MIC ".1." DESK_ACCOUNT "." DESK_SYMBOL;
}

const uint8_t *desk_order(desk *self, uint64_t number, tw_side side, int64_t price, uint64_t quantity,
                          size_t *length) {
    wire_parts parts;
    wire_order_command order = wire_order_command_empty;
    order.side = (uint8_t)side;
    order.price = price;
    order.quantity = quantity;
    tw_text_format(order.client_order_id, sizeof order.client_order_id, "c-20260102-%08llu",
                   (unsigned long long)number);
    wire_parts_start(&parts, self->buffer, BUFFER_BYTES);
    if (!wire_order_command_add(&parts, &order)) harness_fail(self->owner, "order", "no room");
    return wire_orders_finish(&parts, &(wire_batch_header){.sender = "bench"}, length);
}

void desk_send(desk *self, const char *subject, const uint8_t *bytes, size_t length) {
    must(self, subject, js_PublishAsync(self->js, subject, bytes, (int)length, NULL));
    self->sent++;
}

void desk_settle(desk *self) {
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.MaxWait = PATIENCE_S * 1000;
    must(self, "acknowledgements", js_PublishAsyncComplete(self->js, &options));
    if (__atomic_load_n(&self->refused, __ATOMIC_RELAXED) > 0)
        harness_fail(self->owner, "publishing", "messages were refused");
}
