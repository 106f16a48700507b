/*
 * Missed reports that no matcher holds any more are read in execlog: one reader for all accounts that want the same stretch of a shard.
 *
 *   ASKING ──► FINDING ──► READING ──► the message that was the last one at ASKING: whoever asked goes on with the matcher
 *   how far    by halving  in order    │
 *   is it?     (streams)   (a reader)  └─ who has no room for more leaves, and comes back with another one
 *
 * Nobody who missed little waits for those who missed much, or who don't read:
 *
 *   place  0      1              2   3       short ones (SHORT_INPUTS) have readers of their own, which long ones never join
 *          short  short or long  long        (all of a second's worth comes by soon), and one place for nobody else
 *
 * A reader waits a moment for a client without room (HOLD_NS), and hardly (CROWDED_NS) while another one waits for a place. Who was waited for leaves, and
 * comes back for the rest when it has read: those who wait have their turns.
 *
 * Bounded: CATCH_UPS stretches at once, WANTED chases in each (others wait for their turn), PARTS_A_ROUND in a round of the loop; what the
 * server has sent before a reader could pause waits here, ON_THE_WAY bytes of each. Decides nothing about who gets what: that is the follow table's.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "gateways/order_inside.h"
#include "gateways/orders/log_search.h"
#include "matcher/wire/places.h"
#include "runtime/bus_reader.h"
#include "runtime/bus_streams.h"
#include "runtime/clock.h"

#define CATCH_UPS       4u
#define WANTED          64u
#define PARTS_A_ROUND   2000u
#define PARTS_OF_REPORT 8u /* what it costs to write a report that is wanted, in reports that are passed over */
#define ON_THE_WAY      ((size_t)2 << 20)
#define MOST_NAMES      16384u /* a message of execlog has no room for more */
#define NEAR_INPUTS     1000000u
#define RETRY_NS        INT64_C(200000000)
#define GIVE_UP_NS      INT64_C(30000000000)
#define HOLD_NS         INT64_C(250000000)
#define CROWDED_NS      INT64_C(20000000)
#define TURNED_AWAY_NS  INT64_C(1000000000) /* so long somebody is known to wait for a place */
#define SHORT_INPUTS    10000u
#define SHORT_PLACES    2u /* from 0 on */
#define LONG_FROM       1u
#define LOOK_AGAIN_NS   INT64_C(2000000)
#define CALL_NS         INT64_C(2000000000)

/* A chase whose reports are read. */
typedef struct wanted {
    uint32_t chase;
    uint64_t after; /* what it had last */
    uint32_t after_n;
    uint32_t number; /* of the account in this message; WIRE_NUMBER_ABSENT */
    bool reached;    /* nothing is missing from `after` to where the reader is */
    bool moved;      /* it was given some */
    int64_t held_ns; /* so long others waited for it to have room */
    char account[WIRE_ACCOUNT_BYTES];
} wanted;

typedef struct arrived {
    struct arrived *next;
    uint64_t seq;
    size_t length;
    uint8_t bytes[];
} arrived;

typedef enum catch_up_phase { UNUSED = 0, ASKING, FINDING, READING } catch_up_phase;

typedef struct catch_up {
    order_catch_ups *owner;
    catch_up_phase phase;
    uint32_t shard;
    char stream[MW_STREAM_NAME_BYTES];
    uint64_t number;     /* so that an answer finds the one that asked */
    uint64_t input;      /* reports from this one on */
    uint64_t covered;    /* all of inputs up to this were read */
    uint64_t passed;     /* some of inputs up to this may have been */
    uint64_t target;     /* message; with it, it ends */
    int64_t progress_ns; /* when anything last came */
    int64_t retry_ns;    /* nothing is asked before */
    log_search search;
    bus_reader *reader;
    bool paused;
    arrived *first, *last;
    bool open; /* `first` is being read */
    wire_executions walk;
    int64_t stuck_ns; /* last looked at, while somebody has no room; 0: all have */
    int64_t held_ns;  /* in all */
    bool is_short;
    uint32_t name_count;
    wire_named_instrument *names; /* MOST_NAMES */
    uint32_t wanted_count;
    wanted wanted[WANTED];
} catch_up;

struct order_catch_ups {
    order_desk *desk;
    bus_streams *streams;
    uint64_t last_number, asked_by; /* of the catch-up whose question is under way; 0: none */
    uint32_t turn;
    int64_t turned_away_ns[2]; /* when there was last no place for a long one, a short one */
    rt_log_site site;
    catch_up all[CATCH_UPS];
};

/* ---- beginning and end ---- */

static void free_first(catch_up *c) {
    arrived *one = c->first;
    c->first = one->next;
    if (c->first == NULL) c->last = NULL;
    c->open = false;
    free(one);
}

static void stop_reading(catch_up *c) {
    bus_reader_close(c->reader);
    c->reader = NULL;
    c->paused = false;
    c->stuck_ns = 0;
    while (c->first != NULL)
        free_first(c);
}

static void close_catch_up(catch_up *c) {
    stop_reading(c);
    free(c->names);
    c->names = NULL;
    c->phase = UNUSED;
}

static uint64_t first_wanted(uint64_t after, uint32_t after_n) {
    uint64_t input = after_n == UINT32_MAX ? after + 1 : after;
    return input > 0 ? input : 1;
}

static void begin_with(catch_up *c, uint64_t input) {
    c->input = input;
    c->passed = c->covered = input - 1;
}

/* Goes on behind what it has read; whether something is missing there is looked at anew. */
static void ask_from_the_start(catch_up *c, int64_t retry_ns) {
    uint64_t input = UINT64_MAX;
    stop_reading(c);
    c->phase = ASKING;
    c->retry_ns = retry_ns;
    for (uint32_t i = 0; i < c->wanted_count; i++) {
        wanted *w = &c->wanted[i];
        if (w->reached && c->covered > w->after) {
            w->after = c->covered;
            w->after_n = UINT32_MAX;
        }
        w->reached = false;
        uint64_t from = first_wanted(w->after, w->after_n);
        if (from < input) input = from;
    }
    begin_with(c, input);
}

/* All that it read is told: the matcher is asked for the rest; after a while where there was nothing new. */
static void finish(catch_up *c, int64_t now_ns) {
    follow_table *follows = c->owner->desk->follows;
    for (uint32_t i = 0; i < c->wanted_count; i++) {
        const wanted *w = &c->wanted[i];
        bool moved = w->moved || c->covered > w->after;
        follow_end_log(follows, w->chase, c->covered, moved ? now_ns : now_ns + RETRY_NS);
    }
    close_catch_up(c);
}

static void give_up(catch_up *c, const char *why, const char *detail) {
    order_desk *desk = c->owner->desk;
    rt_log_limited(desk->log, &c->owner->site, RT_WARN, "missed execution reports can't be read in execlog",
                   RT_STR("stream", c->stream), RT_U64("input", c->input), RT_STR("why", why),
                   RT_STR("detail", detail));
    for (uint32_t i = 0; i < c->wanted_count; i++)
        follow_give_up_log(desk->follows, c->wanted[i].chase, why, rt_clock_monotonic_ns());
    close_catch_up(c);
}

static void leave(catch_up *c, uint32_t which, int64_t now_ns) {
    follow_fail(c->owner->desk->follows, c->wanted[which].chase, now_ns);
    c->wanted[which] = c->wanted[--c->wanted_count];
}

/* ---- where to begin ---- */

static void on_message(void *context, const bus_stream_message *message) {
    catch_up *c = context;
    arrived *one = malloc(sizeof *one + message->length);
    if (one == NULL) {
        ask_from_the_start(c, rt_clock_monotonic_ns() + RETRY_NS);
        return;
    }
    one->next = NULL;
    one->seq = message->seq;
    one->length = message->length;
    if (message->length > 0) memcpy(one->bytes, message->bytes, message->length);
    if (c->last != NULL)
        c->last->next = one;
    else
        c->first = one;
    c->last = one;
    if (!c->paused) bus_reader_pause(c->reader);
    c->paused = true;
}

/* What it was to read is not there any more, or the stream is another one. */
static void on_reader_status(void *context, const bus_reader_status *status) {
    catch_up *c = context;
    if (status->state == BUS_READER_HALTED) ask_from_the_start(c, rt_clock_monotonic_ns() + RETRY_NS);
}

static void begin_reading(catch_up *c) {
    order_desk *desk = c->owner->desk;
    tw_error error = {0};
    bus_reader_options options = {.stream = c->stream,
                                  .start_seq = c->search.low,
                                  .max_bytes = ON_THE_WAY,
                                  .on_message = on_message,
                                  .on_status = on_reader_status,
                                  .context = c};
    c->phase = READING;
    if (bus_reader_open(&c->reader, desk->bus, &desk->owner->loop, &options, &error) != TW_OK)
        ask_from_the_start(c, rt_clock_monotonic_ns() + RETRY_NS);
}

/* Where everything is before the input, or older than is read, there is nothing to read. */
static void look_on(catch_up *c) {
    if (log_search_probe(&c->search) != 0) return;
    if (c->search.low > c->target)
        give_up(c, "execlog does not have them, or no longer", "");
    else
        begin_reading(c);
}

static void take_info(catch_up *c, const bus_stream_info *info) {
    int64_t back_ns = c->owner->desk->owner->settings.reports_back_ns, now_ns = rt_clock_utc_ns();
    c->target = info->last_seq;
    log_search_begin(&c->search, info->first_seq, info->last_seq, c->input, now_ns - back_ns);
    c->phase = FINDING;
    look_on(c);
}

static bool is_ours(const catch_up *c, const wire_execution_header *header) {
    return strcmp(header->exchange, c->owner->desk->venue) == 0 && header->shard == c->shard &&
           header->last_seq >= header->first_seq;
}

static void take_probe(catch_up *c, const bus_streams_result *result) {
    wire_executions batch;
    if (wire_executions_open(&batch, result->bytes, result->length) != WIRE_OK || !is_ours(c, &batch.header)) {
        give_up(c, "execlog can't be read", "a message is not of this shard");
        return;
    }
    log_search_take(&c->search, batch.header.last_seq, result->stream_ns);
    look_on(c);
}

static catch_up *find_catch_up(order_catch_ups *self, uint64_t number) {
    for (uint32_t i = 0; i < CATCH_UPS; i++)
        if (self->all[i].phase != UNUSED && self->all[i].number == number) return &self->all[i];
    return NULL;
}

static void on_result(void *context, const bus_streams_result *result) {
    order_catch_ups *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    catch_up *c = find_catch_up(self, self->asked_by);
    self->asked_by = 0;
    if (c == NULL || (c->phase != ASKING && c->phase != FINDING)) return;
    if (result->outcome == BUS_STREAMS_DONE) {
        c->progress_ns = now_ns;
        if (c->phase == ASKING)
            take_info(c, &result->info);
        else
            take_probe(c, result);
    } else if (result->outcome == BUS_STREAMS_AWAY ||
               c->phase == FINDING) { /* what it looked at may be trimmed by now */
        ask_from_the_start(c, now_ns + RETRY_NS);
    } else {
        give_up(c, result->outcome == BUS_STREAMS_NOT_FOUND ? "there is no execlog" : "execlog can't be read",
                result->reason);
    }
}

/* One question at a time, for all. */
static void ask(catch_up *c, int64_t now_ns) {
    order_catch_ups *self = c->owner;
    if (now_ns < c->retry_ns || self->asked_by != 0) return;
    bool asked = c->phase == ASKING ? bus_streams_info(self->streams, c->stream)
                                    : bus_streams_get(self->streams, c->stream, log_search_probe(&c->search));
    if (asked)
        self->asked_by = c->number;
    else
        c->retry_ns = now_ns + RETRY_NS;
}

/* ---- reports ---- */

/* Between what a chase had and where execlog begins something may be missing. */
static void reach(catch_up *c, wanted *w, const wire_execution_header *header) {
    order_desk *desk = c->owner->desk;
    bool next = header->first_seq == w->after + 1 && w->after_n == UINT32_MAX;
    bool whole = header->part == 1 && (header->first_seq <= w->after || next);
    w->reached = true;
    if (!whole)
        follow_lost(desk->follows, w->chase, header->part == 1 ? header->first_seq - 1 : header->last_seq,
                    "execlog does not reach back so far, or is not read so far back", order_tell_lost, desk);
}

/* The next message that arrived. False: it is none that can be read. */
static bool open_first(catch_up *c) {
    const arrived *one = c->first;
    if (wire_executions_open(&c->walk, one->bytes, one->length) != WIRE_OK || !is_ours(c, &c->walk.header))
        return false;
    c->open = true;
    c->passed = c->walk.header.last_seq;
    c->name_count = 0;
    for (uint32_t i = 0; i < c->wanted_count; i++) {
        c->wanted[i].number = WIRE_NUMBER_ABSENT;
        if (!c->wanted[i].reached) reach(c, &c->wanted[i], &c->walk.header);
    }
    return true;
}

static void take_instrument(catch_up *c, const wire_named_instrument *named) {
    for (uint32_t i = 0; i < c->name_count; i++)
        if (c->names[i].number == named->number) {
            c->names[i] = *named;
            return;
        }
    TW_ASSERT(c->name_count <= MOST_NAMES);
    if (c->name_count < MOST_NAMES) c->names[c->name_count++] = *named;
}

static void take_account(catch_up *c, const wire_named_account *named) {
    for (uint32_t i = 0; i < c->wanted_count; i++)
        if (strcmp(c->wanted[i].account, named->name) == 0) c->wanted[i].number = named->number;
}

/* Of its account, by number; a refusal of when nobody knew the account has its name. */
static bool is_of(const wanted *w, const wire_report *report) {
    if (report->account != WIRE_NUMBER_ABSENT) return w->number == report->account;
    return report->account_name[0] != '\0' && strcmp(w->account, report->account_name) == 0;
}

static bool wants(const wanted *w, const wire_report *report) {
    return is_of(w, report) && (report->seq > w->after || (report->seq == w->after && report->n > w->after_n));
}

/* Somebody who reads as fast as it can is waited for a little, and then comes back when it has read what it has. Many at once may have no room: on
 * a short stretch they are waited for as long as one is. */
static bool may_wait(const catch_up *c, const wanted *w, int64_t now_ns) {
    int64_t turned_away_ns = c->owner->turned_away_ns[c->is_short];
    bool crowded = turned_away_ns != 0 && now_ns - turned_away_ns < TURNED_AWAY_NS;
    int64_t held_ns = c->is_short ? c->held_ns : w->held_ns;
    return held_ns < (crowded ? CROWDED_NS : HOLD_NS);
}

/* Who can't take it, and was waited for, leaves. False: somebody is waited for, it is for nobody now. */
static bool all_can_take(catch_up *c, const wire_report *report, int64_t now_ns) {
    follow_table *follows = c->owner->desk->follows;
    int64_t waited_ns = c->stuck_ns != 0 ? now_ns - c->stuck_ns : 0;
    bool waits = false;
    c->held_ns += waited_ns;
    for (uint32_t i = 0; i < c->wanted_count;) {
        wanted *w = &c->wanted[i];
        bool gone = follow_is_abandoned(follows, w->chase);
        if (!wants(w, report) || (!gone && follow_may_take(follows, w->chase, now_ns))) {
            i++;
            continue;
        }
        w->held_ns += waited_ns;
        if (!gone && may_wait(c, w, now_ns)) {
            waits = true;
            i++;
        } else {
            leave(c, i, now_ns);
        }
    }
    c->stuck_ns = waits ? now_ns : 0;
    return !waits;
}

/* Returns to how many it went. */
static uint32_t give(catch_up *c, wire_report *report) {
    order_desk *desk = c->owner->desk;
    uint32_t taken = 0;
    report->counter_id = 0; /* whom it met is for audit */
    desk->written_of = NULL;
    for (uint32_t i = 0; i < c->wanted_count; i++) {
        wanted *w = &c->wanted[i];
        if (!wants(w, report)) continue;
        follow_take_page(desk->follows, w->chase, report, NULL);
        w->after = report->seq;
        w->after_n = report->n;
        w->moved = true;
        taken++;
    }
    desk->written_of = NULL;
    desk->stats.reports_from_log += taken;
    return taken;
}

/* Returns what it cost; 0: it can't be taken yet. */
static uint32_t take_part(catch_up *c, wire_part *part, int64_t now_ns) {
    switch (part->kind) {
    case WIRE_PART_NAMED_INSTRUMENT:
        take_instrument(c, &part->instrument);
        return 1 + c->name_count / 256;
    case WIRE_PART_NAMED_ACCOUNT:
        take_account(c, &part->account);
        return 1;
    case WIRE_PART_REPORT:
        return all_can_take(c, &part->report, now_ns) ? 1 + PARTS_OF_REPORT * give(c, &part->report) : 0;
    default:
        return 1;
    }
}

/* One message, or as much of it as there is budget and room for. True: it was read to its end. */
static bool read_first(catch_up *c, uint32_t *budget, int64_t now_ns) {
    order_desk *desk = c->owner->desk;
    wire_part part;
    report_names others = desk->names;
    uint32_t cost = 1;
    bool more = true;
    desk->names = (report_names){.names = c->names, .count = c->name_count};
    while (cost > 0 && *budget > 0 && c->wanted_count > 0) {
        wire_cursor before = c->walk.rest;
        more = wire_executions_next(&c->walk, &part);
        if (!more) break;
        cost = take_part(c, &part, now_ns);
        if (cost == 0) c->walk.rest = before;
        desk->names.count = c->name_count;
        *budget -= cost < *budget ? cost : *budget;
    }
    desk->names = others;
    if (!more && c->walk.header.part == c->walk.header.parts) c->covered = c->walk.header.last_seq;
    return !more;
}

/* What has arrived, as far as the budget goes. It may be closed then. */
static void read_on(catch_up *c, uint32_t *budget, int64_t now_ns) {
    while (c->first != NULL && *budget > 0 && c->wanted_count > 0) {
        c->progress_ns = now_ns;
        if (!c->open && !open_first(c)) {
            give_up(c, "execlog can't be read", "a message is not of this shard");
            return;
        }
        if (!read_first(c, budget, now_ns)) return;
        bool last = c->first->seq >= c->target;
        free_first(c);
        if (!last) continue;
        finish(c, now_ns);
        return;
    }
    if (c->first != NULL || !c->paused) return;
    c->paused = false;
    bus_reader_resume(c->reader);
}

/* ---- who wants what ---- */

static bool is_behind(const catch_up *c, const follow_question *q) {
    return c->phase == ASKING || first_wanted(q->after, q->after_n) > c->passed;
}

static bool is_near(const catch_up *c, const follow_question *q) {
    uint64_t at = c->covered > c->input ? c->covered : c->input;
    return (q->after > at ? q->after - at : at - q->after) <= NEAR_INPUTS;
}

static bool is_short(const follow_question *q) {
    return q->behind <= SHORT_INPUTS;
}

/* One for its like that will come by, and soon if `near`. */
static catch_up *find_fitting(order_catch_ups *self, const follow_question *q, bool near) {
    for (uint32_t i = 0; i < CATCH_UPS; i++) {
        catch_up *c = &self->all[i];
        if (c->phase != UNUSED && c->is_short == is_short(q) && c->shard == q->shard && c->wanted_count < WANTED &&
            is_behind(c, q) && (!near || is_near(c, q)))
            return c;
    }
    return NULL;
}

static catch_up *begin(order_catch_ups *self, const follow_question *q, int64_t now_ns) {
    catch_up *c = NULL;
    uint32_t first = is_short(q) ? 0 : LONG_FROM, end = is_short(q) ? SHORT_PLACES : CATCH_UPS;
    for (uint32_t i = first; i < end && c == NULL; i++)
        if (self->all[i].phase == UNUSED) c = &self->all[i];
    if (c == NULL) return NULL;
    *c = (catch_up){
        .owner = self, .shard = q->shard, .input = UINT64_MAX, .progress_ns = now_ns, .is_short = is_short(q)};
    c->names = malloc(MOST_NAMES * sizeof *c->names);
    if (c->names == NULL ||
        !mw_stream_name(c->stream, sizeof c->stream, MW_STREAM_EXECLOG, self->desk->venue, q->shard)) {
        free(c->names);
        return NULL;
    }
    c->number = ++self->last_number;
    c->phase = ASKING;
    self->desk->stats.catch_ups_begun++;
    return c;
}

bool order_catch_up(order_desk *desk, const follow_question *q, int64_t now_ns) {
    order_catch_ups *self = desk->catch_ups;
    catch_up *c = find_fitting(self, q, true);
    if (c == NULL) c = begin(self, q, now_ns);
    if (c == NULL) c = find_fitting(self, q, false);
    if (c == NULL) {
        self->turned_away_ns[is_short(q)] = now_ns;
        return false;
    }
    uint64_t from = first_wanted(q->after, q->after_n);
    if (c->phase == ASKING && from < c->input) begin_with(c, from);
    wanted *w = &c->wanted[c->wanted_count++];
    *w = (wanted){.chase = q->chase, .after = q->after, .after_n = q->after_n, .number = WIRE_NUMBER_ABSENT};
    w->reached = c->passed >= c->input; /* a message was opened, and this begins behind it */
    tw_text_copy(w->account, sizeof w->account, q->account);
    return true;
}

/* ---- rounds ---- */

static void drop_abandoned(catch_up *c, int64_t now_ns) {
    for (uint32_t i = 0; i < c->wanted_count;)
        if (follow_is_abandoned(c->owner->desk->follows, c->wanted[i].chase))
            leave(c, i, now_ns);
        else
            i++;
}

static void go_on(catch_up *c, uint32_t *budget, int64_t now_ns) {
    drop_abandoned(c, now_ns);
    if (c->wanted_count == 0)
        close_catch_up(c);
    else if (now_ns - c->progress_ns >= GIVE_UP_NS)
        give_up(c, "execlog does not answer", "");
    else if (c->phase == READING)
        read_on(c, budget, now_ns);
    else
        ask(c, now_ns);
}

/* Whatever comes from the bus wakes the loop. */
static int64_t when_next(const catch_up *c, int64_t now_ns) {
    if (c->stuck_ns != 0) return now_ns + LOOK_AGAIN_NS;
    return c->first != NULL ? now_ns : now_ns + RETRY_NS;
}

int64_t order_catch_ups_round(order_desk *desk, int64_t now_ns) {
    order_catch_ups *self = desk->catch_ups;
    uint32_t budget = PARTS_A_ROUND;
    int64_t due_ns = INT64_MAX;
    self->turn++;
    for (uint32_t i = 0; i < CATCH_UPS; i++) {
        catch_up *c = &self->all[(self->turn + i) % CATCH_UPS];
        if (c->phase != UNUSED) go_on(c, &budget, now_ns);
        if (c->phase == UNUSED) continue;
        int64_t wants_ns = when_next(c, now_ns);
        if (wants_ns < due_ns) due_ns = wants_ns;
    }
    return due_ns;
}

uint32_t order_catch_ups_count(const order_desk *desk) {
    uint32_t count = 0;
    for (uint32_t i = 0; desk->catch_ups != NULL && i < CATCH_UPS; i++)
        count += desk->catch_ups->all[i].phase != UNUSED;
    return count;
}

tw_code order_catch_ups_open(order_desk *desk, tw_error *error) {
    const gateway_settings *s = &desk->owner->settings;
    order_catch_ups *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to read execlog");
    desk->catch_ups = self;
    self->desk = desk;
    bus_streams_options options = {.url = s->nats,
                                   .credentials = s->credentials[0] == '\0' ? NULL : s->credentials,
                                   .timeout_ns = CALL_NS,
                                   .on_result = on_result,
                                   .context = self};
    return bus_streams_open(&self->streams, &desk->owner->loop, &options, error);
}

void order_catch_ups_close(order_desk *desk) {
    order_catch_ups *self = desk->catch_ups;
    if (self == NULL) return;
    for (uint32_t i = 0; i < CATCH_UPS; i++)
        if (self->all[i].phase != UNUSED) close_catch_up(&self->all[i]);
    bus_streams_close(self->streams);
    free(self);
    desk->catch_ups = NULL;
}
