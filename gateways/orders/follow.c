/* Feeds, followers and chases in arrays; lists run through the items. */
#include "gateways/orders/follow.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define NONE FOLLOW_NONE

typedef struct position {
    uint64_t seq;
    uint32_t n;
} position;

typedef struct shard_state {
    bool known; /* `last` is of a report that was passed on */
    position last;
    uint64_t base; /* the last input that nobody asked for when it began; 0: not known */
    uint64_t term;
    uint64_t last_term; /* of the leader that told of the last report given on live */
    uint32_t chase;     /* for all followers; NONE */
} shard_state;

typedef struct feed {
    bool used;
    char account[WIRE_ACCOUNT_BYTES];
    uint32_t first_follower;
    shard_state shards[ORDER_MOST_SHARDS + 1]; /* from 1 */
} feed;

typedef struct follower {
    bool used;
    uint32_t client, feed;
    uint32_t next_of_feed, next_of_client;
    uint32_t first_chase; /* its own */
} follower;

typedef struct chase {
    bool used, asking;
    bool ended;           /* its follower has all up to `at`, and what comes live again up to there is no news */
    uint64_t lost_to;     /* told: reports up to this input's are lost */
    bool again;           /* the answer under way may have been made before what was missed since */
    bool abandoned;       /* nobody wants it any more, but an answer is under way */
    bool in_log;          /* asks execlog */
    const char *given_up; /* why execlog is not asked; NULL */
    uint32_t feed;
    uint32_t follower; /* NONE: all of the feed but those with a chase of their own */
    uint32_t shard;
    uint32_t next_of_follower;
    position at;
    uint64_t passed_seq; /* the newest live report passed over meanwhile */
    bool is_short;       /* the last answer was made before what is wanted */
    int64_t short_ns;    /* since when */
    int64_t due_ns;
    uint64_t answered_seq; /* where the matcher was that sent it to execlog */
    int64_t stuck_ns;      /* since when who it is for has no room; 0: it has */
} chase;

struct follow_table {
    follow_options options;
    follow_handlers handlers;
    feed *feeds;
    follower *followers;
    chase *chases;
    uint32_t *first_of_client;
    uint32_t feeds_reached, followers_reached, chases_reached;
    uint32_t free_feeds, free_followers, free_chases; /* numbers of free slots below the reached ones */
    uint32_t chases_due;                              /* neither asking nor ended */
    uint32_t turn;                                    /* the chase that is looked at first for a question */
    uint64_t heard[ORDER_MOST_SHARDS + 1];            /* by shard: the leader was there */
    follow_stats stats;
};

follow_table *follow_alloc(const follow_options *options, const follow_handlers *handlers) {
    follow_table *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->options = *options;
    self->handlers = *handlers;
    self->feeds = calloc(options->max_feeds, sizeof *self->feeds);
    self->followers = calloc(options->max_followers, sizeof *self->followers);
    self->chases = calloc(options->max_chases, sizeof *self->chases);
    self->first_of_client = malloc(options->max_clients * sizeof *self->first_of_client);
    if (self->feeds == NULL || self->followers == NULL || self->chases == NULL || self->first_of_client == NULL) {
        follow_free(self);
        return NULL;
    }
    for (uint32_t i = 0; i < options->max_clients; i++)
        self->first_of_client[i] = NONE;
    return self;
}

void follow_free(follow_table *self) {
    if (self == NULL) return;
    free(self->feeds);
    free(self->followers);
    free(self->chases);
    free(self->first_of_client);
    free(self);
}

static bool is_after(position a, position b) {
    return a.seq > b.seq || (a.seq == b.seq && a.n > b.n);
}

/* ---- slots: a free one below what was reached, or the next ---- */

#define TAKE_SLOT(self, items, reached, free_count, most, number)                                                  \
    do {                                                                                                           \
        (number) = NONE;                                                                                           \
        if ((self)->free_count > 0) {                                                                              \
            (number) = 0;                                                                                          \
            while ((self)->items[number].used)                                                                     \
                (number)++;                                                                                        \
            (self)->free_count--;                                                                                  \
        } else if ((self)->reached < (most)) {                                                                     \
            (number) = (self)->reached++;                                                                          \
        }                                                                                                          \
    } while (0)

/* ---- chases ---- */

/* `follower` NONE: for all. NONE comes back where there is no room. */
static uint32_t start_chase(follow_table *self, uint32_t of_feed, uint32_t of_follower, uint32_t shard, position at,
                            int64_t now_ns) {
    uint32_t number;
    TAKE_SLOT(self, chases, chases_reached, free_chases, self->options.max_chases, number);
    if (number == NONE) return NONE;
    const shard_state *state = &self->feeds[of_feed].shards[shard];
    self->chases[number] = (chase){.used = true,
                                   .passed_seq = state->known ? state->last.seq : 0, /* an older answer is none */
                                   .feed = of_feed,
                                   .follower = of_follower,
                                   .shard = shard,
                                   .next_of_follower = NONE,
                                   .at = at,
                                   .due_ns = now_ns};
    if (of_follower != NONE) {
        follower *who = &self->followers[of_follower];
        self->chases[number].next_of_follower = who->first_chase;
        who->first_chase = number;
    } else {
        self->feeds[of_feed].shards[shard].chase = number;
    }
    self->stats.chases++;
    self->chases_due++;
    return number;
}

static void free_chase(follow_table *self, uint32_t number) {
    chase *c = &self->chases[number];
    if (!c->asking && !c->ended) self->chases_due--;
    *c = (chase){0};
    self->free_chases++;
    self->stats.chases--;
}

/* Something was missed while it runs. A question that is still to be asked will bring it. */
static void ask_again(chase *c) {
    if (c->asking) c->again = true;
}

/* Off its list; the slot stays while an answer is under way. */
static void drop_chase(follow_table *self, uint32_t number) {
    chase *c = &self->chases[number];
    if (c->follower == NONE) {
        self->feeds[c->feed].shards[c->shard].chase = NONE;
    } else {
        uint32_t *link = &self->followers[c->follower].first_chase;
        while (*link != number)
            link = &self->chases[*link].next_of_follower;
        *link = c->next_of_follower;
    }
    if (c->asking)
        c->abandoned = true;
    else
        free_chase(self, number);
}

static uint32_t own_chase(const follow_table *self, uint32_t of_follower, uint32_t shard) {
    uint32_t number = self->followers[of_follower].first_chase;
    while (number != NONE && self->chases[number].shard != shard)
        number = self->chases[number].next_of_follower;
    return number;
}

/* It gets what all get: it has no chase that still runs. */
static bool is_of_all(const follow_table *self, uint32_t of_follower, uint32_t shard) {
    uint32_t own = own_chase(self, of_follower, shard);
    return own == NONE || self->chases[own].ended;
}

/* ---- feeds and followers ---- */

static uint32_t find_feed(const follow_table *self, const char *account) {
    for (uint32_t i = 0; i < self->feeds_reached; i++)
        if (self->feeds[i].used && strcmp(self->feeds[i].account, account) == 0) return i;
    return NONE;
}

static uint32_t open_feed(follow_table *self, const char *account) {
    uint32_t number;
    TAKE_SLOT(self, feeds, feeds_reached, free_feeds, self->options.max_feeds, number);
    if (number == NONE) return NONE;
    feed *f = &self->feeds[number];
    *f = (feed){.used = true, .first_follower = NONE};
    for (uint32_t shard = 0; shard <= ORDER_MOST_SHARDS; shard++) {
        f->shards[shard].chase = NONE;
        f->shards[shard].base = self->heard[shard];
    }
    tw_text_copy(f->account, sizeof f->account, account);
    self->stats.feeds++;
    self->handlers.listen(self->handlers.context, number, f->account);
    return number;
}

static void close_feed(follow_table *self, uint32_t number) {
    feed *f = &self->feeds[number];
    self->handlers.unlisten(self->handlers.context, number, f->account);
    for (uint32_t shard = 1; shard <= ORDER_MOST_SHARDS; shard++)
        if (f->shards[shard].chase != NONE) drop_chase(self, f->shards[shard].chase);
    f->used = false;
    self->free_feeds++;
    self->stats.feeds--;
}

static uint32_t find_follower(const follow_table *self, uint32_t client, const char *account) {
    uint32_t number = self->first_of_client[client];
    while (number != NONE && strcmp(self->feeds[self->followers[number].feed].account, account) != 0)
        number = self->followers[number].next_of_client;
    return number;
}

bool follow_has(const follow_table *self, uint32_t client, const char *account) {
    return find_follower(self, client, account) != NONE;
}

static uint32_t add_follower(follow_table *self, uint32_t client, uint32_t of_feed) {
    uint32_t number;
    TAKE_SLOT(self, followers, followers_reached, free_followers, self->options.max_followers, number);
    if (number == NONE) return NONE;
    self->followers[number] = (follower){.used = true,
                                         .client = client,
                                         .feed = of_feed,
                                         .next_of_feed = self->feeds[of_feed].first_follower,
                                         .next_of_client = self->first_of_client[client],
                                         .first_chase = NONE};
    self->feeds[of_feed].first_follower = number;
    self->first_of_client[client] = number;
    self->stats.followers++;
    return number;
}

static void remove_follower(follow_table *self, uint32_t number) {
    follower *who = &self->followers[number];
    feed *f = &self->feeds[who->feed];
    uint32_t of_feed = who->feed;
    while (who->first_chase != NONE)
        drop_chase(self, who->first_chase);
    uint32_t *link = &f->first_follower;
    while (*link != number)
        link = &self->followers[*link].next_of_feed;
    *link = who->next_of_feed;
    for (link = &self->first_of_client[who->client]; *link != number;)
        link = &self->followers[*link].next_of_client;
    *link = who->next_of_client;
    who->used = false;
    self->free_followers++;
    self->stats.followers--;
    if (f->first_follower == NONE) close_feed(self, of_feed);
}

bool follow_add(follow_table *self, uint32_t client, const char *account, const follow_position *from,
                uint32_t count, int64_t now_ns) {
    uint32_t number = find_follower(self, client, account);
    if (number == NONE) {
        uint32_t of_feed = find_feed(self, account);
        if (of_feed == NONE) of_feed = open_feed(self, account);
        if (of_feed == NONE) return false;
        number = add_follower(self, client, of_feed);
        if (number == NONE && self->feeds[of_feed].first_follower == NONE) close_feed(self, of_feed);
        if (number == NONE) return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (from[i].shard == 0 || from[i].shard > ORDER_MOST_SHARDS) continue;
        uint32_t before = own_chase(self, number, from[i].shard);
        if (before != NONE) drop_chase(self, before);
        position at = {.seq = from[i].seq, .n = from[i].n};
        if (start_chase(self, self->followers[number].feed, number, from[i].shard, at, now_ns) != NONE) continue;
        remove_follower(self, number); /* better nothing than a hole */
        return false;
    }
    return true;
}

bool follow_remove(follow_table *self, uint32_t client, const char *account) {
    uint32_t number = find_follower(self, client, account);
    if (number != NONE) remove_follower(self, number);
    return number != NONE;
}

void follow_remove_all(follow_table *self, uint32_t client) {
    while (self->first_of_client[client] != NONE)
        remove_follower(self, self->first_of_client[client]);
}

const char *follow_next(const follow_table *self, uint32_t client, uint32_t *cursor) {
    *cursor = *cursor == NONE ? self->first_of_client[client] : self->followers[*cursor].next_of_client;
    return *cursor == NONE ? NULL : self->feeds[self->followers[*cursor].feed].account;
}

/* ---- reports ---- */

static void deliver(follow_table *self, uint32_t to, uint32_t shard, const wire_report *report,
                    const void *message) {
    const follower *who = &self->followers[to];
    self->stats.delivered++;
    self->handlers.deliver(self->handlers.context, who->client, self->feeds[who->feed].account, shard, report,
                           message);
}

/* To all that have no chase of their own; who has one that has ended gets what that did not have. */
static void deliver_to_all(follow_table *self, uint32_t of_feed, uint32_t shard, const wire_report *report,
                           const void *message) {
    position at = {.seq = report->seq, .n = report->n};
    for (uint32_t i = self->feeds[of_feed].first_follower; i != NONE; i = self->followers[i].next_of_feed) {
        uint32_t own = own_chase(self, i, shard);
        if (own != NONE && !self->chases[own].ended) {
            if (at.seq > self->chases[own].passed_seq) self->chases[own].passed_seq = at.seq;
            continue;
        }
        if (own != NONE && !is_after(at, self->chases[own].at)) continue; /* it had that in a page */
        if (own != NONE) drop_chase(self, own);
        deliver(self, i, shard, report, message);
    }
}

void follow_take_live(follow_table *self, uint32_t of_feed, uint32_t shard, uint64_t term,
                      const wire_report *report, const void *message, int64_t now_ns) {
    if (shard == 0 || shard > ORDER_MOST_SHARDS || !self->feeds[of_feed].used) return;
    shard_state *state = &self->feeds[of_feed].shards[shard];
    position at = {.seq = report->seq, .n = report->n};
    bool other_leader = state->term != 0 && term > state->term;
    if (term > state->term) state->term = term;
    /* What the old leader had not told any more lies between the last report and this one. */
    if (other_leader && state->known && state->chase == NONE)
        start_chase(self, of_feed, NONE, shard, state->last, now_ns);
    else if (other_leader && state->chase != NONE)
        ask_again(&self->chases[state->chase]);
    if (state->known && !is_after(at, state->last)) {
        self->stats.duplicates++;
        return;
    }
    if (state->chase != NONE) {
        chase *all = &self->chases[state->chase];
        if (at.seq > all->passed_seq) all->passed_seq = at.seq;
        return;
    }
    state->known = true;
    state->last = at;
    state->last_term = term;
    deliver_to_all(self, of_feed, shard, report, message);
}

void follow_heard(follow_table *self, uint32_t shard, uint64_t seq) {
    if (shard > 0 && shard <= ORDER_MOST_SHARDS) self->heard[shard] = seq;
}

static void tell_lost(follow_table *self, uint32_t of_follower, const follow_loss *loss, follow_on_lost lost,
                      void *context) {
    const follower *who = &self->followers[of_follower];
    self->stats.lost++;
    lost(context, who->client, self->feeds[who->feed].account, loss);
}

/* Nothing of this shard was ever passed on to all: each follower goes on where its own pages ended, who has none where it began. */
static void reopen_own(follow_table *self, uint32_t of_feed, uint32_t shard, follow_on_lost lost, void *context,
                       int64_t now_ns) {
    const follow_loss unknown = {.after = {.shard = shard},
                                 .why = "the bus was away, and no report of this shard had come before"};
    uint64_t base = self->feeds[of_feed].shards[shard].base;
    bool begins = false;
    for (uint32_t i = self->feeds[of_feed].first_follower; i != NONE; i = self->followers[i].next_of_feed) {
        uint32_t own = own_chase(self, i, shard);
        if (own == NONE && base > 0) {
            begins = true;
        } else if (own == NONE) {
            tell_lost(self, i, &unknown, lost, context);
        } else if (self->chases[own].ended) {
            self->chases[own].ended = false;
            self->chases[own].due_ns = now_ns;
            self->chases_due++;
        } else {
            ask_again(&self->chases[own]);
        }
    }
    uint32_t all = self->feeds[of_feed].shards[shard].chase;
    if (all != NONE)
        ask_again(&self->chases[all]);
    else if (begins)
        start_chase(self, of_feed, NONE, shard, (position){base, UINT32_MAX}, now_ns);
}

void follow_missed(follow_table *self, uint32_t shards, follow_on_lost lost, void *context, int64_t now_ns) {
    if (shards > ORDER_MOST_SHARDS) shards = ORDER_MOST_SHARDS;
    for (uint32_t i = 0; i < self->feeds_reached; i++)
        for (uint32_t shard = 1; self->feeds[i].used && shard <= shards; shard++) {
            shard_state *state = &self->feeds[i].shards[shard];
            if (!state->known)
                reopen_own(self, i, shard, lost, context, now_ns);
            else if (state->chase == NONE)
                start_chase(self, i, NONE, shard, state->last, now_ns);
            else
                ask_again(&self->chases[state->chase]);
        }
}

/* ---- other numbers ---- */

/* What it has had, of the old numbers. False: nothing. */
static bool had_last(const follow_table *self, uint32_t of_follower, uint32_t shard, follow_loss *loss) {
    const shard_state *state = &self->feeds[self->followers[of_follower].feed].shards[shard];
    uint32_t own = own_chase(self, of_follower, shard);
    position at = own != NONE ? self->chases[own].at : state->last;
    if (own == NONE && !state->known) return false;
    loss->after = (follow_position){.shard = shard, .seq = at.seq, .n = at.n};
    return true;
}

/* All of the new numbers is news, but for what the new leader has told already. */
static void begin_anew(follow_table *self, uint32_t of_feed, uint32_t shard, uint64_t term, follow_on_lost lost,
                       void *context, int64_t now_ns) {
    shard_state *state = &self->feeds[of_feed].shards[shard];
    bool told = state->known && state->last_term >= term;
    const position begin = told ? state->last : (position){0, UINT32_MAX};
    for (uint32_t i = self->feeds[of_feed].first_follower; i != NONE; i = self->followers[i].next_of_feed) {
        follow_loss loss = {.after = {.shard = shard},
                            .to_seq = begin.seq,
                            .why = "the venue was begun anew, and its inputs are numbered from 1 again"};
        uint32_t own = own_chase(self, i, shard);
        loss.known = had_last(self, i, shard, &loss);
        tell_lost(self, i, &loss, lost, context);
        if (own != NONE) drop_chase(self, own);
    }
    if (state->chase != NONE) drop_chase(self, state->chase);
    state->known = true;
    state->last = begin;
    state->base = 0;
    start_chase(self, of_feed, NONE, shard, begin, now_ns);
}

void follow_anew(follow_table *self, uint32_t shard, uint64_t term, follow_on_lost lost, void *context,
                 int64_t now_ns) {
    if (shard == 0 || shard > ORDER_MOST_SHARDS) return;
    for (uint32_t i = 0; i < self->feeds_reached; i++)
        if (self->feeds[i].used) begin_anew(self, i, shard, term, lost, context, now_ns);
}

/* ---- questions ---- */

int64_t follow_due_ns(const follow_table *self) {
    int64_t due_ns = INT64_MAX;
    for (uint32_t i = 0; self->chases_due > 0 && i < self->chases_reached; i++) {
        const chase *c = &self->chases[i];
        if (c->used && !c->asking && !c->ended && c->due_ns < due_ns) due_ns = c->due_ns;
    }
    return due_ns;
}

static bool has_room(const follow_table *self, uint32_t of_follower) {
    return self->handlers.has_room(self->handlers.context, self->followers[of_follower].client);
}

static bool all_have_room(const follow_table *self, const chase *c) {
    if (self->handlers.has_room == NULL) return true;
    if (c->follower != NONE) return has_room(self, c->follower);
    for (uint32_t i = self->feeds[c->feed].first_follower; i != NONE; i = self->followers[i].next_of_feed)
        if (is_of_all(self, i, c->shard) && !has_room(self, i)) return false;
    return true;
}

/* Who never reads is given more in the end, and may be closed for it: others may wait for the same chase. */
static bool may_take(follow_table *self, chase *c, int64_t now_ns) {
    if (all_have_room(self, c)) {
        c->stuck_ns = 0;
        return true;
    }
    if (c->stuck_ns == 0) c->stuck_ns = now_ns;
    return now_ns - c->stuck_ns >= self->options.patience_ns;
}

bool follow_may_take(follow_table *self, uint32_t number, int64_t now_ns) {
    return may_take(self, &self->chases[number], now_ns);
}

static uint64_t inputs_behind(const follow_table *self, const chase *c) {
    uint64_t heard = self->heard[c->shard] > c->answered_seq ? self->heard[c->shard] : c->answered_seq;
    return heard > c->at.seq ? heard - c->at.seq : 0;
}

bool follow_next_question(follow_table *self, int64_t now_ns, follow_question *question) {
    for (uint32_t looked = 0; self->chases_due > 0 && looked < self->chases_reached; looked++) {
        uint32_t i = (self->turn + looked) % self->chases_reached;
        chase *c = &self->chases[i];
        if (!c->used || c->asking || c->ended || c->due_ns > now_ns) continue;
        if (!may_take(self, c, now_ns)) {
            c->due_ns = now_ns + self->options.retry_ns / 10;
            continue;
        }
        c->asking = true;
        self->chases_due--;
        self->turn = i + 1;
        *question = (follow_question){.chase = i,
                                      .behind = inputs_behind(self, c),
                                      .shard = c->shard,
                                      .after = c->at.seq,
                                      .after_n = c->at.n,
                                      .client = c->follower == NONE ? NONE : self->followers[c->follower].client,
                                      .in_log = c->in_log,
                                      .account = self->feeds[c->feed].account};
        return true;
    }
    return false;
}

void follow_take_page(follow_table *self, uint32_t number, const wire_report *report, const void *message) {
    chase *c = &self->chases[number];
    position at = {.seq = report->seq, .n = report->n};
    if (c->abandoned || !is_after(at, c->at)) return;
    c->at = at;
    c->given_up = NULL;
    self->stats.chased++;
    if (c->follower != NONE) {
        deliver(self, c->follower, c->shard, report, message);
        return;
    }
    shard_state *state = &self->feeds[c->feed].shards[c->shard];
    state->known = true;
    state->last = at;
    deliver_to_all(self, c->feed, c->shard, report, message);
}

void follow_pass_page(follow_table *self, uint32_t number, uint64_t seq, uint32_t n) {
    chase *c = &self->chases[number];
    position to = {.seq = seq, .n = n};
    if (!c->abandoned && is_after(to, c->at)) c->at = to;
}

/* It is nobody's any more, or to be asked again. */
static bool answered(follow_table *self, uint32_t number, int64_t due_ns) {
    chase *c = &self->chases[number];
    c->asking = false;
    c->due_ns = due_ns;
    self->chases_due++;
    if (!c->abandoned) return true;
    free_chase(self, number);
    return false;
}

void follow_end_page(follow_table *self, uint32_t number, uint64_t seq, bool more, int64_t now_ns) {
    chase *c = &self->chases[number];
    if (!answered(self, number, now_ns)) return;
    c->is_short = false;
    if (more) return;
    if (c->again) {
        c->again = false;
        return;
    }
    if (c->passed_seq > seq) { /* the answer was made before a report that was passed over */
        c->due_ns = now_ns + self->options.retry_ns / 10;
        return;
    }
    if (c->follower == NONE) {
        drop_chase(self, number);
        return;
    }
    c->ended = true;
    self->chases_due--;
}

static void tell_all_lost(follow_table *self, const chase *c, const follow_loss *loss, follow_on_lost lost,
                          void *context) {
    if (c->follower != NONE) {
        tell_lost(self, c->follower, loss, lost, context);
        return;
    }
    for (uint32_t i = self->feeds[c->feed].first_follower; i != NONE; i = self->followers[i].next_of_feed)
        if (is_of_all(self, i, c->shard)) tell_lost(self, i, loss, lost, context);
}

/* The numbers of those that all have had are no better where theirs are beyond it, too: that is for their own chase to find out. */
static void go_on_behind(follow_table *self, chase *c, uint64_t seq, int64_t now_ns) {
    shard_state *state = &self->feeds[c->feed].shards[c->shard];
    c->is_short = false;
    c->at = (position){.seq = seq, .n = UINT32_MAX};
    c->passed_seq = c->lost_to = 0;
    c->due_ns = now_ns;
    if (c->follower == NONE) {
        state->known = true;
        state->last = c->at;
    } else if (state->known && state->last.seq > seq && state->chase == NONE) {
        start_chase(self, c->feed, NONE, c->shard, state->last, now_ns);
    }
}

void follow_end_short(follow_table *self, uint32_t number, uint64_t seq, follow_on_lost lost, void *context,
                      int64_t now_ns) {
    chase *c = &self->chases[number];
    if (!answered(self, number, now_ns + self->options.retry_ns / 10)) return;
    if (!c->is_short) c->short_ns = now_ns;
    c->is_short = true;
    if (now_ns - c->short_ns < self->options.doubt_ns) return;
    const follow_loss loss = {.known = true,
                              .after = {c->shard, c->at.seq, c->at.n},
                              .to_seq = seq,
                              .why = "the venue has not come so far: it was begun anew, or the position is of "
                                     "another venue"};
    tell_all_lost(self, c, &loss, lost, context);
    go_on_behind(self, c, seq, now_ns);
}

void follow_fail(follow_table *self, uint32_t number, int64_t now_ns) {
    answered(self, number, now_ns + self->options.retry_ns);
}

/* ---- execlog ---- */

void follow_behind(follow_table *self, uint32_t number, uint64_t seq, int64_t now_ns) {
    if (!answered(self, number, now_ns)) return;
    self->chases[number].answered_seq = seq;
    self->chases[number].in_log = true;
}

void follow_end_log(follow_table *self, uint32_t number, uint64_t seq, int64_t now_ns) {
    position to = {.seq = seq, .n = UINT32_MAX};
    if (!answered(self, number, now_ns)) return;
    chase *c = &self->chases[number];
    c->in_log = false;
    if (is_after(to, c->at)) c->at = to;
}

void follow_give_up_log(follow_table *self, uint32_t number, const char *why, int64_t now_ns) {
    if (!answered(self, number, now_ns)) return;
    self->chases[number].in_log = false;
    self->chases[number].given_up = why;
}

const char *follow_log_given_up(const follow_table *self, uint32_t number) {
    return self->chases[number].given_up;
}

bool follow_is_abandoned(const follow_table *self, uint32_t number) {
    return self->chases[number].abandoned;
}

void follow_lost(follow_table *self, uint32_t number, uint64_t to_seq, const char *why, follow_on_lost lost,
                 void *context) {
    chase *c = &self->chases[number];
    follow_loss loss = {.known = true, .after = {c->shard, c->at.seq, c->at.n}, .to_seq = to_seq, .why = why};
    if (c->abandoned || to_seq <= c->lost_to) return;
    c->lost_to = to_seq;
    tell_all_lost(self, c, &loss, lost, context);
}

follow_stats follow_read_stats(const follow_table *self) {
    return self->stats;
}
