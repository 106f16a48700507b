/* `tickwire venue move SYMBOL --to SHARD`: the steps of docs/venue-shards.md, one after the other, each answered before the next. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "matcher/core/types.h"
#include "tools/venue/ask.h"
#include "tools/venue/name.h"
#include "tools/venue/run.h"

#define MOST_HOLDERS_TOLD 5u

/* Sends one step and keeps its answers for the end. False: something was not done. */
static bool step(venue_run *self, const wire_control_command *commands, size_t count, uint32_t shard,
                 tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    venue_tasks_fini(&self->tasks);
    for (size_t i = 0; i < count; i++)
        if (venue_tasks_add(&self->tasks, shard, 0, &commands[i], error) != TW_OK) return false;
    if (venue_desk_send(&self->link, s->exchange, self->tasks.list, count, s->timeout_ns, self->trouble, error) !=
        TW_OK)
        return false;
    venue_run_tell(self, false);
    return self->code == 0;
}

/* What has to be known of the instrument before it moves. */
typedef struct moving {
    const char *symbol;
    uint32_t from, to;
    venue_order definition;
    bool defined;      /* here, by words or a file */
    bool blocked;      /* for everybody: so is it on the new shard */
    venue_tasks after; /* accounts' blocks in it, for the new shard */
    size_t holders;
    char who[160]; /* the first of them */
    tw_error *error;
} moving;

/* Words as of a line in a venue file: move AAPL tick=0.01 … */
static tw_code definition_of_words(const venue_run *self, const char *const *words, size_t count,
                                   venue_order *found, tw_error *error) {
    venue_context context;
    const char *line[VENUE_LINE_WORDS];
    if (count > VENUE_LINE_WORDS) return tw_error_set(error, TW_INVALID, "too many words");
    for (size_t i = 0; i < count; i++)
        line[i] = i == 0 ? "instrument" : words[i];
    venue_context_init(&context, self->settings.link.exchange, venue_run_today());
    if (venue_line_parse(&context, line, count, found, error) != VENUE_LINE_ORDER) return error->code;
    return venue_redefinition_check(found, error);
}

static tw_code definition_of_file(const venue_run *self, const char *symbol, venue_order *found, tw_error *error) {
    venue_file file;
    tw_code code = venue_run_read_file(self, self->settings.file, &file, error);
    bool seen = false;
    for (size_t i = 0; code == TW_OK && i < file.count; i++) {
        const wire_control_command *c = &file.orders[i].command;
        if (c->kind != WIRE_DEFINE_INSTRUMENT || strcmp(c->symbol, symbol) != 0) continue;
        *found = file.orders[i];
        seen = true;
    }
    venue_file_fini(&file);
    if (code == TW_OK && !seen)
        return tw_error_set(error, TW_NOT_FOUND, "%s does not define %s", self->settings.file, symbol);
    return code;
}

static void on_definition(void *context, const venue_page *page, const wire_part *item) {
    moving *self = context;
    (void)page;
    if (item->kind != WIRE_PART_DEFINITION) return;
    if (item->definition.kind == WIRE_DEFINE_INSTRUMENT && !self->defined)
        self->definition.command = item->definition;
    if (item->definition.kind == WIRE_SET_BLOCK && item->definition.on) self->blocked = true;
}

static tw_code ask_instrument(venue_run *self, uint8_t kind, moving *about, venue_on_item on_item,
                              tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    wire_query query = {.kind = kind};
    venue_asked asked;
    tw_text_copy(query.symbol, sizeof query.symbol, about->symbol);
    tw_code code =
        venue_ask(&self->link, s->exchange, about->from, &query, 0, s->timeout_ns, on_item, about, &asked, error);
    if (code == TW_OK && asked.code != WIRE_REPLY_OK)
        code = tw_error_set(error, TW_UNSUPPORTED, "shard %" PRIu32 " does not tell about %s: %s", about->from,
                            about->symbol, asked.detail);
    return code;
}

/* The old shard's own word, if nothing was said here in place of it; and whether it is blocked there. */
static tw_code find_definition(venue_run *self, moving *about, tw_error *error) {
    return ask_instrument(self, WIRE_QUERY_INSTRUMENT, about, on_definition, error);
}

static void on_holder(void *context, const venue_page *page, const wire_part *item) {
    moving *self = context;
    const wire_position_view *p = &item->position;
    char quantity[TW_DECIMAL_BYTES];
    if (item->kind != WIRE_PART_POSITION_VIEW) return;
    if (p->blocked) {
        wire_control_command block = wire_control_command_empty;
        block.kind = WIRE_SET_BLOCK;
        block.on = true;
        tw_text_copy(block.account, sizeof block.account, p->account);
        tw_text_copy(block.symbol, sizeof block.symbol, self->symbol);
        if (venue_tasks_add(&self->after, self->to, 0, &block, self->error) != TW_OK) return;
    }
    if (p->quantity == 0) return;
    const wire_named_instrument *i = venue_page_instrument(page, p->instrument);
    tw_decimal_format(quantity, sizeof quantity, p->quantity, i != NULL ? i->quantity_exponent : 0);
    size_t used = strlen(self->who);
    if (self->holders++ < MOST_HOLDERS_TOLD)
        tw_text_format(self->who + used, sizeof self->who - used, "%s%s %s", used > 0 ? ", " : "", p->account,
                       quantity);
}

/* Positions are an engine's own and can't be given to another one; `done` says what has happened already. */
static tw_code find_holders(venue_run *self, moving *about, const char *done, tw_error *error) {
    about->holders = 0;
    about->who[0] = '\0';
    about->error = error;
    venue_tasks_fini(&about->after);
    tw_code code = ask_instrument(self, WIRE_QUERY_POSITIONS, about, on_holder, error);
    if (code == TW_OK) code = error->code;
    if (code != TW_OK || about->holders == 0 || self->settings.leave_positions) return code;
    return tw_error_set(
        error, TW_UNSUPPORTED,
        "%zu account%s with a position in %s (%s%s), and positions don't move: they would stay on shard "
        "%" PRIu32 ", where they can't be traded any more. Have them closed first, or say "
        "--leave-positions if clearing adds both shards up (docs/venue-shards.md). %s",
        about->holders, about->holders == 1 ? "" : "s", about->symbol, about->who,
        about->holders > MOST_HOLDERS_TOLD ? ", ..." : "", about->from, done);
}

static wire_control_command about_symbol(uint8_t kind, const char *symbol) {
    wire_control_command command = wire_control_command_empty;
    command.kind = kind;
    tw_text_copy(command.symbol, sizeof command.symbol, symbol);
    return command;
}

static wire_control_command state_of(const moving *about, uint8_t state) {
    wire_control_command command = about_symbol(WIRE_SET_STATE, about->symbol);
    command.state = state;
    return command;
}

static bool leave_old(venue_run *self, const moving *about, tw_error *error) {
    const wire_control_command halt = state_of(about, MX_HALTED);
    wire_control_command cancel = about_symbol(WIRE_CONTROL_MASS_CANCEL, about->symbol);
    cancel.all_accounts = true;
    const wire_control_command both[] = {halt, cancel};
    return step(self, both, 2, about->from, error);
}

/* Defined, blocked for whom it was, and closed: that is also what brings it back where it has been before. */
static bool make_new(venue_run *self, moving *about, tw_error *error) {
    const wire_control_command closed = state_of(about, MX_CLOSED);
    wire_control_command block = about_symbol(WIRE_SET_BLOCK, about->symbol);
    block.all_accounts = true;
    block.on = about->blocked;
    if (!step(self, &about->definition.command, 1, about->to, error)) return false;
    for (size_t i = 0; i < about->after.count; i++)
        if (!step(self, &about->after.list[i].command, 1, about->to, error)) return false;
    return step(self, &block, 1, about->to, error) && step(self, &closed, 1, about->to, error);
}

/* The old shard speaks of it a last time. */
static bool change_over(venue_run *self, const moving *about, tw_error *error) {
    const wire_control_command gone = state_of(about, MX_MOVED);
    return step(self, &gone, 1, about->from, error);
}

static tw_code move_steps(venue_run *self, moving *about, tw_error *error) {
    *error = (tw_error){0};
    bool done = leave_old(self, about, error);
    if (done && find_holders(self, about,
                             "It was traded just before: it is halted now, and 'tickwire venue open' lets "
                             "it trade on",
                             error) != TW_OK)
        return error->code;
    done = done && make_new(self, about, error) && change_over(self, about, error);
    if (!done && error->code == TW_OK)
        return tw_error_set(error, TW_UNSUPPORTED,
                            "the move stopped there; what was done stays, and the same move may be said again");
    if (!done) return error->code;
    if (self->settings.link.json) return TW_OK;
    printf("%s lives on shard %" PRIu32
           " now, closed: 'tickwire venue open %s' when its accounts have limits there\n",
           about->symbol, about->to, about->symbol);
    if (about->holders > 0)
        printf("left on shard %" PRIu32 ": the positions of %zu account%s (%s%s)\n", about->from, about->holders,
               about->holders == 1 ? "" : "s", about->who, about->holders > MOST_HOLDERS_TOLD ? ", ..." : "");
    return TW_OK;
}

/* Where it is to leave: the other shard, if a move that stopped has left it at both. */
static const venue_entry *lives_at(const venue_directory *directory, const moving *about) {
    const venue_entry *entry = venue_directory_find(directory, about->symbol);
    if (entry == NULL || entry->shard != about->to || entry->trading != TW_TRADING_CLOSED) return entry;
    const venue_entry *other = venue_directory_elsewhere(directory, about->symbol, about->to);
    return other != NULL ? other : entry;
}

/* Between which shards, and may it be now? */
static tw_code find_shards(venue_run *self, const char *mic, moving *about, tw_error *error) {
    const venue_entry *entry = lives_at(&self->directory, about);
    const venue_shard *target = venue_shards_get(&self->shards, about->to);
    if (entry == NULL) return tw_error_set(error, TW_NOT_FOUND, "%s has no instrument %s", mic, about->symbol);
    if (entry->shard == about->to)
        return tw_error_set(error, TW_INVALID, "%s lives on shard %" PRIu32 " already", about->symbol, about->to);
    if (target == NULL || !target->runs)
        return tw_error_set(error, TW_NOT_FOUND, "shard %" PRIu32 " does not run: start its matcher first",
                            about->to);
    const venue_shard *source = venue_shards_get(&self->shards, entry->shard);
    if (source == NULL || target->term <= source->term)
        return tw_error_set(error, TW_UNSUPPORTED,
                            "the leader of shard %" PRIu32 " is older than that of shard %" PRIu32
                            ": subscribers would take its books for those of a deposed one. Restart shard %" PRIu32
                            "'s matcher (or hand over) first",
                            about->to, entry->shard, about->to);
    about->from = entry->shard;
    bool open = source->day_known && source->day_end_ns != TW_TIME_ABSENT;
    if (open && (target->day_end_ns == TW_TIME_ABSENT || target->date != source->date))
        return tw_error_set(error, TW_UNSUPPORTED,
                            "shard %" PRIu32 " has not begun the trading day that is open at shard %" PRIu32
                            ": apply the venue file first, so that it has the accounts, their limits and the day",
                            about->to, about->from);
    return TW_OK;
}

tw_code venue_run_move(venue_run *self, const char *const *words, size_t count, tw_error *error) {
    moving about = {.to = (uint32_t)self->settings.to};
    venue_name name;
    if (count < 2 || about.to == 0)
        return tw_error_set(error, TW_INVALID, "move what, and where? move AAPL --to 2");
    tw_code code = venue_name_parse(words[1], self->settings.link.exchange, &name, error);
    if (code != TW_OK) return code;
    venue_run_use_exchange(self, name.mic);
    about.symbol = name.symbol;
    about.defined = count > 2 || self->settings.file[0] != '\0';
    if (count > 2)
        code = definition_of_words(self, words, count, &about.definition, error);
    else if (about.defined)
        code = definition_of_file(self, about.symbol, &about.definition, error);
    if (code != TW_OK) return code;
    code = venue_run_look(self, (venue_look_for){.directory = true, .days = true}, error);
    if (code == TW_OK) code = find_shards(self, name.mic, &about, error);
    for (uint32_t i = 0; i < self->shards.count; i++)
        self->shards.list[i].day_known = false; /* looked at: a move at the day's end is as it should be */
    if (code == TW_OK) code = find_definition(self, &about, error);
    if (code == TW_OK) code = find_holders(self, &about, "Nothing was done", error);
    if (code == TW_OK) code = move_steps(self, &about, error);
    venue_tasks_fini(&about.after);
    return code;
}
