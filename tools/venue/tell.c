/* What became of the commands, for a person or as JSON lines: done, refused and why, not answered; days that had begun. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/text.h"
#include "matcher/core/reason.h"
#include "matcher/core/types.h"
#include "runtime/clock.h"
#include "tools/venue/run.h"
#include "tools/venue/value.h"

/* What a shard's part of an account's limits is. */
static void print_limits(const wire_control_command *c) {
    char funds[VENUE_MONEY_BYTES], exposure[VENUE_MONEY_BYTES];
    int32_t exponent = c->price_exponent + c->quantity_exponent;
    venue_money_format(funds, c->funds, exponent);
    venue_money_format(exposure, c->exposure, exponent);
    printf(" (funds %s, exposure %s", c->funds >= MX_MONEY_MAX ? "unlimited" : funds,
           c->exposure >= MX_MONEY_MAX ? "unlimited" : exposure);
    if (c->open_orders == UINT32_MAX)
        printf(", open orders unlimited");
    else
        printf(", open orders %" PRIu32, c->open_orders);
    if (c->rate_per_second > 0) printf(", rate %" PRIu32 " burst %" PRIu32, c->rate_per_second, c->rate_burst);
    printf(")");
}

/* Why a day can't begin: the engine has one reason for both. */
static void print_bad_day(const wire_control_command *c) {
    char end[TW_INSTANT_BYTES];
    tw_instant_format(end, c->end_ns);
    if (c->end_ns <= rt_clock_utc_ns())
        printf(" (its end, %.19sZ, has passed)", end);
    else
        printf(" (a later day has begun there: 'tickwire venue show')");
}

static void print_task(const venue_task *task) {
    char text[VENUE_ORDER_TEXT_BYTES];
    venue_order_text(text, &task->command);
    if (task->number > 0) printf("line %" PRIu32 ": ", task->number);
    printf("shard %" PRIu32 ": %s: ", task->shard, text);
    switch (task->outcome) {
    case VENUE_DONE:
        printf("done");
        if (task->quantity > 0)
            printf(", %" PRIu64 " order%s cancelled", task->quantity, task->quantity == 1 ? "" : "s");
        if (task->command.kind == WIRE_SET_LIMITS) print_limits(&task->command);
        break;
    case VENUE_REFUSED:
        printf("REFUSED, %s: %s", mx_reason_name(task->reason), mx_reason_text(task->reason));
        if (task->reason == MXR_BAD_DAY) print_bad_day(&task->command);
        if (task->reason == MXR_MOVED)
            printf(" ('tickwire venue show' says where it lives, 'tickwire venue move %s --to %" PRIu32
                   "' brings it back)",
                   task->command.symbol, task->shard);
        break;
    case VENUE_NO_ANSWER:
        printf("stored as input %" PRIu64 ", but nobody has answered: it will happen when its matcher serves",
               task->seq);
        break;
    case VENUE_NOT_KNOWN:
        printf("no acknowledgement: it may happen");
        break;
    default:
        printf("not stored, nothing happened");
        break;
    }
    printf("\n");
}

static void print_task_json(const venue_task *task) {
    char text[VENUE_ORDER_TEXT_BYTES], line[1024];
    json_writer w;
    venue_order_text(text, &task->command);
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    if (task->number > 0) json_u64(&w, "line", task->number);
    json_u64(&w, "shard", task->shard);
    json_string(&w, "command", text);
    json_string(&w, "outcome", venue_outcome_name(task->outcome));
    if (task->seq > 0) json_u64_string(&w, "seq", task->seq);
    if (task->outcome == VENUE_REFUSED) {
        json_string(&w, "reason", mx_reason_name(task->reason));
        json_string(&w, "message", mx_reason_text(task->reason));
    }
    if (task->quantity > 0) json_u64(&w, "orders", task->quantity);
    json_close_object(&w);
    if (json_finish(&w)) puts(line);
}

static int exit_of(venue_outcome outcome) {
    if (outcome == VENUE_DONE) return 0;
    return outcome == VENUE_REFUSED || outcome == VENUE_NOT_STORED ? VENUE_EXIT_REFUSED : VENUE_EXIT_NO_ANSWER;
}

/* ---- days ---- */

static void day_text(char text[TW_DATE_BYTES], uint32_t date) {
    tw_date_format(text, (tw_date){(int16_t)(date / 10000), (uint8_t)(date / 100 % 100), (uint8_t)(date % 100)});
}

/* A day that the shard has begun before: one that is open is what was wanted, one that has ended can't begin again. */
static void tell_day_left(venue_run *self, const venue_day_left *left) {
    char date[TW_DATE_BYTES], end[TW_INSTANT_BYTES], message[160], line[512];
    bool open = left->end_ns != TW_TIME_ABSENT;
    day_text(date, left->date);
    tw_instant_format(end, open ? left->end_ns : 0);
    if (open)
        tw_text_format(message, sizeof message,
                       "nothing to do, that day has begun already and is open until %.19sZ", end);
    else
        tw_text_format(
            message, sizeof message,
            "NOT BEGUN, that day has ended already, and a date begins only once: nothing trades before a "
            "later one begins");
    if (!open && self->code < VENUE_EXIT_REFUSED) self->code = VENUE_EXIT_REFUSED;
    if (!self->settings.link.json) {
        if (left->number > 0) printf("line %" PRIu32 ": ", left->number);
        printf("shard %" PRIu32 ": day %s: %s\n", left->shard, date, message);
        return;
    }
    json_writer w;
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    if (left->number > 0) json_u64(&w, "line", left->number);
    json_u64(&w, "shard", left->shard);
    json_string(&w, "outcome", open ? "OPEN_ALREADY" : "ENDED_ALREADY");
    json_string(&w, "date", date);
    json_string(&w, "message", message);
    json_close_object(&w);
    if (json_finish(&w)) puts(line);
}

static bool was_done(const venue_run *self, uint32_t shard, uint8_t kind) {
    for (size_t i = 0; i < self->tasks.count; i++) {
        const venue_task *task = &self->tasks.list[i];
        if (task->shard == shard && task->command.kind == kind && task->outcome == VENUE_DONE) return true;
    }
    return false;
}

/* States can be set without a trading day, but nothing comes of it. */
static void warn_of_no_day(const venue_run *self) {
    for (uint32_t i = 0; i < self->shards.count; i++) {
        const venue_shard *shard = &self->shards.list[i];
        char date[TW_DATE_BYTES], ended[64] = "none was ever begun";
        if (!shard->day_known || shard->day_end_ns != TW_TIME_ABSENT) continue;
        if (!was_done(self, shard->number, WIRE_SET_STATE) || was_done(self, shard->number, WIRE_BEGIN_DAY))
            continue;
        day_text(date, shard->date);
        if (shard->date != 0) tw_text_format(ended, sizeof ended, "%s has ended", date);
        fprintf(stderr,
                "tickwire venue: shard %" PRIu32 " has no trading day open (%s): orders are refused there until "
                "'tickwire venue day today --end 21:00'\n",
                shard->number, ended);
    }
}

/* `brief`: what was done is counted, what was not is printed. */
void venue_run_tell(venue_run *self, bool brief) {
    uint64_t counts[VENUE_NO_ANSWER + 1] = {0};
    for (size_t i = 0; i < self->tasks.count; i++) {
        const venue_task *task = &self->tasks.list[i];
        counts[task->outcome]++;
        int code = exit_of(task->outcome);
        if (code > self->code) self->code = code;
        if (brief && task->outcome == VENUE_DONE) continue;
        if (self->settings.link.json)
            print_task_json(task);
        else
            print_task(task);
    }
    if (self->tasks.count == 0 && self->tasks.days_left_count == 0 && !self->settings.link.json)
        printf("nothing to do: no instrument lives at the shards of %s\n", self->settings.link.exchange);
    for (uint32_t i = 0; i < self->tasks.days_left_count; i++)
        tell_day_left(self, &self->tasks.days_left[i]);
    warn_of_no_day(self);
    if (self->trouble[0] != '\0') fprintf(stderr, "tickwire venue: %s\n", self->trouble);
    if (!brief || self->settings.link.json) return;
    printf("%s: %" PRIu64 " commands done at %" PRIu32 " shard%s, %" PRIu64 " refused, %" PRIu64
           " not stored, %" PRIu64 " not answered\n",
           self->settings.link.exchange, counts[VENUE_DONE], self->shards.count, self->shards.count == 1 ? "" : "s",
           counts[VENUE_REFUSED], counts[VENUE_NOT_STORED], counts[VENUE_NOT_KNOWN] + counts[VENUE_NO_ANSWER]);
}
