/* What the auditor's files share: its books. auditor_books.c keeps them, auditor.c judges reports by them, auditor_questions.c the engine. */
#ifndef TICKWIRE_TESTS_MATCHER_AUDITOR_INTERNAL_H
#define TICKWIRE_TESTS_MATCHER_AUDITOR_INTERNAL_H

#include "tests/matcher/auditor.h"

enum { AU_ACCOUNTS = 32, AU_INSTRUMENTS = 8, AU_BUCKETS = 1024, AU_TOUCHED = 64 };

typedef enum au_place { AU_IN_BOOK, AU_WAITING, AU_IN_HAND } au_place;

typedef struct au_order au_order;
struct au_order {
    uint64_t id;
    uint32_t account, instrument;
    uint8_t side, type, tif, stp;
    bool post_only, triggered;
    bool reached; /* waits, and a trade was at its stop price: since then, or while what it reached is still held */
    au_place place;
    int64_t limit, stop_price, expire_ns;
    uint64_t total, leaves, shown, executed, display, minimum, session;
    mx_money paid;
    mx_client_id client_id;
    uint64_t joined;
    au_order *before, *after; /* in its queue: all prices of a side */
    au_order *next_alike;     /* in its bucket */
};

typedef struct au_queue {
    au_order *first, *last;
} au_queue;

typedef struct au_level {
    uint32_t instrument;
    unsigned side;
    int64_t price;
} au_level;

typedef struct au_holding {
    int64_t quantity;
    mx_money paid; /* for buys, less what sales brought; fees apart */
    uint64_t open[2];
} au_holding;

typedef struct au_account {
    mx_money spent, fees, reserved;
    uint32_t open_orders;
    uint8_t fee_class;
} au_account;

typedef struct au_instrument {
    uint8_t state;
    int64_t last;
    int64_t low, high; /* of trades since all stops that they reached have gone; low > high: none */
    uint64_t bought, sold;
    int64_t held;          /* sum of all positions */
    au_queue queues[2][2]; /* by au_place, side */
} au_instrument;

/* What the command under way touched. `much`: more than there is room for, look at everything. */
typedef struct au_touched {
    uint32_t level_count, order_count;
    uint32_t accounts;                 /* bits */
    uint32_t holdings[AU_INSTRUMENTS]; /* bits by account */
    bool much;
    au_level levels[AU_TOUCHED]; /* from here on only as many as are counted mean anything */
    uint64_t orders[AU_TOUCHED];
} au_touched;

struct auditor {
    au_order *buckets[AU_BUCKETS];
    au_order *spare;
    au_instrument instruments[AU_INSTRUMENTS];
    au_account accounts[AU_ACCOUNTS];
    au_holding holdings[AU_ACCOUNTS][AU_INSTRUMENTS];
    mx_fees fees[MX_FEE_CLASSES];
    mx_money cash; /* of all accounts, fees apart */
    bool day_open;
    uint32_t open_orders;
    uint64_t joins, fills, most_open;
    /* the input and command under way */
    const mx_command *command;
    uint64_t seq;
    uint32_t next_n;
    int64_t now_ns;
    au_order *in_hand;    /* has come or come back, and stands in no queue yet */
    au_order *refresh[2]; /* icebergs whose next part must be reported now */
    uint32_t refreshes;
    uint64_t ended; /* by this command's kill or mass cancel */
    au_touched touched;
    mx_order_view views[8192];
};

/* auditor_books.c */
au_order *au_find(const auditor *a, uint64_t id);
au_order *au_open(auditor *a, const mx_new_order *o, int64_t limit);
void au_close(auditor *a, au_order *x);                /* out of its queue, too */
void au_join(auditor *a, au_order *x, au_place place); /* behind all that are as good */
void au_leave(auditor *a, au_order *x);
void au_refresh(auditor *a, au_order *x); /* an iceberg's next part */
/* Quantity, limit or place is about to change, and has changed: what the order reserves. */
void au_release(auditor *a, au_order *x);
void au_reserve(auditor *a, au_order *x);
void au_trade(auditor *a, au_order *x, int64_t price, uint64_t quantity, mx_money fee);
void au_trade_noted(auditor *a, uint32_t instrument, int64_t price);
void au_touch(auditor *a, const au_order *x);
au_order *au_first(const auditor *a, uint32_t instrument, au_place place, unsigned side);
void au_stops_gone(au_instrument *where);
bool au_is_stop(uint8_t type);
bool au_waits(const au_order *x);                    /* a stop that is not triggered, wherever it stands */
uint64_t au_shows(const au_order *x, uint64_t most); /* of what is left */

/* auditor_questions.c */
const char *au_compare_touched(auditor *a, const mx_engine *engine);

#define RULE(holds, text)                                                                                          \
    do {                                                                                                           \
        if (!(holds)) return text;                                                                                 \
    } while (0)
#define RULES(call)                                                                                                \
    do {                                                                                                           \
        const char *broken_ = (call);                                                                              \
        if (broken_ != NULL) return broken_;                                                                       \
    } while (0)

#endif
