/* The receiver's state machine. Asking for snapshots is resync.c's job, feed state is feed_watch.c's. */
#include "client/receiver.h"

#include <string.h>

#include "base/assert.h"
#include "base/text.h"

const char *receiver_outcome_name(receiver_outcome outcome) {
    static const char *const names[] = {"APPLIED",          "APPLIED_SNAPSHOT", "STATE_ONLY",    "DUPLICATE",
                                        "IGNORED_SNAPSHOT", "DROPPED_OLD_TERM", "NEED_SNAPSHOT", "HELD",
                                        "CHECKSUM_FAULT",   "REFUSED"};
    return (size_t)outcome < sizeof names / sizeof *names ? names[outcome] : "?";
}

void receiver_book_init(receiver_book *book) {
    *book = (receiver_book){.wait = RECEIVER_WAIT_FIRST};
    hold_chain_init(&book->held);
}

void receiver_book_fini(receiver_book *book, receiver_hold *hold) {
    hold_chain_clear(hold, &book->held);
}

/* ---- one side of a book ---- */

static bool is_better(tw_side side, int64_t a, int64_t b) {
    return side == TW_BID ? a > b : a < b;
}

/* Where `price` stands or would stand. */
static uint32_t find_rank(tw_side side, const tw_level *levels, uint32_t count, int64_t price) {
    uint32_t rank = 0;
    while (rank < count && is_better(side, levels[rank].price, price))
        rank++;
    return rank;
}

static void remove_level(tw_level *levels, uint32_t *count, uint32_t rank) {
    memmove(levels + rank, levels + rank + 1, (*count - rank - 1) * sizeof *levels);
    --*count;
}

/* A level worse than a full side is not visible; a better one pushes the worst out. */
static void insert_level(tw_level *levels, uint32_t *count, uint32_t depth, uint32_t rank, tw_level level) {
    if (rank >= depth) return;
    if (*count >= depth) *count = depth - 1;
    memmove(levels + rank + 1, levels + rank, (*count - rank) * sizeof *levels);
    levels[rank] = level;
    ++*count;
}

/* Removals first: then inserting into a side of `depth` keeps the best of all, whatever the order of entries. */
static void apply_side(tw_side side, tw_level *levels, uint32_t *count, uint32_t depth, const tw_level *changes,
                       uint32_t change_count) {
    for (uint32_t i = 0; i < change_count; i++) {
        if (changes[i].quantity != 0) continue;
        uint32_t rank = find_rank(side, levels, *count, changes[i].price);
        if (rank < *count && levels[rank].price == changes[i].price) remove_level(levels, count, rank);
    }
    for (uint32_t i = 0; i < change_count; i++) {
        if (changes[i].quantity == 0) continue;
        uint32_t rank = find_rank(side, levels, *count, changes[i].price);
        if (rank < *count && levels[rank].price == changes[i].price)
            levels[rank] = changes[i];
        else
            insert_level(levels, count, depth, rank, changes[i]);
    }
    if (*count > depth) *count = depth;
}

/* ---- folding a message in ---- */

static bool makes_sense(const wire_book_update *update) {
    const wire_header *header = &update->header;
    if (update->depth == 0 || update->depth > TW_MAX_DEPTH) return false;
    if (header->snapshot) return update->bid_count <= update->depth && update->ask_count <= update->depth;
    return header->seq >= header->prev_seq && update->bid_count <= 2 * TW_MAX_DEPTH &&
           update->ask_count <= 2 * TW_MAX_DEPTH;
}

static void adopt_header(receiver_book *book, const wire_book_update *update) {
    book->header = update->header;
    book->depth = update->depth;
    book->merged = update->merged;
    book->checksum = update->checksum;
}

static bool checksum_holds(const receiver_book *book) {
    return wire_book_checksum(book->bids, book->bid_count, book->asks, book->ask_count, book->depth) ==
           book->checksum;
}

/* Puts a message's content into the levels. False: the checksum says that the book now differs. */
static bool fold(receiver_book *book, const wire_book_update *update, bool from_empty) {
    if (from_empty) book->bid_count = book->ask_count = 0;
    adopt_header(book, update);
    apply_side(TW_BID, book->bids, &book->bid_count, book->depth, update->bids, update->bid_count);
    apply_side(TW_ASK, book->asks, &book->ask_count, book->depth, update->asks, update->ask_count);
    book->has_base = checksum_holds(book);
    return book->has_base;
}

/* ---- what is the newest that was seen ---- */

static bool same_epoch(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

/* A new leader's word: what was held is of the old one. */
static void enter_term(receiver_book *book, receiver_hold *hold, const wire_header *header) {
    hold_chain_clear(hold, &book->held);
    book->heard = true;
    book->newest_term = header->term;
    book->newest_seq = header->seq;
    book->left_epoch[0] = '\0';
    book->epoch_doubt = false;
    tw_text_copy(book->newest_epoch, sizeof book->newest_epoch, header->epoch);
}

static void enter_epoch(receiver_book *book, receiver_hold *hold, const wire_header *header) {
    hold_chain_clear(hold, &book->held);
    tw_text_copy(book->left_epoch, sizeof book->left_epoch, book->newest_epoch);
    tw_text_copy(book->newest_epoch, sizeof book->newest_epoch, header->epoch);
    book->newest_seq = header->seq;
    book->epoch_doubt = false;
}

/* Notes that the message exists, whether or not it can be applied. */
static void note_newest(receiver_book *book, receiver_hold *hold, const wire_header *header) {
    if (header->term > book->newest_term || !book->heard)
        enter_term(book, hold, header);
    else if (!same_epoch(header->epoch, book->newest_epoch))
        enter_epoch(book, hold, header);
    else if (header->seq > book->newest_seq)
        book->newest_seq = header->seq;
}

static bool is_current(const receiver_book *book) {
    return book->has_base && !book->epoch_doubt && book->header.seq >= book->newest_seq &&
           same_epoch(book->header.epoch, book->newest_epoch);
}

/* ---- waiting ---- */

/* The first reason stays until the book is in sync again; a wrong checksum is the graver one. */
static receiver_outcome wait_for_snapshot(receiver_book *book, receiver_wait why) {
    bool asked_before = book->asked;
    if (why == RECEIVER_WAIT_CHECKSUM || book->wait == RECEIVER_WAIT_NOT || book->wait == RECEIVER_WAIT_DOUBT)
        book->wait = why;
    book->asked = true;
    if (why == RECEIVER_WAIT_CHECKSUM) return RECEIVER_CHECKSUM_FAULT;
    return asked_before ? RECEIVER_HELD : RECEIVER_NEED_SNAPSHOT;
}

/* What was waited for came and was not enough. */
static receiver_outcome ask_again(receiver_book *book) {
    wait_for_snapshot(book, RECEIVER_WAIT_CHAIN);
    return RECEIVER_NEED_SNAPSHOT;
}

static bool chains_on(const receiver_book *book, const wire_header *header) {
    return book->has_base && header->prev_seq == book->header.seq && same_epoch(header->epoch, book->header.epoch);
}

/* One walk over the held deltas, oldest first: applies what chains on, forgets what is not above mine or of
 * another epoch, keeps the rest. Returns deltas applied; stops at a wrong checksum. */
static uint32_t replay_once(receiver_book *book, receiver_hold *hold) {
    uint32_t applied = 0;
    uint64_t before = HOLD_NONE, next;
    for (uint64_t at = book->held.first; at != HOLD_NONE && book->has_base; at = next) {
        const wire_book_update *update = hold_chain_look(hold, at);
        next = hold_chain_after(hold, at);
        bool chained = chains_on(book, &update->header);
        bool old = update->header.seq <= book->header.seq || !same_epoch(update->header.epoch, book->header.epoch);
        if (chained) {
            applied++;
            fold(book, update, false);
        }
        if (chained || old)
            hold_chain_remove(hold, &book->held, before, at);
        else
            before = at;
    }
    return applied;
}

/* After something was folded in: is this the newest state known of? Held deltas may be out of order, so they are
 * walked until none chains on. */
static receiver_outcome settle(receiver_book *book, receiver_hold *hold, receiver_outcome outcome) {
    uint32_t applied = 1;
    while (applied > 0 && book->has_base && book->held.count > 0) {
        applied = replay_once(book, hold);
        book->replayed += applied;
    }
    if (!book->has_base) return wait_for_snapshot(book, RECEIVER_WAIT_CHECKSUM);
    if (!is_current(book)) return ask_again(book);
    book->wait = RECEIVER_WAIT_NOT;
    book->asked = false;
    return outcome;
}

/* ---- the rules ---- */

/* A snapshot of another epoch in the same term: a late one of the past, or the first word of a new epoch. */
static receiver_outcome doubt_epoch(receiver_book *book, const wire_header *header) {
    bool past = book->left_epoch[0] != '\0' && same_epoch(header->epoch, book->left_epoch);
    if (past && receiver_book_in_sync(book)) return RECEIVER_IGNORED_SNAPSHOT;
    if (!past) book->epoch_doubt = true;
    return ask_again(book);
}

static receiver_outcome take_snapshot(receiver_book *book, receiver_hold *hold, const wire_book_update *update) {
    const wire_header *header = &update->header;
    if (book->heard && header->term == book->newest_term && !book->epoch_doubt) {
        if (!same_epoch(header->epoch, book->newest_epoch)) return doubt_epoch(book, header);
        bool mine =
            book->has_base && header->term == book->header.term && same_epoch(header->epoch, book->header.epoch);
        if (receiver_book_in_sync(book) && header->seq <= book->header.seq) return RECEIVER_IGNORED_SNAPSHOT;
        if (mine && header->seq < book->header.seq) return ask_again(book);
    }
    note_newest(book, hold, header);
    book->epoch_doubt = false;
    fold(book, update, true);
    return settle(book, hold, RECEIVER_APPLIED_SNAPSHOT);
}

/* Whether or not the base survived: what was folded in once is not wanted again. */
static bool is_duplicate(const receiver_book *book, const wire_header *header) {
    return header->term == book->header.term && same_epoch(header->epoch, book->header.epoch) &&
           header->seq <= book->header.seq && (book->has_base || book->wait == RECEIVER_WAIT_CHECKSUM);
}

static bool goes_back(const receiver_book *book, const wire_header *header) {
    return header->term == book->newest_term && book->left_epoch[0] != '\0' &&
           same_epoch(header->epoch, book->left_epoch);
}

/* Of what is the rule: what is here is the newest, nothing is held, and this follows it. */
static bool is_next(const receiver_book *book, const wire_header *header) {
    return receiver_book_in_sync(book) && book->held.count == 0 && header->term == book->newest_term &&
           header->seq > header->prev_seq && chains_on(book, header);
}

static receiver_outcome take_delta(receiver_book *book, receiver_hold *hold, const wire_book_update *update) {
    const wire_header *header = &update->header;
    if (is_next(book, header)) {
        book->newest_seq = header->seq;
        return fold(book, update, false) ? RECEIVER_APPLIED : wait_for_snapshot(book, RECEIVER_WAIT_CHECKSUM);
    }
    if (goes_back(book, header)) {
        bool doubted_before = book->epoch_doubt;
        book->epoch_doubt = true;
        wait_for_snapshot(book, RECEIVER_WAIT_CHAIN);
        return doubted_before ? RECEIVER_HELD : RECEIVER_NEED_SNAPSHOT;
    }
    bool chained = chains_on(book, header);
    if (!chained && is_duplicate(book, header)) return RECEIVER_DUPLICATE;
    note_newest(book, hold, header);
    if (chained || header->prev_seq == 0) {
        bool state_only = chained && header->seq == header->prev_seq;
        fold(book, update, !chained);
        return settle(book, hold, state_only ? RECEIVER_STATE_ONLY : RECEIVER_APPLIED);
    }
    hold_chain_push(hold, &book->held, update, RECEIVER_MAX_HELD);
    return wait_for_snapshot(book, RECEIVER_WAIT_CHAIN);
}

receiver_outcome receiver_book_take(receiver_book *book, receiver_hold *hold, const wire_book_update *update) {
    book->replayed = 0;
    if (!makes_sense(update)) return RECEIVER_REFUSED;
    if (update->header.term < book->newest_term) return RECEIVER_DROPPED_OLD_TERM;
    return update->header.snapshot ? take_snapshot(book, hold, update) : take_delta(book, hold, update);
}

void receiver_book_doubt(receiver_book *book) {
    if (book->wait == RECEIVER_WAIT_NOT) book->wait = RECEIVER_WAIT_DOUBT;
    book->asked = true;
}

tw_book_state receiver_book_state(const receiver_book *book, tw_state_cause *cause) {
    static const tw_state_cause causes[] = {
        [RECEIVER_WAIT_FIRST] = TW_CAUSE_STARTING,
        [RECEIVER_WAIT_CHAIN] = TW_CAUSE_CHAIN_BROKEN,
        [RECEIVER_WAIT_CHECKSUM] = TW_CAUSE_CHECKSUM,
        [RECEIVER_WAIT_DOUBT] = TW_CAUSE_CHAIN_BROKEN,
    };
    if (receiver_book_in_sync(book) || book->header.state > TW_BOOK_RECOVERING) {
        *cause = book->header.cause;
        return book->header.state;
    }
    *cause = causes[book->wait];
    return TW_BOOK_RECOVERING;
}
