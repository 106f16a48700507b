/* The doors of a simulated matcher: streams in, execlog out with its fence, live reports, answers, the lease, snapshots. */
#include "tests/sim/matcher_node.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "matcher/replica/replica_internal.h" /* for what is done wrong on purpose */
#include "matcher/wire/translate.h"
#include "runtime/clock.h"

#define TICK_NS      (10 * WORLD_MILLISECOND)
#define HEARTBEAT_NS (100 * WORLD_MILLISECOND)
#define HEARTBEATS   "feed.TWEX.1.status"

static const char *const mutation_names[MUTATIONS] = {"none",         "no-fence",   "no-lease",    "resend-at-end",
                                                      "skip-unknown", "no-compare", "forget-ids",  "old-origin",
                                                      "wait-for-end", "own-clock",  "stored-twice"};

const char *node_mutation_name(node_mutation mutation) {
    return mutation < MUTATIONS ? mutation_names[mutation] : "?";
}

const mr_options node_replica_options = {
    .exchange = SIM_MIC,
    .bounds = {.shard = SIM_SHARD,
               .max_instruments = 8,
               .max_accounts = 16,
               .max_positions = 128,
               .max_orders = 1024,
               .max_pages = 512,
               .max_client_ids = 4096,
               .max_sessions = 32},
    .backlog_bytes = 3 << 20, /* more than one message of execlog: else nothing could be compared */
    .input_bytes = 2 << 20,
    .recent_bytes = 64 << 10,
    .found = 64};

static void fault(matcher_node *node, const char *what) {
    if (node->fault[0] != '\0') return;
    (void)tw_text_format(node->fault, sizeof node->fault, "%s: %s", node->process.name, what);
}

static bool replica_is_well(matcher_node *node) {
    if (mr_fault(node->replica)[0] == '\0') return true;
    fault(node, mr_fault(node->replica));
    return false;
}

/* ---- live ---- */

static void tell_account(matcher_node *node, const mx_report *report, const char *correlation) {
    uint8_t buffer[WIRE_PARTS_HEADER_ROOM + 4 * WIRE_PART_ROOM];
    char subject[SUBJECT_BYTES];
    wire_parts parts;
    wire_report out;
    wire_named_account named;
    if (!mw_named_account(mr_engine(node->replica), report->account, &named)) return;
    if (!subject_executions(subject, sizeof subject, named.name)) return;
    wire_execution_header header = {.exchange = SIM_MIC,
                                    .shard = SIM_SHARD,
                                    .first_seq = report->seq,
                                    .last_seq = report->seq,
                                    .term = node->lead.term,
                                    .publish_ns = rt_clock_utc_ns()};
    (void)tw_text_copy(header.account, sizeof header.account, named.name);
    wire_parts_start(&parts, buffer, sizeof buffer);
    mw_report(report, correlation, false, &out);
    (void)wire_report_add(&parts, &out);
    size_t length;
    const uint8_t *bytes = wire_execution_reports_finish(&parts, &header, &length);
    (void)bus_publish(node->bus, subject, bytes, length);
}

static void on_record(void *context, mr_record *record) {
    matcher_node *node = context;
    if (node->live_last == NODE_MOST_LIVE) {
        memmove(node->live, node->live + node->live_first,
                (node->live_last - node->live_first) * sizeof *node->live);
        node->live_last -= node->live_first;
        node->live_first = 0;
    }
    TW_ASSERT(node->live_last < NODE_MOST_LIVE);
    node_live *kept = &node->live[node->live_last++];
    kept->report = record->report;
    (void)tw_text_copy(kept->correlation, sizeof kept->correlation, record->correlation);
    if (ml_serves(&node->lead)) tell_account(node, &record->report, record->correlation);
}

static void forget_live(matcher_node *node) {
    while (node->live_first < node->live_last &&
           node->live[node->live_first].report.seq <= mr_journaled(node->replica))
        node->live_first++;
    if (node->live_first == node->live_last) node->live_first = node->live_last = 0;
}

static void tell_all_live(matcher_node *node) {
    for (size_t i = node->live_first; i < node->live_last; i++)
        tell_account(node, &node->live[i].report, node->live[i].correlation);
}

/* ---- execlog ---- */

static bool is_full(const matcher_node *node) {
    return !mr_room(node->replica) && node->mutation != MUTATION_WAIT_FOR_END;
}

/* A backlog that is full can't wait for the order stream's end: only who leads empties it. */
static bool is_ready(const matcher_node *node) {
    const bus_reader_status *orders = bus_reader_read_status(node->orders);
    const bus_reader_status *execlog = bus_reader_read_status(node->execlog);
    return orders->state == BUS_READER_READING && execlog->state == BUS_READER_READING &&
           (orders->expected_seq >= node->orders_target || is_full(node)) &&
           execlog->expected_seq >= node->execlog_target && bus_connected(node->bus);
}

static void write_execlog(matcher_node *node) {
    mr_part part;
    bool may = ml_serves(&node->lead) || (node->lead.role == ML_CATCHING_UP && is_full(node));
    if (!may || node->writing || node->execlog_last < node->wait_behind) return;
    if (!mr_journal_next(node->replica, &part)) return;
    bool fenced = node->mutation != MUTATION_NO_FENCE;
    if (node->mutation == MUTATION_RESEND_AT_END && node->written_length > 0) fenced = false;
    if (bus_writer_write(node->writer, "execlog.TWEX.1", part.bytes, part.length,
                         fenced ? node->execlog_last : BUS_ANY_LAST_SEQ, part.last_seq) != TW_OK)
        return;
    free(node->written);
    node->written = malloc(part.length);
    TW_ASSERT(node->written != NULL);
    memcpy(node->written, part.bytes, part.length);
    node->written_length = part.length;
    node->fence = node->execlog_last;
    node->writing = true;
}

/* The reader may have brought it already, or may bring it later: whoever is first moves the position. */
static void stored(matcher_node *node, uint64_t seq) {
    bool first = seq > node->execlog_last || node->mutation == MUTATION_STORED_TWICE;
    node->written_length = 0;
    if (!first) return;
    mr_journal_stored(node->replica);
    if (seq > node->execlog_last) node->execlog_last = seq;
}

static void on_write(void *context, const bus_write_result *result) {
    matcher_node *node = context;
    fake_run_as(&node->host);
    node->writing = false;
    if (result->outcome == BUS_WRITE_STORED) {
        stored(node, result->seq);
    } else if (result->outcome == BUS_WRITE_WRONG_LAST) {
        node->wait_behind = node->fence + 1; /* what is there instead comes by the reader */
    } else if (node->mutation == MUTATION_SKIP_UNKNOWN) {
        stored(node, node->execlog_last + 1);
    }
    forget_live(node);
    write_execlog(node);
}

static void on_execlog(void *context, const bus_stream_message *m) {
    matcher_node *node = context;
    fake_run_as(&node->host);
    if (m->seq <= node->execlog_last || node->fault[0] != '\0') return;
    if (node->mutation == MUTATION_NO_COMPARE) {
        node->execlog_last = m->seq;
        return;
    }
    bool mine = node->written_length == m->length && memcmp(node->written, m->bytes, m->length) == 0;
    mr_found found = mr_journal_found(node->replica, m->bytes, m->length);
    if (found == MR_FOUND_FAULT) (void)replica_is_well(node);
    if (found == MR_FOUND_FULL) fault(node, "execlog came although it was paused long before");
    node->execlog_last = m->seq;
    if (!mr_found_room(node->replica)) bus_reader_pause(node->execlog);
    if (ml_speaks(&node->lead) && !mine) ml_fenced(&node->lead, rt_clock_monotonic_ns());
    node->written_length = 0;
    forget_live(node);
}

/* ---- inputs ---- */

static void on_orders(void *context, const bus_stream_message *m) {
    matcher_node *node = context;
    const mr_listener listener = {.on_record = on_record, .context = node};
    mw_applied applied;
    fake_run_as(&node->host);
    if (node->fault[0] != '\0') return;
    mw_message message = {.subject = m->subject,
                          .seq = m->seq,
                          .stream_ns = node->mutation == MUTATION_OWN_CLOCK ? rt_clock_utc_ns() : m->stream_ns,
                          .bytes = m->bytes,
                          .length = m->length};
    if (!mr_take(node->replica, &message, &listener, &applied)) (void)replica_is_well(node);
    if (!mr_room(node->replica)) bus_reader_pause(node->orders);
    forget_live(node);
    write_execlog(node);
}

static void on_orders_status(void *context, const bus_reader_status *status) {
    matcher_node *node = context;
    if (status->state == BUS_READER_READING) node->orders_target = status->expected_seq + status->pending;
    if (status->state == BUS_READER_HALTED) fault(node, "the order stream has a hole");
}

static void on_execlog_status(void *context, const bus_reader_status *status) {
    matcher_node *node = context;
    if (status->state == BUS_READER_READING) node->execlog_target = status->expected_seq + status->pending;
    if (status->state == BUS_READER_HALTED) fault(node, "execlog has a hole");
}

/* ---- leadership ---- */

static ml_self myself(const matcher_node *node) {
    ml_self self = {.seq = mr_seq(node->replica), .ready = is_ready(node), .drained = !node->writing};
    (void)tw_text_copy(self.epoch, sizeof self.epoch, "sim");
    return self;
}

static void send_probe(matcher_node *node) {
    uint64_t probe = node->lead.probe;
    (void)bus_publish(node->bus, node->probe_subject, (const uint8_t *)&probe, sizeof probe);
}

static void beat(matcher_node *node, int64_t now_ns) {
    if (!ml_speaks(&node->lead) || now_ns < node->heartbeat_ns) return;
    node->heartbeat_ns = now_ns + HEARTBEAT_NS;
    ml_heartbeat h = {.term = node->lead.term,
                      .seq = mr_seq(node->replica),
                      .published_seq = mr_seq(node->replica),
                      .handover = node->lead.role == ML_OFFERING};
    (void)tw_text_copy(h.leader, sizeof h.leader, node->lead.options.name);
    (void)tw_text_copy(h.epoch, sizeof h.epoch, "sim");
    (void)bus_publish(node->bus, HEARTBEATS, (const uint8_t *)&h, sizeof h);
}

static void claim(matcher_node *node, int64_t now_ns) {
    if (node->mutation == MUTATION_NO_LEASE) {
        ml_claimed(&node->lead, true, node->lead.claim_revision + 1, now_ns);
        return;
    }
    if (!bus_lease_claim(node->lease, node->lead.claim_term, node->lead.options.name, node->lead.claim_revision))
        ml_lease_away(&node->lead, now_ns);
}

static void act(matcher_node *node, ml_action action, int64_t now_ns) {
    switch (action) {
    case ML_READ:
        if (!bus_lease_read(node->lease)) ml_lease_away(&node->lead, now_ns);
        break;
    case ML_PROBE:
        send_probe(node);
        break;
    case ML_CLAIM:
        claim(node, now_ns);
        break;
    case ML_LEAD:
    case ML_RESUME:
        world_tell(node->server->world, "%s leads, term %" PRIu64, node->process.name, node->lead.term);
        tell_all_live(node);
        node->heartbeat_ns = 0;
        break;
    case ML_GO_ON:
        node->heartbeat_ns = 0;
        break;
    case ML_OFFER:
        world_tell(node->server->world, "%s offers", node->process.name);
        node->heartbeat_ns = 0;
        break;
    default:
        break;
    }
}

static void step(matcher_node *node) {
    int64_t now_ns = rt_clock_monotonic_ns();
    for (int i = 0; i < 32; i++) {
        ml_self self = myself(node);
        ml_action action = ml_step(&node->lead, &self, now_ns, rt_clock_utc_ns());
        if (action == ML_NOTHING) break;
        act(node, action, now_ns);
    }
    beat(node, now_ns);
    write_execlog(node);
}

static void on_lease(void *context, const bus_lease_result *result) {
    matcher_node *node = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    fake_run_as(&node->host);
    switch (result->outcome) {
    case BUS_LEASE_FOUND:
    case BUS_LEASE_NONE:
        ml_lease_read(&node->lead, result->outcome == BUS_LEASE_FOUND, result->term, result->holder,
                      result->revision, now_ns);
        break;
    case BUS_LEASE_WON:
    case BUS_LEASE_LOST:
        ml_claimed(&node->lead, result->outcome == BUS_LEASE_WON, result->revision, now_ns);
        break;
    default:
        ml_lease_away(&node->lead, now_ns);
        break;
    }
    step(node);
}

static void on_heartbeat(void *context, const bus_message *m) {
    matcher_node *node = context;
    ml_heartbeat h;
    fake_run_as(&node->host);
    TW_ASSERT(m->length == sizeof h);
    memcpy(&h, m->bytes, sizeof h);
    (void)ml_heard(&node->lead, &h, rt_clock_monotonic_ns());
    step(node);
}

static void on_lease_seen(void *context, const bus_message *m) {
    matcher_node *node = context;
    uint64_t term;
    char holder[BUS_LEASE_HOLDER_BYTES];
    fake_run_as(&node->host);
    if (bus_lease_parse(m->bytes, m->length, &term, holder)) ml_lease_seen(&node->lead, term, holder);
    step(node);
}

static void on_probe(void *context, const bus_message *m) {
    matcher_node *node = context;
    uint64_t probe;
    fake_run_as(&node->host);
    memcpy(&probe, m->bytes, sizeof probe);
    ml_probed(&node->lead, probe, rt_clock_monotonic_ns());
    step(node);
}

static void on_query(void *context, const bus_message *m) {
    matcher_node *node = context;
    static uint8_t buffer[MR_REPLY_BYTES];
    size_t length;
    fake_run_as(&node->host);
    if (!ml_speaks(&node->lead) || m->reply == NULL) return;
    const uint8_t *reply = mr_answer(node->replica, m->bytes, m->length, buffer, sizeof buffer, &length);
    (void)bus_publish(node->bus, m->reply, reply, length);
}

static void on_bus(void *context, bus_event event, const char *detail) {
    matcher_node *node = context;
    (void)detail;
    fake_run_as(&node->host);
    if (event == BUS_DISCONNECTED) ml_bus(&node->lead, false, rt_clock_monotonic_ns());
    if (event == BUS_RECONNECTED) ml_bus(&node->lead, true, rt_clock_monotonic_ns());
    step(node);
}

/* ---- snapshots ---- */

typedef struct memory {
    uint8_t *bytes;
    size_t length, room, at;
} memory;

static bool memory_write(void *context, const void *bytes, size_t length) {
    memory *m = context;
    if (m->length + length > m->room) {
        m->room = (m->length + length) * 2;
        m->bytes = realloc(m->bytes, m->room);
        TW_ASSERT(m->bytes != NULL);
    }
    memcpy(m->bytes + m->length, bytes, length);
    m->length += length;
    return true;
}

static bool memory_read(void *context, void *bytes, size_t length) {
    memory *m = context;
    if (m->length - m->at < length) return false;
    memcpy(bytes, m->bytes + m->at, length);
    m->at += length;
    return true;
}

static void file_is_whole(void *context, void *data, size_t length) {
    matcher_node *node = context;
    (void)data, (void)length;
    node->files[0].length = node->files[0].whole_length;
    node->saving = false;
}

/* It takes a while; until then some of it is on disk. */
static void save(matcher_node *node) {
    world *w = node->server->world;
    memory m = {0};
    tw_error error;
    const mr_origin origin = {.orders_created_ns = 1,
                              .execlog_created_ns = 1,
                              .execlog_seq =
                                  node->execlog_last +
                                  (node->mutation == MUTATION_OLD_ORIGIN && node->execlog_last > 3 ? 1 : 0)};
    if (node->saving || mr_seq(node->replica) < node->next_snapshot_seq) return;
    if (mr_snapshot_write(node->replica, &origin, memory_write, &m, &error) != TW_OK) {
        if (mr_found_waiting(node->replica) == 0) fault(node, error.text);
        free(m.bytes);
        return;
    }
    free(node->files[NODE_FILES - 1].bytes);
    memmove(node->files + 1, node->files, (NODE_FILES - 1) * sizeof *node->files);
    node->files[0] = (node_file){.bytes = m.bytes,
                                 .length = (size_t)world_between(w, 0, (int64_t)m.length - 1),
                                 .whole_length = m.length,
                                 .seq = mr_seq(node->replica)};
    node->saving = true;
    node->next_snapshot_seq = mr_seq(node->replica) + (uint64_t)world_between(w, 10, 80);
    world_tell(w, "%s saves a snapshot after input %" PRIu64 ", %zu bytes", node->process.name,
               mr_seq(node->replica), m.length);
    world_after(w, &node->process, world_between(w, WORLD_MILLISECOND, 200 * WORLD_MILLISECOND), file_is_whole,
                node);
}

/* The newest that can be read. */
static void restore(matcher_node *node) {
    for (size_t i = 0; i < NODE_FILES; i++) {
        node_file *file = &node->files[i];
        memory m = {.bytes = file->bytes, .length = file->length};
        mr_origin origin;
        tw_error error;
        if (file->bytes == NULL) continue;
        tw_code code = mr_snapshot_read(node->replica, &origin, memory_read, &m, &error);
        world_tell(node->server->world, "%s reads a snapshot after input %" PRIu64 ": %s", node->process.name,
                   file->seq, tw_code_name(code));
        if (code == TW_OK && file->length < file->whole_length)
            fault(node, "half a snapshot was read as a whole one");
        if (code != TW_OK && file->length == file->whole_length) fault(node, error.text);
        if (code != TW_OK) continue;
        if (mr_seq(node->replica) != file->seq) fault(node, "a snapshot of another input");
        node->execlog_last = origin.execlog_seq;
        if (node->mutation == MUTATION_FORGET_IDS) correlations_clear(&node->replica->correlations);
        return;
    }
}

/* ---- life ---- */

static void on_tick(void *context) {
    matcher_node *node = context;
    if (node->fault[0] != '\0') return;
    if (mr_room(node->replica)) bus_reader_resume(node->orders);
    if (mr_found_room(node->replica)) bus_reader_resume(node->execlog);
    step(node);
    save(node);
}

static void open_lead(matcher_node *node) {
    const bus_lease_options lease = {.bucket = "tickwire-leaders", .key = "TWEX.1", .timeout_ns = WORLD_SECOND};
    ml_options options = {0};
    tw_error error;
    (void)tw_text_format(options.name, sizeof options.name, "%s-%u", node->process.name, node->process.life);
    ml_init(&node->lead, &options, rt_clock_monotonic_ns(), rt_clock_utc_ns());
    (void)bus_lease_open(&node->lease, &node->loop, &lease, on_lease, node, &error);
    (void)tw_text_format(node->probe_subject, sizeof node->probe_subject, "probe.%s", options.name);
    (void)bus_subscribe(node->bus, HEARTBEATS, on_heartbeat, node, 0, &node->heartbeats, &error);
    (void)bus_subscribe(node->bus, bus_lease_subject(node->lease), on_lease_seen, node, 0, &node->leases, &error);
    (void)bus_subscribe(node->bus, node->probe_subject, on_probe, node, 0, &node->probes, &error);
    (void)bus_subscribe(node->bus, "query.TWEX.1", on_query, node, 0, &node->queries, &error);
    if (bus_connected(node->bus)) ml_bus(&node->lead, true, rt_clock_monotonic_ns());
}

static void open_streams(matcher_node *node) {
    const bus_reader_options orders = {.stream = SIM_ORDERS,
                                       .start_seq = mr_seq(node->replica) + 1,
                                       .on_message = on_orders,
                                       .on_status = on_orders_status,
                                       .context = node};
    const bus_reader_options execlog = {.stream = SIM_EXECLOG,
                                        .start_seq = node->execlog_last + 1,
                                        .on_message = on_execlog,
                                        .on_status = on_execlog_status,
                                        .context = node};
    const bus_writer_options writer = {.on_result = on_write, .context = node, .timeout_ns = 2 * WORLD_SECOND};
    tw_error error;
    (void)bus_reader_open(&node->orders, node->bus, &node->loop, &orders, &error);
    (void)bus_reader_open(&node->execlog, node->bus, &node->loop, &execlog, &error);
    (void)bus_writer_open(&node->writer, node->bus, &node->loop, &writer, &error);
    (void)ticker_open(&node->ticker, &node->loop, TICK_NS, on_tick, node, &error);
}

void node_init(matcher_node *node, server *s, const char *name, node_mutation mutation) {
    *node = (matcher_node){.server = s, .mutation = mutation};
    (void)tw_text_copy(node->process.name, sizeof node->process.name, name);
}

void node_start(matcher_node *node) {
    tw_error error;
    world_start_process(node->server->world, &node->process);
    node->host = (server_host){node->server, &node->process, node->process.life};
    node->loop.data = &node->host;
    fake_run_as(&node->host);
    node->execlog_last = node->wait_behind = node->orders_target = node->execlog_target = 0;
    node->writing = node->saving = false;
    node->written = NULL;
    node->written_length = 0;
    node->live = malloc(NODE_MOST_LIVE * sizeof *node->live);
    node->live_first = node->live_last = 0;
    TW_ASSERT(node->live != NULL && mr_alloc(&node->replica, &node_replica_options, &error) == TW_OK);
    node->bus = server_connect(node->server, &node->process, on_bus, node);
    restore(node);
    node->next_snapshot_seq = mr_seq(node->replica) + (uint64_t)world_between(node->server->world, 5, 60);
    open_lead(node);
    open_streams(node);
}

void node_kill(matcher_node *node) {
    server_cut(node->bus);
    world_kill_process(node->server->world, &node->process);
    mr_free(node->replica);
    free(node->live);
    free(node->written);
}

void node_wipe(matcher_node *node) {
    for (size_t i = 0; i < NODE_FILES; i++) {
        free(node->files[i].bytes);
        node->files[i] = (node_file){0};
    }
}

void node_fini(matcher_node *node) {
    if (node->process.alive) node_kill(node);
    node_wipe(node);
}

bool node_serves(const matcher_node *node) {
    return node->process.alive && ml_serves(&node->lead);
}

bool node_hand_over(matcher_node *node) {
    fake_run_as(&node->host);
    return ml_offer(&node->lead, rt_clock_monotonic_ns());
}

void node_tell(const matcher_node *node) {
    if (!node->process.alive) return;
    world_tell(node->server->world,
               "%s: %s, input %" PRIu64 ", in execlog up to %" PRIu64 " (message %" PRIu64 "), %" PRIu64
               " bytes wait, %s, orders %s, execlog %s from %" PRIu64 ", %u found ahead",
               node->process.name, ml_role_name(node->lead.role), mr_seq(node->replica),
               mr_journaled(node->replica), node->execlog_last, mr_backlog_bytes(node->replica),
               node->writing ? "writing" : "not writing", bus_reader_read_status(node->orders)->reason,
               bus_reader_read_status(node->execlog)->reason, bus_reader_next_seq(node->execlog),
               mr_found_waiting(node->replica));
}
