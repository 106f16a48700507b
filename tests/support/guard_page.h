/* Bytes that end where reading on is a crash: a page with no access right behind them. */
#ifndef TICKWIRE_TESTS_SUPPORT_GUARD_PAGE_H
#define TICKWIRE_TESTS_SUPPORT_GUARD_PAGE_H

#include <stddef.h>
#include <stdint.h>

typedef struct guard_page {
    uint8_t *memory;
    size_t usable; /* bytes before the guard */
    size_t mapped;
} guard_page;

/* Maps room for at least `bytes`. Ends the program if the system has none. */
void guard_page_open(guard_page *page, size_t bytes);
void guard_page_close(guard_page *page);

/* Copies `length` bytes (at most `usable`) so that their last byte is the last that may be read. */
uint8_t *guard_page_place(guard_page *page, const void *bytes, size_t length);

#endif
