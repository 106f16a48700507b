/* The synthetic day keeps its promises: every message is replayed by a plain model that knows nothing of the
 * generator's own books. */
#include "base/bytes.h"
#include "base/crc32c.h"
#include "tests/unit.h"
#include "tools/simulate/session.h"

typedef struct replay_order {
    uint64_t id; /* 0: an empty slot */
    uint32_t price, shares;
    uint16_t locate;
    uint8_t side, gone;
} replay_order;

typedef struct replay_level {
    uint32_t price;
    uint64_t shares;
} replay_level;

#define REPLAY_LEVELS 256

typedef struct replay {
    replay_order *table;
    uint64_t slots;
    replay_level (*levels)[2][REPLAY_LEVELS]; /* by locate, unsorted, price 0: empty */
    char *state;                              /* by locate: the trading action */
    bool *named;
    uint64_t last_order, last_match, last_ns, live;
    uint64_t by_type[128];
    uint64_t *by_locate;
    uint32_t crc;
    bool check_time_priority;
    uint64_t seed;
} replay;

#define REPLAY_EXPECT(r, condition)                                                                                \
    EXPECT_MSG(condition, "seed %" PRIu64 ", message %" PRIu64 ": expected %s", (r)->seed, total(r), #condition)

static uint64_t total(const replay *r) {
    uint64_t sum = 0;
    for (int i = 0; i < 128; i++)
        sum += r->by_type[i];
    return sum;
}

static void replay_init(replay *r, const sim_options *options) {
    *r = (replay){.seed = options->seed, .slots = 1024};
    while (r->slots < options->messages * 2)
        r->slots *= 2;
    r->table = calloc(r->slots, sizeof *r->table);
    r->levels = calloc(options->symbols + 1u, sizeof *r->levels);
    r->state = calloc(options->symbols + 1u, 1);
    r->named = calloc(options->symbols + 1u, sizeof *r->named);
    r->by_locate = calloc(options->symbols + 1u, sizeof *r->by_locate);
    EXPECT(r->table != NULL && r->levels != NULL && r->state != NULL && r->named != NULL && r->by_locate != NULL);
}

static void replay_fini(replay *r) {
    free(r->table);
    free(r->levels);
    free(r->state);
    free(r->named);
    free(r->by_locate);
}

static replay_order *slot_of(replay *r, uint64_t id) {
    uint64_t slot = (id * UINT64_C(0x9E3779B97F4A7C15)) & (r->slots - 1);
    while (r->table[slot].id != 0 && r->table[slot].id != id)
        slot = (slot + 1) & (r->slots - 1);
    return &r->table[slot];
}

static void level_change(replay *r, uint16_t locate, uint8_t side, uint32_t price, int64_t shares) {
    replay_level *levels = r->levels[locate][side], *empty = NULL;
    for (uint32_t i = 0; i < REPLAY_LEVELS; i++) {
        if (levels[i].price == price) {
            levels[i].shares += (uint64_t)shares;
            if (levels[i].shares == 0) levels[i].price = 0;
            return;
        }
        if (levels[i].price == 0 && empty == NULL) empty = &levels[i];
    }
    REPLAY_EXPECT(r, empty != NULL && shares > 0);
    *empty = (replay_level){price, (uint64_t)shares};
}

static uint32_t best_of(const replay *r, uint16_t locate, uint8_t side) {
    uint32_t best = 0;
    for (uint32_t i = 0; i < REPLAY_LEVELS; i++) {
        uint32_t price = r->levels[locate][side][i].price;
        if (price != 0 && (best == 0 || (side == 0 ? price > best : price < best))) best = price;
    }
    return best;
}

static void expect_uncrossed(replay *r, uint16_t locate) {
    uint32_t bid = best_of(r, locate, 0), ask = best_of(r, locate, 1);
    EXPECT_MSG(bid == 0 || ask == 0 || bid < ask, "seed %" PRIu64 ", message %" PRIu64 ": locate %u bid %u ask %u",
               r->seed, total(r), locate, bid, ask);
}

static void order_enters(replay *r, uint16_t locate, uint64_t id, uint8_t side, uint32_t price, uint32_t shares) {
    REPLAY_EXPECT(r, id > r->last_order);
    r->last_order = id;
    REPLAY_EXPECT(r, shares > 0 && price > 0 && price <= 1999999900u);
    replay_order *order = slot_of(r, id);
    REPLAY_EXPECT(r, order->id == 0);
    *order = (replay_order){id, price, shares, locate, side, 0};
    level_change(r, locate, side, price, shares);
    r->live++;
    expect_uncrossed(r, locate);
}

static replay_order *order_known(replay *r, uint16_t locate, uint64_t id) {
    replay_order *order = slot_of(r, id);
    EXPECT_MSG(order->id == id && !order->gone,
               "seed %" PRIu64 ", message %" PRIu64 ": order %" PRIu64 " does not rest", r->seed, total(r), id);
    REPLAY_EXPECT(r, order->locate == locate);
    return order;
}

static void order_loses(replay *r, replay_order *order, uint32_t shares) {
    REPLAY_EXPECT(r, shares > 0 && shares <= order->shares);
    order->shares -= shares;
    level_change(r, order->locate, order->side, order->price, -(int64_t)shares);
    if (order->shares > 0) return;
    order->gone = 1;
    r->live--;
}

static void expect_first_in_line(replay *r, const replay_order *order) {
    REPLAY_EXPECT(r, order->price == best_of(r, order->locate, order->side));
    if (!r->check_time_priority) return;
    for (uint64_t i = 0; i < r->slots; i++) {
        const replay_order *other = &r->table[i];
        bool same_line = other->id != 0 && !other->gone && other->locate == order->locate &&
                         other->side == order->side && other->price == order->price;
        REPLAY_EXPECT(r, !same_line || other->id >= order->id);
    }
}

static void order_executes(replay *r, const itch50_message *m) {
    replay_order *order = order_known(r, m->locate, m->u.executed.order_id);
    expect_first_in_line(r, order);
    bool crossing = m->type == 'C' && m->u.executed.printable == 'N';
    REPLAY_EXPECT(r, r->state[m->locate] == 'T' || crossing);
    REPLAY_EXPECT(r, m->u.executed.match_id >= r->last_match);
    r->last_match = m->u.executed.match_id;
    order_loses(r, order, m->u.executed.shares);
}

static void order_moves(replay *r, const itch50_message *m) {
    replay_order *old = order_known(r, m->locate, m->u.replace.old_order_id);
    uint8_t side = old->side;
    order_loses(r, old, old->shares);
    order_enters(r, m->locate, m->u.replace.new_order_id, side, m->u.replace.price, m->u.replace.shares);
}

static void replay_message(replay *r, const itch50_message *m) {
    REPLAY_EXPECT(r, m->timestamp_ns >= r->last_ns);
    r->last_ns = m->timestamp_ns;
    r->by_type[m->type & 127]++;
    r->by_locate[m->locate]++;
    switch (m->type) {
    case 'R':
        REPLAY_EXPECT(r, !r->named[m->locate]);
        r->named[m->locate] = true;
        break;
    case 'H':
        r->state[m->locate] = m->u.trading_action.state;
        break;
    case 'A':
    case 'F':
        REPLAY_EXPECT(r, r->named[m->locate]);
        order_enters(r, m->locate, m->u.add.order_id, m->u.add.side == 'S', m->u.add.price, m->u.add.shares);
        break;
    case 'E':
    case 'C':
        order_executes(r, m);
        break;
    case 'X': {
        replay_order *order = order_known(r, m->locate, m->u.cancel.order_id);
        REPLAY_EXPECT(r, m->u.cancel.shares < order->shares);
        order_loses(r, order, m->u.cancel.shares);
        break;
    }
    case 'D': {
        replay_order *order = order_known(r, m->locate, m->u.deleted.order_id);
        order_loses(r, order, order->shares);
        break;
    }
    case 'U':
        order_moves(r, m);
        break;
    case 'P':
    case 'Q': {
        uint64_t match = m->type == 'P' ? m->u.trade.match_id : m->u.cross.match_id;
        REPLAY_EXPECT(r, match >= r->last_match);
        r->last_match = match;
        break;
    }
    default:
        break;
    }
}

/* Runs a whole day through encoder, decoder and replay. */
static void replay_day(replay *r, const sim_options *options) {
    sim_session *session;
    tw_error error = {0};
    EXPECT_MSG(sim_session_alloc(&session, options, &error) == TW_OK, "%s", error.text);
    itch50_message made, read;
    uint64_t count = 0;
    char last = 0;
    while (sim_next(session, &made)) {
        uint8_t bytes[ITCH50_MAX_MESSAGE_BYTES];
        size_t length = itch50_encode(&made, bytes);
        REPLAY_EXPECT(r, length == itch50_length(made.type) && itch50_decode(bytes, length, &read) == ITCH50_OK);
        REPLAY_EXPECT(r, count > 0 || (read.type == 'S' && read.u.system_event.code == 'O'));
        last = read.type == 'S' ? read.u.system_event.code : 0;
        r->crc = tw_crc32c(r->crc, bytes, length);
        replay_message(r, &read);
        count++;
    }
    EXPECT_U64(count, options->messages);
    EXPECT_I64(last, 'C');
    sim_stats stats = sim_session_stats(session);
    EXPECT_U64(stats.inconsistencies, 0);
    EXPECT_U64(stats.messages, count);
    EXPECT_U64(stats.live_orders, r->live);
    sim_session_free(session);
}

static uint32_t day_crc(uint64_t seed, uint32_t symbols, uint64_t messages) {
    sim_options options = {.seed = seed, .symbols = symbols, .messages = messages};
    replay r;
    replay_init(&r, &options);
    replay_day(&r, &options);
    replay_fini(&r);
    return r.crc;
}

TEST(simulate, the_same_seed_gives_the_same_bytes_and_another_seed_others) {
    EXPECT_U64(day_crc(7, 50, 20000), day_crc(7, 50, 20000));
    EXPECT(day_crc(7, 50, 20000) != day_crc(8, 50, 20000));
    EXPECT(day_crc(7, 50, 20000) != day_crc(7, 51, 20000));
}

TEST(simulate, every_day_has_exactly_the_messages_asked_for_whatever_its_size) {
    static const uint32_t symbols[] = {1, 2, 7, 16, 64, 100};
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        uint64_t minimum = sim_minimum_messages(symbols[i]);
        const uint64_t sizes[] = {minimum,       minimum + 1,    minimum + 17,
                                  minimum + 999, minimum + 2000, minimum + 5003};
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            day_crc(100 + k, symbols[i], sizes[k]);
    }
}

TEST(simulate, a_day_too_small_for_its_directory_is_refused_naming_the_minimum) {
    sim_session *session;
    tw_error error = {0};
    sim_options options = {.seed = 1, .symbols = 10, .messages = sim_minimum_messages(10) - 1};
    EXPECT_I64(sim_session_alloc(&session, &options, &error), TW_INVALID);
    EXPECT_CONTAINS(error.text, "at least 37");
    options = (sim_options){.seed = 1, .symbols = SIM_MAX_SYMBOLS + 1, .messages = 1000000};
    EXPECT_I64(sim_session_alloc(&session, &options, &error), TW_INVALID);
    EXPECT_CONTAINS(error.text, "10000");
}

TEST(simulate, executions_take_the_first_order_of_the_best_price_in_time_priority) {
    for (uint64_t seed = 1; seed <= 3; seed++) {
        sim_options options = {.seed = seed, .symbols = 5, .messages = 12000};
        replay r;
        replay_init(&r, &options);
        r.check_time_priority = true;
        replay_day(&r, &options);
        EXPECT(r.by_type['E'] > 200);
        replay_fini(&r);
    }
}

TEST(simulate, a_big_day_has_every_message_type_in_the_shares_of_a_real_feed) {
    sim_options options = {.seed = 3, .symbols = 1000, .messages = 1000000};
    replay r;
    replay_init(&r, &options);
    replay_day(&r, &options);
    for (const char *type = "SRHYLVKJhAFECXDUPQBINO"; *type != '\0'; type++)
        EXPECT_MSG(r.by_type[(int)*type] > 0, "no message of type %c", *type);
    static const struct {
        char type;
        uint32_t least, most; /* of 1000 messages */
    } mix[] = {{'A', 420, 470}, {'D', 370, 440}, {'U', 50, 100}, {'E', 40, 80}, {'X', 10, 20},
               {'F', 10, 20},   {'P', 10, 20},   {'C', 1, 12},   {'B', 0, 1}};
    for (size_t i = 0; i < sizeof mix / sizeof *mix; i++) {
        uint64_t per_mille = r.by_type[(int)mix[i].type] * 1000 / options.messages;
        EXPECT_MSG(per_mille >= mix[i].least && per_mille <= mix[i].most, "type %c is %" PRIu64 " of 1000",
                   mix[i].type, per_mille);
    }
    replay_fini(&r);
}

static int descending(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

TEST(simulate, activity_falls_off_as_one_over_rank) {
    sim_options options = {.seed = 11, .symbols = 100, .messages = 400000};
    replay r;
    replay_init(&r, &options);
    replay_day(&r, &options);
    qsort(r.by_locate + 1, options.symbols, sizeof *r.by_locate, descending);
    uint64_t first = r.by_locate[1];
    EXPECT(first > r.by_locate[10] * 6 && first < r.by_locate[10] * 16);
    EXPECT(first > r.by_locate[50] * 25);
    EXPECT(r.by_locate[60] > 0);
    replay_fini(&r);
}

TEST(simulate, ten_thousand_symbols_have_unique_names_and_whole_books) {
    sim_options options = {.seed = 5, .symbols = 10000, .messages = 300000};
    replay r;
    replay_init(&r, &options);
    replay_day(&r, &options);
    EXPECT_U64(r.by_type['R'], 10000);
    replay_fini(&r);

    sim_session *session;
    tw_error error = {0};
    EXPECT_I64(sim_session_alloc(&session, &options, &error), TW_OK);
    uint64_t *names = calloc(options.symbols, sizeof *names);
    uint32_t count = 0, in_order = 0;
    uint16_t last = 0;
    itch50_message message;
    while (sim_next(session, &message) && (message.type == 'R' || count == 0)) {
        if (message.type != 'R') continue;
        char text[ITCH50_STOCK_BYTES] = {0};
        for (int i = 0; i < 8 && message.u.directory.stock[i] != '\0'; i++)
            text[i] = message.u.directory.stock[i];
        EXPECT(text[0] >= 'A' && text[0] <= 'Z');
        names[count++] = tw_load_be64((const uint8_t *)text);
        in_order += message.locate == last + 1;
        last = message.locate;
    }
    EXPECT_U64(count, options.symbols);
    EXPECT(in_order < 100);
    qsort(names, count, sizeof *names, descending);
    for (uint32_t i = 1; i < count; i++)
        EXPECT(names[i] != names[i - 1]);
    free(names);
    sim_session_free(session);
}

TEST(simulate, crosses_print_what_left_the_book_and_a_halted_stock_does_not_trade) {
    sim_options options = {.seed = 21, .symbols = 40, .messages = 100000};
    sim_session *session;
    tw_error error = {0};
    EXPECT_I64(sim_session_alloc(&session, &options, &error), TW_OK);
    itch50_message message;
    uint64_t crossed = 0, match = 0, kinds[128] = {0}, halts = 0;
    uint32_t price = 0;
    while (sim_next(session, &message)) {
        if (message.type == 'C' && message.u.executed.printable == 'N') {
            if (message.u.executed.match_id != match) crossed = 0;
            match = message.u.executed.match_id;
            price = message.u.executed.price;
            crossed += message.u.executed.shares;
        }
        if (message.type == 'H')
            halts += message.u.trading_action.state == 'H' || message.u.trading_action.state == 'P';
        if (message.type != 'Q') continue;
        kinds[message.u.cross.cross & 127]++;
        if (message.u.cross.match_id != match) continue;
        EXPECT(message.u.cross.shares >= crossed);
        EXPECT_U64(message.u.cross.price, price);
    }
    EXPECT(kinds['O'] > 20 && kinds['C'] > 20 && kinds['H'] >= 3);
    EXPECT(halts >= 4);
    sim_session_free(session);
}

TEST(simulate, random_days_keep_their_promises) {
    for (uint64_t seed = 1000; seed < 1040; seed++) {
        uint32_t symbols = (uint32_t)(1 + seed * 7919 % 90);
        day_crc(seed, symbols, sim_minimum_messages(symbols) + seed * 104729 % 20000);
    }
}
