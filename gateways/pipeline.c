/* Wires the path: what the stream needs from its surroundings, rounds, and the way to the end. */
#include "gateways/pipeline.h"

#include <signal.h>

#include "base/secret.h"
#include "base/text.h"
#include "gateways/api/documents.h"
#include "gateways/auth/origin.h"
#include "gateways/caller.h"
#include "gateways/http.h"
#include "gateways/last_pages.h"
#include "runtime/clock.h"

#define MILLI_NS      INT64_C(1000000)
#define LEAVE_MS      2000 /* for clients to say goodbye, too */
#define LOOK_MS       20
#define RETRY_MS      1000               /* between looks for the bus, at start */
#define USAGE_WAIT_NS (10000 * MILLI_NS) /* for a slow disk, at the end */
#define SHOWN_BYTES   512u
#define WRITES_NS     MILLI_NS /* then the loop looks at what else has come */
#define DEFLATE_LEVEL 1        /* higher ones make such short messages hardly smaller: docs/benchmarks.md */

/* ---- usage ---- */

static void end_period(gateway *self, int64_t now_ns) {
    stream_report_usage(self->stream);
    usage_end_period(self->usage, now_ns);
}

static void end_period_if_due(gateway *self, int64_t now_ns) {
    if (usage_is_due(self->usage, now_ns)) end_period(self, now_ns);
}

static void count_for(gateway *self, const char *user, const stream_use *use, const char *exchange) {
    usage_add(self->usage, &(ledger_use){.user = user,
                                         .subject = use->subject,
                                         .exchange = exchange,
                                         .updates = use->updates,
                                         .bytes = use->bytes,
                                         .first_ns = use->first_ns,
                                         .last_ns = use->last_ns});
}

/* What spans exchanges is counted for each of them: who sums up one exchange's lines finds all who had its data. */
static void count_use(gateway *self, const char *user, const stream_use *use) {
    subject_parts parts;
    subject_parse(use->subject, &parts);
    wire_venues venues = {0};
    if (parts.kind == SUBJECT_KIND_AGGREGATE)
        venues = source_venues(self->source, parts.symbol, parts.channel == SUBJECT_NBBO);
    for (uint32_t i = 0; i < venues.count; i++)
        count_for(self, user, use, venues.mics[i]);
    if (venues.count == 0) count_for(self, user, use, NULL);
}

static void on_used(void *context, uint32_t client, const stream_use *use) {
    gateway *self = context;
    count_use(self, doorman_user(self->doorman, client), use);
}

void gateway_count_use(gateway *self, const char *user, const stream_use *use) {
    stream_use now = *use;
    now.first_ns = now.last_ns = rt_clock_utc_ns();
    end_period_if_due(self, now.first_ns);
    count_use(self, user, &now);
}

/* ---- rounds ---- */

static void wake_in(gateway *self, int64_t ns) {
    int64_t ms = (ns + MILLI_NS - 1) / MILLI_NS;
    uv_update_time(&self->loop); /* the timer counts from here */
    uv_timer_start(&self->round_due, self->round_due.timer_cb, ms > 0 ? (uint64_t)ms : 0, 0);
}

/* The bus is read in pieces of some ten thousand bytes, one each time the loop turns. Where more waits, reading gets as much of a round's time
 * as writing: else a gateway that is behind would stay so. */
static bool is_still_reading(gateway *self, int64_t now_ns) {
    uint64_t before = self->taken;
    self->taken = stream_read_stats(self->stream).updates_in;
    return self->in_round && now_ns < self->read_until_ns && self->taken != before;
}

/* Begins a round, or goes on with it: whoever has something to send is written to, and every millisecond the loop looks meanwhile at what
 * else has come, so that who is written to late has the latest. Returns how long nothing is due then. */
static int64_t make_round(gateway *self, int64_t begin_ns) {
    int64_t now_ns = rt_clock_utc_ns();
    end_period_if_due(self, now_ns); /* what this round hands out belongs to the next */
    usage_publish_waiting(self->usage);
    int64_t orders_ns = order_desk_round(self->orders, now_ns);
    int64_t due_ns = self->in_round ? stream_round_on(self->stream, now_ns) : stream_round(self->stream, now_ns);
    int64_t usage_ns = usage_due_ns(self->usage);
    if (!self->in_round) self->round_began_ns = begin_ns;
    self->in_round = !socket_write_ready(self->socket, WRITES_NS);
    int64_t end_ns = rt_clock_monotonic_ns();
    self->read_until_ns = end_ns + WRITES_NS;
    if (self->in_round) return 0;
    round_pace_note(&self->pace, self->round_began_ns, end_ns);
    if (usage_ns < due_ns) due_ns = usage_ns;
    if (orders_ns < due_ns) due_ns = orders_ns;
    return stream_has_later(self->stream) ? 0 : due_ns - now_ns;
}

/* Whatever woke the loop up, this is what comes of it. Runs right before the loop waits again. */
static void on_before_wait(uv_prepare_t *prepare) {
    gateway *self = prepare->data;
    if (self->phase == GATEWAY_DONE) return;
    int64_t begin_ns = rt_clock_monotonic_ns(), wait_ns = round_pace_wait_ns(&self->pace, begin_ns);
    if (wait_ns > 0) {
        int64_t now_ns = rt_clock_utc_ns(), orders_ns = order_desk_round(self->orders, now_ns) - now_ns;
        /* Who asked something, sent an order, or has room again, need not wait. */
        if (!socket_write_ready(self->socket, WRITES_NS)) orders_ns = 0;
        if (orders_ns < wait_ns) wait_ns = orders_ns;
    } else if (!is_still_reading(self, begin_ns)) {
        wait_ns = make_round(self, begin_ns);
    }
    wake_in(self, wait_ns);
}

/* Only wakes the loop. */
static void on_round_due(uv_timer_t *timer) {
    (void)timer;
}

/* ---- what the stream needs ---- */

static void want(void *context, const char *mic, subject_channel channel, bool wanted) {
    source_want(((gateway *)context)->source, mic, channel, wanted);
}

static bool may_read(void *context, uint32_t client, const char *subject) {
    const gateway *self = context;
    subject_parts parts;
    if (subject_parse(subject, &parts) == SUBJECT_KIND_EXECUTIONS)
        return order_desk_may_follow(self->orders, client, subject); /* no pattern grants an account */
    return doorman_may_read(self->doorman, client, subject);
}

static void order(void *context, uint32_t client, const char *id, const uint8_t *bytes, size_t length) {
    order_desk_request(((gateway *)context)->orders, client, id, bytes, length);
}

static bool follow(void *context, uint32_t client, const request_follow *what) {
    return order_desk_follow(((gateway *)context)->orders, client, what);
}

static bool unfollow(void *context, uint32_t client, const char *account) {
    return order_desk_unfollow(((gateway *)context)->orders, client, account);
}

static bool authenticate(void *context, uint32_t client, const char *token, stream_admission *admitted,
                         char *reason, size_t capacity) {
    gateway *self = context;
    order_desk_recheck(self->orders, client);
    return doorman_authenticate(self->doorman, client, token, admitted, reason, capacity);
}

static void close_client(void *context, uint32_t client, uint16_t code, const char *reason) {
    socket_end_client(((gateway *)context)->socket, client, code, reason);
}

static void send_away(void *context, uint32_t client, const char *reason) {
    stream_dismiss(((gateway *)context)->stream, client, reason, rt_clock_utc_ns());
}

static tw_code open_doorman(gateway *self, tw_error *error) {
    tw_code code = entitlement_parse(&self->anonymous, self->settings.anonymous, error);
    if (code != TW_OK) return tw_error_wrap(error, "--anonymous");
    doorman_options options = {
        .settings = &self->settings, .anonymous = &self->anonymous, .send_away = send_away, .context = self};
    return doorman_open(&self->doorman, &self->loop, &options, self->log, error);
}

static tw_code open_stream(gateway *self, tw_error *error) {
    const gateway_settings *s = &self->settings;
    stream_options options = {.max_clients = (uint32_t)s->max_clients,
                              .max_instruments = (uint32_t)s->max_instruments,
                              .max_subscriptions = (uint32_t)s->max_subscriptions,
                              .max_groups = (uint32_t)s->max_groups,
                              .client_bytes = (uint32_t)s->client_bytes,
                              .max_members = (uint32_t)s->max_members,
                              .frames_kept = (uint32_t)s->frames_kept,
                              .kept_bytes = s->kept_bytes,
                              .linger_ns = s->linger_ns,
                              .request_bytes = (uint32_t)s->request_bytes,
                              .requests_per_second = (uint32_t)s->requests_per_second,
                              .heartbeat_ns = s->heartbeat_ns,
                              .silence_ns = s->silence_ns,
                              .most = {.subscriptions = (uint32_t)s->most_subscriptions,
                                       .requests_per_second = (uint32_t)s->most_requests_per_second,
                                       .waiting_bytes = (uint32_t)s->most_client_bytes},
                              .deflate_level = s->compression ? DEFLATE_LEVEL : 0};
    bool trades = s->venue[0] != '\0';
    stream_surroundings surroundings = {.context = self,
                                        .want = want,
                                        .may_read = may_read,
                                        .authenticate = authenticate,
                                        .order = trades ? order : NULL,
                                        .follow = trades ? follow : NULL,
                                        .unfollow = trades ? unfollow : NULL,
                                        .used = on_used,
                                        .close = close_client};
    return stream_alloc(&self->stream, &options, &surroundings, error);
}

/* ---- what the socket asks ---- */

static void on_request(void *context, const socket_request *request) {
    http_take(context, request);
}

static const char *on_handshake(void *context, const socket_request *request, void **guest) {
    return caller_take_handshake(context, request, guest);
}

static void on_guest_lost(void *context, void *guest) {
    (void)context;
    identity_free(guest);
}

static void on_client(void *context, uint32_t client, bool websocket, void *guest) {
    caller_on_client(context, client, websocket, guest);
}

static void on_client_gone(void *context, uint32_t client) {
    gateway *self = context;
    order_desk_leave(self->orders, client);
    doorman_leave(self->doorman, client);
}

static tw_code open_socket(gateway *self, tw_error *error) {
    const gateway_settings *s = &self->settings;
    socket_options options = {.address = s->address,
                              .port = (uint16_t)s->port,
                              .share_port = s->share_port,
                              .certificate = s->tls_certificate,
                              .key = s->tls_key,
                              .max_connections = (uint32_t)s->max_clients,
                              .max_of_address = (uint32_t)s->max_clients_per_address,
                              .header_bytes = (uint32_t)s->header_bytes,
                              .request_bytes = (uint32_t)s->request_bytes,
                              .send_buffer = (uint32_t)s->send_buffer,
                              .unsent_low_water = (uint32_t)s->unsent_low_water,
                              .handshake_ns = s->handshake_ns,
                              .silence_ns = s->silence_ns,
                              .compression = s->compression};
    socket_handlers handlers = {.context = self,
                                .on_request = on_request,
                                .on_handshake = on_handshake,
                                .on_guest_lost = on_guest_lost,
                                .on_client = on_client,
                                .on_client_gone = on_client_gone};
    return socket_open(&self->socket, &self->loop, &options, &handlers, self->log, error);
}

/* ---- the bus ---- */

/* One try. */
static tw_code open_source(gateway *self, tw_error *error) {
    source_close(self->source); /* of the try before */
    self->source = NULL;
    const gateway_settings *s = &self->settings;
    source_options options = {.url = s->nats,
                              .credentials = s->credentials[0] == '\0' ? NULL : s->credentials,
                              .max_instruments = (uint32_t)s->max_instruments,
                              .feed_silence_ns = s->feed_silence_ns};
    return source_open(&self->source, &self->loop, &options, self->log, error);
}

static tw_code open_asker(gateway *self, tw_error *error) {
    const char *credentials = self->settings.credentials;
    if (self->arena.block == NULL && !wire_arena_init(&self->arena, WIRE_ARENA_BYTES))
        return tw_error_set(error, TW_NO_MEMORY, "no memory to decode");
    return asker_open(&self->asker, &self->loop, self->settings.nats, credentials[0] == '\0' ? NULL : credentials,
                      self, self->log, error);
}

static void on_wait_over(uv_timer_t *timer) {
    (void)timer;
}

/* The loop runs meanwhile: signals end it, keys are fetched. */
static void wait_a_moment(gateway *self) {
    uv_update_time(&self->loop);
    uv_timer_start(&self->phase_due, on_wait_over, RETRY_MS, 0);
    while (self->phase == GATEWAY_OPENING && uv_is_active((uv_handle_t *)&self->phase_due))
        uv_run(&self->loop, UV_RUN_ONCE);
    uv_timer_stop(&self->phase_due);
}

/* Until it is there, or --bus-wait is over, or a signal comes (TW_OK, too). */
static tw_code await_bus(gateway *self, tw_code (*open)(gateway *self, tw_error *error), tw_error *error) {
    int64_t wait_ns = self->settings.bus_wait_ns, end_ns = rt_clock_monotonic_ns() + wait_ns;
    while (self->phase == GATEWAY_OPENING) {
        tw_code code = open(self, error);
        if (code == TW_OK) return TW_OK;
        if (code != TW_AWAY || (wait_ns > 0 && rt_clock_monotonic_ns() >= end_ns))
            return tw_error_wrap(error, "--nats");
        rt_log_limited(self->log, &self->wait_site, RT_WARN, "waiting for the bus; nobody is served before",
                       RT_STR("reason", error->text));
        *error = (tw_error){0};
        wait_a_moment(self);
    }
    return TW_OK;
}

static tw_code open_last_store(gateway *self, tw_error *error) {
    const gateway_settings *s = &self->settings;
    tw_code code = last_store_open(&self->last_store, &self->loop, s->redis, s->redis_deadline_ns, last_take_row,
                                   self, self->log, error);
    return code == TW_OK ? TW_OK : tw_error_wrap(error, "--redis");
}

static tw_code open_usage(gateway *self, tw_error *error) {
    const gateway_settings *s = &self->settings;
    usage_options options = {.file = s->usage,
                             .publish = s->usage_publish,
                             .name = s->name,
                             .period_ns = s->usage_period_ns,
                             .most_lines = (uint32_t)s->usage_lines,
                             .most_bytes = s->usage_bytes,
                             .bus = asker_bus(self->asker)};
    return usage_open(&self->usage, &self->loop, &options, rt_clock_utc_ns(), self->log, error);
}

/* ---- the end ---- */

/* Who is left after this has had its time. */
static void on_phase_due(uv_timer_t *timer) {
    gateway *self = timer->data;
    static const char reason[] = "the gateway stops";
    if (self->phase == GATEWAY_GOODBYE) {
        self->phase = GATEWAY_CLOSING;
        socket_end_clients(self->socket, reason);
        uv_timer_start(timer, on_phase_due, LOOK_MS, LOOK_MS);
    }
    bool late = uv_now(&self->loop) >= self->leave_by_ms;
    bool busy = socket_read_stats(self->socket).connections > 0 || !order_desk_is_idle(self->orders);
    if (busy && !late) return;
    self->phase = GATEWAY_DONE;
    uv_stop(&self->loop);
}

/* The second signal does not wait. */
static void on_signal(uv_signal_t *handle, int number) {
    gateway *self = handle->data;
    const gateway_settings *s = &self->settings;
    rt_log(self->log, RT_INFO, "told to stop", RT_I64("signal", number));
    if (self->phase != GATEWAY_RUNNING) {
        self->phase = GATEWAY_DONE;
        uv_stop(&self->loop);
        return;
    }
    self->phase = GATEWAY_GOODBYE;
    self->leave_by_ms = uv_now(&self->loop) + (uint64_t)(s->goodbye_ns / MILLI_NS) + LEAVE_MS;
    socket_stop_listening(self->socket);
    stream_say_goodbye(self->stream, "the gateway stops", s->reconnect_earliest_ns / MILLI_NS,
                       s->reconnect_latest_ns / MILLI_NS);
    uv_timer_start(&self->phase_due, on_phase_due, (uint64_t)(s->goodbye_ns / MILLI_NS), 0);
}

/* Files may have been moved away, keys may have changed. */
static void on_hangup(uv_signal_t *handle, int number) {
    gateway *self = handle->data;
    rt_log(self->log, RT_INFO, "told to open files and read keys again", RT_I64("signal", number));
    if (self->usage != NULL) usage_reopen(self->usage);
    doorman_reload(self->doorman);
}

/* ---- opening, running, closing ---- */

static void open_handles(gateway *self) {
    static const int numbers[GATEWAY_SIGNALS] = {SIGINT, SIGTERM};
    uv_prepare_init(&self->loop, &self->before_wait);
    uv_timer_init(&self->loop, &self->round_due);
    uv_timer_init(&self->loop, &self->phase_due);
    self->before_wait.data = self->round_due.data = self->phase_due.data = self;
    for (int i = 0; i < GATEWAY_SIGNALS; i++) {
        uv_signal_init(&self->loop, &self->signals[i]);
        self->signals[i].data = self;
        uv_signal_start(&self->signals[i], on_signal, numbers[i]);
    }
    uv_signal_init(&self->loop, &self->hangup);
    self->hangup.data = self;
    uv_signal_start(&self->hangup, on_hangup, SIGHUP);
    self->handles_open = true;
}

static tw_code read_pages(gateway *self, tw_error *error) {
    const char *folder = self->settings.dashboard;
    tw_code code = pages_add(&self->pages, "/v1/openapi.json", api_openapi, api_openapi_length, error);
    if (code == TW_OK)
        code = pages_add(&self->pages, "/v1/asyncapi.json", api_asyncapi, api_asyncapi_length, error);
    if (code == TW_OK && folder[0] != '\0' && pages_read(&self->pages, folder, error) != TW_OK)
        return tw_error_wrap(error, "--dashboard");
    return code;
}

/* What needs the bus, or is of no use without it. */
static tw_code open_for_clients(gateway *self, tw_error *error) {
    tw_code code = await_bus(self, open_source, error);
    if (code == TW_OK) code = await_bus(self, open_asker, error);
    if (code != TW_OK || self->phase != GATEWAY_OPENING) return code;
    code = open_last_store(self, error);
    if (code == TW_OK) code = order_desk_open(&self->orders, self, error);
    if (code == TW_OK) code = open_usage(self, error);
    if (code == TW_OK) code = observe_open(self, error);
    return code == TW_OK ? socket_listen(self->socket, error) : code;
}

tw_code gateway_open(gateway *self, tw_error *error) {
    self->log = rt_watch_log(&self->settings.watch, "tickwire-gateway");
    uv_loop_init(&self->loop);
    tw_code code = gateway_settings_check(&self->settings, error);
    if (code != TW_OK) return code;
    code = origin_check_list(self->settings.origins, error);
    if (code != TW_OK) return tw_error_wrap(error, "--origins");
    code = order_desk_check(&self->settings, error);
    if (code != TW_OK) return code;
    code = open_doorman(self, error);
    if (code == TW_OK) code = read_pages(self, error);
    if (code == TW_OK) code = open_stream(self, error);
    if (code == TW_OK) code = open_socket(self, error);
    if (code != TW_OK) return code;
    open_handles(self);
    return open_for_clients(self, error);
}

int gateway_run(gateway *self) {
    char servers[SHOWN_BYTES];
    if (self->phase == GATEWAY_DONE) return 0; /* told to stop before */
    self->phase = GATEWAY_RUNNING;
    tw_secret_strip(self->settings.nats, servers, sizeof servers);
    source_feed(self->source, self->stream);
    socket_serve(self->socket, self->stream);
    uv_timer_start(&self->round_due, on_round_due, 0, 0);
    uv_prepare_start(&self->before_wait, on_before_wait);
    rt_log(self->log, RT_INFO, "gateway serves", RT_STR("address", self->settings.address),
           RT_U64("port", socket_port(self->socket)), RT_STR("bus", servers));
    if (self->anonymous.patterns.count == 0 && !doorman_is_on(self->doorman))
        rt_log(self->log, RT_WARN,
               "nobody may read anything: --anonymous grants subjects to everybody, --auth-... lets tokens do so");
    while (self->phase != GATEWAY_DONE)
        uv_run(&self->loop, UV_RUN_DEFAULT);
    rt_log(self->log, RT_INFO, "gateway ends");
    return 0;
}

static void close_handles(gateway *self) {
    if (!self->handles_open) return;
    uv_close((uv_handle_t *)&self->before_wait, NULL);
    uv_close((uv_handle_t *)&self->round_due, NULL);
    uv_close((uv_handle_t *)&self->phase_due, NULL);
    for (int i = 0; i < GATEWAY_SIGNALS; i++)
        uv_close((uv_handle_t *)&self->signals[i], NULL);
    uv_close((uv_handle_t *)&self->hangup, NULL);
}

void gateway_close(gateway *self) {
    self->phase = GATEWAY_DONE;
    close_handles(self);
    if (self->usage != NULL) end_period(self, rt_clock_utc_ns()); /* the one that is open */
    observe_stop(self);
    last_store_close(self->last_store);
    order_desk_close(self->orders);
    asker_close(self->asker);
    doorman_close(self->doorman);
    socket_close(self->socket);
    source_close(self->source);
    uv_run(&self->loop, UV_RUN_DEFAULT); /* lets everything finish closing */
    usage_close(self->usage, USAGE_WAIT_NS);
    uv_run(&self->loop, UV_RUN_NOWAIT);
    uv_loop_close(&self->loop);
    socket_free(self->socket);
    order_desk_free(self->orders);
    stream_free(self->stream);
    doorman_free(self->doorman);
    wire_arena_fini(&self->arena);
    entitlement_fini(&self->anonymous);
    observe_close(self);
    pages_free(&self->pages);
    rt_log_free(self->log);
}
