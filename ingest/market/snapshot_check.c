/* Compares a snapshot, message by message, with what the lines have told of the same session. */
#include "ingest/market/snapshot_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ingest/decode/itch50.h"

#define SYMBOL_BYTES 9u /* eight characters of ITCH and the end */

struct snapshot_check {
    const market *books;
    bool trusted;
    uint64_t next;
    bool contradicted;
    uint64_t directory; /* R messages */
    snapshot_check_counts counts;
    char symbols[INSTRUMENT_LOCATES][SYMBOL_BYTES]; /* by locate, of the lines; "" unknown */
    bool named[INSTRUMENT_LOCATES];                 /* by the snapshot */
};

/* ---- life ---- */

tw_code snapshot_check_alloc(snapshot_check **out, const market *books, tw_error *error) {
    *out = calloc(1, sizeof **out);
    if (*out == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to check snapshots");
    (*out)->books = books;
    (*out)->trusted = true;
    return TW_OK;
}

void snapshot_check_free(snapshot_check *check) {
    free(check);
}

void snapshot_check_reset(snapshot_check *check) {
    const market *books = check->books;
    memset(check, 0, sizeof *check);
    check->books = books;
    check->trusted = true;
}

void snapshot_check_trust(snapshot_check *check, bool trusted) {
    check->trusted = trusted;
}

/* ---- what the lines know ---- */

static void learn(snapshot_check *check) {
    const instruments *known = market_instruments(check->books);
    memset(check->symbols, 0, sizeof check->symbols);
    check->counts.known = 0;
    for (uint32_t locate = 1; locate < INSTRUMENT_LOCATES; locate++) {
        uint32_t instrument = instruments_by_locate(known, (uint16_t)locate);
        if (instrument == INSTRUMENT_NONE) continue;
        tw_text_copy(check->symbols[locate], SYMBOL_BYTES, known->entries[instrument].symbol);
        check->counts.known++;
    }
}

void snapshot_check_begin(snapshot_check *check, uint64_t next) {
    if (check->trusted) learn(check); /* else what was learnt before the snapshot that was none of this session */
    check->next = next;
    check->contradicted = false;
    check->directory = 0;
    check->counts = (snapshot_check_counts){
        .known = check->counts.known, .resting = check->trusted ? ob_books_orders(market_books(check->books)) : 0};
    memset(check->named, 0, sizeof check->named);
}

/* ---- the snapshot ---- */

/* The same symbol under another locate code: the lines gave it a code of its own in their directory. */
static bool has_other_locate(const snapshot_check *check, const char *stock, uint16_t locate) {
    const instruments *known = market_instruments(check->books);
    uint32_t instrument = check->trusted ? instruments_find(known, stock) : INSTRUMENT_NONE;
    if (instrument == INSTRUMENT_NONE) return false;
    uint16_t other = (uint16_t)known->entries[instrument].locate;
    return other != 0 && other != locate;
}

static void check_name(snapshot_check *check, const itch50_message *m) {
    const char *stock = itch50_stock(m), *known = check->symbols[m->locate];
    if (stock == NULL || m->locate == 0) return;
    if (known[0] != '\0' && strcmp(known, stock) != 0) check->contradicted = true;
    if (m->type != ITCH50_STOCK_DIRECTORY) return;
    if (has_other_locate(check, stock, m->locate)) check->contradicted = true;
    check->directory++;
    if (known[0] != '\0' && !check->named[m->locate]) check->counts.named++;
    check->named[m->locate] = true;
}

static void check_order(snapshot_check *check, const itch50_message *m) {
    ob_order resting;
    check->counts.orders++;
    if (!check->trusted) return;
    uint32_t instrument = instruments_by_locate(market_instruments(check->books), m->locate);
    if (instrument == INSTRUMENT_NONE) return;
    tw_side side = m->u.add.side == 'B' ? TW_BID : TW_ASK;
    if (ob_order_find(market_books(check->books), instrument, m->u.add.order_id, &resting) &&
        resting.side == side && resting.price == (int64_t)m->u.add.price)
        check->counts.found++;
}

void snapshot_check_message(snapshot_check *check, const uint8_t *bytes, size_t length) {
    itch50_message m;
    if (itch50_decode(bytes, length, &m) != ITCH50_OK) return; /* not for here: the feed counts it */
    check_name(check, &m);
    if (m.type == ITCH50_ADD_ORDER || m.type == ITCH50_ADD_ORDER_MPID) check_order(check, &m);
}

/* ---- the judgement ---- */

/* Each message from `next` up to where the snapshot joins may have taken an order away: from the snapshot, or from the
 * books before they were compared. */
static uint64_t most_missing(const snapshot_check *check, uint64_t join, uint64_t missed) {
    uint64_t between = join > check->next ? join - check->next : 0;
    return between > (UINT64_MAX - missed) / 2 ? UINT64_MAX : missed + 2 * between;
}

snapshot_doubt snapshot_check_judge(const snapshot_check *check, uint64_t join, uint64_t missed) {
    const snapshot_check_counts *c = &check->counts;
    if (check->contradicted) return SNAPSHOT_DOUBT_OTHER_DIRECTORY;
    if (check->directory == 0) return SNAPSHOT_DOUBT_NO_DIRECTORY;
    if ((c->known - c->named) * 10 > c->known) return SNAPSHOT_DOUBT_INSTRUMENTS;
    if (c->orders < (c->resting + 7) / 8) return SNAPSHOT_DOUBT_FEW_ORDERS;
    uint64_t gone = c->resting > c->found ? c->resting - c->found : 0;
    return gone > most_missing(check, join, missed) ? SNAPSHOT_DOUBT_OTHER_ORDERS : SNAPSHOT_DOUBT_NONE;
}

snapshot_check_counts snapshot_check_read(const snapshot_check *check) {
    return check->counts;
}

const char *snapshot_doubt_text(snapshot_doubt doubt) {
    static const char *const texts[] = {"",
                                        "it has other symbols than the lines",
                                        "it names no instrument",
                                        "instruments of the lines are not in it",
                                        "it has far fewer orders than the books",
                                        "orders of the books are not in it, more than missed messages explain"};
    return (size_t)doubt < sizeof texts / sizeof texts[0] ? texts[doubt] : "?";
}
