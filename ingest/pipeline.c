/* Wires the path: source -> line -> feed -> market -> publisher -> bus, and the timers beside it. */
#include "ingest/pipeline.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "ingest/day/file_date.h"
#include "runtime/bus_election.h"
#include "runtime/clock.h"

#define NS_PER_MS          INT64_C(1000000)
#define SIGNALS            3
#define TICK_NS            (5 * INT64_C(1000000))
#define LEAVE_NS           (5 * TW_NS_PER_SECOND)
#define FLUSHES_PER_CLOCK  8u
#define SHOWN_BYTES        256u                     /* of the source, in the log */
#define WAIT_DEADLINE_NS   (250 * INT64_C(1000000)) /* of a gap that may only close by itself */
#define REFILL_DEADLINE_NS (5 * TW_NS_PER_SECOND)   /* of one that is asked for */
#define HOLD_PACKET_BYTES  2048u                    /* for each of --hold-packets, on average */
#define LARGEST_PACKET     65535u
#define FALL_BACK_NS       (250 * INT64_C(1000000)) /* without news, before repeated numbers are a new beginning */
#define BELIEVED_JUMP      UINT64_C(1000) /* numbers; a packet further ahead needs a second one that agrees */

/* ---- market -> publisher ---- */

static void on_instrument(void *context, uint32_t instrument, const tw_instrument *entry, const tw_stamp *stamp) {
    publisher_define(((ingest *)context)->publisher, instrument, entry, stamp);
}

static void on_book(void *context, uint32_t instrument, tw_sides sides, uint32_t rank, const tw_stamp *stamp) {
    publisher_mark_book(((ingest *)context)->publisher, instrument, sides, rank, stamp);
}

static void on_print(void *context, uint32_t instrument, const tw_print *print, const tw_stamp *stamp) {
    publisher_print(((ingest *)context)->publisher, instrument, print, stamp);
}

static void on_trading_state(void *context, uint32_t instrument, tw_trading_state state, const char *reason,
                             const tw_stamp *stamp) {
    publisher_trading_state(((ingest *)context)->publisher, instrument, state, reason, stamp);
}

static void on_short_sale(void *context, uint32_t instrument, tw_short_sale restriction, const tw_stamp *stamp) {
    publisher_short_sale(((ingest *)context)->publisher, instrument, restriction, stamp);
}

static void on_collar(void *context, uint32_t instrument, int64_t reference, int64_t upper, int64_t lower,
                      const tw_stamp *stamp) {
    publisher_collar(((ingest *)context)->publisher, instrument, reference, upper, lower, stamp);
}

static void on_imbalance(void *context, uint32_t instrument, const tw_imbalance *imbalance, const tw_stamp *stamp) {
    publisher_imbalance(((ingest *)context)->publisher, instrument, imbalance, stamp);
}

static void on_book_state(void *context, uint32_t instrument, tw_book_state state, tw_state_cause cause,
                          const tw_stamp *stamp) {
    ingest *self = context;
    publisher_book_state(self->publisher, instrument, state, cause, stamp);
    bool trusted = state == TW_BOOK_OK;
    rt_log(self->log, trusted ? RT_INFO : RT_WARN,
           trusted ? "a book can be trusted again" : "a book can no longer be trusted",
           RT_STR("symbol", market_instruments(self->market)->entries[instrument].symbol),
           RT_STR("state", tw_book_state_name(state)), RT_STR("cause", tw_state_cause_name(cause)),
           RT_U64("seq", stamp->seq));
}

static void on_order(void *context, uint32_t instrument, const market_order_event *event, const tw_stamp *stamp) {
    wire_order_event out = {.seq = stamp->seq,
                            .kind = (wire_order_kind)event->kind, /* the same five, in the same order */
                            .side = event->side,
                            .order_id = event->order_id,
                            .new_order_id = event->new_order_id,
                            .price = event->price,
                            .quantity = event->quantity,
                            .remaining = event->remaining,
                            .event_ns = stamp->event_ns};
    tw_text_copy(out.attribution, sizeof out.attribution, event->attribution);
    publisher_order_event(((ingest *)context)->publisher, instrument, &out, stamp);
}

static market_listener listener_of(ingest *self) {
    return (market_listener){.context = self,
                             .on_instrument = on_instrument,
                             .on_book = on_book,
                             .on_print = on_print,
                             .on_trading_state = on_trading_state,
                             .on_short_sale = on_short_sale,
                             .on_collar = on_collar,
                             .on_imbalance = on_imbalance,
                             .on_book_state = on_book_state,
                             .on_order = self->settings.orders ? on_order : NULL};
}

/* ---- publisher -> bus ---- */

static void sink_emit(void *context, const char *subject, const uint8_t *payload, size_t length) {
    bus_publish_trusted(((ingest *)context)->bus, subject, payload, length);
}

static void sink_answer(void *context, const char *subject, const uint8_t *payload, size_t length) {
    bus_publish(((ingest *)context)->bus, subject, payload, length);
}

static bool sink_ready(void *context) {
    const ingest *self = context;
    return lead_may_send(self->lead) && bus_ready(self->bus);
}

static void on_bus_event(void *context, bus_event event, const char *detail) {
    ingest *self = context;
    static const char *const texts[] = {"connected to the bus", "the bus is away; books go on, updates merge",
                                        "connected to the bus again", "the bus is still away: it is tried again"};
    if (bus_refusals_event(&self->refusals, event, detail)) return;
    rt_level level = event == BUS_CONNECTED || event == BUS_RECONNECTED ? RT_INFO : RT_WARN;
    rt_log(self->log, level, texts[event], RT_STR("detail", detail == NULL ? "" : detail));
    lead_bus(self->lead, event);
}

/* ---- the feed's state ---- */

bool ingest_line_status(const ingest *self, arbiter_status *status) {
    if (self->arbiter != NULL)
        *status = arbiter_read_status(self->arbiter);
    else if (self->line != NULL)
        *status = mold_line_read_status(self->line);
    else if (self->soup != NULL)
        *status = soup_read_status(self->soup);
    return self->arbiter != NULL || self->line != NULL || self->soup != NULL;
}

bool ingest_read_line(const ingest *self, uint32_t index, int64_t now_ns, ingest_line *line) {
    if (self->live != NULL) return live_read_line(self->live, index, now_ns, line);
    return self->soup != NULL && soup_read_line(self->soup, index, now_ns, line);
}

soup_client_options ingest_soup_options(const ingest *self) {
    bool tells = strcmp(self->settings.soup_version, "4.00") == 0;
    return (soup_client_options){.timeout_ms = tells ? (uint32_t)(self->settings.link_timeout_ns / NS_PER_MS) : 0,
                                 .silence_ns = self->settings.link_timeout_ns};
}

tw_stamp ingest_last(const ingest *self) {
    return self->lobster != NULL ? lobster_feed_last(self->lobster) : self->itch50.last;
}

static void log_nonsense(ingest *self, const arbiter_status *status) {
    if (status->stray_ends > self->stray_ends_told)
        rt_log_limited(self->log, &self->stray_end_site, RT_WARN,
                       "an end of the session below what has come was passed over",
                       RT_U64("seq", status->stray_end), RT_U64("expected", status->expected),
                       RT_U64("times", status->stray_ends - self->stray_ends_told));
    if (status->impossible > self->impossible_told)
        rt_log_limited(self->log, &self->impossible_site, RT_WARN,
                       "packets with numbers that can't be were passed over",
                       RT_U64("seq", status->impossible_number), RT_U64("expected", status->expected),
                       RT_U64("packets", status->impossible - self->impossible_told));
    self->stray_ends_told = status->stray_ends;
    self->impossible_told = status->impossible;
}

/* What only the lines of a network feed can tell. */
static void refresh_line_facts(ingest *self, const arbiter_status *status) {
    if (status->heard_ns > self->facts.last_heard_ns) self->facts.last_heard_ns = status->heard_ns;
    self->facts.fell_back = status->fell_back;
    self->facts.fell_from = status->fell_from;
    self->facts.fell_to = status->fell_to;
    log_nonsense(self, status);
}

static void refresh_facts(ingest *self) {
    arbiter_status status;
    if (ingest_last(self).seq >= self->facts.behind_seq) self->facts.behind_seq = 0;
    if (!ingest_line_status(self, &status)) return;
    self->facts.gap_open = status.gap_open;
    self->facts.gap_from = status.gap_from;
    self->facts.gap_to = status.gap_to;
    self->facts.unsequenced = status.unsequenced;
    /* A SoupBinTCP session stays ended while the next is looked for; an end on the lines is undone by what follows it. */
    bool latched = self->facts.end_told || (self->soup != NULL && self->facts.ended);
    self->facts.ended = latched || status.ended;
    if (self->arbiter != NULL) refresh_line_facts(self, &status);
    if (self->soup != NULL) soup_tell_facts(self->soup, &self->facts);
}

static void tell_feed(ingest *self) {
    tw_stamp last = ingest_last(self);
    publisher_feed feed = {.state = self->verdict.state,
                           .cause = self->verdict.cause,
                           .detail = self->verdict.detail,
                           .seq = last.seq,
                           .event_ns = last.event_ns,
                           .receive_ns = last.receive_ns,
                           .gap_from = self->facts.gap_open ? self->facts.gap_from : 0,
                           .gap_to = self->facts.gap_open ? self->facts.gap_to : 0,
                           .messages = self->messages,
                           .lost = self->facts.lost,
                           .handover = lead_offers(self->lead)};
    publisher_feed_update(self->publisher, &feed);
}

static void log_verdict(ingest *self, const feed_verdict *next) {
    rt_level level = next->state == TW_BOOK_OK || next->state == TW_BOOK_CLOSED ? RT_INFO : RT_WARN;
    rt_log(self->log, level, "feed state", RT_STR("state", tw_book_state_name(next->state)),
           RT_STR("cause", tw_state_cause_name(next->cause)), RT_STR("detail", next->detail),
           RT_STR("epoch", self->day.epoch), RT_U64("seq", self->itch50.last.seq));
}

static void judge_feed(ingest *self) {
    refresh_facts(self);
    feed_verdict next = feed_state_judge(&self->facts, rt_clock_monotonic_ns());
    if (next.state != self->verdict.state || next.cause != self->verdict.cause) log_verdict(self, &next);
    self->verdict = next;
    tell_feed(self);
}

/* ---- for the sources ---- */

void ingest_judge(ingest *self) {
    judge_feed(self);
}

bool ingest_start_session(ingest *self, const char *session, uint64_t first_seq, int64_t receive_ns) {
    if (self->glimpse != NULL) glimpse_settle(self->glimpse);
    ingest_end_of_burst(self);
    bool leader_is_empty = lead_is_empty(self->lead);
    const char *leaders_epoch = lead_epoch(self->lead);
    bool same = strcmp(leaders_epoch, self->day.epoch) == 0;
    trading_day_session next = {.name = session,
                                .receive_ns = receive_ns,
                                .leaders_epoch = leaders_epoch,
                                .leader_is_empty = leader_is_empty,
                                .last_was_empty =
                                    self->replay == NULL && self->messages == 0 && (!same || leader_is_empty)};
    if (!trading_day_start(&self->day, &next)) {
        self->facts.down = true;
        tw_text_copy(self->facts.down_reason, sizeof self->facts.down_reason,
                     "the recording carries no date that can be: give --session-date YYYY-MM-DD");
        rt_log(self->log, RT_ERROR, "no session can start", RT_STR("reason", self->facts.down_reason));
        ingest_stop(self);
        return false;
    }
    market_start_day(self->market);
    publisher_start_epoch(self->publisher, self->day.epoch);
    itch50_feed_start_day(&self->itch50, self->day.midnight_ns);
    if (self->lobster != NULL) lobster_feed_start_day(self->lobster, self->day.midnight_ns);
    bool headless = self->lobster != NULL && !lobster_feed_has_books(self->lobster);
    int64_t silence_ns = self->facts.silence_ns;
    self->facts = (feed_facts){.started = true,
                               .first_seq = first_seq,
                               .headless = headless,
                               .silence_ns = silence_ns,
                               .last_heard_ns = rt_clock_monotonic_ns()};
    self->messages = 0;
    if (first_seq > 1) {
        market_set_incomplete(self->market);
        publisher_prints_lost(self->publisher, first_seq);
    }
    if (self->glimpse != NULL) glimpse_session(self->glimpse, first_seq);
    rt_log(self->log, RT_INFO, "session starts", RT_STR("epoch", self->day.epoch), RT_U64("first_seq", first_seq));
    judge_feed(self);
    return true;
}

void ingest_messages(ingest *self, const feed_message *messages, size_t count) {
    if (self->glimpse != NULL) {
        glimpse_messages(self->glimpse, messages, count);
    } else {
        ingest_apply(self, messages, count);
    }
}

void ingest_apply(ingest *self, const feed_message *messages, size_t count) {
    self->messages += count;
    self->messages_total += count;
    itch50_feed_apply(&self->itch50, messages, count);
}

/* Within a burst the clock is read once for some flushes: with every message published on its own it would cost as
 * much as a tenth of the publishing, and publish_ns is no more than a few microseconds early by it. */
static int64_t burst_clock(ingest *self) {
    if (self->flushes_in_burst++ % FLUSHES_PER_CLOCK == 0) {
        self->flush_ns = rt_clock_utc_ns();
        lead_before_publishing(self->lead);
    }
    return self->flush_ns;
}

static void flush(ingest *self) {
    if (self->glimpse != NULL && glimpse_rebuilding(self->glimpse)) return;
    int64_t now_ns = burst_clock(self);
    hop_times_flush(&self->hops, now_ns);
    publisher_flush(self->publisher, now_ns);
    int64_t receive_ns = self->itch50.last.receive_ns;
    if (self->replay == NULL && receive_ns != TW_TIME_ABSENT)
        tw_histogram_record(&self->receive_to_publish, now_ns - receive_ns);
    self->pending = 0;
}

void ingest_end_of_burst(ingest *self) {
    if (self->pending > 0) flush(self);
    self->flushes_in_burst = 0;
    bool timed = hop_times_wanted(&self->hops);
    int64_t published_ns = timed ? rt_clock_utc_ns() : 0;
    bus_flush(self->bus);
    if (timed) hop_times_end(&self->hops, published_ns, rt_clock_utc_ns());
}

/* After every message: an update leaves at the latest when `burst` messages are merged into it. */
static void on_applied(void *context, const tw_stamp *stamp) {
    (void)stamp;
    ingest *self = context;
    if (++self->pending >= self->burst.now) flush(self);
}

static void on_system_event(void *context, char code, const tw_stamp *stamp) {
    ingest *self = context;
    rt_log(self->log, RT_INFO, "system event", RT_STR("code", ((char[]){code, '\0'})), RT_U64("seq", stamp->seq));
    if (code == 'C') self->facts.ended = self->facts.end_told = true;
}

static void on_malformed_message(void *context, itch50_result why, const feed_message *message) {
    ingest *self = context;
    static const char *const texts[] = {"", "unknown type", "wrong length for its type", "a field out of range"};
    rt_log_limited(self->log, why == ITCH50_UNKNOWN_TYPE ? &self->unknown_site : &self->malformed_site, RT_WARN,
                   "a message was passed over", RT_STR("why", texts[why]), RT_U64("seq", message->seq),
                   RT_U64("length", message->length), RT_U64("type", message->length > 0 ? message->bytes[0] : 0));
    bool names_a_book =
        message->length >= 3 &&
        instruments_by_locate(market_instruments(self->market),
                              (uint16_t)(message->bytes[1] << 8 | message->bytes[2])) != INSTRUMENT_NONE;
    if (why != ITCH50_UNKNOWN_TYPE && !names_a_book) {
        self->facts.unreadable++;
        publisher_prints_lost(self->publisher, message->seq + 1);
    }
}

void ingest_source_ended(ingest *self, const char *reason) {
    if (reason == NULL) {
        self->facts.ended = self->facts.end_told = true;
    } else {
        self->facts.down = true;
        tw_text_copy(self->facts.down_reason, sizeof self->facts.down_reason, reason);
        rt_log(self->log, RT_ERROR, "the source has failed", RT_STR("reason", reason));
    }
    judge_feed(self);
    ingest_end_of_burst(self);
    if (self->settings.exit_at_end) ingest_stop(self);
}

/* ---- a MoldUDP64 line ---- */

static void on_line_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    ingest_start_session(context, session, first, receive_ns);
}

static void on_line_messages(void *context, const feed_message *messages, size_t count) {
    ingest_messages(context, messages, count);
}

static void on_line_lost(void *context, uint64_t from, uint64_t count) {
    ingest_messages_lost(context, from, count);
}

void ingest_messages_lost(ingest *self, uint64_t from, uint64_t count) {
    if (self->glimpse != NULL) glimpse_lost(self->glimpse, from, count);
    if (self->facts.lost == 0) self->facts.lost_from = from;
    self->facts.lost += count;
    market_set_incomplete(self->market);
    publisher_prints_lost(self->publisher, from + count);
    rt_log_limited(self->log, &self->lost_site, RT_ERROR, "messages lost", RT_U64("from", from),
                   RT_U64("count", count), RT_U64("lost_in_session", self->facts.lost));
    judge_feed(self);
}

static void on_line_malformed(void *context, moldudp64_result why, size_t offset, size_t length) {
    ingest *self = context;
    rt_log_limited(self->log, &self->malformed_site, RT_WARN, "a packet was passed over",
                   RT_STR("why", moldudp64_result_text(why)), RT_U64("offset", offset), RT_U64("length", length));
}

mold_line_listener ingest_line_listener(ingest *self) {
    return (mold_line_listener){.context = self,
                                .on_session = on_line_session,
                                .on_messages = on_line_messages,
                                .on_lost = on_line_lost,
                                .on_malformed = on_line_malformed};
}

/* ---- timers and signals ---- */

void ingest_publish_all(ingest *self) {
    judge_feed(self); /* its seq becomes the status's published_seq when all has left */
    publisher_flush(self->publisher, rt_clock_utc_ns());
    self->pending = 0;
}

/* --exit-at-end of a network feed: its session has ended, and nothing of it is missing or still waited for. */
static void leave_at_end(ingest *self) {
    arbiter_status status;
    if (!self->settings.exit_at_end || self->live == NULL || self->stopping) return;
    if (ingest_line_status(self, &status) && status.ended && !status.gap_open) ingest_source_ended(self, NULL);
}

static void on_tick(void *context) {
    ingest *self = context;
    lead_step(self->lead, rt_clock_monotonic_ns());
    if (self->live != NULL) {
        arbiter_poll(self->arbiter, rt_clock_monotonic_ns());
        live_step(self->live);
    }
    if (self->recovery != NULL) recovery_step(self->recovery, rt_clock_monotonic_ns());
    if (self->glimpse != NULL) glimpse_tick(self->glimpse, rt_clock_monotonic_ns());
    adopt_tick(self->adopt, rt_clock_monotonic_ns());
    judge_feed(self);
    if (self->replay == NULL && lead_leads(self->lead)) line_report(self);
    publisher_flush(self->publisher, rt_clock_utc_ns()); /* what had to wait while the bus was not ready */
    publisher_tick(self->publisher, rt_clock_utc_ns());
    bus_flush(self->bus);
    leave_at_end(self);
}

static void on_signal(uv_signal_t *handle, int number) {
    ingest *self = handle->data;
    if (number == SIGUSR2) {
        lead_hand_over(self->lead);
        return;
    }
    rt_log(self->log, RT_INFO, "stopping on signal", RT_I64("signal", number));
    if (!lead_leave(self->lead)) ingest_stop(self);
}

void ingest_stop(ingest *self) {
    self->stopping = true;
    uv_stop(&self->loop);
}

/* ---- building ---- */

static int32_t zone_offset_at(void *context, int64_t instant_ns) {
    return time_zone_offset_at(context, instant_ns);
}

static bool zone_midnight(void *context, tw_date date, int64_t *midnight_ns) {
    return time_zone_midnight(context, date, midnight_ns);
}

static tw_code read_calendar_file(ingest *self, tw_error *error) {
    FILE *file = fopen(self->settings.calendar, "r");
    if (file == NULL) return tw_error_set_errno(error, errno, "opening calendar %s", self->settings.calendar);
    char line[256];
    unsigned number = 0;
    tw_code code = TW_OK;
    while (code == TW_OK && fgets(line, sizeof line, file) != NULL) {
        number++;
        line[strcspn(line, "\r\n")] = '\0';
        code = calendar_add_line(&self->calendar, line, error);
    }
    fclose(file);
    if (code != TW_OK) tw_error_wrap(error, "calendar %s, line %u", self->settings.calendar, number);
    return code;
}

/* A recording's file name often tells its date; the operator's word comes first. */
static tw_code open_day(ingest *self, tw_error *error) {
    tw_date date;
    bool dated = false;
    tw_code code = calendar_builtin(self->settings.exchange, &self->calendar, error);
    if (code != TW_OK) {
        error->code = TW_INVALID; /* of what the operator wrote */
        return tw_error_wrap(error, "--exchange");
    }
    if (self->settings.calendar[0] != '\0' && (code = read_calendar_file(self, error)) != TW_OK) return code;
    if (self->settings.session_date[0] != '\0')
        dated = tw_date_parse(self->settings.session_date, &date);
    else if (self->where.kind == LOCATION_FILE)
        dated = file_date(self->where.path, &date);
    code = time_zone_open(&self->zone, self->calendar.zone, error);
    if (code != TW_OK) return code;
    zone_rules rules = {self->zone, zone_offset_at, zone_midnight};
    trading_day_init(&self->day, &self->calendar, &rules, dated ? &date : NULL);
    return TW_OK;
}

static tw_code open_bus(ingest *self, tw_error *error) {
    bus_options options = {.url = self->settings.nats,
                           .name = "tickwire-ingest",
                           .credentials = self->settings.credentials[0] == '\0' ? NULL : self->settings.credentials,
                           .high_water_bytes = self->settings.high_water,
                           .connect_ns = 10 * TW_NS_PER_SECOND,
                           .refusals = true,
                           .on_event = on_bus_event,
                           .event_context = self};
    self->refusals = (bus_refusals){.log = self->log, .connection = "tickwire-ingest"};
    return bus_open(&self->bus, &self->loop, &options, error);
}

/* The three markets that share the ITCH 5.0 feed's format name themselves by a letter in operational halts. */
static char market_code_of(const char *mic) {
    if (strcmp(mic, "XBOS") == 0) return 'B';
    if (strcmp(mic, "XPSX") == 0) return 'X';
    return 'Q';
}

static tw_code open_market(ingest *self, tw_error *error) {
    const ingest_settings *set = &self->settings;
    market_limits limits = {(uint32_t)set->max_instruments, (uint32_t)set->max_orders, (uint32_t)set->max_levels};
    market_listener listener = listener_of(self);
    tw_code code = market_alloc(&self->market, &limits, &listener, error);
    if (code != TW_OK) return code;
    itch50_feed_options feed = {.prefetch = true,
                                .market = market_code_of(set->exchange),
                                .on_applied = on_applied,
                                .on_system_event = on_system_event,
                                .on_malformed = on_malformed_message,
                                .context = self};
    itch50_feed_init(&self->itch50, self->market, &feed);
    bool network = self->where.kind == LOCATION_UDP || self->where.kind == LOCATION_SOUP;
    self->leased = network && set->term == 0;
    bus_instance_name(self->name);
    if (!self->leased) self->term = set->term != 0 ? set->term : (uint64_t)(rt_clock_utc_ns() / NS_PER_MS);
    publisher_options options = {.exchange = set->exchange,
                                 .partition = (uint32_t)set->partition,
                                 .partitions = (uint32_t)set->partitions,
                                 .term = self->term,
                                 .follows = self->leased,
                                 .leader = self->name,
                                 .max_instruments = limits.max_instruments,
                                 .depth = (uint32_t)set->depth,
                                 .tier_100ms = set->tier_100ms,
                                 .tier_1s = set->tier_1s,
                                 .orders = set->orders,
                                 .max_prints = (uint32_t)set->max_prints,
                                 .max_requests = (uint32_t)set->max_requests,
                                 .serve_bytes = (uint32_t)(set->snapshot_rate / 1000),
                                 .status_interval_ns = 100 * INT64_C(1000000)};
    publisher_sink sink = {self, sink_emit, sink_answer, sink_ready};
    return publisher_alloc(&self->publisher, &options, market_books(self->market), &sink, error);
}

/* However few packets may be held, the largest that UDP has is one of them. */
static uint32_t hold_packet_bytes(uint64_t packets) {
    return packets * HOLD_PACKET_BYTES > LARGEST_PACKET ? HOLD_PACKET_BYTES
                                                        : (uint32_t)(LARGEST_PACKET / packets + 1);
}

static tw_code open_line(ingest *self, tw_error *error) {
    if (self->settings.gap_deadline_ns == 0) {
        self->settings.gap_deadline_ns = self->settings.recovery[0] != '\0' ? REFILL_DEADLINE_NS : WAIT_DEADLINE_NS;
        if (self->settings.gap_deadline_ns < self->settings.reorder_window_ns)
            self->settings.gap_deadline_ns = self->settings.reorder_window_ns;
    }
    gap_options gap = {.reorder_window_ns = self->settings.reorder_window_ns,
                       .deadline_ns = self->settings.gap_deadline_ns,
                       .hold_packets = (uint32_t)self->settings.hold_packets,
                       .hold_packet_bytes = hold_packet_bytes(self->settings.hold_packets)};
    if (gap.deadline_ns < gap.reorder_window_ns)
        return tw_error_set(error, TW_INVALID, "--gap-deadline is shorter than --reorder-window");
    mold_line_listener listener = ingest_line_listener(self);
    if (self->where.kind == LOCATION_UDP) {
        uint32_t lines = self->settings.source_b[0] != '\0' ? 2 : 1;
        arbiter_options options = {
            .gap = gap, .lines = lines, .max_jump = BELIEVED_JUMP, .fall_back_ns = FALL_BACK_NS};
        return arbiter_alloc(&self->arbiter, &options, &listener, error);
    }
    mold_line_options options = {.gap = gap, .number_unsequenced = true};
    return mold_line_alloc(&self->line, &options, &listener, error);
}

static tw_code check_standby(const ingest *self, tw_error *error) {
    if (!self->settings.standby) return TW_OK;
    if (self->where.kind != LOCATION_UDP && self->where.kind != LOCATION_SOUP)
        return tw_error_set(
            error, TW_INVALID,
            "--standby keeps the books of a feed that its leader hears, too: give a udp:// or soup:// --source");
    if (self->settings.term != 0)
        return tw_error_set(error, TW_INVALID, "--standby has its term from the lease: leave out --term");
    return TW_OK;
}

/* --source-b is the same feed again, on the network like the first. */
static tw_code parse_lines(ingest *self, tw_error *error) {
    tw_code code = location_parse(self->settings.source, &self->where, error);
    if (code == TW_OK) code = check_standby(self, error);
    bool network = self->where.kind == LOCATION_UDP || self->where.kind == LOCATION_SOUP;
    if (code == TW_OK && self->settings.glimpse[0] != '\0' && !network)
        return tw_error_set(error, TW_INVALID,
                            "--glimpse makes the books of a udp:// or soup:// --source whole again");
    if (code == TW_OK && self->settings.recovery[0] != '\0' && self->where.kind != LOCATION_UDP)
        return tw_error_set(error, TW_INVALID, "--recovery fills the gaps of a udp:// --source only");
    if (code != TW_OK || self->settings.source_b[0] == '\0') return code;
    if (location_parse(self->settings.source_b, &self->where_b, error) != TW_OK)
        return tw_error_wrap(error, "--source-b");
    if (self->where.kind != LOCATION_UDP || self->where_b.kind != LOCATION_UDP)
        return tw_error_set(error, TW_INVALID, "--source-b is a second udp:// line beside a udp:// --source");
    return TW_OK;
}

static tw_code open_source(ingest *self, tw_error *error) {
    bool lobster = strcmp(self->settings.feed, "lobster") == 0;
    if (lobster && self->where.kind != LOCATION_FILE)
        return tw_error_set(error, TW_INVALID, "--feed lobster reads CSV files: give --source file:PATH");
    tw_code code = TW_OK;
    if (lobster) {
        lobster_feed_options options = {.on_applied = on_applied, .context = self};
        code = lobster_feed_alloc(&self->lobster, self->market, self->where.path, &options, error);
    } else if (self->where.kind == LOCATION_UDP || self->where.kind == LOCATION_PCAP) {
        code = open_line(self, error);
    }
    if (code == TW_OK && self->settings.glimpse[0] != '\0') code = glimpse_open(&self->glimpse, self, error);
    if (code != TW_OK) return code;
    if (self->where.kind == LOCATION_SOUP) return soup_open(&self->soup, self, error);
    if (self->where.kind == LOCATION_UDP) {
        if (self->settings.recovery[0] != '\0') code = recovery_open(&self->recovery, self, error);
        return code == TW_OK ? live_open(&self->live, self, error) : code;
    }
    return replay_open(&self->replay, self, error);
}

static tw_code start_timers(ingest *self, tw_error *error) {
    static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGUSR2};
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(&self->loop, &self->signals[i]);
        self->signals[i].data = self;
        uv_signal_start(&self->signals[i], on_signal, numbers[i]);
    }
    return ticker_open(&self->ticker, &self->loop, TICK_NS, on_tick, self, error);
}

tw_code ingest_open(ingest *self, tw_error *error) {
    self->log = rt_watch_log(&self->settings.watch, "tickwire-ingest");
    self->verdict = (feed_verdict){.state = TW_BOOK_RECOVERING, .cause = TW_CAUSE_STARTING};
    uv_loop_init(&self->loop);
    tw_code code = parse_lines(self, error);
    if (code == TW_OK) code = ingest_check_settings(self, error);
    /* a recording waits for the bus instead of falling behind, so its limit has nothing to adapt to */
    bool adapts = self->where.kind == LOCATION_UDP;
    burst_limit_init(&self->burst, (uint32_t)(adapts ? self->settings.burst_min : self->settings.burst),
                     (uint32_t)self->settings.burst);
    if (code == TW_OK) code = open_day(self, error);
    if (code == TW_OK) code = open_market(self, error);
    if (code == TW_OK) code = open_bus(self, error);
    if (code == TW_OK) code = lead_open(&self->lead, self, error);
    if (code == TW_OK && self->leased) code = adopt_open(&self->adopt, self, error);
    if (code == TW_OK) lead_await(self->lead);
    if (code == TW_OK) code = requests_open(self, error);
    if (code == TW_OK) code = open_source(self, error);
    if (code == TW_OK) code = observe_open(self, error);
    if (code == TW_OK) code = lead_check_free(self->lead, error);
    if (code != TW_OK) return code;
    if (self->replay == NULL) self->facts.silence_ns = self->settings.silence_ns;
    self->facts.last_heard_ns = rt_clock_monotonic_ns();
    return start_timers(self, error);
}

/* The last updates, too, wait for room on the bus; not for ever, and not for a bus that is away. */
static void publish_the_rest(ingest *self) {
    int64_t end_ns = rt_clock_monotonic_ns() + LEAVE_NS;
    while (bus_connected(self->bus) && rt_clock_monotonic_ns() < end_ns) {
        bool ready = bus_ready(self->bus);
        if (ready && publisher_flush(self->publisher, rt_clock_utc_ns()) == 0) break;
        bus_flush(self->bus);
        if (!ready) uv_run(&self->loop, UV_RUN_ONCE);
    }
}

/* The last word of a leader: who still listens must not take these books for live ones. */
static void say_farewell(ingest *self) {
    if (!self->facts.ended && !self->facts.down) {
        self->facts.down = true;
        tw_text_copy(self->facts.down_reason, sizeof self->facts.down_reason, "the ingest was stopped");
    }
    judge_feed(self);
    flush(self);
    publish_the_rest(self);
    publisher_tick(self->publisher, rt_clock_utc_ns());
    bus_flush(self->bus);
}

int ingest_run(ingest *self) {
    char source[SHOWN_BYTES], servers[SHOWN_BYTES];
    location_show(self->settings.source, source, sizeof source);
    tw_secret_strip(self->settings.nats, servers, sizeof servers);
    rt_log(self->log, RT_INFO, "ingest starts", RT_STR("exchange", self->settings.exchange),
           RT_STR("source", source), RT_STR("bus", servers));
    lead_step(self->lead, rt_clock_monotonic_ns());
    if (self->replay != NULL) replay_start(self->replay);
    if (self->soup != NULL) soup_start(self->soup);
    bool spinning = self->live != NULL && self->settings.busy_poll;
    while (!self->stopping) {
        if (spinning) live_spin(self->live);
        uv_run(&self->loop, spinning ? UV_RUN_NOWAIT : UV_RUN_DEFAULT);
    }
    if (self->glimpse != NULL) glimpse_settle(self->glimpse);
    bool failed = self->facts.down;
    if (lead_leads(self->lead)) say_farewell(self);
    rt_log(self->log, RT_INFO, "ingest ends", RT_U64("messages", self->messages_total),
           RT_U64("lost", self->facts.lost), RT_STR("state", tw_book_state_name(self->verdict.state)));
    return failed ? 1 : 0;
}
static void close_handle(uv_handle_t *handle) {
    if (handle->type != UV_UNKNOWN_HANDLE && !uv_is_closing(handle)) uv_close(handle, NULL);
}

void ingest_close(ingest *self) {
    live_close(self->live);
    soup_close(self->soup);
    glimpse_close(self->glimpse);
    recovery_close(self->recovery);
    replay_close(self->replay);
    requests_close(self);
    observe_close(self);
    ticker_close(self->ticker);
    for (int i = 0; i < SIGNALS; i++)
        close_handle((uv_handle_t *)&self->signals[i]);
    adopt_close(self->adopt);
    lead_close(self->lead);
    bus_close(self->bus);
    uv_run(&self->loop, UV_RUN_DEFAULT); /* lets every handle finish closing */
    uv_loop_close(&self->loop);
    publisher_free(self->publisher);
    lobster_feed_free(self->lobster);
    mold_line_free(self->line);
    arbiter_free(self->arbiter);
    market_free(self->market);
    time_zone_close(self->zone);
    rt_log_free(self->log);
}
