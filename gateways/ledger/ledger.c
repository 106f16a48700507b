/* Lines by user and subject. */
#include "gateways/ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/map.h"
#include "base/text.h"

/* The subject first: it tells more of two lines apart. No user and no subject has a line end in it. */
#define KEY_BYTES (SUBJECT_BYTES + TW_MIC_BYTES + WIRE_USER_BYTES)

typedef struct entry {
    char key[KEY_BYTES]; /* subject, line end, exchange or "", line end, user */
    uint32_t user_at;
    uint32_t next; /* of the same exchange, while lines are given; else NONE */
    uint64_t updates, bytes;
    int64_t first_ns, last_ns;
} entry;

struct ledger {
    entry *entries;
    uint32_t count, capacity;
    tw_map by_key;
    uint64_t last_number;
};

static const char *key_of(const void *context, uint32_t number) {
    return ((const ledger *)context)->entries[number].key;
}

tw_code ledger_alloc(ledger **made, uint32_t capacity, tw_error *error) {
    ledger *self = calloc(1, sizeof *self);
    *made = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the usage ledger");
    self->capacity = capacity;
    self->entries = calloc(capacity, sizeof *self->entries); /* touched only as far as it is used */
    if (self->entries == NULL || !tw_map_init(&self->by_key, capacity, key_of, self))
        return tw_error_set(error, TW_NO_MEMORY, "no memory for %u lines of the usage ledger", capacity);
    return TW_OK;
}

void ledger_free(ledger *self) {
    if (self == NULL) return;
    tw_map_fini(&self->by_key);
    free(self->entries);
    free(self);
}

static void make_key(char key[KEY_BYTES], const ledger_use *use, uint32_t *user_at) {
    char user[WIRE_USER_BYTES];
    tw_text_copy(user, sizeof user, use->user);
    const char *exchange = use->exchange == NULL ? "" : use->exchange;
    bool whole = tw_text_format(key, KEY_BYTES, "%s\n%s\n%s", use->subject, exchange, user);
    TW_ASSERT(whole);
    *user_at = (uint32_t)(strlen(use->subject) + strlen(exchange)) + 2;
}

bool ledger_add(ledger *self, const ledger_use *use) {
    char key[KEY_BYTES];
    uint32_t user_at;
    make_key(key, use, &user_at);
    uint32_t number = tw_map_find(&self->by_key, key);
    if (number == TW_MAP_NONE) {
        if (self->count == self->capacity) return false;
        number = self->count++;
        entry *added = &self->entries[number];
        *added = (entry){.user_at = user_at, .first_ns = use->first_ns, .last_ns = use->last_ns};
        tw_text_copy(added->key, sizeof added->key, key);
        tw_map_add(&self->by_key, number);
    }
    entry *e = &self->entries[number];
    e->updates += use->updates;
    e->bytes += use->bytes;
    if (use->first_ns < e->first_ns) e->first_ns = use->first_ns;
    if (use->last_ns > e->last_ns) e->last_ns = use->last_ns;
    return true;
}

uint32_t ledger_count(const ledger *self) {
    return self->count;
}

/* ---- lines ---- */

/* Splits "XNAS.BRK%2EB.orderbook", "feed.XNAS.1.status", "instruments.XNAS", "agg.AAPL.nbbo". */
static void take_apart(ledger_line *line, const char *subject) {
    const char *mic = subject, *rest;
    bool is_feed = strncmp(subject, "feed.", 5) == 0, is_list = strncmp(subject, "instruments.", 12) == 0;
    if (is_feed) mic += 5;
    if (is_list) mic += 12;
    size_t length = strcspn(mic, ".");
    if (length < sizeof line->exchange) memcpy(line->exchange, mic, length);
    rest = mic + length + (mic[length] == '.');
    line->channel = is_feed ? "feed" : is_list ? "instruments" : rest;
    if (is_feed || is_list) return;
    length = strcspn(rest, ".");
    if (rest[length] != '.' || !subject_unescape(line->symbol, rest, length)) return;
    line->channel = rest + length + 1;
}

static void read_key(const entry *e, char subject[SUBJECT_BYTES], ledger_line *line) {
    size_t length = strcspn(e->key, "\n"), exchange = e->user_at - length - 2;
    memcpy(subject, e->key, length);
    subject[length] = '\0';
    take_apart(line, subject);
    if (exchange == 0 || exchange >= sizeof line->exchange) return;
    memcpy(line->exchange, e->key + length + 1, exchange);
    line->exchange[exchange] = '\0';
}

static void give(ledger *self, const entry *e, ledger_on_line on_line, void *context) {
    char subject[SUBJECT_BYTES];
    ledger_line line = {.number = ++self->last_number,
                        .user = e->key + e->user_at,
                        .subject = subject,
                        .updates = e->updates,
                        .bytes = e->bytes,
                        .first_ns = e->first_ns,
                        .last_ns = e->last_ns};
    read_key(e, subject, &line);
    on_line(context, &line);
}

static void exchange_of(const entry *e, char exchange[TW_MIC_BYTES]) {
    ledger_line line = {0};
    char subject[SUBJECT_BYTES];
    read_key(e, subject, &line);
    memcpy(exchange, line.exchange, TW_MIC_BYTES);
}

#define EXCHANGES 64u /* told apart; the last chain takes what is beyond */

/* Chains the entries by exchange, then gives chain after chain: the subjects are taken apart once more, and nothing is
 * sorted. */
typedef struct chains {
    uint32_t count;
    char exchange[EXCHANGES][TW_MIC_BYTES];
    uint32_t first[EXCHANGES], last[EXCHANGES];
} chains;

#define NONE UINT32_MAX

static void chain(ledger *self, chains *all, uint32_t number) {
    char exchange[TW_MIC_BYTES];
    uint32_t at = 0;
    exchange_of(&self->entries[number], exchange);
    while (at < all->count && at < EXCHANGES - 1 && strcmp(all->exchange[at], exchange) != 0)
        at++;
    self->entries[number].next = NONE;
    if (at == all->count) {
        memcpy(all->exchange[at], exchange, TW_MIC_BYTES);
        all->first[all->count++] = number;
    } else {
        self->entries[all->last[at]].next = number;
    }
    all->last[at] = number;
}

void ledger_flush(ledger *self, ledger_on_line on_line, void *context) {
    chains all = {0};
    for (uint32_t i = 0; i < self->count; i++)
        chain(self, &all, i);
    for (uint32_t c = 0; c < all.count; c++)
        for (uint32_t n = all.first[c]; n != NONE; n = self->entries[n].next)
            give(self, &self->entries[n], on_line, context);
    self->count = 0;
    tw_map_clear(&self->by_key);
}

/* ---- text ---- */

size_t ledger_line_json(const ledger_sheet *sheet, const ledger_line *line, char *text, size_t capacity) {
    json_writer w;
    json_start(&w, text, capacity - 1);
    json_open_object(&w, NULL);
    json_string(&w, "gateway", sheet->gateway);
    json_string(&w, "instance", sheet->instance);
    json_u64(&w, "number", line->number);
    json_i64_string(&w, "period_start_ns", sheet->period_start_ns);
    json_i64_string(&w, "period_ns", sheet->period_ns);
    json_string(&w, "user", line->user);
    json_string(&w, "exchange", line->exchange);
    json_string(&w, "channel", line->channel);
    if (line->symbol[0] != '\0') json_string(&w, "symbol", line->symbol);
    json_string(&w, "subject", line->subject);
    json_u64(&w, "updates", line->updates);
    json_u64(&w, "bytes", line->bytes);
    json_i64_string(&w, "first_ns", line->first_ns);
    json_i64_string(&w, "last_ns", line->last_ns);
    json_close_object(&w);
    bool whole = json_finish(&w);
    TW_ASSERT(whole);
    text[w.length] = '\n';
    text[w.length + 1] = '\0';
    return w.length + 1;
}

int64_t ledger_period_start(int64_t now_ns, int64_t period_ns) {
    return now_ns - now_ns % period_ns;
}
