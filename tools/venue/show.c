/* What the venue is, for a person to read. */
#include "tools/venue/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "matcher/core/report.h"
#include "matcher/core/types.h"
#include "tools/venue/ask.h"
#include "tools/venue/name.h"
#include "tools/venue/run.h"
#include "tools/venue/value.h"

#define LINE_BYTES 2048

static void begin_line(json_writer *w, char line[LINE_BYTES], const char *type) {
    json_start(w, line, LINE_BYTES);
    json_open_object(w, NULL);
    json_string(w, "type", type);
}

static void finish_line(json_writer *w, const char *line) {
    json_close_object(w);
    if (json_finish(w)) puts(line);
}

static const char *state_of(const venue_shard *shard) {
    if (!shard->runs) return "NOT SERVING";
    return tw_book_state_name(shard->state);
}

/* When its trading day ends, to the second. */
static const char *day_of(const venue_shard *shard, char text[TW_INSTANT_BYTES]) {
    if (!shard->day_known) return "-";
    if (shard->date == 0) return "none has begun";
    if (shard->day_end_ns == TW_TIME_ABSENT) return "it has ended";
    tw_instant_format(text, shard->day_end_ns);
    tw_text_copy(text + strlen("2020-01-30T08:07:14"), sizeof "Z", "Z");
    return text;
}

static void print_shards(const char *mic, const venue_shards *shards) {
    char day[TW_INSTANT_BYTES];
    printf("%-5s %5s  %-12s %15s %20s  %-20s  %-28s %s\n", "VENUE", "SHARD", "STATE", "TERM", "INPUT", "DAY UNTIL",
           "EPOCH", "LEADER");
    for (uint32_t i = 0; i < shards->count; i++) {
        const venue_shard *shard = &shards->list[i];
        printf("%-5s %5" PRIu32 "  %-12s ", mic, shard->number, state_of(shard));
        if (shard->runs)
            printf("%15" PRIu64 " %20" PRIu64 "  %-20s  %-28s %s\n", shard->term, shard->seq, day_of(shard, day),
                   shard->epoch, shard->leader);
        else
            printf("%15s %20s  no leader is heard: see below\n", "-", "-");
    }
}

/* ---- what doesn't serve ---- */

static const char *const standings[] = {"STARTING", "FOLLOWING", "SERVING", "HALTED"};

static const char *standing_of(const wire_matcher *matcher) {
    return matcher->standing <= WIRE_STANDING_HALTED ? standings[matcher->standing] : "?";
}

static void print_matcher(FILE *to, const wire_matcher *m) {
    char since[TW_INSTANT_BYTES], reason[WIRE_WHY_BYTES];
    tw_instant_format(since, m->since_ns);
    venue_text_printable(reason, sizeof reason, m->reason);
    fprintf(to, "  %s: %s since %.19sZ, after input %" PRIu64, m->instance, standing_of(m), since, m->seq);
    if (m->standing == WIRE_STANDING_HALTED)
        fprintf(to,
                "\n    why: %s\n    what to do: docs/venue.md, \"When it says HALTED\"; it stays so until it is "
                "ended\n",
                reason);
    else if (m->standing == WIRE_STANDING_STARTING)
        fprintf(to, ": it makes its streams or looks for a snapshot%s%s\n", reason[0] != '\0' ? ": " : "", reason);
    else
        fprintf(to, "%s%s: its log says whom it waits for\n", reason[0] != '\0' ? ": " : "", reason);
}

/* Of a shard that is served only what is wrong. */
static bool is_worth_telling(const venue_shards *shards, const wire_matcher *matcher) {
    const venue_shard *shard = venue_shards_get(shards, matcher->shard);
    return shard == NULL || !shard->runs || matcher->standing == WIRE_STANDING_HALTED;
}

static uint32_t print_matchers(FILE *to, const venue_shards *shards, const venue_shard *shard) {
    uint32_t told = 0;
    for (uint32_t i = 0; i < shards->matcher_count; i++) {
        const wire_matcher *matcher = &shards->matchers[i];
        if (matcher->shard != shard->number || !is_worth_telling(shards, matcher)) continue;
        if (told++ == 0 && shard->runs)
            fprintf(to, "shard %" PRIu32 " is served, but not by all:\n", shard->number);
        print_matcher(to, matcher);
    }
    return told;
}

void venue_show_silent(FILE *to, const char *mic, const venue_shards *shards) {
    for (uint32_t i = 0; i < shards->count; i++) {
        const venue_shard *shard = &shards->list[i];
        if (!shard->runs)
            fprintf(to,
                    "shard %" PRIu32
                    " of %s does not serve: what is sent to it is stored, and happens when it does\n",
                    shard->number, mic);
        if (print_matchers(to, shards, shard) == 0 && !shard->runs)
            fprintf(to, "  no tickwire-matcher of it is connected: start one, --exchange %s --shard %" PRIu32 "\n",
                    mic, shard->number);
    }
}

static void matchers_json(const venue_shards *shards) {
    char line[LINE_BYTES];
    for (uint32_t i = 0; i < shards->matcher_count; i++) {
        const wire_matcher *m = &shards->matchers[i];
        json_writer w;
        if (!is_worth_telling(shards, m)) continue;
        begin_line(&w, line, "matcher");
        json_string(&w, "exchange", m->exchange);
        json_u64(&w, "shard", m->shard);
        json_string(&w, "instance", m->instance);
        json_string(&w, "standing", standing_of(m));
        if (m->reason[0] != '\0') json_string(&w, "reason", m->reason);
        json_i64_string(&w, "since_ns", m->since_ns);
        json_u64_string(&w, "seq", m->seq);
        json_u64_string(&w, "journaled", m->journaled);
        finish_line(&w, line);
    }
}

/* ---- instruments ---- */

static void print_instrument(const venue_entry *entry) {
    char tick[TW_DECIMAL_BYTES], lot[TW_DECIMAL_BYTES];
    tw_decimal_format(tick, sizeof tick, entry->tick, entry->price_exponent);
    tw_decimal_format_u64(lot, sizeof lot, entry->lot, entry->quantity_exponent);
    printf("%-16s %5" PRIu32 "  %-14s %12s %12s\n", entry->symbol, entry->shard,
           tw_trading_state_name(entry->trading), tick, lot);
}

static void print_left(const venue_left *left, const venue_directory *directory) {
    const venue_entry *home = venue_directory_find(directory, left->symbol);
    printf("%-16s %5" PRIu32 "  %-14s %12s %12s  ", left->symbol, left->shard, mx_state_name(MX_MOVED), "-", "-");
    if (home != NULL)
        printf("lives on shard %" PRIu32 "\n", home->shard);
    else
        printf("on no shard that runs\n");
}

/* What has left a shard stands beside where it lives. */
static void print_instruments(const venue_shards *shards, const venue_directory *directory,
                              const venue_moved *moved) {
    if (directory->count + moved->count == 0 && !venue_shards_all_run(shards))
        return (void)printf("\nno instruments are known: a shard that does not serve tells none\n");
    if (directory->count + moved->count == 0)
        return (void)printf("\nno instruments: define some with 'tickwire venue apply FILE'\n");
    printf("\n%-16s %5s  %-14s %12s %12s\n", "INSTRUMENT", "SHARD", "STATE", "TICK", "LOT");
    for (size_t i = 0, m = 0; i < directory->count || m < moved->count;) {
        bool lives = m == moved->count;
        if (!lives && i < directory->count)
            lives = strcmp(directory->entries[i].symbol, moved->list[m].symbol) <= 0;
        if (lives)
            print_instrument(&directory->entries[i++]);
        else
            print_left(&moved->list[m++], directory);
    }
}

static void shards_json(const char *mic, const venue_shards *shards) {
    char line[LINE_BYTES];
    for (uint32_t i = 0; i < shards->count; i++) {
        const venue_shard *shard = &shards->list[i];
        json_writer w;
        begin_line(&w, line, "shard");
        json_string(&w, "exchange", mic);
        json_u64(&w, "shard", shard->number);
        json_bool(&w, "running", shard->runs);
        if (shard->runs) {
            json_string(&w, "state", tw_book_state_name(shard->state));
            json_u64_string(&w, "term", shard->term);
            json_u64_string(&w, "seq", shard->seq);
            json_string(&w, "epoch", shard->epoch);
            json_string(&w, "leader", shard->leader);
        }
        if (shard->day_known) {
            if (shard->date != 0) json_u64(&w, "date", shard->date);
            json_bool(&w, "day_open", shard->day_end_ns != TW_TIME_ABSENT);
            if (shard->day_end_ns != TW_TIME_ABSENT) json_i64_string(&w, "day_end_ns", shard->day_end_ns);
        }
        finish_line(&w, line);
    }
}

static void instruments_json(const char *mic, const venue_directory *directory) {
    char line[LINE_BYTES];
    for (size_t i = 0; i < directory->count; i++) {
        const venue_entry *entry = &directory->entries[i];
        json_writer w;
        begin_line(&w, line, "instrument");
        json_string(&w, "exchange", mic);
        json_string(&w, "symbol", entry->symbol);
        json_u64(&w, "shard", entry->shard);
        json_string(&w, "state", tw_trading_state_name(entry->trading));
        json_decimal(&w, "tick", entry->tick, entry->price_exponent);
        json_decimal_u64(&w, "lot", entry->lot, entry->quantity_exponent);
        finish_line(&w, line);
    }
}

/* Of a type of its own: an instrument is where it lives. */
static void moved_json(const char *mic, const venue_directory *directory, const venue_moved *moved) {
    char line[LINE_BYTES];
    for (size_t i = 0; i < moved->count; i++) {
        const venue_left *left = &moved->list[i];
        const venue_entry *home = venue_directory_find(directory, left->symbol);
        json_writer w;
        begin_line(&w, line, "moved");
        json_string(&w, "exchange", mic);
        json_string(&w, "symbol", left->symbol);
        json_u64(&w, "shard", left->shard);
        json_string(&w, "state", mx_state_name(MX_MOVED));
        if (home != NULL) json_u64(&w, "lives_on", home->shard);
        finish_line(&w, line);
    }
}

void venue_show(const char *mic, const venue_shards *shards, const venue_directory *directory,
                const venue_moved *moved, bool json) {
    if (json) {
        shards_json(mic, shards);
        matchers_json(shards);
        instruments_json(mic, directory);
        moved_json(mic, directory, moved);
    } else {
        print_shards(mic, shards);
        venue_show_silent(stdout, mic, shards);
        print_instruments(shards, directory, moved);
    }
}

/* ---- an account ---- */

typedef struct account_show {
    const char *account;
    uint32_t shard;
    int32_t money_exponent, quantity_exponent;
    bool json, found;
} account_show;

static void money_text(char text[VENUE_MONEY_BYTES], wire_money value, int32_t exponent) {
    if (value >= MX_MONEY_MAX)
        tw_text_copy(text, VENUE_MONEY_BYTES, "unlimited");
    else
        venue_money_format(text, value, exponent);
}

static void quantity_text(char text[TW_DECIMAL_BYTES], uint64_t value, int32_t exponent) {
    if (value == MX_UNLIMITED)
        tw_text_copy(text, TW_DECIMAL_BYTES, "unlimited");
    else
        tw_decimal_format_u64(text, TW_DECIMAL_BYTES, value, exponent);
}

typedef struct account_texts {
    char funds[VENUE_MONEY_BYTES], exposure[VENUE_MONEY_BYTES], notional[VENUE_MONEY_BYTES];
    char spent[VENUE_MONEY_BYTES], fees[VENUE_MONEY_BYTES], reserved[VENUE_MONEY_BYTES],
        available[VENUE_MONEY_BYTES];
    char quantity[TW_DECIMAL_BYTES], position[TW_DECIMAL_BYTES];
} account_texts;

static void make_texts(const account_show *self, const wire_account_view *v, account_texts *t) {
    money_text(t->funds, v->funds, self->money_exponent);
    money_text(t->exposure, v->exposure, self->money_exponent);
    money_text(t->notional, v->order_notional, self->money_exponent);
    money_text(t->spent, v->spent, self->money_exponent);
    money_text(t->fees, v->fees, self->money_exponent);
    money_text(t->reserved, v->reserved, self->money_exponent);
    if (v->funds >= MX_MONEY_MAX)
        tw_text_copy(t->available, sizeof t->available, "unlimited");
    else
        money_text(t->available, v->available, self->money_exponent);
    quantity_text(t->quantity, v->order_quantity, self->quantity_exponent);
    quantity_text(t->position, v->position, self->quantity_exponent);
}

static void account_json(const account_show *self, const wire_account_view *v, const account_texts *t) {
    char line[LINE_BYTES];
    json_writer w;
    begin_line(&w, line, "account");
    json_string(&w, "account", self->account);
    json_u64(&w, "shard", self->shard);
    json_u64(&w, "fee_class", v->fee_class);
    json_bool(&w, "blocked", v->blocked);
    json_bool(&w, "killed", v->killed);
    json_u64(&w, "open_orders", v->open_orders);
    json_string(&w, "spent", t->spent);
    json_string(&w, "fees", t->fees);
    json_string(&w, "reserved", t->reserved);
    json_bool(&w, "limits_known", v->limits_known);
    if (v->limits_known) {
        json_string(&w, "available", t->available);
        json_string(&w, "funds", t->funds);
        json_string(&w, "exposure", t->exposure);
        json_string(&w, "order_quantity", t->quantity);
        json_string(&w, "order_notional", t->notional);
        json_string(&w, "position", t->position);
        json_u64(&w, "open_orders_limit", v->open_orders_limit);
        json_u64(&w, "concentration_ppm", v->concentration_ppm);
        json_u64(&w, "collar_ppm", v->collar_ppm);
        json_u64(&w, "rate_per_second", v->rate_per_second);
        json_u64(&w, "rate_burst", v->rate_burst);
        json_i64(&w, "duplicate_ms", v->duplicate_ns / 1000000);
    }
    finish_line(&w, line);
}

/* As a venue file would say it. */
static void print_part(const char *name, uint32_t ppm, const char *zero) {
    if (ppm == 0)
        printf(" %s=%s", name, zero);
    else if (ppm % (MX_PPM / 100) == 0)
        printf(" %s=%" PRIu32 "%%", name, ppm / (uint32_t)(MX_PPM / 100));
    else
        printf(" %s=%" PRIu32 "ppm", name, ppm);
}

static void account_text(const account_show *self, const wire_account_view *v, const account_texts *t) {
    printf("%s at shard %" PRIu32 ": fee class %" PRIu32 "%s%s, %" PRIu32 " open orders\n", self->account,
           self->shard, v->fee_class, v->blocked ? ", BLOCKED" : "", v->killed ? ", KILLED" : "", v->open_orders);
    printf("  spent %s  fees %s  reserved %s", t->spent, t->fees, t->reserved);
    if (!v->limits_known) return (void)puts("\n  no limits are known: every order is refused");
    printf("  available %s\n", t->available);
    printf("  limits: funds=%s exposure=%s order-quantity=%s order-notional=%s position=%s", t->funds, t->exposure,
           t->quantity, t->notional, t->position);
    if (v->open_orders_limit == UINT32_MAX)
        printf(" open-orders=unlimited");
    else
        printf(" open-orders=%" PRIu32, v->open_orders_limit);
    if (v->concentration_ppm > MX_PPM)
        printf(" concentration=unlimited");
    else
        print_part("concentration", v->concentration_ppm, "20%");
    print_part("collar", v->collar_ppm, "none");
    if (v->rate_per_second > 0) printf(" rate=%" PRIu32 " burst=%" PRIu32, v->rate_per_second, v->rate_burst);
    if (v->duplicate_ns > 0) printf(" duplicate=%" PRId64 "ms", v->duplicate_ns / 1000000);
    printf("\n");
}

static void on_account(void *context, const venue_page *page, const wire_part *item) {
    account_show *self = context;
    account_texts texts;
    (void)page;
    if (item->kind != WIRE_PART_ACCOUNT_VIEW) return;
    self->found = true;
    make_texts(self, &item->account_view, &texts);
    if (self->json)
        account_json(self, &item->account_view, &texts);
    else
        account_text(self, &item->account_view, &texts);
}

/* Of one shard. TW_AWAY is said here, where the next shard's answer follows. */
static tw_code ask_account(account_show *self, venue_link *link, const char *mic, int64_t timeout_ns,
                           tw_error *error) {
    wire_query query = {.kind = WIRE_QUERY_ACCOUNT};
    tw_error silent = {0};
    venue_asked asked;
    tw_text_copy(query.account, sizeof query.account, self->account);
    tw_code code = venue_ask(link, mic, self->shard, &query, 0, timeout_ns, on_account, self, &asked, &silent);
    if (code == TW_AWAY)
        fprintf(stderr, "tickwire venue: %s\n", silent.text);
    else if (code != TW_OK)
        tw_error_set(error, code, "%s", silent.text);
    return code;
}

tw_code venue_show_account(venue_link *link, const char *mic, const venue_shards *shards,
                           const venue_directory *directory, const char *account, int64_t timeout_ns, bool json,
                           bool *partial, tw_error *error) {
    account_show self = {.account = account, .json = json, .money_exponent = -4};
    *partial = !venue_shards_all_run(shards);
    if (directory->count > 0) {
        self.quantity_exponent = directory->entries[0].quantity_exponent;
        self.money_exponent = directory->entries[0].price_exponent + self.quantity_exponent;
    }
    for (uint32_t i = 0; i < shards->count; i++) {
        self.shard = shards->list[i].number;
        tw_code code = shards->list[i].runs ? ask_account(&self, link, mic, timeout_ns, error) : TW_AWAY;
        if (code == TW_AWAY)
            *partial = true;
        else if (code != TW_OK)
            return code;
    }
    if (self.found) return TW_OK;
    if (*partial) fprintf(stderr, "tickwire venue: no shard of %s that answers has account %s\n", mic, account);
    return *partial ? TW_OK : tw_error_set(error, TW_NOT_FOUND, "%s has no account %s", mic, account);
}

/* ---- the word ---- */

static tw_code show_account(venue_run *self, const char *account, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    bool partial = false;
    tw_code code = venue_show_account(&self->link, s->exchange, &self->shards, &self->directory, account,
                                      s->timeout_ns, s->json, &partial, error);
    if (partial) self->code = VENUE_EXIT_NO_ANSWER;
    return code;
}

static tw_code show_venue(venue_run *self, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    venue_moved moved;
    tw_code code = venue_moved_read(&self->link, s->exchange, &self->shards, s->timeout_ns, &moved, error);
    if (code == TW_OK) venue_show(s->exchange, &self->shards, &self->directory, &moved, s->json);
    if (moved.partial || !venue_shards_all_run(&self->shards)) self->code = VENUE_EXIT_NO_ANSWER;
    self->told = code == TW_OK;
    venue_moved_fini(&moved);
    return code;
}

tw_code venue_run_show(venue_run *self, const char *const *words, size_t count, tw_error *error) {
    char account_name[WIRE_ACCOUNT_BYTES];
    const char *account = count > 1 ? words[1] : NULL;
    if (count > 2) return tw_error_set(error, TW_INVALID, "'%s' is too much: show, or show ACCOUNT", words[2]);
    tw_code code = account != NULL ? venue_account_parse(account, account_name, error) : TW_OK;
    if (code != TW_OK) return code;
    code = venue_run_look(self, (venue_look_for){.directory = true, .days = account == NULL}, error);
    if (code == TW_AWAY && self->linked) self->code = VENUE_EXIT_NO_ANSWER;
    if (code != TW_OK) return code;
    return account != NULL ? show_account(self, account, error) : show_venue(self, error);
}
