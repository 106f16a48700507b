/* Who gets what: the shard of an instrument, or every shard. */
#include "tools/venue/tasks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "matcher/core/types.h"
#include "proto/shard.h"
#include "tools/venue/spread.h"

typedef struct making {
    venue_tasks *tasks;
    const venue_ground *ground;
    const venue_order *orders; /* all of them; those before `at` are made */
    size_t at;
} making;

/* "open all", "halt all", "pre-open all": they go to the instruments that live at a shard, one by one, so that each is answered. Where what lives there
 * isn't known they go as they are, and the engine passes over what has moved. */
static bool is_state_of_all(const wire_control_command *c) {
    return c->kind == WIRE_SET_STATE && c->all_symbols && c->state != MX_CLOSED;
}

bool venue_tasks_need_directory(const venue_order *orders, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (orders[i].command.symbol[0] != '\0' || is_state_of_all(&orders[i].command)) return true;
    return false;
}

bool venue_tasks_need_days(const venue_order *orders, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (orders[i].command.kind == WIRE_BEGIN_DAY || orders[i].command.kind == WIRE_SET_STATE) return true;
    return false;
}

tw_code venue_tasks_add(venue_tasks *tasks, uint32_t shard, uint32_t number, const wire_control_command *command,
                        tw_error *error) {
    if (tasks->count == tasks->capacity) {
        size_t wanted = tasks->capacity == 0 ? 64 : tasks->capacity * 2;
        venue_task *grown = realloc(tasks->list, wanted * sizeof *grown);
        if (grown == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the commands");
        tasks->list = grown;
        tasks->capacity = wanted;
    }
    tasks->list[tasks->count++] = (venue_task){.shard = shard, .number = number, .command = *command};
    return TW_OK;
}

void venue_tasks_fini(venue_tasks *tasks) {
    free(tasks->list);
    *tasks = (venue_tasks){0};
}

/* Where a new instrument goes: where the line says, or by its name. */
static uint32_t shard_for(const venue_ground *ground, const venue_order *order) {
    if (order->shard != 0) return order->shard;
    uint32_t over = ground->spread_over != 0 ? ground->spread_over : ground->shards->count;
    return shard_of_symbol(order->command.symbol, over);
}

/* 0: nobody knows it, and no line before this one defines it. */
static uint32_t shard_known(const making *self, const char *symbol) {
    const venue_entry *entry = venue_directory_find(self->ground->directory, symbol);
    if (entry != NULL) return entry->shard;
    for (size_t i = 0; i < self->at; i++) {
        const wire_control_command *c = &self->orders[i].command;
        if (c->kind == WIRE_DEFINE_INSTRUMENT && strcmp(c->symbol, symbol) == 0)
            return shard_for(self->ground, &self->orders[i]);
    }
    return 0;
}

static tw_code unknown_symbol(const making *self, const char *symbol, tw_error *error) {
    const char *nearest = venue_directory_nearest(self->ground->directory, symbol);
    if (nearest != NULL)
        return tw_error_set(error, TW_NOT_FOUND, "%s has no instrument %s: did you mean %s?", self->ground->mic,
                            symbol, nearest);
    return tw_error_set(error, TW_NOT_FOUND, "%s has no instrument %s at the shards that run", self->ground->mic,
                        symbol);
}

/* An account's money is one sum over its instruments, so they are all at one scale. */
static tw_code check_scale(const making *self, const wire_control_command *c, tw_error *error) {
    const venue_directory *directory = self->ground->directory;
    for (size_t i = 0; i < directory->count; i++) {
        const venue_entry *other = &directory->entries[i];
        if (other->price_exponent + other->quantity_exponent == c->price_exponent + c->quantity_exponent) continue;
        return tw_error_set(
            error, TW_INVALID,
            "instrument %s: money would have %d decimals, but with %s it has %d: an account's money is one "
            "sum, say the same 'decimals'",
            c->symbol, -(c->price_exponent + c->quantity_exponent), other->symbol,
            -(other->price_exponent + other->quantity_exponent));
    }
    return TW_OK;
}

/* What a shard that does not run has is not in the directory: a new name here may be an instrument there, and would be open in both. */
static tw_code check_new(const making *self, const char *symbol, tw_error *error) {
    const venue_shards *shards = self->ground->shards;
    for (uint32_t i = 0; shards->count > 1 && i < shards->count; i++)
        if (!shards->list[i].runs)
            return tw_error_set(
                error, TW_AWAY,
                "shard %" PRIu32
                " does not run, so nobody knows whether %s lives there, and nothing was sent: start its "
                "matcher, or say shard= if %s is new",
                shards->list[i].number, symbol, symbol);
    return TW_OK;
}

static bool is_listed(const venue_directory *directory, const char *symbol, uint32_t shard) {
    for (size_t i = 0; i < directory->count; i++)
        if (directory->entries[i].shard == shard && strcmp(directory->entries[i].symbol, symbol) == 0) return true;
    return false;
}

/* The two words that say where an instrument lives: only as a remedy of a move that did not end, and never so that it lives twice or nowhere. */
static tw_code check_residence(const making *self, const venue_order *order, tw_error *error) {
    const wire_control_command *c = &order->command;
    if (c->kind != WIRE_SET_STATE || order->shard == 0) return TW_OK;
    const venue_entry *other = venue_directory_elsewhere(self->ground->directory, c->symbol, order->shard);
    if (c->state == MX_MOVED && other == NULL)
        return tw_error_set(error, TW_INVALID,
                            "%s lives on no other shard that runs: 'tickwire venue move %s --to' takes it to one",
                            c->symbol, c->symbol);
    if (c->state == MX_CLOSED && other != NULL && !is_listed(self->ground->directory, c->symbol, order->shard))
        return tw_error_set(error, TW_INVALID,
                            "%s lives on shard %" PRIu32 ", and to close it on shard %" PRIu32
                            " would bring it back there, too: 'tickwire venue move %s --to %" PRIu32 "' moves it",
                            c->symbol, other->shard, order->shard, c->symbol, order->shard);
    return TW_OK;
}

static tw_code make_for_symbol(const making *self, const venue_order *order, tw_error *error) {
    const wire_control_command *c = &order->command;
    bool defines = c->kind == WIRE_DEFINE_INSTRUMENT;
    uint32_t shard = !defines && order->shard != 0 ? order->shard : shard_known(self, c->symbol);
    if (shard == 0 && !defines) return unknown_symbol(self, c->symbol, error);
    if (check_residence(self, order, error) != TW_OK) return error->code;
    if (defines && shard != 0 && order->shard != 0 && order->shard != shard)
        return tw_error_set(error, TW_INVALID,
                            "%s lives on shard %" PRIu32
                            ": to move it there is 'tickwire venue move %s --to %" PRIu32 "'",
                            c->symbol, shard, c->symbol, order->shard);
    if (shard == 0 && order->shard == 0 && check_new(self, c->symbol, error) != TW_OK) return error->code;
    if (shard == 0) shard = shard_for(self->ground, order);
    if (venue_shards_get(self->ground->shards, shard) == NULL)
        return tw_error_set(error, TW_NOT_FOUND,
                            "%s belongs to shard %" PRIu32 ", which is not there: start its matcher", c->symbol,
                            shard);
    if (defines && check_scale(self, c, error) != TW_OK) return error->code;
    return venue_tasks_add(self->tasks, shard, order->number, c, error);
}

static tw_code add_one_of_all(venue_tasks *tasks, uint32_t shard, const venue_order *order, const char *symbol,
                              tw_error *error) {
    wire_control_command one = order->command;
    one.all_symbols = false;
    tw_text_copy(one.symbol, sizeof one.symbol, symbol);
    return venue_tasks_add(tasks, shard, order->number, &one, error);
}

/* While it moves an instrument is listed at two shards: it lives at one of them. */
static bool lives_there(const venue_directory *directory, size_t at) {
    const venue_entry *entry = &directory->entries[at];
    bool twice = (at > 0 && strcmp(entry[-1].symbol, entry->symbol) == 0) ||
                 (at + 1 < directory->count && strcmp(entry[1].symbol, entry->symbol) == 0);
    return !twice || venue_directory_find(directory, entry->symbol) == entry;
}

/* Those that the directory has there, then those that lines before this one define. */
static tw_code make_for_residents(const making *self, const venue_order *order, uint32_t shard, tw_error *error) {
    const venue_directory *directory = self->ground->directory;
    tw_code code = TW_OK;
    for (size_t i = 0; code == TW_OK && i < directory->count; i++)
        if (directory->entries[i].shard == shard && lives_there(directory, i))
            code = add_one_of_all(self->tasks, shard, order, directory->entries[i].symbol, error);
    for (size_t i = 0; code == TW_OK && i < self->at; i++) {
        const wire_control_command *c = &self->orders[i].command;
        bool is_new = c->kind == WIRE_DEFINE_INSTRUMENT && venue_directory_find(directory, c->symbol) == NULL;
        if (is_new && shard_for(self->ground, &self->orders[i]) == shard)
            code = add_one_of_all(self->tasks, shard, order, c->symbol, error);
    }
    return code;
}

static bool has_begun(const venue_shard *shard, uint32_t date) {
    return shard->day_known && shard->date == date;
}

static void leave_day(venue_tasks *tasks, const venue_order *order, const venue_shard *shard) {
    if (tasks->days_left_count == VENUE_MAX_SHARDS) return;
    tasks->days_left[tasks->days_left_count++] = (venue_day_left){
        .shard = shard->number, .number = order->number, .date = shard->date, .end_ns = shard->day_end_ns};
}

static tw_code make_for_all(const making *self, const venue_order *order, tw_error *error) {
    const venue_shards *shards = self->ground->shards;
    wire_control_command command;
    if (order->shard != 0 && venue_shards_get(shards, order->shard) == NULL)
        return tw_error_set(error, TW_NOT_FOUND, "there is no shard %" PRIu32, order->shard);
    for (uint32_t i = 0; i < shards->count; i++) {
        if (order->shard != 0 && shards->list[i].number != order->shard) continue;
        venue_spread(order, shards->count, i, &command);
        if (command.kind == WIRE_BEGIN_DAY && has_begun(&shards->list[i], command.date)) {
            leave_day(self->tasks, order, &shards->list[i]);
            continue;
        }
        tw_code code = is_state_of_all(&command) && shards->list[i].runs
                           ? make_for_residents(self, order, shards->list[i].number, error)
                           : venue_tasks_add(self->tasks, shards->list[i].number, order->number, &command, error);
        if (code != TW_OK) return code;
    }
    return TW_OK;
}

tw_code venue_tasks_make(venue_tasks *tasks, const venue_ground *ground, const venue_order *orders, size_t count,
                         tw_error *error) {
    making self = {.tasks = tasks, .ground = ground, .orders = orders};
    for (self.at = 0; self.at < count; self.at++) {
        const venue_order *order = &orders[self.at];
        tw_code code =
            venue_reaches_all(order) ? make_for_all(&self, order, error) : make_for_symbol(&self, order, error);
        if (code == TW_OK) continue;
        return order->number > 0 ? tw_error_wrap(error, "line %" PRIu32, order->number) : code;
    }
    return TW_OK;
}
