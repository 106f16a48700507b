/* One command from the words of the command line; limits of which only some are named are completed by what is known. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "tools/venue/ask.h"
#include "tools/venue/name.h"
#include "tools/venue/run.h"
#include "tools/venue/spread.h"

#define MOST_LINES_TOLD 20u /* of one command; then they are counted */

tw_code venue_run_send(venue_run *self, const venue_order *orders, size_t count, uint32_t spread_over,
                       tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    const venue_ground ground = {
        .mic = s->exchange, .shards = &self->shards, .directory = &self->directory, .spread_over = spread_over};
    tw_code code = venue_tasks_make(&self->tasks, &ground, orders, count, error);
    if (code != TW_OK) return code;
    return venue_desk_send(&self->link, s->exchange, self->tasks.list, self->tasks.count, s->timeout_ns,
                           self->trouble, error);
}

/* ---- limits of which only some are named ---- */

static void on_account(void *context, const venue_page *page, const wire_part *item) {
    wire_account_view *known = context;
    (void)page;
    if (item->kind == WIRE_PART_ACCOUNT_VIEW) *known = item->account_view;
}

static tw_code complete_limits(venue_run *self, const venue_order *order, venue_task *task, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    wire_query query = {.kind = WIRE_QUERY_ACCOUNT};
    wire_account_view known = {0};
    venue_asked asked;
    tw_text_copy(query.account, sizeof query.account, order->command.account);
    tw_code code = venue_ask(&self->link, s->exchange, task->shard, &query, 1, s->timeout_ns, on_account, &known,
                             &asked, error);
    if (code != TW_OK) return tw_error_wrap(error, "what the other limits are");
    for (uint32_t i = 0; !known.limits_known && i < VENUE_LIMITS_NEEDED; i++)
        if ((order->given & 1u << i) == 0)
            return tw_error_set(error, TW_INVALID,
                                "%s has no limits at shard %" PRIu32 " yet: say %s= too (or unlimited)",
                                order->command.account, task->shard, venue_limit_name(i));
    venue_limits_merge(&task->command, order, &known);
    return TW_OK;
}

static tw_code send_limits(venue_run *self, const venue_order *order, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    const venue_ground ground = {.mic = s->exchange, .shards = &self->shards, .directory = &self->directory};
    tw_code code = venue_tasks_make(&self->tasks, &ground, order, 1, error);
    for (size_t i = 0; code == TW_OK && i < self->tasks.count; i++)
        code = complete_limits(self, order, &self->tasks.list[i], error);
    if (code != TW_OK) return code;
    return venue_desk_send(&self->link, s->exchange, self->tasks.list, self->tasks.count, s->timeout_ns,
                           self->trouble, error);
}

/* ---- */

static bool is_limits(const venue_order *order) {
    return order->command.kind == WIRE_SET_LIMITS;
}

/* The words are a line. Where the venue has instruments, their decimals are those of the amounts. */
tw_code venue_run_say(venue_run *self, const char *const *words, size_t count, tw_error *error) {
    const char *line[VENUE_LINE_WORDS];
    char end[64];
    venue_context context;
    venue_order order;
    venue_name name;
    if (count + 1 > VENUE_LINE_WORDS) return tw_error_set(error, TW_INVALID, "too many words");
    memcpy(line, words, count * sizeof *line);
    if (self->settings.end[0] != '\0') {
        if (!tw_text_format(end, sizeof end, "end=%s", self->settings.end))
            return tw_error_set(error, TW_INVALID, "--end '%s' is no time", self->settings.end);
        line[count++] = end;
    }
    /* TWEX.AAPL says which venue */
    for (size_t i = 1; i < count && i <= 2; i++)
        if (venue_name_parse(line[i], self->settings.link.exchange, &name, NULL) == TW_OK)
            venue_run_use_exchange(self, name.mic);
    venue_context_init(&context, self->settings.link.exchange, venue_run_today());
    context.limits_partly = true;
    venue_line_kind kind = venue_line_parse(&context, line, count, &order, error);
    if (kind == VENUE_LINE_BAD) return error->code;
    if (kind != VENUE_LINE_ORDER)
        return tw_error_set(error, TW_INVALID, "'%s' belongs into a venue file", words[0]);
    bool amounts = is_limits(&order) || order.command.kind == WIRE_SET_FEES;
    const venue_look_for wanted = {.directory = amounts || venue_tasks_need_directory(&order, 1),
                                   .days = venue_tasks_need_days(&order, 1)};
    tw_code code = venue_run_look(self, wanted, error);
    if (code != TW_OK) return code;
    if (self->directory.count > 0) {
        context.price_exponent = self->directory.entries[0].price_exponent;
        context.quantity_exponent = self->directory.entries[0].quantity_exponent;
        if (venue_line_parse(&context, line, count, &order, error) != VENUE_LINE_ORDER) return error->code;
    }
    if (order.command.kind == WIRE_DEFINE_INSTRUMENT &&
        venue_directory_find(&self->directory, order.command.symbol) != NULL &&
        venue_redefinition_check(&order, error) != TW_OK)
        return error->code;
    code = is_limits(&order) ? send_limits(self, &order, error) : venue_run_send(self, &order, 1, 0, error);
    if (code == TW_OK) venue_run_tell(self, self->tasks.count > MOST_LINES_TOLD);
    return code;
}
