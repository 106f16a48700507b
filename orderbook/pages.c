/* Large zeroed tables: mmap, and hints to the kernel that nobody depends on. */
#include "orderbook/pages.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_BYTES ((size_t)4096)
#define SMALL_BYTES                                                                                                \
    ((size_t)2 << 20) /* of each table: one that stays small does not take, and clear, a large page */

size_t ob_pages_round(size_t bytes) {
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

void *ob_pages_alloc_small(size_t bytes) {
    void *pages = mmap(NULL, ob_pages_round(bytes), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return pages != MAP_FAILED ? pages : NULL;
}

void *ob_pages_alloc(size_t bytes) {
    char *pages = ob_pages_alloc_small(bytes);
    if (pages != NULL && bytes > SMALL_BYTES) /* a kernel without large pages says no; that is fine */
        (void)madvise(pages + SMALL_BYTES, ob_pages_round(bytes) - SMALL_BYTES, MADV_HUGEPAGE);
    return pages;
}

void ob_pages_free(void *pages, size_t bytes) {
    if (pages != NULL) munmap(pages, ob_pages_round(bytes));
}

void ob_pages_zero(void *pages, size_t bytes) {
    if (madvise(pages, ob_pages_round(bytes), MADV_DONTNEED) != 0) memset(pages, 0, bytes); /* locked memory */
}
