/*
 * The books a client keeps, found by exchange, symbol and channel. Bounded: book_store_add answers NULL at
 * `max_books`. A book's address stays the same until it is removed.
 */
#ifndef TICKWIRE_CLIENT_BOOK_STORE_H
#define TICKWIRE_CLIENT_BOOK_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/feed_watch.h"
#include "client/receiver.h"
#include "client/tickwire.h"
#include "proto/subject.h"

/* The levels come last: what every message needs is in one piece then, and fetched together (book_store_of_subject). */
typedef struct client_book {
    char subject[SUBJECT_BYTES];
    char exchange[TW_MIC_BYTES];
    char symbol[TW_SYMBOL_BYTES];
    subject_channel channel;
    wire_start start;   /* of its messages */
    feed_entry *feed;   /* NULL until the first message tells the partition */
    tickwire_book view; /* what the caller sees */
    tw_book_state shown_state;
    tw_state_cause shown_cause;
    uint32_t unhealed;     /* replies in a row that covered it and did not have it */
    int64_t not_before_ns; /* no wish for a snapshot earlier */
    /* Subscriptions that this book's changes go to; rebuilt when `generation` is not the client's. */
    tickwire_subscription **listeners;
    uint32_t listener_count;
    uint32_t listener_capacity;
    uint64_t generation;
    uint64_t hash;     /* of the subject */
    uint32_t position; /* in book_store.books */
    receiver_book receiver;
} client_book;

/* The hash beside the book: books lie far from each other. */
typedef struct book_slot {
    uint64_t hash;
    client_book *book; /* NULL: free */
} book_slot;

typedef struct book_store {
    client_book **books; /* count of them, in no order */
    uint32_t count;
    uint32_t capacity;
    uint32_t max_books;
    book_slot *slots; /* open addressing, linear; slot_count is a power of two */
    uint32_t slot_count;
} book_store;

bool book_store_init(book_store *store, uint32_t max_books); /* false: no memory */
void book_store_fini(book_store *store, receiver_hold *hold);

client_book *book_store_of_subject(const book_store *store, const char *subject);
client_book *book_store_find(const book_store *store, const char *exchange, const char *symbol,
                             subject_channel channel);
/* A new book. NULL: `max_books` reached, no memory, or a symbol that has no subject. */
client_book *book_store_add(book_store *store, const char *exchange, const char *symbol, subject_channel channel);
void book_store_remove(book_store *store, client_book *book, receiver_hold *hold);

#endif
