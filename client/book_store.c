/* The map of books. What a book says is the receiver's business. */
#include "client/book_store.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"

#define FIRST_SLOTS         1024u
#define CACHE_LINE          64u
#define FETCHED_LEVEL_BYTES (10 * sizeof(tw_level)) /* of each side: most books' depth */

bool book_store_init(book_store *store, uint32_t max_books) {
    *store = (book_store){.max_books = max_books, .slot_count = FIRST_SLOTS};
    store->slots = calloc(store->slot_count, sizeof *store->slots);
    return store->slots != NULL;
}

static void free_book(client_book *book, receiver_hold *hold) {
    receiver_book_fini(&book->receiver, hold);
    free(book->listeners);
    free(book);
}

void book_store_fini(book_store *store, receiver_hold *hold) {
    for (uint32_t i = 0; i < store->count; i++)
        free_book(store->books[i], hold);
    free(store->books);
    free(store->slots);
    *store = (book_store){0};
}

/* Of thousands of books hardly one is in the cache when its message comes: its lines are fetched together, not each when it is missed. */
static void fetch(const client_book *book) {
    const char *start = (const char *)book;
    const size_t bids = offsetof(client_book, receiver.bids), asks = offsetof(client_book, receiver.asks);
#pragma GCC unroll 64
    for (size_t at = 0; at < bids + FETCHED_LEVEL_BYTES; at += CACHE_LINE)
        __builtin_prefetch(start + at);
#pragma GCC unroll 8
    for (size_t at = 0; at < FETCHED_LEVEL_BYTES; at += CACHE_LINE)
        __builtin_prefetch(start + asks + at);
}

client_book *book_store_of_subject(const book_store *store, const char *subject) {
    uint64_t hash = tw_hash_text(subject, strlen(subject));
    uint32_t mask = store->slot_count - 1;
    for (uint32_t i = (uint32_t)hash & mask; store->slots[i].book != NULL; i = (i + 1) & mask)
        if (store->slots[i].hash == hash) {
            fetch(store->slots[i].book);
            if (strcmp(store->slots[i].book->subject, subject) == 0) return store->slots[i].book;
        }
    return NULL;
}

client_book *book_store_find(const book_store *store, const char *exchange, const char *symbol,
                             subject_channel channel) {
    char subject[SUBJECT_BYTES];
    bool whole = subject_instrument(subject, sizeof subject, exchange, symbol, channel);
    return whole ? book_store_of_subject(store, subject) : NULL;
}

static void place(book_slot *slots, uint32_t slot_count, client_book *book) {
    uint32_t mask = slot_count - 1, i = (uint32_t)book->hash & mask;
    while (slots[i].book != NULL)
        i = (i + 1) & mask;
    slots[i] = (book_slot){.hash = book->hash, .book = book};
}

/* Room for one more, at most half of the slots in use. */
static bool grow(book_store *store) {
    if (store->count == store->capacity) {
        uint32_t capacity = store->capacity == 0 ? 256 : 2 * store->capacity;
        client_book **books = realloc(store->books, capacity * sizeof *books);
        if (books == NULL) return false;
        store->books = books;
        store->capacity = capacity;
    }
    if (2 * (store->count + 1) <= store->slot_count) return true;
    book_slot *slots = calloc((size_t)store->slot_count * 2, sizeof *slots);
    if (slots == NULL) return false;
    for (uint32_t i = 0; i < store->count; i++)
        place(slots, store->slot_count * 2, store->books[i]);
    free(store->slots);
    store->slots = slots;
    store->slot_count *= 2;
    return true;
}

client_book *book_store_add(book_store *store, const char *exchange, const char *symbol, subject_channel channel) {
    if (store->count >= store->max_books || !grow(store)) return NULL;
    client_book *book = calloc(1, sizeof *book);
    if (book == NULL) return NULL;
    receiver_book_init(&book->receiver);
    book->channel = channel;
    if (!tw_text_copy(book->exchange, sizeof book->exchange, exchange) ||
        !tw_text_copy(book->symbol, sizeof book->symbol, symbol) ||
        !subject_instrument(book->subject, sizeof book->subject, exchange, symbol, channel)) {
        free(book);
        return NULL;
    }
    book->hash = tw_hash_text(book->subject, strlen(book->subject));
    book->position = store->count;
    store->books[store->count++] = book;
    place(store->slots, store->slot_count, book);
    return book;
}

/* Empties a slot and moves what follows it in the run back, so that no search ends too early. */
static void vacate(book_store *store, const client_book *book) {
    uint32_t mask = store->slot_count - 1, hole = (uint32_t)book->hash & mask;
    while (store->slots[hole].book != book)
        hole = (hole + 1) & mask;
    for (uint32_t i = (hole + 1) & mask; store->slots[i].book != NULL; i = (i + 1) & mask) {
        uint32_t home = (uint32_t)store->slots[i].hash & mask;
        if (((i - home) & mask) < ((i - hole) & mask)) continue;
        store->slots[hole] = store->slots[i];
        hole = i;
    }
    store->slots[hole] = (book_slot){0};
}

void book_store_remove(book_store *store, client_book *book, receiver_hold *hold) {
    vacate(store, book);
    client_book *last = store->books[--store->count];
    store->books[book->position] = last;
    last->position = book->position;
    free_book(book, hold);
}
