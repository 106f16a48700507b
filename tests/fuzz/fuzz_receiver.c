/*
 * The receiver's rules against any order of any book updates, for two books that share one hold: bounds hold, and a
 * book that says it is in sync has the checksum that its publisher gave it.
 *
 * The input: records of a choice byte, 2 byte length, an encoded BookUpdate. The choice's bits: 1 the second book,
 * 2 the bus was away first, 4 put the checksum right (for the levels in the message), 8 small numbers, so that
 * chains come about.
 */
#include "client/receiver.h"

#include "tests/fuzz/fuzz.h"

#define BOOKS 2

static void check_side(const tw_level *levels, uint32_t count, uint32_t depth, int64_t direction) {
    FUZZ_CHECK(count <= depth && depth <= TW_MAX_DEPTH);
    for (uint32_t i = 1; i < count; i++)
        FUZZ_CHECK(direction > 0 ? levels[i].price > levels[i - 1].price : levels[i].price < levels[i - 1].price);
}

static void check_book(const receiver_book *book, const receiver_hold *hold) {
    tw_state_cause cause;
    check_side(book->bids, book->bid_count, book->depth, -1);
    check_side(book->asks, book->ask_count, book->depth, 1);
    FUZZ_CHECK(book->held.count <= RECEIVER_MAX_HELD && hold->head - hold->tail <= hold->capacity);
    FUZZ_CHECK((book->held.count == 0) == (book->held.first == HOLD_NONE));
    tw_book_state state = receiver_book_state(book, &cause);
    if (!receiver_book_in_sync(book)) {
        FUZZ_CHECK(state != TW_BOOK_OK);
        return;
    }
    FUZZ_CHECK(book->has_base && book->held.count == 0);
    FUZZ_CHECK(book->header.seq == book->newest_seq && book->header.term == book->newest_term);
    FUZZ_CHECK(book->checksum ==
               wire_book_checksum(book->bids, book->bid_count, book->asks, book->ask_count, book->depth));
}

static void take(receiver_book *book, receiver_hold *hold, uint8_t choice, wire_book_update *update) {
    if (choice & 2) receiver_book_doubt(book);
    if (choice & 8) {
        update->header.term &= 1;
        update->header.seq &= 7;
        update->header.prev_seq &= 7;
        update->header.epoch[1] = '\0';
        update->depth = update->depth % TW_MAX_DEPTH + 1;
    }
    if (choice & 4)
        update->checksum =
            wire_book_checksum(update->bids, update->bid_count, update->asks, update->ask_count, update->depth);
    receiver_outcome outcome = receiver_book_take(book, hold, update);
    FUZZ_CHECK(receiver_outcome_name(outcome)[0] != '?');
    FUZZ_CHECK(outcome != RECEIVER_NEED_SNAPSHOT || !receiver_book_in_sync(book));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static receiver_hold hold;
    static receiver_book books[BOOKS];
    static wire_arena arena;
    fuzz_input input = {bytes, length};
    if (arena.block == NULL) FUZZ_CHECK(wire_arena_init(&arena, WIRE_ARENA_BYTES));
    FUZZ_CHECK(receiver_hold_init(&hold, 65536));
    for (int i = 0; i < BOOKS; i++)
        receiver_book_init(&books[i]);
    while (input.left > 0) {
        wire_book_update update;
        uint8_t choice = fuzz_u8(&input);
        size_t piece_length;
        uint8_t *piece = fuzz_piece(&input, fuzz_u16(&input) & 4095u, &piece_length, 0);
        if (wire_book_update_decode(&arena, piece, piece_length, &update) == WIRE_OK) {
            take(&books[choice & 1], &hold, choice, &update);
            check_book(&books[choice & 1], &hold);
        }
        free(piece);
    }
    for (int i = 0; i < BOOKS; i++)
        receiver_book_fini(&books[i], &hold);
    receiver_hold_fini(&hold);
    return 0;
}
