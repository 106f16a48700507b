/*
 * Large zeroed tables straight from the operating system: page aligned, in large pages where the system has
 * them, and not resident until they are touched, so that a generous bound costs only what is used of it.
 */
#ifndef TICKWIRE_ORDERBOOK_PAGES_H
#define TICKWIRE_ORDERBOOK_PAGES_H

#include <stddef.h>

/* `bytes` (above 0) rounded up to what ob_pages_alloc really takes. */
size_t ob_pages_round(size_t bytes);

/* Zeroed memory, or NULL. Free with ob_pages_free and the same `bytes`. Its first 2 MiB are in small pages: a table that stays small takes no more than
 * it needs. */
void *ob_pages_alloc(size_t bytes);
/* The same in small pages only: for what is filled from its beginning on and hardly looked back at. It gains nothing from large ones, and whoever
 * touches one first waits until all of its 2 MiB are clear. */
void *ob_pages_alloc_small(size_t bytes);
void ob_pages_free(void *pages, size_t bytes); /* NULL is fine */

/* Makes all of it zero again and gives the memory back to the system until it is touched. */
void ob_pages_zero(void *pages, size_t bytes);

#endif
